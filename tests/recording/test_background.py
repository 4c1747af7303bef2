"""A recording in a thread of its own: a disk that hangs, a file that goes away, parts, and what is said of all that."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kraken_tui.recording import background as module
from kraken_tui.recording import writer
from kraken_tui.recording.background import BackgroundRecorder, Opening, next_part
from kraken_tui.recording.format import GAP, STATE
from kraken_tui.recording.reader import Recording
from kraken_tui.settings import Rotation

WALL = 1_700_000_000_000_000_000
STATE_FRAME = b'{"channel":"status","type":"update","data":[]}'


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY_S", 0.01)


def opening(lost: int = 0, frames: tuple[bytes, ...] = (STATE_FRAME,)) -> Opening:
    return Opening(WALL, "wss://x", ("BTC/USD", "ETH/USD"), frames, lost)


def wait_until(condition: Callable[[], object], limit_s: float = 10.0) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.002)


def frame(number: int) -> bytes:
    return b'{"channel":"heartbeat","n":%d}' % number


def read(path: Path) -> list[tuple[str, bytes]]:
    recording = Recording(path)
    found = [(one.direction, one.frame) for one in recording]
    assert recording.problem == ""
    return found


def texts(recorder: BackgroundRecorder) -> list[str]:
    return [text for _, text in recorder.notices]


class Gate:
    """An `os.write` that hangs while it is shut."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._open = threading.Event()
        self._open.set()
        self.hangs = threading.Event()
        real = os.write

        def write(fd: int, data: memoryview) -> int:
            if not self._open.is_set():
                self.hangs.set()
                assert self._open.wait(30)
            return real(fd, data)

        patch.setattr(writer.os, "write", write)

    def shut(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate(monkeypatch)
    yield gate
    gate.open()


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_what_is_handed_over_is_in_the_file_in_order(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"day{suffix}"
    recorder = BackgroundRecorder(path, opening())
    for number in range(100):
        recorder.write(frame(number), WALL + number, "tx" if number % 3 == 1 else "rx")
    assert recorder.close(5)
    assert read(path) == [
        (STATE, STATE_FRAME),
        *(("tx" if number % 3 == 1 else "rx", frame(number)) for number in range(100)),
    ]
    told = recorder.progress
    assert (told.path, told.bytes, told.frames) == (path, path.stat().st_size, 100)
    assert (told.waiting, told.dropped, told.lost, told.problem, told.warning) == (0, 0, 0, "", "")


def test_frames_reach_the_file_within_a_second_without_a_close(tmp_path: Path) -> None:
    recorder = BackgroundRecorder(tmp_path / "day.jsonl", opening(frames=()))
    recorder.write(frame(1), WALL, "rx")
    wait_until(lambda: recorder.progress.frames == 1)
    assert read(tmp_path / "day.jsonl") == [("rx", frame(1))]
    recorder.close(5)


def test_a_disk_that_hangs_holds_nobody_up_and_the_gap_is_in_the_file(
    tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ITEMS", 20)
    monkeypatch.setattr(module, "BEHIND_S", 0.05)
    path = tmp_path / "day.jsonl"
    recorder = BackgroundRecorder(path, opening(frames=()))
    wait_until(lambda: path.exists() and path.stat().st_size)
    gate.shut()
    recorder.write(frame(0), WALL, "rx")
    assert gate.hangs.wait(5)
    began = time.monotonic()
    for number in range(1, 101):
        recorder.write(frame(number), WALL + number, "rx")
        recorder.poll(opening)
    assert time.monotonic() - began < 1
    told = recorder.progress
    assert (told.waiting, told.dropped, told.lost, told.problem) == (20, 81, 81, "")
    wait_until(lambda: "the disk does not answer since" in recorder.progress.warning)
    gate.open()
    wait_until(lambda: not recorder.progress.waiting)
    recorder.write(frame(500), WALL, "rx")
    recorder.poll(opening)
    recorder.write(frame(501), WALL, "rx")
    assert recorder.close(5)
    gap = b'{"channel":"recorder","type":"gap","lost":82}'
    assert read(path) == [
        *(("rx", frame(number)) for number in range(20)),
        (GAP, gap),
        (STATE, STATE_FRAME),
        ("rx", frame(501)),
    ]
    told = recorder.progress
    assert (told.frames, told.dropped, told.lost) == (21, 82, 82)
    assert told.warning == "82 frames lost"
    assert any("too slow for 82 frames" in text for text in texts(recorder))


def test_closing_waits_no_longer_than_told_for_a_disk_that_hangs_and_says_so(tmp_path: Path, gate: Gate) -> None:
    path = tmp_path / "day.jsonl"
    recorder = BackgroundRecorder(path, opening(frames=()))
    wait_until(lambda: path.exists() and path.stat().st_size)
    gate.shut()
    for number in range(3):
        recorder.write(frame(number), WALL, "rx")
    assert gate.hangs.wait(5)
    began = time.monotonic()
    assert not recorder.close(0.1)
    assert time.monotonic() - began < 1
    told = recorder.progress
    assert told.problem == (
        f"recording to {path} could not be ended: the disk does not answer, {told.waiting:,} frames waiting"
    )
    assert told.lost == told.waiting > 0
    gate.open()
    assert recorder.close(5)
    assert (recorder.progress.problem, recorder.progress.frames) == ("", 3)
    assert len(read(path)) == 3


def serve(recorder: BackgroundRecorder, condition: Callable[[], object]) -> None:
    """What the engine does ten times a second, until a condition holds."""

    def step() -> object:
        recorder.poll(opening)
        return condition()

    wait_until(step)


def test_a_deleted_recording_is_begun_again_as_a_whole_and_what_was_in_it_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    recorder = BackgroundRecorder(path, opening(frames=()))
    for number in range(5):
        recorder.write(frame(number), WALL, "rx")
    wait_until(lambda: recorder.progress.frames == 5)
    path.unlink()
    serve(recorder, lambda: path.exists() and path.stat().st_size)
    recorder.write(frame(9), WALL, "rx")
    assert recorder.close(5)
    header = json.loads(path.read_bytes().splitlines()[0])
    assert (header["format"], header["pairs"]) == ("kraken-tui", ["BTC/USD", "ETH/USD"])
    assert read(path) == [(STATE, STATE_FRAME), ("rx", frame(9))]
    told = recorder.progress
    assert (told.frames, told.lost, told.problem) == (1, 5, "")
    assert told.warning == "5 frames lost"
    assert f"the recording {path} was deleted, 5 frames lost; begun again" in texts(recorder)


def test_one_that_was_moved_away_is_whole_and_another_begins(tmp_path: Path) -> None:
    path, kept = tmp_path / "day.jsonl", tmp_path / "day.jsonl.1"
    recorder = BackgroundRecorder(path, opening(frames=()))
    recorder.write(frame(1), WALL, "rx")
    wait_until(lambda: recorder.progress.frames == 1)
    path.rename(kept)
    serve(recorder, lambda: path.exists() and path.stat().st_size)
    recorder.write(frame(2), WALL, "rx")
    assert recorder.close(5)
    assert read(kept) == [("rx", frame(1))]
    assert read(path) == [(STATE, STATE_FRAME), ("rx", frame(2))]
    assert (recorder.progress.frames, recorder.progress.lost) == (2, 0)


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_one_that_was_emptied_is_begun_again(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"day{suffix}"
    recorder = BackgroundRecorder(path, opening(frames=()))
    recorder.write(frame(1), WALL, "rx")
    wait_until(lambda: recorder.progress.frames == 1)
    os.truncate(path, 0)
    serve(recorder, lambda: path.stat().st_size)
    recorder.write(frame(2), WALL, "rx")
    assert recorder.close(5)
    assert read(path) == [(STATE, STATE_FRAME), ("rx", frame(2))]
    assert (recorder.progress.frames, recorder.progress.lost) == (1, 1)
    assert f"the recording {path} was emptied, 1 frame lost; begun again" in texts(recorder)


def test_another_program_that_writes_into_it_stops_it(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    recorder = BackgroundRecorder(path, opening(frames=()))
    recorder.write(frame(1), WALL, "rx")
    wait_until(lambda: recorder.progress.frames == 1)
    with path.open("ab") as file:
        file.write(b"hello\n")
    wait_until(lambda: recorder.progress.problem)
    recorder.write(frame(2), WALL, "rx")
    recorder.close(5)
    told = recorder.progress
    assert told.problem == f"recording to {path} stopped: it was written to by another program"
    assert (told.frames, told.lost) == (1, 1)


def test_a_place_that_cannot_be_written_is_a_problem_and_everything_is_lost(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    recorder = BackgroundRecorder(tmp_path / "file" / "x.jsonl", opening())
    recorder.write(frame(1), WALL, "rx")
    recorder.close(5)
    assert recorder.progress.problem.startswith(f"cannot record to {tmp_path / 'file' / 'x.jsonl'}: ")
    assert (recorder.progress.frames, recorder.progress.lost) == (0, 1)


def test_an_error_counts_what_was_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "day.jsonl"
    recorder = BackgroundRecorder(path, opening(frames=()))
    recorder.write(frame(1), WALL, "rx")
    wait_until(lambda: recorder.progress.frames == 1)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer.os, "write", full)
    for number in range(4):
        recorder.write(frame(number), WALL, "rx")
    wait_until(lambda: recorder.progress.problem)
    recorder.write(frame(9), WALL, "rx")
    recorder.close(5)
    told = recorder.progress
    assert told.problem == f"recording to {path} stopped: No space left on device"
    assert (told.frames, told.lost, told.bytes) == (1, 5, path.stat().st_size)


def test_parts_by_size_each_begin_with_the_state_and_none_loses_a_frame(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl.gz"
    (tmp_path / "day-0007.jsonl.gz").touch()
    recorder = BackgroundRecorder(path, opening(frames=()), rotate=Rotation(bytes=400))
    sent = 0

    def step() -> bool:
        nonlocal sent
        recorder.write(frame(sent), WALL, "rx")
        sent += 1
        recorder.poll(opening)
        return (tmp_path / "day-0010.jsonl.gz").exists()

    wait_until(step)
    assert recorder.close(5)
    parts = [part for part in sorted(tmp_path.iterdir()) if part.stat().st_size]
    assert [part.name for part in parts][:3] == ["day-0008.jsonl.gz", "day-0009.jsonl.gz", "day-0010.jsonl.gz"]
    contents = [read(part) for part in parts]
    assert all(content[0] == (STATE, STATE_FRAME) for content in contents[1:])
    frames = [one for content in contents for direction, one in content if direction == "rx"]
    assert frames == [frame(number) for number in range(sent)]
    assert recorder.progress.lost == 0
    assert recorder.progress.path == parts[-1]


def test_parts_by_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = BackgroundRecorder(tmp_path / "day", opening(frames=()), rotate=Rotation(seconds=3600))
    wait_until(lambda: (tmp_path / "day-0001").exists())
    real = time.monotonic
    monkeypatch.setattr(module.time, "monotonic", lambda: real() + 3600)
    serve(recorder, lambda: (tmp_path / "day-0002").exists())
    recorder.close(5)
    assert not (tmp_path / "day-0003").exists()


@pytest.mark.parametrize(
    ("name", "others", "part"),
    [
        ("day.jsonl.zst", ["day-0002.jsonl.zst", "day-0099.jsonl.gz", "day-x.jsonl.zst"], "day-0003.jsonl.zst"),
        ("a.b.jsonl", [], "a.b-0001.jsonl"),
        ("plain", ["plain-9999", "plainer-10000"], "plain-10000"),
        ("day.GZ", ["day-0001.GZ"], "day-0002.GZ"),
    ],
)
def test_a_part_is_named_after_the_highest_number_there(
    tmp_path: Path, name: str, others: list[str], part: str
) -> None:
    for other in others:
        (tmp_path / other).touch()
    assert next_part(tmp_path / name) == tmp_path / part
    assert next_part(tmp_path / "nowhere" / name).parent == tmp_path / "nowhere"


def test_the_same_file_again_waits_for_the_one_before(tmp_path: Path, gate: Gate) -> None:
    path = tmp_path / "day.jsonl"
    first = BackgroundRecorder(path, opening(frames=()))
    wait_until(lambda: path.exists() and path.stat().st_size)
    gate.shut()
    first.write(frame(1), WALL, "rx")
    assert gate.hangs.wait(5)
    first.close()
    second = BackgroundRecorder(path, opening(), after=first)
    second.write(frame(2), WALL, "rx")
    time.sleep(0.05)
    gate.open()
    assert second.close(5)
    assert second.progress.problem == ""
    assert read(path) == [("rx", frame(1)), (STATE, STATE_FRAME), ("rx", frame(2))]
