"""F119 to F121: what happens to a recording while it is played, and to the clock of who made it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kraken_tui.doctor.recording import examine
from kraken_tui.feed.events import Note
from kraken_tui.feed.session import Session
from kraken_tui.market.events import Proof
from kraken_tui.recording import replay
from kraken_tui.recording.read_ahead import ReadAhead
from kraken_tui.recording.reader import Recorded
from kraken_tui.recording.replay import SKIP_S, ReplayClock, run_replay
from kraken_tui.recording.writer import Recorder
from kraken_tui.units import SECOND
from tests.faults.ledger import Ledger
from tests.rig.clock import VENUE_START as WALL
from tests.rig.scripted import ScriptedVenue as Venue


def session_of(*moments: float) -> list[tuple[int, bytes]]:
    """(exchange's time, frame): a snapshot and changes of a book at these moments, s."""
    venue = Venue({"BTC/USD": (1, 8)})
    found = []
    for number, at in enumerate(moments):
        venue.wall = WALL + round(at * SECOND)
        frame = venue.book_update("BTC/USD") if number else venue.book_snapshot("BTC/USD", 10)
        found.append((venue.wall, frame.encode()))
    return found


def doctor(path: Path, frames: list[tuple[int, bytes]]) -> dict[str, Any]:
    recorder = Recorder(path, wall_ns=WALL)
    for at, frame in frames:
        recorder.write(frame, at)
    recorder.close()
    said: list[str] = []
    examine(path, until_fault=False, machine=True, write=said.append)
    found: dict[str, Any] = json.loads("".join(said))
    return found


async def test_f119_the_disk_hangs_while_a_recording_is_played(monkeypatch: pytest.MonkeyPatch, ledger: Ledger) -> None:
    monkeypatch.setattr(replay, "HUNG_S", 0.5)
    released, told = threading.Event(), list[Any]()
    frames = session_of(*range(6))

    def hangs() -> Iterator[Recorded]:
        for number, (at, frame) in enumerate(frames):
            if number == 3:
                assert released.wait(60)
            yield Recorded(at, frame)

    session, clock, began = Session(replay=True), ReplayClock(100.0), time.monotonic()
    task = asyncio.create_task(run_replay(session, ReadAhead(hangs), clock, told.extend, asyncio.Event()))
    while not clock.problem:
        await asyncio.sleep(0.01)
        assert time.monotonic() - began < 20
    position = clock.position_ns
    await asyncio.sleep(0.3)
    assert clock.position_ns == position, "ages stand still with the clock"
    released.set()
    assert await task == len(frames)
    assert session.stitchers["BTC/USD"].proof is Proof.VERIFIED
    assert len([event for event in told if isinstance(event, Note)]) == 2
    ledger("the replay waits, says so and goes on", "said, clock stood still, 6 of 6 frames played", "2 s; 0 lost")


@pytest.mark.parametrize("set_by", [-12, 3600])
async def test_f120_the_clock_is_set_while_recording(tmp_path: Path, set_by: int, ledger: Ledger) -> None:
    frames = session_of(*(number / 2 for number in range(40)))
    recorded = [(at + set_by * SECOND * (number >= 20), frame) for number, (at, frame) in enumerate(frames)]
    found = doctor(tmp_path / "day.jsonl", recorded)
    assert found["faults_by_kind"] == {"clock step": 1}
    played: list[int] = []
    items = [Recorded(at, frame) for at, frame in recorded]
    session, stop = Session(replay=True), asyncio.Event()
    await run_replay(session, items, ReplayClock(0), lambda _: None, stop, lambda _, at, __: played.append(at))
    assert played == [at for at, _ in frames]
    ledger("paced by the exchange's time, named", f"set by {set_by} s: times off by 0 s, doctor names it", "0.25 s")


async def test_f121_hours_without_a_frame_in_one_file(tmp_path: Path, ledger: Ledger) -> None:
    frames = session_of(0, 1, 28_800, 28_801)
    found = doctor(tmp_path / "day.jsonl", frames)
    assert (found["ok"], found["notes_by_kind"]) == (True, {"long gap": 1})
    clock, began = ReplayClock(10.0), time.monotonic()
    items = [Recorded(at, frame) for at, frame in frames]
    assert await run_replay(Session(replay=True), items, clock, lambda _: None, asyncio.Event()) == 4
    took = time.monotonic() - began
    assert took >= SKIP_S
    assert clock.position_ns == 28_801 * SECOND
    ledger("named, shown for 3 s, skipped", f"8 hours at speed 10: {took:.1f} s in all", "3 s")
