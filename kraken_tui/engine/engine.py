"""The background worker: a thread with its own event loop that owns the feed and every market.

One writer: only this thread changes books and markets. The screen reads frozen views that are swapped in by
attribute assignment at most once a publish; rare facts reach listeners as events; commands come in through the loop
and never block the caller. A terminal that is not read therefore never delays the feed.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from kraken_tui.engine.listeners import DropPolicy, Listener, queue_load
from kraken_tui.engine.log import EventLog
from kraken_tui.engine.options import EngineOptions
from kraken_tui.engine.watchdog import LOOK_S, Watchdog, step_of_thread
from kraken_tui.errors import RecordingError, TimedOut
from kraken_tui.feed.clock import Clock, SystemClock
from kraken_tui.feed.names import NO_WISH, Wish
from kraken_tui.market.events import Proof, Side
from kraken_tui.market.freshness import silence_ns
from kraken_tui.market.views import FeedView, LatencyView, Mode, PairSummary, PairView, Published
from kraken_tui.settings import Settings
from kraken_tui.wire.symbols import canonical

if TYPE_CHECKING:
    from kraken_tui.engine.trading import TradingDesk
    from kraken_tui.engine.worker import Worker
    from kraken_tui.market.history.moments import MarketHistory
    from kraken_tui.market.private_views import AccountView

T = TypeVar("T")

STOP_TIMEOUT_S = 1.8
"""Longest a quit waits for the worker, so that all of it takes less than two seconds (RELIABILITY.md F99)."""

ASK_TIMEOUT_S = 1.0
"""Longest a question to the worker waits; none at all where the worker is known not to answer."""

_ASK_AGAIN_S = 0.05


class Engine:
    """The engine, seen from other threads; see `engine.api.MarketSource` for what each call promises.

    Args:
        settings: What to run: live, demo or replay, pairs, depth, addresses.
        clock: The machine's clocks unless a test brings others.
        options: What a program chooses beyond the settings.

    Raises:
        ConfigurationError: `settings.log_file` cannot be opened.
    """

    def __init__(self, settings: Settings, clock: Clock | None = None, options: EngineOptions | None = None) -> None:
        self.settings = settings
        self._options = options or EngineOptions()
        self._clock: Clock = clock or SystemClock()
        self._log = EventLog(settings.log_file)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._worker: Worker | None = None
        self._pending: list[Callable[[Worker], None]] = []
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []
        self._abandoned: deque[Listener] = deque()
        self._routes: dict[type, tuple[Listener, ...]] = {}
        self._book_levels = self._options.book_levels
        self._ended = False
        self._failure: BaseException | None = None
        self._on_failure: list[Callable[[BaseException], None]] = []
        self._on_publish: list[Callable[[], None]] = []
        # One reference, so that a reader never sees the feed of one moment and a pair of another.
        self._published = Published(_first_view(settings, self._clock.wall()))
        self._unanswered_ns: int | None = None
        self._over = threading.Event()

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
        threading.Thread(target=self._watch, name="kraken-tui-watchdog", daemon=True).start()

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> bool:
        """Close the connection, the recording and the demo market, and end the thread.

        Returns:
            Whether the thread ended in time; it is a daemon, so it never keeps the process alive.
        """
        self._command(lambda worker: worker.stop())
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)
        self._over.set()
        for listener in self._listeners:
            listener.close()
        return thread is None or not thread.is_alive()

    def _run(self) -> None:
        try:
            # Imported here, so that the screen's imports and these run side by side.
            from kraken_tui.engine.loop import new_event_loop
            from kraken_tui.engine.worker import Worker

            with asyncio.Runner(loop_factory=new_event_loop) as runner:
                runner.run(self._serve(Worker))
        except BaseException as error:
            self._failure = error
            self._log.add(self._clock.wall(), "error", f"engine failed: {type(error).__name__}: {error}")
            for callback in self._on_failure:
                callback(error)
        finally:
            self._over.set()
            self._log.close(self._clock.wall())
            with self._lock:
                self._ended = True
                listeners = self._listeners
            for listener in listeners:
                listener.close()

    async def _serve(self, worker_class: type[Worker]) -> None:
        # Its modules are loaded; from now on the engine owes an answer.
        self._published = Published(replace(self.feed_view, made_ns=self._clock.now()))
        worker = worker_class(
            self.settings,
            self._clock,
            self._log,
            publish=self._publish,
            emit=self._emit,
            queues=lambda: queue_load(self._listeners),
            options=self._options,
        )
        with self._lock:
            self._loop = asyncio.get_running_loop()
            self._worker = worker
            pending, self._pending = self._pending, []
        for command in pending:
            command(worker)
        await worker.run()

    def _watch(self) -> None:
        """The watchdog's thread."""
        watchdog = Watchdog(self.step)
        while not self._over.wait(LOOK_S):
            line = watchdog.look(self._clock.now(), self.feed_view.made_ns)
            if line is not None:
                self._log.add(self._clock.wall(), *line)

    def _publish(self, feed_view: FeedView, views: dict[str, PairView], account: AccountView | None = None) -> None:
        self._published = Published(feed_view, views, account)
        self._options.on_publish(feed_view)
        for callback in self._on_publish:
            callback()

    def _emit(self, event: object) -> None:
        while self._abandoned:
            self.unlisten(self._abandoned.popleft())
        for told in self._options.transform(event):
            listeners = self._routes.get(type(told))
            if listeners is None:
                listeners = self._route(type(told))
            for listener in listeners:
                listener.put(told)

    def _route(self, kind: type) -> tuple[Listener, ...]:
        """Cache who is offered events of a type, until the listeners change."""
        with self._lock:
            found = tuple(each for each in self._listeners if each.types is None or issubclass(kind, each.types))
            self._routes[kind] = found
            return found

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
        return self._published.feed

    def published(self) -> Published:
        """See `MarketSource.published`."""
        return self._published

    def now(self) -> int:
        """See `MarketSource.now`."""
        return self._clock.now()

    def step(self) -> str:
        """See `MarketSource.step`."""
        thread = self._thread
        return step_of_thread(thread.ident) if thread is not None and thread.is_alive() else ""

    @property
    def ended(self) -> bool:
        """Whether the worker has ended as it was told to: what it knew last stands, and no more comes."""
        return self._ended and self._failure is None

    @property
    def at_rest(self) -> bool:
        """Whether nothing of it runs: it was not started, or its thread has ended."""
        return self._thread is None or not self._thread.is_alive()

    @property
    def failure(self) -> BaseException | None:
        """The unexpected error that ended the worker, if one did."""
        return self._failure

    def view(self, symbol: str) -> PairView | None:
        """See `MarketSource.view`."""
        return self._published.pairs.get(symbol)

    def search(self, text: str, limit: int = 50) -> list[str]:
        """See `MarketSource.search`."""
        worker = self._worker
        return worker.search(text, limit) if worker is not None else []

    def is_tokenised(self, symbol: str) -> bool:
        """See `MarketSource.is_tokenised`."""
        worker = self._worker
        return worker is not None and worker.is_tokenised(symbol)

    def symbol_of(self, name: str) -> str:
        """See `Worker.symbol_of`; as far as it is known at this moment, without asking the engine's thread."""
        worker = self._worker
        return worker.symbol_of(name) if worker is not None else canonical(name)

    def ask(self, question: Callable[[Worker], T], timeout_s: float = ASK_TIMEOUT_S) -> T | None:
        """Run a question on the engine's thread, between two frames; the answer is a consistent state.

        Args:
            question: Reads what it wants; it must be quick, and change nothing.
            timeout_s: Longest wait; an engine that is idle answers in well under a millisecond.

        Returns:
            The answer; None before the engine runs.

        Raises:
            TimedOut: No answer in time; at once where the worker owes an answer already.
        """
        thread, worker = self._thread, self._worker
        if worker is None or thread is None:
            return None
        if thread is threading.current_thread() or not thread.is_alive():
            # Called on its own thread, or after its end when nothing changes any more.
            return question(worker)
        word_ns = self.feed_view.made_ns
        if self._unanswered_ns == word_ns or silence_ns(word_ns, self.now()):
            raise TimedOut("the engine does not answer")
        answer: Future[T] = Future()

        def reply(worker: Worker) -> None:
            try:
                answer.set_result(question(worker))
            except Exception as error:
                answer.set_exception(error)

        self._command(reply)
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                return answer.result(min(timeout_s, _ASK_AGAIN_S))
            except FutureTimeout:
                if not thread.is_alive():
                    return question(worker)
                if time.monotonic() >= deadline:
                    # Until it publishes again, nobody else need wait for it.
                    self._unanswered_ns = word_ns
                    raise TimedOut("the engine does not answer") from None

    def tell(self, command: Callable[[Worker], None]) -> None:
        """Run a command on the engine's thread, between two frames; returns at once."""
        self._command(command)

    # -- commands -----------------------------------------------------------------------------------------

    @property
    def keeps_history(self) -> bool:
        """Whether the past of every pair is kept."""
        return self._options.history

    def history(self, symbol: str) -> MarketHistory | None:
        """See `MarketSource.history`."""
        worker = self._worker
        return None if worker is None else worker.history(symbol)

    def share(self, path: Path, moment_ns: int) -> int:
        """See `MarketSource.share`."""
        from kraken_tui.engine.recent import SPAN_NS
        from kraken_tui.engine.slicing import slice_of
        from kraken_tui.recording.slices import write_slice

        now_ns = self.feed_view.now_ns
        indexer = self.ask(lambda worker: worker.indexer)
        if indexer is not None and indexer.index.reaches(now_ns):
            recent = slice_of(indexer, moment_ns - SPAN_NS, max(now_ns, moment_ns))
        else:
            recent = self.ask(lambda worker: worker.recent(moment_ns))
        if recent is None:
            raise RecordingError("the last minute of frames is not kept")
        return write_slice(path, *recent)

    def show(self, symbol: str) -> None:
        """See `MarketSource.show`."""
        self._command(lambda worker: worker.show(symbol))

    def watch_queue(self, symbol: str, side: Side | None, ticks: int) -> None:
        """See `MarketSource.watch_queue`."""
        self._command(lambda worker: worker.watch_queue(symbol, side, ticks))

    @property
    def trades(self) -> str:
        """See `MarketSource.trades`."""
        settings = self.settings
        return "PAPER" if settings.paper else "" if not settings.trade else "DEMO" if settings.demo else "LIVE"

    def trade(self, act: Callable[[TradingDesk], object]) -> None:
        """See `MarketSource.trade`."""
        self._command(lambda worker: worker.trade(act))

    def add_pair(self, name: str, wish: Wish = NO_WISH) -> None:
        """See `MarketSource.add_pair`.

        Args:
            name: The pair.
            wish: What is wanted of it in place of what is wanted of all.
        """
        self._command(lambda worker: worker.add_pair(name, wish))

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

    def skip_replay(self) -> None:
        """See `MarketSource.skip_replay`."""
        self._command(lambda worker: worker.skip_replay())

    def replay_again(self) -> None:
        """See `MarketSource.replay_again`."""
        self._command(lambda worker: worker.replay_again())

    def seek_replay(self, ns: int) -> None:
        """See `MarketSource.seek_replay`."""
        self._command(lambda worker: worker.seek_replay(ns))

    def seek_fault(self, direction: int) -> None:
        """See `MarketSource.seek_fault`."""
        self._command(lambda worker: worker.seek_fault(direction))

    def cancel_seek(self) -> None:
        """See `MarketSource.cancel_seek`."""
        self._command(lambda worker: worker.cancel_seek())

    def reconnect(self) -> None:
        """See `MarketSource.reconnect`."""
        self._command(lambda worker: worker.reconnect())

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

    def on_publish(self, callback: Callable[[], None]) -> None:
        """See `MarketSource.on_publish`."""
        self._on_publish.append(callback)

    def listen(
        self,
        capacity: int = 65_536,
        *,
        policy: DropPolicy = DropPolicy.OLDEST,
        wants: Callable[[object], bool] | None = None,
        book_levels: int = 0,
        types: tuple[type, ...] | None = None,
        coalesce_ms: float = 0.0,
        rate: float = 0.0,
    ) -> Listener:
        """Open a queue of events.

        Args:
            capacity: Most events kept before the policy drops some.
            policy: Which event a full queue drops.
            wants: Chooses events; None for all.
            book_levels: Levels a side to attach to each book message as `BookLine`; 0 for no book lines.
            types: Event types offered, subclasses included; None for all.
            coalesce_ms: Of the same pair and kind of state at most one event in this time, the newest.
            rate: Most events a second; 0 for no limit.
        """
        listener = Listener(
            capacity, policy, wants, types=types, coalesce_ns=round(coalesce_ms * 1e6), rate=rate, clock=self._clock.now
        )
        with self._lock:
            self._listeners = [*self._listeners, listener]
            self._routes = {}
            if self._ended:
                listener.close()
            self._book_levels = levels = max(self._book_levels, book_levels)
        self._command(lambda worker: worker.set_book_levels(levels))
        return listener

    def unlisten(self, listener: Listener) -> None:
        """Close a listener and forget it; events left in its queue count as dropped."""
        with self._lock:
            self._listeners = [each for each in self._listeners if each is not listener]
            self._routes = {}
        listener.close(discard=True)

    def abandon(self, listener: Listener) -> None:
        """`unlisten` with the next event; takes no lock, so that a garbage collection may call it anywhere."""
        self._abandoned.append(listener)


def _first_view(settings: Settings, now_ns: int) -> FeedView:
    """What the screen shows before the worker's first view."""
    mode = Mode.REPLAY if settings.plays else Mode.DEMO if settings.demo else Mode.LIVE
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
