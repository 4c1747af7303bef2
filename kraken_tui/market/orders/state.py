"""What the parts of an account share: its orders, its fills, and what has to be found out."""

from __future__ import annotations

from collections import Counter

from kraken_tui.market.orders.fills import Fills
from kraken_tui.market.orders.requests import Limits, Requests, Why
from kraken_tui.market.orders.table import OrderTable
from kraken_tui.market.orders.values import DONE, AccountEvent, Ask, AskKind, Order, Stage

LOST = frozenset({Stage.SENT, Stage.UNKNOWN, Stage.NOT_FOUND})
"""The exchange has not said where it is."""


class State:
    """Orders, fills, requests and counts of one account.

    Attributes:
        hole_ns: Fills after this may be missing; None where none can be.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.orders = OrderTable()
        self.fills = Fills()
        self.requests = Requests(limits)
        self.counts: Counter[str] = Counter()
        self.hole_ns: int | None = None
        self._hole_next_ns = 0
        self._hole_seen_ns = 0

    def missing_fills(self, since_ns: int, now_ns: int) -> None:
        """Fills after `since_ns` may be missing; the history is asked until it must know them."""
        self.hole_ns = since_ns if self.hole_ns is None else min(self.hole_ns, since_ns)
        self._hole_next_ns, self._hole_seen_ns = now_ns, now_ns

    def history_read(self, now_ns: int) -> None:
        """The history was read."""
        if now_ns - self._hole_seen_ns >= self.limits.follow_ns:
            self.hole_ns = None

    def told(self, order: Order) -> None:
        """The exchange told the state of an order itself: it need not be looked up, unless a change is awaited."""
        follow = self.requests.follows.get(order.key)
        if follow is None or order.stage in LOST:
            return
        waits = order.cancel_sent or order.amend_sent
        if order.stage in DONE or (order.described and not waits):
            del self.requests.follows[order.key]

    def asks(self, now_ns: int) -> tuple[AccountEvent, ...]:
        """What is due to be found out."""
        asks: list[AccountEvent] = []
        for key in list(self.requests.follows):
            order = self.orders.get(key)
            why = self.requests.follows[key].why
            ended = order is not None and order.stage in DONE
            if order is None or (ended and why not in (Why.UNDESCRIBED, Why.CONTRADICTED)):
                del self.requests.follows[key]
            elif (ask := self.requests.due(key, order, now_ns)) is not None:
                asks.append(ask)
        if self.hole_ns is not None and now_ns >= self._hole_next_ns:
            # Each reading of the history costs several calls.
            self._hole_next_ns = now_ns + 3 * self.limits.again_ns
            asks.append(Ask(AskKind.TRADES_HISTORY, "fills may be missing", since_ns=self.hole_ns))
        return tuple(asks)
