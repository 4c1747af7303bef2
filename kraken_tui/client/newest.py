"""The newest that the engine said of each pair and of the connection, and the errors it means.

`transform` runs in the engine's thread; what is kept is swapped in whole, so that other threads may read it. Nothing
here judges a book: its proof is what the engine said of it last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from kraken_tui.client.gaps import GapBuffer, GapPolicy
from kraken_tui.engine.events import PRICED, BookLine, FrameRejected
from kraken_tui.errors import (
    ChecksumMismatch,
    ConnectionClosed,
    ConnectionFailed,
    InvalidMessage,
    KrakenError,
    RateLimited,
    SubscriptionFailed,
)
from kraken_tui.feed.channels import leaves_no_book
from kraken_tui.feed.connection.table import State
from kraken_tui.feed.events import BookStateChanged, Refused, Resync, SpecChanged, StateChanged
from kraken_tui.market.events import Proof
from kraken_tui.wire.checksum import checksum_of_units
from kraken_tui.wire.symbols import PairSpec, canonical

_DOWN = (State.DISCONNECTED, State.COOLDOWN, State.CLOSED)


class TheBook(NamedTuple):
    """A pair's newest levels and the state they are in."""

    line: BookLine
    state: BookStateChanged


class Newest:
    """Sees every event of an engine before its listeners do.

    Args:
        policy: What listeners are told about a pair that cannot be proven.

    Attributes:
        books: Newest book by symbol.
        states: Newest book state by symbol, also of pairs without levels.
        specs: Reference data by symbol.
        refused: Refusals of whole pairs or of their books, by canonical name.
        connection: Newest connection state; None before the first.
        trouble: Why there is no connection; None while connected, or before the first dial.
        gaps: Held back events with the policy BUFFER, else None.
        left_out: Events left out because their pair's precisions were unknown.
        on_refused: Called in the engine's thread after a refusal was added.
    """

    def __init__(self, policy: GapPolicy = GapPolicy.RESYNC) -> None:
        self.books: dict[str, TheBook] = {}
        self.states: dict[str, BookStateChanged] = {}
        self.specs: dict[str, PairSpec] = {}
        self.refused: dict[str, SubscriptionFailed] = {}
        self.connection: StateChanged | None = None
        self.trouble: KrakenError | None = None
        self.gaps = GapBuffer() if policy is GapPolicy.BUFFER else None
        self.left_out = 0
        self.on_refused: Callable[[], None] = lambda: None
        self._ignores = policy is GapPolicy.IGNORE
        self._mismatched: set[str] = set()

    def transform(self, event: object) -> Iterator[object]:
        """What listeners are told: the event as the gap policy has it, then the error it means, if it means one."""
        error = self._look(event)
        carrier = PRICED.get(type(event))
        if carrier is not None:
            # With the precisions of this moment: they may have changed when the event is read.
            spec = self.specs.get(event.symbol)  # type: ignore[attr-defined]
            if spec is None:
                self.left_out += 1
                return
            event = carrier(event, spec)  # type: ignore[arg-type]
        if self.gaps is None:
            yield event
        else:
            yield from self.gaps.admit(event)
        if error is not None:
            yield error

    def forget(self, symbol: str) -> None:
        """The pair was unsubscribed; call it in the engine's thread."""
        self.books.pop(symbol, None)
        self.states.pop(symbol, None)
        self.refused.pop(canonical(symbol), None)
        self._mismatched.discard(symbol)
        if self.gaps is not None:
            self.gaps.forget(symbol)

    # -- looking --------------------------------------------------------------------------------------------------

    def _look(self, event: object) -> KrakenError | None:
        if isinstance(event, BookLine):
            # The state comes before the message that changed it, so this is the state of these very levels.
            state = self.states.get(event.symbol)
            if state is not None:
                self.books[event.symbol] = TheBook(event, state)
            return self._ignored_mismatch(event) if self._ignores else None
        if isinstance(event, BookStateChanged):
            self._on_book_state(event)
        elif isinstance(event, SpecChanged):
            self.specs[event.spec.symbol] = event.spec
        elif isinstance(event, StateChanged):
            return self._connection_error(event)
        elif isinstance(event, Refused):
            error = SubscriptionFailed(event.symbol, event.error, event.nearest, event.channel)
            if leaves_no_book(event):
                self.refused[canonical(event.symbol)] = error
                self.on_refused()
            return error
        elif isinstance(event, Resync):
            if event.expected is not None and event.actual is not None:
                return ChecksumMismatch(event.expected, event.actual, event.symbol)
        elif isinstance(event, FrameRejected):
            return InvalidMessage(event.reason, event.symbol)
        return None

    def _on_book_state(self, event: BookStateChanged) -> None:
        self.states[event.symbol] = event
        book = self.books.get(event.symbol)
        # Proof is lost at once, and gained with the levels that are proven: those come next.
        if book is not None and event.proof is not Proof.VERIFIED:
            self.books[event.symbol] = TheBook(book.line, event)

    def _connection_error(self, event: StateChanged) -> KrakenError | None:
        before, self.connection = self.connection, event
        dialled = before is not None and before.state == State.CONNECTING
        error: KrakenError | None = None
        if event.state == State.COOLDOWN:
            error = RateLimited(event.retry_in_s, event.cause)
        elif event.state == State.DISCONNECTED and dialled:
            error = ConnectionFailed(event.cause, event.attempt, event.retry_in_s)
        elif event.state in _DOWN:
            error = ConnectionClosed(event.cause, event.retry_in_s)
        if error is not None:
            self.trouble = error
        elif event.state != State.CONNECTING:
            # The last trouble remains during the next dial.
            self.trouble = None
        # The program closing the client, or the end of a recording, is not an error.
        return None if event.state == State.CLOSED else error

    def _ignored_mismatch(self, line: BookLine) -> KrakenError | None:
        """The first wrong checksum of a gap that is ignored: no resync reports it."""
        symbol, expected = line.symbol, line.changed.checksum
        if line.verified or line.changed.kind == "snapshot":
            self._mismatched.discard(symbol)
        if line.changed.matched is not False or expected is None or symbol in self._mismatched:
            return None
        self._mismatched.add(symbol)
        return ChecksumMismatch(expected, checksum_of_units(line.asks, line.bids), symbol)
