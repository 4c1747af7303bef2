"""The dialog that finds a pair of the exchange as its name is typed."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from kraken_tui.engine.api import MarketSource
from kraken_tui.text import clean_text
from kraken_tui.tui.keymap import bindings
from kraken_tui.tui.screens.dialog import Dialog

_LONGEST_NAME = 24
_LIMIT = 50


class FindPair(Dialog[str | None]):
    """Asks for a pair; dismissed with its symbol, or None.

    Args:
        source: Searched at every key press.
        close: Key that closes the dialog.
    """

    BINDINGS = bindings("dialog")

    DEFAULT_CSS = """
    FindPair { align: center middle; }
    FindPair > Vertical { width: 44; max-width: 100%; height: 18; max-height: 100%; background: $background;
        border: round $kraken-accent; padding: 0 1; }
    FindPair Input, FindPair Input:focus { border: none; height: 1; padding: 0; background: $panel; }
    FindPair OptionList, FindPair OptionList:focus { border: none; height: 1fr; padding: 0; background: $background; }
    FindPair Static { height: 1; color: $kraken-muted; }
    FindPair .problem { color: $kraken-warn; }
    """

    _MOVES: ClassVar[dict[str, str]] = {
        "up": "cursor_up",
        "down": "cursor_down",
        "pageup": "page_up",
        "pagedown": "page_down",
    }

    def __init__(self, source: MarketSource, close: str) -> None:
        super().__init__()
        self._source = source
        self._close = close
        self._found: list[str] = []
        self._input = Input(placeholder="BTC/USD, btcusd, XBT...", max_length=_LONGEST_NAME)
        self._list = OptionList()
        self._list.can_focus = False
        self._note = Static("", markup=False)

    def compose(self) -> ComposeResult:
        """Title, input, matches, one line of advice."""
        with Vertical() as box:
            box.border_title = "Find pair"
            yield self._input
            yield self._list
            yield self._note

    def on_mount(self) -> None:
        self._input.focus()
        self._search()

    @property
    def _typed(self) -> str:
        return clean_text(self._input.value, _LONGEST_NAME).strip()

    @on(Input.Changed)
    def _search(self) -> None:
        self._found = self._source.search(self._typed, _LIMIT)
        self._list.clear_options()
        self._list.add_options([Option(self._row_of(symbol), id=symbol) for symbol in self._found])
        if self._found:
            self._list.highlighted = 0
        self._advise()

    def _row_of(self, symbol: str) -> Text:
        """A row of the list: a tokenised share must not pass for the share itself."""
        name = clean_text(symbol, 30)
        return Text(f"{name}  tokenised" if self._source.is_tokenised(symbol) else name)

    def _advise(self) -> None:
        known = bool(self._found) or bool(self._source.search("", 1))
        problem = known and not self._found
        if problem:
            text = f'no pair matches "{self._typed}"'
        elif not known:
            text = "the pair list is not here yet; Enter tries the name"
        else:
            text = f"Enter shows, {self._close} closes; {len(self._found)} found"
        self._note.update(text)
        self._note.set_class(problem, "problem")

    def on_key(self, event: events.Key) -> None:
        """The arrow keys move in the list while the input keeps the focus."""
        if (move := self._MOVES.get(event.key)) is not None:
            event.stop()
            # Textual raises an error for moving in a list without a line on screen.
            if self._list.scrollable_content_region:
                getattr(self._list, f"action_{move}")()

    @on(Input.Submitted)
    def _enter(self) -> None:
        if self._found:
            self.dismiss(self._found[self._list.highlighted or 0])
        elif self._typed and not self._source.search("", 1):
            self.dismiss(self._typed)
        else:
            self._advise()

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        # By name: the list may have been narrowed since the click.
        self.dismiss(event.option_id)

    def action_close(self) -> None:
        """Close without a choice."""
        self.dismiss(None)
