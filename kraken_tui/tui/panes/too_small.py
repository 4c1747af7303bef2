"""The page for a terminal that is too small."""

from __future__ import annotations

from typing import Self

from kraken_tui.settings import Settings
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.draw.too_small import draw_too_small
from kraken_tui.tui.keymap import KeyMap
from kraken_tui.tui.layout import MINIMUM_HEIGHT, MINIMUM_WIDTH
from kraken_tui.tui.paint.pane import Pane


class TooSmallPane(Pane):
    """Says how large the terminal must be and how large it is.

    Args:
        leave: Key that ends the program.
    """

    def __init__(self, leave: str, *, id: str | None = "too_small") -> None:  # noqa: A002
        super().__init__(id=id)
        self._leave = leave

    @classmethod
    def for_screen(cls, name: str, settings: Settings, keymap: KeyMap) -> Self:
        """See `Pane.for_screen`."""
        return cls(keymap.show("quit"), id=name)

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_too_small`."""
        return draw_too_small((MINIMUM_WIDTH, MINIMUM_HEIGHT), self._leave, width, height)
