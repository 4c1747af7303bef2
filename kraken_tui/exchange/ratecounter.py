"""The counter of the matching engine, per pair."""

from __future__ import annotations

from dataclasses import dataclass

from kraken_tui.exchange.frames import NS


@dataclass(frozen=True, slots=True)
class Tier:
    """What an account may: counter threshold, its decay a second, open orders a pair."""

    threshold: int
    decay_per_s: float
    open_orders: int


TIERS = {
    "starter": Tier(60, 1.0, 60),
    "intermediate": Tier(125, 2.34, 80),
    "pro": Tier(180, 3.75, 225),
}

_COSTS: dict[str, tuple[int, tuple[tuple[int, int], ...]]] = {
    "add": (1, ()),
    "amend": (1, ((5, 3), (10, 2), (15, 1))),
    "edit": (1, ((5, 6), (10, 5), (15, 4), (45, 2), (90, 1))),
    "cancel": (0, ((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1))),
}
"""Fixed part, and what is added to it while an order is younger than so many seconds."""


def cost(what: str, age_s: float = 0.0) -> int:
    """What one operation counts.

    Args:
        what: `add`, `amend`, `edit` or `cancel`.
        age_s: seconds since the order was created or last amended.
    """
    fixed, by_age = _COSTS[what]
    return fixed + next((extra for limit, extra in by_age if age_s < limit), 0)


class RateCounter:
    """One account's counters.

    Args:
        tier: its limits.
    """

    def __init__(self, tier: Tier) -> None:
        self.tier = tier
        self._counts: dict[str, tuple[float, int]] = {}

    def value(self, symbol: str, now_ns: int) -> float:
        """The counter of a pair at `now_ns` (ns since the epoch)."""
        count, at_ns = self._counts.get(symbol, (0.0, now_ns))
        return max(0.0, count - self.tier.decay_per_s * max(0, now_ns - at_ns) / NS)

    def charge(self, symbol: str, amount: float, fixed: float, now_ns: int) -> bool:
        """Count an operation; False when it goes over the threshold, and then only its fixed part counts."""
        before = self.value(symbol, now_ns)
        allowed = before + amount <= self.tier.threshold
        self._counts[symbol] = (before + (amount if allowed else fixed), now_ns)
        return allowed
