"""The help: keys in force, the words on the screen, how to read the three truths."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from kraken_tui.tui.keymap import COMMANDS, KeyMap, bindings
from kraken_tui.tui.screens.dialog import Dialog

TRUTHS = (
    ("proof", "VERIFIED: after the last message the venue's checksum matched this book. CHECKING: no match yet since "
     "(re)subscribing. UNVERIFIED: it failed; the book is dimmed, gives no figures and is fetched again."),
    ("age", "Time since the venue's timestamp of the last change. STALE: nothing, or nothing recent, came for longer "
     "than the limit, so the market may have moved."),
    ("venue", "What the exchange says of itself and the pair: ONLINE, POST-ONLY, CANCEL-ONLY, LIMIT-ONLY, "
     "MAINTENANCE."),
)  # fmt: skip
"""The three truths of a book; any one of them can fail alone."""

WORDS = (
    ("touch", "Best bid and best ask."),
    ("mid", "Half way between them."),
    ("microprice", "Mid weighted by the opposite side's size: where the next trade leans."),
    ("spread", "Best ask minus best bid, in price and in basis points (bps, 1/10,000) of the mid."),
    ("imbalance", "(bid - ask) / (bid + ask) of sizes over the levels named, -1 (all ask) to +1 (all bid)."),
    ("pressure", "Imbalance weighted by nearness to the mid, smoothed; BUY or SELL from 0.2, STRONG from 0.5."),
    ("VWAP", "Volume-weighted average price, of what is named beside it."),
    ("held, 3 wait", "Rows of the ladder stand still under mouse and cursor; 3 levels have no row yet."),
    ("delta, CVD", "Aggressor buys minus sells, and its running sum."),
    ("volume at price", "sold | bought: lots traded at a price since the start, by aggressor."),
    ("wall, pulled", "A large order appeared; a large order left without trading."),
    ("sweep", "One order taking several levels; at the cursor, the average price and cost in bps of doing so."),
    ("large", "From the threshold in the settings, or chosen from recent sizes."),
    ("tape", "Time and sales: every trade, newest first; up is an aggressive buy."),
    ("latency", "Receive time minus the venue's timestamp, corrected by the measured clock offset."),
    ("resync", "A book is fetched again after a failed checksum or a gap."),
    ("engine silent", "The feed's own thread has not answered for so long; until it does nothing counts as proven."),
)
"""Words on the screen that a newcomer may not know."""

NOTES = (
    "Click a tab to show its pair, a price to put the cursor there; the wheel scrolls the aggregated book.",
    "To select text with the mouse hold Shift (Option in iTerm2, Fn in Terminal.app).",
    "All keys can be changed under [keys] in the configuration file, by the names in the right column.",
    "Colours never stand alone: bids are left or below, asks right or above; up and down carry arrows.",
)


class HelpScreen(Dialog[None]):
    """Shows the help over the market, which keeps updating.

    Args:
        keymap: The keys in force.
        replay: Whether a recording is shown, whose keys are then listed too.
    """

    BINDINGS = bindings("dialog", "help")

    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen > VerticalScroll { width: 96; max-width: 100%; height: 100%; max-height: 56; padding: 0 1;
        background: $background; border: round $kraken-accent; scrollbar-size-vertical: 1;
        scrollbar-background: $background; }
    HelpScreen Static { height: auto; color: $kraken-text; }
    """

    def __init__(self, keymap: KeyMap, *, replay: bool) -> None:
        super().__init__()
        self._keymap = keymap
        self._replay = replay

    def compose(self) -> ComposeResult:
        """One scrolling page."""
        with VerticalScroll() as box:
            box.border_title = "Help"
            box.border_subtitle = "Esc closes, arrows scroll"
            yield Static(Group(*self._page()))

    def _page(self) -> Iterator[RenderableType]:
        rows = key_rows(self._keymap, replay=self._replay)
        for group, commands in groupby(rows, key=lambda row: row[0]):
            yield _heading(group)
            table = Table.grid(
                Column(width=14), Column(ratio=1), Column(min_width=18, no_wrap=True), padding=(0, 0, 0, 2), expand=True
            )
            for _, keys, about, name in commands:
                table.add_row(Text(keys, "bold"), Text(about), Text(name, "dim"))
            yield table
        for title, entries in (("The three truths of a book", TRUTHS), ("Words", WORDS)):
            yield _heading(title)
            table = Table.grid(Column(width=16), Column(ratio=1), padding=(0, 0, 0, 2), expand=True)
            for word, meaning in entries:
                table.add_row(Text(word, "bold"), Text(meaning))
            yield table
        yield _heading("Mouse, selection, keys")
        for note in NOTES:
            yield Padding(Text(note), (0, 0, 0, 2))

    def action_close(self) -> None:
        """Back to the market."""
        self.dismiss(None)


def _heading(title: str) -> Padding:
    return Padding(Text(title, "bold underline"), (1, 0, 0, 0))


def key_rows(keymap: KeyMap, *, replay: bool) -> list[tuple[str, str, str, str]]:
    """(group, keys, sentence, command id) of every command, the nine pair keys in one row."""
    rows: list[tuple[str, str, str, str]] = []
    numbers = [command.id for command in COMMANDS if command.id[5:].isdigit()]
    for command in COMMANDS:
        if command.id in numbers[1:] or (command.id.startswith("replay.") and not replay):
            continue
        if command.id == numbers[0]:
            rows.append((command.group, keymap.show(*numbers), "Show a pair of the tabs.", "pair.1 to pair.9"))
        else:
            rows.append((command.group, keymap.show_all(command.id), command.tooltip, command.id))
    return rows
