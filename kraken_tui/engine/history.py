"""History that only REST has: 720 candles and the recent trades, fetched once a pair and interval.

It fills what the screen would otherwise start empty with. It fails softly: a refusal is a log line, never more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from kraken_tui.engine.markets import Markets
from kraken_tui.wire.symbols import PairSpec

if TYPE_CHECKING:
    from kraken_tui.feed.rest import RestClient


class History:
    """Fetches what `Markets.history_wanted` asks for, one request at a time."""

    def __init__(
        self,
        rest: RestClient,
        markets: Markets,
        specs: Callable[[str], PairSpec | None],
        note: Callable[[str, str], None],
    ) -> None:
        self._rest = rest
        self._markets = markets
        self._specs = specs
        self._note = note
        self._have: set[tuple[str, int]] = set()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look at what is wanted; call after events were handled."""
        if self._markets.history_wanted:
            self._wake.set()

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._markets.history_wanted:
                symbol = self._markets.history_wanted.pop()
                interval = self._markets.interval
                spec = self._specs(symbol)
                market = self._markets.by_symbol.get(symbol)
                if spec is None or market is None or (symbol, interval) in self._have:
                    continue
                candles = await self._rest.candles(spec, interval)
                if isinstance(candles, str):
                    self._note("warning", f"{symbol}: no candle history: {candles}")
                    continue
                self._have.add((symbol, interval))
                if self._markets.by_symbol.get(symbol) is market:
                    market.seed_candles(interval, candles)
