"""The demo's market: what a person can look at, in figures that agree with each other."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.exchange import PAIRS, Venue
from kraken_tui.exchange.calm import CalmSimulator, calm
from kraken_tui.exchange.changes import Change
from kraken_tui.exchange.rest import Rest

from .reference import SECOND, START_NS, parsed

MINUTE = 60 * SECOND


class Listener:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.frames: list[str] = []

    def push(self, frame: Any) -> None:
        self.frames.append(frame)


def market(symbol: str, seed: int = 1) -> CalmSimulator:
    simulator = CalmSimulator(calm(PAIRS[symbol]), seed, START_NS)
    simulator.book.watch((10, 100))
    return simulator


def minute(symbol: str, seed: int, minutes: int = 1) -> list[Change]:
    simulator = market(symbol, seed)
    return list(simulator.advance(START_NS + minutes * MINUTE))


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), symbol=st.sampled_from(sorted(PAIRS)), mode=st.sampled_from(["online", "post_only"]))
def test_it_is_sound_however_it_is_seeded(seed: int, symbol: str, mode: str) -> None:
    simulator = market(symbol, seed)
    simulator.mode = mode
    for change in simulator.advance(START_NS + 20 * SECOND):
        bid, bid_lots, ask, ask_lots = change.touch
        assert 0 < bid < ask
        assert min(bid_lots, ask_lots) > 0
        assert mode == "online" or not change.trades
    for side in (simulator.book.bids, simulator.book.asks):
        assert side.keys == sorted(side.lots)
        assert min(side.lots.values()) > 0
        assert all(key * side.sign > 0 and key % simulator.spec.tick_multiple == 0 for key in side.keys)
        assert len(side) > 0.9 * simulator.spec.levels


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_touch_of_a_large_pair_is_thick_and_rests(seed: int) -> None:
    for symbol, thick in (("BTC/USD", 0.2), ("ETH/USD", 4.0)):
        changes = minute(symbol, seed, 2)
        moves = [c for c in changes if c.touch_moved]
        assert 0.3 < len(moves) / 120 < 2.5, symbol
        gaps = [b.ts_ns - a.ts_ns for a, b in itertools.pairwise(moves)]
        assert sum(gap < SECOND // 4 for gap in gaps) <= len(gaps) // 50
        sizes = sorted(lots / 1e8 for c in changes for lots in (c.touch[1], c.touch[3]))
        assert sizes[len(sizes) // 10] > thick
        assert sizes[len(sizes) // 2] > 2 * thick
        steps = [abs(b.touch[0] - a.touch[0]) / a.touch[0] for a, b in itertools.pairwise(changes)]
        assert max(steps) < 2.5e-4
        watched = sum(100 in c.deltas for c in changes) / 120
        assert 15 < watched < 45


def test_walls_stand_at_round_prices_from_the_start() -> None:
    book = market("BTC/USD").book
    for side in (book.bids, book.asks):
        near = list(side.levels(100))
        usual = sorted(lots for _, lots in near)[50]
        assert any(lots > 10 * usual and ticks % 500 == 0 for ticks, lots in near)


def test_trades_come_in_runs_to_one_side() -> None:
    changes = [c for seed in (1, 2, 3, 4) for c in minute("BTC/USD", seed, 2) if c.trades]
    pairs = list(itertools.pairwise(changes))
    quick = [(a, b) for a, b in pairs if 0 < b.ts_ns - a.ts_ns < SECOND // 4]
    # By chance alone a fifth or so would come so soon after another.
    assert len(quick) > 0.35 * len(pairs)
    assert sum(a.trades[-1].side == b.trades[0].side for a, b in quick) > 0.8 * len(quick)


def test_a_halted_market_only_cancels() -> None:
    simulator = market("BTC/USD")
    before = dict(simulator.book.bids.lots)
    simulator.mode = "cancel_only"
    assert not any(c.trades for c in simulator.advance(START_NS + 20 * SECOND))
    after = simulator.book.bids.lots
    assert len(after) < len(before)
    assert all(before[key] == lots for key, lots in after.items())
    simulator.mode = "online"
    for change in simulator.advance(START_NS + 60 * SECOND):
        assert change.touch[0] < change.touch[2]


# -- crosses ------------------------------------------------------------------------------------------------------


class Clocked:
    """A venue and its clock."""

    def __init__(self, seed: int = 1, **options: Any) -> None:
        self.now = START_NS
        self.venue = Venue(seed, clock=lambda: self.now, profile="calm", **options)

    def run(self, seconds: float, look: Callable[[], None] = lambda: None) -> None:
        end = self.now + round(seconds * SECOND)
        while self.now < end:
            self.now += 30_000_000
            self.venue.advance(self.now)
            look()

    def mid(self, symbol: str) -> Fraction:
        found = self.venue.market(symbol)
        bid, _, ask, _ = found.simulator.touch
        return Fraction(bid + ask, 2 * 10**found.spec.price_precision)


@pytest.mark.parametrize("seed", [1, 5])
def test_eth_btc_is_eth_usd_over_btc_usd_within_its_spread(seed: int) -> None:
    clocked = Clocked(seed)
    cross = clocked.venue.market("ETH/BTC")
    cross.join(("book", 10), Listener())
    off: list[float] = []

    def look() -> None:
        implied = clocked.mid("ETH/USD") / clocked.mid("BTC/USD")
        bid, _, ask, _ = cross.simulator.touch
        unit = 10**cross.spec.price_precision
        assert abs(clocked.mid("ETH/BTC") - implied) <= Fraction(2 * (ask - bid), unit)
        off.append(not Fraction(bid, unit) <= implied <= Fraction(ask, unit))

    clocked.run(60, look)
    assert sum(off) < 0.05 * len(off)


def test_the_past_of_a_cross_is_that_of_its_legs() -> None:
    clocked = Clocked()
    days = {s: clocked.venue.market(s).history.stats(START_NS) for s in ("ETH/BTC", "ETH/USD", "BTC/USD", "BTC/EUR")}
    change = {symbol: day.last / day.open for symbol, day in days.items()}
    assert change["ETH/BTC"] == pytest.approx(change["ETH/USD"] / change["BTC/USD"], rel=3e-4)
    assert change["BTC/EUR"] == pytest.approx(change["BTC/USD"], rel=3e-4)
    closes = {
        symbol: {c.begin_s: c.close / 10 ** PAIRS[symbol].price_precision for c in candles}
        for symbol in ("ETH/BTC", "ETH/USD", "BTC/USD")
        for candles in [clocked.venue.market(symbol).history.candles(60)[-20:-1]]
    }
    for begin, close in closes["ETH/BTC"].items():
        assert close == pytest.approx(closes["ETH/USD"][begin] / closes["BTC/USD"][begin], rel=1.5e-3)


def test_a_cross_without_its_legs_goes_its_own_way() -> None:
    clocked = Clocked(pairs=["ETH/BTC"])
    clocked.venue.market("ETH/BTC").join(("book", 10), Listener())
    clocked.run(5)
    assert float(clocked.mid("ETH/BTC")) == pytest.approx(0.0486, rel=0.02)


# -- the day ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", ["BTC/USD", "ETH/BTC", "PEPE/USD"])
def test_ticker_candles_and_trades_tell_one_day(symbol: str) -> None:
    clocked = Clocked()
    found = clocked.venue.market(symbol)
    heard = Listener()
    for topic in (("trade", ""), ("ticker", "trades"), ("ohlc", 1)):
        found.join(topic, heard)
    clocked.run(100)
    day = parsed(found.ticker_snapshot())["data"][0]
    since = (clocked.now // SECOND // 60 - 1440) * 60
    minutes = [c for c in found.history.candles(1) if c.begin_s >= since]
    price, qty = (10.0**-n for n in (found.spec.price_precision, found.spec.qty_precision))
    assert float(day["high"]) == pytest.approx(max(c.high for c in minutes) * price, rel=1e-12)
    assert float(day["low"]) == pytest.approx(min(c.low for c in minutes) * price, rel=1e-12)
    assert float(day["volume"]) == pytest.approx(sum(c.lots for c in minutes) * qty, rel=1e-12)
    assert int(day["trades"]) == sum(c.count for c in minutes)
    cost, lots = sum(c.cost for c in minutes), sum(c.lots for c in minutes)
    assert float(day["vwap"]) == pytest.approx(cost / lots * price, abs=price)
    opened = float(day["last"]) - float(day["change"])
    assert opened == pytest.approx(minutes[0].open * price, rel=1e-12)
    assert float(day["change_pct"]) == pytest.approx(100 * float(day["change"]) / opened, abs=0.00501)
    trades = [row for f in heard.frames if '"trade"' in f for row in parsed(f)["data"]]
    if trades:
        assert trades[-1]["price"] == day["last"]
    row = next(iter(parsed(Rest(clocked.venue).answer(f"/0/public/Ticker?pair={symbol}"))["result"].values()))
    for name, short in (("high", "h"), ("low", "l"), ("volume", "v")):
        assert Fraction(row[short][1]) == Fraction(day[name])


@pytest.mark.parametrize("symbol", ["BTC/USD", "ETH/USD"])
def test_what_is_traded_now_is_like_what_was_traded_before(symbol: str) -> None:
    # Or the volume bars would jump where the watching began.
    history = Clocked().venue.market(symbol).history
    usual = history.stats(START_NS).lots / 1440
    live = sum(t.lots for seed in (1, 2, 3) for c in minute(symbol, seed, 2) for t in c.trades) / 6
    assert 0.4 < live / usual < 2.5
