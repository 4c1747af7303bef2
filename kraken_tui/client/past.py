"""The past of a pair for programs: any moment of it, and its heatmap. Read in the caller's own thread."""

from __future__ import annotations

from decimal import Decimal

from kraken_tui.client import checks
from kraken_tui.client.figures import profile_at
from kraken_tui.client.tables import Heatmap, HeatmapCell, HeatmapColumn, Past, VolumeProfile
from kraken_tui.client.values import derived, exact
from kraken_tui.errors import ConfigurationError
from kraken_tui.market.events import Side
from kraken_tui.market.history.columns import Column, HeatGrid, Weighing
from kraken_tui.market.history.moments import MarketHistory
from kraken_tui.market.profile import volume_of
from kraken_tui.settings import WEIGHINGS
from kraken_tui.units import SECOND
from kraken_tui.wire.symbols import PairSpec

MOST_COLUMNS = 10_000
"""Columns of a heatmap that can be asked for."""

_SHORTEST_S, _LONGEST_S = 0.01, 86_400.0


def past_of(symbol: str, history: MarketHistory) -> Past:
    """How far a past reaches."""
    since_ns = history.since_ns
    return Past(symbol, since_ns, None if since_ns is None else newest_ns(history), history.size)


def newest_ns(history: MarketHistory) -> int:
    """The newest moment that a past tells of; 0 before there is one."""
    return max(history.book.until_ns or 0, 0 if history.newest is None else history.newest.now_ns)


def recent_profile(
    symbol: str, spec: PairSpec, history: MarketHistory, step: object, seconds: object, now_ns: int
) -> VolumeProfile:
    """Volume at price over the last seconds before a moment."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float | Decimal) or not 0 < seconds <= 86_400:
        raise ConfigurationError("profile takes more than 0 and at most 86,400 seconds")
    ticks = checks.price_step("profile", step, spec)
    since_ns = now_ns - int(seconds * SECOND)
    heard = history.trades.between(since_ns, now_ns)
    return profile_at(symbol, now_ns, spec, volume_of((entry.trade for entry in heard), ticks), ticks, since_ns)


def heatmap_of(
    symbol: str,
    spec: PairSpec,
    history: MarketHistory,
    *,
    step: object,
    columns: object,
    width_s: object,
    weighing: object,
    now_ns: int,
) -> Heatmap:
    """See `KrakenClient.heatmap`; `now_ns` is the moment of the last column, by the clock of the receipts."""
    ticks = checks.price_step("heatmap", step, spec)
    if type(columns) is not int or not 1 <= columns <= MOST_COLUMNS:
        raise ConfigurationError(f"heatmap takes 1 to {MOST_COLUMNS:,} columns")
    if isinstance(width_s, bool) or not isinstance(width_s, int | float | Decimal):
        raise ConfigurationError("heatmap takes a width_s in seconds")
    if not _SHORTEST_S <= width_s <= _LONGEST_S:
        raise ConfigurationError(f"heatmap takes a width_s from {_SHORTEST_S:g} to {_LONGEST_S:,.0f} seconds")
    if weighing not in WEIGHINGS:
        raise ConfigurationError(f"heatmap takes a weighing, {' or '.join(WEIGHINGS)}")
    grid = HeatGrid(history.book, ticks, int(width_s * SECOND), Weighing(str(weighing)))
    last = grid.index_of(now_ns)
    # A column that has only just begun has lasted for no time, of which there is no average.
    running = grid.advance(now_ns if now_ns % grid.width_ns else now_ns + 1)
    for _ in grid.fill(last - columns + 1, last - 1):
        pass
    made = [grid.column(index) or Column(index, {}) for index in range(last - columns + 1, last)]
    made.append(running if running is not None and running.index == last else Column(last, {}, complete=False))
    return Heatmap(
        symbol,
        exact(ticks, spec.price_precision),
        grid.width_ns,
        str(weighing),
        tuple(_column(column, grid, spec) for column in made),
    )


def _column(column: Column, grid: HeatGrid, spec: PairSpec) -> HeatmapColumn:
    prices, begin_ns = spec.price_precision, column.index * grid.width_ns

    def price(bucket: int | None) -> Decimal | None:
        return None if bucket is None else exact(bucket * grid.step, prices)

    def touch(ticks: int | None) -> Decimal | None:
        return None if ticks is None else exact(ticks, prices)

    cells = tuple(
        HeatmapCell(
            begin_ns,
            Side.SELL if bucket > 0 else Side.BUY,
            exact(abs(bucket) * grid.step, prices),
            _quantity(lots, spec.qty_precision),
            column.proven,
        )
        # Of one price the asks come first.
        for bucket, lots in sorted(column.cells.items(), key=lambda cell: (abs(cell[0]), cell[0]), reverse=True)
    )
    return HeatmapColumn(
        begin_ns,
        begin_ns + grid.width_ns,
        cells,
        price(column.low),
        price(column.high),
        column.known,
        column.proven,
        touch(column.bid),
        touch(column.ask),
        column.complete,
    )


def _quantity(lots: float, precision: int) -> Decimal:
    return exact(lots, precision) if isinstance(lots, int) else derived(lots, precision)
