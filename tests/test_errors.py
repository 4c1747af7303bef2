"""The hierarchy of errors: each name once, every one in the tree that the module draws."""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from pathlib import Path

import pytest

import kraken_tui
from kraken_tui import errors

CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, BaseException) and name == kind.__name__
}


def test_the_docstring_draws_the_tree_as_it_is() -> None:
    assert errors.__doc__ is not None
    drawn: dict[str, str] = {}
    above: list[str] = []
    for line in errors.__doc__.splitlines():
        found = re.match(r"    ((?:│   |    )*)(?:[├└]── )?([A-Z]\w+)", line)
        if found:
            indent, name = found.groups()
            level = len(indent) // 4 + ("── " in line)
            above[level:] = [name]
            drawn[name] = above[level - 1] if level else "Exception"
    assert drawn == {name: kind.__bases__[0].__name__ for name, kind in CLASSES.items()}


def test_every_exception_of_the_package_has_a_name_of_its_own() -> None:
    package = Path(kraken_tui.__file__).parent
    names: Counter[str] = Counter()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
                if bases & (CLASSES.keys() | {"Exception", "ValueError", "OSError", "RuntimeError"}):
                    names[node.name] += 1
    assert names.keys() >= CLASSES.keys()
    assert [name for name, count in names.items() if count > 1] == []


def test_former_names_still_work() -> None:
    assert kraken_tui.Configuration is kraken_tui.ConfigurationError is errors.ConfigurationError


@pytest.mark.parametrize("kind", [errors.ConfigurationError, errors.InvalidMessage, errors.ChecksumMismatch])
def test_every_error_is_one_base_for_a_program(kind: type[Exception]) -> None:
    assert issubclass(kind, kraken_tui.KrakenError)


def test_an_invalid_message_says_where_it_came_from() -> None:
    assert str(errors.InvalidMessage("no JSON")) == "no JSON"
    error = errors.InvalidMessage("no price", "BTC/USD", "book")
    assert (str(error), error.symbol, error.channel) == ("BTC/USD: no price", "BTC/USD", "book")
