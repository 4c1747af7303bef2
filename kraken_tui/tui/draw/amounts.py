"""Sizes and values of the tape and the flow events: few digits, the same decimals in every row of a column.

How many decimals a pair's amounts have follows from its tiers and the digits of its price, not from what is on screen,
so a column does not change while it is watched.
"""

from __future__ import annotations

from functools import lru_cache
from math import floor, log10

import msgspec

from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.format import price

_UNITS = ((3, "K"), (6, "M"), (9, "B"), (12, "T"))
_DIGITS = 3
_UNKNOWN_DECIMALS = 4
_WIDE = 12
_BAR_AT = (0.0, 0.25, 0.5, 1.0)


class Amounts(msgspec.Struct, frozen=True):
    """One column of amounts.

    Attributes:
        precision: Decimals of a unit (a lot, or a tick x lot).
        decimals: Decimals shown.
        width: Cells, at least 5.
    """

    precision: int
    decimals: int
    width: int

    def text(self, units: int) -> str:
        """An amount, right-aligned in `width` cells, rounded to the column's decimals.

        One that is too long is shown in three digits of thousands, millions and so on, and so are all from a million
        on in a narrow column; one that would read as zero is shown as less than the smallest.
        """
        return _text(units, self.precision, self.decimals, self.width)


@lru_cache(maxsize=8192)
def _text(units: int, precision: int, decimals: int, width: int) -> str:
    scale = 10 ** (precision - decimals)
    shown = (units + scale // 2) // scale
    text = price(shown, decimals)
    if not shown and units:
        text = f"<{price(1, min(decimals, width - 3))}"
    long = len(text) > width or (width < _WIDE and units >= 10 ** (precision + 6))
    return (compact(units, precision) if long else text).rjust(width)


@lru_cache(maxsize=8192)
def compact(units: int, precision: int) -> str:
    """An amount in three digits and at most six cells: "64", "1.25K", "12.3M"; negative ones with their sign."""
    sign, units = ("-", -units) if units < 0 else ("", units)
    if not units:
        return "0"
    exponent = len(str(units)) - 1 - precision
    for _ in range(2):
        unit, name = next((row for row in reversed(_UNITS) if exponent >= row[0]), (0, ""))
        decimals = max(0, _DIGITS - 1 - (exponent - unit))
        scale = precision + unit - decimals
        shown = (units + 10**scale // 2) // 10**scale if scale > 0 else units * 10**-scale
        if len(str(shown)) <= _DIGITS:
            break
        # 999.6 is 1.00K.
        exponent += 1
    text = price(shown, decimals, grouped=False)
    return sign + (text.rstrip("0").rstrip(".") if "." in text else text) + name


def signed(units: int, precision: int) -> str:
    """The same with its sign always shown; zero is "+0"."""
    text = compact(units, precision)
    return text if units < 0 else f"+{text}"


def size_amounts(view: PairView, width: int) -> Amounts:
    """The column of sizes, in the pair's base."""
    assert view.spec is not None
    precision = view.spec.qty_precision
    if not view.tiers or not view.last:
        return Amounts(precision, min(precision, _UNKNOWN_DECIMALS), width)
    digits = len(str(view.last)) - 1 - view.spec.price_precision
    return Amounts(precision, min(precision, max(0, _value_digits(view) + digits)), width)


def value_amounts(view: PairView, width: int) -> Amounts:
    """The column of values, in the pair's quote."""
    assert view.spec is not None
    precision = view.spec.price_precision + view.spec.qty_precision
    if not view.tiers:
        return Amounts(precision, min(precision, _UNKNOWN_DECIMALS), width)
    return Amounts(precision, min(precision, max(0, _value_digits(view))), width)


def _value_digits(view: PairView) -> int:
    """Decimals of a value in which a tenth of the first tier has three digits."""
    assert view.spec is not None
    first = view.tiers[0] / 10 ** (view.spec.price_precision + view.spec.qty_precision + 1)
    return 2 - floor(log10(first))


def tier_of(turnover: int, tiers: tuple[int, ...]) -> int:
    """Tier of a print's value: 0 below the first tier, 4 from the last."""
    return sum(turnover >= tier for tier in tiers)


def share_of_bar(turnover: int, tiers: tuple[int, ...]) -> float:
    """Length of a print's bar, 0 to 1: none below the first tier, then a quarter, half and all of it at the others.

    Between two tiers it grows with the value. It does not depend on other prints, so no bar changes when one arrives.
    """
    tier = tier_of(turnover, tiers)
    if not tier:
        return 0.0
    if tier == len(tiers):
        return 1.0
    lower, upper = tiers[tier - 1], tiers[tier]
    begin, end = _BAR_AT[tier - 1], _BAR_AT[tier]
    return begin + (end - begin) * (turnover - lower) / (upper - lower)
