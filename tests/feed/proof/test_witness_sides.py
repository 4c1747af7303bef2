"""The second witness where the ticker tells one side only: the other one is judged by nobody."""

from __future__ import annotations

import pytest

from kraken_tui.feed.proof.witness import APART_NS, TouchWitness, Verdict
from kraken_tui.units import SECOND
from kraken_tui.wire.symbols import PairSpec

SPEC = PairSpec("BTC/USD", "BTC", "USD", 1, 8)


@pytest.fixture
def witness() -> TouchWitness:
    """Shown a live book at 10.0 / 10.1."""
    made = TouchWitness(SPEC)
    made.began(100, 101, 0)
    return made


def first_verdict(witness: TouchWitness, until_s: int) -> tuple[float, Verdict] | None:
    for quarter in range(until_s * 4):
        verdict = witness.judge(quarter * SECOND // 4)
        if verdict is not Verdict.NOTHING:
            return quarter / 4, verdict
    return None


@pytest.mark.parametrize(("bid", "ask"), [(100, None), (None, 101)])
def test_one_side_that_agrees_is_enough(witness: TouchWitness, bid: int | None, ask: int | None) -> None:
    witness.report(bid, ask, 0)
    assert witness.text == "agrees"
    assert first_verdict(witness, 120) is None


@pytest.mark.parametrize(
    ("bid", "ask", "reason"),
    [
        (99, None, "the ticker's bid 9.9 is not the book's 10.0"),
        (None, 103, "the ticker's ask 10.3 is not the book's 10.1"),
        (99, 101, "the ticker's bid 9.9 is not the book's 10.0"),
    ],
)
def test_one_side_that_differs_is_a_small_difference(
    witness: TouchWitness, bid: int | None, ask: int | None, reason: str
) -> None:
    witness.report(bid, ask, 0)
    assert first_verdict(witness, 120) == (5, Verdict.ASK)
    assert (witness.text, witness.reason) == ("differs", reason)


@pytest.mark.parametrize(
    ("bid", "ask", "when"),
    [(50, None, 3), (200, None, 5), (201, None, 3), (49, None, 3), (None, 202, 5), (None, 203, 3), (None, 50, 3)],
)
def test_one_side_off_by_more_than_a_factor_of_two_is_a_gross_one(
    witness: TouchWitness, bid: int | None, ask: int | None, when: int
) -> None:
    witness.report(bid, ask, 0)
    # Half of 100 is not less than half; a gross difference alarms by itself, another is asked about first.
    expected = (5, Verdict.ASK) if when == 5 or bid == 50 else (3, Verdict.ALARM)
    assert first_verdict(witness, 120) == expected


def test_a_side_that_was_not_told_may_move_as_it_likes(witness: TouchWitness) -> None:
    witness.report(100, None, 0)
    for second in range(1, 40):
        witness.touch(100, 101 + second, second * SECOND)
        assert witness.judge(second * SECOND) is Verdict.NOTHING
    assert witness.agrees


def test_a_side_that_was_told_may_not_stand_elsewhere_for_long(witness: TouchWitness) -> None:
    witness.report(100, None, 0)
    witness.touch(95, 101, SECOND)
    assert witness.judge(SECOND + APART_NS - 1) is Verdict.NOTHING
    assert witness.judge(SECOND + APART_NS) is Verdict.ASK
