"""The recording format, in one place for its reader and its writer.

A recording is JSON lines, one frame a line (README, "Record and replay"):

* a header `{"format":"kraken-tui","version":1,"created":...,"url":...,"pairs":[...]}`;
* then `{"crc":C,"rx_ns":N,"frame":F}` for every frame received, F byte for byte, and `"dir":"tx"` after the time for
  what was sent. C is the CRC-32 of everything between its comma and the closing brace, so that a flipped bit is found
  even where the line is still JSON;
* `"dir":"state"` for a frame that the recorder made itself, in the exchange's own shape, from what the program knew
  when the file began in mid-session, or went on after a gap: instruments, books, trades, tickers and candles;
* `"dir":"gap"` where frames were lost because the disk was too slow; its frame is
  `{"channel":"recorder","type":"gap","lost":N}`, an unknown channel to a reader that does not know of gaps.

How lines are packed into the chunks of a file is in `recording.chunks`.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable
from pathlib import Path

from kraken_tui.errors import RecordingError
from kraken_tui.secret import redact_frame
from kraken_tui.text import clean_text
from kraken_tui.wire.decode import MAX_FRAME
from kraken_tui.wire.timestamps import format_timestamp

FORMAT = "kraken-tui"
"""What the header calls our own format."""

VERSION = 1
"""Version that is written, and the newest that is read."""

MAX_LINE = MAX_FRAME + 4096
"""Longest line, in bytes."""

_CRC = b'{"crc":'
_FRAME_LINE = re.compile(
    rb'\{"crc":([0-9]{1,10}),("rx_ns":([0-9]{1,20}),(?:"dir":"(tx|state|gap)",)?"frame":(.*))\}', re.DOTALL
)

RECEIVED, SENT, STATE, GAP = "rx", "tx", "state", "gap"
"""Directions of a line: from the exchange, to it, made by the recorder, or where frames are missing."""

_GAP = re.compile(rb'\{"channel":"recorder","type":"gap","lost":([0-9]{1,18})\}')
_DIRECTIONS = {None: RECEIVED, b"tx": SENT, b"state": STATE, b"gap": GAP}

_PLAIN = "plain"
_BEGINNINGS = {
    ".gz": re.compile(rb"\x1f\x8b\x08"),
    # A frame, or one to be skipped.
    ".zst": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
    _PLAIN: re.compile(rb'\s*[\[{]\s*["\[{]'),
}
_PRINTED = re.compile(rb'\{"event":"(?:book|trade|candle|state|resync|health|refused|flow)"')


def compression(path: Path) -> str:
    """How a recording of this name is compressed: ".gz", ".zst" or "", in either case of its letters."""
    suffix = path.suffix.lower()
    return {".gz": ".gz", ".zst": ".zst", ".zstd": ".zst"}.get(suffix, "")


def misnamed(head: bytes, packed: str) -> str:
    """What is wrong with the name of a recording, one clause with what to do; "" where it fits, or nobody can tell.

    Args:
        head: How the file begins.
        packed: What its name says of it; see `compression`.
    """
    found = next((each for each, begin in _BEGINNINGS.items() if begin.match(head)), "")
    if not found or found == (packed or _PLAIN):
        return ""
    if found == _PLAIN:
        return f"is not compressed, though its name ends in {packed}; rename it without that"
    return f"is compressed, but its name does not end in {found}; rename it so"


def is_printed(line: bytes) -> bool:
    """Whether a line is one of those that `kraken-tui stream` prints, which nothing can be played from."""
    return _PRINTED.match(line) is not None


def header_line(wall_ns: int, url: str, pairs: Iterable[str]) -> bytes:
    """The first line of a recording.

    Args:
        wall_ns: When it was begun, ns since the epoch.
        url: Where the frames come from.
        pairs: Pairs asked for.
    """
    header = {
        "format": FORMAT,
        "version": VERSION,
        "created": format_timestamp(wall_ns, 3),
        "url": clean_text(url),
        "pairs": [clean_text(pair, 40) for pair in pairs],
    }
    return json.dumps(header, separators=(",", ":")).encode() + b"\n"


def frame_line(frame: bytes, rx_ns: int, direction: str = RECEIVED) -> bytes:
    """The line of one frame, with its line end; tokens and keys are cut out before it can reach a disk.

    Args:
        frame: Payload as received or sent.
        rx_ns: Wall clock when it was, ns since the epoch.
        direction: `RECEIVED`, `SENT`, `STATE` or `GAP`.
    """
    frame = redact_frame(frame)
    if b"\n" in frame:
        # Between JSON tokens a line break is a blank like any other; inside one the frame is not JSON anyway.
        frame = frame.replace(b"\n", b" ")
    if direction == RECEIVED:
        body = b'"rx_ns":%d,"frame":%b' % (rx_ns, frame)
    else:
        body = b'"rx_ns":%d,"dir":"%b","frame":%b' % (rx_ns, direction.encode(), frame)
    return b'{"crc":%d,%b}\n' % (zlib.crc32(body), body)


def gap_frame(lost: int) -> bytes:
    """What stands in a recording where so many frames are missing."""
    return b'{"channel":"recorder","type":"gap","lost":%d}' % lost


def lost_frames(frame: bytes) -> int:
    """How many frames a gap says are missing; 0 where it cannot be read."""
    found = _GAP.fullmatch(frame)
    return int(found[1]) if found is not None else 0


def read_frame_line(line: bytes) -> tuple[int, bytes, str] | None:
    """A line of ours, without its line end, whose checksum is right.

    Returns:
        (wall clock in ns, the frame as it stands in the line, its direction), or None for any other line. The frame
        need not be JSON: that is the session's to judge, as when it came.
    """
    if not line.startswith(_CRC):
        return None
    found = _FRAME_LINE.fullmatch(line)
    if found is None or int(found[1]) != zlib.crc32(found[2]):
        return None
    return int(found[3]), found[5], _DIRECTIONS[found[4]]


def has_checksum(line: bytes) -> bool:
    """Whether a line claims to be one of ours."""
    return line.startswith(_CRC)


def checksum_holds(line: bytes) -> bool:
    """Whether a line that claims to be ours is unchanged since it was written."""
    number, _, body = line[len(_CRC) :].rstrip().partition(b",")
    return number.isdigit() and len(number) <= 10 and int(number) == zlib.crc32(body[:-1])


def check_appendable(line: bytes) -> None:
    """Check the header of a file before frames are appended to it.

    Raises:
        RecordingError: It is not a header of ours, or of another version.
    """
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise RecordingError("the file holds something else; choose another name")
    if header.get("version") != VERSION:
        raise RecordingError("the file is a recording of another version; choose another name")
