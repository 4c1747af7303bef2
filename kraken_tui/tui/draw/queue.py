"""The queue of one level: its single orders, the first to be filled first, the own ones marked. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kraken_tui.market.events import Side
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.account import sentences
from kraken_tui.tui.draw.account_text import level3_word
from kraken_tui.tui.draw.book_rows import titled
from kraken_tui.tui.draw.format import bar_right, duration, eighths, price, quantity
from kraken_tui.tui.draw.own import hidden_text, icebergs_at, level3_trusted
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, in_cells, on
from kraken_tui.words import counted

if TYPE_CHECKING:
    from kraken_tui.market.book.l3_views import QueuedOrder
    from kraken_tui.market.private_views import Level3View, QueueView

NO_LEVEL3 = (
    "Single orders are not followed: the exchange gives them to holders of a key only. Store one with "
    "`kraken-tui keys add` (docs/ACCOUNT.md), or see them with --demo."
)


def draw_queue(picture: Picture, width: int, height: int) -> list[Line]:
    """Draw the queue of the level that is watched.

    Args:
        picture: What to draw.
        width, height: Cells.
    """
    view = picture.pair
    if view is None or view.spec is None:
        return [titled("Queue", "", "muted", width), *sentences("waiting for the pair", "muted", width)][:height]
    level3 = view.level3
    if picture.in_past or level3 is None:
        text = "The queue has no past: go back to now." if picture.in_past and level3 is not None else NO_LEVEL3
        return [titled("Queue", "", "muted", width), *sentences(text, "muted", width)][: max(0, height)]
    queue = level3.queue
    title = _title(view, level3, queue, width)
    if queue is None:
        return [title, *sentences("waiting for the orders of this level", "muted", width)][: max(0, height)]
    where = f"{'bids' if queue.side is Side.BUY else 'asks'} at {price(queue.ticks, view.spec.price_precision)}"
    if queue.beyond:
        followed = f"the {counted(level3.depth, 'level')} a side that are followed"
        text = f"? Not known: {price(queue.ticks, view.spec.price_precision)} is outside {followed}."
        return [title, *sentences(text, "muted", width)][: max(0, height)]
    if not level3_trusted(view):
        reason = "stale" if level3.verified else level3.reason or "not proven"
        text = f"? {where}: no place in a queue is shown from a book that is not proven ({reason})."
        return [title, *sentences(text, "warn", width)][: max(0, height)]
    if not queue.orders:
        return [title, *sentences(f"No orders: nothing rests at {where}.", "muted", width)][: max(0, height)]
    return [title, *_body(picture, view, level3, queue, width, height - 1)][: max(0, height)]


def _title(view: PairView, level3: Level3View, queue: QueueView | None, width: int) -> Line:
    spec = view.spec
    assert spec is not None
    word = level3_word(level3)
    age = "" if level3.age_ns is None else f", {duration(level3.age_ns)}"
    if word != "VERIFIED":
        note, role = f"L3 {word}: {level3.reason}".rstrip(": "), "bad" if word == "UNVERIFIED" else "warn"
    elif level3.stale:
        note, role = f"L3 STALE: {level3.stale_reason}".rstrip(": "), "stale"
    else:
        note, role = f"L3 ✓{age}", "muted"
    if queue is None:
        return titled("Queue", note, role, width)
    side = "bid" if queue.side is Side.BUY else "ask"
    return titled(f"Queue {side} {price(queue.ticks, spec.price_precision)}", note, role, width, "Queue")


def _body(
    picture: Picture, view: PairView, level3: Level3View, queue: QueueView, width: int, height: int
) -> list[Line]:
    spec = view.spec
    assert spec is not None
    lines = [_sums(view, queue, width)]
    seen = icebergs_at(view).get((queue.side, queue.ticks))
    if seen is not None:
        text = f"{hidden_text(seen, spec.qty_precision)}: {seen.evidence.value}"
        lines += sentences(text, "warn" if seen.evidence.proof else "muted", width)
    lines += _own_places(view, level3, queue, width)
    lines.append(((f" {'#':>4}  {'size':>12}  {'age':>6}  {'ahead':>12}", "muted"),))
    room = height - len(lines)
    lines += _rows(picture, view, level3, queue.orders, width, room)
    return lines


def _sums(view: PairView, queue: QueueView, width: int) -> Line:
    spec = view.spec
    assert spec is not None
    total = quantity(sum(order.lots for order in queue.orders), spec.qty_precision, 12)
    largest = quantity(max(order.lots for order in queue.orders), spec.qty_precision, 12)
    head = queue.orders[0].ns
    age = "" if head is None else f", head {duration(max(0, view.now_ns - head))}"
    parts = [f" {counted(len(queue.orders), 'order')}", f", {total} {spec.base}", age, f", largest {largest}"]
    kept = ""
    for part in parts:
        kept += part if len(kept + part) <= width else ""
    return ((in_cells(kept), "text"),)


def _own_places(view: PairView, level3: Level3View, queue: QueueView, width: int) -> list[Line]:
    """Each own order of the level in words: "yours 0.25: 3 ahead, 1.25"."""
    spec = view.spec
    assert spec is not None
    lines: list[Line] = []
    for order in queue.orders:
        if order.order_id in level3.own:
            size, ahead = (quantity(lots, spec.qty_precision, 10) for lots in (order.lots, order.lots_ahead))
            place = f"{order.orders_ahead} ahead, {ahead}" if order.orders_ahead else "next to be filled"
            lines += sentences(f"◆ yours {size}: {place}", "accent", width)
    return lines[:3]


def _rows(
    picture: Picture, view: PairView, level3: Level3View, orders: tuple[QueuedOrder, ...], width: int, room: int
) -> list[Line]:
    """One row an order; where not all fit, the head of the queue and what surrounds the first own order."""
    shown = [*range(len(orders))]
    if len(shown) > room > 0:
        own = next((at for at, order in enumerate(orders) if order.order_id in level3.own), 0)
        first = picture.own.scrolled.get("queue", 0 if own < room else own - room // 2)
        first = max(0, min(first, len(orders) - room))
        if "queue" in picture.own.scrolled:
            picture.own.scrolled["queue"] = first
        shown = shown[first : first + room]
    largest = max(order.lots for order in orders)
    return [_row(picture, view, level3, orders[at], at, largest, width) for at in shown]


def _row(
    picture: Picture, view: PairView, level3: Level3View, order: QueuedOrder, at: int, largest: int, width: int
) -> Line:
    spec = view.spec
    assert spec is not None
    own = order.order_id in level3.own
    key = "!accent" if own else "text"
    age = "–" if order.ns is None else duration(max(0, view.now_ns - order.ns))
    size, ahead = (quantity(lots, spec.qty_precision, 12) for lots in (order.lots, order.lots_ahead))
    text = f"{'◆' if own else ' '}{at + 1:>4}  {size:>12}  {age:>6}  {ahead:>12}"
    side = "bid" if level3.queue is not None and level3.queue.side is Side.BUY else "ask"
    room = width - len(text) - 9
    bar = ("", "text")
    if room > 3:
        bar = bar_right(eighths(order.lots, largest, room), room, on(f"{side}-bar", ""), picture.ascii_only)
    word = "  yours " if own else "        "
    return ((text, key), (word, key), bar) if room >= 0 else ((text, key),)
