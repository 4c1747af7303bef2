"""The engine's side of an account's orders on one pair: the queue, taking, triggers and amends."""

from __future__ import annotations

from collections.abc import Callable

from kraken_tui.exchange.accounts import Account
from kraken_tui.exchange.changes import Change
from kraken_tui.exchange.depthbook import Side
from kraken_tui.exchange.market import Market
from kraken_tui.exchange.orders import Order
from kraken_tui.exchange.queues import SideQueues
from kraken_tui.exchange.records import Trade
from kraken_tui.exchange.simulator import KEEP_LEVELS

USER = "User requested"
SELF_TRADE = "Cannot trade with self"
POST_ONLY = "Post only order"
NO_LIQUIDITY = "Insufficient liquidity"
IOC_REST = "Immediate or cancel"
PRECISION = "Instrument parameters changed"


class Desk:
    """One market's dealings with the orders of accounts.

    Args:
        market: the market.
        accounts: by name.
    """

    def __init__(self, market: Market, accounts: dict[str, Account]) -> None:
        self._market = market
        self._accounts = accounts
        self._waiting: list[Order] = []
        self._resting: dict[str, Order] = {}
        self.last: int | None = None

    @property
    def busy(self) -> bool:
        """Whether the market must be played for an order's sake."""
        return bool(self._waiting or self._resting)

    def _account(self, order: Order) -> Account:
        return self._accounts[order.account]

    def _sides(self, order: Order) -> tuple[Side, Side]:
        """The side it rests on, the side it takes."""
        book = self._market.simulator.book
        return (book.bids, book.asks) if order.side == "buy" else (book.asks, book.bids)

    def crosses(self, order: Order) -> bool:
        """Whether it would trade at once."""
        if order.limit is None:
            return True
        _, against = self._sides(order)
        limit = order.key_limit
        return bool(against.keys) and limit is not None and against.keys[0] <= limit

    def _event(self, act: Callable[[int], None], book: Callable[[int], None] | None = None) -> int:
        """Do something to the book and tell everybody; the time it was done.

        Args:
            act: does it.
            book: books what came of it, before anybody can react.
        """
        _ = self._market.level3
        change = self._market.simulator.act(act)
        ts_ns = self._market.simulator.last_change_ns
        if book is not None:
            book(ts_ns)
        if change is not None:
            self._market.play(change)
        return ts_ns

    # --- orders come

    def place(self, order: Order) -> None:
        """Take a checked order in."""
        account = self._account(order)
        account.remember(order)
        account.tell(order, ("pending_new", order.pending_row()))
        if not order.waiting and order.post_only and self.crosses(order):
            account.close(order, "canceled", order.opened_ns, POST_ONLY)
            return
        order.status = "new"
        account.tell(order, ("new", order.event_row("new", order.opened_ns)))
        if order.waiting:
            self._waiting.append(order)
        else:
            self._enter(order)

    def _enter(self, order: Order) -> None:
        """Match, then rest, in one event of the market."""
        takes: list[Trade] = []
        stopped: list[Order] = []
        before = order.left

        def act(ts_ns: int) -> None:
            left = self._take(order, before, takes, stopped, ts_ns)
            if left and order.limit is not None and order.time_in_force != "IOC" and order not in stopped:
                self._rest(order, left)

        self._event(act, lambda ts_ns: self._settle(order, takes, stopped, ts_ns))

    def _settle(self, order: Order, takes: list[Trade], stopped: list[Order], ts_ns: int) -> None:
        """Book what an order took, and end what has to end."""
        account = self._account(order)
        for trade in takes:
            account.on_fill(order, trade, maker=False)
        for other in stopped:
            if other.open:
                self._account(other).close(other, "canceled", ts_ns, SELF_TRADE)
        if order.open and order.left and not order.resting:
            account.close(order, "canceled", ts_ns, NO_LIQUIDITY if order.limit is None else IOC_REST)
        self._tidy(order)

    def _tidy(self, order: Order) -> None:
        if not order.open:
            order.resting = False
            self._resting.pop(order.order_id, None)

    def _take(self, order: Order, left: int, takes: list[Trade], stopped: list[Order], ts_ns: int) -> int:
        """Take what is there within the limit; the lots that are left."""
        _, against = self._sides(order)
        limit, simulator = order.key_limit, self._market.simulator
        ord_type = "market" if limit is None else "limit"
        while left and len(against) > KEEP_LEVELS and (limit is None or against.keys[0] <= limit):
            key = against.keys[0]
            front = _queues(against).at(key)[0]
            other = front.own if isinstance(front.own, Order) else None
            if other is not None and other.account == order.account:
                if order.stp != "cancel_newest":
                    self._pull(other)
                    stopped.append(other)
                if order.stp != "cancel_oldest":
                    stopped.append(order)
                    break
                continue
            lots = min(front.lots, left)
            takes.append(simulator.take_front(against, key, lots, ord_type, ts_ns))
            left -= lots
        return left

    def _rest(self, order: Order, left: int) -> None:
        assert order.limit is not None
        side, _ = self._sides(order)
        order.hidden = left
        if order.display == 0:
            order.hidden, shown = 0, left
        else:
            shown = order.next_slice()
        key = order.limit * side.sign
        queues = _queues(side)
        queues.at(key)
        queues.append(key, order.order_id, shown, order)
        side.set_total(key, side.lots.get(key, 0) + shown)
        order.resting = True
        self._resting[order.order_id] = order

    def _pull(self, order: Order) -> None:
        """Take a resting order out of the book."""
        assert order.limit is not None
        side, _ = self._sides(order)
        key = order.limit * side.sign
        gone = _queues(side).resize(key, order, 0)
        if gone:
            side.set_total(key, side.lots[key] - gone)
        order.resting = False
        self._resting.pop(order.order_id, None)

    # --- orders change

    def cancel(self, order: Order, reason: str = USER, status: str = "canceled") -> None:
        """End an open order."""
        ts_ns = self._market.simulator.now_ns
        if order.resting:
            ts_ns = self._event(lambda _: self._pull(order))
        elif order in self._waiting:
            self._waiting.remove(order)
        self._account(order).close(order, status, ts_ns, reason)

    def amend(
        self,
        order: Order,
        lots: int,
        limit: int | None,
        display: int,
        trigger: int | None,
        fields: str,
    ) -> None:
        """Change an open order; its place in the queue is kept only by a smaller quantity.

        Args:
            order: the order.
            lots: new total, what is filled included; not above that cancels the rest.
            limit: new limit price.
            display: new shown quantity.
            trigger: new trigger price.
            fields: what is told of the change.
        """
        account = self._account(order)
        now_ns = self._market.simulator.now_ns
        if lots <= order.done_lots:
            self.cancel(order)
            return
        moves = order.resting and (limit != order.limit or lots > order.lots)
        if moves:
            # Out and in again is one event for everybody who looks on.
            self._reenter(order, lots, limit, display, fields, now_ns)
            return
        smaller = order.lots - lots
        order.display, order.trigger = display, trigger
        if order.resting and smaller:
            self._event(lambda _: self._shrink(order, smaller))
        order.lots, order.limit = lots, limit
        self._amended(account, order, fields, now_ns)

    def _amended(self, account: Account, order: Order, fields: str, now_ns: int) -> None:
        order.amended, order.changed_ns = True, now_ns
        reason = f'"reason":"{USER}","amended":true,"cum_qty":{order.qty(order.done_lots)}'
        account.tell(order, ("amended", order.event_row("amended", now_ns, f"{reason},{fields}")))

    def _reenter(self, order: Order, lots: int, limit: int | None, display: int, fields: str, now_ns: int) -> None:
        account = self._account(order)
        takes: list[Trade] = []
        stopped: list[Order] = []

        def act(ts_ns: int) -> None:
            self._pull(order)
            order.lots, order.limit, order.display = lots, limit, display
            left = self._take(order, order.left, takes, stopped, ts_ns)
            if left and order not in stopped:
                self._rest(order, left)

        def book(ts_ns: int) -> None:
            self._amended(account, order, fields, now_ns)
            self._settle(order, takes, stopped, ts_ns)

        self._event(act, book)

    def _shrink(self, order: Order, lots: int) -> None:
        """Make a resting order smaller in its place: hidden quantity first."""
        assert order.limit is not None
        side, _ = self._sides(order)
        hidden = min(order.hidden, lots)
        order.hidden -= hidden
        lots -= hidden
        if lots:
            key = order.limit * side.sign
            visible = next(o.lots for o in _queues(side).at(key) if o.own is order)
            gone = _queues(side).resize(key, order, visible - lots)
            side.set_total(key, side.lots[key] - gone)

    # --- time passes

    def on_change(self, change: Change) -> None:
        """Hear of an event of the market: fills of resting orders, and prices that trigger others."""
        for fill in change.own:
            order = fill.owner
            if isinstance(order, Order) and order.open:
                self._account(order).on_fill(order, fill.trade, maker=True, refill=fill.refill)
                self._tidy(order)
        if change.trades:
            self.last = change.trades[-1].ticks
        if self._waiting:
            self._trigger(change)

    def _trigger(self, change: Change) -> None:
        index = (change.touch[0] + change.touch[2]) // 2
        for order in list(self._waiting):
            price = index if order.reference == "index" else self.last
            # One that triggers may trigger others on its way.
            if order not in self._waiting or price is None or order.trigger is None or not _reached(order, price):
                continue
            self._waiting.remove(order)
            order.triggered = True
            account = self._account(order)
            row = order.event_row("status", change.ts_ns, order.trigger_fields(price, change.ts_ns))
            account.tell(order, ("status", row))
            self._enter(order)

    def rebuilt(self) -> None:
        """The pair has other digits now: what was asked for in the old ones ends."""
        ts_ns = self._market.simulator.now_ns
        for order in [*self._resting.values(), *self._waiting]:
            order.resting = False
            self._account(order).close(order, "canceled", ts_ns, PRECISION)
        self._resting.clear()
        self._waiting.clear()

    def ahead(self, order: Order) -> tuple[int, int] | None:
        """Orders and lots before a resting order in its level; None when it does not rest."""
        if not order.resting or order.limit is None:
            return None
        side, _ = self._sides(order)
        count = lots = 0
        for queued in _queues(side).at(order.limit * side.sign):
            if queued.own is order:
                return count, lots
            count, lots = count + 1, lots + queued.lots
        return None


def _queues(side: Side) -> SideQueues:
    assert side.queues is not None
    return side.queues


def _reached(order: Order, price: int) -> bool:
    assert order.trigger is not None
    falling = (order.side == "sell") == order.order_type.startswith("stop-loss")
    return price <= order.trigger if falling else price >= order.trigger
