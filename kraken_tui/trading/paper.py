"""Paper money: an account whose orders are filled by a simulation against the live public book. Pure.

It has the shape of an exchange's account (answers and frames of executions), so that screens and checks are the same.
It never touches a real account, and its fills are a simulation, by these rules:

1. An order that crosses takes the visible levels of the newest book up to its price, at their prices and sizes, with
   the taker's fee. The book does not change by it, so nobody reacts. A post-only order that crosses ends at once; what
   a market order finds no size for ends.
2. What rests stands behind all that is visible at its price at that moment ("ahead"), and behind own orders there.
   What it took on its way stays in the public book and does not count as rule 5 until the price has left it.
3. Trades at its price eat what is ahead first, and then fill it, at its price, with the maker's fee.
4. What leaves its level without a trade is assumed to have stood behind it. Only where less is left than was ahead,
   the rest of what was ahead must have gone.
5. A trade at a worse price (through it), or a book whose other side has reached its price, fills it whole.
6. A smaller quantity keeps its place; a larger one, and another price, go to the back.
7. A stop waits for a trade at or beyond its trigger, and takes then, by rule 1.
8. While the book is not verified, nothing is taken from it; trades still count.

What it leaves out: the way to the exchange and back takes no time, nobody reacts to the order, hidden size is not
counted, and money is not limited.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from kraken_tui.errors import InvalidNumber
from kraken_tui.market.events import Level, Side
from kraken_tui.market.orders.account import Account
from kraken_tui.market.orders.values import AccountEvent
from kraken_tui.secret import Secret
from kraken_tui.trading.ids import PREFIX
from kraken_tui.wire.digits import from_units, to_units
from kraken_tui.wire.executions import Execution, ExecutionsMessage, WireFee
from kraken_tui.wire.order_answers import Answer, AnsweredOrder
from kraken_tui.wire.symbols import PairSpec
from kraken_tui.wire.timestamps import format_timestamp

MAKER_FEE = Decimal("0.0025")
TAKER_FEE = Decimal("0.0040")
TOKEN = "paper"
_SWITCH = "cancel_all_orders_after"

_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=str)


@dataclass(slots=True, eq=False)
class _PaperOrder:
    """One order; prices in ticks, quantities in lots."""

    order_id: str
    cl_ord_id: str
    spec: PairSpec
    side: Side
    lots: int
    limit: int | None
    trigger: int | None = None
    post_only: bool = False
    ioc: bool = False
    done: int = 0
    cost: int = 0
    ahead: int = 0
    waiting: bool = False
    crossed: bool = False
    status: str = "new"

    @property
    def open(self) -> bool:
        return self.status in ("new", "partially_filled")

    @property
    def left(self) -> int:
        return self.lots - self.done


@dataclass(slots=True)
class _Book:
    """What is visible of one pair."""

    bids: dict[int, int]
    asks: dict[int, int]
    worst_bid: int
    worst_ask: int

    def against(self, side: Side) -> list[Level]:
        """The levels an order takes, best first."""
        return sorted(self.asks.items()) if side is Side.BUY else sorted(self.bids.items(), reverse=True)

    def visible(self, side: Side, ticks: int) -> int | None:
        """The size of an order's own level; None beyond what is known."""
        own = self.bids if side is Side.BUY else self.asks
        beyond = ticks < self.worst_bid if side is Side.BUY else ticks > self.worst_ask
        return None if beyond else own.get(ticks, 0)


class PaperLink:
    """The paper account: a `Link` whose exchange is the simulation.

    Args:
        spec: Reference data of a pair, from the public feed.
        wall: The clock, ns since the epoch.
        told: Takes the account's events.
        taker_fee: Part of the worth.

    Attributes:
        account: What came of it, by the same code as a real account.
    """

    def __init__(
        self,
        spec: Callable[[str], PairSpec | None],
        wall: Callable[[], int],
        told: Callable[[Sequence[AccountEvent]], None],
        taker_fee: Decimal = TAKER_FEE,
    ) -> None:
        self.account = Account(own_prefix=PREFIX)
        self.taker_fee = taker_fee
        self._spec_of, self._wall, self.take = spec, wall, told
        self._orders: dict[str, _PaperOrder] = {}
        self._books: dict[str, _Book] = {}
        self._out: deque[Answer | ExecutionsMessage] = deque()
        self._sequence = self._requests = self._number = 0
        self._token = Secret(TOKEN, lasting=False)
        self._switch_ns = 0
        self._tell("snapshot", [])

    # -- `Link` ----------------------------------------------------------------------------------------------------

    @property
    def token(self) -> Secret | None:
        """See `Link.token`."""
        return self._token

    @property
    def ready(self) -> bool:
        """See `Link.ready`."""
        return self.account.verified

    def next_req_id(self) -> int:
        """See `Link.next_req_id`."""
        self._requests += 1
        return self._requests

    def spec(self, symbol: str) -> PairSpec | None:
        """See `Link.spec`."""
        return self._spec_of(symbol)

    @property
    def now_ns(self) -> int:
        """See `Link.now_ns`."""
        return self._wall()

    def send(self, text: str) -> bool:
        """See `Link.send`; what comes of it waits for `deliver`."""
        request = _decoder.decode(text)
        params, method = request["params"], request["method"]
        act = {
            "add_order": self._add,
            "amend_order": self._amend,
            "cancel_order": self._cancel,
            "cancel_all": self._cancel_all,
            _SWITCH: self._set_switch,
        }[method]
        act(method, request["req_id"], params)
        return True

    def deliver(self, on_answer: Callable[[Answer], None]) -> None:
        """Hand what has happened to the account, and pass its events on.

        Args:
            on_answer: Takes each answer, after the account.
        """
        now_ns = self._wall()
        if self._switch_ns and now_ns >= self._switch_ns:
            self._switch_ns = 0
            self._end_all("Dead man's switch")
        while self._out:
            message = self._out.popleft()
            if isinstance(message, Answer):
                self.take(self.account.on_answer(message, now_ns))
                on_answer(message)
            else:
                self.take(self.account.on_executions(message, now_ns))
        self.take(self.account.tick(now_ns))

    # -- the public market -----------------------------------------------------------------------------------------

    def on_book(self, symbol: str, bids: Sequence[Level], asks: Sequence[Level], *, verified: bool) -> None:
        """The newest book: rules 4 and 5."""
        if not verified or not bids or not asks:
            return
        book = self._books[symbol] = _Book(dict(bids), dict(asks), bids[-1][0], asks[-1][0])
        for order in self._resting(symbol):
            assert order.limit is not None
            best = book.against(order.side)[0][0]
            if not (best <= order.limit if order.side is Side.BUY else best >= order.limit):
                order.crossed = False
                if (visible := book.visible(order.side, order.limit)) is not None:
                    order.ahead = min(order.ahead, visible)
            elif not order.crossed:
                self._fill(order, order.left, order.limit, maker=True)

    def on_trade(self, symbol: str, side: Side, ticks: int, lots: int) -> None:
        """A trade: rules 3, 5 and 7.

        Args:
            symbol: The pair.
            side: Of whoever took.
            ticks: Price.
            lots: Quantity.
        """
        left = lots
        for order in self._resting(symbol):
            assert order.limit is not None
            if order.side is side:
                continue
            through = ticks < order.limit if order.side is Side.BUY else ticks > order.limit
            if through:
                self._fill(order, order.left, order.limit, maker=True)
            elif ticks == order.limit:
                eaten = min(order.ahead, left)
                order.ahead -= eaten
                # Own orders before this one are part of what is ahead: their fill is not to be had a second time.
                take = min(order.left, left - eaten)
                if take:
                    left -= take
                    self._fill(order, take, order.limit, maker=True)
        for order in [each for each in self._open(symbol) if each.waiting]:
            assert order.trigger is not None
            if ticks >= order.trigger if order.side is Side.BUY else ticks <= order.trigger:
                order.waiting = False
                triggers = {"status": "triggered", "price": from_units(order.trigger, order.spec.price_precision)}
                self._tell("update", [self._row(order, "status", triggers=triggers)])
                self._enter(order)

    # -- requests --------------------------------------------------------------------------------------------------

    def _add(self, method: str, req_id: int, params: dict[str, Any]) -> None:
        spec = self._spec_of(str(params["symbol"]))
        if spec is None:
            self._refuse(method, req_id, "EQuery:Unknown asset pair")
            return
        triggers = params.get("triggers")
        order = _PaperOrder(
            "",
            str(params.get("cl_ord_id", "")),
            spec,
            Side(params["side"]),
            _units(params["order_qty"], spec.qty_precision),
            _optional(params.get("limit_price"), spec.price_precision),
            None if triggers is None else _units(triggers["price"], spec.price_precision),
            params.get("post_only") is True,
            params.get("time_in_force") == "ioc",
        )
        if spec.symbol not in self._books:
            self._refuse(method, req_id, "paper: the book of this pair is not known yet")
            return
        if params.get("validate") is True:
            self._out.append(Answer(method, req_id, True))
            return
        self._number += 1
        order.order_id = f"PAPER-{self._number:05}"
        order.waiting = order.trigger is not None
        self._orders[order.order_id] = order
        self._out.append(Answer(method, req_id, True, orders=(AnsweredOrder(order.order_id, order.cl_ord_id or None),)))
        self._tell("update", [self._described(order), self._row(order, "new")])
        if not order.waiting:
            self._enter(order)

    def _enter(self, order: _PaperOrder) -> None:
        """Rule 1, then rule 2."""
        book = self._books.get(order.spec.symbol)
        levels = [] if book is None else book.against(order.side)
        reached = [
            (ticks, lots)
            for ticks, lots in levels
            if order.limit is None or (ticks <= order.limit if order.side is Side.BUY else ticks >= order.limit)
        ]
        if reached and order.post_only:
            self._end(order, "Post only order")
            return
        for ticks, lots in reached:
            if order.left:
                self._fill(order, min(order.left, lots), ticks, maker=False)
        if order.left and (order.limit is None or order.ioc):
            self._end(order, "Insufficient liquidity" if order.limit is None else "Immediate or cancel")
        elif order.left:
            # What it took still stands in the public book: that must not fill it a second time.
            order.crossed = bool(reached)
            self._queue(order)

    def _queue(self, order: _PaperOrder) -> None:
        # To the back, also of own orders: trades go through them in this order.
        self._orders[order.order_id] = self._orders.pop(order.order_id)
        book = self._books.get(order.spec.symbol)
        assert order.limit is not None
        visible = None if book is None else book.visible(order.side, order.limit)
        # Beyond what is known nothing is known to be ahead; a trade there comes through all that is known first.
        order.ahead = visible or 0

    def _amend(self, method: str, req_id: int, params: dict[str, Any]) -> None:
        order = self._named(params)
        if order is None:
            self._refuse(method, req_id, "EOrder:Unknown order")
            return
        spec = order.spec
        lots = _units(params["order_qty"], spec.qty_precision) if "order_qty" in params else order.lots
        limit = _optional(params.get("limit_price"), spec.price_precision) or order.limit
        trigger = _optional(params.get("trigger_price"), spec.price_precision) or order.trigger
        self._out.append(Answer(method, req_id, True, orders=(AnsweredOrder(order.order_id),), amend_id="PAPER"))
        if lots <= order.done:
            self._end(order, "User requested")
            return
        back = lots > order.lots or limit != order.limit
        order.lots, order.limit, order.trigger = lots, limit, trigger
        row = self._row(order, "amended", order_qty=self._qty(order, lots), amended=True)
        if limit is not None:
            row.limit_price = self._price(order, limit)
        if trigger is not None:
            row.triggers = {"price": self._price(order, trigger), "status": "untriggered"}
        self._tell("update", [row])
        if back and not order.waiting:
            self._enter(order)

    def _cancel(self, method: str, req_id: int, params: dict[str, Any]) -> None:
        for name in ("order_id", "cl_ord_id"):
            for value in params.get(name, []):
                order = self._named({name: value})
                if order is None:
                    self._refuse(method, req_id, "EOrder:Unknown order")
                else:
                    names = AnsweredOrder(order.order_id, order.cl_ord_id or None)
                    self._out.append(Answer(method, req_id, True, orders=(names,)))
                    self._end(order, "User requested")

    def _cancel_all(self, method: str, req_id: int, _params: dict[str, Any]) -> None:
        self._out.append(Answer(method, req_id, True, count=self._end_all("User requested")))

    def _set_switch(self, method: str, req_id: int, params: dict[str, Any]) -> None:
        seconds = int(params["timeout"])
        self._switch_ns = self._wall() + seconds * 1_000_000_000 if seconds else 0
        self._out.append(Answer(method, req_id, True, trigger_time=str(seconds)))

    # -- orders ----------------------------------------------------------------------------------------------------

    def _open(self, symbol: str) -> list[_PaperOrder]:
        return [order for order in self._orders.values() if order.open and order.spec.symbol == symbol]

    def _resting(self, symbol: str) -> list[_PaperOrder]:
        return [order for order in self._open(symbol) if not order.waiting and order.limit is not None]

    def _named(self, params: dict[str, Any]) -> _PaperOrder | None:
        for order in self._orders.values():
            named = params.get("order_id") == order.order_id or (
                order.cl_ord_id and params.get("cl_ord_id") == order.cl_ord_id
            )
            if named and order.open:
                return order
        return None

    def _fill(self, order: _PaperOrder, lots: int, ticks: int, *, maker: bool) -> None:
        order.done += lots
        order.cost += lots * ticks
        order.status = "partially_filled"
        self._number += 1
        spec = order.spec
        worth = Decimal(lots * ticks).scaleb(-spec.price_precision - spec.qty_precision)
        fee = worth * (MAKER_FEE if maker else self.taker_fee)
        row = self._row(
            order,
            "trade",
            exec_id=f"PAPER-T{self._number:05}",
            symbol=spec.symbol,
            side=order.side.value,
            last_qty=self._qty(order, lots),
            last_price=self._price(order, ticks),
            cost=f"{worth:f}",
            liquidity_ind="m" if maker else "t",
            fees=[WireFee(spec.quote, f"{fee.quantize(Decimal('1e-8')):f}")],
            cum_qty=self._qty(order, order.done),
            avg_price=self._average(order),
        )
        self._tell("update", [row])
        if not order.left:
            order.status = "filled"
            self._tell("update", [self._row(order, "filled", cum_qty=self._qty(order, order.done))])
            self._forget()

    def _end(self, order: _PaperOrder, reason: str) -> None:
        order.status = "canceled"
        self._tell("update", [self._row(order, "canceled", reason=reason, cum_qty=self._qty(order, order.done))])
        self._forget()

    def _end_all(self, reason: str) -> int:
        orders = [order for order in self._orders.values() if order.open]
        for order in orders:
            self._end(order, reason)
        return len(orders)

    def _forget(self) -> None:
        self._orders = {name: order for name, order in self._orders.items() if order.open}

    # -- frames ----------------------------------------------------------------------------------------------------

    def _refuse(self, method: str, req_id: int, error: str) -> None:
        self._out.append(Answer(method, req_id, False, error))

    def _tell(self, kind: str, rows: list[Execution]) -> None:
        self._sequence += 1
        self._out.append(ExecutionsMessage("snapshot" if kind == "snapshot" else "update", rows, self._sequence))

    def _row(self, order: _PaperOrder, exec_type: str, **more: Any) -> Execution:
        stamp = format_timestamp(self._wall())
        return Execution(order.order_id, exec_type, order.status, stamp, order.cl_ord_id or None, **more)

    def _described(self, order: _PaperOrder) -> Execution:
        row = self._row(
            order,
            "pending_new",
            symbol=order.spec.symbol,
            side=order.side.value,
            order_type="stop-loss" if order.trigger is not None else "limit",
            order_qty=self._qty(order, order.lots),
            post_only=order.post_only,
            time_in_force="IOC" if order.ioc else "GTC",
        )
        row.order_status = "pending_new"
        if order.limit is not None:
            row.limit_price = self._price(order, order.limit)
        if order.trigger is not None:
            row.triggers = {"price": self._price(order, order.trigger), "status": "untriggered", "reference": "last"}
        return row

    @staticmethod
    def _qty(order: _PaperOrder, lots: int) -> str:
        return from_units(lots, order.spec.qty_precision)

    @staticmethod
    def _price(order: _PaperOrder, ticks: int) -> str:
        return from_units(ticks, order.spec.price_precision)

    @staticmethod
    def _average(order: _PaperOrder) -> str:
        average = Decimal(order.cost) / order.done
        return f"{average.scaleb(-order.spec.price_precision).quantize(Decimal('1e-8')):f}"


def _units(value: object, precision: int) -> int:
    try:
        return to_units(value, precision)
    except InvalidNumber:
        return 0


def _optional(value: object, precision: int) -> int | None:
    return None if value is None else _units(value, precision)
