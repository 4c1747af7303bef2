"""The program's screen inside this process: its own reader of keys before it, a terminal that can be read behind it.

Only time and the file descriptors are replaced: bytes go through `kraken_tui.terminal.driver` as they would come from a
terminal, and what the program writes is obeyed cell by cell, colours included.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from rich.cells import cell_len
from textual.events import Key, Resize
from textual.geometry import Size
from textual.message import Message

from kraken_tui.market.views import FeedView, LatencyView, Mode, PairView, Published, RecordingView
from kraken_tui.settings import Settings
from kraken_tui.terminal import driver as driver_module
from kraken_tui.terminal.driver import Keys, SteadyDriver
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.export import svg
from kraken_tui.tui.paint.pane import Pane
from tests.rig.world import World, thin

PAIRS = ("BTC/USD", "ETH/USD", "MINA/GBP")

_TOKEN = re.compile(
    r"\x1b\[(?P<sgr>[\d;]*)m|\x1b\[(?P<row>\d*);?(?P<column>\d*)H|\x1b\[(?P<to>\d*)G|\x1b\[(?P<by>\d*)(?P<move>[A-D])"
    r"|\x1b\[[0-9;?<>=]*[ -/]*[@-~]|\x1b[P\]^_][^\x1b\x07]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f])|(?P<text>[^\x00-\x1f\x1b]+)"
)

_UNFINISHED = re.compile(r"\x1b(?:\[[0-9;?<>= -/]*|[P\]^_][^\x1b\x07]*)?\Z")

Cell = tuple[str, str]
"""A character and its colours and attributes, in one spelling."""


class Canvas:
    """A terminal's cells.

    Attributes:
        rows: Of cells.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.columns = columns
        self.rows: list[list[Cell]] = [[(" ", "")] * columns for _ in range(rows)]
        self._row = self._column = 0
        self._style = ""
        self._rest = ""

    def feed(self, text: str) -> None:
        """Obey what a program writes; sequences may be cut anywhere."""
        text = self._rest + text
        cut = _UNFINISHED.search(text)
        self._rest = text[cut.start() :] if cut else ""
        text = text[: cut.start()] if cut else text
        for token in _TOKEN.finditer(text):
            kind = token.lastgroup
            if kind == "text":
                self._put(token["text"])
            elif kind == "sgr":
                self._style = styled(self._style, token["sgr"])
            elif kind == "column":
                self._row = min(int(token["row"] or 1), len(self.rows)) - 1
                self._column = int(token["column"] or 1) - 1
            elif kind == "to":
                self._column = int(token["to"] or 1) - 1
            elif kind == "move":
                down, right = {"A": (-1, 0), "B": (1, 0), "C": (0, 1), "D": (0, -1)}[token["move"]]
                by = int(token["by"] or 1)
                self._row = min(max(0, self._row + down * by), len(self.rows) - 1)
                self._column = min(max(0, self._column + right * by), self.columns - 1)
            elif token["control"] == "\r":
                self._column = 0
            elif token["control"] == "\n":
                self._row, self._column = min(self._row + 1, len(self.rows) - 1), 0

    def _put(self, text: str) -> None:
        row = self.rows[self._row]
        for character in text:
            width = 1 if character.isascii() else cell_len(character)
            for at, part in enumerate((character, "")[:width]):
                if self._column + at < self.columns:
                    row[self._column + at] = (part, self._style)
            self._column += width

    @property
    def lines(self) -> list[str]:
        """The characters alone."""
        return ["".join(character for character, _ in row) for row in self.rows]


@lru_cache(maxsize=8192)
def styled(before: str, codes: str) -> str:
    """Attributes and colours after an SGR sequence, spelt "attributes|foreground|background"."""
    attributes, foreground, background = before.split("|") if before else ("", "", "")
    numbers = iter((codes or "0").split(";"))
    for code in numbers:
        number = int(code or 0)
        if number == 0:
            attributes = foreground = background = ""
        elif number in (38, 48):
            kind = next(numbers)
            colour = ";".join([code, kind, *(next(numbers) for _ in range(1 if kind == "5" else 3))])
            foreground, background = (colour, background) if number == 38 else (foreground, colour)
        elif 30 <= number <= 39 or 90 <= number <= 97:
            foreground = "" if number == 39 else code
        elif 40 <= number <= 49 or 100 <= number <= 107:
            background = "" if number == 49 else code
        elif number < 10:
            attributes = "".join(sorted({*attributes, code}))
    made = "|".join((attributes, foreground, background))
    return "" if made == "||" else made


class Clock:
    """Seconds that pass when told to, for screen, reader and parser."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class WorldSource:
    """A simulated client and exchange as the screen's market source; `MarketSource` says what each name means."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._version = 0
        self._recording: RecordingView | None = None
        self.feed_view = self._feed()

    @property
    def trades(self) -> str:
        return ""

    def trade(self, act: object) -> None:
        """No orders are placed here."""

    def watch_queue(self, symbol: str, side: object, ticks: int) -> None:
        """No single orders are followed here."""

    def advance(self, seconds: float) -> None:
        """Let the market live, and publish."""
        self.world.run(seconds)
        self._version += 1
        self.feed_view = self._feed()

    def _feed(self) -> FeedView:
        session, world = self.world.client, self.world
        counts, screen, last = session.counters, world.screen, session.last_frame_ns
        assert screen is not None
        return FeedView(
            self._version,
            world.wall,
            Mode.LIVE,
            str(session.state),
            session.cause,
            session.attempt,
            session.retry_in_s(world.mono),
            session.system,
            None if last is None else world.mono - last,
            "ws://127.0.0.1:9",
            0.0,
            counts.frames,
            tuple(counts.ignored.most_common(50)),
            counts.rejected,
            counts.checks_ok,
            counts.checks_failed,
            counts.resyncs,
            counts.reconnects,
            *(0, 0, 0),
            session.latency.view(world.mono) if session.latency else LatencyView(),
            screen.summaries(),
            (),
            self._recording,
            made_ns=world.mono,
        )

    def published(self) -> Published:
        known = ((symbol, self.view(symbol)) for symbol in (self.world.screen.by_symbol if self.world.screen else ()))
        return Published(self.feed_view, {symbol: view for symbol, view in known if view is not None})

    def now(self) -> int:
        return self.world.mono

    def step(self) -> str:
        return ""

    def view(self, symbol: str) -> PairView | None:
        screen = self.world.screen
        return self.world.shown(symbol) if screen is not None and symbol in screen.by_symbol else None

    def show(self, symbol: str) -> None: ...

    def search(self, text: str, limit: int = 50) -> list[str]:
        return [symbol for symbol in PAIRS if text.upper() in symbol][:limit]

    def is_tokenised(self, symbol: str) -> bool:
        return False

    def add_pair(self, name: str) -> None: ...

    def remove_pair(self, symbol: str) -> None: ...

    def set_depth(self, depth: int) -> None: ...

    def set_interval(self, minutes: int) -> None:
        assert self.world.screen is not None
        self.world.client.set_interval(None, minutes)
        self.world.screen.interval_changed()

    def pause_replay(self, paused: bool) -> None: ...

    def set_replay_speed(self, speed: float) -> None: ...

    def skip_replay(self) -> None: ...

    def history(self, symbol: str) -> None: ...

    def share(self, path: Path) -> int:
        return 0

    def replay_again(self) -> None: ...

    def reconnect(self) -> None: ...

    def record(self, path: Path | None) -> None:
        self._recording = None if path is None else RecordingView(str(path), 0, 0)

    def note(self, level: str, text: str) -> None: ...

    def on_failure(self, callback: Callable[[BaseException], None]) -> None: ...

    def on_publish(self, callback: Callable[[], None]) -> None: ...


class InnerDriver(SteadyDriver):
    """The program's driver without a terminal: what is written is obeyed by `canvas`."""

    keeper = SimpleNamespace(impatient=lambda: None)  # type: ignore[assignment]
    canvas: Canvas

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.canvas = Canvas(*self._get_terminal_size())
        self.heard: list[str] = []

    def write(self, data: str) -> None:
        self.canvas.feed(data)

    def flush(self) -> None: ...

    def _get_terminal_size(self) -> Size:
        return Size(*(self._size or (160, 48)))

    def resize(self, columns: int, rows: int) -> None:
        """Resize the window; the same size changes nothing."""
        if (columns, rows) == self._get_terminal_size():
            return
        self._size = (columns, rows)
        self.canvas = Canvas(columns, rows)
        self._app.post_message(Resize(Size(columns, rows), Size(columns, rows)))

    def process_message(self, message: Message) -> None:
        if isinstance(message, Key):
            self.heard.append(message.key)
        super().process_message(message)

    def send_message(self, message: Message) -> None:
        self._app.post_message(message)

    @property
    def can_suspend(self) -> bool:
        return False

    def start_application_mode(self) -> None:
        self._app.post_message(Resize(self._get_terminal_size(), self._get_terminal_size()))

    def stop_application_mode(self) -> None: ...

    def disable_input(self) -> None: ...


class InnerApp(KrakenApp):
    """The program, which counts that it was asked to quit instead of quitting, and writes no files."""

    quits = 0

    async def action_quit(self) -> None:
        self.quits += 1

    def save_picture(self) -> None:
        assert svg.screen_svg(self, self.picture_title()).startswith("<svg")


class ScreenRig:
    """One program with its market; call `close` at the end.

    Args:
        seed: Decides the market.
        theme: Name of a palette.
    """

    def __init__(self, seed: int, theme: str = "dark") -> None:
        self.rng = Random(seed)
        self.clock = Clock()
        world = World([thin(name, like=name, events_per_s=2.0) for name in PAIRS], seed=seed, screen=True)
        self.source = WorldSource(world)
        self.source.advance(5)
        self.loop = asyncio.new_event_loop()
        self._patches = [
            patch.object(driver_module, "time", SimpleNamespace(monotonic=self.clock)),
            patch("textual._parser.get_time", self.clock),
            patch("signal.signal", lambda *_: None),
            patch.dict(os.environ, {"TERM": "xterm-256color", "COLORTERM": "truecolor"}),
        ]
        for one in self._patches:
            one.start()
        settings = Settings(pairs=PAIRS, group=10, theme=theme)
        self.app = InnerApp(self.source, settings, clock=self.clock, live=False, ascii_only=False)
        self.app.driver_class = InnerDriver
        # Scrolling in real time is nothing to compare.
        self.app.animation_level = "none"
        self._running = self.loop.create_task(self.app.run_async(size=(160, 48), mouse=True))
        self.keys = Keys(debug=False)
        self.wait(lambda: self.app._running and self.app.main.is_mounted)
        self.tick()

    @property
    def driver(self) -> InnerDriver:
        """The program's driver."""
        found = self.app._driver
        assert isinstance(found, InnerDriver)
        return found

    def wait(self, condition: Callable[[], object], limit: int = 2000) -> bool:
        """Let the program work until something is so; whether it came."""

        async def turn() -> bool:
            for count in range(limit):
                if condition():
                    return True
                self.alive()
                await asyncio.sleep(0 if count < 20 else 0.002)
            return False

        return self.loop.run_until_complete(turn())

    def alive(self) -> None:
        """Raise what ended the program."""
        if self.app.crash is not None:
            raise self.app.crash
        if self._running.done():
            self._running.result()
            raise AssertionError("the program ended")

    def settle(self) -> None:
        """Let everything that is asked be done and painted."""

        def quiet() -> bool:
            pumps = [self.app, *self.app.screen_stack, *self.app.screen.walk_children()]
            return (
                all(pump._message_queue.empty() for pump in pumps if pump._is_mounted or pump is self.app)
                and not self.app.screen._dirty_widgets
                and not self.app.screen._layout_required
                and self.app._resize_timer is None
                and self.app._resize_event is None
            )

        # Textual paints 120 times a second at most.
        for _ in range(2):
            assert self.wait(quiet), "the program does not come to rest"
            self.loop.run_until_complete(asyncio.sleep(0.009))

    def type(self, data: bytes, pause_s: float = 0.05) -> None:
        """Bytes come from the terminal, and time passes, so that a sequence cut off is over."""
        self.driver.hear(self.keys, data)
        self.clock.now += pause_s
        self.driver.hear(self.keys, None)

    def turn(self) -> None:
        """Let the program work a little."""

        async def turns() -> None:
            for _ in range(5):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turns())
        self.alive()

    def tick(self, everything: bool = False) -> None:
        """A frame."""
        self.clock.now += 0.1
        with self.app._context():
            self.app.tick(everything=everything)

    def difference(self) -> str:
        """Where the terminal is not what a fresh drawing of everything would be; "" where it is.

        Toasts go in real time: what is different must stay so.
        """
        found = ""
        for _ in range(3):
            found = self._difference()
            if not found:
                break
        return found

    def _difference(self) -> str:
        self.settle()
        self.tick(everything=True)
        self.settle()
        shown = self.driver.canvas
        with self.app._context():
            for pane in self.app.main.walk_children(Pane):
                if pane.picture is not None and pane.display:
                    pane._draw_all(pane.picture)
            screen = self.app.screen
            update = screen._compositor.render_full_update()
            fresh = Canvas(shown.columns, len(shown.rows))
            fresh.feed(update.render_segments(self.app.console))
        for y, (old, new) in enumerate(zip(shown.rows, fresh.rows, strict=True)):
            if old != new:
                x = next(at for at, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1])
                return (
                    f"row {y}, column {x} of {shown.columns}x{len(shown.rows)} is {old[x]}, redrawn {new[x]}\n"
                    f"{shown.lines[y]}\n{fresh.lines[y]}"
                )
        return ""

    def close(self) -> None:
        """End the program."""
        try:
            if not self._running.done():
                self.app.exit()
                self.loop.run_until_complete(asyncio.wait_for(self._running, 10))
        finally:
            for one in self._patches:
                one.stop()
            self.loop.close()
