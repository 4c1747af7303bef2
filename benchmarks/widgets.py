"""What each pane and the whole screen cost a frame, terminal sequences included, beside the naive way to draw them.

Pictures come from a short run of the local exchange and are then changed by hand, ten levels a frame, so that every
run draws the same. The terminal is a driver that counts bytes and forgets them.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import replace
from rich.console import Console
from textual.app import App, ComposeResult
from textual.driver import Driver
from textual.geometry import Size
from textual.widgets import DataTable, Static

from benchmarks import Report, main
from kraken_tui.engine.engine import Engine
from kraken_tui.market.events import Proof
from kraken_tui.market.views import FeedView, PairView, Published
from kraken_tui.settings import Settings
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.draw.picture import BookChoices, Picture
from kraken_tui.tui.paint.pane import Pane
from kraken_tui.tui.paint.styles import make_strip

COLUMNS, ROWS = 182, 60
PANES = ("ladder", "book", "candles", "tape", "gauge", "header", "flow", "health")
CHANGED_LEVELS = 10
MOST_OF_NAIVE = 0.7
"""The smoke run fails where the whole screen costs more than this share of the naive one."""

Views = tuple[PairView, FeedView]


def pictures(count: int, seed: int = 1) -> list[Views]:
    """A pair and the feed after some seconds of the local exchange, then `count` frames of ten changed levels each."""
    engine = Engine(Settings(pairs=("BTC/USD",), demo=True))
    engine.start()
    engine.show("BTC/USD")
    end = time.monotonic() + 20
    while time.monotonic() < end:
        view = engine.view("BTC/USD")
        if view is not None and view.proof is Proof.VERIFIED and len(view.candles) > 60 and len(view.tape) > 60:
            break
        time.sleep(0.05)
    feed = engine.feed_view
    engine.stop(5)
    assert view is not None
    rng, frames = random.Random(seed), [(view, feed)]
    for number in range(1, count):
        sides = []
        for levels in (view.bids, view.asks):
            new = list(levels)
            for place in rng.sample(range(min(20, len(new))), CHANGED_LEVELS // 2):
                new[place] = (new[place][0], rng.randrange(10**4, 10**9))
            sides.append(tuple(new))
        now = view.now_ns + 100_000_000
        view = replace(view, version=number, now_ns=now, bids=sides[0], asks=sides[1], age_ns=rng.randrange(10**8))
        feed = replace(feed, version=number, now_ns=now, messages=feed.messages + 20)
        frames.append((view, feed))
    return frames


class Source:
    """Shows the frames one after the other; everything else the screen asks for does nothing."""

    def __init__(self, frames: list[Views]) -> None:
        self._frames, self.at = frames, 0

    @property
    def feed_view(self) -> FeedView:
        """The feed of the current frame."""
        return self._frames[self.at % len(self._frames)][1]

    def published(self) -> Published:
        """All of the current frame."""
        pair, feed = self._frames[self.at % len(self._frames)]
        return Published(feed, {pair.symbol: pair})

    def view(self, _: str) -> PairView:
        """The pair of the current frame."""
        return self._frames[self.at % len(self._frames)][0]

    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *_, **__: None


class Sink(Driver):
    """A terminal that forgets."""

    written = 0

    def write(self, data: str) -> None:
        """Count the bytes."""
        Sink.written += len(data.encode())

    def start_application_mode(self) -> None:
        """Nothing to start."""
        from textual.events import Resize

        size = Size(COLUMNS, ROWS)
        self._app.post_message(Resize(size, size))

    def disable_input(self) -> None:
        """There is none."""

    def stop_application_mode(self) -> None:
        """Nothing to stop."""


async def live(app: App[Any], seconds: float) -> float:
    """CPU of a running app as a share of one core, after a second to settle."""
    app.driver_class = Sink
    task = asyncio.create_task(app.run_async(size=(COLUMNS, ROWS)))
    await asyncio.sleep(1.0)
    cpu, start = time.process_time(), time.perf_counter()
    await asyncio.sleep(seconds)
    share = (time.process_time() - cpu) / (time.perf_counter() - start)
    app.exit()
    await task
    return share


class Playing(KrakenApp):
    """The screen, with another frame at every tick."""

    def tick(self, *, everything: bool = False) -> None:
        """Next frame."""
        self.source.at += 1  # type: ignore[attr-defined]
        super().tick(everything=everything)


class Naive(App[None]):
    """The same market as it is usually drawn: a DataTable, a Rich table and a plotext chart, rebuilt at every tick."""

    def __init__(self, frames: list[Views], fps: int) -> None:
        super().__init__()
        self._frames, self._fps, self._at = frames, fps, 0

    def compose(self) -> ComposeResult:
        """A ladder, a tape and a chart side by side."""
        from textual.containers import Horizontal

        with Horizontal():
            yield DataTable(id="ladder")
            yield Static(id="tape")
            yield Static(id="candles")

    def on_mount(self) -> None:
        """Make the table's columns and begin."""
        table = self.query_one(DataTable)
        for name in ("price", "size", "sum"):
            table.add_column(name, key=name)
        for row in range(40):
            table.add_row("", "", "", key=str(row))
        self.set_interval(1 / self._fps, self.draw)

    def draw(self) -> None:
        """Rebuild everything."""
        from rich.table import Table
        from rich.text import Text

        self._at += 1
        view = self._frames[self._at % len(self._frames)][0]
        table, total = self.query_one(DataTable), 0
        for row, (ticks, lots) in enumerate((*view.asks[:20][::-1], *view.bids[:20])):
            total += lots
            table.update_cell(str(row), "price", f"{ticks / 10:,.1f}")
            table.update_cell(str(row), "size", f"{lots / 1e8:.8f}")
            table.update_cell(str(row), "sum", f"{total / 1e8:.4f}")
        tape = Table("time", "price", "size", box=None)
        for trade in list(view.tape)[:50]:
            tape.add_row(str(trade.venue_ns), f"{trade.price / 10:,.1f}", f"{trade.qty / 1e8:.8f}")
        self.query_one("#tape", Static).update(tape)
        self.query_one("#candles", Static).update(Text.from_ansi(_plotext(view)))


def _plotext(view: PairView) -> str:
    import plotext

    candles = list(view.candles)[-60:]
    plotext.clear_figure()
    plotext.plotsize(60, 40)
    plotext.candlestick(
        list(range(len(candles))),
        {
            "Open": [candle.open for candle in candles],
            "High": [candle.high for candle in candles],
            "Low": [candle.low for candle in candles],
            "Close": [candle.close for candle in candles],
        },
    )
    text: str = plotext.build()
    return text


def timed(call: Callable[[], object], times: int) -> float:
    """CPU ms of one call, the median of `times`."""
    found = []
    for _ in range(times):
        start = time.thread_time()
        call()
        found.append((time.thread_time() - start) * 1000)
    return statistics.median(found)


async def pane_costs(frames: list[Views], times: int) -> list[tuple[str, float, float]]:
    """(pane, ms for a whole picture, ms for what a frame changes) with the terminal's sequences."""
    app = Playing(Source(frames), Settings(fps=1), live=False)  # type: ignore[arg-type]
    app.driver_class = Sink
    task = asyncio.create_task(app.run_async(size=(COLUMNS, ROWS)))
    await asyncio.sleep(0.5)
    console, results = Console(color_system="truecolor"), []
    for name in PANES:
        pane = app.main._panes[name]
        assert isinstance(pane, Pane)
        frame_of = _frames_of(frames)

        def whole(pane: Pane = pane, frame_of: Iterator[Picture] = frame_of) -> None:
            pane._drawn_for = (0, 0, "")
            pane.push(next(frame_of))
            make_strip.cache_clear()
            for y in range(pane.size.height):
                pane.render_line(y).render(console)

        def changes(pane: Pane = pane, frame_of: Iterator[Picture] = frame_of) -> None:
            with app.painter.picture():
                pane.push(next(frame_of))

        results.append((name, timed(whole, times), timed(changes, times)))
    app.exit()
    await task
    return results


def _frames_of(frames: list[Views]) -> Iterator[Picture]:
    state = BookChoices(grouping=25)
    while True:
        for view, feed in frames:
            yield Picture(view, feed, state)


def run(smoke: bool) -> Report:
    """Measure; the smoke run compares with the naive screen only."""
    title = f"Panes and screen at {COLUMNS}x{ROWS}, ten of forty ladder rows changing a frame, CPU with sequences"
    report = Report(title, ("what", "whole", "changes", "note"))
    frames = pictures(40)
    for name, whole, changes in asyncio.run(pane_costs(frames, 40 if smoke else 300)):
        report.rows.append((name, f"{whole:.2f} ms", f"{changes:.2f} ms", ""))
    seconds = 2.0 if smoke else 10.0
    for fps in (10, 30):
        Sink.written = 0
        ours = asyncio.run(live(Playing(Source(frames), Settings(fps=fps)), seconds))  # type: ignore[arg-type]
        speed = Sink.written / (seconds + 1) / 1000
        naive = asyncio.run(live(Naive(frames, fps), seconds))
        report.rows.append(
            (f"screen, {fps} frames/s", "", f"{ours * 100:.1f} % of a core", f"{speed:.0f} kB/s to the terminal")
        )
        note = f"{naive / ours:.1f} x ours, for three of the eight panes"
        report.rows.append((f"naive screen, {fps} frames/s", "", f"{naive * 100:.1f} % of a core", note))
        if fps == 10 and ours > MOST_OF_NAIVE * naive:
            report.failures.append(f"the screen costs {ours / naive:.2f} of a naive one")
    return report


if __name__ == "__main__":
    raise SystemExit(main(run(smoke="--smoke" in sys.argv)))
