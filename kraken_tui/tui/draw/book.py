"""The tick-aggregated book: one row per price step, every step present, rows keep their places."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import takewhile

import msgspec

from kraken_tui.market.book.aggregation import (
    BookRow,
    Centring,
    aggregate,
    aggregate_traded,
    bucket_of,
    rows,
    step_of,
    visible_range,
)
from kraken_tui.market.events import Proof, Side
from kraken_tui.market.views import PairView, TradedAt
from kraken_tui.tui.draw import format as fmt
from kraken_tui.tui.draw.book_rows import (
    HEAD_ROWS,
    NOTHING_CHANGED,
    Changed,
    book_note,
    row_keys,
    titled,
    too_narrow,
    waiting_lines,
)
from kraken_tui.tui.draw.format import QuantityFormat
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, Run, on
from kraken_tui.wire.symbols import PairSpec

_NEAR_BAND = 2
_GRID = 10


class BookShape(msgspec.Struct, frozen=True):
    """Columns of one half; the other half mirrors it.

    Attributes:
        decimals: Decimals of the price column: those of the step, not of the pair.
        divisor: Ticks of one unit in the last of those decimals.
        price: Cells of the price text.
        size: Resting size.
        volume: Traded volume at price, None where it does not fit.
        bar: Cells of the size bar.
        spare: Cells left over at the right edge.
    """

    decimals: int
    divisor: int
    price: int
    size: QuantityFormat
    volume: QuantityFormat | None
    bar: int
    spare: int


def _step_decimals(precision: int, step: int) -> tuple[int, int]:
    divisor = 1
    while precision and step % (10 * divisor) == 0:
        divisor *= 10
        precision -= 1
    return precision, divisor


def book_shape(spec: PairSpec, step: int, shown: tuple[BookRow, ...], width: int) -> BookShape:
    """Choose columns for `width` cells from the precisions and the magnitudes in sight."""
    decimals, divisor = _step_decimals(spec.price_precision, step)
    price = max(len(fmt.price(row.ticks // divisor, decimals)) for row in (shown[0], shown[-1]))
    # Each side of the price has a rule and a place for the touch mark.
    half, spare = divmod(max(0, width - price - 4), 2)
    size_width = 6 if half < 22 else 8 if half < 28 else 9
    volume_width = 0 if half < 16 else 6 if half < 22 else 8
    largest = max(max(row.bid, row.ask) for row in shown)
    size = QuantityFormat.fit(largest, spec.qty_precision, size_width)
    most = max(max(row.bought, row.sold) for row in shown)
    volume = size.wider(most, volume_width) if volume_width else None
    bar = max(0, half - size_width - 1 - (volume_width + 1 if volume_width else 0))
    return BookShape(decimals, divisor, price, size, volume, bar, spare)


class TradedSums:
    """Trades at price summed into buckets, kept until the trades or the window change.

    Views share one mapping until the next trade, and a day's mapping holds thousands of prices.
    """

    def __init__(self) -> None:
        self._traded: Mapping[int, TradedAt] = {}
        self._window = (0, 0, 0)
        self._buckets: Mapping[int, TradedAt] = {}

    def take(self, traded: Mapping[int, TradedAt], step: int, low: int, high: int) -> Mapping[int, TradedAt]:
        """Sums for the buckets `low` to `high` of `step` ticks."""
        if traded is not self._traded or self._window != (step, low, high):
            self._traded, self._window = traded, (step, low, high)
            self._buckets = aggregate_traded(_traded_between(traded, (low - 1) * step, (high + 1) * step), step)
        return self._buckets


def visible_rows(
    view: PairView, step: int, centre: int, count: int, sums: TradedSums, *, cumulative: bool = False
) -> tuple[BookRow, ...]:
    """Rows of the book around `centre`, highest price first.

    Args:
        view: The pair.
        step: Ticks of one row.
        centre: Bucket of the middle row.
        count: Rows.
        sums: Keeps the trade sums between drawings.
        cumulative: Whether sizes grow from the touch outwards.
    """
    low, high = visible_range(centre, count)
    bottom, top = low * step, high * step
    # Levels further out than the window never matter, those nearer the touch do in cumulative mode.
    bids = aggregate(takewhile(lambda level: level[0] >= bottom, view.bids), step, Side.BUY)
    asks = aggregate(takewhile(lambda level: level[0] <= top, view.asks), step, Side.SELL)
    traded = sums.take(view.traded, step, low, high)
    return rows(bids, asks, traded, low=low, high=high, step=step, cumulative=cumulative)


def _traded_between(traded: Mapping[int, TradedAt], bottom: int, top: int) -> dict[int, TradedAt]:
    if top - bottom < len(traded):
        return {ticks: traded[ticks] for ticks in range(bottom, top + 1) if ticks in traded}
    return {ticks: at for ticks, at in traded.items() if bottom <= ticks <= top}


def touch_buckets(view: PairView, step: int) -> tuple[int | None, int | None]:
    """Buckets of best bid and best ask; None for an empty side."""
    bid = bucket_of(view.bids[0][0], step, Side.BUY) if view.bids else None
    ask = bucket_of(view.asks[0][0], step, Side.SELL) if view.asks else None
    return bid, ask


def draw_book(
    picture: Picture,
    width: int,
    height: int,
    centre: int | None,
    changed: Changed = NOTHING_CHANGED,
    held: bool = False,
    sums: TradedSums | None = None,
) -> list[Line]:
    """Draw the aggregated book.

    Args:
        picture: What to draw; grouping, cursor and cumulative mode come from its choices.
        width: Cells.
        height: Rows, title and headers included.
        centre: Bucket of the middle row, from `Centring`; None until a touch has been seen.
        changed: Levels whose rows are drawn on the brighter background.
        held: Whether the rows were moved by hand and stay there.
        sums: Keeps the trade sums between drawings; never changes what is drawn.

    Returns:
        At most `height` lines.
    """
    return _draw(picture, width, height, centre, changed, held, sums or TradedSums())[: max(0, height)]


def _draw(
    picture: Picture, width: int, height: int, centre: int | None, changed: Changed, held: bool, sums: TradedSums
) -> list[Line]:
    view = picture.pair
    if view is None or view.spec is None or centre is None or not (view.bids or view.asks):
        note, role = book_note(view, "") if view else ("", "muted")
        page = waiting_lines(picture, width, height - 1)
        return [titled("Aggregated book", note, role, width, "Book"), *page]
    count = height - HEAD_ROWS
    step = step_of(view.spec, max(1, picture.choices.grouping))
    title = _title(picture, view, step, centre, count, held, width)
    if count < 1:
        return [title]
    shown = visible_rows(view, step, centre, count, sums, cumulative=picture.choices.cumulative)
    shape = book_shape(view.spec, step, shown, width)
    if shape.price + 4 + 2 * (shape.size.width + 1) > width:
        return [title, *too_narrow(width, height - 1)]
    return [title, _headers(shape), *_row_lines(picture, view, step, shown, shape, changed)]


def _title(picture: Picture, view: PairView, step: int, centre: int, count: int, held: bool, width: int) -> Line:
    spec = view.spec
    assert spec is not None
    state = picture.choices
    decimals, divisor = _step_decimals(spec.price_precision, step)
    name = f"Aggregated book ×{max(1, state.grouping)} = {_step_text(spec, step)}"
    if state.cumulative:
        name += " cumulative"
    short = name.replace("Aggregated book", "Book")
    if len(name) + 8 > width:
        name = short
    note, role = book_note(view, "")
    if role == "muted":
        note, role = _band_note(touch_buckets(view, step), centre, count, state.recentre, held)
        if role == "away":
            bid = view.bids[0][0] if view.bids else view.asks[0][0]
            where = "above ▲" if bid // step > centre else "below ▼"
            note, role = f"touch {where} {fmt.price(bid // divisor, decimals)}", "warn"
    return titled(name, note, role, width, short)


def _step_text(spec: PairSpec, step: int) -> str:
    text = fmt.price(step, spec.price_precision)
    if "." not in text:
        return text
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0') or '0'}"


def _band_note(
    touch: tuple[int | None, int | None], centre: int, count: int, policy: str, held: bool
) -> tuple[str, str]:
    """Note and role: how near the touch is to leaving the band; the role "away" when it is out of sight."""
    buckets = [index for index in touch if index is not None]
    low, high = visible_range(centre, count)
    if all(index < low or index > high for index in buckets):
        return "", "away"
    first, last = Centring.band_rows(count)
    # A touch wider than the band is judged by its middle, as `Centring` does.
    if max(buckets) - min(buckets) > last - first:
        buckets = [sum(buckets) // len(buckets)]
    room = min(min(high - index - first, last - (high - index)) for index in buckets)
    if held:
        return "moved by hand", "accent"
    if room < 0:
        return "touch outside band", "warn"
    if room < _NEAR_BAND and last - first > 2 * _NEAR_BAND + 1:
        after = ", will recentre" if policy == "band" else ""
        return f"touch near band{after}", "warn"
    return f"recentre: {policy}", "muted"


def _headers(shape: BookShape) -> Line:
    left = " " * shape.bar + " " + shape.size.header("bid")
    right = shape.size.header("ask")
    if shape.volume:
        left += " " + shape.volume.header("sells")
        right = shape.volume.header("buys") + " " + right
    price = "price".center(shape.price + 2)
    return ((left, "muted"), ("│", "rule"), (price, "muted"), ("│", "rule"), (right, "muted"))


class _Sheet(msgspec.Struct, frozen=True):
    """What all rows of one drawing share.

    `bid` and `ask` are the touch's buckets; `lowest` and `highest` are the last buckets of the book where its
    depth cuts it off, None on a side that is complete: beyond them nothing is known, which is not the same as empty.
    """

    shape: BookShape
    bid: int | None
    ask: int | None
    lowest: int | None
    highest: int | None
    largest: int
    trusted: bool
    stale: bool
    ascii_only: bool


def _row_lines(
    picture: Picture, view: PairView, step: int, shown: tuple[BookRow, ...], shape: BookShape, changed: Changed
) -> list[Line]:
    bid, ask = touch_buckets(view, step)
    first, last = Centring.band_rows(len(shown))
    cursor = _cursor_bucket(view, step, picture.choices.cursor)
    moved = {bucket_of(ticks, step, Side.BUY) for ticks in changed.bids}
    moved |= {bucket_of(ticks, step, Side.SELL) for ticks in changed.asks}
    largest = max(max(row.bid, row.ask) for row in shown)
    trusted = view.proof is Proof.VERIFIED
    lowest, highest = _known_buckets(view, step)
    sheet = _Sheet(shape, bid, ask, lowest, highest, largest, trusted, view.stale, picture.ascii_only)
    lines: list[Line] = []
    for number, row in enumerate(shown):
        index = row.index
        if row.ticks <= 0:
            lines.append(())
            continue
        if index == cursor:
            ground = "cursor"
        elif not trusted:
            ground = ""
        else:
            ground = "changed" if index in moved else "touch" if index in (bid, ask) else ""
        lines.append(_row_line(sheet, row, ground, not first <= number <= last))
    return lines


@lru_cache(maxsize=2048)
def _row_line(sheet: _Sheet, row: BookRow, ground: str, outside: bool) -> Line:
    # Most rows of a book do not change between drawings.
    return (
        *_bid_half(sheet, row, ground),
        *_price_cells(sheet, row, ground, outside),
        *_ask_half(sheet, row, ground),
    )


def _known_buckets(view: PairView, step: int) -> tuple[int | None, int | None]:
    lowest = bucket_of(view.bids[-1][0], step, Side.BUY) if len(view.bids) >= view.depth else None
    highest = bucket_of(view.asks[-1][0], step, Side.SELL) if len(view.asks) >= view.depth else None
    return lowest, highest


def _cursor_bucket(view: PairView, step: int, cursor: int | None) -> int | None:
    if cursor is None:
        return None
    below = bool(view.bids) and cursor <= view.bids[0][0]
    return bucket_of(cursor, step, Side.BUY if below else Side.SELL)


def _price_cells(sheet: _Sheet, row: BookRow, ground: str, outside: bool) -> tuple[Run, ...]:
    """The price between its rules: solid inside the band, dotted outside; ticks outwards at every tenth step."""
    shape = sheet.shape
    on_grid = row.index % _GRID == 0
    left, right = ("┤", "├") if on_grid else ("┊", "┊") if outside else ("│", "│")
    rule = on("band" if outside else "muted" if on_grid else "rule", ground)
    key = _price_key(sheet, row.index, ground)
    if on_grid:
        key = f"!{key}"
    mark = on("bright" if sheet.trusted else "muted", ground)
    return (
        (left, rule),
        ("▸" if row.index == sheet.bid else " ", mark),
        *fmt.price_runs(row.ticks // shape.divisor, shape.decimals, shape.price, key, on("muted", ground)),
        ("◂" if row.index == sheet.ask else " ", mark),
        (right, rule),
    )


def _price_key(sheet: _Sheet, index: int, ground: str) -> str:
    """Bid colour at and below the bid, ask colour at and above the ask, muted inside the spread."""
    below = sheet.bid is not None and index <= sheet.bid
    above = sheet.ask is not None and index >= sheet.ask
    if not (below or above):
        return on("muted", ground)
    keys = row_keys("bid" if below else "ask", ground, sheet.trusted, sheet.stale)
    return keys.text if below and above else keys.price


def _bid_half(sheet: _Sheet, row: BookRow, ground: str) -> tuple[Run, ...]:
    shape = sheet.shape
    unknown = sheet.lowest is not None and row.index < sheet.lowest
    if not (row.bid or row.sold or unknown):
        return ((" " * _half_width(shape), on("text", ground)),)
    keys = row_keys("bid", ground, sheet.trusted, sheet.stale)
    bar = fmt.bar_left(fmt.eighths(row.bid, sheet.largest, shape.bar), shape.bar, keys.bar, sheet.ascii_only)
    head, tail = _resting(shape, row.bid, unknown)
    return (*bar, (" " + head, keys.size), (tail, keys.faint), *_volume(sheet, row.sold, "down", ground, " "))


def _ask_half(sheet: _Sheet, row: BookRow, ground: str) -> tuple[Run, ...]:
    shape = sheet.shape
    unknown = sheet.highest is not None and row.index > sheet.highest
    if not (row.ask or row.bought or unknown):
        return ((" " * (_half_width(shape) + shape.spare), on("text", ground)),)
    keys = row_keys("ask", ground, sheet.trusted, sheet.stale)
    text, bar_key = fmt.bar_right(fmt.eighths(row.ask, sheet.largest, shape.bar), shape.bar, keys.bar, sheet.ascii_only)
    head, tail = _resting(shape, row.ask, unknown)
    gap = " " if shape.volume else ""
    return (
        *_volume(sheet, row.bought, "up", ground, ""),
        (gap + head, keys.size),
        (tail + " ", keys.faint),
        (text + " " * shape.spare, bar_key),
    )


def _half_width(shape: BookShape) -> int:
    return shape.bar + 1 + shape.size.width + (shape.volume.width + 1 if shape.volume else 0)


def _resting(shape: BookShape, lots: int, unknown: bool) -> tuple[str, str]:
    if unknown:
        return "", "·".rjust(shape.size.width)
    return shape.size.split(lots) if lots else (" " * shape.size.width, "")


def _volume(sheet: _Sheet, lots: int, role: str, ground: str, gap: str) -> tuple[Run, ...]:
    volume = sheet.shape.volume
    if volume is None:
        return ()
    if not lots:
        return ((gap + " " * volume.width, on("text", ground)),)
    head, tail = volume.split(lots)
    # What was traded stays true while the resting book is unproven.
    return ((gap + head, on(role, ground)), (tail, on("faint", ground)))
