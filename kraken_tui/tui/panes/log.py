"""The pane of `kraken_tui.tui.draw.log`."""

from __future__ import annotations

from kraken_tui.tui.draw.log import draw_log
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.paint.pane import Pane


class LogPane(Pane):
    """The program's log."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_log`."""
        return draw_log(picture.feed.log, width, height)
