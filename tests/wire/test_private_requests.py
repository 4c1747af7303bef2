"""Requests to the private sockets, byte for byte as documented, and what is refused before it is sent."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.errors import ConfigurationError
from kraken_tui.secret import Secret
from kraken_tui.wire import private_requests as requests
from kraken_tui.wire.private_requests import OrderToWrite
from kraken_tui.wire.symbols import PairSpec
from kraken_tui.wire.timestamps import parse_timestamp
from tests.reference.private_vectors import REQUESTS

BTC = PairSpec("BTC/USD", "BTC", "USD", 1, 8)
WHOLE = PairSpec("BTC/JPY", "BTC", "JPY", 0, 0)
COARSE = PairSpec("XRP/USD", "XRP", "USD", 5, 8, increment=10)
TOKEN = Secret("<token>")
ORDER_ID = "OK4GJX-KSTLS-7DZZO5"
CL_ORD_ID = "0835958d-c526-4ad8-aea8-af54836de47e"
BUY = OrderToWrite(side="buy", order_type="limit", lots=1_000_000, limit_ticks=265_004)


def test_every_documented_request_is_written_byte_for_byte() -> None:
    order = OrderToWrite(
        side="buy",
        order_type="limit",
        lots=1_000_000,
        limit_ticks=265_004,
        time_in_force="gtc",
        post_only=True,
        cl_ord_id=CL_ORD_ID,
        deadline_ns=parse_timestamp("2026-01-05T12:00:02.000000Z"),
    )
    amendment = {"order_id": ORDER_ID, "lots": 500_000, "limit_ticks": 265_009, "post_only": True}
    assert [
        requests.add_order(order, BTC, TOKEN, req_id=1, validate=True),
        requests.amend_order(BTC, TOKEN, req_id=2, **amendment),
        requests.cancel_order(TOKEN, req_id=3, order_ids=[ORDER_ID]),
        requests.cancel_order(TOKEN, req_id=4, cl_ord_ids=[CL_ORD_ID]),
        requests.cancel_all(TOKEN, req_id=5),
        requests.cancel_all_orders_after(60, TOKEN, req_id=6),
        requests.cancel_all_orders_after(0, TOKEN, req_id=7),
    ] == REQUESTS


def test_subscriptions_carry_the_token_and_ask_for_both_snapshots() -> None:
    assert json.loads(requests.subscribe_level3(["BTC/USD"], 1000, TOKEN, req_id=1)) == {
        "method": "subscribe",
        "params": {"channel": "level3", "symbol": ["BTC/USD"], "depth": 1000, "snapshot": True, "token": "<token>"},
        "req_id": 1,
    }
    assert json.loads(requests.unsubscribe_level3(["BTC/USD"], 10, TOKEN, req_id=2))["params"]["token"] == "<token>"
    executions = json.loads(requests.subscribe_executions(TOKEN, req_id=3))["params"]
    assert executions == {
        "channel": "executions", "snap_orders": True, "snap_trades": True, "order_status": True, "ratecounter": True,
        "token": "<token>",
    }  # fmt: skip
    balances = json.loads(requests.subscribe_balances(TOKEN, req_id=4))["params"]
    assert balances == {"channel": "balances", "snapshot": True, "token": "<token>"}
    for write in (requests.unsubscribe_executions, requests.unsubscribe_balances):
        assert json.loads(write(TOKEN, req_id=5))["params"]["token"] == "<token>"


def test_mistake_16_validate_is_left_out_where_it_is_off() -> None:
    assert "validate" not in requests.add_order(BUY, BTC, TOKEN, req_id=1)
    assert "validate" not in requests.batch_add([BUY, BUY], BTC, TOKEN, req_id=1)
    assert json.loads(requests.add_order(BUY, BTC, TOKEN, req_id=1, validate=True))["params"]["validate"] is True


@given(st.integers(1, 10**12), st.integers(1, 10**12), st.integers(0, 12), st.integers(0, 12))
def test_mistake_18_numbers_are_floats_with_the_pairs_decimals_and_no_exponent(
    lots: int, ticks: int, price_precision: int, qty_precision: int
) -> None:
    spec = PairSpec("A/B", "A", "B", price_precision, qty_precision)
    order = OrderToWrite(side="sell", order_type="limit", lots=lots, limit_ticks=ticks)
    text = requests.add_order(order, spec, TOKEN, req_id=1)
    found = re.search(r'"order_qty":([0-9]+\.[0-9]+),.*"limit_price":([0-9]+\.[0-9]+)[,}]', text)
    assert found is not None, text
    for written, units, precision in ((found[1], lots, qty_precision), (found[2], ticks, price_precision)):
        assert Decimal(written) == Decimal(units).scaleb(-precision)
        assert len(written.partition(".")[2]) == max(1, precision)


def test_mistake_18_a_pair_without_decimals_still_gets_a_point() -> None:
    text = requests.add_order(
        OrderToWrite(side="buy", order_type="limit", lots=2, limit_ticks=29_000), WHOLE, TOKEN, req_id=1
    )
    assert '"order_qty":2.0,' in text
    assert '"limit_price":29000.0,' in text


@pytest.mark.parametrize("text", [CL_ORD_ID, CL_ORD_ID.replace("-", ""), "kt-1", "x" * 18, CL_ORD_ID.upper()])
def test_mistake_25_good_client_ids_pass(text: str) -> None:
    assert requests.check_cl_ord_id(text) == text
    assert f'"cl_ord_id":"{text}"' in requests.add_order(_with(cl_ord_id=text), BTC, TOKEN, req_id=1)


@pytest.mark.parametrize(
    "text", ["", "x" * 19, "ü", "a\nb", CL_ORD_ID + "0", CL_ORD_ID.replace("-", "") + "0", "x" * 32]
)
def test_mistake_25_a_client_id_the_exchange_would_refuse_is_refused_here(text: str) -> None:
    with pytest.raises(ConfigurationError, match="UUID"):
        requests.check_cl_ord_id(text)
    if text:
        with pytest.raises(ConfigurationError, match="UUID"):
            requests.add_order(_with(cl_ord_id=text), BTC, TOKEN, req_id=1)
        with pytest.raises(ConfigurationError, match="UUID"):
            requests.cancel_order(TOKEN, req_id=1, cl_ord_ids=[text])


def test_mistake_26_a_client_id_and_a_userref_are_fields_of_their_own_and_exclude_each_other() -> None:
    named = json.loads(requests.add_order(_with(cl_ord_id="kt-1"), BTC, TOKEN, req_id=1))["params"]
    tagged = json.loads(requests.add_order(_with(userref=7), BTC, TOKEN, req_id=1))["params"]
    assert (named["cl_ord_id"], "order_userref" in named) == ("kt-1", False)
    assert (tagged["order_userref"], "cl_ord_id" in tagged) == (7, False)
    with pytest.raises(ConfigurationError, match="not both"):
        requests.add_order(_with(cl_ord_id="kt-1", userref=7), BTC, TOKEN, req_id=1)


def _with(**changes: object) -> OrderToWrite:
    fields = {"side": "buy", "order_type": "limit", "lots": 1_000_000, "limit_ticks": 265_004, **changes}
    return OrderToWrite(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lots": 0}, "the quantity is zero"),
        ({"lots": -1}, "the quantity is zero"),
        ({"limit_ticks": 0}, "the price is zero"),
        ({"limit_ticks": None}, "needs a limit price"),
        ({"side": "Buy"}, "buy or sell"),
        ({"order_type": "stop"}, "order_type takes"),
        ({"order_type": "market"}, "takes no limit price"),
        ({"order_type": "market", "limit_ticks": None, "post_only": True}, "post-only"),
        ({"order_type": "stop-loss", "limit_ticks": None}, "needs a trigger price"),
        ({"trigger_ticks": 1}, "takes no trigger price"),
        ({"order_type": "iceberg"}, "need it"),
        ({"order_type": "iceberg", "display_lots": 66_666}, "fifteenth"),
        ({"order_type": "iceberg", "display_lots": 1_000_001}, "not more than all"),
        ({"display_lots": 1}, "for iceberg"),
        ({"time_in_force": "GTC"}, "gtc, gtd or ioc"),
        ({"time_in_force": "gtd"}, "need it"),
        ({"expire_ns": 1}, "for gtd"),
        ({"userref": 2**31}, "32 bits"),
    ],
)
def test_what_cannot_be_an_order_is_not_written(changes: dict[str, object], words: str) -> None:
    for write in (
        lambda: requests.add_order(_with(**changes), BTC, TOKEN, req_id=1),
        lambda: requests.batch_add([BUY, _with(**changes)], BTC, TOKEN, req_id=1),
    ):
        with pytest.raises(ConfigurationError, match=words) as caught:
            write()
        assert "\n" not in str(caught.value)


def test_a_price_between_increments_is_refused_and_not_rounded() -> None:
    with pytest.raises(ConfigurationError, match=r"0\.50001 is not a multiple of 0\.00010"):
        requests.add_order(
            OrderToWrite(side="buy", order_type="limit", lots=1, limit_ticks=50_001), COARSE, TOKEN, req_id=1
        )
    with pytest.raises(ConfigurationError, match="not a multiple"):
        requests.amend_order(COARSE, TOKEN, req_id=1, order_id=ORDER_ID, limit_ticks=50_001)


def test_stops_and_icebergs_are_written_in_the_documented_fields() -> None:
    stop = OrderToWrite(side="sell", order_type="stop-loss-limit", lots=1, limit_ticks=100, trigger_ticks=105)
    params = json.loads(requests.add_order(stop, BTC, TOKEN, req_id=1))["params"]
    assert params["triggers"] == {"reference": "last", "price": 10.5, "price_type": "static"}
    assert params["limit_price"] == 10.0
    iceberg = OrderToWrite(
        side="buy", order_type="iceberg", lots=15, limit_ticks=10, display_lots=1, time_in_force="gtd",
        reduce_only=True, expire_ns=parse_timestamp("2026-01-05T12:00:00.000000Z"),
        stp_type="cancel_newest", fee_preference="quote",
    )  # fmt: skip
    assert json.loads(requests.add_order(iceberg, BTC, TOKEN, req_id=1))["params"] == {
        "order_type": "iceberg", "side": "buy", "order_qty": 1.5e-07, "symbol": "BTC/USD", "limit_price": 1.0,
        "display_qty": 1e-08, "time_in_force": "gtd", "stp_type": "cancel_newest", "fee_preference": "quote",
        "expire_time": "2026-01-05T12:00:00.000Z", "reduce_only": True, "token": "<token>",
    }  # fmt: skip
    market = OrderToWrite(side="sell", order_type="market", lots=1)
    assert "limit_price" not in requests.add_order(market, BTC, TOKEN, req_id=1)


def test_batches_have_their_bounds() -> None:
    params = json.loads(requests.batch_add([BUY, BUY], BTC, TOKEN, req_id=9, deadline_ns=0, validate=True))["params"]
    assert list(params) == ["symbol", "orders", "deadline", "validate", "token"]
    assert [list(order) for order in params["orders"]] == [["order_type", "side", "order_qty", "limit_price"]] * 2
    for count in (0, 1, 16):
        with pytest.raises(ConfigurationError, match="2 to 15"):
            requests.batch_add([BUY] * count, BTC, TOKEN, req_id=9)
    cancel = json.loads(requests.batch_cancel(TOKEN, req_id=10, order_ids=["O1", "O2"], cl_ord_ids=["a"]))["params"]
    assert cancel == {"orders": ["O1", "O2"], "cl_ord_id": ["a"], "token": "<token>"}
    for count in (1, 51):
        with pytest.raises(ConfigurationError, match="2 to 50"):
            requests.batch_cancel(TOKEN, req_id=10, order_ids=["O"] * count)


def test_amend_and_cancel_name_one_kind_of_id_and_something_to_do() -> None:
    with pytest.raises(ConfigurationError, match="one of the two"):
        requests.amend_order(BTC, TOKEN, req_id=1, lots=1)
    with pytest.raises(ConfigurationError, match="one of the two"):
        requests.amend_order(BTC, TOKEN, req_id=1, order_id="O", cl_ord_id="c", lots=1)
    with pytest.raises(ConfigurationError, match="changes nothing"):
        requests.amend_order(BTC, TOKEN, req_id=1, order_id="O", post_only=True)
    with pytest.raises(ConfigurationError, match="zero"):
        requests.amend_order(BTC, TOKEN, req_id=1, order_id="O", lots=0)
    for ids in ({}, {"order_ids": ["O"], "cl_ord_ids": ["c"]}):
        with pytest.raises(ConfigurationError, match="one of the two"):
            requests.cancel_order(TOKEN, req_id=1, **ids)  # type: ignore[arg-type]
    for seconds in (-1, 86_400):
        with pytest.raises(ConfigurationError, match="86399"):
            requests.cancel_all_orders_after(seconds, TOKEN, req_id=1)
    full = requests.amend_order(
        BTC, TOKEN, req_id=1, cl_ord_id="c", lots=2, limit_ticks=3, display_lots=1, trigger_ticks=4, deadline_ns=0
    )
    assert json.loads(full)["params"] == {
        "cl_ord_id": "c", "order_qty": 2e-08, "limit_price": 0.3, "display_qty": 1e-08, "trigger_price": 0.4,
        "deadline": "1970-01-01T00:00:00.000Z", "token": "<token>",
    }  # fmt: skip


def refused(order: OrderToWrite) -> str:
    with pytest.raises(ConfigurationError) as caught:
        requests.add_order(order, BTC, TOKEN, req_id=1)
    return str(caught.value)


@pytest.mark.parametrize("order_type", requests.ORDER_TYPES)
def test_each_kind_of_order_takes_its_prices_and_no_other(order_type: str) -> None:
    limited = order_type in ("limit", "iceberg", "stop-loss-limit", "take-profit-limit")
    triggered = order_type.startswith(("stop", "take"))
    display = 1_000_000 if order_type == "iceberg" else None
    for limit_ticks in (None, 10):
        for trigger_ticks in (None, 10):
            order = _with(
                order_type=order_type, limit_ticks=limit_ticks, trigger_ticks=trigger_ticks, display_lots=display
            )
            if (limit_ticks is not None, trigger_ticks is not None) == (limited, triggered):
                params = json.loads(requests.add_order(order, BTC, TOKEN, req_id=1))["params"]
                assert ("limit_price" in params, "triggers" in params) == (limited, triggered)
            elif (limit_ticks is not None) != limited:
                words = "needs a limit price" if limited else "takes no limit price"
                assert refused(order) == f"a {order_type} order {words}"
            else:
                words = "needs a trigger price" if triggered else "takes no trigger price"
                assert refused(order) == f"a {order_type} order {words}"


@pytest.mark.parametrize(
    "changes",
    [
        {"lots": 1}, {"limit_ticks": 1}, {"side": "sell"}, {"userref": -(2**31)}, {"userref": 2**31 - 1},
        {"userref": 0}, {"time_in_force": "ioc"}, {"time_in_force": "gtd", "expire_ns": 0},
        {"order_type": "iceberg", "lots": 15, "display_lots": 1},
        {"order_type": "iceberg", "lots": 15, "display_lots": 15},
        {"order_type": "iceberg", "lots": 15, "display_lots": 1, "post_only": True}, {"post_only": True},
    ],
)  # fmt: skip
def test_what_stands_at_the_edge_is_written(changes: dict[str, object]) -> None:
    assert json.loads(requests.add_order(_with(**changes), BTC, TOKEN, req_id=1))["params"]["token"] == "<token>"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"order_type": "iceberg", "lots": 15, "display_lots": 16}, "an iceberg shows"),
        ({"order_type": "iceberg", "lots": 16, "display_lots": 1}, "an iceberg shows"),
        ({"userref": -(2**31) - 1}, "userref takes"),
        (
            {"order_type": "stop-loss", "limit_ticks": None, "trigger_ticks": 1, "post_only": True},
            "cannot be post-only",
        ),
        ({"time_in_force": "ioc", "expire_ns": 0}, "expire_ns is for gtd"),
        ({"cl_ord_id": "a", "userref": 0}, "not both"),
    ],
)
def test_what_stands_beyond_it_is_not(changes: dict[str, object], words: str) -> None:
    assert words in refused(_with(**changes))


def test_an_order_says_nothing_that_was_not_asked_for() -> None:
    assert json.loads(requests.add_order(BUY, BTC, TOKEN, req_id=1)) == {
        "method": "add_order",
        "params": {
            "order_type": "limit", "side": "buy", "order_qty": 0.01, "symbol": "BTC/USD", "limit_price": 26500.4,
            "token": "<token>",
        },
        "req_id": 1,
    }  # fmt: skip
    full = _with(post_only=True, reduce_only=False, stp_type="cancel_both", userref=3, deadline_ns=1_500_000)
    params = json.loads(requests.add_order(full, BTC, TOKEN, req_id=2))["params"]
    assert params["deadline"] == "1970-01-01T00:00:00.001Z"
    assert (params["post_only"], params["stp_type"], params["order_userref"]) == (True, "cancel_both", 3)
    assert "reduce_only" not in params
    assert "validate" not in params
    plain = json.loads(requests.batch_add([BUY, BUY], BTC, TOKEN, req_id=3))["params"]
    assert list(plain) == ["symbol", "orders", "token"]
    assert list(json.loads(requests.batch_add([BUY] * 15, BTC, TOKEN, req_id=3))["params"]["orders"][14]) == [
        "order_type", "side", "order_qty", "limit_price",
    ]  # fmt: skip


def test_an_amendment_says_only_what_it_changes() -> None:
    for change, field, value in (
        ({"lots": 1}, "order_qty", 1e-08),
        ({"limit_ticks": 1}, "limit_price", 0.1),
        ({"display_lots": 1}, "display_qty", 1e-08),
        ({"trigger_ticks": 1}, "trigger_price", 0.1),
    ):
        text = requests.amend_order(BTC, TOKEN, req_id=1, order_id="O", **change)  # type: ignore[arg-type]
        assert json.loads(text)["params"] == {"order_id": "O", field: value, "token": "<token>"}
    for name in ("limit_ticks", "trigger_ticks"):
        with pytest.raises(ConfigurationError, match="the price is zero"):
            requests.amend_order(BTC, TOKEN, req_id=1, order_id="O", **{name: 0})  # type: ignore[arg-type]
    text = requests.amend_order(BTC, TOKEN, req_id=1, order_id="O", lots=1, post_only=True)
    assert json.loads(text)["params"]["post_only"] is True


def test_the_bounds_of_times_and_counts() -> None:
    for seconds in (0, 1, 86_399):
        assert f'"timeout":{seconds},' in requests.cancel_all_orders_after(seconds, TOKEN, req_id=1)
    for count in (2, 50):
        assert requests.batch_cancel(TOKEN, req_id=1, order_ids=["O"] * count).count('"O"') == count
        assert requests.batch_cancel(TOKEN, req_id=1, cl_ord_ids=["c"] * count).count('"c"') == count
    with pytest.raises(ConfigurationError, match="batch_cancel takes 2 to 50 orders, not 51"):
        requests.batch_cancel(TOKEN, req_id=1, order_ids=["O"] * 50, cl_ord_ids=["c"])
    assert requests.L3_DEPTHS == (10, 100, 1000)


def test_subscriptions_ask_for_their_snapshot_and_ends_name_what_they_end() -> None:
    end = json.loads(requests.unsubscribe_level3(["A/B"], 100, TOKEN, req_id=2))
    assert end["params"] == {"channel": "level3", "symbol": ["A/B"], "depth": 100, "token": "<token>"}
    for write, channel in (
        (requests.unsubscribe_executions, "executions"),
        (requests.unsubscribe_balances, "balances"),
    ):
        assert json.loads(write(TOKEN, req_id=5)) == {
            "method": "unsubscribe",
            "params": {"channel": channel, "token": "<token>"},
            "req_id": 5,
        }
