"""Calm signals: pressure and imbalance smoothed over seconds, and a word that does not flip at its threshold. Pure.

Both are exponential means over time, not over messages or pictures: a value counts for as long as it held, and what is
older than the window fades. Time is the engine's, in a replay the recording's. Until the window has passed they are
the mean of the time there is. The word follows the pressure with hysteresis and after a while, and is NEUTRAL at once
where the pressure turns against it: one number stands behind bar, sign and word.
"""

from __future__ import annotations

from math import exp

from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.book.metrics import SIGNAL_THRESHOLD, STRONG_THRESHOLD, imbalance, pressure
from kraken_tui.market.events import Signal
from kraken_tui.market.views import Signals
from kraken_tui.units import SECOND

LEVELS = 10
"""Levels a side that both figures are taken over."""

HYSTERESIS = 0.15
"""How far the pressure must fall behind the threshold of a word before the word is given up."""

DWELL = 0.5
"""Share of the window for which another word must hold before it is said; one that the sign denies goes at once."""

_WORDS = {0: Signal.NEUTRAL, 1: Signal.BUY, 2: Signal.STRONG_BUY, -1: Signal.SELL, -2: Signal.STRONG_SELL}
_LONGEST_STEP_NS = SECOND // 8
_STEPS = 16
_MOST_LOOKS = 8
"""Messages that may follow each other at once and are all looked at; beyond, one a step: the messages cost enough."""


def _strength(value: float) -> int:
    size = 2 if abs(value) >= STRONG_THRESHOLD else 1 if abs(value) >= SIGNAL_THRESHOLD else 0
    return size if value > 0 else -size


def next_strength(before: int, value: float) -> int:
    """The word's strength (-2 to +2, positive is buy) after a new pressure.

    A stronger word comes at its threshold, and goes when the pressure has fallen `HYSTERESIS` behind it. A word of the
    other side comes at its own threshold, so none ever stands beside a pressure of the other sign.
    """
    reached = _strength(value)
    if before * value > 0 and abs(reached) < abs(before):
        kept = abs(_strength(abs(value) + HYSTERESIS))
        size = max(abs(reached), min(abs(before), kept))
        return size if before > 0 else -size
    return reached


class SignalTracker:
    """Smooths one pair's figures.

    Args:
        window_ns: Time over which they are smoothed, ns.

    Attributes:
        now: The smoothed figures; None until there are any.
    """

    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self._refilled_ns = 0
        self._looks = float(_MOST_LOOKS)
        self._step_ns = min(_LONGEST_STEP_NS, window_ns // _STEPS)
        self.reset()

    def reset(self) -> None:
        """Forget everything, as when the book is no longer proven: time without figures counts for nothing."""
        self.now: Signals | None = None
        self._at_ns = self._changed_ns = 0
        self._behind = False
        self._held = (0.0, 0.0)
        self._means = (0.0, 0.0)
        self._weight = 0.0
        self._strength = self._wanted = 0
        self._since_ns = 0

    def on_book(self, book: OrderBook, received_ns: int) -> bool:
        """Note that a proven book changed; it is looked at a few times a window, not at each message.

        Returns:
            Whether `now` is another.
        """
        self._changed_ns = received_ns
        self._behind = True
        # By the messages' own times: how often somebody ticks must make no difference.
        passed = max(0, received_ns - self._refilled_ns) if self._refilled_ns else 0
        self._refilled_ns = received_ns
        self._looks = min(_MOST_LOOKS, self._looks + passed / self._step_ns)
        if self._looks < 1:
            return False
        self._looks -= 1
        return self._look(book, received_ns)

    def tick(self, book: OrderBook | None, now_ns: int) -> bool:
        """Let time pass.

        Args:
            book: The proven book; None while there is none.
            now_ns: The engine's time, or the recording's.

        Returns:
            Whether `now` is another.
        """
        if book is None:
            known = self.now is not None
            self.reset()
            return known
        if 0 <= now_ns - self._at_ns < self._step_ns and self.now is not None:
            return False
        if self._behind and (self.now is None or not 0 <= now_ns - self._changed_ns < self._step_ns):
            # The last message came too soon after one that was looked at; the book is like this since then.
            self._look(book, min(now_ns, self._changed_ns))
        if self.now is not None:
            self._hold(min(now_ns, self._changed_ns) if self._behind else now_ns)
        return True

    def _look(self, book: OrderBook, now_ns: int) -> bool:
        bids, asks = book.bids.top(LEVELS), book.asks.top(LEVELS)
        self._behind = False
        if bids and asks:
            total = imbalance(sum([lots for _, lots in bids]), sum([lots for _, lots in asks]))
            self.take(now_ns, pressure(bids, asks, bids[0][0] + asks[0][0]), total)
        else:
            self.reset()
        return True

    def take(self, now_ns: int, pressure: float, imbalance: float) -> None:
        """Take a book's figures as they are from now on, each -1 to +1."""
        held = (pressure, imbalance)
        if self.now is None:
            self._at_ns, self._held = now_ns, held
        self._hold(now_ns)
        self._held = held
        if not self._weight:
            self._tell()

    def _hold(self, now_ns: int) -> None:
        passed = now_ns - self._at_ns
        self._at_ns = now_ns
        if passed > 0:
            # What is left of the past.
            left = exp(-passed / self._window_ns)
            self._weight = self._weight * left + 1 - left
            pressure, imbalance = self._means
            self._means = (
                pressure * left + self._held[0] * (1 - left),
                imbalance * left + self._held[1] * (1 - left),
            )
        self._tell()

    def _tell(self) -> None:
        # Rounding must not carry a mean of ones beyond one.
        scale = 1 / self._weight if self._weight else 0.0
        means = self._means if scale else self._held
        pressure, imbalance = (max(-1.0, min(1.0, mean * (scale or 1.0))) for mean in means)
        wanted = next_strength(self._strength, pressure)
        if wanted != self._wanted:
            self._wanted, self._since_ns = wanted, self._at_ns
        if self._at_ns - self._since_ns >= DWELL * self._window_ns:
            self._strength = wanted
        elif self._strength * pressure < 0:
            self._strength = 0
        self.now = Signals(pressure, imbalance, _WORDS[self._strength], self._window_ns)
