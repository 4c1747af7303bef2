"""The depth ladder: exact levels, asks above, bids below, the touch in the middle."""

from __future__ import annotations

from itertools import accumulate

import msgspec

from kraken_tui.market.events import Level, Proof
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw import format as fmt
from kraken_tui.tui.draw.book_rows import (
    HEAD_ROWS,
    NOTHING_CHANGED,
    Changed,
    RowKeys,
    book_note,
    depth_note,
    row_keys,
    titled,
    too_narrow,
    uncovered_keys,
    waiting_lines,
)
from kraken_tui.tui.draw.format import QuantityFormat
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, Run, on, shorten
from kraken_tui.wire.symbols import PairSpec


class LadderShape(msgspec.Struct, frozen=True):
    """Columns of a ladder; widths depend on the pane, the precisions and magnitudes, never on single digits.

    Attributes:
        price: Cells of the price column.
        size: Size column.
        total: Cumulative size column, None where it does not fit.
        notional: Price times size in quote units, None where it does not fit.
        percent: Whether the cumulative percent column is shown.
        bar: Cells of the size bar.
    """

    price: int
    size: QuantityFormat
    total: QuantityFormat | None
    notional: QuantityFormat | None
    percent: bool
    bar: int


def ladder_shape(view: PairView, spec: PairSpec, width: int) -> LadderShape:
    """Choose columns for `width` cells: bar, cumulative size, percent and notional come as room allows."""
    bids, asks = view.bids, view.asks
    top = max([ticks for ticks, _ in (*asks[-1:], *bids[:1])], default=0)
    price = len(fmt.price(top, spec.price_precision))
    largest = max([lots for _, lots in bids] + [lots for _, lots in asks], default=0)
    size_width = 9 if width >= 36 else 7
    left = width - price - size_width - 2
    totalled, percent = left >= 15, left >= 21
    left -= 10 * totalled + 5 * percent
    notional = _notional_format(bids, asks, spec) if width >= 58 and left >= 17 else None
    left -= 11 if notional else 0
    # What is left over makes sizes exact rather than bars longer than they need be.
    spare = min(max(0, left - 14), 6)
    size = QuantityFormat.fit(largest, spec.qty_precision, size_width + spare)
    whole = max(sum([lots for _, lots in bids]), sum([lots for _, lots in asks]))
    total = size.wider(whole, 9) if totalled else None
    return LadderShape(price, size, total, notional, percent, max(0, left - spare))


def _notional_format(bids: tuple[Level, ...], asks: tuple[Level, ...], spec: PairSpec) -> QuantityFormat:
    precision = spec.price_precision + spec.qty_precision
    largest = max([ticks * lots for ticks, lots in (*bids, *asks)], default=0)
    return QuantityFormat.fit(largest, precision, 10, 2 if largest >= 10 ** (precision + 2) else 6)


def ladder_row_of(height: int, offset: int) -> int:
    """Row of the spread, counted from the first level row."""
    return (height - HEAD_ROWS - 1) // 2 + offset


def draw_ladder(
    picture: Picture, width: int, height: int, changed: Changed = NOTHING_CHANGED, offset: int = 0
) -> list[Line]:
    """Draw the ladder.

    Args:
        picture: What to draw.
        width: Cells.
        height: Rows, title and headers included.
        changed: Levels to draw on the brighter background.
        offset: Rows the touch is moved down, to look at asks further away.

    Returns:
        At most `height` lines.
    """
    return _draw(picture, width, height, changed, offset)[: max(0, height)]


def _draw(picture: Picture, width: int, height: int, changed: Changed, offset: int) -> list[Line]:
    view = picture.pair
    note, role = book_note(view, depth_note(view)) if view else ("", "muted")
    if offset and role == "muted":
        note = f"scrolled {offset:+d}"
    title = titled("Depth ladder", note, role, width, "Ladder")
    if view is None or view.spec is None or not (view.bids or view.asks):
        return [title, *waiting_lines(picture, width, height - 1)]
    shape = ladder_shape(view, view.spec, width)
    if shape.price + shape.size.width + 1 > width:
        return [title, *too_narrow(width, height - 1)]
    lines = [title, _headers(shape)]
    body = height - HEAD_ROWS
    middle = ladder_row_of(height, offset)
    asks = _side_lines(picture, view, shape, "ask", changed.asks, middle - 1, body)
    bids = _side_lines(picture, view, shape, "bid", changed.bids, body - middle - 2, body)
    # Asks are made from the touch outwards; the first row of the window is the furthest.
    above = max(0, min(middle, body))
    lines += [() for _ in range(above - len(asks))]
    lines += reversed(asks)
    if 0 <= middle < body:
        lines.append(_spread_line(picture, view, view.spec, width))
    lines += bids
    return lines


def _headers(shape: LadderShape) -> Line:
    text = "cum% " if shape.percent else ""
    if shape.total:
        text += shape.total.header("cum") + " "
    if shape.notional:
        text += shape.notional.header("notional") + " "
    return ((text + shape.size.header("size") + " " + "price".rjust(shape.price), "muted"),)


def _side_lines(
    picture: Picture, view: PairView, shape: LadderShape, side: str, changed: frozenset[int], last: int, body: int
) -> list[Line]:
    """Rows of one side from the touch outwards: of the levels up to number `last`, those a window of `body` shows."""
    spec = view.spec
    assert spec is not None
    levels = view.asks if side == "ask" else view.bids
    first = max(0, last - body + 1)
    stop = min(last + 1, len(levels))
    if first >= stop:
        return []
    sums = list(accumulate([lots for _, lots in levels]))
    in_sight = [lots for _, lots in (*view.asks[:body], *view.bids[:body])]
    largest = max(max(in_sight), max(lots for _, lots in levels[first:stop]))
    cursor = _cursor_price(levels, picture.choices.cursor, side)
    trusted = view.proof is Proof.VERIFIED
    large = view.large_lots
    covered = len(levels) if view.audited_ns is not None else view.covered_levels
    lines: list[Line] = []
    for number in range(first, stop):
        ticks, lots = levels[number]
        if ticks == cursor:
            ground = "cursor"
        elif not trusted:
            ground = ""
        else:
            ground = "changed" if ticks in changed else "" if number else "touch"
        keys = row_keys(side, ground, trusted, view.stale, bool(large and lots >= large))
        if number >= covered and trusted:
            keys = uncovered_keys(keys)
        numbers = _numbers(spec, shape, keys, (ticks, lots), sums[number], sums[-1])
        length = fmt.eighths(lots, largest, shape.bar)
        text, key = fmt.bar_right(length, shape.bar, keys.bar, picture.ascii_only)
        lines.append((*numbers, (" " + text, key)))
    return lines


def _numbers(spec: PairSpec, shape: LadderShape, keys: RowKeys, level: Level, total: int, whole: int) -> list[Run]:
    ticks, lots = level
    runs: list[Run] = []
    if shape.percent:
        runs.append((f"{fmt.percent(total, whole):>4} ", keys.label))
    if shape.total:
        head, tail = shape.total.split(total)
        runs += ((head, keys.text), (tail + " ", keys.faint))
    if shape.notional:
        runs.append((shape.notional.text(ticks * lots) + " ", keys.label))
    head, tail = shape.size.split(lots)
    runs += ((head, keys.size), (tail + " ", keys.faint))
    runs += fmt.price_runs(ticks, spec.price_precision, shape.price, keys.price, keys.label)
    return runs


def _cursor_price(levels: tuple[Level, ...], cursor: int | None, side: str) -> int | None:
    """Price of the row that stands for the cursor: the nearest level at it or beyond it, seen from the touch."""
    if cursor is None or not levels:
        return None
    if side == "ask":
        if cursor < levels[0][0]:
            return None
        return next((ticks for ticks, _ in levels if ticks >= cursor), None)
    if cursor > levels[0][0]:
        return None
    return next((ticks for ticks, _ in levels if ticks <= cursor), None)


def _spread_line(picture: Picture, view: PairView, spec: PairSpec, width: int) -> Line:
    text, role = spread_text(view, spec, width - 6)
    ground = "cursor" if _cursor_in_spread(view, picture.choices.cursor) else ""
    rule = width - len(text) - 2
    left = rule // 2
    return (
        ("─" * left + " ", on("rule", ground)),
        (text, on(role, ground)),
        (" " + "─" * (rule - left), on("rule", ground)),
    )


def _cursor_in_spread(view: PairView, cursor: int | None) -> bool:
    return bool(cursor is not None and view.bids and view.asks and view.bids[0][0] < cursor < view.asks[0][0])


def spread_text(view: PairView, spec: PairSpec, width: int) -> tuple[str, str]:
    """The line between the sides and its role: spread, mid and microprice, or why they are missing."""
    precision = spec.price_precision
    if not view.bids or not view.asks:
        return ("no bids" if view.asks else "no asks"), "warn"
    bid, ask = view.bids[0][0], view.asks[0][0]
    figures = view.metrics
    if view.silent_ns:
        return shorten("no figures: engine silent", width), "warn"
    if view.proof is not Proof.VERIFIED or figures is None:
        return shorten(f"no figures: book {view.proof.value.lower()}", width), "warn"
    if bid >= ask:
        text = f"crossed by the venue: bid {fmt.price(bid, precision)} ≥ ask {fmt.price(ask, precision)}"
        return (text if len(text) <= width else shorten("crossed by the venue", width)), "bad"
    spread = f"spread {fmt.price(figures.spread, precision)}"
    bps = f" = {fmt.basis_points(figures.spread_bps)} bps"
    mid = fmt.mid_price(figures.mid2, precision)
    micro = fmt.fine_price(figures.microprice, precision, 1)
    if precision and bid >= 10**precision and micro.partition(".")[0] == mid.partition(".")[0]:
        micro = "." + micro.partition(".")[2]
    for text in (
        f"{spread}{bps} · mid {mid} · micro {micro}",
        f"{spread} · mid {mid} · micro {micro}",
        f"{spread} · mid {mid}",
        spread,
    ):
        if len(text) <= width:
            return text, "text"
    return shorten(spread, width), "text"
