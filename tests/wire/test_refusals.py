"""Refusals: the exchange's words, what may follow, and a sentence that says what to do."""

from __future__ import annotations

import pytest

from kraken_tui.wire.refusals import HINTS, Course, NotSent, OutcomeUnknown, Refusal, judge, refusal
from tests.reference.private_vectors import REFUSALS

COURSES = {
    "no": {Course.NEVER, Course.RIGHT, Course.LOOK, Course.LATER},
    "after decay": {Course.LATER},
    "only with a new decision": {Course.LATER},
    "outcome unknown": {Course.UNKNOWN},
}


@pytest.mark.parametrize(("text", "retry"), REFUSALS)
def test_every_documented_refusal_has_its_course_and_advice(text: str, retry: str) -> None:
    found = refusal(text)
    assert found.course in COURSES[retry]
    assert found.advice
    assert found.text == text
    assert found.sentence.startswith(f"Kraken says {text}: ")


def test_no_course_lets_anything_be_sent_again_by_itself() -> None:
    """Only a subscription may be tried once more, with a new token."""
    assert [hint.text for hint in HINTS if hint.course is Course.NEW_TOKEN] == ["ESession:Invalid session"]


@pytest.mark.parametrize(
    ("text", "what_to_do"),
    [
        ("EAPI:Invalid signature", "add both again"),
        ("EAPI:Invalid key", "make a new one"),
        ("EAPI:Invalid nonce", "a key of its own"),
        ("EAPI:Invalid nonce", "clock"),
        ("EGeneral:Permission denied", "two-factor"),
        ("EGeneral:Permission denied", "keys check"),
        ("EGeneral:Temporary lockout", "wait at least 15 minutes"),
        ("ESession:Invalid session", "token"),
        ("EGeneral:Invalid arguments:volume", "zero is never taken"),
        ("EOrder:Order minimum not met", "minimum"),
        ("egeneral:permission denied", "right"),
    ],
)
def test_bad_input_is_told_with_what_to_do(text: str, what_to_do: str) -> None:
    sentence = refusal(text).sentence
    assert what_to_do in sentence
    assert "\n" not in sentence


def test_mistake_34_two_factor_on_the_key_is_named_where_permission_is_denied() -> None:
    assert "two-factor authentication" in refusal("EGeneral:Permission denied").sentence


def test_an_unknown_text_is_no_leave_to_try_again() -> None:
    assert refusal("EOrder:Something new \x1b[2J") == Refusal("EOrder:Something new �[2J", Course.NEVER)


def test_the_longest_row_counts() -> None:
    assert "zero" in refusal("EGeneral:Invalid arguments:volume").advice
    assert "zero" not in refusal("EGeneral:Invalid arguments:price").advice
    assert len({hint.text.lower() for hint in HINTS}) == len(HINTS)


def test_the_list_is_judged_by_its_gravest_error() -> None:
    assert judge([]) is None
    assert judge(["WGeneral:Something"]) is None
    assert judge(["EOrder:Invalid price", "EService:Unavailable"]) == OutcomeUnknown("Kraken says EService:Unavailable")
    for grave in ("EGeneral:Temporary lockout", "EAPI:Invalid key", "EAPI:Invalid nonce", "EGeneral:Permission denied"):
        found = judge(["EOrder:Invalid price", grave])
        assert isinstance(found, Refusal)
        assert found.text == grave
    found = judge(["EAPI:Invalid key", "EGeneral:Temporary lockout"])
    assert isinstance(found, Refusal)
    assert found.course is Course.LOCKED
    assert isinstance(judge([{"odd": 1}]), Refusal)


def test_sentences_of_what_is_not_certain_and_of_what_was_not_sent() -> None:
    assert OutcomeUnknown("timed out").sentence == ("no certain answer (timed out); it may have been done all the same")
    assert NotSent("no line").sentence == "not sent: no line"


def test_of_errors_as_grave_as_each_other_the_first_counts() -> None:
    found = judge(["EOrder:Invalid price", "EOrder:Insufficient funds"])
    assert isinstance(found, Refusal)
    assert found.text == "EOrder:Invalid price"
