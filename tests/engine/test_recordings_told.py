"""What the engine says of its recordings, with the recorder itself replaced."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kraken_tui.engine import recordings as module
from kraken_tui.engine.recordings import Recordings
from kraken_tui.market.views import RecordingView
from kraken_tui.recording.background import Opening, Progress
from kraken_tui.settings import Rotation
from kraken_tui.units import SECOND

OPENING = Opening(1, "url", (), ())


class Recorder:
    """Does as it is told.

    Attributes:
        done: Whether its rest is on the disk.
    """

    made: list[Recorder]

    def __init__(self, path: Path, opening: Opening, **options: Any) -> None:
        self.path, self.opening, self.options = path, opening, options
        self.progress = Progress(path, 11, 3, 4, 5, 6, 7, "", "slow")
        self.notices: deque[tuple[str, str]] = deque()
        self.done = False
        self.written: list[tuple[bytes, int, str]] = []
        self.closed: list[float] = []
        self.polled = self.given_up = 0
        self.load = (4, 100)
        Recorder.made.append(self)

    def write(self, frame: bytes, wall_ns: int, direction: str) -> None:
        self.written.append((frame, wall_ns, direction))

    def poll(self, opening: Any) -> None:
        assert opening(0) == OPENING
        self.polled += 1

    def close(self, wait_s: float = 0.0) -> bool:
        self.closed.append(wait_s)
        return self.done

    def give_up(self) -> None:
        self.given_up += 1


class Bench:
    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.lost: list[int] = []
        rotate = Rotation(seconds=5)
        self.recordings = Recordings(
            lambda level, text: self.said.append((level, text)), self._opening, rotate=rotate, playing=Path("played")
        )

    def _opening(self, lost: int) -> Opening:
        self.lost.append(lost)
        return OPENING

    def start(self, name: str = "a", at_s: float = 0.0) -> Recorder:
        self.recordings.start(Path(name), round(at_s * SECOND))
        return Recorder.made[-1]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    Recorder.made = []
    monkeypatch.setattr(module, "BackgroundRecorder", Recorder)
    yield Bench()
    Recorder.made = []


def test_without_a_recording_there_is_nothing(bench: Bench) -> None:
    recordings = bench.recordings
    recordings.write(b"x", 1, "rx")
    recordings.poll(0)
    recordings.stop(0)
    recordings.end(1.0)
    assert (recordings.running, recordings.load, recordings.view(0), bench.said) == (False, (0, 0), None, [])


def test_a_recording_gets_what_it_needs_and_every_frame(bench: Bench) -> None:
    recorder = bench.start()
    assert (recorder.path, recorder.opening, bench.lost) == (Path("a"), OPENING, [0])
    assert recorder.options == {"rotate": Rotation(seconds=5), "playing": Path("played"), "after": None}
    bench.recordings.write(b"x", 1, "rx")
    assert recorder.written == [(b"x", 1, "rx")]
    assert (bench.recordings.running, bench.recordings.load) == (True, (4, 100))
    bench.recordings.poll(0)
    assert recorder.polled == 1
    assert bench.recordings.view(0) == RecordingView(
        path="a", bytes=11, frames=3, problem="", waiting=4, waiting_bytes=5, dropped=6, lost=7, warning="slow"
    )


def test_notices_are_told_in_order_and_a_problem_once(bench: Bench) -> None:
    recorder = bench.start()
    recorder.notices += [("info", "one"), ("warning", "two")]
    recorder.progress = recorder.progress._replace(problem="disk full")
    for _ in range(3):
        bench.recordings.poll(0)
    assert bench.said == [("info", "one"), ("warning", "two"), ("error", "disk full")]
    recorder.progress = recorder.progress._replace(problem="gone")
    bench.recordings.poll(0)
    assert bench.said[3:] == [("error", "gone")]
    # The same problem of the next one is news again.
    again = bench.start("b")
    again.progress = again.progress._replace(problem="gone")
    bench.recordings.poll(0)
    assert bench.said[-1] == ("error", "gone")


def test_a_stopped_recording_stays_on_the_screen_for_two_seconds_or_until_it_is_written(bench: Bench) -> None:
    recordings = bench.recordings
    recorder = bench.start()
    recordings.stop(10 * SECOND)
    assert not recordings.running
    assert recorder.closed == [0.0]
    end = 12 * SECOND
    assert recordings.view(end - 1) is not None
    assert recordings.view(end) is None
    recordings.poll(end - 1)
    assert (recorder.given_up, bench.said) == (0, [])
    recordings.poll(end)
    assert recorder.given_up == 1
    recorder.done = True
    recordings.poll(end + 1)
    assert bench.said == [("info", "recording stopped: a (3 frames)")]
    recordings.poll(end + 2)
    assert (len(bench.said), recordings.view(10 * SECOND)) == (1, None)


def test_of_a_recording_that_failed_its_end_is_not_told_as_a_good_one(bench: Bench) -> None:
    recorder = bench.start()
    bench.recordings.stop(0)
    recorder.progress = recorder.progress._replace(problem="disk full")
    recorder.done = True
    bench.recordings.poll(1)
    assert bench.said == [("error", "disk full")]


def test_a_recording_follows_the_one_before_it(bench: Bench) -> None:
    first = bench.start()
    second = bench.start("b", 1.0)
    assert first.closed
    assert second.options["after"] is first
    third = bench.start("c", 2.0)
    assert third.options["after"] is second
    assert bench.recordings.view(2 * SECOND) is not None
    bench.recordings.stop(3 * SECOND)
    for recorder in (first, third):
        recorder.done = True
    bench.recordings.poll(3 * SECOND)
    # The one shown is the last that is still being written.
    shown = bench.recordings.view(int(2.5 * SECOND))
    assert shown is not None
    assert shown.path == "b"
    assert [text for _, text in bench.said] == ["recording stopped: a (3 frames)", "recording stopped: c (3 frames)"]


def test_at_the_end_the_rest_gets_its_time_and_what_happened_is_told(bench: Bench) -> None:
    for wait_s, given in ((0.0, 0.15), (0.15, 0.15), (0.5, 0.5)):
        recorder = bench.start()
        recorder.notices.append(("info", f"{wait_s}"))
        bench.recordings.end(wait_s)
        assert recorder.closed == [given]
        assert bench.said[-1] == ("info", f"{wait_s}")
    assert (module.END_BY_S, module.END_S, module.CLOSING_S) == (1.0, 0.15, 2.0)
