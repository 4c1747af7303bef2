"""Writing to a pipe that may have no reader."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable

_WAIT_S = 0.1
"""Longest delay until a signal is noticed."""

_PIPE_BYTES = 4096
_GRACE_S = 1.0
"""Time an unread pipe gets to take the last lines after a signal."""


class Unread(Exception):
    """Nobody reads the output and the program was told to stop."""


class PipeWriter:
    """A file descriptor written so that a signal is noticed even while the other end is not read.

    Args:
        fd: Where to write.
        stopping: Whether the program was told to stop.
    """

    def __init__(self, fd: int, stopping: Callable[[], bool]) -> None:
        self._fd = fd
        self._stopping = stopping

    def write(self, data: bytes) -> None:
        """Write everything.

        Raises:
            Unread: Told to stop, and the reader did not take the rest within a second.
            OSError: `BrokenPipeError` where the reader has gone, others where the disk is full.
        """
        left = memoryview(data)
        give_up_at: float | None = None
        while left:
            if os.name != "nt" and not select.select([], [self._fd], [], _WAIT_S)[1]:
                if self._stopping():
                    now = time.monotonic()
                    give_up_at = give_up_at or now + _GRACE_S
                    if now >= give_up_at:
                        raise Unread
                continue
            # A pipe that is ready takes this much without blocking (POSIX: PIPE_BUF).
            left = left[os.write(self._fd, left[:_PIPE_BYTES]) :]
