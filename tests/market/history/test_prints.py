"""Trades in columns, and the delta that runs along."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.market.events import Side
from kraken_tui.market.history.prints import TradeGrid
from kraken_tui.market.history.trades import TradeHistory
from tests.market.history.test_pulls import trade

heard = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 40), st.integers(1, 50), st.sampled_from(list(Side))), max_size=60
)


@given(run=heard, stops=st.lists(st.integers(0, 300), max_size=4))
def test_columns_hold_every_trade_once(run: list[tuple[int, int, int, Side]], stops: list[int]) -> None:
    history, now = TradeHistory(10**18, 10_000), 1_000
    times = []
    for number, (passed, price, lots, side) in enumerate(run):
        now += passed
        new = [trade(number, price, lots, side)]
        history.add(now, new, new)
        times.append(now)
    grid = TradeGrid(history, 10, 7)
    for stop in sorted(stops):
        grid.advance(1_000 + stop)
    grid.advance(now)
    columns = grid.columns(0, now // 7)
    assert sum(column.bought + column.sold for column in columns.values()) == sum(lots for _, _, lots, _ in run)
    cvd = 0
    for at, (_, _, lots, side) in zip(times, run, strict=True):
        cvd += lots if side is Side.BUY else -lots
        assert (
            columns[at // 7].before + sum(bought - sold for bought, sold in columns[at // 7].at.values())
            == columns[at // 7].cvd
        )
    assert grid.cvd_before(now // 7 + 1) == cvd


def test_bought_and_sold_stand_where_the_book_had_them() -> None:
    history = TradeHistory(10**18, 100)
    new = [trade(1, 101, 5, Side.BUY), trade(2, 99, 3, Side.SELL)]
    history.add(50, new, new)
    grid = TradeGrid(history, 10, 7)
    grid.advance(50)
    assert grid.columns(7, 7)[7].at == {11: (5, 0), 9: (0, 3)}
