"""Recordings: those of the reference generator, which are part of the repository, and those of the real exchange.

The real ones lie in the folder that KRAKEN_TUI_SHARED names, or in `shared` beside the checkout. Without them each test
on them is skipped once, for all of them; the reference and the documented examples (tests/reference) remain.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kraken_tui.errors import InvalidMessage
from kraken_tui.feed.events import StateChanged
from kraken_tui.feed.rest.client import read_answer
from kraken_tui.feed.session import Session
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.candles import MAX_CANDLES, CandleAggregator
from kraken_tui.market.convert import candles_from_rest, trades_from_rest
from kraken_tui.market.events import BookChanged, Candle, FlowKind, Proof, Side, Trade
from kraken_tui.recording.reader import Recorded, Recording, open_recording
from kraken_tui.recording.replay import ReplayClock, run_replay
from kraken_tui.recording.timeline import timeline
from kraken_tui.units import SECOND
from kraken_tui.wire.decode import decode
from kraken_tui.wire.digits import decimals, from_units
from kraken_tui.wire.messages import BookMessage
from kraken_tui.wire.symbols import PairSpec
from kraken_tui.wire.timestamps import parse_timestamp
from tests.market.book.test_l2 import SlowBook, feed_message
from tests.market.test_pair import Rig
from tests.reference.session import FOLDER, RECORDINGS
from tests.shared import shared_folder

_CAPTURES = shared_folder() / "kraken" / "captures"
_NOT_HERE = f"recordings of the real exchange are not part of the repository, and none lie at {_CAPTURES}"
BTC_USD = PairSpec("BTC/USD", "BTC", "USD", 1, 8)
BTC_USDT = PairSpec("BTC/USDT", "BTC", "USDT", 1, 8)


def real(*values: Any) -> list[Any]:
    """Parameters on real data; where there is none, one parameter that is skipped with the reason."""
    return list(values) if _CAPTURES.is_dir() else [pytest.param(None, marks=pytest.mark.skip(reason=_NOT_HERE))]


@dataclass(frozen=True, slots=True)
class Book:
    """A recording of one pair's book.

    Attributes:
        name: File below `v2`.
        spec, depth: As they were.
        checks: Messages with a checksum.
    """

    name: str
    spec: PairSpec
    depth: int
    checks: int

    @property
    def path(self) -> Path:
        """Where it lies."""
        return _CAPTURES / "v2" / self.name

    def frames(self) -> Iterator[bytes]:
        """What the exchange sent, as it was on the wire."""
        for item in _of_sdk(self.path) if self is SDK else Recording(self.path):
            if not item.sent:
                yield bytes(item.frame)

    def __str__(self) -> str:
        return self.spec.symbol.replace("/", "-") + f"-{self.checks}"


def _of_sdk(path: Path) -> Iterator[Recorded]:
    """One JSON document with a list of frames, whose numbers lost trailing zeros."""
    document = msgspec.json.decode(path.read_bytes(), type=dict[str, msgspec.Raw])
    for frame in (document["init"], *msgspec.json.decode(document["updates"], type=list[msgspec.Raw])):
        yield Recorded(None, bytes(frame))


SDK = Book("python-kraken-sdk/orderbook-v2.json", BTC_USD, 10, 510)
MINA = Book(
    "no-licence-stated/depthcharge/kraken_minagbp_d25_20260816.ndjson",
    PairSpec("MINA/GBP", "MINA", "GBP", 4, 8),
    25,
    30,
)
VAULT = Book("no-licence-stated/tickvault/kraken_book.jsonl", BTC_USD, 10, 4)
GST = Book("kraken-data-recorder/gst_usd_snapshot.json", PairSpec("GST/USD", "GST", "USD", 3, 8), 10, 1)
BOOKS = (SDK, MINA, VAULT, GST)


def play(items: Iterable[Recorded], *names: str) -> tuple[Session, list[Any]]:
    """All frames through a replay session at once."""
    session, events = Session(replay=True), []
    for name in names:
        session.want(name)
    asyncio.run(run_replay(session, items, ReplayClock(0), events.extend, asyncio.Event()))
    return session, events


# -- a session on a recording ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_session_comes_out_where_the_reference_does(name: str) -> None:
    """Every depth, seven precisions, lost messages, refusals, a change of precision, a reconnect."""
    written = RECORDINGS[name]()
    written.finish()
    session, events = play(open_recording(FOLDER / f"{name}.jsonl.gz"), *written.books)
    assert session.counters.checks_ok == sum(truth.matching for truth in written.truth.values())
    assert session.counters.checks_failed == sum(truth.differing for truth in written.truth.values())
    verified = Counter(event.symbol for event in events if isinstance(event, BookChanged) and event.verified)
    for symbol, truth in written.truth.items():
        book, spec = session.books[symbol], session.specs[symbol]
        assert session.stitchers[symbol].proof is Proof.VERIFIED
        assert verified[symbol] > 0
        assert book.depth == truth.depth
        for side, levels in ((book.bids, truth.bids), (book.asks, truth.asks)):
            assert [
                (from_units(ticks, spec.price_precision), from_units(lots, spec.qty_precision)) for ticks, lots in side
            ] == levels


@pytest.mark.parametrize("book", real(*BOOKS), ids=str)
def test_a_real_book_verifies_through_a_session(book: Book) -> None:
    recording = None if book is SDK else open_recording(book.path)
    session, events = play(_of_sdk(book.path) if recording is None else recording)
    symbol = book.spec.symbol
    assert (session.counters.checks_ok, session.counters.checks_failed) == (book.checks, 0)
    spec = session.specs[symbol]
    assert (spec.price_precision, spec.qty_precision, spec.assumed) == (
        book.spec.price_precision, book.spec.qty_precision, True
    )  # fmt: skip
    assert all(event.verified for event in events if isinstance(event, BookChanged))
    assert session.books[symbol].depth == book.depth
    assert session.stitchers[symbol].proof is Proof.VERIFIED
    assert session.counters.frames == session.counters.applied
    if recording is not None:
        assert recording.problem == ""
        causes = [event.cause for event in events if isinstance(event, StateChanged)]
        assert causes == ["recording opened", "end of the recording"]


@pytest.mark.parametrize("book", real(*BOOKS), ids=str)
def test_p2_a_real_book_has_the_checksums_that_were_sent(book: Book) -> None:
    ours, slow = OrderBook(book.spec, book.depth), _slow(book)
    said = []
    for kind, data in _messages(book):
        feed_message(ours, kind, data)
        (slow.load if kind == "snapshot" else slow.apply)(bids=data.bids, asks=data.asks)
        assert ours.checksum() == slow.checksum() == data.checksum
        assert (list(ours.bids), list(ours.asks)) == (slow.units("bids"), slow.units("asks"))
        assert not ours.crossed
        said.append(data.checksum)
    assert len(said) == book.checks
    if book is SDK:
        assert sum(checksum >= 2**31 for checksum in said) >= 200


def _slow(book: Book) -> SlowBook:
    return SlowBook(book.spec.price_precision, book.spec.qty_precision, book.depth)


def _messages(book: Book) -> Iterator[tuple[str, Any]]:
    for frame in book.frames():
        message = decode(frame)
        if isinstance(message, BookMessage):
            yield message.type, message.data[0]


# -- everything else that is recorded -------------------------------------------------------------------------------


def every_frame_is_known() -> None:
    kinds = Counter(type(decode(frame)).__name__ for book in BOOKS for frame in book.frames())
    assert kinds == {
        "BookMessage": 510 + 30 + 4 + 1,
        "HeartbeatMessage": 60 + 2,
        "SubscribeAck": 2,
        "StatusMessage": 2,
    }


def a_recording_keeps_its_own_pace() -> None:
    timed = list(timeline(Recording(MINA.path)))
    assert 59 * SECOND < timed[-1].ns - timed[0].ns < 61 * SECOND
    assert str(timed[0].ns // SECOND).startswith("178")
    assert timed[0].sent
    bare = list(timeline(Recording(VAULT.path)))
    assert [item.ns for item in bare] == sorted(item.ns for item in bare)
    assert 0 < bare[-1].ns - bare[0].ns < 10 * SECOND


def without_truncation_most_checksums_fail() -> None:
    """The first of the mistakes of docs/PROTOCOL.md, to show that the recording would catch it."""
    book, good = OrderBook(SDK.spec, 1000), 0
    for kind, data in _messages(SDK):
        feed_message(book, kind, data)
        good += book.checksum() == data.checksum
    assert good == 60


def precisions_can_be_inferred_from_undamaged_frames() -> None:
    seen = {
        (decimals(level.price), decimals(level.qty))
        for _, data in _messages(MINA)
        for level in (*data.bids, *data.asks)
    }
    assert seen == {(4, 8)}


def a_market_has_sane_figures_after_each_message() -> None:
    rig = Rig(spec=SDK.spec)
    for kind, data in _messages(SDK):
        changes = ()
        if kind == "snapshot":
            rig.truth.book.load(data.bids, data.asks)
        else:
            changes = rig.truth.book.apply(data.bids, data.asks)
        rig.now = parse_timestamp(data.timestamp or "2023-07-30T15:29:58Z")
        rig.changed(kind, changes, verified=rig.truth.book.checksum() == data.checksum)
        rig.market.tick(rig.now)
        view = rig.view()
        assert view.proof is Proof.VERIFIED
        assert view.metrics is not None
        assert 0 < view.metrics.spread < 1000
        assert view.bids[0][0] <= view.metrics.microprice <= view.asks[0][0]
    assert (view.checks_ok, view.checks_failed) == (510, 0)
    assert 40 <= len(view.samples) <= 53
    # Without a trade message nothing can be called pulled or filled.
    assert {event.kind for event in view.flow} <= {FlowKind.WALL}


def _rest(name: str, **options: Any) -> Any:
    return json.loads((_CAPTURES / "rest" / name).read_text(encoding="utf-8"), **options)["result"]


def _history() -> tuple[list[Candle], list[Trade]]:
    ohlc = _rest("nautilus_trader/http_ohlc.json")["XBTUSDT"]
    trades = _rest("nautilus_trader/http_trades.json", parse_float=str)["XBTUSDT"]
    return candles_from_rest(ohlc, 1, BTC_USDT), trades_from_rest(trades, BTC_USDT)


def answers_are_read_whole() -> None:
    for name, count in (("http_ohlc.json", 721), ("http_trades.json", 1000)):
        answer = read_answer((_CAPTURES / "rest" / "nautilus_trader" / name).read_bytes())
        assert answer.rows is not None
        assert len(answer.rows) == count


def candles_are_read() -> None:
    candles, _ = _history()
    assert len(candles) == 721
    assert [candle.closed for candle in candles] == [True] * 720 + [False]
    assert {after.begin_s - before.begin_s for before, after in itertools.pairwise(candles)} == {60}
    assert candles[-2].begin_s == _rest("nautilus_trader/http_ohlc.json")["last"]
    assert sum(candle.volume == 0 for candle in candles) > 0
    assert all((candle.volume == 0) == (candle.trades == 0) for candle in candles)
    assert all(candle.vwap is None or candle.low - 1 <= candle.vwap <= candle.high + 1 for candle in candles)
    old = _rest("xchange/example-ohlc-data.json")["XXBTZUSD"]
    assert len(candles_from_rest(old, 1, PairSpec("BTC/USD", "BTC", "USD", 3, 8))) == 720


def trades_are_read() -> None:
    _, trades = _history()
    content = _rest("nautilus_trader/http_trades.json")
    assert len(trades) == 1000
    assert {b.trade_id - a.trade_id for a, b in itertools.pairwise(trades)} == {1}
    assert trades[0] == Trade(
        "BTC/USDT",
        Side.BUY,
        1_054_336,
        27_625,
        "limit",
        10218208,
        "2025-11-10T17:23:53.971744500Z",
        1_762_795_433_971_744_500,
        live=False,
    )
    assert {each.ord_type for each in trades} == {"limit", "market"}
    assert abs(trades[-1].venue_ns - int(content["last"])) < 1000
    as_floats = trades_from_rest(content["XBTUSDT"], BTC_USDT)
    assert max(abs(a.venue_ns - b.venue_ns) for a, b in zip(trades, as_floats, strict=True)) < 1000


def trades_without_numbers_are_refused() -> None:
    with pytest.raises(InvalidMessage, match="6 fields"):
        trades_from_rest(_rest("xchange/example-trades-data.json")["XXBTZUSD"], BTC_USD)


def candles_from_the_exchanges_trades_equal_its_candles() -> None:
    """Every whole minute that the thousand trades cover, but for the turnover, which is rounded there."""
    candles, trades = _history()
    aggregator = CandleAggregator("BTC/USDT", [1])
    for each in trades:
        aggregator.on_trade(each)
    own = {candle.begin_s: candle for candle in aggregator.candles(1, candles[-1].begin_s * SECOND)}
    first_whole = trades[0].venue_ns // (60 * SECOND) * 60 + 60
    last_whole = trades[-1].venue_ns // (60 * SECOND) * 60 - 60
    covered = [candle for candle in candles if first_whole <= candle.begin_s <= last_whole]
    assert len(covered) > 400
    for candle in covered:
        mine = own[candle.begin_s]
        assert (mine.open, mine.high, mine.low, mine.close) == (candle.open, candle.high, candle.low, candle.close)
        assert (mine.volume, mine.trades) == (candle.volume, candle.trades)
        if candle.volume:
            assert mine.vwap == pytest.approx(candle.vwap, abs=1)


def history_and_trades_together_count_nothing_twice() -> None:
    candles, trades = _history()
    aggregator = CandleAggregator("BTC/USDT", [1])
    aggregator.seed(1, candles)
    for each in trades:
        aggregator.on_trade(each)
    shown = aggregator.candles(1, candles[-1].begin_s * SECOND)
    assert len(shown) == MAX_CANDLES
    assert list(shown) == candles[-MAX_CANDLES:]


@pytest.mark.parametrize(
    "check",
    real(
        every_frame_is_known,
        a_recording_keeps_its_own_pace,
        without_truncation_most_checksums_fail,
        precisions_can_be_inferred_from_undamaged_frames,
        a_market_has_sane_figures_after_each_message,
        answers_are_read_whole,
        candles_are_read,
        trades_are_read,
        trades_without_numbers_are_refused,
        candles_from_the_exchanges_trades_equal_its_candles,
        history_and_trades_together_count_nothing_twice,
    ),
    ids=lambda check: getattr(check, "__name__", "real"),
)
def test_on_real_data(check: Callable[[], None]) -> None:
    check()


# -- Kraken's v1 API ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "checks"),
    real(("cryptofeed/KRAKEN.ws.50.0", 4269), ("python-kraken-sdk/orderbook-v1.json", 979))
    if _CAPTURES.is_dir()
    else [pytest.param("", 0, marks=pytest.mark.skip(reason=_NOT_HERE))],
)
def test_real_recordings_of_v1_are_played_with_every_checksum(name: str, checks: int) -> None:
    from kraken_tui.doctor.recording import Examination

    found = Examination(_CAPTURES / "v1" / name)
    found.play()
    assert (found.session.counters.checks_ok, dict(found.kinds)) == (checks, {})
    assert all(stitcher.proof is Proof.VERIFIED for stitcher in found.session.stitchers.values())
