"""The figures of a desk, from one moment of a book: what the screen computes, for programs.

The arithmetic is that of `market`; here it is asked for, checked and turned into decimals.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import NamedTuple

from kraken_tui.client import checks
from kraken_tui.client.book_metrics import BookMetrics, metrics_of
from kraken_tui.client.tables import (
    AggregatedBook,
    AggregatedRow,
    Ladder,
    LadderLevel,
    LargeOrder,
    LargeOrders,
    Pressure,
    PriceTrades,
    ProfileRow,
    SweepCost,
    TradesAtPrice,
    VolumeProfile,
)
from kraken_tui.client.values import derived, exact
from kraken_tui.errors import ConfigurationError
from kraken_tui.market import events as market
from kraken_tui.market.book.aggregation import (
    Edge,
    aggregate,
    aggregate_traded,
    bucket_of,
    edge_of,
    known_to,
    visible_range,
)
from kraken_tui.market.book.metrics import bps, fee_of, lots_for, metrics, sweep_cost
from kraken_tui.market.events import Level, Side
from kraken_tui.market.plain import Value
from kraken_tui.market.profile import profile_of
from kraken_tui.market.views import TradedAt
from kraken_tui.wire.symbols import PairSpec


class Held(NamedTuple):
    """A book at one moment, as the engine counts it.

    Attributes:
        symbol: v2 symbol.
        ns: The moment, ns since the epoch.
        spec: Precisions.
        bids, asks: Levels, best first.
        reach: Most levels a side it can hold; nothing is known beyond them.
        verified: Whether it is proven.
        stale: Whether the feed was late, silent or closed when it was read.
    """

    symbol: str
    ns: int
    spec: PairSpec
    bids: Sequence[Level]
    asks: Sequence[Level]
    reach: int
    verified: bool
    stale: bool = False

    @property
    def mid2(self) -> int | None:
        """Twice the mid in ticks; None while a side is empty."""
        return self.bids[0][0] + self.asks[0][0] if self.bids and self.asks else None

    @property
    def notional_precision(self) -> int:
        """Decimals of price x quantity."""
        return self.spec.price_precision + self.spec.qty_precision

    def price(self, ticks: int | None) -> Decimal | None:
        """A price; None for None."""
        return None if ticks is None else exact(ticks, self.spec.price_precision)

    def from_mid(self, ticks: int) -> tuple[Decimal | None, Decimal | None]:
        """Distance of a price from the mid, as a price and in basis points."""
        mid2 = self.mid2
        if mid2 is None:
            return None, None
        above = 2 * ticks - mid2
        return exact(above * 5, self.spec.price_precision + 1), derived(bps(above / 2, mid2), 0)


# -- the book ---------------------------------------------------------------------------------------------------------


def ladder_of(held: Held, levels: int | None) -> Ladder:
    """See `Figures.ladder`."""
    count = checks.level_count("ladder", levels, held.reach)
    mid2, prices = held.mid2, held.spec.price_precision
    spread = None if mid2 is None else held.asks[0][0] - held.bids[0][0]
    return Ladder(
        symbol=held.symbol,
        ns=held.ns,
        verified=held.verified,
        levels=count,
        bids=_ladder_side(held, held.bids[:count], Side.BUY),
        asks=_ladder_side(held, held.asks[:count], Side.SELL),
        mid=None if mid2 is None else exact(mid2 * 5, prices + 1),
        spread=held.price(spread),
        spread_bps=None if mid2 is None or spread is None else derived(bps(spread, mid2), 0),
        bids_known_to=held.price(known_to(held.bids[:count], count)),
        asks_known_to=held.price(known_to(held.asks[:count], count)),
        stale=held.stale,
    )


def _ladder_side(held: Held, levels: Sequence[Level], side: Side) -> tuple[LadderLevel, ...]:
    prices, lots_places, worth = held.spec.price_precision, held.spec.qty_precision, held.notional_precision
    total = sum(lots for _, lots in levels)
    sums = accumulate(lots for _, lots in levels)
    notionals = accumulate(ticks * lots for ticks, lots in levels)
    rows: list[LadderLevel] = []
    for (ticks, lots), cumulative, notional in zip(levels, sums, notionals, strict=True):
        distance, distance_bps = held.from_mid(ticks)
        rows.append(
            LadderLevel(
                side=side,
                level=len(rows) + 1,
                price=exact(ticks, prices),
                qty=exact(lots, lots_places),
                cumulative=exact(cumulative, lots_places),
                share=derived(lots / total, 0),
                cumulative_share=derived(cumulative / total, 0),
                notional=exact(ticks * lots, worth),
                cumulative_notional=exact(notional, worth),
                distance=distance,
                distance_bps=distance_bps,
            )
        )
    return tuple(rows)


class _Side:
    """One side of an aggregated book: what each bucket holds, sums to, and whether that is known."""

    def __init__(self, held: Held, side: Side, step: int) -> None:
        levels = held.bids if side is Side.BUY else held.asks
        self.buckets = aggregate(levels, step, side)
        self.edge: Edge | None = edge_of(levels, held.reach, step, side)
        # Keys ascend from the touch outwards on both sides.
        self._sign = -1 if side is Side.BUY else 1
        self._keys = [self._sign * bucket for bucket in self.buckets]
        self._sums = list(accumulate(self.buckets.values()))
        self._counts: dict[int, int] = {}
        for ticks, _ in levels:
            bucket = bucket_of(ticks, step, side)
            self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self._places = held.spec.qty_precision

    def at(self, bucket: int) -> tuple[Decimal | None, int, Decimal | None, bool]:
        """(quantity, levels, quantity from the touch, whether they are the least there is) of a bucket."""
        edge = self.edge
        if edge is not None and self._sign * bucket > self._sign * edge.bucket:
            return None, 0, None, False
        reached = bisect_right(self._keys, self._sign * bucket)
        total = self._sums[reached - 1] if reached else 0
        partial = edge is not None and edge.partial and bucket == edge.bucket
        return (
            exact(self.buckets.get(bucket, 0), self._places),
            self._counts.get(bucket, 0),
            exact(total, self._places),
            partial,
        )


def aggregate_of(held: Held, step: object, rows: int | None) -> AggregatedBook:
    """See `Figures.aggregate`."""
    ticks = checks.price_step("aggregate", step, held.spec)
    bids, asks = _Side(held, Side.BUY, ticks), _Side(held, Side.SELL, ticks)
    found: list[AggregatedRow] = []
    for bucket in _buckets_shown(bids.buckets, asks.buckets, rows):
        bid, bid_levels, bid_sum, bid_partial = bids.at(bucket)
        ask, ask_levels, ask_sum, ask_partial = asks.at(bucket)
        price = exact(bucket * ticks, held.spec.price_precision)
        found.append(AggregatedRow(price, bid, ask, bid_levels, ask_levels, bid_sum, ask_sum, bid_partial, ask_partial))
    return AggregatedBook(
        symbol=held.symbol,
        ns=held.ns,
        verified=held.verified,
        step=exact(ticks, held.spec.price_precision),
        rows=tuple(found),
        bids_known_to=held.price(known_to(held.bids, held.reach)),
        asks_known_to=held.price(known_to(held.asks, held.reach)),
        stale=held.stale,
    )


def _buckets_shown(bids: Mapping[int, int], asks: Mapping[int, int], rows: int | None) -> Iterable[int]:
    """Buckets that hold something, or all of so many around the touch; highest first."""
    if rows is None:
        return sorted({*bids, *asks}, reverse=True)
    checks.row_count("aggregate", rows)
    touch = [next(iter(side)) for side in (bids, asks) if side]
    if not touch:
        return ()
    low, high = visible_range(sum(touch) // len(touch), rows)
    return range(high, low - 1, -1)


def metrics_over(held: Held, levels: int, call: str = "metrics") -> BookMetrics | None:
    """See `Figures.metrics_over`."""
    count = checks.level_count(call, levels, held.reach)
    figures = metrics(held.bids, held.asks, held.spec, count) if held.verified else None
    return None if figures is None else metrics_of(figures, held.spec)


def imbalance_of(held: Held, levels: int) -> Decimal | None:
    """See `Figures.imbalance`."""
    figures = metrics_over(held, levels, "imbalance")
    return None if figures is None else derived(figures.imbalance, 0)


def pressure_of(held: Held, levels: int) -> Pressure | None:
    """See `Figures.pressure`."""
    figures = metrics_over(held, levels, "pressure")
    return None if figures is None else Pressure(figures.levels, derived(figures.pressure, 0), figures.signal)


def sweep_of(held: Held, side: object, size: object, notional: object, fee_pct: object) -> SweepCost | None:
    """See `Figures.sweep`."""
    taker = checks.side("sweep", side)
    if (size is None) is (notional is None):
        raise ConfigurationError("sweep takes a size or a notional, one of them")
    percent = None if fee_pct is None else checks.percent("sweep", fee_pct)
    spec, worth_places = held.spec, held.notional_precision
    lots = None if size is None else checks.amount("sweep", "size", size, spec.qty_precision)
    worth = None if notional is None else checks.amount("sweep", "notional", notional, worth_places)
    mid2, taken = held.mid2, held.asks if taker is Side.BUY else held.bids
    if not held.verified or mid2 is None:
        return None
    used = True
    if lots is None:
        assert worth is not None
        lots, used = lots_for(taken, worth)
        if not lots:
            raise ConfigurationError("sweep takes a notional that is worth at least the smallest quantity")
    cost = sweep_cost(taken, lots, mid2, taker)
    if cost is None:
        return None
    complete = used and cost.filled == lots
    return SweepCost(
        side=taker,
        size=None if size is None else exact(lots, spec.qty_precision),
        notional=None if worth is None else exact(worth, worth_places),
        filled=exact(cost.filled, spec.qty_precision),
        value=exact(cost.turnover, worth_places),
        average=derived(cost.average, spec.price_precision),
        worst=exact(cost.worst, spec.price_precision),
        slippage_bps=derived(cost.slippage_bps, 0),
        levels=cost.levels,
        complete=complete,
        more_beyond=not complete and known_to(taken, held.reach) is not None,
        fee=None if percent is None else exact(fee_of(cost.turnover, percent), worth_places),
    )


def large_orders_of(held: Held, threshold: object, learned: int) -> LargeOrders:
    """See `Figures.large_orders`.

    Args:
        held: The book.
        threshold: What the program asks for; None for the tracker's.
        learned: The tracker's, lots; 0 while it is not known.
    """
    places = held.spec.qty_precision
    least = learned if threshold is None else checks.amount("large_orders", "threshold", threshold, places)
    found: list[tuple[int, LargeOrder]] = []
    for side, levels in ((Side.BUY, held.bids), (Side.SELL, held.asks)):
        for number, (ticks, lots) in enumerate(levels, 1):
            if least and lots >= least:
                price, notional = exact(ticks, held.spec.price_precision), exact(ticks * lots, held.notional_precision)
                order = LargeOrder(side, number, price, exact(lots, places), notional, held.from_mid(ticks)[1])
                found.append((lots, order))
    found.sort(key=lambda each: -each[0])
    known = exact(least, places) if least else None
    return LargeOrders(held.symbol, held.ns, held.verified, known, tuple(order for _, order in found), held.stale)


# -- trades -----------------------------------------------------------------------------------------------------------


def trades_at_price_of(
    symbol: str,
    ns: int,
    spec: PairSpec,
    traded: Mapping[int, TradedAt],
    tape: Iterable[market.Trade],
    step: object,
) -> TradesAtPrice:
    """See `PairView.trades_at_price`.

    Args:
        symbol, ns, spec: Pair and moment.
        traded: Trades at price since the start, in ticks and lots.
        tape: Recent trades, newest first.
        step: Price step; None for the pair's smallest.
    """
    ticks, lots = checks.price_step("trades_at_price", step, spec), spec.qty_precision
    newest: dict[int, market.Trade] = {}
    for trade in tape:
        if trade.live:
            taken = Side.SELL if trade.side is Side.BUY else Side.BUY
            newest.setdefault(bucket_of(trade.price, ticks, taken), trade)
    rows: list[PriceTrades] = []
    for bucket, at in sorted(aggregate_traded(traded, ticks).items(), reverse=True):
        last, volume = newest.get(bucket), at.bought + at.sold
        rows.append(
            PriceTrades(
                price=exact(bucket * ticks, spec.price_precision),
                count=at.count,
                volume=exact(volume, lots),
                bought=exact(at.bought, lots),
                sold=exact(at.sold, lots),
                delta=exact(at.bought - at.sold, lots),
                average=derived(volume / at.count, lots),
                last_ns=None if last is None else last.venue_ns,
                last_side=None if last is None else last.side,
                last_qty=None if last is None else exact(last.qty, lots),
            )
        )
    return TradesAtPrice(symbol, ns, exact(ticks, spec.price_precision), tuple(rows))


def profile_at(
    symbol: str, ns: int, spec: PairSpec, volume: Mapping[int, int], ticks: int, since_ns: int | None = None
) -> VolumeProfile:
    """A volume profile of lots by bucket, in decimals.

    Args:
        symbol, ns, spec: Pair and moment.
        volume: Lots by bucket.
        ticks: Of a bucket.
        since_ns: Where it begins.
    """
    prices, lots = spec.price_precision, spec.qty_precision
    step, found = exact(ticks, prices), profile_of(volume)
    if found is None:
        return VolumeProfile(symbol, ns, since_ns, step, (), None, None, None, exact(0, lots))
    rows = tuple(
        ProfileRow(
            exact(bucket * ticks, prices),
            exact(traded, lots),
            derived(traded / found.total, 0),
            found.val <= bucket <= found.vah,
        )
        for bucket, traded in sorted(found.volume.items(), reverse=True)
    )
    poc, val, vah = (exact(bucket * ticks, prices) for bucket in (found.poc, found.val, found.vah))
    return VolumeProfile(symbol, ns, since_ns, step, rows, poc, val, vah, exact(found.total, lots))


def session_profile(
    symbol: str, ns: int, spec: PairSpec, traded: Mapping[int, TradedAt], step: object
) -> VolumeProfile:
    """The profile of all trades since the start. Arguments as of `trades_at_price_of`."""
    ticks = checks.price_step("profile", step, spec)
    volume = {bucket: at.bought + at.sold for bucket, at in aggregate_traded(traded, ticks).items()}
    return profile_at(symbol, ns, spec, volume, ticks)


# -- what every value with a book can be asked ------------------------------------------------------------------------


class Figures(Value, frozen=True, gc=False):
    """A value that holds a book, and what can be computed from it.

    Levels are counted from the touch, on either side. Of a book that is not proven there are levels, but no figures:
    `imbalance`, `pressure`, `metrics_over` and `sweep` are None then, and while a side is empty.
    """

    def _held(self) -> Held:
        raise NotImplementedError

    def _learned_large(self) -> int:
        """The tracker's size of a large order, lots; 0 where this value does not tell it."""
        return 0

    def ladder(self, levels: int | None = None) -> Ladder:
        """The levels with their sums, shares and distances from the mid.

        Args:
            levels: Levels a side; None for all that are held.

        Raises:
            ConfigurationError: More levels than can be held.
        """
        return ladder_of(self._held(), levels)

    def aggregate(self, step: Decimal | int | str, rows: int | None = None) -> AggregatedBook:
        """The book summed into price steps: bids are rounded down to the step, asks up, away from the touch.

        Args:
            step: Price step, a multiple of the pair's increment.
            rows: Every step of so many around the touch, also those where nothing rests; None for those where
                something does.

        Raises:
            ConfigurationError: Such a step or number of rows cannot be.
        """
        return aggregate_of(self._held(), step, rows)

    def imbalance(self, levels: int = 10) -> Decimal | None:
        """(bid - ask) / (bid + ask) of the sizes over so many levels a side, -1 to +1.

        Raises:
            ConfigurationError: More levels than can be held.
        """
        return imbalance_of(self._held(), levels)

    def pressure(self, levels: int = 10) -> Pressure | None:
        """Imbalance weighted by nearness to the mid, and what it says in words.

        Raises:
            ConfigurationError: More levels than can be held.
        """
        return pressure_of(self._held(), levels)

    def metrics_over(self, levels: int = 10) -> BookMetrics | None:
        """All figures of the book, those over levels over so many of them.

        Raises:
            ConfigurationError: More levels than can be held.
        """
        return metrics_over(self._held(), levels)

    def sweep(
        self,
        side: Side | str,
        *,
        size: Decimal | int | str | None = None,
        notional: Decimal | int | str | None = None,
        fee_pct: Decimal | int | str | None = None,
    ) -> SweepCost | None:
        """What an order that takes at once would cost or bring.

        Args:
            side: Of the order, "buy" or "sell".
            size: Its quantity.
            notional: Or its worth in the quote asset.
            fee_pct: Taker's fee in percent.

        Raises:
            ConfigurationError: Neither or both of size and notional, or one that cannot be.
        """
        return sweep_of(self._held(), side, size, notional, fee_pct)

    def large_orders(self, threshold: Decimal | int | str | None = None) -> LargeOrders:
        """The large sizes resting in the book.

        Args:
            threshold: Quantity from which one counts; None for what the tracker of `FlowEvent` calls large, which only
                a `PairView` tells.

        Raises:
            ConfigurationError: Such a threshold cannot be.
        """
        return large_orders_of(self._held(), threshold, self._learned_large())


def held_in(value: Figures) -> Held:
    """The book of a value, as the engine counts it."""
    return value._held()
