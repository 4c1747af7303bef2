"""Which colours can be told apart: one rule for built-in themes and for those of the user.

Ratios are those of WCAG 2.2, 1 to 21.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import NamedTuple

RGB = tuple[int, int, int]

READ = ("text", "bright", "muted", "title", "accent", "bid", "ask", "up", "down", "ok", "warn", "bad", "stale", "mode")
"""Roles of what is read."""

GROUNDS = ("bg", "touch", "cursor", "changed", "tab", "bid-faint", "ask-faint")
"""Roles of what it may stand on."""

BADGES = ("ok", "warn", "bad", "stale", "mode", "accent", "bid", "ask", "up", "down", "text")
"""Grounds of a badge's text."""

BARS = ("bid-bar", "ask-bar", "rise", "fall")
NEIGHBOURS = ("text", "muted", "faint", "rule", "bg")
MARKED = ("touch", "cursor", "changed", "tab")
"""Grounds that must differ from the screen's own."""

LEGIBLE = 4.5
VISIBLE = 2.0
SEEN_ON_GROUNDS = 1.5
APART = 1.25
MARKED_APART = 1.1


class Weak(NamedTuple):
    """Two colours that are too much alike.

    Attributes:
        role: What is drawn.
        ground: What it stands on, or beside.
        ratio: Their contrast.
        least: What it should be.
    """

    role: str
    ground: str
    ratio: float
    least: float


def rgb(colour: str) -> RGB:
    """Red, green and blue of "#rrggbb"."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def luminance(colour: RGB) -> float:
    """Relative luminance, 0 to 1."""
    r, g, b = (c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: RGB, other: RGB) -> float:
    """Contrast of two colours."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def weaknesses(colours: Mapping[str, str]) -> list[Weak]:
    """What is hard to read or to tell apart in a palette, the worst first.

    Args:
        colours: "#rrggbb" by role, all roles.
    """
    found = []
    for role, ground, least in _wanted():
        ratio = contrast(rgb(colours[role]), rgb(colours[ground]))
        if ratio < least:
            found.append(Weak(role, ground, ratio, least))
    return sorted(found, key=lambda each: each.ratio / each.least)


def _wanted() -> Iterator[tuple[str, str, float]]:
    for ground in GROUNDS:
        yield from ((role, ground, LEGIBLE) for role in READ)
        yield from ((role, ground, VISIBLE if ground == "bg" else SEEN_ON_GROUNDS) for role in BARS)
    yield from (("badge", ground, LEGIBLE) for ground in BADGES)
    yield from ((one, other, APART) for one, other in combinations(NEIGHBOURS, 2))
    yield from ((ground, "bg", MARKED_APART) for ground in MARKED)
    yield from ((side, f"{side}-bar", SEEN_ON_GROUNDS) for side in ("bid", "ask"))
