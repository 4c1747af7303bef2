"""Facts about markets, as values: what the engine hands to the screen, to outputs and to library users.

All are frozen, hashable and free of exchange text that has not passed `text.clean_text`. Times are whole
nanoseconds since the epoch, prices are ticks, quantities are lots of the pair named by `symbol`.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from kraken_tui.market.plain import Value


class Side(StrEnum):
    """Side of a book, or the aggressor of a trade (buy takes asks, sell takes bids)."""

    BUY = "buy"
    SELL = "sell"


class Proof(StrEnum):
    """The first truth of a book: whether its checksum is proven right now."""

    VERIFIED = "VERIFIED"
    CHECKING = "CHECKING"
    UNVERIFIED = "UNVERIFIED"


class BookState(StrEnum):
    """State of one book between subscribe and live (docs/CONNECTION.md, "Books")."""

    REFUSED = "REFUSED"
    WAIT_ACK = "WAIT_ACK"
    WAIT_SNAPSHOT = "WAIT_SNAPSHOT"
    LIVE = "LIVE"
    RESYNCING = "RESYNCING"
    QUARANTINED = "QUARANTINED"


class MarketStatus(StrEnum):
    """Market health in one word; `Health.reason` says why."""

    ACTIVE = "active"
    STALE = "stale"
    HALTED = "halted"
    UNKNOWN = "unknown"


class FlowKind(StrEnum):
    """What a flow event reports."""

    WALL = "wall"
    MOVED = "moved"
    PULLED = "pulled"
    SWEEP = "sweep"
    LARGE = "large"
    FILLED = "filled"


class Signal(StrEnum):
    """Book pressure in words; thresholds are +-0.2 and +-0.5 (DESIGN.md section 5)."""

    STRONG_SELL = "STRONG SELL"
    SELL = "SELL"
    NEUTRAL = "NEUTRAL"
    BUY = "BUY"
    STRONG_BUY = "STRONG BUY"


Level = tuple[int, int]
"""One price level of a book: (ticks, lots)."""

LevelChange = tuple[Side, int, int, int]
"""(book side, ticks, lots before, lots after); zero lots means no such level."""


class BookChanged(msgspec.Struct, frozen=True, gc=False):
    """One book message was applied.

    Attributes:
        symbol: v2 symbol.
        kind: "snapshot" or "update".
        verified: Whether the checksum after this message matched; only then may the book be trusted.
        checksum: The venue's checksum, or None if it sent none that is valid.
        timestamp: The venue's timestamp of this message, verbatim, or None.
        venue_ns: The same as nanoseconds, or None.
        received_ns: Wall clock when the frame was received, ns.
        changes: Levels the message changed, in its order; empty for a snapshot. Levels that merely left the
            subscribed depth are not among them.
        matched: Whether this message's own checksum was right, None where it had none. A right one does not make
            the book VERIFIED while it is quarantined or contested.
    """

    symbol: str
    kind: str
    verified: bool
    checksum: int | None
    timestamp: str | None
    venue_ns: int | None
    received_ns: int
    changes: tuple[LevelChange, ...] = ()
    matched: bool | None = None


PLACES = 1 << 32
"""Places between two numbers of trades, for those whose own number says nothing."""


class Trade(msgspec.Struct, frozen=True, gc=False):
    """One trade; `side` is the aggressor's, `live` is False for trades of a snapshot or of history.

    Attributes:
        timestamp: The exchange's text.
        venue_ns: The same as nanoseconds; where the exchange cannot have reached that time yet, its clock at the
            receipt.
        place: See `position`; None where the number tells it.
    """

    symbol: str
    side: Side
    price: int
    qty: int
    ord_type: str
    trade_id: int
    timestamp: str
    venue_ns: int
    live: bool = True
    place: int | None = None

    @property
    def position(self) -> int:
        """Where it stands among all trades of the pair: by its number, times `PLACES`, unless the numbering began
        again or the number is absurd (`feed.trade_sequence`)."""
        return self.trade_id * PLACES if self.place is None else self.place


class Print(msgspec.Struct, frozen=True, gc=False):
    """All fills of one taker's order, joined (`market.trades`).

    Attributes:
        side: The taker's.
        venue_ns: Time of the fills.
        position: `Trade.position` of the first fill.
        first, last: Price of the first and of the last fill, ticks.
        qty: Lots.
        turnover: Sum of price x quantity in ticks x lots.
        count: Number of fills.
        levels: Number of different prices.
        live: As of a `Trade`.
    """

    side: Side
    venue_ns: int
    position: int
    first: int
    last: int
    qty: int
    turnover: int
    count: int = 1
    levels: int = 1
    live: bool = True

    @property
    def average(self) -> float:
        """Average price in ticks; exactly it is turnover / qty."""
        return self.turnover / self.qty if self.qty else float(self.last)


class Candle(msgspec.Struct, frozen=True, gc=False):
    """Open, high, low, close of one interval.

    Attributes:
        begin_s: Start of the interval, whole seconds since the epoch.
        interval: Length in minutes.
        open, high, low, close: Ticks.
        volume: Lots traded.
        turnover: Sum of price x quantity in ticks x lots; VWAP is turnover / volume.
        trades: Number of trades.
        closed: Whether the interval is over.
    """

    begin_s: int
    interval: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    turnover: int
    trades: int
    closed: bool = False

    @property
    def vwap(self) -> float | None:
        """Volume-weighted average price in ticks, None without volume."""
        return self.turnover / self.volume if self.volume else None

    @property
    def vwap_ticks(self) -> int | None:
        """The same in whole ticks, halves upwards; None without volume."""
        # A float would lose digits of large turnovers.
        return (2 * self.turnover + self.volume) // (2 * self.volume) if self.volume else None


class CandleChanged(msgspec.Struct, frozen=True, gc=False):
    """The running candle moved, or a candle closed (`candle.closed`)."""

    symbol: str
    candle: Candle


class FlowEvent(msgspec.Struct, frozen=True, gc=False):
    """Something a tape or book reader would remark on.

    Attributes:
        symbol: v2 symbol.
        ns: When, by the venue's clock.
        kind: What happened.
        side: Book side for walls, moves and pulls (BUY is a bid), aggressor for sweeps and large prints.
        price: Ticks; for a sweep or large print the last price reached, for a move where the order is now.
        qty: Lots.
        levels: Levels eaten by a sweep, else 0.
        origin: Ticks: where a moved order was, or the first price of a sweep or large print; else None.
        turnover: Sum of price x quantity in ticks x lots.
        fills: Trades of a sweep or large print, else 0.
    """

    symbol: str
    ns: int
    kind: FlowKind
    side: Side
    price: int
    qty: int
    levels: int = 0
    origin: int | None = None
    turnover: int = 0
    fills: int = 0


class Health(Value, frozen=True, gc=False):
    """Market health and its reason; `age_ms` is the age of the last book change by the venue's clock."""

    symbol: str
    status: MarketStatus
    reason: str
    age_ms: int | None


MarketEvent = BookChanged | Trade | CandleChanged | FlowEvent | Health
