"""The market screen: all panes, one view of them at a time, and what the market keys do."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

import msgspec
from textual import events, on
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from kraken_tui.engine.api import MarketSource
from kraken_tui.market.freshness import aged_feed
from kraken_tui.market.views import FeedView, Mode, PairView, ReplayView
from kraken_tui.settings import DEPTHS, INTERVALS, Settings
from kraken_tui.tui import heat_control
from kraken_tui.tui.asked import BURST_S, Asked
from kraken_tui.tui.book_control import SPEEDS, BookControl, next_option
from kraken_tui.tui.draw.amounts import compact
from kraken_tui.tui.draw.book_rows import HEAD_ROWS
from kraken_tui.tui.draw.format import price
from kraken_tui.tui.draw.picture import BookChoices, Picture, Situation
from kraken_tui.tui.draw.runs import Line, in_cells
from kraken_tui.tui.draw.status import (
    STATUS_KEYS,
    dial_sentence,
    feed_parts,
    fitting,
    reading_parts,
    waiting_text,
)
from kraken_tui.tui.draw.themes import ALL_PALETTES
from kraken_tui.tui.keymap import KeyMap, bindings, command_of
from kraken_tui.tui.layout import STRIP_WIDTH, Places, Rect, Size, arrange, size_class
from kraken_tui.tui.one_cursor import OneCursor
from kraken_tui.tui.paint.pacing import Pacer
from kraken_tui.tui.paint.pane import LivePart, Pane
from kraken_tui.tui.paint.shared import facts
from kraken_tui.tui.panes import ACCOUNT, BOOK, CANDLES, CHARTS, PANES, PaneRow, cycle_of, shares, stands_in
from kraken_tui.tui.panes.book_rows import PriceChosen
from kraken_tui.tui.panes.footer import CommandChosen
from kraken_tui.tui.panes.pointing import MomentChosen, Pointed
from kraken_tui.tui.panes.tabs import PAUSED_BADGE, PairChosen
from kraken_tui.tui.program import Program, program_of
from kraken_tui.tui.shown import Move, Seen, ShownMoment
from kraken_tui.units import SECOND
from kraken_tui.words import counted, interval_name

if TYPE_CHECKING:
    from kraken_tui.tui.orders_control import OrderChosen, OrdersControl
    from kraken_tui.tui.trade_keys import Told, TradeKeys

_PENDING_S = 5.0
_NARROW = 100
"""Columns below which the last row leaves the word HISTORY to the first."""


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
        self.shown = ShownMoment(source)
        self.cursor = OneCursor(source, settings.taker_fee_pct)
        self._status_keys = {name: keymap.show(name) for name in STATUS_KEYS}
        self._shares = shares()
        self._drawn: dict[str, tuple[object, ...]] = {}
        self._depth: Asked[int] = Asked()
        self._interval: Asked[int] = Asked()
        self._speed: Asked[float] = Asked()
        self._sought = (0, -BURST_S)
        self._replay_paused: Asked[bool] = Asked()
        self._controls: dict[str, BookControl] = {}
        self.tape_tier = 0
        self._tab = 0
        self._pending_until: float | None = None
        self._again_until = 0.0
        self._places: Places = {}
        self._laid_for = (False, False)
        self._everything = True
        self._silent = False
        self._flash = ("", 0.0)
        self._larger = False
        self._first = False
        self._panes: dict[str, LivePart] = {}
        self._trade: TradeKeys | None = None
        if source.trades:
            from kraken_tui.tui.trade_keys import TradeKeys

            self._trade = TradeKeys(self)
        self._make(row.name for row in PANES if not row.late)

    def _make(self, names: Iterable[str]) -> list[LivePart]:
        """Make the widgets of these panes that are not there yet."""
        names = set(names) - self._panes.keys()
        made = {row.name: self._made(row) for row in PANES if row.name in names}
        self._panes |= made
        return [*made.values()]

    def _made(self, row: PaneRow) -> LivePart:
        module, _, name = row.widget.partition(":")
        module = module if "." in module or module == "__main__" else f"kraken_tui.tui.panes.{module}"
        widget: type[LivePart] = getattr(import_module(module), name)
        return widget.for_screen(row.name, self.settings, self.keymap)

    @property
    def program(self) -> Program:
        """The app, seen as a `Program`."""
        return program_of(self.app)

    def compose(self) -> ComposeResult:
        """All panes at once, in their places from the first layout on; the layout decides which are seen."""
        places = self._arranged(*self.app.size)
        self._make(places)
        for name, pane in self._panes.items():
            self._place(pane, None, places.get(name))
        self._set_places(places, *self.app.size)
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
        self.set_class(size_class(width, height) is Size.SMALL, "-small")
        badge = len(PAUSED_BADGE) if self.paused else 0
        places = self._arranged(width, height, alone=self.alone, badge=badge)
        if late := self._make(places):
            self.mount_all(late)
        with self.app.batch_update():
            for name, pane in self._panes.items():
                self._place(pane, self._places.get(name), places.get(name))
        self._set_places(places, width, height)
        self._everything = True

    def _arranged(self, width: int, height: int, *, alone: str | None = None, badge: int = 0) -> Places:
        """See `arrange`; what is followed decides which panes have room."""
        self._laid_for = account, queue = self._followed
        return arrange(width, height, self.view, alone=alone, badge=badge, account=account, queue=queue)

    @property
    def _followed(self) -> tuple[bool, bool]:
        """Whether an account is followed, and single orders."""
        return self.source.published().account is not None, self._level3

    def _set_places(self, places: Places, width: int, height: int) -> None:
        self._places = places
        first = next(iter(stands_in(self.view)))
        alone = self._arranged(width, height, alone=first)
        self._larger = self.alone is not None or alone.get(first) != places.get(first)

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
        """The pair and feed on screen, as old as they are now; in a pause or the past, as they were then."""
        seen = self.shown.look(self.symbol)
        return seen.pair, seen.feed

    @property
    def paused(self) -> bool:
        """Whether the screen is frozen (a paused recording is not)."""
        return self.shown.frozen is not None

    @property
    def moment_ns(self) -> int | None:
        """The moment shown where it is not now, by the engine's wall clock."""
        return self.shown.moment_ns

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
        if self._laid_for != self._followed:
            self.relayout()
        self._follow_account()
        everything = everything or self._everything
        self._everything = False
        seen = self.shown.look(self.symbol)
        pair, feed = seen.pair, seen.feed
        if bool(feed.silent_ns) != self._silent:
            # All panes turn at once, whatever their rates: none may look fresh beside another that does not.
            self._silent = not self._silent
            everything = True
        choices = self.control.prepare(pair, self.book_rows)
        step = self.source.step() if feed.silent_ns else ""
        picture = self._picture(seen, choices, self._status(seen, pacer, now, step), step)
        if self._trade is not None:
            self._trade.drew()
        if seen.account is not None or (pair is not None and pair.level3 is not None):
            picture = msgspec.structs.replace(picture, own=self.orders.choices)
            self.orders.follow(picture, self._places)
        pacer.begin()
        known = facts(picture)
        for name in self._places:
            shown = tuple(known[fact] for fact in self._shares.get(name, ()))
            if everything or pacer.due(name) or self._drawn.get(name) != shown:
                self._drawn[name] = shown
                self._panes[name].push(picture)

    def _picture(self, seen: Seen, choices: BookChoices, status: Line, step: str) -> Picture:
        """What all panes draw from."""
        pair, feed = seen.pair, seen.feed
        problem = "" if pair is not None else next((tab.problem for tab in feed.tabs if tab.symbol == self.symbol), "")
        under = self.cursor.time(self.symbol, self.moment_ns)
        found = self.shown.time.found
        return Picture(
            pair,
            feed,
            choices,
            self.ascii_only,
            problem,
            status,
            step,
            situation=self.situation,
            tape_tier=self.tape_tier,
            waiting="" if pair is not None else self._waiting(seen.live),
            history=self.source.history(self.symbol) if self.symbol else None,
            price_rows=self.book_rows,
            density=self.app.no_color or ALL_PALETTES[self.program.palette_name].ansi,
            moment_ns=self.moment_ns,
            paused=self.paused,
            now_ns=seen.live.now_ns,
            found="" if found is None else found.text,
            cursor_ns=under.ns,
            cursor_span_ns=under.span_ns,
            cursor_venue_ns=under.venue_ns,
            held_bytes=self._held_bytes() if "health" in self._places else 0,
            account=seen.account,
        )

    def _follow_account(self) -> None:
        """Take what has happened to the account since the last drawing."""
        account = self.source.published().account
        if account is None:
            return
        self.orders.note_ends(account, self.source.feed_view.now_ns)
        fills = self.orders.filled(account)
        if fills and self.settings.bell_on_fill:
            from kraken_tui.tui.notice import fill_text

            self.app.bell()
            self.program.notify_desktop(fill_text(fills, play=account.play))

    @cached_property
    def orders(self) -> OrdersControl:
        """What the user chose on the account's page; made when an account or single orders are first seen."""
        from kraken_tui.tui.orders_control import OrdersControl

        return OrdersControl(self.source)

    @property
    def situation(self) -> Situation:
        """Where a key would be pressed now."""
        return Situation(
            view=self.view,
            panes=frozenset(self._places),
            several=len(self._cycle) > 1,
            larger=self._larger,
            replay=self.source.feed_view.mode is Mode.REPLAY,
            first=self._first,
            account=self.source.published().account is not None,
            level3=self._level3,
            files=not self.program.visitor,
            # A recording is played for each visitor alone; why it has one depth is said by the key.
            depths=not self.program.visitor or self.source.feed_view.mode is Mode.REPLAY,
            terminal=not self.program.visitor,
            trade=bool(self.source.trades),
        )

    @property
    def _level3(self) -> bool:
        view = self.source.view(self.symbol) if self.symbol else None
        return view is not None and view.level3 is not None

    @property
    def _cycle(self) -> tuple[str, ...]:
        """What the key for the next pane goes through."""
        return cycle_of(self.view, ("level3",) if self._level3 else ())

    def greet(self, *, first: bool = True) -> None:
        """Show in the last row where to begin, until any key is pressed; or no longer."""
        if first != self._first:
            self._first = first
            self.program.tick()

    async def action_command(self, command_id: str) -> None:
        """Do what a key stands for; where it has nothing to do, say so and which view it is for."""
        self._first = False
        command = command_of(command_id)
        if refusal := self.keymap.refusal(command, self.situation):
            self.program.say(refusal)
        else:
            await self.app.run_action(command.action, default_namespace=self)

    @on(CommandChosen)
    async def _command_clicked(self, message: CommandChosen) -> None:
        await self.action_command(message.command_id)

    def flash(self, text: str, until: float) -> None:
        """Show a few words at the left of the last row until a time of the app's clock."""
        self._flash = (text, until)

    def _status(self, seen: Seen, pacer: Pacer, now: float, step: str) -> Line:
        then, live, time = self.shown.frozen, seen.live, self.shown.time
        paused = None if then is None else (then.feed.now_ns, max(0, live.messages - then.feed.messages))
        past = None if time.moment_ns is None else (time.moment_ns, self._found(seen.pair))
        parts = feed_parts(
            live,
            paused=paused,
            past=past,
            slowness=pacer.slowness,
            keys=self._status_keys,
            step=step,
            narrow=self.app.size.width < _NARROW,
        )
        text, until = self._flash
        if now < until:
            parts.append(((f" {in_cells(text)} ", "bright/tab"),))
        if self._trade is not None:
            parts = self._trade.parts(narrow=self.app.size.width < _NARROW) + parts
        parts += reading_parts(self.cursor.reading(seen, self.control.choices, self.moment_ns))
        return fitting(parts, self.app.size.width)

    def _found(self, pair: PairView | None) -> str:
        """What the last step in time found, and where."""
        found = self.shown.time.found
        if found is None or found.price is None or pair is None or pair.spec is None:
            return "" if found is None else found.text
        return f"{found.text} at {price(found.price, pair.spec.price_precision)}"

    def _waiting(self, live: FeedView) -> str:
        if self.shown.in_past:
            return f"{self.shown.since(self.symbol)}: not at this moment"
        return waiting_text(live, self._status_keys, self.symbol if self.paused else "")

    def _held_bytes(self) -> int:
        pasts = (self.source.history(tab.symbol) for tab in self.source.feed_view.tabs)
        return sum(past.size for past in pasts if past is not None)

    @on(Pointed)
    def _mouse_points(self, message: Pointed) -> None:
        self.cursor.take(message)

    # --- pairs ------------------------------------------------------------------------------------------------

    def _follow_tabs(self, now: float) -> None:
        """Keep the pair on screen one of the tabs: the first at the start, its neighbour when it is removed."""
        symbols = [tab.symbol for tab in self.source.feed_view.tabs]
        if self.symbol in symbols:
            self._tab = symbols.index(self.symbol)
            self._pending_until = None
            return
        if now < max(self._again_until, self._pending_until or 0.0):
            return
        if symbols:
            self.show_pair(symbols[min(self._tab, len(symbols) - 1)])

    def show_pair(self, symbol: str) -> None:
        """Put a pair on screen; a paused screen shows it as it was at the moment of the pause."""
        if symbol == self.symbol:
            return
        self.symbol = symbol
        self.source.show(symbol)
        self.program.title = f"kraken-tui {symbol}"
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

        self.app.push_screen(FindPair(self.source, self.keymap.show("dialog.close")), self._found_pair)

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
        cycle = self._cycle
        first = self.alone
        if first is None and size_class(*self.app.size) is Size.SMALL and self.view == BOOK.name:
            # The first of the cycle is what a small screen shows anyway.
            first = cycle[0]
        self._show_alone(cycle[0] if first not in cycle else cycle[(cycle.index(first) + 1) % len(cycle)])

    def action_next_chart(self) -> None:
        """Show the candles, then the charts one after the other, then the candles again."""
        shown = self.view == CHARTS.name and [self._panes[name].show_next() for name in self._places]
        if shown and any(shown):
            self.program.tick(everything=True)
        else:
            self.set_view(CHARTS.name if self.view == CANDLES.name else CANDLES.name)

    def _travelling(self) -> LivePart | None:
        """The pane that keys for time and zoom mean: the one under the mouse, else the one that stands alone."""
        hovered = self.app.mouse_over
        for name in self._places:
            if self._panes[name] is hovered and name in stands_in(self.view):
                return self._panes[name]
        body = [name for name in self._places if name in stands_in(self.view)]
        return self._panes[body[0]] if len(body) == 1 else None

    def _no_time(self) -> None:
        self.program.say(f"Point at the candles first, or press {self.keymap.show('view.candles')}.")

    def action_travel(self, steps: int, page: bool = False) -> None:
        """Look at later (+1) or earlier (-1) candles, whole screens of them with `page`."""
        pane = self._travelling()
        if pane is None or not pane.travel(steps, page=page):
            self._no_time()

    def action_zoom(self, steps: int) -> None:
        """Show less time (+1) or more (-1): in the candles that keys mean, else on the heatmap."""
        pane = self._travelling()
        if pane is not None and pane.zoom(steps):
            return
        if "heatmap" in self._places:
            self._confirm(heat_control.zoom(self.control.choices.heat, steps, strip=self.view == BOOK.name))
        else:
            self._no_time()

    def action_heat(self, what: str, *steps: int) -> None:
        """Change how the heatmap, or its profile, is drawn; `what` is a function of `heat_control`."""
        if "heatmap" not in self._places:
            where = f"{self.keymap.show('view.heatmap')} shows the heatmap"
            self.program.say(f"{where}; beside the book it stands from {STRIP_WIDTH} columns on.")
            return
        self._confirm(getattr(heat_control, what)(self.control.choices.heat, *steps))

    def action_pulls(self) -> None:
        """Take pull and stack over the next window."""
        self._confirm(heat_control.pulls(self.control.choices))

    def _confirm(self, text: str) -> None:
        """Say what a key changed, and show it."""
        self.program.say(text)
        self.program.tick(everything=True)

    def action_live(self) -> None:
        """Go back to now, and follow the newest candle again wherever candles are shown."""
        for name in self._places:
            self._panes[name].follow()
        was_paused = self.paused
        self._turned(self.shown.live(), "Live again.", was_paused)

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
        """Move the price cursor, or that of the account's page; positive is up."""
        self.cursor.leave_mouse()
        seen = self.shown.look(self.symbol)
        if self.alone == "queue":
            # Its levels, rather than rows of a book that is not on screen.
            choices = self.control.choices
            choices.cursor = self.orders.next_level(seen.pair, choices.cursor, steps) or choices.cursor
            self.program.tick(everything=True)
            return
        if self.view == ACCOUNT.name:
            self.orders.move(seen.account, seen.pair, self.control.choices, -steps, self.alone)
            self.program.tick(everything=True)
            return
        self.control.move_cursor(self.newest()[0], steps, self.book_rows)
        self.program.tick()

    def action_clear_cursor(self) -> None:
        """Remove the cursor; without one, go back from one pane to all."""
        replay = self._replay
        if replay is not None and replay.seeking:
            self.source.cancel_seek()
            self.program.say("Seeking stopped.")
        elif not self.control.clear_cursor() and self.alone:
            self._show_alone(None)
        self.program.tick()

    @on(PriceChosen)
    def _price_clicked(self, message: PriceChosen) -> None:
        self.cursor.leave_mouse()
        self.control.choices.cursor = message.ticks
        self.program.tick()

    def on_order_chosen(self, message: OrderChosen) -> None:
        """Put the cursor on the clicked order."""
        seen = self.shown.look(self.symbol)
        self.orders.choose(message.key, seen.account, seen.pair, self.control.choices)
        self.program.tick(everything=True)

    def action_sort_orders(self) -> None:
        """List the open orders in the next order."""
        self._confirm(self.orders.sort())

    def action_order_in_book(self) -> None:
        """Show the order under the cursor in the book of its pair."""
        order = self.orders.chosen(self.shown.look(self.symbol).account)
        if order is None or order.symbol is None:
            self.program.say("Move the cursor to an order first.")
            return
        if all(tab.symbol != order.symbol for tab in self.source.feed_view.tabs):
            self.add_pair(order.symbol)
        self.show_pair(order.symbol)
        self.control.choices.cursor = self.orders.price_of(order, self.shown.look(self.symbol).pair)
        self.set_view(BOOK.name)

    def action_centre(self) -> None:
        """Put the touch in the middle of the book."""
        self.control.let_go(self.newest()[0], self.book_rows)
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
        view, feed = self.source.view(self.symbol), self.source.feed_view
        current = self.settings.depth if view is None else view.depth
        if feed.mode is Mode.REPLAY:
            self.program.say(f"The depth of a recording is that of its data: {counted(current, 'level')}.")
            return
        now = self.program.clock()
        current = self._depth.or_else(current, now)
        depth = next_option(DEPTHS, current, direction)
        if depth == current:
            self.program.say(f"{depth} levels is the {'deepest' if direction > 0 else 'shallowest'} book there is.")
        else:
            self._depth.ask(depth, now)
            self.source.set_depth(depth)
            self.program.say(f"Subscribing all books with {depth} levels.")

    def action_interval(self, direction: int) -> None:
        """Choose the next longer (+1) or shorter (-1) candle interval."""
        view = self.source.view(self.symbol)
        now = self.program.clock()
        current = self._interval.or_else(self.settings.interval if view is None else view.interval, now)
        interval = next_option(INTERVALS, current, direction)
        if interval != current:
            self._interval.ask(interval, now)
            self.source.set_interval(interval)
        self.program.say(f"{interval_name(interval)} candles.")

    # --- trading ----------------------------------------------------------------------------------------------

    def action_trade(self, what: str) -> None:
        """Do what a trading key stands for; `what` is one of `trade_keys.ACTIONS`."""
        if self._trade is not None:
            self._trade.press(what)

    def on_told(self, message: Told) -> None:
        """An outcome of the desk."""
        self.program.tell(message.text, message.severity)

    # --- the tape ---------------------------------------------------------------------------------------------

    def action_tape_filter(self) -> None:
        """Show prints from the next tier on; after the last tier, all of them."""
        view = self.newest()[0]
        if view is None or view.spec is None or not view.tiers:
            self.program.say("The tiers of this pair's tape are not known yet.")
            return
        self.tape_tier = (self.tape_tier + 1) % (len(view.tiers) + 1)
        if self.tape_tier:
            least = compact(view.tiers[self.tape_tier - 1], view.spec.price_precision + view.spec.qty_precision)
            self.program.say(f"Tape: prints of {least} {view.spec.quote} or more.")
        else:
            self.program.say("Tape: all prints.")
        self.program.tick(everything=True)

    # --- time -------------------------------------------------------------------------------------------------

    def action_pause(self) -> None:
        """Freeze or release the screen; stop or continue a recording."""
        replay = self._replay
        if replay is None or self.shown.moment_ns is not None:
            self.shown.pause()
            self.relayout()
        elif replay.finished:
            self.action_replay_again()
        else:
            now = self.program.clock()
            paused = not self._replay_paused.or_else(replay.paused, now)
            self._replay_paused.ask(paused, now)
            self.source.pause_replay(paused)
        self.program.tick(everything=True)

    @property
    def _replay(self) -> ReplayView | None:
        feed = self.source.feed_view
        return feed.replay if feed.mode is Mode.REPLAY else None

    def action_step(self, seconds: int) -> None:
        """Move in time; where the candles stand alone and follow the market, in their bars (10 s: screens of them).

        The first step back from now holds the newest moment.
        """
        if self.view == CANDLES.name and self.moment_ns is None:
            self.action_travel(1 if seconds > 0 else -1, abs(seconds) > 1)
        else:
            self._move(
                lambda time, past, now: (seconds == -1 and time.enter(past, now)) or time.step(past, now, seconds)
            )

    def action_step_message(self, direction: int) -> None:
        """Move to the next (+1) or previous (-1) message of the book."""
        self._move(lambda time, past, now: time.step_message(past, now, direction))

    def action_step_event(self, direction: int) -> None:
        """Move to the next (+1) or previous (-1) event of flow, proof, age or venue."""
        self._move(lambda time, past, now: time.step_event(past, now, direction))

    def go_to(self, ns: int) -> None:
        """Show a moment of the past of the pair on screen, by the engine's wall clock."""
        self._move(lambda time, past, now: time.go(past, now, ns) or True)

    @on(MomentChosen)
    def _moment_chosen(self, message: MomentChosen) -> None:
        self.go_to(message.ns)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """With Shift or Ctrl: a second earlier."""
        if event.shift or event.ctrl:
            event.stop()
            self.action_step(-1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """With Shift or Ctrl: a second later."""
        if event.shift or event.ctrl:
            event.stop()
            self.action_step(1)

    def _move(self, move: Move) -> None:
        before, was_paused = self.moment_ns, self.paused
        words = self.shown.move(self.symbol, move)
        if not words and self.moment_ns is None:
            words = "This is the newest moment."
        self._turned(before != self.moment_ns, words, was_paused)

    def _turned(self, moved: bool, words: str, was_paused: bool) -> None:
        """Draw another moment, all panes of it at once."""
        if was_paused != self.paused:
            self.relayout()
        if moved or was_paused:
            self._everything = True
        if words and (moved or self.moment_ns is not None or words != "Live again."):
            self.program.say(words)
        self.program.tick()

    def action_replay_again(self) -> None:
        """Play the recording from its beginning."""
        if self._replay is None:
            self.program.say("Only a recording can be played again.")
            return
        # Its tabs come again one by one: until then the pair on screen must not count as removed.
        self._again_until = self.program.clock() + _PENDING_S
        self._replay_paused, self._interval = Asked(), Asked()
        self.shown.live()
        self.relayout()
        self.source.replay_again()
        self.program.say("Playing the recording again.")

    def action_reconnect(self) -> None:
        """Dial now, as far as the dial budget allows, and say what will happen."""
        self.source.reconnect()
        self.program.say(dial_sentence(aged_feed(self.source.feed_view, self.source.now())))

    def action_speed(self, direction: int) -> None:
        """Play a recording faster (+1) or slower (-1)."""
        replay = self._replay
        if replay is None:
            self.program.say("Only a recording has a speed.")
            return
        if replay.finished:
            self.program.say(f"The recording is over; {self.keymap.show('replay.again')} plays it again.")
            return
        now = self.program.clock()
        speed = next_option(SPEEDS, self._speed.or_else(replay.speed, now) or SPEEDS[-1], direction)
        speed = 0.0 if speed == SPEEDS[-1] else speed
        self._speed.ask(speed, now)
        self.source.set_replay_speed(speed)
        self.program.say(f"Replay speed {speed:g}x." if speed else "Replay as fast as possible.")

    def action_skip_gap(self) -> None:
        """Go to the next frame of a recording."""
        if self.source.feed_view.mode is Mode.REPLAY:
            self.source.skip_replay()
        else:
            self.program.say("Only a recording has gaps to skip.")

    def action_seek(self, seconds: int) -> None:
        """Move in a recording by seconds."""
        now = self.program.clock()
        wish, at = self._sought
        # Presses in a burst add up, whatever has been reached meanwhile.
        here = self.moment_ns or self.source.feed_view.now_ns
        ns = (wish if now - at < BURST_S else here) + seconds * SECOND
        self._sought = ns, now
        self._go_to(ns)

    def action_seek_fault(self, direction: int) -> None:
        """Go to the next (+1) or previous (-1) mismatch, gap or session of a recording; the log says what it is."""
        self.shown.live()
        self.source.seek_fault(direction)

    def action_go_to(self) -> None:
        """Ask for a moment of the recording and go there."""
        from kraken_tui.tui.screens.go_to import GoTo

        replay = self._replay
        if replay is not None:
            begin_ns = self.source.feed_view.now_ns - replay.position_ns
            self.app.push_screen(GoTo(begin_ns, replay.length_ns, self.keymap.show("dialog.close")), self._go_to)

    def _go_to(self, ns: int | None) -> None:
        if ns is not None:
            # What is sought is where the recording is then, not a moment before it.
            self.shown.live()
            self.source.seek_replay(ns)

    # --- program ----------------------------------------------------------------------------------------------

    def action_record(self) -> None:
        """Start or stop recording."""
        self.program.toggle_recording()

    def action_save(self) -> None:
        """Save a picture."""
        self.program.save_picture()

    def action_share(self) -> None:
        """Share the moment on screen."""
        self.program.share_moment()

    def action_copy(self) -> None:
        """Copy the best levels."""
        self.program.copy_book()

    def action_theme(self) -> None:
        """Next theme."""
        self.program.next_theme()

    def action_help(self) -> None:
        """Show keys and words."""
        from kraken_tui.tui.screens.help import HelpScreen

        replay = self.source.feed_view.mode is Mode.REPLAY
        trade = bool(self.source.trades)
        self.app.push_screen(HelpScreen(self.keymap, replay=replay, visitor=self.program.visitor, trade=trade))
