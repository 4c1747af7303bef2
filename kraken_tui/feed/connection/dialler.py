"""When to dial next: backoff, dial budget and cooldown together. All times are monotonic ns."""

from __future__ import annotations

import random

from kraken_tui.feed.connection.backoff import Backoff, DialBudget
from kraken_tui.feed.limits import Limits, ns
from kraken_tui.units import SECOND


class Dialler:
    """Plans dials.

    Args:
        limits: Every timer and limit.
        rng: Randomness of the backoff.
        budget: Another connection's, to share it; None for its own.
        reserve: Dials of the budget that are left to that other connection, whose cooldown holds here too, while one
            of this connection does not hold there.

    Attributes:
        backoff: Random delays that grow.
        budget: Dials allowed in a window, and the cooldown after a ban.
        dialled_at: When the last dial began.
    """

    def __init__(self, limits: Limits, rng: random.Random, budget: DialBudget | None = None, reserve: int = 0) -> None:
        self._limits = limits
        self.backoff = Backoff(limits, rng)
        self.budget = DialBudget(limits) if budget is None else budget
        self._shared = budget is not None
        self._reserve = reserve
        self.dialled_at = 0
        self._retry_at = 0

    def begin(self, now: int) -> None:
        """A dial begins."""
        self.budget.spend(now)
        self.dialled_at = now

    def overdue(self, now: int) -> bool:
        """Whether the dial that began last takes too long."""
        return now >= self.answer_due

    @property
    def answer_due(self) -> int:
        """When the dial that began last takes too long."""
        return self.dialled_at + ns(self._limits.open_s)

    def after_loss(self, now: int, floor_s: float) -> float:
        """Plan the dial after a lost connection; returns the wait in seconds."""
        self._retry_at = now + ns(self.backoff.next_delay_s(floor_s))
        return self.wait_s(now)

    def after_ban(self, now: int, retry_after_s: float | None) -> float:
        """Plan the dial after the venue refused dials; returns the wait in seconds."""
        limits = self._limits
        seconds = min(max(limits.cooldown_s, retry_after_s or 0.0), limits.cooldown_cap_s)
        self._retry_at = now + ns(seconds)
        if not self._shared:
            self.budget.cool(self._retry_at)
        self.backoff.next_delay_s()
        return self.wait_s(now)

    def earliest(self, now: int, gap_s: float) -> int:
        """When a dial may begin that somebody asks for: not before the budget allows, nor `gap_s` after the last."""
        after_last = self.dialled_at + ns(gap_s) if self.dialled_at else now
        return max(now, after_last, self.budget.next_allowed(now, self._reserve))

    def hasten(self, now: int, gap_s: float) -> None:
        """Plan the next dial as early as it may begin."""
        self._retry_at = min(self._retry_at, self.earliest(now, gap_s))

    def next_dial(self, now: int) -> int:
        """When the next dial may begin."""
        return max(self._retry_at, self.budget.next_allowed(now, self._reserve))

    def wait_s(self, now: int) -> float:
        """Seconds until the next dial may begin."""
        return max(0, self.next_dial(now) - now) / SECOND
