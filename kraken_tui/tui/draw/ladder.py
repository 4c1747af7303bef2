"""The depth ladder: exact levels, asks above, bids below, in rows that hold (`ladder_rows`)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

import msgspec

from kraken_tui.market.events import Level, Proof
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw import format as fmt
from kraken_tui.tui.draw.book_memory import bar_scale
from kraken_tui.tui.draw.book_rows import (
    CUT_RIGHT,
    HEAD_ROWS,
    NOTHING_CHANGED,
    Changed,
    RowKeys,
    book_note,
    centred,
    cut_key,
    depth_note,
    row_keys,
    titled,
    too_narrow,
    uncovered_keys,
    waiting_lines,
)
from kraken_tui.tui.draw.format import QuantityFormat
from kraken_tui.tui.draw.ladder_rows import (
    BLANK,
    SPREAD,
    PlacedRows,
    SideKeys,
    fresh_rows,
    middle_row,
    side_keys,
)
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, Run, on, shorten
from kraken_tui.wire.symbols import PairSpec
from kraken_tui.words import counted


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


def draw_ladder(
    picture: Picture,
    width: int,
    height: int,
    changed: Changed = NOTHING_CHANGED,
    offset: int = 0,
    placed: PlacedRows | None = None,
) -> list[Line]:
    """Draw the ladder.

    Args:
        picture: What to draw.
        width: Cells.
        height: Rows, title and headers included.
        changed: Levels whose size is drawn on the brighter background.
        offset: Rows the touch was moved down by hand, for the title, and for rows without a past.
        placed: Which price stands in which row; None for rows without a past, the touch in the middle.

    Returns:
        At most `height` lines.
    """
    return _draw(picture, width, height, changed, offset, placed)[: max(0, height)]


def _draw(
    picture: Picture, width: int, height: int, changed: Changed, offset: int, placed: PlacedRows | None
) -> list[Line]:
    view = picture.pair
    body = height - HEAD_ROWS
    if view is None or view.spec is None or not (view.bids or view.asks):
        note, role = book_note(view, depth_note(view)) if view else ("", "muted")
        title = titled("Depth ladder", note, role, width, "Ladder")
        return [title, *waiting_lines(picture, width, height - 1)]
    sides = (_Side.of(view, "ask"), _Side.of(view, "bid"))
    if placed is None:
        placed = PlacedRows(fresh_rows(sides[0].keys, sides[1].keys, body, middle_row(body, offset)))
    title = _title(view, placed, offset, width)
    shape = ladder_shape(view, view.spec, width)
    if shape.price + shape.size.width + 1 > width:
        return [title, *too_narrow(width, height - 1)]
    lines = [_headers(shape), *_row_lines(picture, view, shape, sides, placed, changed, width)]
    if picture.account is not None or view.level3 is not None:
        from kraken_tui.tui.draw.private_rows import BarPlace, mark_ladder

        place = BarPlace(width - shape.bar, shape.bar)
        cursor = _cursor_row(view, placed.prices, picture.choices.cursor)
        lines = mark_ladder(picture, lines, placed.prices, place, cursor)
    return [title, *lines]


def _title(view: PairView, placed: PlacedRows, offset: int, width: int) -> Line:
    note, role = book_note(view, depth_note(view))
    if role != "muted":
        return titled("Depth ladder", note, role, width, "Ladder")
    said = ["held"] if placed.held else []
    if placed.waiting:
        said.append(f"{placed.waiting} wait")
    if placed.held and _touch_hidden(view, placed.prices):
        role = "warn"
    usual = f"scrolled {offset:+d}" if offset else note
    # That rows are missing must be said; how deep the book is may go.
    for text in (" · ".join([*said, usual]), " · ".join(said)):
        for name in ("Depth ladder", "Ladder"):
            if text and len(name) + len(text) + 7 <= width:
                return titled(name, text, role, width)
    return titled("Ladder", " · ".join(said), "warn" if said else role, width)


def _touch_hidden(view: PairView, prices: tuple[int, ...]) -> bool:
    return any(side and side[0][0] not in prices for side in (view.asks, view.bids))


def _headers(shape: LadderShape) -> Line:
    text = "cum% " if shape.percent else ""
    if shape.total:
        text += shape.total.header("cum") + " "
    if shape.notional:
        text += shape.notional.header("notional") + " "
    return ((text + shape.size.header("size") + " " + "price".rjust(shape.price), "muted"),)


class _Side(msgspec.Struct, frozen=True):
    """One side of the book, ready to be read by price.

    Attributes:
        name: "ask" or "bid", also its role.
        levels: Best first.
        keys: Their prices.
        sums: Lots from the touch to each level, those without a row included.
        covered: Levels that are proven.
    """

    name: str
    levels: tuple[Level, ...]
    keys: SideKeys
    sums: tuple[int, ...]
    covered: int

    @classmethod
    def of(cls, view: PairView, name: str) -> _Side:
        """One side of a view."""
        levels = view.asks if name == "ask" else view.bids
        sums = tuple(accumulate([lots for _, lots in levels]))
        covered = len(levels) if view.audited_ns is not None else view.covered_levels
        return cls(name, levels, side_keys(levels, 1 if name == "ask" else -1, view.known_depth), sums, covered)


def _row_lines(
    picture: Picture,
    view: PairView,
    shape: LadderShape,
    sides: tuple[_Side, _Side],
    placed: PlacedRows,
    changed: Changed,
    width: int,
) -> list[Line]:
    spec = view.spec
    assert spec is not None
    cursor = _cursor_row(view, placed.prices, picture.choices.cursor)
    found = [_resting_at(sides, ticks) for ticks in placed.prices]
    scale = placed.scale or bar_scale([side.levels[number][1] for side, number in filter(None, found)])
    ends = _ends(sides, placed.prices)
    queues = _queues(picture, view)
    lines: list[Line] = []
    for row, (ticks, resting) in enumerate(zip(placed.prices, found, strict=True)):
        ground = "cursor" if row == cursor else ""
        if ticks == SPREAD:
            lines.append(_spread_line(picture, view, spec, placed.prices, width))
        elif ticks == BLANK:
            lines.append(centred(ends[row], width, "muted") if row in ends else ())
        elif resting is None:
            lines.append(_empty_line(sides, spec, shape, ticks, ground))
        else:
            side, number = resting
            flashing = ticks in (changed.asks if side.name == "ask" else changed.bids)
            lines.append(_level_line(picture, view, shape, side, number, ground, flashing, scale, queues))
    return lines


_Queues = Mapping[int, tuple[tuple[int, ...], frozenset[int]]]
"""Lots of the single orders at a price, and the numbers of the own ones."""


def _queues(picture: Picture, view: PairView) -> _Queues:
    if view.level3 is None or view.proof is not Proof.VERIFIED:
        return {}
    from kraken_tui.tui.draw.own import level3_levels
    from kraken_tui.tui.draw.private_rows import own_places

    own = {ticks: numbers for (_, ticks), numbers in own_places(view.level3).items()}
    levels = level3_levels(view, past=picture.in_past)
    return {ticks: (level.sizes, own.get(ticks, frozenset())) for ticks, level in levels.items()}


def _resting_at(sides: tuple[_Side, _Side], ticks: int) -> tuple[_Side, int] | None:
    """Side and number of the level at a price."""
    if ticks > 0:
        for side in sides:
            number = side.keys.number(ticks)
            if number is not None:
                return side, number
    return None


def _ends(sides: tuple[_Side, _Side], prices: tuple[int, ...]) -> dict[int, str]:
    """What to write into the first row beyond the last level of a side, where nothing more is known."""
    ends: dict[int, str] = {}
    for side, rows in zip(sides, (range(len(prices)), range(len(prices) - 1, -1, -1)), strict=True):
        last = next((row for row in rows if prices[row] != BLANK), None)
        if last is None or not side.keys.full or prices[last] != side.levels[-1][0]:
            continue
        edge = last - side.keys.sign
        if edge in rows:
            ends[edge] = f"unknown beyond {counted(len(side.levels), 'level')}"
    return ends


def _empty_line(sides: tuple[_Side, _Side], spec: PairSpec, shape: LadderShape, ticks: int, ground: str) -> Line:
    """A price at which nothing rests any more, or of which the book no longer tells."""
    muted = on("muted", ground)
    unknown = any(side.keys.beyond_touch(ticks) and not side.keys.known(ticks) for side in sides)
    before = 5 * shape.percent + 10 * bool(shape.total) + 11 * bool(shape.notional)
    size = ("?" if unknown else "").rjust(shape.size.width) + " "
    price = fmt.price_runs(ticks, spec.price_precision, shape.price, muted, muted)
    return ((" " * before + size, muted), *price, (" " * (1 + shape.bar), muted))


def _level_line(
    picture: Picture,
    view: PairView,
    shape: LadderShape,
    side: _Side,
    number: int,
    ground: str,
    flashing: bool,
    scale: int,
    queues: _Queues,
) -> Line:
    spec = view.spec
    assert spec is not None
    ticks, lots = side.levels[number]
    trusted = view.proof is Proof.VERIFIED
    large = bool(view.large_lots and lots >= view.large_lots)
    ground = ground or ("touch" if trusted and not number else "")
    keys = row_keys(side.name, ground, trusted, view.stale, large)
    lit = row_keys(side.name, "changed", trusted, view.stale, large)
    if number >= side.covered and trusted:
        keys, lit = uncovered_keys(keys), uncovered_keys(lit)
    if not flashing or not trusted or ground == "cursor":
        lit = keys
    numbers = _numbers(spec, shape, keys, lit, (ticks, lots), side.sums[number], side.sums[-1])
    width = shape.bar
    cut: tuple[Run, ...] = ()
    if lots > scale and width > 1:
        cut, width = ((CUT_RIGHT, cut_key(keys.bar, trusted)),), width - 1
    if ticks in queues and width > 0:
        from kraken_tui.tui.draw.segments import order_bar

        sizes, own = queues[ticks]
        return (*numbers, (" ", keys.bar), *order_bar(sizes, own, scale, width, keys.bar,
                                                      ascii_only=picture.ascii_only), *cut)  # fmt: skip
    text, key = fmt.bar_right(fmt.eighths(lots, scale, width), width, keys.bar, picture.ascii_only)
    return (*numbers, (" " + text, key), *cut)


def _numbers(
    spec: PairSpec, shape: LadderShape, keys: RowKeys, lit: RowKeys, level: Level, total: int, whole: int
) -> list[Run]:
    """Everything left of the bar; `lit` are the keys of the size, whose digits alone are brighter after a change."""
    ticks, lots = level
    runs: list[Run] = []
    if shape.percent:
        runs.append((f"{fmt.percent(total, whole):>4} ", keys.label))
    if shape.total:
        runs.append((shape.total.text(total) + " ", keys.text))
    if shape.notional:
        runs.append((shape.notional.text(ticks * lots) + " ", keys.label))
    text = shape.size.text(lots)
    if lit is keys:
        runs.append((text + " ", keys.size))
    else:
        digits = text.strip()
        before, _, after = text.partition(digits)
        runs += ((before, keys.size), (digits, lit.size), (after + " ", keys.size))
    runs += fmt.price_runs(ticks, spec.price_precision, shape.price, keys.price, keys.label)
    return runs


def _cursor_row(view: PairView, prices: tuple[int, ...], cursor: int | None) -> int | None:
    """The row that stands for the cursor: its own, else the next one further out; that of the spread inside it."""
    if cursor is None:
        return None
    if cursor in prices:
        return prices.index(cursor)
    if _cursor_in_spread(view, cursor):
        return prices.index(SPREAD) if SPREAD in prices else None
    if view.asks and cursor >= view.asks[0][0]:
        outwards = [row for row, ticks in enumerate(prices) if ticks >= cursor]
        return outwards[-1] if outwards else None
    return next((row for row, ticks in enumerate(prices) if 0 < ticks <= cursor), None)


def _spread_line(picture: Picture, view: PairView, spec: PairSpec, prices: tuple[int, ...], width: int) -> Line:
    text, role = spread_text(view, spec, width - 6)
    if role == "text" and _touch_hidden(view, prices):
        # The rows are held: the touch may have left them.
        touch = (
            f"{fmt.price(view.bids[0][0], spec.price_precision)} / {fmt.price(view.asks[0][0], spec.price_precision)}"
        )
        text, role = shorten(f"now {touch}", width - 6), "warn"
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
