"""Trades as columns of time and rows of price, and the delta that runs along: what is drawn on top of a heatmap."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kraken_tui.market.book.aggregation import bucket_of
from kraken_tui.market.events import Side
from kraken_tui.market.history.trades import TradeHistory


class TradeColumn(msgspec.Struct, gc=False):
    """Trades of one column of time.

    Attributes:
        at: (lots bought, lots sold) by bucket; bought ones took asks and are ceiled, sold ones floored.
        bought, sold: Lots in all.
        before: Delta of everything held before this column, lots.
    """

    at: dict[int, tuple[int, int]] = msgspec.field(default_factory=dict)
    bought: int = 0
    sold: int = 0
    before: int = 0

    @property
    def delta(self) -> int:
        """Bought less sold."""
        return self.bought - self.sold

    @property
    def cvd(self) -> int:
        """Cumulative delta at its end."""
        return self.before + self.delta


class TradeGrid:
    """Columns of trades at one step and width; the same indices as a `HeatGrid` of that width.

    Args:
        trades: The past of the trades; it may grow in another thread.
        step: Ticks of a price bucket.
        width_ns: Length of a column, ns.
    """

    def __init__(self, trades: TradeHistory, step: int, width_ns: int) -> None:
        self._trades, self._step, self._width_ns = trades, step, width_ns
        self._columns: dict[int, TradeColumn] = {}
        self._heard_ns = 0
        self._cvd = 0
        self._newest = -1

    def advance(self, now_ns: int) -> None:
        """Take in the trades heard up to a moment; those of the snapshot at the start are from before it."""
        for entry in self._trades.between(self._heard_ns, now_ns):
            trade = entry.trade
            if not trade.live:
                continue
            index = entry.ns // self._width_ns
            column = self._columns.get(index)
            if column is None:
                column = self._columns[index] = TradeColumn(before=self._cvd)
                self._newest = max(self._newest, index)
            bucket = bucket_of(trade.price, self._step, Side.SELL if trade.side is Side.BUY else Side.BUY)
            bought, sold = column.at.get(bucket, (0, 0))
            if trade.side is Side.BUY:
                column.bought += trade.qty
                column.at[bucket] = (bought + trade.qty, sold)
                self._cvd += trade.qty
            else:
                column.sold += trade.qty
                column.at[bucket] = (bought, sold + trade.qty)
                self._cvd -= trade.qty
        self._heard_ns = max(self._heard_ns, now_ns)

    def columns(self, first: int, last: int) -> Mapping[int, TradeColumn]:
        """The columns of a range in which there were trades, by index."""
        return {index: column for index in range(first, last + 1) if (column := self._columns.get(index)) is not None}

    def cvd_before(self, index: int) -> int:
        """Cumulative delta at the beginning of a column, lots."""
        earlier = [known for known in self._columns if known < index]
        return self._columns[max(earlier)].cvd if earlier else 0
