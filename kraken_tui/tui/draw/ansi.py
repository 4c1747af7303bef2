"""Runs as text with ANSI colour codes, for the `plot` command."""

from __future__ import annotations

from collections.abc import Iterable

from kraken_tui.tui.draw.runs import Line, printed
from kraken_tui.tui.draw.themes import Palette

_SGR_256 = {
    "black": 0, "red": 1, "green": 2, "yellow": 3, "blue": 4, "magenta": 5, "cyan": 6, "white": 7, "bright_black": 8,
    "bright_red": 9, "bright_green": 10, "bright_yellow": 11, "bright_blue": 12, "bright_magenta": 13,
    "bright_cyan": 14, "bright_white": 15,
}  # fmt: skip
_UPPER = str.maketrans(" ▁▂▃▄▅▆▇█", "███▀▀▀▔▔ ")


def _sgr(palette: Palette, role: str, ground: bool) -> str:
    name = palette.colours[role]
    lead = 48 if ground else 38
    if name.startswith("#"):
        return f"{lead};2;{int(name[1:3], 16)};{int(name[3:5], 16)};{int(name[5:7], 16)}"
    return f"{lead};5;{_SGR_256[name]}" if name in _SGR_256 else ""


def _codes(palette: Palette, key: str) -> str:
    role, _, ground = key.lstrip("!~").partition("/")
    codes = [_sgr(palette, role, False), _sgr(palette, ground, True) if ground else ""]
    codes += ["1"] * key.startswith("!") + ["7"] * key.startswith("~")
    return ";".join(code for code in codes if code)


def ansi_text(lines: Iterable[Line], palette: Palette | None) -> str:
    """Lines as text with ANSI colour codes; without a palette as plain text."""
    if palette is None:
        return "\n".join(
            "".join(_unreversed(text) if key[0] == "~" else printed(text) for text, key in line) for line in lines
        )
    rows: list[str] = []
    for line in lines:
        parts = [
            f"\x1b[{codes}m{printed(text)}\x1b[0m"
            if (codes := _codes(palette, key)) and text.strip()
            else printed(text)
            for text, key in line
            if text
        ]
        rows.append("".join(parts))
    return "\n".join(rows)


def _unreversed(text: str) -> str:
    """Blocks that were to be shown in reverse video, as near as glyphs alone can: the upper part of their cell."""
    return text.translate(_UPPER)
