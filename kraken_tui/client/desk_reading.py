"""Where the figures of a desk get their moment from: the newest event, the engine's thread, or the past."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kraken_tui.client import checks
from kraken_tui.client.figures import Held, held_in, session_profile, trades_at_price_of
from kraken_tui.client.frames import Rows
from kraken_tui.client.pair_view import PairView, view_of
from kraken_tui.client.reading import Reading
from kraken_tui.client.run import Run
from kraken_tui.client.tables import Heatmap, Past, TradesAtPrice, VolumeProfile
from kraken_tui.client.values import PairSpec, Ticker, spec_of, ticker_of
from kraken_tui.engine.worker import Worker
from kraken_tui.errors import ConfigurationError
from kraken_tui.market import views
from kraken_tui.market.events import Health, Proof
from kraken_tui.wire import symbols

if TYPE_CHECKING:
    from kraken_tui.market.history.moments import MarketHistory

_MOST_PAIRS = 100_000


class DeskReading:
    """Finds the book, the view or the past that a figure is computed from; `DeskCalls` says what each call gives.

    Args:
        run: The engine.
        reading: Reads it.
    """

    def __init__(self, run: Run, reading: Reading) -> None:
        self._run = run
        self._reading = reading

    # -- moments ------------------------------------------------------------------------------------------------------

    def held(self, name: str, at: object, levels: int | None = None) -> Held | None:
        """The book of now, by the newest event where its levels are enough, or of a moment."""
        if at is not None:
            view = self._view_at(name, at)
            return None if view is None or view.spec is None else _held(view, view.spec)
        depth = self._reading.depth(name)
        count = levels if type(levels) is int and 1 <= levels <= depth else None
        book = self._reading.book(name, count)
        return None if book is None else held_in(book)

    def held_with_threshold(self, name: str, at: object) -> tuple[Held, int] | None:
        """A book, and the tracker's size of a large order in lots."""
        view = self._view_now(name) if at is None else self._view_at(name, at)
        return None if view is None or view.spec is None else (_held(view, view.spec), view.large_lots)

    def _view_now(self, name: str) -> views.PairView | None:
        self._reading.check_wanted(name, self._reading.symbol(name))
        return self._reading.pair_view(name)

    def _view_at(self, name: str, at: object) -> views.PairView | None:
        """The market at a moment; None before all that is held, and for one that has yet to come."""
        ns = checks.moment("at", at)
        history = self._history(name)
        if history is None:
            return None
        from kraken_tui.client.past import newest_ns

        return None if ns > max(newest_ns(history), self._run.wall_ns()) else history.view(ns)

    def _history(self, name: str) -> MarketHistory | None:
        """A pair's past; None before there is one.

        Raises:
            ConfigurationError: None is kept.
        """
        if not self._run.engine.keeps_history:
            raise ConfigurationError("this client keeps no past; open it with history_min, the minutes to keep")
        self._reading.check_wanted(name, self._reading.symbol(name))
        return self._run.engine.history(self._reading.symbol(name))

    # -- views --------------------------------------------------------------------------------------------------------

    def view(self, name: str, at: object) -> PairView | None:
        """Everything known of a pair."""
        if at is None:
            return self._reading.view(name)
        view = self._view_at(name, at)
        return None if view is None else view_of(view)

    def health(self, name: str, at: object) -> Health | None:
        """A pair's health."""
        if at is None:
            return self._reading.health(name)
        view = self._view_at(name, at)
        return None if view is None else view.health

    def ticker(self, name: str, at: object) -> Ticker | None:
        """24 hour figures."""
        view = self._view_now(name) if at is None else self._view_at(name, at)
        return None if view is None or view.spec is None else ticker_of(view.ticker, view.spec)

    def trades_at_price(self, name: str, step: object, at: object) -> TradesAtPrice | None:
        """Trades at each price."""
        view = self._view_now(name) if at is None else self._view_at(name, at)
        if view is None or view.spec is None:
            return None
        return trades_at_price_of(view.symbol, view.now_ns, view.spec, view.traded, view.tape, step)

    def profile(self, name: str, step: object, seconds: object, at: object) -> VolumeProfile | None:
        """Volume at price, since the start or over the last seconds."""
        view = self._view_now(name) if at is None else self._view_at(name, at)
        if view is None or view.spec is None:
            return None
        if seconds is None:
            return session_profile(view.symbol, view.now_ns, view.spec, view.traded, step)
        from kraken_tui.client.past import recent_profile

        history = self._history(name)
        if history is None:
            return None
        return recent_profile(view.symbol, view.spec, history, step, seconds, view.now_ns)

    # -- the past -----------------------------------------------------------------------------------------------------

    def heatmap(
        self, name: str, at: object, *, step: object, columns: object, width_s: object, weighing: object
    ) -> Heatmap | None:
        """Resting size over time."""
        ns = None if at is None else checks.moment("heatmap", at)
        history = self._history(name)
        newest = None if history is None else history.newest
        if history is None or newest is None or newest.spec is None:
            return None
        from kraken_tui.client.past import heatmap_of, newest_ns

        now_ns = newest_ns(history)
        return heatmap_of(
            newest.symbol,
            newest.spec,
            history,
            step=step,
            columns=columns,
            width_s=width_s,
            weighing=weighing,
            now_ns=now_ns if ns is None else min(ns, now_ns),
        )

    def past(self, name: str) -> Past | None:
        """How far the past reaches."""
        if not self._run.engine.keeps_history:
            return None
        history = self._history(name)
        if history is None:
            return Past(self._reading.symbol(name), None, None, 0)
        from kraken_tui.client.past import past_of

        return past_of(self._reading.symbol(name), history)

    # -- the exchange -------------------------------------------------------------------------------------------------

    def pairs(self, text: object) -> Rows[PairSpec]:
        """The pairs of the exchange."""
        if not isinstance(text, str):
            raise ConfigurationError("pairs takes a text, such as BTC")
        self._run.check_open()
        self._run.begin()

        def known(worker: Worker) -> tuple[PairSpec, ...]:
            specs = worker.session.specs
            symbols = worker.search(text, _MOST_PAIRS) if text else sorted(specs)
            return tuple(spec_of(specs[symbol]) for symbol in symbols if symbol in specs)

        return Rows(self._run.ask(known) or (), PairSpec)


def _held(view: views.PairView, spec: symbols.PairSpec) -> Held:
    proven = view.proof is Proof.VERIFIED
    return Held(view.symbol, view.now_ns, spec, view.bids, view.asks, view.known_depth, proven, view.stale)
