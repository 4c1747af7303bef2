"""What the figures of a desk are handed as: frozen values, each with `rows` of named fields.

Prices, quantities and computed figures are decimals. Those read from a book are exact; computed ones, such as an
average or a share, have a float's fifteen digits or so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, get_args, get_type_hints

from kraken_tui.client.frames import Computed, Halved, Tabular, Worth, about
from kraken_tui.market.events import Side, Signal
from kraken_tui.market.plain import Value


class Table(Value, Tabular, frozen=True, gc=False):
    """A value with `rows`: a tuple of values of one type, whose fields are the columns."""

    def _rows(self) -> Sequence[Value]:
        rows: Sequence[Value] = self.rows  # type: ignore[attr-defined]  # a field of some, a property of others
        return rows

    def _row_type(self) -> type:
        return _row_type(type(self))

    def _about(self) -> Mapping[str, Any]:
        return about(self)


@lru_cache(maxsize=64)
def _row_type(table: type) -> type:
    """What the `rows` of a type of table are, by its annotations."""
    rows = getattr(table, "rows", None)
    hint = get_type_hints(rows.fget)["return"] if isinstance(rows, property) else get_type_hints(table)["rows"]
    kind: type = get_args(hint)[0]
    return kind


class LadderLevel(Value, frozen=True, gc=False):
    """One price level of a ladder.

    Attributes:
        side: BUY for a bid, SELL for an ask.
        level: 1 for the best.
        price, qty: Exact.
        cumulative: Quantity from the touch to this level, inclusive.
        share: Part of the quantity of the side's levels in this ladder, 0 to 1.
        cumulative_share: The same of `cumulative`; 1 at the last level.
        notional, cumulative_notional: Price x quantity, and its sum from the touch, in the quote asset.
        distance: Price minus the mid, so negative for bids; None while a side is empty.
        distance_bps: The same in basis points of the mid.
    """

    side: Side
    level: int
    price: Decimal
    qty: Decimal
    cumulative: Decimal
    share: Computed
    cumulative_share: Computed
    notional: Worth
    cumulative_notional: Worth
    distance: Halved | None
    distance_bps: Computed | None


class Ladder(Table, frozen=True, gc=False):
    """The levels of a book with what they sum to.

    Attributes:
        symbol: v2 symbol.
        ns: Receipt of the last message before, ns since the epoch; of a past moment, the moment.
        verified: Whether the book is proven.
        levels: Levels a side at most.
        bids, asks: Best first.
        mid: Half way between bid and ask; None while a side is empty, and so are `spread` and `spread_bps`.
        spread, spread_bps: Ask minus bid, as a price and in basis points of the mid.
        bids_known_to, asks_known_to: Price of the last level, beyond which this ladder tells nothing; None where it
            holds the whole side.
        stale: As of `Book`; False in a `BookLine`, which is of the moment of its message.
    """

    symbol: str
    ns: int
    verified: bool
    levels: int
    bids: tuple[LadderLevel, ...]
    asks: tuple[LadderLevel, ...]
    mid: Halved | None
    spread: Decimal | None
    spread_bps: Decimal | None
    bids_known_to: Decimal | None
    asks_known_to: Decimal | None
    stale: bool = False

    @property
    def rows(self) -> tuple[LadderLevel, ...]:
        """All levels, highest price first, as a ladder stands on a screen."""
        return (*reversed(self.asks), *self.bids)

    @property
    def best_bid(self) -> Decimal | None:
        """Price of the best bid; None on an empty side."""
        return self.bids[0].price if self.bids else None

    @property
    def best_ask(self) -> Decimal | None:
        """Price of the best ask; None on an empty side."""
        return self.asks[0].price if self.asks else None


class AggregatedRow(Value, frozen=True, gc=False):
    """One price step of an aggregated book.

    Attributes:
        price: Of the step: bids down to it from the next one above, asks up to it from the next one below.
        bid, ask: Quantity resting in it; zero where nothing rests, None where nothing is known.
        bid_levels, ask_levels: Price levels summed.
        bid_cumulative, ask_cumulative: Quantity from the touch to this step, inclusive; zero on the far side of the
            touch, None where nothing is known.
        bid_partial, ask_partial: Whether more of this step lies beyond what is known: its sums are the least there is.
    """

    price: Decimal
    bid: Decimal | None
    ask: Decimal | None
    bid_levels: int
    ask_levels: int
    bid_cumulative: Decimal | None
    ask_cumulative: Decimal | None
    bid_partial: bool
    ask_partial: bool


class AggregatedBook(Table, frozen=True, gc=False):
    """A book summed into price steps, as the screen's book pane shows it.

    Attributes:
        symbol: v2 symbol.
        ns: As of `Ladder`.
        verified: Whether the book is proven.
        step: Price step.
        rows: Highest price first.
        bids_known_to, asks_known_to: Price beyond which nothing is known of the side; None where all of it is known.
        stale: As of `Ladder`.
    """

    symbol: str
    ns: int
    verified: bool
    step: Decimal
    rows: tuple[AggregatedRow, ...]
    bids_known_to: Decimal | None
    asks_known_to: Decimal | None
    stale: bool = False


class Pressure(Value, frozen=True, gc=False):
    """Which way a proven book is pressed at one moment.

    Attributes:
        levels: Levels a side it is taken over.
        value: Imbalance weighted by nearness to the mid, -1 to +1.
        signal: The same in words: BUY or SELL from 0.2, STRONG from 0.5.
    """

    levels: int
    value: Computed
    signal: Signal


class SweepCost(Value, frozen=True, gc=False):
    """What an order that takes at once would get from a proven book.

    Attributes:
        side: Of the order: a BUY takes asks.
        size: Quantity asked for; None where a notional was.
        notional: Worth asked for, in the quote asset; None where a size was.
        filled: Quantity that the held book gives; for a notional, the most whole lots that cost no more than it.
        value: What they cost or bring, exactly, in the quote asset, without fee.
        average: Average price.
        worst: Price of the last level touched.
        slippage_bps: Distance of the average from the mid in basis points; a cost is positive.
        levels: Levels touched.
        complete: Whether all that was asked for is filled.
        more_beyond: Where it is not, whether the book may hold more beyond the subscribed depth.
        fee: Of `value`, rounded up to the last digit; None where no rate was given.
    """

    side: Side
    size: Decimal | None
    notional: Worth | None
    filled: Decimal
    value: Worth
    average: Computed
    worst: Decimal
    slippage_bps: Computed
    levels: int
    complete: bool
    more_beyond: bool
    fee: Worth | None


class LargeOrder(Value, frozen=True, gc=False):
    """One large size resting in a book.

    Attributes:
        side: BUY for a bid, SELL for an ask.
        level: 1 for the best.
        price, qty: Exact.
        notional: Price x quantity, in the quote asset.
        distance_bps: Price minus the mid in basis points of the mid; None while a side is empty.
    """

    side: Side
    level: int
    price: Decimal
    qty: Decimal
    notional: Worth
    distance_bps: Computed | None


class LargeOrders(Table, frozen=True, gc=False):
    """The large sizes resting in a book.

    Attributes:
        symbol: v2 symbol.
        ns: As of `Ladder`.
        verified: Whether the book is proven.
        threshold: Size from which one counts; None while the tracker has not learned it, and there are no rows then.
        rows: Largest first.
        stale: As of `Ladder`.
    """

    symbol: str
    ns: int
    verified: bool
    threshold: Decimal | None
    rows: tuple[LargeOrder, ...]
    stale: bool = False


class PriceTrades(Value, frozen=True, gc=False):
    """What traded at one price, or in one price step.

    Attributes:
        price: Of the step: what buyers took of asks up to it, what sellers took of bids down to it.
        count: Trades; in a step of several prices, where both sides of one price fall into two steps, in both.
        volume: Quantity in all.
        bought, sold: Quantity by takers' side.
        delta: Bought less sold.
        average: Quantity a trade.
        last_ns, last_side, last_qty: The newest trade there, by the exchange's time; None where it is no longer on the
            tape.
    """

    price: Decimal
    count: int
    volume: Decimal
    bought: Decimal
    sold: Decimal
    delta: Decimal
    average: Computed
    last_ns: int | None
    last_side: Side | None
    last_qty: Decimal | None


class TradesAtPrice(Table, frozen=True, gc=False):
    """Trades at each price since the start.

    Attributes:
        symbol: v2 symbol.
        ns: The moment, ns since the epoch.
        step: Price step.
        rows: Highest price first; prices without trades are left out.
    """

    symbol: str
    ns: int
    step: Decimal
    rows: tuple[PriceTrades, ...]


class ProfileRow(Value, frozen=True, gc=False):
    """One price step of a volume profile.

    Attributes:
        price: Of the step, as of `PriceTrades`.
        volume: Quantity.
        share: Part of the total, 0 to 1.
        in_value_area: Whether it is one of those that hold 70 % of the volume.
    """

    price: Decimal
    volume: Decimal
    share: Computed
    in_value_area: bool


class VolumeProfile(Table, frozen=True, gc=False):
    """Where it traded.

    Attributes:
        symbol: v2 symbol.
        ns: The moment.
        since_ns: Where it begins; None for the start of the program.
        step: Price step.
        rows: Highest price first; prices without trades are left out.
        poc: Point of control: the price with the most volume; None where nothing traded, and so are `val` and `vah`.
        val, vah: Lowest and highest price of the value area.
        total: Quantity in all.
    """

    symbol: str
    ns: int
    since_ns: int | None
    step: Decimal
    rows: tuple[ProfileRow, ...]
    poc: Decimal | None
    val: Decimal | None
    vah: Decimal | None
    total: Decimal


class HeatmapCell(Value, frozen=True, gc=False):
    """What rested in one price step during one stretch of time.

    Attributes:
        begin_ns: Start of the stretch, ns since the epoch.
        side: BUY for bids, SELL for asks.
        price: Of the step, as of `AggregatedRow`.
        qty: Time-weighted average, or the greatest, of the quantity.
        proven: Whether the book was proven all that time.
    """

    begin_ns: int
    side: Side
    price: Decimal
    qty: Computed
    proven: bool


class HeatmapColumn(Value, frozen=True, gc=False):
    """One stretch of time.

    Attributes:
        begin_ns, end_ns: Its bounds, ns since the epoch; the end is not in it.
        cells: Highest price first; steps where nothing rested are left out.
        known_from, known_to: Lowest and highest price step of which all is known; None where a side is complete.
        known: Whether there was a book all that time.
        proven: Whether it was proven all that time.
        best_bid, best_ask: At its end; None for an empty side.
        complete: Whether it is over; the last one may be running.
    """

    begin_ns: int
    end_ns: int
    cells: tuple[HeatmapCell, ...]
    known_from: Decimal | None
    known_to: Decimal | None
    known: bool
    proven: bool
    best_bid: Decimal | None
    best_ask: Decimal | None
    complete: bool


class Heatmap(Table, frozen=True, gc=False):
    """Resting size over time and price.

    Attributes:
        symbol: v2 symbol.
        step: Price step.
        width_ns: Length of a column.
        weighing: "average" or "greatest".
        columns: Oldest first. One of which nothing is held has no cells and is not `known`.
    """

    symbol: str
    step: Decimal
    width_ns: int
    weighing: str
    columns: tuple[HeatmapColumn, ...]

    @property
    def rows(self) -> tuple[HeatmapCell, ...]:
        """All cells, column by column."""
        return tuple(cell for column in self.columns for cell in column.cells)


class Past(Value, frozen=True, gc=False):
    """How far back a pair can be read.

    Attributes:
        symbol: v2 symbol.
        since_ns: The first moment that can be asked for; None before there is one.
        until_ns: The newest; None before there is one.
        bytes: Memory it takes, about.
    """

    symbol: str
    since_ns: int | None
    until_ns: int | None
    bytes: int
