"""Grouping, centre and cursor of one pair's book, moved by keys. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TypeVar

from kraken_tui.market.book.aggregation import bucket_of, nice_grouping, step_of, visible_range
from kraken_tui.market.events import Side
from kraken_tui.market.views import PairView
from kraken_tui.settings import GROUPINGS, Settings
from kraken_tui.tui.draw.picture import BookChoices, HeatChoices

Option = TypeVar("Option", int, float)

SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, inf)
"""Replay speeds the keys go through; the last is as fast as possible."""

_USUAL_ROWS = 30


def next_option(options: Sequence[Option], current: Option, direction: int) -> Option:
    """The option after (+1) or before (-1) the current one, or the last at either end. `options` ascend."""
    if direction > 0:
        return next((option for option in options if option > current), options[-1])
    return next((option for option in reversed(options) if option < current), options[0])


class BookControl:
    """What the user chose for one pair's book.

    Args:
        settings: Grouping and recentring policy to start with.

    Attributes:
        choices: What drawings read; the book's pane keeps `choices.centre`.
    """

    def __init__(self, settings: Settings) -> None:
        self.choices = BookChoices(
            grouping=settings.group or 1,
            recentre=settings.recentre,
            heat=HeatChoices(weighing=settings.heat_weighing, linear=settings.heat_scale == "linear"),
            pull_s=settings.pull_window_s,
        )
        self._choose_grouping = settings.group == 0

    def prepare(self, view: PairView | None, rows: int) -> BookChoices:
        """Choose the grouping once the price is known, for a book drawn on `rows` rows (0 while hidden)."""
        if self._choose_grouping and view is not None and view.spec is not None and view.bids and view.asks:
            mid = (view.bids[0][0] + view.asks[0][0]) // 2
            self.choices.grouping = nice_grouping(view.spec, mid, rows or _USUAL_ROWS, view.bids, view.asks)
            self._choose_grouping = False
        return self.choices

    def regroup(self, direction: int) -> None:
        """Group more (+1) or fewer (-1) prices in a row."""
        self.set_grouping(next_option(GROUPINGS, self.choices.grouping, direction))

    def set_grouping(self, grouping: int) -> None:
        """Choose a grouping, one of `settings.GROUPINGS`; the book is centred again, as its rows mean other prices."""
        self._choose_grouping = False
        if grouping != self.choices.grouping:
            self.choices.grouping = grouping
            self.choices.centre = None

    def clear_cursor(self) -> bool:
        """Remove the cursor.

        Returns:
            Whether there was one.
        """
        had = self.choices.cursor is not None
        self.choices.cursor = None
        return had

    def let_go(self, view: PairView | None, rows: int) -> None:
        """Remove the cursor where centring on the touch takes its row off the screen: its figures would go on alone."""
        cursor = self.choices.cursor
        if cursor is None or view is None or view.spec is None or not (view.bids or view.asks):
            return
        touch = [levels[0][0] for levels in (view.bids, view.asks) if levels]
        step = step_of(view.spec, self.choices.grouping)
        if min(abs(cursor - ticks) for ticks in touch) > (rows or _USUAL_ROWS) // 2 * step:
            self.choices.cursor = None

    def move_cursor(self, view: PairView | None, steps: int, rows: int) -> None:
        """Move the cursor by rows of the aggregated book, and the book with it where it would leave the screen.

        Without a cursor the first press puts one on the touch: on the best ask upwards, the best bid downwards.

        Args:
            view: The pair on screen.
            steps: Rows, positive is up.
            rows: Price rows on the screen, 0 while the book is hidden.
        """
        if view is None or view.spec is None:
            return
        step = step_of(view.spec, self.choices.grouping)
        cursor = self.choices.cursor
        if cursor is None:
            levels, side = (view.asks, Side.SELL) if steps > 0 else (view.bids, Side.BUY)
            if not levels:
                return
            bucket = bucket_of(levels[0][0], step, side)
        else:
            below = bool(view.bids) and cursor <= view.bids[0][0]
            bucket = max(1, bucket_of(cursor, step, Side.BUY if below else Side.SELL) + steps)
        self.choices.cursor = bucket * step
        if self.choices.centre is not None and rows > 0:
            low, high = visible_range(self.choices.centre, rows)
            self.choices.centre += min(0, bucket - low) + max(0, bucket - high)
