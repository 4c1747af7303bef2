"""A moment of a recording as a user writes it."""

from __future__ import annotations

import pytest

from kraken_tui.settings.moment import read_moment
from kraken_tui.units import SECOND

DAY = 86_400 * SECOND
BEGIN = 20_000 * DAY + 23 * 3600 * SECOND + SECOND // 2  # 23:00:00.5
END = BEGIN + 3 * 3600 * SECOND


@pytest.mark.parametrize(
    ("text", "after_begin"),
    [
        ("+90", 90 * SECOND),
        ("+10830", 10_800 * SECOND),
        ("+0.25", SECOND // 4),
        ("23:00:01", SECOND // 2),
        ("23:00:00", 0),
        ("23:30", 1800 * SECOND - SECOND // 2),
        ("00:30:00.5", 5400 * SECOND),
        ("0:30:00.000000001", 5400 * SECOND - SECOND // 2 + 1),
        ("2024-10-05T00:00:00Z", 3600 * SECOND - SECOND // 2),
        ("2024-10-05T02:00:00+02:00", 3600 * SECOND - SECOND // 2),
        ("2024-10-05 00:00:00", 3600 * SECOND - SECOND // 2),
        ("2024-10-05T01:23:45.25Z", (2 * 3600 + 23 * 60 + 44) * SECOND + 3 * SECOND // 4),
        (" 23:00:01 ", SECOND // 2),
        ("+10860", 10_800 * SECOND),
        ("22:59:59.500000001", 0),
    ],
)
def test_within(text: str, after_begin: int) -> None:
    moment = read_moment(text)
    assert moment is not None
    assert moment.within(BEGIN, END) == BEGIN + after_begin


@pytest.mark.parametrize(
    "text",
    [
        "+10861",
        "+10860.000000001",
        "22:59:58",
        "22:59:59.5",
        "2024-10-04T22:59:59.5Z",
        "03:00:00",
        "2024-10-04T22:00:00Z",
        "2030-01-01T00:00:00Z",
    ],
)
def test_outside(text: str) -> None:
    moment = read_moment(text)
    assert moment is not None
    assert moment.within(BEGIN, END) is None


@pytest.mark.parametrize("text", ["", "now", "25:00:00", "12:60", "-5", "+", "2024-13-01T00:00:00Z", "12", "+1e9"])
def test_no_moment(text: str) -> None:
    assert read_moment(text) is None


def test_a_time_of_day_just_before_the_beginning_is_of_the_next_day() -> None:
    moment = read_moment("22:59:59.5")
    assert moment is not None
    assert moment.within(BEGIN, None) == BEGIN - SECOND + DAY


def test_nothing_lies_before_the_epoch() -> None:
    first = read_moment("1970-01-01T00:00:00Z")
    assert first is not None
    assert first.epoch_ns == 0
    assert read_moment("1969-12-31T23:59:59Z") is None
