"""Random schedules of an account's frames under faults, against the exchange's own books.

    python -m tests.rig.orders                     10,000 seeds
    python -m tests.rig.orders --seeds 500 --from 7
    python -m tests.rig.orders --from 4711 --seeds 1 --show    one seed again, with what happened

An exchange of its own moves orders of this program and of others. Frames are lost, doubled, swapped and late, answers
are lost or late, connections end between request and answer, snapshots come in one frame or two, and REST lags by up to
fifty seconds. At every step no fill may be told twice or wrongly and no order may be said to have ended that has not;
once the faults are over and a minute has passed, every order, fill, fee and position must be the exchange's.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from kraken_tui.market.events import Side
from kraken_tui.market.orders.account import Account
from kraken_tui.market.orders.values import (
    DONE,
    AccountEvent,
    Ask,
    AskKind,
    Fill,
    FillSeen,
    NewOrder,
    OrderChanged,
    OrderReport,
    Stage,
)
from kraken_tui.wire.executions import ExecutionsMessage
from kraken_tui.wire.messages import SubscribeAck
from kraken_tui.wire.order_answers import Answer
from kraken_tui.wire.private import decode
from kraken_tui.wire.timestamps import format_timestamp
from tests.rig.seeds import play

SECOND = 1_000_000_000
START = 1_767_600_000 * SECOND
LOT = Decimal("0.00000001")
ENDS = {"filled": Stage.FILLED, "canceled": Stage.CANCELED, "expired": Stage.EXPIRED}
REST = {"pending_new": "open", "new": "open", "partially_filled": "open", "filled": "closed"}


@dataclass
class Truth:
    """One order as the exchange has it; `past` is (time, status, filled, ordered) of each change."""

    order_id: str
    cl_ord_id: str | None
    symbol: str
    side: str
    qty: int
    price: int
    cum: int = 0
    status: str = "pending_new"
    past: list[tuple[int, str, int, int]] = field(default_factory=list)

    @property
    def open(self) -> bool:
        return self.status not in ENDS


class Exchange:
    """Orders and fills as they are, and the rows that tell of them."""

    def __init__(self, rng: Random) -> None:
        self.rng, self.now = rng, START
        self.orders: dict[str, Truth] = {}
        self.fills: list[dict[str, Any]] = []
        self.number = 0

    def _row(self, order: Truth, exec_type: str, **more: Any) -> dict[str, Any]:
        self.now += self.rng.randrange(1, 2_000_000)
        order.past.append((self.now, order.status, order.cum, order.qty))
        row = {"order_id": order.order_id, "exec_type": exec_type, "order_status": order.status}
        return row | {"timestamp": format_timestamp(self.now)} | more

    def describe(self, order: Truth) -> dict[str, Any]:
        named = {"cl_ord_id": order.cl_ord_id} if order.cl_ord_id else {}
        return named | {
            "symbol": order.symbol,
            "side": order.side,
            "order_type": "limit",
            "order_qty": Decimal(order.qty) * LOT,
            "limit_price": Decimal(order.price),
        }

    def add(self, cl_ord_id: str | None, symbol: str, side: str, qty: int, price: int) -> tuple[Truth, list[Any]]:
        self.number += 1
        order = Truth(f"O{self.number:05}-AAAAA-AAAAAA", cl_ord_id, symbol, side, qty, price)
        self.orders[order.order_id] = order
        rows = [self._row(order, "pending_new", **self.describe(order))]
        if self.rng.random() < 0.1:
            order.status = "canceled"
            return order, [*rows, self._row(order, "canceled", reason="Post only order")]
        order.status = "new"
        return order, [*rows, self._row(order, "new")]

    def fill(self, order: Truth) -> list[dict[str, Any]]:
        qty = order.qty - order.cum if self.rng.random() < 0.3 else self.rng.randrange(1, order.qty - order.cum + 1)
        order.cum += qty
        order.status = "partially_filled"
        fill = {
            "exec_id": f"T{len(self.fills):05}-AAAAA-AAAAAA",
            "symbol": order.symbol,
            "side": order.side,
            "last_qty": Decimal(qty) * LOT,
            "last_price": Decimal(order.price),
            "fees": [{"asset": self.rng.choice(("USD", "EUR")), "qty": Decimal(qty) * LOT / 100}],
        }
        row = self._row(order, "trade", **fill, cum_qty=Decimal(order.cum) * LOT)
        if self.rng.random() < 0.2:
            del row["cum_qty"]
        self.fills.append(fill | {"order_id": order.order_id, "ns": self.now, "timestamp": row["timestamp"]})
        if order.cum < order.qty:
            return [row]
        order.status = "filled"
        order.past[-1] = (order.past[-1][0], "filled", order.cum, order.qty)
        return [row, self._row(order, "filled", cum_qty=Decimal(order.cum) * LOT)]

    def end(self, order: Truth, status: str) -> list[dict[str, Any]]:
        order.status = status
        return [self._row(order, status, cum_qty=Decimal(order.cum) * LOT, reason="User requested")]

    def amend(self, order: Truth, qty: int, price: int) -> list[dict[str, Any]]:
        if qty <= order.cum:
            return self.end(order, "canceled")
        order.qty, order.price = qty, price
        return [self._row(order, "amended", order_qty=Decimal(qty) * LOT, limit_price=Decimal(price), amended=True)]

    def snapshot(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Open orders, and the last fifty fills, newest first, as snapshots have them."""
        rows = [
            {"order_id": order.order_id, "exec_type": "new", "order_status": order.status}
            | self.describe(order)
            | {"cum_qty": Decimal(order.cum) * LOT, "timestamp": format_timestamp(self.now)}
            for order in self.orders.values()
            if order.open
        ]
        fills = [{key: value for key, value in fill.items() if key != "ns"} for fill in self.fills[:-51:-1]]
        return rows, [fill | {"exec_type": "trade", "order_status": "filled"} for fill in fills]

    def report(self, order: Truth, at: int) -> OrderReport | None:
        """What REST says, as of some time ago."""
        known = [each for each in order.past if each[0] <= at]
        if not known:
            return None
        _, status, cum, qty = known[-1]
        return OrderReport(
            order.order_id,
            REST.get(status, status),
            cl_ord_id=order.cl_ord_id,
            symbol=order.symbol,
            side=Side(order.side),
            order_type="limit",
            order_qty=Decimal(qty) * LOT,
            cum_qty=Decimal(cum) * LOT,
            limit_price=Decimal(order.price),
        )


def text(fields: dict[str, Any]) -> str:
    """JSON with the digits of the decimals."""
    return _dump(fields)


def _dump(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_dump(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_dump, value)) + "]"
    return json.dumps(value)


class Schedule:
    """One seed: exchange, network, account, and whoever does what the account asks for."""

    def __init__(self, seed: int, *, show: bool = False) -> None:
        self.rng = Random(seed)
        self.show = show
        self.exchange = Exchange(self.rng)
        self.account = Account(own_prefix="kt-")
        self.sequence = 0
        self.subscribed = self.connected = False
        self.flying: list[tuple[int, str]] = []
        self.todo: list[tuple[int, Ask]] = []
        self.told: dict[str, Fill] = {}
        self.sent: dict[str, bool] = {}
        self.requests = 0
        self.faults = 0.0
        self.session_from = 0
        for _ in range(self.rng.randrange(0, 60)):
            self._foreign()

    @property
    def now(self) -> int:
        return self.exchange.now

    # -- the network -----------------------------------------------------------------------------------------------

    def push(self, rows: list[dict[str, Any]]) -> None:
        """Send an update, in one frame or one for each row."""
        for part in [rows] if self.rng.random() < 0.7 else [[row] for row in rows]:
            if not self.subscribed or not part:
                continue
            self.sequence += 1
            self._send({"channel": "executions", "type": "update", "data": part, "sequence": self.sequence})

    def _send(self, fields: dict[str, Any], *, answer: bool = False) -> None:
        frame, chance = text(fields), self.rng.random()
        faults = self.faults
        if chance < faults * (2 if answer else 0.5):
            self._say("lost", frame)
            return
        late = self.rng.randrange(0, 12 * SECOND) if answer and self.rng.random() < faults * 3 else 0
        self.flying.append((self.now + late, frame))
        if self.rng.random() < faults * 0.5:
            self._say("doubled", frame)
            self.flying.append((self.now + late, frame))
        if self.rng.random() < faults * 0.5 and len(self.flying) > 1:
            self.flying[-1], self.flying[-2] = self.flying[-2], self.flying[-1]

    def deliver(self) -> None:
        ready = [frame for at, frame in self.flying if at <= self.now]
        self.flying = [(at, frame) for at, frame in self.flying if at > self.now]
        for frame in ready:
            self._say("frame", frame)
            message = decode(frame)
            if isinstance(message, Answer):
                self.take(self.account.on_answer(message, self.now))
            elif isinstance(message, ExecutionsMessage):
                self.take(self.account.on_executions(message, self.now))
            else:
                assert isinstance(message, SubscribeAck)
                self.take(self.account.on_subscribed(message.channel, message.result, self.now))

    def subscribe(self) -> None:
        """Acknowledgement and snapshot, which is never lost here: the account asks again if it is (`tick`)."""
        self.subscribed, self.sequence = True, 0
        ack = {"channel": "executions", "maxratecount": 125, "snap_orders": True, "snap_trades": True}
        # A frame of the old subscription cannot come after this one.
        self.flying = [each for each in self.flying if '"executions"' not in each[1]]
        self.flying.append((self.now, text({"method": "subscribe", "result": ack, "success": True, "req_id": 1})))
        orders, fills = self.exchange.snapshot()
        parts = [orders + fills] if self.rng.random() < 0.5 else [orders, fills]
        for part in parts:
            self.sequence += 1
            fields = {"channel": "executions", "type": "snapshot", "data": part, "sequence": self.sequence}
            self.flying.append((self.now, text(fields)))
        if self.faults and self.rng.random() < 0.1:
            self.flying = self.flying[: -len(parts)]

    def connect(self) -> None:
        self.connected = True
        self.subscribe()

    def disconnect(self) -> None:
        self._say("disconnect", "")
        self.connected = self.subscribed = False
        self.flying.clear()
        self.todo = [each for each in self.todo if each[1].kind is not AskKind.RESUBSCRIBE]
        self.take(self.account.on_disconnected(self.now))

    # -- what people do --------------------------------------------------------------------------------------------

    def act(self) -> None:
        kind = self.rng.random()
        mine = [order for order in self.exchange.orders.values() if order.open]
        if kind < 0.12:
            self._foreign()
        elif kind < 0.3 and self.connected:
            self._place()
        elif kind < 0.4 and self.connected:
            self._change()
        elif kind < 0.75 and mine:
            for _ in range(60 if self.rng.random() < 0.01 else 1):
                order = self.rng.choice(mine)
                if order.open and order.qty > order.cum:
                    self.push(self.exchange.fill(order))
        elif kind < 0.85 and mine:
            self.push(self.exchange.end(self.rng.choice(mine), self.rng.choice(("canceled", "expired"))))

    def _foreign(self) -> None:
        side, symbol = self.rng.choice(("buy", "sell")), self.rng.choice(("BTC/USD", "ETH/USD"))
        name = None if self.rng.random() < 0.5 else f"other-{self.rng.randrange(10**6)}"
        _, rows = self.exchange.add(name, symbol, side, self.rng.randrange(10, 10**9), self.rng.randrange(1, 100_000))
        self.push(rows)

    def _place(self) -> None:
        self.requests += 1
        name, number = f"kt-{self.requests}", self.requests
        side, symbol = self.rng.choice((Side.BUY, Side.SELL)), self.rng.choice(("BTC/USD", "ETH/USD"))
        qty, price = self.rng.randrange(10, 10**9), self.rng.randrange(1, 100_000)
        new = NewOrder(name, symbol, side, "limit", Decimal(qty) * LOT, Decimal(price), post_only=True)
        self.take(self.account.sent_add(number, new, self.now))
        head = {"method": "add_order", "req_id": number}
        if self.rng.random() < self.faults:
            self._say("request lost", name)
            self.sent[name] = False
            return
        if self.rng.random() < 0.1:
            self.sent[name] = False
            self._send(head | {"success": False, "error": "EOrder:Insufficient funds"}, answer=True)
            return
        self.sent[name] = True
        order, rows = self.exchange.add(name, symbol, side, qty, price)
        answer = head | {"success": True, "result": {"order_id": order.order_id, "cl_ord_id": name}}
        if self.rng.random() < self.faults:
            answer = head | {"success": False, "error": "EService:Unavailable"}
        before = self.rng.random() < 0.5
        if before:
            self._send(answer, answer=True)
        self.push(rows)
        if not before:
            self._send(answer, answer=True)

    def _change(self) -> None:
        open_orders = [order for order in self.account.open_orders() if order.order_id is not None]
        if not open_orders:
            return
        order = self.rng.choice(open_orders)
        self.requests += 1
        number = self.requests
        truth = self.exchange.orders[order.order_id or ""]
        amend = self.rng.random() < 0.5 and not self.account.may_change(order)
        qty, price = self.rng.randrange(10, 10**9), self.rng.randrange(1, 100_000)
        if amend:
            self.take(self.account.sent_amend(number, order, self.now))
        else:
            self.take(self.account.sent_cancel(number, [order], self.now))
        if self.rng.random() < self.faults:
            return
        head = {"method": "amend_order" if amend else "cancel_order", "req_id": number}
        if not truth.open:
            self._send(head | {"success": False, "error": "EOrder:Unknown order"}, answer=True)
            return
        rows = self.exchange.amend(truth, qty, price) if amend else self.exchange.end(truth, "canceled")
        self.push(rows)
        self._send(head | {"success": True, "result": {"order_id": truth.order_id}}, answer=True)

    # -- the account -----------------------------------------------------------------------------------------------

    def take(self, events: tuple[AccountEvent, ...]) -> None:
        for event in events:
            self._say("event", str(event))
            if isinstance(event, FillSeen):
                self._check_fill(event.fill)
            elif isinstance(event, Ask):
                self.todo.append((self.now + self.rng.randrange(0, 2 * SECOND), event))
            elif isinstance(event, OrderChanged):
                self._check_order(event)

    def _check_fill(self, fill: Fill) -> None:
        assert fill.exec_id not in self.told, f"told twice: {fill.exec_id}"
        self.told[fill.exec_id] = fill
        (truth,) = (each for each in self.exchange.fills if each["exec_id"] == fill.exec_id)
        assert (fill.qty, fill.price, fill.side) == (truth["last_qty"], truth["last_price"], truth["side"])
        assert (fill.symbol, fill.order_id) == (truth["symbol"], truth["order_id"])

    def _check_order(self, event: OrderChanged) -> None:
        order = event.order
        if order.stage is Stage.REFUSED:
            assert not self.sent[order.key], f"said to be refused, but it lives: {order.key}"
        elif order.stage in DONE:
            truth = self.exchange.orders[order.order_id or ""]
            assert ENDS.get(truth.status) is order.stage, f"said to be {order.stage}, but it is {truth.status}"
            assert order.cum_qty <= Decimal(truth.cum) * LOT

    def work(self) -> None:
        """Do what was asked for: subscribe again, ask REST, which lags."""
        due = [ask for at, ask in self.todo if at <= self.now]
        self.todo = [(at, ask) for at, ask in self.todo if at > self.now]
        at = self.now - (self.rng.randrange(0, 50 * SECOND) if self.rng.random() < 0.5 else 0)
        for ask in due:
            if ask.kind is AskKind.RESUBSCRIBE:
                if self.connected:
                    self.subscribe()
            elif ask.kind is AskKind.TRADES_HISTORY:
                assert ask.since_ns is not None
                self.take(self.account.on_fills(self._history(ask.since_ns, at), self.now))
            else:
                orders = self.exchange.orders.values()
                names = (ask.order_id, ask.cl_ord_id)
                found = [
                    each for each in orders if each.order_id == names[0] or (names[1] and each.cl_ord_id == names[1])
                ]
                report = self.exchange.report(found[0], at) if found else None
                if report is not None:
                    self.take(self.account.on_report(report, self.now))
                else:
                    self.take(self.account.on_missing(self.now, order_id=names[0], cl_ord_id=names[1]))

    def _history(self, since: int, at: int) -> list[Fill]:
        return [
            Fill(
                each["exec_id"],
                each["order_id"],
                each["symbol"],
                Side(each["side"]),
                each["last_qty"],
                each["last_price"],
                each["last_qty"] * each["last_price"],
                each["ns"],
                fees=tuple((fee["asset"], fee["qty"]) for fee in each["fees"]),
            )
            for each in self.exchange.fills
            if since < each["ns"] <= at
        ]

    def step(self, seconds: float) -> None:
        self.exchange.now += int(seconds * SECOND)
        self.deliver()
        self.work()
        self.take(self.account.tick(self.now))

    def _say(self, what: str, words: str) -> None:
        if self.show:
            print(f"{(self.now - START) / SECOND:9.3f} {what:12} {words}")

    # -- a run -----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Calm start, faults, then calm until everything must be known."""
        self.session_from = len(self.exchange.fills)
        self.connect()
        self.step(0.1)
        self.step(3)
        self.faults = self.rng.choice((0.0, 0.05, 0.2))
        for _ in range(self.rng.randrange(10, 120)):
            self.act()
            if self.rng.random() < self.faults * 0.3:
                self.disconnect()
                for _ in range(self.rng.randrange(0, 4)):
                    self.act()
                self.step(self.rng.random() * 3)
                self.connect()
            self.step(self.rng.choice((0.01, 0.2, 1.0, 4.0)))
        self.faults = 0.0
        self._foreign()
        for _ in range(160):
            self.step(1)
        self.check()

    def check(self) -> None:
        account, exchange = self.account, self.exchange
        assert account.settled, (account.reason, account.requests.follows, account._state.hole_ns)
        for truth in exchange.orders.values():
            order = account.orders.by_id(truth.order_id)
            if order is None:
                assert not truth.open, f"{truth.order_id} is open and unknown"
                assert not truth.cl_ord_id or not truth.cl_ord_id.startswith("kt-")
                continue
            assert order.stage is ENDS.get(truth.status, Stage.OPEN), (order, truth)
            assert order.cum_qty == Decimal(truth.cum) * LOT, (order, truth)
            assert order.foreign is not str(truth.cl_ord_id).startswith("kt-")
            assert not order.cancel_sent, order
            assert not order.amend_sent, order
            if truth.open:
                assert order.order_qty == Decimal(truth.qty) * LOT
                assert order.limit_price == Decimal(truth.price)
                assert order.remaining == Decimal(truth.qty - truth.cum) * LOT
        for name, landed in self.sent.items():
            order = account.orders.by_client(name)
            assert order is not None
            assert landed or order.stage in (Stage.REFUSED, Stage.NOT_FOUND), order
        session = exchange.fills[self.session_from :]
        told = {each for each, fill in self.told.items() if fill.session}
        assert told == {each["exec_id"] for each in session}, "fills missing or too many"
        net: dict[str, Decimal] = {}
        fees: dict[str, Decimal] = {}
        for each in session:
            sign = 1 if each["side"] == "buy" else -1
            net[each["symbol"]] = net.get(each["symbol"], Decimal(0)) + sign * each["last_qty"]
            for fee in each["fees"]:
                fees[fee["asset"]] = fees.get(fee["asset"], Decimal(0)) + fee["qty"]
        assert {position.symbol: position.qty for position in account.fills.positions} == net
        assert account.fills.session_fees == fees


if __name__ == "__main__":
    sys.exit(play("python -m tests.rig.orders", __doc__, lambda seed, show: Schedule(seed, show=show).run()))
