"""The pane of `kraken_tui.tui.draw.book`."""

from __future__ import annotations

from typing import Self

from textual import events

from kraken_tui.market.book.aggregation import (
    Centring,
    step_of,
    visible_range,
)
from kraken_tui.settings import Settings
from kraken_tui.tui.draw.book import TradedSums, draw_book, touch_buckets
from kraken_tui.tui.draw.book_rows import HEAD_ROWS, NOTHING_CHANGED
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.keymap import KeyMap
from kraken_tui.tui.paint.pane import Pane
from kraken_tui.tui.panes.book_rows import WHEEL_ROWS, ChangeTracker, PriceChosen


class BookPane(Pane):
    """The book by price steps; click for a price, wheel to move the rows."""

    def __init__(self, *, flash: bool = True, id: str | None = "book") -> None:  # noqa: A002
        super().__init__(id=id)
        self._tracker = ChangeTracker(flash)
        self._changed = NOTHING_CHANGED
        self._sums = TradedSums()
        self._centring: dict[str, tuple[int, Centring, int | None]] = {}
        self._held = False
        self._shown_for: tuple[str, int] = ("", 0)

    @classmethod
    def for_screen(cls, name: str, settings: Settings, keymap: KeyMap) -> Self:
        """See `Pane.for_screen`; where bandwidth is low, changed rows are not made brighter."""
        return cls(flash=not settings.low_bandwidth, id=name)

    def push(self, picture: Picture) -> None:
        if picture.pair is not None:
            self._changed = self._tracker.take(picture.pair)
        self.picture = picture
        self._centre_on(picture)
        super().push(picture)

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_book`."""
        return draw_book(picture, width, height, picture.choices.centre, self._changed, self._held, self._sums)

    def on_resize(self) -> None:
        if self.picture is not None:
            self._centre_on(self.picture)
        super().on_resize()

    def _centre_on(self, picture: Picture) -> None:
        """Let `Centring` choose the middle row and keep it in the user's choices."""
        view, state = picture.pair, picture.choices
        count = self.size.height - HEAD_ROWS
        if view is None or view.spec is None or count < 1:
            return
        step = step_of(view.spec, max(1, state.grouping))
        if self._shown_for != (view.symbol, step):
            self._shown_for = (view.symbol, step)
            self._held = False
        known_step, centring, known = self._centring.get(view.symbol, (step, Centring(state.recentre), None))
        centring.policy = state.recentre
        if state.centre is None or known_step != step:
            centring.reset()
            self._held = False
            known = state.centre = None
        bid, ask = touch_buckets(view, step)
        moved = 0
        if state.centre is not None:
            if known is None:
                # This pane is new; the centre is older than it.
                known = centring.on_view(bid, ask, count)
            moved = state.centre - known if known is not None else 0
            centring.shift(moved)
        held = self._held or state.cursor is not None or bool(moved)
        centre = centring.on_view(bid, ask, count, cursor_active=held)
        state.centre = centre
        self._centring[view.symbol] = (step, centring, centre)
        if self._held and centre is not None and self._touch_in_band(bid, ask, centre, count):
            self._held = False

    @staticmethod
    def _touch_in_band(bid: int | None, ask: int | None, centre: int, count: int) -> bool:
        first, last = Centring.band_rows(count)
        _, high = visible_range(centre, count)
        return all(first <= high - index <= last for index in (bid, ask) if index is not None)

    def recentre(self) -> None:
        """Put the touch back into the middle, regardless of the policy."""
        if self.picture is not None:
            self.picture.choices.centre = None
            self._redraw()

    def _redraw(self) -> None:
        if self.picture is not None:
            self._centre_on(self.picture)
            self._update()

    def price_at(self, y: int) -> int | None:
        """Price in ticks of the step in row `y` of the pane; None outside the rows."""
        picture = self.picture
        if picture is None or picture.pair is None or picture.pair.spec is None or picture.choices.centre is None:
            return None
        count = self.size.height - HEAD_ROWS
        if not HEAD_ROWS <= y < HEAD_ROWS + count:
            return None
        _, high = visible_range(picture.choices.centre, count)
        ticks = (high - (y - HEAD_ROWS)) * step_of(picture.pair.spec, max(1, picture.choices.grouping))
        return ticks if ticks > 0 else None

    def on_click(self, event: events.Click) -> None:
        """Report the price of the clicked row."""
        ticks = self.price_at(event.y)
        if ticks is not None:
            self.post_message(PriceChosen(ticks))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Look at higher prices."""
        event.stop()
        self._move(WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Look at lower prices."""
        event.stop()
        self._move(-WHEEL_ROWS)

    def _move(self, rows_up: int) -> None:
        if self.picture is None or self.picture.choices.centre is None:
            return
        self._held = True
        self.picture.choices.centre += rows_up
        self._redraw()
