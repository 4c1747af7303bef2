"""Requests and answers, in the exchange's own words (PROTOCOL.md sections 2 and 3)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from .reference import SECOND, Client, channel, parsed

MICRO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.fixture
def client() -> Client:
    return Client(pairs=["BTC/USD", "MINA/GBP", "PEPE/USD"])


def answers(frames: list[str]) -> list[dict[str, Any]]:
    return [f for f in map(json.loads, frames) if "method" in f or "error" in f]


def test_status_comes_first(client: Client) -> None:
    [frame] = client.opening
    status = json.loads(frame)
    assert (status["channel"], status["type"]) == ("status", "update")
    [data] = status["data"]
    assert (data["system"], data["api_version"], data["version"]) == ("online", "v2", "2.0.10")
    assert data["connection_id"] > 2**53
    other = Client(client.venue, client.clock)
    assert json.loads(other.opening[0])["data"][0]["connection_id"] != data["connection_id"]


def test_acknowledgement_to_the_letter(client: Client) -> None:
    frames = client.subscribe("book", "BTC/USD", depth=25, req_id=17)
    assert re.fullmatch(
        r'\{"method":"subscribe","result":\{"channel":"book","depth":25,"snapshot":true,"symbol":"BTC/USD"\},'
        rf'"success":true,"time_in":"{MICRO.pattern}","time_out":"{MICRO.pattern}","req_id":17\}}',
        frames[0],
    )
    assert frames[1].startswith('{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":6')
    assert len(frames) == 2


def test_one_answer_a_symbol_in_order(client: Client) -> None:
    got = answers(client.subscribe("book", "BTC/USD", "XBT/USD", "MINA/GBP", req_id=3))
    assert [(a["success"], a.get("symbol") or a["result"]["symbol"]) for a in got] == [
        (True, "BTC/USD"),
        (False, "XBT/USD"),
        (True, "MINA/GBP"),
    ]
    assert all(a["req_id"] == 3 for a in got)


@pytest.mark.parametrize(
    ("name", "params", "result"),
    [
        ("book", {}, {"channel": "book", "depth": 10, "snapshot": True, "symbol": "BTC/USD"}),
        ("trade", {}, {"channel": "trade", "snapshot": False, "symbol": "BTC/USD"}),
        ("trade", {"snapshot": True}, {"channel": "trade", "snapshot": True, "symbol": "BTC/USD"}),
        (
            "ticker",
            {},
            {"channel": "ticker", "event_trigger": "trades", "snapshot": True, "symbol": "BTC/USD"},
        ),
        (
            "ohlc",
            {"interval": 60},
            {
                "channel": "ohlc",
                "interval": 60,
                "snapshot": True,
                "symbol": "BTC/USD",
                "warnings": ["timestamp is deprecated, use interval_begin"],
            },
        ),
    ],
)
def test_what_is_granted(client: Client, name: str, params: dict[str, Any], result: dict[str, Any]) -> None:
    frames = client.subscribe(name, "BTC/USD", **params)
    assert answers(frames)[0]["result"] == result
    assert [f["type"] for f in channel(frames, name)] == (["snapshot"] if result["snapshot"] else [])


def test_no_snapshot_when_not_wanted(client: Client) -> None:
    frames = client.subscribe("book", "BTC/USD", snapshot=False)
    assert len(frames) == 1
    assert answers(frames)[0]["result"]["snapshot"] is False
    assert all(f["type"] == "update" for f in channel(client.run(3), "book"))


@pytest.mark.parametrize(
    ("params", "error", "symbol"),
    [
        ({"channel": "book", "symbol": ["XBT/USD"]}, "Currency pair not supported XBT/USD", "XBT/USD"),
        ({"channel": "book", "symbol": ["btc/usd"]}, "Currency pair not supported btc/usd", "btc/usd"),
        (
            {"channel": "book", "symbol": ["XBTUSD"]},
            "Currency pair not in ISO 4217-A3 format XBTUSD",
            "XBTUSD",
        ),
        ({"channel": "trade", "symbol": ["*"]}, "Currency pair not in ISO 4217-A3 format *", "*"),
        (
            {"channel": "book", "symbol": ["BTC/USD"], "depth": 11},
            "Subscription depth not supported",
            "BTC/USD",
        ),
        (
            {"channel": "book", "symbol": ["BTC/USD"], "depth": "10"},
            "Subscription depth not supported",
            "BTC/USD",
        ),
        (
            {"channel": "ohlc", "symbol": ["BTC/USD"], "interval": 2},
            "Subscription ohlc interval not supported",
            "BTC/USD",
        ),
        ({"channel": "nonsense", "symbol": ["BTC/USD"]}, "Unsupported event", None),
        ({"channel": "book"}, "Symbol(s) not found", None),
        (
            {"channel": "executions"},
            "Private data and trading are unavailable on this endpoint. Try ws-auth.kraken.com",
            None,
        ),
    ],
)
def test_refusals(client: Client, params: dict[str, Any], error: str, symbol: str | None) -> None:
    [frame] = client.ask("subscribe", req_id=8, **params)
    refusal = json.loads(frame)
    assert refusal["error"] == error
    assert refusal["success"] is False
    assert refusal["method"] == "subscribe"
    assert refusal["req_id"] == 8
    assert refusal.get("symbol") == symbol
    assert "result" not in refusal
    assert MICRO.fullmatch(refusal["time_in"])
    assert MICRO.fullmatch(refusal["time_out"])


def test_twice_is_refused_whatever_the_depth(client: Client) -> None:
    client.subscribe("book", "BTC/USD")
    for depth in (10, 100):
        [refusal] = answers(client.subscribe("book", "BTC/USD", depth=depth))
        assert (refusal["error"], refusal["symbol"]) == ("Already subscribed", "BTC/USD")
    client.ask("subscribe", channel="instrument")
    assert answers(client.ask("subscribe", channel="instrument"))[0]["error"] == "Already subscribed"


def test_intervals_may_stand_side_by_side(client: Client) -> None:
    for interval in (1, 5):
        assert answers(client.subscribe("ohlc", "BTC/USD", interval=interval))[0]["success"]
    assert answers(client.subscribe("ohlc", "BTC/USD", interval=5))[0]["error"] == "Already subscribed"


def test_unsubscribe(client: Client) -> None:
    client.subscribe("book", "BTC/USD", depth=25)
    assert answers(client.ask("unsubscribe", channel="book", symbol=["MINA/GBP"]))[0] | {
        "time_in": 0,
        "time_out": 0,
    } == {
        "error": "Subscription Not Found",
        "method": "unsubscribe",
        "success": False,
        "symbol": "MINA/GBP",
        "time_in": 0,
        "time_out": 0,
    }
    wrong = client.ask("unsubscribe", channel="book", symbol=["BTC/USD"], depth=100)
    assert answers(wrong)[0]["error"] == "Subscription Not Found"
    [done] = answers(client.ask("unsubscribe", channel="book", symbol=["BTC/USD"], depth=25, req_id=4))
    assert done["method"] == "unsubscribe"
    assert done["result"] == {"channel": "book", "depth": 25, "symbol": "BTC/USD"}
    assert done["req_id"] == 4
    assert channel(client.run(5), "book") == []
    again = client.subscribe("book", "BTC/USD", depth=10)
    assert len(channel(again, "book")[0]["data"][0]["bids"]) == 10


def test_an_unsubscribe_of_a_ticker_without_its_trigger_means_the_default(client: Client) -> None:
    client.subscribe("ticker", "BTC/USD", event_trigger="bbo")
    wrong = client.ask("unsubscribe", channel="ticker", symbol=["BTC/USD"])
    assert answers(wrong)[0]["error"] == "Subscription Not Found"
    [done] = answers(client.ask("unsubscribe", channel="ticker", symbol=["BTC/USD"], event_trigger="bbo"))
    assert done["result"] == {"channel": "ticker", "event_trigger": "bbo", "symbol": "BTC/USD"}


@pytest.mark.parametrize("name", ["trade", "ticker", "ohlc", "instrument"])
def test_every_channel_can_be_left(client: Client, name: str) -> None:
    params = {} if name == "instrument" else {"symbol": ["BTC/USD"]}
    assert answers(client.ask("subscribe", channel=name, **params))[0]["success"]
    assert answers(client.ask("unsubscribe", channel=name, **params))[0]["success"]
    assert answers(client.ask("unsubscribe", channel=name, **params))[0]["error"] == "Subscription Not Found"
    client.venue.faults.set_pair_status("BTC/USD", "post_only")
    assert channel(client.run(20), name) == []


def test_ping(client: Client) -> None:
    [frame] = client.peer.on_message('{"method":"ping","req_id":101}')
    assert re.fullmatch(
        rf'\{{"method":"pong","req_id":101,"time_in":"{MICRO.pattern}","time_out":"{MICRO.pattern}"\}}', frame
    )
    [frame] = client.peer.on_message('{"method":"ping"}')
    assert "req_id" not in json.loads(frame)
    [frame] = client.peer.on_message('{"method":"ping","req_id":0,"params":{}}')
    refusal = json.loads(frame)
    assert refusal["error"] == "Unsupported field: 'params' for the given msg type: ping"
    assert (refusal["method"], refusal["req_id"], refusal["success"]) == ("ping", 0, False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "3",
        '"x"',
        b"\xff\xfe",
        "[" * 100000,
        '{"method":1}',
        '{"method":"subscribe"}',
        '{"method":"subscribe","params":[]}',
        '{"method":"subscribe","params":{"channel":["book"]}}',
        '{"method":"subscribe","params":{"channel":"book","symbol":"BTC/USD"}}',
        '{"method":"subscribe","params":{"channel":"book","symbol":[[1],null,{}]}}',
        '{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":true}}',
        '{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"snapshot":1}}',
        '{"method":"subscribe","params":{"channel":"ticker","symbol":["BTC/USD"],"event_trigger":[]}}',
    ],
)
def test_nonsense_is_refused_and_harms_nothing(client: Client, text: str | bytes) -> None:
    frames = client.peer.on_message(text)
    assert frames
    for frame in frames:
        refusal = json.loads(frame)
        assert refusal["success"] is False
        assert refusal["error"]
    assert answers(client.subscribe("book", "BTC/USD"))[0]["success"]


def test_private_methods_are_elsewhere(client: Client) -> None:
    [refusal] = answers(client.ask("add_order", symbol="BTC/USD"))
    assert refusal["error"].endswith("Try ws-auth.kraken.com")
    assert answers(client.ask("dance"))[0]["error"] == "Unsupported event"


def test_heartbeats_start_with_a_subscription_and_come_every_second(client: Client) -> None:
    assert client.run(5) == []
    client.subscribe("book", "MINA/GBP")
    frames = client.run(10, step_ms=50)
    assert [f for f in frames if "heartbeat" in f] == ['{"channel":"heartbeat"}'] * 10
    client.ask("unsubscribe", channel="book", symbol=["MINA/GBP"])
    assert client.run(3) == []
    client.subscribe("book", "MINA/GBP")
    assert sum("heartbeat" in f for f in client.run(5, step_ms=50)) == 5


def test_an_idle_connection_is_closed_after_a_minute(client: Client) -> None:
    client.run(55, step_ms=1000)
    client.peer.on_message('{"method":"ping"}')
    client.run(55, step_ms=1000)
    assert client.peer.closing is None
    client.run(6, step_ms=1000)
    assert client.peer.closing is not None


def test_the_clock_may_go_back(client: Client) -> None:
    client.subscribe("book", "BTC/USD")
    before = channel(client.run(1), "book")
    client.clock.ns -= 3600 * SECOND
    assert client.peer.advance(client.clock.ns) == []
    client.clock.ns += 3601 * SECOND
    after = channel(client.peer.advance(client.clock.ns), "book")
    assert after[0]["data"][0]["timestamp"] > before[-1]["data"][0]["timestamp"]


def test_instrument_snapshot(client: Client) -> None:
    frames = client.ask("subscribe", channel="instrument", req_id=1)
    ack = json.loads(frames[0])
    assert ack["result"] == {
        "channel": "instrument",
        "snapshot": True,
        "warnings": ["tick_size is deprecated, use price_increment"],
    }
    [frame] = channel(frames, "instrument")
    assert frame["type"] == "snapshot"
    pairs = {p["symbol"]: p for p in frame["data"]["pairs"]}
    assert list(pairs) == ["BTC/USD", "MINA/GBP", "PEPE/USD"]
    assert {a["id"] for a in frame["data"]["assets"]} == {"BTC", "USD", "MINA", "GBP", "PEPE"}
    btc, pepe = pairs["BTC/USD"], pairs["PEPE/USD"]
    assert (btc["price_precision"], btc["qty_precision"]) == ("1", "8")
    assert (btc["price_increment"], btc["qty_increment"], btc["tick_size"]) == ("0.1", "1e-08", "0.1")
    assert (pepe["price_increment"], pepe["qty_increment"]) == ("1e-09", "1e-05")
    assert {
        "status",
        "base",
        "quote",
        "cost_precision",
        "cost_min",
        "qty_min",
        "marginable",
        "has_index",
    } <= set(btc)
    assert "margin_initial" in btc
    assert "margin_initial" not in pepe
    assert btc["status"] == "online"
    assert {"id", "status", "precision", "precision_display", "borrowable"} <= set(frame["data"]["assets"][0])
    assert parsed(frames[0])["method"] == "subscribe"
