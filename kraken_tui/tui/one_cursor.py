"""The one cursor of all panes: a price and a time, chosen by keys and clicks, or pointed at by the mouse."""

from __future__ import annotations

import msgspec

from kraken_tui.engine.api import MarketSource
from kraken_tui.market.book.aggregation import step_of
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.picture import BookChoices
from kraken_tui.tui.draw.status import Reading
from kraken_tui.tui.panes.pointing import Pointed
from kraken_tui.tui.shown import Seen


class CursorTime(msgspec.Struct, frozen=True):
    """The time under the cursor.

    Attributes:
        ns: By the engine's wall clock; None for none.
        span_ns: Its length; 0 for a moment that the mouse does not point at.
        venue_ns: The same time by the venue's clock.
    """

    ns: int | None
    span_ns: int
    venue_ns: int | None


class OneCursor:
    """Knows what the mouse points at, and what is read there.

    Args:
        source: Where the past comes from.
        fee_pct: A taker's fee, percent.
    """

    def __init__(self, source: MarketSource, fee_pct: float) -> None:
        self._source = source
        self._fee_pct = fee_pct
        self._pointed: Pointed | None = None
        self._column: tuple[str, int, PairView | None] = ("", 0, None)

    def take(self, message: Pointed) -> None:
        """Follow the mouse; what it left says so after what it entered, and is then not listened to."""
        if not message.nothing:
            self._pointed = message
        elif self._pointed is not None and self._pointed.part == message.part:
            self._pointed = None

    def leave_mouse(self) -> None:
        """A key or a click moved the cursor: that is read until the mouse moves again."""
        self._pointed = None

    def time(self, symbol: str, moment_ns: int | None) -> CursorTime:
        """The time under the cursor, where this moment is shown (None for now)."""
        history = self._source.history(symbol) if symbol else None
        pointed = self._pointed
        if pointed is None or pointed.ns is None:
            return CursorTime(
                moment_ns, 0, moment_ns if moment_ns is None or history is None else history.venue_ns(moment_ns)
            )
        venue_ns = pointed.ns if history is None else history.venue_ns(pointed.ns)
        if pointed.venue:
            return CursorTime(2 * pointed.ns - venue_ns, pointed.span_ns, pointed.ns)
        return CursorTime(pointed.ns, pointed.span_ns, venue_ns)

    def reading(self, seen: Seen, choices: BookChoices, moment_ns: int | None) -> Reading | None:
        """What the readout reads: the price pointed at, else the cursor's, at the moment that is meant.

        Args:
            seen: What the picture is drawn from.
            choices: The cursor, and the rows of the book.
            moment_ns: The moment shown; None for now.
        """
        pointed, pair, ns = self._pointed, seen.pair, moment_ns
        over = pointed is not None and pointed.ticks is not None
        ticks = pointed.ticks if pointed is not None and over else choices.cursor
        if pair is not None and pointed is not None and pointed.ns is not None and not pointed.venue:
            # A column is read as it was at its end.
            newest = pair if seen.newest is None else seen.newest
            ns = min(pointed.ns + pointed.span_ns, newest.now_ns)
            pair = self._view_at(pair.symbol, ns) or pair
        if pair is None or pair.spec is None or ticks is None:
            return None
        history = self._source.history(pair.symbol)
        cut_ns = None if history is None else history.trades.cut_ns
        return Reading(
            pair,
            ticks,
            step_of(pair.spec, max(1, choices.grouping)),
            self._fee_pct,
            None if ns is None else seen.newest,
            cut_ns is not None and ns is not None and cut_ns > ns,
            over,
        )

    def _view_at(self, symbol: str, ns: int) -> PairView | None:
        history = self._source.history(symbol)
        if self._column[:2] != (symbol, ns):
            self._column = (symbol, ns, None if history is None else history.view(ns))
        return self._column[2]
