"""Colours as plain data: named roles, and a palette of them for each theme.

Drawings never name a colour. They write style keys, `[! or ~]role[/background role]`: "bid", "muted/cursor" (a role
on the background of another), "!text" (bold), "~warn" (reverse video: the terminal swaps the two colours, which also
holds where they are its own defaults or it has none).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

ROLES = (
    "bg", "text", "bright", "muted", "faint", "title", "rule", "accent",
    "bid", "bid-bar", "bid-faint", "ask", "ask-bar", "ask-faint",
    "up", "down", "touch", "cursor", "changed", "band",
    "ok", "warn", "bad", "stale", "badge", "tab",
    *(f"heat{level}" for level in range(12)), "heat-bought", "heat-sold",
)  # fmt: skip
"""Every role a palette must colour.

bg: screen. text, bright, muted (labels), faint (insignificant digits, grid). title, rule: pane titles and their
lines. bid, ask: text; -bar: bar cells; -faint: background behind numbers. up, down: last price and candles.
touch: best bid and ask row background. cursor: cursor row background. changed: background of a row changed in the
last 300 ms. band: marks of the recentring band. ok, warn, bad, stale: badges. badge: text on a badge colour. tab:
background of the active tab. heat0 to heat11: resting size on the heatmap, from nothing to the largest; heat-bought,
heat-sold: marks of trades on its darker half.
"""


class Palette(msgspec.Struct, frozen=True):
    """One theme's colours.

    Attributes:
        name: Name of the theme.
        colours: "#rrggbb" by role, or the name of one of the terminal's own colours where `ansi`.
        dark: Whether the background is dark.
        ansi: Whether the colours are the terminal's own 16.
    """

    name: str
    colours: Mapping[str, str]
    dark: bool = True
    ansi: bool = False


def _ramp(colours: str) -> dict[str, str]:
    """Roles heat0 to heat11 from twelve colours."""
    return {f"heat{level}": colour for level, colour in enumerate(colours.split())}


# Brightness grows at every step, so that the ramp is read without its hues too.
_DARK_RAMP = _ramp("#0a0e14 #0e1a29 #112a43 #133c5f #155078 #18668a #1f7d90 #31948a #58a976 #92bc5c #d0cd52 #fff0a0")
_LIGHT_RAMP = _ramp("#ffffff #f0f4f8 #dde8f2 #c5daeb #a8c9e2 #86b5d8 #619fcc #4186bb #2c6ca6 #1f528c #163a6e #0d2149")

_DARK = {
    "bg": "#0d1117", "text": "#c9d1d9", "bright": "#ffffff", "muted": "#7d8590", "faint": "#484f58",
    "title": "#9fb3c8", "rule": "#2b333d", "accent": "#58a6ff",
    "bid": "#3fb950", "bid-bar": "#1f7a37", "bid-faint": "#123820",
    "ask": "#f85149", "ask-bar": "#a4342f", "ask-faint": "#451d1f",
    "up": "#3fb950", "down": "#f85149", "touch": "#1a212b", "cursor": "#2d4160", "changed": "#222c38",
    "band": "#b08800", "ok": "#3fb950", "warn": "#d29922", "bad": "#f85149", "stale": "#d29922",
    "badge": "#0d1117", "tab": "#1f2a38",
    **_DARK_RAMP, "heat-bought": "#7ee787", "heat-sold": "#ff9a92",
}  # fmt: skip

_LIGHT = {
    "bg": "#ffffff", "text": "#24292f", "bright": "#000000", "muted": "#57606a", "faint": "#a3abb4",
    "title": "#3b4b5e", "rule": "#d0d7de", "accent": "#0550ae",
    "bid": "#116329", "bid-bar": "#7cc88d", "bid-faint": "#d7f2dd",
    "ask": "#b01923", "ask-bar": "#f0918c", "ask-faint": "#ffe1df",
    "up": "#116329", "down": "#b01923", "touch": "#f0f3f6", "cursor": "#cfe3ff", "changed": "#e8edf2",
    "band": "#9a6700", "ok": "#116329", "warn": "#8a5a00", "bad": "#b01923", "stale": "#8a5a00",
    "badge": "#ffffff", "tab": "#e6eef8",
    **_LIGHT_RAMP, "heat-bought": "#0b5d24", "heat-sold": "#a3121c",
}  # fmt: skip

_COLOUR_BLIND = {
    **_DARK,
    "bid": "#56b4e9", "bid-bar": "#2a6f97", "bid-faint": "#122d40",
    "ask": "#e69f00", "ask-bar": "#9c6c00", "ask-faint": "#3d2c08",
    "up": "#56b4e9", "down": "#e69f00", "accent": "#cc79a7",
    "ok": "#56b4e9", "warn": "#f0e442", "bad": "#e8743b", "stale": "#f0e442", "band": "#cc79a7",
    "heat-bought": "#9bd8ff", "heat-sold": "#ffc04d",
}  # fmt: skip

_TERMINAL = {
    "bg": "default", "text": "default", "bright": "default", "muted": "bright_black", "faint": "bright_black",
    "title": "default", "rule": "bright_black", "accent": "cyan",
    "bid": "green", "bid-bar": "green", "bid-faint": "default",
    "ask": "red", "ask-bar": "red", "ask-faint": "default",
    "up": "green", "down": "red", "touch": "default", "cursor": "blue", "changed": "default",
    "band": "yellow", "ok": "green", "warn": "yellow", "bad": "red", "stale": "yellow",
    "badge": "black", "tab": "blue",
    **dict.fromkeys((f"heat{level}" for level in range(12)), "default"), "heat-bought": "green", "heat-sold": "red",
}  # fmt: skip

PALETTES: Mapping[str, Palette] = {
    "dark": Palette("dark", _DARK),
    "light": Palette("light", _LIGHT, dark=False),
    "colour-blind": Palette("colour-blind", _COLOUR_BLIND),
    "terminal": Palette("terminal", _TERMINAL, ansi=True),
}
"""Built-in palettes by the name of their theme. Blue and orange in the colour-blind one are Okabe and Ito's."""
