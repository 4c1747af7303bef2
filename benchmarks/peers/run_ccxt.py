"""ccxt pro's Kraken handler, fed through its client's `handle_text_or_binary_message`."""

from __future__ import annotations

from typing import Any

import ccxt
import ccxt.pro
from driver import Client, main


class Ccxt(Client):
    """Its checksums are off by default; with `checks` they are switched on as its manual says."""

    alarm_types = ("ChecksumError",)

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(job)
        self.exchange = ccxt.pro.kraken()
        if job["checks"]:
            self.exchange.options["watchOrderBook"]["checksum"] = True
        self.client = self.exchange.client("wss://127.0.0.1/v2")
        self.client.reject = self._reject

    def _reject(self, error: Exception, _: str) -> None:
        raise error

    def feed(self, frame: str) -> None:
        self.client.handle_text_or_binary_message(frame)

    def book(self) -> Any:
        kept = self.exchange.orderbooks[self.job["symbol"]]
        return tuple([tuple(level[:2]) for level in kept[side]] for side in ("bids", "asks"))


if __name__ == "__main__":
    main(Ccxt, lambda: ccxt.__version__)
