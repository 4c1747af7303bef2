"""The clocks a feed runs on, behind one small interface so that tests and replays can bring their own."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from kraken_tui.units import SECOND


class Clock(Protocol):
    """Two clocks, both in whole nanoseconds."""

    def now(self) -> int:
        """Monotonic time; counts the time a computer sleeps, where the system can tell."""
        ...

    def wall(self) -> int:
        """Time since the epoch."""
        ...


def boot_clock() -> Callable[[], int] | None:
    """A monotonic clock that counts sleep, if the system also has one that does not; None otherwise."""
    # On macOS CLOCK_MONOTONIC_RAW counts sleep and Python's monotonic clock (CLOCK_UPTIME_RAW) does not; Linux has a
    # CLOCK_MONOTONIC_RAW too, which does not count it.
    name = "CLOCK_MONOTONIC_RAW" if sys.platform == "darwin" else "CLOCK_BOOTTIME"
    number: int | None = getattr(time, name, None)
    return None if number is None else partial(time.clock_gettime_ns, number)


class SleepGauge:
    """Measures how long the computer slept: the time the boot clock gained on the monotonic one.

    Args:
        boot: Monotonic ns with sleep; None if the system has no such clock; sleep then goes unnoticed.
        awake: Monotonic ns without sleep.
    """

    def __init__(self, boot: Callable[[], int] | None, awake: Callable[[], int] = time.monotonic_ns) -> None:
        self._boot, self._awake = boot, awake
        self._ahead = self._difference()

    def _difference(self) -> int:
        return 0 if self._boot is None else self._boot() - self._awake()

    def slept(self) -> int:
        """Ns of sleep since the last call; less than a second counts as 0, since reading two clocks takes time."""
        gained = self._difference() - self._ahead
        if gained < SECOND:
            return 0
        self._ahead += gained
        return gained


class SystemClock:
    """The computer's own clocks."""

    def __init__(self) -> None:
        # The usual monotonic clock of Linux and macOS stands still while the machine sleeps: an old feed would look
        # fresh.
        boot = boot_clock()
        self._now = boot or time.monotonic_ns
        self._sleep = SleepGauge(boot)

    def now(self) -> int:
        """Monotonic ns, sleep included on Linux and macOS."""
        return self._now()

    def slept(self) -> int:
        """Ns the computer slept since the last call, where the system can tell; see `SleepGauge`."""
        return self._sleep.slept()

    def wall(self) -> int:
        """Ns since the epoch."""
        return time.time_ns()
