"""A shared moment, live or of a replay, opens at that instant with the same book."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from kraken_tui.engine.engine import Engine
from kraken_tui.engine.indexer import Indexer
from kraken_tui.engine.options import EngineOptions
from kraken_tui.engine.recent import SPAN_NS, Recent
from kraken_tui.engine.slicing import slice_of
from kraken_tui.errors import RecordingError
from kraken_tui.feed.standing import Standing
from kraken_tui.market.events import Proof
from kraken_tui.market.views import PairView
from kraken_tui.recording.background import Opening
from kraken_tui.recording.index import Checkpoint, Index
from kraken_tui.recording.reader import Place, Recording
from kraken_tui.recording.timeline import Pace, timeline
from kraken_tui.settings import Settings
from kraken_tui.tui.export.moment import FRAMES, TEXT, share_moment
from kraken_tui.units import SECOND

REFERENCE = Path(__file__).parents[1] / "reference/recordings"
SOON_S = 30.0


def opened(path: Path, at: str, symbol: str) -> PairView:
    """The pair as it is when `--at` has been reached."""
    settings = Settings(replay=path, pairs=(), at=at)
    engine = Engine(settings, options=EngineOptions(history=True, stand=True))
    engine.start()
    try:
        deadline = time.monotonic() + SOON_S
        while True:
            feed = engine.feed_view
            assert not feed.fatal, feed.fatal
            stands = feed.replay is not None and (feed.replay.paused or feed.replay.finished)
            if stands and feed.replay is not None and not feed.replay.seeking and engine.view(symbol) is not None:
                found = engine.ask(lambda worker: worker.view_now(symbol))
                assert found is not None
                return found
            assert time.monotonic() < deadline, feed.replay
            time.sleep(0.01)
    finally:
        assert engine.stop(5)


def written_at(folder: Path) -> str:
    """What the text of a shared moment says after --at."""
    return (folder / TEXT).read_text().partition("--at ")[2].strip()


def same(one: PairView, other: PairView) -> None:
    assert (one.bids, one.asks, one.proof, one.last) == (other.bids, other.asks, other.proof, other.last)
    assert one.now_ns == other.now_ns


def test_a_moment_of_the_live_market(tmp_path: Path) -> None:
    engine = Engine(Settings(pairs=("BTC/USD",), demo=True), options=EngineOptions(history=True))
    engine.start()
    try:
        deadline = time.monotonic() + SOON_S
        while (view := engine.view("BTC/USD")) is None or view.proof is not Proof.VERIFIED or view.checks_ok < 40:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        # The book of exactly that moment: a frame later it is another.
        view = engine.ask(lambda worker: worker.view_now("BTC/USD"))
        assert view is not None
        shared = share_moment(tmp_path, view, view.now_ns, "<svg/>", engine.share)
        too_old = share_moment(tmp_path, view, view.now_ns - 3600 * SECOND, "<svg/>", engine.share)
    finally:
        engine.stop()
    assert not shared.problem
    assert "no longer kept; they go back to" in too_old.problem
    found = opened(shared.folder / FRAMES, written_at(shared.folder), "BTC/USD")
    assert (found.bids, found.asks, found.proof, found.last) == (view.bids, view.asks, view.proof, view.last)


@pytest.mark.parametrize("indexed", [True, False])
def test_a_moment_of_a_replay(tmp_path: Path, indexed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    path = REFERENCE / "every-depth.jsonl.gz"
    if not indexed:
        monkeypatch.setattr(Indexer, "start", lambda self: None)
    times = [timed.ns for timed in timeline(Recording(path))]
    ns = times[len(times) * 3 // 4]
    engine = Engine(Settings(pairs=(), replay=path, speed=0), options=EngineOptions(history=True))
    engine.start()
    try:
        wait_for(engine, lambda feed: feed.replay.finished and (feed.replay.indexed or not indexed))
        if indexed:
            engine.pause_replay(True)
            engine.seek_replay(ns)
            wait_for(engine, lambda feed: feed.now_ns == ns and not feed.replay.seeking)
        symbol = engine.feed_view.tabs[0].symbol
        view = engine.ask(lambda worker: worker.view_now(symbol))
        assert view is not None
        shared = share_moment(tmp_path, view, view.now_ns, "<svg/>", engine.share)
    finally:
        engine.stop()
    assert not shared.problem
    monkeypatch.undo()
    same(opened(shared.folder / FRAMES, written_at(shared.folder), symbol), view)


def wait_for(engine: Engine, holds: Any) -> None:
    deadline = time.monotonic() + SOON_S
    while engine.feed_view.replay is None or not holds(engine.feed_view):
        assert time.monotonic() < deadline, engine.feed_view.replay
        time.sleep(0.01)


def test_a_stretch_begins_with_the_state_and_holds_every_frame_of_it() -> None:
    path = REFERENCE / "lost-message.jsonl.gz"
    frames = list(timeline(Recording(path)))
    begin, end = frames[150].ns, frames[300].ns
    found = slice_of(Indexer(path, Settings(pairs=())), begin, end)
    assert found is not None
    opening, taken = found
    assert opening.frames
    assert opening.wall_ns <= begin
    assert taken == [(each.frame, each.ns, each.direction) for each in frames if begin <= each.ns <= end]


def test_what_is_kept_reaches_a_minute_before_the_moment() -> None:
    state: list[int] = []

    def opening() -> Opening:
        return Opening(state[-1], "", (), ())

    kept = Recent(opening)
    for second in range(0, 200, 5):
        state.append(second * SECOND)
        kept.poll(second * SECOND)
        kept.write(b"%d" % second, second * SECOND, "rx")
    assert kept.since_ns is not None
    assert kept.since_ns <= 195 * SECOND - SPAN_NS
    found = kept.slice(195 * SECOND)
    assert found is not None
    assert found[0].wall_ns <= 195 * SECOND - SPAN_NS


def test_a_damaged_state_is_refused() -> None:
    broken = Checkpoint(0, 0, 0, Place(0, 0), Pace(0, 0, 0, None, None), Standing({}, {}, {}, None), b"not packed")
    with pytest.raises(RecordingError, match="damaged"):
        Index().opening(broken)
