"""The tape and trades at price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from msgspec.structs import replace
from sortedcontainers import SortedDict

from kraken_tui.market.convert import rescale
from kraken_tui.market.events import Side, Trade
from kraken_tui.market.views import TradedAt
from kraken_tui.wire.symbols import PairSpec

TAPE_LENGTH = 1000
"""Trades a tape keeps; REST history gives as many at once."""

TRADED_PRICES = 5000
"""Prices that trades at price are kept for."""


class Tape:
    """Time and sales: the latest trades, each once, in the order of their positions (`Trade.position`).

    Trades that never came are counted by the feed, which sees every number.

    Attributes:
        last: Last position seen; None before the first trade.
    """

    def __init__(self, length: int = TAPE_LENGTH) -> None:
        self._length = length
        self._trades: SortedDict[int, Trade] = SortedDict()
        self._newest_first: tuple[Trade, ...] | None = ()
        # Positions up to this one were dropped for age: new and seen can no longer be told apart.
        self._floor: int | None = None
        self.last: int | None = None

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
        for position in ordered:
            self._trades[position] = new[position]
        self.last = ordered[-1] if self.last is None else max(self.last, ordered[-1])
        while len(self._trades) > self._length:
            self._floor, _ = self._trades.popitem(0)
        self._newest_first = None
        return [new[position] for position in ordered]

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
