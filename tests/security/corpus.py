"""Texts a hostile exchange or file could send, each with a harmless word in it that shows it came through."""

from __future__ import annotations

import re
import unicodedata

WORD = "QZHOSTILE"

HOSTILE = (
    f"\x1b]52;c;cm0gLXJmIH4=\x07{WORD}",  # OSC 52: writes the clipboard
    f"\x1b]8;;http://evil.example/\x1b\\{WORD}\x1b]8;;\x1b\\",  # OSC 8: a link
    f"\x1b]0;{WORD}\x07",  # OSC 0: the window's title, which can be read back as input
    f"\x1b[66;66H\x1b[38;5;201m{WORD}\x1b[?7777h",  # CSI: cursor, colour, mode
    f"\x1bP+q544e\x1b\\{WORD}",  # DCS: asks the terminal
    f"\x1b_G{WORD}\x1b\\",  # APC: pictures
    f"\x9b31m{WORD}\x9d52;c;eA==\x9c",  # the same in C1
    f"\u202e{WORD}\u2066\u200b\u200d\ufeff\u00ad",  # bidirectional and zero width
    f"[bold red]{WORD}[/][@click=app.quit]x[/",  # markup of Rich and Textual
    f"<script>alert('{WORD}')</script>&lt;\"'",  # SVG, HTML
    f"{WORD}\r\n\n2026-01-01 error forged line\x0b\x0c\x85\u2028\u2029",  # forged lines
    f"{WORD}\x00\x08\x7f\ud800",  # NUL, backspace, DEL, a lone surrogate
    WORD * 4000,  # length
    f"{WORD}%s%n{{0}}$(id)`id`;../../x",  # formats, shells, paths
)

_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def unsafe_characters(text: str, allowed: str = "") -> set[str]:
    """Characters that could steer a terminal or deceive a reader."""
    return {c for c in set(text) if c not in allowed and unicodedata.category(c) in _UNSAFE}


OURS = re.compile(
    rb"\x1b\[[0-9;:]*m"  # colours
    rb"|\x1b\[[0-9;]*[HABCDGJKdfXrt]"  # cursor, clearing
    rb"|\x1b\[[<>=?]?[0-9;]*[hlupqc]"  # modes, keyboard protocol, questions about the terminal
    rb"|\x1b\[\?[0-9;]+\$p"  # is this mode known
    rb"|\x1b[78=>()][B0]?"
    rb"|\x1b\]22;[a-z-]{0,20}\x07"  # the mouse pointer's shape
)
"""Every escape sequence the screen has a use for."""


def foreign_escapes(output: bytes) -> list[bytes]:
    """What is left of escape sequences in a terminal's input once our own are taken away."""
    rest = OURS.sub(b"", output)
    found = [rest[at : at + 40] for at in (m.start() for m in re.finditer(rb"\x1b", rest))]
    for hostile in (
        b"\x1b[66;66H",
        b"\x1b[38;5;201m" + WORD.encode(),
        b"\x1b[?7777",
        b"\x1b]52",
        b"\x1b]8",
        b"\x1b]0",
        b"\x1bP",
        b"\x1b_",
    ):
        if hostile in output:
            found.append(hostile)
    return found
