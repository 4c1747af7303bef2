"""The last minute of frames, which a shared moment is made of."""

from __future__ import annotations

import time
from pathlib import Path

from kraken_tui.engine import recent as module
from kraken_tui.engine.engine import Engine
from kraken_tui.engine.options import EngineOptions
from kraken_tui.engine.recent import SPAN_NS, Recent
from kraken_tui.market.events import Proof
from kraken_tui.recording.background import Opening
from kraken_tui.settings import Settings
from kraken_tui.units import SECOND


def filled(seconds: int, size: int = 10) -> Recent:
    """One frame a second."""
    now = 0
    kept = Recent(lambda: Opening(now, "", (), (f"state {now // SECOND}".encode(),)))
    for second in range(seconds + 1):
        now = second * SECOND
        kept.poll(now)
        kept.write(b"x" * size, now, "rx")
    return kept


def test_it_begins_with_a_state_at_least_a_minute_ago() -> None:
    found = filled(200).slice()
    assert found is not None
    opening, frames = found
    assert SPAN_NS <= 200 * SECOND - opening.wall_ns <= SPAN_NS + 30 * SECOND
    assert [ns for _, ns, _ in frames] == [second * SECOND for second in range(opening.wall_ns // SECOND, 201)]
    assert filled(5).slice() == (Opening(0, "", (), (b"state 0",)), [(b"x" * 10, s * SECOND, "rx") for s in range(6)])
    assert Recent(lambda: Opening(0, "", (), ())).slice() is None


def test_memory_is_bounded() -> None:
    kept = filled(300, size=1_000_000)
    assert kept.size <= module._MOST_BYTES
    assert kept.slice() is not None


def test_a_shared_minute_can_be_played_alone(tmp_path: Path) -> None:
    engine = Engine(Settings(pairs=("BTC/USD",), demo=True), options=EngineOptions(history=True))
    engine.start()
    path = tmp_path / "moment.jsonl.gz"
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            view = engine.view("BTC/USD")
            if view is not None and view.proof is Proof.VERIFIED and view.checks_ok > 20:
                break
            time.sleep(0.05)
        assert engine.share(path, engine.feed_view.now_ns) > 20
        shared = engine.view("BTC/USD")
    finally:
        engine.stop()
    assert shared is not None
    replayed = Engine(Settings(pairs=(), replay=path, speed=0))
    replayed.start()
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not (replayed.feed_view.replay and replayed.feed_view.replay.finished):
            time.sleep(0.02)
        time.sleep(0.3)
        view = replayed.view("BTC/USD")
    finally:
        replayed.stop()
    assert view is not None
    assert view.checks_ok > 20
    assert view.checks_failed == 0
