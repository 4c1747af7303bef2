"""How counts, signs and intervals are written: one form everywhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.settings import INTERVALS
from kraken_tui.tui.draw import format as fmt
from kraken_tui.tui.draw.health import milliseconds
from kraken_tui.words import counted, fixed, interval_name, signed

PACKAGE = Path(__file__).resolve().parents[1] / "kraken_tui"
_SMALL = st.floats(-2, 2) | st.floats(-1e6, 1e6)


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 bars"), (1, "1 bar"), (2, "2 bars"), (1203, "1,203 bars"), (-1, "-1 bars")]
)
def test_counts(number: int, text: str) -> None:
    assert counted(number, "bar") == text
    assert counted(2, "entry", "entries") == "2 entries"


def test_intervals() -> None:
    assert [interval_name(minutes) for minutes in INTERVALS] == [
        "1m",
        "5m",
        "15m",
        "30m",
        "1h",
        "4h",
        "1d",
        "7d",
        "15d",
    ]


@given(_SMALL, st.integers(0, 3))
def test_nothing_is_minus_zero(value: float, decimals: int) -> None:
    texts = [
        signed(value, decimals), fixed(value, decimals), milliseconds(value), fmt.basis_points(value),
        fmt.rate(value), fmt.fine_price(value, decimals), fmt.change_percent(str(value)) or "",
    ]  # fmt: skip
    for text in texts:
        assert not re.match(r"-[0.,]*(?![\d.,])", text), text


def test_a_clock_that_is_right_is_off_by_plus_zero() -> None:
    assert signed(-0.2, 0) == "+0"
    assert signed(0.0) == "+0.00"
    assert signed(-1234.5, 1) == "-1,234.5"
    assert fixed(-0.04, 1) == "0.0"


_SINGULAR = re.compile(r"^ (bars|levels|lines|pairs|frames|trades|events|messages|checks|resyncs|books)\b")


def _bare_counts(path: Path) -> list[str]:
    """f-strings in which a whole number, written without decimals, stands before a noun in the plural."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            for before, after in zip(node.values, node.values[1:], strict=False):
                if isinstance(before, ast.FormattedValue) and isinstance(after, ast.Constant):
                    match = _SINGULAR.match(str(after.value))
                    if match and "depth" not in ast.unparse(before.value):
                        found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}: {ast.unparse(node)}")
    return found


_NEVER_ONE = {
    # Limits and settings whose smallest value is larger than one.
    "settings/readers.py", "feed/roster.py", "feed/channels/book.py", "market/convert.py", "feed/policy.py",
}  # fmt: skip


def test_every_counted_noun_goes_through_the_helper() -> None:
    """A sentence such as "1 bars" cannot come back: no sentence puts a number before a plural by itself."""
    bad = [
        text for path in sorted(PACKAGE.rglob("*.py")) if path.relative_to(PACKAGE).as_posix() not in _NEVER_ONE
        for text in _bare_counts(path)
    ]  # fmt: skip
    assert bad == []
