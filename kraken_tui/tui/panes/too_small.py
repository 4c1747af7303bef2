"""The page for a terminal that is too small."""

from __future__ import annotations

from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.draw.too_small import draw_too_small
from kraken_tui.tui.layout import MINIMUM_HEIGHT, MINIMUM_WIDTH
from kraken_tui.tui.paint.pane import Pane


class TooSmallPane(Pane):
    """Says how large the terminal must be and how large it is."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_too_small`."""
        return draw_too_small((MINIMUM_WIDTH, MINIMUM_HEIGHT), width, height)
