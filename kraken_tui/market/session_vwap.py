"""The VWAP of the session, which is the UTC day, after each of a series of candles."""

from __future__ import annotations

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
    first = start
    midnight = candles[start].begin_s // DAY_S * DAY_S
    while first and candles[first - 1].begin_s >= midnight:
        first -= 1
    vwaps: list[SessionVwap | None] = []
    volume = turnover = since_s = 0
    expected_s = midnight = -1
    whole = False
    for index in range(first, len(candles)):
        candle = candles[index]
        day_s = candle.begin_s // DAY_S * DAY_S
        if day_s != midnight:
            midnight = day_s
            volume = turnover = 0
            since_s, whole = candle.begin_s, candle.begin_s == day_s
        elif candle.begin_s != expected_s:
            whole = False
        expected_s = candle.begin_s + length_s
        volume += candle.volume
        turnover += candle.turnover
        if index >= start:
            vwaps.append(SessionVwap((2 * turnover + volume) // (2 * volume), since_s, whole) if volume else None)
    return vwaps
