"""Streams of pairs that were all refused end: nothing would ever come, and nobody would say so."""

from __future__ import annotations

import threading

from kraken_tui.client.reading import Reading
from kraken_tui.client.run import Run
from kraken_tui.engine.listeners import Listener
from kraken_tui.errors import SubscriptionFailed


class Refusals:
    """Watches the listeners that chose their pairs.

    Args:
        run: The engine.
        reading: Reads it.
    """

    def __init__(self, run: Run, reading: Reading) -> None:
        self._run = run
        self._reading = reading
        self._lock = threading.Lock()
        self._watched: list[tuple[Listener, tuple[str, ...]]] = []
        run.newest.on_refused = self._look

    def watch(self, listener: Listener, names: tuple[str, ...]) -> None:
        """End a listener once all its pairs are refused, or now if they are."""
        with self._lock:
            self._watched = [each for each in self._watched if not each[0].finished]
            self._watched.append((listener, names))
        self._look()

    def raise_failure(self, names: tuple[str, ...]) -> None:
        """Raise what ended a stream of these pairs, if it did not end in order."""
        self._run.raise_failure()
        refused = self._of(names)
        if refused is not None and not (self._run.closed or self._run.played):
            raise SubscriptionFailed(refused.symbol, refused.reason, refused.nearest, refused.channel)

    def _of(self, names: tuple[str, ...]) -> SubscriptionFailed | None:
        """The first refusal, where all the names were refused."""
        found = [self._reading.refusal(name, self._run.engine.symbol_of(name)) for name in names]
        return None if None in found else found[0]

    def _look(self) -> None:
        with self._lock:
            watched = self._watched
        for listener, names in watched:
            if self._of(names) is not None:
                listener.close()
