"""What is shown on a terminal too small for honest numbers."""

from __future__ import annotations

from kraken_tui.tui.layout import MINIMUM_HEIGHT, MINIMUM_WIDTH
from kraken_tui.tui.paint.pane import Frame, Line, Pane, blank


class TooSmallPane(Pane):
    """Says how large the terminal must be and how large it is."""

    def draw(self, frame: Frame, width: int, height: int) -> list[Line]:
        """Centre the sentence, split over as many rows as it needs and there are."""
        words = (
            f"kraken-tui needs {MINIMUM_WIDTH}x{MINIMUM_HEIGHT}, better 80x24 or larger; "
            f"this is {width}x{height}. q quits"
        ).split()
        lines = [""]
        for word in words:
            longer = f"{lines[-1]} {word}".strip()
            if len(longer) > width - 2 and lines[-1]:
                lines.append(word)
            else:
                lines[-1] = longer
        top = max(0, (height - len(lines)) // 2)
        drawn: list[Line] = [blank(width) for _ in range(top)]
        drawn += [((line.center(width), "warn"),) for line in lines]
        return drawn[:height]
