"""Typed messages of Kraken WebSocket v2 (PROTOCOL.md sections 2 to 7).

Channel frames are decoded straight into these structs; prices and quantities stay the wire's own text (`str`,
or `int` where the wire wrote no decimal point) until a book or a trade turns them into ticks and lots with the
pair's precision. Nothing here ever holds a float.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Kind = Literal["snapshot", "update"]
"""The two types of channel frames; a frame of any other type counts as unknown."""

WireNumber = Any
"""A decimal number as the wire wrote it: `str`, or `int` where it had no decimal point."""


class WireLevel(msgspec.Struct, gc=False):
    """One price level as written on the wire; a quantity of zero removes the price."""

    price: WireNumber
    qty: WireNumber


class BookData(msgspec.Struct, gc=False):
    """One symbol's part of a book frame.

    `checksum` is kept as the wire sent it, so that a missing or malformed one makes the book unproven and not the
    frame invalid. `timestamp` is optional (absent before 2025).
    """

    symbol: str
    bids: list[WireLevel] = []
    asks: list[WireLevel] = []
    checksum: Any = None
    timestamp: str | None = None


class BookMessage(msgspec.Struct, tag_field="channel", tag="book", gc=False):
    """Book snapshot or update (section 4)."""

    type: Kind
    data: list[BookData]


class TradeData(msgspec.Struct, gc=False):
    """One trade (section 7.2); `side` is the taker's."""

    symbol: str
    side: str
    price: WireNumber
    qty: WireNumber
    trade_id: int
    timestamp: str
    ord_type: str = ""


class TradeMessage(msgspec.Struct, tag_field="channel", tag="trade", gc=False):
    """Trades, oldest first, snapshot or update."""

    type: Kind
    data: list[TradeData]


class TickerData(msgspec.Struct, gc=False):
    """Rolling 24 hour statistics and the touch (section 7.1); `change_pct` is in percent."""

    symbol: str
    bid: WireNumber = None
    bid_qty: WireNumber = None
    ask: WireNumber = None
    ask_qty: WireNumber = None
    last: WireNumber = None
    volume: WireNumber = None
    vwap: WireNumber = None
    low: WireNumber = None
    high: WireNumber = None
    change: WireNumber = None
    change_pct: WireNumber = None
    trades: WireNumber = None
    timestamp: str | None = None


class TickerMessage(msgspec.Struct, tag_field="channel", tag="ticker", gc=False):
    """Ticker snapshot or update."""

    type: Kind
    data: list[TickerData]


class OhlcData(msgspec.Struct, gc=False):
    """One candle (section 7.3); `interval_begin` is its start, `interval` is in minutes."""

    symbol: str
    open: WireNumber
    high: WireNumber
    low: WireNumber
    close: WireNumber
    volume: WireNumber
    interval_begin: str
    interval: int
    vwap: WireNumber = None
    trades: int = 0
    timestamp: str | None = None


class OhlcMessage(msgspec.Struct, tag_field="channel", tag="ohlc", gc=False):
    """Candles: a snapshot holds recent ones, oldest first; an update holds only the running candle."""

    type: Kind
    data: list[OhlcData]
    timestamp: str | None = None


class StatusData(msgspec.Struct, gc=False):
    """State of the trading engine (section 2.1). `connection_id` exceeds 2^53 and is kept exact.

    Only `system` is used. No recording shows the other fields in an emergency, so they may have any shape.
    """

    system: str = ""
    api_version: Any = None
    connection_id: Any = None
    version: Any = None
    upcoming_maintenance: Any = None
    emergency: Any = None


class StatusMessage(msgspec.Struct, tag_field="channel", tag="status", gc=False):
    """First frame of every connection, and again whenever the engine's state changes."""

    data: list[StatusData]
    type: str = "update"


class HeartbeatMessage(msgspec.Struct, tag_field="channel", tag="heartbeat", gc=False):
    """One a second while anything is subscribed (section 2.2)."""


class PairData(msgspec.Struct, gc=False):
    """Reference data of one pair (section 6). Precisions are counts of decimals."""

    symbol: str
    base: str
    quote: str
    status: str
    price_precision: int
    qty_precision: int
    price_increment: WireNumber = None
    qty_increment: WireNumber = None
    qty_min: WireNumber = None
    cost_precision: Any = None
    cost_min: Any = None


class AssetData(msgspec.Struct, gc=False):
    """Reference data of one asset (section 6); only tokenised ones have a `multiplier`."""

    id: str
    status: str = ""
    precision: int = 0
    precision_display: int = 0
    multiplier: Any = None


class InstrumentData(msgspec.Struct, gc=False):
    """Assets and pairs; a snapshot holds everything, an update only what changed."""

    assets: list[AssetData] = []
    pairs: list[PairData] = []


class InstrumentMessage(msgspec.Struct, tag_field="channel", tag="instrument", gc=False):
    """Reference data; here `data` is an object, not an array (section 2)."""

    type: Kind
    data: InstrumentData


class SubscribeAck(msgspec.Struct, frozen=True):
    """A granted subscribe or unsubscribe; one arrives per symbol (section 3).

    Attributes:
        method: "subscribe" or "unsubscribe".
        channel: Channel granted.
        symbol: Symbol granted; None for channels that have no symbol.
        result: Everything that was granted, as decoded (`depth`, `interval`, `snapshot`, ...).
        warnings: The exchange's remarks, cleaned for display.
        req_id: Number of the request it answers, if one was sent.
    """

    method: str
    channel: str
    symbol: str | None
    result: dict[str, Any]
    warnings: tuple[str, ...]
    req_id: int | None
    time_in: str | None = None
    time_out: str | None = None


class Refusal(msgspec.Struct, frozen=True):
    """A request the exchange refused; the socket stays open, and nothing more is said about it (section 3).

    `error` is the exchange's own text, cleaned for display. `method` may be empty for the odd shapes.
    """

    method: str
    error: str
    symbol: str | None
    channel: str | None
    req_id: int | None


class Pong(msgspec.Struct, frozen=True):
    """Answer to an application ping (section 2.3), with the exchange's clock at receipt and at sending."""

    req_id: int | None
    time_in: str | None
    time_out: str | None


class UnknownMessage(msgspec.Struct, frozen=True):
    """A well-formed frame of a kind this program does not know: counted and ignored."""

    kind: str


Message = (
    BookMessage
    | TradeMessage
    | TickerMessage
    | OhlcMessage
    | StatusMessage
    | HeartbeatMessage
    | InstrumentMessage
    | SubscribeAck
    | Refusal
    | Pong
    | UnknownMessage
)
"""Everything `kraken_tui.wire.decode.decode` can return."""
