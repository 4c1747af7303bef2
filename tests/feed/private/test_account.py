"""The account's connection against the local exchange: complete or said not to be, and each fault cured by itself."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from kraken_tui.feed.connection.table import State
from kraken_tui.feed.private.account import AccountSession
from kraken_tui.feed.private.link import PrivateLink
from kraken_tui.market.events import Side
from kraken_tui.market.orders.account import Account
from kraken_tui.market.orders.values import Ask, AskKind, FillSeen, NewOrder, OrderChanged, Stage
from kraken_tui.wire.private_requests import OrderToWrite, add_order
from tests.rig.private_bench import SPECS, PrivateBench


def trade(bench: PrivateBench, session: AccountSession, name: str, *, market: bool = False) -> None:
    """Place an order over the session's own connection, as whoever trades does."""
    link: PrivateLink = session
    token = link.token
    assert token is not None
    kind = "market" if market else "limit"
    price = None if market else Decimal(5000)
    new = NewOrder(name, "BTC/USD", Side.BUY, kind, Decimal("0.001"), price)
    req_id = link.next_req_id()
    link.take(link.account.sent_add(req_id, new, link.now_ns))
    wire = OrderToWrite(
        side="buy", order_type=kind, lots=100_000, limit_ticks=None if market else 50_000, cl_ord_id=name
    )
    assert link.send(add_order(wire, SPECS["BTC/USD"], token, req_id=req_id))


def placed(bench: PrivateBench, **fields: Any) -> str:
    """Place an order from elsewhere."""
    trader = bench.trader
    peer = trader.connect("auth")
    order = {"order_type": "limit", "limit_price": 5000.0, **fields}
    if order["order_type"] == "market":
        del order["limit_price"]
    answers = trader.ask(peer, "add_order", trader.token(), symbol="BTC/USD", side="buy", order_qty=0.001, **order)
    return str(next(answer["result"]["order_id"] for answer in answers if answer.get("method") == "add_order"))


def cancelled(bench: PrivateBench, order_id: str) -> None:
    """Cancel an order from elsewhere."""
    trader = bench.trader
    trader.ask(trader.connect("auth"), "cancel_order", trader.token(), order_id=[order_id])


def resubscribed(bench: PrivateBench, channel: str) -> int:
    return sum(
        request["method"] == "subscribe" and request["params"]["channel"] == channel
        for request in map(json.loads, bench.sent["account"])
        if "params" in request
    )


def test_mistake_30_nothing_is_ready_before_the_snapshots() -> None:
    bench = PrivateBench()
    session = bench.account()
    assert not session.ready
    assert session.token is None
    assert session.account.reason
    bench.run(3)
    assert session.state is State.SUBSCRIBED
    assert session.ready
    assert session.account.verified
    assert session.account.balances.verified
    assert session.account.max_rate
    assert session.account.balances.all


def test_a_request_is_handed_over_only_while_the_connection_stands() -> None:
    bench = PrivateBench()
    session = bench.account()
    assert not session.send("{}")
    bench.run(3)
    trade(bench, session, "one")
    bench.run(1)
    order = session.account.orders.by_client("one")
    assert order is not None
    assert order.stage is Stage.OPEN
    assert order.symbol == "BTC/USD"
    bench.venue.faults.private.close("auth")
    bench.run(0.3)
    assert not session.send("{}")
    assert not session.ready


@pytest.mark.parametrize("channel", ["executions", "balances"])
def test_mistake_14_a_hole_in_the_numbers_is_told_and_cured(channel: str) -> None:
    bench = PrivateBench()
    session = bench.account()
    bench.run(3)
    bench.venue.faults.private.drop(channel)
    trade(bench, session, "lost", market=True)
    bench.run(0.3)
    trade(bench, session, "next", market=True)
    bench.run(0.2)
    account = session.account
    stream = account if channel == "executions" else account.balances
    assert not stream.verified
    assert "gap" in stream.reason
    assert session.state is State.RESYNCING
    bench.run(4)
    assert stream.verified
    assert session.state is State.SUBSCRIBED
    assert resubscribed(bench, channel) == 2
    fills = [event.fill for event in bench.of(session, FillSeen)]
    assert len(fills) == len({fill.exec_id for fill in fills})
    assert sum(fill.qty for fill in fills) == Decimal("0.002")


@pytest.mark.parametrize("fault", ["duplicate", "swap"])
@pytest.mark.parametrize("channel", ["executions", "balances"])
def test_doubled_and_swapped_frames_double_nothing(channel: str, fault: str) -> None:
    bench = PrivateBench()
    session = bench.account()
    bench.run(3)
    getattr(bench.venue.faults.private, fault)(channel, 2)
    for number in range(3):
        trade(bench, session, f"m{number}", market=True)
        bench.run(1)
    bench.run(10)
    account = session.account
    assert account.verified
    assert account.balances.verified
    assert account.fills.position("BTC/USD").bought == Decimal("0.003")


def test_mistake_13_fills_of_a_snapshot_are_no_news_after_a_reconnect() -> None:
    bench = PrivateBench()
    session = bench.account()
    bench.run(3)
    trade(bench, session, "one", market=True)
    bench.run(2)
    before = len(bench.of(session, FillSeen))
    bench.venue.faults.private.close("auth", 1006)
    bench.run(8)
    assert session.account.verified
    assert session.reconnects == 1
    assert before
    assert len(bench.of(session, FillSeen)) == before


@pytest.mark.parametrize("channel", ["executions", "balances"])
def test_mistake_29_silence_after_the_acknowledgement_is_asked_about(channel: str) -> None:
    bench = PrivateBench()
    bench.venue.faults.private.withhold_snapshots(channel)
    session = bench.account()
    bench.run(4)
    stream = session.account if channel == "executions" else session.account.balances
    assert not stream.verified
    assert session.state is not State.SUBSCRIBED
    bench.run(10)
    assert stream.verified
    assert session.state is State.SUBSCRIBED
    assert resubscribed(bench, channel) == 2


def test_mistake_12_a_late_answer_still_counts_and_a_lost_one_is_looked_up() -> None:
    bench = PrivateBench()
    session = bench.account()
    bench.run(3)
    bench.venue.faults.private.lose_answers("add_order")
    bench.venue.faults.private.executions_late_s = 8.0
    trade(bench, session, "lost")
    bench.run(7)
    order = session.account.orders.by_client("lost")
    assert order is not None
    assert order.stage is Stage.UNKNOWN
    asks = [event for event in bench.of(session, Ask) if event.kind is AskKind.FIND_ORDER]
    assert asks
    assert asks[0].cl_ord_id == "lost"
    assert sum("add_order" in text for text in bench.sent["account"]) == 1, "never sent again"
    bench.run(10)
    order = session.account.orders.by_client("lost")
    assert order is not None
    assert order.stage is Stage.OPEN


def test_mistake_23_an_order_that_went_while_nobody_looked_is_asked_for() -> None:
    bench = PrivateBench()
    session = bench.account()
    bench.run(3)
    order_id = placed(bench)
    bench.run(1)
    assert session.account.orders.by_id(order_id) is not None
    bench.venue.faults.private.close("auth", 1006)
    bench.venue.faults.private.refuse_connections("auth", 503, 2)
    bench.run(0.3)
    cancelled(bench, order_id)
    bench.run(20)
    order = session.account.orders.by_id(order_id)
    assert order is not None
    assert order.stage is not Stage.CANCELED
    assert any(ask.order_id == order_id for ask in bench.of(session, Ask))


def test_mistake_11_events_of_an_order_from_elsewhere_are_described_first() -> None:
    bench = PrivateBench()
    session = bench.account()
    bench.run(3)
    order_id = placed(bench, order_type="market")
    bench.run(2)
    order = session.account.orders.by_id(order_id)
    assert order is not None
    assert order.symbol == "BTC/USD"
    assert order.stage is Stage.FILLED
    assert order.foreign
    assert all(change.order.symbol for change in bench.of(session, OrderChanged))


def test_a_key_without_the_right_to_balances_still_sees_orders() -> None:
    bench = PrivateBench(key="level3")
    key = bench.venue.private.keys[bench.trader.key]
    bench.venue.private.keys[key.key] = type(key)(
        key.name, key.key, key.secret, ("create-ws-token", "query-open-trades")
    )
    session = bench.account()
    bench.run(5)
    assert session.account.verified
    assert not session.stopped
    assert session.state is State.DEGRADED
    assert "Permission denied" in session.cause
    assert resubscribed(bench, "balances") == 1


def test_a_key_that_may_see_nothing_stops_the_connection() -> None:
    bench = PrivateBench(key="level3")
    session = bench.account()
    bench.run(60)
    assert session.stopped
    assert "Permission denied" in session.stopped
    assert len(bench.dials["account"]) == 1


def test_a_token_refused_in_the_middle_is_replaced_and_the_request_not_repeated() -> None:
    bench = PrivateBench()
    session = bench.account()
    bench.run(3)
    bench.venue.faults.private.refuse_tokens(1)
    trade(bench, session, "one")
    bench.run(3)
    order = session.account.orders.by_client("one")
    assert order is not None
    assert order.stage is Stage.REFUSED
    assert sum("add_order" in text for text in bench.sent["account"]) == 1
    assert bench.tokens == 2
    assert session.state is State.SUBSCRIBED
    trade(bench, session, "two")
    bench.run(1)
    order = session.account.orders.by_client("two")
    assert order is not None
    assert order.stage is Stage.OPEN


def test_both_connections_share_the_turn_for_tokens_and_fail_separately() -> None:
    from kraken_tui.feed.connection.auth import TokenTurn

    turn = TokenTurn()
    bench = PrivateBench()
    account, level3 = bench.account(turn=turn), bench.level3("BTC/USD", turn=turn)
    bench.token_delay_s = 0.5
    bench.run(6)
    assert account.state is level3.state is State.SUBSCRIBED
    assert bench.tokens == 2
    bench.venue.faults.private.muted.add("l3")
    bench.run(7)
    assert account.state is State.SUBSCRIBED
    assert account.reconnects == 0
    assert level3.reconnects >= 1


def test_a_clock_that_is_set_back_makes_no_limit_endless() -> None:
    bench = PrivateBench()
    session = bench.account(Account())
    bench.run(3)
    before = session.now_ns
    session.tick(bench.now + 10**9, bench.wall - 3600 * 10**9)
    assert session.now_ns == before + 10**9
