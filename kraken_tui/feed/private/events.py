"""What the private connections tell besides the values of `market.orders` and of the level 3 book."""

from __future__ import annotations

import msgspec

from kraken_tui.market.plain import Value
from kraken_tui.wire.symbols import PairSpec


class TokenWanted(msgspec.Struct, frozen=True):
    """A connection needs a token now; the answer goes to its session's `token_came`."""

    link: str


class LinkChanged(Value, frozen=True, gc=False):
    """A private connection moved to another state.

    Attributes:
        ns: When, wall clock.
        link: "level 3" or "account".
        state: Name of the new state (`feed.connection.table.State`).
        cause: The one cause of the transition, a short clause.
        retry_in_s: Seconds until the next dial; None when none is planned.
    """

    ns: int
    link: str
    state: str
    cause: str
    retry_in_s: float | None


WireOrderLine = tuple[int, int, str]
"""One order: (ticks, lots, the exchange's id)."""


class Level3Line(msgspec.Struct, frozen=True, gc=False):
    """A book of single orders right after one message.

    Attributes:
        symbol: v2 symbol.
        kind: "snapshot" or "update".
        verified: Whether the book is proven.
        reason: Why not; "" where it is.
        checksum: The exchange's, None if it sent none that is valid.
        timestamp: The exchange's, verbatim, or None.
        received_ns: Wall clock at the receipt.
        spec: Precisions of the orders.
        bids, asks: Orders of the best levels, best level first, first in the queue first.
        depth: Price levels a side that are subscribed.
    """

    symbol: str
    kind: str
    verified: bool
    reason: str
    checksum: int | None
    timestamp: str | None
    received_ns: int
    spec: PairSpec
    bids: tuple[WireOrderLine, ...]
    asks: tuple[WireOrderLine, ...]
    depth: int
