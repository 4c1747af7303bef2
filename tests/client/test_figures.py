"""The figures of a desk against a slow reference in exact fractions."""

from __future__ import annotations

import itertools
import math
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui import Book, BookLine, BookState, ConfigurationError, Proof, Side, Signal
from kraken_tui.client.figures import session_profile, trades_at_price_of
from kraken_tui.client.values import spec_of
from kraken_tui.engine import events as engine
from kraken_tui.market.events import BookChanged, Level, Trade
from kraken_tui.market.views import TradedAt
from kraken_tui.wire.symbols import PairSpec

SPEC = PairSpec("A/USD", "A", "USD", price_precision=1, qty_precision=3, increment=1)
COARSE = PairSpec("B/USD", "B", "USD", price_precision=2, qty_precision=0, increment=25)


def book(bids: list[Level], asks: list[Level], *, spec: PairSpec = SPEC, depth: int = 10, proven: bool = True) -> Book:
    proof = Proof.VERIFIED if proven else Proof.CHECKING
    return Book(
        spec.symbol,
        spec_of(spec),
        tuple(bids),
        tuple(asks),
        depth,
        BookState.LIVE,
        proof,
        "",
        False,
        None,
        None,
        None,
        7,
    )


@st.composite
def books(draw: st.DrawFn, spec: PairSpec = SPEC) -> Book:
    step = spec.increment
    mid = draw(st.integers(40, 200))
    below = sorted(draw(st.sets(st.integers(1, mid), min_size=1, max_size=10)), reverse=True)
    above = sorted(draw(st.sets(st.integers(mid + 1, mid + 150), min_size=1, max_size=10)))
    lots = st.integers(1, 25)
    return book(
        [(price * step, draw(lots)) for price in below], [(price * step, draw(lots)) for price in above], spec=spec
    )


def exactly(value: Decimal | None) -> Fraction:
    assert value is not None
    return Fraction(value)


def near(value: Decimal | None, expected: Fraction) -> bool:
    return abs(exactly(value) - expected) <= abs(expected) * Fraction(1, 10**12) + Fraction(1, 10**15)


def levels_of(side: tuple[Any, ...]) -> list[tuple[Fraction, Fraction]]:
    return [(Fraction(quote.price), Fraction(quote.qty)) for quote in side]


@given(books(), st.integers(1, 10))
def test_a_ladder_tells_sums_shares_and_distances(held: Book, count: int) -> None:
    ladder = held.ladder(count)
    mid = (Fraction(held.bids[0].price) + Fraction(held.asks[0].price)) / 2
    assert exactly(ladder.mid) == mid
    assert exactly(ladder.spread) == Fraction(held.asks[0].price) - Fraction(held.bids[0].price)
    assert near(ladder.spread_bps, 10_000 * exactly(ladder.spread) / mid)
    assert (ladder.best_bid, ladder.best_ask) == (held.bids[0].price, held.asks[0].price)
    for side, quotes, rows in ((Side.BUY, held.bids, ladder.bids), (Side.SELL, held.asks, ladder.asks)):
        levels = levels_of(quotes)[:count]
        total = sum(qty for _, qty in levels)
        assert [(row.side, row.level, row.price) for row in rows] == [
            (side, number, quote.price) for number, quote in enumerate(quotes[:count], 1)
        ]
        for number, row in enumerate(rows, 1):
            within = levels[:number]
            assert exactly(row.cumulative) == sum(qty for _, qty in within)
            assert exactly(row.notional) == within[-1][0] * within[-1][1]
            assert exactly(row.cumulative_notional) == sum(price * qty for price, qty in within)
            assert near(row.share, within[-1][1] / total)
            assert near(row.cumulative_share, sum(qty for _, qty in within) / total)
            assert exactly(row.distance) == within[-1][0] - mid
            assert near(row.distance_bps, 10_000 * (within[-1][0] - mid) / mid)
    prices = [row.price for row in ladder.rows]
    assert prices == sorted(prices, reverse=True)
    assert (ladder.bids_known_to is None) == (len(held.bids) < count)
    assert (ladder.asks_known_to is None) == (len(held.asks) < count)


@given(books(), books(COARSE), st.integers(1, 40))
def test_aggregation_rounds_away_from_the_touch_and_loses_nothing(fine: Book, coarse: Book, multiple: int) -> None:
    for held in (fine, coarse):
        step = held.spec.price_increment * multiple
        found = held.aggregate(step)
        expected: dict[Fraction, list[Fraction]] = {}
        for price, qty in levels_of(held.bids):
            expected.setdefault(math.floor(price / Fraction(step)) * Fraction(step), [Fraction(0)] * 2)[0] += qty
        for price, qty in levels_of(held.asks):
            expected.setdefault(math.ceil(price / Fraction(step)) * Fraction(step), [Fraction(0)] * 2)[1] += qty
        assert [Fraction(row.price) for row in found.rows] == sorted(expected, reverse=True)
        bid_edge = min(Fraction(quote.price) for quote in held.bids) if len(held.bids) == held.depth else None
        ask_edge = max(Fraction(quote.price) for quote in held.asks) if len(held.asks) == held.depth else None
        for row in found.rows:
            price = Fraction(row.price)
            bid, ask = expected[price]
            if bid_edge is not None and price < math.floor(bid_edge / Fraction(step)) * Fraction(step):
                assert row.bid is row.bid_cumulative is None
            else:
                assert exactly(row.bid) == bid
                assert exactly(row.bid_cumulative) == sum(b for p, (b, _) in expected.items() if p >= price)
            if ask_edge is not None and price > math.ceil(ask_edge / Fraction(step)) * Fraction(step):
                assert row.ask is row.ask_cumulative is None
            else:
                assert exactly(row.ask) == ask
                assert exactly(row.ask_cumulative) == sum(a for p, (_, a) in expected.items() if p <= price)
            assert row.bid_partial == (bid_edge is not None and price < bid_edge < price + Fraction(step))
            assert row.ask_partial == (ask_edge is not None and price - Fraction(step) < ask_edge < price)
        assert sum(row.bid_levels for row in found.rows) == len(held.bids)
        assert sum(row.ask_levels for row in found.rows) == len(held.asks)


@given(books(), st.integers(1, 40), st.integers(1, 30))
def test_so_many_rows_are_every_step_around_the_touch(held: Book, multiple: int, count: int) -> None:
    step = held.spec.price_increment * multiple
    rows = held.aggregate(step, count).rows
    assert len(rows) == count
    assert all(above.price - below.price == step for above, below in itertools.pairwise(rows))
    known = {row.price: row for row in held.aggregate(step).rows}
    assert all(row == known[row.price] for row in rows if row.price in known)


@given(books(), st.integers(1, 10))
def test_imbalance_pressure_and_averages_are_over_the_levels_that_are_named(held: Book, count: int) -> None:
    bids, asks = levels_of(held.bids)[:count], levels_of(held.asks)[:count]
    bid, ask = sum(qty for _, qty in bids), sum(qty for _, qty in asks)
    assert near(held.imbalance(count), Fraction(bid - ask) / (bid + ask))
    mid = (bids[0][0] + asks[0][0]) / 2
    # Weights fall to half a tick beyond the farthest level.
    reach = max(abs(price - mid) for price, _ in (*bids, *asks)) + Fraction(1, 20)
    pushed = [sum((reach - abs(price - mid)) * qty for price, qty in side) for side in (bids, asks)]
    pressure = held.pressure(count)
    assert pressure is not None
    expected = Fraction(pushed[0] - pushed[1]) / Fraction(pushed[0] + pushed[1])
    assert near(pressure.value, expected)
    word = Signal.NEUTRAL
    for least, buy, sell in ((0.2, Signal.BUY, Signal.SELL), (0.5, Signal.STRONG_BUY, Signal.STRONG_SELL)):
        if abs(pressure.value) >= Decimal(str(least)):
            word = buy if pressure.value > 0 else sell
    assert (pressure.levels, pressure.signal) == (count, word)
    figures = held.metrics_over(count)
    assert figures is not None
    assert (figures.levels, exactly(figures.bid_volume), exactly(figures.ask_volume)) == (count, bid, ask)
    assert near(figures.bid_vwap, sum(price * qty for price, qty in bids) / bid)
    assert near(figures.ask_vwap, sum(price * qty for price, qty in asks) / ask)


def single_lots(levels: tuple[Level, ...]) -> list[int]:
    """Price of every single lot of a side, in the order in which it is taken."""
    return [ticks for ticks, lots in levels for _ in range(lots)]


@given(books(), st.sampled_from(Side), st.integers(1, 300))
def test_a_sweep_by_size_takes_lot_after_lot(held: Book, side: Side, lots: int) -> None:
    taken = single_lots(held.ask_ticks_lots if side is Side.BUY else held.bid_ticks_lots)
    cost = held.sweep(side, size=held.spec.quantity(lots))
    assert cost is not None
    paid = taken[:lots]
    worth = sum(paid)
    mid = Fraction(held.bid_ticks_lots[0][0] + held.ask_ticks_lots[0][0], 2)
    assert cost.filled == held.spec.quantity(len(paid))
    assert exactly(cost.value) == Fraction(worth, 10**4)
    assert near(cost.average, Fraction(worth, len(paid) * 10))
    assert cost.worst == held.spec.price(paid[-1])
    away = (Fraction(worth, len(paid)) - mid) * (1 if side is Side.BUY else -1)
    assert near(cost.slippage_bps, 10_000 * away / mid)
    assert cost.levels == len(set(paid))
    assert cost.complete == (lots <= len(taken))
    full = len(held.asks if side is Side.BUY else held.bids) == held.depth
    assert cost.more_beyond == (not cost.complete and full)


@given(books(), st.sampled_from(Side), st.integers(300, 60_000))
def test_a_sweep_by_notional_takes_the_most_lots_that_cost_no_more(held: Book, side: Side, worth: int) -> None:
    taken = single_lots(held.ask_ticks_lots if side is Side.BUY else held.bid_ticks_lots)
    sums = [sum(taken[:count]) for count in range(len(taken) + 1)]
    most = max(count for count, total in enumerate(sums) if total <= worth)
    cost = held.sweep(side.value, notional=f"{Decimal(worth).scaleb(-4):f}") if most else None
    if cost is None:
        with pytest.raises(ConfigurationError, match="smallest quantity"):
            held.sweep(side, notional=f"{Decimal(worth).scaleb(-4):f}")
        return
    assert cost.filled == held.spec.quantity(most)
    assert exactly(cost.value) == Fraction(sums[most], 10**4)
    assert (cost.size, cost.notional) == (None, Decimal(worth).scaleb(-4))
    assert cost.complete == (most < len(taken) or sums[most] == worth)


def test_a_fee_is_exact_and_rounded_up() -> None:
    held = book([(90, 5)], [(100, 5), (101, 5)])
    cost = held.sweep("buy", size="0.005", fee_pct="0.4")
    assert cost is not None
    assert (cost.value, cost.fee) == (Decimal("0.0500"), Decimal("0.0002"))
    cost = held.sweep("buy", size="0.006", fee_pct="0.26")
    assert cost is not None
    assert (cost.value, cost.fee) == (Decimal("0.0601"), Decimal("0.0002"))
    assert held.sweep("sell", size="0.001").fee is None  # type: ignore[union-attr]


@given(books(), st.integers(1, 25))
def test_large_orders_are_those_of_the_threshold_or_more(held: Book, lots: int) -> None:
    found = held.large_orders(held.spec.quantity(lots))
    expected = sorted(
        (quote.lots, side, quote.price)
        for side, quotes in (("buy", held.bids), ("sell", held.asks))
        for quote in quotes
        if quote.lots >= lots
    )
    assert sorted((int(row.qty * 1000), row.side.value, row.price) for row in found.rows) == expected
    assert [row.qty for row in found.rows] == sorted((row.qty for row in found.rows), reverse=True)
    assert all(Fraction(row.notional) == Fraction(row.price) * Fraction(row.qty) for row in found.rows)
    # A book alone has no tracker.
    assert (held.large_orders().threshold, held.large_orders().rows) == (None, ())


TRADES = st.lists(
    st.tuples(st.integers(1, 60), st.integers(1, 9), st.sampled_from(Side)), min_size=1, max_size=40
)  # (ticks, lots, taker)


@given(TRADES, st.integers(1, 12))
def test_trades_fall_into_the_step_that_held_their_liquidity(trades: list[tuple[int, int, Side]], step: int) -> None:
    traded: dict[int, list[int]] = {}
    tape: list[Trade] = []
    expected: dict[int, list[Any]] = {}
    for number, (ticks, lots, side) in enumerate(trades):
        counts = traded.setdefault(ticks, [0, 0, 0])
        counts[0] += 1
        counts[1 if side is Side.BUY else 2] += lots
        tape.insert(0, Trade("A/USD", side, ticks, lots, "market", number, "t", number, live=True))
        bucket = step * (math.ceil(ticks / step) if side is Side.BUY else math.floor(ticks / step))
        sums = expected.setdefault(bucket, [0, 0, None])
        sums[0 if side is Side.BUY else 1] += lots
        sums[2] = (number, side, lots)
    at = {ticks: TradedAt(*counts) for ticks, counts in traded.items()}
    found = trades_at_price_of("A/USD", 5, SPEC, at, tape, f"{Decimal(step).scaleb(-1):f}")
    assert [int(row.price * 10) for row in found.rows] == sorted(expected, reverse=True)
    for row in found.rows:
        bought, sold, last = expected[int(row.price * 10)]
        assert (int(row.bought * 1000), int(row.sold * 1000)) == (bought, sold)
        assert (row.volume, row.delta) == (row.bought + row.sold, row.bought - row.sold)
        assert (row.last_ns, row.last_side, row.last_qty) == (last[0], last[1], SPEC_QUANTITY(last[2]))
        assert near(row.average, Fraction(row.volume) / row.count)
    if step == 1:
        assert {int(row.price * 10): row.count for row in found.rows} == {t: c[0] for t, c in traded.items()}
    profile = session_profile("A/USD", 5, SPEC, at, f"{Decimal(step).scaleb(-1):f}")
    volumes = {row.price: row.volume for row in profile.rows}
    assert volumes == {row.price: row.volume for row in found.rows}
    assert profile.total == sum(volumes.values())
    assert volumes[profile.poc] == max(volumes.values())  # type: ignore[index]
    inside = sum(row.volume for row in profile.rows if row.in_value_area)
    assert inside * 10 >= profile.total * 7
    assert [row.price for row in profile.rows if row.in_value_area] == [
        price
        for price in volumes
        if profile.val <= price <= profile.vah  # type: ignore[operator]
    ]


SPEC_QUANTITY = spec_of(SPEC).quantity


def test_a_profile_of_nothing_has_no_point_of_control() -> None:
    profile = session_profile("A/USD", 5, SPEC, {}, None)
    assert (profile.rows, profile.poc, profile.val, profile.vah, profile.total) == ((), None, None, None, 0)


# -- what is not known ------------------------------------------------------------------------------------------------


def test_of_a_book_that_is_not_proven_there_are_levels_and_no_figures() -> None:
    held = book([(90, 5)], [(100, 5)], proven=False)
    assert not held.ladder().verified
    assert held.ladder().rows
    assert not held.aggregate("0.1").verified
    assert held.aggregate("0.1").rows
    assert not held.large_orders("0.001").verified
    assert held.imbalance() is held.pressure() is held.metrics_over() is None
    assert held.sweep("buy", size=1) is None


def test_an_empty_side_has_no_mid_and_no_figures() -> None:
    held = book([], [(100, 5)])
    ladder = held.ladder()
    assert (ladder.mid, ladder.spread, ladder.spread_bps, ladder.best_bid) == (None, None, None, None)
    assert (ladder.asks[0].distance, ladder.asks[0].distance_bps) == (None, None)
    assert held.imbalance() is held.pressure() is held.metrics_over() is None
    assert held.sweep("buy", size=1) is None
    assert len(held.aggregate("0.1", 5).rows) == 5
    assert book([], []).aggregate("0.1", 5).rows == book([], []).ladder().rows == ()


def test_beyond_the_subscribed_depth_nothing_is_known() -> None:
    held = book([(100 - n, 1) for n in range(10)], [(101 + n, 1) for n in range(3)])
    rows = {int(row.price): row for row in held.aggregate(1, 9).rows}
    # The tenth bid stands at 9.1: of the step at 9.0 more may lie beyond.
    assert (rows[9].bid, rows[9].bid_partial, rows[9].bid_levels) == (Decimal("0.009"), True, 9)
    assert rows[8].bid is rows[8].bid_cumulative is None
    # The asks are all there are.
    assert (rows[14].ask, rows[14].ask_cumulative, rows[14].ask_partial) == (0, Decimal("0.003"), False)


def test_a_book_line_tells_what_its_own_levels_tell() -> None:
    changed = BookChanged("A/USD", "update", True, 1, None, None, 0)
    sides = ((tuple((100 - n, n + 1) for n in range(10))), (tuple((101 + n, 1) for n in range(10))))
    line = BookLine(engine.BookLine(changed, *sides, SPEC, 100, 10))
    assert line.imbalance(10) == Decimal(repr(45 / 65))
    with pytest.raises(ConfigurationError, match=r"imbalance takes levels from 1 to 10, .* greater depth"):
        line.imbalance(25)
    cost = line.sweep("buy", size="1")
    assert cost is not None
    assert (cost.complete, cost.more_beyond) == (False, True)


@pytest.mark.parametrize("levels", [0, 11, -1, 1.0, "3", True])
def test_levels_that_cannot_be_are_refused(levels: Any) -> None:
    held = book([(90, 5)], [(100, 5)])
    for call in (held.ladder, held.imbalance, held.pressure, held.metrics_over):
        with pytest.raises(ConfigurationError, match="takes levels from 1 to 10"):
            call(levels)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (0.5, "as Decimal, int or text, not float"),
        (True, "not bool"),
        (None, None),
        ("0.05", "multiple of 0.1, not 0.05"),
        (0, "multiple of 0.1, not 0"),
        ("-1", "multiple of 0.1, not -1"),
        ("abc", "a plain number"),
        ("NaN", "a plain number"),
        ("1e999999", "a plain number"),
        (Decimal("1e2"), None),
    ],
)
def test_a_step_is_an_exact_multiple_of_the_increment(step: Any, said: str | None) -> None:
    held = book([(90, 5)], [(100, 5)])
    if said is None:
        assert held.aggregate(step).rows
        return
    with pytest.raises(ConfigurationError, match=said):
        held.aggregate(step)


def test_what_cannot_be_swept_is_refused() -> None:
    held = book([(90, 5)], [(100, 5)])
    for arguments, said in (
        ({}, "a size or a notional"),
        ({"size": 1, "notional": 1}, "a size or a notional"),
        ({"size": 0}, "more than 0"),
        ({"size": "0.0001"}, "at most 3 decimals"),
        ({"size": 1.5}, "not float"),
        ({"size": 1, "fee_pct": 101}, "from 0 to 100"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            held.sweep("buy", **arguments)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match='"buy" or "sell"'):
        held.sweep("long", size=1)


def test_the_programs_decimal_context_changes_nothing() -> None:
    held = book([(123_456_789, 5)], [(123_456_790, 987_654_321)])
    with localcontext() as context:
        context.prec = 3
        row = held.ladder().asks[0]
        assert f"{row.notional:f}".replace(".", "") == str(123_456_790 * 987_654_321)
        assert f"{row.qty:f}" == "987654.321"
        assert held.sweep("buy", size="12345.678") is not None


def test_records_are_the_rows_by_column() -> None:
    held = book([(90, 5)], [(100, 5)])
    for table in (held.ladder(), held.aggregate("0.1"), held.large_orders("0.001")):
        records = table.records()
        assert [tuple(record.values()) for record in records] == [
            tuple(getattr(row, name) for name in row.__struct_fields__) for row in table.rows
        ]
        assert all(record["price"] in (Decimal(9), Decimal(10)) for record in records)
