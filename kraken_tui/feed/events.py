"""What the feed tells its listeners, as frozen values.

Times named `ns` are wall clock nanoseconds since the epoch. All text in them has passed `wire.text.clean_text`.
"""

from __future__ import annotations

from dataclasses import dataclass

from kraken_tui.market.events import BookChanged, BookState, Candle, Proof, Trade
from kraken_tui.market.views import Ticker
from kraken_tui.wire.symbols import PairSpec


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The connection moved to another state.

    Attributes:
        ns: When.
        state: Name of the new state (`feed.machine.State`).
        cause: The one cause of the transition, a short clause.
        attempt: Dial attempts since the backoff was last reset.
        retry_in_s: Seconds until the next dial; None when none is planned.
    """

    ns: int
    state: str
    cause: str
    attempt: int
    retry_in_s: float | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A pair or one of its channels was refused; it is not asked for again until the user changes something.

    `symbol` is the name as asked for, `channel` is "" where the whole pair is meant, `nearest` are similar symbols.
    """

    ns: int
    symbol: str
    channel: str
    error: str
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resync:
    """A book lost its proof and is being fetched anew.

    `cause` is "checksum", "no snapshot", "bad number", "precision changed" or "reconnect";
    `expected` is the venue's checksum and `actual` ours where the cause is a checksum.
    """

    ns: int
    symbol: str
    cause: str
    expected: int | None = None
    actual: int | None = None


@dataclass(frozen=True, slots=True)
class BookStateChanged:
    """A book's state, proof or the reason for either changed; `reason` is "" when VERIFIED."""

    ns: int
    symbol: str
    state: BookState
    proof: Proof
    reason: str


@dataclass(frozen=True, slots=True)
class Trades:
    """New trades of one pair, oldest first, each reported once; `snapshot` where they are recent history."""

    symbol: str
    trades: tuple[Trade, ...]
    snapshot: bool


@dataclass(frozen=True, slots=True)
class TickerChanged:
    """The 24 hour figures of a pair."""

    symbol: str
    ticker: Ticker


@dataclass(frozen=True, slots=True)
class Candles:
    """Candles of one interval, oldest first: recent ones (`snapshot`) or the running one."""

    symbol: str
    interval: int
    candles: tuple[Candle, ...]
    snapshot: bool


@dataclass(frozen=True, slots=True)
class SpecChanged:
    """Reference data of a wanted pair became known or changed."""

    spec: PairSpec


@dataclass(frozen=True, slots=True)
class InstrumentsKnown:
    """The instrument list arrived, with this many pairs."""

    count: int


@dataclass(frozen=True, slots=True)
class SystemChanged:
    """State of the exchange: "online", "maintenance", "cancel_only", "post_only" or "unknown"."""

    ns: int
    system: str


@dataclass(frozen=True, slots=True)
class PairAdded:
    """A name the user gave was found to be this symbol."""

    name: str
    symbol: str


@dataclass(frozen=True, slots=True)
class Note:
    """A line for the program's log; `level` is "info", "warning" or "error"."""

    ns: int
    level: str
    text: str


FeedEvent = (
    StateChanged
    | Refused
    | Resync
    | BookStateChanged
    | Trades
    | TickerChanged
    | Candles
    | SpecChanged
    | InstrumentsKnown
    | SystemChanged
    | PairAdded
    | Note
    | BookChanged
)
"""Everything a feed can report."""
