"""One past, told the same way by trades, candles of every interval and the 24 hours."""

from __future__ import annotations

import itertools

import pytest

from kraken_tui.exchange import PAIRS, Simulator
from kraken_tui.exchange.history import INTERVALS, History, merged
from kraken_tui.exchange.records import Candle, Trade

from .reference import SECOND, START_NS


def history(symbol: str = "BTC/USD", seed: int = 1) -> History:
    sim = Simulator(PAIRS[symbol], seed, START_NS)
    return History(PAIRS[symbol], seed, START_NS, sim.touch[0], sim.next_trade_id)


@pytest.mark.parametrize("symbol", ["BTC/USD", "PEPE/USD", "LINK/USD", "ETH/BTC", "MINA/GBP"])
def test_every_interval_is_deep_aligned_and_sound(symbol: str) -> None:
    past = history(symbol)
    for interval in INTERVALS:
        candles = past.candles(interval)
        begins = [c.begin_s for c in candles]
        assert begins == sorted(set(begins))
        assert all(begin % (interval * 60) == 0 for begin in begins)
        if interval <= 1440:
            span = START_NS // SECOND - begins[0]
            assert span >= 720 * interval * 60, interval
        for c in candles:
            assert 0 < c.low <= min(c.open, c.close)
            assert max(c.open, c.close) <= c.high
            assert c.low <= c.vwap <= c.high
            assert c.count > 0
            assert c.lots >= c.count
        assert candles[-1].close == past.trades[-1].ticks


def test_coarse_candles_are_sums_of_fine_ones() -> None:
    past = history()
    for fine, coarse in ((1, 5), (5, 15), (15, 30), (30, 60), (60, 240), (240, 1440), (1440, 10080)):
        whole = past.candles(coarse)
        summed = merged(past.candles(fine), coarse)
        assert whole[-len(summed) + 1 :] == summed[1:]
        assert whole[-len(summed)] == summed[0]


def test_minutes_are_sums_of_the_trades() -> None:
    past = history("MINA/GBP")
    first = past.trades[0].ts_ns // SECOND // 60 * 60 + 60
    for candle in past.minutes:
        if candle.begin_s < first:
            continue
        trades = [t for t in past.trades if candle.begin_s <= t.ts_ns // SECOND < candle.begin_s + 60]
        assert candle.count == len(trades)
        assert candle.lots == sum(t.lots for t in trades)
        assert (candle.open, candle.close) == (trades[0].ticks, trades[-1].ticks)
        assert (candle.high, candle.low) == (max(t.ticks for t in trades), min(t.ticks for t in trades))


@pytest.mark.parametrize("symbol", ["BTC/USD", "PEPE/USD", "MINA/GBP"])
def test_trades_are_consecutive_and_older_than_now(symbol: str) -> None:
    trades = list(history(symbol).trades)
    assert len(trades) == 1000
    assert [t.trade_id for t in trades] == list(range(trades[0].trade_id, trades[0].trade_id + 1000))
    assert all(a.ts_ns < b.ts_ns for a, b in itertools.pairwise(trades))
    assert trades[-1].ts_ns < START_NS
    assert {t.side for t in trades} == {"buy", "sell"}


def test_the_day_is_the_sum_of_its_minutes_and_follows_trades() -> None:
    past = history()
    stats = past.stats(START_NS)
    day = [c for c in past.minutes if c.begin_s >= (START_NS // SECOND // 60 - 1440) * 60]
    assert stats.lots == sum(c.lots for c in day)
    assert stats.high == max(c.high for c in day)
    assert stats.low <= stats.vwap <= stats.high
    assert stats.open == day[0].open
    before = stats.lots
    trade = Trade(past.trades[-1].trade_id + 1, START_NS, "buy", stats.high + 7, 5, "market")
    past.add(trade)
    stats = past.stats(START_NS)
    assert (stats.high, stats.last, stats.lots) == (trade.ticks, trade.ticks, before + 5)
    assert past.stats(START_NS + 61 * SECOND).high == trade.ticks
    assert past.candles(1440)[-1].high >= trade.ticks


def test_the_price_of_a_day_ago_is_believable() -> None:
    for symbol in ("BTC/USD", "DOGE/USD", "ETH/BTC", "MINA/GBP"):
        spec = PAIRS[symbol]
        stats = history(symbol).stats(START_NS)
        assert abs(stats.last - stats.open) / stats.open < 6 * spec.daily_vol
        assert (stats.high - stats.low) / stats.open < 12 * spec.daily_vol


def test_bridge_fills_an_absence() -> None:
    past = history()
    last_id = past.trades[-1].trade_id
    ticks, next_id = past.bridge(START_NS + 3600 * SECOND, last_id + 1)
    assert next_id == last_id + 501
    assert past.trades[-1].ticks == ticks
    assert past.trades[-1].ts_ns < START_NS + 3600 * SECOND
    begins = [c.begin_s for c in past.minutes]
    assert begins == sorted(set(begins))
    assert past.bridge(past.trades[-1].ts_ns, next_id) == (ticks, next_id)


def test_unknown_interval() -> None:
    with pytest.raises(ValueError, match="no such interval"):
        history().candles(7)


def test_an_empty_candle_has_its_close_for_vwap() -> None:
    assert Candle(0, 5, 5, 5, 5).vwap == 5
