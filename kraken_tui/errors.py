"""Every error of the package that a caller may want to handle, each once.

::

    KrakenError
    ├── ConfigurationError (ValueError)   a setting, argument or option that cannot work
    ├── RecordingError                    a recording that cannot be played or written
    ├── ConnectionFailed                  no connection could be made
    ├── ConnectionClosed                  an established connection is gone
    ├── RateLimited                       the exchange refuses connections for now
    ├── SubscriptionFailed                a pair or channel was refused
    ├── WireError                         something that arrived is wrong
    │   ├── InvalidMessage                a frame or one of its parts
    │   ├── InvalidNumber                 a price or quantity
    │   └── UnknownPair                   a name the exchange does not list
    ├── ChecksumMismatch                  a book that differs from the exchange's
    ├── TimedOut (TimeoutError)           no result in time
    ├── FeedFailed                        the feed ended for good, or delivered nothing
    ├── OutputFailed                      standard output cannot be written
    └── EngineFailed                      a defect of this package

Each message is one sentence. Errors that report trouble of the feed are also delivered as events, through
`KrakenClient.errors()` and `KrakenClient.on_error()`: the feed repairs itself and carries on. Text of the exchange in a
message has been cleaned. docs/LIBRARY.md says where each is raised or delivered.

Exceptions that only steer control flow (such as `ListenerClosed`) stay private to the module that raises them.
"""

from __future__ import annotations

from typing import Any


class KrakenError(Exception):
    """Base of every error here. All can be copied, and pickled to other processes."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are rebuilt from `args`, the finished sentence, which is not what the constructors take.
        return _rebuild, (type(self), self.args), self.__dict__ or None


def _rebuild(kind: type[KrakenError], words: tuple[object, ...]) -> KrakenError:
    error = kind.__new__(kind)
    error.args = words
    return error


class ConfigurationError(KrakenError, ValueError):
    """A setting, argument or option cannot work; the message names it and says what it takes."""


Configuration = ConfigurationError
"""Deprecated name of `ConfigurationError`; it goes with 1.0."""


class RecordingError(KrakenError):
    """A recording cannot be played, or cannot be written; the message names the file and says why."""


class ConnectionFailed(KrakenError):
    """No connection could be made, or the recording could not be opened or read.

    Attributes:
        cause: Why, one short clause.
        attempt: Failed dials since the connection was last stable.
        retry_in_s: Seconds until the next dial; None if none is planned.
    """

    def __init__(self, cause: str, attempt: int = 0, retry_in_s: float | None = None) -> None:
        self.cause = cause
        self.attempt = attempt
        self.retry_in_s = retry_in_s
        again = "" if retry_in_s is None else f"; next try in {retry_in_s:.1f} s"
        super().__init__(f"no connection: {cause}{again}")


class ConnectionClosed(KrakenError):
    """An established connection is gone, or the client is closed.

    Attributes:
        cause: Why, one short clause.
        retry_in_s: Seconds until the next dial; None if none is planned.
    """

    def __init__(self, cause: str, retry_in_s: float | None = None) -> None:
        self.cause = cause
        self.retry_in_s = retry_in_s
        again = "" if retry_in_s is None else f"; next try in {retry_in_s:.1f} s"
        super().__init__(f"the connection is closed: {cause}{again}")


class RateLimited(KrakenError):
    """The exchange refuses connections from this address for now; nothing is dialled until that is over.

    Attributes:
        retry_after: Seconds until the next dial; None if unknown.
        cause: The exchange's words.
    """

    def __init__(self, retry_after: float | None, cause: str = "too many connections") -> None:
        self.retry_after = retry_after
        self.cause = cause
        again = "" if retry_after is None else f"; next try in {retry_after:.0f} s"
        super().__init__(f"{cause}{again}")


class SubscriptionFailed(KrakenError):
    """A pair, or one of its channels, was refused; it is not requested again until the program subscribes again.

    Attributes:
        symbol: The name as it was requested; "" for a list of all pairs.
        reason: The refusal.
        nearest: Pairs with similar names, best first, possibly none.
        channel: The refused channel; "" for the whole pair.
    """

    def __init__(self, symbol: str, reason: str, nearest: tuple[str, ...] = (), channel: str = "") -> None:
        self.symbol = symbol
        self.reason = reason
        self.nearest = nearest
        self.channel = channel
        what = f"{symbol} {channel}".strip() or "the exchange"
        hint = f"; nearest: {', '.join(nearest)}" if nearest and not any(name in reason for name in nearest) else ""
        super().__init__(f"{what}: {reason}{hint}")


class WireError(KrakenError):
    """Something that arrived is wrong."""


class InvalidMessage(WireError):
    """The exchange sent something that cannot be read or cannot be right.

    Attributes:
        reason: What is wrong with it, one short clause.
        symbol: The pair it was about; None if the frame as a whole could not be read.
        channel: The channel, if the frame is JSON and names a known one; else "".
    """

    def __init__(self, reason: str, symbol: str | None = None, channel: str = "") -> None:
        self.reason = reason
        self.symbol = symbol
        self.channel = channel
        super().__init__(f"{symbol}: {reason}" if symbol else reason)


class InvalidNumber(WireError):
    """The text is not a plain, finite, non-negative decimal that fits the pair's precision."""


class UnknownPair(WireError):
    """No pair of the exchange has this name.

    Attributes:
        name: The name as it was requested, cleaned for display.
        nearest: Symbols that look alike, best first, possibly none.
    """

    def __init__(self, name: str, nearest: tuple[str, ...]) -> None:
        self.name = name
        self.nearest = nearest
        hint = f"; nearest: {', '.join(nearest)}" if nearest else ", nor one with a name like it"
        super().__init__(f"Kraken has no pair {self.name!r}{hint}")


class ChecksumMismatch(KrakenError):
    """A book does not have the checksum the exchange sent: it is unverified until a new snapshot proves it.

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


class TimedOut(KrakenError, TimeoutError):
    """The awaited result did not come in time, although the connection is up."""


class FeedFailed(KrakenError):
    """The feed ended for good, or delivered nothing to show; the message says why."""


class OutputFailed(KrakenError):
    """Standard output cannot be written, as on a full disk."""


class EngineFailed(KrakenError):
    """The engine ended because of a defect of this package; `__cause__` is the defect."""
