"""Every private name of Textual that the terminal's driver builds on, in one place.

Textual is pinned, but a distribution may ship another version. Where a name is missing, `missing_name` says which, and
the program runs on Textual's own driver. Importing this module fails where Textual has no parser of keys by that name.
"""

from __future__ import annotations

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

METHODS = ("_patch_lflag", "_get_terminal_size", "_sigtstp_application", "_sigcont_application")
ATTRIBUTES = (
    "_app",
    "_auto_restart",
    "_debug",
    "_file",
    "_in_band_window_resize",
    "_key_thread",
    "_loop",
    "_must_signal_resume",
    "_writer_thread",
)
PARSER = ("feed", "tick")


def missing_name() -> str:
    """The first name this version of Textual does not have; "" where it has all."""
    inits = (vars(owner).get("__init__") for owner in LinuxDriver.__mro__)
    made = {name for init in inits for name in getattr(getattr(init, "__code__", None), "co_names", ())}
    for owner, names in ((LinuxDriver, METHODS), (XTermParser, PARSER)):
        for name in names:
            if not hasattr(owner, name):
                return f"{owner.__name__}.{name}"
    # Attributes exist only once a driver is made; its constructors name them.
    return next((f"LinuxDriver.{name}" for name in ATTRIBUTES if name not in made), "")


__all__ = ["LinuxDriver", "XTermParser", "missing_name"]
