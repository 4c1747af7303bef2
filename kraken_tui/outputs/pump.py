"""Moves events from a listener into a sink until there is a reason to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from kraken_tui.engine.events import BookLine
from kraken_tui.engine.listeners import ListenerClosed
from kraken_tui.feed.channels import leaves_no_book
from kraken_tui.feed.events import Refused
from kraken_tui.feed.private.events import Level3Line
from kraken_tui.market.events import CandleChanged, Trade
from kraken_tui.outputs import liveness
from kraken_tui.outputs.sink import Sink
from kraken_tui.wire.symbols import canonical

DONE, FAILED, WRONG_USE = 0, 1, 2
"""Exit codes a stream can end with (README, "JSON lines")."""

_WAIT_S = 0.1
"""Longest wait for an event, and so the longest delay until a signal or the time limit is noticed."""

_BATCH_EVENTS = 256


class Events(Protocol):
    """Where events come from: an `engine.listeners.Listener`."""

    def get(self, timeout_s: float | None = None) -> Any:
        """The next event; None where none came in time.

        Raises:
            ListenerClosed: The feed ended and every event was taken.
        """
        ...


class Source(liveness.Source, Protocol):
    """What the pump asks of the engine besides events."""

    @property
    def failure(self) -> BaseException | None:
        """The defect that ended the engine, if one did."""
        ...


@dataclass(frozen=True, slots=True)
class StopAfter:
    """When a stream ends by itself.

    Attributes:
        seconds: After this long, or None.
        count: After this many books and trades, or None.
    """

    seconds: float | None = None
    count: int | None = None


class Pump:
    """Runs until a limit, a signal, the end of the feed, or until every pair was refused.

    Args:
        events: Where events come from.
        source: The engine behind them.
        sink: Where they go; opened and closed by the caller.
        complain: Takes one sentence for the user.
        pairs: Pairs asked for.
        stop_after: When to stop.
        stopping: Whether a signal came; the caller knows which.
        each_round: Called after every batch of events, and at least ten times a second.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        events: Events,
        source: Source,
        sink: Sink,
        complain: Callable[[str], None],
        *,
        pairs: tuple[str, ...],
        stop_after: StopAfter,
        stopping: Callable[[], bool],
        each_round: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._get = events.get
        self._source = source
        self._sink = sink
        self._complain = complain
        self._wanted = {canonical(pair) for pair in pairs}
        self._stop_after = stop_after
        self._stopping = stopping
        self._each_round = each_round
        self._clock = clock
        self._refused: set[str] = set()
        self._counted = 0
        self._market_seen = False
        self._liveness = liveness.Liveness(source)

    def run(self) -> int:
        """Move events until the end.

        Returns:
            `DONE`, `FAILED` or `WRONG_USE`; after a signal `DONE`, and the caller reports the signal.

        Raises:
            Exception: What ended the engine, or what the sink raised.
        """
        seconds = self._stop_after.seconds
        deadline = None if seconds is None else self._clock() + seconds
        while not self._stopping():
            self._each_round()
            wait_s = _WAIT_S if deadline is None else min(_WAIT_S, deadline - self._clock())
            if wait_s <= 0:
                return self._nothing_or_done(f"in {seconds:g} s")
            try:
                event = self._get(wait_s)
                if event is None:
                    if self._feed_is_over():
                        return self._over()
                    self._tell_liveness()
                    continue
                if self._liveness.pending:
                    self._tell_liveness()
                code = self._write_batch(event, deadline)
            except ListenerClosed:
                if self._source.failure is not None:
                    raise self._source.failure from None
                return self._over()
            if code is not None:
                return code
        return DONE

    def _tell_liveness(self) -> None:
        """Write what the engine cannot say: that it does not answer, or does so again."""
        sentence, healths = self._liveness.look()
        if sentence:
            self._complain(sentence)
        for health in healths:
            self._sink.write(health)
        if healths:
            self._sink.flush()

    def _write_batch(self, event: object, deadline: float | None) -> int | None:
        """Write this event and those already waiting, then flush; returns the exit code once there is one.

        Raises:
            ListenerClosed: These were the last.
        """
        taken = 0
        try:
            while True:
                code = self._write(event)
                taken += 1
                late = deadline is not None and self._clock() >= deadline
                if code is not None or late or taken >= _BATCH_EVENTS:
                    break
                event = self._get(0.0)
                if event is None:
                    break
        except ListenerClosed:
            self._sink.flush()
            raise
        self._sink.flush()
        return code

    def _write(self, event: object) -> int | None:
        """Write one event; returns the exit code where it is the last."""
        if not self._sink.write(event):
            return None
        if isinstance(event, BookLine | Trade | Level3Line):
            self._market_seen = True
            self._counted += 1
            return DONE if self._counted == self._stop_after.count else None
        if isinstance(event, CandleChanged):
            self._market_seen = True
        elif isinstance(event, Refused):
            return self._on_refused(event)
        return None

    def _on_refused(self, event: Refused) -> int | None:
        self._complain(f"{event.symbol}: {event.sentence}")
        if leaves_no_book(event):
            self._refused.add(canonical(event.symbol))
        return WRONG_USE if self._wanted and self._refused >= self._wanted and not self._market_seen else None

    def _feed_is_over(self) -> bool:
        view = self._source.feed_view
        return bool(view.fatal) or (view.replay is not None and view.replay.finished)

    def _over(self) -> int:
        fatal = self._source.feed_view.fatal
        if fatal:
            self._complain(fatal)
            return FAILED
        return self._nothing_or_done("before the feed ended")

    def _nothing_or_done(self, when: str) -> int:
        if self._market_seen:
            return DONE
        view = self._source.feed_view
        self._complain(f"no book or trade came {when}; the connection is {view.state}: {view.cause}")
        return FAILED
