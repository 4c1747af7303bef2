"""The pane of `kraken_tui.tui.draw.cvd`."""

from __future__ import annotations

from kraken_tui.tui.draw.cvd import draw_cvd
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.paint.pane import Pane


class CvdPane(Pane):
    """Cumulative delta by tiers, below the book beside a heatmap."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_cvd`."""
        return draw_cvd(picture.pair, picture.choices.heat.seen_ns, width, height)
