"""The book checksum, written from the published rule alone so that a mistake in the client's cannot hide in
ours.
"""

from __future__ import annotations

from zlib import crc32


def level_token(price: str, qty: str) -> str:
    """One level's share of the checksum text: both numbers without the point and without leading zeros.

    Args:
        price: decimal text with exactly price_precision decimals.
        qty: decimal text with exactly qty_precision decimals.
    """
    return price.replace(".", "").lstrip("0") + qty.replace(".", "").lstrip("0")


def book_checksum(asks: str, bids: str) -> int:
    """CRC-32 of the ask side's tokens followed by the bid side's, unsigned (PROTOCOL.md section 4.3).

    Args:
        asks: tokens of up to ten levels, best first, joined with nothing between.
        bids: likewise.
    """
    return crc32((asks + bids).encode("ascii"))
