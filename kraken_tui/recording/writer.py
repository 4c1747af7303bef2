"""Raw frames to a file, so that every session can be played again.

The file is JSON lines: a header, then `{"crc":C,"rx_ns":N,"frame":{...}}` for each frame as received, byte for byte,
and `"dir":"tx"` after the time for what was sent. C is the CRC-32 of all that stands after its comma but the closing
brace and the line end, so that a flipped bit is found even where the line stays JSON.

The file grows in *chunks*: one flush writes whole lines, and for .gz and .zst one complete gzip member or zstd frame
whose length stands in front of it. So a chunk that was cut off by a crash is found without reading the file through,
and only that chunk is lost.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import struct
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from kraken_tui.errors import RecordingError as RecordingError
from kraken_tui.files import lock, make_folder, open_private
from kraken_tui.recording.reader import compression
from kraken_tui.text import clean_text
from kraken_tui.wire.timestamps import format_timestamp

FORMAT = "kraken-tui"
VERSION = 1
FLUSH_NS = 1_000_000_000
"""Longest time a frame waits in memory (RELIABILITY.md section 3.1)."""

CHUNK_BYTES = 256 * 1024
"""Text that is written at once, before the second is over; compressing it takes a few milliseconds."""

MIN_FREE_BYTES = 500 * 1024 * 1024
MIN_FREE_SHARE = 0.01
"""Recording stops when less than the smaller of both is free, before other programs suffer."""

_SPACE_CHECK_NS = 10_000_000_000
_MAX_HEADER = 64 * 1024


class Codec(Protocol):
    """How chunks are laid out in the file; every recording starts with `head`."""

    @property
    def head(self) -> bytes:
        """First bytes of a recording."""
        ...

    def encode(self, text: bytes) -> bytes:
        """One chunk of whole lines as it stands in the file."""
        ...

    def whole_length(self, read: Callable[[int, int], bytes], size: int) -> int:
        """Length of the file's leading whole chunks, from `read(offset, count)`.

        Raises:
            RecordingError: The file was not written by this codec.
        """
        ...

    def first_line(self, read: Callable[[int, int], bytes], size: int) -> bytes:
        """The header line, or as much of it as can be read."""
        ...


class PlainCodec:
    """Text as it is; a chunk ends with a newline."""

    head = b'{"format":"' + FORMAT.encode()

    def encode(self, text: bytes) -> bytes:
        """See `Codec`."""
        return text

    def whole_length(self, read: Callable[[int, int], bytes], size: int) -> int:
        """See `Codec`; looks backwards for the last newline."""
        step = 64 * 1024
        end = size
        while end > 0:
            start = max(0, end - step)
            newline = read(start, end - start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            end = start
        return 0

    def first_line(self, read: Callable[[int, int], bytes], size: int) -> bytes:
        """See `Codec`."""
        return read(0, min(size, _MAX_HEADER)).partition(b"\n")[0]


class GzipCodec:
    """One gzip member a chunk (RFC 1952); an extra field "KT" holds the length of the whole member."""

    _HEAD = struct.Struct("<4sIBBH2sHI")
    head = b"\x1f\x8b\x08\x04"

    def encode(self, text: bytes) -> bytes:
        """See `Codec`."""
        packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
        body = packer.compress(text) + packer.flush()
        length = self._HEAD.size + len(body) + 8
        head = self._HEAD.pack(self.head, 0, 0, 255, 8, b"KT", 4, length)
        return head + body + struct.pack("<II", zlib.crc32(text), len(text) & 0xFFFFFFFF)

    def whole_length(self, read: Callable[[int, int], bytes], size: int) -> int:
        """See `Codec`; hops from member to member."""
        offset = 0
        while offset + self._HEAD.size <= size:
            magic, _, _, _, _, name, _, length = self._HEAD.unpack(read(offset, self._HEAD.size))
            if magic != self.head or name != b"KT" or length <= self._HEAD.size:
                raise RecordingError("was not written by this program")
            if offset + length > size:
                break
            offset += length
        return offset

    def first_line(self, read: Callable[[int, int], bytes], size: int) -> bytes:
        """See `Codec`."""
        try:
            text = zlib.decompressobj(31).decompress(read(0, min(size, _MAX_HEADER)), _MAX_HEADER)
        except zlib.error:
            return b""
        return text.partition(b"\n")[0]


class ZstdCodec:
    """One zstd frame a chunk, after a skippable frame (RFC 8878 section 3.1.2) that holds its length.

    Raises:
        RecordingError: The zstandard package is not installed.
    """

    _HEAD = struct.Struct("<III")
    _MAGIC = 0x184D2A50
    head = struct.pack("<I", _MAGIC)

    def __init__(self) -> None:
        try:
            import zstandard
        except ImportError:
            raise RecordingError("needs the zstandard package; install kraken-tui[zstd] or choose .gz") from None
        self._compress = zstandard.ZstdCompressor(level=3, write_checksum=True).compress
        self._open = zstandard.ZstdDecompressor().decompressobj

    def encode(self, text: bytes) -> bytes:
        """See `Codec`."""
        body: bytes = self._compress(text)
        return self._HEAD.pack(self._MAGIC, 4, len(body)) + body

    def whole_length(self, read: Callable[[int, int], bytes], size: int) -> int:
        """See `Codec`; hops from frame to frame."""
        offset = 0
        while offset + self._HEAD.size <= size:
            magic, four, length = self._HEAD.unpack(read(offset, self._HEAD.size))
            if magic != self._MAGIC or four != 4:
                raise RecordingError("was not written by this program")
            if offset + self._HEAD.size + length > size:
                break
            offset += self._HEAD.size + length
        return offset

    def first_line(self, read: Callable[[int, int], bytes], size: int) -> bytes:
        """See `Codec`."""
        _, _, length = self._HEAD.unpack(read(0, self._HEAD.size))
        try:
            text: bytes = self._open().decompress(read(self._HEAD.size, min(length, size)))
        except Exception as error:
            if type(error).__name__ != "ZstdError":
                raise
            return b""
        return text.partition(b"\n")[0]


def _codec(path: Path) -> Codec:
    codecs: dict[str, type[GzipCodec | ZstdCodec]] = {".gz": GzipCodec, ".zst": ZstdCodec}
    return codecs.get(compression(path), PlainCodec)()


class Recorder:
    """Appends raw frames to one file; never overwrites, and never lets the disk stop the program.

    Args:
        path: File to append to; .gz and .zst are compressed. Created readable by its owner only.
        wall_ns: Now, ns since the epoch, for the header.
        url: Where the frames come from, for the header.
        pairs: Pairs asked for, for the header.
        playing: Recording that the frames come from, if one is played.

    Attributes:
        path: As given.
        frames: Frames taken so far, this session.
        bytes: Length of the file as last written.
        problem: "" or the sentence with which recording stopped; frames are then ignored.

    Raises:
        RecordingError: The file cannot be appended to: no such folder, no permission, in use by another recorder,
            not a recording, the one that is played, or the zstandard package is missing for .zst.
    """

    def __init__(
        self, path: Path, *, wall_ns: int, url: str = "", pairs: Iterable[str] = (), playing: Path | None = None
    ) -> None:
        self.path = path
        self.frames = 0
        self.bytes = 0
        self.problem = ""
        self._lines: list[bytes] = []
        self._waiting = 0
        self._due_ns = 0
        self._space_due_ns = 0
        shown = clean_text(path)
        if playing is not None and _same(path, playing):
            # It would read what it writes, and never end.
            raise RecordingError(f"cannot record to {shown}: it is the recording being played")
        try:
            self._codec = _codec(path)
            fd = _open(path)
        except RecordingError as error:
            raise RecordingError(f"cannot record to {shown}: {error}") from None
        self._fd: int | None = fd
        try:
            self._repair(fd)
        except (RecordingError, OSError) as error:
            self._release()
            reason = error.strerror or error if isinstance(error, OSError) else error
            raise RecordingError(f"cannot record to {shown}: {clean_text(reason)}") from None
        if not self.bytes:
            header = {
                "format": FORMAT,
                "version": VERSION,
                "created": format_timestamp(wall_ns, 3),
                "url": clean_text(url),
                "pairs": [clean_text(pair, 40) for pair in pairs],
            }
            self._lines.append(json.dumps(header, separators=(",", ":")).encode() + b"\n")

    def write(self, frame: bytes, rx_ns: int, sent: bool = False) -> None:
        """Take one frame; it reaches the file within a second, by `tick`.

        Args:
            frame: Payload as received or sent.
            rx_ns: Wall clock when it was, ns since the epoch.
            sent: Whether this program sent it.
        """
        if self._fd is None:
            return
        if b"\n" in frame:
            # Between JSON tokens a line break is a blank like any other; inside one it is no JSON anyway.
            frame = frame.replace(b"\n", b" ")
        body = (b'"rx_ns":%d,"dir":"tx","frame":%b' if sent else b'"rx_ns":%d,"frame":%b') % (rx_ns, frame)
        self._lines.append(b'{"crc":%d,%b}\n' % (zlib.crc32(body), body))
        self.frames += 1
        self._waiting += len(frame)
        if self._waiting >= CHUNK_BYTES:
            self._flush()

    def tick(self, now_ns: int) -> None:
        """Write what has waited for a second; call this a few times a second.

        Args:
            now_ns: Any clock's time; one that was set back costs nothing.
        """
        if self._fd is None:
            return
        if not 0 < self._due_ns - now_ns <= FLUSH_NS:
            self._flush()
            self._due_ns = now_ns + FLUSH_NS
        if not 0 < self._space_due_ns - now_ns <= _SPACE_CHECK_NS:
            self._space_due_ns = now_ns + _SPACE_CHECK_NS
            self._check_space()

    def close(self) -> None:
        """Write the rest and close; closing twice changes nothing."""
        if self._fd is not None:
            self._flush()
            self._release()

    def _flush(self) -> None:
        if not self._lines or self._fd is None:
            return
        chunk = self._codec.encode(b"".join(self._lines))
        self._lines.clear()
        self._waiting = 0
        view = memoryview(chunk)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            self._stop(f"{clean_text(error.strerror or error)}")
            return
        self.bytes += len(chunk)

    def _check_space(self) -> None:
        try:
            usage = shutil.disk_usage(self.path.absolute().parent)
        except OSError:
            # A file system that cannot say is found full by the write itself.
            return
        if usage.free < min(MIN_FREE_BYTES, usage.total * MIN_FREE_SHARE):
            self._flush()
            self._stop("the disk is almost full")

    def _stop(self, reason: str) -> None:
        """Give up recording alone; the file ends with its last whole chunk."""
        self.problem = self.problem or f"recording to {clean_text(self.path)} stopped: {reason}"
        if self._fd is not None:
            try:
                os.ftruncate(self._fd, self.bytes)
            except OSError:
                # The next start cuts the torn end off.
                self.problem += "; its end may be torn"
        self._release()

    def _repair(self, fd: int) -> None:
        """Check that an existing file is ours, and cut off what a crash left unfinished."""

        def read(offset: int, count: int) -> bytes:
            os.lseek(fd, offset, os.SEEK_SET)
            parts = []
            while count > 0 and (part := os.read(fd, count)):
                parts.append(part)
                count -= len(part)
            return b"".join(parts)

        size = os.fstat(fd).st_size
        if size:
            whole = self._codec.whole_length(read, size)
            if whole:
                _check_header(self._codec.first_line(read, whole))
            elif not _torn_start(self._codec.head, read(0, 64)):
                raise RecordingError("the file holds something else; choose another name")
            if whole < size:
                os.ftruncate(fd, whole)
            size = whole
        self.bytes = size

    def _release(self) -> None:
        fd, self._fd = self._fd, None
        self._lines.clear()
        if fd is not None:
            try:
                os.close(fd)
            except OSError as error:
                self.problem = self.problem or f"closing {clean_text(self.path)} failed: {clean_text(error.strerror)}"


def _same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except (OSError, ValueError):
        # One of them is not there.
        return False


def check(path: Path, playing: Path | None = None) -> None:
    """Find out whether a recording could start here, without writing a header.

    Args:
        path: File to append to.
        playing: Recording that the frames would come from, if any.

    Raises:
        RecordingError: As `Recorder` would.
    """
    existed = os.path.lexists(path)
    recorder = Recorder(path, wall_ns=0, playing=playing)
    recorder._release()
    if not existed:
        path.unlink(missing_ok=True)


def _torn_start(head: bytes, start: bytes) -> bool:
    """Whether a file without one whole chunk can be the torn beginning of a recording."""
    return start.startswith(head) or head.startswith(start)


def _check_header(line: bytes) -> None:
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise RecordingError("the file holds something else; choose another name")
    if header.get("version") != VERSION:
        raise RecordingError("the file is a recording of another version; choose another name")


def _open(path: Path) -> int:
    """Open for appending, alone."""
    try:
        make_folder(path.parent)
        fd = open_private(path, os.O_RDWR | os.O_APPEND)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise RecordingError("it is a symbolic link, which is not followed; name the file itself") from None
        raise RecordingError(clean_text(error.strerror or error)) from None
    except ValueError:
        raise RecordingError("not a file name") from None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise RecordingError("not a regular file")
        # Some network file systems know no locks; recording there is better than not recording.
        if not lock(fd):
            raise RecordingError("another recorder is writing to it; choose another name")
    except BaseException:
        os.close(fd)
        raise
    return fd
