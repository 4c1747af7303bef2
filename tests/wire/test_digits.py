from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.errors import InvalidNumber
from kraken_tui.wire.digits import MAX_DIGITS, decimals, from_units, to_units

UNITS = st.integers(min_value=0, max_value=10**18)
PRECISION = st.integers(min_value=0, max_value=12)


@pytest.mark.parametrize(
    ("value", "precision", "units"),
    [
        ("45283.5", 1, 452835),
        ("0.00100000", 8, 100_000),
        ("0.001", 8, 100_000),
        ("4.0", 8, 400_000_000),
        ("1e-08", 8, 1),
        ("1E-8", 10, 100),
        ("0E0", 3, 0),
        ("2.5e3", 0, 2500),
        ("0", 5, 0),
        ("0.00000000", 8, 0),
        (45283, 1, 452830),
        (0, 8, 0),
        ("22500000.00000001", 8, 2_250_000_000_000_001),
        ("45283.50", 1, 452835),
    ],
)
def test_worked_examples(value: object, precision: int, units: int) -> None:
    assert to_units(value, precision) == units


@pytest.mark.parametrize(
    ("units", "precision", "text"),
    [(5, 2, "0.05"), (500, 2, "5.00"), (0, 1, "0.0"), (-1, 1, "-0.1"), (-12, 0, "-12"), (7, 0, "7")],
)
def test_whole_units_are_written_as_the_wire_writes_them(units: int, precision: int, text: str) -> None:
    assert from_units(units, precision) == text


@pytest.mark.parametrize("places", [0, 1, 20, MAX_DIGITS - 1])
def test_forty_digits_are_exact_and_one_more_is_refused(places: int) -> None:
    """Wherever the point stands, and whether or not it stands where the precision says."""
    for precision in (places, places + 1):
        for digits in ("1" * MAX_DIGITS, "9" * MAX_DIGITS):
            text = digits[: MAX_DIGITS - places] + ("." if places else "") + digits[MAX_DIGITS - places :]
            assert to_units(text, precision) == int(digits) * 10 ** (precision - places)
            assert decimals(text) == places
            with pytest.raises(InvalidNumber):
                to_units("1" + text, precision)
            with pytest.raises(InvalidNumber):
                decimals("1" + text)


def test_a_whole_number_of_the_wire_has_forty_digits_at_most() -> None:
    largest = int("9" * MAX_DIGITS)
    assert to_units(largest, 2) == largest * 100
    with pytest.raises(InvalidNumber):
        to_units(largest + 1, 2)


def test_an_exponent_moves_the_point_by_forty_places_at_most() -> None:
    assert to_units("1e32", 8) == 10**40
    with pytest.raises(InvalidNumber, match="too large"):
        to_units("1e33", 8)
    assert to_units("0e-999", 8) == 0


@given(UNITS, PRECISION)
def test_round_trip(units: int, precision: int) -> None:
    assert to_units(from_units(units, precision), precision) == units


@given(st.integers(min_value=-(10**18), max_value=10**18), PRECISION)
def test_text_equals_decimal(units: int, precision: int) -> None:
    text = from_units(units, precision)
    assert Decimal(text) == Decimal(units).scaleb(-precision)
    assert len(text.partition(".")[2]) == precision


@given(st.decimals(min_value=0, max_value=10**12, allow_nan=False, allow_infinity=False, places=6), PRECISION)
def test_exact_or_refused(number: Decimal, precision: int) -> None:
    exact = number.scaleb(precision)
    for text in (f"{number:f}", f"{number:e}"):
        if exact == exact.to_integral_value():
            assert to_units(text, precision) == int(exact)
        else:
            with pytest.raises(InvalidNumber, match="decimals"):
                to_units(text, precision)


@pytest.mark.parametrize(
    "value",
    [
        "NaN",
        "nan",
        "Infinity",
        "-Infinity",
        "1e999",
        "1e99999999999",
        "9" * 5000,
        "0." + "0" * 5000 + "1",
        "-1",
        "-0.1",
        "+1",
        " 1",
        "1 ",
        "1_000",
        "1,5",
        "",
        ".",
        "1.",
        ".5",
        "0x10",
        "１２.３",
        "١٢.٣",
        "²",
        "1.2.3",
        "12..3",
        None,
        True,
        1.5,
        -1,
        10**MAX_DIGITS,
        [],
    ],
)
def test_refused(value: object) -> None:
    for precision in (0, 1, 8):
        with pytest.raises(InvalidNumber):
            to_units(value, precision)


@given(st.text(max_size=60), PRECISION)
def test_any_text_is_a_number_or_refused(text: str, precision: int) -> None:
    try:
        units = to_units(text, precision)
    except InvalidNumber:
        return
    with localcontext(prec=100):  # the default would round from 28 digits on
        assert Decimal(text).scaleb(precision) == units


@pytest.mark.parametrize(
    ("value", "count"),
    [("1.50", 2), ("1", 0), (7, 0), ("1e-08", 8), ("1E-8", 8), ("2.5e-3", 4), ("1e3", 0), ("1.25e1", 1), ("0.00", 2)],
)
def test_decimals(value: object, count: int) -> None:
    assert decimals(value) == count


@pytest.mark.parametrize("value", ["NaN", "-1.5", "", None, 1.5, True])
def test_decimals_refused(value: object) -> None:
    with pytest.raises(InvalidNumber):
        decimals(value)


@given(PRECISION, st.data())
def test_p6_what_the_wire_wrote_is_printed_again_to_the_letter(precision: int, data: st.DataObject) -> None:
    fraction = rf"\.[0-9]{{{precision}}}" if precision else ""
    text = data.draw(st.from_regex(rf"(0|[1-9][0-9]{{0,14}}){fraction}", fullmatch=True))
    assert from_units(to_units(text, precision), precision) == text


@settings(max_examples=50)
@given(PRECISION, st.data())
def test_p6_order_by_units_is_the_order_of_the_exact_numbers(precision: int, data: st.DataObject) -> None:
    numbers = st.from_regex(rf"(0|[1-9][0-9]{{0,9}})(\.[0-9]{{1,{max(1, precision)}}})?", fullmatch=True)
    texts = [text for text in data.draw(st.lists(numbers, max_size=12)) if precision or "." not in text]
    exact = [Fraction(text) for text in texts]
    units = [to_units(text, precision) for text in texts]
    assert sorted(range(len(texts)), key=exact.__getitem__) == sorted(range(len(texts)), key=units.__getitem__)
    assert all(unit == number * 10**precision for unit, number in zip(units, exact, strict=True))
