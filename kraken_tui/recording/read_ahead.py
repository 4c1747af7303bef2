"""A recording that is read in a thread of its own, some way ahead of whoever plays it.

Opening, decompressing and reading lines may wait for a disk as long as it likes. Here only this thread waits: the
player takes what is there, and sees how long the thread has been at one thing (`busy_s`). What was read and not yet
taken is bounded in frames and bytes; a full hand-over makes the thread wait, so nothing is ever dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from kraken_tui.recording.reader import Recorded
from kraken_tui.recording.timeline import Pace, Timed, Walk

AHEAD_BYTES = 16 * 1024 * 1024
"""Most that is read ahead, in bytes of frames."""

AHEAD_FRAMES = 50_000
"""Most that is read ahead, in frames."""

_BATCH = 200
_BATCH_BYTES = 512 * 1024
_OVERHEAD = 200


class ReadAhead:
    """Frames of a recording in order, each with its time; the thread begins with the first `wait`.

    Args:
        open_: Opens the recording; called in the thread.
        resume: Where the timeline of the frames before had come, for a recording opened in its middle.

    Attributes:
        shape: "" or what is to be said about a recording of another API.
        problem: Once everything was taken: "" or what was wrong with the rest of the file.
    """

    def __init__(self, open_: Callable[[], Iterable[Recorded]], resume: Pace | None = None) -> None:
        self._open = open_
        self._resume = resume
        self._batches: deque[tuple[list[Timed], int, int]] = deque()
        self._frames = self._bytes = 0
        self._lock = threading.Lock()
        self._room = threading.Event()
        self._came = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = self._ended = False
        self._busy_since: float | None = None
        self._error: BaseException | None = None
        self.shape = self.problem = ""

    def take(self) -> list[Timed] | None:
        """The next frames, as far as they are there: none while the thread still reads, None at the end.

        Raises:
            RecordingError: The file turned out to be unreadable there.
        """
        with self._lock:
            if self._batches:
                batch, frames, size = self._batches.popleft()
                self._frames -= frames
                self._bytes -= size
                self._room.set()
                return batch
            self._came.clear()
            if not self._ended:
                return []
        if self._error is not None:
            raise self._error
        return None

    async def wait(self, seconds: float) -> None:
        """Wait for more to take, but not longer than this."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            threading.Thread(target=self._read, name="kraken-tui-reader", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._came.wait()

    @property
    def busy_s(self) -> float:
        """How long the thread has been at one piece of reading, seconds; 0 while it waits for room."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def close(self) -> None:
        """Read no further; a thread that hangs is left behind."""
        self._closed = True
        self._room.set()

    # -- the thread -----------------------------------------------------------------------------------------------

    def _read(self) -> None:
        self._busy_since = time.monotonic()
        try:
            recording = self._open()
            for batch, size in _batches(Walk(recording, self._resume).frames()):
                self.shape = getattr(recording, "shape", "")
                if not self._hand_over(batch, size):
                    return
            self.problem = getattr(recording, "problem", "")
        except BaseException as error:
            self._error = error
        finally:
            self._busy_since = None
            with self._lock:
                self._ended = True
            self._tell()

    def _hand_over(self, batch: list[Timed], size: int) -> bool:
        """Wait for room; returns whether anybody still reads."""
        self._busy_since = None
        while not self._closed:
            with self._lock:
                self._room.clear()
                if not self._batches or (self._bytes + size <= AHEAD_BYTES and self._frames < AHEAD_FRAMES):
                    self._batches.append((batch, len(batch), size))
                    self._frames += len(batch)
                    self._bytes += size
                    break
            self._room.wait()
        self._tell()
        self._busy_since = time.monotonic()
        return not self._closed

    def _tell(self) -> None:
        # The loop may be closed by now: then nobody waits any more.
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._came.set)


def _batches(frames: Iterator[Timed]) -> Iterator[tuple[list[Timed], int]]:
    """(frames, bytes they take); the first frame comes alone, so that a player can begin."""
    batch: list[Timed] = []
    size = 0
    most = 1
    for timed in frames:
        batch.append(timed)
        size += len(timed.frame) + _OVERHEAD
        if len(batch) >= most or size >= _BATCH_BYTES:
            yield batch, size
            batch, size, most = [], 0, _BATCH
    if batch:
        yield batch, size
