"""The background worker: a thread with its own event loop that owns the feed and every market.

One writer: only this thread changes books and markets. The screen reads frozen views that are swapped in by
attribute assignment at most once a frame; rare facts reach listeners as events; commands come in through the loop
and never block the caller. A terminal that is not read therefore never delays the feed.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kraken_tui.engine.listeners import DropPolicy, Listener, queue_load
from kraken_tui.engine.log import EventLog
from kraken_tui.feed.clock import Clock, SystemClock
from kraken_tui.market.events import Proof
from kraken_tui.market.views import FeedView, LatencyView, Mode, PairSummary, PairView
from kraken_tui.settings import Settings
from kraken_tui.wire.symbols import canonical

if TYPE_CHECKING:
    from kraken_tui.engine.worker import Worker

STOP_TIMEOUT_S = 2.0
"""Longest a quit waits for the worker (RELIABILITY.md section 3.1)."""


class Engine:
    """The engine, seen from other threads; see `engine.api.MarketSource` for what each call promises.

    Args:
        settings: What to run: live, demo or replay, pairs, depth, addresses.
        clock: The machine's clocks unless a test brings others.

    Raises:
        OSError: `settings.log_file` cannot be opened.
    """

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self._clock: Clock = clock or SystemClock()
        self._log = EventLog(settings.log_file)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._worker: Worker | None = None
        self._pending: list[Callable[[Worker], None]] = []
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []
        self._book_levels = 0
        self._failure: BaseException | None = None
        self._on_failure: list[Callable[[BaseException], None]] = []
        self._feed_view = _first_view(settings, self._clock.wall())
        self._views: dict[str, PairView] = {}

    # -- life ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the worker thread; returns at once.

        Raises:
            RuntimeError: Started twice.
        """
        if self._thread is not None:
            raise RuntimeError("the engine was started before")
        self._thread = threading.Thread(target=self._run, name="kraken-tui-engine", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> bool:
        """Close the connection, the recording and the demo market, and end the thread.

        Returns:
            Whether the thread ended in time; it is a daemon, so it never keeps the process alive.
        """
        self._command(lambda worker: worker.stop())
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)
        for listener in self._listeners:
            listener.close()
        return thread is None or not thread.is_alive()

    def _run(self) -> None:
        try:
            # Imported here, so that the screen's imports and these run side by side.
            from kraken_tui.engine.worker import Worker

            asyncio.run(self._serve(Worker))
        except BaseException as error:
            self._failure = error
            self._log.add(self._clock.wall(), "error", f"engine failed: {type(error).__name__}: {error}")
            for callback in self._on_failure:
                callback(error)
        finally:
            self._log.close()
            for listener in self._listeners:
                listener.close()

    async def _serve(self, worker_class: type[Worker]) -> None:
        worker = worker_class(
            self.settings,
            self._clock,
            self._log,
            publish=self._publish,
            emit=self._emit,
            queues=lambda: queue_load(self._listeners),
        )
        with self._lock:
            self._loop = asyncio.get_running_loop()
            self._worker = worker
            pending, self._pending = self._pending, []
        for command in pending:
            command(worker)
        await worker.run()

    def _publish(self, feed_view: FeedView, views: dict[str, PairView]) -> None:
        self._views = views
        self._feed_view = feed_view

    def _emit(self, event: object) -> None:
        for listener in self._listeners:
            listener.put(event)

    def _command(self, command: Callable[[Worker], None]) -> None:
        with self._lock:
            worker, loop = self._worker, self._loop
            if worker is None or loop is None:
                self._pending.append(command)
                return
        if not loop.is_closed():
            try:
                loop.call_soon_threadsafe(command, worker)
            except RuntimeError:
                # The loop closed between the check and the call: there is nobody left to command.
                return

    # -- what others read ---------------------------------------------------------------------------------

    @property
    def feed_view(self) -> FeedView:
        """See `MarketSource.feed_view`."""
        return self._feed_view

    @property
    def failure(self) -> BaseException | None:
        """The unexpected error that ended the worker, if one did."""
        return self._failure

    def view(self, symbol: str) -> PairView | None:
        """See `MarketSource.view`."""
        return self._views.get(symbol)

    def search(self, text: str, limit: int = 50) -> list[str]:
        """See `MarketSource.search`."""
        worker = self._worker
        return worker.search(text, limit) if worker is not None else []

    # -- commands -----------------------------------------------------------------------------------------

    def show(self, symbol: str) -> None:
        """See `MarketSource.show`."""
        self._command(lambda worker: worker.show(symbol))

    def add_pair(self, name: str) -> None:
        """See `MarketSource.add_pair`."""
        self._command(lambda worker: worker.add_pair(name))

    def remove_pair(self, symbol: str) -> None:
        """See `MarketSource.remove_pair`."""
        self._command(lambda worker: worker.remove_pair(symbol))

    def set_depth(self, depth: int) -> None:
        """See `MarketSource.set_depth`."""
        self._command(lambda worker: worker.set_depth(depth))

    def set_interval(self, minutes: int) -> None:
        """See `MarketSource.set_interval`."""
        self._command(lambda worker: worker.set_interval(minutes))

    def pause_replay(self, paused: bool) -> None:
        """See `MarketSource.pause_replay`."""
        self._command(lambda worker: worker.pause_replay(paused))

    def set_replay_speed(self, speed: float) -> None:
        """See `MarketSource.set_replay_speed`."""
        self._command(lambda worker: worker.set_replay_speed(speed))

    def record(self, path: Path | None) -> None:
        """See `MarketSource.record`."""
        self._command(lambda worker: worker.record(path))

    def note(self, level: str, text: str) -> None:
        """See `MarketSource.note`."""
        ns = self._clock.wall()
        self._command(lambda _: self._log.add(ns, level, text))

    def on_failure(self, callback: Callable[[BaseException], None]) -> None:
        """See `MarketSource.on_failure`."""
        self._on_failure.append(callback)
        if self._failure is not None:
            callback(self._failure)

    def listen(
        self,
        capacity: int = 65_536,
        *,
        policy: DropPolicy = DropPolicy.OLDEST,
        wants: Callable[[object], bool] | None = None,
        book_levels: int = 0,
    ) -> Listener:
        """Open a queue of events.

        Args:
            capacity: Most events kept before the policy drops some.
            policy: Which event a full queue gives up.
            wants: Chooses events; None for all.
            book_levels: Levels a side to attach to each book message as `BookLine`; 0 for no book lines.
        """
        listener = Listener(capacity, policy, wants)
        with self._lock:
            self._listeners = [*self._listeners, listener]
            self._book_levels = levels = max(self._book_levels, book_levels)
        self._command(lambda worker: worker.set_book_levels(levels))
        return listener


def _first_view(settings: Settings, now_ns: int) -> FeedView:
    """What the screen shows before the worker's first word."""
    mode = Mode.REPLAY if settings.replay else Mode.DEMO if settings.demo else Mode.LIVE
    return FeedView(
        version=0,
        now_ns=now_ns,
        mode=mode,
        state="DISCONNECTED",
        cause="starting",
        attempt=0,
        retry_in_s=None,
        system="unknown",
        heartbeat_age_ns=None,
        url="",
        message_rate=0.0,
        messages=0,
        ignored=(),
        invalid=0,
        checks_ok=0,
        checks_failed=0,
        resyncs=0,
        reconnects=0,
        queue=0,
        queue_limit=0,
        dropped=0,
        latency=LatencyView(),
        tabs=tuple(PairSummary(canonical(name), None, 0, 0, Proof.CHECKING, False) for name in settings.pairs),
        log=(),
    )
