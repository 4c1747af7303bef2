"""The ledger: every fault test says what was expected, what was seen and what was allowed.

`python -m pytest -n 0 tests/faults --write-ledger` writes the table of docs/RELIABILITY.md; a normal run
writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.catalogue import ELSEWHERE, TITLES, WAITING
from tests.rig.ledger import replace_section, table

Ledger = Callable[[str, str, str], None]

_rows = pytest.StashKey[dict[int, list[tuple[str, str, str]]]]()
_DOCUMENT = Path(__file__).parents[2] / "docs" / "RELIABILITY.md"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-ledger", action="store_true", help="write the figures seen into docs/RELIABILITY.md")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--write-ledger") and getattr(config.option, "numprocesses", None):
        raise pytest.UsageError("--write-ledger needs all figures in one process: add -n 0")
    config.stash[_rows] = {}


@pytest.fixture
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """Write one row down: expected, seen, bound. The fault's number is in the test's name."""
    found = re.match(r"test_f(\d+)_", request.node.name)
    assert found, "a test of a fault bears its number: test_f01_..."
    rows = request.config.stash.setdefault(_rows, {})

    def write(expected: str, seen: str, bound: str) -> None:
        rows.setdefault(int(found[1]), []).append((expected, seen, bound))

    return write


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if not session.config.getoption("--write-ledger", default=False):
        return
    if exitstatus != 0:
        print("\nthe ledger is not written: a test failed")
        return
    rows = session.config.stash[_rows]
    lines: list[tuple[str, ...]] = []
    for number, title in TITLES.items():
        name = f"F{number:02d}"
        if number in ELSEWHERE:
            lines.append((name, title, f"see {ELSEWHERE[number]}", "", ""))
        elif number in WAITING:
            lines.append((name, title, "not yet", WAITING[number], ""))
        elif number not in rows:
            lines.append((name, title, "not yet", "skipped in this run; its test says why", ""))
        lines += [(name, title, *row) for row in rows.get(number, ())]
    replace_section(_DOCUMENT, "faults", table(("No.", "Fault", "Expected", "Seen", "Bound"), lines))
