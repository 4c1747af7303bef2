"""Figures derived from a proven book: mid, microprice, imbalance, pressure, cost of a sweep, the cursor's readout.

Everything here takes levels as (ticks, lots), best first, and is exact in integers until a last division.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from kraken_tui.market.book.aggregation import known_to
from kraken_tui.market.events import Level, Side, Signal
from kraken_tui.market.views import BookMetrics, Sweep, TradedAt
from kraken_tui.wire.symbols import PairSpec

SIGNAL_THRESHOLD = 0.2
"""Pressure from which the signal is BUY or SELL (DESIGN.md section 5)."""

STRONG_THRESHOLD = 0.5
"""Pressure from which the signal is STRONG BUY or STRONG SELL (DESIGN.md section 5)."""

SWEEP_VALUE = 10_000.0
"""Usual worth of the order whose cost is shown, in quotes that are money."""

_PER_MONEY = {"BTC": 2e-5, "ETH": 4e-4, "JPY": 100.0}
"""Units of a quote of another magnitude that stand for one of money: near enough for an order's size."""


def imbalance(bid: int, ask: int) -> float:
    """(bid - ask) / (bid + ask), -1 to +1; 0 when both are 0.

    The volume imbalance of Cartea, Jaimungal and Penalva, "Algorithmic and High-Frequency Trading" (2015).
    """
    total = bid + ask
    return (bid - ask) / total if total else 0.0


def microprice(bid: Level, ask: Level) -> float:
    """Mid weighted by the opposite side's size at the touch, in ticks.

    (bid price x ask size + ask price x bid size) / (bid size + ask size): a large bid pushes it towards the ask.
    The "micro-price" of Gatheral and Oomen, "Zero-intelligence realized variance estimation" (2010).
    """
    (bid_ticks, bid_lots), (ask_ticks, ask_lots) = bid, ask
    return (bid_ticks * ask_lots + ask_ticks * bid_lots) / (bid_lots + ask_lots)


def pressure(bids: Sequence[Level], asks: Sequence[Level], mid2: int) -> float:
    """Imbalance of sizes weighted by nearness to the mid, -1 to +1 (our own definition).

    A level's weight falls linearly from the mid to just beyond the farthest given level of either side:
    weight = reach + 1 - distance, in half ticks. A wall at the touch counts in full, one at the edge hardly at all.
    """
    reach = max((abs(2 * ticks - mid2) for side in (bids, asks) for ticks, _ in side), default=0)
    bid = sum((reach + 1 - abs(2 * ticks - mid2)) * lots for ticks, lots in bids)
    ask = sum((reach + 1 - abs(2 * ticks - mid2)) * lots for ticks, lots in asks)
    return imbalance(bid, ask)


def signal_of(value: float) -> Signal:
    """Pressure in words; a value on a threshold belongs to the stronger word."""
    if value >= STRONG_THRESHOLD:
        return Signal.STRONG_BUY
    if value >= SIGNAL_THRESHOLD:
        return Signal.BUY
    if value <= -STRONG_THRESHOLD:
        return Signal.STRONG_SELL
    return Signal.SELL if value <= -SIGNAL_THRESHOLD else Signal.NEUTRAL


def vwap(levels: Sequence[Level]) -> float:
    """Volume-weighted average price of some levels, ticks; they must hold at least one lot."""
    return sum(ticks * lots for ticks, lots in levels) / sum(lots for _, lots in levels)


def bps(ticks: float, mid2: int) -> float:
    """A price difference in basis points of the mid; `mid2` is twice the mid, in ticks."""
    return 20_000.0 * ticks / mid2


def sweep_cost(levels: Sequence[Level], lots: int, mid2: int, taker: Side) -> Sweep | None:
    """Cost of a market order of `lots` through one side.

    Args:
        levels: The side that is taken: asks for a buy, bids for a sell.
        lots: Size of the order, 1 or more.
        mid2: Twice the mid, ticks.
        taker: Side of the order; a buy pays above the mid, a sell receives below it.

    Returns:
        What the visible book gives; `filled` is less than `qty` if the book is too thin. None when the side is empty.
    """
    filled = turnover = touched = worst = 0
    for ticks, resting in levels:
        if filled == lots:
            break
        taken = min(resting, lots - filled)
        filled += taken
        turnover += ticks * taken
        worst = ticks
        touched += 1
    if not filled:
        return None
    average = turnover / filled
    above_mid = (2 * turnover - mid2 * filled) / (2 * filled)
    slippage = bps(above_mid if taker is Side.BUY else -above_mid, mid2)
    return Sweep(lots, filled, average, worst, slippage, touched, turnover)


def lots_for(levels: Iterable[Level], worth: int) -> tuple[int, bool]:
    """The most lots of one side that cost no more than something is worth.

    Args:
        levels: The side that is taken, best first.
        worth: Ticks x lots.

    Returns:
        (lots, whether all of the worth was used but what no further lot would fit in).
    """
    lots, left = 0, worth
    for ticks, resting in levels:
        taken = min(resting, left // ticks)
        lots += taken
        left -= taken * ticks
        if taken < resting:
            return lots, True
    return lots, not left


def sweep_value(spec: PairSpec, value: float) -> float:
    """Worth of a chosen order in units of the pair's quote currency; `value` is in those that are money."""
    return value * _PER_MONEY.get(spec.quote, 1.0)


def reference_lots(spec: PairSpec, mid2: int, value: float = SWEEP_VALUE) -> int:
    """Size of the order whose cost is shown: the lots nearest to its worth at the mid, at least one.

    Args:
        spec: Precisions and quote currency.
        mid2: Twice the mid, ticks.
        value: Worth in quotes that are money; 0.2 BTC, 4 ETH and a million JPY stand for 10,000.
    """
    scale: int = 10 ** (spec.price_precision + spec.qty_precision)
    worth, parts = sweep_value(spec, value).as_integer_ratio()
    # Rounded to the nearest, half a lot up.
    return max(1, (4 * worth * scale + parts * mid2) // (2 * parts * mid2))


def metrics(
    bids: Sequence[Level],
    asks: Sequence[Level],
    spec: PairSpec,
    levels: int = 10,
    reference: int | None = None,
    value: float = SWEEP_VALUE,
) -> BookMetrics | None:
    """All figures of one book.

    Args:
        bids, asks: The whole held book, best first.
        spec: Precisions, and the quote currency.
        levels: Levels a side for imbalance, pressure, VWAPs and volumes.
        reference: Size of the reference sweep in lots; None for `reference_lots`.
        value: Worth of that sweep, for `reference_lots`.

    Returns:
        The figures, or None while a side is empty.
    """
    if not bids or not asks:
        return None
    bid, ask = bids[0], asks[0]
    mid2 = bid[0] + ask[0]
    near_bids, near_asks = bids[:levels], asks[:levels]
    bid_volume = sum(lots for _, lots in near_bids)
    ask_volume = sum(lots for _, lots in near_asks)
    pushed = pressure(near_bids, near_asks, mid2)
    size = reference_lots(spec, mid2, value) if reference is None else reference
    crossed = bid[0] >= ask[0]
    return BookMetrics(
        levels=levels,
        spread=ask[0] - bid[0],
        spread_bps=bps(ask[0] - bid[0], mid2),
        mid2=mid2,
        microprice=microprice(bid, ask),
        imbalance=imbalance(bid_volume, ask_volume),
        pressure=pushed,
        signal=signal_of(pushed),
        bid_volume=bid_volume,
        ask_volume=ask_volume,
        bid_vwap=vwap(near_bids),
        ask_vwap=vwap(near_asks),
        bid_depth=sum(lots for _, lots in bids),
        ask_depth=sum(lots for _, lots in asks),
        buy_sweep=sweep_cost(asks, size, mid2, Side.BUY),
        sell_sweep=sweep_cost(bids, size, mid2, Side.SELL),
        crossed=crossed,
        sweep_value=sweep_value(spec, value) if reference is None else 0.0,
    )


class AtCursor(msgspec.Struct, frozen=True):
    """What the book says about one price.

    Attributes:
        ticks: The cursor's price.
        side: Book side of that price; None strictly inside the spread.
        size: Lots resting in that row of prices.
        cumulative: Lots from the touch to that price, inclusive.
        notional: The same as price x size, ticks x lots.
        distance_bps: Signed distance from the mid, basis points.
        sweep: Cost of taking everything from the touch to that price; None if nothing rests there, or if nobody knows.
        known_to: Last price of the side that is known, where the cursor lies beyond it: `cumulative` and `notional`
            are then the least there is. None where all of it is known.
    """

    ticks: int
    side: Side | None
    size: int
    cumulative: int
    notional: int
    distance_bps: float
    sweep: Sweep | None
    known_to: int | None = None


def row_step(ticks: int, step: int) -> int:
    """Prices in the row of the cursor: those of the book's rows, or the price alone where it is not one of theirs."""
    return step if step > 1 and ticks % step == 0 else 1


def row_lots(levels: Iterable[Level], side: Side, ticks: int, step: int) -> int:
    """Lots of a side in the row of a price: bids from it up to the next row, asks from the row before up to it."""
    first, last = (ticks, ticks + step - 1) if side is Side.BUY else (ticks - step + 1, ticks)
    return sum(lots for price, lots in levels if first <= price <= last)


def row_traded(traded: Mapping[int, TradedAt], ticks: int, step: int) -> int:
    """Lots traded in the row of a price, as the book's rows count them (`aggregation.aggregate_traded`)."""
    near = range(ticks - step + 1, ticks + step)
    prices = [price for price in near if price in traded] if len(near) < len(traded) else list(traded)
    return sum(
        (traded[price].bought if ticks - step < price <= ticks else 0)
        + (traded[price].sold if ticks <= price < ticks + step else 0)
        for price in prices
    )


def fee_of(notional: int, percent: float | Decimal) -> int:
    """A taker's fee on a notional, in its unit, rounded up: no less is paid.

    Args:
        notional: Ticks x lots.
        percent: Of the notional.
    """
    part, whole = percent.as_integer_ratio()
    return -(-notional * part // (100 * whole))


def at_cursor(
    bids: Sequence[Level], asks: Sequence[Level], ticks: int, depth: int | None = None, step: int = 1
) -> AtCursor | None:
    """Read the book at a price; None while a side is empty.

    In a crossed book a price that both sides hold is read on the ask side.

    Args:
        bids, asks: The whole held book, best first.
        ticks: The price.
        depth: Levels a side the book can hold, beyond which nothing is known; None if it is complete.
        step: Ticks of the row whose size is read.
    """
    if not bids or not asks:
        return None
    mid2 = bids[0][0] + asks[0][0]
    distance = bps(ticks - mid2 / 2, mid2)
    if ticks >= asks[0][0]:
        side, reached = Side.SELL, [level for level in asks if level[0] <= ticks]
        edge = known_to(asks, depth)
        beyond = edge is not None and ticks > edge
    elif ticks <= bids[0][0]:
        side, reached = Side.BUY, [level for level in bids if level[0] >= ticks]
        edge = known_to(bids, depth)
        beyond = edge is not None and ticks < edge
    else:
        return AtCursor(ticks, None, 0, 0, 0, distance, None)
    cumulative = sum(lots for _, lots in reached)
    size = row_lots(reached, side, ticks, step)
    notional = sum(price * lots for price, lots in reached)
    if beyond:
        return AtCursor(ticks, side, size, cumulative, notional, distance, None, edge)
    taker = Side.BUY if side is Side.SELL else Side.SELL
    return AtCursor(ticks, side, size, cumulative, notional, distance, sweep_cost(reached, cumulative, mid2, taker))
