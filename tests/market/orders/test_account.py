"""Orders in all their kinds: stops, icebergs, children, foreign ones; requests, positions, odd frames."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kraken_tui.market.events import Side
from kraken_tui.market.orders.fills import after
from kraken_tui.market.orders.table import OrderTable
from kraken_tui.market.orders.values import Ask, AskKind, Fill, Order, OrderReport, Position, Stage, StreamChanged
from tests.market.orders.helpers import FULL, Desk, S, changes, fill, fills, row

STOP = {"reference": "last", "price": 49000, "price_type": "static"}


def test_a_stop_waits_outside_the_book_until_it_triggers() -> None:
    described = FULL | {"order_type": "stop-loss-limit"}
    desk = Desk(row("OA", "new", **described, triggers=STOP | {"status": "untriggered"}))
    order = desk.order()
    assert (order.untriggered, order.in_book, order.trigger_price, order.open) == (True, False, Decimal(49000), True)
    (change,) = changes(desk.update(row("OA", "status", triggers=STOP | {"status": "triggered"})))
    assert (change.order.untriggered, change.order.in_book, change.order.triggered) == (False, True, True)
    desk.update(row("OA", "status", triggers=STOP | {"actual_price": 49100}))
    assert desk.order().trigger_price == Decimal(49100), "a trailing stop moves"


def test_a_plain_order_with_a_stop_price_of_zero_is_no_stop() -> None:
    desk = Desk(row("OA", "new", stop_price=0.0, **FULL))
    assert (desk.order().triggered, desk.order().in_book) == (None, True)


def test_an_iceberg_shows_its_slice() -> None:
    desk = Desk()
    desk.live(order_qty=10, display_qty=2, order_type="iceberg")
    assert (desk.order().shown, desk.order().remaining) == (Decimal(2), Decimal(10))
    desk.update(fill(qty=1.5, cum_qty=1.5))
    assert (desk.order().shown, desk.order().remaining) == (Decimal("0.5"), Decimal("8.5"))
    desk.update(fill(exec_id="TB", qty=0.5, cum_qty=2), row("OA", "iceberg_refill", display_qty_remain=2))
    assert desk.order().shown == Decimal(2)


def test_children_of_a_conditional_close_are_not_foreign() -> None:
    desk = Desk()
    desk.add()
    desk.live(contingent={"order_type": "stop-loss", "trigger_price": 49000})
    assert desk.order().closes == "stop-loss"
    assert "conditional close" in desk.account.may_change(desk.order())
    desk.update(row("OB", "pending_new", ord_ref_id="OA", **(FULL | {"side": "sell"})))
    assert [child.order_id for child in desk.account.children("OA")] == ["OB"]
    assert not desk.order("OB").foreign
    desk.update(row("OC", "pending_new", cl_ord_id="someone", **FULL))
    assert desk.order("OC").foreign


def test_the_answer_and_the_events_may_come_in_either_order() -> None:
    for first in ("answer", "events", "id only"):
        desk = Desk()
        desk.add()
        if first == "events":
            desk.live()
        elif first == "id only":
            desk.update(row("OA", "new"), fill("OA", "T1", cum_qty=0.25))
        desk.answer("add_order", 1, order_id="OA", cl_ord_id="kt-1")
        if first == "answer":
            desk.live()
        order = desk.order()
        assert (order.key, order.stage, order.foreign, order.symbol) == ("kt-1", Stage.OPEN, False, "BTC/USD"), first
        assert len(desk.account.orders) == 1
        assert len(desk.account.fills.recent) == (first == "id only"), "a fill that waited for its pair"
        desk.wait(30)
        assert desk.account.settled


def test_accepted_without_an_event_is_looked_up() -> None:
    desk = Desk()
    desk.add()
    desk.answer("add_order", 1, order_id="OA")
    desk.wait(6)
    assert desk.order().stage is Stage.UNKNOWN
    assert [ask.order_id for ask in desk.asked_for(AskKind.QUERY_ORDER)] == ["OA"]


def test_one_change_at_a_time_and_a_cancel_at_any_time() -> None:
    desk = Desk()
    desk.live()
    assert not desk.account.may_change(desk.order())
    desk.account.sent_amend(5, desk.order(), desk.now)
    with pytest.raises(ValueError, match="on its way"):
        desk.account.sent_amend(6, desk.order(), desk.now)
    desk.account.sent_cancel(7, [desk.order()], desk.now)
    assert desk.order().cancel_sent
    events = desk.answer("amend_order", 5, "EOrder:Tick size check failed")
    assert (changes(events)[0].what, desk.order().amend_sent) == ("amend refused", False)
    assert desk.order().stage is Stage.OPEN


def test_an_amend_without_an_answer_is_looked_up_until_somebody_knows() -> None:
    desk = Desk()
    desk.live()
    desk.account.sent_amend(5, desk.order(), desk.now)
    desk.wait(6)
    assert not desk.account.order_verified(desk.order())
    desk.update(fill(qty=0.1, cum_qty=0.1))
    assert not desk.account.order_verified(desk.order()), "a fill says nothing of the amend"
    desk.update(row("OA", "amended", order_qty=2))
    assert desk.account.order_verified(desk.order())
    assert not desk.order().amend_sent


def test_a_cancel_that_had_no_effect_is_said_after_a_minute() -> None:
    desk = Desk()
    desk.live()
    desk.account.sent_cancel(5, [desk.order()], desk.now)
    desk.wait(10)
    desk.account.on_report(OrderReport("OA", "open"), desk.now)
    assert desk.order().cancel_sent, "REST lags"
    desk.wait(60)
    desk.account.on_report(OrderReport("OA", "open"), desk.now)
    assert (desk.order().cancel_sent, desk.order().stage, desk.account.settled) == (False, Stage.OPEN, True)


def test_cancel_all_marks_every_order_foreign_ones_too() -> None:
    desk = Desk(row("OA", "new", **FULL), row("OB", "new", **FULL))
    desk.account.sent_cancel_all(5, desk.now)
    assert [order.cancel_sent for order in desk.account.open_orders()] == [True, True]
    desk.answer("cancel_all", 5, "EGeneral:Permission denied")
    assert [order.cancel_sent for order in desk.account.open_orders()] == [False, False]


def test_a_refusal_that_names_no_order_of_several_is_looked_up_for_all() -> None:
    desk = Desk(row("OA", "new", **FULL), row("OB", "new", **FULL))
    desk.account.sent_cancel(5, desk.account.open_orders(), desk.now)
    desk.answer("cancel_order", 5, "EOrder:Unknown order")
    assert {ask.order_id for ask in desk.asked_for(AskKind.QUERY_ORDER)} == {"OA", "OB"}


def test_unreadable_rows_cost_trust_and_nothing_else() -> None:
    desk = Desk(row("OA", "new", **FULL))
    events = desk.update(row("OA", "amended", order_qty="x"), {"order_id": 7}, row("OB", "pending_new", **FULL))
    assert [event.reason for event in events if isinstance(event, StreamChanged)] == ["a row that cannot be read"]
    assert desk.order("OB").stage is Stage.PENDING
    assert desk.account.counts["unreadable rows"] == 2
    desk = Desk()
    events = desk.snapshot({"order_id": 7})
    assert not desk.account.verified
    assert not [event for event in events if isinstance(event, Ask)], "it would not be better a second time"


def test_unknown_words_are_shown_and_counted() -> None:
    desk = Desk(row("OA", "new", **FULL))
    desk.update({"order_id": "OA", "exec_type": "levitated", "order_status": "floating"})
    assert (desk.order().status, desk.order().stage) == ("floating", Stage.OPEN)
    assert desk.account.counts["exec_type levitated"] == desk.account.counts["order_status floating"] == 1


def test_fills_that_a_full_snapshot_may_hide_are_read_from_the_history() -> None:
    desk = Desk()
    desk.live(order_qty=1000)
    stamp = "2026-01-05T11:05:{:02}.000000Z".format
    desk.update(fill(exec_id="T0", qty=1, cum_qty=1) | {"timestamp": stamp(0)})
    many = [
        fill("OA", f"T{number}", 1, symbol="BTC/USD", side="buy") | {"timestamp": stamp(number)}
        for number in range(9, 59)
    ]
    desk.update(row("OA", "status"), skip=60)
    desk.snapshot(row("OA", "new", cum_qty=60, **FULL), *many)
    assert desk.account.verified
    assert not desk.account.settled
    desk.wait(3)
    since = desk.asked_for(AskKind.TRADES_HISTORY)[0].since_ns
    assert since is not None
    missing = Fill("T5", "OA", "BTC/USD", Side.BUY, Decimal(1), Decimal(50000), Decimal(50000), since + S)
    desk.wait(70)
    assert fills(desk.account.on_fills([missing, missing], desk.now)) == ["T5"]
    assert desk.account.settled
    assert desk.account.fills.position("BTC/USD").qty == Decimal(52)


def deal(side: Side, qty: str, price: str) -> Fill:
    cost = Decimal(qty) * Decimal(price)
    return Fill("T", "O", "BTC/USD", side, Decimal(qty), Decimal(price), cost, 1, session=True)


def test_a_position_is_the_net_of_fills() -> None:
    position = Position("BTC/USD")
    expected = [
        (deal(Side.BUY, "2", "100"), "2", "100", "0"),
        (deal(Side.BUY, "2", "110"), "4", "105", "0"),
        (deal(Side.SELL, "1", "120"), "3", "105", "15"),
        (deal(Side.SELL, "5", "100"), "-2", "100", "0"),
        (deal(Side.SELL, "2", "90"), "-4", "95", "0"),
        (deal(Side.BUY, "4", "90"), "0", None, "20"),
    ]
    for trade, qty, price, realised in expected:
        position = after(position, trade)
        assert (position.qty, position.realised) == (Decimal(qty), Decimal(realised))
        assert position.avg_price == (None if price is None else Decimal(price))
    assert (position.bought, position.sold) == (Decimal(8), Decimal(8))


def test_orders_that_ended_long_ago_are_dropped_and_do_not_come_back() -> None:
    table = OrderTable(kept_done=2)
    for number in range(4):
        table.put(Order(f"O{number}", Stage.FILLED, f"O{number}", f"kt-{number}"))
    assert [order.key for order in table] == ["O2", "O3"]
    assert table.dropped("O0")
    assert table.used("kt-0")
    assert table.by_id("O0") is None


def test_balances_survive_halves_gaps_and_a_lost_connection() -> None:
    desk = Desk()
    desk.balances(
        "snapshot", [{"asset": "BTC", "balance": 1.5, "wallets": [{"type": "spot", "id": "main", "balance": 1.5}]}]
    )
    entry = {"asset": "BTC", "balance": 1.25, "type": "trade", "ref_id": "R1", "ledger_id": "L1", "wallet_id": "main"}
    desk.balances("update", [entry], 2)
    assert not desk.account.balances.settled
    held = desk.account.balances.of("BTC")
    assert held is not None
    assert [wallet.balance for wallet in held.wallets] == [Decimal("1.25")]
    desk.balances("update", [{"asset": "USD", "balance": "x"}], 3)
    assert not desk.account.balances.verified
    desk.balances("snapshot", [{"asset": "BTC", "balance": 1.25}])
    assert desk.account.balances.verified
    assert desk.account.balances.settled
    desk.account.on_disconnected(desk.now)
    assert not desk.account.balances.verified
    assert desk.account.reason == desk.account.balances.reason == "the connection is gone"
