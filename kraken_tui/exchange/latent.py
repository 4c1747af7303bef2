"""What drives a market underneath its book: a wandering fair price, spells of activity, and order sizes."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, floor, log, log10, sqrt
from random import Random

_DAY_S = 86_400.0
_MOMENTUM_S = 6.0
_ANCHOR_S = 7_200.0

# Quiet, normal and busy spells: event intensity, volatility, mean length in seconds. The mean intensity is
# about one.
Spells = tuple[tuple[float, float, float], ...]
LIVELY: Spells = ((0.35, 0.5, 25.0), (1.0, 1.0, 40.0), (2.4, 1.8, 12.0))
EVEN: Spells = ((0.75, 0.8, 30.0), (1.0, 1.0, 40.0), (1.3, 1.25, 15.0))
"""The same nearer to each other, for a market that is watched rather than measured."""

_BURST_SHARE = 0.15
_BURST_S = 0.0012


class FairPrice:
    """A price with momentum over seconds and mean reversion over hours.

    Half of the variance is white, half comes from a drift that dies out in a few seconds, so that moves come
    in runs. The slow pull back to the opening price keeps a demo that runs for days near where it began.

    Args:
        rng: the source of chance.
        ticks: opening price in ticks.
        daily_vol: standard deviation of a day's log return.
    """

    __slots__ = ("_drift", "_kick", "_rng", "_sigma", "anchor", "ticks")

    def __init__(self, rng: Random, ticks: float, daily_vol: float) -> None:
        self._rng = rng
        self.ticks = ticks
        self.anchor = ticks
        per_root_s = daily_vol / sqrt(_DAY_S)
        self._sigma = per_root_s * sqrt(0.5)
        self._kick = per_root_s * sqrt(0.5) / _MOMENTUM_S
        self._drift = 0.0

    def step(self, dt_s: float, vol: float) -> float:
        """Let `dt_s` seconds pass at a multiple `vol` of the usual volatility; the new price in ticks."""
        gauss = self._rng.gauss
        if dt_s <= 1.0:
            root = sqrt(dt_s)
            self._drift += self._kick * root * vol * gauss(0.0, 1.0) - self._drift * dt_s / _MOMENTUM_S
            move = self._drift * dt_s + self._sigma * root * vol * gauss(0.0, 1.0)
            self.ticks *= 1.0 + move + (self.anchor / self.ticks - 1.0) * dt_s / _ANCHOR_S
            return self.ticks
        self._drift *= exp(-dt_s / _MOMENTUM_S)
        move = self._drift * min(dt_s, _MOMENTUM_S) + self._sigma * sqrt(2.0 * dt_s) * vol * gauss(0.0, 1.0)
        pull = (self.anchor / self.ticks - 1.0) * (1.0 - exp(-dt_s / _ANCHOR_S))
        self.ticks *= exp(max(-0.2, min(0.2, move + pull)))
        return self.ticks

    def rescale(self, factor: float) -> None:
        """Go on in ticks that are `factor` times as many."""
        self.ticks *= factor
        self.anchor *= factor


class CrossPrice:
    """The price that two other markets imply, or one and a fixed rate.

    Args:
        implied: the implied price in ticks, as it now is.
    """

    __slots__ = ("_implied", "_scale", "anchor", "ticks")

    def __init__(self, implied: Callable[[], float]) -> None:
        self._implied = implied
        self._scale = 1.0
        self.ticks = self.anchor = implied()

    def step(self, _dt_s: float, _vol: float) -> float:
        """The new price in ticks, whatever time has passed."""
        self.ticks = self._implied() * self._scale
        return self.ticks

    def rescale(self, factor: float) -> None:
        """Go on in ticks that are `factor` times as many."""
        self._scale *= factor
        self.ticks *= factor
        self.anchor *= factor


class Arrivals:
    """When the next event comes: exponential gaps, with bursts, in spells of different intensity.

    Args:
        rng: the source of chance.
        per_s: mean events a second.
        spells: (event intensity, volatility, mean length in seconds) of the quiet, the normal and the busy spell.
    """

    __slots__ = ("_rng", "_spell", "_spells", "_until_s", "per_s")

    def __init__(self, rng: Random, per_s: float, spells: Spells = LIVELY) -> None:
        self._rng = rng
        self._spells = spells
        self.per_s = per_s
        self._spell = 1
        self._until_s = 0.0

    @property
    def vol(self) -> float:
        """Multiple of the usual volatility in the present spell."""
        return self._spells[self._spell][1]

    def gap_s(self, now_s: float) -> float:
        """Seconds from `now_s` to the next event."""
        rng = self._rng
        if now_s >= self._until_s:
            if self._until_s:
                self._spell = rng.choice((0, 2)) if self._spell == 1 else rng.choice((0, 1, 1, 2))
            self._until_s = now_s + rng.expovariate(1.0 / self._spells[self._spell][2])
        if rng.random() < _BURST_SHARE:
            return rng.expovariate(1.0 / _BURST_S)
        rate = self.per_s * self._spells[self._spell][0]
        return rng.expovariate(max(rate * (1.0 - _BURST_SHARE), 1e-6))


class Sizes:
    """Order sizes in lots: log-normal, round numbers, and market makers who quote a fixed notional.

    Args:
        rng: the source of chance.
        median_lots: median size in lots.
        min_lots: the smallest order in lots.
    """

    __slots__ = ("_makers", "_rng", "median", "minimum")

    def __init__(self, rng: Random, median_lots: float, min_lots: int) -> None:
        self._rng = rng
        self.median = max(median_lots, 1.0)
        self.minimum = min_lots
        self._makers = tuple(self.median * exp(rng.gauss(1.0, 0.9)) for _ in range(4))

    def draw(self, scale: float = 1.0) -> int:
        """One order's size in lots, at least the minimum."""
        rng = self._rng
        kind = rng.random()
        if kind < 0.22:
            lots = rng.choice(self._makers) * (1.0 + rng.gauss(0.0, 0.0004))
        else:
            lots = self.median * exp(rng.gauss(0.0, 1.25))
            if kind > 0.68:
                magnitude = 10.0 ** floor(log10(max(lots, 1.0)))
                lots = rng.choice((1.0, 1.0, 2.0, 2.5, 5.0)) * magnitude
            elif kind > 0.60:
                lots = float(self.minimum)
        return max(self.minimum, round(lots * scale))

    def wall(self) -> int:
        """A conspicuous size in lots."""
        lots = self.median * self._rng.uniform(18.0, 70.0)
        magnitude = 10.0 ** (floor(log10(max(lots, 10.0))) - 1)
        return max(self.minimum, round(round(lots / magnitude) * magnitude))


def rank(rng: Random) -> int:
    """How deep in the book the next event falls, in levels from the touch.

    Shaped so that watchers of depth 10, 25, 100 and 1000 hear the shares of messages measured on the real
    exchange (PROTOCOL.md section 4.6: 15.6, 30.9, 49.3 and 95.7 a second on BTC/USD).
    """
    u = rng.random()
    if u < 0.17:
        return int(10.0 * (u / 0.17) ** 1.6)
    if u < 0.32:
        return 10 + int(15.0 * (u - 0.17) / 0.15)
    if u < 0.52:
        return int(25.0 * exp(log(4.0) * (u - 0.32) / 0.20))
    return int(100.0 * exp(log(11.0) * (u - 0.52) / 0.48))
