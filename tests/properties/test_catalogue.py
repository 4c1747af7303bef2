"""Every property and check of the plan is in the catalogue, and every test it names exists."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.properties.catalogue import CHECKS, PROPERTIES, Entry

TESTS = Path(__file__).parents[1]
ENTRIES = {f"P{number}": entry for number, entry in PROPERTIES.items()} | {
    f"X{number}": entry for number, entry in CHECKS.items()
}


@cache
def names_in(path: Path) -> frozenset[str]:
    """Names of the tests in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    names = {node.name for node in ast.walk(tree) if isinstance(node, functions) and node.name.startswith("test_")}
    # A state machine is a test under the name it is bound to.
    names |= {ast.unparse(node.targets[0]) for node in tree.body if isinstance(node, ast.Assign)}
    return frozenset(name for name in names if name.lower().startswith("test"))


def test_no_number_is_forgotten() -> None:
    assert list(PROPERTIES) == list(range(1, 25))
    assert list(CHECKS) == list(range(1, 18))


@pytest.mark.parametrize("number", ENTRIES)
def test_what_is_named_exists(number: str) -> None:
    entry: Entry = ENTRIES[number]
    for name in entry.shown_by:
        path, _, test = name.partition("::")
        assert names_in(TESTS / path), path
        assert not test or test in names_in(TESTS / path), name
    if entry.command:
        module = entry.command.split()[2].replace(".", "/")
        assert (TESTS.parent / f"{module}.py").is_file()
    assert entry.state.split(":")[0].split(";")[0].split(",")[0] in ("kept", "partly") or entry.state.startswith(
        ("waits for", "kept for")
    )
    assert entry.shown_by or entry.command or entry.state.startswith("waits for"), "kept, and nothing shows it"


def test_a_test_that_bears_a_number_is_in_the_catalogue() -> None:
    for path in TESTS.rglob("test_*.py"):
        for test in names_in(path):
            for word in test.split("_")[1:]:
                if word[:1] not in ("p", "x") or not word[1:].isdigit():
                    break
                named = [name for name in ENTRIES[word.upper()].shown_by if name.partition("::")[0] in str(path)]
                assert named, f"{path.name}::{test} is not named at {word.upper()}"
