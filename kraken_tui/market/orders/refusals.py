"""What a refusal means for the one who sent the request (PRIVATE.md section 5.4)."""

from __future__ import annotations

from enum import StrEnum


class Retry(StrEnum):
    """Whether the same request may be tried again; the program itself never does."""

    NO = "no"
    AFTER_DECAY = "once the rate counter has fallen"
    NEW_DECISION = "only by a new decision"
    UNKNOWN = "the outcome is unknown"
    GONE = "the order is gone: look at its executions"


REFUSALS: tuple[tuple[str, Retry, str], ...] = (
    ("EService:Unavailable", Retry.UNKNOWN, "the outcome is unknown; it is being looked up"),
    ("EService:Busy", Retry.UNKNOWN, "the outcome is unknown; it is being looked up"),
    ("EService:Timeout", Retry.UNKNOWN, "the outcome is unknown; it is being looked up"),
    ("EGeneral:Internal error", Retry.UNKNOWN, "the outcome is unknown; it is being looked up"),
    ("EOrder:Unknown order", Retry.GONE, "the order is gone, usually filled; it is being looked up"),
    ("EOrder:Rate limit exceeded", Retry.AFTER_DECAY, "the pair's rate counter is full; wait until it has fallen"),
    ("EService:Deadline elapsed", Retry.NEW_DECISION, "it arrived after its deadline"),
    ("EService:Market in cancel_only mode", Retry.NO, "the market takes cancels only"),
    ("EService:Market in post_only mode", Retry.NO, "the market takes post-only orders only"),
    ("EOrder:Insufficient funds", Retry.NO, "there is not enough free balance"),
    ("EOrder:Order minimum not met", Retry.NO, "the quantity is below the pair's minimum"),
    ("EOrder:Cost minimum not met", Retry.NO, "price times quantity is below the pair's minimum"),
    ("EOrder:Tick size check failed", Retry.NO, "the price is not a multiple of the pair's step"),
    ("EOrder:Invalid price", Retry.NO, "the price has too many decimals or is out of range"),
    ("EOrder:Orders limit exceeded", Retry.NO, "too many open orders on the pair"),
    ("EGeneral:Permission denied", Retry.NO, "the key may not do this; a key with 2FA is refused the same way"),
    ("Token(s) not found", Retry.NO, "the request had no token"),
    ("ESession:Invalid session", Retry.NO, "the token is not valid any more"),
)


def means(error: str) -> tuple[Retry, str]:
    """Whether to retry, and one clause for the reader; ("no", "") for texts that are not in the table."""
    for beginning, retry, hint in REFUSALS:
        if error.startswith(beginning):
            return retry, hint
    return Retry.NO, ""
