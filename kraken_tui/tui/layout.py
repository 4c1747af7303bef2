"""Which pane stands where, for any size of terminal: exact cells, no overlap.

Pure arithmetic, so that every size can be tested. The main screen asks once a resize or change of view, never per
frame, and gives each pane its rectangle; panes that are not in the answer are hidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

MINIMUM_WIDTH = 60
MINIMUM_HEIGHT = 18
"""Below this many cells the screen says so instead of drawing cut numbers."""

MEDIUM_WIDTH = 100
WIDE_WIDTH = 150
TALL_HEIGHT = 30
"""Below this many rows one pane is shown at a time, whatever the width."""

GAUGE_HEIGHT = 8
HEALTH_HEIGHT = 12


class View(StrEnum):
    """What the body of the screen shows."""

    BOOK = "book"
    CHARTS = "charts"
    TAPE = "tape"
    HEALTH = "health"


class Size(StrEnum):
    """Class of a terminal's size."""

    NONE = "none"
    TINY = "tiny"
    SMALL = "small"
    MEDIUM = "medium"
    WIDE = "wide"


PANES: Mapping[View, tuple[str, ...]] = {
    View.BOOK: ("aggregated", "ladder", "gauge", "candles", "tape", "flow", "health"),
    View.CHARTS: ("charts",),
    View.TAPE: ("tape", "flow"),
    View.HEALTH: ("health", "log"),
}
"""Panes a view may show, the one that matters most first."""

CYCLES: Mapping[View, tuple[str, ...]] = {
    View.BOOK: ("aggregated", "ladder", "candles", "tape"),
    View.CHARTS: ("charts",),
    View.TAPE: ("tape", "flow"),
    View.HEALTH: ("health", "log"),
}
"""Panes that can be shown alone, in the order the key goes through them."""


class Rect(msgspec.Struct, frozen=True):
    """A pane's place on the screen, in cells."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column after it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row after it."""
        return self.y + self.height


Places = dict[str, Rect]


def size_class(width: int, height: int) -> Size:
    """Name the class of a terminal of `width` x `height` cells."""
    if width <= 0 or height <= 0:
        return Size.NONE
    if width < MINIMUM_WIDTH or height < MINIMUM_HEIGHT:
        return Size.TINY
    if width < MEDIUM_WIDTH or height < TALL_HEIGHT:
        return Size.SMALL
    return Size.MEDIUM if width < WIDE_WIDTH else Size.WIDE


def arrange(width: int, height: int, view: View = View.BOOK, *, alone: str | None = None, badge: int = 0) -> Places:
    """Place the panes of a view.

    Args:
        width, height: Of the terminal, cells; any whole numbers.
        view: What the body shows.
        alone: The one pane that gets the whole body (maximised, or chosen on a small screen).
        badge: Width of the badge in the upper right corner (PAUSED), 0 for none.

    Returns:
        Rectangle by pane name. No two overlap, all lie inside the screen and none is empty. Neighbouring columns
        have one blank column between them.
    """
    size = size_class(width, height)
    if size is Size.NONE:
        return {}
    if size is Size.TINY:
        return {"too_small": Rect(0, 0, width, height)}
    header = 1 if size is Size.SMALL else 2
    places: Places = {
        "tabs": Rect(0, 0, width - badge, 1),
        "header": Rect(0, 1, width, header),
        "footer": Rect(0, height - 1, width, 1),
    }
    if badge:
        places["badge"] = Rect(width - badge, 0, badge, 1)
    body = Rect(0, 1 + header, width, height - header - 2)
    places |= _body(body, size, view, alone)
    return places


def _body(body: Rect, size: Size, view: View, alone: str | None) -> Places:
    if alone not in PANES[view]:
        alone = None
    if view is View.CHARTS:
        return {"charts": body}
    if view is View.HEALTH and alone is None:
        return _side_by_side(body, size, "health", "log")
    if view is View.TAPE and alone is None:
        return _side_by_side(body, size, "tape", "flow")
    if size is Size.SMALL:
        return _single(body, alone or PANES[view][0])
    if alone:
        return {alone: body}
    return _medium_book(body) if size is Size.MEDIUM else _wide_book(body)


def _single(body: Rect, name: str) -> Places:
    """One pane; the book keeps one row of imbalance under it, where the eye looks for it."""
    if name not in ("aggregated", "ladder"):
        return {name: body}
    top, bottom = _split_rows(body, 1)
    return {name: top, "gauge": bottom}


def _side_by_side(body: Rect, size: Size, first: str, second: str) -> Places:
    """Two panes: beside each other where there is room, else one above the other."""
    if size is Size.SMALL:
        top, bottom = _split_rows(body, body.height * 2 // 5)
        return {first: top, second: bottom}
    left, right = _columns(body, [body.width * 2 // 5])
    return {first: left, second: right}


def _medium_book(body: Rect) -> Places:
    spare = body.width - MEDIUM_WIDTH
    ladder, aggregated, candles = _columns(body, [34 + spare // 5, 38 + spare * 2 // 5])
    ladder, gauge = _split_rows(ladder, GAUGE_HEIGHT)
    return {"ladder": ladder, "gauge": gauge, "aggregated": aggregated, "candles": candles}


def _wide_book(body: Rect) -> Places:
    spare = body.width - WIDE_WIDTH
    # From 46 cells the aggregated book has its traded volumes, from 60 the ladder its notional.
    # Flow events under the candles want 38; the tape is whole from 31.
    tape_width = 31 + min(max(0, spare - 10) // 5, 12)
    ladder_width = 40 + min(spare * 2 // 7, 22)
    aggregated_width = 46 + min(max(0, spare - 10) // 6, 30)
    candles_width = body.width - tape_width - ladder_width - aggregated_width - 3
    ladder, aggregated, candles, tape = _columns(body, [ladder_width, aggregated_width, candles_width])
    ladder, gauge = _split_rows(ladder, GAUGE_HEIGHT)
    candles, flow = _split_rows(candles, min(HEALTH_HEIGHT, body.height * 2 // 5))
    tape, health = _split_rows(tape, min(HEALTH_HEIGHT, body.height // 2))
    return {
        "ladder": ladder,
        "gauge": gauge,
        "aggregated": aggregated,
        "candles": candles,
        "flow": flow,
        "tape": tape,
        "health": health,
    }


def _split_rows(rect: Rect, bottom: int) -> tuple[Rect, Rect]:
    """Cut `bottom` rows off the lower end."""
    top = rect.height - bottom
    return Rect(rect.x, rect.y, rect.width, top), Rect(rect.x, rect.y + top, rect.width, bottom)


def _columns(rect: Rect, widths: list[int]) -> list[Rect]:
    """Columns of these widths and one of what is left, a blank column between them."""
    columns: list[Rect] = []
    x = rect.x
    for width in widths:
        columns.append(Rect(x, rect.y, width, rect.height))
        x += width + 1
    columns.append(Rect(x, rect.y, rect.right - x, rect.height))
    return columns
