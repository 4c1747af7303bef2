"""F78 to F85: nothing that happens to the file of a recording loses more than its last second, or stops the view."""

from __future__ import annotations

import errno
import gzip
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from kraken_tui.errors import RecordingError
from kraken_tui.recording import background
from kraken_tui.recording import writer as module
from kraken_tui.recording.background import BackgroundRecorder, Opening
from kraken_tui.recording.reader import Recording, open_recording
from kraken_tui.recording.writer import Recorder
from kraken_tui.recording.writer import RecordingError as CannotRecord
from kraken_tui.text import safe_file_stem
from tests.faults.ledger import Ledger
from tests.rig import kills

SECOND = 1_000_000_000
WALL = 1_790_000_000 * SECOND
ROOT = Path(__file__).parents[2]
FRAMES = [b'{"channel":"book","data":[{"n":%d,"price":0.10000000}]}' % number for number in range(8)]


def start(path: Path) -> Recorder:
    return Recorder(path, wall_ns=WALL)


def read(path: Path) -> tuple[list[bytes], str]:
    """Frames and the problem of a recording; none where it cannot be opened."""
    recording = Recording(path)
    try:
        frames = [item.frame for item in recording]
    except RecordingError as error:
        return [], str(error)
    return frames, recording.problem


def failing(number: int, capacity: int) -> Callable[[int, memoryview], int]:
    """An `os.write` that fails after so many bytes."""
    left, real = capacity, os.write

    def write(fd: int, data: memoryview) -> int:
        nonlocal left
        if not left:
            raise OSError(number, os.strerror(number))
        written = real(fd, data[:left])
        left -= written
        return written

    return write


def test_f78_a_disk_that_fills_at_any_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger: Ledger) -> None:
    probe = start(tmp_path / "probe.jsonl")
    probe.write(FRAMES[0], WALL)
    probe.tick(WALL)
    whole = probe.bytes
    probe.write(FRAMES[1], WALL)
    probe.close()
    for extra in range(probe.bytes - whole):
        path = tmp_path / f"{extra}.jsonl"
        with monkeypatch.context() as patch:
            patch.setattr(module.os, "write", failing(errno.ENOSPC, whole + extra))
            recorder = start(path)
            for second, frame in enumerate(FRAMES):
                recorder.write(frame, WALL)
                recorder.tick(WALL + second * SECOND)
            assert "No space left" in recorder.problem
            recorder.close()
        assert read(path) == ([FRAMES[0]], "")
    seen = f"{probe.bytes - whole} of {probe.bytes - whole} offsets: stopped with a sentence, whole frames kept"
    ledger("recorder OFF, file readable", seen, "every byte")


def test_f79_a_failing_file_stops_the_recording_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger: Ledger
) -> None:
    path = tmp_path / "io.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "write", failing(errno.EIO, 100))
        recorder = start(path)
        recorder.write(FRAMES[0], WALL)
        recorder.tick(WALL)
    assert "Input/output error" in recorder.problem
    recorder.write(FRAMES[1], WALL)
    recorder.tick(WALL + SECOND)
    recorder.close()
    with pytest.raises(CannotRecord):
        start(tmp_path / "io.jsonl" / "below.jsonl")
    ledger("said; begun again or OFF, the rest goes on", "I/O error, impossible folder: OFF, no exception", "2 s")


@pytest.mark.realtime
@pytest.mark.parametrize("what", ["deleted", "emptied", "moved away"])
def test_f79_a_file_that_goes_away_is_noticed_said_and_begun_again(what: str, tmp_path: Path, ledger: Ledger) -> None:
    path = tmp_path / "day.jsonl"
    state = b'{"channel":"status","type":"update","data":[]}'

    def opening(lost: int) -> Opening:
        return Opening(WALL, "", ("BTC/USD",), (state,), lost)

    recorder = BackgroundRecorder(path, opening(0))
    recorder.write(FRAMES[0], WALL, "rx")
    while recorder.progress.frames < 1:
        time.sleep(0.01)
    {"deleted": path.unlink, "emptied": partial(os.truncate, path, 0), "moved away": partial(path.rename, f"{path}.1")}[
        what
    ]()
    began = time.monotonic()
    while not recorder.wants_opening:
        assert time.monotonic() - began < 10
        time.sleep(0.01)
    noticed_s = time.monotonic() - began
    recorder.poll(opening)
    recorder.write(FRAMES[1], WALL, "rx")
    assert recorder.close(10)
    assert read(path) == ([state, FRAMES[1]], "")
    told = recorder.progress
    assert (told.frames, told.lost) == ((2, 0) if what == "moved away" else (1, 1))
    assert any(what in text for _, text in recorder.notices)
    seen = f"{what}: noticed after {noticed_s:.1f} s, begun again as a whole, {told.lost} lost and said"
    ledger("said; begun again or OFF, the rest goes on", seen, "2 s")


def test_f79_a_disk_that_hangs_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger: Ledger) -> None:
    free, hangs, real = threading.Event(), threading.Event(), os.write

    def write(fd: int, data: memoryview) -> int:
        hangs.set()
        assert free.wait(60)
        return real(fd, data)

    monkeypatch.setattr(module.os, "write", write)
    monkeypatch.setattr(background, "ITEMS", 1000)
    recorder = BackgroundRecorder(tmp_path / "day.jsonl", Opening(WALL, "", (), (FRAMES[0],)))
    try:
        assert hangs.wait(10)
        began = time.monotonic()
        for number in range(5000):
            recorder.write(FRAMES[number % 8], WALL, "rx")
        took = time.monotonic() - began
        told = recorder.progress
        assert took < 1
        assert told.waiting + told.dropped == 5001
        assert told.lost == told.dropped > 0
        assert not recorder.close(0.05)
        assert "does not answer" in recorder.progress.problem
    finally:
        free.set()
    assert recorder.close(10)
    frames, problem = read(tmp_path / "day.jsonl")
    assert frames[1:] == [FRAMES[number % 8] for number in range(len(frames) - 1)], "the oldest are kept"
    assert (len(frames) - 1, problem) == (5000 - told.dropped, "")
    seen = f"hung: 5,000 frames handed over, none waited for, {told.dropped:,} left out and counted, the oldest kept"
    ledger("said; begun again or OFF, the rest goes on", seen, "2 s")


@pytest.mark.realtime
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("suffix", kills.SUFFIXES)
def test_f80_kill_9_while_writing_loses_a_second_at_most(suffix: str, tmp_path: Path, ledger: Ledger) -> None:
    tally = kills.run(6, suffix, tmp_path)
    assert tally.problems == []
    assert tally.lost <= 200 + 50
    seen = f"{suffix}: {tally.kills} kills, {tally.lost} frames lost at most (1 s is 200)"
    ledger("the next start repairs the tail", seen, "1 s of data")


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_f81_a_file_cut_anywhere_gives_all_whole_frames(suffix: str, tmp_path: Path, ledger: Ledger) -> None:
    path = tmp_path / f"day{suffix}"
    recorder = start(path)
    ends = []
    for second, frame in enumerate(FRAMES):
        recorder.write(frame, WALL)
        recorder.tick(WALL + second * SECOND)
        ends.append(recorder.bytes)
    recorder.close()
    content = path.read_bytes()
    for cut in range(ends[-4], len(content) + 1):
        torn = tmp_path / f"cut{suffix}"
        torn.write_bytes(content[:cut])
        frames, _ = read(torn)
        whole = sum(end <= cut for end in ends)
        assert frames == FRAMES[: len(frames)]
        assert len(frames) >= whole
        again = start(torn)
        again.write(b'{"channel":"after"}', WALL)
        again.close()
        assert read(torn) == ([*FRAMES[:whole], b'{"channel":"after"}'], "")
    count = len(content) + 1 - ends[-4]
    ledger("reads all whole frames, reports the rest", f"{suffix}: {count} of {count} offsets", "100 % of offsets")


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_f82_a_flipped_bit_spoils_its_frame_alone_or_is_told(suffix: str, tmp_path: Path, ledger: Ledger) -> None:
    path = tmp_path / f"day{suffix}"
    recorder = start(path)
    for second, frame in enumerate(FRAMES * 20):
        recorder.write(frame, WALL)
        recorder.tick(WALL + second * SECOND)
    recorder.close()
    content = path.read_bytes()
    written = FRAMES * 20
    count = unseen = 0
    for at in range(0, len(content), 97):
        flipped = bytearray(content)
        flipped[at] ^= 1 << (at % 8)
        path.write_bytes(flipped)
        frames, problem = read(path)
        count += 1
        # Every frame read was written, in that order: a damaged one is never handed out as another.
        rest = iter(written)
        assert all(frame in rest for frame in frames)
        unseen += frames != written and not problem
    assert unseen == 0
    ledger(
        "damaged frames skipped and named",
        f"{suffix}: {count} flips, no exception, {unseen} unnoticed",
        "never applied",
    )


def test_f83_a_second_writer_is_refused_and_nothing_is_overwritten(tmp_path: Path, ledger: Ledger) -> None:
    path = tmp_path / "day.jsonl"
    one = start(path)
    one.write(FRAMES[0], WALL)
    one.tick(WALL)
    with pytest.raises(CannotRecord, match="another recorder"):
        start(path)
    one.close()
    for frame in FRAMES[1:4]:
        again = start(path)
        again.write(frame, WALL)
        again.close()
    assert read(path) == (FRAMES[:4], "")
    ledger("second refused; a restart appends", "refused; 3 restarts, 4 of 4 frames kept", "nothing overwritten")


def test_f84_bombs_and_strangers_are_refused(tmp_path: Path, ledger: Ledger) -> None:
    head = b'{"format":"kraken-tui","version":1}\n'
    frame = b'{"rx_ns":1,"frame":{"channel":"heartbeat"}}\n'
    cases = {
        "bomb.gz": gzip.compress(head + frame + b" " * 64_000_000),
        "lines.gz": gzip.compress(head + frame + (b" " * 1023 + b"\n") * 65_536),
        "new.jsonl": b'{"format":"kraken-tui","version":99}\n',
        "photo.jsonl": b"\x89PNG\r\n\x1a\n" * 100,
        "empty.jsonl": b"",
        "text.zst": b"hello",
    }
    slowest = 0.0
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        began = time.perf_counter()
        with pytest.raises(RecordingError) as caught:
            list(open_recording(tmp_path / name))
        slowest = max(slowest, time.perf_counter() - began)
        assert "\n" not in str(caught.value)
    assert slowest <= 1
    ledger("refused with the reason", f"{len(cases)} of {len(cases)}, {slowest * 1000:.0f} ms at most", "1 s")


def test_f85_no_symbol_leaves_its_folder(ledger: Ledger) -> None:
    names = ("../../x", "a/b", "a\0b", "x" * 300, "CON", "\u202egnp.exe", "", ".", "..", "~/x", "a\\b", "é" * 99, "-rf")
    for name in names:
        stem = safe_file_stem(name)
        assert stem
        assert len(stem.encode()) <= 120
        assert set(stem) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
        assert not stem.startswith("-")
    ledger("a safe name", f"{len(names)} of {len(names)} stay in the folder", "100 %")
