"""Amounts of tape and flow events."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.tui.draw.amounts import (
    Amounts,
    compact,
    share_of_bar,
    signed,
    size_amounts,
    tier_of,
    value_amounts,
)
from tests.tui import samples as common

TIERS = (1_000, 10_000, 50_000, 250_000)


@pytest.mark.parametrize(
    ("units", "precision", "text"),
    [
        (0, 2, "0"),
        (1, 2, "0.01"),
        (64_120, 2, "641"),
        (99_949, 2, "999"),
        (99_950, 2, "1K"),
        (125_400, 2, "1.25K"),
        (9_996, 0, "10K"),
        (250_000, 0, "250K"),
        (1_234_567, 0, "1.23M"),
        (999_999_999, 0, "1B"),
        (-66_200, 0, "-66.2K"),
        (123_456, 8, "0.00123"),
        (5 * 10**15, 0, "5000T"),
    ],
)
def test_compact(units: int, precision: int, text: str) -> None:
    assert compact(units, precision) == text


@given(st.integers(1, 10**17), st.integers(0, 12))
def test_compact_is_the_amount_in_three_digits(units: int, precision: int) -> None:
    text = compact(units, precision)
    scale = {"K": 3, "M": 6, "B": 9, "T": 12}.get(text[-1], 0)
    shown = Decimal(text.rstrip("KMBT").replace(",", "")).scaleb(scale)
    exact = Decimal(units).scaleb(-precision)
    assert abs(shown - exact) <= exact / 200


def test_a_sign_is_always_shown() -> None:
    assert [signed(units, 0) for units in (1200, 0, -1200)] == ["+1.2K", "+0", "-1.2K"]


def test_a_column_has_the_same_decimals_in_every_row() -> None:
    column = Amounts(8, 4, 9)
    rows = [column.text(units) for units in (10**8, 123_456_789, 10_000, 999_990_000_000)]
    assert rows == ["   1.0000", "   1.2346", "   0.0001", "      10K"]
    # Not zero, and not empty.
    assert column.text(4_999) == "  <0.0001"
    assert column.text(0) == "   0.0000"


def test_millions_are_written_alike_in_a_narrow_column() -> None:
    assert [Amounts(0, 0, 9).text(units).strip() for units in (999_999, 1_000_000, 12_300_000)] == [
        "999,999",
        "1M",
        "12.3M",
    ]
    assert Amounts(0, 0, 12).text(12_300_000).strip() == "12,300,000"


@pytest.mark.parametrize("symbol", ["BTC/USD", "ETH/BTC", "DOGE/USD", "PEPE/USD"])
@given(units=st.integers(0, 10**22), width=st.sampled_from([7, 8, 9, 12]))
def test_an_amount_is_never_cut(symbol: str, units: int, width: int) -> None:
    view = common.pair(symbol)
    for column in (size_amounts(view, width), value_amounts(view, width)):
        assert len(column.text(units % 10 ** (column.precision + 12))) == width


def test_decimals_suit_the_pair() -> None:
    decimals = {symbol: size_amounts(common.pair(symbol), 9).decimals for symbol in common.SYMBOLS}
    assert decimals == {"BTC/USD": 4, "ETH/BTC": 3, "DOGE/USD": 0, "PEPE/USD": 0}
    values = {symbol: value_amounts(common.pair(symbol), 9).decimals for symbol in common.SYMBOLS}
    assert values == {"BTC/USD": 0, "ETH/BTC": 5, "DOGE/USD": 0, "PEPE/USD": 0}


@pytest.mark.parametrize(
    ("value", "tier", "share"),
    [(0, 0, 0), (999, 0, 0), (1_000, 1, 0), (5_500, 1, 0.125), (10_000, 2, 0.25), (50_000, 3, 0.5), (150_000, 3, 0.75),
     (250_000, 4, 1), (10**9, 4, 1)],
)  # fmt: skip
def test_tiers_and_bars(value: int, tier: int, share: float) -> None:
    assert tier_of(value, TIERS) == tier
    assert share_of_bar(value, TIERS) == share
    assert tier_of(value, ()) == share_of_bar(value, ()) == 0


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_larger_print_never_has_a_shorter_bar(one: int, other: int) -> None:
    small, large = sorted((one, other))
    assert share_of_bar(small, TIERS) <= share_of_bar(large, TIERS) <= 1
