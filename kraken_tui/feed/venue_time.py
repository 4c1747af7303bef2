"""How far the exchange's clock has come, by what other messages told: a trade or candle from beyond is not believed.

Pure; a single wrong time moves nothing. Pongs tell the clock where there are any. Without them, as in a recording, the
times of acknowledgements and book messages do, each taken as so far behind the monotonic clock; the third most advanced
of the last ones counts, so that two wrong ones do no harm and a feed that catches up is followed at once.
"""

from __future__ import annotations

from collections import deque

from kraken_tui.feed.latency import LatencyTracker
from kraken_tui.feed.limits import Limits, ns
from kraken_tui.units import SECOND

PLAUSIBLE_LAG_NS = 3600 * SECOND
"""How far a time may be from the best clock there is before it is not used to measure anything."""

_KEPT = 32
_AGREEING = 3


class VenueTime:
    """Watches the times that messages carry.

    Args:
        latency: What pongs told.
        limits: How far ahead a time may be.

    Attributes:
        behind: Monotonic clock at the receipt, less the time told, of the last messages; see `tell`.
    """

    def __init__(self, latency: LatencyTracker, limits: Limits) -> None:
        self._latency = latency
        self._slack_ns = ns(limits.ahead_s)
        self.behind: deque[int] = deque(maxlen=_KEPT)
        self._asked = 0
        # The least of these that counts, as of the last look; None when it is to be found out again.
        self._least: int | None = None

    def tell(self, venue_ns: int, now: int) -> None:
        """A message other than a trade or candle carries this time."""
        self.behind.append(now - venue_ns)

    def ponged(self) -> None:
        """The clocks were compared again."""
        self._least = None

    def restart(self) -> None:
        """What follows is another connection's."""
        self.behind.clear()
        self._least = None

    def beyond(self, venue_ns: int, now: int, wall_ns: int) -> bool:
        """Whether a time is one that the exchange has not reached."""
        least = self._least
        self._asked += 1
        if least is not None and venue_ns <= now - least + self._slack_ns and self._asked % _KEPT:
            return False
        self._least = least = self._look()
        if least is None:
            # Only this computer's clock is left, which may well be wrong by an hour.
            return venue_ns > wall_ns + PLAUSIBLE_LAG_NS
        return venue_ns > now - least + self._slack_ns

    def now_ns(self, now: int, wall_ns: int) -> int:
        """The exchange's clock as far as it is known."""
        least = self._look()
        return wall_ns if least is None else now - least

    def _look(self) -> int | None:
        offset = self._latency.offset_ns
        told = [behind for behind in self.behind if offset is None or abs(behind - offset) < PLAUSIBLE_LAG_NS]
        least = sorted(told)[_AGREEING - 1] if len(told) >= _AGREEING else None
        if offset is None or least is None:
            return least if offset is None else offset
        return min(least, offset)
