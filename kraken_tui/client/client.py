"""The engine as a library: `KrakenClient`. What is promised to stay is in docs/LIBRARY.md."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from types import TracebackType

from kraken_tui.client import checks
from kraken_tui.client.books import BestBidAsk, Book
from kraken_tui.client.callbacks import Callback, Callbacks, Registration
from kraken_tui.client.desk import DeskCalls
from kraken_tui.client.desk_reading import DeskReading
from kraken_tui.client.events import ALL, internal_types
from kraken_tui.client.frames import Rows
from kraken_tui.client.gaps import GapPolicy
from kraken_tui.client.newest import Newest
from kraken_tui.client.private import Account, Level3Book, PrivateReading
from kraken_tui.client.reading import Reading
from kraken_tui.client.refusals import Refusals
from kraken_tui.client.run import Run
from kraken_tui.client.status import Connection, Latency, Stats
from kraken_tui.client.streams import EventStream
from kraken_tui.client.trading import TradingCalls
from kraken_tui.client.values import Candle, PairSpec, Trade
from kraken_tui.client.waiting import Wait
from kraken_tui.engine.backpressure import Backpressure, DropPolicy, adjusted
from kraken_tui.engine.worker import Worker
from kraken_tui.errors import ConfigurationError, KrakenError
from kraken_tui.feed.channels import pair_channels
from kraken_tui.feed.clock import Clock
from kraken_tui.feed.events import Refused, StateChanged
from kraken_tui.market.events import BookState
from kraken_tui.market.views import LogLine, RecordingView, ReplayView
from kraken_tui.settings import DEFAULT_MAX_WORTH, LIVE_REST_URL, LIVE_URL
from kraken_tui.wire.symbols import canonical


class KrakenClient(DeskCalls, TradingCalls):
    """Live, checksum-proven Kraken order books, trades and candles, in a program of your own.

    The feed runs in its own thread, repairs itself and never gives up. Listeners have bounded queues: a slow one
    loses its own events by its own policy, and never delays the feed or another listener.

    Open it with `async with`, `with`, or `open` and `close`. All methods may be called from any thread. A recording
    starts to play when somebody first listens or reads; open streams that must not miss anything before the client.

    Args:
        names: Pairs by any of their names: "BTC/USD", "btcusd", "XBT/USD", "XXBTZUSD".
        pairs: More of them.
        depth: Levels a side to subscribe: 10, 25, 100, 500 or 1000.
        levels: Levels a side of every `BookLine`, 10 to the depth.
        channels: Of "book", "trade", "ticker" and "ohlc"; the book is always subscribed.
        interval: Candle interval in minutes: 1, 5, 15, 30, 60, 240, 1440, 10080 or 21600.
        url: WebSocket address; wss anywhere, ws on this computer only.
        rest_url: REST address without a path, for history; https anywhere, http on this computer only.
        demo: Run against a simulated exchange within this process.
        demo_seed: Seed of its market.
        replay: Recording to play instead.
        kafka: Brokers to read from instead, "host:port[,host:port]": what `kraken-tui publish` writes there.
        at: With `kafka`, play from this time on: "2026-11-28T09:30:00Z" (UTC), or "2h" for two hours ago.
        kafka_topic_prefix: What the topics begin with.
        kafka_config: File of further settings of the Kafka client.
        speed: Of the replay: 1 is the recording's own, 0 as fast as possible.
        record: File that the raw frames are appended to.
        preset: Backpressure of every listener: "single" (or 1), "multi" (2), "aggregator" (3).
        queue, policy, coalesce_ms, rate: Numbers that replace the preset's; see `Backpressure`.
        gap_policy: "resync", "ignore" or "buffer"; see `GapPolicy`.
        stale_after_s: Silence or lag from which a pair is called stale.
        log_file: File the program's log is also written to.
        metrics_addr: HOST:PORT where metrics for Prometheus are served while the client is open; see `metrics_url`.
        history_min: Minutes of the past kept of every pair, 1 to 1,440, for `at` and `heatmap`; None keeps none.
        history_mb: Memory for the past of one pair, megabytes.
        large_order: Size in base units from which an order counts as large; 0 for automatic.
        flow_value: Least value of a flow event, in units of quotes that are money.
        flow_factor: Multiple of the pair's own 98th percentile from which a size is large, where that is automatic.
        clock: The machine's clocks unless a test brings others.
        level3: Whether single orders are followed for every pair; needs a key or `demo`. Unstable, as all below.
        level3_depth: Price levels a side of them: 10, 100 or 1000.
        account: Whether the account is followed; needs a key or `demo`.
        key_name: Which of the stored keys; "" for that of the environment, or the only one.
        level3_url, account_url: WebSocket addresses of both; "" for Kraken's.
        trade: Whether orders can be placed, once `arm` was called; needs `account`, and a key that may, or `demo`.
        paper: Whether orders are simulated against the public book instead.
        trade_max_worth: Largest price times quantity by quote asset, such as "1000 USD, 900 EUR"; others are refused.
        trade_max_size: Largest order by base asset, such as "0.05 BTC"; "" for no further limit.
        trade_max_open: Most open orders.
        trade_band_pct: Farthest price from the middle, percent of it.

    Raises:
        ConfigurationError: An argument cannot work; the text names it and what it takes.
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
        kafka: str = "",
        at: str = "",
        kafka_topic_prefix: str = "kraken",
        kafka_config: str | os.PathLike[str] | None = None,
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
        metrics_addr: str = "",
        history_min: float | None = None,
        history_mb: int = 64,
        large_order: float = 0.0,
        flow_value: float = 10_000.0,
        flow_factor: float = 3.0,
        clock: Clock | None = None,
        level3: bool = False,
        level3_depth: int = 10,
        account: bool = False,
        key_name: str = "",
        level3_url: str = "",
        account_url: str = "",
        trade: bool = False,
        paper: bool = False,
        trade_max_worth: str = DEFAULT_MAX_WORTH,
        trade_max_size: str = "",
        trade_max_open: int = 10,
        trade_band_pct: float = 5.0,
    ) -> None:
        played = replay is not None or bool(at)
        self.backpressure: Backpressure = checks.backpressure(
            preset, replay=played, queue=queue, policy=policy, coalesce_ms=coalesce_ms, rate=rate
        )
        self.gap_policy: GapPolicy = checks.gap_policy(gap_policy)
        settings = checks.settings(
            pairs=checks.pair_names(names, pairs),
            depth=depth,
            interval=interval,
            url=url,
            rest_url=rest_url,
            demo=demo,
            demo_seed=demo_seed,
            replay=replay,
            kafka=kafka,
            at=at,
            kafka_topic_prefix=kafka_topic_prefix,
            kafka_config=kafka_config,
            speed=speed,
            record=record,
            stale_after_s=stale_after_s,
            log_file=log_file,
            metrics_addr=metrics_addr,
            **({} if history_min is None else {"history_min": history_min}),
            history_mb=history_mb,
            large_order=large_order,
            flow_value=flow_value,
            flow_factor=flow_factor,
            level3=level3,
            level3_depth=level3_depth,
            account=account,
            key_name=key_name,
            level3_url=level3_url,
            account_url=account_url,
            trade=trade,
            paper=paper,
            trade_max_worth=trade_max_worth,
            trade_max_size=trade_max_size,
            trade_max_open=trade_max_open,
            trade_band_pct=trade_band_pct,
        )
        checks.trading(settings)
        self._newest = Newest(self.gap_policy)
        self._run = Run(
            settings,
            clock,
            self._newest,
            channels=checks.channel_names(channels),
            ignore_gaps=self.gap_policy is GapPolicy.IGNORE,
            book_levels=checks.levels(levels, settings.depth),
            history=history_min is not None,
            key=checks.key(settings),
        )
        self._reading = Reading(self._run, levels)
        self._desk = DeskReading(self._run, self._reading)
        self._refusals = Refusals(self._run, self._reading)
        self._private = PrivateReading(self._run)
        self._callbacks = Callbacks(self._run.engine, partial(self._run.listen, self.backpressure))

    # -- life -----------------------------------------------------------------------------------------------------

    def open(self) -> KrakenClient:
        """Start the feed; returns at once. Callbacks are called in a thread of their own.

        Raises:
            ConfigurationError: It was opened before, or a coroutine function is registered.
        """
        self._open(None)
        return self

    def close(self) -> None:
        """End the feed, within two seconds at most; streams end once drained. A second call does nothing."""
        self._run.closed = True
        if self._run.is_ours():
            # A forked process has no engine to end.
            self._run.engine.stop()
            self._run.metrics_close()
            self._callbacks.join()

    def _open(self, loop: asyncio.AbstractEventLoop | None) -> None:
        if self._run.opened or self._run.closed:
            raise ConfigurationError("a client is opened once; make another one")
        self._callbacks.start(loop)
        self._run.open()

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
        self._run.closed = True
        await asyncio.to_thread(self._run.engine.stop)
        await asyncio.to_thread(self._run.metrics_close)
        await self._callbacks.finish()

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
            symbols: Only events of these pairs, by any of their names; none for all. Events of no pair always come.
                Where all of them are refused, the stream ends with `SubscriptionFailed`, unless it is told of refusals.
            queue, policy, coalesce_ms, rate: Numbers that replace the client's own for this stream.

        Raises:
            ConfigurationError: A number is out of its range, or no event is of such a type.
        """
        kinds = internal_types("events", types) if types else ALL
        pressure = adjusted(self.backpressure, queue=queue, policy=policy, coalesce_ms=coalesce_ms, rate=rate)
        names = checks.pair_names(symbols)
        wants = _OfPairs(names, self._reading.symbol_now) if names else None
        listener = self._run.listen(pressure, kinds, wants)
        if names and not any(issubclass(kind, Refused | KrakenError) for kind in kinds):
            # It would not be told why nothing comes.
            self._refusals.watch(listener, names)
        ended = partial(self._refusals.raise_failure, names) if names else self._run.raise_failure
        return EventStream(self._run.engine, listener, self._run.check_open, ended)

    def errors(self) -> EventStream:
        """Open a stream of the feed's troubles, as `KrakenError`; the feed repairs itself."""
        return self.events(KrakenError)

    def on(self, types: type | tuple[type, ...], callback: Callback) -> Registration:
        """Call a function with every event of a type, subclasses included; several may be registered for one.

        Plain functions are called one after another in the order of the events, in the event loop where the client
        is opened with `async with`, else in one thread of their own. Each coroutine function has a queue and a task
        of its own. Exceptions are counted and logged, and stop nothing.

        Returns:
            The registration; its `remove` ends the calls.

        Raises:
            ConfigurationError: Not an event type, not callable, or a coroutine function without an event loop.
        """
        wanted = types if isinstance(types, tuple) else (types,)
        if not wanted or not callable(callback):
            raise ConfigurationError("on takes an event type, or a tuple of them, and a function")
        return self._callbacks.add(wanted, callback)

    def on_state(self, callback: Callback) -> Registration:
        """Call a function with every `StateChanged` of the connection."""
        return self.on(StateChanged, callback)

    def on_error(self, callback: Callback) -> Registration:
        """Call a function with every `KrakenError` the feed meets."""
        return self.on(KrakenError, callback)

    # -- pairs ----------------------------------------------------------------------------------------------------

    def subscribe(
        self,
        *pairs: str,
        depth: int | None = None,
        interval: int | None = None,
        large_order: float | None = None,
    ) -> None:
        """Want more pairs, by any of their names, or change what is wanted of them; returns at once.

        A refusal comes as `SubscriptionFailed`, through `errors` and from `wait_verified`.

        Args:
            pairs: The pairs.
            depth: Levels a side of these pairs; None for the client's own. A recording has its own.
            interval: Their candle interval in minutes; None for the client's own.
            large_order: Size in base units from which an order of theirs counts as large, 0 for automatic; None for the
                client's own.

        Raises:
            ConfigurationError: A name is empty, too long or no text, or a number is out of its range.
        """
        wish = checks.wish(depth, interval, large_order)
        for name in checks.pair_names(pairs):
            self._newest.refused.pop(canonical(name), None)
            self._run.engine.add_pair(name, wish)

    def unsubscribe(self, *pairs: str) -> None:
        """Want pairs no longer; returns at once. Does nothing for a pair that is not subscribed.

        Raises:
            ConfigurationError: A name is empty, too long or no text, or the client is not open.
        """
        self._run.check_open()
        for name in checks.pair_names(pairs):
            self._reading.forget(name)
            self._run.engine.tell(partial(self._drop, name=name))

    def _drop(self, worker: Worker, name: str) -> None:
        symbol = worker.symbol_of(name)
        for each in {name, symbol}:
            worker.remove_pair(each)
            self._newest.forget(each)

    def subscriptions(self) -> dict[str, BookState]:
        """Pairs that are wanted, each with the state of its book; names not found yet are WAIT_ACK or REFUSED."""
        return self._reading.states()

    def is_subscribed(self, symbol: str) -> bool:
        """Whether the exchange has granted this pair's book."""
        return self._reading.is_granted(symbol)

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
            ConfigurationError: The client is not open, or the pair is not subscribed.
            EngineFailed: The engine ended.
        """
        return await Wait(self._run, self._reading, symbol, timeout).result()

    def wait_verified_sync(self, symbol: str, timeout: float = 30.0) -> Book:
        """`wait_verified` for programs without an event loop: blocks this thread."""
        return Wait(self._run, self._reading, symbol, timeout).result_sync()

    # -- reading --------------------------------------------------------------------------------------------------

    def book(self, symbol: str, levels: int | None = None) -> Book | None:
        """The book of a pair as it is now, in a value that never changes.

        With `levels` of at most the client's own, it is the newest book event and costs no waiting. Otherwise the
        engine's thread copies it between two frames, which takes well under a millisecond while it is idle.
        Where that thread hangs, the levels it last published come instead, after a second at most: `stale`, and not
        `verified`.

        Args:
            symbol: The pair, by any of its names.
            levels: Levels a side at most; None for all that are held.

        Returns:
            The book; None before its first snapshot. Look at `verified` before trusting it.

        Raises:
            ConfigurationError: `levels` is less than 1, or the pair is not subscribed.
            SubscriptionFailed: The exchange has no such pair, or refused it.
        """
        return self._reading.book(symbol, levels)

    def level3(self, symbol: str) -> Level3Book | None:
        """The single orders of a pair as they are now, in a value that never changes. Unstable.

        Args:
            symbol: The pair, by any of its names.

        Returns:
            None before its first snapshot. Look at `verified` before trusting a place in a queue.

        Raises:
            ConfigurationError: The client follows no single orders.
        """
        return self._private.level3(self._reading.symbol(symbol))

    def account(self) -> Account | None:
        """Orders, fills, balances and positions of the account as they are now. Unstable.

        Returns:
            None before anything is known. Look at `verified`, and at `problem`.

        Raises:
            ConfigurationError: The client follows no account.
        """
        return self._private.account()

    def best_bid_ask(self, symbol: str) -> BestBidAsk | None:
        """The touch of a pair; never waits for the engine. None before its first snapshot."""
        return self._reading.touch(symbol)

    def trades(self, symbol: str) -> Rows[Trade]:
        """Recent trades of a pair, newest first."""
        return self._reading.trades(symbol)

    def candles(self, symbol: str) -> Rows[Candle]:
        """Candles of a pair at its interval, oldest first; the last may be running.

        An interval without trades is a flat candle of no trades; one of which nothing is known is left out.
        """
        return self._reading.candles(symbol)

    def spec(self, symbol: str) -> PairSpec | None:
        """Reference data of a pair: precisions, increment, status; None while unknown."""
        return self._reading.spec(symbol)

    def price(self, symbol: str, ticks: int) -> Decimal:
        """A price in ticks as an exact decimal.

        Raises:
            ConfigurationError: `ticks` is not a whole number, or the pair's precisions are not known.
        """
        return self._reading.known_spec(symbol).price(checks.units("price", ticks, "ticks"))

    def quantity(self, symbol: str, lots: int) -> Decimal:
        """A quantity in lots as an exact decimal.

        Raises:
            ConfigurationError: `lots` is not a whole number, or the pair's precisions are not known.
        """
        return self._reading.known_spec(symbol).quantity(checks.units("quantity", lots, "lots"))

    def latency(self) -> Latency:
        """How late the feed is."""
        return self._reading.latency()

    @property
    def connection(self) -> Connection:
        """State of the connection, as of the last tenth of a second."""
        return self._reading.connection()

    @property
    def metrics_url(self) -> str:
        """Where the metrics are; "" where they are not served, and the log says why."""
        return self._run.metrics_url

    @property
    def log(self) -> tuple[LogLine, ...]:
        """The newest lines of the program's log, newest last."""
        return self._run.engine.feed_view.log

    def stats(self) -> Stats:
        """Counts since the start."""
        return self._reading.stats(self._callbacks.errors)

    # -- recording and replay -------------------------------------------------------------------------------------

    def record(self, file: str | os.PathLike[str] | None) -> None:
        """Start appending raw frames to a file, or stop with None. Problems appear in the log and `recording`.

        Raises:
            ConfigurationError: Not a file name.
        """
        self._run.engine.record(checks.recording_path(file))

    @property
    def recording(self) -> RecordingView | None:
        """The recording being written, with its problem if it has one; None if nothing is recorded."""
        return self._run.engine.feed_view.recording

    @property
    def playback(self) -> ReplayView | None:
        """State of the replay; None for a live feed."""
        return self._run.engine.feed_view.replay

    def pause(self, paused: bool = True) -> None:
        """Stop or continue the clock of a replay; no effect on a live feed."""
        self._run.engine.pause_replay(paused)

    def skip(self) -> None:
        """Go to the recording's next frame, over a gap or a silence; no effect on a live feed."""
        self._run.engine.skip_replay()

    def set_speed(self, speed: float) -> None:
        """Change the speed of a replay; 0 is as fast as possible.

        Raises:
            ConfigurationError: Not a number from 0 to 10,000.
        """
        self._run.engine.set_replay_speed(checks.speed(speed))


class _OfPairs:
    """Which events a stream of some pairs takes; called in the engine's thread.

    Args:
        names: The pairs, by any of their names.
        symbol_now: The v2 symbol of a name, or the best guess until the exchange's list of pairs is known.
    """

    def __init__(self, names: tuple[str, ...], symbol_now: Callable[[str], str]) -> None:
        self._names = names
        self._symbol_now = symbol_now
        self._wanted = {*names, *map(canonical, names)}
        self._others: set[str] = set()

    def __call__(self, event: object) -> bool:
        symbol = getattr(event, "symbol", None)
        if symbol is None or symbol in self._wanted:
            return True
        if symbol in self._others:
            return False
        # A pair not met before: by now the exchange's list of pairs says what the names mean.
        self._others.add(symbol)
        self._wanted |= set(map(self._symbol_now, self._names))
        return symbol in self._wanted
