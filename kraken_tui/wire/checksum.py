"""The CRC32 of a book, of levels (PROTOCOL.md section 4.3) and of single orders (PRIVATE.md section 2.3).

Best ten asks ascending, then best ten bids descending; for each level price then quantity, decimal point removed
and leading zeros stripped, nothing between tokens; CRC-32/ISO-HDLC of the ASCII bytes. A whole number of ticks or
lots printed in decimal is exactly such a token.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from zlib import crc32

CHECKSUM_LEVELS = 10
"""Levels a side the checksum covers, at any depth; errors below them are invisible to it."""


def token(text: str) -> str:
    """Reduce decimal text to its checksum token: "0.05005" gives "5005"; zero gives ""."""
    return text.replace(".", "", 1).lstrip("0")


def checksum_of_text(asks: Iterable[tuple[str, str]], bids: Iterable[tuple[str, str]]) -> int:
    """Checksum from wire text.

    Args:
        asks: (price, quantity) text, best (lowest) first; only the first ten are used.
        bids: (price, quantity) text, best (highest) first; only the first ten are used.

    Returns:
        Unsigned 32-bit CRC.
    """
    parts = [
        token(price) + token(quantity) for side in (asks, bids) for price, quantity in islice(side, CHECKSUM_LEVELS)
    ]
    return crc32("".join(parts).encode("ascii"))


def checksum_of_units(asks: Iterable[tuple[int, int]], bids: Iterable[tuple[int, int]]) -> int:
    """Checksum from (ticks, lots), best first; the same value as `checksum_of_text` on the padded text."""
    parts = [f"{ticks}{lots}" for side in (asks, bids) for ticks, lots in islice(side, CHECKSUM_LEVELS)]
    return crc32("".join(parts).encode("ascii"))


Order = tuple[int, int]
"""One order of a level: (ticks, lots)."""


def checksum_of_orders(asks: Iterable[Iterable[Order]], bids: Iterable[Iterable[Order]]) -> int:
    """Checksum of a level 3 book: the ten best levels a side, each order of each.

    Args:
        asks: Levels, best (lowest) first; each its orders, first in the queue first.
        bids: The same, best (highest) first.

    Returns:
        Unsigned 32-bit CRC; 0 for two empty sides, which is a checksum like any other.
    """
    parts = [
        f"{ticks}{lots}" for side in (asks, bids) for level in islice(side, CHECKSUM_LEVELS) for ticks, lots in level
    ]
    return crc32("".join(parts).encode("ascii"))
