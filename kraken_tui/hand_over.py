"""Handing work that may block to a thread of its own: a bounded queue whose counts add up.

The engine's thread computes every age and publishes every view, so it must never wait for a disk. Whoever writes a
file (recorder, log, dial budget) hands the work over here and goes on.

What is kept when the queue is full: the oldest. What waits is written in its order, and what comes is refused, until
half of the room is free again and the owner has asked with `resume` how much was refused, to say so where it belongs.
So there is one gap that can be named, and never a hole here and there.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Counts(NamedTuple):
    """What became of the items so far; accepted = written + dropped + failed + waiting.

    Attributes:
        accepted: All that were handed over.
        written: Done.
        dropped: Refused because the queue was full.
        failed: Taken, and not done.
        waiting: Not yet done.
        waiting_bytes: Their size.
    """

    accepted: int
    written: int
    dropped: int
    failed: int
    waiting: int
    waiting_bytes: int


class HandOver(Generic[T]):
    """A queue and its thread, which is a daemon: hung, it keeps no process alive.

    Args:
        name: Of the thread.
        work: Called in the thread with what waits, oldest first, and at least every `every_s` seconds with nothing;
            returns how many of the items failed.
        items: Most items that wait.
        room: Most bytes that wait.
        every_s: Longest an item waits for an idle thread.
        enough: Bytes with which the thread is woken at once.
        finish: Called in the thread when all is done after `close`.

    Attributes:
        error: What ended the thread, a defect of this program; all that is handed over then fails.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Sequence[T]], int],
        *,
        items: int,
        room: int,
        every_s: float,
        enough: int = 0,
        finish: Callable[[], None] = lambda: None,
    ) -> None:
        self._work = work
        self._finish = finish
        self._items, self._room = items, room
        self._every_s, self._enough = every_s, enough
        self._queue: deque[tuple[T, int]] = deque()
        # Held for a few instructions, never while anything is written.
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = False
        self._accepted = self._written = self._dropped = self._failed = 0
        self._bytes = 0
        self._refused = 0
        self._busy_since: float | None = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._started = False

    # -- for the one who hands over -------------------------------------------------------------------------------

    def put(self, item: T, size: int) -> bool:
        """Hand an item over; returns at once, False where it was refused."""
        with self._lock:
            self._accepted += 1
            if self._closing or self.error is not None:
                self._failed += 1
                return False
            waiting = self._accepted - 1 - self._written - self._dropped - self._failed
            if self._refused or waiting >= self._items or (self._bytes + size > self._room and waiting):
                self._refused += 1
                self._dropped += 1
                return False
            self._queue.append((item, size))
            self._bytes += size
            enough = self._bytes >= self._enough
            starts, self._started = not self._started, True
        if starts:
            self._thread.start()
        if enough:
            self._wake.set()
        return True

    def resume(self) -> int:
        """Take items again, once half of the room is free.

        Returns:
            How many were refused meanwhile; 0 where none were, or where there is no room yet.
        """
        with self._lock:
            waiting = self._accepted - self._written - self._dropped - self._failed
            if self._refused and waiting * 2 <= self._items and self._bytes * 2 <= self._room:
                refused, self._refused = self._refused, 0
                return refused
            return 0

    @property
    def counts(self) -> Counts:
        """What became of the items so far."""
        with self._lock:
            done = self._written + self._dropped + self._failed
            return Counts(
                self._accepted, self._written, self._dropped, self._failed, self._accepted - done, self._bytes
            )

    @property
    def busy_s(self) -> float:
        """How long the thread has been in one piece of work, seconds; 0 while it waits."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def close(self, wait_s: float = 0.0) -> bool:
        """Take no more, do what waits and end.

        Args:
            wait_s: Longest to wait for that.

        Returns:
            Whether all is done. If not, the thread goes on as far as it gets.
        """
        with self._lock:
            self._closing = True
        self._wake.set()
        if self._started and wait_s > 0:
            self._thread.join(wait_s)
        return not self._thread.is_alive()

    # -- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while self._round():
                pass
            self._busy_since = time.monotonic()
            self._finish()
        except BaseException as error:
            with self._lock:
                self.error = error
                self._failed += len(self._queue)
                self._queue.clear()
                self._bytes = 0
        finally:
            self._busy_since = None

    def _round(self) -> bool:
        """One piece of work; returns whether more can come."""
        self._wake.wait(self._every_s)
        self._wake.clear()
        with self._lock:
            closing = self._closing
            batch = list(self._queue)
            self._queue.clear()
        self._busy_since = time.monotonic()
        failed = len(batch)
        try:
            failed = self._work([item for item, _ in batch])
        finally:
            self._busy_since = None
            with self._lock:
                self._failed += failed
                self._written += len(batch) - failed
                self._bytes -= sum(size for _, size in batch)
        return not closing
