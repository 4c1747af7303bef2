"""Frames of the executions, applied to an account's orders and fills (PRIVATE.md sections 3 and 6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from msgspec.structs import replace

from kraken_tui.errors import InvalidMessage, WireError
from kraken_tui.market.orders.merging import EXEC_TYPES, STAGES, fill_of, merged
from kraken_tui.market.orders.requests import Why
from kraken_tui.market.orders.sequence import Sequence, Verdict
from kraken_tui.market.orders.state import State
from kraken_tui.market.orders.values import (
    DONE,
    LIVE,
    ZERO,
    AccountEvent,
    Ask,
    AskKind,
    Fill,
    FillSeen,
    Order,
    OrderChanged,
    Stage,
    StreamChanged,
)
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.wire.digits import to_decimal
from kraken_tui.wire.executions import Execution, ExecutionsMessage
from kraken_tui.wire.order_answers import is_order_id
from kraken_tui.wire.timestamps import parse_timestamp

CHANNEL = "executions"
SNAPSHOT_FILLS = 50
"""Most fills a snapshot brings; as many may hide more."""

_USER = "User requested"
_CLOCKS_NS = 60 * SECOND
"""How far this clock may be ahead of the exchange's."""


@dataclass(slots=True)
class _Snapshot:
    """One snapshot, which may come in one frame or two.

    Attributes:
        sure_ns: Up to when all fills were known before it; None where none were.
        orders: Ids of its open orders. fills, known: its fills, and how many of them are not later than `sure_ns`.
        judged: Whether the orders it leaves out were dealt with.
    """

    began_ns: int
    first: bool
    sure_ns: int | None
    orders: set[str] = field(default_factory=set)
    fills: int = 0
    known: int = 0
    judged: bool = False


class Executions:
    """The channel's frames.

    Attributes:
        verified: Whether nothing is missing since the last snapshot. reason: why not.
    """

    def __init__(self, state: State, own_prefix: str) -> None:
        self.sequence = Sequence()
        self.verified = False
        self.reason = "waiting for the snapshot"
        self._state = state
        self._own_prefix = own_prefix
        self._snapshot: _Snapshot | None = None
        self._asked = False
        self._started = False
        self._history_until_ns = 0
        self._started_ns = 0
        self._sure_ns: int | None = None
        self._unsure = True
        # Filled so far as this channel told it; REST may be ahead of it, and must not be added to.
        self._told: dict[str, Decimal] = {}
        # Fills of orders whose pair or side is not known yet.
        self._waiting: dict[str, list[tuple[Execution, bool]]] = {}

    @property
    def complete(self) -> bool:
        """Whether the last snapshot came whole, with nothing lost since."""
        return self.verified and not self._unsure

    def begin(self) -> None:
        """A new subscription: the next snapshot frame begins a snapshot, and numbers begin again."""
        self._interrupted()
        self._snapshot = None
        self.sequence.reset()

    def take(self, message: ExecutionsMessage, now_ns: int) -> Iterator[AccountEvent]:
        """Apply a frame."""
        verdict = self.sequence.take(message.type, message.sequence)
        if verdict is Verdict.REPEATED:
            return
        if message.type == "snapshot":
            self._begin_snapshot(message, now_ns)
        elif self._snapshot is not None:
            yield from self._finish(now_ns)
        if verdict is Verdict.GAP:
            yield from self._doubt(self.sequence.reason)
        unreadable = message.unreadable
        for row in message.data:
            try:
                if message.type == "snapshot":
                    yield from self._snapshot_row(row, now_ns)
                else:
                    yield from self._row(row, now_ns)
            except WireError:
                unreadable += 1
        if unreadable:
            self._state.counts["unreadable rows"] += unreadable
        if message.type == "snapshot":
            self._asked = False
            yield from self._judge(now_ns, last=False)
        if unreadable:
            # A snapshot that cannot be read will not be better a second time.
            yield from self._doubt("a row that cannot be read", ask=message.type != "snapshot")

    def tick(self, now_ns: int) -> Iterator[AccountEvent]:
        """Close a snapshot whose second frame does not come."""
        if self._snapshot is not None and now_ns - self._snapshot.began_ns >= self._state.limits.grace_ns:
            yield from self._finish(now_ns)

    def lose(self, reason: str) -> Iterator[AccountEvent]:
        """Stop trusting what is known; the feed subscribes again by itself."""
        self._asked = False
        self._interrupted()
        if self.verified:
            self.verified = False
            yield StreamChanged(CHANNEL, False, reason, self.sequence.last)
        self.reason = reason

    def since(self, ns: int | None) -> bool:
        """Whether a fill of that time happened in this session."""
        return self._started and (ns is None or ns > self._history_until_ns)

    def add_fill(self, fill: Fill) -> Fill:
        """Count a fill that is not known yet."""
        self._state.fills.add(fill)
        return fill

    def release(self, order: Order) -> Iterator[AccountEvent]:
        """Count the fills that waited for an order's pair and side."""
        if not order.described or order.order_id is None:
            return
        for row, live in self._waiting.pop(order.order_id, ()):
            fill = fill_of(order, row, live=live, session=True)
            if fill is not None and not self._state.fills.known(fill.exec_id):
                yield FillSeen(self.add_fill(fill))

    # -- snapshots -------------------------------------------------------------------------------------------------

    def _begin_snapshot(self, message: ExecutionsMessage, now_ns: int) -> None:
        open_orders = any(row.exec_type != "trade" for row in message.data)
        if self._snapshot is None or (self._snapshot.judged and open_orders):
            self._interrupted()
            self._snapshot = _Snapshot(now_ns, not self._started, self._sure_ns)
            self._started_ns = self._started_ns or now_ns

    def _snapshot_row(self, row: Execution, now_ns: int) -> Iterator[AccountEvent]:
        assert self._snapshot is not None
        if row.exec_type == "trade":
            yield from self._old_fill(row)
            return
        order = self._order_of(row)
        self._snapshot.orders.add(row.order_id)
        if order is not None and order.stage in DONE:
            self._state.counts["ended orders in a snapshot"] += 1
            return
        new = order is None
        before = order if order is not None else self._new(row)
        after = merged(before, row)
        self._remember(row, after)
        if before.key in self._state.requests.follows:
            after = replace(after, amend_sent=False)
        if after.stage not in LIVE and after.stage not in DONE:
            after = replace(after, stage=Stage.OPEN, was_open=True)
        if after != order:
            yield OrderChanged(self._state.orders.put(after), "new" if new else row.exec_type, live=False)
        self._state.told(after)
        self._describe(after, now_ns)

    def _old_fill(self, row: Execution) -> Iterator[AccountEvent]:
        """A fill of a snapshot: of the past, and known or not."""
        assert self._snapshot is not None
        self._snapshot.fills += 1
        if row.exec_id is None or not is_order_id(row.order_id):
            raise InvalidMessage("a fill without an id")
        if self._state.fills.known(row.exec_id):
            sure_ns = self._snapshot.sure_ns
            if sure_ns is not None and (row.timestamp is None or parse_timestamp(row.timestamp) <= sure_ns):
                self._snapshot.known += 1
            return
        order = self._state.orders.by_id(row.order_id)
        fill = fill_of(order, row, live=False, session=not self._snapshot.first)
        if fill is None:
            raise InvalidMessage("a fill without a pair or side")
        if self._snapshot.first:
            self._history_until_ns = max(self._history_until_ns, fill.ns or 0)
        elif not self.since(fill.ns):
            fill = replace(fill, session=False)
        yield FillSeen(self.add_fill(fill))
        if order is None or order.order_id in self._snapshot.orders:
            return
        after = merged(order, row, history=True)
        if order.stage not in DONE:
            # What it was before the hole is not known: at least its known fills.
            after = _at_least(after, self._state.fills.of_order(row.order_id))
        if after != order:
            yield OrderChanged(self._state.orders.put(after), "trade", live=False)

    def _judge(self, now_ns: int, *, last: bool) -> Iterator[AccountEvent]:
        """Deal with orders that a snapshot leaves out: they are not cancelled, they are asked for.

        A frame without orders may be the first of two; it is judged when it is clear that none follows.
        """
        snapshot = self._snapshot
        if snapshot is None or snapshot.judged or not (last or snapshot.orders):
            return
        snapshot.judged = True
        self._started = True
        for order in self._state.orders:
            if order.stage in LIVE and order.order_id not in snapshot.orders:
                after = self._state.orders.put(replace(order, stage=Stage.UNKNOWN))
                self._state.requests.follow(order.key, Why.GONE, now_ns)
                yield OrderChanged(after, "gone", Why.GONE)
            elif order.stage in DONE and order.order_id in snapshot.orders:
                self._state.requests.follow(order.key, Why.CONTRADICTED, now_ns)
        self.verified, self.reason = True, ""
        yield StreamChanged(CHANNEL, True, "", self.sequence.last)

    def _interrupted(self) -> None:
        """From here on fills may be missing, until a snapshot is complete."""
        if not self._unsure:
            self._unsure, self._sure_ns = True, self._state.fills.newest_ns

    def _finish(self, now_ns: int) -> Iterator[AccountEvent]:
        yield from self._judge(now_ns, last=True)
        snapshot, self._snapshot = self._snapshot, None
        self._unsure = False
        if snapshot is None or snapshot.first:
            return
        # Without an overlap, what lies between is not known; fewer than there could be are all there are.
        without = snapshot.fills == 0 and self._state.fills.newest_ns is not None
        if not snapshot.known and (snapshot.fills >= SNAPSHOT_FILLS or without):
            before_ns = max(snapshot.sure_ns or 0, self._history_until_ns)
            self._state.missing_fills(before_ns or self._started_ns - _CLOCKS_NS, now_ns)

    # -- updates ---------------------------------------------------------------------------------------------------

    def _row(self, row: Execution, now_ns: int) -> Iterator[AccountEvent]:
        if row.exec_type not in EXEC_TYPES:
            self._state.counts[f"exec_type {clean_text(row.exec_type, 40)}"] += 1
        if row.order_status is not None and row.order_status not in STAGES:
            self._state.counts[f"order_status {clean_text(row.order_status, 40)}"] += 1
        order = self._order_of(row)
        if order is None and self._state.orders.dropped(row.order_id):
            self._state.counts["events of orders long ended"] += 1
            order_known = False
        else:
            order_known = True
        before = order if order is not None else self._new(row)
        after = merged(before, row)
        fill = None
        if row.exec_type == "trade":
            if row.exec_id is not None and self._state.fills.known(row.exec_id):
                self._state.counts["repeated fills"] += 1
            else:
                fill = fill_of(after, row, live=True, session=True)
                if row.cum_qty is None:
                    after = _at_least(after, self._told.get(row.order_id, ZERO) + to_decimal(row.last_qty))
                    self._told[row.order_id] = self._told.get(row.order_id, ZERO) + to_decimal(row.last_qty)
                if fill is None:
                    self._waiting.setdefault(row.order_id, []).append((row, True))
        self._remember(row, after)
        if row.exec_type == "amended":
            after = replace(after, amend_sent=False)
        if fill is not None:
            yield FillSeen(self.add_fill(fill))
        if not order_known:
            return
        if after != order:
            yield OrderChanged(self._state.orders.put(after), row.exec_type, _note(before, after, row))
        self._state.told(after)
        yield from self.release(after)
        self._describe(after, now_ns)

    def _describe(self, order: Order, now_ns: int) -> None:
        """An order that was never described is asked for; its events are kept."""
        if not order.described:
            self._state.requests.follow(order.key, Why.UNDESCRIBED, now_ns)

    def _remember(self, row: Execution, order: Order) -> None:
        if order.stage in DONE:
            self._told.pop(row.order_id, None)
        elif row.cum_qty is not None:
            self._told[row.order_id] = to_decimal(row.cum_qty)

    def _order_of(self, row: Execution) -> Order | None:
        if not is_order_id(row.order_id):
            raise InvalidMessage("an event without an order id")
        local = self._state.orders.by_client(row.cl_ord_id)
        if local is not None and local.order_id is None:
            return self._state.orders.join(local, row.order_id)
        return self._state.orders.by_id(row.order_id)

    def _new(self, row: Execution) -> Order:
        client = row.cl_ord_id if row.cl_ord_id is not None and is_order_id(row.cl_ord_id) else None
        parent = self._state.orders.by_id(row.ord_ref_id)
        ours = bool(client and self._own_prefix and client.startswith(self._own_prefix))
        child = parent is not None and not parent.foreign
        return Order(row.order_id, Stage.OPEN, row.order_id, client, foreign=not (ours or child))

    def _doubt(self, reason: str, *, ask: bool = True) -> Iterator[AccountEvent]:
        self._interrupted()
        self.verified, self.reason = False, reason
        yield StreamChanged(CHANNEL, False, reason, self.sequence.last)
        if not self._asked and ask:
            self._asked = True
            yield Ask(AskKind.RESUBSCRIBE, reason, channel=CHANNEL)


def _at_least(order: Order, filled: Decimal) -> Order:
    return order if filled <= order.cum_qty else replace(order, cum_qty=filled)


def _note(before: Order, after: Order, row: Execution) -> str:
    """What a reader would want said of an end."""
    if after.stage is before.stage or after.stage not in DONE:
        return ""
    if row.exec_type == "canceled" and after.stage is Stage.FILLED:
        return "nothing tradable was left"
    if after.stage is Stage.FILLED:
        return ""
    if after.part_filled:
        return "part of it was filled"
    if after.post_only and not before.was_open and after.reason != _USER:
        return "it would have taken"
    return ""
