"""The pane of `kraken_tui.tui.draw.ladder`."""

from __future__ import annotations

from typing import Self

from textual import events

from kraken_tui.settings import Settings
from kraken_tui.tui.draw.book_rows import HEAD_ROWS, NOTHING_CHANGED
from kraken_tui.tui.draw.ladder import draw_ladder, ladder_row_of
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.keymap import KeyMap
from kraken_tui.tui.paint.pane import Pane
from kraken_tui.tui.panes.book_rows import WHEEL_ROWS, ChangeTracker, PriceChosen


class LadderPane(Pane):
    """Exact levels around the touch; click for a price, wheel to look further out."""

    def __init__(self, *, flash: bool = True, id: str | None = "ladder") -> None:  # noqa: A002
        super().__init__(id=id)
        self._tracker = ChangeTracker(flash)
        self._changed = NOTHING_CHANGED
        self._symbol = ""
        self.offset_rows = 0
        """Rows the touch is moved down from the middle; 0 follows the touch."""

    @classmethod
    def for_screen(cls, name: str, settings: Settings, keymap: KeyMap) -> Self:
        """See `Pane.for_screen`; where bandwidth is low, changed rows are not made brighter."""
        return cls(flash=not settings.low_bandwidth, id=name)

    def push(self, picture: Picture) -> None:
        view = picture.pair
        if view is not None:
            self._changed = self._tracker.take(view)
            if view.symbol != self._symbol:
                self._symbol = view.symbol
                self.offset_rows = 0
        super().push(picture)

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_ladder`."""
        return draw_ladder(picture, width, height, self._changed, self.offset_rows)

    def price_at(self, y: int) -> int | None:
        """Price in ticks of the level in row `y` of the pane; None where no level is drawn."""
        view = self.picture.pair if self.picture else None
        if view is None or view.spec is None or not HEAD_ROWS <= y < self.size.height:
            return None
        distance = y - HEAD_ROWS - ladder_row_of(self.size.height, self.offset_rows)
        levels, number = (view.bids, distance - 1) if distance > 0 else (view.asks, -distance - 1)
        return levels[number][0] if 0 <= number < len(levels) else None

    def recentre(self) -> None:
        """Put the touch back into the middle."""
        self._look_at(0)

    def _look_at(self, rows: int) -> None:
        view = self.picture.pair if self.picture else None
        if view is None:
            return
        rows = max(-len(view.bids), min(len(view.asks), rows))
        if rows != self.offset_rows:
            self.offset_rows = rows
            self._update()

    def on_click(self, event: events.Click) -> None:
        """Report the price of the clicked level."""
        ticks = self.price_at(event.y)
        if ticks is not None:
            self.post_message(PriceChosen(ticks))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Look at higher prices."""
        event.stop()
        self._look_at(self.offset_rows + WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Look at lower prices."""
        event.stop()
        self._look_at(self.offset_rows - WHEEL_ROWS)
