"""The pane of `kraken_tui.tui.draw.tape`."""

from __future__ import annotations

from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.draw.tape import draw_tape
from kraken_tui.tui.paint.pane import Pane


class TapePane(Pane):
    """Time and sales of the pair on screen."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_tape`."""
        return draw_tape(picture, width, height)
