"""Colours as plain data: named roles, and a palette of them for each theme and each kind of terminal.

Drawings never name a colour. They write style keys, `[! or ~]role[/background role]`: "bid", "muted/cursor" (a role
on the background of another), "!text" (bold), "~warn" (reverse video: the terminal swaps the two colours, which also
holds where they are its own defaults or it has none).

What is read has a contrast of 4.5:1 on every ground it may stand on, and neighbouring roles differ in brightness as
well as in hue (tests/tui/draw/test_themes.py). Few accents: most of a screen is text and muted.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

import msgspec

ROLES = (
    "bg", "text", "bright", "muted", "faint", "title", "rule", "accent",
    "bid", "bid-bar", "bid-faint", "ask", "ask-bar", "ask-faint",
    "up", "down", "touch", "cursor", "changed", "band",
    "ok", "warn", "bad", "stale", "mode", "badge", "tab", "rise", "fall",
    *(f"heat{level}" for level in range(12)), "heat-bought", "heat-sold", "unknown",
)  # fmt: skip
"""Every role a palette must colour.

bg: screen. text, bright, muted (labels), faint (grid; nothing that is read). title, rule: pane titles and their
lines. bid, ask: text; -bar: bar cells; -faint: background behind numbers. up, down: last price.
touch: best bid and ask row background. cursor: cursor row background. changed: background of a number changed in
the last 300 ms. band: marks of the recentring band. ok, warn, bad, stale: badges. mode: DEMO, REPLAY, PAUSED, END,
which are no faults. badge: text on a badge colour. tab: background of the active tab. rise, fall: candles (up and
down are text). heat0 to heat11: resting size on the heatmap, from nothing to the largest; heat-bought, heat-sold:
marks of trades on its darker half. unknown: ground of a cell of which nothing is known.
"""


class Palette(msgspec.Struct, frozen=True):
    """One theme's colours for one kind of terminal.

    Attributes:
        name: Name of the palette; that of the theme where the terminal has all colours.
        colours: By role "#rrggbb", or the name of one of the terminal's own colours where `ansi`.
        dark: Whether the background is dark.
        ansi: Whether the colours are the terminal's own 16.
        theme: Name of the theme that the user chooses; "" for `name`.
    """

    name: str
    colours: Mapping[str, str]
    dark: bool = True
    ansi: bool = False
    theme: str = ""


_MIDDLE = 0.18
"""Luminance of a grey that looks half as bright as white: a darker ground is dark."""

_C = TypeVar("_C", int, str)


def _ramp(*colours: _C) -> dict[str, _C]:
    """Roles heat0 to heat11 from twelve colours, each further from the ground than the one before."""
    return {f"heat{level}": colour for level, colour in enumerate(colours)}


_TRUE_DARK_RAMP = "#0a0e14 #0e1a29 #112a43 #133c5f #155078 #18668a #1f7d90 #31948a #58a976 #92bc5c #d0cd52 #fff0a0"
_TRUE_LIGHT_RAMP = "#ffffff #f0f4f8 #dde8f2 #c5daeb #a8c9e2 #86b5d8 #619fcc #4186bb #2c6ca6 #1f528c #163a6e #0d2149"

_TRUE_DARK: dict[str, str] = {
    "bg": "#0d1117", "text": "#c9d1d9", "bright": "#ffffff", "muted": "#939ca6", "faint": "#505862",
    "title": "#a9bacb", "rule": "#2b333d", "accent": "#6cb6ff",
    "bid": "#4fc46b", "bid-bar": "#1f7f3a", "bid-faint": "#0f2e1a",
    "ask": "#ff7b72", "ask-bar": "#a93a35", "ask-faint": "#3a191b",
    "up": "#4fc46b", "down": "#ff7b72", "touch": "#19212c", "cursor": "#1b3050", "changed": "#27313e",
    "band": "#b08800", "ok": "#4fc46b", "warn": "#dba630", "bad": "#ff7b72", "stale": "#dba630",
    "badge": "#0d1117", "tab": "#1f2a38", "mode": "#a5b4fc", "rise": "#4fc46b", "fall": "#f0625a",
    **_ramp(*_TRUE_DARK_RAMP.split()), "heat-bought": "#7ee787", "heat-sold": "#ff9a92", "unknown": "#1c1e22",
}  # fmt: skip

_TRUE_LIGHT: dict[str, str] = {
    "bg": "#ffffff", "text": "#24292f", "bright": "#000000", "muted": "#57606a", "faint": "#a3abb4",
    "title": "#3b4b5e", "rule": "#d0d7de", "accent": "#0550ae",
    "bid": "#116329", "bid-bar": "#5fb876", "bid-faint": "#d7f2dd",
    "ask": "#b01923", "ask-bar": "#ea807a", "ask-faint": "#ffe1df",
    "up": "#116329", "down": "#b01923", "touch": "#eef1f5", "cursor": "#cfe3ff", "changed": "#dfe6ee",
    "band": "#9a6700", "ok": "#116329", "warn": "#7a4f00", "bad": "#b01923", "stale": "#7a4f00",
    "badge": "#ffffff", "tab": "#dde8f6", "mode": "#4338ca", "rise": "#2c8a46", "fall": "#cf3a3f",
    **_ramp(*_TRUE_LIGHT_RAMP.split()), "heat-bought": "#0b5d24", "heat-sold": "#a3121c", "unknown": "#ecebe8",
}  # fmt: skip

_BLIND = {
    "bid": "#56b4e9", "bid-bar": "#2a6f97", "bid-faint": "#122d40",
    "ask": "#e69f00", "ask-bar": "#9c6c00", "ask-faint": "#3a2a08",
    "up": "#56b4e9", "down": "#e69f00", "accent": "#d58cb4",
    "ok": "#56b4e9", "warn": "#f0e442", "bad": "#f28a5a", "stale": "#f0e442", "band": "#cc79a7",
    "rise": "#56b4e9", "fall": "#e69f00", "heat-bought": "#9bd8ff", "heat-sold": "#ffc04d",
}  # fmt: skip
"""What the colour-blind theme has instead: blue and orange, after Okabe and Ito."""

# Numbers of the 256: 16 to 231 are a cube of six steps a channel, 232 to 255 greys.
_DARK_256: dict[str, int] = {
    "bg": 232, "text": 252, "bright": 231, "muted": 247, "faint": 239, "title": 152, "rule": 236, "accent": 75,
    "bid": 77, "bid-bar": 28, "bid-faint": 235, "ask": 203, "ask-bar": 124, "ask-faint": 235,
    "up": 77, "down": 203, "touch": 234, "cursor": 18, "changed": 235,
    "band": 136, "ok": 77, "warn": 179, "bad": 203, "stale": 179, "badge": 16, "tab": 235,
    "mode": 147, "rise": 77, "fall": 203,
    **_ramp(232, 233, 17, 18, 23, 24, 30, 36, 71, 107, 185, 229), "heat-bought": 120, "heat-sold": 210, "unknown": 235,
}  # fmt: skip

_LIGHT_256: dict[str, int] = {
    "bg": 231, "text": 235, "bright": 16, "muted": 240, "faint": 248, "title": 238, "rule": 252, "accent": 25,
    "bid": 22, "bid-bar": 71, "bid-faint": 194, "ask": 124, "ask-bar": 174, "ask-faint": 224,
    "up": 22, "down": 124, "touch": 255, "cursor": 189, "changed": 253,
    "band": 136, "ok": 22, "warn": 58, "bad": 124, "stale": 58, "badge": 231, "tab": 254,
    "mode": 55, "rise": 28, "fall": 160,
    **_ramp(231, 255, 189, 153, 117, 75, 69, 32, 26, 25, 18, 17), "heat-bought": 22, "heat-sold": 88, "unknown": 254,
}  # fmt: skip

_BLIND_256 = {
    "bid": 75, "bid-bar": 25, "ask": 214, "ask-bar": 130,
    "up": 75, "down": 214, "accent": 182, "ok": 75, "warn": 227, "bad": 209, "stale": 227, "band": 175,
    "rise": 75, "fall": 214, "heat-bought": 117, "heat-sold": 215,
}  # fmt: skip

# Of 16 colours only the terminal's own text on its own ground is known to be legible: Solarized has greys for most of
# the bright ones, Tango's green is too dark for a dark ground and too light for a light one. So what is read is text,
# emphasis is bold or reverse (`Styles`), and colour is left to bars and lines.
_TERMINAL: dict[str, str] = {
    "bg": "default", "text": "default", "bright": "default", "muted": "default", "faint": "blue",
    "title": "default", "rule": "blue", "accent": "default",
    "bid": "default", "bid-bar": "green", "bid-faint": "default",
    "ask": "default", "ask-bar": "bright_red", "ask-faint": "default",
    "up": "default", "down": "default", "touch": "default", "cursor": "default", "changed": "default",
    "band": "blue", "ok": "default", "warn": "default", "bad": "default", "stale": "default",
    "badge": "default", "tab": "default", "mode": "default", "rise": "green", "fall": "bright_red",
    **_ramp(*["default"] * 12), "heat-bought": "green", "heat-sold": "bright_red", "unknown": "default",
}  # fmt: skip

_THEMES: dict[str, Palette] = {
    "dark": Palette("dark", _TRUE_DARK),
    "light": Palette("light", _TRUE_LIGHT, dark=False),
    "colour-blind": Palette("colour-blind", _TRUE_DARK | _BLIND),
    "terminal": Palette("terminal", _TERMINAL, ansi=True),
}

PALETTES: Mapping[str, Palette] = MappingProxyType(_THEMES)
"""Themes, the built-in ones first: the palette of each where the terminal has all colours."""

BASES = ("dark", "light", "colour-blind")
"""Built-in themes that a theme of the user's may begin with."""


def _of_256(numbers: Mapping[str, int]) -> dict[str, str]:
    return {role: _hex(number) for role, number in numbers.items()}


def _hex(number: int) -> str:
    """The colour that stands for a number of the 256: whoever reduces it to 256 colours arrives at that number."""
    if number >= 232:
        # Rich takes 25 steps from black to white for the greys, terminals have 24.
        return "#" + f"{round((number - 231) * 10.2):02x}" * 3
    steps = ((number - 16) // 36, (number - 16) // 6 % 6, (number - 16) % 6)
    return "#" + "".join(f"{55 + 40 * step if step else 0:02x}" for step in steps)


def _of_16(ground: str, text: str, bid: str, ask: str) -> dict[str, str]:
    """The terminal theme on a ground of its own."""
    named = {role: {"default": text}.get(colour, colour) for role, colour in _TERMINAL.items()}
    grounds = ("bg", "unknown", "bid-faint", "ask-faint", "touch", "changed", *(f"heat{level}" for level in range(12)))
    bought, sold = ("bid-bar", "rise", "heat-bought"), ("ask-bar", "fall", "heat-sold")
    return named | dict.fromkeys(grounds, ground) | dict.fromkeys(bought, bid) | dict.fromkeys(sold, ask)


_POORER = (
    Palette("dark-256", _of_256(_DARK_256), theme="dark"),
    Palette("light-256", _of_256(_LIGHT_256), dark=False, theme="light"),
    Palette("colour-blind-256", _of_256(_DARK_256 | _BLIND_256), theme="colour-blind"),
    Palette("dark-16", _of_16("black", "white", "green", "bright_red"), ansi=True, theme="dark"),
    Palette("light-16", _of_16("bright_white", "black", "green", "red"), dark=False, ansi=True, theme="light"),
    Palette("colour-blind-16", _of_16("black", "white", "bright_blue", "yellow"), ansi=True, theme="colour-blind"),
)  # fmt: skip

_ALL: dict[str, Palette] = {**PALETTES, **{palette.name: palette for palette in _POORER}}

ALL_PALETTES: Mapping[str, Palette] = MappingProxyType(_ALL)
"""Every palette by its own name."""

_BASES_256 = {"dark": _DARK_256, "light": _LIGHT_256, "colour-blind": _DARK_256 | _BLIND_256}


def add_theme(name: str, colours: Mapping[str, str], base: str = "") -> None:
    """Add a theme, or replace it, with a palette for each kind of terminal.

    Of 256 colours it has the nearest ones where it differs from its base; of 16 it has those of its base.

    Args:
        name: None of a built-in palette.
        colours: "#rrggbb" by role; all roles, or with a base those that differ.
        base: One of `BASES`; "" for a theme of its own.
    """
    # Only themes of the user's are judged while the program runs.
    from kraken_tui.tui.draw.contrast import luminance, rgb

    whole = {**(PALETTES[base].colours if base else {}), **colours}
    dark = luminance(rgb(whole["bg"])) < _MIDDLE
    own = {role: nearest_256(colour) for role, colour in colours.items()}
    numbers = {**(_BASES_256[base] if base else {}), **own}
    poor = ALL_PALETTES[f"{base or ('dark' if dark else 'light')}-16"]
    _THEMES[name] = Palette(name, whole, dark)
    _ALL[name] = _THEMES[name]
    _ALL[f"{name}-256"] = Palette(f"{name}-256", _of_256(numbers), dark, theme=name)
    _ALL[f"{name}-16"] = Palette(f"{name}-16", poor.colours, poor.dark, ansi=True, theme=name)


def drop_theme(name: str) -> None:
    """Take a theme away that was added."""
    del _THEMES[name]
    for palette in (name, f"{name}-256", f"{name}-16"):
        del _ALL[palette]


def nearest_256(colour: str) -> int:
    """The number of the 256, from 16 on, whose colour is most like "#rrggbb"."""
    from kraken_tui.tui.draw.contrast import rgb

    wanted = rgb(colour)

    def distance(number: int) -> int:
        return sum((one - other) ** 2 for one, other in zip(rgb(_shown_256(number)), wanted, strict=True))

    return min(range(16, 256), key=distance)


def shown_colours(palette: Palette) -> Mapping[str, str]:
    """The colours of a palette that is not `ansi` as a terminal shows them, "#rrggbb" by role."""
    if not palette.name.endswith("-256"):
        return palette.colours
    numbers = {_hex(number): number for number in range(16, 256)}
    return {role: _shown_256(numbers[colour]) for role, colour in palette.colours.items()}


def _shown_256(number: int) -> str:
    return "#" + f"{8 + 10 * (number - 232):02x}" * 3 if number >= 232 else _hex(number)


AUTO = "auto"
"""The theme that suits the terminal: `dark`, or `terminal` where it has 16 colours or fewer."""

TRUE_COLOURS = 1 << 24


def worn(theme: str, colours: int = TRUE_COLOURS) -> str:
    """Name of the palette of a theme in a terminal.

    Args:
        theme: One of `PALETTES`, or `AUTO`; any other name is taken for `AUTO`.
        colours: How many colours the terminal has; 0 for none at all.
    """
    if theme not in PALETTES:
        theme = "dark" if colours >= 256 else "terminal"
    if colours < 16:
        return "terminal"
    name = theme if colours >= TRUE_COLOURS else f"{theme}-{256 if colours >= 256 else 16}"
    return name if name in ALL_PALETTES else theme


def theme_of(palette: str) -> str:
    """Name of the theme that a palette belongs to."""
    return ALL_PALETTES[palette].theme or palette
