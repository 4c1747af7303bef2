"""The recorder's figures, the exact form of its chunks, and what a file system can do to it."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import zstandard

from kraken_tui.errors import RecordingError
from kraken_tui.recording import writer as module
from kraken_tui.recording.writer import Recorder, check
from tests.recording.test_writer import FRAMES, SECOND, SUFFIXES, WALL, content, frames, full_disk, lives, start


def test_a_chunk_is_written_from_256_kib_on(tmp_path: Path) -> None:
    recorder = start(tmp_path / "day.jsonl")
    for _ in range(2):
        before = recorder.bytes
        recorder.write(b"1" * (256 * 1024 - 1), WALL)
        assert recorder.bytes == before
        recorder.write(b"1", WALL)
        assert recorder.bytes > before + 256 * 1024
    recorder.close()


@pytest.mark.parametrize(
    ("total", "least"), [(1000 * 2**30, 500 * 2**20), (10_000 * 2**20, 100 * 2**20)], ids=["large", "small"]
)
def test_recording_needs_500_mib_or_a_hundredth_of_a_small_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, total: int, least: int
) -> None:
    usage = SimpleNamespace(total=total, free=least)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage)
    recorder = start(tmp_path / "day.jsonl")
    recorder.tick(WALL)
    assert recorder.problem == ""
    usage.free -= 1
    recorder.tick(WALL + 10 * SECOND)
    assert recorder.problem.endswith("the disk is almost full")


def test_the_space_is_looked_at_every_ten_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Path] = []

    def disk_usage(path: Path) -> None:
        looked.append(path)
        raise OSError("cannot say")

    monkeypatch.setattr(module.shutil, "disk_usage", disk_usage)
    recorder = start(tmp_path / "day.jsonl")
    counts = []
    for moment in (0, 0, 10 * SECOND - 1, 10 * SECOND, -3600 * SECOND):
        recorder.tick(moment)
        counts.append(len(looked))
    assert counts == [1, 1, 1, 2, 3]
    assert recorder.problem == "", "a file system that cannot say is found full by the write itself"
    recorder.close()
    recorder.tick(WALL)
    assert len(looked) == 3
    assert looked[0] == tmp_path


def test_the_header_is_written_at_the_first_tick_and_frames_wait_from_then_on(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    recorder = start(path)
    recorder.tick(0)
    assert frames(path) == []
    recorder.write(FRAMES[0], WALL)
    recorder.tick(0)
    assert frames(path) == []
    recorder.close()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nothing_is_written_where_nothing_waits(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"day{suffix}"
    recorder = start(path)
    recorder.tick(0)
    size = path.stat().st_size
    recorder.tick(SECOND)
    recorder.close()
    assert path.stat().st_size == recorder.bytes == size


def test_a_frame_was_received_unless_it_is_said_to_be_sent(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    recorder = start(path)
    recorder.write(FRAMES[0], WALL)
    recorder.close()
    assert b'"dir"' not in content(path)


def test_a_check_minds_no_file_that_is_gone_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "day.jsonl"
    release = Recorder._release

    def removed_meanwhile(recorder: Recorder) -> None:
        release(recorder)
        path.unlink()

    monkeypatch.setattr(Recorder, "_release", removed_meanwhile)
    check(path)
    assert not path.exists()


def test_a_closed_recorder_takes_nothing(tmp_path: Path) -> None:
    recorder = start(tmp_path / "day.jsonl")
    recorder.close()
    recorder.write(FRAMES[0], WALL)
    recorder.tick(WALL)
    assert (recorder.frames, recorder.problem) == (0, "")


def test_names_in_the_header_are_short_and_endings_in_any_case(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deeper" / "DAY.ZSTD"
    Recorder(path, wall_ns=WALL, url="u" * 300, pairs=["X" * 41, "Y" * 40]).close()
    header = json.loads(zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes()[12:]))
    assert header["pairs"] == ["X" * 39 + "…", "Y" * 40]
    assert len(header["url"]) == 200


def test_a_file_system_that_gives_little_at_a_time_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "day.jsonl.gz"
    lives(path, 3)
    real = os.read
    monkeypatch.setattr(module.os, "read", lambda fd, count: real(fd, min(count, 1)))
    start(path).close()
    monkeypatch.undo()
    assert len(frames(path)) == 3


# -- what goes wrong ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "told"), [(OSError(errno.EIO, "Input/output error"), "Input/output error"), (OSError("odd"), "odd")]
)
def test_a_file_that_cannot_be_examined_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, told: str
) -> None:
    path = tmp_path / "day.jsonl"
    lives(path, 1)

    def lseek(*_: object) -> int:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "lseek", lseek)
        with pytest.raises(RecordingError, match=f"^cannot record to {path}: {told}$"):
            start(path)
    start(path).close()


def test_a_refused_file_is_closed_again(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    recorder = start(path)
    free = os.dup(0)
    os.close(free)
    with pytest.raises(RecordingError, match="another recorder"):
        start(path)
    again = os.dup(0)
    os.close(again)
    assert again == free
    recorder.close()


def test_what_stopped_a_recording_is_told_once_and_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = start(tmp_path / "day.jsonl")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(total=2**40, free=0))

    def write(*_: object) -> int:
        raise OSError("odd")

    monkeypatch.setattr(module.os, "write", write)
    recorder._due_ns = WALL + 1  # only the look at the disk is due
    recorder.tick(WALL)
    assert recorder.problem == f"recording to {recorder.path} stopped: odd"
    assert recorder.bytes == recorder.path.stat().st_size == 0


def test_a_torn_end_that_cannot_be_cut_off_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "day.jsonl"
    recorder = start(path)

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "write", full_disk(20))
        patch.setattr(module.os, "ftruncate", fail)
        recorder.tick(WALL)
    assert recorder.problem == f"recording to {path} stopped: No space left on device; its end may be torn"
    assert (recorder.bytes, path.stat().st_size) == (0, 20)
    start(path).close()


def test_a_file_that_cannot_be_closed_is_told_unless_something_was_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.close

    def close(fd: int) -> None:
        real(fd)
        raise OSError(errno.EIO, "Input/output error")

    recorder = start(tmp_path / "day.jsonl")
    stopped = start(tmp_path / "stopped.jsonl")
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "close", close)
        recorder.close()
        stopped._stop("enough")
    assert recorder.problem == f"closing {recorder.path} failed: Input/output error"
    assert stopped.problem == f"recording to {stopped.path} stopped: enough"


def test_a_file_system_without_locks_is_recorded_to_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    recorder = start(tmp_path / "day.jsonl")
    recorder.close()
    assert recorder.problem == ""


# -- what becomes of the file ---------------------------------------------------------------------------------------


def test_a_file_that_is_as_it_was_written_is_well(tmp_path: Path) -> None:
    recorder = start(tmp_path / "day.jsonl")
    assert recorder.look() == ""
    recorder.write(FRAMES[0], WALL)
    assert recorder.look() == ""
    recorder.flush()
    os.link(recorder.path, tmp_path / "second-name")
    assert recorder.look() == ""
    recorder.close()
    assert recorder.look() == "", "a closed one looks at nothing"


def test_what_can_happen_to_a_file_is_told_apart(tmp_path: Path) -> None:
    def written(name: str) -> Recorder:
        recorder = start(tmp_path / name)
        recorder.write(FRAMES[0], WALL)
        recorder.flush()
        return recorder

    deleted, replaced, moved, emptied, shortened, shared = map(written, "abcdef")
    deleted.path.unlink()
    replaced.path.unlink()
    replaced.path.write_bytes(b"x")
    moved.path.rename(tmp_path / "elsewhere")
    os.truncate(emptied.path, 0)
    os.truncate(shortened.path, shortened.bytes - 1)
    with shared.path.open("ab") as file:
        file.write(b"x")
    assert [one.look() for one in (deleted, replaced, moved, emptied, shortened, shared)] == [
        module.DELETED, module.DELETED, module.MOVED, module.EMPTIED, module.EMPTIED, module.SHARED,
    ]  # fmt: skip
    for one in (deleted, replaced, moved, emptied, shortened, shared):
        one.abandon()


def test_a_link_in_the_place_of_the_file_is_not_the_file(tmp_path: Path) -> None:
    recorder = start(tmp_path / "day.jsonl")
    recorder.path.rename(tmp_path / "elsewhere")
    recorder.path.symlink_to(tmp_path / "elsewhere")
    assert recorder.look() == module.MOVED
    recorder.close()


@pytest.mark.parametrize("call", ["fstat", "lstat"])
def test_a_file_system_that_cannot_say_is_not_a_file_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    recorder = start(tmp_path / "day.jsonl")

    def fail(*_: object) -> None:
        raise OSError(errno.ESTALE, "Stale file handle")

    with monkeypatch.context() as patch:
        patch.setattr(*((module.os, "fstat", fail) if call == "fstat" else (Path, "lstat", fail)))
        assert recorder.look() == ""
    recorder.close()


def test_frames_are_kept_once_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = start(tmp_path / "day.jsonl")
    assert recorder.kept == 0
    recorder.write(FRAMES[0], WALL)
    recorder.write(FRAMES[1], WALL)
    assert (recorder.frames, recorder.kept) == (2, 0)
    recorder.flush()
    assert (recorder.frames, recorder.kept) == (2, 2)
    recorder.write(FRAMES[2], WALL)
    monkeypatch.setattr(module.os, "write", full_disk(0))
    recorder.flush()
    assert (recorder.frames, recorder.kept) == (3, 2)


def test_one_that_is_abandoned_writes_no_more_and_keeps_its_first_problem(tmp_path: Path) -> None:
    recorder = start(tmp_path / "day.jsonl")
    recorder.flush()
    size = recorder.bytes
    recorder.write(FRAMES[0], WALL)
    recorder.abandon("first")
    recorder.abandon("second")
    recorder.close()
    assert recorder.problem == "first"
    assert recorder.path.stat().st_size == size
    start(recorder.path).close()
