"""Random schedules: whatever an account does, the two books, the stream, REST and the money agree."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from .private_client import Level3Client, book_totals
from .reference import ReferenceBook
from .test_trading import Desk

TYPES = ("limit", "limit", "limit", "limit", "market", "iceberg", "stop-loss", "take-profit-limit")


class Schedule:
    """A desk that does anything at any time, watched by a reader of each book."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.desk = Desk(seed=seed, profile=self.rng.choice(("calm", "lively")), rate=2.0, pairs=["BTC/USD"])
        trader = self.desk.trader
        self.level3, self.public = trader.connect("l3"), trader.connect("")
        self.orders, self.levels = Level3Client(10), ReferenceBook(10)
        params = {"symbol": ["BTC/USD"], "depth": 10}
        self.read(trader.ask(self.level3, "subscribe", self.desk.token, channel="level3", **params), [])
        self.read([], trader.ask(self.public, "subscribe", channel="book", **params))
        self.start = dict(self.desk.balances)
        self.refused: dict[str, int] = {}

    def read(self, told: list[dict[str, Any]], shown: list[dict[str, Any]]) -> None:
        for frame in told:
            if frame.get("channel") == "level3":
                self.orders.apply(frame)
        for frame in shown:
            if frame.get("channel") == "book":
                self.levels.apply(frame)

    def request(self) -> tuple[str, dict[str, Any]]:
        rng, desk = self.rng, self.desk
        open_ids = [k for k, o in desk.orders.items() if o["order_status"] in ("new", "partially_filled")]
        what = rng.random()
        if what < 0.5 or not open_ids:
            return "add_order", self.order()
        order_id = rng.choice(open_ids)
        if what < 0.75:
            change: dict[str, Any] = {"order_id": order_id, "order_qty": round(rng.uniform(0.001, 0.3), 8)}
            if rng.random() < 0.5 and "limit_price" in desk.orders[order_id]:
                change["limit_price"] = self.price()
            return "amend_order", change
        if what < 0.95:
            return "cancel_order", {"order_id": [order_id]}
        return "cancel_all", {}

    def price(self) -> float:
        bid, ask = self.desk.touch()
        return round(self.rng.choice((bid, ask)) + self.rng.choice((-2, -1, -0.5, -0.1, 0, 0, 0.1, 0.5, 1, 2)), 1)

    def order(self) -> dict[str, Any]:
        rng = self.rng
        kind = rng.choice(TYPES)
        qty = round(rng.uniform(0.001, 0.25), 8)
        order: dict[str, Any] = {"order_type": kind, "side": rng.choice(("buy", "sell")), "order_qty": qty}
        if kind in ("limit", "iceberg", "take-profit-limit"):
            order["limit_price"] = self.price()
        if kind == "limit" and rng.random() < 0.5:
            order["post_only"] = True
        if kind == "iceberg":
            order["display_qty"] = round(qty / rng.uniform(2, 14), 8)
        if "stop" in kind or "profit" in kind:
            order["triggers"] = {"price": self.price(), "reference": rng.choice(("last", "index"))}
        order["stp_type"] = rng.choice(("cancel_newest", "cancel_oldest", "cancel_both"))
        return {**order, "symbol": "BTC/USD"}

    def turn(self) -> None:
        desk, trader = self.desk, self.desk.trader
        method, params = self.request()
        for answer in desk.hear(desk.ask(method, **params)):
            if not answer["success"]:
                self.refused[answer["error"]] = self.refused.get(answer["error"], 0) + 1
        mine, told, shown = trader.run(self.rng.choice((0.03, 0.3, 2.0)), desk.peer, self.level3, self.public)
        desk.hear(mine)
        self.read(told, shown)
        self.check()

    def check(self) -> None:
        for name in ("bids", "asks"):
            assert self.orders.totals(name) == book_totals(self.levels, name)
        assert self.orders.unknown == 0
        account = self.desk.trader.venue.private.accounts["main"]
        visible = {o[0]: o[2] for side in self.orders.sides.values() for o in side}
        for order_id, row in self.desk.orders.items():
            order = account.orders[order_id]
            assert order.status == row["order_status"]
            assert Decimal(row.get("cum_qty", "0")) == Decimal(order.qty(order.done_lots))
            if order_id in visible:
                assert order.resting
                assert visible[order_id] == Decimal(order.qty(order.left - order.hidden))
        for fill in self.desk.fills.values():
            assert Decimal(fill["cum_qty"]) <= Decimal(self.desk.orders[fill["order_id"]]["order_qty"])

    def settle(self) -> None:
        """The money is what the fills say, and REST agrees."""
        self.desk.reconciled()
        btc, fees = Decimal(0), Decimal(0)
        for fill in self.desk.fills.values():
            btc += Decimal(fill["last_qty"]) * (1 if fill["side"] == "buy" else -1)
            fees += sum(Decimal(row["qty"]) for row in fill["fees"])
        assert self.desk.balances["BTC"] == self.start["BTC"] + btc
        spent = sum(Decimal(f["cost"]) * (1 if f["side"] == "buy" else -1) for f in self.desk.fills.values())
        # Each fill is rounded to the digits of a balance.
        rounding = Decimal("0.0001") * len(self.desk.fills)
        assert abs(self.desk.balances["USD"] - (self.start["USD"] - spent - fees)) <= rounding
        totals = {}
        for side in (self.desk.trader.venue.market("BTC/USD").simulator.book.bids,):
            assert side.queues is not None
            for key, queue in side.queues.levels.items():
                totals[key] = sum(order.lots for order in queue)
                assert totals[key] == side.lots[key]


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 113, 132])
def test_everything_agrees(seed: int) -> None:
    schedule = Schedule(seed)
    for _ in range(50):
        schedule.turn()
    schedule.settle()
    assert len(schedule.desk.fills) > 3
