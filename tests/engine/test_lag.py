"""The lag of the engine's rounds, to the nanosecond."""

from __future__ import annotations

import pytest

from kraken_tui.engine.lag import LoopLag
from kraken_tui.units import SECOND


def worst(*rounds: tuple[int, int]) -> list[int]:
    """The worst lag after each of (beginning, planned time to the next)."""
    lag, found = LoopLag(), []
    assert lag.worst_ns == 0
    for at, period in rounds:
        lag.begin(at, period)
        found.append(lag.worst_ns)
    return found


@pytest.mark.parametrize(
    ("rounds", "found"),
    [
        (((5, 10),), [0]),
        (((0, 10), (9, 10), (19, 10), (30, 10)), [0, 0, 0, 1]),
        (((0, 10), (13, 10), (25, 10), (35, 10)), [0, 3, 3, 3]),
        (((0, 10), (13, 10), (26, 10)), [0, 3, 3]),
        (((0, 10), (12, 10), (27, 10)), [0, 2, 5]),
        # A period that changes counts from the round that planned it.
        (((0, 100), (100, 5), (106, 5)), [0, 0, 1]),
    ],
)
def test_only_what_comes_late_is_a_lag(rounds: tuple[tuple[int, int], ...], found: list[int]) -> None:
    assert worst(*rounds) == found


def test_a_lag_is_forgotten_ten_seconds_after_it_was_seen() -> None:
    """And then the worst of those after it counts."""
    late, window = 50, 10 * SECOND
    first = SECOND + late
    rounds = [(0, SECOND), (first, SECOND), (2 * SECOND + late + 20, window)]
    # The one at `first` is still within the window at its very end, and not a nanosecond later.
    assert worst(*rounds, (first + window, 1)) == [0, 50, 50, 50]
    assert worst(*rounds, (first + window + 1, 1)) == [0, 50, 50, 20]


def test_of_equal_lags_the_later_counts() -> None:
    window = 10 * SECOND
    rounds = [(0, 10), (15, 10), (30, window), (25 + window, 1), (26 + window, 1)]
    assert worst(*rounds) == [0, 5, 5, 5, 5]
