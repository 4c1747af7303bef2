"""The panes of `kraken_tui.tui.draw.tabs`: the top row, and the badge at its right end."""

from __future__ import annotations

from textual import events
from textual.message import Message

from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.draw.tabs import draw_badge, draw_tabs, tab_row
from kraken_tui.tui.paint.pane import Pane

PAUSED_BADGE = " PAUSED "
"""In the upper right corner while the screen is frozen."""


class PairChosen(Message):
    """A tab was clicked.

    Attributes:
        symbol: v2 symbol of its pair.
    """

    def __init__(self, symbol: str) -> None:
        super().__init__()
        self.symbol = symbol


class TabsPane(Pane):
    """The pairs of this session; click one to see it."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_tabs`."""
        return draw_tabs(picture, width, height)

    def pair_at(self, x: int) -> str | None:
        """Symbol of the tab at cell `x`; None outside the tabs."""
        if self.picture is None:
            return None
        spans = tab_row(self.picture, self.size.width).spans
        return next((symbol for start, end, symbol in spans if start <= x < end), None)

    def on_click(self, event: events.Click) -> None:
        """Report the pair of the clicked tab."""
        symbol = self.pair_at(event.x)
        if symbol is not None:
            self.post_message(PairChosen(symbol))


class BadgePane(Pane):
    """Says that the screen is frozen."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_badge`."""
        return draw_badge(PAUSED_BADGE.strip(), "mode", width, height)
