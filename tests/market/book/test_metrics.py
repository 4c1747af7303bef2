from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.market.book.metrics import (
    at_cursor,
    bps,
    fee_of,
    imbalance,
    lots_for,
    metrics,
    microprice,
    pressure,
    reference_lots,
    signal_of,
    sweep_cost,
    vwap,
)
from kraken_tui.market.events import Side, Signal
from kraken_tui.wire.symbols import PairSpec

SPEC = PairSpec("BTC/USD", "BTC", "USD", 1, 8)
BIDS = ((1000, 30), (999, 20), (997, 50))
ASKS = ((1002, 10), (1003, 40), (1006, 50))

Levels = list[tuple[int, int]]
LOTS = st.integers(1, 10**14)


@st.composite
def books(draw: st.DrawFn) -> tuple[Levels, Levels]:
    best_bid = draw(st.integers(1000, 10**7))
    best_ask = best_bid + draw(st.integers(1, 500))
    sides: list[Levels] = []
    for best, direction in ((best_bid, -1), (best_ask, 1)):
        ticks, levels = best, []
        for step in draw(st.lists(st.integers(1, 40), max_size=20)):
            levels.append((ticks, draw(LOTS)))
            ticks += direction * step
        levels.append((ticks, draw(LOTS)))
        sides.append(levels)
    return sides[0], sides[1]


def test_worked_example() -> None:
    figures = metrics(BIDS, ASKS, SPEC, levels=2, reference=30)
    assert figures is not None
    assert (figures.spread, figures.mid2, figures.crossed) == (2, 2002, False)
    assert figures.spread_bps == pytest.approx(2 / 1001 * 10_000)
    assert figures.microprice == pytest.approx((1000 * 10 + 1002 * 30) / 40)
    assert (figures.bid_volume, figures.ask_volume, figures.imbalance) == (50, 50, 0.0)
    assert (figures.bid_depth, figures.ask_depth) == (100, 100)
    assert figures.bid_vwap == pytest.approx(999.6)
    assert figures.ask_vwap == pytest.approx(1002.8)
    # Distances in half ticks: bids 2 and 4, asks 2 and 4, so reach 4 and weights 3 and 1.
    assert figures.pressure == pytest.approx((3 * 30 + 20 - 3 * 10 - 40) / (3 * 30 + 20 + 3 * 10 + 40))
    assert figures.signal is Signal.BUY
    assert figures.buy_sweep is not None
    assert (figures.buy_sweep.filled, figures.buy_sweep.worst, figures.buy_sweep.levels) == (30, 1003, 2)
    assert figures.buy_sweep.average == pytest.approx((10 * 1002 + 20 * 1003) / 30)
    assert figures.buy_sweep.slippage_bps == pytest.approx((figures.buy_sweep.average - 1001) / 1001 * 10_000)
    assert figures.sell_sweep is not None
    assert (figures.sell_sweep.average, figures.sell_sweep.levels) == (1000.0, 1)
    assert figures.sell_sweep.slippage_bps == pytest.approx(1 / 1001 * 10_000)


def test_an_empty_side_has_no_figures() -> None:
    assert metrics((), ASKS, SPEC) is None
    assert metrics(BIDS, (), SPEC) is None


def test_crossed_book_is_marked() -> None:
    figures = metrics([(1005, 1)], [(1003, 1)], SPEC)
    assert figures is not None
    assert figures.crossed
    assert figures.spread == -2
    assert figures.buy_sweep is not None
    assert figures.buy_sweep.slippage_bps < 0


def test_a_big_bid_pushes_the_microprice_to_the_ask() -> None:
    assert microprice((1000, 99), (1002, 1)) == pytest.approx(1001.98)


@pytest.mark.parametrize(
    ("value", "signal"),
    [
        (-1.0, Signal.STRONG_SELL),
        (-0.5, Signal.STRONG_SELL),
        (-0.49, Signal.SELL),
        (-0.2, Signal.SELL),
        (-0.19, Signal.NEUTRAL),
        (0.0, Signal.NEUTRAL),
        (0.19, Signal.NEUTRAL),
        (0.2, Signal.BUY),
        (0.49, Signal.BUY),
        (0.5, Signal.STRONG_BUY),
        (1.0, Signal.STRONG_BUY),
    ],
)
def test_signal(value: float, signal: Signal) -> None:
    assert signal_of(value) is signal


@given(books())
def test_bounds(book: tuple[Levels, Levels]) -> None:
    bids, asks = book
    figures = metrics(bids, asks, SPEC)
    assert figures is not None
    assert -1 <= figures.imbalance <= 1
    assert -1 <= figures.pressure <= 1
    assert bids[0][0] <= figures.microprice <= asks[0][0]
    assert min(t for t, _ in bids) <= figures.bid_vwap <= bids[0][0] + 1e-6
    assert asks[0][0] - 1e-6 <= figures.ask_vwap <= max(t for t, _ in asks)
    assert figures.bid_volume <= figures.bid_depth == sum(lots for _, lots in bids)
    for sweep in (figures.buy_sweep, figures.sell_sweep):
        assert sweep is not None
        assert sweep.slippage_bps > 0


@given(books())
def test_mirror_image_turns_the_sign(book: tuple[Levels, Levels]) -> None:
    bids, asks = book
    mid2 = bids[0][0] + asks[0][0]
    mirrored = [(mid2 - ticks, lots) for ticks, lots in asks], [(mid2 - ticks, lots) for ticks, lots in bids]
    assert pressure(*mirrored, mid2) == pytest.approx(-pressure(bids, asks, mid2))
    assert imbalance(5, 3) == -imbalance(3, 5)


def test_pressure_weighs_the_near_more() -> None:
    near = pressure([(1000, 50), (990, 1)], [(1002, 1), (1012, 1)], 2002)
    far = pressure([(1000, 1), (990, 50)], [(1002, 1), (1012, 1)], 2002)
    assert near > far > 0


def test_nothing_is_balanced() -> None:
    assert imbalance(0, 0) == 0.0


@given(books(), st.integers(1, 10**15), st.booleans())
def test_sweep_against_a_slow_one(book: tuple[Levels, Levels], lots: int, buys: bool) -> None:
    bids, asks = book
    mid2 = bids[0][0] + asks[0][0]
    levels, taker = (asks, Side.BUY) if buys else (bids, Side.SELL)
    sweep = sweep_cost(levels, lots, mid2, taker)
    left, cost, used, worst = Decimal(lots), Decimal(0), 0, 0
    for ticks, resting in levels:
        take = min(left, Decimal(resting))
        if take <= 0:
            break
        cost += take * ticks
        left -= take
        used, worst = used + 1, ticks
    assert sweep is not None
    assert (sweep.qty, sweep.filled, sweep.levels, sweep.worst) == (lots, lots - int(left), used, worst)
    average = cost / (lots - left)
    assert sweep.average == pytest.approx(float(average))
    mid = Decimal(mid2) / 2
    expected = (average - mid if buys else mid - average) / mid * 10_000
    assert sweep.slippage_bps == pytest.approx(float(expected), rel=1e-9)


def test_sweep_of_an_empty_side() -> None:
    assert sweep_cost([], 5, 2000, Side.BUY) is None


@pytest.mark.parametrize(
    ("spec", "mid2", "value", "lots"),
    [
        (SPEC, 2 * 642_500, 10_000.0, 15_564_202),  # 0.156 BTC at 64,250 USD
        (SPEC, 2 * 642_500, 64_250.0, 10**8),
        (PairSpec("PEPE/USD", "PEPE", "USD", 9, 5), 2 * 8_534, 10_000.0, 117_178_345_441_762),
        (PairSpec("ETH/BTC", "ETH", "BTC", 5, 8), 2 * 5_000, 10_000.0, 4 * 10**8),
        (PairSpec("X/Y", "X", "Y", 0, 0), 2 * 10**9, 10_000.0, 1),
    ],
)
def test_the_size_of_the_sweep_is_worth_what_was_chosen(spec: PairSpec, mid2: int, value: float, lots: int) -> None:
    assert reference_lots(spec, mid2, value) == lots


@given(st.integers(2, 10**12), st.integers(0, 10), st.integers(0, 10), st.integers(1, 10**9))
def test_the_worth_of_the_sweep_is_right_to_a_lot(
    mid2: int, price_precision: int, qty_precision: int, value: int
) -> None:
    lots = reference_lots(PairSpec("A/USD", "A", "USD", price_precision, qty_precision), mid2, float(value))
    lot = Decimal(mid2) / 2 / Decimal(10) ** (price_precision + qty_precision)
    assert lots == 1 or abs(lots * lot - value) <= lot


def test_the_figures_say_what_the_sweep_is_worth() -> None:
    figures = metrics(BIDS, ASKS, SPEC, value=2_500.0)
    assert figures is not None
    assert figures.buy_sweep is not None
    assert (figures.sweep_value, figures.buy_sweep.qty) == (2_500.0, reference_lots(SPEC, 2002, 2_500.0))
    chosen = metrics(BIDS, ASKS, SPEC, reference=30)
    assert chosen is not None
    assert chosen.sweep_value == 0


class TestAtCursor:
    def test_on_an_ask(self) -> None:
        readout = at_cursor(BIDS, ASKS, 1003)
        assert readout is not None
        assert (readout.side, readout.size, readout.cumulative) == (Side.SELL, 40, 50)
        assert readout.notional == 10 * 1002 + 40 * 1003
        assert readout.distance_bps == pytest.approx(2 / 1001 * 10_000)
        assert readout.sweep == sweep_cost(ASKS, 50, 2002, Side.BUY)

    def test_between_levels_counts_those_before(self) -> None:
        readout = at_cursor(BIDS, ASKS, 998)
        assert readout is not None
        assert (readout.side, readout.size, readout.cumulative) == (Side.BUY, 0, 50)
        assert readout.distance_bps == pytest.approx(-3 / 1001 * 10_000)
        assert readout.sweep is not None
        assert (readout.sweep.worst, readout.sweep.levels) == (999, 2)

    def test_inside_the_spread(self) -> None:
        readout = at_cursor(BIDS, ASKS, 1001)
        assert readout is not None
        assert (readout.side, readout.cumulative, readout.sweep, readout.distance_bps) == (None, 0, None, 0.0)

    def test_beyond_the_book(self) -> None:
        readout = at_cursor(BIDS, ASKS, 5000)
        assert readout is not None
        assert (readout.size, readout.cumulative) == (0, 100)

    def test_beyond_the_depth_it_is_the_least_there_is(self) -> None:
        last = ASKS[-1][0]
        depth = len(ASKS)
        there, beyond = at_cursor(BIDS, ASKS, last, depth), at_cursor(BIDS, ASKS, last + 1, depth)
        assert there is not None
        assert (there.known_to, there.cumulative) == (None, 100)
        assert there.sweep is not None
        assert beyond is not None
        assert (beyond.known_to, beyond.cumulative, beyond.sweep) == (last, 100, None)
        complete = at_cursor(BIDS, ASKS, last + 1, depth + 1)
        assert complete is not None
        assert complete.known_to is None
        below = at_cursor(BIDS, ASKS, BIDS[-1][0] - 1, len(BIDS))
        assert below is not None
        assert below.known_to == BIDS[-1][0]

    def test_empty_side(self) -> None:
        assert at_cursor((), ASKS, 1000) is None


def test_small_formulas() -> None:
    assert vwap([(100, 1), (200, 3)]) == 175.0
    assert bps(1, 20_000) == 1.0


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 9)), max_size=6), st.integers(0, 1500))
def test_the_lots_for_a_worth_are_the_most_that_cost_no_more(levels: Levels, worth: int) -> None:
    single = [ticks for ticks, lots in levels for _ in range(lots)]
    bought = 0
    while bought < len(single) and sum(single[: bought + 1]) <= worth:
        bought += 1
    spent = sum(single[:bought])
    assert lots_for(levels, worth) == (bought, bought < len(single) or spent == worth)


@given(books(), st.integers(1, 10**15))
def test_what_a_sweep_costs_is_exact(book: tuple[Levels, Levels], lots: int) -> None:
    bids, asks = book
    cost = sweep_cost(asks, lots, bids[0][0] + asks[0][0], Side.BUY)
    assert cost is not None
    left, worth = lots, 0
    for ticks, resting in asks:
        worth += ticks * min(left, resting)
        left -= min(left, resting)
    assert (cost.turnover, cost.filled) == (worth, lots - left)


def test_a_fee_in_decimals_is_exact() -> None:
    assert fee_of(46_889_850_000_000, Decimal("0.4")) == 187_559_400_000
    assert fee_of(1, Decimal("0.4")) == 1
