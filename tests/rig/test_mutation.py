"""The small changes themselves, the list of those that nobody can notice, and the deliberate bugs."""

from __future__ import annotations

import ast

import pytest

from tests.rig.equivalents import EQUIVALENT
from tests.rig.mutants import MUTANTS, ROOT, Mutant, apply
from tests.rig.mutation import TARGETS
from tests.rig.operators import changes


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = a < b", ["x = a <= b", "x = a >= b"]),
        ("x = a is b", ["x = a is not b"]),
        ("x = a + b", ["x = a - b"]),
        ("x = 5", ["x = 6", "x = 4"]),
        ("x = True", ["x = False"]),
        ("x = a and b", ["x = a or b"]),
        ("x = not a", ["x = a"]),
        ("x = f(-a)", ["x = f(a)"]),
        ("x = min(a)", ["x = max(a)"]),
        ("x = [a for a in b if a]", ["x = [a for a in b if not a]"]),
        ("if a:\n    f()", ["not a", "pass"]),
        ("while a:\n    break", ["not a", "continue"]),
        ("def f(a):\n    return a", ["return None"]),
        ("def f(a):\n    return", ["pass"]),
        ("def f(a):\n    a.b = c", ["pass"]),
        ("def f(a):\n    b = a", []),
        ('"""Text."""\nx: int | None = "text"', []),
        ("@cache(size=5)\nclass A:\n    __slots__ = (5,)", []),
    ],
)
def test_what_a_slip_would_write_instead(source: str, expected: list[str]) -> None:
    assert [change.text.partition(" -> ")[2] for change in changes(source)] == expected


def test_changes_are_told_apart_and_run() -> None:
    found = {}
    for change in changes("def f(a):\n    if a > 0:\n        return a\n    if a > 0:\n        return 0"):
        namespace: dict[str, object] = {}
        exec(change.code("example.py"), namespace)
        found[change.key] = namespace["f"]
    assert found["f: a > 0 -> a <= 0"](3) == 0
    assert found["f: a > 0 -> a <= 0 (no. 2)"](-3) == 0
    assert found["f: return a -> return None"](3) is None
    assert len({change.key for change in changes("x = 1\ny = 1 + 1")}) == 7


def test_every_equivalent_change_is_one_of_the_program_of_today() -> None:
    for target in TARGETS:
        known = {change.key for change in changes(target.path.read_text(encoding="utf-8"))}
        assert not EQUIVALENT.get(target.file, {}).keys() - known, target.file
    assert EQUIVALENT.keys() <= {target.file for target in TARGETS}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_deliberate_bug_can_still_be_put_into_the_program_of_today(mutant: Mutant) -> None:
    for text in apply(mutant, ROOT / "kraken_tui").values():
        ast.parse(text)
