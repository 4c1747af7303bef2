"""The pane of `kraken_tui.tui.draw.flow`."""

from __future__ import annotations

from textual import events

from kraken_tui.market.events import FlowEvent
from kraken_tui.tui.draw.flow import HEAD_ROWS, draw_flow, events_shown
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.paint.pane import Pane
from kraken_tui.tui.panes.book_rows import PriceChosen
from kraken_tui.tui.panes.pointing import Pointed


class FlowPane(Pane):
    """Flow events of the pair on screen; click one to put the cursor on its price."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_flow`."""
        return draw_flow(picture, width, height)

    def event_at(self, y: int) -> FlowEvent | None:
        """The event in row `y` of the pane; None where there is none."""
        shown = events_shown(self.picture, self.size.height) if self.picture else ()
        return shown[y - HEAD_ROWS] if 0 <= y - HEAD_ROWS < len(shown) else None

    def on_click(self, event: events.Click) -> None:
        """Report the price of the clicked event."""
        found = self.event_at(event.y)
        if found is not None:
            self.post_message(PriceChosen(found.price))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Let the readout follow the mouse."""
        found = self.event_at(event.y)
        self.post_message(Pointed("flow", None if found is None else found.price))

    def on_leave(self, event: events.Leave) -> None:
        """Let it go back to the cursor."""
        self.post_message(Pointed("flow"))
