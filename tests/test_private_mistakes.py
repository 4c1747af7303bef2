"""Every mistake of the list is in the catalogue, and every test it names exists."""

from __future__ import annotations

import re

import pytest

from tests.private_mistakes import MISTAKES
from tests.properties.test_catalogue import TESTS, names_in


def test_no_mistake_is_forgotten() -> None:
    assert list(MISTAKES) == list(range(1, 37))


@pytest.mark.parametrize("number", [number for number, (_, tests) in MISTAKES.items() if tests])
def test_what_is_named_exists(number: int) -> None:
    for name in MISTAKES[number][1]:
        path, _, test = name.partition("::")
        assert test in names_in(TESTS / path), name


def test_a_test_that_bears_a_number_is_in_the_catalogue() -> None:
    for path in TESTS.rglob("test_*.py"):
        for test in names_in(path):
            found = re.match(r"test_mistake_([0-9]+)_", test)
            if found:
                named = MISTAKES[int(found[1])][1]
                assert f"{path.relative_to(TESTS).as_posix()}::{test}" in named, f"{path.name}::{test}"
