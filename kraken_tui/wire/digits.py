"""Decimal text to whole units and back, exactly.

A price is a count of ticks (10^-price_precision), a quantity a count of lots (10^-qty_precision). Floats cannot
carry either: with 8 decimals they fail above 22.5 million units, which a DOGE wall exceeds.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from kraken_tui.errors import InvalidNumber

MAX_DIGITS = 40
"""Longest number accepted, in digits (RELIABILITY.md F45)."""

# At most this many digits, wherever the decimal point is.
_NUMBER = re.compile(rf"(?!(?:\.?[0-9]){{{MAX_DIGITS + 1}}})[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{{1,3}})?", re.ASCII)


def to_units(value: object, precision: int) -> int:
    """Turn a wire number into whole units of 10^-precision.

    Args:
        value: Decimal text such as "45283.5" or "1e-08", or an int where the wire had no decimal point.
        precision: Decimals of the unit, 0 or more.

    Returns:
        The exact count of units.

    Raises:
        InvalidNumber: Not a finite non-negative decimal, too long, or finer than the precision.
    """
    if type(value) is str:
        # The wire writes exactly `precision` decimals, so the point is usually where it is expected.
        if precision and value[-precision - 1 : -precision] == "." and len(value) <= MAX_DIGITS:
            digits = value.replace(".", "", 1)
            if digits.isdigit() and digits.isascii() and value[0] != ".":
                return int(digits)
        return _by_exponent(value, precision)
    if type(value) is int and 0 <= value < 10**MAX_DIGITS:
        return value * _power(precision)
    raise InvalidNumber(f"not a number: {str(value)[:MAX_DIGITS]!r}")


def _by_exponent(text: str, precision: int) -> int:
    digits, places = _read(text)
    count, shift = int(digits), precision - places
    if shift >= 0:
        if shift > MAX_DIGITS:
            raise InvalidNumber(f"number too large: {text[:MAX_DIGITS]!r}")
        return count * _power(shift)
    divisor: int = 10 ** min(-shift, 400)
    count, rest = divmod(count, divisor)
    if rest:
        raise InvalidNumber(f"more than {precision} decimals: {text[:MAX_DIGITS]!r}")
    return count


def _read(text: str) -> tuple[str, int]:
    """Digits without the point, and how many of them are decimals; an exponent moves the point."""
    if not _NUMBER.fullmatch(text):
        raise InvalidNumber(f"not a plain decimal number: {text[:MAX_DIGITS]!r}")
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    return whole + fraction, len(fraction) - int(exponent or 0)


@lru_cache(maxsize=64)
def _power(exponent: int) -> int:
    power: int = 10**exponent
    return power


def from_units(units: int, precision: int) -> str:
    """Write whole units as plain decimal text with exactly `precision` decimals, as the wire does.

    Args:
        units: Count of 10^-precision; may be negative (a change, a delta).
        precision: Decimals, 0 or more.
    """
    if precision <= 0:
        return str(units)
    sign = "-" if units < 0 else ""
    digits = str(abs(units)).rjust(precision + 1, "0")
    return f"{sign}{digits[:-precision]}.{digits[-precision:]}"


def decimals(value: object) -> int:
    """Count the decimals a wire number was written with (an exponent shifts them).

    Raises:
        InvalidNumber: Not a plain decimal number.
    """
    if type(value) is int:
        return 0
    if type(value) is not str:
        raise InvalidNumber(f"not a plain decimal number: {str(value)[:MAX_DIGITS]!r}")
    return max(0, _read(value)[1])


def to_decimal(value: object) -> Decimal:
    """Turn a wire number into a decimal with the digits it was written with; it may be negative.

    For accounts, which span pairs and assets of unlike precision. An exponent is written out: "1e-05" gives 0.00001.

    Raises:
        InvalidNumber: Not a finite decimal, or too long.
    """
    if type(value) is int and abs(value) < 10**MAX_DIGITS:
        return Decimal(value)
    if type(value) is not str:
        raise InvalidNumber(f"not a number: {str(value)[:MAX_DIGITS]!r}")
    negative = value.startswith("-")
    digits, places = _read(value[1:] if negative else value)
    if not -MAX_DIGITS <= places <= MAX_DIGITS:
        raise InvalidNumber(f"number too large or too fine: {value[:MAX_DIGITS]!r}")
    # An exponent above zero would be printed as one.
    text, places = (digits + "0" * -places, 0) if places < 0 else (digits, places)
    return Decimal((int(negative), tuple(map(int, text)), -places))
