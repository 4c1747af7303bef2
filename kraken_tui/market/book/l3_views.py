"""What a level 3 book says of itself, as frozen values. Prices are ticks, quantities lots, times ns since the epoch."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from kraken_tui.errors import InvalidMessage
from kraken_tui.market.events import Side
from kraken_tui.wire.timestamps import parse_timestamp


class Reading(StrEnum):
    """How the queue of a level may be meant where the protocol does not say (PRIVATE.md section 2.6)."""

    KEEP = "a modified order keeps its place"
    RAISED = "a raised quantity goes to the back"
    BY_TIME = "each level is in order of the orders' times"


def stamp_ns(stamp: str | None) -> int | None:
    """A wire time in nanoseconds; None where there is none that can be read."""
    try:
        return parse_timestamp(stamp) if stamp is not None else None
    except InvalidMessage:
        return None


OrderChange = tuple[Side, int, int, int, str]
"""(book side, ticks, lots before, lots after, order id); zero lots means the order is not there.

An order that moves (another price, or an `add` of a known id) gives two: it leaves, then it joins.
"""


class L3Counts(msgspec.Struct):
    """What was counted since the book was made, for the diagnostics.

    Attributes:
        messages: Messages applied.
        checks_ok, checks_failed: Checksums compared; one that another reading explains is a right one.
        unknown_ids: Modifies and deletes of orders that are not held: of levels that left the depth. A count that
            grows without such levels is a defect.
        known_adds: Adds of orders that are held.
        zero: Adds and modifies with a quantity of zero.
        unknown_events: Entries whose event is not one of the three.
        untimed: Messages whose adds could not be put in order of time.
        dropped: Updates without a snapshot that they continue.
        readings: Messages whose checksum told the readings apart, by the reading that matched.
        switched: Times another reading took over.
    """

    messages: int = 0
    checks_ok: int = 0
    checks_failed: int = 0
    unknown_ids: int = 0
    known_adds: int = 0
    zero: int = 0
    unknown_events: int = 0
    untimed: int = 0
    dropped: int = 0
    readings: dict[Reading, int] = msgspec.field(default_factory=lambda: dict.fromkeys(Reading, 0))
    switched: int = 0


class Level3Changed(msgspec.Struct, frozen=True, gc=False):
    """One message of a level 3 book was taken.

    Attributes:
        symbol: v2 symbol.
        kind: "snapshot" or "update".
        verified: Whether the book after it is proven; only then may a place in a queue be shown.
        matched: Whether the message's checksum was right; None where it had none, or where it was dropped.
        checksum: The venue's checksum, None if it sent none that is valid.
        timestamp: The venue's, verbatim, or None.
        received_ns: Wall clock when the frame was received.
        changes: Orders that changed, in the message's order; empty for a snapshot. Those of levels that merely left
            the depth are not among them.
        reason: Why the book is not verified; "" where it is.
        dropped: Whether the message was not applied, because the book waits for a snapshot.
    """

    symbol: str
    kind: str
    verified: bool
    matched: bool | None
    checksum: int | None
    timestamp: str | None
    received_ns: int
    changes: tuple[OrderChange, ...] = ()
    reason: str = ""
    dropped: bool = False

    @property
    def venue_ns(self) -> int | None:
        """The venue's time in nanoseconds; None where it sent none that can be read."""
        return stamp_ns(self.timestamp)


class L3Level(msgspec.Struct, frozen=True, gc=False):
    """One price level.

    Attributes:
        ticks, lots: Price, and the sum of its orders.
        sizes: Lots of each order, first in the queue first.
        head_ns: When the first order was inserted or amended; None where the wire did not say.
    """

    ticks: int
    lots: int
    sizes: tuple[int, ...]
    head_ns: int | None

    @property
    def count(self) -> int:
        """Number of orders."""
        return len(self.sizes)

    @property
    def largest(self) -> int:
        """Lots of the largest order."""
        return max(self.sizes)

    def head_age_ns(self, now_ns: int) -> int | None:
        """How long the first order has stood at `now_ns`; never below zero."""
        return None if self.head_ns is None else max(0, now_ns - self.head_ns)


class QueuedOrder(msgspec.Struct, frozen=True, gc=False):
    """One order of a level.

    Attributes:
        order_id: The exchange's name.
        lots: Visible quantity.
        ns: When inserted or amended; None where the wire did not say.
        orders_ahead, lots_ahead: What stands before it.
    """

    order_id: str
    lots: int
    ns: int | None
    orders_ahead: int
    lots_ahead: int


class QueuePosition(msgspec.Struct, frozen=True, gc=False):
    """Where an order stands in its level.

    Attributes:
        side, ticks, lots: The order.
        orders_ahead, lots_ahead: What stands before it; hidden quantity of icebergs is not known, and reloads behind.
        orders_behind: Orders after it.
        level_lots: Quantity of the whole level.
        verified: Whether the book is proven; shown as exact only then.
    """

    side: Side
    ticks: int
    lots: int
    orders_ahead: int
    lots_ahead: int
    orders_behind: int
    level_lots: int
    verified: bool
