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


class Parts:
    """Parts of states; their moments are those they were begun at."""

    def __init__(self, *begun_s: float) -> None:
        self.now = 0
        self.recent = Recent(lambda: Opening(self.now, "", (), ()))
        for second in begun_s:
            self.poll(second)
            self.recent.write(b"x", self.now, "rx")

    def poll(self, second: float) -> None:
        self.now = round(second * SECOND)
        self.recent.poll(self.now)

    def begun_s(self, moment_s: float | None = None) -> tuple[float, int]:
        """When the state of a slice was noted, and the frames after it."""
        found = self.recent.slice(None if moment_s is None else round(moment_s * SECOND))
        assert found is not None
        return found[0].wall_ns / SECOND, len(found[1])


def test_a_part_begins_every_half_minute_and_goes_when_a_minute_is_there_without_it() -> None:
    parts = Parts(0, 29.999999999, 30, 59.9, 60, 89.999999999)
    assert parts.begun_s() == (0.0, 6)
    parts.poll(90)
    assert parts.begun_s() == (30.0, 4)
    assert parts.recent.since_ns == 30 * SECOND
    assert Recent(lambda: Opening(0, "", (), ())).since_ns is None


def test_the_state_of_a_moment_is_the_last_a_minute_before_it_or_else_the_oldest() -> None:
    parts = Parts(0, 30, 60, 89)
    for moment, begun in (
        (None, 0.0),
        (0, 0.0),
        (89.999999999, 0.0),
        (90, 30.0),
        (119.9, 30.0),
        (120, 60.0),
        (999, 60.0),
    ):
        assert parts.begun_s(moment)[0] == begun, moment


def test_before_a_state_is_known_no_frame_is_kept() -> None:
    recent = Recent(lambda: Opening(0, "", (), ()))
    recent.write(b"early", 0, "rx")
    assert (recent.size, recent.slice()) == (0, None)
    recent.poll(0)
    recent.write(b"one", 1, "rx")
    recent.write(b"three", 2, "tx")
    assert recent.size == 8
    found = recent.slice()
    assert found is not None
    assert found[1] == [(b"one", 1, "rx"), (b"three", 2, "tx")]


def test_a_part_of_a_quarter_of_the_memory_is_followed_by_another_and_all_of_it_is_never_exceeded() -> None:
    assert module._MOST_BYTES == 32 * 2**20
    quarter = b"x" * (8 * 2**20)
    now = 0
    recent = Recent(lambda: Opening(now, "", (), ()))
    recent.poll(0)
    recent.write(quarter, 0, "rx")
    steps = (
        (1, b"", 0),
        (2, b"y", 0),
        (3, quarter, 0),
        (4, quarter, 0),
        (5, quarter, 2),
        (6, quarter, 2),
        (7, b"y", 4),
    )
    for now, more, oldest in steps:
        recent.write(more, now, "rx")
        recent.poll(now)
        assert recent.since_ns == oldest, now
    assert recent.size == 2 * len(quarter) + 1
