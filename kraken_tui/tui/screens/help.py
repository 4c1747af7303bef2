"""The help: keys in force, the marks and words on the screen, how to read the three truths."""

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

from kraken_tui.tui.keymap import KeyMap, bindings, key_rows
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

MARKS = (
    ("▲ ▼", "Up and down: the last price rose or fell; a trade was an aggressive buy or sell; the touch lies "
     "further up or down."),
    ("▸ ◂", "The rows of the best bid and the best ask; ◂ on the price axis of the candles: the last price. ▸ before a "
     "replay's speed: it runs."),
    ("✓ … ✗", "Proven, being checked, failed; ✗ also before anything that has stopped. A text that ends in … was cut."),
    ("● ◐ ○", "In order, not quite, not there; ● REC: recording."),
    ("■", "Halted."),
    ("!", "Out of the ordinary: read the words beside it."),
    ("╱", "Not known: a row beyond the depth of the book, a time before the start or missing in a chart."),
    ("╳", "On the heatmap: the book was not proven then."),
    ("▵ ▴ ▲ ▿ ▾ ▼", "Trades on the heatmap, small, middling and large: aggressive buys point up, sells down."),
    ("▔ ▁", "On the heatmap, the best bid and, one row further up, the best ask."),
    ("·", "Below the candles: no trades. In the last minute of the imbalance: no proven book. After a price: "
     "unchanged. Between words: a separator."),
    ("+", "After a size of the book: at least so much, the rest of the row is not known."),
    ("« »", "The bar goes on: the size is larger than a full bar."),
    ("░ ▒ ▓", "Size on the heatmap where there are too few colours; ▒ is also a small rising candle, ▓ an own order in "
     "the bar of its level."),
    ("◆ ◇", "Own buys and own sells, on tape, candles and heatmap; ◆ also an own order whose quantity has no room."),
    ("[0.25] (0.25)", "What remains of an own order, at its price; in round brackets while not in the market yet. "
     "[0.75 ×2]: of two orders."),
    ("/0.25/ [0.25?]", "An own order whose cancel is on its way; one whose state is not verified. [0.25…]: an amend is "
     "on its way."),
    ("✓ 0.25 ✗ 0.25", "For three seconds at the price of an own order that has ended: filled; cancelled, expired or "
     "refused."),
    ("[T 0.25]", "A stop that waits, at its trigger price: it is not in the book."),
    ("┤ ├ ┊", "The price column of the book: every tenth step; dotted outside the band in which the touch may move "
     "before the book is centred again."),
    ("█ ▌ ▐ ▏ ▕ ▁", "Bars: length or height is size; one in twenty sizes in sight is longer than a full bar."),
    ("║ ┃ ╷ ╹ ─ ┴ ┬ ┼", "Candles: rising bodies are hollow, falling ones solid, thin lines are wicks; a flat line "
     "opened and closed at one price."),
    ("▴", "Under the candle that is still running."),
    ("┈ ╌", "Grid of round prices, and the last price across the chart."),
    ("× ≥ ≤ ± <", "Times, at least, at most, either way; <0.01: more than nothing, but less than one unit of what is "
     "shown."),
    ("–", "Not known yet."),
    ("K M B T", "Thousands, millions, billions, trillions. Other sizes show their first three digits, rounded."),
    ("+2", "Beside the tabs: so many more pairs than fit."),
)  # fmt: skip
"""Marks on the screen, and what they mean."""

KIN = {
    "█": "▉▊▋▌▍▎▏▕▐▀▁▂▃▄▅▆▇▖▗▘▙▛▜▝▞▟▔",
    "║": "┃╷╻╵╹╽╿│─┴┬┼",
    "┤": "├┊│",
    "─": "\ufffd",
}
"""By a mark: characters that are forms of it, or, after ─, that stand for one that cannot be shown."""

WORDS = (
    (
        "top 10 proven",
        "The exchange's checksum covers the ten best levels a side, after every message. An audit "
        "compares all levels with a second snapshot about every five minutes; before the first one, only the top ten "
        "are proven.",
    ),
    ("touch", "Best bid and best ask."),
    ("mid", "Half way between them."),
    ("microprice", "Mid weighted by the opposite side's size: where the next trade leans."),
    ("spread", "Best ask minus best bid, in price and in basis points (bps, 1/10,000) of the mid."),
    ("imbalance", "(bid - ask) / (bid + ask) of sizes over the levels named, -1 (all ask) to +1 (all bid)."),
    ("pressure", "Imbalance weighted by nearness to the mid, smoothed; BUY or SELL from 0.2, STRONG from 0.5."),
    ("VWAP", "Volume-weighted average price, of what is named beside it."),
    (
        "delta, CVD",
        "Aggressor buys minus sells, and its running sum. The tape's heading has the delta of the last minute "
        "in quote currency.",
    ),
    ("held, 3 wait", "Rows of the ladder stand still under mouse and cursor; 3 levels have no row yet."),
    (
        "heatmap",
        "Resting size over time: dark is little, bright is much; the heading names the two cut-offs, and whether a "
        "cell is the average or the greatest size of its column. The last column, apart, is not over yet.",
    ),
    (
        "±30 s",
        "Pull and stack: size added less size removed without trading at a price over the last seconds, of which older "
        "ones count less. The heading has both sides in all. Level 2 shows sizes, not orders: one that moves is pulled "
        "here and stacked there.",
    ),
    (
        "POC, VAH, VAL",
        "The price with the most volume, and the highest and lowest of those around it that hold 70 % of it.",
    ),
    ("volume at price", "sold | bought: lots traded at a price since the start, by aggressor."),
    ("wall, moved", "A large order appeared; a large order changed its price."),
    ("pulled, filled", "A large order left without trading; it left by trading."),
    ("sweep", "One order taking several levels."),
    (
        "buy to here",
        "At the cursor: average price, cost in bps of the mid and taker's fee (setting `taker_fee_pct`) of one order "
        "for all that rests up to that row; `sell to here` on the bids.",
    ),
    (
        "HISTORY",
        "A moment of the past in all panes, with its distance from now. Ages and proof are those of then; the feed "
        "runs on, and what is said of engine, recorder and connection is of now.",
    ),
    ("size, now", "In HISTORY, at the cursor: the row's size then and now, and what has traded there since."),
    (
        "L3",
        "Level 3: the single orders behind the book, with a proof of their own. A bar is then drawn as its orders, the "
        "first to be filled beside the price, those of less than a cell joined; ×12 is their count, with the largest "
        "and the age of the first where there is room.",
    ),
    (
        "3 ahead, 1.25",
        "Orders and size that stand before an own order, exact by level 3; `next` is the first. Hidden quantity ahead "
        "is not in it. ~1.25 ahead: estimated without level 3, as all that rests there besides the own orders: the "
        "most it can be. ?: outside the depth, or not proven.",
    ),
    (
        "≥ 1.2 hidden",
        "An iceberg: at least so much more was traded at this price than visibly left it, or a filled order came back "
        "with its own id; hid≥1.2 in short. `likely`, hid?1.2: filled orders were replaced at once by orders of the "
        "same size, which anybody can do.",
    ),
    (
        "ARMED, disarmed",
        "Whether a key can send an order now, and where to: LIVE, DEMO (play money), PAPER (simulated) or TEST "
        "(only checked by the exchange).",
    ),
    ("large", "From the threshold in the settings, or chosen from the pair's own sizes; the heading says it."),
    (
        "tape",
        "Time and sales, newest first; up is an aggressive buy. A row is a print: all fills of one taker's order, "
        "its last price, and how many fills they were.",
    ),
    (
        "tiers",
        "Four steps of a print's value. The bar begins at the first and is a quarter, half and all of its length "
        "at the others; from the second on numbers are brighter, then bold, then on a coloured ground.",
    ),
    ("latency", "Receive time minus the venue's timestamp, corrected by the measured clock offset."),
    ("resync", "A book is fetched again after a failed checksum or a gap."),
    ("engine silent", "The feed's own thread has not answered for so long; until it does nothing counts as proven."),
)
"""Words on the screen that a newcomer may not know."""

NOTES = (
    "Click a tab to show its pair; a price, a print or a flow event to put the cursor on its price.",
    "The last row reads what the mouse rests on, without moving the cursor, which a click or a key does.",
    "The wheel scrolls the prices; with Shift or Ctrl it moves in time.",
    "To select text with the mouse hold Shift (Option in iTerm2, Fn in Terminal.app).",
    "Click a key in the last row to press it.",
    "A key works in the views named behind its sentence, or in all of them.",
    "All keys can be changed under [keys] in the configuration file, by the names in the right column.",
    "Colours never stand alone: bids are left or below, asks right or above; up and down carry arrows.",
)


class HelpScreen(Dialog[None]):
    """Shows the help over the market, which keeps updating.

    Args:
        keymap: The keys in force.
        replay: Whether a recording is shown, whose keys are then listed too.
        visitor: Whether a visitor sees it in a browser, without the keys that a visitor has not.
    """

    BINDINGS = bindings("dialog", "help")

    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen > VerticalScroll { width: 96; max-width: 100%; height: 100%; max-height: 56; padding: 0 1;
        background: $background; border: round $kraken-accent; scrollbar-size-vertical: 1;
        scrollbar-background: $background; }
    HelpScreen Static { height: auto; color: $kraken-text; }
    """

    def __init__(self, keymap: KeyMap, *, replay: bool, visitor: bool = False, trade: bool = False) -> None:
        super().__init__()
        self._keymap = keymap
        self._replay = replay
        self._trade = trade
        self._visitor = visitor

    def compose(self) -> ComposeResult:
        """One scrolling page."""
        with VerticalScroll() as box:
            box.border_title = "Help"
            box.border_subtitle = f"{self._keymap.show('dialog.close')} closes, arrows scroll"
            yield Static(Group(*self._page()))

    def _page(self) -> Iterator[RenderableType]:
        rows = key_rows(self._keymap, replay=self._replay, visitor=self._visitor, trade=self._trade)
        for group, commands in groupby(rows, key=lambda row: row[0]):
            yield _heading(group)
            table = Table.grid(
                Column(width=14),
                Column(ratio=1),
                Column(min_width=18, no_wrap=True),
                padding=(0, 0, 0, 2),
                expand=True,
            )
            for _, keys, about, where, name in commands:
                sentence = Text(f"{about} ({where})" if where else about)
                table.add_row(Text(keys, "bold"), sentence, Text(name))
            yield table
        for title, entries in (("The three truths of a book", TRUTHS), ("Marks", MARKS), ("Words", WORDS)):
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
