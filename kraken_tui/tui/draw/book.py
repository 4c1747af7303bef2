"""The tick-aggregated book: one row per price step, every step present, rows keep their places."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache
from itertools import takewhile

import msgspec

from kraken_tui.market.book.aggregation import (
    BookRow,
    Centring,
    Edge,
    aggregate,
    bucket_of,
    edge_of,
    rows,
    step_of,
    visible_range,
)
from kraken_tui.market.events import Proof, Side
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw import format as fmt
from kraken_tui.tui.draw.book_memory import BookMemory, TradedSums
from kraken_tui.tui.draw.book_rows import (
    CUT_LEFT,
    CUT_RIGHT,
    HEAD_ROWS,
    RowKeys,
    book_note,
    cut_key,
    row_keys,
    titled,
    too_narrow,
    waiting_lines,
)
from kraken_tui.tui.draw.format import QuantityFormat
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, Run, on
from kraken_tui.wire.symbols import PairSpec

HATCH = "╱"
"""Texture of rows beyond the depth of the book."""

_NEAR_BAND = 2
_GRID = 10
_VOLUME_FROM = 18
_LARGE, _SMALL = 2, 25


class BookShape(msgspec.Struct, frozen=True):
    """Columns of one half; the other half mirrors it.

    From the outside in: traded volume, bar, size. Bars take all cells that numbers do not need.

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

    @property
    def resting(self) -> int:
        """Cells of bar and size with the cells that keep them apart."""
        return self.bar + self.size.width + 2


def _step_decimals(precision: int, step: int) -> tuple[int, int]:
    divisor = 1
    while precision and step % (10 * divisor) == 0:
        divisor *= 10
        precision -= 1
    return precision, divisor


def book_shape(
    spec: PairSpec, step: int, shown: Sequence[BookRow], width: int, memory: BookMemory, now_ns: int
) -> BookShape:
    """Choose columns for `width` cells from the precisions and the magnitudes in sight."""
    decimals, divisor = _step_decimals(spec.price_precision, step)
    price = max(len(fmt.price(row.ticks // divisor, decimals)) for row in (shown[0], shown[-1]))
    # Each side of the price has a rule and a place for the touch mark.
    half, spare = divmod(max(0, width - price - 4), 2)
    sizes = [lots for row in shown for lots in (row.bid, row.ask) if lots]
    room = 6 if half < 20 else 7 if half < 28 else 8
    size = memory.sizes.take(sizes, spec.qty_precision, room, 4, now_ns)
    volume = None
    if half >= _VOLUME_FROM:
        volumes = [lots for row in shown for lots in (row.bought, row.sold) if lots]
        volume = memory.volumes.take(volumes, spec.qty_precision, 7, 7, now_ns)
    bar = max(0, half - size.width - 2 - (volume.width + 1 if volume else 0))
    return BookShape(decimals, divisor, price, size, volume, bar, spare)


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
    held: bool = False,
    memory: BookMemory | None = None,
) -> list[Line]:
    """Draw the aggregated book.

    Args:
        picture: What to draw; grouping, cursor and cumulative mode come from its choices.
        width: Cells.
        height: Rows, title and headers included.
        centre: Bucket of the middle row, from `Centring`; None until a touch has been seen.
        held: Whether the rows were moved by hand and stay there.
        memory: What the pictures before left, so that columns and bars keep their scale and changes are seen.

    Returns:
        At most `height` lines.
    """
    return _draw(picture, width, height, centre, held, memory or BookMemory())[: max(0, height)]


def _draw(picture: Picture, width: int, height: int, centre: int | None, held: bool, memory: BookMemory) -> list[Line]:
    view, choices = picture.pair, picture.choices
    if view is None or view.spec is None or centre is None or not (view.bids or view.asks):
        note, role = book_note(view, "") if view else ("", "muted")
        page = waiting_lines(picture, width, height - 1)
        return [titled("Aggregated book", note, role, width, "Book"), *page]
    count = height - HEAD_ROWS
    step = step_of(view.spec, max(1, choices.grouping))
    title = _title(picture, view, step, centre, count, held, width)
    if count < 1:
        return [title]
    memory.of((view.symbol, view.spec, step, choices.cumulative, width))
    edges = (
        edge_of(view.bids, view.known_depth, step, Side.BUY),
        edge_of(view.asks, view.known_depth, step, Side.SELL),
    )
    shown = [
        _known(row, *edges)
        for row in visible_rows(view, step, centre, count, memory.sums, cumulative=choices.cumulative)
    ]
    shape = book_shape(view.spec, step, shown, width, memory, view.now_ns)
    if shape.price + 4 + 2 * (shape.size.width + 2) > width:
        return [title, *too_narrow(width, height - 1)]
    return [title, _headers(shape), *_row_lines(picture, view, step, shown, edges, shape, memory)]


def _known(row: BookRow, bid: Edge | None, ask: Edge | None) -> BookRow:
    """The row without what nobody knows: beyond the edge of a side sums are no sums."""
    if bid is not None and row.index < bid.bucket:
        return msgspec.structs.replace(row, bid=0)
    if ask is not None and row.index > ask.bucket:
        return msgspec.structs.replace(row, ask=0)
    return row


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
    low, high = visible_range(centre, count)
    if all(index is None or index < low or index > high for index in touch):
        return "", "away"
    if held:
        return "moved by hand", "accent"
    room = _room(touch, centre, count)
    if room < 0:
        return "touch outside band", "warn"
    if _is_near(room, count):
        after = ", will recentre" if policy == "band" else ""
        return f"touch near band{after}", "warn"
    return f"recentre: {policy}", "muted"


def _room(touch: tuple[int | None, int | None], centre: int, count: int) -> int:
    """Rows between the touch and the end of the band, negative outside."""
    buckets = [index for index in touch if index is not None]
    _, high = visible_range(centre, count)
    first, last = Centring.band_rows(count)
    # A touch wider than the band is judged by its middle, as `Centring` does.
    if max(buckets) - min(buckets) > last - first:
        buckets = [sum(buckets) // len(buckets)]
    return min(min(high - index - first, last - (high - index)) for index in buckets)


def _is_near(room: int, count: int) -> bool:
    """Whether a touch will soon leave the band; in a small band it is always near."""
    first, last = Centring.band_rows(count)
    return room < 0 or (room < _NEAR_BAND and last - first > 2 * _NEAR_BAND + 1)


def _headers(shape: BookShape) -> Line:
    left = " " * (shape.bar + 1) + shape.size.header("bid") + " "
    right = " " + shape.size.header("ask") + " " * (shape.bar + 1)
    if shape.volume:
        left = shape.volume.header("sold") + " " + left
        right += " " + shape.volume.header("bought")
    price = "price".center(shape.price + 2)
    return ((left, "muted"), ("│", "rule"), (price, "muted"), ("│", "rule"), (right, "muted"))


class Knowledge(IntEnum):
    """What is known of one side of a row."""

    ALL = 0
    AT_LEAST = 1
    """The edge of the book runs through it."""
    NOTHING = 2


class _Sheet(msgspec.Struct, frozen=True):
    """What all rows of one drawing share; `scale` is the size in lots that fills a bar, `sums` whether sizes grow."""

    shape: BookShape
    scale: int
    sums: bool
    trusted: bool
    stale: bool
    ascii_only: bool


class _Half(msgspec.Struct, frozen=True):
    """One side of a row: what is known of it, whether the touch is there, whether its number just changed."""

    known: Knowledge
    touch: bool
    changed: bool


class _Marks(msgspec.Struct, frozen=True):
    """What distinguishes a row besides its numbers: its sides, the role of its price, and its rules."""

    bid: _Half
    ask: _Half
    price: str
    cursor: bool
    rule: str
    rule_key: str


def _row_lines(
    picture: Picture,
    view: PairView,
    step: int,
    shown: list[BookRow],
    edges: tuple[Edge | None, Edge | None],
    shape: BookShape,
    memory: BookMemory,
) -> list[Line]:
    bid, ask = touch_buckets(view, step)
    count = len(shown)
    first, last = Centring.band_rows(count)
    # The band has its colour only while it matters.
    band = "band" if _is_near(_room((bid, ask), shown[count // 2].index, count), count) else "rule"
    cursor = _cursor_bucket(view, step, picture.choices.cursor)
    trusted = view.proof is Proof.VERIFIED
    sizes = [lots for row in shown for lots in (row.bid, row.ask) if lots]
    sums = picture.choices.cumulative
    # Sums have no walls among them: the largest fills its bar.
    scale = memory.scale.take([max(sizes)] if sums and sizes else sizes, view.now_ns)
    sheet = _Sheet(shape, scale, sums, trusted, view.stale, picture.ascii_only)
    changed = _changed(memory, shown, edges, shape, view.now_ns, trusted and not sums)
    lines: list[Line] = []
    for number, row in enumerate(shown):
        index = row.index
        if row.ticks <= 0:
            lines.append(())
            continue
        grid = index % _GRID == 0
        outside = not first <= number <= last
        marks = _Marks(
            _Half(_knowledge(edges[0], index, -1), index == bid, 2 * index in changed),
            _Half(_knowledge(edges[1], index, 1), index == ask, 2 * index + 1 in changed),
            _price_role(bid, ask, index),
            index == cursor,
            "┤├" if grid else "┊┊" if outside else "││",
            band if outside else "muted" if grid else "rule",
        )
        lines.append(_row_line(sheet, row, marks))
    return lines


def _knowledge(edge: Edge | None, index: int, outwards: int) -> Knowledge:
    if edge is None or outwards * (index - edge.bucket) < 0:
        return Knowledge.ALL
    if index != edge.bucket:
        return Knowledge.NOTHING
    return Knowledge.AT_LEAST if edge.partial else Knowledge.ALL


def _changed(
    memory: BookMemory,
    shown: list[BookRow],
    edges: tuple[Edge | None, Edge | None],
    shape: BookShape,
    now_ns: int,
    looked_at: bool,
) -> frozenset[int]:
    """Cells whose number changed a moment ago: twice the bucket's index, and one more for an ask.

    Sums change wherever an order between them and the touch does, so that those are left out.
    """
    if not looked_at:
        memory.flicker.forget()
        return frozenset()
    texts: dict[int, str] = {}
    bid, ask = edges
    text = shape.size.text
    for row in shown:
        index = row.index
        if bid is None or index >= bid.bucket:
            texts[2 * index] = text(row.bid) if row.bid else ""
        if ask is None or index <= ask.bucket:
            texts[2 * index + 1] = text(row.ask) if row.ask else ""
    return memory.flicker.take(texts, shape.size, now_ns)


@lru_cache(maxsize=2048)
def _row_line(sheet: _Sheet, row: BookRow, marks: _Marks) -> Line:
    # Most rows of a book do not change between drawings.
    return (*_bid_half(sheet, row, marks), *_price_cells(sheet, row, marks), *_ask_half(sheet, row, marks))


def _cursor_bucket(view: PairView, step: int, cursor: int | None) -> int | None:
    if cursor is None:
        return None
    below = bool(view.bids) and cursor <= view.bids[0][0]
    return bucket_of(cursor, step, Side.BUY if below else Side.SELL)


def _price_role(bid: int | None, ask: int | None, index: int) -> str:
    """Bid colour at and below the bid, ask colour at and above the ask, muted inside the spread."""
    below = bid is not None and index <= bid
    above = ask is not None and index >= ask
    return "text" if below and above else "bid" if below else "ask" if above else "muted"


def _ground(marks: _Marks, half: _Half | None = None) -> str:
    """Background: of the cursor's row, of the touch's own half and its price, or none."""
    if marks.cursor:
        return "cursor"
    touch = half.touch if half else marks.bid.touch or marks.ask.touch
    return "touch" if touch else ""


def _price_cells(sheet: _Sheet, row: BookRow, marks: _Marks) -> tuple[Run, ...]:
    """The price between its rules: solid inside the band, dotted outside; ticks outwards at every tenth step."""
    shape, ground = sheet.shape, _ground(marks)
    rule = on(marks.rule_key, "cursor" if marks.cursor else "")
    key = on(marks.price, ground)
    if marks.price in ("bid", "ask"):
        key = row_keys(marks.price, ground, sheet.trusted, sheet.stale).price
    elif marks.price == "text" and not sheet.trusted:
        key = on("muted", ground)
    if marks.bid.touch or marks.ask.touch:
        key = f"!{key}"
    mark = on("bright" if sheet.trusted else "muted", ground)
    return (
        (marks.rule[0], rule),
        ("▸" if marks.bid.touch else " ", mark),
        *fmt.price_runs(row.ticks // shape.divisor, shape.decimals, shape.price, key, on("muted", ground)),
        ("◂" if marks.ask.touch else " ", mark),
        (marks.rule[1], rule),
    )


def _bid_half(sheet: _Sheet, row: BookRow, marks: _Marks) -> tuple[Run, ...]:
    shape, half = sheet.shape, marks.bid
    volume = _volume(sheet, row.sold, "down", "cursor" if marks.cursor else "")
    if half.known is Knowledge.NOTHING:
        return (*volume, *_unknown(shape, marks))
    ground = _ground(marks, half)
    if not row.bid:
        return (*volume, (" " * shape.resting, on("text", ground)))
    keys = row_keys("bid", ground, sheet.trusted, sheet.stale)
    width = shape.bar
    bar: tuple[Run, ...] = ()
    if row.bid > sheet.scale and width:
        bar, width = ((CUT_LEFT, cut_key("bid-bar", sheet.trusted)),), width - 1
    length = fmt.eighths(row.bid, sheet.scale, width)
    bar += fmt.bar_left(length, width, keys.bar, sheet.ascii_only, fine=True)
    return (*volume, *bar, *_number(sheet, row.bid, half, keys, ground))


def _ask_half(sheet: _Sheet, row: BookRow, marks: _Marks) -> tuple[Run, ...]:
    shape, half = sheet.shape, marks.ask
    volume = _volume(sheet, row.bought, "up", "cursor" if marks.cursor else "")[::-1]
    spare: tuple[Run, ...] = ((" " * shape.spare, on("text", "cursor" if marks.cursor else "")),) if shape.spare else ()
    if half.known is Knowledge.NOTHING:
        return (*_unknown(shape, marks), *volume, *spare)
    ground = _ground(marks, half)
    if not row.ask:
        return ((" " * shape.resting, on("text", ground)), *volume, *spare)
    keys = row_keys("ask", ground, sheet.trusted, sheet.stale)
    width = shape.bar
    cut: tuple[Run, ...] = ()
    if row.ask > sheet.scale and width:
        cut, width = ((CUT_RIGHT, cut_key("ask-bar", sheet.trusted)),), width - 1
    bar = fmt.bar_right(fmt.eighths(row.ask, sheet.scale, width), width, keys.bar, sheet.ascii_only)
    return (*_number(sheet, row.ask, half, keys, ground), bar, *cut, *volume, *spare)


def _unknown(shape: BookShape, marks: _Marks) -> tuple[Run, ...]:
    """The texture of what lies beyond the edge of the book: neither a number nor nothing."""
    return ((HATCH * shape.resting, on("muted", "cursor") if marks.cursor else "rule"),)


def _number(sheet: _Sheet, lots: int, half: _Half, keys: RowKeys, ground: str) -> tuple[Run, ...]:
    """A size with a cell before and after it; the large ones stand out, and only its own cells show a change."""
    text = sheet.shape.size.text(lots)
    digits = text.lstrip()
    key = keys.size
    if sheet.trusted:
        large, small = _LARGE * lots >= sheet.scale, _SMALL * lots < sheet.scale
        role = "text" if sheet.sums else "!bright" if large else "muted" if small else "text"
        under = "changed" if half.changed and ground != "cursor" else ground
        key = on(role, under)
    after = "+" if half.known is Knowledge.AT_LEAST else " "
    return (
        (" " * (1 + len(text) - len(digits)), on("text", ground)),
        (digits, key),
        (after, keys.label),
    )


def _volume(sheet: _Sheet, lots: int, role: str, ground: str) -> tuple[Run, ...]:
    """What traded at a price, in the aggressor's colour, and the cell that keeps it apart."""
    volume = sheet.shape.volume
    if volume is None:
        return ()
    gap = (" ", on("text", ground))
    if not lots:
        return ((" " * volume.width, on("text", ground)), gap)
    # What was traded stays true while the resting book is unproven.
    return ((volume.text(lots), on(role, ground)), gap)
