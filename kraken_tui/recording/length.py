"""How long a recording is, found out without playing it: from its last line where that can be reached."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from kraken_tui.errors import RecordingError
from kraken_tui.recording.chunks import GzipCodec, ZstdCodec
from kraken_tui.recording.format import compression, read_frame_line
from kraken_tui.recording.reader import Recording
from kraken_tui.recording.timeline import timeline
from kraken_tui.settings.moment import Moment
from kraken_tui.text import clean_text
from kraken_tui.wire.timestamps import format_timestamp

_TAIL = 4 * 1024**2
"""Bytes at the end of the file that are looked through for its last line."""

_PAUSE_EVERY = 500
_PAUSE_S = 0.002


class _Stamped(msgspec.Struct):
    rx_ns: Any = None


_decoder = msgspec.json.Decoder(_Stamped)


def length_ns(path: Path, cancelled: Callable[[], bool] = lambda: False) -> int | None:
    """Time from the first frame to the last.

    The last line of a plain file, and the last chunk of a file of ours, are read at once. Anything else is read
    through, with pauses, so that other threads are not held up.

    Args:
        path: A recording.
        cancelled: Asked while reading through.

    Returns:
        Nanoseconds of the recording's clock; None if it cannot be read or was cancelled.
    """
    try:
        first = next(iter(Recording(path)), None)
        last = None if first is None or first.rx_ns is None else _last_ns(path)
        if first is not None and first.rx_ns is not None and last is not None:
            return max(0, last - first.rx_ns)
        return _read_through(path, cancelled)
    except (RecordingError, OSError):
        return None


def check_moment(path: Path, moment: Moment) -> None:
    """Find out whether a moment is in a recording; where its end has to be found by reading all of it, that is done.

    Raises:
        RecordingError: The moment is outside, or the recording cannot be read.
    """
    first = next(timeline(Recording(path)), None)
    if first is None:
        return
    length = length_ns(path) or 0
    if moment.within(first.ns, first.ns + length) is None:
        # The last line's own time does not tell where the recorder's clock was set meanwhile.
        exact = _read_through(path, lambda: False)
        length = length if exact is None else exact
        if moment.within(first.ns, first.ns + length) is None:
            raise RecordingError(outside(moment, first.ns, first.ns + length))


def outside(moment: Moment, begin_ns: int, end_ns: int) -> str:
    """What is said about a moment outside of a recording, one sentence."""
    begin, end = format_timestamp(begin_ns, 0), format_timestamp(end_ns, 0)
    return f"{clean_text(moment.text, 40)} is outside of the recording, which goes from {begin} to {end}"


def _read_through(path: Path, cancelled: Callable[[], bool]) -> int | None:
    begin = end = None
    for number, timed in enumerate(timeline(Recording(path))):
        begin, end = timed.ns if begin is None else begin, timed.ns
        if number % _PAUSE_EVERY == 0:
            time.sleep(_PAUSE_S)
            if cancelled():
                return None
    return None if begin is None or end is None else end - begin


def _last_ns(path: Path) -> int | None:
    """When the last whole frame was received; None where it has no time or the end of the file does not tell."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL))
        tail = file.read(_TAIL)
    for text in _texts(tail, compression(path)):
        for line in reversed(text.split(b"\n")):
            stamp = _stamp(line)
            if stamp is not None:
                return stamp
    return None


def _stamp(line: bytes) -> int | None:
    ours = read_frame_line(line)
    if ours is not None:
        return ours[0]
    try:
        stamp = _decoder.decode(line).rx_ns
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return stamp if type(stamp) is int else None


def _texts(tail: bytes, packed: str) -> Iterator[bytes]:
    """The unpacked chunks that begin in a tail, the last first."""
    if not packed:
        # What stands before the first line break may be the rest of a line, which is no frame.
        yield tail
        return
    marker = GzipCodec.marker if packed == ".gz" else ZstdCodec.marker
    at = tail.rfind(marker)
    while at >= 0:
        yield _unpacked(tail[at:], packed)
        at = tail.rfind(marker, 0, at)


def _unpacked(chunk: bytes, packed: str) -> bytes:
    """As much of one chunk as can be unpacked."""
    if packed == ".gz":
        try:
            return zlib.decompressobj(wbits=31).decompress(chunk, _TAIL)
        except zlib.error:
            return b""
    try:
        import zstandard
    except ImportError:
        return b""
    # Skips the frame in front that holds the chunk's length, and what follows the chunk.
    unpacker, text = zstandard.ZstdDecompressor(max_window_size=2**27), b""
    while chunk and not text:
        engine = unpacker.decompressobj()
        try:
            text = engine.decompress(chunk)
        except zstandard.ZstdError:
            return b""
        chunk = engine.unused_data if engine.eof else b""
    return text
