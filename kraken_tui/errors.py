"""What can go wrong, as types a program can tell apart. docs/LIBRARY.md says where each is raised or delivered.

Every error is one clear sentence. Those that report the feed's own troubles are also delivered as events, through
`KrakenClient.errors()` and `KrakenClient.on_error()`: the feed goes on and repairs itself, the error says that it had
to. Text of the exchange in them has passed the gate for untrusted text.
"""

from __future__ import annotations

from typing import Any


class KrakenError(Exception):
    """Any error of this package that a program may want to handle; it can be copied, and pickled to other processes."""

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is usually made anew from its sentence, which is not what these are made from.
        return _again, (type(self), self.args), self.__dict__ or None


def _again(kind: type[KrakenError], words: tuple[object, ...]) -> KrakenError:
    error = kind.__new__(kind)
    error.args = words
    return error


class Configuration(KrakenError, ValueError):
    """Something the program asked for cannot work; the text names the argument and what it takes."""


ConfigurationError = Configuration
"""The same class by its longer name."""


class ConnectionFailed(KrakenError):
    """No connection could be made, or the recording could not be opened or read.

    Attributes:
        cause: Why, one short clause.
        attempt: Dials that failed since the connection was last stable.
        retry_in_s: Seconds until the next dial; None where none is planned.
    """

    def __init__(self, cause: str, attempt: int = 0, retry_in_s: float | None = None) -> None:
        self.cause = cause
        self.attempt = attempt
        self.retry_in_s = retry_in_s
        again = "" if retry_in_s is None else f"; next try in {retry_in_s:.1f} s"
        super().__init__(f"no connection: {cause}{again}")


class ConnectionClosed(KrakenError):
    """A connection that stood is gone, or the client is closed.

    Attributes:
        cause: Why, one short clause.
        retry_in_s: Seconds until the next dial; None where none is planned.
    """

    def __init__(self, cause: str, retry_in_s: float | None = None) -> None:
        self.cause = cause
        self.retry_in_s = retry_in_s
        again = "" if retry_in_s is None else f"; next try in {retry_in_s:.1f} s"
        super().__init__(f"the connection is closed: {cause}{again}")


class InvalidMessage(KrakenError):
    """The exchange sent what cannot be read or cannot be right.

    Attributes:
        reason: What is wrong with it, one short clause.
        symbol: The pair it was about, or None where the frame as a whole could not be read.
    """

    def __init__(self, reason: str, symbol: str | None = None) -> None:
        self.reason = reason
        self.symbol = symbol
        super().__init__(f"{symbol}: {reason}" if symbol else reason)


class ChecksumMismatch(KrakenError):
    """A book does not have the checksum the exchange sent: it is unproven until a new snapshot proves it.

    Attributes:
        expected: The exchange's checksum.
        actual: The book's own.
        symbol: The pair.
    """

    def __init__(self, expected: int, actual: int, symbol: str) -> None:
        self.expected = expected
        self.actual = actual
        self.symbol = symbol
        super().__init__(f"{symbol}: the book's checksum is {actual}, the exchange's is {expected}")


class SubscriptionFailed(KrakenError):
    """A pair, or one of its channels, was refused; it is not asked for again until the program asks anew.

    Attributes:
        symbol: The name as it was asked for; "" where a list of all pairs is meant.
        reason: The refusal.
        nearest: Pairs with similar names, best first, possibly none.
        channel: The channel refused; "" where the whole pair is.
    """

    def __init__(self, symbol: str, reason: str, nearest: tuple[str, ...] = (), channel: str = "") -> None:
        self.symbol = symbol
        self.reason = reason
        self.nearest = nearest
        self.channel = channel
        what = f"{symbol} {channel}".strip() or "the exchange"
        hint = f"; nearest: {', '.join(nearest)}" if nearest and not any(name in reason for name in nearest) else ""
        super().__init__(f"{what}: {reason}{hint}")


class RateLimited(KrakenError):
    """The exchange refuses connections from this address for now; nothing is dialled until it is over.

    Attributes:
        retry_after: Seconds until the next dial; None where unknown.
        cause: The exchange's words.
    """

    def __init__(self, retry_after: float | None, cause: str = "too many connections") -> None:
        self.retry_after = retry_after
        self.cause = cause
        again = "" if retry_after is None else f"; next try in {retry_after:.0f} s"
        super().__init__(f"{cause}{again}")


class TimedOut(KrakenError, TimeoutError):
    """What was waited for did not happen in time, though the connection stands."""


class EngineFailed(KrakenError):
    """The engine ended because of a defect of this package; `__cause__` is the defect."""
