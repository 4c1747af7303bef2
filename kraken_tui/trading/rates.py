"""An estimate of the exchange's rate counter of each pair (ACCOUNT.md section 10), to stop before it is full.

What other programs of the account do counts there too and is not known here, so it is an estimate from below. Pure.
"""

from __future__ import annotations

from kraken_tui.units import SECOND

DECAYS = {60: 1.0, 125: 2.34, 180: 3.75}
"""Threshold -> decay a second, by the account's tier. Until the exchange names its threshold the lowest holds."""

STOP_SHARE = 0.8
"""Orders and amends are held back from this share on, which leaves the rest for cancels."""

_COSTS: dict[str, tuple[int, tuple[tuple[int, int], ...]]] = {
    "add": (1, ()),
    "amend": (1, ((5, 3), (10, 2), (15, 1))),
    "cancel": (0, ((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1))),
}


def cost(what: str, age_s: float = 0.0) -> int:
    """What one request counts.

    Args:
        what: "add", "amend" or "cancel".
        age_s: Seconds since the order was placed or last amended.
    """
    fixed, by_age = _COSTS[what]
    return fixed + next((extra for limit, extra in by_age if age_s < limit), 0)


class RateEstimate:
    """The counters of all pairs; moments are ns of one clock that never goes back."""

    def __init__(self) -> None:
        self.threshold = 60
        self._counts: dict[str, tuple[float, int]] = {}
        self._changed_ns: dict[str, int] = {}

    def learn(self, threshold: int | None) -> None:
        """Take the threshold that the exchange named; one of no known tier is given the slowest decay."""
        if threshold is not None and threshold > 0:
            self.threshold = threshold

    @property
    def decay_per_s(self) -> float:
        """How fast a counter falls."""
        return DECAYS.get(self.threshold, 1.0)

    @property
    def stop_at(self) -> float:
        """Count above which nothing but cancels is sent."""
        return STOP_SHARE * self.threshold

    def value(self, symbol: str, now_ns: int) -> float:
        """The count of a pair."""
        count, at_ns = self._counts.get(symbol, (0.0, now_ns))
        return max(0.0, count - self.decay_per_s * max(0, now_ns - at_ns) / SECOND)

    def age_s(self, key: str, now_ns: int) -> float:
        """Seconds since an order was placed or amended; one that this session did neither with is old."""
        since = self._changed_ns.get(key)
        return 1e9 if since is None else (now_ns - since) / SECOND

    def room(self, symbol: str, what: str, now_ns: int, key: str = "") -> float:
        """Seconds until a request fits below `stop_at`; 0 where it fits now."""
        over = self.value(symbol, now_ns) + cost(what, self.age_s(key, now_ns)) - self.stop_at
        return max(0.0, over / self.decay_per_s)

    def charge(self, symbol: str, what: str, now_ns: int, key: str = "") -> None:
        """Count a request that leaves; orders that are placed or amended are young again from now on.

        Args:
            symbol: The pair.
            what: "add", "amend" or "cancel".
            now_ns: This moment.
            key: The order; "" where there will be none, as of a validated one.
        """
        self._counts[symbol] = (self.value(symbol, now_ns) + cost(what, self.age_s(key, now_ns)), now_ns)
        if key and what != "cancel":
            self._changed_ns[key] = now_ns

    def forget(self, key: str) -> None:
        """An order has ended."""
        self._changed_ns.pop(key, None)
