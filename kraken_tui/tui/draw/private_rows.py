"""What single orders and the own account add to the rows of ladder, aggregated book and heatmap. Pure.

It is imported only where there is something to add.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

from kraken_tui.market.book.aggregation import bucket_of
from kraken_tui.market.events import Side
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.book_cells import Singles
from kraken_tui.tui.draw.book_shape import BookShape
from kraken_tui.tui.draw.format import duration, quantity
from kraken_tui.tui.draw.heatmap import HEAD_ROWS
from kraken_tui.tui.draw.own import (
    Ended,
    OwnOrder,
    ahead_text,
    beyond_text,
    ended_orders,
    ended_role,
    ended_text,
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


Placed = TypeVar("Placed", bound="OwnOrder | Ended")


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


def volume_places(shape: BookShape) -> dict[Side, BarPlace]:
    """Where what was traded stands, one cell beyond the bar of its side; empty where it is left out, or on one side."""
    if shape.one_side or shape.volume is None:
        return {}
    ask, width = bar_places(shape)[Side.SELL], shape.volume.width
    return {Side.BUY: BarPlace(0, width, left=True), Side.SELL: BarPlace(ask.at + ask.width + 1, width)}


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
        ended: Own orders that ended there a moment ago.
        hidden: Hidden quantity seen there; None for none.
        sizes: Single orders, () where they are not known.
        age_ns: Age of the first of them; None where it is not known, or of several levels.
    """

    own: tuple[OwnOrder, ...] = ()
    ended: tuple[Ended, ...] = ()
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
        for end in marks.ended:
            if text := ended_text(end, precision, place.width - width_of(runs) - 1):
                runs = (*runs, (f"{text} ", on(ended_role(end), ground)))
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


def decorated_beside(
    picture: Picture, line: Line, place: BarPlace, volume: BarPlace | None, marks: RowMarks, ground: str
) -> Line:
    """As `decorated`, using the cells for what was traded too where nothing was: own orders stand on their own side.

    Args:
        picture: What is drawn.
        line: The row.
        place: The bar.
        volume: What was traded, beyond the bar; None where that is left out.
        marks: What is added.
        ground: Background of the row.
    """
    pair = picture.pair
    assert pair is not None
    assert pair.spec is not None
    if not marks.own or volume is None or free_cells(line, volume) < volume.width:
        return decorated(picture, line, place, (marks,), ground)
    if len(frame_text(marks.own, pair.spec, place.width)) <= 1:
        both = BarPlace(min(place.at, volume.at), place.width + volume.width + 1, place.left)
        runs, width = marked(picture, marks.own, both.width, ground)
        if width > 1:
            line, marks = outer(line, both, runs), msgspec.structs.replace(marks, own=())
        return decorated(picture, line, place, (marks,), ground)
    _, width = marked(picture, marks.own, place.width, ground)
    line = decorated(picture, line, place, (marks,), ground)
    words = ahead_text(marks.own[0], picture) if len(marks.own) == 1 else ""
    words = next((text for text in (words, words.partition(",")[0]) if len(text) <= volume.width), "")
    # A mark alone would be read as what was traded.
    if words[:1].isalnum() and width == len(frame_text(marks.own, pair.spec, place.width)):
        at = volume.at + volume.width - len(words) if volume.left else volume.at
        line = overlaid(line, at, ((words, on("text", ground)),))
    return line


def by_row(orders: Iterable[Placed], step: int) -> dict[tuple[Side, int], tuple[Placed, ...]]:
    """Own orders by side and bucket of the step."""
    found: dict[tuple[Side, int], list[Placed]] = {}
    for each in orders:
        found.setdefault((each.side, bucket_of(each.ticks, step, each.side)), []).append(each)
    return {row: tuple(placed) for row, placed in found.items()}


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
    own, ended = by_row(orders, step), by_row(ended_orders(picture), step)
    hidden = {
        (side, bucket_of(ticks, step, side)): seen
        for (side, ticks), seen in icebergs_at(pair, past=picture.in_past).items()
    }
    places, volumes = bar_places(shape), volume_places(shape)
    head, rows = lines[0], list(lines[1:])
    for number, bucket in enumerate(buckets):
        single = singles.get(bucket)
        ground = "cursor" * (bucket == cursor)
        found: list[RowMarks] = []
        for side in Side:
            sizes = () if single is None else single.bids if side is Side.BUY else single.asks
            key = (side, bucket)
            marks = RowMarks(own.get(key, ()), ended.get(key, ()), hidden.get(key), sizes)
            if marks != RowMarks() and shape.one_side:
                found.append(marks)
            elif marks != RowMarks():
                rows[number] = decorated_beside(picture, rows[number], places[side], volumes.get(side), marks, ground)
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
    own, ended = by_row(own_orders(picture), 1), by_row(ended_orders(picture), 1)
    hidden = icebergs_at(pair, past=picture.in_past)
    found: dict[tuple[Side, int], RowMarks] = {}
    for side, levels in _sides(pair, picture):
        for level in levels:
            key = (side, level.ticks)
            age_ns = level.head_age_ns(pair.now_ns)
            found[key] = RowMarks(own.get(key, ()), ended.get(key, ()), hidden.get(key), level.sizes, age_ns)
    for key in (own.keys() | ended.keys() | hidden.keys()) - found.keys():
        found[key] = RowMarks(own.get(key, ()), ended.get(key, ()), hidden.get(key))
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
    """The price rows of a heatmap with the own orders at the newest time, those beyond the rows counted at their edges.

    Args:
        picture: What is drawn.
        lines: All of the pane.
        view: What the heatmap is drawn from.
    """
    end = len(view.columns)
    above: list[OwnOrder] = []
    below: list[OwnOrder] = []
    for (_, bucket), orders in by_row(own_orders(picture), view.step).items():
        row = view.high - bucket
        if 0 <= row < view.rows:
            text = frame_text(orders, view.spec, max(1, end // 2))
            line = lines[HEAD_ROWS + row]
            lines[HEAD_ROWS + row] = overlaid(line, max(0, end - len(text)), ((text, frame_key(orders)),))
        elif row < 0:
            above += orders
        else:
            below += orders
    for number, text in ((0, beyond_text(above, "▲")), (view.rows - 1, beyond_text(below, "▼"))):
        text = text if len(text) <= end // 2 else text.partition(" ")[0]
        if text:
            line = lines[HEAD_ROWS + number]
            lines[HEAD_ROWS + number] = overlaid(line, max(0, end - len(text)), ((text, "!badge/accent"),))
    return lines
