"""The `stream` command's loop: events in, JSON lines out, until there is a reason to stop."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from kraken_tui.feed.events import Refused
from kraken_tui.market.events import CandleChanged, Trade
from kraken_tui.market.views import FeedView
from kraken_tui.outputs.jsonlines import JsonLines
from kraken_tui.wire.symbols import canonical

DONE, FAILED, WRONG_USE = 0, 1, 2
"""Exit codes of DESIGN.md that a stream can end with."""

_WAIT_S = 0.1
"""Longest wait for an event, and so the longest delay until a signal or the time limit is noticed."""

_BATCH_LINES = 256
_PIPE_BYTES = 4096
_GRACE_S = 1.0
"""Time an unread pipe gets to take the last lines after a signal."""


class EndOfEvents(Exception):
    """The feed ended and every event was taken."""


class Unread(Exception):
    """Nobody reads the output and the program was told to stop."""


class Source(Protocol):
    """What the loop asks of the engine beside events."""

    @property
    def feed_view(self) -> FeedView:
        """Newest view of the connection."""
        ...


class Output:
    """A file descriptor written so that a signal is noticed even while nobody reads the other end.

    Args:
        fd: Where to write.
        stopping: Whether the program was told to stop.
    """

    def __init__(self, fd: int, stopping: Callable[[], bool]) -> None:
        self._fd = fd
        self._stopping = stopping

    def write(self, data: bytes) -> None:
        """Write everything.

        Raises:
            Unread: Told to stop, and the reader did not take the rest within a second.
            OSError: `BrokenPipeError` where the reader has gone, others where the disk is full.
        """
        left = memoryview(data)
        give_up_at: float | None = None
        while left:
            if os.name != "nt" and not select.select([], [self._fd], [], _WAIT_S)[1]:
                if self._stopping():
                    now = time.monotonic()
                    give_up_at = give_up_at or now + _GRACE_S
                    if now >= give_up_at:
                        raise Unread
                continue
            # A pipe that is ready takes this much without blocking (POSIX: PIPE_BUF).
            left = left[os.write(self._fd, left[:_PIPE_BYTES]) :]


@dataclass(frozen=True, slots=True)
class Limits:
    """When a stream ends by itself.

    Attributes:
        seconds: After this long, or None.
        count: After this many book and trade lines, or None.
    """

    seconds: float | None = None
    count: int | None = None


class StreamPrinter:
    """Prints events until a limit, a signal, the end of the feed, or until every pair was refused.

    Args:
        take: Waits at most so many seconds for an event; None where none came.
            Raises `EndOfEvents` after the last.
        source: Connection and replay state.
        lines: Formats events.
        write: Takes finished lines.
        complain: Takes one sentence for the user.
        pairs: Pairs asked for.
        limits: When to stop.
        stopping: Whether a signal came; the caller knows which.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        take: Callable[[float], Any],
        source: Source,
        lines: JsonLines,
        write: Callable[[bytes], None],
        complain: Callable[[str], None],
        *,
        pairs: tuple[str, ...],
        limits: Limits,
        stopping: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._take = take
        self._source = source
        self._lines = lines
        self._write = write
        self._complain = complain
        self._wanted = {canonical(pair) for pair in pairs}
        self._limits = limits
        self._stopping = stopping
        self._clock = clock
        self._refused: set[str] = set()
        self._counted = 0
        self._market_seen = False

    def run(self) -> int:
        """Print until the end.

        Returns:
            `DONE`, `FAILED` or `WRONG_USE`; after a signal `DONE`, and the caller reports the signal.

        Raises:
            OSError: The output failed; `BrokenPipeError` where its reader has gone.
            Unread: See `Output.write`.
        """
        seconds = self._limits.seconds
        deadline = None if seconds is None else self._clock() + seconds
        while not self._stopping():
            wait_s = _WAIT_S if deadline is None else min(_WAIT_S, deadline - self._clock())
            if wait_s <= 0:
                return self._nothing_or_done(f"in {seconds:g} s")
            try:
                event = self._take(wait_s)
                if event is None:
                    if self._feed_is_over():
                        return self._over()
                    continue
                code = self._print_batch(event, deadline)
            except EndOfEvents:
                return self._over()
            if code is not None:
                return code
        return DONE

    def _print_batch(self, event: object, deadline: float | None) -> int | None:
        """Print this event and those already waiting, in one write; returns the exit code once there is one."""
        batch: list[str] = []
        ended = False
        while True:
            code = self._add(event, batch)
            late = deadline is not None and self._clock() >= deadline
            if code is not None or late or len(batch) >= _BATCH_LINES:
                break
            try:
                event = self._take(0.0)
            except EndOfEvents:
                ended = True
                break
            if event is None:
                break
        if batch:
            self._write("".join(batch).encode("ascii"))
        if code is None and ended:
            raise EndOfEvents
        return code

    def _add(self, event: Any, batch: list[str]) -> int | None:
        """Add the event's line; returns the exit code where it is the last."""
        # The engine's book line is known by its shape: this layer lies below the engine.
        if hasattr(event, "changed") and hasattr(event, "bids"):
            batch.append(self._lines.book_line(event))
            return self._count()
        line = self._lines.line(event)
        if line is None:
            return None
        batch.append(line)
        if isinstance(event, Trade):
            return self._count()
        if isinstance(event, CandleChanged):
            self._market_seen = True
        elif isinstance(event, Refused):
            return self._on_refused(event)
        return None

    def _count(self) -> int | None:
        self._market_seen = True
        self._counted += 1
        return DONE if self._counted == self._limits.count else None

    def _on_refused(self, event: Refused) -> int | None:
        self._complain(f"{event.symbol}: {event.sentence}")
        if event.channel in ("", "book"):
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
