"""What the exchange's refusals mean: the course to take, and what to tell the user (ACCOUNT.md section 7).

The one table of refusal texts, for REST answers, subscriptions and trading methods alike. Nothing is ever repeated
because of a row here: a course says what may happen next, never that something should be sent again.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

import msgspec

from kraken_tui.text import clean_text


class Course(Enum):
    """What may follow a refusal."""

    NEVER = "never"
    """The same request will be refused again."""
    LATER = "later"
    """It may work once something has passed; a person decides."""
    UNKNOWN = "unknown"
    """Perhaps it was done all the same: find out, never repeat it."""
    LOOK = "look"
    """What it was about is gone already: look at the executions before saying how."""
    NEW_TOKEN = "new token"
    """One more try with a new token."""
    NONCE = "nonce"
    """Somebody else uses the key, or the clock was set back: no further request until that is cured."""
    KEY = "key"
    """The key cannot do this: no further request with it until the user has changed something."""
    RIGHT = "right"
    """The key lacks the right for this one thing; others may work."""
    LOCKED = "locked"
    """The exchange has locked the key or the account for a time: every further request makes it longer."""


class Hint(NamedTuple):
    """One row: texts that begin so, what follows, and what to do about it."""

    text: str
    course: Course
    advice: str


HINTS = (
    Hint("EAPI:Invalid key", Course.KEY, "the key is wrong, deleted or expired; compare it with Kraken's list of API "
         "keys, or make a new one"),
    Hint("EAPI:Invalid signature", Course.KEY, "the private key does not belong to the key, or was cut when it was "
         "copied; add both again"),
    Hint("EAPI:Invalid nonce", Course.NONCE, "another program uses this key, or the clock was set "
         "back; give this program a key of its own, and check this computer's clock"),
    Hint("EAPI:Bad request", Course.NEVER, "the exchange cannot read the request; please report this"),
    Hint("EAPI:Feature disabled", Course.NEVER, "Kraken has switched this off for now"),
    Hint("EAPI:Rate limit exceeded", Course.LATER, "too many requests of this account; wait half a minute"),
    Hint("EGeneral:Permission denied", Course.RIGHT, "the key lacks the right for this, or it has two-factor "
         "authentication on, which a program cannot answer; see `kraken-tui keys check` and docs/ACCOUNT.md"),
    Hint("EGeneral:Temporary lockout", Course.LOCKED, "the key is locked after too many bad requests; stop "
         "every program that uses it and wait at least 15 minutes"),
    Hint("EAuth:Account temporary disabled", Course.LOCKED, "the account is disabled for now; sign in at kraken.com"),
    Hint("EAuth:Account unconfirmed", Course.KEY, "the account is not confirmed yet; sign in at kraken.com"),
    Hint("EAuth:Rate limit exceeded", Course.LOCKED, "too many sign-ins; wait at least 15 minutes"),
    Hint("EAuth:Too many requests", Course.LOCKED, "too many sign-ins; wait at least 15 minutes"),
    Hint("ESession:Invalid session", Course.NEW_TOKEN, "the token is not accepted any more; a new one is fetched once"),
    Hint("Token(s) not found", Course.NEVER, "the request had no token; please report this"),
    Hint("EGeneral:Internal error", Course.UNKNOWN, "it may have been done all the same; look at the orders"),
    Hint("EService:Unavailable", Course.UNKNOWN, "it may have been done all the same; look at the orders"),
    Hint("EService:Busy", Course.UNKNOWN, "it may have been done all the same; look at the orders"),
    Hint("EService:Timeout", Course.UNKNOWN, "it may have been done all the same; look at the orders"),
    Hint("EService:Throttled", Course.LATER, "too many requests of this account; wait until the time it names"),
    Hint("EService: Throttled", Course.LATER, "too many requests of this account; wait until the time it names"),
    Hint("EService:Market in cancel_only mode", Course.LATER, "only cancelling is possible now"),
    Hint("EService:Market in post_only mode", Course.LATER, "only post-only orders are taken now"),
    Hint("EService:Market in limit_only mode", Course.LATER, "only limit orders are taken now"),
    Hint("EService:Deadline elapsed", Course.LATER, "it arrived too late and was not done; if that happens often, "
         "check this computer's clock and the line"),
    Hint("EOrder:Insufficient funds", Course.NEVER, "the free balance does not cover it"),
    Hint("EOrder:Insufficient margin", Course.NEVER, "the margin does not cover it"),
    Hint("EOrder:Order minimum not met", Course.NEVER, "the quantity is below the pair's minimum; zero is never taken"),
    Hint("EOrder:Cost minimum not met", Course.NEVER, "price times quantity is below the pair's minimum"),
    Hint("EOrder:Tick size check failed", Course.NEVER, "the price is not a multiple of the pair's increment"),
    Hint("EOrder:Invalid price", Course.NEVER, "the price has too many decimals, or is too far away"),
    Hint("EOrder:Rate limit exceeded", Course.LATER, "too many changes of orders on this pair; wait for the counter to "
         "run down"),
    Hint("EOrder:Orders limit exceeded", Course.NEVER, "too many open orders on this pair; cancel some first"),
    Hint("EOrder:Domain rate limit exceeded", Course.LATER, "too many changes of orders; wait a little"),
    Hint("EOrder:Unknown order", Course.LOOK, "it is gone already, filled or cancelled; look at the executions"),
    Hint("EGeneral:Invalid arguments:volume", Course.NEVER, "the quantity is not one that can be ordered; zero "
         "is never taken"),
    Hint("EGeneral:Invalid arguments", Course.NEVER, "the exchange does not take these values"),
    Hint("EQuery:Unknown asset pair", Course.NEVER, "the exchange has no such pair"),
    Hint("EQuery:Unknown asset", Course.NEVER, "the exchange has no such asset"),
    Hint("Subscription depth not supported", Course.NEVER, "choose another depth"),
    Hint("Currency pair not supported", Course.NEVER, "the exchange has no such pair"),
    Hint("Already subscribed", Course.NEVER, "it is subscribed already"),
    Hint("Exceeded msg rate", Course.LATER, "too many requests on this connection; wait a few seconds"),
)  # fmt: skip
"""A text belongs to the longest row it begins with, capital letters or not."""

_NUMBER = "field must be a number_float"
_ORDER = sorted(HINTS, key=lambda hint: -len(hint.text))


class Refusal(msgspec.Struct, frozen=True):
    """What the exchange said no with.

    Attributes:
        text: Its words, cleaned.
        course: What may follow.
        advice: What to do about it, one clause; "" for a text that is not in the table.
    """

    text: str
    course: Course
    advice: str = ""

    @property
    def sentence(self) -> str:
        """For the user: the exchange's words and ours."""
        return f"Kraken says {self.text}: {self.advice}" if self.advice else f"Kraken says {self.text}"


class OutcomeUnknown(msgspec.Struct, frozen=True):
    """No answer that can be trusted: it may have been done or not. It must be found out, and never be sent again.

    Attributes:
        reason: Why, one clause.
    """

    reason: str

    @property
    def sentence(self) -> str:
        """For the user."""
        return f"no certain answer ({self.reason}); it may have been done all the same"


class NotSent(msgspec.Struct, frozen=True):
    """The request has not left this computer, so nothing was done.

    Attributes:
        reason: Why, one clause and what to do.
    """

    reason: str

    @property
    def sentence(self) -> str:
        """For the user."""
        return f"not sent: {self.reason}"


Failed = Refusal | OutcomeUnknown | NotSent
"""What a call returns instead of its value."""


def refusal(text: object) -> Refusal:
    """Look a refusal up.

    Args:
        text: The exchange's words.
    """
    words = clean_text(text)
    lower = words.lower()
    for hint in _ORDER:
        if lower.startswith(hint.text.lower()):
            return Refusal(words, hint.course, hint.advice)
    if _NUMBER in lower:
        return Refusal(words, Course.NEVER, "a number was written wrongly; please report this")
    # A text nobody has met must not be taken for leave to try again.
    return Refusal(words, Course.NEVER)


def judge(errors: Iterable[object]) -> Refusal | OutcomeUnknown | None:
    """Judge the list of errors that stands in every REST answer; the HTTP status says nothing.

    Returns:
        The gravest of them, or None where there are only warnings, or nothing.
    """
    found = [refusal(error) for error in errors if not str(error).startswith("W")]
    for course in (Course.UNKNOWN, Course.LOCKED, Course.KEY, Course.NONCE, Course.RIGHT):
        for each in found:
            if each.course is course:
                return OutcomeUnknown(f"Kraken says {each.text}") if course is Course.UNKNOWN else each
    return found[0] if found else None
