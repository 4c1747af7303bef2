"""Feed events to markets: one `PairMarket` a pair, and one tab for every name the user asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from kraken_tui.engine.events import BookLine
from kraken_tui.feed.events import (
    Audited,
    BookStateChanged,
    Candles,
    FeedEvent,
    Note,
    PairAdded,
    Refused,
    Resync,
    SpecChanged,
    StateChanged,
    SystemChanged,
    TickerChanged,
    Trades,
)
from kraken_tui.feed.session import Session
from kraken_tui.market.events import BookChanged, BookState, Proof
from kraken_tui.market.pair import PairMarket
from kraken_tui.market.views import PairSummary
from kraken_tui.settings import Settings
from kraken_tui.wire.symbols import canonical


@dataclass(slots=True)
class _Tab:
    """A name the user asked for: its symbol once known, and what is wrong with it."""

    name: str
    symbol: str
    problem: str = ""


class Markets:
    """Routes feed events into markets and on to listeners; owned by the engine's thread.

    Args:
        session: Holder of the books and precisions.
        settings: Thresholds and the starting interval.
        emit: Called with every event listeners may want.
        note: Called with (level, text) for the log.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        emit: Callable[[object], None],
        note: Callable[[str, str], None],
    ) -> None:
        self._session = session
        self._settings = settings
        self._emit = emit
        self._note = note
        self._tabs: list[_Tab] = []
        self.by_symbol: dict[str, PairMarket] = {}
        self.interval = settings.interval
        self.depth = settings.depth
        self.book_levels = 0
        """Levels a side that listeners want with each book message; 0 when nobody does."""
        self.history_wanted: set[str] = set()
        """Symbols whose candle history should be fetched; the engine empties it."""

    def add(self, name: str) -> None:
        """Give a name its tab; the session resolves and subscribes it."""
        if all(tab.name != name and tab.symbol != name for tab in self._tabs):
            self._tabs.append(_Tab(name, canonical(name)))

    def remove(self, symbol: str) -> None:
        """Drop a pair's tab and market."""
        self._tabs = [tab for tab in self._tabs if symbol not in (tab.symbol, tab.name)]
        self.by_symbol.pop(symbol, None)

    def set_interval(self, minutes: int) -> None:
        """Change the candle interval of every pair."""
        self.interval = minutes
        for symbol, market in self.by_symbol.items():
            market.set_interval(minutes)
            self.history_wanted.add(symbol)

    def set_depth(self, depth: int) -> None:
        """Note another depth for every pair."""
        self.depth = depth
        for market in self.by_symbol.values():
            market.set_depth(depth)

    def handle(self, event: FeedEvent) -> None:
        """Take one event of the session, in order, before the next frame is applied."""
        if isinstance(event, BookChanged):
            self._on_book(event)
        elif isinstance(event, Trades):
            self._on_trades(event)
        elif isinstance(event, TickerChanged):
            self._market(event.symbol).on_ticker(event.ticker)
            self._emit(event)
        elif isinstance(event, Candles):
            self._on_candles(event)
        elif isinstance(event, BookStateChanged):
            self._on_book_state(event)
        elif isinstance(event, Audited):
            self._market(event.symbol).set_audited(event.ns)
            self._emit(event)
        elif isinstance(event, SpecChanged):
            self._on_spec(event)
        elif isinstance(event, PairAdded):
            self._on_pair_added(event)
        elif isinstance(event, SystemChanged):
            for market in self.by_symbol.values():
                self._set_venue(market)
            self._emit(event)
        elif isinstance(event, Refused):
            self._on_refused(event)
        elif isinstance(event, Resync):
            self._note("warning", f"{event.symbol}: resync ({event.cause}){_expected(event)}")
            self._emit(event)
        elif isinstance(event, StateChanged):
            self._note("info", f"connection {event.state}: {event.cause}")
            self._emit(event)
        elif isinstance(event, Note):
            self._note(event.level, event.text)

    def _market(self, symbol: str) -> PairMarket:
        market = self.by_symbol.get(symbol)
        if market is None:
            market = self.by_symbol[symbol] = PairMarket(symbol, self._settings)
            market.set_interval(self.interval)
            market.set_depth(self.depth)
            if all(tab.symbol != symbol for tab in self._tabs):
                self._tabs.append(_Tab(symbol, symbol))
            spec = self._session.specs.get(symbol)
            if spec is not None:
                market.set_spec(spec)
                self._set_venue(market)
        return market

    def _set_venue(self, market: PairMarket) -> None:
        spec = self._session.specs.get(market.symbol)
        market.set_venue(self._session.system, spec.status if spec is not None else None)

    def _on_book(self, event: BookChanged) -> None:
        market = self._market(event.symbol)
        book = self._session.books[event.symbol]
        market.on_book(event, book)
        if self.book_levels:
            levels = self.book_levels
            self._emit(BookLine(event, book.bids.top(levels), book.asks.top(levels), book.spec))
        self._emit_derived(market)

    def _on_trades(self, event: Trades) -> None:
        market = self._market(event.symbol)
        for trade in market.on_trades(list(event.trades)):
            self._emit(trade)
        self._emit_derived(market)

    def _on_candles(self, event: Candles) -> None:
        market = self._market(event.symbol)
        market.on_ohlc(event.interval, event.candles, event.snapshot)
        if event.snapshot and market.lacks_candles(self.interval):
            self.history_wanted.add(event.symbol)

    def _emit_derived(self, market: PairMarket) -> None:
        for derived in market.drain():
            self._emit(derived)

    def _on_book_state(self, event: BookStateChanged) -> None:
        self._market(event.symbol).set_book_state(event.state, event.proof, event.reason)
        for tab in self._tabs:
            if tab.symbol == event.symbol:
                tab.problem = "" if event.state is BookState.LIVE else event.reason
        self._emit(event)

    def _on_spec(self, event: SpecChanged) -> None:
        market = self._market(event.spec.symbol)
        market.set_spec(event.spec)
        self._set_venue(market)
        if market.lacks_candles(self.interval):
            self.history_wanted.add(event.spec.symbol)
        self._emit(event)

    def _on_pair_added(self, event: PairAdded) -> None:
        for tab in self._tabs:
            if tab.name == event.name:
                tab.symbol, tab.problem = event.symbol, ""
        # Two names of one pair ("BTC/USD XBT/USD") share one tab.
        self._tabs = list({tab.symbol: tab for tab in reversed(self._tabs)}.values())[::-1]
        self._market(event.symbol)
        self.history_wanted.add(event.symbol)

    def _on_refused(self, event: Refused) -> None:
        sentence = event.sentence
        what = f"{event.symbol} {event.channel}".rstrip()
        self._note("error", f"{what} refused: {sentence}")
        for tab in self._tabs:
            if event.symbol in (tab.symbol, tab.name) and event.channel in ("", "book"):
                tab.problem = sentence
        self._emit(event)

    def tick(self, wall_ns: int) -> None:
        """Roll candles, sample the slow history, update rates; once a publish."""
        for market in self.by_symbol.values():
            market.set_witness(self._session.witness_text(market.symbol), self._session.trade_gaps(market.symbol))
            market.tick(wall_ns, self._session.books.get(market.symbol))
            self._emit_derived(market)

    def names(self) -> tuple[tuple[str, str], ...]:
        """(name as given, symbol as far as known) of every tab, in the user's order."""
        return tuple((tab.name, tab.symbol) for tab in self._tabs)

    def summaries(self) -> tuple[PairSummary, ...]:
        """One summary a tab, in the user's order."""
        return tuple(self._summary(tab) for tab in self._tabs)

    def _summary(self, tab: _Tab) -> PairSummary:
        market = self.by_symbol.get(tab.symbol)
        if market is None:
            return PairSummary(tab.symbol, None, 0, 0, Proof.CHECKING, stale=False, problem=tab.problem)
        summary = market.summary()
        return replace(summary, problem=tab.problem) if tab.problem else summary


def _expected(event: Resync) -> str:
    if event.expected is None:
        return ""
    return f": expected {event.expected}, computed {event.actual}"
