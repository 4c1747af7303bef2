"""The session's VWAP: exact sums from 00:00 UTC, and what is missing of them."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.market.events import Candle
from kraken_tui.market.session_vwap import DAY_S, session_vwaps

MIDNIGHT = 20_000 * DAY_S


def candle(minute: int, price: int = 100, volume: int = 10, interval: int = 1) -> Candle:
    return Candle(MIDNIGHT + minute * 60, interval, price, price, price, price, volume, price * volume, 1, True)


def test_sums_begin_at_midnight_and_are_whole() -> None:
    candles = [candle(-1, 900, 5), candle(0, 100, 10), candle(1, 200, 30)]
    before, first, second = session_vwaps(candles)
    assert before is not None
    assert first is not None
    assert second is not None
    assert (before.ticks, before.whole) == (900, False)
    assert (first.ticks, first.since_s, first.whole) == (100, MIDNIGHT, True)
    assert (second.ticks, second.since_s, second.whole) == (175, MIDNIGHT, True)


def test_what_does_not_reach_back_to_midnight_says_from_when() -> None:
    vwap = session_vwaps([candle(300, 100), candle(301, 200)])[-1]
    assert vwap is not None
    assert (vwap.ticks, vwap.since_s, vwap.whole) == (150, MIDNIGHT + 300 * 60, False)


def test_a_hole_makes_it_incomplete() -> None:
    vwap = session_vwaps([candle(0, 100), candle(2, 200)])[-1]
    assert vwap is not None
    assert (vwap.since_s, vwap.whole) == (MIDNIGHT, False)


def test_before_the_first_trade_there_is_none() -> None:
    assert session_vwaps([candle(0, 100, 0), candle(1, 120, 3)])[0] is None


def test_a_day_or_more_has_no_session() -> None:
    assert session_vwaps([candle(0, interval=1440), candle(1440, interval=1440)]) == [None, None]
    assert session_vwaps([]) == []


@given(st.lists(st.tuples(st.integers(1, 10**12), st.integers(0, 10**15)), min_size=1, max_size=30), st.data())
def test_exact_from_wherever_it_is_asked(rows: list[tuple[int, int]], data: st.DataObject) -> None:
    candles = [candle(minute, price, volume) for minute, (price, volume) in enumerate(rows)]
    start = data.draw(st.integers(0, len(candles) - 1))
    found = session_vwaps(candles, start)
    assert found == session_vwaps(candles)[start:]
    volume = sum(lots for _, lots in rows)
    if volume:
        exact = Fraction(sum(price * lots for price, lots in rows), volume)
        assert found[-1] is not None
        assert abs(found[-1].ticks - exact) <= Fraction(1, 2)
