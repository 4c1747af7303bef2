"""The app: ticks, themes, toasts, files and exit."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.filter import LineFilter, NoColor
from textual.message import Message
from textual.timer import Timer

from kraken_tui.engine.api import MarketSource
from kraken_tui.errors import ConfigurationError
from kraken_tui.files import user_folder
from kraken_tui.market.views import FeedView, PairView
from kraken_tui.settings import THEMES, Settings
from kraken_tui.text import clean_text
from kraken_tui.tui.asked import Asked
from kraken_tui.tui.draw.format import clock
from kraken_tui.tui.draw.themes import ALL_PALETTES, AUTO, PALETTES, TRUE_COLOURS, theme_of, worn
from kraken_tui.tui.keymap import bindings, effective
from kraken_tui.tui.paint.pacing import Pacer, Spent
from kraken_tui.tui.paint.painter import Painter
from kraken_tui.tui.paint.styles import colours_of, forget_terminal, textual_theme, theme_name
from kraken_tui.tui.paint.textual_private import LazyStrip, PrivateNameMissing, strip_class, waited_s, writer_of
from kraken_tui.tui.panes import rates
from kraken_tui.tui.program import Severity
from kraken_tui.tui.screens.market import MarketScreen

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.command import Provider

INTERNAL_ERROR = 70
"""Exit code after an internal error (EX_SOFTWARE of sysexits.h)."""

FEED_FAILED = 1
"""Exit code after the feed failed for good."""

_SETTLED_S = 3.0
"""Seconds after the first picture by which all long-lived objects exist."""

_REDRAW_S = 1.0
"""Longest a new picture waits for the engine."""

_EARLY, _OVERDUE = 0.7, 1.4
"""In periods of the timer. A view that comes sooner than this after the last picture is left out; where no picture came
for this long, one is drawn without waiting for the engine, so that the growing age of its silence is seen."""

_TOAST_WINDOW_S = 5.0
_TOAST_PERCENT = 68
"""Share of the screen's width that a toast may take, as in the app's CSS."""

_POLL_S = 0.02
_FLASH_S = 3.0
_GREETING_S = 60.0


def _commands() -> type[Provider]:
    """The command palette's entries; imported when it is first opened."""
    from kraken_tui.tui.screens.commands import KrakenCommands

    return KrakenCommands


class KrakenApp(App[None], inherit_bindings=False):
    """The screen on a running engine. It does no network I/O and decides nothing about markets.

    Args:
        source: The engine.
        settings: What the user chose.
        clock: Monotonic seconds; paces the drawing.
        live: Whether the timer runs; otherwise the caller calls `tick`.
        ascii_only: Whether the terminal cannot show box drawing; None asks its encoding.
        on_first_paint: Called once the first screen is out; what would slow it down can start then.
        fit_colours: Whether to choose colours by how many the terminal has; a picture without one has them all.
        processor_time: Processor seconds of the whole program so far; tells who keeps pictures waiting.
        visitor: Whether the user is a visitor in a browser, who may write no files here and shares the feed.

    Attributes:
        leaving: Whether the program is ending.
        crash: The internal error (of the engine's thread or the screen) that ended the program. The return code is then
            70, and the caller owes the user a sentence.
    """

    TITLE = "kraken-tui"
    # A toast lies over the tabs, never over DEMO and the clock at their right, the proof of the header or the book.
    # Textual raises an error for a list narrower than its padding; in a window of a few columns it is cut off instead.
    CSS = """
    ToastRack { dock: top; align: left top; max-height: 1; margin: 0; padding: 0; overflow: hidden; }
    ToastHolder { align-horizontal: left; }
    Toast { padding: 0 1; margin: 0; width: auto; max-width: 68%; max-height: 1; }
    OptionList { min-width: 12; }
    """
    # Textual's text selection crashes when the text under the mouse is being removed (a toast); terminals have their
    # own, with Shift.
    ALLOW_SELECT = False
    ENABLE_COMMAND_PALETTE = False  # its key is fixed; ours is in the key map
    COMMANDS: ClassVar[set[Callable[[], type[Provider]]]] = {_commands}  # type: ignore[assignment]
    BINDINGS = bindings("everywhere")

    class EngineEnded(Message):
        """The engine's thread ended with an unexpected error."""

        def __init__(self, error: BaseException) -> None:
            super().__init__()
            self.error = error

    def __init__(
        self,
        source: MarketSource,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        live: bool = True,
        ascii_only: bool | None = None,
        on_first_paint: Callable[[], None] | None = None,
        fit_colours: bool = False,
        processor_time: Callable[[], float] = time.process_time,
        visitor: bool = False,
    ) -> None:
        super().__init__()
        forget_terminal()
        self.use_command_palette = True
        self.source = source
        self.settings = settings
        self.clock = clock
        self.live = live
        self.on_first_paint = on_first_paint
        self.visitor = visitor
        self._processor_time = processor_time
        self.keymap_in_force = effective(settings.keys)
        self.pacer = Pacer(settings.frame_rate, rates())
        if ascii_only is None:
            ascii_only = not encodes_boxes(getattr(sys.__stdout__, "encoding", None))
        self.main = MarketScreen(source, settings, self.keymap_in_force, ascii_only=ascii_only)
        self.painter = Painter(self)
        self.leaving = False
        self.crash: BaseException | None = None
        self._timer: Timer | None = None
        self._drawn_at = 0.0
        self._called = False
        self._told: deque[tuple[float, str]] = deque(maxlen=32)
        self._fatal_told = False
        self._recording: Asked[bool] = Asked()
        self.colours = colours_of(self.console.color_system) if fit_colours else TRUE_COLOURS
        if self.no_color:
            self.colours = 0
        for theme in PALETTES:
            self._offer(theme)
        # Otherwise Textual styles the whole screen with a theme of its own first, and then once more with ours.
        self.palette_name = worn(settings.theme, self.colours)
        self.set_reactive(App.theme, theme_name(self.palette_name))
        self.stylesheet.set_variables(self.get_css_variables())
        self._styled = True
        self.set_keymap(dict(self.keymap_in_force.overrides))

    def refresh_css(self, animate: bool = True) -> None:
        """Restyle everything; skipped for the theme that everything is made with."""
        if not self._styled:
            super().refresh_css(animate)
        self._styled = False

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What changes colours on their way to the terminal: under NO_COLOR all are dropped.

        Textual would make greys of them, which are colours too and need not be legible.
        """
        return [NoColor()] if self.no_color else super().get_line_filters()

    # --- life -------------------------------------------------------------------------------------------------

    def get_default_screen(self) -> MarketScreen:
        """The one screen; dialogs are pushed over it."""
        return self.main

    def on_mount(self) -> None:
        self.mutate_reactive(App.theme)
        if self.settings.theme not in (*THEMES, *PALETTES):
            self.set_theme(self.settings.theme)
        elif self.live and self.settings.theme not in THEMES:
            self._judge(self.settings.theme)
        if strip_class() is not LazyStrip:
            self.source.note("warning", "This version of Textual has other strips: rows are drawn more slowly")
        problems = self.keymap_in_force.problems
        # What is told in a toast is logged with it.
        for problem in problems[1:]:
            self.source.note("warning", problem)
        if problems:
            more = f" ({len(problems) - 1} more in the log)" if len(problems) > 1 else ""
            self.tell(problems[0] + more, "warning")
        self.source.on_failure(self._engine_failed)
        if self.live:
            self._follow(asyncio.get_running_loop(), contextvars.copy_context())
            self._start_timer()
            self.tick(everything=True)
            self.call_after_refresh(self._after_first_paint)

    def _follow(self, loop: asyncio.AbstractEventLoop, context: contextvars.Context) -> None:
        """Draw whenever the engine publishes: waiting for the next tick would age a view by half a period more."""

        def draw() -> None:
            self._called = False
            if self.leaving or self.clock() - self._drawn_at < _EARLY * self.pacer.period:
                return
            try:
                self.tick()
            except Exception as error:
                self._handle_exception(error)

        def call() -> None:
            # On the engine's thread; one pending call is enough.
            if not self._called and not loop.is_closed():
                self._called = True
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(draw, context=context)

        self.source.on_publish(call)

    def _start_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_interval(self.pacer.period, self.timer_tick)

    def _after_first_paint(self) -> None:
        # What the imports made is long-lived; the caller may have kept the collector off until now.
        gc.freeze()
        gc.enable()
        if self.on_first_paint is not None:
            self.on_first_paint()
        if not self.visitor:
            self.run_worker(self._greet(), exit_on_error=False)
        self.set_timer(_SETTLED_S, self._freeze_garbage)

    async def _greet(self) -> None:
        """Say where to begin to somebody who sees the screen for the first time."""
        from kraken_tui.tui.first_run import is_first

        if await asyncio.to_thread(is_first):
            self.main.greet()
            self.set_timer(_GREETING_S, partial(self.main.greet, first=False))

    @staticmethod
    def _freeze_garbage() -> None:
        # What is alive now is long-lived; without this a full collection would stall the screen for tens of ms.
        gc.collect()
        gc.freeze()

    def on_unmount(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def tick(self, *, everything: bool = False) -> None:
        """Read the newest views and draw the panes that are due.

        Args:
            everything: Draw all visible panes, due or not.
        """
        if self.leaving or not self.main.is_mounted:
            return
        now = self._drawn_at = self.clock()
        with self.painter.picture():
            self.main.push(self.pacer, now, everything=everything)
        fatal = self.source.feed_view.fatal
        if fatal and not self._fatal_told:
            self._fatal_told = True
            self.tell(f"The feed stopped: {fatal}", "error")

    def redraw(self) -> None:
        """Redraw the whole screen as soon as there is a view from now on.

        After a stop (ctrl-Z, a terminal that was not read) the newest view is from before it and would look fresh.
        """
        seen, until = self.source.feed_view.version, self.clock() + _REDRAW_S

        def when_new() -> None:
            if self.source.feed_view.version != seen or self.clock() >= until:
                timer.stop()
                self.tick(everything=True)
                self.refresh()

        timer = self.set_interval(0.02, when_new)

    def timer_tick(self) -> None:
        """The timer's tick: draws where the engine has not called, and slows down and recovers with what it sees."""
        now = self.clock()
        if now - self._drawn_at >= _OVERDUE * self.pacer.period:
            self.tick()
        if self.pacer.tick(now, Spent(writing=waited_s(self), working=self._processor_time())):
            self._start_timer()

    def _engine_failed(self, error: BaseException) -> None:
        # Called on the engine's thread; posting a message is what Textual allows from there.
        self.post_message(self.EngineEnded(error))

    def on_kraken_app_engine_ended(self, message: EngineEnded) -> None:
        self._leave_after(message.error)

    def _leave_after(self, error: BaseException) -> None:
        """End the program after an internal error; the caller reports it in one sentence."""
        if self.crash is None:
            self.crash = error
        self.exit(return_code=INTERNAL_ERROR)

    def _handle_exception(self, error: Exception) -> None:
        """Errors of the screen: ignored while the program is leaving; on a terminal they end it without a traceback."""
        if self.leaving:
            return
        if self.is_headless:
            super()._handle_exception(error)
            return
        self.source.note("error", f"screen: {type(error).__name__}: {error}")
        self._leave_after(error)

    def action_command_palette(self) -> None:
        """Open the command palette, unless it is open."""
        from kraken_tui.tui.screens.commands import Commands

        if not isinstance(self.screen, Commands):
            self.push_screen(Commands(id="--command-palette"))

    def exit(self, result: None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """See `App.exit`; nothing is drawn from here on."""
        self.leaving = True
        super().exit(result, return_code, message)

    async def action_quit(self) -> None:
        """End the program; the exit code says whether the feed had failed for good."""
        self.exit(return_code=FEED_FAILED if self.source.feed_view.fatal else 0)

    # --- toasts -----------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Confirm a key in a few words in the last row, where it hides no number."""
        self.main.flash(clean_text(text, 160), self.clock() + _FLASH_S)
        self.tick()

    def notify_desktop(self, text: str) -> None:
        """Show a notice of the desktop, where the terminal is known to have them; never in a visitor's browser."""
        from kraken_tui.tui.notice import notice

        sequence = "" if self.visitor or self.is_headless else notice(text, os.environ)
        with contextlib.suppress(PrivateNameMissing):
            write = writer_of(self) if sequence else None
            if write is not None:
                write(sequence)

    def tell(self, text: str, severity: Severity = "error") -> None:
        """Show what went wrong in a toast over tabs and header, and log it. Only the newest is shown.

        Args:
            text: One sentence.
            severity: "information" is a confirmation, which goes where those go: see `say`.
        """
        if severity == "information":
            self.say(text)
            return
        text = clean_text(text, 300)
        now = self.clock()
        if any(told == text for at, told in self._told if now - at < _TOAST_WINDOW_S):
            return
        self._told.append((now, text))
        self.source.note(severity, text)
        room = self.size.width * _TOAST_PERCENT // 100 - 3
        if len(text) > room:
            # One row, and the log has the rest.
            log = f" … {self.keymap_in_force.show('view.health')}"
            text = text[: max(0, room - len(log))].rstrip() + log
        self.notify(text, severity=severity, timeout=10 if severity == "error" else 5, markup=False)

    def on_notify(self) -> None:
        """Make room for the next toast: Textual adds it after this."""
        self.clear_notifications()

    # --- themes -----------------------------------------------------------------------------------------------

    def theme_names(self) -> list[str]:
        """Built-in themes, and those of the user."""
        from kraken_tui.tui.theme_files import theme_names

        return theme_names()

    def set_theme(self, name: str) -> None:
        """Apply a theme by name; for one that is unknown or cannot be read the usual one, and a toast says so."""
        if not self._wear(name):
            self._wear(AUTO)

    def next_theme(self) -> None:
        """Apply the next theme; one of the user's that cannot be read is told and left out."""
        names = self.theme_names()
        at = names.index(theme_of(self.palette_name))
        next(name for name in (*names[at + 1 :], *names[: at + 1]) if self._wear(name))
        self.say(f"Theme {theme_of(self.palette_name)}.")

    def _wear(self, name: str) -> bool:
        if name not in THEMES:
            from kraken_tui.tui.theme_files import take

            try:
                name = take(name)
            except ConfigurationError as error:
                self.tell(f"{str(error)[:1].upper()}{str(error)[1:]}.", "warning")
                return False
            # The file may have changed since.
            forget_terminal()
            self._offer(name)
            self._judge(name)
        self.palette_name = worn(name, self.colours)
        self.theme = theme_name(self.palette_name)
        return True

    def _judge(self, theme: str) -> None:
        """Say what is hard to read in a theme of the user's."""
        from kraken_tui.tui.theme_files import warning

        if weak := warning(theme, self.colours):
            self.tell(f"{weak[:1].upper()}{weak[1:]}.", "warning")

    def _offer(self, theme: str) -> None:
        self.register_theme(textual_theme(ALL_PALETTES[worn(theme, self.colours)]))

    # --- what is on screen ------------------------------------------------------------------------------------

    @property
    def pair_view(self) -> PairView | None:
        """The pair on screen."""
        return self.main.newest()[0]

    @property
    def feed(self) -> FeedView:
        """The feed on screen."""
        return self.main.newest()[1]

    def picture_title(self) -> str:
        """Pair and moment (of the recording, in a replay), for the title bar of a saved picture."""
        from kraken_tui.tui.export import svg

        word = "  HISTORY" if self.main.shown.in_past else ""
        account = self.source.published().account
        play = "  PLAY MONEY" if account is not None and account.play else ""
        return f"{self.main.symbol or 'kraken-tui'}  {svg.utc_text(self._shown_ns)}{word}{play}"

    @property
    def _shown_ns(self) -> int:
        """The moment on screen."""
        moment_ns = self.main.moment_ns
        return self.feed.now_ns if moment_ns is None else moment_ns

    # --- files and clipboard ----------------------------------------------------------------------------------

    def save_picture(self) -> None:
        """Save the screen as SVG, off the event loop; a toast says where or why not."""
        self.run_worker(self._save_picture(), exit_on_error=False)

    async def _save_picture(self) -> None:
        from kraken_tui.tui.export import svg

        await self._uncover()
        picture = svg.screen_svg(self, self.picture_title())
        name = svg.stamped_name(self.main.symbol or "screen", self._shown_ns, ".svg")
        folder: Path | str = "the pictures folder"
        try:
            folder = svg.picture_folder(self.settings)
            path = await asyncio.to_thread(svg.save, picture, folder, name)
        except OSError as error:
            self.tell(f"Cannot save a picture: {svg.why(error)}. Choose another svg_dir than {folder}.", "error")
        else:
            self.say(f"Saved {path}")

    def share_moment(self) -> None:
        """Write the moment on screen into a folder, off the event loop; the last row says where."""
        self.run_worker(self._share_moment(), exit_on_error=False)

    async def _share_moment(self) -> None:
        from kraken_tui.tui.export import svg
        from kraken_tui.tui.export.moment import share_moment

        view = self.pair_view
        if view is None:
            self.say("There is no market to share yet.")
            return
        await self._uncover()
        picture = svg.screen_svg(self, self.picture_title())
        try:
            folder = svg.picture_folder(self.settings)
            shared = await asyncio.to_thread(share_moment, folder, view, view.now_ns, picture, self.source.share)
        except OSError as error:
            self.tell(f"Cannot share the moment: {svg.why(error)}. Choose another svg_dir.", "error")
            return
        self.copy_to_clipboard(shared.line)
        without = f", without frames: {shared.problem}" if shared.problem else ", its line copied"
        self.say(f"Shared in {shared.folder}{without}")

    async def _uncover(self) -> None:
        """Take toasts off the screen and wait until it is painted without them."""
        self.clear_notifications()
        until = self.clock() + _REDRAW_S
        while self.screen.query("Toast") and self.clock() < until:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_S)
        painted = asyncio.Event()
        self.call_after_refresh(painted.set)
        await painted.wait()

    def toggle_recording(self) -> None:
        """Start recording into a new file of the user's data folder, or stop."""
        running = self.source.feed_view.recording
        now = self.clock()
        if self._recording.or_else(running is not None and not running.problem, now):
            self._recording.ask(False, now)
            self.source.record(None)
            self.say("Recording stopped." if running is None else f"Recording stopped: {running.path}")
        else:
            try:
                path = self.recording_path()
            except OSError as error:
                self.tell(f"Cannot record: {error.strerror}.", "error")
                return
            self._recording.ask(True, now)
            self.source.record(path)
            self.say(f"Recording to {path}")
        self.tick()

    def recording_path(self) -> Path:
        """Path of a recording that is started now."""
        from kraken_tui.tui.export import svg

        feed = self.source.feed_view
        folder = user_folder("data") / "recordings"
        return folder / svg.stamped_name(self.main.symbol or "feed", feed.now_ns, ".jsonl.gz", prefix="")

    def copy_book(self) -> None:
        """Copy the ten best levels of each side as tab-separated text."""
        from kraken_tui.tui.export.clipboard import book_table

        table = book_table(self.pair_view)
        if table is None:
            self.say("There is no book to copy yet.")
        else:
            self.copy_to_clipboard(table)
            then = f" at {clock(self._shown_ns)} UTC" if self.main.moment_ns is not None else ""
            self.say(f"Copied ten levels of {self.main.symbol}{then}, if the terminal lets it (OSC 52).")


def encodes_boxes(encoding: str | None) -> bool:
    """Whether an output encoding has box drawing."""
    try:
        "─█▲".encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
