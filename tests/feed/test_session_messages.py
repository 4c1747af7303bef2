"""What single messages do to a whole session, against a scripted venue in virtual time."""

from __future__ import annotations

import pytest

from kraken_tui.feed.connection.table import State
from kraken_tui.feed.events import Candles, Note, Resync, StateChanged, Trades
from kraken_tui.feed.limits import Limits
from kraken_tui.feed.subscriptions import Subscriptions
from kraken_tui.market.events import Proof
from kraken_tui.units import SECOND
from kraken_tui.wire.messages import SubscribeAck
from tests.rig.bench import Rig
from tests.rig.scripted import ScriptedVenue as Venue


@pytest.mark.parametrize(
    "row",
    ['"bids":[{"price":5000.0}],"asks":[]', '"bids":7,"asks":[]', '"bids":[{"price":5000.0,"qty":null}],"asks":[]'],
)
def test_an_unreadable_book_is_refetched_and_no_other_notices(up: Rig, row: str) -> None:
    up.events.clear()
    up.deliver(f'{{"channel":"book","type":"update","data":[{{"symbol":"BTC/USD",{row},"checksum":1}}]}}')
    up.run(3)
    assert [(event.symbol, event.cause) for event in up.of(Resync)] == [("BTC/USD", "bad number")]
    assert up.session.stitchers["ETH/USD"].counters.resyncs == 0
    assert len(up.dials) == 1
    assert all(stitcher.proof is Proof.VERIFIED for stitcher in up.session.stitchers.values())
    up.check()


def test_a_side_written_as_null_is_an_empty_one(up: Rig) -> None:
    book = up.venue.books["BTC/USD"]
    change = [(50_000, 77)]
    book.apply(change, [])
    up.deliver(book.frame("BTC/USD", "update", change, [], up.wall).replace('"asks":[]', '"asks":null'))
    assert up.session.stitchers["BTC/USD"].counters.resyncs == 0
    up.check()


@pytest.mark.parametrize(
    "frame",
    [
        '{"channel":"status","type":"update","data":[{"system":null}]}',
        '{"channel":"ohlc","type":"update","data":[{"symbol":"BTC/USD","open":1}]}',
        '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","trade_id":"7"}]}',
        '{"channel":"ticker","type":"update","data":[{"last":1}]}',
        '{"channel":"instrument","type":"update","data":[]}',
    ],
)
def test_a_frame_no_book_is_made_of_costs_no_connection(up: Rig, frame: str) -> None:
    for _ in range(20):
        up.deliver(frame)
    up.run(5)
    assert len(up.dials) == 1
    assert up.session.state is State.SUBSCRIBED
    assert up.session.counters.rejected == 20
    up.check()


def left_out(up: Rig) -> list[str]:
    return [event.text for event in up.of(Note) if "left out" in event.text]


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ('"trade_id":{0},', "", "BTC/USD: a trade was left out: no trade_id"),
        ('"trade_id":{0},', '"trade_id":"7",', "BTC/USD: a trade was left out, number 7: trade_id '7'"),
        ('"trade_id":{0},"timestamp":"', '"trade_id":{0},"t":"', "a trade was left out, number {0}: no timestamp"),
        ('"side":"buy",', "", "a trade was left out, number {0}: a trade of side"),
        ('"side":"buy",', '"side":[],', "a trade was left out, number {0}: a trade of side"),
        ('"symbol":"BTC/USD","side":"buy"', '"side":"buy"', "a trade was left out: it names no pair"),
        ('"symbol":"BTC/USD","side":"buy"', '"symbol":{{}},"side":"buy"', "a trade was left out: it names no pair"),
        ('"data":[', '"data":[null,', "a trade was left out: it names no pair"),
        ('"data":[', '"data":["x",', "a trade was left out: it names no pair"),
    ],
)
def test_one_unreadable_trade_costs_nobody_else(up: Rig, before: str, after: str, named: str) -> None:
    number = up.venue.next_trade
    up.events.clear()
    frame = up.venue.trades("BTC/USD", [number, number + 1])
    other = up.venue.trades("ETH/USD", [7]).partition('"data":[')[2]
    assert before.format(number) in frame
    frame = frame.replace(before.format(number), after.format(number), 1)[:-2] + "," + other
    up.deliver(frame)
    told = [(trade.symbol, trade.trade_id) for event in up.of(Trades) for trade in event.trades]
    whole = [("BTC/USD", number)] if "[" in before else []
    assert told == [*whole, ("BTC/USD", number + 1), ("ETH/USD", 7)]
    assert len(left_out(up)) == 1
    assert named.format(number) in left_out(up)[0]


@pytest.mark.parametrize("field", ['"ord_type":"limit",'])
def test_a_field_of_a_trade_that_is_not_needed_costs_nothing(up: Rig, field: str) -> None:
    up.events.clear()
    number = up.venue.next_trade
    frame = up.venue.trades("BTC/USD", [number, number + 1, number + 2])
    up.deliver(frame.replace(field, "", 1).replace(field, '"ord_type":null,', 1))
    told = [trade.trade_id for event in up.of(Trades) for trade in event.trades]
    assert told == [number, number + 1, number + 2]
    assert left_out(up) == []


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ('"high":5001.0', '"high":4000.0', "prices contradict each other"),
        ('"open":5000.0', '"open":0.0', "prices contradict each other"),
        ('"open":5000.0,', "", "not a number"),
        ('"interval":1,', "", "no interval"),
        ('"interval":1,', '"interval":"1",', "interval '1'"),
        ('"trades":3', '"trades":"many"', "trades 'many'"),
        ('"interval_begin":"', '"x":"', "a candle was left out: no interval_begin"),
        ('"symbol":"BTC/USD",', "", "a candle was left out: it names no pair"),
        ('"data":[', '"data":[[],', "a candle was left out: it names no pair"),
    ],
)
def test_one_unreadable_candle_costs_nobody_else(up: Rig, before: str, after: str, named: str) -> None:
    up.events.clear()
    head, _, row = up.venue.candle("BTC/USD", 1).partition('"data":[')
    other = up.venue.candle("ETH/USD", 1).partition('"data":[')[2]
    frame = f'{head}"data":[{row[:-2]},{other}'
    assert before in frame
    up.deliver(frame.replace(before, after, 1))
    whole = ["BTC/USD"] if "[" in before else []
    assert [event.symbol for event in up.of(Candles)] == [*whole, "ETH/USD"]
    assert len(left_out(up)) == 1
    assert named in left_out(up)[0]


@pytest.mark.parametrize("field", ['"trades":3,', '"vwap":5000.2,'])
@pytest.mark.parametrize("null", [False, True])
def test_a_field_of_a_candle_that_is_not_needed_costs_nothing(up: Rig, field: str, null: bool) -> None:
    up.events.clear()
    frame = up.venue.candle("BTC/USD", 1)
    assert field in frame
    up.deliver(frame.replace(field, field.partition(":")[0] + ":null," if null else ""))
    assert [event.symbol for event in up.of(Candles)] == ["BTC/USD"]
    assert left_out(up) == []


def test_an_emergency_notice_of_any_shape_is_no_reason_to_stay_away() -> None:
    venue = Venue()
    welcome = venue.welcome
    venue.welcome = lambda system="maintenance": (  # type: ignore[method-assign]
        welcome(system).replace('"version"', '"emergency": {"title": "x"}, "version"')
    )
    rig = Rig("BTC/USD", venue=venue)
    rig.run(5)
    assert rig.session.system == "maintenance"
    assert rig.session.stitchers["BTC/USD"].proof is Proof.VERIFIED
    assert len(rig.dials) == 1


def test_a_pair_that_cannot_be_read_costs_only_itself() -> None:
    venue = Venue()
    instruments = venue.instruments
    broken = '{"symbol":"X/Y","base":"X","quote":"Y","status":"online","price_precision":null,"qty_precision":8},'
    venue.instruments = lambda kind="snapshot", only=None: (  # type: ignore[method-assign]
        instruments(kind, only).replace('"pairs":[', f'"pairs":[{broken}')
    )
    rig = Rig("BTC/USD", "X/Y", venue=venue)
    rig.run(5)
    assert rig.session.stitchers["BTC/USD"].proof is Proof.VERIFIED
    assert rig.session.names["X/Y"] is None
    assert len(rig.dials) == 1


def test_an_instrument_list_refused_once_is_asked_for_on_the_next_connection() -> None:
    venue = Venue()
    venue.refuse["instrument"] = "Something nobody has seen"
    rig = Rig("BTC/USD", venue=venue)
    rig.run(10)
    assert rig.session.state is State.DISCONNECTED
    venue.refuse.clear()
    rig.run(70)
    assert rig.session.state is State.SUBSCRIBED
    assert len(rig.dials) == 2


def test_a_trade_that_comes_late_closes_its_gap(up: Rig) -> None:
    first = up.venue.next_trade
    for number in (first, first + 4, first + 2, first + 2, first - 20):
        up.deliver(up.venue.trades("BTC/USD", [number]))
    assert up.session.pairs["BTC/USD"].trade_gaps == up.session.counters.trade_gaps == 2
    up.deliver(up.venue.trades("BTC/USD", [first + 1, first + 3, first + 5]))
    assert up.session.pairs["BTC/USD"].trade_gaps == up.session.counters.trade_gaps == 0
    assert up.session.counters.duplicates == 1


def test_one_bad_trade_does_not_cost_its_neighbours(up: Rig) -> None:
    up.events.clear()
    first = up.venue.next_trade
    frame = up.venue.trades("BTC/USD", [first, first + 1, first + 2])
    up.deliver(frame.replace('"side":"buy"', '"side":"gift"', 1))
    assert [trade.trade_id for event in up.of(Trades) for trade in event.trades] == [first + 1, first + 2]
    assert up.session.counters.rejected == 1
    assert up.session.pairs["BTC/USD"].trade_gaps == 1
    up.check()


def test_made_up_kinds_are_counted_in_bounded_memory(up: Rig) -> None:
    for number in range(1000):
        up.deliver(f'{{"channel":"kind {number}"}}')
    ignored = up.session.counters.ignored
    assert sum(ignored.values()) == 1000
    assert len(ignored) <= 201
    up.check()


@pytest.mark.parametrize("channel", ["book", "trade", "ticker", "ohlc", "instrument"])
def test_f38_a_frame_of_an_unknown_type_is_ignored(up: Rig, channel: str) -> None:
    venue = up.venue
    frames = {
        "book": venue.books["BTC/USD"].frame("BTC/USD", "update", [(50_000, 5)], [], up.wall, 7),
        "trade": venue.trades("BTC/USD", [999]),
        "ticker": venue.ticker("BTC/USD", "update"),
        "ohlc": venue.candle("BTC/USD", 1).replace("snapshot", "update"),
        "instrument": venue.instruments("update"),
    }
    up.events.clear()
    up.deliver(frames[channel].replace('"type":"update"', '"type":"correction"'))
    assert up.events == []
    assert up.session.counters.ignored[f"unknown: {channel} correction"] == 1
    up.check()


def test_a_late_line_is_noticed_by_pongs_where_no_book_moves(up: Rig) -> None:
    up.updates = False
    up.run(5)
    answer = up.venue.answer

    def late(text: str) -> list[str]:
        up.venue.wall -= round(late_s * SECOND)
        frames = answer(text)
        up.venue.wall += round(late_s * SECOND)
        return frames

    up.venue.answer = late  # type: ignore[method-assign]
    late_s = 4.0
    up.run(25)
    assert up.session.state is State.DEGRADED
    assert "behind" in up.session.cause
    late_s = 12.0
    up.run(25)
    assert any("12 s behind" in event.cause for event in up.of(StateChanged))
    assert len(up.dials) == 2


def test_a_subscription_silent_for_a_day_keeps_no_list_of_all_its_requests() -> None:
    subscriptions = Subscriptions(Limits())
    subscriptions.want("ohlc", "BTC/USD", interval=1)
    sent = 0
    for second in range(0, 86_400, 5):
        subscriptions.tick(second * SECOND)
        sent += len(subscriptions.requests(second * SECOND, ready=True))
    known = subscriptions.get("ohlc", "BTC/USD")
    assert known is not None
    assert sent > 2000
    assert len(known.req_ids) == 16
    answer = SubscribeAck("subscribe", "ohlc", "BTC/USD", {}, (), known.req_ids[-2])
    assert subscriptions.acknowledged(answer).confirmed == [known]


def test_a_refusal_of_nothing_is_not_logged_a_hundred_times(up: Rig) -> None:
    for _ in range(100):
        up.deliver('{"method":"pong","error":"Not now","success":false}')
    notes = [event.text for event in up.of(Note) if "Not now" in event.text]
    assert notes == [f"the exchange says: Not now{times}" for times in ("", " (10 times)", " (100 times)")]
    assert up.session.counters.ignored["refusal of nothing that was asked"] == 100


AAPLX = '{"symbol":"AAPLx/USD","base":"AAPLx","quote":"USD","status":"online","price_precision":2,"qty_precision":8}'


def test_tokenised_assets_are_asked_for_and_told_apart() -> None:
    venue = Venue()
    instruments = venue.instruments
    asked: list[str] = []

    def listed(kind: str = "snapshot", only: str | None = None) -> str:
        text = instruments(kind, only).replace('"pairs":[', f'"pairs":[{AAPLX},')
        return text.replace('"assets":[]', '"assets":[{"id":"AAPLx","multiplier":1.0},{"id":"BTC"}]')

    venue.instruments = listed  # type: ignore[method-assign]
    rig = Rig("BTC/USD", "aaplxusd", venue=venue)
    rig.run(5)
    asked = [text for _, text in rig.sent if '"instrument"' in text]
    assert len(asked) == 1
    assert '"include_tokenized_assets":true' in asked[0]
    assert rig.session.names["aaplxusd"] == "AAPLx/USD"
    assert rig.session.specs["AAPLx/USD"].tokenised
    assert not rig.session.specs["BTC/USD"].tokenised
