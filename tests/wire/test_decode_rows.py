"""Frames of which a part cannot be read, at the limits of their size, and what is found in them that is not known."""

from __future__ import annotations

import json

import pytest

from kraken_tui.errors import InvalidMessage
from kraken_tui.wire.decode import MOST_NAMES, FieldCensus, NameCounter, decode
from kraken_tui.wire.messages import (
    HeartbeatMessage,
    InstrumentMessage,
    OhlcMessage,
    Pong,
    TickerMessage,
    TradeMessage,
)
from tests.wire.test_decode import BOOK, HEARTBEAT, INSTRUMENT, OHLC, TICKER, TRADE


def test_a_frame_of_eight_mebibytes_is_read_and_a_longer_one_refused() -> None:
    longest = HEARTBEAT.ljust(8 * 2**20)
    assert decode(longest) == HeartbeatMessage()
    assert decode(longest.encode()) == HeartbeatMessage()
    with pytest.raises(InvalidMessage) as caught:
        decode(longest + " ")
    assert str(caught.value) == "frame of 8,388,609 bytes is over the limit of 8,388,608"


@pytest.mark.parametrize(
    "frame",
    [
        '{"channel":"status","type":"update","data":[7]}',
        '{"channel":"status","data":[7]}',
        '{"channel":"book","type":"update","data":5}',
        '{"channel":"book","type":"update","data":""}',
        '{"channel":"trade","data":[{"symbol":7}]}',
    ],
)
def test_what_cannot_be_read_by_rows_is_malformed(frame: str) -> None:
    with pytest.raises(InvalidMessage, match="frame is malformed"):
        decode(frame)


def test_one_wrong_row_keeps_what_it_has_and_costs_no_other() -> None:
    for frame, kind in ((TRADE, TradeMessage), (OHLC, OhlcMessage), (TICKER, TickerMessage)):
        whole = decode(frame)
        assert isinstance(whole, kind)
        (good,) = json.loads(frame)["data"]
        for wrong, symbol in (({**good, "timestamp": 17}, good["symbol"]), ({**good, "symbol": 17}, ""), (7, "")):
            message = decode(json.dumps(json.loads(frame) | {"data": [wrong, good]}))
            assert isinstance(message, kind)
            assert [row.symbol for row in message.data] == [symbol, good["symbol"]]
    broken = decode(TRADE.replace("4665906", '"x"'))
    assert isinstance(broken, TradeMessage)
    found: tuple[object, ...] = (broken.data[0].side, broken.data[0].trade_id, broken.data[0].ord_type)
    assert found == ("sell", "x", "market")


def test_assets_or_pairs_alone_are_an_instrument_frame() -> None:
    frame = json.loads(INSTRUMENT)
    for kept, other in (("assets", "pairs"), ("pairs", "assets")):
        data = {kept: frame["data"][kept], other: [{"id": 7}]}
        message = decode(json.dumps(frame | {"data": data}))
        assert isinstance(message, InstrumentMessage)
        assert (len(getattr(message.data, kept)), len(getattr(message.data, other))) == (1, 0)


def test_what_a_row_does_not_say_is_nothing() -> None:
    candle = decode(OHLC.replace('"trades":12,', ""))
    assert isinstance(candle, OhlcMessage)
    assert candle.data[0].trades == 0
    frame = decode('{"channel":"instrument","type":"update","data":{"assets":[{"id":"USD"}],"pairs":[]}}')
    assert isinstance(frame, InstrumentMessage)
    (asset,) = frame.data.assets
    assert (asset.precision, asset.precision_display, asset.status, asset.multiplier) == (0, 0, "", None)


@pytest.mark.parametrize(("written", "read"), [("7", 7), ('"7"', None), ("true", None), ("7.5", None), ("null", None)])
def test_the_number_of_a_request_is_a_whole_number_or_none(written: str, read: int | None) -> None:
    message = decode(f'{{"method":"pong","req_id":{written}}}')
    assert isinstance(message, Pong)
    assert message.req_id == read
    assert type(message.req_id) is type(read)


def unknown(*frames: str) -> dict[str, int]:
    census = FieldCensus()
    for frame in frames:
        census.look(frame, decode(frame))
    return dict(census.unknown)


def test_unknown_fields_are_found_at_every_depth_of_the_first_row() -> None:
    frame = json.loads(BOOK)
    level = {"price": 1.5, "qty": 2.5, "new": 1}
    first = {**frame["data"][0], "extra": 1, "bids": [level, {"price": 1.0, "qty": 2.5, "late": 1}]}
    second = {"symbol": "ETH/USD", "bids": [], "asks": [], "other": 1, "checksum": 1}
    text = json.dumps(frame | {"data": [first, second], "top": 1})
    assert unknown(text) == {"book.top": 1, "book.data.extra": 1, "book.data.bids.new": 1}
    assert unknown(INSTRUMENT.replace('"data":{', '"data":{"more":[],'))["instrument.data.more"] == 1
    assert unknown(json.dumps(frame | {"data": []})) == {}


def test_a_frame_that_only_the_typed_decoder_reads_is_passed_over() -> None:
    census = FieldCensus()
    census.look('{"channel":"heartbeat","new":', decode(HEARTBEAT))
    census.look('{"channel":"heartbeat","new":' + "[" * 100_000, decode(HEARTBEAT))
    assert dict(census.unknown) == {}


def test_a_counter_says_when_names_are_no_longer_told_apart() -> None:
    names = NameCounter()
    for number in range(MOST_NAMES):
        names[str(number)] += 1
    assert names.full is False
    names["one more"] += 1
    assert names.full is True
