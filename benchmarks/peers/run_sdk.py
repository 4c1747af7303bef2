"""python-kraken-sdk's order book client, fed through its `on_message` after its connector's `json.loads`."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

from driver import Client, main
from kraken.spot import SpotOrderBookClient
from kraken.spot import orderbook as module


async def _no_pause(_: float) -> None:
    """The client waits three seconds before it resubscribes; nothing else is left out."""


class _Market:
    """Answers for the REST end point that tells the decimals, with those of the stream."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job

    def get_asset_pairs(self, pair: str) -> dict[str, Any]:
        return {pair: {"pair_decimals": self.job["price_decimals"], "lot_decimals": self.job["qty_decimals"]}}


class _Book(SpotOrderBookClient):
    """No callback and no connection; a wrong checksum shows in the book's `valid`, as users see it."""

    alarms = 0

    async def on_book_update(self, pair: str, message: Any) -> None:
        """Nothing: the callback is the user's."""

    async def remove_book(self, pairs: list[str]) -> None:  # noqa: ARG002
        """The client does this whenever a checksum was wrong."""
        self.alarms += 1

    async def add_book(self, pairs: list[str]) -> None:
        """There is no connection to resubscribe on."""


class Sdk(Client):
    waits = True

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(job)
        module.asyncio_sleep = _no_pause
        self.client = _Book(depth=job["depth"])
        self.client._SpotOrderBookClient__market = _Market(job)

    async def feed(self, frame: str) -> None:
        await self.client.on_message(json.loads(frame))

    @property
    def alarms(self) -> int:
        return self.client.alarms

    @alarms.setter
    def alarms(self, value: int) -> None:
        self.client.alarms = value

    def book(self) -> Any:
        kept = self.client.get(self.job["symbol"])
        return tuple([(price, qty) for price, (qty, _) in kept[side].items()] for side in ("bid", "ask"))


if __name__ == "__main__":
    main(Sdk, lambda: version("python-kraken-sdk"))
