"""Waiting for a proven book, with or without an event loop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from kraken_tui.client import checks
from kraken_tui.client.books import Book
from kraken_tui.client.reading import Reading
from kraken_tui.client.run import Run
from kraken_tui.client.streams import take
from kraken_tui.engine.events import BookLine
from kraken_tui.engine.listeners import Listener, ListenerClosed
from kraken_tui.engine.worker import Worker
from kraken_tui.errors import ConfigurationError, ConnectionClosed, KrakenError, SubscriptionFailed, TimedOut
from kraken_tui.feed.events import BookStateChanged, Refused
from kraken_tui.wire.symbols import canonical

_LOOK_AGAIN_S = 0.25
"""Longest wait between two looks: the end of a recording is not an event."""


class Wait:
    """One wait of one caller; `KrakenClient.wait_verified` says what it raises.

    Args:
        run: The engine.
        reading: Reads it.
        name: The pair.
        timeout_s: Longest wait.
    """

    def __init__(self, run: Run, reading: Reading, name: str, timeout_s: float) -> None:
        checks.timeout("wait_verified", timeout_s)
        self._run = run
        self._newest = run.newest
        self._reading = reading
        self._name = name
        self._timeout_s = timeout_s
        self._deadline = time.monotonic() + timeout_s

    async def result(self) -> Book:
        """Wait in the running event loop."""
        with self._news() as news:
            while (book := self._proven()) is None:
                try:
                    await take(news, self._left())
                except ListenerClosed:
                    raise self._over() from None
        return book

    def result_sync(self) -> Book:
        """Wait in this thread."""
        with self._news() as news:
            while (book := self._proven()) is None:
                try:
                    news.get(self._left())
                except ListenerClosed:
                    raise self._over() from None
        return book

    @contextmanager
    def _news(self) -> Iterator[Listener]:
        """A queue of one event, which only says that it is time to look again."""
        run = self._run
        run.check_open()
        run.begin()
        listener = run.engine.listen(1, types=(BookLine, BookStateChanged, Refused))
        if run.closed:
            listener.close()
        try:
            yield listener
        finally:
            run.engine.unlisten(listener)

    def _left(self) -> float:
        """Seconds until the next look; raises when time is up."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._why_not()
        return min(left, _LOOK_AGAIN_S)

    def _proven(self) -> Book | None:
        name = self._name
        self._run.raise_failure()
        symbol = self._reading.symbol(name)
        book = self._reading.newest_book(symbol)
        if book is not None and book.verified:
            return book
        refused = self._newest.refused.get(canonical(name)) or self._newest.refused.get(symbol)
        if refused is not None:
            raise SubscriptionFailed(refused.symbol, refused.reason, refused.nearest, refused.channel)
        if self._run.played:
            raise ConnectionClosed(f"the recording ended without a proven book of {name}")
        if symbol not in self._newest.states:
            self._check_wanted(symbol)
        return None

    def _check_wanted(self, symbol: str) -> None:
        """Refuse to wait for a pair nobody subscribed; a recording brings its own pairs."""
        try:
            wanted = None if self._run.engine.settings.replay else self._run.ask(_wanted)
        except TimedOut:
            # The engine may yet answer; until then nobody knows.
            return
        if wanted is not None and all(symbol != known and self._name != name for name, known in wanted):
            raise ConfigurationError(f"{self._name} is not subscribed; call subscribe first")

    def _why_not(self) -> KrakenError:
        trouble = self._newest.trouble
        if trouble is not None:
            return trouble
        symbol = self._reading.symbol(self._name)
        held = self._reading.newest_book(symbol) or self._newest.states.get(symbol)
        reason = held.reason if held is not None else self._reading.connection().cause
        return TimedOut(f"{self._name}: no proven book within {self._timeout_s:g} s: {reason or 'waiting'}")

    def _over(self) -> KrakenError:
        try:
            self._run.raise_failure()
        except KrakenError as error:
            return error
        return ConnectionClosed(f"the client was closed before the book of {self._name} was proven")


def _wanted(worker: Worker) -> tuple[tuple[str, str], ...] | None:
    """(name as given, symbol) of every wanted pair; None while names cannot be told apart yet."""
    return worker.names() if len(worker.session.symbols) else None
