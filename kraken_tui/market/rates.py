"""Messages a second, without a clock of its own."""

from __future__ import annotations

from collections import deque

from kraken_tui.units import SECOND


class RateMeter:
    """Counts messages and gives their rate over a sliding window.

    Args:
        window_s: Length of the window.
    """

    __slots__ = ("_marks", "_total", "_window_ns")

    def __init__(self, window_s: int = 5) -> None:
        self._window_ns = window_s * SECOND
        self._total = 0
        # (ns, total then), at most a few a second; the oldest is the last one at or before the window's start.
        self._marks: deque[tuple[int, int]] = deque()

    def count(self, messages: int = 1) -> None:
        """Count messages that arrived since the last `advance`."""
        self._total += messages

    def advance(self, now_ns: int) -> None:
        """Advance the clock; if it was set back, the counts move back with it."""
        marks = self._marks
        if marks and now_ns < marks[-1][0]:
            shift = now_ns - marks[-1][0]
            self._marks = marks = deque((at + shift, total) for at, total in marks)
        if not marks or now_ns - marks[-1][0] >= SECOND // 4:
            marks.append((now_ns, self._total))
        while len(marks) > 1 and marks[1][0] <= now_ns - self._window_ns:
            marks.popleft()

    def rate(self, now_ns: int) -> float:
        """Messages a second over the window, or over the time since the start while that is shorter (1 s at least)."""
        if not self._marks:
            return 0.0
        began_ns, before = self._marks[0]
        return (self._total - before) * SECOND / max(now_ns - began_ns, SECOND)
