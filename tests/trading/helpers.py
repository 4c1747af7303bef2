"""A trader with an account of paper, short to write."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from kraken_tui.market.events import Side
from kraken_tui.market.orders.account import Account
from kraken_tui.market.orders.values import AccountEvent
from kraken_tui.secret import Secret
from kraken_tui.trading.audit import Audit
from kraken_tui.trading.ids import PREFIX, ClientIds
from kraken_tui.trading.limits import Facts, TradingLimits
from kraken_tui.trading.tickets import Kind, Ticket
from kraken_tui.trading.trader import Trader
from kraken_tui.wire.executions import ExecutionsMessage
from kraken_tui.wire.order_answers import Answer
from kraken_tui.wire.private import decode
from kraken_tui.wire.symbols import PairSpec

S = 1_000_000_000
START = 1_790_000_000 * S
SYMBOL = "BTC/USD"
SPEC = PairSpec(SYMBOL, "BTC", "USD", 1, 8, qty_min=5_000, cost_min="0.5")
FACTS = Facts(SYMBOL, SPEC, 500_000, 500_010, True, "", 100_000_000, 0, "ONLINE", START, 0)
BUY = Ticket(SYMBOL, Side.BUY, Kind.LIMIT, 1_000_000, 499_990)


class FakeLink:
    """A `Link` that keeps what was sent; the test plays the exchange."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.account = Account(own_prefix=PREFIX)
        self._token = Secret("token-of-the-tests-0001", lasting=False)
        self.connected = True
        self.refuses = False
        self.texts: list[str] = []
        self.numbers = 0
        self.sequence = 0

    @property
    def token(self) -> Secret | None:
        return self._token if self.connected else None

    @property
    def ready(self) -> bool:
        return self.connected and self.account.verified

    @property
    def sent(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.texts]

    def next_req_id(self) -> int:
        self.numbers += 1
        return self.numbers

    def send(self, text: str) -> bool:
        if self.refuses:
            return False
        self.texts.append(text)
        return True

    @property
    def now_ns(self) -> int:
        return self._rig.now

    def take(self, events: Sequence[AccountEvent]) -> None:
        self._rig.take(events)

    def spec(self, symbol: str) -> PairSpec | None:
        return SPEC if symbol == SYMBOL else None


class Rig:
    """A trader, armed unless asked otherwise, and its exchange played by hand."""

    def __init__(self, limits: TradingLimits | None = None, *, armed: bool = True, audit: Audit | None = None) -> None:
        self.link = FakeLink(self)
        self.now = START
        self.events: list[AccountEvent] = []
        self.limits = limits or TradingLimits()
        self.trader = Trader(self.link, "LIVE", self.limits, ClientIds(START, 7), audit or Audit(None))
        self.frame("snapshot")
        # An empty snapshot is believed once its second frame is overdue.
        self.wait(3)
        if armed:
            assert self.trader.arm(FACTS, self.now) == ""

    def take(self, events: Sequence[AccountEvent]) -> None:
        self.events += events
        self.trader.take(events)

    def frame(self, kind: str, *rows: dict[str, Any]) -> None:
        self.link.sequence += 1
        fields = {"channel": "executions", "type": kind, "data": list(rows), "sequence": self.link.sequence}
        message = decode(json.dumps(fields))
        assert isinstance(message, ExecutionsMessage)
        self.take(self.link.account.on_executions(message, self.now))

    def answer(self, method: str, req_id: int, error: str = "", **result: Any) -> None:
        fields: dict[str, Any] = {"method": method, "req_id": req_id, "success": not error}
        fields |= {"error": error} if error else {"result": result}
        message = decode(json.dumps(fields))
        assert isinstance(message, Answer)
        self.take(self.link.account.on_answer(message, self.now))
        self.trader.on_answer(message, self.now)

    def row(self, exec_type: str, order_id: str = "OA", **more: Any) -> dict[str, Any]:
        words = {"trade": "partially_filled", "amended": "new"}
        fields = {"order_id": order_id, "exec_type": exec_type, "order_status": words.get(exec_type, exec_type)}
        return fields | {"timestamp": "2026-09-21T14:13:20.000000Z"} | more

    def open_order(self, ticket: Ticket = BUY, order_id: str = "OA") -> str:
        """Place and have it accepted; its handle."""
        pending = self.trader.place(ticket, FACTS, self.now)
        assert pending.req_id, pending.outcome
        self.answer("add_order", pending.req_id, order_id=order_id, cl_ord_id=pending.key)
        described = {
            "cl_ord_id": pending.key,
            "symbol": SYMBOL,
            "side": ticket.side.value,
            "order_type": "limit",
            "order_qty": float(ticket.quantity(SPEC)),
            "limit_price": float(ticket.price(SPEC)),
            "post_only": ticket.post_only,
        }
        self.frame("update", self.row("pending_new", order_id, **described), self.row("new", order_id))
        self.wait(2)
        return pending.key

    def wait(self, seconds: float, facts: Facts | None = FACTS) -> None:
        for _ in range(max(1, round(seconds))):
            self.now += S
            self.take(self.link.account.tick(self.now))
            self.trader.tick(facts, self.now)


def ticket(**more: Any) -> Ticket:
    fields = {name: getattr(BUY, name) for name in BUY.__struct_fields__}
    return Ticket(**(fields | more))


def dollars(amount: int) -> TradingLimits:
    return TradingLimits(max_worth={"USD": Decimal(amount)})
