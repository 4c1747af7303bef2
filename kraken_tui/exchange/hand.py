"""The demo account's own trading: a few small orders near the touch, so that there is something to see."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from kraken_tui.exchange.accounts import Account
from kraken_tui.exchange.frames import NS
from kraken_tui.exchange.matching import Desk
from kraken_tui.exchange.orders import Order
from kraken_tui.exchange.peer import Host

_PLAN = (
    ("BTC/USD", "buy", 0, 0.4),
    ("BTC/USD", "sell", 2, 0.3),
    ("BTC/USD", "buy", 6, 1.2),
    ("ETH/USD", "sell", 1, 0.8),
    ("ETH/USD", "buy", 3, 1.0),
)
"""Pair, side, levels behind the touch, size in median orders of the pair."""

_EVERY_S = 18.0
_FAR_LEVELS = 25


class Hand:
    """Keeps the plan's orders near the touch; whatever somebody cancels stays cancelled.

    Args:
        venue: the exchange.
        account: whose orders.
        desk: the desk of a pair.
        rng: the source of chance.
    """

    def __init__(self, venue: Host, account: Account, desk: Callable[[str], Desk], rng: Random) -> None:
        self._venue = venue
        self._account = account
        self._desk = desk
        self._rng = rng
        self._orders: dict[int, Order] = {}
        self._next_ns = 0
        self._serial = 0
        self._begun = False

    def begin(self, now_ns: int) -> None:
        """Set the account up on its first use; later calls do nothing."""
        if self._begun:
            return
        self._begun = True
        self._next_ns = now_ns + round(_EVERY_S * NS)
        for at in range(len(_PLAN)):
            self._place(at)
        self._stop_loss()

    def stand_back(self) -> None:
        """Somebody has cancelled what there was: leave the account to him."""
        if self._begun and not any(order.open for order in self._orders.values()):
            self._next_ns = 0

    def advance(self, now_ns: int) -> None:
        """Replace what was filled, now and then, and follow the touch."""
        if not self._begun or self._next_ns == 0 or now_ns < self._next_ns:
            return
        self._next_ns = now_ns + round(_EVERY_S * self._rng.uniform(0.6, 1.6) * NS)
        for at, order in list(self._orders.items()):
            if order.status == "filled":
                self._place(at)
                return
        for at, order in list(self._orders.items()):
            if order.open and self._far(order):
                self._desk(order.spec.symbol).cancel(order)
                self._place(at)
                return

    def _place(self, at: int) -> None:
        symbol, side, behind, size = _PLAN[at]
        venue = self._venue
        if symbol not in venue.specs or venue.specs[symbol].status != "online" or venue.system != "online":
            return
        book = venue.market(symbol).simulator.book
        levels = book.bids if side == "buy" else book.asks
        spec = venue.specs[symbol]
        scale = 10 ** (spec.price_precision + spec.qty_precision)
        lots = size * self._rng.uniform(0.6, 1.5) * spec.median_notional * scale / max(1, levels.best)
        step = 10 ** max(0, len(str(int(lots))) - 2)
        limit = levels.keys[min(behind, len(levels) - 1)] * levels.sign
        self._orders[at] = self._send(symbol, side, "limit", max(spec.qty_min_lots, int(lots) // step * step), limit)

    def _stop_loss(self) -> None:
        symbol = "BTC/USD"
        spec = self._venue.specs.get(symbol)
        if spec is None:
            return
        bid = self._venue.market(symbol).simulator.touch[0]
        trigger = bid - bid // 50
        trigger -= trigger % spec.tick_multiple
        lots = max(spec.qty_min_lots, 10**spec.qty_precision // 20)
        self._send(symbol, "sell", "stop-loss-limit", lots, trigger - 10 * spec.tick_multiple, trigger)

    def _send(
        self, symbol: str, side: str, order_type: str, lots: int, limit: int, trigger: int | None = None
    ) -> Order:
        venue, account = self._venue, self._account
        self._serial += 1
        now_ns = venue.market(symbol).simulator.now_ns
        order = Order(account.new_id("O"), venue.specs[symbol], side, order_type, lots, now_ns, limit, trigger)
        order.cl_ord_id, order.changed_ns, order.account = f"demo-{self._serial}", now_ns, account.name
        self._desk(symbol).place(order)
        return order

    def _far(self, order: Order) -> bool:
        book = self._venue.market(order.spec.symbol).simulator.book
        side = book.bids if order.side == "buy" else book.asks
        key = (order.limit or 0) * side.sign
        return len(side) > _FAR_LEVELS and key > side.keys[_FAR_LEVELS]
