"""The last row: what is out of the ordinary, else the keys that matter most."""

from __future__ import annotations

from kraken_tui.tui.draw.format import to_ascii
from kraken_tui.tui.keymap import KeyMap, footer_items
from kraken_tui.tui.paint.pane import Frame, Line, Pane, Run, blank


class FooterPane(Pane):
    """One row: a status (paused, cursor readout, slow terminal) and as many keys as fit beside it.

    Args:
        keymap: The keys in force.
    """

    def __init__(self, keymap: KeyMap) -> None:
        super().__init__(id="footer")
        self.keymap = keymap
        self.status: Line = ()

    def draw(self, frame: Frame, width: int, height: int) -> list[Line]:
        """Draw the row; a status is never cut to make room for keys."""
        runs: list[Run] = list(self.status)
        used = sum(len(text) for text, _ in runs)
        for keys, label in footer_items(self.keymap, width - used):
            runs += [(f" {keys}", "accent"), (f" {label} ", "muted")]
        lines: list[Line] = [tuple(runs)]
        return to_ascii(lines) if frame.ascii_only else lines


class BadgePane(Pane):
    """One row in the colours of a badge.

    Args:
        text: What it says.
        role: Colour role of its background.
    """

    def __init__(self, text: str, role: str) -> None:
        super().__init__(id="badge")
        self.text = text
        self.role = role

    def draw(self, frame: Frame, width: int, height: int) -> list[Line]:
        """Draw the badge, centred."""
        line: Line = ((self.text.center(width), f"!badge/{self.role}"),)
        return [line, *(blank(width) for _ in range(height - 1))]
