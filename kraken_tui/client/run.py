"""A client's engine: opened once, started when somebody listens or reads, closed once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from kraken_tui.client.newest import Newest
from kraken_tui.engine.backpressure import Backpressure
from kraken_tui.engine.engine import Engine
from kraken_tui.engine.listeners import Listener, ListenerCounts
from kraken_tui.engine.options import EngineOptions
from kraken_tui.engine.worker import Worker
from kraken_tui.errors import ConfigurationError, ConnectionFailed, EngineFailed
from kraken_tui.feed.clock import Clock, SystemClock
from kraken_tui.market.views import FeedView
from kraken_tui.settings import Settings

if TYPE_CHECKING:
    from kraken_tui.keys.key import ApiKey
    from kraken_tui.metrics import Endpoint

T = TypeVar("T")


class Run:
    """The engine of one client, its listeners, and how far its life has come.

    Args:
        settings: What to run.
        clock: The machine's clocks unless a test brings others.
        newest: Sees every event first.
        channels: Channels to subscribe.
        ignore_gaps: Let books go on after a wrong checksum, UNVERIFIED.
        book_levels: Levels a side of every book event.
        history: Whether the past of every pair is kept.
        key: Of the account, for what the settings say is followed.

    Attributes:
        engine: The engine.
        newest: As given.
        opened, closed: Whether the program has opened and closed it.
        played: Whether the recording is over or cannot be read.

    Raises:
        ConfigurationError: The log file cannot be opened, or the package that metrics need is not installed.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None,
        newest: Newest,
        *,
        channels: tuple[str, ...],
        ignore_gaps: bool,
        book_levels: int,
        history: bool,
        key: ApiKey | None = None,
    ) -> None:
        if settings.metrics_addr:
            from kraken_tui.metrics import need_package

            need_package()
        self._clock = clock or SystemClock()
        options = EngineOptions(
            channels=channels,
            ignore_gaps=ignore_gaps,
            book_levels=book_levels,
            history=history,
            shares=False,
            key=key,
            level3_all=settings.level3,
            level3_lines=settings.level3,
            trades_alone=True,
            transform=newest.transform,
            on_publish=self._published,
        )
        try:
            self.engine = Engine(settings, self._clock, options)
        except OSError as error:
            raise ConfigurationError(f"log_file cannot be written: {error.strerror}") from None
        self.newest = newest
        self.opened = self.closed = self.played = False
        self._begun = False
        self._process: int | None = None
        self._listeners: list[Listener] = []
        self._finished = ListenerCounts()
        self._metrics: Endpoint | None = None
        self._lock = threading.Lock()

    # -- life -----------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Start the engine, a recording only when somebody listens, and serve the metrics if they are wanted."""
        if address := self.engine.settings.metrics_addr:
            from kraken_tui.metrics import start

            self._metrics = start(self.engine, address)
        self.opened = True
        self._process = os.getpid()
        if not self.engine.settings.plays or self._listeners:
            self.begin()

    def begin(self) -> None:
        """Start the engine, unless it has started.

        A recording starts when somebody first listens or reads: at full speed it would otherwise be over before the
        program has opened its streams.
        """
        self.check_process()
        with self._lock:
            first = self.opened and not self._begun and not self.closed
            self._begun = self._begun or first
        if first:
            self.engine.start()

    @property
    def is_over(self) -> bool:
        """Whether a live feed is closed: what is known of it is the last known. A recording stays as it was."""
        return not self.engine.settings.plays and self.opened and (self.closed or self.engine.ended)

    def wall_ns(self) -> int:
        """Now, ns since the epoch; 0 where a recording's time counts."""
        return 0 if self.engine.settings.plays else self._clock.wall()

    @property
    def metrics_url(self) -> str:
        """Where the metrics are; "" where they are not served."""
        return "" if self._metrics is None else self._metrics.url

    def metrics_close(self) -> None:
        """Serve the metrics no longer."""
        if self._metrics is not None:
            self._metrics.close()

    def is_ours(self) -> bool:
        """Whether this is the process that opened the client."""
        return self._process in (None, os.getpid())

    def check_process(self) -> None:
        """Refuse to work in a forked process: its copy of the client has no feed.

        Locks that the engine's thread held during the fork stay held there for ever, so this check comes first.
        """
        if not self.is_ours():
            raise ConfigurationError("the client was opened in another process; open one of its own in this process")

    def check_open(self) -> None:
        """Refuse to wait for a client that is not open."""
        self.check_process()
        if not self.opened:
            raise ConfigurationError("the client is not open; use 'async with client' or 'with client'")

    def raise_failure(self) -> None:
        """Raise what ended the feed, if it failed."""
        failure, fatal = self.engine.failure, self.engine.feed_view.fatal
        if failure is not None:
            raise EngineFailed(f"the engine failed: {type(failure).__name__}: {failure}") from failure
        if fatal:
            raise ConnectionFailed(fatal)

    def _published(self, view: FeedView) -> None:
        """A recording that is over, or cannot be read, ends what listens to it; called in the engine's thread."""
        if not self.played and (view.fatal or (view.replay is not None and view.replay.finished)):
            self.played = True
            with self._lock:
                listeners = self._listeners
            for listener in listeners:
                listener.close()

    # -- asking and listening -------------------------------------------------------------------------------------

    def ask(self, question: Callable[[Worker], T]) -> T | None:
        """See `Engine.ask`."""
        self.check_process()
        return self.engine.ask(question)

    def listen(
        self,
        pressure: Backpressure,
        types: tuple[type, ...] | None = None,
        wants: Callable[[object], bool] | None = None,
    ) -> Listener:
        """Open a queue of the engine's events, and begin."""
        self.check_process()
        listener = self.engine.listen(
            pressure.queue,
            policy=pressure.policy,
            wants=wants,
            types=types,
            coalesce_ms=pressure.coalesce_ms,
            rate=pressure.rate,
        )
        self.listener_counts()
        with self._lock:
            self._listeners = [*self._listeners, listener]
        if self.played or self.closed:
            listener.close()
        self.begin()
        return listener

    def listener_counts(self) -> ListenerCounts:
        """Of all listeners; finished ones are added up and dropped."""
        with self._lock:
            total = self._finished
            waiting: list[Listener] = []
            for listener in self._listeners:
                if listener.finished:
                    self._finished += listener.counts
                else:
                    waiting.append(listener)
                total += listener.counts
            self._listeners = waiting
            return total
