"""Mistakes that other programs made with orders (tests/private_mistakes.py), each by its number."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kraken_tui.market.events import Side
from kraken_tui.market.orders.values import AskKind, BalanceChanged, OrderReport, Stage, StreamChanged
from tests.market.orders.helpers import FULL, STAMP, Desk, changes, fill, fills, row


@pytest.mark.parametrize("how", ["silence", "unavailable", "disconnect"])
def test_mistake_01_no_answer_is_looked_up_and_never_sent_again(how: str) -> None:
    desk = Desk()
    desk.add()
    if how == "unavailable":
        desk.answer("add_order", 1, "EService:Unavailable")
    elif how == "disconnect":
        desk.keep(desk.account.on_disconnected(desk.now))
    desk.wait(6)
    assert desk.order("kt-1").stage is Stage.UNKNOWN
    assert desk.order("kt-1").open is None
    found = desk.asked_for(AskKind.FIND_ORDER)
    assert {ask.cl_ord_id for ask in found} == {"kt-1"}
    desk.wait(120)
    assert len(desk.asked_for(AskKind.FIND_ORDER)) > 5
    with pytest.raises(ValueError, match="used before"):
        desk.add(2)


def test_mistake_02_an_order_that_lives_though_its_call_failed_is_found() -> None:
    desk = Desk()
    desk.add()
    desk.answer("add_order", 1, "EGeneral:Internal error")
    desk.wait(10)
    desk.live()
    assert (desk.order().stage, desk.order().key, desk.order().foreign) == (Stage.OPEN, "kt-1", False)
    asked = len(desk.asked)
    desk.wait(60)
    assert len(desk.asked) == asked, "it is known, nobody need ask"


def test_mistake_03_an_id_is_used_once_even_after_its_order_ended() -> None:
    desk = Desk()
    desk.add()
    desk.live()
    desk.update(fill(qty=1, cum_qty=1), row("OA", "filled"))
    with pytest.raises(ValueError, match="used before"):
        desk.add(2)
    with pytest.raises(ValueError, match="request number"):
        desk.add(1, "kt-2")


def test_mistake_11_events_before_the_description_are_kept() -> None:
    desk = Desk()
    assert not fills(desk.update(row("OX", "new"), fill("OX", "TX", cum_qty=0.25)))
    assert not desk.order("OX").described
    assert [ask.order_id for ask in desk.asked_for(AskKind.QUERY_ORDER)] == ["OX"]
    report = OrderReport("OX", "open", symbol="BTC/USD", side=Side.SELL, order_qty=Decimal(1))
    assert fills(desk.account.on_report(report, desk.now)) == ["TX"]
    assert desk.account.fills.position("BTC/USD").qty == Decimal("-0.25")
    assert (desk.order("OX").symbol, desk.order("OX").cum_qty) == ("BTC/USD", Decimal("0.25"))
    assert desk.account.settled


def test_mistake_12_answers_go_by_number_and_late_ones_count() -> None:
    desk = Desk()
    desk.add(1, "kt-1")
    desk.add(2, "kt-2")
    desk.wait(6)
    desk.answer("add_order", 2, "EOrder:Insufficient funds")
    desk.answer("add_order", 1, order_id="OA")
    assert desk.order("kt-2").stage is Stage.REFUSED
    assert (desk.order("kt-1").stage, desk.order("kt-1").order_id) == (Stage.SENT, "OA")
    assert desk.account.counts["late answers"] == 2
    desk.answer("add_order", 77, order_id="OB")
    assert desk.account.counts["answers to nothing"] == 1
    desk.update(row("OA", "new"))
    assert (desk.order().cl_ord_id, desk.order().stage) == ("kt-1", Stage.OPEN)


def test_mistake_13_fills_of_a_snapshot_are_history() -> None:
    old = fill("OZ", "T0", symbol="BTC/USD", side="sell")
    desk = Desk(row("OA", "new", cum_qty=0.25, **FULL), old, fill("OA", "TA", symbol="BTC/USD", side="buy"))
    assert desk.order().cum_qty == Decimal("0.25"), "not on top of it"
    assert not desk.account.fills.positions
    assert [one.live for one in desk.account.fills.recent] == [False, False]
    later = "2026-01-05T11:05:00.000000Z"
    events = desk.update(fill("OA", "TB", cum_qty=0.5) | {"timestamp": later})
    assert fills(events) == ["TB"]
    again = fill("OA", "TB", symbol="BTC/USD", side="buy") | {"timestamp": later}
    assert not fills(desk.snapshot(row("OA", "new", cum_qty=0.5, **FULL), again, old))
    assert not fills(desk.update(fill("OA", "TB", cum_qty=0.5)))
    assert desk.account.fills.position("BTC/USD").qty == Decimal("0.25")
    assert desk.account.fills.fees == {"USD": Decimal("1.5")}


def test_mistake_14_a_hole_in_the_numbers_ends_the_trust() -> None:
    desk = Desk(row("OA", "new", **FULL))
    assert desk.account.verified
    assert desk.account.order_verified(desk.order())
    events = desk.update(row("OA", "amended", order_qty=2), skip=1)
    assert [event.reason for event in events if isinstance(event, StreamChanged)] == ["gap: expected 2, got 3"]
    assert not desk.account.order_verified(desk.order())
    assert [ask.channel for ask in desk.asked_for(AskKind.RESUBSCRIBE)] == ["executions"]
    assert desk.account.may_change(desk.order()) == "the order is not verified"
    desk.update(row("OA", "amended", order_qty=3), skip=1)
    assert len(desk.asked_for(AskKind.RESUBSCRIBE)) == 1, "asked once"
    desk.sequence -= 2
    before = desk.order()
    desk.update(row("OA", "canceled"))
    assert desk.order() == before, "a frame that comes again is dropped"
    desk.snapshot(row("OA", "new", **FULL))
    assert desk.account.order_verified(desk.order())


def test_mistake_15_missing_for_rest_means_nothing_for_a_minute() -> None:
    desk = Desk()
    desk.add()
    desk.wait(6)
    assert not desk.account.on_missing(desk.now, cl_ord_id="kt-1")
    assert desk.order("kt-1").stage is Stage.UNKNOWN
    desk.wait(61)
    (change,) = changes(desk.account.on_missing(desk.now, cl_ord_id="kt-1"))
    assert (change.order.stage, change.order.open) == (Stage.NOT_FOUND, None)
    desk.live()
    assert desk.order().stage is Stage.OPEN, "it came after all"


def test_mistake_17_a_validated_order_needs_no_id() -> None:
    desk = Desk()
    desk.add(validate=True)
    desk.answer("add_order", 1)
    assert (desk.order("kt-1").stage, desk.order("kt-1").open) == (Stage.VALIDATED, False)
    desk.wait(30)
    assert not desk.asked


def test_mistake_19_dust_is_filled() -> None:
    desk = Desk()
    desk.live()
    events = desk.update(row("OA", "canceled", cum_qty=0.99999999, reason="Insignificant volume remaining"))
    assert (desk.order().stage, desk.order().status) == (Stage.FILLED, "canceled")
    assert changes(events)[0].note == "nothing tradable was left"


def test_mistake_21_only_an_execution_ends_an_order() -> None:
    desk = Desk()
    desk.live()
    desk.account.sent_cancel(5, [desk.order()], desk.now)
    assert desk.order().cancel_sent
    desk.answer("cancel_order", 5, order_id="OA")
    assert (desk.order().stage, desk.order().cancel_sent) == (Stage.OPEN, True)
    assert desk.account.may_change(desk.order()) == "a change of it is on its way"
    desk.update(fill(qty=1, cum_qty=1), row("OA", "filled"))
    assert (desk.order().stage, desk.order().cancel_sent) == (Stage.FILLED, False), "it was filled first"
    desk.update(row("OA", "new"))
    assert desk.order().stage is Stage.FILLED, "what ended never opens again"


def test_mistake_22_what_was_filled_before_a_cancel_stays() -> None:
    desk = Desk()
    desk.live()
    desk.update(fill(qty=0.4, cum_qty=0.4))
    events = desk.update(row("OA", "canceled", cum_qty=0.4, reason="User requested"))
    order = desk.order()
    assert (order.stage, order.cum_qty, order.remaining, order.part_filled) == (
        Stage.CANCELED,
        Decimal("0.4"),
        None,
        True,
    )
    assert changes(events)[0].note == "part of it was filled"
    assert desk.account.fills.position("BTC/USD").qty == Decimal("0.4")


def test_mistake_23_absent_is_unknown_and_asked_for() -> None:
    desk = Desk(row("OA", "new", **FULL), row("OB", "new", **FULL))
    desk.update(row("OB", "status"), skip=1)
    desk.snapshot(row("OB", "new", **FULL))
    assert (desk.order().stage, desk.order().open) == (Stage.UNKNOWN, None)
    assert [ask.order_id for ask in desk.asked_for(AskKind.QUERY_ORDER)] == ["OA"]
    desk.account.on_report(OrderReport("OA", "open"), desk.now)
    assert desk.order().stage is Stage.UNKNOWN, "REST lags"
    desk.account.on_report(OrderReport("OA", "closed", cum_qty=Decimal(1)), desk.now)
    desk.wait(3)
    assert (desk.order().stage, desk.order().cum_qty, desk.account.settled) == (Stage.FILLED, Decimal(1), True)


def test_mistake_24_unknown_order_is_looked_up() -> None:
    desk = Desk()
    desk.live()
    desk.account.sent_cancel(5, [desk.order()], desk.now)
    events = desk.answer("cancel_order", 5, "EOrder:Unknown order")
    assert (desk.order().stage, desk.order().open) == (Stage.UNKNOWN, None)
    assert "filled" in changes(events)[0].note
    assert [ask.order_id for ask in desk.asked_for(AskKind.QUERY_ORDER)] == ["OA"]
    desk.update(fill(qty=1, cum_qty=1), row("OA", "filled"))
    assert desk.order().stage is Stage.FILLED


def test_mistake_26_userref_and_client_id_are_two_fields() -> None:
    desk = Desk(row("OA", "new", order_userref=7, cl_ord_id="kt-9", **FULL), row("OB", "new", order_userref=0, **FULL))
    assert (desk.order().userref, desk.order().cl_ord_id, desk.order().foreign) == (7, "kt-9", False)
    assert (desk.order("OB").userref, desk.order("OB").cl_ord_id, desk.order("OB").foreign) == (None, None, True)


def test_mistake_27_a_total_is_never_free() -> None:
    desk = Desk()
    events = desk.balances("snapshot", [{"asset": "USD", "balance": 100.5, "wallets": []}])
    (changed,) = (event.balance for event in events if isinstance(event, BalanceChanged))
    assert (changed.total, changed.free) == (Decimal("100.5"), None)
    desk.account.on_free({"USD": Decimal(40)}, 5)
    held = desk.account.balances.of("USD")
    assert held is not None
    assert (held.total, held.free, held.free_ns) == (Decimal("100.5"), Decimal(40), 5)
    entry = {"asset": "USD", "balance": 90, "amount": -10, "fee": 0.5, "ledger_id": "L1", "type": "withdrawal"}
    desk.balances("update", [entry], 2)
    desk.balances("update", [entry], 3)
    held = desk.account.balances.of("USD")
    assert held is not None
    assert (held.total, held.free) == (Decimal(90), None), "what was free then is not known now"
    assert desk.account.balances.duplicates == 1


def test_mistake_28_fees_are_summed_by_their_own_asset() -> None:
    desk = Desk()
    desk.live()
    desk.update(fill(exec_id="T1", qty=0.1, cum_qty=0.1) | {"fees": [{"asset": "BTC", "qty": 0.001}]})
    desk.update(fill(exec_id="T2", qty=0.1, cum_qty=0.2))
    assert desk.account.fills.session_fees == {"BTC": Decimal("0.001"), "USD": Decimal("0.5")}
    assert desk.account.fills.position("BTC/USD").fees == (("BTC", Decimal("0.001")), ("USD", Decimal("0.5")))


@pytest.mark.parametrize("channel", ["executions", "balances"])
def test_mistake_29_a_snapshot_that_does_not_come_is_asked_for(channel: str) -> None:
    desk = Desk(start=False)
    desk.account.on_subscribed(channel, {}, desk.now)
    desk.wait(4)
    assert not desk.asked
    desk.wait(2)
    assert [ask.channel for ask in desk.asked] == [channel]


def test_mistake_30_nothing_is_known_before_the_snapshots() -> None:
    desk = Desk(start=False)
    assert not desk.account.verified
    assert not desk.account.balances.verified
    assert not desk.account.settled
    assert desk.account.balances.of("USD") is None
    desk.snapshot()
    assert not desk.account.verified, "a second frame may bring the orders"
    desk.wait(3)
    assert desk.account.verified, "no orders are open"


def test_mistake_31_a_post_only_order_that_would_have_taken_says_so() -> None:
    desk = Desk()
    desk.add(post_only=True)
    first = row("OA", "pending_new", cl_ord_id="kt-1", post_only=True, **FULL)
    events = desk.update(first, row("OA", "canceled", reason="Post only order"))
    assert desk.order().stage is Stage.CANCELED
    assert changes(events)[-1].note == "it would have taken"


def test_mistake_32_an_amend_is_no_fill() -> None:
    desk = Desk()
    desk.live()
    desk.account.sent_amend(5, desk.order(), desk.now)
    desk.answer("amend_order", 5, amend_id="A1", order_id="OA")
    assert (desk.order().order_qty, desk.order().remaining) == (Decimal(1), Decimal(1)), (
        "the frame counts, not the wish"
    )
    events = desk.update(row("OA", "amended", order_qty=0.4, limit_price=49000))
    assert not fills(events)
    assert (desk.order().remaining, desk.order().cum_qty, desk.order().limit_price) == (
        Decimal("0.4"),
        Decimal(0),
        Decimal(49000),
    )
    assert STAMP
