"""The engine as a library: `KrakenClient`. What is promised to stay is in docs/LIBRARY.md."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from functools import partial
from types import TracebackType

from kraken_tui.engine import configuration
from kraken_tui.engine.backpressure import Backpressure, DropPolicy, adjusted
from kraken_tui.engine.callbacks import Callback, Callbacks, Registration
from kraken_tui.engine.configuration import ClientBuilder
from kraken_tui.engine.engine import Engine
from kraken_tui.engine.events import BookLine
from kraken_tui.engine.gaps import GapPolicy
from kraken_tui.engine.listeners import Listener, ListenerClosed, ListenerCounts
from kraken_tui.engine.options import EngineOptions
from kraken_tui.engine.snapshots import BestBidAsk, Book, Connection, Latency, Stats, exact
from kraken_tui.engine.streams import EventStream, take
from kraken_tui.engine.tap import Tap
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
from kraken_tui.feed.clock import Clock
from kraken_tui.feed.events import BookStateChanged, Refused, StateChanged
from kraken_tui.feed.markets import Counters
from kraken_tui.feed.wishes import CHANNELS
from kraken_tui.market.events import BookState, Candle, Health, Proof, Trade
from kraken_tui.market.views import FeedView, LogLine, PairView, RecordingView, ReplayView
from kraken_tui.settings import LIVE_REST_URL, LIVE_URL
from kraken_tui.wire.symbols import PairSpec, canonical

_LOOK_AGAIN_S = 0.25
"""A recording that ends or cannot be read is no event."""

_ANSWERED = (BookState.WAIT_SNAPSHOT, BookState.LIVE, BookState.RESYNCING, BookState.QUARANTINED)


class KrakenClient:
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
        channels: Iterable[str] = CHANNELS,
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
        wanted = configuration.pair_names((*configuration.pair_names(names), *configuration.pair_names(pairs)))
        self.backpressure: Backpressure = configuration.backpressure(
            preset, replay=replay is not None, queue=queue, policy=policy, coalesce_ms=coalesce_ms, rate=rate
        )
        self.gap_policy: GapPolicy = configuration.gap_policy(gap_policy)
        self._levels = levels
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
        self._listeners: list[Listener] = []
        self._finished = ListenerCounts()
        self._lock = threading.Lock()
        self._symbols: dict[str, str] = {}
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
        self._engine.stop()
        self._callbacks.join()

    def _open(self, loop: asyncio.AbstractEventLoop | None) -> None:
        if self._opened:
            raise Configuration("a client is opened once; make another one")
        self._callbacks.start(loop)
        self._opened = True
        if self._engine.settings.replay is None or self._listeners:
            self._begin()

    def _begin(self) -> None:
        """Start the engine: at once for a live feed, for a recording when somebody first listens or reads.

        A recording at full speed would else be over before the program has said what it wants of it.
        """
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
        for name, symbol in self._engine.ask(lambda worker: worker.names()) or not_running:
            refused = not self._tap.refused.keys().isdisjoint((canonical(name), symbol))
            state = self._tap.states.get(symbol)
            found[symbol] = state.state if state else BookState.REFUSED if refused else BookState.WAIT_ACK
        return found

    def is_subscribed(self, symbol: str) -> bool:
        """Whether the exchange has granted this pair's book."""
        state = self._tap.states.get(self._symbol(symbol))
        return state is not None and state.state in _ANSWERED

    def _symbol(self, name: str) -> str:
        """The v2 symbol of a name; what was found once is remembered, so that reading need not ask again."""
        self._begin()
        if name in self._tap.states:
            return name
        known = self._symbols.get(name)
        if known is None:
            known = self._engine.ask(lambda worker: worker.symbol_of(name)) or canonical(name)
            if known in self._tap.states:
                self._symbols[name] = known
        return known

    def spec(self, symbol: str) -> PairSpec | None:
        """Reference data of a pair: precisions, increment, status; None while unknown."""
        return self._tap.specs.get(self._symbol(symbol))

    def price(self, symbol: str, ticks: int) -> Decimal:
        """A price in ticks as an exact decimal.

        Raises:
            Configuration: The pair's precisions are not known.
        """
        return exact(ticks, self._known(symbol).price_precision)

    def quantity(self, symbol: str, lots: int) -> Decimal:
        """A quantity in lots as an exact decimal.

        Raises:
            Configuration: The pair's precisions are not known.
        """
        return exact(lots, self._known(symbol).qty_precision)

    def _known(self, symbol: str) -> PairSpec:
        spec = self.spec(symbol)
        if spec is None:
            raise Configuration(f"the precisions of {symbol} are not known; subscribe it first")
        return spec

    # -- reading --------------------------------------------------------------------------------------------------

    def book(self, symbol: str, levels: int | None = None) -> Book | None:
        """The book of a pair as it is now, in a value that never changes.

        With `levels` of at most the client's own, it is the newest book event and costs no waiting. Otherwise the
        engine's thread copies it between two frames, which takes well under a millisecond while it is idle.

        Args:
            symbol: The pair, by any of its names.
            levels: Levels a side at most; None for all that are held.

        Returns:
            The book; None before its first snapshot. Look at `verified` before trusting it.

        Raises:
            Configuration: `levels` is less than 1.
            TimedOut: The engine did not answer within a second.
        """
        if levels is not None and (type(levels) is not int or levels < 1):
            raise Configuration("levels takes 1 or more")
        found = self._symbol(symbol)
        if levels is None or levels > self._levels:
            return self._engine.ask(lambda worker: self._full_book(worker, found, levels))
        return self._newest_book(found, levels)

    def best_bid_ask(self, symbol: str) -> BestBidAsk | None:
        """The touch of a pair; never waits for the engine. None before its first snapshot."""
        book = self._newest_book(self._symbol(symbol), 1)
        return None if book is None else book.touch

    def _newest_book(self, symbol: str, levels: int) -> Book | None:
        line, state = self._tap.books.get(symbol), self._tap.states.get(symbol)
        if line is None or state is None:
            return None
        return self._as_book(line, state, line.bids[:levels], line.asks[:levels], line.spec)

    def _full_book(self, worker: Worker, symbol: str, levels: int | None) -> Book | None:
        line, state = self._tap.books.get(symbol), self._tap.states.get(symbol)
        held = worker.session.books.get(symbol)
        if line is None or state is None or held is None:
            return None
        return self._as_book(line, state, held.bids.top(levels), held.asks.top(levels), held.spec)

    def _as_book(
        self,
        line: BookLine,
        state: BookStateChanged,
        bids: tuple[tuple[int, int], ...],
        asks: tuple[tuple[int, int], ...],
        spec: PairSpec,
    ) -> Book:
        view = self._engine.view(line.symbol)
        unproven = state.proof is Proof.VERIFIED and not line.verified
        return Book(
            symbol=line.symbol,
            spec=spec,
            bids=bids,
            asks=asks,
            depth=self._engine.settings.depth,
            state=state.state,
            proof=Proof.UNVERIFIED if unproven else state.proof,
            reason="the last message did not match its checksum" if unproven else state.reason,
            stale=view is not None and view.stale,
            checksum=line.changed.checksum,
            timestamp=line.changed.timestamp,
            venue_ns=line.changed.venue_ns,
            received_ns=line.changed.received_ns,
        )

    def view(self, symbol: str) -> PairView | None:
        """Everything known of a pair at this moment, as the screen shows it: figures, flow, samples, volumes at price.

        None while the pair is not subscribed. Asks the engine's thread, as a full `book` does.
        """
        found = self._symbol(symbol)
        return self._engine.ask(lambda worker: worker.view_now(found))

    def health(self, symbol: str) -> Health | None:
        """Whether a pair's market is active, stale or halted, why, and its age; None while it is not subscribed."""
        view = self.view(symbol)
        return None if view is None else view.health

    def trades(self, symbol: str) -> tuple[Trade, ...]:
        """Recent trades of a pair, newest first."""
        view = self.view(symbol)
        return () if view is None else view.tape

    def candles(self, symbol: str) -> tuple[Candle, ...]:
        """Candles of a pair at the client's interval, oldest first; the last may be running."""
        view = self.view(symbol)
        return () if view is None else view.candles

    def latency(self) -> Latency:
        """How late the feed is."""
        return self._engine.ask(_latency) or Latency(0, None, None, None, None, None, None, None)

    @property
    def connection(self) -> Connection:
        """Where the connection stands, as of the last tenth of a second."""
        view = self._engine.feed_view
        newest = self._tap.connection
        if newest is None:
            return Connection(view.state, view.cause, view.attempt, view.retry_in_s, view.system, view.url)
        return Connection(newest.state, newest.cause, newest.attempt, view.retry_in_s, view.system, view.url)

    @property
    def log(self) -> tuple[LogLine, ...]:
        """The newest lines of the program's log, newest last."""
        return self._engine.feed_view.log

    def stats(self) -> Stats:
        """Counts since the start."""
        counts = self._engine.ask(lambda worker: replace(worker.session.counters)) or Counters()
        gaps = self._tap.gaps
        return Stats(
            messages=counts.frames,
            applied=counts.applied,
            ignored=sum(counts.ignored.values()),
            rejected=counts.rejected,
            checks_ok=counts.checks_ok,
            checks_failed=counts.checks_failed,
            resyncs=counts.resyncs,
            reconnects=counts.reconnects,
            duplicates=counts.duplicates,
            trade_gaps=counts.trade_gaps,
            listeners=self._listener_counts(),
            callback_errors=self._callbacks.errors,
            held_back=gaps.held if gaps else 0,
            left_out=gaps.left_out if gaps else 0,
        )

    def _listener_counts(self) -> ListenerCounts:
        """Of all listeners; those that are finished are added up and let go."""
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
        state = self._tap.states.get(self._symbol(name))
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


def _latency(worker: Worker) -> Latency:
    view, share = worker.latency_now(), worker.session.latency.percentile(0.999)
    return Latency(
        view.count, view.p50, view.p90, view.p99, share, view.worst, view.clock_offset_ms, view.round_trip_ms
    )


def _filter(types: tuple[type, ...], symbols: frozenset[str]) -> Callable[[object], bool] | None:
    """Which events of the right type a stream takes; None for all of them."""
    errors = bool(types)

    def wants(event: object) -> bool:
        if not errors and isinstance(event, KrakenError):
            return False
        return not symbols or getattr(event, "symbol", None) in (None, *symbols)

    return None if errors and not symbols else wants
