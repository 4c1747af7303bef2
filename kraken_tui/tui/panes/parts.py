"""Small things several panes draw."""

from __future__ import annotations

from rich.cells import cell_len

from kraken_tui.text import REPLACEMENT
from kraken_tui.tui.draw.format import shorten
from kraken_tui.tui.paint.pane import Line, blank, title_line


def one_cell(text: str) -> str:
    """Text in which every character takes one cell, as panes require; wide and combining ones are replaced."""
    if text.isascii():
        return text
    return "".join(character if cell_len(character) == 1 else REPLACEMENT for character in text)


def draw_waiting(title: str, sentence: str, width: int, height: int) -> list[Line]:
    """A titled pane with one muted sentence in its middle."""
    lines = [title_line(title, "", width)]
    lines += [blank(width)] * max(0, height // 2 - 1)
    lines.append(((shorten(sentence, width).center(width), "muted"),))
    return lines
