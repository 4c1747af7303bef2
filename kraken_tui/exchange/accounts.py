"""Accounts of play money: balances, orders, fills, and those who listen to them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Protocol

from kraken_tui.exchange.frames import micro_time
from kraken_tui.exchange.orders import MAKER_FEE, TAKER_FEE, Fill, Order, amount, plain, rounded
from kraken_tui.exchange.pairs import ASSETS
from kraken_tui.exchange.queues import kraken_id
from kraken_tui.exchange.ratecounter import TIERS, RateCounter
from kraken_tui.exchange.records import Trade

SNAPSHOT_FILLS = 50
"""Fills in a snapshot of `executions`."""

_KEPT_ORDERS = 5000

PLAY_MONEY = {
    "USD": Decimal("250000.0000"),
    "EUR": Decimal("50000.0000"),
    "BTC": Decimal("2.5000000000"),
    "ETH": Decimal("40.0000000000"),
    "SOL": Decimal("500.0000000000"),
    "XRP": Decimal("20000.00000000"),
    "DOGE": Decimal("50000.00000000"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One row for `executions`, and the kind of it."""

    exec_type: str
    row: str
    symbol: str


class AccountListener(Protocol):
    """One connection that may have subscribed to an account."""

    def on_executions(self, events: list[Event]) -> None:
        """Events that belong into one frame."""

    def on_balance(self, row: str) -> None:
        """One ledger entry."""


class Account:
    """One account.

    Args:
        name: its name.
        rng: the source of ids.
        tier: of `TIERS`.

    Attributes:
        orders: every order still known, oldest first.
        fills: every fill, oldest first.
        balances: total by asset.
        switch_ns: when the dead man's switch cancels everything, ns since the epoch; zero when off.
        counter: the trading rate counter.
        listeners: connections to tell.
    """

    def __init__(self, name: str, rng: Random, tier: str = "intermediate") -> None:
        self.name = name
        self.rng = rng
        self.tier = TIERS[tier]
        self.counter = RateCounter(self.tier)
        self.balances = dict(PLAY_MONEY)
        self.orders: dict[str, Order] = {}
        self.fills: list[Fill] = []
        self.switch_ns = 0
        self.listeners: list[AccountListener] = []

    # --- orders

    @property
    def open_orders(self) -> list[Order]:
        """Open orders, oldest first."""
        return [order for order in self.orders.values() if order.open]

    def find(self, *, order_id: str = "", cl_ord_id: str = "") -> Order | None:
        """An open order by either id."""
        if order_id:
            order = self.orders.get(order_id)
            return order if order is not None and order.open else None
        return next((o for o in self.orders.values() if o.open and o.cl_ord_id == cl_ord_id), None)

    def new_id(self, first: str) -> str:
        """A new id; `first` is O, T or L."""
        return kraken_id(self.rng, first)

    def remember(self, order: Order) -> None:
        """Take a new order in, and forget the oldest closed ones."""
        self.orders[order.order_id] = order
        if len(self.orders) > _KEPT_ORDERS:
            for old in [o.order_id for o in self.orders.values() if not o.open][: _KEPT_ORDERS // 2]:
                del self.orders[old]

    # --- money

    def held(self, asset: str, without: Order | None = None) -> Decimal:
        """What open orders hold of an asset, fees of purchases included."""
        total = Decimal(0)
        for order in self.open_orders:
            if order is without:
                continue
            spec = order.spec
            lots = amount(order.left, spec.qty_precision)
            if order.side == "sell" and spec.base == asset:
                total += lots
            elif order.side == "buy" and spec.quote == asset:
                ticks = order.limit if order.limit is not None else order.trigger or 0
                total += lots * amount(ticks, spec.price_precision) * (1 + TAKER_FEE)
        places = ASSETS[asset].precision if asset in ASSETS else 8
        return rounded(total, places)

    def free(self, asset: str, without: Order | None = None) -> Decimal:
        """What may be spent of an asset, as if an order were not there."""
        return self.balances.get(asset, Decimal(0)) - self.held(asset, without)

    def _book(self, asset: str, change: Decimal, fee: Decimal, ref_id: str, ts_ns: int) -> None:
        places = ASSETS[asset].precision if asset in ASSETS else 8
        change, fee = rounded(change, places), rounded(fee, places)
        self.balances[asset] = balance = rounded(self.balances.get(asset, Decimal(0)) + change - fee, places)
        row = (
            f'{{"ledger_id":"{self.new_id("L")}","ref_id":"{ref_id}","timestamp":"{micro_time(ts_ns)}",'
            f'"type":"trade","asset":"{asset}","asset_class":"currency","category":"trade","wallet_type":"spot",'
            f'"wallet_id":"main","amount":{plain(change)},"fee":{plain(fee) if fee else 0},"balance":{plain(balance)}}}'
        )
        for listener in list(self.listeners):
            listener.on_balance(row)

    def deposit(self, asset: str, change: Decimal, ts_ns: int) -> None:
        """Money that comes from outside, or goes there."""
        self._book(asset, change, Decimal(0), self.new_id("F"), ts_ns)

    def balance_rows(self) -> str:
        """The rows of a `balances` snapshot; zero balances are left out."""
        return ",".join(
            f'{{"asset":"{asset}","asset_class":"currency","balance":{plain(total)},'
            f'"wallets":[{{"type":"spot","id":"main","balance":{plain(total)}}}]}}'
            for asset, total in self.balances.items()
            if total
        )

    # --- what happens to orders

    def tell(self, order: Order, *events: tuple[str, str]) -> None:
        """Tell listeners of events that belong together: (exec_type, row)."""
        told = [Event(exec_type, row, order.spec.symbol) for exec_type, row in events]
        for listener in list(self.listeners):
            listener.on_executions(told)

    def on_fill(self, order: Order, trade: Trade, *, maker: bool, refill: int = 0) -> None:
        """Book one fill of an order and tell of it."""
        spec = order.spec
        lots = amount(trade.lots, spec.qty_precision)
        cost = lots * amount(trade.ticks, spec.price_precision)
        fee = rounded(cost * (MAKER_FEE if maker else TAKER_FEE), spec.cost_precision)
        order.done_lots += trade.lots
        order.cost += cost
        order.fee += fee
        order.status = "partially_filled"
        exec_id = self.new_id("T")
        fill = Fill(exec_id, order, trade.trade_id, trade.ts_ns, trade.ticks, trade.lots, cost, fee, maker)
        order.fills.append(fill)
        self.fills.append(fill)
        events = [("trade", fill.row(snapshot=False))]
        if refill:
            row = order.event_row("iceberg_refill", trade.ts_ns, f'"display_qty_remain":{order.qty(refill)}')
            events.append(("iceberg_refill", row))
        self.tell(order, *events)
        if order.left == 0:
            self.close(order, "filled", trade.ts_ns)
        sign = 1 if order.side == "buy" else -1
        self._book(spec.base, sign * lots, Decimal(0), exec_id, trade.ts_ns)
        self._book(spec.quote, -sign * cost, fee, exec_id, trade.ts_ns)

    def close(self, order: Order, status: str, ts_ns: int, reason: str = "") -> None:
        """End an order: `filled`, `canceled` or `expired`."""
        order.status, order.reason, order.closed_ns = status, reason, ts_ns
        why = f',"cancel_reason":"{reason}","reason":"{reason}"' if reason else ""
        fields = f"{order.filled_fields}{order.usd_fee(order.fee)}{why}"
        self.tell(order, (status, order.event_row(status, ts_ns, fields)))

    def snapshot_rows(self, *, orders: bool, trades: bool) -> str:
        """The rows of an `executions` snapshot: open orders, then the newest fills, newest first."""
        rows: list[str] = []
        if orders:
            rows += [order.snapshot_row() for order in self.open_orders]
        if trades:
            rows += [fill.row(snapshot=True) for fill in reversed(self.fills[-SNAPSHOT_FILLS:])]
        return ",".join(rows)
