"""The pane of `kraken_tui.tui.draw.health`."""

from __future__ import annotations

from kraken_tui.tui.draw.health import draw_health
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.paint.pane import Pane


class HealthPane(Pane):
    """Health of the market on screen and of the feed."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_health`."""
        return draw_health(picture, width, height)
