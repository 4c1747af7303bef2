from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.market.ladder import LadderRow, ladder

LEVELS = st.lists(st.tuples(st.integers(1, 10**9), st.integers(1, 10**15)), max_size=40)


def test_worked_example() -> None:
    assert ladder([(100, 5), (101, 15), (103, 30)]) == (
        LadderRow(100, 5, 5, 10.0, 500, 500),
        LadderRow(101, 15, 20, 40.0, 1515, 2015),
        LadderRow(103, 30, 50, 100.0, 3090, 5105),
    )


def test_empty() -> None:
    assert ladder([]) == ()


@given(LEVELS)
def test_totals(levels: list[tuple[int, int]]) -> None:
    rows = ladder(iter(levels))
    assert [(row.ticks, row.lots) for row in rows] == levels
    for index, row in enumerate(rows):
        assert row.cumulative == sum(lots for _, lots in levels[: index + 1])
        assert row.cumulative_notional == sum(ticks * lots for ticks, lots in levels[: index + 1])
        assert 0 < row.percent <= 100
    percents = [row.percent for row in rows]
    assert percents == sorted(percents)
    assert not rows or rows[-1].percent == 100.0
