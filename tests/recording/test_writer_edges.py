"""The recorder's figures, the exact form of its chunks, and what a file system can do to it."""

from __future__ import annotations

import errno
import gzip
import json
import os
import random
from pathlib import Path
from types import SimpleNamespace

import pytest
import zstandard

from kraken_tui.recording import writer as module
from kraken_tui.recording.writer import Recorder, RecordingError, check
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


# -- the three forms of a chunk -----------------------------------------------------------------------------------


def test_a_gzip_chunk_begins_as_rfc_1952_says(tmp_path: Path) -> None:
    chunk = module.GzipCodec().encode(b"text\n")
    assert chunk[:10] == b"\x1f\x8b\x08\x04" + bytes(4) + b"\0\xff", "extra field, no time, no level, unknown system"
    assert chunk[10:16] == b"\x08\0KT\x04\0"
    assert int.from_bytes(chunk[16:20], "little") == len(chunk)
    assert gzip.decompress(chunk) == b"text\n"


def test_a_zstd_chunk_carries_a_checksum() -> None:
    chunk = module.ZstdCodec().encode(b"text\n")
    assert zstandard.get_frame_parameters(chunk[12:]).has_checksum


@pytest.mark.parametrize(
    ("suffix", "tail"),
    [
        (".jsonl.gz", b"appended by someone else"),
        (".jsonl.zst", b"appended by someone else"),
        (".jsonl.zst", module.ZstdCodec.head + b"\5\0\0\0" + b"\x30\0\0\0" + bytes(8)),
    ],
)
def test_what_someone_else_appended_is_not_cut_off(tmp_path: Path, suffix: str, tail: bytes) -> None:
    path = tmp_path / f"day{suffix}"
    lives(path, 2)
    whole = path.read_bytes() + tail
    path.write_bytes(whole)
    with pytest.raises(RecordingError, match="not written by this program"):
        start(path)
    assert path.read_bytes() == whole


def test_a_gzip_chunk_of_nothing_but_its_head_is_not_ours() -> None:
    codec = module.GzipCodec()
    head = codec._HEAD.pack(codec.head, 0, 0, 255, 8, b"KT", 4, codec._HEAD.size)
    with pytest.raises(RecordingError, match="not written by this program"):
        codec.whole_length(lambda offset, count: head[offset : offset + count], len(head))


@pytest.mark.parametrize("tail", [0, 1, 2, 65_535, 65_536, 65_537, 131_072])
@pytest.mark.parametrize("head", [b"", b"\n", b"x\n", b"\n\n", b"x" * 65_535 + b"\n"])
def test_whole_lines_end_with_the_last_line_end(head: bytes, tail: int) -> None:
    content = head + b"x" * tail

    def read(offset: int, count: int) -> bytes:
        assert 0 <= offset <= offset + count <= len(content)
        return content[offset : offset + count]

    assert module.PlainCodec().whole_length(read, len(content)) == len(head)


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_a_header_of_64_kib_is_read_and_no_longer_one(tmp_path: Path, suffix: str) -> None:
    noise = random.Random(4).randbytes(15_000).hex()
    for length, good in ((65_536, True), (65_537, False)):
        start_, end = b'{"format":"kraken-tui","version":1,"x":"', b'"}\n'
        filling = (noise * 3)[: length + 1 - len(start_) - len(end)].encode()
        path = tmp_path / f"{length}{suffix}"
        path.write_bytes(module._codec(path).encode(start_ + filling + end))
        if good:
            start(path).close()
        else:
            with pytest.raises(RecordingError, match="something else"):
                start(path)


def test_a_disk_that_fails_while_the_header_is_read_is_no_foreign_file() -> None:
    chunk = module.ZstdCodec().encode(b"text\n")

    def read(offset: int, count: int) -> bytes:
        if offset:
            raise OSError("odd")
        return chunk[:count]

    with pytest.raises(OSError, match="odd"):
        module.ZstdCodec().first_line(read, len(chunk))


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
