"""How whole lines are laid out in a recording's file: plain text, gzip members or zstd frames.

A file grows in *chunks*: one flush of the recorder writes whole lines, and for .gz and .zst one complete gzip member
or zstd frame with its length in front. So a chunk that a crash cut off is found without reading the file through, and
only that chunk is lost.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from kraken_tui.errors import RecordingError
from kraken_tui.recording.format import FORMAT, compression

_MAX_HEADER = 64 * 1024


class Codec(Protocol):
    """How chunks are laid out in the file; every recording starts with `head`."""

    @property
    def head(self) -> bytes:
        """First bytes of a recording."""
        ...

    def encode(self, text: bytes) -> bytes:
        """Whole lines as one chunk of the file."""
        ...

    def whole_length(self, read: Callable[[int, int], bytes], size: int) -> int:
        """Length of the file's leading whole chunks, from `read(offset, count)`.

        Raises:
            RecordingError: The file was not written by this codec.
        """
        ...

    def first_line(self, read: Callable[[int, int], bytes], size: int) -> bytes:
        """The header line, as far as it can be read."""
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
    marker = bytes.fromhex("1f8b0804 00000000 00ff 0800") + b"KT\x04\x00"
    """First bytes of every chunk, by which the reader finds the next one after a damaged one."""

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
    marker = head + struct.pack("<I", 4)
    """First bytes of every chunk, by which the reader finds the next one after a damaged one."""

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


def codec_for(path: Path) -> Codec:
    """The layout of a recording of this name.

    Raises:
        RecordingError: The zstandard package is needed and not installed.
    """
    codecs: dict[str, type[GzipCodec | ZstdCodec]] = {".gz": GzipCodec, ".zst": ZstdCodec}
    return codecs.get(compression(path), PlainCodec)()
