"""The tick-aggregated book: one row per price step, every step present, rows keep their places."""

from __future__ import annotations

from collections.abc import Mapping
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
from kraken_tui.market.history.pulls import Movement
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw import format as fmt
from kraken_tui.tui.draw.amounts import signed
from kraken_tui.tui.draw.book_cells import HATCH as HATCH
from kraken_tui.tui.draw.book_cells import NO_SINGLES, Half, Knowledge, Marks, Sheet, Singles, row_line
from kraken_tui.tui.draw.book_memory import BookMemory, TradedSums
from kraken_tui.tui.draw.book_rows import HEAD_ROWS, book_note, titled, too_narrow, waiting_lines
from kraken_tui.tui.draw.book_shape import BookShape, Pulls, book_shape, pull_header, step_decimals
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.wire.symbols import PairSpec

_NEAR_BAND = 2
_GRID = 10


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
    pulls: Pulls | None = None,
    *,
    one_side: bool = False,
) -> list[Line]:
    """Draw the aggregated book.

    Args:
        picture: What to draw; grouping, cursor and cumulative mode come from its choices.
        width: Cells.
        height: Rows, title and headers included.
        centre: Bucket of the middle row, from `Centring`; None until a touch has been seen.
        held: Whether the rows were moved by hand and stay there.
        memory: What the pictures before left, so that columns and bars keep their scale and changes are seen.
        pulls: Pull and stack; None to leave them out.
        one_side: Whether all columns stand at the right of the price, as beside a heatmap.

    Returns:
        At most `height` lines.
    """
    memory = memory or BookMemory()
    return _draw(picture, width, height, centre, held, memory, pulls, one_side)[: max(0, height)]


def _draw(
    picture: Picture,
    width: int,
    height: int,
    centre: int | None,
    held: bool,
    memory: BookMemory,
    pulls: Pulls | None,
    one_side: bool,
) -> list[Line]:
    view, choices = picture.pair, picture.choices
    if view is None or view.spec is None or centre is None or not (view.bids or view.asks):
        note, role = book_note(view, "") if view else ("", "muted")
        page = waiting_lines(picture, width, height - 1)
        return [titled("Aggregated book", note, role, width, "Book"), *page]
    count = height - HEAD_ROWS
    step = step_of(view.spec, max(1, choices.grouping))
    title = _title(picture, view, step, centre, count, held, width, pulls)
    if count < 1:
        return [title]
    memory.of((view.symbol, view.spec, step, choices.cumulative, width, one_side, pulls and pulls.seconds))
    edges = (
        edge_of(view.bids, view.known_depth, step, Side.BUY),
        edge_of(view.asks, view.known_depth, step, Side.SELL),
    )
    shown = [
        _known(row, *edges)
        for row in visible_rows(view, step, centre, count, memory.sums, cumulative=choices.cumulative)
    ]
    shape = book_shape(view.spec, step, shown, width, memory, view.now_ns, pulls=pulls, one_side=one_side)
    if shape.price + 4 + (1 if one_side else 2) * (shape.size.width + 2) > width:
        return [title, *too_narrow(width, height - 1)]
    singles = _singles(picture, view, step)
    lines = [_headers(shape, pulls), *_row_lines(picture, view, step, shown, edges, shape, memory, pulls, singles)]
    if singles or picture.account is not None or (view.level3 is not None and view.level3.icebergs):
        from kraken_tui.tui.draw.private_rows import mark_book

        cursor = _cursor_bucket(view, step, choices.cursor)
        lines = mark_book(picture, lines, [row.index for row in shown], step, shape, singles, cursor)
    return [title, *lines]


def _singles(picture: Picture, view: PairView, step: int) -> Mapping[int, Singles]:
    """The single orders behind the rows, where they are followed and rows are no sums."""
    if view.level3 is None or picture.choices.cumulative or view.proof is not Proof.VERIFIED:
        return {}
    from kraken_tui.tui.draw.private_rows import book_singles

    return book_singles(picture, step)


def _known(row: BookRow, bid: Edge | None, ask: Edge | None) -> BookRow:
    """The row without what nobody knows: beyond the edge of a side sums are no sums."""
    if bid is not None and row.index < bid.bucket:
        return msgspec.structs.replace(row, bid=0)
    if ask is not None and row.index > ask.bucket:
        return msgspec.structs.replace(row, ask=0)
    return row


def _title(
    picture: Picture,
    view: PairView,
    step: int,
    centre: int,
    count: int,
    held: bool,
    width: int,
    pulls: Pulls | None = None,
) -> Line:
    spec = view.spec
    assert spec is not None
    state = picture.choices
    decimals, divisor = step_decimals(spec.price_precision, step)
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
    if role == "muted" and pulls is not None and len(short) + len(totals := _totals(pulls, spec)) + 7 <= width:
        name = short if len(name) + len(totals) + 7 > width else name
        note = f"{totals} · {note}" if len(name) + len(totals) + len(note) + 10 <= width else totals
    return titled(name, note, role, width, short)


def _totals(pulls: Pulls, spec: PairSpec) -> str:
    """Net of pull and stack of both sides, for the title."""
    bid, ask = (signed(round(side.net), spec.qty_precision) for side in (pulls.bids, pulls.asks))
    return f"{pulls.seconds} s bid {bid} ask {ask}"


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


def _headers(shape: BookShape, pulls: Pulls | None) -> Line:
    if shape.one_side:
        text = " " + "price".rjust(shape.price) + " " + shape.size.header("size").rjust(shape.size.width + 1)
        text = text.ljust(shape.price + 2 + shape.resting) + pull_header(shape, pulls)
        if shape.volume:
            text += f" {shape.volume.header('sold')} {shape.volume.header('bought')}"
        return ((text, "muted"),)
    left = " " * (shape.bar + 1) + shape.size.header("bid") + " "
    right = " " + shape.size.header("ask") + " " * (shape.bar + 1)
    if shape.volume:
        left = shape.volume.header("sold") + " " + left
        right += " " + shape.volume.header("bought")
    right += " " * shape.spare + pull_header(shape, pulls)
    price = "price".center(shape.price + 2)
    return ((left, "muted"), ("│", "rule"), (price, "muted"), ("│", "rule"), (right, "muted"))


def _row_lines(
    picture: Picture,
    view: PairView,
    step: int,
    shown: list[BookRow],
    edges: tuple[Edge | None, Edge | None],
    shape: BookShape,
    memory: BookMemory,
    pulls: Pulls | None,
    singles: Mapping[int, Singles],
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
    sheet = Sheet(shape, scale, sums, trusted, view.stale, picture.ascii_only)
    changed = _changed(memory, shown, edges, shape, view.now_ns, trusted and not sums)
    lines: list[Line] = []
    for number, row in enumerate(shown):
        index = row.index
        if row.ticks <= 0:
            lines.append(())
            continue
        grid = index % _GRID == 0
        outside = not first <= number <= last
        marks = Marks(
            Half(_knowledge(edges[0], index, -1), index == bid, 2 * index in changed),
            Half(_knowledge(edges[1], index, 1), index == ask, 2 * index + 1 in changed),
            _price_role(bid, ask, index),
            index == cursor,
            "┤├" if grid else "┊┊" if outside else "││",
            band if outside else "muted" if grid else "rule",
        )
        moved = pulls.at.get(index) if pulls is not None else None
        lines.append(row_line(sheet, row, marks, _net(moved), singles.get(index, NO_SINGLES)))
    return lines


def _net(moved: Movement | None) -> int:
    return 0 if moved is None else round(moved.net)


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
