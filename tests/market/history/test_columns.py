"""Cells of a heatmap against an integral taken nanosecond by nanosecond."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.market.book.aggregation import aggregate
from kraken_tui.market.events import Side
from kraken_tui.market.history.book import BookHistory
from kraken_tui.market.history.columns import Column, HeatGrid, Weighing
from tests.market.history.test_book import WIDE, Step, play, steps

WIDTH = 5
STEP = 30


def brute_force(history: BookHistory, index: int, weighing: Weighing, until: int) -> dict[int, float]:
    """Lots by bucket, from the book at every nanosecond of the column and every message in it."""
    start, sums, most = index * WIDTH, dict[int, int](), dict[int, int]()
    for ns in range(start, until):
        state = history.at(ns)
        if state is not None:
            cells = aggregate(state.asks, STEP, Side.SELL)
            cells |= {-bucket: lots for bucket, lots in aggregate(state.bids, STEP, Side.BUY).items()}
            for bucket, lots in cells.items():
                sums[bucket] = sums.get(bucket, 0) + lots
                most[bucket] = max(most.get(bucket, 0), lots)
    if weighing is Weighing.GREATEST:
        return dict(most)
    return {bucket: total / (until - start) for bucket, total in sums.items()}


def spaced(run: list[Step]) -> list[Step]:
    """One message a nanosecond at most, so that what a column saw is what its nanoseconds show."""
    return [(kind, max(1, passed), entries) for kind, passed, entries in run]


@given(run=steps, weighing=st.sampled_from(list(Weighing)), depth=st.sampled_from([2, 10]), filled=st.booleans())
def test_cells_are_the_integral(run: list[Step], weighing: Weighing, depth: int, filled: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kraken_tui.market.history.book._LEAST_CHANGES", 4)
        history = BookHistory(WIDE, WIDE)
        play(history, spaced(run), depth)
    grid = HeatGrid(history, STEP, WIDTH, weighing)
    since, until = history.since_ns, history.until_ns
    if since is None or until is None:
        assert grid.advance(10_000) is None
        return
    now = until + 7
    columns: dict[int, Column] = {}
    if filled:
        running = grid.advance(now)
    else:
        for ns in range(since, now + 1, 3):
            grid.advance(ns)
        running = grid.advance(now)
    for _ in grid.fill(grid.index_of(since) - 2, grid.index_of(now)):
        pass
    for index in range(grid.index_of(since) - 2, grid.index_of(now)):
        column = grid.column(index)
        assert column is not None
        columns[index] = column
        assert column.cells == pytest.approx(brute_force(history, index, weighing, (index + 1) * WIDTH))
        assert column.known == (index * WIDTH >= since)
        if column.known:
            moments = [history.at(ns) for ns in range(index * WIDTH, (index + 1) * WIDTH)]
            assert column.proven == all(state is not None and state.proven for state in moments)
            last = moments[-1]
            assert last is not None
            assert column.bid == (last.bids[0][0] if last.bids else None)
            touches = [state.asks[0][0] for state in moments if state is not None and state.asks]
            assert column.asks == ((min(touches), max(touches)) if touches else None)
    assert running is not None
    if now > running.index * WIDTH:
        assert running.cells == pytest.approx(brute_force(history, running.index, weighing, now))


def test_what_was_made_once_stays() -> None:
    history = BookHistory(WIDE, WIDE)
    run: list[Step] = [("update", 3, [(number % 2 == 0, 1 + number % 9, 1 + number % 3)]) for number in range(200)]
    play(history, run, 10)
    until = history.until_ns
    assert until is not None
    grid = HeatGrid(history, STEP, WIDTH)
    grid.advance(until)
    first, last = grid.index_of(until) - 60, grid.index_of(until) - 1
    for _ in grid.fill(first, last):
        pass
    before = [grid.column(index) for index in range(first, last + 1)]
    other = HeatGrid(history, STEP, WIDTH)
    other.advance(until)
    for _ in other.fill(first - 30, last):
        pass
    assert [other.column(index) for index in range(first, last + 1)] == before
    for _ in grid.fill(first - 30, last):
        pass
    assert [grid.column(index) for index in range(first, last + 1)] == before


def test_beyond_the_depth_nothing_is_known() -> None:
    history = BookHistory(WIDE, WIDE)
    play(history, [("snapshot", 0, [(side, at, 1) for side in (True, False) for at in (1, 2)])], 2)
    grid = HeatGrid(history, 10, WIDTH)
    running = grid.advance(1_020)
    assert running is not None
    # Bids at 89 and 88, asks at 101 and 102, of a depth of two.
    assert (running.low, running.high) == (89, 101)
    whole = BookHistory(WIDE, WIDE)
    play(whole, [("snapshot", 0, [(side, at, 1) for side in (True, False) for at in (1, 2)])], 10)
    running = HeatGrid(whole, 10, WIDTH).advance(1_020)
    assert running is not None
    assert (running.low, running.high) == (None, None)
