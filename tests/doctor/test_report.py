"""What the doctor prints: aligned, inert, and with the right exit code."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.doctor.report import (
    AsyncCheck,
    Check,
    Outcome,
    Result,
    Skipped,
    Unexpected,
    as_json,
    exit_code,
    expect,
    summary,
    table,
)
from kraken_tui.doctor.run import run


def raising(error: Exception) -> str:
    raise error


@pytest.mark.parametrize(
    ("error", "outcome", "seen"),
    [
        (Unexpected("it stayed green"), Outcome.FAIL, "it stayed green"),
        (Skipped("no openssl"), Outcome.SKIP, "no openssl"),
        (KeyError("data"), Outcome.FAIL, "KeyError: 'data'"),
        (OSError("\x1b[2J"), Outcome.FAIL, "OSError: \N{REPLACEMENT CHARACTER}[2J"),
    ],
)
def test_whatever_a_check_raises_is_its_result(error: Exception, outcome: Outcome, seen: str) -> None:
    async def later() -> str:
        return raising(error)

    for result in (
        Check("fault", "F1", "none", lambda: raising(error)).result(),
        asyncio.run(AsyncCheck("fault", "F1", "none", later).result()),
    ):
        assert (result.outcome, result.seen) == (outcome, seen)
        assert result.ms >= 0


def test_expect_tells_what_was_seen_either_way() -> None:
    assert expect(1, "seen") == "seen"
    with pytest.raises(Unexpected, match="seen"):
        expect(0, "seen")


def results(*outcomes: Outcome) -> list[Result]:
    return [Result(f"fault {n}", f"F{n}", "x" * 50, "seen " * 20, outcome, 1.25) for n, outcome in enumerate(outcomes)]


def test_only_a_failure_is_exit_code_1() -> None:
    assert exit_code(results(Outcome.PASS, Outcome.SKIP)) == 0
    assert exit_code(results(Outcome.PASS, Outcome.FAIL, Outcome.SKIP)) == 1
    assert summary(results(Outcome.PASS, Outcome.SKIP), 2.34) == "2 checks in 2.3 s: 1 passed, 1 skipped, all well"
    assert summary(results(Outcome.FAIL, Outcome.FAIL), 0) == "2 checks in 0.0 s: 0 passed, 2 FAILED"


@given(
    st.lists(st.tuples(*[st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=90)] * 3), max_size=6),
    st.integers(20, 200),
)
def test_no_line_is_wider_than_asked_and_no_word_is_lost(rows: list[tuple[str, str, str]], width: int) -> None:
    lines = table([Result(a, "", b, c, Outcome.PASS, 12) for a, b, c in rows], width).splitlines()
    assert all(len(line) <= max(48, width) for line in lines)
    assert sum("  pass  " in line for line in lines) >= len(rows)
    letters = "".join("".join(lines).split())
    for row in rows:
        for character in "".join(row):
            assert character.isspace() or character in letters


def test_columns_stand_under_their_heads() -> None:
    head, first, *_ = table(results(Outcome.PASS), 120).splitlines()
    assert head.index("expected") == first.index("xxx")
    assert head.index("seen") == first.index("seen ")
    assert first.endswith("pass       1")


def test_json_is_one_object_in_ascii() -> None:
    text = as_json([Result("Ω", "F1", "a", "b", Outcome.SKIP, 1.26)], 0.5, "9")
    assert text.isascii()
    assert json.loads(text) == {
        "kraken_tui": "9",
        "ok": True,
        "seconds": 0.5,
        "checks": [{"name": "Ω", "cites": "F1", "expected": "a", "seen": "b", "outcome": "skip", "ms": 1.3}],
    }


@pytest.mark.parametrize(("outcome", "code"), [(Outcome.PASS, 0), (Outcome.FAIL, 1)])
def test_run_prints_and_answers_with_the_code(outcome: Outcome, code: int) -> None:
    said: list[str] = []
    assert run(lambda: results(outcome), machine=False, width=100, write=said.append) == code
    assert "1 check in" in said[0]
    said.clear()
    assert run(lambda: results(outcome), machine=True, width=100, write=said.append) == code
    assert json.loads(said[0])["ok"] is (code == 0)
