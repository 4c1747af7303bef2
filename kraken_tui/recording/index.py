"""An index of a recording: states at moments through it, to go on from, and where something went wrong.

A state is kept as the frames that bring a session to it (`recording.opening`), with the place in the file and in time
to go on reading from. Candles and trades stand in most states alike; each is kept once.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

import msgspec

from kraken_tui.errors import RecordingError
from kraken_tui.feed.standing import Standing
from kraken_tui.recording.reader import Place
from kraken_tui.recording.timeline import Pace

KEEP_BYTES = 64 * 2**20
"""Most memory of the packed states; beyond it every second one is dropped."""

MOST_UNPACKED = 64 * 2**20
"""Largest state that is unpacked; a file may claim anything."""

_SHARED = (b'{"channel":"ohlc","type":"snapshot"', b'{"channel":"trade","type":"snapshot"')
_BETWEEN = b"},{"
_MARK = b"@"


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A state to go on from.

    Attributes:
        ns: Time of the last frame in it, ns since the epoch.
        line: That frame's line in the unpacked file.
        frames: Frames of the recording up to it.
        place: Where to read on from; lines up to `line` are passed over.
        pace: Where the timeline had come.
        standing: Counts up to it.
        packed: The frames of the state; see `Index.opening`.
    """

    ns: int
    line: int
    frames: int
    place: Place
    pace: Pace
    standing: Standing
    packed: bytes


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where something is wrong in a recording, or another session begins.

    Attributes:
        ns: When, ns since the epoch; the moment right after it.
        kind: "mismatch", "gap" or "session".
        text: One short clause.
    """

    ns: int
    kind: str
    text: str


class Index:
    """The index of one recording; one thread adds to it, others read.

    Attributes:
        begin_ns: Time of the first frame; None before it is known.
        known_ns: How far the index reaches; the time of the last frame looked at.
        frames: Frames up to there.
        complete: Whether that is the end of the recording.
        problem: "" or why it cannot be built further, or what is wrong with the rest of the file.
        checkpoints: By time.
        faults: By time.
    """

    def __init__(self) -> None:
        self.begin_ns: int | None = None
        self.known_ns = 0
        self.frames = 0
        self.complete = False
        self.failed = False
        self.problem = ""
        self.checkpoints: list[Checkpoint] = []
        self.faults: list[Fault] = []
        self.rows: list[bytes] = []
        self._numbers: dict[bytes, int] = {}
        self._bytes = 0

    # -- building ---------------------------------------------------------------------------------------------------

    def add(self, checkpoint: Checkpoint) -> None:
        """Append a state; where all of them take too much memory, every second one is dropped."""
        self._bytes += len(checkpoint.packed)
        kept = [*self.checkpoints, checkpoint]
        if self._bytes > KEEP_BYTES:
            kept = kept[1::2]
            self._bytes = sum(len(each.packed) for each in kept)
        self.checkpoints = kept

    def pack(self, frames: Iterable[bytes]) -> bytes:
        """The frames of a state, small."""
        return zlib.compress(b"\n".join(self._pack(frame) for frame in frames), 1)

    def _pack(self, frame: bytes) -> bytes:
        if not frame.startswith(_SHARED):
            return frame
        runs: list[list[int]] = []
        numbers = self._numbers
        for row in frame.split(_BETWEEN):
            number = numbers.get(row)
            if number is None:
                number = numbers[row] = len(self.rows)
                self.rows.append(row)
            if runs and sum(runs[-1]) == number:
                runs[-1][1] += 1
            else:
                runs.append([number, 1])
        return _MARK + b",".join(b"%d+%d" % (first, count) for first, count in runs)

    def built(self) -> None:
        """Nothing more will be added."""
        self._numbers = {}

    # -- reading ----------------------------------------------------------------------------------------------------

    def reaches(self, ns: int) -> bool:
        """Whether everything up to a moment was looked at."""
        return self.complete or ns < self.known_ns

    def opening(self, checkpoint: Checkpoint) -> list[bytes]:
        """The frames of a state.

        Raises:
            RecordingError: They are damaged.
        """
        try:
            engine = zlib.decompressobj()
            text = engine.decompress(checkpoint.packed, MOST_UNPACKED)
            if not engine.eof:
                raise RecordingError("the index of the recording is damaged")
            return [self._unpack(line) for line in text.split(b"\n")]
        except (zlib.error, ValueError, IndexError) as error:
            raise RecordingError("the index of the recording is damaged") from error

    def _unpack(self, line: bytes) -> bytes:
        if not line.startswith(_MARK):
            return line
        rows: list[bytes] = []
        for run in line[1:].split(b","):
            first, count = map(int, run.split(b"+"))
            if not 0 <= first < first + count <= len(self.rows):
                raise ValueError("rows that are not there")
            rows += self.rows[first : first + count]
        return _BETWEEN.join(rows)

    def frames_at(self, ns: int) -> int:
        """About how many frames the recording has up to a moment."""
        checkpoints = self.checkpoints
        at = bisect_right(checkpoints, ns, key=lambda each: each.ns)
        before = (checkpoints[at - 1].ns, checkpoints[at - 1].frames) if at else (self.begin_ns or 0, 0)
        after = (checkpoints[at].ns, checkpoints[at].frames) if at < len(checkpoints) else (self.known_ns, self.frames)
        if after[0] <= before[0]:
            return before[1]
        share = min(1.0, max(0.0, (ns - before[0]) / (after[0] - before[0])))
        return before[1] + round(share * (after[1] - before[1]))

    def start_for(self, ns: int, most_frames: int, most_ns: int) -> Checkpoint | None:
        """Where to go on from to see a moment, with as much before it as is cheap.

        Args:
            ns: The moment.
            most_frames: Frames worth playing for what is before it.
            most_ns: Longest time before it that is worth playing.

        Returns:
            A state at or before the moment; None for the beginning of the recording.
        """
        checkpoints = self.checkpoints
        at = bisect_right(checkpoints, ns, key=lambda each: each.ns) - 1
        if at < 0:
            return None
        frames = self.frames_at(ns)
        if frames <= most_frames and ns - (self.begin_ns or 0) <= most_ns:
            return None
        while at > 0 and frames - checkpoints[at - 1].frames <= most_frames and ns - checkpoints[at - 1].ns <= most_ns:
            at -= 1
        return checkpoints[at]

    def next_fault(self, ns: int, direction: int = 1) -> Fault | None:
        """The first fault after (+1) or the last before (-1) a moment, as far as the index reaches."""
        faults = self.faults
        if direction > 0:
            at = bisect_right(faults, ns, key=lambda fault: fault.ns)
            return faults[at] if at < len(faults) else None
        at = bisect_left(faults, ns, key=lambda fault: fault.ns) - 1
        return faults[at] if at >= 0 else None
