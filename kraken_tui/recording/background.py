"""A recording that is written in a thread of its own: the engine hands frames over and never waits for the disk.

Rules, in the order in which they apply:

* Full (`ROOM`, `ITEMS`): what waits is kept and written, what comes is left out, until half is free again. Then a gap
  with the number of lost frames goes into the file, and after it the state as at the beginning of a file, so that
  every book is proven again from there.
* The file was deleted, moved away or emptied: a whole new file begins under the same name. What was in a deleted or
  emptied one is counted as lost.
* Time or size for the next part: frames go into the old one until the state has come with which the next begins.
* An error of the file, or another program writing into it: recording stops, and says so.

A file that begins in mid-session is begun by the engine, which alone knows the state: the thread asks for it
(`wants_opening`), and goes on with the old file, if there is one, until it comes.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from kraken_tui.errors import RecordingError
from kraken_tui.hand_over import HandOver
from kraken_tui.recording.format import GAP, STATE, compression, gap_frame
from kraken_tui.recording.writer import CHUNK_BYTES, DELETED, EMPTIED, SHARED, Recorder
from kraken_tui.settings import Rotation
from kraken_tui.text import clean_text
from kraken_tui.words import counted

ROOM = 64 * 1024 * 1024
ITEMS = 200_000
"""Most that waits for the disk: minutes of a busy market."""

EVERY_S = 0.75
"""How often what waits is written, and the file compared with its name."""

AFTER_S = 5.0
"""Longest a recording waits for the one before it to let go of the file."""

BEHIND_S = 2.0
"""How long one write may take until it is told."""

_OVERHEAD = 200
"""Bytes of memory a waiting frame takes besides its own."""


class Opening(NamedTuple):
    """A file begins, or goes on after a gap.

    Attributes:
        wall_ns: Now, ns since the epoch.
        url: Where the frames come from.
        pairs: All pairs wanted now.
        frames: The state; empty at the start of a session.
        lost: Frames missing before it in the same file; 0 where a file begins.
    """

    wall_ns: int
    url: str
    pairs: tuple[str, ...]
    frames: tuple[bytes, ...]
    lost: int = 0


class _Frame(NamedTuple):
    frame: bytes
    rx_ns: int
    direction: str


class Progress(NamedTuple):
    """How a recording is doing.

    Attributes:
        path: The file, or the part of it, that is being written.
        bytes: Its length, as last written.
        frames: Frames written, in all files of this recording.
        waiting, waiting_bytes: Not yet written.
        dropped: Left out because the disk was too slow.
        lost: All that are in no file: dropped, failed, and those of a deleted or emptied file.
        problem: "" or why it stopped.
        warning: "" or what is wrong while it goes on.
    """

    path: Path
    bytes: int
    frames: int
    waiting: int
    waiting_bytes: int
    dropped: int
    lost: int
    problem: str
    warning: str


class BackgroundRecorder:
    """One recording; all public methods are for the engine's thread and return at once, but `close`.

    Args:
        path: As asked for; the name of the parts with `rotate`.
        opening: What the first file begins with.
        rotate: When to begin the next part.
        playing: Recording that the frames come from, if one is played.
        after: The recording before this one, which may be closing the same file.

    Attributes:
        wants_opening: The thread waits for an `Opening`.
        notices: (level, text) for the log, oldest first; the engine takes them out.
    """

    def __init__(
        self,
        path: Path,
        opening: Opening,
        *,
        rotate: Rotation | None = None,
        playing: Path | None = None,
        after: BackgroundRecorder | None = None,
    ) -> None:
        self.path = path
        self.wants_opening = False
        self.notices: deque[tuple[str, str]] = deque(maxlen=100)
        self._rotate = rotate
        self._playing = playing
        self._after = after
        self._dropped = 0
        self._queue: HandOver[_Frame | Opening] = HandOver(
            "kraken-tui-recorder",
            self._work,
            items=ITEMS,
            room=ROOM,
            every_s=EVERY_S,
            enough=2 * CHUNK_BYTES,
            finish=self._finish,
        )
        # What follows belongs to the thread; the engine only reads it.
        self._recorder: Recorder | None = None
        self._written_to = path
        self._length = 0
        self._begun_s = 0.0
        self._asked = False
        self._frames = self._failed = self._gone = 0
        self._problem = ""
        self._unfinished = False
        self.begin(opening)

    # -- the engine's side ----------------------------------------------------------------------------------------

    def write(self, frame: bytes, rx_ns: int, direction: str) -> None:
        """Take one frame."""
        if not self._queue.put(_Frame(frame, rx_ns, direction), len(frame) + _OVERHEAD):
            self._dropped += 1

    def begin(self, opening: Opening) -> None:
        """Begin a file, or go on after a gap."""
        self.wants_opening = not self._queue.put(opening, sum(map(len, opening.frames)) + _OVERHEAD)

    def poll(self, opening: Callable[[int], Opening]) -> None:
        """Give the thread the state where it needs it; call this a few times a second.

        Args:
            opening: Makes the state, from the number of frames lost before it in the same file.
        """
        if lost := self._queue.resume():
            self.begin(opening(lost))
        if self.wants_opening:
            self.begin(opening(0))

    def close(self, wait_s: float = 0.0) -> bool:
        """Write the rest and close.

        Args:
            wait_s: Longest to wait for that.

        Returns:
            Whether that is done; it may still be, later.
        """
        done = self._queue.close(wait_s)
        if done or wait_s:
            self._unfinished = not done
        return done

    def give_up(self) -> None:
        """Tell from here on that the rest could not be written, until it is."""
        self._unfinished = True

    @property
    def load(self) -> tuple[int, int]:
        """(frames waiting, room)."""
        return self._queue.counts.waiting, ITEMS

    @property
    def progress(self) -> Progress:
        """How it is doing."""
        counts = self._queue.counts
        lost = self._dropped + self._failed + self._gone
        problem = self._problem
        if not problem and self._queue.error is not None:
            problem = f"recording to {clean_text(self.path)} stopped: {clean_text(repr(self._queue.error))}"
        if not problem and self._unfinished and self._queue.busy_s:
            lost += counts.waiting
            problem = (
                f"recording to {clean_text(self.path)} could not be ended: the disk does not answer, "
                f"{counted(counts.waiting, 'frame')} waiting"
            )
        return Progress(
            self._written_to,
            self._length,
            self._frames - self._gone,
            counts.waiting,
            counts.waiting_bytes,
            self._dropped,
            lost,
            problem,
            self._warning(lost),
        )

    def _warning(self, lost: int) -> str:
        busy_s = self._queue.busy_s
        if busy_s >= BEHIND_S:
            return f"the disk does not answer since {busy_s:.0f} s"
        return f"{counted(lost, 'frame')} lost" if lost else ""

    # -- the thread's side ----------------------------------------------------------------------------------------

    def _work(self, batch: Sequence[_Frame | Opening]) -> int:
        """Write a batch; returns how many of it failed."""
        self._look()
        failed = 0
        part: list[_Frame] = []
        for item in batch:
            if isinstance(item, Opening):
                failed += self._write(part)
                part = []
                failed += not self._open(item)
            else:
                part.append(item)
        failed += self._write(part)
        if self._recorder is not None:
            self._recorder.tick(time.monotonic_ns())
            self._note_progress()
        self._turn_over()
        return failed

    def _write(self, part: Sequence[_Frame]) -> int:
        recorder = self._recorder
        kept = 0
        if recorder is not None:
            before = recorder.kept
            for frame in part:
                recorder.write(*frame)
            recorder.flush()
            kept = recorder.kept - before
            self._note_progress()
        self._frames += kept
        self._failed += len(part) - kept
        return len(part) - kept

    def _open(self, opening: Opening) -> bool:
        """Begin a file, or go on in the one that is open; returns whether that went well."""
        self._asked = False
        if self._problem:
            return False
        if opening.lost and self._recorder is not None:
            self._recorder.write(gap_frame(opening.lost), opening.wall_ns, GAP)
            self._recorder.frames -= 1
            text = f"the recording has a gap: the disk was too slow for {counted(opening.lost, 'frame')}"
            self.notices.append(("warning", text))
        else:
            self._begin_file(opening)
        recorder = self._recorder
        if recorder is None:
            return False
        before = recorder.kept
        for frame in opening.frames:
            recorder.write(frame, opening.wall_ns, STATE)
        recorder.flush()
        # The engine's frames alone are counted.
        recorder.frames = recorder.kept = before
        self._note_progress()
        return not self._problem

    def _begin_file(self, opening: Opening) -> None:
        self._finish()
        self._recorder = None
        if self._after is not None:
            self._after.close(AFTER_S)
            self._after = None
        if self._problem:
            return
        try:
            path = self.path if self._rotate is None else next_part(self.path)
            self._recorder = Recorder(
                path, wall_ns=opening.wall_ns, url=opening.url, pairs=opening.pairs, playing=self._playing
            )
        except (RecordingError, OSError) as error:
            self._problem = str(error)
        else:
            self._begun_s = time.monotonic()
            self.notices.append(("info", f"recording to {clean_text(path)}"))

    def _look(self) -> None:
        """See what became of the file."""
        recorder = self._recorder
        happened = recorder.look() if recorder is not None else ""
        if recorder is None or not happened:
            return
        shown = clean_text(recorder.path)
        if happened == SHARED:
            recorder.abandon(f"recording to {shown} stopped: it was {SHARED}")
            self._note_progress()
            return
        recorder.close()
        gone = recorder.kept if happened in (DELETED, EMPTIED) else 0
        self._gone += gone
        self._recorder = None
        lost = f", {counted(gone, 'frame')} lost" if gone else ""
        text = f"the recording {shown} was {happened}{lost}; begun again"
        self.notices.append(("error" if gone else "warning", text))
        self._ask()

    def _ask(self) -> None:
        """Have the engine send the state."""
        if not self._asked:
            self._asked = self.wants_opening = True

    def _turn_over(self) -> None:
        """Ask for the next part when this one is long or old enough."""
        recorder, rotate = self._recorder, self._rotate
        if recorder is None or rotate is None:
            return
        age_s = time.monotonic() - self._begun_s
        if (rotate.bytes and recorder.bytes >= rotate.bytes) or (rotate.seconds and age_s >= rotate.seconds):
            self._ask()

    def _note_progress(self) -> None:
        """Let the engine see where the file stands, and whether it was given up."""
        recorder = self._recorder
        if recorder is not None:
            self._written_to, self._length = recorder.path, recorder.bytes
            if recorder.problem:
                self._problem = self._problem or recorder.problem
                self._recorder = None

    def _finish(self) -> None:
        """Close the file."""
        recorder = self._recorder
        if recorder is not None:
            recorder.close()
            self._note_progress()


_NUMBERED = re.compile(r"-([0-9]{4,9})")


def next_part(path: Path) -> Path:
    """The name of the next part of a recording: after the highest number that is there, as in `day-0001.jsonl.gz`."""
    ending = path.suffix if not compression(path) else Path(path.stem).suffix + path.suffix
    stem = path.name[: len(path.name) - len(ending)] if ending else path.name
    highest = 0
    if path.parent.is_dir():
        for other in path.parent.iterdir():
            name = other.name
            if name.startswith(stem) and name.endswith(ending):
                found = _NUMBERED.fullmatch(name[len(stem) : len(name) - len(ending)])
                highest = max(highest, int(found[1]) if found is not None else 0)
    return path.with_name(f"{stem}-{highest + 1:04}{ending}")
