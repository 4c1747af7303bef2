"""What single orders and the own account add to the rows of ladder, aggregated book and heatmap. Pure.

It is imported only where there is something to add.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from kraken_tui.market.book.aggregation import bucket_of
from kraken_tui.market.events import Side
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.book_cells import Singles
from kraken_tui.tui.draw.book_shape import BookShape
from kraken_tui.tui.draw.format import duration, quantity
from kraken_tui.tui.draw.heatmap import HEAD_ROWS
from kraken_tui.tui.draw.own import (
    OwnOrder,
    beyond_text,
    frame_key,
    frame_text,
    hidden_text,
    icebergs_at,
    level3_levels,
    level3_trusted,
    marked,
    own_orders,
)
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, on, overlaid, part_of, width_of

if TYPE_CHECKING:
    from kraken_tui.market.book.l3_views import L3Level
    from kraken_tui.market.icebergs import IcebergSeen
    from kraken_tui.market.private_views import Level3View
    from kraken_tui.tui.draw.heat_view import HeatView


class BarPlace(msgspec.Struct, frozen=True):
    """Where a bar lies in its row: first cell, cells, and whether it grows to the left."""

    at: int
    width: int
    left: bool = False


def bar_places(shape: BookShape) -> dict[Side, BarPlace]:
    """Where the bars of the aggregated book lie."""
    number = shape.size.width + 2
    if shape.one_side:
        place = BarPlace(shape.price + 2 + number, shape.bar)
        return {Side.BUY: place, Side.SELL: place}
    first = shape.volume.width + 1 if shape.volume else 0
    ask = first + shape.resting + shape.price + 4 + number
    return {Side.BUY: BarPlace(first, shape.bar, left=True), Side.SELL: BarPlace(ask, shape.bar)}


def across(shape: BookShape) -> dict[Side, BarPlace]:
    """The other half of the book by side, from the price on: empty where a row's orders rest on one side only."""
    if shape.one_side:
        return {}
    first = shape.volume.width + 1 if shape.volume else 0
    right = BarPlace(first + shape.resting + shape.price + 4, shape.resting, left=True)
    return {Side.BUY: right, Side.SELL: BarPlace(first, shape.resting)}


def outer(line: Line, place: BarPlace, runs: Line) -> Line:
    """The row with `runs` at the outer end of its bar, over whatever is drawn there."""
    width = width_of(runs)
    if not runs or width > place.width:
        return line
    return overlaid(line, place.at if place.left else place.at + place.width - width, runs)


def free_cells(line: Line, place: BarPlace) -> int:
    """Cells at the outer end of the bar that it does not reach."""
    text = "".join(text for text, _ in part_of(line, place.at, place.at + place.width)).ljust(place.width)
    return place.width - len(text.lstrip(" ") if place.left else text.rstrip(" "))


# --- single orders ----------------------------------------------------------------------------------------------


def own_places(level3: Level3View) -> dict[tuple[Side, int], frozenset[int]]:
    """Numbers of the own orders in the queue of each level."""
    found: dict[tuple[Side, int], set[int]] = {}
    for at in level3.own.values():
        found.setdefault((at.side, at.ticks), set()).add(at.orders_ahead)
    return {key: frozenset(numbers) for key, numbers in found.items()}


def book_singles(picture: Picture, step: int) -> dict[int, Singles]:
    """The single orders behind the rows of the aggregated book, by bucket.

    Those of a row that is not whole are left out.

    Args:
        picture: With the pair.
        step: Ticks of a row.
    """
    pair = picture.pair
    if pair is None or pair.level3 is None or picture.in_past or not level3_trusted(pair):
        return {}
    level3 = pair.level3
    own = own_places(level3)
    found: dict[int, Singles] = {}
    for side, levels in ((Side.BUY, level3.bids), (Side.SELL, level3.asks)):
        rows: dict[int, tuple[list[int], set[int]]] = {}
        for level in levels:
            sizes, mine = rows.setdefault(bucket_of(level.ticks, step, side), ([], set()))
            mine.update(len(sizes) + number for number in own.get((side, level.ticks), ()))
            sizes.extend(level.sizes)
        if levels:
            last = levels[-1].ticks
            # Of the row in which the followed levels end, more may rest than is known.
            edge = bucket_of(last, step, side)
            if last != edge * step:
                rows.pop(edge, None)
        for bucket, (sizes, mine) in rows.items():
            before = found.get(bucket, Singles())
            if side is Side.BUY:
                found[bucket] = Singles(tuple(sizes), before.asks, frozenset(mine), before.own_asks)
            else:
                found[bucket] = Singles(before.bids, tuple(sizes), before.own_bids, frozenset(mine))
    return found


def orders_text(sizes: Sequence[int], age_ns: int | None, precision: int, room: int) -> str:
    """Count of the orders, the largest and the age of the head, as much of it as there is room for."""
    count = f"×{len(sizes)}"
    largest = f"{count} max {quantity(max(sizes), precision, 8)}"
    texts = [largest, count]
    if age_ns is not None:
        texts.insert(0, f"{largest} {duration(age_ns)}")
    return next((text for text in texts if len(text) + 2 <= room), "")


# --- rows -------------------------------------------------------------------------------------------------------


class RowMarks(msgspec.Struct, frozen=True):
    """What is added to one side of a row.

    Attributes:
        own: Own orders there.
        hidden: Hidden quantity seen there; None for none.
        sizes: Single orders, () where they are not known.
        age_ns: Age of the first of them; None where it is not known, or of several levels.
    """

    own: tuple[OwnOrder, ...] = ()
    hidden: IcebergSeen | None = None
    sizes: tuple[int, ...] = ()
    age_ns: int | None = None


def decorated(picture: Picture, line: Line, place: BarPlace, sides: Sequence[RowMarks], ground: str) -> Line:
    """A row with own orders, hidden quantity and the count of its orders at the outer end of its bar.

    Own orders are drawn over the bar where they must be; the others only where the bar leaves room.

    Args:
        picture: What is drawn.
        line: The row.
        place: Its bar.
        sides: What is added, of each side whose bar lies there.
        ground: Background of the row.
    """
    pair = picture.pair
    assert pair is not None
    assert pair.spec is not None
    free, quiet = free_cells(line, place), on("text" if ground == "cursor" else "muted", ground)
    precision = pair.spec.qty_precision
    runs: Line = ()
    for marks in sides:
        if marks.own:
            own, _ = marked(picture, marks.own, place.width - width_of(runs), ground)
            runs = (*runs, *own)
    for marks in sides:
        if marks.hidden is not None:
            room = (free if runs else place.width) - width_of(runs)
            if text := hidden_text(marks.hidden, precision, room - 2):
                runs = (*runs, (f" {text} ", on("warn", ground) if marks.hidden.evidence.proof else quiet))
    for marks in sides:
        room = free - width_of(runs)
        if marks.sizes and (text := orders_text(marks.sizes, marks.age_ns, precision, room)):
            runs = (*runs, (f" {text}", quiet))
    return outer(line, place, runs)


def decorated_across(
    picture: Picture, line: Line, places: tuple[BarPlace, BarPlace | None], marks: RowMarks, ground: str
) -> Line:
    """As `decorated`, with own orders for which the bar has no room in the other half of the row, where that is free.

    Args:
        picture: What is drawn.
        line: The row.
        places: The bar, and the other half; None where there is none.
        marks: What is added.
        ground: Background of the row.
    """
    place, other = places
    pair = picture.pair
    assert pair is not None
    assert pair.spec is not None
    if marks.own and other is not None and len(frame_text(marks.own, pair.spec, place.width)) <= 1:
        runs, width = marked(picture, marks.own, other.width, ground)
        if width > 1 and free_cells(line, other) == other.width:
            line = outer(line, other, runs)
            marks = msgspec.structs.replace(marks, own=())
    return decorated(picture, line, place, (marks,), ground)


def by_row(orders: Iterable[OwnOrder], step: int) -> dict[tuple[Side, int], tuple[OwnOrder, ...]]:
    """Own orders by side and bucket of the step."""
    found: dict[tuple[Side, int], tuple[OwnOrder, ...]] = {}
    for own in orders:
        key = (own.side, bucket_of(own.ticks, step, own.side))
        found[key] = (*found.get(key, ()), own)
    return found


def mark_book(
    picture: Picture,
    lines: list[Line],
    buckets: Sequence[int],
    step: int,
    shape: BookShape,
    singles: Mapping[int, Singles],
    cursor: int | None,
) -> list[Line]:
    """The rows of the aggregated book with what belongs to the account and to single orders.

    Args:
        picture: What is drawn.
        lines: Headings, then the rows.
        buckets: Of the rows, from the top.
        step: Ticks of a row.
        shape: Columns.
        singles: As of `book_singles`.
        cursor: Bucket under the cursor.
    """
    pair = picture.pair
    assert pair is not None
    orders = own_orders(picture)
    own = by_row(orders, step)
    hidden = {
        (side, bucket_of(ticks, step, side)): seen
        for (side, ticks), seen in icebergs_at(pair, past=picture.in_past).items()
    }
    places, halves = bar_places(shape), across(shape)
    head, rows = lines[0], list(lines[1:])
    for number, bucket in enumerate(buckets):
        single = singles.get(bucket)
        ground = "cursor" * (bucket == cursor)
        found: list[RowMarks] = []
        for side in Side:
            sizes = () if single is None else single.bids if side is Side.BUY else single.asks
            marks = RowMarks(own.get((side, bucket), ()), hidden.get((side, bucket)), sizes)
            if marks != RowMarks() and shape.one_side:
                found.append(marks)
            elif marks != RowMarks():
                room = (places[side], halves.get(side))
                rows[number] = decorated_across(picture, rows[number], room, marks, ground)
        if found:
            rows[number] = decorated(picture, rows[number], places[Side.BUY], found, ground)
    if orders and buckets:
        above = [each for (_, bucket), row in own.items() for each in row if bucket > buckets[0]]
        below = [each for (_, bucket), row in own.items() for each in row if bucket < buckets[-1]]
        # Over the topmost row, and beside the lowest, where that side of the book is empty.
        head = _edge(head, places[Side.SELL], beyond_text(above, "▲"))
        rows[-1] = _edge(rows[-1], places[Side.SELL], beyond_text(below, "▼"))
    return [head, *rows]


def _edge(line: Line, place: BarPlace, text: str) -> Line:
    if not text:
        return line
    for words in (f" {text}", text.partition(" ")[0]):
        if len(words) <= place.width:
            return outer(line, place, ((words, "!accent"),))
    return line


def ladder_marks(picture: Picture) -> dict[tuple[Side, int], RowMarks]:
    """What is added to the levels of the ladder, by side and price."""
    pair = picture.pair
    if pair is None:
        return {}
    own = by_row(own_orders(picture), 1)
    hidden = icebergs_at(pair, past=picture.in_past)
    found: dict[tuple[Side, int], RowMarks] = {}
    for side, levels in _sides(pair, picture):
        for level in levels:
            key = (side, level.ticks)
            found[key] = RowMarks(own.get(key, ()), hidden.get(key), level.sizes, level.head_age_ns(pair.now_ns))
    for key in (own.keys() | hidden.keys()) - found.keys():
        found[key] = RowMarks(own.get(key, ()), hidden.get(key))
    return found


def _sides(pair: PairView, picture: Picture) -> tuple[tuple[Side, tuple[L3Level, ...]], ...]:
    if pair.level3 is None or not level3_levels(pair, past=picture.in_past):
        return ()
    return ((Side.BUY, pair.level3.bids), (Side.SELL, pair.level3.asks))


def mark_ladder(
    picture: Picture, lines: list[Line], prices: Sequence[int], place: BarPlace, cursor: int | None
) -> list[Line]:
    """The rows of the ladder with what belongs to the account and to single orders.

    Args:
        picture: What is drawn.
        lines: Headings, then the rows.
        prices: Price of each row, not positive for none.
        place: Of the bars.
        cursor: Number of the row under the cursor.
    """
    marks = ladder_marks(picture)
    head, rows = lines[0], list(lines[1:])
    for number, ticks in enumerate(prices):
        found = [marks[side, ticks] for side in Side if ticks > 0 and (side, ticks) in marks]
        if found:
            rows[number] = decorated(picture, rows[number], place, found, "cursor" * (number == cursor))
    shown = [ticks for ticks in prices if ticks > 0]
    orders = own_orders(picture)
    if orders and shown and rows:
        above = [own for own in orders if own.ticks > shown[0]]
        below = [own for own in orders if own.ticks < shown[-1]]
        between = len([own for own in orders if own.ticks not in shown]) - len(above) - len(below)
        words = " ".join(
            text for text in (beyond_text(above, "▲"), f"{between} between rows" if between else "") if text
        )
        head = _edge(head, place, words)
        rows[-1] = _edge(rows[-1], place, beyond_text(below, "▼"))
    return [head, *rows]


def mark_heatmap(picture: Picture, lines: list[Line], view: HeatView) -> list[Line]:
    """The price rows of a heatmap with the own orders at the newest time.

    Args:
        picture: What is drawn.
        lines: All of the pane.
        view: What the heatmap is drawn from.
    """
    end = len(view.columns)
    for (_, bucket), orders in by_row(own_orders(picture), view.step).items():
        row = view.high - bucket
        if 0 <= row < view.rows:
            text = frame_text(orders, view.spec, max(1, end // 2))
            line = lines[HEAD_ROWS + row]
            lines[HEAD_ROWS + row] = overlaid(line, max(0, end - len(text)), ((text, frame_key(orders)),))
    return lines
