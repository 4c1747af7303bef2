"""Every documented frame shape, every refusal of section 3, and anything at all."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.errors import InvalidMessage
from kraken_tui.wire.decode import MAX_FRAME, MOST_NAMES, OTHERS, FieldCensus, NameCounter, decode
from kraken_tui.wire.messages import (
    BookMessage,
    HeartbeatMessage,
    InstrumentMessage,
    OhlcMessage,
    Pong,
    Refusal,
    StatusMessage,
    SubscribeAck,
    TickerMessage,
    TradeMessage,
    UnknownMessage,
    WireLevel,
)

BOOK = (
    '{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":45283.5,"qty":0.10000000}],'
    '"asks":[{"price":45285.2,"qty":0.00100000}],"checksum":3310070434,"timestamp":"2023-10-06T17:35:55.440295Z"}]}'
)
UPDATE = (
    '{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":45283.0,"qty":0.00000000}],'
    '"asks":[],"checksum":1,"timestamp":"2023-10-06T17:35:56.440295Z"}]}'
)
TRADE = (
    '{"channel":"trade","type":"update","data":[{"symbol":"MATIC/USD","side":"sell","price":0.5117,"qty":40.0,'
    '"ord_type":"market","trade_id":4665906,"timestamp":"2023-09-25T07:49:37.708706Z"}]}'
)
TICKER = (
    '{"channel":"ticker","type":"snapshot","data":[{"symbol":"ALGO/USD","bid":0.10025,"bid_qty":740.0,"ask":0.10036,'
    '"ask_qty":1361.44813783,"last":0.10035,"volume":997038.98383185,"vwap":0.10148,"low":0.09979,"high":0.10285,'
    '"change":-0.00017,"change_pct":-0.17,"trades":12}]}'
)
OHLC = (
    '{"channel":"ohlc","type":"update","timestamp":"2023-10-04T16:26:30.524394914Z","data":[{"symbol":"MATIC/USD",'
    '"open":0.5624,"high":0.5628,"low":0.5622,"close":0.5627,"trades":12,"volume":30927.68066226,"vwap":0.5626,'
    '"interval_begin":"2023-10-04T16:25:00.000000000Z","interval":5,"timestamp":"2023-10-04T16:30:00.000000Z"}]}'
)
STATUS = (
    '{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online","api_version":"v2",'
    '"connection_id":18125794168470749634,"upcoming_maintenance":[],"emergency":[]}]}'
)
INSTRUMENT = (
    '{"channel":"instrument","type":"snapshot","data":{"assets":[{"id":"USD","status":"enabled","precision":4,'
    '"precision_display":2,"borrowable":true,"collateral_value":1.0,"margin_rate":0.015}],"pairs":[{"symbol":"EUR/USD",'
    '"base":"EUR","quote":"USD","status":"online","qty_precision":8,"qty_increment":1e-08,"price_precision":5,'
    '"cost_precision":5,"marginable":true,"has_index":true,"cost_min":0.5,"price_increment":1e-05,"qty_min":0.5}]}}'
)
HEARTBEAT = '{"channel":"heartbeat"}'
ACK = (
    '{"method":"subscribe","result":{"channel":"book","depth":10,"snapshot":true,"symbol":"BTC/USD","warnings":'
    '["timestamp is deprecated, use interval_begin"]},"success":true,"time_in":"2023-10-06T17:35:55.219022Z",'
    '"time_out":"2023-10-06T17:35:55.219067Z","req_id":1}'
)
FRAMES = [BOOK, UPDATE, TRADE, TICKER, OHLC, STATUS, INSTRUMENT, HEARTBEAT, ACK]


def test_book_keeps_the_wires_digits() -> None:
    message = decode(BOOK)
    assert isinstance(message, BookMessage)
    data = message.data[0]
    assert (message.type, data.symbol, data.checksum) == ("snapshot", "BTC/USD", 3310070434)
    assert [(level.price, level.qty) for level in data.bids] == [("45283.5", "0.10000000")]
    assert [(level.price, level.qty) for level in data.asks] == [("45285.2", "0.00100000")]
    assert data.timestamp == "2023-10-06T17:35:55.440295Z"


def test_book_bytes_equal_text() -> None:
    assert decode(BOOK.encode()) == decode(BOOK)


def test_book_update_with_removal() -> None:
    message = decode(UPDATE)
    assert isinstance(message, BookMessage)
    assert message.data[0].bids[0].qty == "0.00000000"
    assert message.data[0].asks == []


def test_numbers_without_a_point_and_with_exponents() -> None:
    message = decode('{"channel":"book","type":"update","data":[{"symbol":"A/B","bids":[{"price":5,"qty":0E0}]}]}')
    assert isinstance(message, BookMessage)
    assert (message.data[0].bids[0].price, message.data[0].bids[0].qty) == (5, "0E0")
    assert message.data[0].checksum is None
    assert message.data[0].timestamp is None


@pytest.mark.parametrize("checksum", ['"abc"', "null", "-1", "1.5", "[]", "99999999999999999999999"])
def test_an_odd_checksum_does_not_break_the_frame(checksum: str) -> None:
    message = decode(BOOK.replace("3310070434", checksum))
    assert isinstance(message, BookMessage)
    assert message.data[0].checksum != 3310070434


def test_trade() -> None:
    message = decode(TRADE)
    assert isinstance(message, TradeMessage)
    trade = message.data[0]
    assert (trade.side, trade.price, trade.qty, trade.ord_type, trade.trade_id) == (
        "sell",
        "0.5117",
        "40.0",
        "market",
        4665906,
    )


def test_ticker_with_and_without_late_fields() -> None:
    message = decode(TICKER)
    assert isinstance(message, TickerMessage)
    assert (message.data[0].change_pct, message.data[0].trades, message.data[0].timestamp) == ("-0.17", 12, None)
    bare = decode('{"channel":"ticker","type":"update","data":[{"symbol":"A/B"}]}')
    assert isinstance(bare, TickerMessage)
    assert bare.data[0].last is None


def test_ohlc() -> None:
    message = decode(OHLC)
    assert isinstance(message, OhlcMessage)
    assert message.timestamp == "2023-10-04T16:26:30.524394914Z"
    assert (message.data[0].interval, message.data[0].trades, message.data[0].volume) == (5, 12, "30927.68066226")


def test_status_keeps_the_connection_id_exact() -> None:
    message = decode(STATUS)
    assert isinstance(message, StatusMessage)
    assert (message.data[0].system, message.data[0].connection_id) == ("online", 18125794168470749634)


def test_status_with_type_last_and_without_late_fields() -> None:
    message = decode('{"channel":"status","data":[{"system":"post_only","version":"2.0.4"}],"type":"update"}')
    assert isinstance(message, StatusMessage)
    assert message.data[0].upcoming_maintenance is None


@pytest.mark.parametrize("notice", ['{"title":"x"}', "null", '"soon"', '[{"event_id":1}]', "7"])
def test_status_is_read_whatever_an_emergency_looks_like(notice: str) -> None:
    message = decode(
        f'{{"channel":"status","data":[{{"system":"maintenance","emergency":{notice},"upcoming_maintenance":{notice},'
        f'"version":{notice},"api_version":{notice}}}],"type":"update"}}'
    )
    assert isinstance(message, StatusMessage)
    assert message.data[0].system == "maintenance"


def test_instrument() -> None:
    message = decode(INSTRUMENT)
    assert isinstance(message, InstrumentMessage)
    pair = message.data.pairs[0]
    assert (pair.symbol, pair.price_precision, pair.price_increment) == ("EUR/USD", 5, "1e-05")
    partial = decode('{"channel":"instrument","type":"update","data":{"assets":[]}}')
    assert isinstance(partial, InstrumentMessage)
    assert partial.data.pairs == []


def test_heartbeat() -> None:
    assert isinstance(decode(HEARTBEAT), HeartbeatMessage)


def test_acknowledgement() -> None:
    message = decode(ACK)
    assert isinstance(message, SubscribeAck)
    assert (message.method, message.channel, message.symbol, message.req_id) == ("subscribe", "book", "BTC/USD", 1)
    assert message.result["depth"] == 10
    assert message.warnings == ("timestamp is deprecated, use interval_begin",)


def test_unsubscribe_acknowledgement_without_snapshot() -> None:
    message = decode(
        '{"method":"unsubscribe","result":{"channel":"book","depth":10,"symbol":"BTC/USD"},"success":true,'
        '"time_in":"a","time_out":"b"}'
    )
    assert isinstance(message, SubscribeAck)
    assert (message.method, message.req_id, message.warnings) == ("unsubscribe", None, ())


def test_instrument_acknowledgement_has_no_symbol() -> None:
    message = decode('{"method":"subscribe","result":{"channel":"instrument","snapshot":true},"success":true}')
    assert isinstance(message, SubscribeAck)
    assert message.symbol is None


def test_pong_as_printed_and_as_in_the_schema() -> None:
    plain = decode('{"method":"pong","req_id":101,"time_in":"a","time_out":"b"}')
    assert plain == Pong(req_id=101, time_in="a", time_out="b")
    full = decode('{"method":"pong","success":true,"result":{"warnings":[]},"time_in":"a","time_out":"b"}')
    assert full == Pong(req_id=None, time_in="a", time_out="b")


ERRORS = [
    "Currency pair not supported XBT/USD",
    "Currency pair not in ISO 4217-A3 format XBTUSD",
    "Subscription depth not supported",
    "Already subscribed",
    "Unsupported event",
    "Unsupported field: 'params' for the given msg type: ping",
    "Limit_price field must be a number_float",
    "Token(s) not found",
    "EGeneral:Permission denied",
    "EGeneral:Invalid arguments:volume minimum not met",
    "Private data and trading are unavailable on this endpoint. Try ws-auth.kraken.com",
    "Public market data subscriptions are unavailable on this endpoint. Try ws.kraken.com",
    "Exceeded msg rate",
    "Subscription Not Found",
    "Event(s) not found",
]


@pytest.mark.parametrize("error", ERRORS)
def test_refusals(error: str) -> None:
    fields = {
        "error": error,
        "method": "subscribe",
        "success": False,
        "symbol": "XBT/USD",
        "req_id": 7,
        "time_in": "2023-10-06T17:35:55.219022Z",
        "time_out": "2023-10-06T17:35:55.219022Z",
    }
    assert decode(json.dumps(fields)) == Refusal("subscribe", error, "XBT/USD", None, 7)


def test_refusal_without_symbol_or_request_number() -> None:
    message = decode('{"error":"Subscription depth not supported","method":"subscribe","success":false}')
    assert message == Refusal("subscribe", "Subscription depth not supported", None, None, None)


def test_private_refusal_carries_a_channel_too() -> None:
    message = decode(
        '{"channel":"executions","error":"ESession:Invalid session","method":"subscribe","status":"error",'
        '"success":false}'
    )
    assert message == Refusal("subscribe", "ESession:Invalid session", None, "executions", None)


def test_rate_refusal_with_a_capital_e() -> None:
    assert decode('{"Error":"Exceeded msg rate"}') == Refusal("", "Exceeded msg rate", None, None, None)


def test_rate_refusal_on_a_known_channel_name() -> None:
    message = decode('{"channel":"book","error":"Exceeded msg rate","method":"subscribe","success":false}')
    assert isinstance(message, Refusal)


def test_refusal_without_a_reason() -> None:
    message = decode('{"method":"subscribe","success":false,"result":{"symbol":"A/B"}}')
    assert message == Refusal("subscribe", "refused without a reason", "A/B", None, None)


def test_refusal_text_is_cleaned() -> None:
    message = decode('{"method":"subscribe","success":false,"error":"\\u001b]0;x\\u0007"}')
    assert isinstance(message, Refusal)
    assert "\x1b" not in message.error


def test_names_from_outside_are_counted_in_bounded_memory() -> None:
    names = NameCounter()
    for number in range(MOST_NAMES + 500):
        names[f"unknown: {number}"] += 1
    names["unknown: 0"] += 1
    assert names.total() == MOST_NAMES + 501
    assert len(names) == MOST_NAMES + 1
    assert (names["unknown: 0"], names[OTHERS]) == (2, 500)


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ('{"channel":"executions","type":"snapshot","data":[],"sequence":1}', "executions"),
        ('{"channel":"level3","type":"update","data":[]}', "level3"),
        ('{"channel":7}', "7"),
        ("{}", "frame without channel"),
        ('{"method":"add_order","success":true,"result":{"order_id":"A"}}', "method add_order"),
        ('{"method":"subscribe","success":true}', "method subscribe"),
        ('{"channel":"new\\u001bthing"}', "new\ufffdthing"),
        (BOOK.replace('"type":"snapshot"', '"type":"\\u001b]52;c;eA==\\u0007"'), "book \ufffd]52;c;eA==\ufffd"),
        ('{"channel":"trade","type":"delta","data":[]}', "trade delta"),
    ],
)
def test_unknown_kinds_are_named(frame: str, kind: str) -> None:
    assert decode(frame) == UnknownMessage(kind)


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "not json",
        "[]",
        "[1,2,3]",
        '"text"',
        "12",
        "null",
        "true",
        "{",
        BOOK[:-2],
        BOOK + "x",
        b"\xff\xfe",
        b'{"channel":"status\xff"}',
        '{"channel":"book"}',
        '{"channel":"book","type":"update"}',
        '{"channel":"book","type":"update","data":{}}',
        '{"channel":"book","type":"update","data":[{}]}',
        '{"channel":"book","type":"update","data":[{"symbol":7}]}',
        '{"channel":"book","type":5,"data":[]}',
        '{"channel":"trade","type":"update","data":{}}',
        '{"channel":"ohlc","type":"update"}',
        '{"channel":"instrument","type":"update","data":[]}',
        '{"channel":"status","data":"x"}',
        '{"channel":"book","type":"update","data":[{"symbol":"A/B","bids":[{"price":NaN,"qty":1.0}]}]}',
        '{"channel":"book","type":"update","data":[{"symbol":"A/B","bids":[{"price":1.0}]},{"bids":[]}]}',
        '{"channel":"instrument","type":"update","data":{"pairs":[{"symbol":"A/B"}]}}',
        "[" * 100_000,
        '{"channel":"book","data":' + "[" * 100_000,
        '{"a":' * 100_000,
        "x" * (MAX_FRAME + 1),
    ],
)
def test_malformed(frame: str | bytes) -> None:
    with pytest.raises(InvalidMessage) as caught:
        decode(frame)
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("row", "bids", "asks"),
    [
        ('"bids":null,"asks":[{"price":1.5,"qty":2.0}]', [], [WireLevel("1.5", "2.0")]),
        ('"bids":[{"price":1.5,"qty":2.0}],"asks":null,"timestamp":null', [WireLevel("1.5", "2.0")], []),
        ('"bids":[{"price":1.0}],"asks":[]', [WireLevel(None, None)], []),
        ('"bids":[],"asks":{}', [WireLevel(None, None)], []),
        ('"bids":[],"timestamp":17', [WireLevel(None, None)], []),
    ],
)
def test_a_broken_book_is_told_from_the_others_of_its_frame(
    row: str, bids: list[WireLevel], asks: list[WireLevel]
) -> None:
    frame = (
        f'{{"channel":"book","type":"update","data":[{{"symbol":"A/B",{row},"checksum":7}},'
        '{"symbol":"C/D","bids":[{"price":3.0,"qty":4.0}],"asks":[],"checksum":8}]}'
    )
    message = decode(frame)
    assert isinstance(message, BookMessage)
    broken, other = message.data
    assert (broken.symbol, broken.bids, broken.asks) == ("A/B", bids, asks)
    assert (other.symbol, other.bids, other.checksum) == ("C/D", [WireLevel("3.0", "4.0")], 8)
    FieldCensus().look(frame, message)


def test_one_bad_pair_does_not_cost_the_instrument_list() -> None:
    good = '"base":"A","quote":"B","status":"online","price_precision":1,"qty_precision":8'
    bad = good.replace('"price_precision":1', '"price_precision":null')
    frame = (
        '{"channel":"instrument","type":"snapshot","data":{"assets":[null,{"id":"A","precision":null},{"id":"B"}],'
        f'"pairs":[{{"symbol":"X/Y",{bad}}},{{"symbol":"A/B",{good}}}]}}}}'
    )
    message = decode(frame)
    assert isinstance(message, InstrumentMessage)
    assert [pair.symbol for pair in message.data.pairs] == ["A/B"]
    assert [asset.id for asset in message.data.assets] == ["B"]
    FieldCensus().look(frame, message)


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    decodes_or_is_invalid(data)


@given(st.text(max_size=300))
def test_any_text(data: str) -> None:
    decodes_or_is_invalid(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["channel", "type", "data", "symbol", "bids", "asks", "method", "result", "error", "req_id"])
WORDS = st.sampled_from(["book", "trade", "ticker", "ohlc", "status", "instrument", "subscribe", "pong", "update"])


@given(st.dictionaries(NAMES, WORDS | JSON, max_size=8))
def test_any_object_of_known_names(fields: dict[str, Any]) -> None:
    decodes_or_is_invalid(json.dumps(fields))


@given(st.sampled_from(FRAMES), st.integers(0, 10_000), st.integers(0, 40), st.binary(max_size=12))
def test_mutated_frames(frame: str, at: int, cut: int, put: bytes) -> None:
    data = frame.encode()
    at %= len(data)
    decodes_or_is_invalid(data[:at] + put + data[at + cut :])


def decodes_or_is_invalid(frame: str | bytes) -> None:
    try:
        message = decode(frame)
    except InvalidMessage:
        return
    census = FieldCensus(always=1)
    census.look(frame, message)
    assert all(name.isprintable() for name in census.unknown)


class TestFieldCensus:
    def test_unknown_fields_are_named_at_every_depth(self) -> None:
        census = FieldCensus()
        frame = BOOK.replace('"qty":0.10000000', '"qty":0.10000000,"orders":3').replace(
            '"checksum"', '"new":1,"checksum"'
        )
        frame = frame.replace('"type"', '"sequence":9,"type"')
        census.look(frame, decode(frame))
        assert dict(census.unknown) == {"book.sequence": 1, "book.data.new": 1, "book.data.bids.orders": 1}

    def test_known_frames_have_none(self) -> None:
        census = FieldCensus()
        for frame in (BOOK, TRADE, TICKER, OHLC, STATUS, HEARTBEAT):
            census.look(frame, decode(frame))
        assert not census.unknown

    def test_samples(self) -> None:
        census = FieldCensus(always=2, every=4)
        frame = '{"channel":"heartbeat","x":1}'
        for _ in range(8):
            census.look(frame, decode(frame))
        assert census.unknown["heartbeat.x"] == 4

    def test_made_up_names_are_counted_in_bounded_memory(self) -> None:
        census = FieldCensus(every=1)
        for number in range(1000):
            frame = f'{{"channel":"heartbeat","x{number}":1}}'
            census.look(frame, decode(frame))
        assert sum(census.unknown.values()) == 1000
        assert len(census.unknown) <= 201

    def test_names_are_cleaned(self) -> None:
        census = FieldCensus()
        frame = '{"channel":"heartbeat","\\u001b[2J":1}'
        census.look(frame, decode(frame))
        assert all("\x1b" not in name for name in census.unknown)

    @pytest.mark.parametrize("number", ["9" * 5000, "1e999", "-0"])
    def test_odd_numbers_in_unknown_fields(self, number: str) -> None:
        census = FieldCensus()
        frame = f'{{"channel":"heartbeat","x":{number}}}'
        census.look(frame, decode(frame))
        assert census.unknown["heartbeat.x"] == 1


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
