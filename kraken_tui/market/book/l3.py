"""A book of single orders in whole ticks and lots, by the rules of PRIVATE.md section 2.2.

The protocol leaves open what some amends do to the queue (section 2.6). One reading is in use; where a checksum does
not match it, the others are tried, and the one that matches takes over. `counts.readings` says how often a checksum
told them apart, and for which.
"""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

from kraken_tui.errors import InvalidMessage, InvalidNumber, WireError
from kraken_tui.market.book.l3_side import QueueSide, Resting
from kraken_tui.market.book.l3_views import (
    L3Counts,
    L3Level,
    Level3Changed,
    OrderChange,
    QueuedOrder,
    QueuePosition,
    Reading,
    stamp_ns,
)
from kraken_tui.market.events import Side
from kraken_tui.wire.digits import to_units
from kraken_tui.wire.level3 import Level3Data, WireOrder
from kraken_tui.wire.messages import Kind
from kraken_tui.wire.order_answers import is_order_id
from kraken_tui.wire.symbols import PairSpec

DEPTHS = (10, 100, 1000)
"""Depths Kraken offers, in price levels a side."""

_KEPT_PRICES = 4096
_NO_SNAPSHOT = "waiting for the snapshot"
_NO_CHECKSUM = "the exchange sent no checksum"


class L3Book:
    """One pair's orders at one depth.

    Args:
        spec: Precisions that turn wire text into ticks and lots.
        depth: Price levels a side that are kept, as subscribed: an acknowledgement does not say.
    """

    __slots__ = ("_prices", "_rank", "_telling", "asks", "bids", "counts", "depth", "reading", "reason", "spec")

    def __init__(self, spec: PairSpec, depth: int) -> None:
        self.spec = spec
        self.depth = depth
        self.bids = QueueSide(Side.BUY)
        self.asks = QueueSide(Side.SELL)
        self.counts = L3Counts()
        self.reading = Reading.KEEP
        self.reason = _NO_SNAPSHOT
        self._rank = 0
        self._telling = False
        # Wire text of a price -> (ticks, digits): the same few prices come again and again.
        self._prices: dict[str, tuple[int, str]] = {}

    @property
    def verified(self) -> bool:
        """Whether the last message proved the book; only then may places in queues be shown."""
        return not self.reason

    def take(self, kind: Kind, data: Level3Data, received_ns: int) -> Level3Changed:
        """Take one message: apply it, then prove the book.

        An update that does not continue a snapshot is dropped. After a mismatch or a malformed entry only the next
        snapshot restores trust; whoever drives the connection subscribes again then.

        Args:
            kind: "snapshot" or "update".
            data: The pair's part of the frame.
            received_ns: Wall clock at the receipt.
        """
        changes: tuple[OrderChange, ...] = ()
        matched: bool | None = None
        expected = data.checksum if type(data.checksum) is int else None
        dropped = kind == "update" and bool(self.reason) and self.reason != _NO_CHECKSUM
        if dropped:
            self.counts.dropped += 1
        else:
            try:
                if kind == "snapshot":
                    self.load(data.bids or (), data.asks or ())
                else:
                    changes = self.apply(data.bids or (), data.asks or ())
            except WireError as error:
                self.reason = f"malformed: {error}"
            else:
                matched = self.check(expected)
                self.reason = "" if matched else _NO_CHECKSUM if matched is None else "the checksum does not match"
        return Level3Changed(
            symbol=self.spec.symbol,
            kind=kind,
            verified=not self.reason,
            matched=matched,
            checksum=expected,
            timestamp=data.timestamp,
            received_ns=received_ns,
            changes=changes,
            reason=self.reason,
            dropped=dropped,
        )

    def lose(self, reason: str) -> None:
        """Stop trusting the book until the next snapshot, for example because the connection is gone."""
        self.reason = reason or _NO_SNAPSHOT

    def load(self, bids: Sequence[WireOrder], asks: Sequence[WireOrder]) -> None:
        """Replace everything by a snapshot, orders in array order, however deep it is.

        Raises:
            WireError: An entry is not acceptable; the book is then empty.
        """
        self.clear()
        self._prices.clear()
        self.counts.messages += 1
        try:
            for side, orders in ((self.bids, bids), (self.asks, asks)):
                for entry in orders:
                    self._add(side, entry, None)
        except WireError:
            self.clear()
            raise
        if self.reading is Reading.BY_TIME:
            self._arrange()
        self._telling = True
        self._truncate()

    def apply(self, bids: Sequence[WireOrder], asks: Sequence[WireOrder]) -> tuple[OrderChange, ...]:
        """Apply one update as a whole, then drop what is beyond the depth.

        Returns:
            What changed, in order.

        Raises:
            WireError: An entry is not acceptable; the book is then no longer trustworthy.
        """
        changes: list[OrderChange] = []
        self.counts.messages += 1
        self._telling = False
        if bids:
            self._apply_side(self.bids, bids, changes)
        if asks:
            self._apply_side(self.asks, asks, changes)
        if self.reading is Reading.BY_TIME and changes:
            self._arrange(changes)
        self._truncate()
        return tuple(changes)

    def check(self, expected: int | None) -> bool | None:
        """Compare with the venue's checksum; a reading of the queue that matches it takes over.

        Returns:
            Whether it matches; None without a checksum.
        """
        if expected is None:
            return None
        if self.checksum() == expected:
            self.counts.checks_ok += 1
            # Which reading is meant shows only where they differ.
            if self._telling and any(self.checksum_as(other) != expected for other in Reading):
                self.counts.readings[self.reading] += 1
            return True
        for other in Reading:
            if other is not self.reading and self.checksum_as(other) == expected:
                self.reading = other
                self.counts.readings[other] += 1
                self.counts.switched += 1
                self.counts.checks_ok += 1
                self._arrange()
                return True
        self.counts.checks_failed += 1
        return False

    def checksum(self) -> int:
        """CRC32 of the orders of the best ten levels a side, unsigned; 0 for an empty book."""
        return crc32(self.bids.checksum_digits(), crc32(self.asks.checksum_digits()))

    def checksum_as(self, reading: Reading) -> int:
        """The checksum that another reading of the queues would give."""
        return crc32(self.bids.digits_as(reading), crc32(self.asks.digits_as(reading)))

    def clear(self) -> None:
        """Empty both sides."""
        self.bids.clear()
        self.asks.clear()

    def side(self, side: Side) -> QueueSide:
        """One side of the book."""
        return self.bids if side is Side.BUY else self.asks

    def levels(self, side: Side, count: int | None = None) -> tuple[L3Level, ...]:
        """The best `count` levels of a side, or all, with their orders."""
        return self.side(side).levels(count)

    def queue(self, side: Side, ticks: int) -> tuple[QueuedOrder, ...]:
        """The orders of one level, first in the queue first; empty where there is no level."""
        return self.side(side).queue(ticks)

    def position(self, order_id: str) -> QueuePosition | None:
        """Where an order stands; None is "unknown": outside the depth, pending, or not in the book."""
        found = self.bids.position(order_id, verified=self.verified)
        return found or self.asks.position(order_id, verified=self.verified)

    @property
    def crossed(self) -> bool:
        """Whether the best bid is at or above the best ask."""
        bid, ask = self.bids.best(), self.asks.best()
        return bid is not None and ask is not None and bid[0] >= ask[0]

    def _apply_side(self, side: QueueSide, entries: Sequence[WireOrder], changes: list[OrderChange]) -> None:
        """The hot path (docs/PERFORMANCE.md)."""
        if len(entries) > 1:
            entries = self._in_time(entries)
        held, name = side._orders, side.side
        for entry in entries:
            event = entry.event
            if event == "add":
                self._add(side, entry, changes)
                continue
            order = held.get(entry.order_id)
            if event == "delete":
                if order is None:
                    self.counts.unknown_ids += 1
                    continue
                side.leave(order)
                changes.append((name, side._sign * order.key, order.lots, 0, order.order_id))
            elif event != "modify":
                self._strange(entry)
            elif order is None:
                self.counts.unknown_ids += 1
            else:
                self._modify(side, order, entry, changes)

    def _add(self, side: QueueSide, entry: WireOrder, changes: list[OrderChange] | None) -> None:
        ticks, token = self._price_of(entry)
        lots = to_units(entry.order_qty, self.spec.qty_precision)
        order_id = entry.order_id
        before = side._orders.get(order_id)
        if before is not None:
            self.counts.known_adds += 1
            side.leave(before)
            if changes is not None:
                changes.append((side.side, side._sign * before.key, before.lots, 0, order_id))
        elif not is_order_id(order_id):
            raise InvalidMessage("an order without a usable id")
        if not lots:
            self.counts.zero += 1
            return
        self._rank = rank = self._rank + 1
        order = Resting(order_id, side._sign * ticks, lots, f"{token}{lots}", entry.timestamp, rank, rank)
        side.join(order, token)
        if changes is not None:
            changes.append((side.side, ticks, 0, lots, order_id))

    def _modify(self, side: QueueSide, order: Resting, entry: WireOrder, changes: list[OrderChange]) -> None:
        lots = to_units(entry.order_qty, self.spec.qty_precision)
        ticks = side._sign * order.key
        before, queue = order.lots, side._queues[order.key]
        if not lots:
            self.counts.zero += 1
            side.leave(order)
            changes.append((side.side, ticks, before, 0, order.order_id))
            return
        if entry.limit_price is not None:
            price, token = self._price_of(entry)
            if price != ticks:
                side.leave(order)
                self._rank = rank = self._rank + 1
                moved = Resting(order.order_id, side._sign * price, lots, f"{token}{lots}", entry.timestamp, rank, rank)
                side.join(moved, token)
                changes += ((side.side, ticks, before, 0, order.order_id), (side.side, price, 0, lots, order.order_id))
                return
        to_back = False
        if lots > before:
            self._rank = order.raised = self._rank + 1
            self._telling = True
            to_back = self.reading is Reading.RAISED
        if entry.timestamp is not None and entry.timestamp != order.stamp:
            order.stamp = entry.timestamp
            self._telling = True
        side.resize(order, queue, lots, to_back=to_back)
        changes.append((side.side, ticks, before, lots, order.order_id))

    def _in_time(self, entries: Sequence[WireOrder]) -> Sequence[WireOrder]:
        """The adds of a message in order of their own times, in the places that adds have."""
        adds = [entry for entry in entries if entry.event == "add"]
        if len(adds) < 2:
            return entries
        texts = [entry.timestamp for entry in adds]
        if None not in texts and len(set(map(len, texts))) == 1:  # type: ignore[arg-type]
            # Written alike, times are in the order of their texts.
            adds.sort(key=lambda entry: entry.timestamp or "")
        else:
            times = [stamp_ns(text) for text in texts]
            if None in times:
                self.counts.untimed += 1
                return entries
            adds.sort(key=lambda entry: stamp_ns(entry.timestamp) or 0)
        in_time = iter(adds)
        return [next(in_time) if entry.event == "add" else entry for entry in entries]

    def _strange(self, entry: WireOrder) -> None:
        if not entry.order_id:
            raise InvalidMessage("orders that cannot be read")
        self.counts.unknown_events += 1

    def _price_of(self, entry: WireOrder) -> tuple[int, str]:
        try:
            # A hit is text: only text is stored, and no other type compares equal to it.
            return self._prices[entry.limit_price]
        except (KeyError, TypeError):
            pass
        text = entry.limit_price
        ticks = to_units(text, self.spec.price_precision)
        if ticks <= 0:
            raise InvalidNumber("a price of zero")
        known = (ticks, str(ticks))
        if type(text) is str:
            if len(self._prices) >= _KEPT_PRICES:
                self._prices.clear()
            self._prices[text] = known
        return known

    def _truncate(self) -> None:
        depth = self.depth
        if len(self.bids._keys) > depth:
            self.bids.truncate(depth)
        if len(self.asks._keys) > depth:
            self.asks.truncate(depth)

    def _arrange(self, changes: Sequence[OrderChange] = ()) -> None:
        """Put the queues in the order of the reading in use: all, or those of levels that changed."""
        for side in (self.bids, self.asks):
            keys = {side._sign * ticks for name, ticks, *_ in changes if name is side.side}
            if keys or not changes:
                side.arrange(self.reading, iter(keys) if changes else None)
