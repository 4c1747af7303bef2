"""The market screen: all panes, one view of them at a time, and what the market keys do."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from msgspec.structs import replace
from textual import events, on
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from kraken_tui.engine.api import MarketSource
from kraken_tui.market.freshness import aged, aged_feed
from kraken_tui.market.views import FeedView, Mode, PairView
from kraken_tui.settings import DEPTHS, INTERVALS, Settings
from kraken_tui.tui.book_control import SPEEDS, BookControl, next_option
from kraken_tui.tui.draw.book_rows import HEAD_ROWS
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.draw.status import cursor_parts, feed_parts, fitting
from kraken_tui.tui.draw.themes import PALETTES
from kraken_tui.tui.keymap import KeyMap, bindings
from kraken_tui.tui.layout import Places, Rect, Size, arrange, size_class
from kraken_tui.tui.paint.pacing import Pacer
from kraken_tui.tui.paint.pane import LivePart, Pane
from kraken_tui.tui.panes import BOOK, CHARTS, PANES, PaneRow, cycle_of, stands_in
from kraken_tui.tui.panes.book_rows import PriceChosen
from kraken_tui.tui.panes.tabs import PAUSED_BADGE, PairChosen
from kraken_tui.tui.program import Program, program_of
from kraken_tui.units import SECOND

_PENDING_S = 5.0
_PAUSE_STALE_NS = 5 * SECOND


class MarketScreen(Screen[None], inherit_bindings=False):
    """Shows one pair; knows which, in which view, and what the user chose for each pair.

    Args:
        source: Where views come from and commands go.
        settings: First choices.
        keymap: The keys in force, for the footer.
        ascii_only: Whether the terminal cannot show box drawing.
    """

    AUTO_FOCUS = ""
    BINDINGS = bindings("main")

    DEFAULT_CSS = """
    MarketScreen { overflow: hidden; }
    MarketScreen > * { position: absolute; display: none; }
    """

    def __init__(self, source: MarketSource, settings: Settings, keymap: KeyMap, *, ascii_only: bool) -> None:
        super().__init__()
        self.source = source
        self.settings = settings
        self.keymap = keymap
        self.ascii_only = ascii_only
        self.view = BOOK.name
        self.alone: str | None = None
        self.symbol = ""
        self.frozen: tuple[PairView | None, FeedView] | None = None
        self._controls: dict[str, BookControl] = {}
        self._tab = 0
        self._pending_until: float | None = None
        self._places: Places = {}
        self._everything = True
        self._silent = False
        self._flash = ("", 0.0)
        self._panes: dict[str, LivePart] = {}
        self._make(row.name for row in PANES if not row.late)

    def _make(self, names: Iterable[str]) -> list[LivePart]:
        """Make the widgets of these panes that are not there yet."""
        names = set(names) - self._panes.keys()
        made = {row.name: self._made(row) for row in PANES if row.name in names}
        self._panes |= made
        return [*made.values()]

    def _made(self, row: PaneRow) -> LivePart:
        module, _, name = row.widget.partition(":")
        module = module if "." in module else f"kraken_tui.tui.panes.{module}"
        widget: type[LivePart] = getattr(import_module(module), name)
        return widget.for_screen(row.name, self.settings, self.keymap)

    @property
    def program(self) -> Program:
        """The app, seen as a `Program`."""
        return program_of(self.app)

    def compose(self) -> ComposeResult:
        """All panes at once, in their places from the first layout on; the layout decides which are seen."""
        places = arrange(*self.app.size, self.view)
        self._make(places)
        for name, pane in self._panes.items():
            self._place(pane, None, places.get(name))
        self._places = places
        self.push(self.program.pacer, self.program.clock(), everything=True)
        yield from self._panes.values()

    def on_resize(self, event: events.Resize) -> None:
        self.relayout(event.size.width, event.size.height)

    # --- layout -----------------------------------------------------------------------------------------------

    def relayout(self, width: int | None = None, height: int | None = None) -> None:
        """Give every pane its place for the size and the view, hide the others, and draw at the next tick."""
        size = self.app.size
        width = size.width if width is None else width
        height = size.height if height is None else height
        badge = len(PAUSED_BADGE) if self.paused else 0
        places = arrange(width, height, self.view, alone=self.alone, badge=badge)
        if late := self._make(places):
            self.mount_all(late)
        with self.app.batch_update():
            for name, pane in self._panes.items():
                self._place(pane, self._places.get(name), places.get(name))
        self._places = places
        self._everything = True

    @staticmethod
    def _place(pane: Widget, old: Rect | None, new: Rect | None) -> None:
        if new == old:
            return
        pane.display = new is not None
        if new is not None:
            pane.styles.offset = (new.x, new.y)
            pane.styles.width = new.width
            pane.styles.height = new.height

    @property
    def places(self) -> Places:
        """Places of the visible panes."""
        return dict(self._places)

    @property
    def painted(self) -> set[Widget]:
        """The screen and its panes: widgets that never lie over one another."""
        return {self, *(pane for pane in self._panes.values() if isinstance(pane, Pane))}

    @property
    def book_rows(self) -> int:
        """Price rows of the aggregated book on screen; 0 while it is hidden."""
        place = self._places.get("book")
        return 0 if place is None else max(0, place.height - HEAD_ROWS)

    # --- drawing ----------------------------------------------------------------------------------------------

    def newest(self) -> tuple[PairView | None, FeedView]:
        """The pair and feed on screen, as old as they are now; while paused the pair stands still, its age does not."""
        now_ns = self.source.now()
        feed = aged_feed(self.source.feed_view, now_ns)
        if self.frozen is not None:
            pair = self.frozen[0]
            return (None if pair is None else _paused(pair, feed.made_ns, now_ns)), feed
        pair = self.source.view(self.symbol) if self.symbol else None
        return (None if pair is None else aged(pair, now_ns)), feed

    @property
    def paused(self) -> bool:
        """Whether the screen is frozen (a paused recording is not)."""
        return self.frozen is not None

    @property
    def control(self) -> BookControl:
        """What the user chose for the book of the pair on screen."""
        control = self._controls.get(self.symbol)
        if control is None:
            control = self._controls[self.symbol] = BookControl(self.settings)
        return control

    def push(self, pacer: Pacer, now: float, *, everything: bool = False) -> None:
        """Draw the panes that are due.

        Args:
            pacer: Decides which are due.
            now: The app's clock, s.
            everything: Draw all visible panes, due or not.
        """
        self._follow_tabs(now)
        everything = everything or self._everything
        self._everything = False
        pair, feed = self.newest()
        if bool(feed.silent_ns) != self._silent:
            # All panes turn at once, whatever their rates: none may look fresh beside another that does not.
            self._silent = not self._silent
            everything = True
        choices = self.control.prepare(pair, self.book_rows)
        problem = "" if pair is not None else next((tab.problem for tab in feed.tabs if tab.symbol == self.symbol), "")
        step = self.source.step() if feed.silent_ns else ""
        status = self._status(pair, feed, pacer, now, step)
        picture = Picture(
            pair,
            feed,
            choices,
            self.ascii_only,
            problem,
            status,
            step,
            history=self.source.history(self.symbol) if self.symbol else None,
            price_rows=self.book_rows,
            density=self.app.no_color or PALETTES[self.program.palette_name].ansi,
        )
        for name in self._places:
            if everything or pacer.due(name, now):
                self._panes[name].push(picture)

    def flash(self, text: str, until: float) -> None:
        """Show a few words at the left of the last row until a time of the app's clock."""
        self._flash = (text, until)

    def _status(self, pair: PairView | None, feed: FeedView, pacer: Pacer, now: float, step: str) -> Line:
        behind = None if self.frozen is None else max(0, feed.messages - self.frozen[1].messages)
        fps = pacer.fps if pacer.slowed else None
        parts = feed_parts(feed, behind=behind, fps=fps, resume=self.keymap.show("feed.pause"), step=step)
        text, until = self._flash
        if now < until:
            parts.append(((f" {text} ", "bright/tab"),))
        parts += cursor_parts(pair, self.control.choices.cursor)
        return fitting(parts, self.app.size.width)

    # --- pairs ------------------------------------------------------------------------------------------------

    def _follow_tabs(self, now: float) -> None:
        """Keep the pair on screen one of the tabs: the first at the start, its neighbour when it is removed."""
        symbols = [tab.symbol for tab in self.source.feed_view.tabs]
        if self.symbol in symbols:
            self._tab = symbols.index(self.symbol)
            self._pending_until = None
            return
        if self._pending_until is not None and now < self._pending_until:
            return
        if symbols:
            self.show_pair(symbols[min(self._tab, len(symbols) - 1)])

    def show_pair(self, symbol: str) -> None:
        """Put a pair on screen; a frozen screen is released."""
        if symbol == self.symbol:
            return
        self.symbol = symbol
        self.source.show(symbol)
        self.program.title = f"kraken-tui {symbol}"
        if self.frozen is not None:
            self.frozen = None
            self.relayout()
        self._everything = True

    def add_pair(self, name: str) -> None:
        """Show a pair, subscribing it first where it is not among the tabs."""
        if all(tab.symbol != name for tab in self.source.feed_view.tabs):
            self.source.add_pair(name)
            # Its tab comes with the engine's next view; until then it must not count as removed.
            self._pending_until = self.program.clock() + _PENDING_S
        self.show_pair(name)

    @on(PairChosen)
    def _pair_clicked(self, message: PairChosen) -> None:
        self.show_pair(message.symbol)
        self.program.tick()

    def action_pair(self, number: int) -> None:
        """Show the pair of a tab, counted from 1."""
        tabs = self.source.feed_view.tabs
        if number <= len(tabs):
            self.show_pair(tabs[number - 1].symbol)
            self.program.tick()
        else:
            find = self.keymap.show("pair.find")
            self.program.say(f"There is no pair {number}; {find} finds and adds one.")

    def action_next_pair(self, direction: int) -> None:
        """Show the next (+1) or previous (-1) pair of the tabs."""
        symbols = [tab.symbol for tab in self.source.feed_view.tabs]
        if symbols:
            at = symbols.index(self.symbol) if self.symbol in symbols else -direction
            self.show_pair(symbols[(at + direction) % len(symbols)])
            self.program.tick()

    def action_find_pair(self) -> None:
        """Ask for a pair and show it."""
        from kraken_tui.tui.screens.find_pair import FindPair

        self.app.push_screen(FindPair(self.source), self._found_pair)

    def _found_pair(self, symbol: str | None) -> None:
        if symbol:
            self.add_pair(symbol)
            self.program.tick()

    # --- views and panes --------------------------------------------------------------------------------------

    def set_view(self, view: str) -> None:
        """Change what the body shows, by the name of a view."""
        self.view = view
        self.alone = None
        self.relayout()
        self.program.tick(everything=True)

    def action_view(self, name: str) -> None:
        """Change what the body shows, by name."""
        self.set_view(name)

    def action_next_pane(self) -> None:
        """Show one pane by itself, the next one at each press."""
        cycle = cycle_of(self.view)
        first = self.alone
        if first is None and size_class(*self.app.size) is Size.SMALL and self.view == BOOK.name:
            # The first of the cycle is what a small screen shows anyway.
            first = cycle[0]
        self._show_alone(cycle[0] if first not in cycle else cycle[(cycle.index(first) + 1) % len(cycle)])

    def action_next_chart(self) -> None:
        """Show the charts; if they are shown, the next of them where only one fits."""
        if self.view == CHARTS.name:
            for name in self._places:
                self._panes[name].show_next()
        else:
            self.set_view(CHARTS.name)

    def action_maximise(self) -> None:
        """Give the pane under the mouse, else the view's first, the whole body; again to go back."""
        hovered = self.app.mouse_over
        names = [*stands_in(self.view)]
        under = (name for name in names if hovered is not None and self._panes.get(name) is hovered)
        name = next(under, names[0])
        self._show_alone(None if self.alone else name)

    def _show_alone(self, name: str | None) -> None:
        self.alone = name
        self.relayout()
        self.program.tick(everything=True)

    # --- the book ---------------------------------------------------------------------------------------------

    def action_cursor(self, steps: int) -> None:
        """Move the price cursor; positive is up."""
        self.control.move_cursor(self.newest()[0], steps, self.book_rows)
        self.program.tick()

    def action_clear_cursor(self) -> None:
        """Remove the cursor; without one, go back from one pane to all."""
        if not self.control.clear_cursor() and self.alone:
            self._show_alone(None)
        self.program.tick()

    @on(PriceChosen)
    def _price_clicked(self, message: PriceChosen) -> None:
        self.control.choices.cursor = message.ticks
        self.program.tick()

    def action_centre(self) -> None:
        """Put the touch in the middle of the book."""
        for pane in self._panes.values():
            pane.recentre()
        self.program.tick()

    def action_grouping(self, direction: int) -> None:
        """Group more (+1) or fewer (-1) prices in a row."""
        self.control.regroup(direction)
        self.program.tick()

    def set_grouping(self, grouping: int) -> None:
        """Choose the price step of the book's rows, one of `settings.GROUPINGS`."""
        self.control.set_grouping(grouping)

    def action_cumulative(self) -> None:
        """Show summed or single sizes."""
        choices = self.control.choices
        choices.cumulative = not choices.cumulative
        self.program.tick()

    def action_depth(self, direction: int) -> None:
        """Subscribe the next (+1) or previous (-1) depth."""
        view = self.newest()[0]
        current = self.settings.depth if view is None else view.depth
        depth = next_option(DEPTHS, current, direction)
        if depth == current:
            self.program.say(f"{depth} levels is the {'deepest' if direction > 0 else 'shallowest'} book there is.")
        else:
            self.source.set_depth(depth)
            self.program.say(f"Subscribing all books with {depth} levels.")

    def action_interval(self, direction: int) -> None:
        """Choose the next longer (+1) or shorter (-1) candle interval."""
        view = self.newest()[0]
        current = self.settings.interval if view is None else view.interval
        interval = next_option(INTERVALS, current, direction)
        if interval != current:
            self.source.set_interval(interval)
        self.program.say(f"Candles of {interval} min.")

    # --- time -------------------------------------------------------------------------------------------------

    def action_pause(self) -> None:
        """Freeze or release the screen; stop or continue a recording."""
        replay = self.source.feed_view.replay
        if self.source.feed_view.mode is Mode.REPLAY and replay is not None:
            self.source.pause_replay(not replay.paused)
        else:
            pair = self.source.view(self.symbol) if self.symbol else None
            self.frozen = None if self.frozen is not None else (pair, self.source.feed_view)
            self.relayout()
        self.program.tick(everything=True)

    def action_speed(self, direction: int) -> None:
        """Play a recording faster (+1) or slower (-1)."""
        replay = self.source.feed_view.replay
        if replay is None:
            self.program.say("Only a recording has a speed.")
            return
        speed = next_option(SPEEDS, replay.speed or SPEEDS[-1], direction)
        self.source.set_replay_speed(speed)
        self.program.say(f"Replay speed {speed:g}x.")

    # --- program ----------------------------------------------------------------------------------------------

    def action_record(self) -> None:
        """Start or stop recording."""
        self.program.toggle_recording()

    def action_save(self) -> None:
        """Save a picture."""
        self.program.save_picture()

    def action_copy(self) -> None:
        """Copy the best levels."""
        self.program.copy_book()

    def action_theme(self) -> None:
        """Next theme."""
        self.program.next_theme()

    def action_help(self) -> None:
        """Show keys and words."""
        from kraken_tui.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self.keymap, replay=self.source.feed_view.mode is Mode.REPLAY))


def _paused(pair: PairView, made_ns: int | None, now_ns: int) -> PairView:
    """A frozen pair as it must be shown later: the same levels at their true age, and no longer called fresh."""
    passed = 0 if pair.made_ns is None else max(0, now_ns - pair.made_ns)
    pair = aged(pair, now_ns, made_ns)
    if pair.stale or passed < _PAUSE_STALE_NS:
        return pair
    return replace(pair, stale=True, stale_reason=f"paused for {passed // 10**9} s")
