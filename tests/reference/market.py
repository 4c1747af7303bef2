"""A random market of exact text: a full book beyond every depth, and the messages a subscriber of one depth gets.

Written from docs/PROTOCOL.md (sections 4 and 7) alone. A message holds the entries of one event in its own order: what
changed inside the depth, and after a removal the level that moved into it. A level that only falls out of the depth is
never told.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.reference.book import Level

ZEROS = ("0", "0.0", "0.00000000", "0e0")
"""How a removal may be spelled."""


def text(units: int, precision: int) -> str:
    """A whole number of the smallest unit as decimal text with exactly `precision` decimals."""
    if precision == 0:
        return str(units)
    whole, rest = divmod(units, 10**precision)
    return f"{whole}.{rest:0{precision}d}"


@dataclass(frozen=True)
class Pair:
    """One pair and how it is subscribed.

    Attributes:
        symbol: v2 symbol.
        price_precision, qty_precision: Decimals of prices and quantities.
        mid: Middle of the market at the start, in price units.
        step: Smallest distance of two prices, in price units.
        lot: A usual quantity, in quantity units.
        depth: Levels a side, as subscribed.
    """

    symbol: str
    price_precision: int
    qty_precision: int
    mid: int
    step: int
    lot: int
    depth: int


@dataclass
class Change:
    """What one event did to the visible book; entries in the order they are told."""

    bids: list[Level] = field(default_factory=list)
    asks: list[Level] = field(default_factory=list)


class Market:
    """The full book of one pair.

    Args:
        pair: Precisions, start and depth.
        rng: Where chance comes from.
    """

    def __init__(self, pair: Pair, rng: random.Random) -> None:
        self.pair = pair
        self.rng = rng
        self.full: dict[str, dict[int, int]] = {"bids": {}, "asks": {}}
        for number in range(1, pair.depth + pair.depth // 2 + 20):
            for name, sign in (("bids", -1), ("asks", 1)):
                price = pair.mid + sign * number * pair.step * rng.choice((1, 1, 2))
                if price > 0:
                    self.full[name][price] = self.quantity()

    def quantity(self) -> int:
        """A random quantity; seldom a round or a huge one."""
        kind = self.rng.random()
        if kind < 0.1:
            return self.pair.lot * self.rng.randint(1, 9)
        if kind < 0.13:
            return self.pair.lot * self.rng.randint(100, 90_000) + self.rng.randint(0, 9)
        # Whole numbers throughout: the same seed gives the same market on every machine.
        return max(1, self.pair.lot * self.rng.randint(10, 1000) * self.rng.randint(1, 100) // 20_000)

    def ordered(self, name: str) -> list[int]:
        """All prices of a side, best first."""
        return sorted(self.full[name], reverse=name == "bids")

    def visible(self, name: str) -> list[int]:
        """The prices within the depth, best first."""
        return self.ordered(name)[: self.pair.depth]

    def level(self, name: str, price: int) -> Level:
        """A level as text."""
        pair = self.pair
        return text(price, pair.price_precision), text(self.full[name][price], pair.qty_precision)

    def snapshot(self) -> Change:
        """The visible book."""
        return Change(*([self.level(name, price) for price in self.visible(name)] for name in ("bids", "asks")))

    # -- events -----------------------------------------------------------------------------------------------------

    def event(self) -> Change:
        """Let one thing happen; an event nobody within the depth sees gives an empty change."""
        change = Change()
        name = self.rng.choice(("bids", "asks"))
        kind = self.rng.random()
        if kind < 0.40:
            self._put(change, name, self.rng.choice(self.ordered(name)[: self.pair.depth + 5]))
        elif kind < 0.62:
            self._remove(change, name, self._near(name))
        elif kind < 0.86:
            self._add(change, name)
        elif kind < 0.92:
            self._toggle(change, name)
        elif kind < 0.96:
            self._remove(change, "bids", self.ordered("bids")[0])
            self._remove(change, "asks", self.ordered("asks")[0])
        else:
            self._unknown(change, name)
        while len(self.full[name]) < self.pair.depth + 10 and self.ordered(name)[-1] > 10 * self.pair.step:
            far = self.ordered(name)[-1] + (self.pair.step if name == "asks" else -self.pair.step)
            self.full[name][far] = self.quantity()
        return change

    def take(self, side: str) -> tuple[Change, str, str]:
        """An aggressor takes from the best level: "buy" from the asks.

        Returns:
            (change of the book, traded price, traded quantity).
        """
        name = "asks" if side == "buy" else "bids"
        price = self.ordered(name)[0]
        resting = self.full[name][price]
        taken = resting if self.rng.random() < 0.4 or resting < 2 else self.rng.randint(1, resting - 1)
        change = Change()
        if taken == resting:
            self._remove(change, name, price)
        else:
            self.full[name][price] = resting - taken
            self._tell(change, name, price)
        return change, text(price, self.pair.price_precision), text(taken, self.pair.qty_precision)

    def _near(self, name: str) -> int:
        prices = self.ordered(name)
        away = 0
        while self.rng.randrange(4):
            away += 1
        return prices[min(away, len(prices) - 1)]

    def _tell(self, change: Change, name: str, price: int) -> None:
        entries = change.bids if name == "bids" else change.asks
        entries.append(self.level(name, price))

    def _put(self, change: Change, name: str, price: int) -> None:
        self.full[name][price] = self.quantity()
        if price in self.visible(name):
            self._tell(change, name, price)

    def _add(self, change: Change, name: str) -> None:
        best = {side: self.ordered(side)[0] for side in ("bids", "asks")}
        sign = -1 if name == "bids" else 1
        gap = (best["asks"] - best["bids"]) // self.pair.step
        inward = self.rng.randint(1, gap - 1) if gap > 1 and self.rng.random() < 0.5 else 0
        away = 0 if inward else self.rng.randint(0, 2 * self.pair.depth)
        price = best[name] + sign * (away - inward) * self.pair.step
        if price > 0:
            self._put(change, name, price)

    def _remove(self, change: Change, name: str, price: int) -> None:
        if len(self.full[name]) <= 3:
            return
        before = self.visible(name)
        del self.full[name][price]
        if price not in before:
            return
        entries = change.bids if name == "bids" else change.asks
        entries.append((text(price, self.pair.price_precision), self.rng.choice(ZEROS)))
        for entered in self.visible(name):
            if entered not in before:
                self._tell(change, name, entered)

    def _toggle(self, change: Change, name: str) -> None:
        """The same price again and again within one message, each removal with its refill."""
        price = self._near(name)
        for _ in range(self.rng.randint(1, 6)):
            self._remove(change, name, price)
            self._put(change, name, price)

    def _unknown(self, change: Change, name: str) -> None:
        """A removal of a price that is not there, and a repeat of one that is: both change nothing."""
        entries = change.bids if name == "bids" else change.asks
        sign = -1 if name == "bids" else 1
        missing = next(price for price in self._outward(name, sign) if price not in self.full[name])
        entries.append((text(missing, self.pair.price_precision), self.rng.choice(ZEROS)))
        self._tell(change, name, self.rng.choice(self.visible(name)))

    def _outward(self, name: str, sign: int) -> Iterator[int]:
        price = self.ordered(name)[0]
        while price > 0:
            yield price
            price += sign * self.pair.step
        raise AssertionError(f"every price of {name} is taken")
