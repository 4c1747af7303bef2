"""What the feed tells its listeners, as frozen values.

Times named `ns` are wall clock nanoseconds since the epoch. All text in them has passed `text.clean_text`.
"""

from __future__ import annotations

import msgspec

from kraken_tui.market.events import BookChanged, BookState, Candle, Level, Proof, Trade
from kraken_tui.market.plain import Value
from kraken_tui.market.views import Ticker
from kraken_tui.wire.symbols import PairSpec


class StateChanged(Value, frozen=True, gc=False):
    """The connection moved to another state.

    Attributes:
        ns: When.
        state: Name of the new state (`feed.connection.table.State`).
        cause: The one cause of the transition, a short clause.
        attempt: Dial attempts since the backoff was last reset.
        retry_in_s: Seconds until the next dial; None when none is planned.
    """

    ns: int
    state: str
    cause: str
    attempt: int
    retry_in_s: float | None


class Refused(Value, frozen=True, gc=False):
    """A pair or one of its channels was refused; it is not requested again until the user changes something.

    `symbol` is the name as requested, `channel` is "" for the whole pair, `nearest` are similar symbols.
    """

    ns: int
    symbol: str
    channel: str
    error: str
    nearest: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The channel and the exchange's words, plus the nearest symbols unless it names them itself."""
        channel = f"{self.channel}: " if self.channel else ""
        hint = ""
        if self.nearest and not any(name in self.error for name in self.nearest):
            hint = f"; nearest: {', '.join(self.nearest)}"
        return f"{channel}{self.error}{hint}"


class Resync(Value, frozen=True, gc=False):
    """A book lost its proof and is being fetched again.

    `cause` is "checksum", "no snapshot", "bad number", "precision changed", "reconnect", "witness" (the ticker or the
    number of decimals contradicts the book) or "audit" (a second snapshot does);
    `expected` is the venue's checksum and `actual` ours if the cause is a checksum.
    """

    ns: int
    symbol: str
    cause: str
    expected: int | None = None
    actual: int | None = None


class BookStateChanged(Value, frozen=True, gc=False):
    """A book's state, proof or the reason for either changed; `reason` is "" when VERIFIED."""

    ns: int
    symbol: str
    state: BookState
    proof: Proof
    reason: str


class Audited(Value, frozen=True, gc=False):
    """A whole book matched a second snapshot, in up to `levels` levels a side."""

    ns: int
    symbol: str
    levels: int


class Trades(msgspec.Struct, frozen=True, gc=False):
    """New trades of one pair, oldest first, each reported once; `snapshot` for recent history, `ns` their receipt."""

    symbol: str
    trades: tuple[Trade, ...]
    snapshot: bool
    ns: int = 0


class TickerChanged(msgspec.Struct, frozen=True, gc=False):
    """The 24 hour figures of a pair, and when they were received (wall clock ns; 0 where that is not told)."""

    symbol: str
    ticker: Ticker
    ns: int = 0


class Candles(msgspec.Struct, frozen=True, gc=False):
    """Candles of one interval, oldest first: recent ones (`snapshot`) or the running one."""

    symbol: str
    interval: int
    candles: tuple[Candle, ...]
    snapshot: bool


class SpecChanged(msgspec.Struct, frozen=True, gc=False):
    """Reference data of a wanted pair became known or changed."""

    spec: PairSpec

    @property
    def symbol(self) -> str:
        """v2 symbol."""
        return self.spec.symbol


class InstrumentsKnown(msgspec.Struct, frozen=True, gc=False):
    """The instrument list arrived, with this many pairs."""

    count: int


class SystemChanged(Value, frozen=True, gc=False):
    """State of the exchange: "online", "maintenance", "cancel_only", "post_only" or "unknown"."""

    ns: int
    system: str


class PairAdded(msgspec.Struct, frozen=True, gc=False):
    """A name the user gave was resolved to this symbol."""

    name: str
    symbol: str


class Note(msgspec.Struct, frozen=True, gc=False):
    """A line for the program's log; `level` is "info", "warning" or "error"."""

    ns: int
    level: str
    text: str


class BookLine(msgspec.Struct, frozen=True, gc=False):
    """A book right after one message; `stream` prints it as one line.

    Made only for listeners that want levels; see `engine.listeners`.

    Attributes:
        changed: The message.
        bids, asks: Best levels after it, best first, as many as the listener asked for.
        spec: Precisions that turn ticks and lots back into the wire's text.
        depth: Levels a side that the book can hold; 0 where that is not told.
        levels: Most levels a side that are told of them; 0 where that is not told.
    """

    changed: BookChanged
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    spec: PairSpec
    depth: int = 0
    levels: int = 0

    @property
    def symbol(self) -> str:
        """v2 symbol."""
        return self.changed.symbol

    @property
    def verified(self) -> bool:
        """Whether the checksum after this message matched."""
        return self.changed.verified


FeedEvent = msgspec.Struct
"""Anything a feed can report: the structs of this module, `BookChanged`, and those of a channel's own file."""
