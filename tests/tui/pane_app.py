"""An app with nothing but one pane, for tests of mounting, painting and the mouse."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.message import Message

from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.draw.themes import PALETTES
from kraken_tui.tui.paint.pane import Pane
from kraken_tui.tui.paint.styles import textual_theme
from kraken_tui.tui.panes.book_rows import PriceChosen
from kraken_tui.tui.panes.tabs import PairChosen


def text_of(line: Line) -> str:
    """The characters of a line."""
    return "".join(text for text, _ in line)


def texts(lines: list[Line]) -> list[str]:
    """The characters of all lines."""
    return [text_of(line) for line in lines]


def key_at(line: Line, column: int) -> str:
    """Style key of one cell."""
    for text, key in line:
        if column < len(text):
            return key
        column -= len(text)
    raise IndexError(column)


class PaneApp(App[None]):
    """Shows one pane and remembers what it reports."""

    def __init__(self, pane: Pane, palette_name: str = "dark") -> None:
        super().__init__()
        self.pane = pane
        self.palette_name = palette_name
        self.heard: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        for palette in PALETTES.values():
            self.register_theme(textual_theme(palette))
        self.theme = f"kraken-{self.palette_name}"

    def on_price_chosen(self, message: PriceChosen) -> None:
        self.heard.append(message)

    def on_pair_chosen(self, message: PairChosen) -> None:
        self.heard.append(message)
