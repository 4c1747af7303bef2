"""What one writes who follows the documentation: `json` with `Decimal`, two `SortedDict`, the checksum each time."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import islice
from typing import Any
from zlib import crc32

from driver import Client, main
from sortedcontainers import SortedDict, __version__


class Textbook(Client):
    """Bids are kept under negated prices, so that both sides begin with their best level."""

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(job)
        self.depth = job["depth"]
        self.bids: SortedDict = SortedDict()
        self.asks: SortedDict = SortedDict()
        # One decoder for good: `json.loads` with options makes a new one for every call.
        self.decode = json.JSONDecoder(parse_float=Decimal).decode

    def feed(self, frame: str) -> None:
        message = self.decode(frame)
        data = message["data"][0]
        if message["type"] == "snapshot":
            self.bids.clear()
            self.asks.clear()
        for level in data["bids"]:
            self.put(self.bids, -level["price"], level["qty"])
        for level in data["asks"]:
            self.put(self.asks, level["price"], level["qty"])
        for side in (self.bids, self.asks):
            while len(side) > self.depth:
                side.popitem()
        if self.checksum() != data["checksum"]:
            self.alarms += 1

    @staticmethod
    def put(side: SortedDict, key: Decimal, qty: Decimal) -> None:
        if qty:
            side[key] = qty
        else:
            side.pop(key, None)

    def checksum(self) -> int:
        parts: list[str] = []
        for side in (self.asks, self.bids):
            for key, qty in islice(side.items(), 10):
                parts.append(digits(abs(key)))
                parts.append(digits(qty))
        return crc32("".join(parts).encode())

    def book(self) -> Any:
        return [(-key, qty) for key, qty in self.bids.items()], list(self.asks.items())


def digits(value: Decimal) -> str:
    """Text without point and leading zeros; "f", since `str` writes small numbers with an exponent."""
    return format(value, "f").replace(".", "").lstrip("0")


if __name__ == "__main__":
    main(Textbook, lambda: f"json, decimal, sortedcontainers {__version__}")
