"""When the next dial may start: the random delay after a failure, and the budget of dials in any window.

Pure: no clock and no randomness of its own. Times called `now` are monotonic nanoseconds, times called `wall_ns`
nanoseconds since the epoch.
"""

from __future__ import annotations

import random
from collections import deque
from typing import Any

from kraken_tui.feed.limits import Limits, ns
from kraken_tui.units import SECOND


class Backoff:
    """Random delay between dials: uniform between 0 and a bound that doubles up to the cap ("full jitter").

    It never gives up. A connection alone does not reset it: a server that accepts and closes would then be
    dialled a thousand times a second (RELIABILITY.md F06).
    """

    _NEARLY_ZERO_S = 0.05

    def __init__(self, limits: Limits, rng: random.Random) -> None:
        self._limits = limits
        self._rng = rng
        self._previous_s = 1.0
        self.attempt = 0

    def next_delay_s(self, floor_s: float = 0.0) -> float:
        """Delay before the next dial, in seconds.

        Args:
            floor_s: Least delay, for failures that a quick retry cannot cure.
        """
        limits = self._limits
        # The exponent is bounded: 2.0**1024 overflows, and an outage may last for weeks.
        bound = min(limits.backoff_cap_s, limits.backoff_first_s * 2.0 ** min(self.attempt, 32))
        self.attempt += 1
        delay = self._rng.uniform(0.0, bound)
        if self._previous_s < self._NEARLY_ZERO_S:
            delay = max(delay, self._NEARLY_ZERO_S)
        self._previous_s = delay
        return max(delay, floor_s)

    def reset(self) -> None:
        """Start over; called once the connection has proven itself."""
        self.attempt = 0


class DialBudget:
    """At most so many dials in any window, so that neither failures nor restarts get the user banned.

    Kept in monotonic time; `state` and `restore` carry it over restarts in wall time.
    """

    def __init__(self, limits: Limits) -> None:
        self._limit = limits.dial_limit
        self._window = ns(limits.dial_window_s)
        self._cooldown_cap = ns(limits.cooldown_cap_s)
        self._dials: deque[int] = deque()
        self.cooldown_until: int | None = None

    def next_allowed(self, now: int, reserve: int = 0) -> int:
        """Earliest moment the next dial may start; `now` when it may start at once.

        Args:
            now: Monotonic ns.
            reserve: Dials of the window that are left to others.
        """
        self._forget(now)
        allowed, limit = now, max(1, self._limit - reserve)
        if len(self._dials) >= limit:
            allowed = max(allowed, self._dials[-limit] + self._window + 1)
        if self.cooldown_until is not None:
            allowed = max(allowed, self.cooldown_until)
        return allowed

    def spend(self, now: int) -> None:
        """Count one dial."""
        self._dials.append(now)

    def spent(self, now: int) -> int:
        """Dials counted in the window that ends now."""
        self._forget(now)
        return len(self._dials)

    def cool(self, until: int) -> None:
        """Allow no dial before `until`."""
        self.cooldown_until = max(until, self.cooldown_until or until)

    def _forget(self, now: int) -> None:
        while self._dials and self._dials[0] < now - self._window:
            self._dials.popleft()
        if self.cooldown_until is not None and self.cooldown_until <= now:
            self.cooldown_until = None

    def state(self, now: int, wall_ns: int) -> dict[str, Any]:
        """What must survive a restart, as JSON-ready values in wall time."""
        self._forget(now)
        shift = wall_ns - now
        cooldown = None if self.cooldown_until is None else self.cooldown_until + shift
        return {"version": 1, "dials": [dial + shift for dial in self._dials], "cooldown_until": cooldown}

    def restore(self, state: object, now: int, wall_ns: int) -> None:
        """Add what an earlier run, or another one running now, has spent; invalid data is ignored.

        Dials that seem to lie in the future (the clock was set back) count as made now, and a cooldown is
        capped at its longest: neither may block the program for years.
        """
        if not isinstance(state, dict) or state.get("version") != 1:
            return
        shift = now - wall_ns
        dials = state.get("dials")
        if isinstance(dials, list):
            own = list(self._dials)
            restored = [min(int(dial) + shift, now) for dial in dials[-4 * self._limit :] if type(dial) is int]
            # Our own dials come back from the file too; the clocks drift apart by less than this in between.
            fresh = [dial for dial in restored if not _take_near(own, dial)]
            self._dials = deque(sorted([*self._dials, *fresh])[-4 * self._limit :])
        cooldown = state.get("cooldown_until")
        if type(cooldown) is int:
            self.cool(min(cooldown + shift, now + self._cooldown_cap))
        self._forget(now)


def _take_near(dials: list[int], dial: int) -> bool:
    """Remove the matching dial from a list, if any; each matches only once."""
    for mine in dials:
        if abs(dial - mine) <= SECOND // 20:
            dials.remove(mine)
            return True
    return False
