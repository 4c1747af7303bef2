import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.market.book.aggregation import (
    BookRow,
    Centring,
    aggregate,
    aggregate_traded,
    bucket_of,
    nice_grouping,
    rows,
    step_of,
    visible_range,
)
from kraken_tui.market.events import Side
from kraken_tui.market.views import TradedAt
from kraken_tui.settings import GROUPINGS
from kraken_tui.wire.symbols import PairSpec

LEVELS = st.dictionaries(st.integers(1, 10**6), st.integers(1, 10**15), max_size=60).map(lambda d: sorted(d.items()))
STEP = st.integers(1, 5000)
SIDES = st.sampled_from([Side.BUY, Side.SELL])


def test_bids_floor_asks_ceil() -> None:
    assert aggregate([(109, 1), (100, 2), (99, 4)], 10, Side.BUY) == {10: 3, 9: 4}
    assert aggregate([(110, 1), (111, 2), (120, 4)], 10, Side.SELL) == {11: 1, 12: 6}


def test_a_bucket_can_hold_both_sides() -> None:
    bids, asks = aggregate([(100, 3)], 10, Side.BUY), aggregate([(100, 4)], 10, Side.SELL)
    (row,) = rows(bids, asks, {}, low=10, high=10, step=10)
    assert (row.bid, row.ask) == (3, 4)


@given(LEVELS, STEP, SIDES)
def test_aggregation_conserves_lots_and_never_betters_a_price(
    levels: list[tuple[int, int]], step: int, side: Side
) -> None:
    buckets = aggregate(levels, step, side)
    assert sum(buckets.values()) == sum(lots for _, lots in levels)
    for ticks, _ in levels:
        price = bucket_of(ticks, step, side) * step
        assert abs(price - ticks) < step
        assert price <= ticks if side is Side.BUY else price >= ticks


@given(LEVELS, SIDES)
def test_step_of_one_changes_nothing(levels: list[tuple[int, int]], side: Side) -> None:
    assert aggregate(levels, 1, side) == dict(levels)


def test_rows_every_step_highest_first() -> None:
    bids, asks = {10: 5, 8: 7}, {12: 1, 15: 2}
    traded = {10: TradedAt(3, 0, 9), 12: TradedAt(1, 4, 0)}
    assert rows(bids, asks, traded, low=9, high=13, step=25) == (
        BookRow(13, 325, 0, 0, 0, 0),
        BookRow(12, 300, 0, 1, 4, 0),
        BookRow(11, 275, 0, 0, 0, 0),
        BookRow(10, 250, 5, 0, 0, 9),
        BookRow(9, 225, 0, 0, 0, 0),
    )


def test_cumulative_grows_from_the_touch_even_off_screen() -> None:
    bids, asks = {10: 5, 8: 7}, {12: 1, 15: 2}
    shown = rows(bids, asks, {}, low=7, high=15, step=1, cumulative=True)
    assert [(row.index, row.bid, row.ask) for row in shown] == [
        (15, 0, 3),
        (14, 0, 1),
        (13, 0, 1),
        (12, 0, 1),
        (11, 0, 0),
        (10, 5, 0),
        (9, 5, 0),
        (8, 12, 0),
        (7, 12, 0),
    ]
    below = rows(bids, asks, {}, low=7, high=9, step=1, cumulative=True)
    assert [row.bid for row in below] == [5, 12, 12]
    above = rows(bids, asks, {}, low=13, high=15, step=1, cumulative=True)
    assert [row.ask for row in above] == [3, 1, 1]


@given(LEVELS, LEVELS, st.integers(1, 500), st.integers(-50, 2100), st.integers(0, 60))
def test_cumulative_against_brute_force(
    bids: list[tuple[int, int]], asks: list[tuple[int, int]], step: int, low: int, height: int
) -> None:
    bid_buckets, ask_buckets = aggregate(bids, step, Side.BUY), aggregate(asks, step, Side.SELL)
    shown = rows(bid_buckets, ask_buckets, {}, low=low, high=low + height, step=step, cumulative=True)
    assert [row.index for row in shown] == list(range(low + height, low - 1, -1))
    for row in shown:
        assert row.bid == sum(lots for index, lots in bid_buckets.items() if index >= row.index)
        assert row.ask == sum(lots for index, lots in ask_buckets.items() if index <= row.index)


def test_empty_range() -> None:
    assert rows({1: 1}, {2: 1}, {}, low=5, high=4, step=1, cumulative=True) == ()


TRADED = st.dictionaries(
    st.integers(1, 10**5),
    st.builds(TradedAt, st.integers(1, 9), st.integers(0, 10**9), st.integers(0, 10**9)),
    max_size=40,
)


@given(TRADED, STEP)
def test_traded_volume_is_conserved(traded: dict[int, TradedAt], step: int) -> None:
    buckets = aggregate_traded(traded, step)
    assert sum(at.bought for at in buckets.values()) == sum(at.bought for at in traded.values())
    assert sum(at.sold for at in buckets.values()) == sum(at.sold for at in traded.values())


def test_trades_stand_where_their_liquidity_stood() -> None:
    assert aggregate_traded({103: TradedAt(2, 5, 7)}, 10) == {11: TradedAt(2, 5, 0), 10: TradedAt(2, 0, 7)}
    assert aggregate_traded({100: TradedAt(2, 5, 7)}, 10) == {10: TradedAt(2, 5, 7)}


class TestGrouping:
    def test_step(self) -> None:
        assert step_of(PairSpec("A/B", "A", "B", 4, 8, increment=5), 10) == 50

    @pytest.mark.parametrize(
        ("mid", "increment", "row_count", "grouping"),
        [
            (642_500, 1, 36, 20),  # BTC/USD in cents of ten: 0.1 % are 642 ticks
            (312_051, 1, 36, 10),  # ETH/USD in cents
            (286, 1, 36, 1),  # MINA/GBP
            (642_500, 10, 36, 2),
            (10**9, 1, 10, 1000),
        ],
    )
    def test_worked_examples(self, mid: int, increment: int, row_count: int, grouping: int) -> None:
        spec = PairSpec("A/B", "A", "B", 1, 8, increment=increment)
        assert nice_grouping(spec, mid, row_count) == grouping

    def test_a_wide_book_asks_for_more_within_limits(self) -> None:
        spec = PairSpec("A/B", "A", "B", 1, 8)
        wide = [(500_000 - 30 * index, 1) for index in range(1, 40)]
        assert nice_grouping(spec, 500_000, 40) == 20
        assert nice_grouping(spec, 500_000, 40, bids=wide) == 50
        assert nice_grouping(spec, 500_000, 20, bids=wide) == 50
        junk = [(500_000 - 10_000 * index, 1) for index in range(1, 40)]
        assert nice_grouping(spec, 500_000, 20, bids=junk) == 50

    def test_an_even_step_is_preferred_where_it_is_not_much_coarser(self) -> None:
        spec = PairSpec("A/B", "A", "B", 1, 8)
        # 4.5 and 24 ticks a row: 10 and 50 rather than 5 and 25. 3 ticks: 10 is too coarse.
        assert [nice_grouping(spec, mid, 10) for mid in (45_000, 240_000, 30_000)] == [10, 50, 5]

    @given(st.integers(1, 10**12), st.integers(0, 300), st.integers(1, 10**4), LEVELS)
    def test_always_an_offered_one(
        self, mid: int, row_count: int, increment: int, levels: list[tuple[int, int]]
    ) -> None:
        spec = PairSpec("A/B", "A", "B", 1, 8, increment=increment)
        assert nice_grouping(spec, mid, row_count, levels, levels) in GROUPINGS


class TestCentring:
    def test_visible_range(self) -> None:
        assert visible_range(100, 9) == (96, 104)
        assert visible_range(100, 10) == (96, 105)

    @given(st.integers(-1000, 1000), st.integers(1, 200))
    def test_visible_range_holds_the_centre(self, centre: int, row_count: int) -> None:
        low, high = visible_range(centre, row_count)
        assert high - low + 1 == row_count
        assert high - row_count // 2 == centre

    def test_waits_for_a_touch_then_centres(self) -> None:
        centring = Centring()
        assert centring.on_view(None, None, 20) is None
        assert centring.on_view(100, 102, 20) == 101
        assert centring.on_view(None, None, 20) == 101

    def test_stands_still_inside_the_band(self) -> None:
        centring = Centring("band")
        centring.on_view(100, 100, 20)
        _, high = visible_range(100, 20)
        first, last = centring.band_rows(20)
        assert (first, last) == (5, 14)
        for touch in range(high - last, high - first + 1):
            assert centring.on_view(touch, touch, 20) == 100
        assert centring.on_view(high - first + 1, high - first + 1, 20) == high - first + 1

    def test_leaves_below(self) -> None:
        centring = Centring("band")
        centring.on_view(100, 100, 20)
        assert centring.on_view(94, 96, 20) == 95

    def test_never_moves_under_a_cursor_but_on_request(self) -> None:
        centring = Centring("band")
        centring.on_view(100, 100, 20)
        assert centring.on_view(500, 500, 20, cursor_active=True) == 100
        centring.recentre()
        assert centring.on_view(500, 500, 20, cursor_active=True) == 500

    def test_space_only(self) -> None:
        centring = Centring("space")
        centring.on_view(100, 100, 20)
        assert centring.on_view(500, 500, 20) == 100
        centring.recentre()
        assert centring.on_view(500, 500, 20) == 500
        assert centring.on_view(900, 900, 20) == 500

    def test_never(self) -> None:
        centring = Centring("never")
        centring.on_view(100, 100, 20)
        centring.recentre()
        assert centring.on_view(500, 500, 20) == 100
        centring.reset()
        assert centring.on_view(500, 500, 20) == 500

    def test_a_spread_wider_than_the_band_does_not_make_it_jump(self) -> None:
        centring = Centring("band")
        assert centring.on_view(80, 120, 20) == 100
        for shift in range(-4, 5):
            assert centring.on_view(80 + shift, 120 + shift, 20) == 100

    def test_one_side_empty(self) -> None:
        centring = Centring("band")
        assert centring.on_view(None, 50, 20) == 50
        assert centring.on_view(51, None, 20) == 50

    def test_shift_by_hand(self) -> None:
        centring = Centring("space")
        centring.shift(3)
        assert centring.on_view(100, 100, 20) == 100
        centring.shift(-7)
        assert centring.on_view(100, 100, 20) == 93

    @given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 30)), min_size=1), st.integers(4, 80))
    def test_the_touch_stays_visible(self, touches: list[tuple[int, int]], row_count: int) -> None:
        centring = Centring("band")
        for bid, spread in touches:
            centre = centring.on_view(bid, bid + spread, row_count)
            assert centre is not None
            low, high = visible_range(centre, row_count)
            assert low <= bid + spread // 2 <= high
