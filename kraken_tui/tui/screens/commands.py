"""The command palette: everything the keys do, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.widgets import LoadingIndicator

from kraken_tui.market.views import Mode
from kraken_tui.settings import DEPTHS, GROUPINGS, INTERVALS
from kraken_tui.text import clean_text
from kraken_tui.tui.keymap import COMMANDS, VISITOR_LACKS
from kraken_tui.tui.panes import views
from kraken_tui.tui.program import Program, program_of
from kraken_tui.tui.screens.dialog import ClosesOnce
from kraken_tui.words import interval_name

Entry = tuple[str, str, Callable[[], object]]
"""(name, help, what it does)."""

# Commands that need no entry: they are listed by value, or make no sense without a position.
_LISTED = ("pair.", "view.", "cursor.", "palette", "quit.always", "book.deeper", "book.shallower", "book.coarser",
           "book.finer", "candles.", "screen.theme", "replay.", "dialog.", "help.close")  # fmt: skip


class Commands(CommandPalette, ClosesOnce[None]):
    """Textual's palette; in a window too small for its list, keys that move in the list do nothing.

    Its search may report that it is busy or done after the palette was closed and emptied.
    """

    async def _watch__show_busy(self) -> None:
        if self.query(LoadingIndicator):
            await super()._watch__show_busy()

    def _watch__list_visible(self) -> None:
        if self.query(CommandList):
            super()._watch__list_visible()

    def _action_command_list(self, action: str) -> None:
        # Textual raises an error for paging in a list without a line on screen.
        if self.query_one(CommandList).scrollable_content_region:
            super()._action_command_list(action)


class KrakenCommands(Provider):
    """Offers pairs, depths, intervals, groupings, themes, views and the commands of the key map."""

    @property
    def program(self) -> Program:
        """The app, seen as a `Program`."""
        return program_of(self.app)

    def _entries(self) -> Iterator[Entry]:
        program = self.program
        main = program.main
        yield from self._commands()
        for view in views().values():
            yield f"View: {view.title}", "What the body of the screen shows", partial(main.set_view, view.name)
        for tab in program.source.feed_view.tabs:
            symbol = tab.symbol
            yield f"Pair: {symbol}", "Show this pair", partial(main.show_pair, symbol)
            yield f"Close pair: {symbol}", "Unsubscribe this pair", partial(program.source.remove_pair, symbol)
        # A recording has the depth it was made with, a visitor that of the server.
        fixed = program.visitor or program.source.feed_view.mode is Mode.REPLAY
        for depth in () if fixed else DEPTHS:
            yield f"Depth: {depth} levels", "Resubscribe all books", partial(program.source.set_depth, depth)
        for minutes in INTERVALS:
            yield f"Candles: {interval_name(minutes)}", "Candle interval", partial(program.source.set_interval, minutes)
        for grouping in GROUPINGS:
            name = f"Grouping: {grouping} x the price step"
            yield name, "Rows of the aggregated book", partial(main.set_grouping, grouping)
        for theme in program.theme_names():
            yield f"Theme: {theme}", "Colours", partial(program.set_theme, theme)

    def _commands(self) -> Iterator[Entry]:
        program = self.program
        replay = program.source.feed_view.mode is Mode.REPLAY
        for command in COMMANDS:
            listed = command.id.startswith(_LISTED) and command.id not in ("pair.find", "pair.next", "pair.previous")
            if program.visitor and command.needs in VISITOR_LACKS:
                continue
            if command.needs == "trade" and not program.source.trades:
                continue
            if listed and not (replay and command.id.startswith("replay.")):
                continue
            key = program.keymap_in_force.show(command.id)
            name = command.label[:1].upper() + command.label[1:]
            yield f"{name} ({key})", command.tooltip, partial(self._run, command.id)

    async def _run(self, command_id: str) -> None:
        await self.program.main.action_command(command_id)

    async def discover(self) -> Hits:
        """The commands, before anything is typed."""
        for name, about, run in self._entries():
            yield DiscoveryHit(clean_text(name), run, help=about)

    async def search(self, query: str) -> Hits:
        """Entries that match the typed text, and pairs of the exchange that have no tab yet."""
        matcher = self.matcher(query)
        shown = {tab.symbol for tab in self.program.source.feed_view.tabs}
        found: list[Entry] = [
            (f"Add pair: {symbol}", "Subscribe and show", partial(self.program.main.add_pair, symbol))
            for symbol in self.program.source.search(query.strip(), 20)
            if symbol not in shown
        ]
        for name, about, run in (*self._entries(), *found):
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, matcher.highlight(clean_text(name)), run, help=about)
