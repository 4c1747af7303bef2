"""cryptofeed's Kraken handler, fed through its `message_handler` with the v1 form; its checksums are switched on."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from cryptofeed.defines import L2_BOOK
from cryptofeed.exchanges import Kraken
from driver import Client, main


class Cryptofeed(Client):
    """Validation is off by default; off, it checks nothing and costs less."""

    waits = True
    alarm_types = ("BadChecksum",)

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(job)
        # What the REST end point would have told, so that no connection is needed.
        pairs = {"result": {"PAIR": {"wsname": job["v1_symbol"]}}}
        names, info = Kraken._parse_symbol_data(pairs)
        self.name = next(iter(names))
        _symbols().set(Kraken.id, names, info)
        self.client = Kraken(
            max_depth=job["depth"], symbols=[self.name], channels=[L2_BOOK], checksum_validation=job["checks"]
        )

    async def feed(self, frame: str) -> None:
        await self.client.message_handler(frame, None, 0.0)

    def book(self) -> Any:
        kept = self.client._l2_book[self.name].book
        return tuple([(price, side[price]) for price in side] for side in (kept.bids, kept.asks))


def _symbols() -> Any:
    from cryptofeed.symbols import Symbols

    return Symbols


def _versions() -> str:
    for name in ("order-book", "order_book"):
        try:
            return f"{version('cryptofeed')}, order-book {version(name)}"
        except PackageNotFoundError:
            continue
    return version("cryptofeed")


if __name__ == "__main__":
    main(Cryptofeed, _versions)
