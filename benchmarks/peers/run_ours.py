"""kraken-tui's own decoder and book: what every frame costs before anybody is told of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from driver import Client, main

from kraken_tui import __version__
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.wire.decode import decode
from kraken_tui.wire.symbols import PairSpec


class Ours(Client):
    """`decode`, then `OrderBook`, then the checksum compared, snapshot included."""

    text = False

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(job)
        symbol = job["symbol"]
        base, _, quote = symbol.partition("/")
        self.spec = PairSpec(symbol, base, quote, job["price_decimals"], job["qty_decimals"])
        self.kept = OrderBook(self.spec, job["depth"])

    def feed(self, frame: bytes) -> None:
        message: Any = decode(frame)
        data, book = message.data[0], self.kept
        if message.type == "snapshot":
            book.load(data.bids, data.asks)
        else:
            book.apply(data.bids, data.asks)
        if book.checksum() != data.checksum:
            self.alarms += 1

    def book(self) -> Any:
        return exact(self.kept)


def exact(book: OrderBook) -> Any:
    """Both sides in decimals."""
    price, qty = -book.spec.price_precision, -book.spec.qty_precision
    return tuple(
        [(Decimal(ticks).scaleb(price), Decimal(lots).scaleb(qty)) for ticks, lots in side.top()]
        for side in (book.bids, book.asks)
    )


if __name__ == "__main__":
    main(Ours, lambda: __version__)
