"""An account and frames for it, short to write."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from kraken_tui.market.events import Side
from kraken_tui.market.orders.account import Account
from kraken_tui.market.orders.values import AccountEvent, Ask, AskKind, FillSeen, NewOrder, Order, OrderChanged
from kraken_tui.wire.balances import BalancesMessage
from kraken_tui.wire.executions import ExecutionsMessage
from kraken_tui.wire.order_answers import Answer
from kraken_tui.wire.private import decode

S = 1_000_000_000
STAMP = "2026-01-05T11:00:10.090001Z"
FULL = {"symbol": "BTC/USD", "side": "buy", "order_type": "limit", "order_qty": 1, "limit_price": 50000}


class Desk:
    """An account that got its snapshots; frames are numbered by themselves."""

    def __init__(self, *rows: dict[str, Any], start: bool = True) -> None:
        self.account = Account(own_prefix="kt-")
        self.sequence = 0
        self.now = 0
        self.asked: list[Ask] = []
        if start:
            self.snapshot(*rows)
            self.balances("snapshot", [])

    def keep(self, events: tuple[AccountEvent, ...]) -> tuple[AccountEvent, ...]:
        self.asked += [event for event in events if isinstance(event, Ask)]
        return events

    def snapshot(self, *rows: dict[str, Any]) -> tuple[AccountEvent, ...]:
        self.sequence = 0
        return self.frame("snapshot", *rows)

    def frame(self, kind: str, *rows: dict[str, Any], skip: int = 0) -> tuple[AccountEvent, ...]:
        self.sequence += 1 + skip
        fields = {"channel": "executions", "type": kind, "data": list(rows), "sequence": self.sequence}
        message = decode(json.dumps(fields))
        assert isinstance(message, ExecutionsMessage)
        return self.keep(self.account.on_executions(message, self.now))

    def update(self, *rows: dict[str, Any], skip: int = 0) -> tuple[AccountEvent, ...]:
        return self.frame("update", *rows, skip=skip)

    def balances(self, kind: str, rows: list[dict[str, Any]], sequence: int = 1) -> tuple[AccountEvent, ...]:
        fields = {"channel": "balances", "type": kind, "data": rows, "sequence": sequence}
        message = decode(json.dumps(fields))
        assert isinstance(message, BalancesMessage)
        return self.keep(self.account.on_balances(message, self.now))

    def answer(self, method: str, req_id: int, error: str = "", **result: Any) -> tuple[AccountEvent, ...]:
        fields: dict[str, Any] = {"method": method, "req_id": req_id, "success": not error}
        fields |= {"error": error} if error else {"result": result}
        message = decode(json.dumps(fields))
        assert isinstance(message, Answer)
        return self.keep(self.account.on_answer(message, self.now))

    def add(self, req_id: int = 1, name: str = "kt-1", **more: Any) -> tuple[AccountEvent, ...]:
        new = NewOrder(name, "BTC/USD", Side.BUY, "limit", Decimal(1), Decimal(50000), **more)
        return self.keep(self.account.sent_add(req_id, new, self.now))

    def live(self, order_id: str = "OA", name: str = "kt-1", **more: Any) -> tuple[AccountEvent, ...]:
        """Accepted and open."""
        first = row(order_id, "pending_new", cl_ord_id=name, **(FULL | more))
        return self.update(first, row(order_id, "new"))

    def wait(self, seconds: float) -> tuple[AccountEvent, ...]:
        events: list[AccountEvent] = []
        for _ in range(int(seconds)):
            self.now += S
            events += self.keep(self.account.tick(self.now))
        return tuple(events)

    def order(self, order_id: str = "OA") -> Order:
        order = self.account.orders.by_id(order_id) or self.account.orders.by_client(order_id)
        assert order is not None
        return order

    def asked_for(self, kind: AskKind) -> list[Ask]:
        return [ask for ask in self.asked if ask.kind is kind]


WORDS = {"pending_new": "pending_new", "new": "new", "trade": "partially_filled", "amended": "new", "status": "new"}


def row(order_id: str, exec_type: str, **more: Any) -> dict[str, Any]:
    word = WORDS.get(exec_type, exec_type)
    return {"order_id": order_id, "exec_type": exec_type, "order_status": word, "timestamp": STAMP} | more


def fill(order_id: str = "OA", exec_id: str = "TA", qty: float = 0.25, **more: Any) -> dict[str, Any]:
    fees = [{"asset": "USD", "qty": 0.5}]
    return row(order_id, "trade", exec_id=exec_id, last_qty=qty, last_price=50000, fees=fees, **more)


def fills(events: tuple[AccountEvent, ...]) -> list[str]:
    return [event.fill.exec_id for event in events if isinstance(event, FillSeen)]


def changes(events: tuple[AccountEvent, ...]) -> list[OrderChanged]:
    return [event for event in events if isinstance(event, OrderChanged)]
