"""What a client can be asked: books, figures, counts."""

from __future__ import annotations

from kraken_tui.client import checks
from kraken_tui.client.books import BestBidAsk, Book
from kraken_tui.client.frames import Rows
from kraken_tui.client.newest import TheBook
from kraken_tui.client.pair_view import PairView, view_of
from kraken_tui.client.run import Run
from kraken_tui.client.status import Connection, Latency, Stats
from kraken_tui.client.values import Candle, PairSpec, Trade, candle_of, spec_of, trade_of
from kraken_tui.engine.worker import Worker
from kraken_tui.errors import ConfigurationError, SubscriptionFailed, TimedOut
from kraken_tui.feed.counters import Counters
from kraken_tui.market import views
from kraken_tui.market.events import BookState, Health, Level
from kraken_tui.market.freshness import aged, believed, believed_closed, ended, silence_ns, silence_text
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.wire import symbols
from kraken_tui.wire.symbols import canonical

_GRANTED = (BookState.WAIT_SNAPSHOT, BookState.LIVE, BookState.RESYNCING, BookState.QUARANTINED)


class Reading:
    """Reads a running engine for a program. Names are any name of a pair; `KrakenClient` says what each call gives.

    Args:
        run: The engine.
        levels: Levels a side of every book event.
    """

    def __init__(self, run: Run, levels: int) -> None:
        self._run = run
        self._newest = run.newest
        self._levels = levels
        self._symbols: dict[str, str] = {}

    # -- names ----------------------------------------------------------------------------------------------------

    def symbol(self, name: str) -> str:
        """The v2 symbol of a name; cached, so that reading need not ask the engine again."""
        checks.pair_name(name)
        self._run.begin()
        if name in self._newest.states:
            return name
        known = self._symbols.get(name)
        if known is None:
            known = self.symbol_now(name)
            if known in self._newest.states:
                self._symbols[name] = known
        return known

    def symbol_now(self, name: str) -> str:
        """The same as far as it is known now; begins nothing."""
        try:
            return self._run.ask(lambda worker: worker.symbol_of(name)) or canonical(name)
        except TimedOut:
            # The thread that would change the names hangs.
            return self._run.engine.symbol_of(name)

    def forget(self, name: str) -> None:
        """The pair was unsubscribed."""
        self._symbols.pop(name, None)

    def spec(self, name: str) -> PairSpec | None:
        """Reference data; None while unknown."""
        found = self._newest.specs.get(self.symbol(name))
        return None if found is None else spec_of(found)

    def known_spec(self, name: str) -> PairSpec:
        """Reference data.

        Raises:
            ConfigurationError: It is not known.
        """
        spec = self.spec(name)
        if spec is None:
            raise ConfigurationError(f"the precisions of {name} are not known; subscribe it first")
        return spec

    def states(self) -> dict[str, BookState]:
        """Pairs that are wanted, each with the state of its book; names not found yet are WAIT_ACK or REFUSED."""
        found: dict[str, BookState] = {}
        not_running = tuple((name, canonical(name)) for name in self._run.engine.settings.pairs)
        for name, symbol in self._run.ask(lambda worker: worker.names()) or not_running:
            refused = not self._newest.refused.keys().isdisjoint((canonical(name), symbol))
            state = self._newest.states.get(symbol)
            found[symbol] = state.state if state else BookState.REFUSED if refused else BookState.WAIT_ACK
        return found

    def is_granted(self, name: str) -> bool:
        """Whether the exchange has granted this pair's book."""
        state = self._newest.states.get(self.symbol(name))
        return state is not None and state.state in _GRANTED

    # -- books ----------------------------------------------------------------------------------------------------

    def book(self, name: str, levels: int | None) -> Book | None:
        """The book as it is now: the newest event where its levels are enough, else a copy by the engine's thread."""
        if levels is not None and (type(levels) is not int or levels < 1):
            raise ConfigurationError("levels takes 1 or more")
        symbol = self.symbol(name)
        self.check_wanted(name, symbol)
        if levels is None or levels > self._levels:
            try:
                return self._run.ask(lambda worker: self._full_book(worker, symbol, levels))
            except TimedOut:
                return self._published_book(symbol, levels)
        return self.newest_book(symbol, levels)

    def touch(self, name: str) -> BestBidAsk | None:
        """Best bid and ask of the newest event."""
        symbol = self.symbol(name)
        self.check_wanted(name, symbol)
        book = self.newest_book(symbol, 1)
        return None if book is None else book.touch

    def check_wanted(self, name: str, symbol: str) -> None:
        """Refuse a name that no book will ever come for.

        Raises:
            SubscriptionFailed: The exchange has no such pair, or refused it.
            ConfigurationError: The pair is not subscribed.
        """
        if symbol in self._newest.books or symbol in self._newest.states:
            return
        refused = self.refusal(name, symbol)
        if refused is not None:
            raise refused
        settings = self._run.engine.settings
        try:
            wanted = symbol in self.states()
        except TimedOut:
            # An engine that hangs cannot say; the book is what was told last, or None.
            return
        if not wanted and (settings.pairs or settings.replay is None):
            raise ConfigurationError(f"{clean_text(name, 40)} is not subscribed; subscribe it before its book is read")

    def refusal(self, name: str, symbol: str) -> SubscriptionFailed | None:
        """Why there is no book of a name; None where it was not refused."""
        return self._newest.refused.get(canonical(name)) or self._newest.refused.get(canonical(symbol))

    def newest_book(self, symbol: str, levels: int | None = None) -> Book | None:
        """The newest event of a symbol as a book; `levels` is at most the client's own."""
        newest = self._newest.books.get(symbol)
        if newest is None:
            return None
        line = newest.line
        return self._as_book(newest, line.bids[:levels], line.asks[:levels], line.spec, levels or self._levels)

    def _full_book(self, worker: Worker, symbol: str, levels: int | None) -> Book | None:
        newest, held = self._newest.books.get(symbol), worker.session.books.get(symbol)
        if newest is None or held is None:
            return None
        return self._as_book(newest, held.bids.top(levels), held.asks.top(levels), held.spec, levels)

    def _published_book(self, symbol: str, levels: int | None) -> Book | None:
        """The levels of the last view, for an engine that does not answer: never proven, and stale."""
        newest, view = self._newest.books.get(symbol), self._run.engine.view(symbol)
        if newest is None or view is None or view.spec is None:
            return None
        silent_ns = self._unanswered_ns()
        return self._as_book(newest, view.bids[:levels], view.asks[:levels], view.spec, levels, silent_ns)

    def _as_book(
        self,
        newest: TheBook,
        bids: tuple[Level, ...],
        asks: tuple[Level, ...],
        spec: symbols.PairSpec,
        levels: int | None,
        silent_ns: int | None = None,
    ) -> Book:
        message, state = newest.line.changed, newest.state
        if silent_ns is None:
            silent_ns = self._silent_ns()
        proof, reason = believed(state.proof, state.reason, silent_ns)
        if self._run.is_over:
            proof, reason = believed_closed(proof, reason)
        return Book(
            symbol=message.symbol,
            spec=spec_of(spec),
            bid_ticks_lots=bids,
            ask_ticks_lots=asks,
            depth=newest.line.depth or self._run.engine.settings.depth,
            state=state.state,
            proof=proof,
            reason=reason,
            stale=silent_ns > 0 or self._is_stale(message.symbol),
            checksum=message.checksum,
            timestamp=message.timestamp,
            venue_ns=message.venue_ns,
            received_ns=message.received_ns,
            levels=levels or 0,
        )

    def depth(self, name: str) -> int:
        """Levels a side that a pair's book can hold, as far as is known."""
        newest = self._newest.books.get(self.symbol(name))
        return (0 if newest is None else newest.line.depth) or self._run.engine.settings.depth

    # -- views ----------------------------------------------------------------------------------------------------

    def view(self, name: str) -> PairView | None:
        """Everything known of a pair."""
        view = self.pair_view(name)
        return None if view is None else view_of(view)

    def health(self, name: str) -> Health | None:
        """A pair's health."""
        view = self.pair_view(name)
        return None if view is None else view.health

    def trades(self, name: str) -> Rows[Trade]:
        """A pair's recent trades, newest first."""
        view = self.pair_view(name)
        if view is None or view.spec is None:
            return Rows((), Trade)
        spec = view.spec
        return Rows((trade_of(trade, spec) for trade in view.tape), Trade)

    def candles(self, name: str) -> Rows[Candle]:
        """A pair's candles, oldest first."""
        view = self.pair_view(name)
        if view is None or view.spec is None:
            return Rows((), Candle)
        spec = view.spec
        return Rows((candle_of(view.symbol, candle, spec) for candle in view.candles), Candle)

    def pair_view(self, name: str) -> views.PairView | None:
        """A pair's view of this moment, in ticks and lots; as published last where the engine hangs."""
        symbol = self.symbol(name)
        engine = self._run.engine
        try:
            view = self._run.ask(lambda worker: worker.view_now(symbol))
        except TimedOut:
            view = engine.view(symbol)
            if view is None:
                raise
            return aged(view, engine.now(), silent_ns=self._unanswered_ns())
        if view is not None and self._run.is_over:
            return ended(view, engine.now())
        return view

    # -- how old it is --------------------------------------------------------------------------------------------

    def _silent_ns(self) -> int:
        """How long the engine has not answered; 0 while it does, and after it was told to end."""
        engine = self._run.engine
        return 0 if engine.ended else silence_ns(engine.feed_view.made_ns, engine.now())

    def _unanswered_ns(self) -> int:
        """The same where it has just left a question unanswered."""
        engine = self._run.engine
        made_ns = engine.feed_view.made_ns
        return 1 if made_ns is None else max(1, engine.now() - made_ns)

    def _is_stale(self, symbol: str) -> bool:
        engine = self._run.engine
        if self._run.is_over or engine.ended:
            # The last picture of a recording stays as it was.
            return self._run.is_over
        view = engine.view(symbol)
        return view is not None and aged(view, engine.now(), engine.feed_view.made_ns).stale

    # -- the feed -------------------------------------------------------------------------------------------------

    def latency(self) -> Latency:
        """How late the feed is."""
        return self._run.ask(_latency) or Latency(0, None, None, None, None, None, None, None)

    def connection(self) -> Connection:
        """State of the connection."""
        self._run.check_process()
        view = self._run.engine.feed_view
        newest, silent_ns = self._newest.connection, self._silent_ns()
        told = view if newest is None else newest
        cause = silence_text(silent_ns) if silent_ns else told.cause
        return Connection(told.state, cause, told.attempt, view.retry_in_s, view.system, view.url, silent_ns / SECOND)

    def stats(self, callback_errors: int) -> Stats:
        """Counts since the start."""
        counts, ignored = self._run.ask(_counts) or (Counters(), 0)
        gaps = self._newest.gaps
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
            listeners=self._run.listener_counts(),
            callback_errors=callback_errors,
            held_back=gaps.held if gaps else 0,
            left_out=self._newest.left_out + (gaps.left_out if gaps else 0),
        )


def _counts(worker: Worker) -> tuple[Counters, int]:
    """The counters, and the sum of the ignored: their names go on being counted while another thread looks."""
    counters = worker.session.counters
    return counters.copy(), counters.ignored.total()


def _latency(worker: Worker) -> Latency:
    view, share = worker.latency_now(), worker.session.latency.percentile(0.999)
    return Latency(
        view.count, view.p50, view.p90, view.p99, share, view.worst, view.clock_offset_ms, view.round_trip_ms
    )
