"""The pane of `kraken_tui.tui.draw.tape`."""

from __future__ import annotations

from textual import events

from kraken_tui.market.events import Print
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.draw.tape import HEAD_ROWS, draw_tape, prints_shown
from kraken_tui.tui.paint.pane import Pane
from kraken_tui.tui.panes.book_rows import PriceChosen
from kraken_tui.tui.panes.pointing import Pointed


class TapePane(Pane):
    """Time and sales of the pair on screen; click a print to put the cursor on its price."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_tape`."""
        return draw_tape(picture, width, height)

    def print_at(self, y: int) -> Print | None:
        """The print in row `y` of the pane; None where there is none."""
        shown = prints_shown(self.picture, self.size.height) if self.picture else []
        return shown[y - HEAD_ROWS] if 0 <= y - HEAD_ROWS < len(shown) else None

    def on_click(self, event: events.Click) -> None:
        """Report the price of the clicked print."""
        printed = self.print_at(event.y)
        if printed is not None:
            self.post_message(PriceChosen(printed.last))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Let the readout follow the mouse."""
        printed = self.print_at(event.y)
        self.post_message(Pointed("tape", None if printed is None else printed.last))

    def on_leave(self, event: events.Leave) -> None:
        """Let it go back to the cursor."""
        self.post_message(Pointed("tape"))
