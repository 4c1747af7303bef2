"""The ledger: every fault test says what was expected, what was seen and what was allowed.

`python -m pytest -n 0 --write-ledger` runs the tests that write into it, wherever they are, and writes the table of
docs/FIGURES.md. With files or folders behind it, only those run, and all other faults keep their rows and the command
that gave them. A normal run writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import pytest

from benchmarks.machine import speed_text
from tests.faults.catalogue import FAULTS
from tests.rig.ledger import FIGURES, as_run, read_section, replace_section, table

Ledger = Callable[[str, str, str], None]
Row = tuple[str, str, str]

_HEAD = ("No.", "Expected", "Seen", "Bound")
_rows = pytest.StashKey[dict[int, list[Row]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-ledger", action="store_true", help="write the figures seen into docs/FIGURES.md")


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


def merged(before: str, rows: Mapping[int, Sequence[Row]], command: str, speed: str = "") -> str:
    """The section with the rows of this run; faults that are not among them stay as they were `before`.

    Above the table stands each command, with the speed of its machine, and the faults whose rows it gave.
    """
    commands: dict[str, set[str]] = {}
    kept: dict[str, list[str]] = {}
    for line in before.splitlines():
        if told := re.fullmatch(r"- (`.*`.*): (F.*)", line):
            commands[told[1]] = set(told[2].split(", "))
        elif line.startswith("| F"):
            kept.setdefault(line.split()[1], []).append(line)
    lines = table(_HEAD, []).splitlines()
    for number in sorted(rows):
        name = f"F{number:02d}"
        new = list(rows[number]) or [("not yet", "skipped in this run; its test says why", "")]
        kept[name] = table(_HEAD, [(name, *row) for row in new]).splitlines()[2:]
        for names in commands.values():
            names.discard(name)
        commands.setdefault(f"`{command}`" + (f" ({speed})" if speed else ""), set()).add(name)
    for number in FAULTS:
        lines += kept.get(f"F{number:02d}", [])
    ran = [f"- {one}: {', '.join(sorted(names, key=_number))}" for one, names in commands.items() if names]
    return "\n".join([*ran, "", *lines])


def _number(name: str) -> int:
    return int(name[1:])


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if not session.config.getoption("--write-ledger"):
        return
    if exitstatus != 0:
        print("\nthe ledger is not written: a test failed")
        return
    before, rows = read_section(FIGURES, "faults"), session.config.stash[_rows]
    replace_section(FIGURES, "faults", merged(before, rows, as_run(), speed_text()))
