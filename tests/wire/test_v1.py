"""Frames of Kraken's v1 API as frames of v2 (PROTOCOL.md section 11)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.errors import InvalidMessage
from kraken_tui.wire.v1 import Translator, is_v1

SNAPSHOT = (
    b'[336,{"as":[["27120.00000","4.28732553","1693415327.935623"]],'
    b'"bs":[["27119.90000","13.54067548","1693415328.088361"]]},"book-10","XBT/USD"]'
)


def translated(frame: bytes | str) -> Any:
    told = Translator().translate(frame.encode() if isinstance(frame, str) else frame)
    assert told is not None
    return json.loads(told, parse_float=str)


def test_a_snapshot_keeps_the_wires_digits_and_has_no_checksum() -> None:
    assert translated(SNAPSHOT) == {
        "channel": "book",
        "type": "snapshot",
        "data": [
            {
                "symbol": "BTC/USD",
                "bids": [{"price": "27119.90000", "qty": "13.54067548"}],
                "asks": [{"price": "27120.00000", "qty": "4.28732553"}],
                "timestamp": "2023-08-30T17:08:48.088361Z",
            }
        ],
    }


def test_both_objects_of_a_message_are_one_change_with_one_checksum() -> None:
    frame = (
        '[336,{"a":[["2.0","1.00000000","1693415329.5"]]},'
        '{"b":[["1.0","0.00000000","1693415328.5"],["0.9","3.00000000","1693415400.0","r"]],"c":"4166137203"},'
        '"book-10","XDG/EUR"]'
    )
    (data,) = translated(frame)["data"]
    assert data["symbol"] == "DOGE/EUR"
    assert (data["asks"], data["checksum"]) == ([{"price": "2.0", "qty": "1.00000000"}], 4166137203)
    assert [level["price"] for level in data["bids"]] == ["1.0", "0.9"], "in the order of the message"
    assert data["timestamp"] == "2023-08-30T17:08:49.500000Z", "a republished level is older, or says nothing"


def test_trades_are_counted_by_pair_and_their_letters_written_out() -> None:
    translator = Translator()
    frame = (
        b'[1,[["354.11","0.89","1618678142.557535","s","l",""],["354.2","1","1618678143.1","b","m",""]],'
        b'"trade","X/USD"]'
    )
    first, second = (json.loads(translator.translate(frame) or b"", parse_float=str)["data"] for _ in range(2))
    assert [trade["trade_id"] for trade in (*first, *second)] == [1, 2, 3, 4]
    assert first[0] | {"trade_id": 0} == {
        "symbol": "X/USD", "side": "sell", "price": "354.11", "qty": "0.89", "ord_type": "limit", "trade_id": 0,
        "timestamp": "2021-04-17T16:49:02.557535Z",
    }  # fmt: skip
    assert (first[1]["side"], first[1]["ord_type"]) == ("buy", "market")
    other = json.loads(translator.translate(frame.replace(b"X/USD", b"Y/USD")) or b"")["data"]
    assert other[0]["trade_id"] == 1


def test_a_ticker_has_the_figures_of_24_hours() -> None:
    frame = (
        '[1,{"a":["13.25",35,"35.7"],"b":["13.23",185,"185.1"],"c":["13.24","3.7"],"v":["1.0","2.0"],'
        '"p":["13.5","13.7"],"t":[640,1353],"l":["13.0","12.9"],"h":["13.9","14.2"],"o":["13.8","13.4"]},"ticker","A/B"]'
    )
    (data,) = translated(frame)["data"]
    assert data == {
        "symbol": "A/B", "bid": "13.23", "bid_qty": "185.1", "ask": "13.25", "ask_qty": "35.7", "last": "13.24",
        "volume": "2.0", "vwap": "13.7", "low": "12.9", "high": "14.2",
    }  # fmt: skip


def test_a_candle_begins_an_interval_before_its_end() -> None:
    frame = (
        '[1,["1542057314.748456","1542057360.435743","3586.7","3587.0","3586.6","3586.9","3586.8","0.03",2],'
        '"ohlc-5","A/B"]'
    )
    message = translated(frame)
    (data,) = message["data"]
    assert (message["channel"], message["type"]) == ("ohlc", "update")
    assert (data["interval"], data["interval_begin"], data["trades"]) == (5, "2018-11-12T21:11:00.000000000Z", 2)
    assert [data[name] for name in ("open", "high", "low", "close", "vwap", "volume")] == [
        "3586.7", "3587.0", "3586.6", "3586.9", "3586.8", "0.03",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ('{"event":"heartbeat"}', {"channel": "heartbeat"}),
        ('{"event":"pong","reqid":3}', {"method": "pong"}),
        (
            '{"connectionID":13688620010177543517,"event":"systemStatus","status":"online","version":"1.9.1"}',
            {
                "channel": "status",
                "type": "update",
                "data": [{"connection_id": 13688620010177543517, "system": "online"}],
            },
        ),
        (
            '{"channelID":3,"channelName":"book-25","event":"subscriptionStatus","pair":"XBT/USD","status":"subscribed",'
            '"subscription":{"depth":25,"name":"book"}}',
            {
                "method": "subscribe",
                "result": {"channel": "book", "symbol": "BTC/USD", "snapshot": True, "depth": 25},
                "success": True,
            },
        ),
        (
            '{"errorMessage":"Currency pair not supported FOO/BAR","event":"subscriptionStatus","pair":"FOO/BAR",'
            '"status":"error","subscription":{"name":"ticker"}}',
            {
                "method": "subscribe", "success": False, "error": "Currency pair not supported FOO/BAR",
                "symbol": "FOO/BAR",
            },
        ),
    ],
)  # fmt: skip
def test_events(frame: str, expected: dict[str, object]) -> None:
    assert translated(frame) == expected


@pytest.mark.parametrize(
    "frame",
    ['[1,["1","2","3","4","5"],"spread","A/B"]', '[[],"ownTrades",{"sequence":1}]', '{"event":"addOrderStatus"}'],
)
def test_what_v2_has_nothing_like_is_left_out(frame: str) -> None:
    assert Translator().translate(frame.encode()) is None


@pytest.mark.parametrize(
    "frame",
    [
        "[1,2]", "[]", "7", "[1", '{"event":"subscriptionStatus"}', '[1,{"a":[["x","1","1.0"]]},"book-10","A/B"]',
        '[1,{"a":[["-1","1","1.0"]],"c":"1"},"book-10","A/B"]', '[1,{"a":[["1"]]},"book-10","A/B"]',
        '[1,[["1","1","1.0","x","l",""]],"trade","A/B"]', '[1,7,"book-10","A/B"]',
        '[1,{"a":[],"c":"x"},"book-10","A/B"]',
        '[1,["a"],"ohlc-x","A/B"]',
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(frame: str) -> None:
    with pytest.raises(InvalidMessage):
        Translator().translate(frame.encode())


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_whatever_comes_is_a_frame_of_v2_nothing_or_refused(value: Any) -> None:
    for frame in (
        value,
        [1, value, "book-10", "A/B"],
        [1, value, "trade", "A/B"],
        {"event": "systemStatus", "status": value},
    ):
        try:
            told = Translator().translate(json.dumps(frame).encode())
        except InvalidMessage:
            continue
        assert told is None or isinstance(json.loads(told), dict)


def test_which_frames_are_of_v1() -> None:
    assert is_v1(SNAPSHOT)
    assert is_v1(b'{"connectionID":1,"event":"systemStatus"}')
    assert not is_v1(b'{"channel":"heartbeat"}')
    assert not is_v1(b'{"method":"pong","event":1}')
    assert not is_v1(b'{"type":"update","channel":"executions","data":[{"event":1}]}')


@pytest.mark.parametrize(
    ("written", "number"),
    [("0", "0"), ("00", "0"), ("0.5", "0.5"), ("00.50", "0.50"), ("007", "7"), ("010.0", "10.0"), ("7.5", "7.5"),
     ("12", "12"), (5, "5"), (0, "0")],
)  # fmt: skip
def test_numbers_keep_their_digits_without_the_zeros_that_are_no_json(written: object, number: str) -> None:
    frame = json.dumps([1, {"a": [[written, "1", "1.0"]], "c": "1"}, "book-10", "A/B"])
    told = Translator().translate(frame.encode())
    assert told is not None
    assert json.loads(told, parse_float=str, parse_int=str)["data"][0]["asks"][0]["price"] == number


def test_a_time_is_cut_to_nanoseconds() -> None:
    for fraction, shown in (("1234567891", "123456"), ("9999999999", "999999"), ("000001", "000001"), ("5", "500000")):
        frame = f'[1,{{"a":[["1","1","1693415329.{fraction}"]]}},"book-10","A/B"]'
        assert translated(frame)["data"][0]["timestamp"] == f"2023-08-30T17:08:49.{shown}Z"
    # The later of two by its ninth digit.
    frame = '[1,{"a":[["1","1","1.000000999"],["2","1","1.000001"]]},"book-10","A/B"]'
    assert translated(frame)["data"][0]["timestamp"] == "1970-01-01T00:00:01.000001Z"


def test_one_side_alone_is_a_snapshot_too() -> None:
    for side in ("as", "bs"):
        frame = f'[1,{{"{side}":[["1","1","1.0"]]}},"book-10","A/B"]'
        assert translated(frame)["type"] == "snapshot"


def test_only_the_first_part_of_a_message_is_read_where_there_is_one() -> None:
    trade = translated('[1,[["1","2","3.0","s","l",""]],"more","trade","A/B"]')["data"][0]
    assert (trade["price"], trade["qty"]) == (1, 2)
    candle = translated('[1,["1","2.0","3","4","5","6","7","8",9],"more","ohlc-1","A/B"]')["data"][0]
    assert candle["trades"] == 9
    figures = {name: ["1", "2", "3"] for name in "bacvplh"}
    ticker = translated(json.dumps([1, figures, "more", "ticker", "A/B"]))["data"][0]
    assert (ticker["bid"], ticker["volume"]) == (1, 2)


def test_a_status_without_a_number_has_none() -> None:
    assert translated('{"event":"systemStatus"}')["data"] == [{"connection_id": 0, "system": "unknown"}]


def test_counting_goes_on_from_what_was_counted() -> None:
    frame = b'[1,[["1","2","3.0","s","l",""]],"trade","A/B"]'
    first = Translator({"unused": 3})
    first.translate(frame)
    counted = first.counted()
    assert set(counted.values()) == {3, 1}
    told = Translator(counted).translate(frame)
    assert told is not None
    assert json.loads(told)["data"][0]["trade_id"] == 2


def test_whether_a_frame_is_of_v1_is_judged_by_its_first_4096_bytes() -> None:
    def within(name: bytes, end: int, before: bytes = b"{") -> bytes:
        return before + b" " * (end - len(before) - len(name)) + name + b":1}"

    assert is_v1(within(b'"event"', 4096)) is True
    assert is_v1(within(b'"event"', 4097)) is False
    assert is_v1(within(b'"channel"', 4096, b'{"event":1,')) is False
    assert is_v1(within(b'"channel"', 4097, b'{"event":1,')) is True
    assert is_v1(b'{"channel":"heartbeat","event":1}') is False
