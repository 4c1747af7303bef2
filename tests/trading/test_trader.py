"""From a wish to its outcome; mistakes of other programs by their number (PRIVATE.md section 7)."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from kraken_tui.market.events import Side
from kraken_tui.market.orders.values import Order, Stage
from kraken_tui.trading.arming import Arming
from kraken_tui.trading.audit import Audit
from kraken_tui.trading.ids import PREFIX, ClientIds
from kraken_tui.trading.limits import TradingLimits
from kraken_tui.trading.outcomes import Accepted, NotSent, OrderRefused, Outcome, OutcomeUnknown
from kraken_tui.trading.rates import RateEstimate, cost
from kraken_tui.trading.switch import EVERY_S, TIMEOUT_S, DeadManSwitch
from kraken_tui.trading.tickets import Kind
from kraken_tui.wire.private_requests import check_cl_ord_id

from .helpers import BUY, FACTS, START, SYMBOL, Rig, S, ticket


def order_of(rig: Rig, key: str) -> Order:
    order = rig.link.account.orders.get(key)
    assert order is not None
    return order


# -- arming --------------------------------------------------------------------------------------------------------


def test_it_starts_disarmed_and_only_the_key_arms() -> None:
    rig = Rig(armed=False)
    pending = rig.trader.place(BUY, FACTS, rig.now)
    assert pending.outcome == NotSent("place", ("not armed (not armed yet)",))
    rig.wait(5)
    assert not rig.trader.arming.armed
    assert rig.link.texts == []


def test_a_key_without_the_right_never_arms() -> None:
    arming = Arming(forbidden="the key may not place orders")
    assert arming.arm(SYMBOL, 0) == "the key may not place orders"
    assert not arming.armed


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (replace(FACTS, proven=False, reason="wrong checksum"), "the book is not verified (wrong checksum)"),
        (replace(FACTS, symbol="ETH/USD"), "another pair is shown"),
        (None, "another pair is shown"),
    ],
)
def test_it_disarms_and_never_arms_itself_again(facts: Any, reason: str) -> None:
    rig = Rig()
    rig.wait(1, facts)
    assert rig.trader.arming.reason == reason
    rig.wait(5)
    assert not rig.trader.arming.armed


def test_it_disarms_after_a_time_without_a_trading_key() -> None:
    rig = Rig(TradingLimits(idle_ns=10 * S))
    rig.wait(9)
    assert rig.trader.arming.armed
    rig.wait(1)
    assert rig.trader.arming.reason == "no trading key was pressed for 10 s"


def test_a_gap_of_the_executions_disarms() -> None:
    rig = Rig()
    rig.link.sequence += 3
    rig.frame("update")
    rig.wait(1)
    assert not rig.trader.arming.armed
    assert "not verified" in rig.trader.arming.reason


def test_a_lost_connection_disarms() -> None:
    rig = Rig()
    rig.link.connected = False
    rig.wait(1)
    assert rig.trader.arming.reason == "the connection to the account was lost"
    rig.link.connected = True
    rig.wait(3)
    assert not rig.trader.arming.armed


def test_it_is_armed_for_one_pair() -> None:
    rig = Rig()
    rig.trader.arming.symbol = "ETH/USD"
    outcome = rig.trader.place(BUY, FACTS, rig.now).outcome
    assert outcome == NotSent("place", ("armed for ETH/USD, not for BTC/USD",))


# -- requests ------------------------------------------------------------------------------------------------------


def test_what_was_seen_is_what_is_sent() -> None:
    rig = Rig()
    rig.trader.place(BUY, FACTS, rig.now)
    (request,) = rig.link.sent
    assert '"order_qty":0.01000000' in rig.link.texts[0]
    assert '"limit_price":49999.0' in rig.link.texts[0]
    assert request["params"]["post_only"] is True
    assert request["params"]["deadline"] == "2026-09-21T14:13:22.000Z"


def test_a_market_order_has_a_bound_and_a_stop_a_trigger() -> None:
    rig = Rig()
    rig.trader.place(ticket(kind=Kind.MARKET, ticks=502_500), FACTS, rig.now)
    rig.trader.place(ticket(kind=Kind.STOP, ticks=501_000), FACTS, rig.now)
    market, stop = (each["params"] for each in rig.link.sent)
    assert (market["order_type"], market["time_in_force"], market["limit_price"]) == ("limit", "ioc", 50250.0)
    assert "post_only" not in market
    assert stop["order_type"] == "stop-loss"
    assert stop["triggers"]["price"] == 50100.0
    assert "limit_price" not in stop


@pytest.mark.parametrize("clock_ns", [None, 301_000_000, -301_000_000])
def test_a_wrong_clock_leaves_the_deadline_out(clock_ns: int | None) -> None:
    rig = Rig()
    rig.trader.place(BUY, replace(FACTS, clock_ns=clock_ns), rig.now)
    assert "deadline" not in rig.link.sent[0]["params"]


def test_accepted_and_refused() -> None:
    rig = Rig()
    told: list[Outcome] = []
    rig.trader.place(BUY, FACTS, rig.now, told=told.append)
    rig.answer("add_order", 1, "EOrder:Insufficient funds")
    assert told == [OrderRefused("place", "EOrder:Insufficient funds", "the free balance does not cover it")]
    key = rig.open_order(ticket(ticks=499_980))
    assert order_of(rig, key).stage is Stage.OPEN


def test_mistake_01_a_lost_answer_is_an_unknown_outcome_and_nothing_is_sent_again() -> None:
    rig = Rig()
    told: list[Outcome] = []
    pending = rig.trader.place(BUY, FACTS, rig.now, told=told.append)
    rig.wait(120)
    assert len(rig.link.texts) == 1
    assert isinstance(told[0], OutcomeUnknown)
    assert told[0].key == pending.key


def test_mistake_02_an_order_that_lives_though_its_call_failed_is_told_as_accepted() -> None:
    rig = Rig()
    told: list[Outcome] = []
    pending = rig.trader.place(BUY, FACTS, rig.now, told=told.append)
    rig.answer("add_order", 1, "EService:Unavailable")
    assert isinstance(told[-1], OutcomeUnknown)
    described: dict[str, Any] = {
        "cl_ord_id": pending.key,
        "symbol": SYMBOL,
        "side": "buy",
        "order_type": "limit",
    }
    rig.frame("update", rig.row("pending_new", **described, order_qty=0.01, limit_price=49999.0), rig.row("new"))
    assert isinstance(told[-1], Accepted)
    assert len(rig.link.texts) == 1


def test_an_unknown_outcome_blocks_the_next_order_until_it_is_found() -> None:
    rig = Rig()
    rig.trader.place(BUY, FACTS, rig.now)
    rig.answer("add_order", 1, "EService:Unavailable")
    outcome = rig.trader.place(ticket(ticks=499_000), FACTS, rig.now).outcome
    assert outcome is not None
    assert "unknown outcome" in outcome.sentence


def test_mistake_03_every_order_has_a_name_of_its_own() -> None:
    rig = Rig()
    for number in range(5):
        rig.trader.place(ticket(ticks=499_000 - number), FACTS, rig.now)
    names = [each["params"]["cl_ord_id"] for each in rig.link.sent]
    assert len(set(names)) == 5
    assert ClientIds(START, 1).make() != ClientIds(START, 2).make() != ClientIds(START + S, 2).make()


def test_mistake_16_a_check_says_so_and_an_order_does_not_mention_it() -> None:
    rig = Rig()
    rig.trader.place(BUY, FACTS, rig.now, validate=True)
    rig.trader.place(ticket(ticks=499_980), FACTS, rig.now)
    check, order = rig.link.sent
    assert check["params"]["validate"] is True
    assert "validate" not in order["params"]
    assert rig.trader.view(SYMBOL, rig.now).mode == "LIVE"
    rig.trader.set_test(True)
    assert rig.trader.view(SYMBOL, rig.now).mode == "TEST"
    rig.trader.place(ticket(ticks=499_970), FACTS, rig.now)
    assert rig.link.sent[-1]["params"]["validate"] is True
    rig.trader.set_test(False)
    assert not rig.trader.arming.armed


def test_mistake_17_a_check_is_answered_without_an_id() -> None:
    rig = Rig(armed=False)
    told: list[Outcome] = []
    rig.trader.place(BUY, FACTS, rig.now, validate=True, told=told.append)
    rig.answer("add_order", 1)
    assert isinstance(told[0], Accepted)
    assert told[0].sentence == "TEST: the exchange would accept this order; nothing was placed."
    assert rig.link.account.open_orders() == ()


@pytest.mark.parametrize("error", ["", "EService:Unavailable"])
def test_a_check_without_an_answer_leaves_no_order_behind(error: str) -> None:
    rig = Rig()
    told: list[Outcome] = []
    rig.trader.place(BUY, FACTS, rig.now, validate=True, told=told.append)
    if error:
        rig.answer("add_order", 1, error)
    rig.wait(20)
    assert len(told) == 1
    assert rig.link.account.open_orders() == ()
    assert rig.trader.place(ticket(ticks=499_000), FACTS, rig.now).outcome is None


def test_mistake_18_numbers_are_written_in_full() -> None:
    small = replace(FACTS.spec, price_precision=8, qty_precision=8, cost_min="0.01")  # type: ignore[type-var]
    facts = replace(FACTS, spec=small, bid=95, ask=105)
    rig = Rig()
    rig.trader.place(ticket(lots=10_000_000_000_000, ticks=96), facts, rig.now)
    assert '"limit_price":0.00000096' in rig.link.texts[0]
    assert '"order_qty":100000.00000000' in rig.link.texts[0]
    assert "e-" not in rig.link.texts[0].lower().split('"token"', maxsplit=1)[0]


def test_mistake_19_an_order_that_ended_as_dust_is_not_moved_or_waited_for() -> None:
    rig = Rig()
    key = rig.open_order()
    fill: dict[str, Any] = {"exec_id": "TA", "last_qty": 0.00999999, "last_price": 49999.0, "cum_qty": 0.00999999}
    rig.frame("update", rig.row("trade", symbol=SYMBOL, side="buy", **fill))
    rig.frame("update", rig.row("canceled", reason="Insignificant volume remaining", cum_qty=0.00999999))
    assert order_of(rig, key).stage is Stage.FILLED
    assert isinstance(rig.trader.amend(key, FACTS, rig.now, ticks=499_980).outcome, NotSent)
    assert rig.trader.own_orders() == ()


def test_mistake_20_orders_stop_before_the_rate_counter_is_full() -> None:
    rig = Rig(TradingLimits(max_open=1_000))
    last: Outcome | None = None
    for number in range(60):
        last = rig.trader.place(ticket(ticks=499_000 - number), FACTS, rig.now).outcome
    assert len(rig.link.texts) == 48
    assert last is not None
    assert "the rate counter of BTC/USD is nearly full: wait" in last.sentence
    rig.wait(3)
    assert rig.trader.place(ticket(ticks=498_000), FACTS, rig.now).outcome is None


def test_mistake_21_only_the_end_of_an_order_makes_it_cancelled() -> None:
    rig = Rig()
    key = rig.open_order()
    told: list[Outcome] = []
    rig.trader.cancel([key], rig.now, told=told.append)
    rig.answer("cancel_order", rig.link.numbers, order_id="OA")
    assert told == []
    rig.frame("update", rig.row("canceled", reason="User requested"))
    assert isinstance(told[0], Accepted)


def test_an_order_that_was_filled_before_its_cancel_is_not_called_cancelled() -> None:
    rig = Rig()
    key = rig.open_order()
    told: list[Outcome] = []
    rig.trader.cancel([key], rig.now, told=told.append)
    rig.frame("update", rig.row("filled", cum_qty=0.01))
    assert told == [OrderRefused("cancel", "the order was filled first")]


def test_mistake_25_names_are_short_enough_and_ours() -> None:
    ids = ClientIds(START, 12_345)
    names = [ids.make() for _ in range(1_000)]
    assert len(set(names)) == 1_000
    for name in names:
        assert len(name) == 18
        assert name.startswith(PREFIX)
        assert check_cl_ord_id(name) == name


def test_mistake_31_a_post_only_order_that_would_take_is_told_of_first_and_its_end_is_no_error() -> None:
    rig = Rig()
    told: list[Outcome] = []
    pending = rig.trader.place(ticket(ticks=500_010), FACTS, rig.now, told=told.append)
    rig.answer("add_order", pending.req_id, order_id="OA", cl_ord_id=pending.key)
    described: dict[str, Any] = {
        "cl_ord_id": pending.key,
        "symbol": SYMBOL,
        "side": "buy",
        "order_type": "limit",
    }
    rig.frame(
        "update", rig.row("pending_new", **described, order_qty=0.01), rig.row("canceled", reason="Post only order")
    )
    assert order_of(rig, pending.key).reason == "Post only order"
    assert isinstance(told[0], Accepted)
    assert rig.trader.arming.armed


def test_one_change_of_an_order_at_a_time() -> None:
    rig = Rig()
    key = rig.open_order()
    assert rig.trader.amend(key, FACTS, rig.now, ticks=499_980).outcome is None
    second = rig.trader.amend(key, FACTS, rig.now, ticks=499_970).outcome
    assert second == NotSent("amend", ("a change of it is on its way",))
    assert rig.trader.cancel([key], rig.now)[0].outcome is None
    assert rig.trader.cancel([key], rig.now)[0].outcome == NotSent("cancel", ("a cancel is on its way",))


def test_a_move_keeps_the_quantity_and_counts_the_filled_part_in() -> None:
    rig = Rig()
    key = rig.open_order()
    fill: dict[str, Any] = {"exec_id": "TA", "last_qty": 0.004, "last_price": 49999.0, "cum_qty": 0.004}
    rig.frame("update", rig.row("trade", symbol=SYMBOL, side="buy", **fill))
    rig.trader.amend(key, FACTS, rig.now, ticks=499_980)
    params = rig.link.sent[-1]["params"]
    assert (params["order_id"], params["order_qty"], params["limit_price"]) == ("OA", 0.01, 49998.0)
    rig.answer("amend_order", rig.link.numbers, amend_id="TX", order_id="OA")
    rig.trader.amend(key, FACTS, rig.now, lots=100_000)
    assert rig.link.sent[-1]["params"]["order_qty"] == 0.005


def test_cancels_work_disarmed_and_with_everything_in_the_way() -> None:
    rig = Rig()
    key = rig.open_order()
    other = rig.open_order(ticket(side=Side.SELL, ticks=500_050), "OB")
    rig.trader.disarm("by hand")
    rig.link.sequence += 5
    rig.frame("update")
    assert not rig.link.account.verified
    assert rig.trader.cancel_side(SYMBOL, Side.SELL, rig.now)[0].key == other
    assert rig.trader.cancel([key], rig.now)[0].outcome is None
    assert [each["method"] for each in rig.link.sent[-2:]] == ["cancel_order"] * 2


def test_cancelling_all_is_one_request_and_spares_orders_of_other_programs() -> None:
    rig = Rig()
    rig.open_order()
    told: list[Outcome] = []
    rig.trader.cancel_own(rig.now, told=told.append)
    assert rig.link.sent[-1]["method"] == "cancel_all"
    rig.answer("cancel_all", rig.link.numbers, count=1)
    assert told[0].sentence == "The exchange cancelled 1 order."
    rig.frame("update", rig.row("canceled"))
    described: dict[str, Any] = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "order_qty": 1}
    rig.frame("update", rig.row("pending_new", "OF", **described), rig.row("new", "OF"))
    rig.open_order(ticket(ticks=499_900), "OC")
    rig.trader.cancel_own(rig.now)
    assert rig.link.sent[-1]["method"] == "cancel_order"
    assert rig.link.sent[-1]["params"]["order_id"] == ["OC"]


def test_a_request_that_could_not_leave_was_not_sent() -> None:
    rig = Rig()
    told: list[Outcome] = []
    rig.link.refuses = True
    rig.trader.place(BUY, FACTS, rig.now, told=told.append)
    assert told == [OrderRefused("place", "not sent: the connection was lost")]
    assert rig.link.account.open_orders() == ()


# -- the rate counter ----------------------------------------------------------------------------------------------


def test_the_worked_examples_of_the_rate_counter() -> None:
    assert cost("add") + cost("amend", 7) + cost("cancel", 36) == 8
    assert cost("add") + cost("cancel", 0) == 9
    assert cost("add") + 5 * cost("amend", 1) + cost("cancel", 1) == 29
    estimate = RateEstimate()
    for step in range(7):
        estimate.charge(SYMBOL, "add", 0, f"k{step}")
        estimate.charge(SYMBOL, "cancel", 0, f"k{step}")
    assert estimate.value(SYMBOL, 0) == 63 > estimate.threshold
    assert estimate.value(SYMBOL, 10 * S) == 53
    assert estimate.value("ETH/USD", 0) == 0


@pytest.mark.parametrize(("threshold", "decay"), [(60, 1.0), (125, 2.34), (180, 3.75), (77, 1.0)])
def test_the_decay_is_that_of_the_tier(threshold: int, decay: float) -> None:
    estimate = RateEstimate()
    estimate.learn(threshold)
    assert estimate.decay_per_s == decay
    assert estimate.stop_at == pytest.approx(0.8 * threshold)


def test_the_age_of_an_order_begins_again_with_each_amend() -> None:
    estimate = RateEstimate()
    estimate.charge(SYMBOL, "add", 0, "k")
    before = estimate.value(SYMBOL, 20 * S)
    estimate.charge(SYMBOL, "amend", 20 * S, "k")
    assert estimate.value(SYMBOL, 20 * S) == before + 1
    estimate.charge(SYMBOL, "cancel", 24 * S, "k")
    assert estimate.value(SYMBOL, 24 * S) == 8


# -- the dead man's switch -----------------------------------------------------------------------------------------


def test_the_switch_is_refreshed_only_while_somebody_draws() -> None:
    rig = Rig()
    rig.trader.set_switch(True)
    rig.trader.tick(FACTS, rig.now)
    assert rig.link.sent[-1]["params"]["timeout"] == TIMEOUT_S
    rig.answer("cancel_all_orders_after", rig.link.numbers, currentTime="x", triggerTime="y")
    assert rig.trader.view(SYMBOL, rig.now).cancels_after_s == TIMEOUT_S
    count = len(rig.link.texts)
    for _ in range(50):
        rig.now += S
        rig.trader.tick(FACTS, rig.now, drawn=False)
    assert len(rig.link.texts) == count
    assert rig.trader.view(SYMBOL, rig.now).cancels_after_s == 10
    rig.trader.tick(FACTS, rig.now)
    assert len(rig.link.texts) == count + 1


def test_the_switch_is_turned_off_and_is_on_until_the_exchange_says_so() -> None:
    switch = DeadManSwitch()
    assert switch.due(0) is None
    switch.turn(True)
    switch.sent(1, TIMEOUT_S, 0)
    assert switch.due(EVERY_S * S - 1) is None
    assert switch.due(EVERY_S * S) == TIMEOUT_S
    assert switch.left_s(0) is None
    switch.answered(1, True)
    switch.turn(False)
    assert switch.due(S) == 0
    switch.sent(2, 0, S)
    assert switch.left_s(S) == 59
    switch.answered(2, True)
    assert switch.left_s(S) is None
    assert switch.due(2 * S) is None


# -- the audit file ------------------------------------------------------------------------------------------------


def test_every_request_and_answer_is_in_the_audit_file_without_the_token(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "state" / "orders.jsonl")
    rig = Rig(audit=audit)
    key = rig.open_order()
    rig.trader.place(ticket(lots=0), FACTS, rig.now)
    rig.trader.cancel([key], rig.now)
    assert audit.close(5)
    text = (tmp_path / "state" / "orders.jsonl").read_text()
    assert "token-of-the-tests-0001" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["what"] for line in lines] == ["armed", "request", "answer", "blocked", "request"]
    assert lines[1]["request"]["params"]["cl_ord_id"] == key
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "state" / "orders.jsonl").stat().st_mode) == 0o600


def test_the_audit_file_is_only_ever_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "orders.jsonl"
    for number in range(2):
        audit = Audit(path)
        audit.write(START, "start", {"number": number})
        assert audit.close(5)
    assert [json.loads(line)["number"] for line in path.read_text().splitlines()] == [0, 1]


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait for the thread that writes the audit file."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_full_disk_blocks_new_orders_and_no_cancels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audit = Audit(tmp_path / "orders.jsonl")
    rig = Rig(audit=audit)
    key = rig.open_order()
    audit._writer.close(5)
    full = Audit(tmp_path / "orders.jsonl")
    monkeypatch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    full.write(0, "answer", {})
    wait_for(lambda: full.problem != "")
    rig.trader.audit = full
    outcome = rig.trader.place(ticket(ticks=499_900), FACTS, rig.now).outcome
    assert outcome is not None
    assert "No space left on device" in outcome.sentence
    assert rig.trader.cancel([key], rig.now)[0].outcome is None
    monkeypatch.undo()
    full.write(0, "answer", {"last": True})
    wait_for(lambda: full.problem == "")
    assert full.close(5)
    assert (tmp_path / "orders.jsonl").read_text().endswith('"last":true}\n')


def test_the_limit_of_worth_is_by_quote() -> None:
    rig = Rig(TradingLimits(max_worth={"EUR": Decimal(1)}))
    outcome = rig.trader.place(BUY, FACTS, rig.now).outcome
    assert outcome is not None
    assert "no limit is set for orders in USD" in outcome.sentence
