"""Candles against a naive recomputation, and every order in which trades and statements can arrive."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kraken_tui.market.candles import MAX_CANDLES, CandleAggregator
from kraken_tui.market.events import Candle, Side, Trade
from kraken_tui.settings import INTERVALS
from kraken_tui.wire.symbols import PairSpec

SPEC = PairSpec("BTC/USD", "BTC", "USD", 1, 8)
SECOND = 1_000_000_000
DAY = 1_700_006_400  # midnight UTC


def trade(trade_id: int, second: float, price: int = 100, qty: int = 10, *, live: bool = True) -> Trade:
    ns = DAY * SECOND + round(second * SECOND)
    return Trade("BTC/USD", Side.BUY, price, qty, "limit", trade_id, "", ns, live)


def naive(trades: list[Trade], interval: int) -> list[Candle]:
    """Candles of some trades in the order given, grouped from scratch."""
    groups: dict[int, list[Trade]] = {}
    for each in trades:
        groups.setdefault(each.venue_ns // (interval * 60 * SECOND) * interval * 60, []).append(each)
    return [
        Candle(
            begin_s,
            interval,
            group[0].price,
            max(each.price for each in group),
            min(each.price for each in group),
            group[-1].price,
            sum(each.qty for each in group),
            sum(each.price * each.qty for each in group),
            len(group),
        )
        for begin_s, group in sorted(groups.items())
    ]


def same(candle: Candle | None) -> Candle | None:
    return None if candle is None else replace(candle, closed=False)


STREAM = st.lists(
    st.tuples(st.integers(0, 4000), st.integers(1, 500), st.integers(1, 10**12)), min_size=1, max_size=60
).map(lambda rows: [trade(1 + i, s / 10, p, q) for i, (s, p, q) in enumerate(sorted(rows, key=lambda row: row[0]))])


@given(STREAM)
def test_all_intervals_against_naive(trades: list[Trade]) -> None:
    aggregator = CandleAggregator("BTC/USD")
    for each in trades:
        aggregator.on_trade(each)
    now_ns = trades[-1].venue_ns
    for interval in INTERVALS:
        expected = naive(trades, interval)
        shown = aggregator.candles(interval, now_ns)
        assert [same(candle) for candle in shown if candle.trades] == expected
        assert same(aggregator.newest(interval)) == expected[-1]
        begins = [candle.begin_s for candle in shown]
        assert begins == list(range(begins[0], begins[-1] + 1, interval * 60))
        for before, candle in itertools.pairwise(shown):
            assert before.closed
            if not candle.trades:
                assert {candle.open, candle.high, candle.low, candle.close} == {before.close}
                assert candle.volume == candle.turnover == 0


@given(STREAM, st.data())
def test_channel_and_trades_in_any_order_never_count_twice(trades: list[Trade], data: st.DataObject) -> None:
    """Statements run ahead of or behind the trades they contain; the truth is always the longer of the two."""
    aggregator = CandleAggregator("BTC/USD", [1])
    # A trade of the interval before, so that the stream is known to be complete.
    aggregator.on_trade(trade(0, -60))
    seen = stated = 0
    while seen < len(trades) or stated < len(trades):
        if stated == len(trades) or (seen < len(trades) and data.draw(st.booleans())):
            aggregator.on_trade(trades[seen])
            seen += 1
        else:
            stated += 1
            aggregator.on_ohlc(1, [naive(trades[:stated], 1)[-1]], snapshot=False)
        newest = same(aggregator.newest(1))
        assert newest == naive(trades[: max(seen, stated)], 1)[-1]
    shown = aggregator.candles(1, trades[-1].venue_ns)
    assert [same(candle) for candle in shown if candle.trades][1:] == naive(trades, 1)


@given(STREAM, st.integers(0, 59), st.data())
def test_joining_within_an_interval_never_counts_twice(trades: list[Trade], join: int, data: st.DataObject) -> None:
    """The stream's first trades were missed: volume waits for the channel and is right whenever it has spoken."""
    join = min(join, len(trades) - 1)
    aggregator = CandleAggregator("BTC/USD", [1440])
    aggregator.on_ohlc(1440, [naive(trades[: join + 1], 1440)[-1]], snapshot=True)
    truth = naive(trades, 1440)[-1]
    seen = stated = join
    while seen < len(trades) or stated < len(trades):
        if stated == len(trades) or (seen < len(trades) and data.draw(st.booleans())):
            aggregator.on_trade(trades[seen])
            seen += 1
        else:
            stated += 1
            aggregator.on_ohlc(1440, [naive(trades[:stated], 1440)[-1]], snapshot=False)
        newest = aggregator.newest(1440)
        assert newest is not None
        assert newest.volume <= truth.volume
        assert newest.volume == naive(trades[: max(stated, join + 1)], 1440)[-1].volume
        assert truth.low <= newest.low <= newest.high <= truth.high
    assert same(aggregator.newest(1440)) == truth


def test_running_candle_equals_the_channels() -> None:
    aggregator = CandleAggregator("BTC/USD", [1])
    stated = Candle(DAY, 1, 100, 120, 90, 110, 55, 6000, 7)
    aggregator.on_ohlc(1, [stated], snapshot=True)
    assert aggregator.newest(1) == stated
    aggregator.on_trade(trade(1, 5, price=130, qty=3))
    assert aggregator.newest(1) == replace(stated, high=130, close=130)
    restated = replace(stated, high=130, close=130, volume=58, turnover=6390, trades=8)
    aggregator.on_ohlc(1, [restated], snapshot=False)
    assert aggregator.newest(1) == restated


def test_seed_then_trades_without_the_channel() -> None:
    aggregator = CandleAggregator("BTC/USD", [60])
    seed = Candle(DAY, 60, 100, 120, 90, 110, 55, 6000, 7)
    aggregator.seed(60, [seed])
    aggregator.on_trade(trade(1, 5, price=130, qty=3))
    assert aggregator.newest(60) == replace(seed, high=130, close=130, volume=58, turnover=6390, trades=8)


def test_trades_before_the_seed_are_in_it_up_to_its_close() -> None:
    aggregator = CandleAggregator("BTC/USD", [60])
    for trade_id, price in ((1, 105), (2, 110), (3, 130)):
        aggregator.on_trade(trade(trade_id, trade_id, price=price, qty=3))
    seed = Candle(DAY, 60, 100, 120, 90, 110, 55, 6000, 7)
    aggregator.seed(60, [seed])
    assert aggregator.newest(60) == replace(seed, high=130, close=130, volume=58, turnover=6390, trades=8)


def test_snapshot_trades_after_the_seed_are_in_it() -> None:
    aggregator = CandleAggregator("BTC/USD", [60])
    seed = Candle(DAY, 60, 100, 120, 90, 110, 55, 6000, 7)
    aggregator.seed(60, [seed])
    for trade_id in range(1, 5):
        aggregator.on_trade(trade(trade_id, trade_id, price=110, live=False))
    assert aggregator.newest(60) == seed


def test_a_seed_the_channel_has_overtaken_changes_nothing() -> None:
    aggregator = CandleAggregator("BTC/USD")
    stated = [Candle(DAY, 1, 100, 100, 100, 100, 10 * count, 1000 * count, count) for count in (9, 10)]
    aggregator.on_ohlc(1, stated[:1], snapshot=True)
    aggregator.on_trade(trade(500, 7))
    aggregator.on_ohlc(1, stated[1:], snapshot=False)
    aggregator.seed(1, stated[:1], as_of_ns=(DAY + 6) * SECOND)
    assert aggregator.newest(1) == stated[1]
    aggregator.seed(1, [replace(stated[1], trades=11, volume=110, turnover=11_000)])
    assert same(aggregator.newest(1)) == replace(stated[1], trades=11, volume=110, turnover=11_000)


def test_a_lagging_trade_is_in_the_seed_by_its_time() -> None:
    aggregator = CandleAggregator("BTC/USD", [60])
    seed = Candle(DAY, 60, 100, 120, 90, 110, 55, 6000, 7)
    aggregator.seed(60, [seed], as_of_ns=(DAY + 10) * SECOND)
    aggregator.on_trade(trade(1, 10, qty=3))
    assert aggregator.newest(60) == seed
    aggregator.on_trade(trade(2, 10.001, price=110, qty=3))
    newest = aggregator.newest(60)
    assert newest is not None
    assert (newest.volume, newest.trades) == (58, 8)


def test_a_gap_in_the_ids_stops_counting_positions() -> None:
    aggregator = CandleAggregator("BTC/USD", [1])
    aggregator.on_trade(trade(1, -30))
    aggregator.on_trade(trade(2, 1))
    aggregator.on_trade(trade(9, 2, qty=5))
    aggregator.on_ohlc(1, [Candle(DAY, 1, 100, 100, 100, 100, 90, 9000, 8)], snapshot=False)
    aggregator.on_trade(trade(10, 3, price=120, qty=1))
    newest = aggregator.newest(1)
    assert newest is not None
    assert (newest.volume, newest.trades, newest.high, newest.close) == (90, 8, 120, 120)


def test_after_the_channel_left_trades_count_again() -> None:
    aggregator = CandleAggregator("BTC/USD", [60])
    seed = Candle(DAY, 60, 100, 120, 90, 110, 55, 6000, 7)
    aggregator.on_ohlc(60, [seed], snapshot=True)
    aggregator.unfollow(60)
    aggregator.on_trade(trade(1, 5, price=110, qty=3))
    newest = aggregator.newest(60)
    assert newest is not None
    assert (newest.volume, newest.trades) == (58, 8)


class TestHoles:
    """What only the exchange's history can fill."""

    def minute(self, number: int, count: int = 3) -> Candle:
        return Candle(DAY + 60 * number, 1, 100, 100, 100, 100, 10 * count, 1000 * count, count)

    def test_a_snapshot_that_reaches_back_closes_the_hole(self) -> None:
        aggregator = CandleAggregator("BTC/USD")
        aggregator.on_ohlc(1, [self.minute(n) for n in range(9)], snapshot=True)
        aggregator.on_trade(trade(1, 9 * 60))
        assert not aggregator.lacks_history(1)
        aggregator.on_trade(trade(90, 14 * 60))
        assert aggregator.lacks_history(1)
        aggregator.on_ohlc(1, [self.minute(14)], snapshot=False)
        assert aggregator.lacks_history(1)
        aggregator.on_ohlc(1, [self.minute(n) for n in range(9, 15)], snapshot=True)
        assert not aggregator.lacks_history(1)
        assert [candle.trades for candle in aggregator.candles(1, (DAY + 14 * 60) * SECOND)] == [3] * 15

    @pytest.mark.parametrize("trades_first", [True, False])
    def test_one_that_does_not_leaves_it_to_the_seed(self, trades_first: bool) -> None:
        aggregator = CandleAggregator("BTC/USD")
        aggregator.on_ohlc(1, [self.minute(n) for n in range(9)], snapshot=True)
        aggregator.on_trade(trade(1, 8 * 60 + 30))
        if trades_first:
            aggregator.on_trade(trade(400, 119 * 60, live=False))
        aggregator.on_ohlc(1, [self.minute(n) for n in range(111, 120)], snapshot=True)
        assert aggregator.lacks_history(1)
        aggregator.seed(1, [self.minute(n) for n in range(120)])
        assert not aggregator.lacks_history(1)
        assert all(candle.trades for candle in aggregator.candles(1, (DAY + 119 * 60) * SECOND))

    def test_a_change_of_precision_makes_no_hole(self) -> None:
        aggregator = CandleAggregator("BTC/USD")
        aggregator.on_ohlc(1, [replace(self.minute(0), open=101, high=101)], snapshot=True)
        aggregator.rescale(SPEC, PairSpec("BTC/USD", "BTC", "USD", 0, 8))
        assert not aggregator.lacks_history(1)

    def test_intervals_of_an_outage_are_left_out_until_they_are_fetched(self) -> None:
        aggregator = CandleAggregator("BTC/USD")
        aggregator.on_ohlc(1, [self.minute(0), self.minute(3)], snapshot=True)
        aggregator.on_ohlc(1, [self.minute(9), self.minute(11)], snapshot=True)
        now_ns = (DAY + 12 * 60) * SECOND
        minutes = [(candle.begin_s - DAY) // 60 for candle in aggregator.candles(1, now_ns)]
        assert minutes == [0, 1, 2, 3, 9, 10, 11, 12]
        aggregator.seed(1, [self.minute(0), self.minute(3), self.minute(9)])
        minutes = [(candle.begin_s - DAY) // 60 for candle in aggregator.candles(1, now_ns)]
        assert minutes == [*range(13)]


class TestLateTrades:
    def test_into_the_newest_candle_although_the_clock_closed_it(self) -> None:
        aggregator = CandleAggregator("BTC/USD", [1])
        aggregator.on_trade(trade(1, 10))
        aggregator.roll((DAY + 60) * SECOND)
        aggregator.drain(1)
        aggregator.on_trade(trade(2, 59.9, price=120, qty=1))
        newest = aggregator.newest(1)
        assert newest == Candle(DAY, 1, 100, 120, 100, 120, 11, 1120, 2, closed=True)
        assert [event.candle for event in aggregator.drain(1)] == [newest]

    def test_moves_no_close(self) -> None:
        aggregator = CandleAggregator("BTC/USD", [1])
        aggregator.on_trade(trade(1, 10))
        aggregator.on_trade(trade(3, 30))
        aggregator.on_trade(trade(2, 20, price=120))
        assert aggregator.newest(1) == Candle(DAY, 1, 100, 120, 100, 100, 30, 3200, 3)

    def test_amends_an_older_own_candle(self) -> None:
        aggregator = CandleAggregator("BTC/USD", [1])
        aggregator.on_trade(trade(1, 10))
        aggregator.on_trade(trade(3, 70))
        aggregator.drain(1)
        aggregator.on_trade(trade(2, 20, price=80, qty=1))
        events = [event.candle for event in aggregator.drain(1)]
        assert events[0] == Candle(DAY, 1, 100, 100, 80, 100, 11, 1080, 2, closed=True)
        assert aggregator.candles(1, (DAY + 70) * SECOND)[0] == events[0]

    def test_leaves_a_stated_candle_alone(self) -> None:
        aggregator = CandleAggregator("BTC/USD", [1])
        stated = Candle(DAY, 1, 100, 120, 90, 110, 55, 6000, 7, closed=True)
        aggregator.seed(1, [stated, Candle(DAY + 60, 1, 110, 110, 110, 110, 0, 0, 0)])
        aggregator.on_trade(trade(2, 20, price=80, qty=1))
        assert aggregator.candles(1, (DAY + 70) * SECOND)[0] == stated


class TestRoll:
    def test_closes_on_the_boundary_and_says_so_once(self) -> None:
        aggregator = CandleAggregator("BTC/USD", [1])
        aggregator.on_trade(trade(1, 59))
        aggregator.roll((DAY + 60) * SECOND - 1)
        assert [event.candle.closed for event in aggregator.drain(1)] == [False]
        aggregator.roll((DAY + 60) * SECOND)
        aggregator.roll((DAY + 61) * SECOND)
        assert [event.candle.closed for event in aggregator.drain(1)] == [True]
        aggregator.on_trade(trade(2, 65))
        assert [(event.candle.begin_s, event.candle.closed) for event in aggregator.drain(1)] == [(DAY + 60, False)]

    def test_flat_candles_run_up_to_now(self) -> None:
        aggregator = CandleAggregator("BTC/USD", [1])
        aggregator.on_trade(trade(1, 0, price=77))
        shown = aggregator.candles(1, (DAY + 150) * SECOND)
        assert [candle.begin_s - DAY for candle in shown] == [0, 60, 120]
        assert [candle.closed for candle in shown[1:]] == [True, False]
        assert all((candle.open, candle.volume) == (77, 0) for candle in shown[1:])

    def test_days_of_silence_stay_bounded(self) -> None:
        aggregator = CandleAggregator("BTC/USD", [1])
        aggregator.on_trade(trade(1, 0, price=77))
        shown = aggregator.candles(1, (DAY + 10**7) * SECOND)
        assert len(shown) == MAX_CANDLES
        assert {candle.close for candle in shown} == {77}

    def test_a_seed_beyond_its_moment_is_left_out(self) -> None:
        aggregator = CandleAggregator("BTC/USD", [1])
        far = Candle(DAY + 100 * 86400, 1, 1, 1, 1, 1, 1, 1, 1)
        aggregator.seed(1, [Candle(DAY, 1, 5, 5, 5, 5, 1, 5, 1), far], as_of_ns=(DAY + 10) * SECOND)
        aggregator.on_trade(trade(2, 15))
        newest = aggregator.newest(1)
        assert newest is not None
        assert (newest.begin_s, newest.close) == (DAY, 100)

    def test_before_the_first_trade(self) -> None:
        aggregator = CandleAggregator("BTC/USD", [1])
        assert aggregator.candles(1, DAY * SECOND) == ()
        assert aggregator.newest(1) is None
        aggregator.roll(DAY * SECOND)
        assert aggregator.drain(1) == []


class TestEvents:
    def test_many_trades_are_one_event(self) -> None:
        aggregator = CandleAggregator("BTC/USD")
        for trade_id in range(1, 50):
            aggregator.on_trade(trade(trade_id, 1))
        events = aggregator.drain(5)
        assert [(event.symbol, event.candle.trades, event.candle.interval) for event in events] == [("BTC/USD", 49, 5)]
        assert aggregator.drain(5) == []

    def test_history_makes_no_closed_events(self) -> None:
        aggregator = CandleAggregator("BTC/USD", [1])
        candles = [Candle(DAY + 60 * i, 1, 1, 1, 1, 1, 1, 1, 1, closed=i < 9) for i in range(10)]
        aggregator.seed(1, candles)
        assert [event.candle for event in aggregator.drain(1)] == candles[-1:]
        aggregator.on_ohlc(1, [Candle(DAY + 600, 1, 2, 2, 2, 2, 2, 4, 1)], snapshot=False)
        assert [(event.candle.begin_s, event.candle.closed) for event in aggregator.drain(1)] == [
            (DAY + 540, True),
            (DAY + 600, False),
        ]

    def test_a_statement_about_an_older_candle_is_told(self) -> None:
        aggregator = CandleAggregator("BTC/USD", [1])
        aggregator.on_trade(trade(1, 10))
        aggregator.on_trade(trade(2, 70))
        aggregator.drain(1)
        stated = Candle(DAY, 1, 100, 105, 95, 100, 30, 3000, 3)
        aggregator.on_ohlc(1, [stated], snapshot=False)
        assert replace(stated, closed=True) in [event.candle for event in aggregator.drain(1)]

    def test_an_earlier_state_of_an_older_candle_is_ignored(self) -> None:
        aggregator = CandleAggregator("BTC/USD", [1])
        for trade_id in (1, 2, 3):
            aggregator.on_trade(trade(trade_id, 10 * trade_id))
        aggregator.on_trade(trade(4, 70))
        aggregator.on_ohlc(1, [Candle(DAY, 1, 100, 100, 100, 100, 10, 1000, 1)], snapshot=False)
        assert aggregator.candles(1, (DAY + 70) * SECOND)[0].trades == 3

    def test_unknown_intervals_and_unaligned_candles_are_ignored(self) -> None:
        aggregator = CandleAggregator("BTC/USD", [5])
        candle = Candle(DAY, 10080, 1, 1, 1, 1, 1, 1, 1)
        aggregator.on_ohlc(10080, [candle], snapshot=True)
        aggregator.seed(10080, [candle])
        aggregator.unfollow(10080)
        aggregator.on_ohlc(5, [replace(candle, begin_s=DAY + 60, interval=5)], snapshot=False)
        assert aggregator.newest(5) is None


def minutes(count: int, first: int = 0) -> list[Candle]:
    """Minute candles with trades, the last one running."""
    return [
        Candle(DAY + at * 60, 1, 100 + at, 110 + at, 90 + at, 105 + at, 10, 1000, 2, at < first + count - 1)
        for at in range(first, first + count)
    ]


def test_an_interval_never_stated_is_joined_from_a_shorter_one_that_was() -> None:
    """A recording holds the candles of one interval; another one chosen in its replay would begin with one bar."""
    aggregator = CandleAggregator("BTC/USD")
    aggregator.on_ohlc(1, minutes(30, first=3), snapshot=True)
    aggregator.on_trade(trade(1, 32 * 60 + 30, price=300))
    now_ns = (DAY + 32 * 60 + 40) * SECOND
    five = aggregator.candles(5, now_ns)
    # The first five minutes began before what is known.
    assert [candle.begin_s - DAY for candle in five] == [300, 600, 900, 1200, 1500, 1800]
    whole = five[0]
    assert (whole.open, whole.high, whole.low, whole.close) == (105, 119, 95, 114)
    assert (whole.volume, whole.turnover, whole.trades, whole.closed) == (50, 5000, 10, True)
    assert (five[-1].high, five[-1].close, five[-1].closed) == (300, 300, False)
    assert aggregator.candles(5, now_ns) is five, "made once a change"
    aggregator.on_trade(trade(2, 32 * 60 + 35, price=400))
    assert aggregator.candles(5, now_ns)[-1].close == 400
    # What the exchange says of the interval itself wins.
    stated = Candle(DAY + 1800, 5, 1, 2, 1, 2, 1, 1, 1)
    aggregator.on_ohlc(5, [stated], snapshot=True)
    assert aggregator.candles(5, now_ns)[0].begin_s == stated.begin_s


def test_trades_that_reach_further_back_than_a_shorter_interval_are_kept() -> None:
    aggregator = CandleAggregator("BTC/USD")
    aggregator.on_trade(trade(1, 0, price=300))
    aggregator.on_ohlc(1, minutes(3, first=20), snapshot=True)
    five = aggregator.candles(5, (DAY + 23 * 60) * SECOND)
    assert five[0].begin_s == DAY


def test_history_is_bounded() -> None:
    aggregator = CandleAggregator("BTC/USD", [1])
    for index in range(MAX_CANDLES + 50):
        aggregator.on_trade(trade(index, 60 * index, price=index + 1))
    shown = aggregator.candles(1, (DAY + 60 * (MAX_CANDLES + 49)) * SECOND)
    assert len(shown) == MAX_CANDLES
    assert shown[-1].close == MAX_CANDLES + 50


class TestRescale:
    def test_finer(self) -> None:
        aggregator = CandleAggregator("BTC/USD", [1])
        aggregator.on_trade(trade(1, 10, price=100, qty=10))
        aggregator.on_trade(trade(2, 70, price=90, qty=10))
        aggregator.rescale(SPEC, replace(SPEC, price_precision=2))
        shown = aggregator.candles(1, (DAY + 70) * SECOND)
        assert [(candle.close, candle.volume, candle.turnover) for candle in shown] == [
            (1000, 10, 10_000),
            (900, 10, 9000),
        ]

    def test_what_does_not_fit_is_rounded(self) -> None:
        aggregator = CandleAggregator("BTC/USD", [1, 5])
        aggregator.on_trade(trade(1, 10, price=105, qty=10))
        aggregator.on_trade(trade(2, 20, price=116, qty=10))
        aggregator.rescale(SPEC, replace(SPEC, price_precision=0))
        candle = aggregator.candles(1, (DAY + 30) * SECOND)[-1]
        assert (candle.open, candle.close, candle.volume, candle.turnover) == (10, 12, 20, 221)


@given(
    STREAM,
    st.integers(0, 60),
    st.integers(0, 60),
    st.sampled_from(INTERVALS),
    st.booleans(),
    st.booleans(),
    st.data(),
)
def test_starting_up_in_any_order(
    trades: list[Trade],
    joined: int,
    kept: int,
    interval: int,
    led: bool,
    seed_first: bool,
    data: st.DataObject,
) -> None:
    """Seed, trade snapshot, channel snapshot and the first live trades, as they race after a connection.

    The seed is asked for after the trades were subscribed, as the engine does. With the channel the newest candle
    ends exactly right; without it, it may lack trades of the race but never has more than there were.
    """
    joined = min(joined, len(trades))
    aggregator = CandleAggregator("BTC/USD")
    snapshot = [replace(each, live=False) for each in trades[max(0, joined - kept) : joined]]
    answered = data.draw(st.integers(joined, len(trades)))
    steps: list[tuple[str, int]] = [("trade", index) for index in range(joined, len(trades))]
    # The answer arrives once the trades it contains have arrived, or later.
    steps.insert(data.draw(st.integers(answered - joined, len(steps))), ("seed", answered))
    if seed_first and answered == joined:
        steps.remove(("seed", answered))
        steps.insert(0, ("seed", answered))
        steps.insert(1, ("snapshot", 0))
    else:
        steps.insert(0, ("snapshot", 0))
    for step, index in steps:
        if step == "snapshot":
            for each in snapshot:
                aggregator.on_trade(each)
        elif step == "trade":
            aggregator.on_trade(trades[index])
            if led:
                aggregator.on_ohlc(interval, [naive(trades[: index + 1], interval)[-1]], snapshot=False)
        elif index:
            aggregator.seed(interval, naive(trades[:index], interval))
        newest = aggregator.newest(interval)
        if newest is not None:
            truth = next(candle for candle in naive(trades, interval) if candle.begin_s == newest.begin_s)
            assert newest.volume <= truth.volume
            assert newest.trades <= truth.trades
            assert truth.low <= newest.low <= newest.high <= truth.high
    if led and joined < len(trades) and steps[-1][0] == "trade":
        assert same(aggregator.newest(interval)) == naive(trades, interval)[-1]
