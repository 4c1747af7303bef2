"""Reading recordings: as a stream, within limits, and past damaged parts.

These shapes are known, plain, `.gz` or `.zst`:

* ours (`recording.format`);
* `{"rx_ns": int, "frame": <frame>}` lines, with or without a foreign header object;
* bare frames, one per line;
* those of `recording.foreign`.

In each of them frames may be of Kraken's v1 API; those are translated (`wire.v1`). All other frames are exactly the
bytes in the file.
"""

from __future__ import annotations

import stat
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import msgspec

from kraken_tui.errors import InvalidMessage, RecordingError
from kraken_tui.recording.chunks import GzipCodec, ZstdCodec
from kraken_tui.recording.foreign import MAX_DOCUMENT, frames_of_document, stamped_line
from kraken_tui.recording.format import (
    FORMAT,
    MAX_LINE,
    RECEIVED,
    SENT,
    VERSION,
    checksum_holds,
    compression,
    has_checksum,
    is_printed,
    misnamed,
    read_frame_line,
)
from kraken_tui.text import clean_text
from kraken_tui.wire.v1 import Translator, is_v1

MAX_BYTES = 4 * 1024**3
"""Largest recording that is read, decompressed, in bytes."""

MAX_RATIO = 200
"""Largest decompression ratio; beyond it the file is taken for a bomb (RELIABILITY.md F84)."""

V1 = "a recording of Kraken's v1 API; its trades have no numbers and are counted from 1 here"
"""What is to be said about one."""

_CHUNK = 256 * 1024
_BITE = 1024
_RATIO_GRACE = 4 * 1024 * 1024
_MAX_CHUNK = MAX_LINE + 1024 * 1024
_PLACES = 512
_CUT_ARCHIVE = "the compressed recording is cut off; what was whole was read"


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """One line: when it was received by the recorder's clock (None for bare frames), raw bytes, and its direction.

    `direction` is one of `recording.format`; `line` is its number in the unpacked file, from 1, 0 if there is no file.
    """

    rx_ns: int | None
    frame: bytes
    direction: str = RECEIVED
    line: int = 0

    @property
    def sent(self) -> bool:
        """Whether the recording program sent it."""
        return self.direction == SENT


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where reading can begin in the middle of a recording.

    Attributes:
        offset: Byte of the file: the beginning of a line, or of a compressed chunk that begins with one.
        line: Lines of the unpacked file before it.
        counted: Trades so far of each pair of v1, whose trades have no numbers.
    """

    offset: int
    line: int
    counted: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class Damage:
    """Where a recording is damaged: the line of the unpacked file, from 1, and what is wrong, in a clause."""

    line: int
    text: str


class _Line(msgspec.Struct):
    frame: msgspec.Raw = msgspec.Raw()
    rx_ns: Any = None
    dir: Any = None
    format: Any = None
    version: Any = None
    channel: Any = None
    method: Any = None


_line_decoder = msgspec.json.Decoder(_Line)


class _Engine(Protocol):
    """A decompressor of one gzip member or zstd frame."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...


class _Cut(Exception):
    """The file ends within an archive; `text` holds its decompressed rest, not yet returned."""

    def __init__(self, text: bytes) -> None:
        super().__init__()
        self.text = text


class Recording:
    """A recording, read from its beginning, or from a place in it, each time it is iterated.

    Args:
        path: The file.
        start: Where to begin; None for the beginning.
        after: Lines up to this one are passed over.

    Attributes:
        path: The file.
        places: Where reading could begin, the newest last, all at or before the line read last.
        problem: After reading: "" or what was wrong with the rest, such as a torn end; never fatal.
        damaged: Unreadable lines, which were left out.
        damage: The first of them, or the torn end; None so far.
        frames: Frames read so far.
        position: Bytes of the file read so far, packed as they are.
        shape: "" or what is to be said about a recording of another API, a clause.
    """

    def __init__(self, path: Path, start: Place | None = None, after: int = 0) -> None:
        self.path = path
        self.places: deque[Place] = deque(maxlen=_PLACES)
        self._start = start
        self._after = after
        self._member: int | None = None
        self.problem = ""
        self.damaged = 0
        self.damage: Damage | None = None
        self.frames = self.position = 0
        self.shape = ""
        self._foreign = ""
        self._number = 0
        self._v1 = Translator()
        self._shown = clean_text(path.name or path, 80)
        self._packed = compression(path)

    def __iter__(self) -> Iterator[Recorded]:
        """Frames in order.

        Raises:
            RecordingError: Unreadable, foreign, of a newer version, too big, or compressed beyond belief.
        """
        self.problem = ""
        start = self._start or Place(0, 0)
        self.damaged = self.frames = 0
        self._number = start.line
        self.damage = None
        self._foreign = self.shape = ""
        self.places.clear()
        self._v1 = Translator(start.counted)
        for line, whole in self._unfolded() if not start.line else self._lines():
            self._number += 1
            passed = self._number <= self._after
            if passed and not start.counted:
                continue
            recorded = self._parse(line, self._number, whole)
            if recorded is not None and not recorded.frame.startswith(b'{"channel"') and is_v1(recorded.frame):
                recorded = self._translated(recorded)
            if recorded is not None and not passed:
                self.frames += 1
                yield recorded
        if self._foreign:
            raise RecordingError(self._foreign)
        if self._number == 0 and self._start is None:
            raise RecordingError(f"{self._shown} is empty; there is nothing to play")

    def _parse(self, line: bytes, number: int, whole: bool) -> Recorded | None:
        ours = None if self._foreign else read_frame_line(line)
        if ours is not None:
            return Recorded(*ours, number)
        return self._parse_other(line, number, whole)

    def _unfolded(self) -> Iterator[tuple[bytes, bool]]:
        """The lines; of one JSON document that goes on over many lines, its frames."""
        lines = self._lines()
        first = next(lines, None)
        if first is None:
            return iter(())
        if first[0].strip() != b"{":
            return chain((first,), lines)
        text = [first[0]]
        size = 0
        for line, _ in lines:
            text.append(line)
            size += len(line)
            if size > MAX_DOCUMENT:
                raise RecordingError(f"{self._shown} is one JSON document of over {MAX_DOCUMENT >> 20} MiB; refused")
        frames = frames_of_document(b"\n".join(text))
        self.places.clear()
        return iter([first] if frames is None else [(frame, True) for frame in frames])

    def _translated(self, recorded: Recorded) -> Recorded | None:
        """A frame of v1 as one of v2; None for one that has no equal there, or cannot be read."""
        if recorded.sent:
            return recorded
        try:
            frame = self._v1.translate(recorded.frame)
        except InvalidMessage:
            if not self.shape and recorded.line > 1:
                # A bad frame of a recording of v2: for the session to judge.
                return recorded
            self._damage(recorded.frame, recorded.line, True)
            return None
        if frame is None and not self.shape and recorded.frame[:1] != b"[":
            return recorded
        self.shape = V1
        return None if frame is None else Recorded(recorded.rx_ns, frame, recorded.direction, recorded.line)

    def _parse_other(self, line: bytes, number: int, whole: bool) -> Recorded | None:
        if not line.strip():
            return None
        if number == 1 and is_printed(line):
            raise RecordingError(
                f"{self._shown} holds what kraken-tui stream printed, not a recording; --record FILE makes one"
            )
        claimed = has_checksum(line)
        checked = claimed and checksum_holds(line)
        if self._foreign:
            # The first line was no header; a line with a right CRC shows that ours was damaged there.
            if not checked:
                raise RecordingError(self._foreign)
            self._foreign = ""
            self._note_damage(1)
            return self._parse(line, number, whole)
        if claimed and not checked:
            self._damage(line, number, whole)
            return None
        if line[:1] == b"[" and line.rstrip()[-1:] == b"]" and is_v1(line):
            return Recorded(None, line.strip(), line=number)
        if not line.startswith(b"{") and (stamped := stamped_line(line)) is not None:
            return Recorded(*stamped, number) if stamped.frame else None
        try:
            parsed = _line_decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._damage(line, number, whole)
            return None
        if number == 1 and parsed.format is not None:
            self._check_header(parsed)
            return None
        if bytes(parsed.frame):
            rx_ns = parsed.rx_ns if type(parsed.rx_ns) is int else None
            return Recorded(rx_ns, bytes(parsed.frame), SENT if parsed.dir == SENT else RECEIVED, number)
        if parsed.channel is not None or parsed.method is not None or is_v1(line):
            return Recorded(None, line.strip(), line=number)
        if number > 1:
            self._damage(line, number, whole)
        return None

    def _check_header(self, header: _Line) -> None:
        if header.format != FORMAT:
            self._foreign = f"{self._shown} is of another program ({clean_text(header.format, 40)})"
            return
        if type(header.version) is not int or header.version > VERSION:
            raise RecordingError(
                f"{self._shown} is a recording of version {clean_text(header.version, 20)}, newer than this program"
                f" reads ({VERSION}); update kraken-tui"
            )

    def _damage(self, line: bytes, number: int, whole: bool) -> None:
        if number == 1:
            self._foreign = (
                f"{self._shown} is not a recording: line 1 is not a JSON object; a recording has one frame per line"
            )
            return
        if not whole:
            self.problem = f"the recording is cut off in line {number}; {len(line):,} bytes of it were left out"
            self._first_damage(number, f"the recording is cut off; {len(line):,} bytes of its last line were left out")
            return
        self._note_damage(number)

    def _note_damage(self, number: int) -> None:
        self.damaged += 1
        self.problem = f"line {number} is damaged and was left out ({self.damaged} so far)"
        self._first_damage(number, "the line is damaged and was left out")

    def _first_damage(self, number: int, text: str) -> None:
        if self.damage is None:
            self.damage = Damage(number, text)

    def _lines(self) -> Iterator[tuple[bytes, bool]]:
        """(line without its end, whether the end was there)."""
        rest = b""
        at = self._start.offset if self._start is not None else 0
        for chunk in self._chunks():
            if not self._packed:
                self._note_place(at - len(rest))
                at += len(chunk)
            elif self._member is not None:
                # A foreign archive may break off in the middle of a line.
                if not rest:
                    self._note_place(self._member)
                self._member = None
            parts = (rest + chunk).split(b"\n")
            rest = parts.pop()
            for line in parts:
                yield line, True
            if len(rest) > MAX_LINE:
                raise RecordingError(f"{self._shown} has a line of over {MAX_LINE >> 20} MiB; no frame is so long")
        if rest:
            yield rest, False

    def _note_place(self, offset: int) -> None:
        counted = self._v1.counted() if self.shape else {}
        self.places.append(Place(offset, self._number, counted))

    def _chunks(self) -> Iterator[bytes]:
        try:
            # Checked before opening: opening a pipe without a writer would block.
            if not stat.S_ISREG(self.path.stat().st_mode):
                raise RecordingError(f"{clean_text(self.path, 80)} cannot be read: it is not a regular file")
            with self.path.open("rb") as file:
                if wrong := misnamed(file.read(64), self._packed):
                    raise RecordingError(f"{self._shown} {wrong}")
                file.seek(0 if self._start is None else self._start.offset)
                total = 0
                for chunk in self._decompressed(file):
                    total += len(chunk)
                    self.position = file.tell()
                    if total > MAX_BYTES:
                        raise RecordingError(f"{self._shown} is over the limit of {MAX_BYTES >> 30} GiB")
                    if total > max(_RATIO_GRACE, MAX_RATIO * file.tell()) and self._packed:
                        raise RecordingError(f"{self._shown} unpacks to more than {MAX_RATIO} times its size; refused")
                    yield chunk
        except OSError as error:
            reason = clean_text(error.strerror or error, 80)
            raise RecordingError(f"{self._shown} cannot be read: {reason}") from error

    def _decompressed(self, file: BinaryIO) -> Iterator[bytes]:
        if self._packed == ".gz":
            return self._gunzip(file)
        if self._packed == ".zst":
            return self._unzstd(file)
        return iter(lambda: file.read(_CHUNK), b"")

    def _gunzip(self, file: BinaryIO) -> Iterator[bytes]:
        # The gzip module withholds the last whole lines of a cut file; a bare decompressor gives them.
        def decompress(engine: Any, data: bytes) -> tuple[bytes, bytes]:
            output = engine.decompress(data, _CHUNK)
            return output, engine.unused_data if engine.eof else engine.unconsumed_tail

        begin = partial(zlib.decompressobj, wbits=31)
        return self._archive(file, begin, decompress, zlib.error, GzipCodec.marker, _CHUNK // 4)

    def _unzstd(self, file: BinaryIO) -> Iterator[bytes]:
        try:
            import zstandard
        except ImportError:
            raise RecordingError(
                f"{self._shown} is compressed with zstd; install the package zstandard (kraken-tui[zstd]) to play it"
            ) from None
        unpacker = zstandard.ZstdDecompressor(max_window_size=2**27)

        def decompress(engine: Any, data: bytes) -> tuple[bytes, bytes]:
            output = engine.decompress(data)
            return output, engine.unused_data if engine.eof else b""

        return self._archive(file, unpacker.decompressobj, decompress, zstandard.ZstdError, ZstdCodec.marker, _BITE)

    def _archive(
        self,
        file: BinaryIO,
        begin: Callable[[], _Engine],
        decompress: Callable[[_Engine, bytes], tuple[bytes, bytes]],
        broken: type[Exception],
        marker: bytes,
        bite: int,
    ) -> Iterator[bytes]:
        """Unpack a chain of archives; of our own chunks a damaged one is left out and reading goes on after it.

        Args:
            file: The archive.
            begin: Makes a decompressor.
            decompress: Unpacks a piece; returns the text and what of the piece is left.
            broken: What a decompressor raises.
            marker: How our own chunks begin.
            bite: Bytes to unpack at once; what that may give is bounded by the decompressor or by the bite alone.
        """
        while True:
            self._member = start = file.tell()
            ours = file.read(len(marker)) == marker
            file.seek(start)
            error: Exception | None = None
            try:
                yield from self._chunk(file, begin(), decompress, bite, ours=ours)
            except _Cut as cut:
                error = cut
            except broken as problem:
                error = problem
            if error is not None:
                if not self._skip_to(file, marker, start + 1):
                    yield from self._last_words(file, error)
                    return
                self.damaged += 1
                self.problem = f"a damaged part of the recording was left out ({self.damaged} so far)"
                self._first_damage(self._number + 1, "a damaged part of the compressed recording was left out")
                yield b"\n"  # What may have come of the damaged part must not run into the next line.
            if not file.read(1):
                return
            file.seek(-1, 1)

    def _chunk(
        self,
        file: BinaryIO,
        engine: _Engine,
        decompress: Callable[[_Engine, bytes], tuple[bytes, bytes]],
        bite: int,
        *,
        ours: bool,
    ) -> Iterator[bytes]:
        """Unpack one archive of the chain; text of one of ours is given out only once its own check has passed."""
        held: list[bytes] = []
        waiting = 0
        pending = b""
        while not engine.eof and (data := pending or file.read(bite)):
            output, pending = decompress(engine, data)
            held.append(output)
            waiting += len(output)
            if not ours or waiting > _MAX_CHUNK:
                yield b"".join(held)
                held, waiting = [], 0
        if not engine.eof:
            raise _Cut(b"".join(held))
        file.seek(-len(pending), 1)
        yield b"".join(held)

    @staticmethod
    def _skip_to(file: BinaryIO, marker: bytes, start: int) -> bool:
        """Go to where one of our chunks begins at or after `start`; False where none does."""
        position = start
        while True:
            file.seek(position)
            window = file.read(_CHUNK)
            found = window.find(marker)
            if found >= 0:
                file.seek(position + found)
                return True
            if len(window) < _CHUNK:
                return False
            position += len(window) - len(marker) + 1

    def _last_words(self, file: BinaryIO, error: Exception) -> Iterator[bytes]:
        """The archive ends in a part that cannot be unpacked, or only begun."""
        if isinstance(error, _Cut):
            self.problem = _CUT_ARCHIVE
            yield error.text
            self._first_damage(self._number + 1, _CUT_ARCHIVE)
        else:
            self._broken_archive(file, error)

    def _broken_archive(self, file: BinaryIO, error: Exception) -> None:
        if file.tell() <= _CHUNK and not self.frames and self._start is None:
            raise RecordingError(f"{self._shown} is not what its name says: {clean_text(error, 80)}") from error
        self.problem = f"the compressed recording is damaged; what came before was read ({clean_text(error, 80)})"
        self._first_damage(self._number + 1, self.problem)


def open_recording(path: Path) -> Recording:
    """Open a recording and read its first frame, so that a wrong file is reported before the screen opens.

    Raises:
        RecordingError: See `Recording.__iter__`.
    """
    recording = Recording(path)
    next(iter(recording), None)
    if not recording.frames:
        raise RecordingError(f"{clean_text(path.name, 80)} holds no whole frame; there is nothing to play")
    return Recording(path)
