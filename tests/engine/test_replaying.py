"""Which way a seek takes, what it waits for and what is said of it, with clock and index made by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kraken_tui.engine import replaying as module
from kraken_tui.engine.replaying import Instead, Replaying
from kraken_tui.errors import RecordingError
from kraken_tui.feed.clock import SystemClock
from kraken_tui.market.views import ReplayView
from kraken_tui.recording.index import Fault, Index
from kraken_tui.settings import Settings
from kraken_tui.settings.moment import Moment, read_moment
from kraken_tui.units import SECOND

BEGIN = 1_700_000_000 * SECOND


class Clock:
    """A recording's clock that stands at a moment."""

    def __init__(self) -> None:
        self.begun, self.finished, self.paused, self.leaping = True, False, False, False
        self.start_ns, self.at = BEGIN, BEGIN + 100 * SECOND
        self.seeking: int | None = None
        self.speed, self.gap_ns, self.problem = 2.0, 0, ""
        self.sought: list[int] = []
        self.settled = 0
        self.frozen: list[bool] = []

    @property
    def position_ns(self) -> int:
        return self.at - self.start_ns

    def wall(self) -> int:
        return self.at

    def seek(self, ns: int) -> None:
        self.sought.append(ns - BEGIN)
        self.seeking = ns

    def settle(self) -> None:
        self.settled += 1
        self.seeking = None

    def freeze(self, frozen: bool) -> None:
        self.frozen.append(frozen)


class Known(Index):
    """An index whose states are numbers, and where a second has as many frames as told."""

    def __init__(self, frames_a_second: int = 10) -> None:
        super().__init__()
        self.begin_ns, self.known_ns = BEGIN, BEGIN + 1000 * SECOND
        self.frames_a_second = frames_a_second
        self.asked: list[tuple[int, int, int]] = []

    def frames_at(self, ns: int) -> int:
        return (ns - BEGIN) * self.frames_a_second // SECOND

    def start_for(self, ns: int, most_frames: int, most_ns: int) -> Any:
        self.asked.append(((ns - BEGIN) // SECOND, most_frames, most_ns))
        return None


class Bench:
    """A player without a file."""

    def __init__(self, *, instead: Instead | None = None, at: str = "") -> None:
        self.noted: list[tuple[str, str]] = []
        self.passed: list[tuple[int, bool]] = []
        self.frames: list[tuple[bytes, int, str]] = []
        self.began: list[bool] = []
        self.arrivals = self.started = self.stopped_indexing = 0
        self.stopped = asyncio.Event()
        stage: Any = SimpleNamespace(
            note=lambda level, text: self.noted.append((level, text)),
            pass_to=lambda ns, look: self.passed.append((ns - BEGIN, look)),
            on_frame=lambda *given: self.frames.append(given),
            begin_again=lambda leaping: self.began.append(leaping),
            arrived=self._arrive,
        )
        self.player = Replaying(
            Path("folder/day.jsonl") if instead is None else None,
            Settings(pairs=(), speed=2.0, at=at), SystemClock(), stage, self.stopped, ignore_gaps=False, indexes=False,
            instead=instead,
        )  # fmt: skip
        self.clock: Any = Clock()
        self.index = Known()
        self.index.failed = instead is not None
        self.player.clock = self.clock
        self.player._indexer = SimpleNamespace(  # type: ignore[assignment]
            index=self.index, hurry=False, start=self._start, stop=self._stop
        )

    def _arrive(self) -> None:
        self.arrivals += 1

    def _start(self) -> None:
        self.started += 1

    def _stop(self) -> None:
        self.stopped_indexing += 1

    @property
    def leap(self) -> int | None:
        """The moment that is leapt to, in ns from the beginning; None where nothing is."""
        found = self.player._leap
        return None if found is None else found[1] - BEGIN

    async def settle(self, until: Callable[[], object] = lambda: True) -> None:
        for _ in range(500):
            await asyncio.sleep(0.001)
            if until():
                return
        pytest.fail("it did not get there")


@pytest.mark.parametrize(
    ("to_s", "frames_a_second", "known_s", "way"),
    [
        # Near ahead it is played up to, whatever the index knows.
        (100, 10**6, 0, "play"), (105, 10**6, 0, "play"),
        # Farther ahead, where that is not many frames; a state otherwise.
        (105.000000001, 10, 1000, "play"), (300, 10, 1000, "play"), (300.1, 10, 1000, "leap"),
        (106, 10**6, 1000, "leap"),
        # Back, and before the beginning.
        (99.999999999, 10, 1000, "leap"), (0, 10, 1000, "leap"), (-5, 10, 1000, "leap"),
        # What the index does not reach yet is waited for.
        (200, 10, 150, "wait"), (50, 10, 20, "wait"),
    ],
)  # fmt: skip
async def test_which_way_a_seek_takes(to_s: float, frames_a_second: int, known_s: int, way: str) -> None:
    bench = Bench()
    bench.index.frames_a_second, bench.index.known_ns = frames_a_second, BEGIN + known_s * SECOND
    to = round(to_s * SECOND)
    bench.player.seek(BEGIN + to)
    to = max(0, to)
    assert bench.started == 1
    assert bench.clock.sought == ([to] if way == "play" else [])
    assert bench.leap == (to if way == "leap" else None)
    assert bench.clock.leaping is (way == "leap")
    assert bench.player._cut.is_set() is (way == "leap")
    assert (bench.player._waiting is not None) is (way == "wait")
    if way == "leap":
        assert bench.index.asked == [(to // SECOND, 2_000, 300 * SECOND)]
    bench.player._give_up_waiting()


async def test_a_moment_after_the_end_is_the_end_once_that_is_known() -> None:
    bench = Bench()
    bench.index.complete = True
    bench.player.seek(BEGIN + 5000 * SECOND)
    assert bench.leap == 1000 * SECOND


async def test_after_the_end_nothing_is_ahead() -> None:
    bench = Bench()
    bench.clock.finished = True
    bench.player.seek(BEGIN + 101 * SECOND)
    assert (bench.clock.sought, bench.leap) == ([], 101 * SECOND)


async def test_a_seek_before_the_first_frame_waits_for_it() -> None:
    bench = Bench()
    bench.clock.begun = False
    bench.player.seek(BEGIN + 104 * SECOND)
    await bench.settle()
    assert (bench.clock.sought, bench.leap, bench.clock.frozen) == ([], None, [])
    bench.clock.begun = True
    await bench.settle(lambda: bench.clock.sought)
    assert bench.clock.sought == [104 * SECOND]
    assert bench.player._waiting is None


@pytest.mark.parametrize(
    ("to_s", "ends", "sought", "leap"),
    [
        (200, "reached", [], 200), (200, "failed", [200], None), (50, "failed", [], 50),
        (200, "failed there", [200], None), (200, "failed over", [], 200),
        (200, "complete", [], 150), (200, "stopped", [200], None),
    ],
)  # fmt: skip
async def test_waiting_for_the_index_freezes_the_picture_and_ends(
    to_s: int, ends: str, sought: list[int], leap: int | None
) -> None:
    bench = Bench()
    bench.index.known_ns = BEGIN + 20 * SECOND
    bench.player.seek(BEGIN + to_s * SECOND)
    await bench.settle(lambda: bench.clock.frozen)
    assert (bench.clock.frozen, bench.player._indexer.hurry) == ([True], True)
    seen = bench.player.view()
    assert seen is not None
    assert seen.seeking == {200: "seeking 22:16:40", 50: "seeking 22:14:10"}[to_s]
    assert seen.reached_ns == 20 * SECOND
    if ends == "reached":
        bench.index.known_ns = BEGIN + 1000 * SECOND
    elif ends == "complete":
        bench.index.known_ns, bench.index.complete = BEGIN + 150 * SECOND, True
    elif ends.startswith("failed"):
        bench.index.failed = True
        bench.clock.at = BEGIN + (to_s if ends.endswith("there") else 100) * SECOND
        bench.clock.finished = ends.endswith("over")
    else:
        bench.stopped.set()
    await bench.settle(lambda: bench.player._waiting is None)
    assert (bench.clock.frozen, bench.player._indexer.hurry) == ([True, False], False)
    assert bench.clock.sought == [each * SECOND for each in sought]
    assert bench.leap == (None if leap is None else leap * SECOND)
    assert bench.player._sought == ""


async def test_a_seek_is_given_up_by_the_next_and_by_a_word() -> None:
    bench = Bench()
    assert bench.player.cancel() is False
    bench.index.known_ns = BEGIN
    bench.player.seek(BEGIN + 200 * SECOND)
    await bench.settle(lambda: bench.clock.frozen)
    bench.player.seek(BEGIN + 103 * SECOND)
    await bench.settle(lambda: len(bench.clock.frozen) == 2)
    assert (bench.clock.sought, bench.player._waiting) == ([103 * SECOND], None)
    assert bench.player.cancel() is True
    assert (bench.clock.settled, bench.clock.seeking) == (1, None)
    # On the way to another part there is nothing to go on from.
    bench.clock.seeking, bench.clock.leaping = BEGIN, True
    assert bench.player.cancel() is True
    assert bench.clock.settled == 1


async def test_again_goes_before_a_seek() -> None:
    bench = Bench()
    bench.index.known_ns = BEGIN
    bench.player.seek(BEGIN + 200 * SECOND)
    bench.player.again()
    assert bench.player._again
    assert bench.player._cut.is_set()
    assert bench.player._waiting is None


async def test_the_next_fault_is_looked_for_and_the_one_before_too() -> None:
    bench = Bench()
    bench.index.faults = [Fault(BEGIN + at * SECOND, "gap", f"fault {at}") for at in (50, 100, 102)]
    for direction, at in ((1, 102), (-1, 50)):
        bench.player.seek_fault(direction)
        await bench.settle(lambda: bench.player._waiting is None)
        assert bench.noted.pop() == ("info", f"at {module.format_timestamp(BEGIN + at * SECOND, 3)[11:23]}: fault {at}")
    assert (bench.clock.sought, bench.leap) == ([102 * SECOND], 50 * SECOND)
    assert bench.clock.frozen == []


async def test_where_no_fault_is_known_the_index_is_waited_for() -> None:
    bench = Bench()
    bench.player.seek_fault(-1)
    await bench.settle(lambda: bench.player._waiting is None)
    assert bench.noted == [("info", "the recording holds no earlier mismatch, gap or session")]
    assert bench.clock.frozen == []
    bench.player.seek_fault(1)
    await bench.settle(lambda: bench.clock.frozen)
    seen = bench.player.view()
    assert seen is not None
    assert seen.seeking == "seeking the next mismatch, gap or session"
    bench.index.faults = [Fault(BEGIN + 103 * SECOND, "gap", "late")]
    await bench.settle(lambda: bench.player._waiting is None)
    assert bench.clock.sought == [103 * SECOND]
    bench.index.faults, bench.clock.frozen[:] = [], []
    bench.index.complete = True
    bench.player.seek_fault(1)
    await bench.settle(lambda: bench.player._waiting is None)
    assert bench.noted[-1] == ("info", "the recording holds no further mismatch, gap or session")
    bench.clock.begun = False
    bench.player.seek_fault(1)
    assert bench.player._waiting is None


def moment(text: str) -> Moment:
    found = read_moment(text)
    assert found is not None
    return found


async def test_a_program_begins_at_a_moment_with_more_of_the_past() -> None:
    bench = Bench()
    begin = asyncio.create_task(bench.player._begin_at(moment("+60")))
    await begin
    assert bench.leap == 60 * SECOND
    assert bench.index.asked == [(60, 60_000, 300 * SECOND)]
    assert (bench.started, bench.player._indexer.hurry) == (1, False)
    # It waits for the beginning, and for the moment.
    slow = Bench()
    slow.index.begin_ns, slow.index.known_ns = None, 0
    begin = asyncio.create_task(slow.player._begin_at(moment("+60")))
    await slow.settle(lambda: slow.player._indexer.hurry)
    assert slow.player._sought == "seeking +60"
    slow.index.begin_ns = slow.index.known_ns = BEGIN
    await slow.settle()
    assert not begin.done()
    slow.index.known_ns = BEGIN + 61 * SECOND
    await begin
    assert slow.leap == 60 * SECOND
    none = Bench()
    none.index.begin_ns, none.index.failed = None, True
    await none.player._begin_at(moment("+60"))
    assert (none.leap, none.player._indexer.hurry) == (None, False)


async def test_a_moment_that_is_not_in_the_recording_is_refused() -> None:
    bench = Bench()
    bench.index.known_ns, bench.index.complete = BEGIN + 10 * SECOND, True
    with pytest.raises(RecordingError):
        await bench.player._begin_at(moment("2030-01-01T00:00:00"))
    assert bench.leap is None


async def test_on_the_way_to_a_moment_time_passes_by_the_second_and_views_by_ten() -> None:
    bench = Bench()
    bench.player._on_frame(b"seen", BEGIN, "rx")
    assert bench.passed == []
    bench.clock.seeking = BEGIN + 100 * SECOND
    bench.player._ticked_ns = bench.player._viewed_ns = BEGIN
    for at in (
        SECOND - 1,
        SECOND,
        2 * SECOND - 1,
        2 * SECOND,
        10 * SECOND - 1,
        10 * SECOND,
        11 * SECOND - 1,
        20 * SECOND - 1,
    ):
        bench.player._on_frame(b"x", BEGIN + at, "rx")
    assert bench.passed == [
        (SECOND, False), (2 * SECOND, False), (10 * SECOND - 1, False), (10 * SECOND, True), (20 * SECOND - 1, False),
    ]  # fmt: skip
    assert len(bench.frames) == 9
    assert bench.frames[0] == (b"seen", BEGIN, "rx")


async def test_nothing_is_seen_on_the_way() -> None:
    bench = Bench()
    assert bench.player.unseen is False
    bench.clock.seeking = BEGIN
    assert bench.player.unseen is True
    bench.clock.seeking, bench.clock.leaping = None, True
    assert bench.player.unseen is True
    bench.player._sought = "seeking"
    bench.player._arrived()
    assert (bench.arrivals, bench.player._sought) == (1, "")


async def test_that_there_is_no_index_is_said_once() -> None:
    bench = Bench()
    bench.player.poll()
    assert bench.noted == []
    bench.index.failed, bench.index.problem = True, "no room"
    bench.player.poll()
    bench.player.poll()
    text = "there is no index of the recording, so that seeking takes long: no room"
    assert bench.noted == [("warning", text)]
    instead = Bench(instead=Instead(lambda: (), "the last minute", 60 * SECOND))
    instead.player.poll()
    assert instead.noted == []


async def test_what_is_shown_of_a_replay() -> None:
    bench = Bench()
    plain = ReplayView("day.jsonl", 100 * SECOND, None, 2.0, False, False)
    assert bench.player.view() == plain
    bench.player._length_ns = 50 * SECOND
    found = bench.player.view()
    assert found is not None
    assert found.length_ns == 100 * SECOND, "never shorter than where it is"
    bench.player._length_ns = 150 * SECOND
    bench.clock.seeking = BEGIN + 110 * SECOND
    bench.clock.problem, bench.clock.gap_ns, bench.clock.paused = "disk", 70 * SECOND, True
    found = bench.player.view()
    assert found is not None
    assert found == ReplayView(
        "day.jsonl", 100 * SECOND, 150 * SECOND, 2.0, True, False, gap_ns=70 * SECOND, problem="disk",
        seeking="seeking 22:15:10",
    )  # fmt: skip
    bench.index.complete = True
    found = bench.player.view()
    assert found is not None
    assert (found.length_ns, found.indexed, found.reached_ns) == (1000 * SECOND, True, None)
    bench.index.complete = False
    bench.clock.finished = True
    found = bench.player.view()
    assert found is not None
    assert (found.length_ns, found.finished) == (100 * SECOND, True)
    bench.clock.begun = False
    found = bench.player.view()
    assert found is not None
    assert found.position_ns == 0
    instead = Bench(instead=Instead(lambda: (), "the last minute", 60 * SECOND))
    found = instead.player.view()
    assert found is not None
    assert (found.path, found.length_ns) == ("the last minute", 100 * SECOND)


async def test_stopping_stops_the_index_and_wakes_the_player() -> None:
    bench = Bench()
    bench.player.stop()
    assert bench.stopped_indexing == 1
    assert bench.player._cut.is_set()
