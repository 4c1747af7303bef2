"""Frames of the channel `level3`: single orders (PRIVATE.md section 2.1).

Prices and quantities stay the wire's own text, which may have an exponent (`1e-05`), until a book turns them into
ticks and lots.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kraken_tui.wire.messages import Kind, WireNumber


class WireOrder(msgspec.Struct, gc=False):
    """One order of a frame.

    Attributes:
        order_id: The exchange's name of the order; for own orders the one in executions.
        event: "add", "modify" or "delete" in an update; "" in a snapshot.
        limit_price: Price; some deletes leave it out.
        order_qty: Remaining visible quantity; a delete carries any, and it means nothing.
        timestamp: When it was inserted or amended, RFC 3339.
    """

    order_id: str
    event: str = ""
    limit_price: WireNumber = None
    order_qty: WireNumber = None
    timestamp: str | None = None


class Level3Data(msgspec.Struct, gc=False):
    """One symbol's part of a frame; `checksum` is kept as sent, and 0 is a checksum like any other."""

    symbol: str
    bids: list[WireOrder] | None = []
    asks: list[WireOrder] | None = []
    checksum: Any = None
    timestamp: str | None = None


class Level3Message(msgspec.Struct, tag_field="channel", tag="level3", gc=False):
    """Snapshot or update of single orders; `data` has one book."""

    type: Kind
    data: list[Level3Data]


UNREADABLE = WireOrder("", event="unreadable")
"""Stands for the orders of a book that could not be read: every book rejects it."""


def read_rows(kind: Kind, data: object) -> Level3Message | None:
    """A frame of which one book may be wrong: that one is rejected by its pair, the others are read."""
    if not isinstance(data, list) or not data:
        return None
    books = []
    for row in data:
        if not isinstance(row, dict) or not isinstance(row.get("symbol"), str):
            return None
        try:
            books.append(msgspec.convert(row, Level3Data))
        except msgspec.ValidationError:
            books.append(Level3Data(row["symbol"], bids=[UNREADABLE]))
    return Level3Message(kind, books)
