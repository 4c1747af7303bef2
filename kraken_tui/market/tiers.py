"""From which value on a print is of the next tier: sums of money where the quote is money, else the pair's own."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from kraken_tui.market.convert import to_nearest_units
from kraken_tui.market.events import Print
from kraken_tui.market.trades import TAPE_LENGTH, Tape
from kraken_tui.wire.symbols import PairSpec

MONEY = frozenset(
    {"USD", "EUR", "GBP", "CHF", "CAD", "AUD", "USDT", "USDC", "DAI", "PYUSD", "USDG", "RLUSD", "EURT", "EURC", "EURR"}
)
"""Quotes of which a unit is worth about a dollar, so that the settings' round sums mean something."""

_FEWEST_PRINTS = 20
_SHARES = (0.50, 0.90, 0.98, 0.995)


def money_value(amount: float, spec: PairSpec) -> int:
    """An amount of the settings in ticks x lots; 0 where the pair's quote is not money."""
    if spec.quote not in MONEY:
        return 0
    return to_nearest_units(f"{Decimal(str(amount)):f}", spec.price_precision + spec.qty_precision)


def automatic_tiers(values: Iterable[int], current: tuple[int, ...] = ()) -> tuple[int, ...]:
    """Tiers of a tape by the pair's own prints, for quotes of which a round sum of money says nothing.

    Args:
        values: Values of prints, ticks x lots.
        current: Tiers in force; kept while each is within a factor of 1.5 of the new one.

    Returns:
        Four ascending values: the 50th, 90th, 98th and 99.5th percentile rounded to 1, 2 or 5 x 10^n; () while fewer
        than 20 prints are known.
    """
    ordered = sorted(values)
    if len(ordered) < _FEWEST_PRINTS:
        return current
    wanted = [max(1, ordered[min(len(ordered) - 1, int(share * len(ordered)))]) for share in _SHARES]
    if current and all(2 * old <= 3 * new and 2 * new <= 3 * old for old, new in zip(current, wanted, strict=True)):
        return current
    tiers = [_rounded(value) for value in wanted]
    for index in range(1, len(tiers)):
        tiers[index] = max(tiers[index], 2 * tiers[index - 1])
    return tuple(tiers)


def _rounded(value: int) -> int:
    power: int = 10 ** (len(str(value)) - 1)
    return min((step * power for step in (1, 2, 5, 10)), key=lambda rounded: abs(rounded - value))


class TapeTiers:
    """The tiers of one pair's tape.

    Args:
        amounts: The settings' tiers, in units of quotes that are money.
        tape: Taught from which value a print outlives its trades: that of the second tier.

    Attributes:
        values: Four ascending values, ticks x lots; () while unknown.
    """

    def __init__(self, amounts: tuple[float, ...], tape: Tape) -> None:
        self._amounts = amounts
        self._tape = tape
        self._spec: PairSpec | None = None
        self._learned_from: tuple[Print, ...] = ()
        self.values: tuple[int, ...] = ()

    def set_spec(self, spec: PairSpec) -> None:
        """Start over with these precisions."""
        self._spec = spec
        money = spec.quote in MONEY
        self._set(tuple(money_value(amount, spec) for amount in self._amounts) if money else ())

    def learn(self) -> None:
        """Adapt automatic tiers to the tape; cheap enough for once a second."""
        if self._spec is None or self._spec.quote in MONEY:
            return
        prints = self._tape.prints()
        if prints is not self._learned_from:
            self._learned_from = prints
            self._set(automatic_tiers((each.turnover for each in prints[:TAPE_LENGTH]), self.values))

    def _set(self, values: tuple[int, ...]) -> None:
        self.values = values
        self._tape.outlives = values[1] if values else None
