"""A recording that is read in a thread of its own: nothing is lost, nothing grows, and a disk that hangs is told."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kraken_tui.engine.engine import Engine
from kraken_tui.errors import RecordingError
from kraken_tui.feed.events import Note
from kraken_tui.feed.session import Session
from kraken_tui.recording import read_ahead, replay
from kraken_tui.recording.read_ahead import ReadAhead
from kraken_tui.recording.reader import Recorded, Recording, open_recording
from kraken_tui.recording.replay import ReplayClock, run_replay
from kraken_tui.recording.timeline import Timed, timeline
from kraken_tui.settings import Settings
from kraken_tui.units import SECOND
from tests.rig.clock import VENUE_START as WALL

BEAT = b'{"channel":"heartbeat"}'
LINES = Path(__file__).parents[1] / "reference/recordings/reconnect.jsonl.gz"
SOON_S = 20.0


def beats(count: int) -> Iterator[Recorded]:
    return (Recorded(WALL + number * SECOND, BEAT) for number in range(count))


class HungDisk:
    """Gives some frames, hangs until it is released, and gives the rest."""

    def __init__(self, before: int, after: int) -> None:
        self.before, self.after = before, after
        self.released = threading.Event()
        self.hangs = threading.Event()

    def __iter__(self) -> Iterator[Recorded]:
        yield from beats(self.before)
        self.hangs.set()
        assert self.released.wait(60)
        for number in range(self.before, self.before + self.after):
            yield Recorded(WALL + number * SECOND, BEAT)


async def everything(ahead: ReadAhead) -> list[Timed]:
    found: list[Timed] = []
    while (batch := ahead.take()) is not None:
        found += batch
        if not batch:
            await ahead.wait(SOON_S)
    return found


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < deadline, "never"
        await asyncio.sleep(0.005)


async def test_all_frames_come_in_order_with_their_times() -> None:
    ahead = ReadAhead(lambda: open_recording(LINES))
    assert await everything(ahead) == list(timeline(Recording(LINES)))
    assert (ahead.take(), ahead.problem) == (None, "")


async def test_what_is_read_ahead_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "AHEAD_FRAMES", 1000)
    read = 0

    def counted() -> Iterator[Recorded]:
        nonlocal read
        for item in beats(5000):
            read += 1
            yield item

    ahead = ReadAhead(counted)
    await ahead.wait(SOON_S)
    await until(lambda: read >= 1000 and ahead.busy_s == 0)
    await asyncio.sleep(0.05)
    assert read < 1000 + 2 * read_ahead._BATCH + 10
    assert len(await everything(ahead)) == 5000


async def test_few_frames_of_many_bytes_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "AHEAD_BYTES", 4_000_000)
    read = 0

    def long() -> Iterator[Recorded]:
        nonlocal read
        for number in range(100):
            read += 1
            yield Recorded(WALL + number * SECOND, b" " * 1_000_000)

    ahead = ReadAhead(long)
    await ahead.wait(SOON_S)
    await until(lambda: read >= 4 and ahead.busy_s == 0)
    await asyncio.sleep(0.05)
    assert read <= 6
    assert len(await everything(ahead)) == 100


async def test_what_is_wrong_with_the_file_reaches_the_player(tmp_path: Path) -> None:
    path = tmp_path / "letter.jsonl"
    path.write_text("Dear Sir")
    with pytest.raises(RecordingError, match="is not a recording"):
        await everything(ReadAhead(lambda: open_recording(path)))
    path.write_bytes(b'{"rx_ns":%d,"frame":%b}\n{"rx' % (WALL, BEAT))
    ahead = ReadAhead(lambda: open_recording(path))
    assert len(await everything(ahead)) == 1
    assert "cut off" in ahead.problem


async def test_a_disk_that_hangs_is_told_and_the_recordings_clock_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "HUNG_S", 0.3)
    disk, told, stop = HungDisk(3, 2), [], asyncio.Event()
    clock = ReplayClock(20.0)
    task = asyncio.create_task(run_replay(Session(replay=True), ReadAhead(lambda: disk), clock, told.extend, stop))
    await until(lambda: bool(clock.problem))
    assert "the disk does not answer since" in clock.problem
    stands = clock.position_ns
    await asyncio.sleep(0.3)
    assert clock.position_ns == stands
    disk.released.set()
    assert await task == 5
    assert clock.problem == ""
    error, again = [event for event in told if isinstance(event, Note)]
    assert (error.level, error.text[:52]) == ("error", "reading the recording: the disk does not answer sinc")
    assert again.text.startswith("reading the recording goes on after ")


async def test_a_replay_ends_at_once_while_the_disk_hangs() -> None:
    disk, stop, events = HungDisk(1, 0), asyncio.Event(), list[Any]()
    task = asyncio.create_task(
        run_replay(Session(replay=True), ReadAhead(lambda: disk), ReplayClock(0), events.extend, stop)
    )
    await until(disk.hangs.is_set)
    began = time.monotonic()
    stop.set()
    assert await task == 1
    assert time.monotonic() - began < 2
    assert events[-1].cause == "stopped"
    disk.released.set()


def test_the_engine_publishes_and_ends_while_the_disk_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread opens no recording: the screen stays alive and says what is the matter."""
    monkeypatch.setattr(replay, "HUNG_S", 0.2)
    released = threading.Event()

    def hangs(path: Path) -> Recording:
        assert released.wait(60)
        return Recording(path)

    monkeypatch.setattr(replay, "open_recording", hangs)
    engine = Engine(Settings(replay=LINES, pairs=(), speed=1.0))
    engine.start()
    try:
        deadline = time.monotonic() + SOON_S
        while not ((view := engine.feed_view).replay is not None and view.replay.problem):
            assert time.monotonic() < deadline, "never told"
            time.sleep(0.01)
        assert "the disk does not answer" in view.replay.problem
        assert view.made_ns is not None
        assert engine.now() - view.made_ns < 2 * SECOND
    finally:
        began = time.monotonic()
        engine.stop()
        released.set()
    assert time.monotonic() - began < 2
    assert engine.at_rest
