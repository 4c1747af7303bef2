"""How often panes are drawn, and what gives way when pictures come late. Pure: time is passed in."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import msgspec

from kraken_tui.tui.draw.slowness import Cause, Slowness

_WINDOW = 8
_LATE_TO_SLOW = 4
_CALM_TO_RECOVER_S = 10.0
_HALF = 0.5


class Spent(msgspec.Struct, frozen=True):
    """Where time went, in seconds since the start.

    Attributes:
        writing: The drawing thread waited for the terminal to take what was written.
        working: Processor time of the whole program, all threads.
    """

    writing: float = 0.0
    working: float = 0.0


class _Tick(msgspec.Struct, frozen=True):
    took: float
    late: bool
    writing: float
    working: float


class Pacer:
    """Decides which panes are due in a picture and how long until the next tick.

    Whatever blocks the event loop shows as late ticks. When half of the last eight ticks came later than one and a half
    periods, the rate is halved, down to one picture a second; ten seconds without a late tick double it again, up to
    the rate asked for. Who is to blame is measured, not guessed.

    Panes with a lower rate are drawn in every second, fourth, eighth ... picture, so that they are drawn together.

    Args:
        fps: Pictures a second asked for, at least 1.
        rates: Pictures a second of the panes that need fewer, so that the others can have them.
    """

    def __init__(self, fps: int, rates: Mapping[str, float] | None = None) -> None:
        self._rates = rates or {}
        self.asked = max(1, fps)
        self.fps = float(self.asked)
        self.slowness: Slowness | None = None
        self._last: tuple[float, Spent] | None = None
        self._last_late = 0.0
        self._ticks: deque[_Tick] = deque(maxlen=_WINDOW)
        self._picture = -1

    @property
    def period(self) -> float:
        """Seconds between ticks."""
        return 1.0 / self.fps

    @property
    def slowed(self) -> bool:
        """Whether the rate is below the requested one."""
        return self.fps < self.asked

    def tick(self, now: float, spent: Spent | None = None) -> bool:
        """Note that a tick happens; True when the rate changed and the timer must be set again.

        Args:
            now: Seconds.
            spent: Where time went until now; None where nobody measures it.
        """
        spent = spent or Spent()
        last, self._last = self._last, (now, spent)
        if last is None:
            self._last_late = now
            return False
        took = now - last[0]
        late = took > 1.5 * self.period
        self._ticks.append(_Tick(took, late, spent.writing - last[1].writing, spent.working - last[1].working))
        if late:
            self._last_late = now
        if sum(tick.late for tick in self._ticks) >= _LATE_TO_SLOW and self.fps > 1:
            return self._change(max(1.0, self.fps / 2), now, self._blame())
        if self.slowed and now - self._last_late >= _CALM_TO_RECOVER_S:
            return self._change(min(float(self.asked), self.fps * 2), now, None)
        return False

    def _blame(self) -> tuple[Cause, float]:
        """Who took most of the time that the late ticks lost, and its part of the time they took."""
        late = [tick for tick in self._ticks if tick.late]
        took = sum(tick.took for tick in late)
        lost = took - len(late) * self.period
        writing, working = sum(tick.writing for tick in late), sum(tick.working for tick in late)
        if writing >= _HALF * lost:
            return Cause.TERMINAL, writing / took
        return (Cause.PROGRAM if working >= _HALF * took else Cause.OTHERS), working / took

    def _change(self, fps: float, now: float, blame: tuple[Cause, float] | None) -> bool:
        self.fps = fps
        if blame is not None:
            self.slowness = Slowness(fps, *blame)
        elif self.slowness is not None:
            self.slowness = msgspec.structs.replace(self.slowness, fps=fps) if self.slowed else None
        self._ticks.clear()
        self._last = None
        self._last_late = now
        return True

    def begin(self) -> None:
        """A picture begins."""
        self._picture += 1

    def due(self, name: str) -> bool:
        """Whether the pane `name` is drawn in this picture by its rate alone."""
        rate = self._rates.get(name)
        if rate is None:
            return True
        every = 1
        while 2 * every * rate <= self.fps:
            every *= 2
        return self._picture % every == 0
