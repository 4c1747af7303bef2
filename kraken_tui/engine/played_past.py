"""The past of pairs in a replay: noted by the recording's clock, however fast that is played.

A live feed notes its past with every publish. A recording that is played faster than that passes minutes between two
publishes, so here its own frames say when it is time to look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kraken_tui.feed.events import FeedEvent
from kraken_tui.market.events import BookChanged
from kraken_tui.units import SECOND

TICK_NS = SECOND // 10
"""How often a market is let know what time it is, by the recording's clock: as often as live."""

LOOK_NS = SECOND
"""How often every pair is looked at: as often as a live pair that is not on screen."""

_MOST_LOOKS = 60


class PlayedPast:
    """Notes the past of a recording that is played.

    Args:
        tick: Lets the time pass to a moment, ns since the epoch.
        look: Makes the view of a pair at a moment; that notes it.
        symbols: Pairs there are.
    """

    def __init__(
        self,
        tick: Callable[[int], None],
        look: Callable[[str, int], None],
        symbols: Callable[[], Iterable[str]],
    ) -> None:
        self._tick = tick
        self._look = look
        self._symbols = symbols
        self._looked: dict[str, int] = {}
        self._ticked_ns = 0
        self._was_still = False

    def looked(self, symbol: str, ns: int) -> None:
        """A pair was looked at, by whomever."""
        self._looked[symbol] = ns

    def passed(self, ns: int) -> None:
        """The time was passed on to here, by whomever."""
        self._ticked_ns = max(self._ticked_ns, ns)

    def before(self, ns: int) -> None:
        """The next frame is of this time: what stood still until then grew old."""
        if not self._ticked_ns:
            return
        silent_from = self._ticked_ns + LOOK_NS
        for at in [*range(silent_from, ns, LOOK_NS)][:_MOST_LOOKS]:
            self._pass(at)
        if ns - 1 - self._ticked_ns >= LOOK_NS:
            # Longer than is looked at every second: how it ended is noted all the same.
            self._pass(ns - 1)
            self._was_still = True

    def after(self, events: Iterable[FeedEvent], ns: int, *, due: bool = True) -> None:
        """A frame was taken.

        Args:
            events: What happened in it.
            ns: Now, by the recording's clock.
            due: Whether the time is passed on here, and not by whoever plays up to a moment.
        """
        for event in events:
            # The past of a pair begins with its first book.
            if type(event) is BookChanged and event.symbol not in self._looked:
                self._look(event.symbol, ns)
        if due and (self._was_still or ns - self._ticked_ns >= TICK_NS):
            self._pass(max(ns, self._ticked_ns), every=self._was_still)
            self._was_still = False

    def _pass(self, ns: int, *, every: bool = False) -> None:
        self._ticked_ns = ns
        self._tick(ns)
        for symbol in self._symbols():
            if every or ns - self._looked.get(symbol, 0) >= LOOK_NS:
                self._look(symbol, ns)
