"""What a market keeps of its past: trades, candles and the rolling 24 hours, in ticks and lots."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill.

    Attributes:
        trade_id: sequence number within the pair.
        ts_ns: ns since the epoch.
        side: `buy` or `sell`, the taker's.
        ticks: price in ticks.
        lots: quantity in lots.
        ord_type: `limit` or `market`, the taker's.
    """

    trade_id: int
    ts_ns: int
    side: str
    ticks: int
    lots: int
    ord_type: str


@dataclass(slots=True)
class Candle:
    """One interval's trades.

    Attributes:
        begin_s: start of the interval, seconds since the epoch.
        open: first price, ticks. high, low, close likewise.
        lots: volume in lots.
        cost: sum of price times quantity, ticks x lots.
        count: number of trades.
    """

    begin_s: int
    open: int
    high: int
    low: int
    close: int
    lots: int = 0
    cost: int = 0
    count: int = 0

    @property
    def vwap(self) -> int:
        """Volume-weighted average price in ticks, rounded to the nearest; the close when nothing traded."""
        return (2 * self.cost + self.lots) // (2 * self.lots) if self.lots else self.close

    def add(self, ticks: int, lots: int) -> None:
        """Count one trade."""
        if self.count == 0:
            self.open = self.high = self.low = ticks
        else:
            self.high = max(self.high, ticks)
            self.low = min(self.low, ticks)
        self.close = ticks
        self.lots += lots
        self.cost += ticks * lots
        self.count += 1

    def join(self, later: Candle) -> None:
        """Take in a later candle of the same interval."""
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.lots += later.lots
        self.cost += later.cost
        self.count += later.count


@dataclass(slots=True)
class DayStats:
    """The rolling 24 hours: prices in ticks, volume in lots, cost in ticks x lots, number of trades."""

    open: int
    high: int
    low: int
    last: int
    lots: int
    cost: int
    count: int

    @property
    def vwap(self) -> int:
        """Volume-weighted average price in ticks; the last price when nothing traded."""
        return (2 * self.cost + self.lots) // (2 * self.lots) if self.lots else self.last
