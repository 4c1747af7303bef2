"""kraken-tui's whole `Session.frame`: decoding, counters, watchdog, state of the book, proof, latency, events."""

from __future__ import annotations

import json
import random
from typing import Any

from driver import Client, main
from run_ours import exact

from kraken_tui import __version__
from kraken_tui.feed.session import Session

WALL = 1_795_262_400 * 10**9
"""When the stream begins, ns since the epoch; see benchmarks/stream.py."""

STEP = 20_000_000
"""Nanoseconds between two messages of the stream."""

LAG = 40_000_000
"""Nanoseconds from the exchange's timestamp to the receipt."""


class WholeSession(Client):
    """A connected session that has been told the pair and waits for its book."""

    text = False

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(job)
        self.now, self.wall = 10**12, WALL + LAG
        self.symbol = job["symbol"]
        self.session = session = Session(depth=job["depth"], rng=random.Random(1))
        session.want(self.symbol)
        session.dialling(self.now, self.wall)
        session.opened(self.now, self.wall)
        self._answer()

    def _answer(self) -> None:
        """Play the exchange until the session asks for nothing more."""
        while sends := self.session.take_sends():
            for text in sends:
                request = json.loads(text)
                params = request.get("params", {})
                if request["method"] == "subscribe":
                    self._subscribed(request.get("req_id"), params)

    def _subscribed(self, req_id: int | None, params: dict[str, Any]) -> None:
        for symbol in params.get("symbol", [None]):
            named = {"symbol": symbol} if symbol else {}
            result = {**{key: params[key] for key in ("channel", "depth", "interval") if key in params}, **named}
            self._take({"method": "subscribe", "success": True, "result": result, "req_id": req_id})
        if params["channel"] == "instrument":
            self._take({"channel": "instrument", "type": "snapshot", "data": {"assets": [], "pairs": [self._pair()]}})

    def _pair(self) -> dict[str, Any]:
        base, _, quote = self.symbol.partition("/")
        price, qty = self.job["price_decimals"], self.job["qty_decimals"]
        return {
            "symbol": self.symbol,
            "base": base,
            "quote": quote,
            "status": "online",
            "price_precision": price,
            "price_increment": 10.0**-price,
            "qty_precision": qty,
            "qty_increment": 10.0**-qty,
        }

    def _take(self, frame: dict[str, Any]) -> None:
        self.session.frame(json.dumps(frame).encode(), self.now, self.wall)

    def feed(self, frame: bytes) -> None:
        self.now += STEP
        self.wall += STEP
        self.session.frame(frame, self.now, self.wall)
        self.session.take_events()

    @property
    def alarms(self) -> int:
        """Every message that was not proven counts, whatever the reason."""
        counters = self.session.counters
        return counters.checks_failed - self._forgiven + counters.rejected + counters.deltas_ignored

    @alarms.setter
    def alarms(self, value: int) -> None:
        self._forgiven = 0
        self._forgiven = self.alarms - value

    _forgiven = 0

    def book(self) -> Any:
        return exact(self.session.books[self.symbol])


if __name__ == "__main__":
    main(WholeSession, lambda: __version__)
