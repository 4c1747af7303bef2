"""Routes feed events to markets: one `PairMarket` per pair, and one tab per name the user asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from kraken_tui.feed.channels import CHANNELS
from kraken_tui.feed.channels.book import BOOK
from kraken_tui.feed.channels.channel import Deliver
from kraken_tui.feed.events import FeedEvent, Note, PairAdded, Refused, StateChanged
from kraken_tui.feed.pair import Pair
from kraken_tui.feed.session import Session
from kraken_tui.market.events import Proof
from kraken_tui.market.history.moments import MarketHistory
from kraken_tui.market.pair import PairMarket
from kraken_tui.market.views import PairSummary
from kraken_tui.settings import Settings
from kraken_tui.units import SECOND
from kraken_tui.wire.symbols import canonical


@dataclass(slots=True)
class _Tab:
    """A name the user asked for: its symbol once known, and what is wrong with it."""

    name: str
    symbol: str
    problem: str = ""


class Desk:
    """Routes feed events into markets and on to listeners; owned by the engine's thread.

    Args:
        session: Holder of the books and precisions.
        settings: Thresholds.
        emit: Called with every event listeners may want.
        note: Called with (level, text) for the log.
        history: Whether the past of every pair is kept.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        emit: Callable[[object], None],
        note: Callable[[str, str], None],
        *,
        history: bool = False,
    ) -> None:
        self._keeps_history = history
        self._session = session
        self._settings = settings
        self.emit = emit
        self.note = note
        self._tabs: list[_Tab] = []
        self.by_symbol: dict[str, PairMarket] = {}
        self.book_levels = 0
        """Levels a side that listeners want with each book message; 0 when nobody does."""
        self.history_wanted: set[str] = set()
        """Symbols whose candle history should be fetched; the engine empties it."""
        self._deliver: dict[type, Deliver] = {
            kind: deliver for channel in CHANNELS.values() for kind, deliver in channel.deliver.items()
        }
        self._of_connection: dict[type, Callable[[Any], None]] = {
            StateChanged: self._on_state,
            PairAdded: self._on_pair_added,
            Refused: self._on_refused,
            Note: lambda event: self.note(event.level, event.text),
        }

    def add(self, name: str) -> None:
        """Give a name its tab; the session resolves and subscribes it."""
        # A name that shares a tab was found before, and is not found a second time.
        symbol = self._session.names.get(name) or canonical(name)
        if all(tab.name != name and tab.symbol not in (name, symbol) for tab in self._tabs):
            self._tabs.append(_Tab(name, symbol))

    def remove(self, symbol: str) -> None:
        """Drop a pair's tab and market."""
        self._tabs = [tab for tab in self._tabs if symbol not in (tab.symbol, tab.name)]
        self.by_symbol.pop(symbol, None)

    @property
    def interval(self) -> int:
        """Candle interval of the pairs that have none of their own, in minutes: the session's."""
        return self._session.options.interval

    def interval_of(self, symbol: str) -> int:
        """Candle interval of a pair, in minutes."""
        pair = self.pair(symbol)
        return self.interval if pair is None else pair.interval

    def interval_changed(self) -> None:
        """Show every pair at its candle interval, which may be a new one."""
        for symbol, market in self.by_symbol.items():
            market.set_interval(self.interval_of(symbol))
            self.history_wanted.add(symbol)

    def wish_changed(self, symbol: str) -> None:
        """Show a pair as is wanted of it alone."""
        market = self.by_symbol.get(symbol)
        if market is not None:
            market.set_large_order(self._large_order(symbol))
            market.set_interval(self.interval_of(symbol))
            self.want_history(market)

    def _large_order(self, symbol: str) -> float:
        own = self._session.roster.wish_of(symbol).large_order
        return self._settings.large_order if own is None else own

    def handle(self, event: FeedEvent) -> None:
        """Take one event of the session, in order, before the next frame is applied."""
        deliver = self._deliver.get(type(event))
        if deliver is not None:
            deliver(event, self)
        else:
            self._of_connection[type(event)](event)

    # -- what a channel's event can reach: `feed.channels.channel.MarketDesk` ---------------------------------------

    def market(self, symbol: str) -> PairMarket:
        """The market of a pair, created on first use."""
        market = self.by_symbol.get(symbol)
        if market is None:
            market = self.by_symbol[symbol] = PairMarket(symbol, self._settings, self.pair(symbol), self._new_history())
            market.set_large_order(self._large_order(symbol))
            market.set_interval(self.interval_of(symbol))
            if all(tab.symbol != symbol for tab in self._tabs):
                self._tabs.append(_Tab(symbol, symbol))
            spec = self._session.specs.get(symbol)
            if spec is not None:
                market.set_spec(spec)
                self.look_at_venue(market)
        return market

    def _new_history(self) -> MarketHistory | None:
        if not self._keeps_history:
            return None
        return MarketHistory(round(self._settings.history_min * 60 * SECOND), self._settings.history_mb * 2**20)

    def markets(self) -> Iterable[PairMarket]:
        """All markets."""
        return self.by_symbol.values()

    def pair(self, symbol: str) -> Pair | None:
        """What the feed holds of a pair."""
        return self._session.pairs.get(symbol)

    def emit_derived(self, market: PairMarket) -> None:
        """Tell listeners what a market derived from its input."""
        for derived in market.drain():
            self.emit(derived)

    def want_history(self, market: PairMarket) -> None:
        """Fetch candles of the displayed interval if they are missing."""
        if market.lacks_candles(self.interval_of(market.symbol)):
            self.history_wanted.add(market.symbol)

    def look_at_venue(self, market: PairMarket) -> None:
        """Pass the status of the venue and of the pair on to a market."""
        spec = self._session.specs.get(market.symbol)
        market.set_venue(self._session.system, spec.status if spec is not None else None)

    def report_problem(self, symbol: str, problem: str) -> None:
        """Put a problem, or "" for none, on the pair's tab."""
        for tab in self._tabs:
            if tab.symbol == symbol:
                tab.problem = problem

    # -- what the connection tells ----------------------------------------------------------------------------------

    def _on_state(self, event: StateChanged) -> None:
        self.note("info", f"connection {event.state}: {event.cause}")
        self.emit(event)

    def _on_pair_added(self, event: PairAdded) -> None:
        for tab in self._tabs:
            if tab.name == event.name:
                tab.symbol, tab.problem = event.symbol, ""
        # Two names of one pair ("BTC/USD XBT/USD") share one tab.
        first: dict[str, _Tab] = {}
        for tab in self._tabs:
            first.setdefault(tab.symbol, tab)
        self._tabs = list(first.values())
        self.market(event.symbol)
        self.history_wanted.add(event.symbol)

    def _on_refused(self, event: Refused) -> None:
        sentence = event.sentence
        what = f"{event.symbol} {event.channel}".rstrip()
        self.note("error", f"{what} refused: {sentence}")
        for tab in self._tabs:
            if event.symbol in (tab.symbol, tab.name) and event.channel in ("", BOOK.name):
                tab.problem = sentence
        self.emit(event)

    # -- time and views ---------------------------------------------------------------------------------------------

    def tick(self, wall_ns: int, *, shown: str | None = None, turn: int = 0, turns: int = 1) -> None:
        """Roll candles, sample the slow history, update rates; called once per publish.

        Args:
            wall_ns: Wall clock ns.
            shown: The pair that has its turn always.
            turn: Which of the others have theirs: every one whose place, divided by `turns`, leaves this.
            turns: Calls in which all have had theirs.
        """
        for number, (symbol, market) in enumerate(self.by_symbol.items()):
            if number % turns == turn or symbol == shown:
                market.tick(wall_ns)
                self.emit_derived(market)

    def names(self) -> tuple[tuple[str, str], ...]:
        """(name as given, symbol as far as known) of every tab, in the user's order."""
        return tuple((tab.name, tab.symbol) for tab in self._tabs)

    def summaries(self) -> tuple[PairSummary, ...]:
        """One summary per tab, in the user's order."""
        return tuple(self._summary(tab) for tab in self._tabs)

    def _summary(self, tab: _Tab) -> PairSummary:
        market = self.by_symbol.get(tab.symbol)
        if market is None:
            return PairSummary(tab.symbol, None, 0, 0, Proof.CHECKING, stale=False, problem=tab.problem)
        summary = market.summary()
        return replace(summary, problem=tab.problem) if tab.problem else summary
