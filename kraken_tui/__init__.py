"""Live, checksum-proven Kraken order books: a terminal program, and its engine as a library.

The names of `__all__` are what a program may rely on; docs/LIBRARY.md describes them. They are listed in
`kraken_tui.public`, which is imported when the first of them is used. None of them needs Textual.
"""

from typing import TYPE_CHECKING, Any

from kraken_tui._version import __version__ as __version__

if TYPE_CHECKING:
    from kraken_tui.public import *  # noqa: F403
else:
    # Not for type checkers, to which a module with `__getattr__` has every name there is.

    def __getattr__(name: str) -> Any:
        if name == "__all__":
            return [*_public(), "__version__"]
        if name.startswith("_") or name not in _public():
            raise AttributeError(f"module 'kraken_tui' has no attribute {name!r}")
        found = globals()[name] = _public()[name]
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *_public(), "__all__"})


def _public() -> dict[str, Any]:
    from importlib import import_module

    module = import_module("kraken_tui.public")
    return {name: value for name, value in vars(module).items() if not name.startswith("_")}
