"""The clocks a feed runs on, behind one small interface so that tests and replays can bring their own."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Protocol


class Clock(Protocol):
    """Two clocks, both in whole nanoseconds."""

    def now(self) -> int:
        """Monotonic time; counts the time a computer sleeps, where the system can tell."""
        ...

    def wall(self) -> int:
        """Time since the epoch."""
        ...


def _monotonic() -> Callable[[], int]:
    # Linux's usual monotonic clock stands still while the machine sleeps, so an old feed would look fresh.
    boottime: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    if boottime is None:
        return time.monotonic_ns
    return partial(time.clock_gettime_ns, boottime)


class SystemClock:
    """The computer's own clocks."""

    def __init__(self) -> None:
        self._now = _monotonic()

    def now(self) -> int:
        """Monotonic ns, sleep included on Linux."""
        return self._now()

    def wall(self) -> int:
        """Ns since the epoch."""
        return time.time_ns()
