"""The tape, its prints, trades at price, and the sums of the session.

A *print* is what one taker's order did: trades that follow one another, of the same side and venue timestamp,
at prices that never step back. Kraken stamps all fills of an order with the same time; trades of one message
need not belong to one order (PROTOCOL.md section 7.2).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from msgspec.structs import replace
from sortedcontainers import SortedDict

from kraken_tui.market.convert import rescale
from kraken_tui.market.events import Print, Side, Trade
from kraken_tui.market.views import Session, TradedAt
from kraken_tui.units import SECOND
from kraken_tui.wire.symbols import PairSpec

TAPE_LENGTH = 1000
"""Trades a tape keeps; REST history gives as many at once."""

OUTLIVED = 500
"""Larger prints a tape keeps beyond that."""

TRADED_PRICES = 5000
"""Prices that trades at price are kept for."""


DELTA_S = 60
"""Seconds over which `Session.recent` is taken."""


def print_of(trade: Trade) -> Print:
    """A print of one fill."""
    turnover = trade.price * trade.qty
    return Print(
        trade.side, trade.venue_ns, trade.position, trade.price, trade.price, trade.qty, turnover, live=trade.live
    )


def continued(run: Print, trade: Trade) -> Print | None:
    """The print with one more fill, or None if the trade, the next one after it, belongs to another order."""
    if trade.side is not run.side or trade.venue_ns != run.venue_ns or trade.live is not run.live:
        return None
    step = trade.price - run.last
    if step < 0 if run.side is Side.BUY else step > 0:
        return None
    return Print(
        run.side,
        run.venue_ns,
        run.position,
        run.first,
        trade.price,
        run.qty + trade.qty,
        run.turnover + trade.price * trade.qty,
        run.count + 1,
        run.levels + (step != 0),
        run.live,
    )


class Tape:
    """Time and sales: the latest trades, each once, in the order of their positions (`Trade.position`).

    Trades that never came are counted by the feed, which sees every number.

    Attributes:
        last: Last position seen; None before the first trade.
        outlives: Value in ticks x lots from which a print is kept when its trades are not; None for none.
    """

    def __init__(self, length: int = TAPE_LENGTH) -> None:
        self._length = length
        self._trades: SortedDict[int, Trade] = SortedDict()
        self._newest_first: tuple[Trade, ...] | None = ()
        self._prints: deque[Print] = deque()
        self._outlived: deque[Print] = deque(maxlen=OUTLIVED)
        self._prints_newest_first: tuple[Print, ...] | None = ()
        # Positions up to this one were dropped for age: new and seen can no longer be told apart.
        self._floor: int | None = None
        self.last: int | None = None
        self.outlives: int | None = None

    def __len__(self) -> int:
        return len(self._trades)

    def add(self, trades: Iterable[Trade]) -> list[Trade]:
        """Add trades.

        Returns:
            Those not seen before, by ascending position. Trades older than a full tape are not returned.
        """
        new: dict[int, Trade] = {}
        for trade in trades:
            position = trade.position
            known = position in self._trades or position in new
            if not known and (self._floor is None or position > self._floor):
                new[position] = trade
        if not new:
            return []
        ordered = sorted(new)
        at_end = self.last is None or ordered[0] > self.last
        for position in ordered:
            self._trades[position] = new[position]
        self.last = ordered[-1] if self.last is None else max(self.last, ordered[-1])
        while len(self._trades) > self._length:
            self._floor, _ = self._trades.popitem(0)
        self._newest_first = None
        added = [new[position] for position in ordered]
        if at_end:
            self._join(added)
        else:
            self._join_all()
        return added

    def _join(self, trades: Iterable[Trade]) -> None:
        """Add the fills that follow to the prints."""
        prints = self._prints
        for trade in trades:
            joined = continued(prints[-1], trade) if prints else None
            if joined is None:
                prints.append(print_of(trade))
            else:
                prints[-1] = joined
        while len(prints) > self._length:
            oldest = prints.popleft()
            if self.outlives is not None and oldest.turnover >= self.outlives:
                self._outlived.append(oldest)
        self._prints_newest_first = None

    def _join_all(self) -> None:
        self._prints.clear()
        self._join(self._trades.values())

    def prints(self) -> tuple[Print, ...]:
        """The latest prints, newest first, and then the larger ones of those before; only the first can still grow."""
        if self._prints_newest_first is None:
            self._prints_newest_first = (*reversed(self._prints), *reversed(self._outlived))
        return self._prints_newest_first

    def newest_first(self) -> tuple[Trade, ...]:
        """All kept trades, newest first."""
        if self._newest_first is None:
            self._newest_first = tuple(map(self._trades.__getitem__, reversed(self._trades)))
        return self._newest_first

    def rescale(self, before: PairSpec, after: PairSpec) -> None:
        """Convert the tape to other precisions, rounded where they are coarser."""
        for position, trade in self._trades.items():
            price = rescale(trade.price, before.price_precision, after.price_precision)
            qty = rescale(trade.qty, before.qty_precision, after.qty_precision)
            self._trades[position] = replace(trade, price=price, qty=qty)
        self._newest_first = None
        self._outlived.clear()
        self._join_all()


class TradedAtPrice:
    """Lots traded at each price by aggressor, over a bounded number of prices around the latest."""

    def __init__(self, prices: int = TRADED_PRICES) -> None:
        self._limit = prices
        self._at: SortedDict[int, TradedAt] = SortedDict()
        self._shown: Mapping[int, TradedAt] | None = MappingProxyType({})

    def __len__(self) -> int:
        return len(self._at)

    def add(self, trade: Trade) -> None:
        """Count one trade; beyond the limit the price farthest from this trade's is forgotten."""
        before = self._at.get(trade.price)
        count, bought, sold = (before.count, before.bought, before.sold) if before else (0, 0, 0)
        if trade.side is Side.BUY:
            bought += trade.qty
        else:
            sold += trade.qty
        self._at[trade.price] = TradedAt(count + 1, bought, sold)
        if len(self._at) > self._limit:
            lowest, highest = self._at.peekitem(0)[0], self._at.peekitem(-1)[0]
            self._at.popitem(-1 if highest - trade.price >= trade.price - lowest else 0)
        self._shown = None

    def mapping(self) -> Mapping[int, TradedAt]:
        """Trades by price in ticks, ascending; the value returned never changes afterwards."""
        if self._shown is None:
            self._shown = MappingProxyType(dict(self._at))
        return self._shown

    def rescale(self, before: PairSpec, after: PairSpec) -> None:
        """Convert everything to other precisions; prices that become the same are added up."""
        kept: SortedDict[int, TradedAt] = SortedDict()
        for ticks, at in self._at.items():
            price = rescale(ticks, before.price_precision, after.price_precision)
            bought = rescale(at.bought, before.qty_precision, after.qty_precision)
            sold = rescale(at.sold, before.qty_precision, after.qty_precision)
            same = kept.get(price, TradedAt(0, 0, 0))
            kept[price] = TradedAt(same.count + at.count, same.bought + bought, same.sold + sold)
        self._at = kept
        self._shown = None


class SessionSums:
    """Sums over the trades since the start, or since the pair's precisions changed; see `views.Session`."""

    def __init__(self) -> None:
        self._since_ns: int | None = None
        self._trades = self._prints = 0
        self._bought = self._sold = self._bought_for = self._sold_for = 0
        self._largest: Print | None = None
        self._run: Print | None = None
        # (second, value bought less value sold), newest last.
        self._seconds: deque[list[int]] = deque(maxlen=DELTA_S + 1)
        self._shown: Session | None = None

    def add(self, trade: Trade) -> None:
        """Count one trade, by ascending position."""
        if self._since_ns is None:
            self._since_ns = trade.venue_ns
        value = trade.price * trade.qty
        self._trades += 1
        if trade.side is Side.BUY:
            self._bought += trade.qty
            self._bought_for += value
        else:
            self._sold += trade.qty
            self._sold_for += value
            value = -value
        second = trade.venue_ns // SECOND
        if self._seconds and second <= self._seconds[-1][0]:
            self._seconds[-1][1] += value
        else:
            self._seconds.append([second, value])
        joined = None if self._run is None else continued(self._run, trade)
        self._prints += joined is None
        self._run = joined or print_of(trade)
        if self._largest is None or self._run.turnover > self._largest.turnover:
            self._largest = self._run
        self._shown = None

    def roll(self, venue_ns: int) -> bool:
        """Forget seconds that left the window; whether any did."""
        first = venue_ns // SECOND - DELTA_S
        before = len(self._seconds)
        while self._seconds and self._seconds[0][0] <= first:
            self._seconds.popleft()
        if len(self._seconds) == before:
            return False
        self._shown = None
        return True

    def session(self) -> Session | None:
        """The sums; None before the first trade."""
        if self._since_ns is None:
            return None
        if self._shown is None:
            self._shown = Session(
                self._since_ns,
                self._trades,
                self._prints,
                self._bought,
                self._sold,
                self._bought_for,
                self._sold_for,
                self._largest,
                sum(value for _, value in self._seconds),
            )
        return self._shown
