"""What the drawing of an aggregated book remembers from picture to picture, so that it stands still.

Widths, decimals and the scale of the bars follow the sizes in sight, but slowly: they belong to the screen and must not
move because one order did. A new pair, step or width starts afresh. Times are those of the views, ns.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from math import exp

from kraken_tui.market.book.aggregation import aggregate_traded
from kraken_tui.market.views import TradedAt
from kraken_tui.tui.draw.format import QuantityFormat
from kraken_tui.units import SECOND

FLASH_NS = 300_000_000
"""How long a changed number stays a shade brighter."""

LEAP_NS = 900_000_000
"""Time between two pictures from which they are not compared: a leap in history would light everything up."""

_SETTLED_NS = 3 * SECOND
_PERCENTILE = 95
_SMOOTHED_NS = 5 * SECOND
_MOST_OVER, _LEAST_UNDER = 1.35, 0.65


class TradedSums:
    """Trades at price summed into buckets, kept until the trades or the window change.

    Views share one mapping until the next trade, and a day's mapping holds thousands of prices.
    """

    def __init__(self) -> None:
        self._traded: Mapping[int, TradedAt] = {}
        self._window = (0, 0, 0)
        self._buckets: Mapping[int, TradedAt] = {}

    def take(self, traded: Mapping[int, TradedAt], step: int, low: int, high: int) -> Mapping[int, TradedAt]:
        """Sums for the buckets `low` to `high` of `step` ticks."""
        if traded is not self._traded or self._window != (step, low, high):
            self._traded, self._window = traded, (step, low, high)
            self._buckets = aggregate_traded(_traded_between(traded, (low - 1) * step, (high + 1) * step), step)
        return self._buckets


def _traded_between(traded: Mapping[int, TradedAt], bottom: int, top: int) -> dict[int, TradedAt]:
    if top - bottom < len(traded):
        return {ticks: traded[ticks] for ticks in range(bottom, top + 1) if ticks in traded}
    return {ticks: at for ticks, at in traded.items() if bottom <= ticks <= top}


def bar_scale(sizes: Sequence[int]) -> int:
    """Lots that a full bar stands for: the 95th percentile of the sizes in sight, so that one wall flattens no other.

    0 where nothing is in sight.
    """
    if not sizes:
        return 0
    ranked = sorted(sizes)
    at = -(-_PERCENTILE * len(ranked) // 100) - 1
    # Of few rows the largest is the 95th percentile too, and would still flatten the rest.
    return ranked[min(at, len(ranked) - 2) if len(ranked) > 8 else -1]


class BarScale:
    """The size that fills a bar (`bar_scale`), from picture to picture.

    The percentile is smoothed over seconds, and the scale moves only when it is left by a third, at most every three
    seconds: a bar that changes belongs to an order that did.
    """

    def __init__(self) -> None:
        self._scale = 0
        self._smooth = 0.0
        self._taken_ns = self._since_ns = 0

    def take(self, sizes: Sequence[int], now_ns: int) -> int:
        """The scale for sizes in lots, all above 0; at least 1."""
        if not sizes:
            return self._scale or 1
        high = bar_scale(sizes)
        passed = now_ns - self._taken_ns
        if not self._scale or passed < 0:
            self._scale, self._smooth, self._since_ns = high, float(high), now_ns
        else:
            self._smooth += (high - self._smooth) * (1 - exp(-passed / _SMOOTHED_NS))
        self._taken_ns = now_ns
        fits = _LEAST_UNDER * self._scale <= self._smooth <= _MOST_OVER * self._scale
        if not fits and now_ns - self._since_ns >= _SETTLED_NS:
            self._scale, self._since_ns = max(1, round(self._smooth)), now_ns
        return self._scale


class ColumnForm:
    """The format of one column, kept until it no longer serves its sizes or has been too wide for a while."""

    def __init__(self) -> None:
        self._form: QuantityFormat | None = None
        self._since_ns = 0

    def take(self, sizes: Sequence[int], precision: int, width: int, least: int, now_ns: int) -> QuantityFormat:
        """The format for sizes in lots; other arguments as of `QuantityFormat.for_column`."""
        old = self._form
        new = QuantityFormat.for_column(sizes, precision, width, least)
        if old is not None and sizes and old.suits(sizes):
            settled = 0 <= now_ns - self._since_ns < _SETTLED_NS
            wanted = new.decimals > old.decimals or new.each != old.each or new.width <= old.width - 2
            if settled or not wanted:
                return old
        if new != old:
            self._form, self._since_ns = (new if sizes else None), now_ns
        return new


class Flicker:
    """Which numbers on screen changed a moment ago.

    Args:
        on: Whether to look at all; every change is painted twice, with and without its brighter background.
    """

    def __init__(self, on: bool = True) -> None:
        self._on = on
        self._form: object = None
        self._texts: Mapping[int, str] = {}
        self._since: dict[int, int] = {}
        self._taken_ns = 0

    def take(self, texts: Mapping[int, str], form: object, now_ns: int) -> frozenset[int]:
        """Cells whose text changed in the last 300 ms, or by the last short step in history.

        Those that were not on screen before did not change.

        Args:
            texts: Number by cell, "" where nothing stands; without those that are not known.
            form: How the numbers are written; with another form none counts as changed.
            now_ns: Moment of the view.
        """
        if not self._on:
            return frozenset()
        leapt = abs(now_ns - self._taken_ns) >= LEAP_NS
        self._taken_ns = now_ns
        if form != self._form or leapt:
            self._form, self._since = form, {}
        else:
            old = self._texts
            for cell, text in texts.items():
                if old.get(cell, text) != text:
                    self._since[cell] = now_ns
        self._texts = texts
        if self._since:
            self._since = {cell: ns for cell, ns in self._since.items() if 0 <= now_ns - ns < FLASH_NS}
        return frozenset(self._since)

    def forget(self) -> None:
        """Nothing has changed: what comes next is another book."""
        self._form = None


class BookMemory:
    """All of it, for one pane.

    Args:
        flash: Whether changed numbers are shown a shade brighter.

    Attributes:
        sums: Trades at price.
        scale: Of the bars.
        sizes, volumes, pulls: Formats of the columns.
        flicker: Numbers that changed.
    """

    def __init__(self, flash: bool = True) -> None:
        self._flash = flash
        self._of: Hashable = None
        self.sums = TradedSums()
        self._begin()

    def _begin(self) -> None:
        self.scale = BarScale()
        self.sizes, self.volumes, self.pulls = ColumnForm(), ColumnForm(), ColumnForm()
        self.flicker = Flicker(self._flash)

    def of(self, what: Hashable) -> None:
        """Say what is drawn; when that is not what was drawn before, everything but the trades is forgotten."""
        if what != self._of:
            self._of = what
            self._begin()
