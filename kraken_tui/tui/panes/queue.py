"""The pane of `kraken_tui.tui.draw.queue`."""

from __future__ import annotations

from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.queue import draw_queue
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.panes.account import ScrolledPane


class QueuePane(ScrolledPane):
    """The single orders of the level under the cursor."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_queue`."""
        return draw_queue(picture, width, height)
