"""Recordings and file names on this computer's own disk, in a temporary folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from kraken_tui.doctor.report import Check, Skipped, Unexpected, expect
from kraken_tui.errors import RecordingError
from kraken_tui.recording.reader import Recording
from kraken_tui.recording.writer import Recorder
from kraken_tui.text import safe_file_stem
from kraken_tui.units import SECOND
from kraken_tui.words import counted

_WALL = 1_790_000_000 * SECOND


def _in_folder(work: Callable[[Path], str]) -> Callable[[], str]:
    def run() -> str:
        with tempfile.TemporaryDirectory(prefix="kraken-tui-doctor-") as name:
            return work(Path(name))

    return run


def _record(path: Path, numbers: range, *, tick: bool = False) -> None:
    recorder = Recorder(path, wall_ns=_WALL)
    for number in numbers:
        recorder.write(b'{"channel":"heartbeat","n":%d}' % number, _WALL + number)
        if tick:
            recorder.tick(_WALL + number * SECOND)
    recorder.close()
    if recorder.problem:
        raise Unexpected(recorder.problem)


def _suffixes() -> list[str]:
    try:
        import zstandard  # noqa: F401
    except ImportError:
        return [".jsonl", ".jsonl.gz"]
    return [".jsonl", ".jsonl.gz", ".jsonl.zst"]


def round_trip(folder: Path) -> str:
    """Frames written and read back in every format this installation has: the same bytes."""
    frames = [b'{"channel":"heartbeat","n":%d}' % number for number in range(500)]
    for suffix in _suffixes():
        path = folder / f"day{suffix}"
        _record(path, range(500))
        expect([recorded.frame for recorded in Recording(path)] == frames, f"{suffix}: other bytes than were written")
    return f"{counted(len(frames), 'frame')} alike in {', '.join(_suffixes())}"


def torn_tail(folder: Path) -> str:
    """A recording cut anywhere in its last frames, then appended to."""
    cuts = 0
    for suffix in _suffixes():
        path = folder / f"day{suffix}"
        _record(path, range(4), tick=True)
        whole = path.read_bytes()
        for cut in range(len(whole) - 1, len(whole) // 2, -4):
            path.write_bytes(whole[:cut])
            before = [recorded.frame for recorded in Recording(path)]
            _record(path, range(9, 10))
            after = [recorded.frame for recorded in Recording(path)]
            intact = len(after) >= 2 and after[-1].endswith(b"9}") and after[:-1] == before[: len(after) - 1]
            expect(intact and len(before) - len(after) < 1, f"cut at byte {cut} of {suffix} swallowed a frame")
            cuts += 1
    return f"{cuts} cuts, each read and appended to"


def second_writer(folder: Path) -> str:
    """Two recorders on one file."""
    path = folder / "day.jsonl"
    first = Recorder(path, wall_ns=_WALL)
    try:
        Recorder(path, wall_ns=_WALL).close()
    except RecordingError as error:
        return expect("another recorder" in str(error), str(error).rpartition(": ")[2])
    finally:
        first.close()
    raise Unexpected("the second recorder was not refused")


def read_only_folder(folder: Path) -> str:
    """A folder that cannot be written to."""
    if os.name == "nt" or os.geteuid() == 0:
        raise Skipped("this user can write everywhere (root, or Windows)")
    folder.chmod(0o500)
    try:
        Recorder(folder / "day.jsonl", wall_ns=_WALL).close()
    except RecordingError as error:
        return str(error).rpartition(": ")[2]
    finally:
        folder.chmod(0o700)
    raise Unexpected("a recording started in a read-only folder")


def hostile_names(folder: Path) -> str:
    """Pairs named like paths, devices and each other."""
    symbols = ("../../x", "a/b", "a-b", "A/B", "\x00", "x" * 300, "CON", "NUL/USD", "\u202eUSD", "", ".", "BTC/USD")
    names = {safe_file_stem(symbol).lower() for symbol in symbols}
    expect(len(names) == len(symbols), "two symbols share a file name")
    for symbol in symbols:
        path = folder / f"{safe_file_stem(symbol)}.svg"
        path.touch()
        expect(path.resolve().parent == folder.resolve(), f"{symbol!r} leaves its folder")
    return f"{len(symbols)} symbols, as many names, all in their folder"


CHECKS = (
    Check("recording read back", "P16", "the same bytes", _in_folder(round_trip)),
    Check("recording torn by a crash", "F81", "read, repaired, no frame lost", _in_folder(torn_tail)),
    Check("second recorder", "F83", "refused", _in_folder(second_writer)),
    Check("read-only folder", "F79", "refused in one sentence", _in_folder(read_only_folder)),
    Check("hostile names", "F85", "safe and distinct file names", _in_folder(hostile_names)),
)
"""Every check of this module."""
