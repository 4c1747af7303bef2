"""One side of a level 3 book: price levels, each a queue of orders.

A queue is a dict, whose order of insertion is the order in the queue: an order that changes keeps its place, one that
is put back goes to the end, and any is found by its id. Levels are found by bisection over a list of keys, as in
`market.book.l2`. Each order keeps its checksum digits, each level the joined digits of its orders, and the side those
of its ten best levels, so that proving a message costs little more than one CRC.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

import msgspec

from kraken_tui.market.book.l3_views import L3Level, QueuedOrder, QueuePosition, Reading, stamp_ns
from kraken_tui.market.events import Level, Side
from kraken_tui.wire.checksum import CHECKSUM_LEVELS


class Resting(msgspec.Struct, gc=False):
    """One order as it is held.

    Attributes:
        key: Ticks for asks, negated ticks for bids.
        digits: Its part of the checksum.
        stamp: The wire's time, verbatim.
        rank: Place by arrival.
        raised: Place where a raised quantity goes to the back.
    """

    order_id: str
    key: int
    lots: int
    digits: str
    stamp: str | None
    rank: int
    raised: int


class Queue(msgspec.Struct, gc=False):
    """One price level; `digits` is "" where the orders changed since they were joined."""

    token: str
    lots: int
    orders: dict[str, Resting]
    digits: str = ""


_PLACES: dict[Reading, Callable[[Resting], Any]] = {
    Reading.KEEP: attrgetter("rank"),
    Reading.RAISED: attrgetter("raised"),
    Reading.BY_TIME: lambda order: (stamp_ns(order.stamp) or 0, order.rank),
}


class QueueSide:
    """One side, best level first; reads like a `BookSide`."""

    __slots__ = ("_bytes", "_dirty", "_keys", "_orders", "_queues", "_sign", "side")

    def __init__(self, side: Side) -> None:
        self.side = side
        self._sign = -1 if side is Side.BUY else 1
        self._keys: list[int] = []
        self._queues: dict[int, Queue] = {}
        self._orders: dict[str, Resting] = {}
        self._dirty = False
        self._bytes = b""

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Level]:
        return iter(self.top())

    @property
    def orders(self) -> int:
        """Number of orders held."""
        return len(self._orders)

    def best(self) -> Level | None:
        """The touch of this side, or None when the side is empty."""
        keys = self._keys
        return (self._sign * keys[0], self._queues[keys[0]].lots) if keys else None

    def worst(self) -> int | None:
        """Price of the last level that is held; None on an empty side."""
        return self._sign * self._keys[-1] if self._keys else None

    def top(self, count: int | None = None) -> tuple[Level, ...]:
        """The best `count` levels, or all, with the sum of their orders."""
        queues, sign = self._queues, self._sign
        return tuple([(sign * key, queues[key].lots) for key in self._keys[:count]])

    def lots_at(self, ticks: int) -> int:
        """Lots resting at a price; 0 if there is no level."""
        queue = self._queues.get(self._sign * ticks)
        return queue.lots if queue is not None else 0

    def levels(self, count: int | None = None) -> tuple[L3Level, ...]:
        """The best `count` levels, or all, with their orders."""
        found = []
        for key in self._keys[:count]:
            queue = self._queues[key]
            sizes = tuple([order.lots for order in queue.orders.values()])
            head = next(iter(queue.orders.values()))
            found.append(L3Level(self._sign * key, queue.lots, sizes, stamp_ns(head.stamp)))
        return tuple(found)

    def each(self, count: int | None = None) -> tuple[tuple[int, int, str], ...]:
        """(ticks, lots, id) of every order of the best `count` levels, or of all, in the order of the queues."""
        return tuple(
            [
                (self._sign * key, order.lots, order.order_id)
                for key in self._keys[:count]
                for order in self._queues[key].orders.values()
            ]
        )

    def queue(self, ticks: int) -> tuple[QueuedOrder, ...]:
        """The orders of a level, first in the queue first; empty where there is no level."""
        queue = self._queues.get(self._sign * ticks)
        found, ahead = [], 0
        for place, order in enumerate(queue.orders.values() if queue is not None else ()):
            found.append(QueuedOrder(order.order_id, order.lots, stamp_ns(order.stamp), place, ahead))
            ahead += order.lots
        return tuple(found)

    def position(self, order_id: str, *, verified: bool) -> QueuePosition | None:
        """Where an order stands; None where it is not held: outside the depth, or not in the book."""
        order = self._orders.get(order_id)
        if order is None:
            return None
        queue = self._queues[order.key]
        place = ahead = 0
        for other in queue.orders.values():
            if other is order:
                break
            place, ahead = place + 1, ahead + other.lots
        behind = len(queue.orders) - place - 1
        ticks = self._sign * order.key
        return QueuePosition(self.side, ticks, order.lots, place, ahead, behind, queue.lots, verified)

    def join(self, order: Resting, token: str) -> None:
        """Put an order at the back of its level."""
        keys, key = self._keys, order.key
        if len(keys) < CHECKSUM_LEVELS or key <= keys[CHECKSUM_LEVELS - 1]:
            self._dirty = True
        queue = self._queues.get(key)
        if queue is None:
            insort(keys, key)
            self._queues[key] = Queue(token, order.lots, {order.order_id: order})
        else:
            queue.orders[order.order_id] = order
            queue.lots += order.lots
            queue.digits = ""
        self._orders[order.order_id] = order

    def leave(self, order: Resting) -> None:
        """Take an order out, and its level if it was the last."""
        keys, key = self._keys, order.key
        if len(keys) < CHECKSUM_LEVELS or key <= keys[CHECKSUM_LEVELS - 1]:
            self._dirty = True
        del self._orders[order.order_id]
        queue = self._queues[key]
        del queue.orders[order.order_id]
        if queue.orders:
            queue.lots -= order.lots
            queue.digits = ""
        else:
            del self._queues[key], keys[bisect_left(keys, key)]

    def resize(self, order: Resting, queue: Queue, lots: int, *, to_back: bool) -> None:
        """Give an order another quantity; it keeps its place unless told otherwise."""
        keys = self._keys
        if len(keys) < CHECKSUM_LEVELS or order.key <= keys[CHECKSUM_LEVELS - 1]:
            self._dirty = True
        queue.lots += lots - order.lots
        order.lots = lots
        order.digits = f"{queue.token}{lots}"
        queue.digits = ""
        if to_back:
            queue.orders[order.order_id] = queue.orders.pop(order.order_id)

    def truncate(self, depth: int) -> None:
        """Drop the levels beyond `depth`, with their orders."""
        keys = self._keys
        if len(keys) <= depth:
            return
        for key in keys[depth:]:
            for order_id in self._queues.pop(key).orders:
                del self._orders[order_id]
        del keys[depth:]
        self._dirty = self._dirty or depth < CHECKSUM_LEVELS

    def clear(self) -> None:
        """Forget every order."""
        self._keys.clear()
        self._queues.clear()
        self._orders.clear()
        self._dirty = True

    def arrange(self, reading: Reading, keys: Iterator[int] | None = None) -> None:
        """Put the orders of each level, or of those named, in the order that a reading gives."""
        place = _PLACES[reading]
        for key in self._keys if keys is None else keys:
            queue = self._queues.get(key)
            if queue is not None and len(queue.orders) > 1:
                queue.orders = {order.order_id: order for order in sorted(queue.orders.values(), key=place)}
                queue.digits = ""
        self._dirty = True

    def checksum_digits(self) -> bytes:
        """Checksum digits of the best ten levels, joined, in ASCII."""
        if self._dirty:
            queues, parts = self._queues, []
            for key in self._keys[:CHECKSUM_LEVELS]:
                queue = queues[key]
                if not queue.digits:
                    queue.digits = "".join([order.digits for order in queue.orders.values()])
                parts.append(queue.digits)
            self._bytes = "".join(parts).encode("ascii")
            self._dirty = False
        return self._bytes

    def digits_as(self, reading: Reading) -> bytes:
        """The same as a reading would have it; the book stays as it is."""
        place = _PLACES[reading]
        parts = [
            order.digits
            for key in self._keys[:CHECKSUM_LEVELS]
            for order in sorted(self._queues[key].orders.values(), key=place)
        ]
        return "".join(parts).encode("ascii")
