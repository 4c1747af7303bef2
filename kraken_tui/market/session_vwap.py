"""The VWAP of the session, which is the UTC day, after each of a series of candles."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import msgspec

from kraken_tui.market.events import Candle

DAY_S = 86_400


class SessionVwap(msgspec.Struct, frozen=True):
    """VWAP from a session's start, as far as it is known, to the end of one candle.

    Attributes:
        ticks: Nearest whole tick.
        since_s: Begin of the first candle counted, seconds since the epoch.
        whole: Whether that is 00:00 UTC and no interval in between is missing.
    """

    ticks: int
    since_s: int
    whole: bool


def session_vwaps(candles: Sequence[Candle], start: int = 0) -> list[SessionVwap | None]:
    """The session's VWAP after each candle from number `start` on; None before the first trade of a session.

    Sums turnover and volume, so it is as exact as they are. Candles of a day or more span sessions and have none.

    Args:
        candles: Of one interval, oldest first; intervals of which nothing is known are absent.
        start: First candle wanted.
    """
    wanted = len(candles) - start
    if wanted <= 0:
        return []
    length_s = candles[-1].interval * 60
    if length_s >= DAY_S:
        return [None] * wanted
    midnight = candles[start].begin_s // DAY_S * DAY_S
    first = bisect_left(candles, midnight, 0, start, key=_begin)
    before = candles[first:start]
    volume, turnover = sum(candle.volume for candle in before), sum(candle.turnover for candle in before)
    since_s = candles[first].begin_s
    expected_s = since_s + len(before) * length_s
    whole = since_s == midnight
    vwaps: list[SessionVwap | None] = []
    for index in range(start, len(candles)):
        candle = candles[index]
        begin_s = candle.begin_s
        if begin_s >= midnight + DAY_S:
            midnight = begin_s // DAY_S * DAY_S
            volume = turnover = 0
            since_s, whole = begin_s, begin_s == midnight
        elif begin_s != expected_s:
            whole = False
        expected_s = begin_s + length_s
        volume += candle.volume
        turnover += candle.turnover
        vwaps.append(SessionVwap((2 * turnover + volume) // (2 * volume), since_s, whole) if volume else None)
    return vwaps


def _begin(candle: Candle) -> int:
    return candle.begin_s
