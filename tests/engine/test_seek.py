"""Any moment of a recording, sought back and forth, is the one that straight playing comes to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace as with_
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
def test_back_and_forth_is_equal_to_straight_playing(long_recording: Path) -> None:
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
