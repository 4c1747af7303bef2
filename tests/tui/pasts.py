"""A market with a past, as the engine would have kept it: a wall that is pulled, an unproven stretch, trades."""

from __future__ import annotations

import random

from msgspec.structs import replace

from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.events import BookChanged, LevelChange, Side, Trade
from kraken_tui.market.history.moments import MarketHistory
from kraken_tui.tui.draw.picture import BookChoices, Picture, Situation
from kraken_tui.units import SECOND
from kraken_tui.wire.messages import WireLevel
from tests.tui import samples

MID = 642_500
STEP = 20
"""Ticks of a row of `picture`."""
WALL = MID - 200
WALL_LOTS = 40 * 10**8
DEPTH = 25


class Market:
    """One book of 25 levels a side, ten ticks apart, with ten messages a second.

    Args:
        symbol: Of the view.
    """

    def __init__(self, symbol: str = "BTC/USD") -> None:
        self.rng = random.Random(5)
        self.now = samples.NOW - samples.NOW % (300 * SECOND)
        self.history = MarketHistory(3_600 * SECOND, 64_000_000)
        self.view = replace(samples.pair(symbol), now_ns=self.now, depth=DEPTH)
        assert self.view.spec is not None
        self.book = OrderBook(self.view.spec, DEPTH)
        places = [10 * at for at in range(DEPTH)]
        self.book.load(
            [self._at(MID - 5 - at, 10**8) for at in places], [self._at(MID + 5 + at, 10**8) for at in places]
        )
        self._note("snapshot", (), proven=True)
        self._published()
        self.number = 0

    def _at(self, ticks: int, lots: int) -> WireLevel:
        return WireLevel(price=f"{ticks // 10}.{ticks % 10}", qty=f"{lots // 10**8}.{lots % 10**8:08d}")

    def _note(self, kind: str, changes: tuple[LevelChange, ...], *, proven: bool) -> None:
        self.history.on_book(BookChanged("BTC/USD", kind, proven, None, None, self.now, self.now, changes), self.book)

    def _published(self) -> None:
        self.view = replace(self.view, now_ns=self.now, bids=self.book.bids.top(), asks=self.book.asks.top())
        self.history.on_view(self.view, 0)

    def set(self, ticks: int, lots: int, *, proven: bool = True) -> None:
        """Let so much rest at a price."""
        level = [self._at(ticks, lots)]
        changes = self.book.apply(level, []) if ticks < MID else self.book.apply([], level)
        self._note("update", changes, proven=proven)

    def trade(self, side: Side, lots: int) -> None:
        """Let an aggressor trade at the touch, whose size goes down with it."""
        best = (self.book.asks if side is Side.BUY else self.book.bids).top()[0]
        self.number += 1
        trade = Trade("BTC/USD", side, best[0], lots, "market", self.number, "", self.now)
        self.history.on_trades(self.now, [trade], [trade])
        self.set(best[0], best[1] - lots)

    def go(self, seconds: float, *, proven: bool = True) -> None:
        """Let time pass with changes all over the book."""
        for _ in range(round(seconds * 10)):
            self.now += SECOND // 10
            side = self.rng.choice((-1, 1))
            at = MID + side * (5 + 10 * self.rng.randrange(DEPTH - 5))
            if at != WALL - 5:
                self.set(at, self.rng.randrange(10**7, 4 * 10**8), proven=proven)
        self._published()

    def story(self) -> None:
        """Twenty seconds with a wall, pulled without a trade; five unproven ones; ten with trades."""
        self.set(WALL - 5, WALL_LOTS)
        self.go(20)
        self.set(WALL - 5, 0)
        self.go(20)
        self.go(5, proven=False)
        self.go(2)
        for side, lots in ((Side.BUY, 10**6), (Side.SELL, 10**7), (Side.BUY, 5 * 10**6), (Side.SELL, 2 * 10**6)):
            self.trade(side, lots)
            self.go(2)

    def picture(self, choices: BookChoices | None = None, **fields: object) -> Picture:
        """What a screen would draw of it."""
        made = Picture(
            self.view,
            samples.feed(),
            choices or BookChoices(grouping=STEP, centre=MID // STEP),
            history=self.history,
            situation=Situation(view="heatmap", panes=frozenset({"book", "heatmap"})),
        )
        return replace(made, **fields)
