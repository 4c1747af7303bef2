"""The pane of `kraken_tui.tui.draw.header`."""

from __future__ import annotations

from kraken_tui.tui.draw.header import draw_header
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.paint.pane import Pane


class HeaderPane(Pane):
    """Price, change, spread, and whether the book may be believed."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_header`."""
        return draw_header(picture, width, height)
