"""What the account asks for, found out over REST from the local exchange; no answer is no answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from kraken_tui.feed.private.reconcile import Names, Reconciler
from kraken_tui.feed.private.reports import fill_of, free_of, report_of
from kraken_tui.market.events import Side
from kraken_tui.market.orders.account import Account
from kraken_tui.market.orders.values import Ask, AskKind, FillSeen, NewOrder
from kraken_tui.wire.refusals import OutcomeUnknown
from kraken_tui.wire.rest_account import Balance, RestOrder, RestOrders, RestTrade, RestTrades
from kraken_tui.wire.symbols import PairSpec

SPEC = PairSpec("BTC/USD", "BTC", "USD", 1, 8)
NAMES = Names({"XBTUSD": "BTC/USD", "XXBTZUSD": "BTC/USD"}.get, {"BTC/USD": SPEC}.get)
SECOND = 10**9


class Rest:
    """REST with prepared answers."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.calls: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(*args: Any, **more: Any) -> Any:
            self.calls.append((name, args or more))
            answer = self.answers.get(name, OutcomeUnknown("nothing"))
            return answer(*args, **more) if callable(answer) else answer

        return call


def reconciled(rest: Rest, account: Account, *asks: Ask, now_ns: int = 0, seconds: float = 0.1) -> list[Any]:
    told: list[Any] = []

    async def go() -> None:
        reconciler = Reconciler(
            rest,
            account,
            NAMES,
            told.extend,
            lambda: now_ns,
            lambda *_: None,
            funds=False,  # type: ignore[arg-type]
        )
        for ask in asks:
            reconciler.take(ask)
        task = asyncio.create_task(reconciler.run())
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(go())
    return told


def test_many_orders_are_asked_for_in_one_call() -> None:
    rest = Rest(query_orders=RestOrders({}, 0))
    asks = [Ask(AskKind.QUERY_ORDER, "", order_id=f"O{number}") for number in range(70)]
    reconciled(rest, Account(), *asks, *asks)
    assert [len(args[0]) for _, args in rest.calls] == [50, 20]


def test_mistake_15_an_order_rest_does_not_know_yet_is_not_taken_for_gone() -> None:
    account = Account()
    account.sent_add(1, NewOrder("c1", "BTC/USD", Side.BUY, "limit", Decimal(1), Decimal(5)), 0)
    account.on_disconnected(SECOND)
    ask = Ask(AskKind.FIND_ORDER, "", cl_ord_id="c1")
    empty = RestOrders({}, 0)
    rest = Rest(open_orders=empty, closed_orders=empty)
    assert reconciled(rest, account, ask, now_ns=20 * SECOND) == []
    assert [name for name, _ in rest.calls] == ["open_orders", "closed_orders"]
    told = reconciled(rest, account, ask, now_ns=62 * SECOND)
    assert [event.what for event in told] == ["not found"]


def test_no_answer_changes_nothing() -> None:
    account = Account()
    account.sent_add(1, NewOrder("c1", "BTC/USD", Side.BUY, "limit", Decimal(1), Decimal(5)), 0)
    account.on_disconnected(SECOND)
    for ask in (
        Ask(AskKind.FIND_ORDER, "", cl_ord_id="c1"),
        Ask(AskKind.QUERY_ORDER, "", order_id="O1"),
        Ask(AskKind.TRADES_HISTORY, "", since_ns=0),
    ):
        assert reconciled(Rest(), account, ask, now_ns=100 * SECOND) == []


def test_a_found_order_is_reported_by_the_clients_id_alone() -> None:
    account = Account()
    account.sent_add(1, NewOrder("c1", "BTC/USD", Side.BUY, "limit", Decimal(1), Decimal(5)), 0)
    account.on_disconnected(SECOND)
    order = RestOrder(
        "O1", "closed", pair="XBTUSD", side="buy", order_type="limit", cl_ord_id="c1", qty="1", cum_qty="1"
    )
    other = RestOrder("O2", "open", pair="XBTUSD", side="buy", cl_ord_id="c2")
    rest = Rest(open_orders=RestOrders({"O2": other}, 1), closed_orders=RestOrders({"O1": order}, 1))
    told = reconciled(rest, account, Ask(AskKind.FIND_ORDER, "", cl_ord_id="c1"), now_ns=2 * SECOND)
    assert [(event.order.order_id, str(event.order.stage)) for event in told] == [("O1", "filled")]


def test_the_history_is_read_page_by_page_and_mistake_28_no_fee_is_given_an_asset_by_guess() -> None:
    trades = {
        f"T{number}": RestTrade(
            f"T{number}", f"O{number % 3}", pair="XXBTZUSD", side="buy", price="100.5", qty="2", fee="0.1",
            time_ns=number * SECOND,
        )
        for number in range(120)
    }  # fmt: skip
    ids = list(trades)

    def page(*, start_s: int, offset: int) -> RestTrades:
        assert start_s == 7
        return RestTrades({each: trades[each] for each in ids[offset : offset + 50]}, 120)

    flags = {"O0": ("fcib",), "O1": ("fciq",), "O2": ()}
    orders = RestOrders({name: RestOrder(name, "closed", flags=each) for name, each in flags.items()}, 3)
    rest = Rest(trades_history=page, query_orders=orders)
    account = Account()
    told = reconciled(rest, account, Ask(AskKind.TRADES_HISTORY, "", since_ns=7 * SECOND), seconds=0.3)
    fills = [event.fill for event in told if isinstance(event, FillSeen)]
    assert [fill.exec_id for fill in fills] == ids
    assert {fill.order_id: fill.fees for fill in fills} == {
        "O0": (("BTC", Decimal("0.1")),), "O1": (("USD", Decimal("0.1")),), "O2": (),
    }  # fmt: skip
    assert all(not fill.live for fill in fills)


def test_rest_words_become_the_accounts_own() -> None:
    stop = RestOrder(
        "O1", "open", pair="XBTUSD", side="sell", order_type="stop-loss-limit", limit_price="60000",
        second_price="59900", qty="0.5", avg_price="0.00000",
    )  # fmt: skip
    report = report_of(stop, NAMES.symbol_of)
    assert (report.trigger_price, report.limit_price, report.avg_price) == (Decimal(60000), Decimal(59900), None)
    assert report.symbol == "BTC/USD"
    unknown = RestTrade("T", "O", pair="NOPE", side="buy", price="1", qty="1")
    assert fill_of(unknown, (), NAMES.symbol_of, NAMES.spec_of) is None


def test_free_goes_by_the_streams_names() -> None:
    rows = {
        "XXBT": Balance("XXBT", Decimal(3), hold_trade=Decimal(1)),
        "ZUSD": Balance("ZUSD", Decimal(10), credit=Decimal(5), credit_used=Decimal(2)),
        "XBT.F": Balance("XBT.F", Decimal(7)),
    }
    assert free_of(rows) == {"BTC": Decimal(2), "USD": Decimal(13)}


@pytest.mark.parametrize("count", [1, 2])
def test_repeated_asks_wait_once(count: int) -> None:
    rest = Rest(query_orders=RestOrders({}, 0))
    reconciled(rest, Account(), *[Ask(AskKind.QUERY_ORDER, "", order_id="O1")] * count)
    assert len(rest.calls) == 1
