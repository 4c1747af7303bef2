"""The queue behind each price level: single orders whose sum is the level, always.

Made only while somebody asks for single orders or has one of his own in the book, and even then a level is split
into orders only when it comes into sight. The market neither knows nor cares: it goes on setting whole levels, and
the queues explain each change by orders that come, shrink and go.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Protocol

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_OLDEST_S = 900.0


class Owner(Protocol):
    """An order of an account that stands in a queue."""

    def next_slice(self) -> int:
        """What to show after the visible part is gone: lots of the next slice of an iceberg, or zero."""


def kraken_id(rng: Random, first: str) -> str:
    """An id of the exchange's form, such as `OK4GJX-KSTLS-7DZZO5`; `first` is O, T or L."""
    bits = rng.getrandbits(80)
    text = "".join([_PAIRS[bits >> at & 1023] for at in range(0, 80, 10)])
    return f"{first}{text[:5]}-{text[5:10]}-{text[10:16]}"


@dataclass(slots=True)
class Queued:
    """One visible order.

    Attributes:
        order_id: the exchange's.
        lots: visible remaining quantity.
        ts_ns: when it took its place in the queue, ns since the epoch.
        own: the account's order behind it; None for the crowd's.
        token: its share of the checksum; empty when not known.
    """

    order_id: str
    lots: int
    ts_ns: int
    own: Owner | None = None
    token: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """What one order gave to a trade.

    Attributes:
        own: the account's order; None for the crowd's.
        lots: how much.
        refill: lots of the iceberg slice shown next; zero for none.
    """

    own: Owner | None
    lots: int
    refill: int


class SideQueues:
    """The queues of one side.

    Args:
        lots: quantity in lots by key, as the side has it.
        rng: the source of chance, not the market's.
        minimum: the smallest order in lots.

    Attributes:
        levels: the levels split so far, first in the queue first.
        own: visible lots of the account's orders by key.
        touched: keys that may differ from what was last told.
        now_ns: time given to orders that come now; each takes the next nanosecond.
    """

    __slots__ = ("_lots", "levels", "minimum", "now_ns", "own", "rng", "touched")

    def __init__(self, lots: dict[int, int], rng: Random, minimum: int) -> None:
        self._lots = lots
        self.rng = rng
        self.minimum = max(1, minimum)
        self.levels: dict[int, list[Queued]] = {}
        self.own: dict[int, int] = {}
        self.touched: set[int] = set()
        self.now_ns = 0

    def stand_behind(self, lots: dict[int, int]) -> None:
        """Explain another side with the same levels from now on."""
        self._lots = lots

    def clear(self) -> None:
        """Forget every order: the market has been built again."""
        self.levels.clear()
        self.own.clear()
        self.touched.clear()

    def at(self, key: int) -> list[Queued]:
        """The queue at a key, split now if it was not yet."""
        queue = self.levels.get(key)
        if queue is None:
            total = self._lots.get(key, 0)
            if total == 0:
                return []
            queue = self.levels[key] = self._split(total)
        return queue

    def _stamp(self) -> int:
        self.now_ns += 1
        return self.now_ns

    def _split(self, total: int) -> list[Queued]:
        rng = self.rng
        count = min(1 + int(rng.expovariate(0.55)), 12, max(1, total // self.minimum))
        ages = sorted((rng.expovariate(1 / 90.0) for _ in range(count)), reverse=True)
        cuts = sorted(rng.randrange(1, total) for _ in range(count - 1)) if total > count else []
        sizes = [b - a for a, b in zip([0, *cuts], [*cuts, total], strict=True) if b > a]
        now_ns, before = self.now_ns, 0
        queue = []
        for lots, age in zip(sizes, ages, strict=False):
            before = max(before + 1, now_ns - 1 - int(min(age, _OLDEST_S) * 1e9))
            queue.append(Queued(kraken_id(rng, "O"), lots, min(before, now_ns)))
        return queue

    # --- the crowd

    def crowd_set(self, key: int, total: int) -> int:
        """Explain that the crowd wants `total` lots at a key.

        Returns:
            The total as it becomes: never less than the account's own orders there.
        """
        own = self.own.get(key, 0)
        total = max(total, own)
        self.touched.add(key)
        queue = self.levels.get(key)
        if queue is None:
            return total
        have = self._lots.get(key, 0)
        if total == 0:
            del self.levels[key]
        elif total > have:
            queue.append(Queued(kraken_id(self.rng, "O"), total - have, self._stamp()))
        elif total == own:
            queue[:] = [order for order in queue if order.own is not None]
        elif total < have:
            self._cancel(queue, have - total)
        return total

    def _cancel(self, queue: list[Queued], lots: int) -> None:
        """Take `lots` of the crowd's out of a queue that has more: whole orders first, then part of one."""
        for order in queue:
            if order.lots == lots and order.own is None:
                queue.remove(order)
                return
        crowd = [order for order in queue if order.own is None]
        self.rng.shuffle(crowd)
        for order in crowd:
            if order.lots > lots:
                order.lots -= lots
                order.token = ""
                return
            lots -= order.lots
            queue.remove(order)
            if lots == 0:
                return

    # --- trades

    def trade(self, key: int, lots: int) -> list[Part]:
        """Take `lots` from the front of the queue at a key, where at least that much is visible."""
        self.touched.add(key)
        if key not in self.levels:
            return [Part(None, lots, 0)]
        queue = self.levels[key]
        parts = []
        while lots > 0:
            order = queue[0]
            part = min(order.lots, lots)
            lots -= part
            order.lots -= part
            order.token = ""
            refill = 0
            if order.own is not None:
                self._count(key, -part)
            if order.lots == 0:
                del queue[0]
                if order.own is not None:
                    refill = order.own.next_slice()
                    if refill:
                        self.append(key, order.order_id, refill, order.own)
            parts.append(Part(order.own, part, refill))
        if not queue:
            self.levels.pop(key, None)
        return parts

    # --- the account's orders. The caller keeps the side's total in step.

    def append(self, key: int, order_id: str, lots: int, own: Owner) -> None:
        """Put an own order at the back of a level."""
        self.levels.setdefault(key, []).append(Queued(order_id, lots, self._stamp(), own))
        self._count(key, lots)
        self.touched.add(key)

    def resize(self, key: int, own: Owner, lots: int) -> int:
        """Make an own order smaller where it stands, or remove it with zero.

        Returns:
            How many lots are gone.
        """
        self.touched.add(key)
        queue = self.levels.get(key, [])
        for order in queue:
            if order.own is own:
                gone = order.lots - lots
                order.lots, order.token = lots, ""
                if lots == 0:
                    queue.remove(order)
                    if not queue:
                        self.levels.pop(key, None)
                self._count(key, -gone)
                return gone
        return 0

    def _count(self, key: int, lots: int) -> None:
        total = self.own.get(key, 0) + lots
        if total:
            self.own[key] = total
        else:
            self.own.pop(key, None)
