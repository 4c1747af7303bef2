"""How often panes are drawn, and what gives way when the terminal is slow. Pure: time is passed in."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

_WINDOW = 8
_LATE_TO_SLOW = 4
_CALM_TO_RECOVER_S = 10.0


class Pacer:
    """Decides which panes are due at a tick and how long until the next tick.

    A slow terminal blocks the event loop, which shows as late ticks. When half of the last eight ticks came later than
    one and a half periods, the rate is halved, down to one picture a second; ten seconds without a late tick double it
    again, up to the rate asked for.

    Args:
        fps: Pictures a second asked for, at least 1.
        rates: Pictures a second of the panes that need fewer, so that the others can have them.
    """

    def __init__(self, fps: int, rates: Mapping[str, float] | None = None) -> None:
        self._rates = rates or {}
        self.asked = max(1, fps)
        self.fps = float(self.asked)
        self._last: float | None = None
        self._last_late = 0.0
        self._late: deque[bool] = deque(maxlen=_WINDOW)
        self._due: dict[str, float] = {}

    @property
    def period(self) -> float:
        """Seconds between ticks."""
        return 1.0 / self.fps

    @property
    def slowed(self) -> bool:
        """Whether the rate is below the requested one."""
        return self.fps < self.asked

    def tick(self, now: float) -> bool:
        """Note that a tick happens at `now` (s); True when the rate changed and the timer must be set again."""
        last, self._last = self._last, now
        if last is None:
            self._last_late = now
            return False
        late = now - last > 1.5 * self.period
        self._late.append(late)
        if late:
            self._last_late = now
        if sum(self._late) >= _LATE_TO_SLOW and self.fps > 1:
            return self._change(max(1.0, self.fps / 2), now)
        if self.slowed and now - self._last_late >= _CALM_TO_RECOVER_S:
            return self._change(min(float(self.asked), self.fps * 2), now)
        return False

    def _change(self, fps: float, now: float) -> bool:
        self.fps = fps
        self._late.clear()
        self._last = None
        self._last_late = now
        return True

    def due(self, name: str, now: float) -> bool:
        """Whether the pane `name` should be drawn at `now` (s); counts as drawn when it is."""
        rate = self._rates.get(name)
        if rate is None or rate >= self.fps:
            return True
        # A hair early is better than a whole tick late.
        if now < self._due.get(name, now) - self.period / 4:
            return False
        self._due[name] = now + 1.0 / rate
        return True
