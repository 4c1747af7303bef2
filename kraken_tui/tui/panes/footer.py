"""The pane of `kraken_tui.tui.draw.footer`."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Self

from textual import events
from textual.message import Message

from kraken_tui.settings import Settings
from kraken_tui.tui.draw.footer import draw_footer, footer_row
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.keymap import KeyMap, footer_items
from kraken_tui.tui.paint.pane import Pane


class CommandChosen(Message):
    """A key of the footer was clicked.

    Attributes:
        command_id: Its command.
    """

    def __init__(self, command_id: str) -> None:
        super().__init__()
        self.command_id = command_id


class FooterPane(Pane):
    """One row: a status (paused, cursor readout, slow terminal) and the keys that fit beside it; click one to press it.

    Args:
        keymap: The keys in force.
    """

    def __init__(self, keymap: KeyMap, *, id: str | None = "footer") -> None:  # noqa: A002
        super().__init__(id=id)
        # The same from picture to picture, until the view or the status changes.
        self._items_for = lru_cache(maxsize=16)(partial(footer_items, keymap))

    @classmethod
    def for_screen(cls, name: str, settings: Settings, keymap: KeyMap) -> Self:
        """See `Pane.for_screen`."""
        return cls(keymap, id=name)

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_footer`."""
        return draw_footer(picture, width, self._items_for)

    def command_at(self, x: int) -> str | None:
        """Command of the key or word at cell `x`; None beside them."""
        if self.picture is None:
            return None
        spans = footer_row(self.picture, self.size.width, self._items_for).spans
        return next((command for start, end, command in spans if start <= x < end), None)

    def on_click(self, event: events.Click) -> None:
        """Report the command of what was clicked."""
        command_id = self.command_at(event.x)
        if command_id is not None:
            self.post_message(CommandChosen(command_id))
