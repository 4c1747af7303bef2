"""The market itself: never crossed, never empty, repeatable, and alive."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.exchange import PAIRS, Simulator
from kraken_tui.exchange.changes import Change

from .reference import SECOND, START_NS, Client, parsed


def played(simulator: Simulator, seconds: float) -> list[Change]:
    return list(simulator.advance(simulator.now_ns + round(seconds * SECOND)))


@settings(max_examples=16, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    symbol=st.sampled_from(sorted(PAIRS)),
    mode=st.sampled_from(["online", "post_only"]),
)
def test_invariants(seed: int, symbol: str, mode: str) -> None:
    spec = PAIRS[symbol]
    sim = Simulator(spec, seed, START_NS, rate=3.0)
    sim.mode = mode
    sim.book.watch((10,))
    assert len(sim.book.bids) == len(sim.book.asks) == spec.levels
    last_ns, last_id = START_NS, sim.next_trade_id
    for change in sim.advance(START_NS + 5 * SECOND):
        bid, bid_lots, ask, ask_lots = change.touch
        assert 0 < bid < ask
        assert min(bid_lots, ask_lots) > 0
        assert change.ts_ns > last_ns
        assert change.ts_ns % 1000 == 0
        last_ns = change.ts_ns
        for trade in change.trades:
            assert mode == "online"
            assert trade.trade_id == last_id
            assert trade.lots > 0
            last_id += 1
    for side in (sim.book.bids, sim.book.asks):
        assert len(side) > spec.levels * 0.9
        assert side.keys == sorted(set(side.keys))
        assert set(side.keys) == set(side.lots)
        assert min(side.lots.values()) > 0
        assert all(key * side.sign > 0 and key % spec.tick_multiple == 0 for key in side.keys)


def test_same_seed_same_market_however_often_asked() -> None:
    slow, fast = (Simulator(PAIRS["BTC/USD"], 7, START_NS) for _ in range(2))
    for sim in (slow, fast):
        sim.book.watch((10, 100))
    once = list(slow.advance(START_NS + 8 * SECOND))
    often = [c for at in range(1, 801) for c in fast.advance(START_NS + at * SECOND // 100)]
    assert once == often
    assert len(once) > 300


def test_other_seed_other_market() -> None:
    one, two = (Simulator(PAIRS["BTC/USD"], seed, START_NS) for seed in (1, 2))
    assert one.touch != two.touch


@pytest.mark.parametrize("symbol", ["BTC/USD", "MINA/GBP"])
def test_same_seed_same_frames(symbol: str) -> None:
    def everything() -> list[str]:
        client = Client(seed=9, pairs=[symbol])
        out = list(client.opening)
        for name in ("book", "trade", "ticker", "ohlc"):
            out += client.subscribe(name, symbol)
        return out + client.run(20)

    assert everything() == everything()


def test_the_price_moves_and_comes_back() -> None:
    sim = Simulator(PAIRS["ETH/USD"], 4, START_NS)
    mids = []
    for _ in range(5):
        touch = [c.touch for c in played(sim, 60)][-1]
        mids.append((touch[0] + touch[2]) / 2)
    assert 0.0005 < (max(mids) - min(mids)) / mids[0] < 0.1


def test_trades_hit_the_touch_and_sweeps_go_deeper() -> None:
    sim = Simulator(PAIRS["BTC/USD"], 3, START_NS, rate=2.0)
    sim.book.watch((10,))
    sweeps = 0
    kinds = set()
    touch = sim.touch
    for change in played(sim, 100):
        prices = {t.ticks for t in change.trades}
        for trade in change.trades[:1]:
            assert trade.ticks == (touch[2] if trade.side == "buy" else touch[0])
        kinds |= {(t.side, t.ord_type) for t in change.trades}
        sweeps += len(prices) >= 4
        touch = change.touch
    assert kinds == {("buy", "limit"), ("buy", "market"), ("sell", "limit"), ("sell", "market")}
    assert sweeps > 0


def test_activity_comes_in_spells() -> None:
    sim = Simulator(PAIRS["BTC/USD"], 1, START_NS)
    sim.book.watch((1000,))
    counts = [len(played(sim, 5)) for _ in range(44)]
    assert max(counts) > 3 * min(counts)
    assert 60 < sum(counts) / 220 < 150


@pytest.mark.parametrize("symbol", ["LTC/USD", "MINA/GBP"])
def test_the_tail_does_not_wander_off(symbol: str) -> None:
    sim = Simulator(PAIRS[symbol], 2, START_NS)
    start = [abs(side.keys[-1] - side.keys[0]) for side in (sim.book.bids, sim.book.asks)]
    for _ in range(8):
        played(sim, 100)
    for side, was in zip((sim.book.bids, sim.book.asks), start, strict=True):
        assert side.keys[-1] - side.keys[0] < 1.5 * was
        assert len(side) > 0.95 * sim.spec.levels


def test_walls_come_and_go() -> None:
    sim = Simulator(PAIRS["BTC/USD"], 6, START_NS)
    sim.book.watch((100,))
    big: set[int] = set()
    gone = 0
    median = sorted(sim.book.asks.lots.values())[len(sim.book.asks) // 2]
    for change in played(sim, 110):
        for ticks, lots in change.deltas.get(100, ([], []))[1]:
            if lots > 25 * median and ticks % 250 == 0:
                big.add(ticks)
            elif ticks in big and lots < 5 * median:
                big.discard(ticks)
                gone += 1
    assert gone > 0


def test_a_thin_pair_is_mostly_silent() -> None:
    sim = Simulator(PAIRS["MINA/GBP"], 1, START_NS)
    sim.book.watch((25,))
    times = [c.ts_ns for _ in range(10) for c in played(sim, 60) if c.deltas]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert 0.1 < len(times) / 600 < 1.5
    assert max(gaps) > 8 * SECOND


def test_a_long_absence_is_cut_short() -> None:
    sim = Simulator(PAIRS["BTC/USD"], 1, START_NS)
    changes = list(sim.advance(START_NS + 3600 * SECOND))
    assert changes[0].ts_ns >= START_NS + 3479 * SECOND
    assert sim.now_ns == START_NS + 3600 * SECOND


def test_cancel_only_never_adds_and_maintenance_stands_still() -> None:
    sim = Simulator(PAIRS["SOL/USD"], 1, START_NS)
    before = dict(sim.book.bids.lots)
    sim.mode = "cancel_only"
    played(sim, 10)
    after = sim.book.bids.lots
    assert len(after) < len(before)
    assert all(before[key] == lots for key, lots in after.items())
    sim.mode = "maintenance"
    sim.book.watch((1000,))
    assert played(sim, 10) == []


@pytest.mark.parametrize("symbol", ["BTC/USD", "PEPE/USD", "LINK/USD"])
@pytest.mark.parametrize(("price", "qty"), [(-1, 0), (0, -2), (2, 1)])
def test_precision_changes_keep_the_book_sound(symbol: str, price: int, qty: int) -> None:
    client = Client(pairs=[symbol])
    old = client.venue.specs[symbol]
    if old.price_precision + price < 0:
        return
    client.subscribe("book", symbol, depth=25)
    before = client.venue.market(symbol).simulator.touch
    client.venue.faults.set_precision(symbol, old.price_precision + price, old.qty_precision + qty)
    client.run(0.05)
    sim = client.venue.market(symbol).simulator
    assert sim.touch[0] / 10.0**price == pytest.approx(before[0], rel=0.01)
    assert 0 < sim.touch[0] < sim.touch[2]
    frames = [parsed(f) for f in client.run(10) if '"book"' in f]
    entries = [e for f in frames for side in ("bids", "asks") for e in f["data"][0][side]]
    assert {len(e["price"].partition(".")[2]) for e in entries} == {old.price_precision + price}
    assert {len(e["qty"].partition(".")[2]) for e in entries} == {old.qty_precision + qty}
