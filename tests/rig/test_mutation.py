"""The small changes themselves, the list of those that nobody can notice, and the deliberate bugs."""

from __future__ import annotations

import ast

import pytest

from tests.rig.equivalents import EQUIVALENT
from tests.rig.mutants import MUTANTS, ROOT, Mutant, apply
from tests.rig.operators import changes
from tests.rig.targets import PACKAGES, TARGETS, target_of, targets_of


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
        ("class A(B, gc=False, size=5):\n    a: int", []),
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
    for file, reasons in EQUIVALENT.items():
        known = {change.key for change in changes(target_of(file).path.read_text(encoding="utf-8"))}
        assert not reasons.keys() - known, file


def test_every_module_of_every_package_has_tests() -> None:
    targets = [target for package in PACKAGES for target in targets_of(package)]
    assert len({target.file for target in targets}) == len(targets) > 80
    assert all((ROOT / test).exists() for target in (*targets, *TARGETS) for test in (*target.own, *target.others))
    assert not any(set(target.own) & set(target.others) for target in targets)


def test_tests_belong_to_a_module_by_their_names() -> None:
    assert target_of("market/book/l2.py") in TARGETS
    assert target_of("feed/session.py").own == (
        "tests/feed/test_session.py", "tests/feed/test_session_books.py", "tests/feed/test_session_messages.py"
    )  # fmt: skip
    assert target_of("feed/answers.py").own == ()
    assert "tests/feed/test_session.py" in target_of("feed/answers.py").others
    with pytest.raises(ValueError, match="there is no module"):
        target_of("feed/nothing.py")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_deliberate_bug_can_still_be_put_into_the_program_of_today(mutant: Mutant) -> None:
    for text in apply(mutant, ROOT / "kraken_tui").values():
        ast.parse(text)
