"""The pane of `kraken_tui.tui.draw.footer`."""

from __future__ import annotations

from functools import partial
from typing import Self

from kraken_tui.settings import Settings
from kraken_tui.tui.draw.footer import draw_footer
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.keymap import KeyMap, footer_items
from kraken_tui.tui.paint.pane import Pane


class FooterPane(Pane):
    """One row: a status (paused, cursor readout, slow terminal) and as many keys as fit beside it.

    Args:
        keymap: The keys in force.
    """

    def __init__(self, keymap: KeyMap, *, id: str | None = "footer") -> None:  # noqa: A002
        super().__init__(id=id)
        self._keys_for = partial(footer_items, keymap)

    @classmethod
    def for_screen(cls, name: str, settings: Settings, keymap: KeyMap) -> Self:
        """See `Pane.for_screen`."""
        return cls(keymap, id=name)

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_footer`."""
        return draw_footer(picture, width, self._keys_for)
