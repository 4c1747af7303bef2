"""How counts, signs and names of intervals are written, everywhere in the program. Pure."""

from __future__ import annotations

_MINUTES_A_DAY = 1440


NO_ACCOUNT = (
    "No account is followed: store a key with `kraken-tui keys add` (docs/ACCOUNT.md), or see play money with --demo."
)
"""What is said wherever an account would be shown."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun in the right form: "1 bar", "1,203 bars".

    Args:
        number: How many.
        noun: For one of them.
        plural: For any other number, where that is not the noun with an "s".
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def interval_name(minutes: int) -> str:
    """Short name of a candle interval: "1m", "4h", "1d"."""
    if minutes % _MINUTES_A_DAY == 0:
        return f"{minutes // _MINUTES_A_DAY}d"
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"


def time_span(ns: int) -> str:
    """A round span of time: "100 ms", "5 s", "2 min"."""
    if ns < 1_000_000_000:
        return f"{ns // 1_000_000} ms"
    return f"{ns / 1_000_000_000:g} s" if ns < 60_000_000_000 else f"{ns / 60_000_000_000:g} min"


def signed(value: float, decimals: int = 2) -> str:
    """A number with its sign always shown; what rounds to zero is "+0.00", never "-0.00"."""
    text = f"{value:+,.{decimals}f}"
    return text if text.strip("+-0.,") else f"+{text[1:]}"


def fixed(value: float, decimals: int) -> str:
    """A number with so many decimals; what rounds to zero has no sign."""
    text = f"{value:,.{decimals}f}"
    return text if text.strip("-0.,") else text.lstrip("-")
