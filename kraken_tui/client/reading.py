"""What a client can be asked: books, figures, counts. The part of `KrakenClient` that only reads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from kraken_tui.client.callbacks import Callbacks
from kraken_tui.client.snapshots import BestBidAsk, Book, Connection, Latency, Stats, exact
from kraken_tui.client.tap import Tap
from kraken_tui.engine.engine import Engine
from kraken_tui.engine.events import BookLine
from kraken_tui.engine.listeners import Listener, ListenerCounts
from kraken_tui.engine.worker import Worker
from kraken_tui.errors import Configuration
from kraken_tui.feed.counters import Counters
from kraken_tui.feed.events import BookStateChanged
from kraken_tui.market.events import Candle, Health, Proof, Trade
from kraken_tui.market.views import LogLine, PairView
from kraken_tui.wire.symbols import PairSpec, canonical

T = TypeVar("T")


class Reader:
    """Reads an engine for a program; `KrakenClient` makes and starts it."""

    _engine: Engine
    _tap: Tap
    _callbacks: Callbacks

    def __init__(self, levels: int) -> None:
        self._levels = levels
        self._symbols: dict[str, str] = {}
        self._listeners: list[Listener] = []
        self._finished = ListenerCounts()
        self._lock = threading.Lock()
        self._process: int | None = None

    def _begin(self) -> None:
        """Start what has not started yet."""
        raise NotImplementedError

    def _check_process(self) -> None:
        """Refuse to work in a process forked from the client's own: nothing feeds it there, and its books stand still.

        Locks that the engine's thread held at that moment are held there for ever; so nothing is asked before this.
        """
        if self._process not in (None, os.getpid()):
            raise Configuration("the client was opened in another process; open one of its own in this process")

    def _ask(self, question: Callable[[Worker], T]) -> T | None:
        self._check_process()
        return self._engine.ask(question)

    def _symbol(self, name: str) -> str:
        """The v2 symbol of a name; what was found once is remembered, so that reading need not ask again."""
        self._begin()
        if name in self._tap.states:
            return name
        known = self._symbols.get(name)
        if known is None:
            known = self._ask(lambda worker: worker.symbol_of(name)) or canonical(name)
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
            return self._ask(lambda worker: self._full_book(worker, found, levels))
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
        return self._ask(lambda worker: worker.view_now(found))

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
        return self._ask(_latency) or Latency(0, None, None, None, None, None, None, None)

    @property
    def connection(self) -> Connection:
        """Where the connection stands, as of the last tenth of a second."""
        self._check_process()
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
        counts, ignored = self._ask(_counts) or (Counters(), 0)
        gaps = self._tap.gaps
        return Stats(
            messages=counts.frames,
            applied=counts.applied,
            ignored=ignored,
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


def _counts(worker: Worker) -> tuple[Counters, int]:
    """The counters, and the sum of the ignored: their names go on being counted while another thread looks."""
    counters = worker.session.counters
    return counters.copy(), counters.ignored.total()


def _latency(worker: Worker) -> Latency:
    view, share = worker.latency_now(), worker.session.latency.percentile(0.999)
    return Latency(
        view.count, view.p50, view.p90, view.p99, share, view.worst, view.clock_offset_ms, view.round_trip_ms
    )
