"""The pane of `kraken_tui.tui.draw.ladder`."""

from __future__ import annotations

from typing import Self

from textual import events

from kraken_tui.market.views import PairView
from kraken_tui.settings import Settings
from kraken_tui.tui.draw.book_rows import HEAD_ROWS, NOTHING_CHANGED
from kraken_tui.tui.draw.ladder import draw_ladder
from kraken_tui.tui.draw.ladder_rows import LadderRows, PlacedRows
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.keymap import KeyMap
from kraken_tui.tui.paint.pane import Pane
from kraken_tui.tui.panes.book_rows import WHEEL_ROWS, ChangeTracker, PriceChosen
from kraken_tui.tui.panes.pointing import Pointed


class LadderPane(Pane):
    """Exact levels around the touch; click for a price, wheel to look further out.

    Its rows hold, and stand quite still while the mouse, a drag or the cursor rests on them.
    """

    def __init__(self, *, flash: bool = True, id: str | None = "ladder") -> None:  # noqa: A002
        super().__init__(id=id)
        self._tracker = ChangeTracker(flash)
        self._changed = NOTHING_CHANGED
        self._symbol = ""
        self._rows = LadderRows()
        self._placed = PlacedRows(())
        self._mouse_rests = False
        self._button_down = False
        self._pressed: int | None = None
        self.offset_rows = 0
        """Rows the touch is moved down from the middle; 0 follows the touch."""

    @classmethod
    def for_screen(cls, name: str, settings: Settings, keymap: KeyMap) -> Self:
        """See `Pane.for_screen`; where bandwidth is low, changed sizes are not made brighter."""
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
        view = picture.pair
        self._placed = PlacedRows(())
        if view is not None and view.spec is not None and (view.bids or view.asks):
            # The viewer's clock, not the recording's: rows hold for the eye.
            made_ns = view.made_ns if view.made_ns is not None else picture.feed.made_ns
            now_ns = view.now_ns if made_ns is None else made_ns
            held = self._held(picture, view)
            body = max(0, height - HEAD_ROWS)
            self._placed = self._rows.take(view, body, now_ns, held=held, offset=self.offset_rows)
        return draw_ladder(picture, width, height, self._changed, self.offset_rows, self._placed)

    def _held(self, picture: Picture, view: PairView) -> bool:
        """Whether somebody is about to read or click a row."""
        if self._button_down or (self._mouse_rests and self.app.app_focus):
            return True
        cursor = picture.choices.cursor
        return cursor is not None and self._rows.spans(cursor)

    def price_at(self, y: int) -> int | None:
        """Price in ticks shown in row `y` of the pane; None where there is none."""
        row = y - HEAD_ROWS
        if not 0 <= row < len(self._placed.prices):
            return None
        ticks = self._placed.prices[row]
        return ticks if ticks > 0 else None

    def recentre(self) -> None:
        """Put the touch back into the middle, whatever rests there."""
        self._mouse_rests = False
        self._rows.start_over()
        self.offset_rows = 0
        self._update()

    def _look_at(self, rows: int) -> None:
        view = self.picture.pair if self.picture else None
        if view is None:
            return
        rows = max(-len(view.bids), min(len(view.asks), rows))
        if rows != self.offset_rows:
            self.offset_rows = rows
            self._update()

    def on_enter(self, event: events.Enter) -> None:
        """Let the rows stand still under the mouse."""
        self._mouse_rests = True

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """As `on_enter`: the mouse may have been here before the pane was. The readout follows it."""
        self._mouse_rests = True
        self.post_message(Pointed("ladder", self.price_at(event.y)))

    def on_leave(self, event: events.Leave) -> None:
        """Let them move again."""
        self._mouse_rests = False
        self.post_message(Pointed("ladder"))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Remember the price that is shown where the button went down."""
        self._button_down = True
        self._pressed = self.price_at(event.y)
        self.capture_mouse()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Choose the price that was shown where the button went down, if it came up in the pane."""
        ticks, self._pressed = self._pressed, None
        self._button_down = False
        self.release_mouse()
        if ticks is not None and 0 <= event.x < self.size.width and 0 <= event.y < self.size.height:
            self.post_message(PriceChosen(ticks))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Look at higher prices; with Shift or Ctrl the wheel moves in time."""
        if not (event.shift or event.ctrl):
            event.stop()
            self._look_at(self.offset_rows + WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Look at lower prices; with Shift or Ctrl the wheel moves in time."""
        if not (event.shift or event.ctrl):
            event.stop()
            self._look_at(self.offset_rows - WHEEL_ROWS)
