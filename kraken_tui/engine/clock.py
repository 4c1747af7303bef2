"""The engine's two clocks, injected so that tests can play any time."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Monotonic time for deadlines and wall time for ages; both whole nanoseconds."""

    def monotonic_ns(self) -> int:
        """Never goes backwards; no meaning of its own."""
        ...

    def wall_ns(self) -> int:
        """Nanoseconds since the epoch; may be stepped by the system."""
        ...


class SystemClock:
    """This machine's clocks."""

    def monotonic_ns(self) -> int:
        """See `Clock`."""
        return time.monotonic_ns()

    def wall_ns(self) -> int:
        """See `Clock`."""
        return time.time_ns()
