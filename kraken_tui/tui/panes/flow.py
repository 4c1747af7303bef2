"""The pane of `kraken_tui.tui.draw.flow`."""

from __future__ import annotations

from kraken_tui.tui.draw.flow import draw_flow
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.paint.pane import Pane


class FlowPane(Pane):
    """Flow events of the pair on screen."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_flow`."""
        return draw_flow(picture, width, height)
