"""A market faster than any that is on show: what a ladder must stand still in."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from msgspec.structs import replace

from kraken_tui.market.events import Level
from kraken_tui.market.views import PairView
from tests.tui import samples

STEP_NS = 100_000_000
DEPTH = 100


class FastMarket:
    """A book with a level at nearly every tick, whose touch moves several times a second, by tens of ticks.

    Args:
        seed: Decides everything.
        jump: Ticks the price moves in a step of 100 ms, standard deviation.
        events: Orders placed, changed or cancelled in a step.
    """

    def __init__(self, seed: int, jump: float = 4.0, events: int = 10) -> None:
        self._random = Random(seed)
        self._jump, self._events = jump, events
        self._fair = 642_500.0
        self._sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._now_ns = samples.NOW
        self._shape()

    def _shape(self) -> None:
        """Take away what the price went through, and let each side be as deep as it was."""
        chance = self._random
        for side, sign in zip(self._sides, (-1, 1), strict=True):
            touch = round(self._fair + sign * 0.6)
            for ticks in [ticks for ticks in side if (ticks - touch) * sign < 0]:
                del side[ticks]
            side.setdefault(touch, chance.randint(1, 10**8))
            ticks = max(side) if sign > 0 else min(side)
            while len(side) < 2 * DEPTH:
                ticks += sign * chance.choice((1, 1, 1, 2, 4))
                side[ticks] = chance.randint(1, 10**8)

    def step(self) -> PairView:
        """100 ms later."""
        chance = self._random
        self._now_ns += STEP_NS
        if chance.random() < 0.5:
            self._fair += chance.gauss(0, self._jump)
        for _ in range(self._events):
            side, sign = chance.choice(tuple(zip(self._sides, (-1, 1), strict=True)))
            ticks = round(self._fair + sign * (1 + chance.expovariate(1 / 15)))
            if ticks in side and chance.random() < 0.6:
                del side[ticks]
            else:
                side[ticks] = chance.randint(1, 10**8)
        self._shape()
        return self.view()

    def view(self) -> PairView:
        """The book now."""
        bids: tuple[Level, ...] = tuple(sorted(self._sides[0].items(), reverse=True)[:DEPTH])
        asks: tuple[Level, ...] = tuple(sorted(self._sides[1].items())[:DEPTH])
        metrics = samples.metrics(bids, asks, 10**8)
        return replace(samples.pair(), bids=bids, asks=asks, metrics=metrics, now_ns=self._now_ns, large_lots=0)


def by_rank(view: PairView, body: int) -> list[int]:
    """Prices of a ladder whose rows do not hold."""
    asks, bids = body // 2, (body - 1) // 2
    return [ticks for ticks, _ in (*view.asks[:asks][::-1], *view.bids[:bids])]


def moved(samples_of_rows: list[list[int]]) -> float:
    """Share of rows that show another price than in the sample before, on average."""
    pairs = list(pairwise(samples_of_rows))
    changed = sum(sum(old != new for old, new in zip(before, after, strict=True)) for before, after in pairs)
    return changed / sum(len(before) for before, _ in pairs)
