"""Any moment of a recording, sought back and forth, is the one that straight playing comes to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kraken_tui.engine import indexer as indexer_module
from kraken_tui.engine import replaying
from kraken_tui.engine.engine import Engine
from kraken_tui.engine.indexer import Indexer
from kraken_tui.engine.options import EngineOptions
from kraken_tui.market.views import FeedView, PairView
from kraken_tui.recording import sidecar
from kraken_tui.recording.format import GAP, SENT
from kraken_tui.recording.reader import Recording
from kraken_tui.recording.timeline import gap_sentence, timeline
from kraken_tui.recording.writer import Recorder
from kraken_tui.settings import Settings
from kraken_tui.settings.moment import read_moment
from kraken_tui.units import SECOND
from tests.faults.ledger import Ledger
from tests.rig.chaos import PAIRS, inflict
from tests.rig.world import VENUE_START, World, thin
from tests.shared import shared_folder

REFERENCE = sorted((Path(__file__).parents[1] / "reference/recordings").glob("*.jsonl.gz"))
SOON_S = 30.0


@pytest.fixture(scope="module")
def long_recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four minutes of three pairs, with a lost message and a reconnect."""
    path = tmp_path_factory.mktemp("seek") / "long.jsonl.gz"
    world = World([thin(name, like=name, events_per_s=12.0) for name in PAIRS], seed=7, poll_ms=100.0)
    recorder = Recorder(path, wall_ns=VENUE_START, url="wss://localhost/", pairs=PAIRS)
    world.on_frame = lambda frame, wall, direction: recorder.write(frame, wall, direction)
    rng = Random("seek")
    for fault in ("lose", "close", ""):
        world.run(80.0)
        if fault:
            inflict(world, fault, rng)
            world.run(3.0)
            world.heal()
    recorder.close()
    return path


def known(view: PairView | None) -> dict[str, Any]:
    """What two views of one moment must agree in.

    Left out is what counts from where playing began: flow, sessions, rates, samples, signals, traded volumes, and the
    part of the tape beyond what a state holds.
    """
    if view is None:
        return {}
    ticker = view.ticker
    return {
        "spec": [view.spec.price_precision, view.spec.qty_precision] if view.spec else None,
        "depth": view.depth,
        "book": [str(view.book_state), str(view.proof), view.proof_reason, view.bids, view.asks],
        "counts": [view.checks_ok, view.checks_failed, view.resyncs, view.trade_gaps],
        "ticker": [getattr(ticker, name) for name in ticker.__struct_fields__],
        "last": view.last,
        "tape": [(trade.trade_id, trade.price, trade.qty, str(trade.side)) for trade in view.tape[:50]],
        "candles": [(c.begin_s, c.open, c.high, c.low, c.close, c.volume, c.trades) for c in view.candles],
        "now": view.now_ns,
    }


def digest(view: PairView | None) -> str:
    return sha256(json.dumps(known(view), sort_keys=True, default=str).encode()).hexdigest()


def straight(path: Path, ns: int) -> dict[str, PairView]:
    """Every pair's view of a moment, by playing everything before it."""
    session, desk = Indexer(path, Settings(pairs=())).new_session()
    second, begun = 0, False
    for timed in timeline(Recording(path)):
        if timed.ns > ns:
            break
        if not begun:
            begun = True
            session.opened(timed.ns, timed.ns)
        if timed.ns // SECOND != second:
            second = timed.ns // SECOND
            desk.tick(timed.ns)
        if timed.direction == GAP:
            session.interrupted(gap_sentence(timed.frame), timed.ns, timed.ns)
        elif timed.direction != SENT:
            session.frame(timed.frame, timed.ns, timed.ns)
        for event in session.take_events():
            desk.handle(event)
    desk.tick(ns)
    return {
        symbol: market.view(ns, heartbeat_age_ns=0, lag_ns=None, connected=True)
        for symbol, market in desk.by_symbol.items()
    }


@contextmanager
def playing(path: Path, **settings: Any) -> Iterator[Engine]:
    engine = Engine(Settings(replay=path, pairs=(), **{"speed": 1.0, **settings}), options=EngineOptions(history=True))
    engine.start()
    try:
        yield engine
    finally:
        assert engine.stop(5)
        assert engine.failure is None


def until(engine: Engine, holds: Callable[[FeedView], bool]) -> FeedView:
    deadline = time.monotonic() + SOON_S
    while not holds(feed := engine.feed_view):
        assert not feed.fatal, feed.fatal
        assert time.monotonic() < deadline, feed.replay
        time.sleep(0.002)
    return feed


def indexed(feed: FeedView) -> bool:
    return feed.replay is not None and feed.replay.indexed


def sought(engine: Engine, ns: int) -> dict[str, PairView]:
    """Go to a moment of a paused recording, and wait for the picture of it."""
    engine.seek_replay(ns)
    deadline = time.monotonic() + SOON_S
    while True:
        published = engine.published()
        replay = published.feed.replay
        if replay is not None and not replay.seeking and published.feed.now_ns == ns:
            views = engine.ask(lambda worker: {name: worker.view_now(name) for name in list(worker.session.pairs)})
            return {name: view for name, view in (views or {}).items() if view is not None}
        assert time.monotonic() < deadline, (replay, ns)
        time.sleep(0.002)


def span_of(path: Path) -> tuple[int, int]:
    times = [timed.ns for timed in timeline(Recording(path))]
    return times[0], times[-1]


@pytest.fixture
def dense(monkeypatch: pytest.MonkeyPatch) -> None:
    """States close together, and none of them skipped for the sake of what was before."""
    monkeypatch.setattr(indexer_module, "SPACING_NS", 5 * SECOND)
    monkeypatch.setattr(indexer_module, "SPACING_FRAMES", 60)
    monkeypatch.setattr(replaying, "MOST_FRAMES", 20)
    monkeypatch.setattr(replaying, "NEAR_NS", 0)


@pytest.mark.usefixtures("dense")
def test_f86_back_and_forth_is_equal_to_straight_playing(long_recording: Path, ledger: Ledger) -> None:
    begin, end = span_of(long_recording)
    rng = Random(1)
    moments = [rng.randrange(begin, end) for _ in range(12)] + [begin + SECOND, end]
    with playing(long_recording) as engine:
        until(engine, indexed)
        engine.pause_replay(True)
        for ns in moments:
            views, expected = sought(engine, ns), straight(long_recording, ns)
            assert views.keys() == expected.keys()
            for symbol, view in views.items():
                assert known(view) == known(expected[symbol]), (symbol, (ns - begin) / SECOND)
                assert digest(view) == digest(expected[symbol])
    ledger(
        "same book, proof, counts and digest as played straight there",
        f"{len(moments)} moments of three pairs, back and forth, a lost message and a reconnect among them: equal",
        "0 differ",
    )


@pytest.mark.parametrize("path", REFERENCE, ids=lambda path: path.stem)
@pytest.mark.usefixtures("dense")
def test_every_kind_of_trouble_is_sought_over(path: Path) -> None:
    begin, end = span_of(path)
    with playing(path) as engine:
        until(engine, indexed)
        engine.pause_replay(True)
        for share in (0.9, 0.2, 0.6, 1.0, 0.4):
            ns = begin + round(share * (end - begin))
            views, expected = sought(engine, ns), straight(path, ns)
            for symbol, view in expected.items():
                assert known(views.get(symbol)) == known(view), (symbol, share)


@pytest.mark.usefixtures("dense")
def test_a_recording_of_two_sessions_a_clock_step_and_v1(tmp_path: Path) -> None:
    cases = [
        shared_folder() / "cases/two-sessions/two-sessions.jsonl",
        shared_folder() / "cases/clock-step/backward.jsonl",
        *sorted((shared_folder() / "kraken/captures/v1").rglob("*.*"))[:3],
    ]
    cases = [case for case in cases if case.is_file()]
    if not cases:
        pytest.skip("the recorded cases are not on this machine")
    for path in cases:
        begin, end = span_of(path)
        with playing(path) as engine:
            until(engine, indexed)
            engine.pause_replay(True)
            for share in (0.95, 0.1, 0.5, 1.0):
                ns = begin + round(share * (end - begin))
                views, expected = sought(engine, ns), straight(path, ns)
                for symbol, view in expected.items():
                    assert known(views.get(symbol)) == known(view), (path.name, symbol, share)


@pytest.mark.usefixtures("dense")
@pytest.mark.parametrize("damage", ["torn", "cut", "inside"])
def test_what_is_whole_is_sought_and_the_rest_is_named(long_recording: Path, tmp_path: Path, damage: str) -> None:
    data = long_recording.read_bytes()
    path = tmp_path / "damaged.jsonl.gz"
    if damage == "torn":
        path.write_bytes(data[:-20])
    elif damage == "cut":
        path.write_bytes(data[: len(data) * 2 // 3])
    else:
        at = len(data) // 2
        path.write_bytes(data[:at] + b"\0\0\0\0" + data[at + 4 :])
    begin, end = span_of(path)
    with playing(path) as engine:
        until(engine, indexed)
        engine.pause_replay(True)
        for share in (0.95, 0.3, 1.0):
            ns = begin + round(share * (end - begin))
            views, expected = sought(engine, ns), straight(path, ns)
            for symbol, view in expected.items():
                assert known(views.get(symbol)) == known(view), (damage, symbol, share)
        engine.pause_replay(False)
        engine.set_replay_speed(0)
        feed = until(engine, lambda feed: feed.replay is not None and feed.replay.finished)
        if damage != "inside":
            assert any("cut off" in line.text for line in feed.log), [line.text for line in feed.log]


def test_the_next_fault_is_found_and_told(long_recording: Path) -> None:
    begin, _ = span_of(long_recording)
    with playing(long_recording) as engine:
        until(engine, lambda feed: feed.replay is not None and feed.replay.position_ns > 0)
        engine.pause_replay(True)
        seen = []
        for _ in range(2):
            before = engine.feed_view.now_ns
            engine.seek_fault(1)
            until(engine, lambda feed: feed.now_ns > before and not feed.replay.seeking)  # type: ignore[union-attr]  # noqa: B023
            seen.append(engine.feed_view.now_ns - begin)
        engine.seek_fault(-1)
        until(engine, lambda feed: feed.now_ns - begin == seen[0])
        assert 80 * SECOND <= seen[0] < seen[1], seen
        told = [line.text for line in engine.feed_view.log]
        assert any("checksum" in text or "connection" in text for text in told), told


def test_a_moment_outside_counts_as_the_nearest_end(long_recording: Path) -> None:
    begin, end = span_of(long_recording)
    with playing(long_recording) as engine:
        until(engine, indexed)
        engine.pause_replay(True)
        engine.seek_replay(end + 500 * SECOND)
        until(engine, lambda feed: feed.now_ns == end)
        engine.seek_replay(begin - 500 * SECOND)
        until(engine, lambda feed: feed.now_ns == begin)


@pytest.mark.parametrize("text", ["+100", "full"])
def test_a_replay_begins_at_a_moment(long_recording: Path, text: str) -> None:
    begin, _ = span_of(long_recording)
    ns = begin + 100 * SECOND
    written = "+100" if text == "+100" else time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // SECOND)) + "Z"
    moment = read_moment(written)
    assert moment is not None
    aim = moment.within(begin, None)
    told: list[int] = []
    with playing(long_recording, at=written, speed=0.1) as engine:
        listener = engine.listen(book_levels=1)
        until(engine, lambda feed: feed.replay is not None and feed.replay.position_ns > 0)
        assert aim is not None
        feed = until(engine, lambda feed: feed.now_ns >= aim and bool(feed.tabs))
        assert feed.now_ns - aim < SECOND
        while (event := listener.get(0.2)) is not None:
            if hasattr(event, "changed"):
                told.append(event.changed.received_ns)
            if len(told) > 3:
                break
        history = engine.history("BTC/USD")
        assert history is not None
        assert history.since_ns is not None
        assert history.since_ns < aim - 20 * SECOND, "the past before the moment is there to look at"
    assert all(ns >= aim for ns in told), "nobody is told of what lies before"


def test_the_index_is_kept_beside_a_large_recording_while_it_fits(
    long_recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sidecar, "LEAST_BYTES", 1)
    path = tmp_path / "kept.jsonl.gz"
    path.write_bytes(long_recording.read_bytes())
    settings = Settings(pairs=())
    first = Indexer(path, settings)
    first.hurry = True
    first.run()
    beside = sidecar.sidecar_path(path)
    assert beside.stat().st_mode & 0o777 == 0o600
    made_for = (settings.depth, settings.interval, False)
    held = sidecar.load(path, made_for)
    assert held is not None
    assert [each.ns for each in held.checkpoints] == [each.ns for each in first.index.checkpoints]
    assert [held.opening(each) for each in held.checkpoints] == [first.index.opening(each) for each in held.checkpoints]
    assert sidecar.load(path, (1000, settings.interval, False)) is None
    begin, end = span_of(path)
    with playing(path) as engine:
        until(engine, indexed)
        engine.pause_replay(True)
        ns = (begin + 3 * end) // 4
        assert {name: known(view) for name, view in sought(engine, ns).items()} == {
            name: known(view) for name, view in straight(path, ns).items()
        }
    whole = beside.read_bytes()
    beside.write_bytes(whole[:-1])
    assert sidecar.load(path, made_for) is None, "torn"
    beside.write_bytes(whole)
    with path.open("ab") as file:
        file.write(b"more")
    assert sidecar.load(path, made_for) is None, "the recording has grown"


def test_a_seek_that_takes_long_stands_still_and_can_be_given_up(
    long_recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Indexer, "start", lambda self: None)
    begin, _ = span_of(long_recording)
    with playing(long_recording, speed=0.1) as engine:
        until(engine, lambda feed: feed.replay is not None and feed.replay.position_ns > 0)
        engine.seek_replay(begin + 200 * SECOND)
        feed = until(engine, lambda feed: feed.replay is not None and bool(feed.replay.seeking))
        assert feed.replay is not None
        assert feed.replay.seeking.startswith("seeking ")
        here = feed.replay.position_ns
        time.sleep(0.3)
        assert engine.feed_view.replay is not None
        assert engine.feed_view.replay.position_ns == here
        engine.cancel_seek()
        until(engine, lambda feed: feed.replay is not None and not feed.replay.seeking)
        until(engine, lambda feed: feed.replay is not None and feed.replay.position_ns > here)


def test_without_an_index_it_is_played_up_to(long_recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Indexer) -> None:
        self.index.failed, self.index.problem = True, "no"

    monkeypatch.setattr(Indexer, "run", fails)
    begin, _ = span_of(long_recording)
    with playing(long_recording) as engine:
        until(engine, lambda feed: feed.replay is not None and feed.replay.position_ns > 0)
        engine.pause_replay(True)
        for seconds in (100, 30):
            ns = begin + seconds * SECOND
            assert {name: known(view) for name, view in sought(engine, ns).items()} == {
                name: known(view) for name, view in straight(long_recording, ns).items()
            }
        assert any("no index" in line.text for line in engine.feed_view.log)
