"""The pane of `kraken_tui.tui.draw.gauge`."""

from __future__ import annotations

from kraken_tui.tui.draw.gauge import draw_gauge
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.paint.pane import Pane


class GaugePane(Pane):
    """Imbalance, pressure and sweep cost of the proven book."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_gauge`."""
        return draw_gauge(picture, width, height)
