"""Orders from the desk to the local exchange and back, over the real connections; and paper money over its market."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from queue import Empty, Queue
from typing import Any

import pytest

from kraken_tui.engine.engine import Engine
from kraken_tui.engine.trading import Look, TradingDesk
from kraken_tui.market.events import Side
from kraken_tui.market.orders.values import Order, Stage
from kraken_tui.market.private_views import AccountView
from kraken_tui.settings import Settings
from kraken_tui.trading.outcomes import Accepted, NotSent, Outcome
from kraken_tui.trading.tickets import Kind, Ticket

SYMBOL = "BTC/USD"
_WAIT_S = 20.0


class Desk:
    """An engine, and the desk as a screen has it."""

    def __init__(self, **settings: Any) -> None:
        self.engine = Engine(Settings(demo=True, pairs=(SYMBOL,), **settings))
        self.engine.start()
        self.engine.show(SYMBOL)

    def until(self, true: Callable[[], Any], what: str) -> Any:
        end = time.monotonic() + _WAIT_S
        while time.monotonic() < end:
            if found := true():
                return found
            time.sleep(0.02)
        raise AssertionError(f"not in time: {what}; {self.account}")

    @property
    def account(self) -> AccountView | None:
        return self.engine.published().account

    def ask(self, act: Callable[[TradingDesk, Callable[[Any], None]], object]) -> Any:
        answers: Queue[Any] = Queue()
        self.engine.trade(lambda desk: act(desk, answers.put) and None)
        try:
            return answers.get(timeout=_WAIT_S)
        except Empty:
            raise AssertionError("no answer") from None

    def arm(self) -> None:
        def armed() -> bool:
            self.engine.trade(lambda desk: desk.drew(SYMBOL))
            return self.ask(lambda desk, told: desk.arm(SYMBOL, told)) == ""

        self.until(armed, "armed")

    def ticket(self, away: int = 300, **more: Any) -> Ticket:
        view = self.engine.view(SYMBOL)
        assert view is not None
        assert view.bids
        fields = {"symbol": SYMBOL, "side": Side.BUY, "kind": Kind.LIMIT, "lots": 500_000, "post_only": True}
        return Ticket(ticks=view.bids[0][0] - away, **(fields | more))

    def place(self, ticket: Ticket, **more: Any) -> Outcome:
        return self.ask(lambda desk, told: desk.place(ticket, told, **more))

    def order(self, key: str) -> Order | None:
        orders = () if self.account is None else self.account.orders
        return next((order for order in orders if order.key == key), None)

    def stage(self, key: str) -> Stage | None:
        order = self.order(key)
        return None if order is None else order.stage


@pytest.fixture(params=[{"account": True, "trade": True}, {"paper": True}], ids=["demo", "paper"])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    made = Desk(**request.param)
    yield made
    assert made.engine.stop(10)
    assert made.engine.failure is None


def test_an_order_is_checked_placed_moved_and_cancelled(desk: Desk) -> None:
    desk.until(lambda: desk.account is not None and desk.account.trading, "the account")
    assert desk.account is not None
    assert desk.account.play
    desk.until(lambda: (view := desk.engine.view(SYMBOL)) and view.bids, "the book")
    first = desk.place(desk.ticket())
    assert isinstance(first, NotSent)
    desk.arm()
    ticket = desk.ticket()
    look = desk.ask(lambda desk, told: desk.look(ticket, told))
    assert isinstance(look, Look)
    assert look.blocks == ()
    assert look.words.startswith("BUY 0.00500000 BTC at ")
    checked = desk.place(ticket, validate=True)
    assert isinstance(checked, Accepted)
    assert checked.what == "validate"
    placed = desk.place(ticket, seen_takes=False)
    assert isinstance(placed, Accepted), placed
    assert placed.order is not None
    key = placed.order.key
    desk.until(lambda: desk.stage(key) is Stage.OPEN, "open")
    moved = desk.ask(lambda desk, told: desk.amend(key, told, ticks=ticket.ticks - 10))
    assert isinstance(moved, Accepted), moved
    price = Decimal(ticket.ticks - 10).scaleb(-1)
    desk.until(lambda: (order := desk.order(key)) and order.limit_price == price, "moved")
    desk.engine.trade(lambda desk: desk.disarm("by hand"))
    gone = desk.ask(lambda desk, told: desk.cancel([key], told))
    assert isinstance(gone, Accepted), gone
    desk.until(lambda: desk.stage(key) is Stage.CANCELED, "cancelled")


def test_a_market_order_takes_and_all_that_is_left_is_cancelled(desk: Desk) -> None:
    desk.until(lambda: (view := desk.engine.view(SYMBOL)) and view.asks and desk.account, "the book")
    desk.arm()
    bought = desk.place(desk.ticket(-2_000, kind=Kind.MARKET), seen_takes=True)
    assert isinstance(bought, Accepted), bought
    assert bought.order is not None
    key = bought.order.key
    desk.until(lambda: desk.stage(key) is Stage.FILLED, "filled")
    resting = desk.place(desk.ticket(500), seen_takes=False)
    assert isinstance(resting, Accepted), resting
    desk.engine.trade(lambda desk: desk.set_switch(True))

    def switched() -> bool:
        desk.engine.trade(lambda desk: desk.drew(SYMBOL))
        assert desk.account is not None
        return desk.account.trading is not None and desk.account.trading.cancels_after_s is not None

    desk.until(switched, "the dead man's switch")
    outcome = desk.ask(lambda desk, told: desk.cancel_own(told))
    assert isinstance(outcome, Accepted), outcome
    assert resting.order is not None
    rest = resting.order.key
    desk.until(lambda: desk.stage(rest) is Stage.CANCELED, "cancelled")


def test_without_the_option_there_is_no_desk() -> None:
    desk = Desk(account=True)
    try:
        desk.until(lambda: desk.account is not None, "the account")
        called: list[TradingDesk] = []
        desk.engine.trade(called.append)
        time.sleep(0.3)
        assert called == []
        assert desk.engine.trades == ""
        assert desk.account is not None
        assert desk.account.trading is None
    finally:
        desk.engine.stop(10)
