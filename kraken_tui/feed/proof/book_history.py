"""A live book as it was after each of its last messages, for an audit to compare with. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Set as AbstractSet
from enum import Enum, auto

from kraken_tui.market.book.l2 import BookSide, OrderBook
from kraken_tui.market.events import Side
from kraken_tui.wire.digits import from_units
from kraken_tui.wire.messages import BookData

MESSAGES = 1024
"""Most messages kept; older ones are applied to the copy of the book."""


class Comparison(Enum):
    """Result of one comparison."""

    EQUAL = auto()
    DIFFERENT = auto()
    UNCLEAR = auto()
    """Neither proven nor disproven: the two share no moment at which they could be compared."""


class BookHistory:
    """One copy of the book and the messages that followed.

    Keeping a message costs one append; states are rebuilt only when a snapshot needs one.

    Args:
        book: The live book now.
        venue_ns: Timestamp of the last message applied to it, ns; None where unknown.
    """

    def __init__(self, book: OrderBook, venue_ns: int | None) -> None:
        self._base = _copy(book)
        self._base_ns = venue_ns
        self._messages: deque[tuple[int | None, BookData]] = deque()

    def add(self, data: BookData, venue_ns: int | None) -> None:
        """One more update was applied to the live book."""
        self._messages.append((venue_ns, data))
        if len(self._messages) > MESSAGES:
            self._base_ns, oldest = self._messages.popleft()
            self._base.apply(oldest.bids, oldest.asks)

    def reaches(self, venue_ns: int | None) -> bool:
        """Whether the live book has passed a moment, so that nothing of that moment can still be in flight."""
        last = self._messages[-1][0] if self._messages else self._base_ns
        return last is not None and venue_ns is not None and last > venue_ns

    def compare(self, snapshot: OrderBook, venue_ns: int | None) -> tuple[Comparison, str]:
        """Compare a snapshot with the live book of the same moment.

        Where the live book has a message of exactly the snapshot's time, every level must be equal. Where it has
        none (the last change of the whole book may lie outside the subscribed depth), equality with the state before
        proves the book too, and a difference counts only at levels no message touched in between.

        Args:
            snapshot: The second snapshot, its own checksum proven.
            venue_ns: Its timestamp, the last change of the book; None where it has none.

        Returns:
            (outcome, first difference in words or "").
        """
        state, at = _copy(self._base), self._base_ns
        if venue_ns is not None and at is not None and at > venue_ns:
            # Older than all that is kept here.
            return (Comparison.UNCLEAR, "") if difference(state, snapshot) else (Comparison.EQUAL, "")
        for message_ns, data in self._messages:
            if venue_ns is not None and message_ns is not None and message_ns > venue_ns:
                break
            if venue_ns is not None and at == venue_ns and not difference(state, snapshot):
                # A second message of the same microsecond follows.
                return Comparison.EQUAL, ""
            state.apply(data.bids, data.asks)
            at = at if message_ns is None else message_ns
        found = difference(state, snapshot)
        if not found:
            return Comparison.EQUAL, ""
        if venue_ns is not None and at == venue_ns:
            return Comparison.DIFFERENT, found
        found = difference(state, snapshot, self._touched())
        return (Comparison.DIFFERENT, found) if found else (Comparison.UNCLEAR, "")

    def _touched(self) -> set[tuple[Side, int]]:
        """Sides and prices in the kept messages."""
        replay = _copy(self._base)
        return {(side, ticks) for _, data in self._messages for side, ticks, _, _ in replay.apply(data.bids, data.asks)}


def difference(live: OrderBook, other: OrderBook, ignored: AbstractSet[tuple[Side, int]] = frozenset()) -> str:
    """The first level in which two books differ, in words; "" where they are equal.

    Args:
        live: The live book.
        other: The second snapshot.
        ignored: Levels to leave out. If there are any, the books are not of one moment, and then only prices that both
            books reach are compared: a level that entered or left the depth changes the last ones.
    """
    for mine, its in ((live.bids, other.bids), (live.asks, other.asks)):
        here, there = dict(mine), dict(its)
        if here == there:
            continue
        reach = _reach(mine, its, live.depth) if ignored else None
        sign = -1 if mine.side is Side.BUY else 1
        for ticks in sorted(here.keys() | there.keys(), key=lambda price: sign * price):
            if reach is not None and sign * ticks > reach:
                break
            if here.get(ticks) != there.get(ticks) and (mine.side, ticks) not in ignored:
                return _sentence(mine.side, ticks, here.get(ticks, 0), there.get(ticks, 0), live)
    return ""


def _reach(mine: BookSide, its: BookSide, depth: int) -> int | None:
    """The nearer of the last prices of two full sides, negated for bids; None where neither is full."""
    sign = -1 if mine.side is Side.BUY else 1
    ends = [max(sign * ticks for ticks, _ in side) for side in (mine, its) if len(side) >= depth]
    return min(ends, default=None)


def _sentence(side: Side, ticks: int, here: int, there: int, book: OrderBook) -> str:
    spec = book.spec
    name = "bid" if side is Side.BUY else "ask"
    held, told = (from_units(lots, spec.qty_precision) if lots else "nothing" for lots in (here, there))
    return f"{name} {from_units(ticks, spec.price_precision)}: {held} here, {told} in a second snapshot"


def _copy(book: OrderBook) -> OrderBook:
    copy = OrderBook(book.spec, book.depth)
    for side, source in ((copy.bids, book.bids), (copy.asks, book.asks)):
        for ticks, lots in source:
            side.put(ticks, lots)
    return copy
