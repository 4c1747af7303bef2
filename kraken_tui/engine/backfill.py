"""History that only REST has: 720 candles and the recent trades, fetched once per pair and interval, and again after
an outage left a gap in the candles.

Without it the screen would start empty. A failure is only a log line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from kraken_tui.engine.desk import Desk
from kraken_tui.errors import WireError
from kraken_tui.feed.channels import pair_channels
from kraken_tui.feed.channels.ohlc import OHLC
from kraken_tui.feed.channels.trade import TRADE
from kraken_tui.market.convert import candles_from_rest, trades_from_rest
from kraken_tui.market.pair import PairMarket
from kraken_tui.wire.symbols import PairSpec

if TYPE_CHECKING:
    from kraken_tui.feed.rest.client import RestClient

RECENT_TRADES = 200
"""Trades of the past that the tape starts with."""


class Backfill:
    """Fetches what `Desk.history_wanted` asks for, one request at a time."""

    def __init__(
        self,
        rest: RestClient,
        desk: Desk,
        specs: Callable[[str], PairSpec | None],
        note: Callable[[str, str], None],
        wall: Callable[[], int],
        shown: Callable[[], str | None],
        channels: Collection[str] | None = None,
        seeded: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._rest = rest
        self._desk = desk
        self._specs = specs
        self._note = note
        self._wall = wall
        self._shown = shown
        self._seeded = seeded
        self._channels = pair_channels() if channels is None else channels
        # What was fetched: intervals, 0 for trades. A pair that is removed and added again is a new market.
        self._have: WeakKeyDictionary[PairMarket, set[int]] = WeakKeyDictionary()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look at what is wanted; call after events were handled."""
        if self._desk.history_wanted:
            self._wake.set()

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            wanted = self._desk.history_wanted
            trades: set[str] = set()
            while wanted or trades:
                symbol = self._first(wanted or trades)
                if symbol in wanted:
                    wanted.discard(symbol)
                    trades.add(symbol)
                    await self._fetch_candles(symbol, self._desk.interval_of(symbol))
                else:
                    trades.discard(symbol)
                    await self._fetch_trades(symbol)
                    self._seeded(symbol)

    def _first(self, wanted: set[str]) -> str:
        """The pair on screen before the others, which come in the user's order."""
        order = [self._shown(), *self._desk.by_symbol]
        return next((symbol for symbol in order if symbol in wanted), min(wanted))

    async def _fetch_candles(self, symbol: str, interval: int) -> None:
        market = self._lacking(symbol, interval, OHLC.name)
        if market is None:
            return
        asked_ns = self._wall()
        answer = await self._rest.ohlc(symbol, interval)
        if answer.rows is None:
            self._note("warning", f"{symbol}: no candle history: {answer.reason}")
            return
        # Look up pair and precisions now: both may have changed while the answer was in flight.
        market, spec = self._desk.by_symbol.get(symbol), self._specs(symbol)
        if market is None or spec is None:
            return
        self._have.setdefault(market, set()).add(interval)
        try:
            market.seed_candles(interval, candles_from_rest(answer.rows, interval, spec), as_of_ns=asked_ns)
        except WireError as error:
            self._note("warning", f"{symbol}: candle history left out: {error}")

    async def _fetch_trades(self, symbol: str) -> None:
        if self._lacking(symbol, 0, TRADE.name) is None:
            return
        answer = await self._rest.trades(symbol, count=RECENT_TRADES)
        if answer.rows is None:
            self._note("warning", f"{symbol}: no recent trades: {answer.reason}")
            return
        market, spec = self._desk.by_symbol.get(symbol), self._specs(symbol)
        if market is None or spec is None:
            return
        self._have.setdefault(market, set()).add(0)
        try:
            market.seed_trades(trades_from_rest(answer.rows, spec))
        except WireError as error:
            self._note("warning", f"{symbol}: recent trades left out: {error}")

    def _lacking(self, symbol: str, interval: int, channel: str) -> PairMarket | None:
        """The market of a pair if its candles, or its trades with interval 0, are to be fetched."""
        market = self._desk.by_symbol.get(symbol)
        if market is None or self._specs(symbol) is None or channel not in self._channels:
            return None
        had = interval in self._have.get(market, ())
        return None if had and not market.lacks_candles(interval) else market
