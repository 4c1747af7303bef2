"""Every fault of the plan has a test that writes what it saw into the ledger, or a reason why not yet."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faults.catalogue import TITLES, WAITING
from tests.faults.ledger import merged

TESTS = Path(__file__).parents[1]


def test_no_fault_is_forgotten() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    tested = {int(number) for number in re.findall(r"def test_f(\d+)_\w+\([^)]*\bledger: Ledger", text)}
    assert set(TITLES) == set(range(1, 101))
    assert tested | set(WAITING) == set(TITLES)
    assert not tested & set(WAITING)


def test_a_run_of_some_tests_leaves_the_other_rows_alone() -> None:
    whole = merged("", {1: [("a", "b", "c")], 2: [("d", "1 | 2", "f"), ("g", "h", "i")]})
    part = merged(whole, {1: [("new", "b", "c")], 3: []})
    assert part.replace("| new |", "| a |").splitlines()[:5] == whole.splitlines()[:5]
    assert "| 1 \\| 2 |" in part
    assert "| F03 | HTTP 429 with Retry-After 1200 | not yet | skipped" in part


@pytest.mark.parametrize("number", [4, 91, 100])
def test_what_was_never_run_says_so(number: int) -> None:
    assert f"| F{number:02d} | {TITLES[number]} | not yet | its test was not run |" in merged("", {})
