"""What is known of a pair at one moment, as the events that would have told it."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from kraken_tui.feed.events import BookLine, SpecChanged
from kraken_tui.market.events import BookChanged, CandleChanged, Proof
from kraken_tui.market.views import PairView
from kraken_tui.wire.timestamps import format_timestamp

TRADES = 50
"""Trades told, as many as a snapshot of the exchange holds."""


def state_events(
    view: PairView, book_levels: int, checksum: int | None = None, *, past: bool = False
) -> Iterator[object]:
    """Events that bring a listener to a moment, the book last.

    Trades are told as those of a snapshot, and the book as one.

    Args:
        view: The pair at that moment.
        book_levels: Levels a side of the book; 0 for no book.
        checksum: The book's, where it is proven.
        past: Only trades from before the subscription: the others were told when they came.
    """
    if view.spec is None:
        return
    yield SpecChanged(view.spec)
    for candle in view.candles:
        yield CandleChanged(view.symbol, candle)
    trades = [trade for trade in view.tape if not (past and trade.live)]
    for trade in reversed(trades[:TRADES]):
        yield replace(trade, live=False)
    yield view.health
    if not book_levels or not (view.bids or view.asks):
        return
    venue_ns = None if view.age_ns is None else view.now_ns - view.age_ns
    verified = view.proof is Proof.VERIFIED
    changed = BookChanged(
        view.symbol,
        "snapshot",
        verified,
        checksum if verified else None,
        None if venue_ns is None else format_timestamp(venue_ns, 6),
        venue_ns,
        view.now_ns,
    )
    yield BookLine(changed, view.bids[:book_levels], view.asks[:book_levels], view.spec, view.known_depth, book_levels)
