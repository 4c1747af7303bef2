"""What one picture of a heatmap is drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from kraken_tui.market.history.columns import Column
from kraken_tui.market.history.prints import TradeColumn
from kraken_tui.tui.draw.heat_scale import Scale
from kraken_tui.wire.symbols import PairSpec


class HeatView(msgspec.Struct, frozen=True, gc=False):
    """What one picture of the heatmap is drawn from.

    Attributes:
        spec: Precisions of the pair.
        step: Ticks of one row.
        halves: Whether the columns hold two buckets a row, each half a step.
        high: Bucket of the topmost row, in units of the step.
        rows: Price rows.
        first: Index of the leftmost column.
        columns: Complete columns from there on; None while one is not made yet.
        running: The running column; None before there is a book, and for a moment of the past.
        width_ns: Length of a column.
        trades: Columns of trades by index.
        cvd: Cumulative delta before the first column, lots.
        scale: Lots to brightness; None before there is anything to scale by.
        notes: Words for the title, the most important first: length of a column, what a cell tells, its scale.
        since_ns: From when on the past is held; None before it is.
        cursor: Bucket of the row under the cursor; None without one.
        moment: Index of the column of the moment shown; None when live.
        density: Whether sizes are drawn by characters instead of colours.
        ascii_only: Whether the terminal has no box drawing.
    """

    spec: PairSpec
    step: int
    halves: bool
    high: int
    rows: int
    first: int
    columns: Sequence[Column | None]
    running: Column | None
    width_ns: int
    trades: Mapping[int, TradeColumn]
    cvd: int
    scale: Scale | None
    notes: Sequence[str]
    since_ns: int | None = None
    cursor: int | None = None
    moment: int | None = None
    density: bool = False
    ascii_only: bool = False
