"""Every fault of the plan has a test that writes what it saw into the ledger, or a reason why not yet."""

from __future__ import annotations

import pytest

from tests.faults.catalogue import FAULTS, files_by_fault
from tests.faults.ledger import merged


def test_no_fault_is_forgotten() -> None:
    waiting = {number for number, fault in FAULTS.items() if fault.waits}
    assert list(FAULTS) == sorted(FAULTS)
    assert set(range(1, 101)) <= set(FAULTS)
    assert set(files_by_fault()) == set(FAULTS) - waiting
    assert all(fault.must and fault.bound for number, fault in FAULTS.items() if number not in waiting)


def test_a_run_of_some_tests_leaves_the_other_rows_and_their_command_alone() -> None:
    whole = merged("", {1: [("a", "b", "c")], 2: [("d", "1 | 2", "f"), ("g", "h", "i")]}, "all of it")
    part = merged(whole, {1: [("new", "b", "c")], 3: []}, "some", "machine speed 1.00")
    assert whole.splitlines()[:2] == ["- `all of it`: F01, F02", ""]
    assert part.splitlines()[:3] == ["- `all of it`: F02", "- `some` (machine speed 1.00): F01, F03", ""]
    assert part.replace("| new |", "| a |").splitlines()[3:8] == whole.splitlines()[2:7]
    assert "| F02 | d | 1 \\| 2 | f |" in part
    assert "| F03 | not yet | skipped" in part


@pytest.mark.parametrize("number", [4, 91, 100])
def test_what_was_never_run_has_no_row(number: int) -> None:
    assert f"| F{number:02d} |" not in merged("", {}, "nothing")
