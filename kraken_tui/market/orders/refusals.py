"""What a refusal means for an order (PRIVATE.md section 5.4); the texts and their advice are in `wire.refusals`."""

from __future__ import annotations

from enum import StrEnum

from kraken_tui.wire.refusals import Course, refusal


class Retry(StrEnum):
    """Whether the same request may be tried again; the program itself never does."""

    NO = "no"
    AFTER_DECAY = "once the rate counter has fallen"
    NEW_DECISION = "only by a new decision"
    UNKNOWN = "the outcome is unknown"
    GONE = "the order is gone: look at its executions"


_OF_COURSE = {Course.UNKNOWN: Retry.UNKNOWN, Course.LOOK: Retry.GONE}


def means(error: str) -> tuple[Retry, str]:
    """Whether to retry, and one clause for the reader; ("no", "") for texts that are not known."""
    found = refusal(error)
    retry = _OF_COURSE.get(found.course, Retry.NO)
    if found.course is Course.LATER:
        words = found.text.lower()
        if "rate limit exceeded" in words:
            retry = Retry.AFTER_DECAY
        elif "deadline elapsed" in words:
            retry = Retry.NEW_DECISION
    return retry, found.advice
