"""The worked examples of executions, balances, answers and refusals, step by step."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from kraken_tui.market.orders.account import Account
from kraken_tui.market.orders.refusals import Retry, means
from kraken_tui.market.orders.values import AccountEvent, Ask, AskKind, FillSeen, OrderChanged, StreamChanged
from kraken_tui.wire.balances import BalancesMessage
from kraken_tui.wire.executions import ExecutionsMessage
from kraken_tui.wire.messages import Refusal, SubscribeAck
from kraken_tui.wire.order_answers import Answer
from kraken_tui.wire.private import decode
from tests.private_goldens import goldens, needs_goldens

RETRIES = {
    "no": Retry.NO,
    "after decay": Retry.AFTER_DECAY,
    "only with a new decision": Retry.NEW_DECISION,
    "outcome unknown": Retry.UNKNOWN,
}


def text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def give(account: Account, frame: str, now_ns: int = 0) -> tuple[AccountEvent, ...]:
    message = decode(frame)
    if isinstance(message, SubscribeAck):
        return account.on_subscribed(message.channel, message.result, now_ns)
    if isinstance(message, BalancesMessage):
        return account.on_balances(message, now_ns)
    assert isinstance(message, ExecutionsMessage)
    return account.on_executions(message, now_ns)


@needs_goldens
def test_the_executions_step_by_step() -> None:
    account, fills = Account(), set()
    for step in goldens()["executions"]["steps"]:
        duplicates = account.fills.duplicates
        events = give(account, step["frame"])
        wanted = step["expect"]
        held = {
            order.order_id: {
                "open": order.open,
                "status": order.status,
                "symbol": order.symbol,
                "order_qty": text(order.order_qty),
                "cum_qty": text(order.cum_qty),
                "remaining": text(order.remaining),
                "limit_price": text(order.limit_price),
            }
            for order in account.orders
        }
        assert held == wanted["orders"], step["note"]
        new = [event.fill.exec_id for event in events if isinstance(event, FillSeen)]
        assert len(new) == len(set(new))
        assert not fills & set(new), "a fill came twice"
        fills |= set(new)
        assert sorted(fills) == wanted["fills"], step["note"]
        assert {asset: text(qty) for asset, qty in account.fills.fees.items()} == wanted["fees"], step["note"]
        flags = [event.reason for event in events if isinstance(event, StreamChanged) and not event.verified]
        flags += [
            f"ask: order {event.order_id} was open before and is not in the snapshot"
            for event in events
            if isinstance(event, Ask) and event.kind is AskKind.QUERY_ORDER
        ]
        wanted_flags = wanted["flags"]
        assert account.fills.duplicates - duplicates == sum(flag.startswith("duplicate") for flag in wanted_flags)
        assert flags == [flag for flag in wanted_flags if not flag.startswith("duplicate")], step["note"]
    assert account.max_rate == 125
    positions = {position.symbol: text(position.qty) for position in account.fills.positions}
    assert positions == {"BTC/USD": "0.30000000", "SOL/USD": "1.00000000"}, "bought 0.8, the stop sold 0.5 in the gap"


@needs_goldens
def test_the_balances_step_by_step() -> None:
    account = Account()
    for step in goldens()["balances"]:
        frames = step.get("frames", [step["frame"]] if "frame" in step else [])
        events: list[AccountEvent] = []
        for number, frame in enumerate(frames):
            events += give(account, frame)
            if len(frames) == 2:
                assert account.balances.settled is (number == 1)
        for asset, total in step.get("expect", {}).items():
            balance = account.balances.of(asset)
            assert balance is not None
            assert (text(balance.total), balance.free) == (total, None), "a total is not what is free"
        for asset, total in step.get("spot_main", {}).items():
            balance = account.balances.of(asset)
            assert balance is not None
            assert [text(wallet.balance) for wallet in balance.wallets if wallet.id == "main"] == [total]
        if "expect_flag" in step:
            assert [event.reason for event in events if isinstance(event, StreamChanged)] == [step["expect_flag"]]
            assert [event.channel for event in events if isinstance(event, Ask)] == ["balances"]
            assert not account.balances.verified
        elif frames:
            assert account.balances.verified


@needs_goldens
@pytest.mark.parametrize("number", range(len(goldens().get("methods", {}).get("answers", ()))))
def test_the_answers(number: int) -> None:
    example: dict[str, Any] = goldens()["methods"]["answers"][number]
    frame = example["frame"]
    answer = decode(json.dumps(frame))
    assert isinstance(answer, Answer)
    assert (answer.method, answer.req_id, answer.success, answer.error) == (frame["method"], frame["req_id"], True, "")
    result = frame.get("result", {})
    rows = result if isinstance(result, list) else [result]
    assert [order.order_id for order in answer.orders] == [row["order_id"] for row in rows if "order_id" in row]
    first = rows[0]
    assert answer.amend_id == first.get("amend_id")
    assert answer.trigger_time == first.get("triggerTime")
    assert answer.count == first.get("count", frame.get("orders_cancelled"))


@needs_goldens
@pytest.mark.parametrize("number", range(len(goldens().get("methods", {}).get("errors", ()))))
def test_the_refusals(number: int) -> None:
    example: dict[str, Any] = goldens()["methods"]["errors"][number]
    answer = decode(json.dumps(example["frame"]))
    error = example["frame"]["error"]
    if example["frame"]["method"] == "edit_order":
        assert isinstance(answer, Answer)
    assert isinstance(answer, Answer)
    assert (answer.success, answer.error, answer.orders) == (False, error, ())
    retry, hint = means(error)
    assert retry is (Retry.GONE if error == "EOrder:Unknown order" else RETRIES[example["retry"]])
    assert hint or retry is Retry.NO


@needs_goldens
def test_a_refused_subscription_stays_a_refusal() -> None:
    refusal = decode(json.dumps(goldens()["methods"]["subscribe_refused"]))
    assert isinstance(refusal, Refusal)
    assert (refusal.channel, refusal.error) == ("executions", "ESession:Invalid session")


def test_nothing_is_verified_before_a_snapshot() -> None:
    account = Account()
    row = '{"order_id":"OA","symbol":"BTC/USD","side":"buy","order_qty":1,"exec_type":"new","order_status":"new"}'
    events = give(account, f'{{"channel":"executions","type":"update","data":[{row}],"sequence":5}}')
    assert not account.verified
    assert [event.order.open for event in events if isinstance(event, OrderChanged)] == [True]
