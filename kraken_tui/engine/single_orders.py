"""What the engine makes of level 3 books: views, lines for listeners, and hidden quantity seen with the trades."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from kraken_tui.feed.private.events import Level3Line
from kraken_tui.feed.private.level3 import Level3Pair, Level3Session
from kraken_tui.market.book.l3 import L3Book
from kraken_tui.market.book.l3_views import L3Level, Level3Changed, QueuePosition
from kraken_tui.market.events import Side, Trade
from kraken_tui.market.icebergs import IcebergObserver, IcebergSeen
from kraken_tui.market.private_views import Level3View, QueueView
from kraken_tui.units import SECOND

MOST_LEVELS = 100
"""Levels a side in a view; a screen shows fewer."""

LINE_LEVELS = 10
"""Levels a side on the line of an update: those that its checksum is made of (PRIVATE.md section 2.3)."""

_KEPT_ICEBERGS = 50
_BEHIND_NS = SECOND
"""How far behind the exchange's clock both sockets are surely read."""

_Sides = tuple[tuple[L3Level, ...], tuple[L3Level, ...]]


class _Watched:
    """One pair: hidden quantity, and the levels of the last view."""

    def __init__(self, symbol: str) -> None:
        self.icebergs = IcebergObserver(symbol)
        self.seen: deque[IcebergSeen] = deque(maxlen=_KEPT_ICEBERGS)
        self.levels: tuple[L3Book, int, _Sides] | None = None


class SingleOrders:
    """Owned by the engine's thread.

    Args:
        stale_after_s: Silence of the connection from which its books are stale.
    """

    def __init__(self, stale_after_s: float) -> None:
        self._stale_ns = round(stale_after_s * SECOND)
        self._pairs: dict[str, _Watched] = {}
        self._queues: dict[str, tuple[Side, int]] = {}

    def watch_queue(self, symbol: str, side: Side | None, ticks: int) -> None:
        """See `MarketSource.watch_queue`."""
        self._queues.pop(symbol, None)
        if side is not None:
            self._queues[symbol] = side, ticks

    def keep(self, symbols: Iterable[str]) -> None:
        """Forget all pairs but these."""
        kept = set(symbols)
        self._pairs = {symbol: each for symbol, each in self._pairs.items() if symbol in kept}

    def on_book(self, changed: Level3Changed) -> None:
        """Take what one message changed."""
        icebergs = self._watched(changed.symbol).icebergs
        if not changed.verified or changed.kind == "snapshot":
            icebergs.on_gap()
        elif changed.changes and changed.venue_ns is not None:
            icebergs.on_book(changed.changes, changed.venue_ns)

    def on_trades(self, trades: Iterable[Trade], session: Level3Session) -> None:
        """Take public trades."""
        for trade in trades:
            pair = session.pairs.get(trade.symbol)
            if pair is not None and pair.verified:
                self._watched(trade.symbol).icebergs.on_trade(trade)

    def tick(self, session: Level3Session, venue_ns: int) -> None:
        """Close the windows of hidden quantity; about once a second, at the exchange's time."""
        for symbol, watched in self._pairs.items():
            pair = session.pairs.get(symbol)
            if pair is not None and pair.verified:
                watched.seen.extendleft(watched.icebergs.advance(venue_ns - _BEHIND_NS))

    def view(
        self, symbol: str, session: Level3Session, own: Iterable[str], now: int, venue_ns: int
    ) -> Level3View | None:
        """The view of one pair; None where it is not followed.

        Args:
            symbol: v2 symbol.
            session: The connection.
            own: Ids of own orders of the pair.
            now: Monotonic ns.
            venue_ns: The exchange's time, ns since the epoch.
        """
        pair = session.pairs.get(symbol)
        if pair is None:
            return None
        watched = self._watched(symbol)
        silence = session.silence_ns(now)
        reason = session.view_reason(pair)
        stale = silence is not None and silence > self._stale_ns
        book = pair.book
        bids, asks = self._levels(watched, book) if book is not None else ((), ())
        return Level3View(
            depth=session.depth,
            verified=not reason and not stale,
            reason=reason,
            age_ns=None if pair.venue_ns is None else max(0, venue_ns - pair.venue_ns),
            stale=stale,
            stale_reason=f"nothing came for {silence // SECOND} s" if stale and silence is not None else "",
            bids=bids,
            asks=asks,
            queue=self._queue_of(pair),
            own=self._own(book, own),
            icebergs=tuple(watched.seen),
            checks_ok=0 if book is None else book.counts.checks_ok,
            checks_failed=0 if book is None else book.counts.checks_failed,
            resyncs=pair.resyncs,
            diagnostics=_diagnostics(book),
        )

    @staticmethod
    def _levels(watched: _Watched, book: L3Book) -> _Sides:
        before = watched.levels
        if before is not None and before[0] is book and before[1] == book.counts.messages:
            return before[2]
        sides = book.levels(Side.BUY, MOST_LEVELS), book.levels(Side.SELL, MOST_LEVELS)
        watched.levels = book, book.counts.messages, sides
        return sides

    def _queue_of(self, pair: Level3Pair) -> QueueView | None:
        wish = self._queues.get(pair.symbol)
        return None if wish is None or pair.book is None else queue_of(pair.book, *wish)

    @staticmethod
    def _own(book: L3Book | None, own: Iterable[str]) -> Mapping[str, QueuePosition]:
        if book is None:
            return MappingProxyType({})
        found = {order_id: book.position(order_id) for order_id in own}
        return MappingProxyType({order_id: place for order_id, place in found.items() if place is not None})

    def _watched(self, symbol: str) -> _Watched:
        watched = self._pairs.get(symbol)
        if watched is None:
            watched = self._pairs[symbol] = _Watched(symbol)
        return watched


def queue_of(book: L3Book, side: Side, ticks: int) -> QueueView:
    """The queue of one level; `beyond` where the book does not reach so far."""
    held = book.side(side)
    full = len(held) >= book.depth
    worst = held.worst()
    outside = worst is not None and (ticks < worst if side is Side.BUY else ticks > worst)
    return QueueView(side, ticks, held.queue(ticks), beyond=full and outside)


def line_of(book: L3Book, changed: Level3Changed) -> Level3Line:
    """A book right after a message: all orders after a snapshot, those of the ten best levels after an update."""
    count = None if changed.kind == "snapshot" else LINE_LEVELS
    return Level3Line(
        changed.symbol,
        changed.kind,
        changed.verified,
        changed.reason,
        changed.checksum,
        changed.timestamp,
        changed.received_ns,
        book.spec,
        book.bids.each(count),
        book.asks.each(count),
        book.depth,
    )


def _diagnostics(book: L3Book | None) -> tuple[tuple[str, int], ...]:
    if book is None:
        return ()
    counts = book.counts
    told = {f"reading: {reading.value}": count for reading, count in counts.readings.items()}
    told |= {
        "readings switched": counts.switched,
        "unknown orders": counts.unknown_ids,
        "adds of known orders": counts.known_adds,
        "quantities of zero": counts.zero,
        "unknown events": counts.unknown_events,
        "adds without a time": counts.untimed,
        "updates without a snapshot": counts.dropped,
    }
    return tuple((name, count) for name, count in told.items() if count)
