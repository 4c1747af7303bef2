"""The pane of `kraken_tui.tui.draw.heatmap`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Self

import msgspec

from kraken_tui.market.book.aggregation import step_of, visible_range
from kraken_tui.market.history.columns import Column, HeatGrid, Weighing
from kraken_tui.market.history.moments import MarketHistory
from kraken_tui.market.history.prints import TradeGrid
from kraken_tui.settings import Settings
from kraken_tui.tui.draw.format import price
from kraken_tui.tui.draw.heat_scale import Scale, scale_of
from kraken_tui.tui.draw.heatmap import APART, HEAD_ROWS, ColumnCells, HeatView, draw_heatmap, draw_no_heatmap
from kraken_tui.tui.draw.picture import HeatChoices, Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.keymap import KeyMap
from kraken_tui.tui.paint.pane import Pane
from kraken_tui.units import SECOND

_BUDGET_S = 0.004
"""Longest one picture goes on making columns of the past."""
_RESCALED_EVERY = 5
"""Columns between two looks at the scale: it looks at every cell on screen."""
_FIRST_BUDGET_S = 0.08
"""The same for the first picture of new columns: a little later is better than empty."""


class _Grids:
    """The columns for one pair, step and width, and the scale they are drawn with."""

    def __init__(self, history: MarketHistory, step: int, choices: HeatChoices, *, halves: bool) -> None:
        fine = step // 2 if halves else step
        self.step, self.halves, self.choices = step, halves, msgspec.structs.replace(choices)
        self.heat = HeatGrid(history.book, fine, choices.column_ns, Weighing(choices.weighing))
        self.trades = TradeGrid(history.trades, fine, choices.column_ns)
        self._filling: Iterator[None] | None = None
        self._filled: tuple[int, int] = (0, -1)
        self._scaled_for: tuple[object, ...] = ()
        self._scale: Scale | None = None

    def fill(self, first: int, last: int) -> None:
        """Go on making the columns of a range, for as long as one picture may take."""
        fresh = False
        if self._filling is None:
            if self._filled[0] <= first and self._filled[1] >= last:
                return
            self._filling = self.heat.fill(first, last)
            fresh = self._filled[0] > self._filled[1]
            self._filled = (first, last)
        until = time.perf_counter() + (_FIRST_BUDGET_S if fresh else _BUDGET_S)
        for _ in self._filling:
            if time.perf_counter() >= until:
                return
        self._filling = None

    def scale(self, first: int, last: int, low: int, high: int) -> Scale | None:
        """The scale of what is on screen; it is still between two looks, and then moves only if it must."""
        columns = [column for index in range(first, last + 1) if (column := self.heat.column(index)) is not None]
        settled = last // _RESCALED_EVERY, last - first, len(columns) // 2 if len(columns) < last - first else 0
        wanted = (*settled, low, high, self.choices.cut, self.choices.linear)
        if wanted != self._scaled_for:
            self._scaled_for = wanted
            factor = 2 if self.halves else 1
            sizes = [
                lots
                for column in columns
                for bucket, lots in column.cells.items()
                if factor * low - 1 <= abs(bucket) <= factor * high + 1
            ]
            self._scale = _steady(self._scale, scale_of(sizes, self.choices.cut, linear=self.choices.linear))
        return self._scale


def _steady(before: Scale | None, after: Scale | None) -> Scale | None:
    """The scale before, unless the new one differs by more than a fifth: brightness must mean the same for a while."""
    if before is None or after is None or before.linear is not after.linear:
        return after
    near = all(
        0.8 <= (new + 1) / (old + 1) <= 1.25 for new, old in ((after.lower, before.lower), (after.upper, before.upper))
    )
    return before if near else after


class HeatmapPane(Pane):
    """Resting size over time beside the book."""

    def __init__(self, *, id: str | None = "heatmap") -> None:  # noqa: A002
        super().__init__(id=id)
        self._grids: tuple[MarketHistory, _Grids] | None = None
        self._cells = ColumnCells()

    @classmethod
    def for_screen(cls, name: str, settings: Settings, keymap: KeyMap) -> Self:
        """See `Pane.for_screen`."""
        return cls(id=name)

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_heatmap`."""
        view = self._view(picture, width, height)
        if isinstance(view, str):
            return draw_no_heatmap(view, width, height)
        return draw_heatmap(view, width, height, self._cells)

    def _view(self, picture: Picture, width: int, height: int) -> HeatView | str:
        history, pair, choices = picture.history, picture.pair, picture.choices
        if history is None or pair is None or pair.spec is None:
            return "waiting for the pair"
        since = history.since_ns
        if since is None or choices.centre is None:
            return "waiting for the first book"
        rows = min(height - HEAD_ROWS, picture.price_rows or height - HEAD_ROWS)
        if rows < 1 or width <= APART:
            return ""
        step = step_of(pair.spec, max(1, choices.grouping))
        halves = step % 2 == 0
        grids = self._grids_for(history, step, choices.heat, halves=halves)
        low, high = visible_range(choices.centre, rows)
        now = pair.now_ns
        running = grids.heat.advance(now)
        grids.trades.advance(now)
        count = width - APART
        last = grids.heat.index_of(now) - 1
        first = last - count + 1
        grids.fill(max(first, grids.heat.index_of(since)), last)
        before = grids.heat.index_of(since)
        return HeatView(
            spec=pair.spec,
            step=step,
            halves=halves,
            high=high,
            rows=rows,
            first=first,
            columns=[
                Column(index, {}) if index < before else grids.heat.column(index) for index in range(first, last + 1)
            ],
            running=running,
            width_ns=choices.heat.column_ns,
            trades=grids.trades.columns(first, last + 1),
            cvd=grids.trades.cvd_before(first),
            scale=grids.scale(max(first, before), last, low, high),
            settings_note=_note(grids, price(step, pair.spec.price_precision)),
            since_ns=since,
            cursor=None if choices.cursor is None else choices.cursor // step,
            density=picture.density,
            ascii_only=picture.ascii_only,
        )

    def _grids_for(self, history: MarketHistory, step: int, choices: HeatChoices, *, halves: bool) -> _Grids:
        if self._grids is not None:
            known, grids = self._grids
            wanted = (history, step, halves, choices.column_ns, choices.weighing)
            if wanted == (known, grids.step, grids.halves, grids.choices.column_ns, grids.choices.weighing):
                grids.choices = msgspec.structs.replace(choices)
                return grids
        grids = _Grids(history, step, choices, halves=halves)
        self._grids = (history, grids)
        return grids


def _note(grids: _Grids, step: str) -> str:
    """What a cell is, for the title."""
    choices = grids.choices
    width_ns = choices.column_ns
    length = f"{width_ns // 1_000_000} ms" if width_ns < SECOND else f"{width_ns / SECOND:g} s"
    if width_ns >= 60 * SECOND:
        length = f"{width_ns // SECOND // 60} min"
    form = "linear" if choices.linear else "log"
    return f"{length} a column · {step} a row · {choices.weighing} · {form} · from {choices.cut:g} %"
