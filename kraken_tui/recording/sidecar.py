"""An index kept beside its recording, so that the next start need not build it again.

It is used only while the recording is the one it was made of: its size, its time of change, and the hashes of its
beginning and of a sample of it are compared. Anything wrong with the file, and it counts as missing. What it holds goes
the way of every recorded frame, so that a forged one can show a false picture, as a forged recording can, and no more.
"""

from __future__ import annotations

import stat
import zlib
from hashlib import sha256
from pathlib import Path

import msgspec

from kraken_tui.files import replace_bytes
from kraken_tui.recording.index import Checkpoint, Fault, Index

LEAST_BYTES = 4 * 2**20
"""Recordings smaller than this are read again sooner than an index is looked for."""

SUFFIX = ".index"

_MAGIC = b"kraken-tui index 1\n"
_MOST_BYTES = 512 * 2**20
_HEAD = 64 * 1024
_SAMPLES, _SAMPLE = 64, 4096


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    recording: tuple[int, int, str, str]
    made_for: tuple[int, int, bool]
    begin_ns: int
    known_ns: int
    frames: int
    problem: str
    checkpoints: list[Checkpoint]
    faults: list[Fault]
    rows: list[bytes]


_decoder = msgspec.msgpack.Decoder(_File)


def sidecar_path(path: Path) -> Path:
    """Where the index of a recording is kept."""
    return path.with_name(path.name + SUFFIX)


def identity(path: Path) -> tuple[int, int, str, str]:
    """What tells a recording from another, or from itself before it changed.

    Returns:
        (size, time of change in ns, SHA-256 of its beginning, SHA-256 of a sample of all of it)

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        told = path.stat()
        head = sha256(file.read(_HEAD)).hexdigest()
        sample = sha256()
        for number in range(_SAMPLES):
            file.seek(told.st_size * number // _SAMPLES)
            sample.update(file.read(_SAMPLE))
        file.seek(max(0, told.st_size - _SAMPLE))
        sample.update(file.read(_SAMPLE))
    return told.st_size, told.st_mtime_ns, head, sample.hexdigest()


def load(path: Path, made_for: tuple[int, int, bool]) -> Index | None:
    """The index kept beside a recording; None where there is none that fits.

    Args:
        path: The recording.
        made_for: Depth, candle interval and whether gaps are ignored: what else the states depend on.
    """
    beside = sidecar_path(path)
    try:
        told = beside.lstat()
        if not stat.S_ISREG(told.st_mode) or told.st_size > _MOST_BYTES:
            return None
        data = beside.read_bytes()
        body = data[len(_MAGIC) + 4 :]
        if data[: len(_MAGIC)] != _MAGIC or zlib.crc32(body).to_bytes(4, "big") != data[len(_MAGIC) :][:4]:
            return None
        held = _decoder.decode(body)
        if held.made_for != made_for or held.recording != identity(path) or not _sane(held):
            return None
    except (OSError, msgspec.MsgspecError, RecursionError):
        return None
    index = Index()
    index.begin_ns, index.known_ns, index.frames = held.begin_ns, held.known_ns, held.frames
    index.checkpoints, index.faults, index.rows = held.checkpoints, held.faults, held.rows
    index.problem, index.complete = held.problem, True
    return index


def _sane(held: _File) -> bool:
    """Whether its numbers can be: what is wrong in them would stop the player later."""
    size, before = held.recording[0], held.begin_ns
    for each in held.checkpoints:
        place = each.place
        if not (0 <= before <= each.ns <= held.known_ns and 0 <= place.offset <= size and 0 <= place.line <= each.line):
            return False
        before = each.ns
    return all(held.begin_ns <= fault.ns <= held.known_ns for fault in held.faults)


def save(path: Path, index: Index, made_for: tuple[int, int, bool], of: tuple[int, int, str, str]) -> bool:
    """Keep a complete index beside its recording, where that is large enough and the folder takes it.

    Args:
        path: The recording.
        index: Complete.
        made_for: As for `load`.
        of: The recording's identity before it was read; one that changed meanwhile gets none.

    Returns:
        Whether it was written.
    """
    if not index.complete or index.begin_ns is None or of[0] < LEAST_BYTES:
        return False
    try:
        if identity(path) != of:
            return False
        body = msgspec.msgpack.encode(
            _File(
                of, made_for, index.begin_ns, index.known_ns, index.frames, index.problem, index.checkpoints,
                index.faults, index.rows,
            )
        )  # fmt: skip
        replace_bytes(sidecar_path(path), _MAGIC + zlib.crc32(body).to_bytes(4, "big") + body)
    except OSError:
        return False
    return True
