"""Candles of a longer interval from those of a shorter one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kraken_tui.market.events import Candle


def merged(candles: Iterable[Candle], interval: int) -> tuple[Candle, ...]:
    """Join candles to a longer interval.

    Args:
        candles: Oldest first, without gaps; their interval divides `interval`.
        interval: Minutes.

    Returns:
        Oldest first. What the oldest ones hold of an interval that began before them is left out: its open is unknown.
    """
    length_s = interval * 60
    groups: list[list[Candle]] = []
    for candle in candles:
        if candle.begin_s % length_s == 0:
            groups.append([candle])
        elif groups:
            groups[-1].append(candle)
    return tuple(_joined(group, interval) for group in groups)


def _joined(group: Sequence[Candle], interval: int) -> Candle:
    first, last = group[0], group[-1]
    return Candle(
        first.begin_s,
        interval,
        first.open,
        max(candle.high for candle in group),
        min(candle.low for candle in group),
        last.close,
        sum(candle.volume for candle in group),
        sum(candle.turnover for candle in group),
        sum(candle.trades for candle in group),
        last.closed and last.begin_s + last.interval * 60 == first.begin_s + interval * 60,
    )
