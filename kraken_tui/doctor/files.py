"""Faults of recordings, settings and names, in a temporary folder."""

from __future__ import annotations

import gzip
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from kraken_tui.doctor.report import Check, Skipped, Unexpected, expect
from kraken_tui.doctor.rig import PAIR, Rig
from kraken_tui.feed.session import Session
from kraken_tui.market.events import Proof
from kraken_tui.recording.reader import Recording
from kraken_tui.recording.reader import RecordingError as UnreadableError
from kraken_tui.recording.writer import Recorder, RecordingError
from kraken_tui.settings.sources import ConfigError, load
from kraken_tui.text import clean_text, safe_file_stem
from kraken_tui.units import SECOND

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
    """A session is recorded and played again: the same bytes, and every book proven again."""
    path = folder / "day.jsonl.gz"
    frames: list[bytes] = []
    recorder = Recorder(path, wall_ns=_WALL)
    rig = Rig(PAIR, rate=1.0)

    def tap(frame: str | bytes) -> str | bytes:
        data = frame.encode() if isinstance(frame, str) else frame
        frames.append(data)
        recorder.write(data, rig.wall)
        return frame

    rig.venue.faults.rewrite = tap
    rig.start().run(10)
    recorder.close()
    read = [(recorded.rx_ns or 0, recorded.frame) for recorded in Recording(path)]
    expect([frame for _, frame in read] == frames, "the frames read are not those written")
    replay = Session(depth=10, replay=True)
    replay.opened(read[0][0], read[0][0])
    for at, frame in read:
        replay.frame(frame, at, at)
    stitcher = replay.stitchers[PAIR]
    same = stitcher.book.bids.top() == rig.feed.books[PAIR].bids.top()
    return expect(stitcher.proof is Proof.VERIFIED and same, f"{len(frames)} frames alike, {PAIR} proven again")


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
    return f"{cuts} cuts, every one read and appended to"


def bit_flips(folder: Path) -> str:
    """Flipped bits in a recording: the damaged frame is left out and named."""
    path = folder / "day.jsonl"
    _record(path, range(50))
    whole = path.read_bytes()
    good = {recorded.frame for recorded in Recording(path)}
    header = whole.index(b"\n")
    flips = 0
    for position in range(header + 1, len(whole), 97):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x80]) + whole[position + 1 :])
        recording = Recording(path)
        read = [recorded.frame for recorded in recording]
        # A line end that is hit takes two lines with it; a bit of the CRC's own name costs none.
        right = set(read) <= good and len(read) >= 48 and (len(read) == 50 or "line" in recording.problem)
        expect(right, f"byte {position}: {len(read)} of 50 read, {recording.problem}")
        flips += 1
    return f"{flips} flips, no damaged frame read, all others were"


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
    raise Unexpected("the second recorder was let in")


def read_only_folder(folder: Path) -> str:
    """A folder that cannot be written to."""
    if os.name == "nt" or os.geteuid() == 0:
        raise Skipped("this user may write everywhere (root, or Windows)")
    folder.chmod(0o500)
    try:
        Recorder(folder / "day.jsonl", wall_ns=_WALL).close()
    except RecordingError as error:
        return str(error).rpartition(": ")[2]
    finally:
        folder.chmod(0o700)
    raise Unexpected("a recording started in a read-only folder")


_BLANK_LINES = (b" " * 1023 + b"\n") * (64 << 10)


def bombs(folder: Path) -> str:
    """Compressed files that unpack to a thousand times their size."""
    kinds = {".gz": gzip.compress(_BLANK_LINES)}
    if ".jsonl.zst" in _suffixes():
        import zstandard

        kinds[".zst"] = zstandard.compress(_BLANK_LINES)
    for suffix, data in kinds.items():
        path = folder / f"bomb.jsonl{suffix}"
        path.write_bytes(data)
        begun = time.perf_counter()
        try:
            list(Recording(path))
        except UnreadableError:
            took = time.perf_counter() - begun
            expect(took < 2, f"{suffix} was refused only after {took:.1f} s")
        else:
            raise Unexpected(f"{suffix} was unpacked")
    return f"{' and '.join(kinds)} refused"


_SECRET = "hunter2-canary"
_CONFIGS = {
    "unknown key": f'depht = "{_SECRET}"',
    "wrong type": f'depth = "{_SECRET}"',
    "wrong value": "depth = 33",
    "no TOML": f"depth = {_SECRET}",
    "byte order mark": "\ufeffdepth = 10",
    "2 MiB": "# " + "x" * (2 << 20),
    "no UTF-8": "theme = '\udcff'",
}


def settings(folder: Path) -> str:
    """Settings files with mistakes in them."""
    path = folder / "config.toml"
    for kind, text in _CONFIGS.items():
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        try:
            load({}, {}, path)
        except ConfigError as error:
            expect("config.toml" in str(error) and _SECRET not in str(error), f"{kind}: {error}")
        else:
            raise Unexpected(f"{kind} was accepted")
    return f"{len(_CONFIGS)} kinds refused with file and reason, no value repeated"


_HOSTILE = (
    "\x1b]52;c;cm0gLXJm\x07", "\x1b[2J\x1b[31m", "\x9b31m", "\x1bP+q544e\x1b\\", "\u202eDSU/CTB", "a\u200bb",
    "[bold red]x[/", "line\nfeed\r", "\udc9b", "\x00",
)  # fmt: skip


def hostile_text() -> str:
    """Escape sequences, bidirectional marks and line breaks in the exchange's texts."""
    rig = Rig().start()
    for text in _HOSTILE:
        refusal = {"error": text, "method": "subscribe", "success": False, "symbol": text}
        rig.venue.faults.inject(_json(refusal))
        status = {"channel": "status", "type": "update", "data": [{"system": text, "version": text}]}
        rig.venue.faults.inject(_json(status))
        rig.venue.faults.inject(_json({"channel": text, "type": text, "data": []}))
    rig.run(1)
    said = "".join(repr(event) for event in rig.events) + "".join(rig.feed.counters.ignored)
    said += "".join(clean_text(text) for text in _HOSTILE)
    expect(all(character.isprintable() for character in said), "a control character came through")
    return expect(rig.healthy(), f"{len(_HOSTILE)} texts made inert, books untouched")


def _json(value: object) -> str:
    import json

    return json.dumps(value)


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
    Check("recording played again", "P16", "same bytes, books proven again", _in_folder(round_trip)),
    Check("recording torn by a crash", "F81", "read, repaired, nothing swallowed", _in_folder(torn_tail)),
    Check("bits flipped in a recording", "F82", "left out and named", _in_folder(bit_flips)),
    Check("second recorder", "F83", "refused", _in_folder(second_writer)),
    Check("read-only folder", "F79", "refused in one sentence", _in_folder(read_only_folder)),
    Check("compression bombs", "F84", "refused", _in_folder(bombs)),
    Check("mistakes in the settings file", "F100", "refused with file and reason", _in_folder(settings)),
    Check("hostile texts", "F98", "inert, books untouched", hostile_text),
    Check("hostile names", "F85", "safe and distinct file names", _in_folder(hostile_names)),
)
"""Every fault of this module."""
