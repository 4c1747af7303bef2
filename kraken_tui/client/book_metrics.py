"""The figures of one book that are always the same ones, as a program gets them."""

from __future__ import annotations

from decimal import Decimal

from kraken_tui.client.frames import Computed, Halved
from kraken_tui.client.values import derived, exact
from kraken_tui.market import views
from kraken_tui.market.events import Signal
from kraken_tui.market.plain import Value
from kraken_tui.wire import symbols


class Sweep(Value, frozen=True, gc=False):
    """Cost of taking `qty` from one side at once.

    Attributes:
        qty: Asked for.
        filled: What the held book has, at most `qty`.
        average: Average price.
        worst: Price of the last level touched.
        slippage_bps: Distance of the average from the mid in basis points.
        levels: Levels touched.
    """

    qty: Decimal
    filled: Decimal
    average: Computed
    worst: Decimal
    slippage_bps: float
    levels: int


class BookMetrics(Value, frozen=True, gc=False):
    """Figures derived from one proven book. Averages are rounded as floats are; everything else is exact.

    Attributes:
        levels: Levels a side that imbalance, VWAPs and volumes are taken over.
        spread, spread_bps: Ask minus bid, as a price and in basis points of the mid.
        mid: Half way between bid and ask.
        microprice: Mid weighted by the opposite side's size at the touch.
        imbalance: (bid - ask) / (bid + ask) of sizes over `levels`, -1 to +1.
        pressure: Imbalance weighted by nearness to the mid, -1 to +1.
        signal: Pressure in words.
        bid_volume, ask_volume: Quantity over `levels`.
        bid_vwap, ask_vwap: Volume-weighted price of the side over `levels`.
        bid_depth, ask_depth: Quantity over the whole held book.
        buy_sweep, sell_sweep: Cost of an order worth 10,000 dollars, euros or the like; None for an empty side.
        crossed: The exchange itself sent a crossed book (bid >= ask) with a right checksum.
    """

    levels: int
    spread: Decimal
    spread_bps: float
    mid: Halved
    microprice: Computed
    imbalance: float
    pressure: float
    signal: Signal
    bid_volume: Decimal
    ask_volume: Decimal
    bid_vwap: Computed
    ask_vwap: Computed
    bid_depth: Decimal
    ask_depth: Decimal
    buy_sweep: Sweep | None
    sell_sweep: Sweep | None
    crossed: bool


def mid_of(mid2: int, precision: int) -> Decimal:
    """Half of twice the mid in ticks, exactly."""
    return exact(mid2 * 5, precision + 1)


def metrics_of(metrics: views.BookMetrics, spec: symbols.PairSpec) -> BookMetrics:
    """The engine's figures of a book as a program gets them."""
    prices, lots = spec.price_precision, spec.qty_precision
    return BookMetrics(
        levels=metrics.levels,
        spread=exact(metrics.spread, prices),
        spread_bps=metrics.spread_bps,
        mid=mid_of(metrics.mid2, prices),
        microprice=derived(metrics.microprice, prices),
        imbalance=metrics.imbalance,
        pressure=metrics.pressure,
        signal=metrics.signal,
        bid_volume=exact(metrics.bid_volume, lots),
        ask_volume=exact(metrics.ask_volume, lots),
        bid_vwap=derived(metrics.bid_vwap, prices),
        ask_vwap=derived(metrics.ask_vwap, prices),
        bid_depth=exact(metrics.bid_depth, lots),
        ask_depth=exact(metrics.ask_depth, lots),
        buy_sweep=_sweep(metrics.buy_sweep, spec),
        sell_sweep=_sweep(metrics.sell_sweep, spec),
        crossed=metrics.crossed,
    )


def _sweep(sweep: views.Sweep | None, spec: symbols.PairSpec) -> Sweep | None:
    if sweep is None:
        return None
    prices, lots = spec.price_precision, spec.qty_precision
    return Sweep(
        qty=exact(sweep.qty, lots),
        filled=exact(sweep.filled, lots),
        average=derived(sweep.average, prices),
        worst=exact(sweep.worst, prices),
        slippage_bps=sweep.slippage_bps,
        levels=sweep.levels,
    )
