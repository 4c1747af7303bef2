"""The ledger: every fault test says what was expected, what was seen and what was allowed.

`python -m pytest -n 0 --write-ledger` runs the tests that write into it, wherever they are, and writes the table of
docs/RELIABILITY.md. With files or folders behind it, only those run, and the rows of all other faults stay as they
are. A normal run writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import pytest

from tests.faults.catalogue import TITLES, WAITING
from tests.rig.ledger import DOCUMENT, read_section, replace_section, table

Ledger = Callable[[str, str, str], None]
Row = tuple[str, str, str]

_HEAD = ("No.", "Fault", "Expected", "Seen", "Bound")
_rows = pytest.StashKey[dict[int, list[Row]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-ledger", action="store_true", help="write the figures seen into docs/RELIABILITY.md")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--write-ledger") and getattr(config.option, "numprocesses", None):
        raise pytest.UsageError("--write-ledger needs all figures in one process: add -n 0")
    config.stash[_rows] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--write-ledger"):
        return
    writing = [item for item in items if "ledger" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=[item for item in items if item not in writing])
    items[:] = writing
    # A fault whose tests are here but write nothing was skipped; one whose tests are not here keeps its rows.
    config.stash[_rows] = {number_of(item.name): [] for item in writing}


@pytest.fixture
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """Write one row down: expected, seen, bound. The fault's number is in the test's name."""
    rows = request.config.stash[_rows].setdefault(number_of(request.node.name), [])

    def write(expected: str, seen: str, bound: str) -> None:
        rows.append((expected, seen, bound))

    return write


def number_of(name: str) -> int:
    """The fault that a test is about."""
    found = re.match(r"test_f(\d+)_", name)
    assert found, "a test of a fault bears its number: test_f01_..."
    return int(found[1])


def merged(before: str, rows: Mapping[int, Sequence[Row]]) -> str:
    """The table with the rows of this run, and as it was `before` for faults that are not among them."""
    kept: dict[str, list[str]] = {}
    for line in before.splitlines():
        kept.setdefault(line.partition(" | ")[0], []).append(line)
    lines = table(_HEAD, []).splitlines()
    for number, title in TITLES.items():
        name = f"F{number:02d}"
        if number in WAITING:
            new = [("not yet", WAITING[number], "")]
        elif number in rows:
            new = list(rows[number]) or [("not yet", "skipped in this run; its test says why", "")]
        elif f"| {name}" in kept:
            lines += kept[f"| {name}"]
            continue
        else:
            new = [("not yet", "its test was not run", "")]
        lines += table(_HEAD, [(name, title, *row) for row in new]).splitlines()[2:]
    return "\n".join(lines)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if not session.config.getoption("--write-ledger"):
        return
    if exitstatus != 0:
        print("\nthe ledger is not written: a test failed")
        return
    replace_section(DOCUMENT, "faults", merged(read_section(DOCUMENT, "faults"), session.config.stash[_rows]))
