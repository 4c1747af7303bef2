"""Numbers, times and bars as text."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.tui.draw import format as fmt
from kraken_tui.tui.draw.format import QuantityFormat
from kraken_tui.tui.draw.runs import width_of
from kraken_tui.wire.digits import from_units


@pytest.mark.parametrize(
    ("ticks", "precision", "text"),
    [
        (642_501, 1, "64,250.1"),
        (0, 1, "0.0"),
        (12_345, 9, "0.000012345"),
        (64_250, 0, "64,250"),
        (-5, 1, "-0.5"),
        (10**21, 8, "10,000,000,000,000.00000000"),
    ],
)
def test_price_is_written_in_full(ticks: int, precision: int, text: str) -> None:
    assert fmt.price(ticks, precision) == text


@given(st.integers(0, 10**24), st.integers(0, 12))
def test_price_without_grouping_is_the_wire_s_text(ticks: int, precision: int) -> None:
    assert fmt.price(ticks, precision, grouped=False) == from_units(ticks, precision)
    assert fmt.price(ticks, precision).replace(",", "") == from_units(ticks, precision)


def test_mid_is_exact_with_one_more_decimal() -> None:
    assert fmt.mid_price(642_500 + 642_501, 1) == "64,250.05"
    assert fmt.mid_price(642_500 + 642_502, 1) == "64,250.10"
    assert fmt.mid_price(3, 0) == "1.5"


def test_fine_price_keeps_what_a_tick_would_cut() -> None:
    assert fmt.fine_price(642_501.26, 1, 1) == "64,250.13"
    assert fmt.fine_price(642_501.26, 1) == "64,250.126"


@pytest.mark.parametrize(("text", "cells"), [("0.000012345", 6), ("  0.0012", 0), ("0.0001234", 5), ("64,250.1", 0)])
def test_only_long_leading_zeros_are_dimmed(text: str, cells: int) -> None:
    assert fmt.leading_zeros(text) == cells


def test_price_runs_are_right_aligned_and_split_at_leading_zeros() -> None:
    assert fmt.price_runs(642_501, 1, 10, "ask", "muted") == (("  64,250.1", "ask"),)
    assert fmt.price_runs(12_345, 9, 12, "bid", "muted") == ((" 0.0000", "muted"), ("12345", "bid"))


def test_a_price_that_does_not_fit_is_marked() -> None:
    ((text, _),) = fmt.price_runs(642_501, 1, 5, "ask", "muted")
    assert text == "64,2…"


@pytest.mark.parametrize(
    ("lots", "text"),
    [
        (41_260_000, "  0.413 "), (1_792_000_000, " 17.9   "), (900_000, "  0.0090"), (5_00000000, "  5.00  "),
        (9_99960000, " 10.00  "), (99_96000000, "100.0   "), (1_0000, "  0.0001"), (99_00000000, " 99.0   "),
    ],
)  # fmt: skip
def test_digits_that_do_not_matter_are_left_out_not_dimmed(lots: int, text: str) -> None:
    shape = QuantityFormat.fit(99_00000000, 8, 8)
    assert shape.decimals == 4
    assert shape.text(lots) == text


def test_only_the_whole_part_counts_from_a_thousand_on() -> None:
    shape = QuantityFormat.fit(99_999_00000000, 8, 9)
    assert [shape.text(lots) for lots in (1_234_56000000, 999_96000000)] == [" 1,235   ", " 1,000   "]


def test_decimal_points_of_a_column_stand_in_line() -> None:
    shape = QuantityFormat.fit(12_345_60000000, 8, 9)
    points = {shape.text(lots).index(".") for lots in (1, 900_000, 41_000_000, 99_00000000)}
    assert len(points) == 1


def test_a_rest_of_nothing_never_reads_as_nothing() -> None:
    shape = QuantityFormat.fit(50_00000000, 8, 7)
    assert shape.decimals == 3
    assert shape.text(1) == " <0.001"
    assert shape.text(0) == "  0.000"


@pytest.mark.parametrize(
    ("lots", "precision", "width", "text"),
    [
        (532_681_750_442_222, 5, 9, "5,326.8M"),
        (216_000_00000000, 8, 6, "216.0K"),
        (216_000_00000000, 8, 9, "216,000"),
        (10**30, 5, 9, "1e25"),
    ],
)
def test_big_quantities_wear_their_unit(lots: int, precision: int, width: int, text: str) -> None:
    assert QuantityFormat.fit(lots, precision, width).text(lots).strip() == text


def test_sums_keep_the_unit_of_their_column_where_that_fits() -> None:
    size = QuantityFormat.fit(5_326_000_000_00000, 5, 9)
    assert size.unit == 6
    assert size.wider(84_601_200_000_00000, 9).unit == 6
    assert size.wider(10**20, 9).unit == 12


@given(st.integers(0, 10**26), st.integers(0, 10**26), st.integers(0, 10), st.integers(6, 14))
def test_a_column_is_never_wider_and_never_cut(lots: int, largest: int, precision: int, width: int) -> None:
    text = QuantityFormat.fit(largest, precision, width).text(lots)
    assert len(text) == width
    number = text.strip()
    assert number == "…" or number[0] in "<" or number[-1] in "0123456789KMBT"


@given(st.integers(0, 10**14), st.integers(0, 8), st.integers(5, 14))
def test_shown_quantities_are_right_to_half_a_unit_of_the_last_place(lots: int, precision: int, width: int) -> None:
    shape = QuantityFormat.fit(lots, precision, width)
    text = shape.text(lots).strip().replace(",", "")
    if text[0] == "<" or text == "…":
        return
    # A quantity that would round up out of its column is written in the next unit, with decimals of its own.
    unit = {"K": 3, "M": 6, "B": 9, "T": 12}.get(text[-1], 0)
    decimals = len(text.rstrip("KMBT").partition(".")[2])
    shown = Fraction(text.rstrip("KMBT")) * 10**unit
    assert abs(shown - Fraction(lots, 10**precision)) <= Fraction(1, 2) * Fraction(10) ** (unit - decimals)


@given(st.integers(0, 99_999), st.integers(0, 8))
def test_the_layout_of_a_column_depends_on_magnitude_only(share: int, precision: int) -> None:
    unit = 10**precision
    assert QuantityFormat.fit(100_000 * unit, precision, 9) == QuantityFormat.fit(
        (100_000 + share) * unit, precision, 9
    )


@pytest.mark.parametrize(
    ("lots", "precision", "text"),
    [(100_000_000, 8, "1"), (120_420_012_345, 8, "1,204"), (9_000_000_000_000_000, 5, "90B"), (5, 0, "5")],
)
def test_single_quantities(lots: int, precision: int, text: str) -> None:
    assert fmt.quantity(lots, precision, 12, 4) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0.0 s"), (0.21, "0.2 s"), (9.96, "10 s"), (75, "75 s"), (240, "4 m"), (7_200, "2 h"), (300_000, "3 d")],
)
def test_durations(seconds: float, text: str) -> None:
    assert fmt.duration(int(seconds * 1e9)) == text


def test_small_figures() -> None:
    assert [fmt.basis_points(v) for v in (0.0, 0.001, 0.0156, 12.3, 1234.5)] == [
        "0.00",
        "<0.01",
        "0.02",
        "12.30",
        "1,234",
    ]
    assert [fmt.signed(v) for v in (0.456, -0.456, -0.001, 0.0)] == ["+0.46", "-0.46", "+0.00", "+0.00"]
    assert [fmt.percent(p, 1000) for p in (0, 1, 15, 999, 1000)] == ["0%", "<1%", "2%", "99%", "100%"]
    assert fmt.percent(1, 0) == ""
    assert [fmt.data_size(n) for n in (812, 12_400_000, 999_999_999_999_999)] == ["812 B", "12.4 MB", "1000.0 TB"]
    assert [fmt.rate(v) for v in (0.0, 0.4, 41.2)] == ["0/s", "0.4/s", "41/s"]
    assert [fmt.change_percent(t) for t in (None, "1.24", "-0.5", "0", "odd", "nan", "inf")] == [
        None,
        "+1.24",
        "-0.50",
        "+0.00",
        None,
        None,
        None,
    ]


def test_clock_is_utc() -> None:
    assert fmt.clock(1_795_269_790_250_000_000) == "14:03:10"
    assert fmt.clock(1_795_269_790_250_000_000, 3) == "14:03:10.250"


@given(st.floats(0, 1), st.integers(1, 40))
def test_bars_are_exactly_as_wide_as_asked(part: float, width: int) -> None:
    length = fmt.eighths(part, 1.0, width)
    assert 0 <= length <= 8 * width
    for ascii_only in (False, True):
        assert len(fmt.bar_right(length, width, "bid", ascii_only)[0]) == width
        for fine in (False, True):
            assert width_of(fmt.bar_left(length, width, "bid", ascii_only, fine=fine)) == width


def test_bars() -> None:
    assert fmt.bar_right(19, 4, "ask")[0] == "██▍ "
    assert fmt.bar_left(19, 4, "bid") == ((" ▐██", "bid"),)
    assert fmt.bar_left(17, 4, "bid") == ((" ▕██", "bid"),)
    assert fmt.bar_left(16, 4, "bid") == (("  ██", "bid"),)
    # Three eighths at the right are five eighths missing at the left, in reverse video.
    assert fmt.bar_left(19, 4, "bid", fine=True) == ((" ", "bid"), ("▋", "~bid"), ("██", "bid"))
    assert fmt.bar_right(19, 4, "ask", True)[0] == "### "
    assert fmt.eighths(1, 10**9, 5) == 1
    assert fmt.eighths(0, 5, 5) == 0


@pytest.mark.parametrize(
    ("lots", "precision", "width", "text"),
    [(99_950_000_000_000, 2, 5, "1T"), (99_940_000_000_000, 2, 5, "999B"), (9_999_999_400, 7, 6, "1,000")],
)
def test_rounding_up_never_costs_the_number(lots: int, precision: int, width: int, text: str) -> None:
    assert QuantityFormat.fit(lots, precision, width).text(lots).strip() == text


# Sizes of a book in units of a lot, precision of a lot, and what the column reads.
COLUMNS = {
    "PEPE": (5, [40_000_000, 5_326_800_000, 812_400_000, 1_250_000_000], ["40M", "5,327M", "812M", "1,250M"]),
    "SHIB": (
        5,
        [1_250, 96_400_000, 5_326_800_000, 812_400_000_000],
        ["1.25K", "96.40M", "5.33B", "812.40B"],
    ),
    "BTC": (
        8,
        [0.2, 4.59, 0.03, 12.345678, *[0.3] * 6, 0.00005],
        ["0.200", "4.59", "0.0300", "12.3", *["0.300"] * 6, "0.0001"],
    ),
    "USDT": (8, [250.5, 1_204_000.25, 18_250, 36_000], ["250.50", "1.20M", "18.25K", "36.00K"]),
    "whole lots": (0, [5, 120, 3], ["5", "120", "3"]),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_keeps_two_digits_of_every_size_in_sight(name: str) -> None:
    precision, sizes, expected = COLUMNS[name]
    lots = [round(size * 10**precision) for size in sizes]
    shape = QuantityFormat.for_column(lots, precision, 8)
    assert [shape.text(size).strip() for size in lots] == expected
    points = {shape.text(size).find(".") for size in lots}
    assert len(points) == 1 or not shape.decimals or "<" in "".join(expected)


def significant(text: str) -> int:
    """Digits a person can use: those from the first that is not 0."""
    return len("".join(filter(str.isdigit, text)).lstrip("0"))


@given(st.lists(st.integers(10**8, 10**19), min_size=1, max_size=60), st.integers(6, 9))
def test_no_size_of_a_small_coin_is_cut_to_one_digit(lots: list[int], width: int) -> None:
    shape = QuantityFormat.for_column(lots, 5, width)
    for size in lots:
        text = shape.text(size)
        assert len(text) == shape.width <= max(width, 7)
        assert significant(text) >= 2 or size % 10 ** (len(str(size)) - 1) == 0, text


@given(st.lists(st.integers(1, 10**15), min_size=1, max_size=60), st.integers(0, 10), st.integers(5, 12))
def test_sizes_of_a_column_are_right_to_their_last_digit(lots: list[int], precision: int, width: int) -> None:
    shape = QuantityFormat.for_column(lots, precision, width)
    for size in lots:
        text = shape.text(size).strip().replace(",", "")
        if text[0] == "<":
            assert 0 < Fraction(size, 10**precision) < Fraction(text[1:])
        elif "e" not in text and text != "…":
            unit = {"K": 3, "M": 6, "B": 9, "T": 12}.get(text[-1], 0)
            decimals = len(text.rstrip("KMBT").partition(".")[2])
            shown = Fraction(text.rstrip("KMBT")) * 10**unit
            assert abs(shown - Fraction(size, 10**precision)) <= Fraction(1, 2) * Fraction(10) ** (unit - decimals)


def test_a_small_number_in_a_column_of_billions_wears_its_own_unit() -> None:
    shape = QuantityFormat.fit(5_300_000_000_00000, 5, 6)
    assert (shape.text(5_300_000_000_00000), shape.text(40_000_000_00000)) == ("  5.3B", " 40.0M")


def test_a_column_keeps_its_form_until_it_no_longer_serves() -> None:
    shape = QuantityFormat.for_column([20_000_000, 459_000_000], 8, 8)
    assert shape.suits([1_000_000, 2_000_000_000])
    assert not shape.suits([200_000_000_000_000])
    assert not shape.suits([90_000, 80_000, 10_000])


# Every heading of a column of quantities (ladder, aggregated book, tape, flow).
HEADERS = ("size", "cum", "bid", "ask", "sells", "value", "notional")


def says_it_is_rounded(text: str) -> bool:
    """Whether a number carries a mark of its own: "<", a unit, an exponent, or an ellipsis in its place."""
    return text[0] in "<…" or text[-1] in "KMBT" or "e" in text


def is_right_to_three_digits(text: str, true: Fraction, decimals: int) -> bool:
    """Whether a number is exact, or rounded in its last digit and shows three; `decimals` is the most it could show."""
    places = len(text.partition(".")[2])
    if abs(Fraction(text.replace(",", "")) - true) > Fraction(1, 2 * 10**places):
        return False
    digits = text.replace(",", "").replace(".", "").lstrip("0")
    return len(digits) >= 3 or places >= decimals or Fraction(text.replace(",", "")) == true


@settings(max_examples=200)
@given(st.integers(0, 10**20), st.integers(0, 10**20), st.integers(0, 10), st.integers(6, 16), st.sampled_from(HEADERS))
def test_p24_a_quantity_of_a_column_is_rounded_to_three_digits_at_most(
    lots: int, largest: int, precision: int, width: int, name: str
) -> None:
    shape = QuantityFormat.fit(max(lots, largest), precision, width)
    text = shape.text(lots).strip()
    assert shape.header(name) == name[:width].rjust(width)
    if not says_it_is_rounded(text):
        assert is_right_to_three_digits(text, Fraction(lots, 10**precision), shape.decimals)


@given(st.integers(0, 10**20), st.integers(0, 10), st.integers(7, 16), st.integers(0, 12))
def test_p24_a_quantity_on_its_own_is_rounded_to_three_digits_at_most(
    lots: int, precision: int, width: int, most: int
) -> None:
    text = fmt.quantity(lots, precision, width, most)
    if not says_it_is_rounded(text):
        assert is_right_to_three_digits(text, Fraction(lots, 10**precision), min(most, precision, width - 4))


@given(st.integers(0, 10**20), st.integers(0, 10), st.integers(1, 30))
def test_p24_a_price_is_the_wires_or_ends_in_an_ellipsis(ticks: int, precision: int, width: int) -> None:
    text = "".join(part for part, _ in fmt.price_runs(ticks, precision, width, "bid", "muted"))
    assert len(text) == width
    exact = from_units(ticks, precision)
    assert text.replace(",", "").strip() == exact or text[-1] == "…"
