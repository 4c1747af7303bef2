"""Places the panes for any size of terminal: exact cells, no overlap.

Pure arithmetic, so that every size can be tested. The market screen asks at each resize or change of view, never for
each picture, and gives each pane its rectangle; panes that are not in the answer are hidden. The panes of
a view come from the table in `kraken_tui.tui.panes`. Only the desk (the view of the book) has its own arithmetic; all
other panes stand beside each other by their shares.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import accumulate

import msgspec

from kraken_tui.tui.panes import ACCOUNT, BOOK, Standing, stands_in

MINIMUM_WIDTH = 60
MINIMUM_HEIGHT = 18
"""Below this many cells the screen says so instead of drawing cut numbers."""

MEDIUM_WIDTH = 100
WIDE_WIDTH = 150
TALL_HEIGHT = 30
"""Below this many rows one pane is shown at a time, at any width."""

STRIP_WIDTH = 160
"""From here on a strip of heatmap stands beside the book."""

ROOMY_WIDTH = 200
ROOMY_HEIGHT = 44
"""From here on (the height without the edges of the screen) the ladder has a column of its own."""

TALL_AXIS = 30
TALL_BELOW, LOW_BELOW = 8, 4
"""Rows below the price rows of a heatmap, where it has so many rows, and where it has fewer."""

CVD_WIDTH = 26

GAUGE_HEIGHT = 8
FLOW_HEIGHT = 10
HEALTH_HEIGHT = 6

ACCOUNT_ROWS, LOW_ACCOUNT_ROWS = 4, 3
"""Rows over the blocks of the account's page, and where it is low."""

OWN_WIDTH = 8
"""Cells that the book has more where own orders stand in it, at the cost of the strip of heatmap."""

QUEUE_HEIGHT = 12
"""Rows at least of the queue under the ladder."""

LEAST_WIDTH = 24
LEAST_HEIGHT = 5
"""Least cells of a pane that stands beside others; the others are shown only by themselves."""


class Size(StrEnum):
    """Class of a terminal's size."""

    NONE = "none"
    TINY = "tiny"
    SMALL = "small"
    MEDIUM = "medium"
    WIDE = "wide"


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


def arrange(
    width: int,
    height: int,
    view: str = BOOK.name,
    *,
    alone: str | None = None,
    badge: int = 0,
    account: bool | None = None,
    queue: bool = False,
) -> Places:
    """Place the panes of a view.

    Args:
        width, height: Of the terminal, cells; any whole numbers.
        view: Name of what the body shows.
        alone: The one pane that gets the whole body (maximised, or chosen on a small screen).
        badge: Width of the badge in the upper right corner (PAUSED), 0 for none.
        account: Whether an account is followed, whose orders need room beside the sizes; None where that is all the
            same.
        queue: Whether there are queues to show.

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
    if account is False and view == ACCOUNT.name and alone is None:
        return places | _no_account(body, size)
    places |= _body(body, size, view, alone, account=bool(account), queue=queue)
    return places


def _body(body: Rect, size: Size, view: str, alone: str | None, *, account: bool, queue: bool) -> Places:
    stands = stands_in(view)
    desk = [name for name, stand in stands.items() if stand.how is Standing.DESK]
    if alone == "heatmap" and not desk:
        return _heatmap_alone(body)
    if alone in stands:
        return _single(body, alone) if desk and size is Size.SMALL else {alone: body}
    if desk:
        if size is Size.SMALL:
            return _single(body, desk[0])
        return _medium_desk(body) if size is Size.MEDIUM else _wide_desk(body, account=account, queue=queue)
    if any(stand.how is Standing.AXIS for stand in stands.values()):
        return _shared_axis(body)
    if any(stand.how is Standing.PAGE for stand in stands.values()):
        return _account_page(body, size)
    beside = {name: stand.share for name, stand in stands.items() if stand.how is Standing.BESIDE}
    return _side_by_side(body, size, beside) if beside else dict.fromkeys([*stands][:1], body)


def _shared_axis(body: Rect) -> Places:
    """Heatmap, book and profile with the same price rows; below them time and delta, CVD by tiers and the gauge."""
    small, wide = body.width < MEDIUM_WIDTH, body.width >= WIDE_WIDTH
    below = below_axis(body.height)
    spare = max(0, body.width - WIDE_WIDTH)
    book = 28 if small else 42 if not wide else 56 + min(spare // 8, 24)
    profile = 0 if small else 15 if not wide else 17 + min(spare // 10, 13)
    right = book + profile + (1 if profile else 0)
    heat = body.width - right - 1
    at = body.x + heat + 1
    places = {
        "book": Rect(at, body.y, book, body.height - below),
        "heatmap": Rect(body.x, body.y, heat, body.height),
    }
    if profile:
        places["profile"] = Rect(at + book + 1, body.y, profile, body.height - below)
    tiers = CVD_WIDTH if wide and below == TALL_BELOW else 0
    if tiers:
        places["cvd"] = Rect(at, body.bottom - below, tiers, below)
        at, right = at + tiers + 1, right - tiers - 1
    places["gauge"] = Rect(at, body.bottom - below, right, below)
    return places


def _heatmap_alone(body: Rect) -> Places:
    """The heatmap with as much of the book as is its price axis."""
    book, below = 28, below_axis(body.height)
    width = body.width - book - 1
    return {
        "book": Rect(body.x + width + 1, body.y, book, body.height - below),
        "heatmap": Rect(body.x, body.y, width, body.height),
    }


def _account_page(body: Rect, size: Size) -> Places:
    """The account over its orders and trades; what it holds and the queue at the right, or below where it is narrow.

    On a small screen the trades stand by themselves, on a key.
    """
    rows = LOW_ACCOUNT_ROWS if size is Size.SMALL else ACCOUNT_ROWS
    head, rest = Rect(body.x, body.y, body.width, rows), body.height - rows
    below = Rect(body.x, body.y + rows, body.width, rest)
    if size is Size.SMALL:
        orders, holdings = _split_rows(below, rest * 9 // 20)
        return {"account": head, "orders": orders, "holdings": holdings}
    left, right = _columns(below, [body.width * (62 if size is Size.MEDIUM else 60) // 100])
    orders, fills = _split_rows(left, rest * 9 // 20)
    holdings, queue = _split_rows(right, rest * 9 // 20)
    return {"account": head, "orders": orders, "fills": fills, "holdings": holdings, "queue": queue}


def _no_account(body: Rect, size: Size) -> Places:
    """One page that says how to have an account; single orders may be followed without one."""
    if size is Size.SMALL:
        return {"account": body}
    left, right = _columns(body, [body.width * 60 // 100])
    return {"account": left, "queue": right}


def below_axis(height: int) -> int:
    """Rows below the price rows of a heatmap of so many rows."""
    return TALL_BELOW if height >= TALL_AXIS else LOW_BELOW


def _single(body: Rect, name: str) -> Places:
    """One pane of the desk; the book keeps one row of imbalance under it, where the eye expects it."""
    if name not in ("book", "ladder"):
        return {name: body}
    top, bottom = _split_rows(body, 1)
    return {name: top, "gauge": bottom}


def _side_by_side(body: Rect, size: Size, shares: dict[str, int]) -> Places:
    """Panes by their shares: side by side where there is room, else stacked.

    The last ones are left out if they would get less room than a pane needs.
    """
    stacked = size is Size.SMALL
    length, least = (body.height, LEAST_HEIGHT) if stacked else (body.width, LEAST_WIDTH)
    names = [*shares]
    while len(names) > 1 and min(shares[name] for name in names) * length < least * sum(shares[name] for name in names):
        names.pop()
    sums = list(accumulate(shares[name] for name in names))
    places: Places = {}
    at = 0
    for name, upto in zip(names, sums, strict=True):
        end = length * upto // sums[-1]
        if stacked:
            places[name] = Rect(body.x, body.y + at, body.width, end - at)
            at = end
        else:
            places[name] = Rect(body.x + at, body.y, end - at, body.height)
            at = end + 1
    return places


def _medium_desk(body: Rect) -> Places:
    """The book at the left, candles and gauge beside it; the ladder stands by itself, on a key."""
    spare = body.width - MEDIUM_WIDTH
    book, right = _columns(body, [62 + spare * 3 // 5])
    candles, gauge = _split_rows(right, GAUGE_HEIGHT)
    return {**_book(book), "candles": candles, "gauge": gauge}


def _wide_desk(body: Rect, *, account: bool, queue: bool) -> Places:
    """The book at the left with a strip of heatmap, candles over the ladder (side by side where there is room)."""
    spare = body.width - WIDE_WIDTH
    if body.width >= ROOMY_WIDTH and body.height >= ROOMY_HEIGHT:
        return _roomy_desk(body, account=account, queue=queue)
    # The tape is whole from 31 cells, flow events and gauge from 38.
    right_width = 38 + min(max(0, spare - 10) // 10, 10)
    beyond = body.width - STRIP_WIDTH
    # In the strip's place the columns of the desk are a little narrower.
    strip = 0 if beyond < 0 else 24 + min(beyond * 3 // 10, 40)
    book_width = 67 + spare * 7 // 10 if beyond < 0 else strip + 54 + min(beyond * 4 // 10, 60)
    book, middle, right = _columns(body, [book_width, body.width - book_width - right_width - 2])
    candles, ladder = _split_rows(middle, body.height - body.height * 9 // 20)
    if strip and account:
        strip -= min(OWN_WIDTH, strip - 12)
    return {**_book(book, strip), "ladder": ladder, "candles": candles, **_right(right)}


def _roomy_desk(body: Rect, *, account: bool, queue: bool) -> Places:
    """Strip, book and ladder side by side, all with the body's height; candles over the rest at the right.

    Where there are queues, the one at the cursor stands under the ladder.
    """
    spare = body.width - ROOMY_WIDTH
    right_width = 44 + min(spare // 10, 20)
    ladder_width = 42 + min(max(0, spare - 20) // 6, 18)
    book_width = 63 + min(spare * 3 // 10, 60)
    if account:
        book_width, ladder_width = book_width + OWN_WIDTH, ladder_width + OWN_WIDTH // 2
    strip = body.width - book_width - ladder_width - right_width - 3
    book, ladder, right = _columns(body, [strip + 1 + book_width, ladder_width])
    candles, rest = _split_rows(right, body.height - body.height * 3 // 10)
    places = {**_book(book, strip), "ladder": ladder, "candles": candles, **_right(rest)}
    if queue:
        places["ladder"], places["queue"] = _split_rows(ladder, max(QUEUE_HEIGHT, body.height * 3 // 10))
    return places


def _right(place: Rect) -> Places:
    """Tape, flow events, gauge and health, one over the other."""
    tape, rest = _split_rows(place, min(GAUGE_HEIGHT + FLOW_HEIGHT + HEALTH_HEIGHT, place.height * 13 // 20))
    flow, rest = _split_rows(rest, min(GAUGE_HEIGHT + HEALTH_HEIGHT, rest.height * 13 // 20))
    gauge, health = _split_rows(rest, min(HEALTH_HEIGHT, rest.height * 2 // 5))
    return {"tape": tape, "flow": flow, "gauge": gauge, "health": health}


def _book(place: Rect, strip: int = 0) -> Places:
    """The book's place; the heatmap, which shares its rows price for price, has `strip` cells at its left."""
    if not strip:
        return {"book": place}
    heatmap, book = _columns(place, [strip])
    return {"book": book, "heatmap": heatmap}


def _split_rows(rect: Rect, bottom: int) -> tuple[Rect, Rect]:
    """Cut `bottom` rows off the lower end."""
    top = rect.height - bottom
    return Rect(rect.x, rect.y, rect.width, top), Rect(rect.x, rect.y + top, rect.width, bottom)


def _columns(rect: Rect, widths: list[int]) -> list[Rect]:
    """Columns of these widths and one of the remaining width, a blank column between them."""
    columns: list[Rect] = []
    x = rect.x
    for width in widths:
        columns.append(Rect(x, rect.y, width, rect.height))
        x += width + 1
    columns.append(Rect(x, rect.y, rect.right - x, rect.height))
    return columns
