"""A slow book of decimal text, written from docs/PROTOCOL.md alone: the second opinion on every book and checksum.

It shares no code with the product or its local exchange. Prices and quantities are text as on the wire; nothing is
cached, and every question sorts the whole book again.
"""

from __future__ import annotations

import zlib
from decimal import Decimal

Level = tuple[str, str]
"""(price, quantity) as text."""


def token(text: str) -> str:
    """One number as the checksum sees it: without its point, then without leading zeros."""
    return text.replace(".", "").lstrip("0")


class TextBook:
    """Levels by price, kept to a depth.

    Args:
        depth: Levels a side that are known, as subscribed.
    """

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.sides: dict[str, dict[Decimal, Level]] = {"bids": {}, "asks": {}}

    def load(self, bids: list[Level], asks: list[Level]) -> None:
        """Replace everything by a snapshot."""
        self.sides = {"bids": {}, "asks": {}}
        self.apply(bids, asks)

    def apply(self, bids: list[Level], asks: list[Level]) -> None:
        """Apply one message: entries in their order, then truncation to the depth."""
        for name, entries in (("bids", bids), ("asks", asks)):
            side = self.sides[name]
            for price, quantity in entries:
                if Decimal(quantity) == 0:
                    side.pop(Decimal(price), None)
                else:
                    side[Decimal(price)] = (price, quantity)
            best = sorted(side, reverse=name == "bids")[: self.depth]
            self.sides[name] = {price: side[price] for price in best}

    def levels(self, name: str) -> list[Level]:
        """The levels of "bids" or "asks", best first."""
        side = self.sides[name]
        return [side[price] for price in sorted(side, reverse=name == "bids")]

    def checksum(self) -> int:
        """CRC-32 over the ten best asks, then the ten best bids."""
        best = [*self.levels("asks")[:10], *self.levels("bids")[:10]]
        return zlib.crc32("".join(token(price) + token(quantity) for price, quantity in best).encode())
