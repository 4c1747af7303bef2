"""What the heatmap costs a picture, and recording the past a message.

A market of 100 levels a side and 100 book messages a second is made by a seed; the pane is drawn through the painter,
terminal sequences included, with the columns of the past in front of it.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time

from msgspec.structs import replace
from textual.events import Resize
from textual.geometry import Size

from benchmarks import Report, main
from benchmarks.widgets import Playing, Sink, pictures
from benchmarks.widgets import Source as Frames
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.events import BookChanged, LevelChange, Side, Trade
from kraken_tui.market.history.book import BookHistory
from kraken_tui.market.history.moments import MarketHistory
from kraken_tui.market.views import PairView
from kraken_tui.settings import Settings
from kraken_tui.tui.draw.heatmap import HEAD_ROWS
from kraken_tui.tui.draw.picture import BookChoices, Picture, Situation
from kraken_tui.tui.panes import HEATMAP
from kraken_tui.tui.panes.heatmap import HeatmapPane
from kraken_tui.units import SECOND
from kraken_tui.wire.messages import WireLevel
from kraken_tui.wire.symbols import PairSpec

COLUMNS, ROWS = 160, 48
DEPTH, A_SECOND = 100, 100
START = 1_790_000_000 * SECOND
SPEC = PairSpec("BTC/USD", "BTC", "USD", 1, 8)
_MID = 640_000
_LONG_S = 180

MOST_NEW_MS, MOST_ALL_MS, MOST_APPEND_US = 40.0, 120.0, 15.0
"""The smoke run fails above these, ten times what is aimed at."""


class Market:
    """One book and its past, a message every hundredth of a second."""

    def __init__(self, view: PairView | None = None, seed: int = 1) -> None:
        self.rng = random.Random(seed)
        self.book, self.history = OrderBook(SPEC, DEPTH), MarketHistory(3_600 * SECOND, 64_000_000)
        self.now = START
        sides = [
            [_level(_MID + side * (1 + 4 * at), self.rng.randrange(1, 10**9)) for at in range(DEPTH)]
            for side in (-1, 1)
        ]
        self.book.load(*sides)
        self.history.on_book(self._changed("snapshot", ()), self.book)
        self.number = 0
        self.view = view

    def _changed(self, kind: str, changes: tuple[LevelChange, ...]) -> BookChanged:
        return BookChanged(SPEC.symbol, kind, True, None, None, self.now, self.now, changes)

    def message(self) -> tuple[LevelChange, ...]:
        """Two or three levels of the book with other sizes."""
        bids, asks = [], []
        for _ in range(self.rng.randrange(2, 4)):
            side = self.rng.choice((-1, 1))
            at = min(DEPTH - 1, int(self.rng.expovariate(0.05)))
            (bids if side < 0 else asks).append(_level(_MID + side * (1 + 4 * at), self.rng.randrange(1, 10**9)))
        return self.book.apply(bids, asks)

    def go(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds * A_SECOND)):
            self.now += SECOND // A_SECOND
            self.history.on_book(self._changed("update", self.message()), self.book)
            if self.rng.random() < 0.03:
                self.number += 1
                side = self.rng.choice((Side.BUY, Side.SELL))
                price = _MID + (1 if side is Side.BUY else -1)
                trade = Trade(SPEC.symbol, side, price, 10**7, "market", self.number, "", self.now)
                self.history.on_trades(self.now, [trade], [trade])
        if self.view is None:
            return
        self.view = replace(
            self.view, version=self.view.version + 1, spec=SPEC, now_ns=self.now, bids=self.book.bids.top(),
            asks=self.book.asks.top(),
        )  # fmt: skip


def _level(ticks: int, lots: int) -> WireLevel:
    return WireLevel(price=f"{ticks // 10}.{ticks % 10}", qty=f"{lots // 10**8}.{lots % 10**8:08d}")


def append_us(messages: int) -> float:
    """CPU of noting one message, microseconds: `BookHistory.on_update` with what a market sends, trims included."""
    market = Market(seed=2)
    sent = [market.message() for _ in range(messages)]
    found = []
    for _ in range(5):
        history = BookHistory(3_600 * SECOND, 64_000_000)
        history.on_snapshot(START, START, market.book, proven=True)
        update, book, now = history.on_update, market.book, START
        began = time.thread_time()
        for changes in sent:
            now += 10_000_000
            update(now, now, changes, book, proven=True)
        found.append((time.thread_time() - began) * 1e6 / messages)
    return min(found)


class _Source(Frames):
    """The market at the moment of its newest view, without a past for the panes that draw by themselves."""

    def now(self) -> int:
        """The moment of the frame."""
        return self.feed_view.now_ns

    def step(self) -> str:
        """The engine never hangs."""
        return ""


class _Terminal(Sink):
    """A terminal of the benchmark's size."""

    def start_application_mode(self) -> None:
        """Say how large it is."""
        size = Size(COLUMNS, ROWS)
        self._app.post_message(Resize(size, size))


async def picture_ms(times: int) -> dict[str, float]:
    """CPU of one picture, ms: the median for each kind."""
    frames = pictures(1)
    market = Market(frames[0][0])
    market.go(0.1)
    market.history.on_view(market.view, 0)
    market.go(_LONG_S)
    app = Playing(_Source(frames), Settings(fps=1), live=False)  # type: ignore[arg-type]
    app.driver_class = _Terminal
    task = asyncio.create_task(app.run_async(size=(COLUMNS, ROWS)))
    await asyncio.sleep(0.5)
    app.call_later(app.main.set_view, HEATMAP.name)
    pane = app.main._panes["heatmap"]
    assert isinstance(pane, HeatmapPane)
    for _ in range(100):
        await asyncio.sleep(0.1)
        if pane.size.width > COLUMNS // 3:
            break
    rows = app.main.book_rows
    assert pane.size.height > rows + HEAD_ROWS > HEAD_ROWS, (pane.size, rows)
    choices = BookChoices(grouping=20, centre=_MID // 20)
    situation = Situation(view=HEATMAP.name, panes=frozenset(app.main.places))

    def push() -> float:
        picture = Picture(
            market.view, frames[0][1], choices, situation=situation, history=market.history, price_rows=rows
        )
        began = time.thread_time()
        with app.painter.picture():
            pane.push(picture)
        return (time.thread_time() - began) * 1000

    for _ in range(60):
        push()
    found: dict[str, list[float]] = {"the running column": [], "one column is new": [], "all cells are new": []}
    for _ in range(times):
        before = market.now // SECOND
        market.go(0.2)
        found["the running column" if market.now // SECOND == before else "one column is new"].append(push())
    for number in range(times // 4):
        choices.centre = _MID // 20 + 1 + number % 2
        found["all cells are new"].append(push())
    zoomed: list[float] = []
    for _ in range(max(2, times // 20)):
        pane._grids.clear()
        zoomed += [push() for _ in range(5)]
    found["all columns are new, one of the first five"] = zoomed
    app.exit()
    await task
    return {name: statistics.median(values) for name, values in found.items()}


def run(smoke: bool = False) -> Report:
    """Measure pictures and messages."""
    report = Report(f"Heatmap at {COLUMNS}x{ROWS}", ("what", "CPU"))
    found = asyncio.run(picture_ms(20 if smoke else 200))
    report.rows += [(f"a picture, {name}", f"{value:.1f} ms") for name, value in found.items()]
    append = append_us(2_000 if smoke else 20_000)
    report.rows.append(("noting a book message of two or three levels", f"{append:.2f} µs"))
    if found["one column is new"] > MOST_NEW_MS or found["all cells are new"] > MOST_ALL_MS or append > MOST_APPEND_US:
        report.failures.append("the heatmap, or its past, costs ten times what it should")
    return report


if __name__ == "__main__":
    raise SystemExit(main(run()))
