"""How late the engine's rounds are: by so much something in its thread held them up. Pure."""

from __future__ import annotations

from collections import deque

from kraken_tui.units import SECOND

WINDOW_S = 10
"""Seconds that the worst lag is taken over."""


class LoopLag:
    """The worst lag of the last seconds: how much more than a period lay between the beginnings of two rounds.

    Attributes:
        worst_ns: Of the last `WINDOW_S` seconds; 0 before the second round.
    """

    def __init__(self) -> None:
        self.worst_ns = 0
        self._due_ns: int | None = None
        # (when, lag), the lags falling: only those that may yet become the worst.
        self._lags: deque[tuple[int, int]] = deque()

    def begin(self, now_ns: int, period_ns: int) -> None:
        """A round begins.

        Args:
            now_ns: Monotonic clock.
            period_ns: Planned time to the next.
        """
        due_ns, self._due_ns = self._due_ns, now_ns + period_ns
        if due_ns is None:
            return
        lag, lags = max(0, now_ns - due_ns), self._lags
        while lags and lags[-1][1] <= lag:
            lags.pop()
        lags.append((now_ns, lag))
        while now_ns - lags[0][0] > WINDOW_S * SECOND:
            lags.popleft()
        self.worst_ns = lags[0][1]
