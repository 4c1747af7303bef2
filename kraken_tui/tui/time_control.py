"""The moment on screen: now, or one of the past that keys move about. Pure; the past is read, times are passed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kraken_tui.units import SECOND

if TYPE_CHECKING:
    from kraken_tui.market.history.moments import Event, MarketHistory


class TimeControl:
    """Which moment the screen shows.

    Attributes:
        moment_ns: The moment, by the engine's wall clock; None for now.
        found: What the last step found, where it was one to an event.
    """

    def __init__(self) -> None:
        self.moment_ns: int | None = None
        self.found: Event | None = None

    def live(self) -> bool:
        """Go back to now.

        Returns:
            Whether the screen was in the past.
        """
        was, self.moment_ns, self.found = self.moment_ns, None, None
        return was is not None

    def enter(self, history: MarketHistory, now_ns: int) -> bool:
        """Hold the newest moment; returns as `step`. In the past already, nothing changes."""
        return self.moment_ns is None and self._go(history, now_ns, now_ns)

    def step(self, history: MarketHistory, now_ns: int, seconds: float) -> bool:
        """Move by seconds, and into the past from now; beyond the newest moment the screen is live again.

        Args:
            history: The past of the pair on screen.
            now_ns: The newest moment.
            seconds: Negative to go back.

        Returns:
            Whether the screen shows another moment now.
        """
        return self._go(history, now_ns, self._from(now_ns) + round(seconds * SECOND))

    def step_message(self, history: MarketHistory, now_ns: int, direction: int) -> bool:
        """Move to the next (+1) or previous (-1) message of the book."""
        at = history.book.next_message(self._from(now_ns), direction)
        return self._go(history, now_ns, now_ns + 1 if at is None and direction > 0 else at)

    def step_event(self, history: MarketHistory, now_ns: int, direction: int) -> bool:
        """Move to the next (+1) or previous (-1) event: of the flow, or a change of proof or health."""
        found = history.next_event(self._from(now_ns), direction)
        if found is None:
            return self._go(history, now_ns, now_ns + 1) if direction > 0 else False
        moved = self._go(history, now_ns, found.ns)
        self.found = found if self.moment_ns == found.ns else None
        return moved

    def go(self, history: MarketHistory, now_ns: int, ns: int) -> bool:
        """Show a moment."""
        return self._go(history, now_ns, ns)

    def _from(self, now_ns: int) -> int:
        return now_ns if self.moment_ns is None else self.moment_ns

    def _go(self, history: MarketHistory, now_ns: int, ns: int | None) -> bool:
        since = history.since_ns
        if ns is None or since is None:
            return False
        before, self.found = self.moment_ns, None
        self.moment_ns = max(ns, since) if ns <= now_ns and since <= now_ns else None
        return self.moment_ns != before
