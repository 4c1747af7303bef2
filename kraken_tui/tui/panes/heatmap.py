"""The pane of `kraken_tui.tui.draw.heatmap`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Self

from textual import events

from kraken_tui.market.book.aggregation import step_of, visible_range
from kraken_tui.market.history.columns import Column, HeatGrid, Weighing
from kraken_tui.market.history.moments import MarketHistory
from kraken_tui.market.history.prints import TradeGrid
from kraken_tui.market.views import PairView
from kraken_tui.settings import Settings
from kraken_tui.tui.draw.heat_scale import Scale, scale_of
from kraken_tui.tui.draw.heat_view import HeatView
from kraken_tui.tui.draw.heatmap import APART, HEAD_ROWS, ColumnCells, draw_heatmap, draw_no_heatmap
from kraken_tui.tui.draw.picture import HeatChoices, Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.keymap import KeyMap
from kraken_tui.tui.paint.pane import Pane
from kraken_tui.tui.panes import BOOK
from kraken_tui.tui.panes.book_rows import WHEEL_ROWS, PriceChosen
from kraken_tui.tui.panes.pointing import MomentChosen, Pointed
from kraken_tui.units import SECOND
from kraken_tui.words import time_span

_BUDGET_S = 0.007
"""Longest one picture goes on making columns of the past."""
_RESCALED_EVERY = 5
"""Columns between two looks at the scale."""
_LOOKED_AT = 32
"""Columns that such a look takes in, evenly over the screen."""
_KEPT_GRIDS = 4
_BACK_NS = SECOND

_Of = tuple[MarketHistory, int, bool, int, str]
"""What columns are made for: the past, ticks of a row, whether it has halves, length of a column, weighing."""


class _Grids:
    """The columns for one pair, step and width, and the scale they are drawn with."""

    def __init__(self, of: _Of) -> None:
        history, step, self.halves, width_ns, weighing = of
        fine = step // 2 if self.halves else step
        self.heat = HeatGrid(history.book, fine, width_ns, Weighing(weighing))
        self.trades = TradeGrid(history.trades, fine, width_ns)
        self.cells = ColumnCells()
        self._filling: Iterator[None] | None = None
        self._range = (0, -1)
        self._scaled_for: tuple[object, ...] = ()
        self._scale: Scale | None = None
        self._upto_ns = 0

    def advance(self, now_ns: int) -> tuple[int, Column | None]:
        """Take what happened up to now, which goes back by more than a moment only with the recording played.

        Returns:
            The moment they are up to, and the running column.
        """
        if 0 < self._upto_ns - now_ns < _BACK_NS:
            now_ns = self._upto_ns
        self._upto_ns = now_ns
        running = self.heat.advance(now_ns)
        self.trades.advance(now_ns)
        return now_ns, running

    def fill(self, first: int, last: int, *, complete: bool) -> None:
        """Go on making the columns of a range, for as long as one picture may take.

        Args:
            first, last: Indices, inclusive.
            complete: Whether it may take as long as it needs.
        """
        if self._filling is None or not (self._range[0] <= last and first <= self._range[1]):
            if all(self.heat.column(index) is not None for index in range(first, last + 1)):
                return
            self._filling, self._range = self.heat.fill(first, last), (first, last)
        until = time.perf_counter() + _BUDGET_S
        for _ in self._filling:
            if not complete and time.perf_counter() >= until:
                return
        self._filling = None

    def scale(self, first: int, last: int, low: int, high: int, choices: HeatChoices) -> Scale | None:
        """The scale of what is on screen; it is still between two looks, and then moves only if it must."""
        every = max(1, (last - first + 1) // _LOOKED_AT)
        looked_at = range(-(-first // every) * every, last + 1, every)
        columns = [column for index in looked_at if (column := self.heat.column(index)) is not None]
        wanted = (last // _RESCALED_EVERY, last - first, len(columns) // 4, low, high, choices.cut, choices.linear)
        if wanted != self._scaled_for:
            chosen_anew = wanted[5:] != self._scaled_for[5:]
            self._scaled_for = wanted
            factor = 2 if self.halves else 1
            lowest, highest = factor * low - 1, factor * high + 1
            sizes = [
                lots
                for column in columns
                for bucket, lots in column.cells.items()
                if lowest <= bucket <= highest or lowest <= -bucket <= highest
            ]
            scale = scale_of(sizes, choices.cut, linear=choices.linear)
            self._scale = scale if chosen_anew else _steady(self._scale, scale)
        return self._scale


def _steady(before: Scale | None, after: Scale | None) -> Scale | None:
    """The scale before, unless the new one differs by more than a fifth: brightness must mean the same for a while."""
    if before is None or after is None:
        return after
    near = all(
        0.8 <= (new + 1) / (old + 1) <= 1.25 for new, old in ((after.lower, before.lower), (after.upper, before.upper))
    )
    return before if near else after


class HeatmapPane(Pane):
    """Resting size over time beside the book; in the view of the book, a strip of it.

    Click for a price, drag to move in time.
    """

    def __init__(self, *, id: str | None = "heatmap") -> None:  # noqa: A002
        super().__init__(id=id)
        self._grids: dict[_Of, _Grids] = {}
        self._window: tuple[int, int] | None = None
        self._view: HeatView | None = None
        self._pressed: int | None = None

    @classmethod
    def for_screen(cls, name: str, settings: Settings, keymap: KeyMap) -> Self:
        """See `Pane.for_screen`."""
        return cls(id=name)

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_heatmap`."""
        made = self._made(picture, width, height)
        if isinstance(made, str):
            self._view = None
            return draw_no_heatmap(made, width, height)
        self._view, cells = made
        lines = draw_heatmap(self._view, width, height, cells)
        if picture.account is None:
            return lines
        from kraken_tui.tui.draw.own_fills import mark_heatmap_fills
        from kraken_tui.tui.draw.private_rows import mark_heatmap

        return mark_heatmap_fills(picture, mark_heatmap(picture, lines, self._view), self._view)

    def _made(self, picture: Picture, width: int, height: int) -> tuple[HeatView, ColumnCells] | str:
        history, pair, choices = picture.history, picture.pair, picture.choices
        if history is None or pair is None or pair.spec is None:
            return picture.problem or "waiting for the pair"
        since = history.since_ns
        if since is None or choices.centre is None:
            return "waiting for the first book"
        rows = min(height - HEAD_ROWS, picture.price_rows or height - HEAD_ROWS)
        if rows < 1 or width <= APART:
            return ""
        heat, strip = choices.heat, picture.situation.view == BOOK.name
        width_ns = heat.strip_ns if strip else heat.column_ns
        step = step_of(pair.spec, max(1, choices.grouping))
        # Characters of density have no halves.
        halves = step % 2 == 0 and not (picture.density or picture.ascii_only)
        grids = self._grids_for((history, step, halves, width_ns, heat.weighing))
        low, high = visible_range(choices.centre, rows)
        now, running = grids.advance(self._now(picture, history, pair))
        newest, before = grids.heat.index_of(now) - 1, grids.heat.index_of(since)
        first, last = self._shown(picture.moment_ns, newest, width - APART, width_ns)
        grids.fill(max(first, before), last, complete=not self.is_attached or self.app.is_headless)
        heat.seen_ns = (max(first * width_ns, since), min((last + 2) * width_ns, now))
        view = HeatView(
            spec=pair.spec,
            step=step,
            halves=halves,
            high=high,
            rows=rows,
            first=first,
            columns=[
                Column(index, {}) if index < before else grids.heat.column(index) for index in range(first, last + 1)
            ],
            # What is running now is no part of a moment of the past.
            running=running if picture.moment_ns is None else None,
            width_ns=width_ns,
            trades=grids.trades.columns(first, last + 1),
            cvd=grids.trades.cvd_before(first),
            scale=grids.scale(max(first, before), last, low, high, heat),
            notes=_notes(heat, width_ns, strip=strip),
            since_ns=since,
            cursor=_cursor_row(pair, choices.cursor, step),
            moment=None if picture.moment_ns is None else picture.moment_ns // width_ns,
            density=picture.density or picture.ascii_only,
            ascii_only=picture.ascii_only,
        )
        return view, grids.cells

    @staticmethod
    def _now(picture: Picture, history: MarketHistory, pair: PairView) -> int:
        """Up to when there are columns: the time goes on while a moment of the past is looked at."""
        newest = history.newest
        return pair.now_ns if picture.moment_ns is None or newest is None else max(newest.now_ns, picture.moment_ns)

    def _shown(self, moment_ns: int | None, newest: int, count: int, width_ns: int) -> tuple[int, int]:
        """First and last index on screen: the newest columns, or those that stood there when the past was entered."""
        if moment_ns is None:
            self._window = None
            return newest - count + 1, newest
        if self._window is None or self._window[0] != width_ns:
            self._window = (width_ns, newest)
        at, last = moment_ns // width_ns, self._window[1]
        if not last - count < at <= last:
            # It comes to stand with a quarter of the screen beyond it.
            last = max(at, min(newest, at + count // 4))
        self._window = (width_ns, last)
        return last - count + 1, last

    def _grids_for(self, of: _Of) -> _Grids:
        """The columns for a zoom and grouping; those of the last few are kept, so that the way back changes nothing."""
        grids = self._grids.pop(of, None) or _Grids(of)
        self._grids[of] = grids
        while len(self._grids) > _KEPT_GRIDS:
            del self._grids[next(iter(self._grids))]
        return grids

    def moment_at(self, x: int) -> int | None:
        """The end of the column of time in column `x` of the pane, ns since the epoch; None outside the columns."""
        view = self._view
        if view is None or not 0 <= x < len(view.columns):
            return None
        return (view.first + x + 1) * view.width_ns - 1

    def price_at(self, y: int) -> int | None:
        """Price in ticks of the step in row `y` of the pane; None outside the rows."""
        view = self._view
        if view is None or not HEAD_ROWS <= y < HEAD_ROWS + view.rows:
            return None
        ticks = (view.high - (y - HEAD_ROWS)) * view.step
        return ticks if ticks > 0 else None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A drag moves in time."""
        self._pressed = event.x
        self.capture_mouse()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Without a drag it is a click: report the price of the row, in the past its moment too."""
        pressed, self._pressed = self._pressed, None
        self.release_mouse()
        if pressed is None or pressed != event.x:
            return
        ticks = self.price_at(event.y)
        if ticks is not None:
            self.post_message(PriceChosen(ticks))
        if self.picture is not None and self.picture.in_past:
            self._choose(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Let the readout follow the mouse, or the moment a drag."""
        if self._pressed is not None and self._pressed != event.x:
            self._pressed = -1
            self._choose(event.x)
            return
        ns, view = self.moment_at(event.x), self._view
        ticks = self.price_at(event.y)
        if ns is None or view is None or ticks is None:
            self.post_message(Pointed("heatmap", ticks))
        else:
            self.post_message(Pointed("heatmap", ticks, ns + 1 - view.width_ns, view.width_ns))

    def on_leave(self, event: events.Leave) -> None:
        """Let it go back to the cursor."""
        self.post_message(Pointed("heatmap"))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Look at higher prices; with Shift or Ctrl the wheel moves in time."""
        self._scroll(event, WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Look at lower prices; with Shift or Ctrl the wheel moves in time."""
        self._scroll(event, -WHEEL_ROWS)

    def _scroll(self, event: events.MouseScrollUp | events.MouseScrollDown, rows: int) -> None:
        choices = None if self.picture is None else self.picture.choices
        if not (event.shift or event.ctrl) and choices is not None and choices.centre is not None:
            event.stop()
            # The rows are the book's, which moves with the next picture.
            choices.centre += rows

    def _choose(self, x: int) -> None:
        ns = self.moment_at(x)
        if ns is not None:
            self.post_message(MomentChosen(ns))


def _cursor_row(pair: PairView, cursor: int | None, step: int) -> int | None:
    """Bucket of the row the cursor is in, as of the book beside it."""
    if cursor is None:
        return None
    below = bool(pair.bids) and cursor <= pair.bids[0][0]
    return cursor // step if below else -(-cursor // step)


def _notes(heat: HeatChoices, width_ns: int, *, strip: bool) -> list[str]:
    """What a cell is, for the title."""
    form = "linear" if heat.linear else "log"
    length = time_span(width_ns)
    cut = "automatic cut-off" if heat.cut is None else f"cut off below {heat.cut:g} %"
    return [length if strip else f"{length} a column", heat.weighing, form, cut]
