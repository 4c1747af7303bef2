"""JSON lines: exact digits, documented keys in their order, and text that cannot act on a terminal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kraken_tui.engine.events import BookLine
from kraken_tui.feed.events import (
    BookStateChanged,
    Note,
    Refused,
    Resync,
    SpecChanged,
    StateChanged,
    TickerChanged,
)
from kraken_tui.market.book.l2 import Level
from kraken_tui.market.events import (
    BookChanged,
    BookState,
    Candle,
    CandleChanged,
    FlowEvent,
    FlowKind,
    Health,
    MarketStatus,
    Proof,
    Side,
    Trade,
)
from kraken_tui.market.views import Ticker
from kraken_tui.outputs import jsonlines as module
from kraken_tui.outputs.jsonlines import JsonLines
from kraken_tui.units import SECOND
from kraken_tui.wire.checksum import checksum_of_text, checksum_of_units
from kraken_tui.wire.digits import from_units
from kraken_tui.wire.symbols import PairSpec

SPEC = PairSpec("BTC/USD", "BTC", "USD", price_precision=1, qty_precision=8)
NS = 1_696_613_755_440_295_000
LEVELS = st.lists(
    st.tuples(st.integers(1, 10**7), st.integers(1, 10**13)), min_size=10, max_size=10, unique_by=lambda level: level[0]
)


def line_of(changed: BookChanged, bids: tuple[Level, ...], asks: tuple[Level, ...], spec: PairSpec = SPEC) -> BookLine:
    return BookLine(changed, bids, asks, spec)


CHANGED = BookChanged("BTC/USD", "update", True, 3310070434, "2023-10-06T17:35:55.440295Z", NS, NS + 5_000)
TRADE = Trade("BTC/USD", Side.SELL, 452835, 10_000_000, "limit", 123, "2023-10-06T17:35:55.440295Z", NS)


def written(event: object, **options: bool) -> str:
    lines = JsonLines(lambda _: SPEC, **options)
    line = lines.line(event)
    assert line is not None
    return line


def test_a_book_line_is_exactly_as_documented() -> None:
    line = JsonLines().book_line(line_of(CHANGED, ((452835, 10_000_000), (452830, 1)), ((452836, 150_000_000),)))
    assert line == (
        '{"event":"book","symbol":"BTC/USD","kind":"update","verified":true,"checksum":3310070434,'
        '"timestamp":"2023-10-06T17:35:55.440295Z","received":"2023-10-06T17:35:55.440300Z",'
        '"bids":[["45283.5","0.10000000"],["45283.0","0.00000001"]],"asks":[["45283.6","1.50000000"]]}\n'
    )


def test_a_book_that_failed_its_proof_is_never_printed_as_verified() -> None:
    for changed in (
        replace(CHANGED, verified=False),
        replace(CHANGED, verified=False, checksum=None, timestamp=None),
        replace(CHANGED, verified=None),  # type: ignore[arg-type]
        replace(CHANGED, verified=1),  # type: ignore[arg-type]
    ):
        assert json.loads(JsonLines().book_line(line_of(changed, (), ())))["verified"] is False
    empty = json.loads(JsonLines().book_line(line_of(replace(CHANGED, checksum=None, timestamp=None), (), ())))
    assert empty["checksum"] is None
    assert empty["timestamp"] is None


@given(LEVELS, LEVELS, st.integers(0, 10), st.integers(0, 10))
def test_every_line_proves_its_own_checksum(
    asks: list[tuple[int, int]], bids: list[tuple[int, int]], price_precision: int, qty_precision: int
) -> None:
    spec = replace(SPEC, price_precision=price_precision, qty_precision=qty_precision)
    asks, bids = sorted(asks), sorted(bids, reverse=True)
    changed = replace(CHANGED, checksum=checksum_of_units(asks, bids))
    lines = JsonLines()
    for _ in range(2):  # the second time from remembered text
        read = json.loads(lines.book_line(line_of(changed, tuple(bids), tuple(asks), spec)))
        assert checksum_of_text(read["asks"], read["bids"]) == read["checksum"]


def test_a_changed_precision_changes_the_text_of_the_same_level() -> None:
    lines = JsonLines()
    first = json.loads(lines.book_line(line_of(CHANGED, ((5, 5),), ())))
    second = json.loads(lines.book_line(line_of(CHANGED, ((5, 5),), (), replace(SPEC, price_precision=2))))
    assert (first["bids"], second["bids"]) == ([["0.5", "0.00000005"]], [["0.05", "0.00000005"]])


def test_other_events_are_as_documented() -> None:
    assert written(TRADE) == (
        '{"event":"trade","symbol":"BTC/USD","side":"sell","price":"45283.5","qty":"0.10000000","ord_type":"limit",'
        '"trade_id":123,"timestamp":"2023-10-06T17:35:55.440295Z"}\n'
    )
    candle = Candle(1_696_613_700, 1, 10, 30, 5, 20, 3, 50, 2, closed=True)
    assert written(CandleChanged("BTC/USD", candle)) == (
        '{"event":"candle","symbol":"BTC/USD","interval":1,"begin":"2023-10-06T17:35:00Z","open":"1.0","high":"3.0",'
        '"low":"0.5","close":"2.0","volume":"0.00000003","vwap":"1.7","trades":2,"closed":true}\n'
    )
    assert written(StateChanged(NS, "SUBSCRIBED", "all acknowledged", 0, None)) == (
        '{"event":"state","connection":"SUBSCRIBED","cause":"all acknowledged","attempt":0}\n'
    )
    assert written(Resync(NS, "BTC/USD", "checksum", 1, 2)) == (
        '{"event":"resync","symbol":"BTC/USD","cause":"checksum","expected":1,"actual":2}\n'
    )
    assert written(Resync(NS, "BTC/USD", "reconnect")) == (
        '{"event":"resync","symbol":"BTC/USD","cause":"reconnect","expected":null,"actual":null}\n'
    )
    assert written(Health("BTC/USD", MarketStatus.ACTIVE, "book moving", 12)) == (
        '{"event":"health","symbol":"BTC/USD","status":"active","age_ms":12,"reason":"book moving"}\n'
    )
    assert json.loads(written(Health("BTC/USD", MarketStatus.UNKNOWN, "", None)))["age_ms"] is None
    assert written(Refused(NS, "BTC/USX", "", "no such pair", ("BTC/USD",))) == (
        '{"event":"refused","symbol":"BTC/USX","error":"no such pair; nearest: BTC/USD"}\n'
    )
    assert written(Refused(NS, "X", "ohlc", "no such pair; nearest: BTC/USD", ("BTC/USD",))) == (
        '{"event":"refused","symbol":"X","error":"ohlc: no such pair; nearest: BTC/USD"}\n'
    )
    assert written(FlowEvent("BTC/USD", NS, FlowKind.SWEEP, Side.BUY, 452840, 100, 3, 452830, 45_283_500, 4)) == (
        '{"event":"flow","symbol":"BTC/USD","kind":"sweep","side":"buy","price":"45284.0","qty":"0.00000100",'
        '"levels":3,"timestamp":"2023-10-06T17:35:55.440295Z","from":"45283.0","value":"0.045283500","fills":4}\n'
    )
    moved = json.loads(written(FlowEvent("BTC/USD", NS, FlowKind.MOVED, Side.BUY, 10, 10, origin=11, turnover=100)))
    assert (moved["kind"], moved["from"], moved["price"], moved["fills"]) == ("moved", "1.1", "1.0", 0)
    wall = json.loads(written(FlowEvent("BTC/USD", NS, FlowKind.WALL, Side.BUY, 10, 10, turnover=100)))
    assert wall["from"] is None


def test_a_candle_without_trades_has_no_vwap() -> None:
    candle = Candle(0, 1, 10, 10, 10, 10, 0, 0, 0)
    assert json.loads(written(CandleChanged("BTC/USD", candle)))["vwap"] is None


def test_a_candle_that_did_not_change_is_printed_once() -> None:
    lines = JsonLines(lambda _: SPEC)
    candle = CandleChanged("BTC/USD", Candle(0, 1, 10, 10, 10, 10, 1, 10, 1))
    assert lines.line(candle) is not None
    assert lines.line(candle) is None
    assert lines.line(replace(candle, symbol="ETH/USD")) is not None
    assert lines.line(replace(candle, candle=replace(candle.candle, closed=True))) is not None


def test_vwap_is_rounded_to_a_tick_without_floats() -> None:
    volume = 10**20 + 1
    candle = Candle(0, 1, 1, 1, 1, 1, volume, 3 * volume + volume // 2 + 1, 1)
    assert json.loads(written(CandleChanged("BTC/USD", candle)))["vwap"] == "0.4"


def test_trades_of_a_snapshot_are_printed_only_when_asked_for() -> None:
    old = replace(TRADE, live=False)
    assert JsonLines(lambda _: SPEC).line(old) is None
    assert json.loads(written(old, snapshot_trades=True))["trade_id"] == 123


def test_without_known_precisions_nothing_is_guessed() -> None:
    lines = JsonLines()
    assert lines.line(TRADE) is None
    assert lines.counts.left_out == 1
    lines.line(SpecChanged(SPEC))
    assert lines.line(TRADE) is not None
    lines.book_line(line_of(CHANGED, (), (), replace(SPEC, price_precision=2)))
    assert json.loads(lines.line(TRADE) or "")["price"] == "4528.35"
    assert lines.counts.left_out == 1


def test_events_of_no_interest_give_no_line() -> None:
    assert JsonLines().line(Note(NS, "info", "text")) is None


@pytest.mark.parametrize("hostile", ["\x1b]0;x\x07", '","event":"book', "\u202e\u2028\n", "\ud800"])
def test_text_from_outside_stays_inert_and_inside_its_string(hostile: str) -> None:
    for event, key in (
        (StateChanged(NS, "CONNECTING", hostile, 1, 0.5), "cause"),
        (replace(TRADE, symbol=hostile), "symbol"),
        (replace(TRADE, ord_type=hostile), "ord_type"),
        (Refused(NS, hostile, "", hostile), "symbol"),
    ):
        line = written(event)
        assert line.isascii()
        assert line[:-1].isprintable()
        assert json.loads(line)[key] == hostile
    book = JsonLines().book_line(line_of(replace(CHANGED, timestamp=hostile), (), ()))
    assert json.loads(book)["timestamp"] == hostile


def test_lines_wait_for_the_flush_and_leave_in_one_write() -> None:
    written: list[bytes] = []
    lines = JsonLines(lambda _: SPEC, written.append)
    lines.open()
    book = line_of(CHANGED, ((1, 1),), ((2, 2),))
    assert [lines.write(event) for event in (book, TRADE, Note(NS, "info", "text"), replace(TRADE, live=False))] == [
        True,
        True,
        False,
        False,
    ]
    assert written == []
    lines.flush()
    lines.flush()
    lines.close()
    assert [line[:15] for line in b"".join(written).splitlines()] == [b'{"event":"book"', b'{"event":"trade']
    assert len(written) == 1
    assert lines.counts == (2, 0)


def test_trades_from_before_the_subscription_say_so() -> None:
    assert '"live"' not in written(TRADE)
    assert written(replace(TRADE, live=False), snapshot_trades=True).endswith(',"live":false}\n')


def test_tickers_and_proofs_are_written_only_where_asked_for() -> None:
    ticker = TickerChanged("BTC/USD", Ticker(last=452_835, change="-0.5", volume=10_000_000))
    proof = BookStateChanged(NS, "BTC/USD", BookState.WAIT_ACK, Proof.UNVERIFIED, 'lost "it"')
    assert JsonLines(lambda _: SPEC).line(ticker) is None
    assert JsonLines(lambda _: SPEC).line(proof) is None
    assert json.loads(written(ticker, tickers=True)) == {
        "event": "ticker",
        "symbol": "BTC/USD",
        "last": "45283.5",
        "bid": None,
        "ask": None,
        "high": None,
        "low": None,
        "vwap": None,
        "volume": "0.10000000",
        "change": "-0.5",
        "change_pct": None,
    }
    assert json.loads(written(proof, proofs=True)) == {
        "event": "proof",
        "symbol": "BTC/USD",
        "state": "WAIT_ACK",
        "proof": "UNVERIFIED",
        "reason": 'lost "it"',
    }


def test_the_moment_of_receipt_is_exact_within_a_second_and_across_it() -> None:
    lines = JsonLines()

    def received(ns: int) -> str:
        text: str = json.loads(lines.book_line(line_of(replace(CHANGED, received_ns=ns), (), ())))["received"]
        return text

    second = 1_696_613_755 * SECOND
    assert [received(ns) for ns in (0, SECOND, second, second + 999, second + 1000, second + SECOND - 1,
                                    second + SECOND, second + 1000)] == [
        "1970-01-01T00:00:00.000000Z", "1970-01-01T00:00:01.000000Z", "2023-10-06T17:35:55.000000Z",
        "2023-10-06T17:35:55.000000Z", "2023-10-06T17:35:55.000001Z", "2023-10-06T17:35:55.999999Z",
        "2023-10-06T17:35:56.000000Z", "2023-10-06T17:35:55.000001Z",
    ]  # fmt: skip


def test_what_is_remembered_of_levels_has_an_end_and_is_of_use(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counted(units: int, decimals: int) -> str:
        made.append(units)
        return from_units(units, decimals)

    monkeypatch.setattr(module, "_CACHED_LEVELS", 3)
    monkeypatch.setattr(module, "from_units", counted)
    lines = JsonLines()

    def texts(*ticks: int) -> int:
        made.clear()
        lines.book_line(line_of(CHANGED, tuple((each, 1) for each in ticks), ()))
        return len(made) // 2

    assert [texts(1, 2), texts(1, 2), texts(1, 2, 3, 4), texts(1), texts(2)] == [2, 0, 2, 1, 1]


def test_precisions_once_known_are_not_asked_for_again() -> None:
    asked: list[str] = []

    def spec_of(symbol: str) -> PairSpec | None:
        asked.append(symbol)
        return SPEC if len(asked) == 1 else None

    lines = JsonLines(spec_of)
    assert lines.line(TRADE) == lines.line(TRADE)
    assert asked == ["BTC/USD"]


def test_closing_writes_what_waits() -> None:
    written: list[bytes] = []
    lines = JsonLines(lambda _: SPEC, written.append)
    lines.write(TRADE)
    lines.close()
    lines.close()
    assert len(written) == 1
