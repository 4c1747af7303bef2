"""The engine as a library: `KrakenClient`. What is promised to stay is in docs/LIBRARY.md."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from types import TracebackType

from kraken_tui.client import checks as configuration
from kraken_tui.client.callbacks import Callback, Callbacks, Registration
from kraken_tui.client.checks import ClientBuilder
from kraken_tui.client.gaps import GapPolicy
from kraken_tui.client.reading import Reader
from kraken_tui.client.snapshots import Book
from kraken_tui.client.streams import EventStream, take
from kraken_tui.client.tap import Tap
from kraken_tui.engine.backpressure import Backpressure, DropPolicy, adjusted
from kraken_tui.engine.engine import Engine
from kraken_tui.engine.events import BookLine
from kraken_tui.engine.listeners import Listener, ListenerClosed
from kraken_tui.engine.options import EngineOptions
from kraken_tui.engine.worker import Worker
from kraken_tui.errors import (
    Configuration,
    ConnectionClosed,
    ConnectionFailed,
    EngineFailed,
    KrakenError,
    SubscriptionFailed,
    TimedOut,
)
from kraken_tui.feed.channels import pair_channels
from kraken_tui.feed.clock import Clock
from kraken_tui.feed.events import BookStateChanged, Refused, StateChanged
from kraken_tui.market.events import BookState
from kraken_tui.market.views import FeedView, RecordingView, ReplayView
from kraken_tui.settings import LIVE_REST_URL, LIVE_URL
from kraken_tui.wire.symbols import canonical

_LOOK_AGAIN_S = 0.25
"""A recording that ends or cannot be read is no event."""

_ANSWERED = (BookState.WAIT_SNAPSHOT, BookState.LIVE, BookState.RESYNCING, BookState.QUARANTINED)


class KrakenClient(Reader):
    """Live, checksum-proven Kraken order books, trades and candles, in a program of your own.

    The feed runs in a thread of its own; it repairs itself and never gives up. Listeners have bounded queues: a slow
    one loses its own events by its own policy, and never delays the feed or another listener.

    Open it with `async with`, `with`, or `open` and `close`. All methods may be called from any thread. A recording
    starts to play when somebody first listens or reads; open the streams that must not miss anything before the client.

    Args:
        names: Pairs by any of their names: "BTC/USD", "btcusd", "XBT/USD", "XXBTZUSD".
        pairs: More of them.
        depth: Levels a side to subscribe: 10, 25, 100, 500 or 1000.
        levels: Levels a side of every `BookLine`, 10 to the depth.
        channels: Of "book", "trade", "ticker" and "ohlc"; the book is always subscribed.
        interval: Candle interval in minutes: 1, 5, 15, 30, 60, 240 or 1440.
        url: WebSocket address; wss anywhere, ws on this computer only.
        rest_url: REST address without a path, for history; https anywhere, http on this computer only.
        demo: Run against a simulated exchange within this process.
        demo_seed: Seed of its market.
        replay: Recording to play instead.
        speed: Of the replay: 1 is the recording's own, 0 as fast as possible.
        record: File that the raw frames are appended to.
        preset: Backpressure of every listener: "single" (or 1), "multi" (2), "aggregator" (3).
        queue, policy, coalesce_ms, rate: Numbers that replace the preset's; see `Backpressure`.
        gap_policy: "resync", "ignore" or "buffer"; see `GapPolicy`.
        stale_after_s: Silence or lag from which a pair is called stale.
        log_file: File the program's log is also written to.
        clock: The machine's clocks unless a test brings others.

    Raises:
        Configuration: An argument cannot work; the text names it and what it takes.
    """

    def __init__(
        self,
        *names: str,
        pairs: Iterable[str] = (),
        depth: int = 10,
        levels: int = 10,
        channels: Iterable[str] = pair_channels(),
        interval: int = 1,
        url: str = LIVE_URL,
        rest_url: str = LIVE_REST_URL,
        demo: bool = False,
        demo_seed: int = 1,
        replay: str | os.PathLike[str] | None = None,
        speed: float = 0.0,
        record: str | os.PathLike[str] | None = None,
        preset: str | int | None = None,
        queue: int | None = None,
        policy: DropPolicy | str | None = None,
        coalesce_ms: float | None = None,
        rate: float | None = None,
        gap_policy: GapPolicy | str = GapPolicy.RESYNC,
        stale_after_s: float = 5.0,
        log_file: str | os.PathLike[str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(levels)
        wanted = configuration.pair_names((*configuration.pair_names(names), *configuration.pair_names(pairs)))
        self.backpressure: Backpressure = configuration.backpressure(
            preset, replay=replay is not None, queue=queue, policy=policy, coalesce_ms=coalesce_ms, rate=rate
        )
        self.gap_policy: GapPolicy = configuration.gap_policy(gap_policy)
        settings = configuration.settings(
            pairs=wanted,
            depth=depth,
            levels=levels,
            interval=interval,
            url=url,
            rest_url=rest_url,
            demo=demo,
            demo_seed=demo_seed,
            replay=replay,
            speed=speed,
            record=record,
            stale_after_s=stale_after_s,
            log_file=log_file,
        )
        self._tap = Tap(self.gap_policy)
        options = EngineOptions(
            channels=configuration.channel_names(channels),
            ignore_gaps=self.gap_policy is GapPolicy.IGNORE,
            book_levels=levels,
            transform=self._tap.transform,
            on_publish=self._published,
        )
        try:
            self._engine = Engine(settings, clock, options)
        except OSError as error:
            raise Configuration(f"log_file cannot be written: {error.strerror}") from None
        self._callbacks = Callbacks(self._engine, self._listen)
        self._opened = self._begun = self._closed = self._played = False

    @staticmethod
    def builder() -> ClientBuilder:
        """Collect the arguments one by one: `KrakenClient.builder().pairs("BTC/USD").depth(100).build()`."""
        return ClientBuilder()

    # -- life -----------------------------------------------------------------------------------------------------

    def open(self) -> KrakenClient:
        """Start the feed; returns at once. Callbacks are called in a thread of their own.

        Raises:
            Configuration: It was opened before, or a coroutine function is registered.
        """
        self._open(None)
        return self

    def close(self) -> None:
        """End the feed, within two seconds at most; streams end after what they hold. Twice does no harm."""
        self._closed = True
        if self._process not in (None, os.getpid()):
            # A forked process has no engine to end.
            return
        self._engine.stop()
        self._callbacks.join()

    def _open(self, loop: asyncio.AbstractEventLoop | None) -> None:
        if self._opened or self._closed:
            raise Configuration("a client is opened once; make another one")
        self._callbacks.start(loop)
        self._opened = True
        self._process = os.getpid()
        if self._engine.settings.replay is None or self._listeners:
            self._begin()

    def _begin(self) -> None:
        """Start the engine: at once for a live feed, for a recording when somebody first listens or reads.

        A recording at full speed would else be over before the program has said what it wants of it.
        """
        self._check_process()
        with self._lock:
            first = self._opened and not self._begun and not self._closed
            self._begun = self._begun or first
        if first:
            self._engine.start()

    def __enter__(self) -> KrakenClient:
        return self.open()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> KrakenClient:
        self._open(asyncio.get_running_loop())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._closed = True
        await asyncio.to_thread(self._engine.stop)
        await self._callbacks.finish()

    def _published(self, view: FeedView) -> None:
        """A recording that is over, or cannot be read, ends what listens to it; called in the engine's thread."""
        if not self._played and (view.fatal or (view.replay is not None and view.replay.finished)):
            self._played = True
            with self._lock:
                listeners = self._listeners
            for listener in listeners:
                listener.close()

    def _check_open(self) -> None:
        """Refuse to wait for what can never come."""
        self._check_process()
        if not self._opened:
            raise Configuration("the client is not open; use 'async with client' or 'with client'")

    def _raise_failure(self) -> None:
        """Raise what ended the feed, where it was not the program itself or the end of a recording."""
        failure, fatal = self._engine.failure, self._engine.feed_view.fatal
        if failure is not None:
            raise EngineFailed(f"the engine failed: {type(failure).__name__}: {failure}") from failure
        if fatal:
            raise ConnectionFailed(fatal)

    # -- listening ------------------------------------------------------------------------------------------------

    def events(
        self,
        *types: type,
        symbols: Iterable[str] = (),
        queue: int | None = None,
        policy: DropPolicy | str | None = None,
        coalesce_ms: float | None = None,
        rate: float | None = None,
    ) -> EventStream:
        """Open a stream of events, for `async for`, `for` or one by one; events count from this call on.

        Args:
            types: Event types, subclasses included; none for all but errors.
            symbols: Only events of these pairs; none for all. Events of no pair always come.
            queue, policy, coalesce_ms, rate: Numbers that replace the client's own for this stream.

        Raises:
            Configuration: A number is out of its range.
        """
        if not all(isinstance(each, type) for each in types):
            raise Configuration("events takes event types, such as Trade")
        pressure = adjusted(self.backpressure, queue=queue, policy=policy, coalesce_ms=coalesce_ms, rate=rate)
        wanted = frozenset(map(canonical, configuration.pair_names(symbols)))
        listener = self._listen(types=types or None, pressure=pressure, wants=_filter(types, wanted))
        return EventStream(self._engine, listener, self._check_open, self._raise_failure)

    def errors(self) -> EventStream:
        """Open a stream of the feed's troubles as `KrakenError`; the feed goes on by itself."""
        return self.events(KrakenError)

    def _listen(
        self,
        types: tuple[type, ...] | None = None,
        wants: Callable[[object], bool] | None = None,
        pressure: Backpressure | None = None,
    ) -> Listener:
        self._check_process()
        pressure = pressure or self.backpressure
        listener = self._engine.listen(
            pressure.queue,
            policy=pressure.policy,
            wants=wants,
            types=types,
            coalesce_ms=pressure.coalesce_ms,
            rate=pressure.rate,
        )
        self._listener_counts()
        with self._lock:
            self._listeners = [*self._listeners, listener]
        if self._played or self._closed:
            listener.close()
        self._begin()
        return listener

    def on(self, types: type | tuple[type, ...], callback: Callback) -> Registration:
        """Call a function with every event of a type, subclasses included; several may be registered for one.

        Plain functions are called one after another in the order of the events, in the event loop where the client
        is opened with `async with`, else in one thread of their own. Each coroutine function has a queue and a task
        of its own. An exception is counted and logged, and stops nothing.

        Returns:
            The registration; its `remove` ends the calls.

        Raises:
            Configuration: Not a type, not callable, or a coroutine function where there is no event loop.
        """
        wanted = types if isinstance(types, tuple) else (types,)
        if not wanted or not all(isinstance(each, type) for each in wanted) or not callable(callback):
            raise Configuration("on takes an event type, or a tuple of them, and a function")
        return self._callbacks.add(wanted, callback)

    def on_state(self, callback: Callback) -> Registration:
        """Call a function with every `StateChanged` of the connection."""
        return self.on(StateChanged, callback)

    def on_error(self, callback: Callback) -> Registration:
        """Call a function with every `KrakenError` the feed meets."""
        return self.on(KrakenError, callback)

    # -- pairs ----------------------------------------------------------------------------------------------------

    def subscribe(self, *pairs: str) -> None:
        """Want more pairs, by any of their names; returns at once.

        A refusal comes as `SubscriptionFailed`, through `errors` and from `wait_verified`.

        Raises:
            Configuration: A name is empty, too long or no text.
        """
        for name in configuration.pair_names(pairs):
            self._tap.refused.pop(canonical(name), None)
            self._engine.add_pair(name)

    def unsubscribe(self, *pairs: str) -> None:
        """Want pairs no longer; returns at once. A pair that is not subscribed is none the worse for it.

        Raises:
            Configuration: A name is empty, too long or no text, or the client is not open.
        """
        self._check_open()
        for name in configuration.pair_names(pairs):
            self._symbols.pop(name, None)
            self._engine.tell(partial(self._drop, name=name))

    def _drop(self, worker: Worker, name: str) -> None:
        symbol = worker.symbol_of(name)
        for each in {name, symbol}:
            worker.remove_pair(each)
            self._tap.forget(each)

    def subscriptions(self) -> dict[str, BookState]:
        """Pairs that are wanted, each with the state of its book; names not found yet are WAIT_ACK or REFUSED."""
        found: dict[str, BookState] = {}
        not_running = tuple((name, canonical(name)) for name in self._engine.settings.pairs)
        for name, symbol in self._ask(lambda worker: worker.names()) or not_running:
            refused = not self._tap.refused.keys().isdisjoint((canonical(name), symbol))
            state = self._tap.states.get(symbol)
            found[symbol] = state.state if state else BookState.REFUSED if refused else BookState.WAIT_ACK
        return found

    def is_subscribed(self, symbol: str) -> bool:
        """Whether the exchange has granted this pair's book."""
        state = self._tap.states.get(self._symbol(symbol))
        return state is not None and state.state in _ANSWERED

    # -- waiting --------------------------------------------------------------------------------------------------

    async def wait_verified(self, symbol: str, timeout: float = 30.0) -> Book:  # noqa: ASYNC109 - typed errors
        """Wait until the book of a pair is proven.

        Args:
            symbol: The pair, by any of its names; it must be subscribed.
            timeout: Longest wait, seconds.

        Returns:
            The proven book, with the client's `levels` a side.

        Raises:
            SubscriptionFailed: The pair was refused.
            ConnectionFailed, ConnectionClosed, RateLimited: Time ran out and there is no connection.
            TimedOut: Time ran out though there is one.
            EngineFailed: The engine ended.
        """
        with self._news() as news:
            deadline = time.monotonic() + timeout
            while True:
                book = self._proven(symbol)
                if book is not None:
                    return book
                left = deadline - time.monotonic()
                if left <= 0:
                    raise self._why_not(symbol, timeout)
                try:
                    await take(news, min(left, _LOOK_AGAIN_S))
                except ListenerClosed:
                    raise self._over(symbol) from None

    def wait_verified_sync(self, symbol: str, timeout: float = 30.0) -> Book:
        """`wait_verified` for programs without an event loop: blocks this thread."""
        with self._news() as news:
            deadline = time.monotonic() + timeout
            while True:
                book = self._proven(symbol)
                if book is not None:
                    return book
                left = deadline - time.monotonic()
                if left <= 0:
                    raise self._why_not(symbol, timeout)
                try:
                    news.get(min(left, _LOOK_AGAIN_S))
                except ListenerClosed:
                    raise self._over(symbol) from None

    @contextmanager
    def _news(self) -> Iterator[Listener]:
        """A queue of one that is only a reason to look again."""
        self._check_open()
        self._begin()
        listener = self._engine.listen(1, types=(BookLine, BookStateChanged, Refused))
        if self._closed:
            listener.close()
        try:
            yield listener
        finally:
            self._engine.unlisten(listener)

    def _proven(self, name: str) -> Book | None:
        self._raise_failure()
        symbol = self._symbol(name)
        if self._tap.is_verified(symbol):
            book = self._newest_book(symbol, self._levels)
            # What is handed out must be proven itself, not only have been so a moment ago.
            return book if book is not None and book.verified else None
        refused = self._tap.refused.get(canonical(name)) or self._tap.refused.get(symbol)
        if refused is not None:
            raise SubscriptionFailed(refused.symbol, refused.reason, refused.nearest, refused.channel)
        if self._played:
            raise ConnectionClosed(f"the recording ended without a proven book of {name}")
        return None

    def _why_not(self, name: str, timeout_s: float) -> KrakenError:
        trouble = self._tap.trouble
        if trouble is not None:
            return trouble
        symbol = self._symbol(name)
        state = self._tap.states.get(symbol)
        if state is None and symbol not in self.subscriptions():
            return TimedOut(f"{name}: no proven book within {timeout_s:g} s: it is not subscribed")
        reason = state.reason if state is not None else self.connection.cause
        return TimedOut(f"{name}: no proven book within {timeout_s:g} s: {reason or 'waiting'}")

    def _over(self, name: str) -> KrakenError:
        try:
            self._raise_failure()
        except KrakenError as error:
            return error
        return ConnectionClosed(f"the client was closed before the book of {name} was proven")

    # -- recording and replay -------------------------------------------------------------------------------------

    def record(self, file: str | os.PathLike[str] | None) -> None:
        """Start appending raw frames to a file, or stop with None. Problems appear in the log and `recording`.

        Raises:
            Configuration: Not a file name.
        """
        self._engine.record(configuration.path("record", file))

    @property
    def recording(self) -> RecordingView | None:
        """The recording that is being written, with its problem if it has one; None where there is none."""
        return self._engine.feed_view.recording

    @property
    def playback(self) -> ReplayView | None:
        """Where the replay stands; None for a live feed."""
        return self._engine.feed_view.replay

    def pause(self, paused: bool = True) -> None:
        """Stop or continue the clock of a replay; no effect on a live feed."""
        self._engine.pause_replay(paused)

    def set_speed(self, speed: float) -> None:
        """Change the speed of a replay; 0 is as fast as possible.

        Raises:
            Configuration: Not a number from 0 to 10,000.
        """
        configuration.check_speed(speed)
        self._engine.set_replay_speed(speed)


def _filter(types: tuple[type, ...], symbols: frozenset[str]) -> Callable[[object], bool] | None:
    """Which events of the right type a stream takes; None for all of them."""
    errors = bool(types)

    def wants(event: object) -> bool:
        if not errors and isinstance(event, KrakenError):
            return False
        return not symbols or getattr(event, "symbol", None) in (None, *symbols)

    return None if errors and not symbols else wants
