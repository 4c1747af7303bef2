"""What the engine publishes of level 3 and of the account: frozen values, swapped in whole like those of `views`.

They are parts of the views of one moment: a `Level3View` belongs to its `PairView`, the `AccountView` to `Published`.
Prices are ticks, quantities lots and times ns since the epoch by the engine's clock, except in the account's own values
(`market.orders.values`), which span pairs and hold decimals.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

import msgspec

from kraken_tui.market.book.l3_views import L3Level, QueuedOrder, QueuePosition
from kraken_tui.market.events import Side
from kraken_tui.market.icebergs import IcebergSeen
from kraken_tui.market.orders.values import Balance, Fill, Order, Position


def _nothing() -> Mapping[str, QueuePosition]:
    return MappingProxyType({})


class LinkView(msgspec.Struct, frozen=True, gc=False):
    """One private connection; the public one is the `FeedView`'s.

    Attributes:
        name: "level 3" or "account".
        state: By the connection's table, AUTHENTICATING among others.
        cause: Of the last transition, or what the user must cure; one short clause.
        attempt: Dials since the last success.
        retry_in_s: Seconds until the next dial, None when none is planned.
        heard_age_ns: Since the last frame, None before the first.
        messages, reconnects: Since the start.
        stopped: Whether only the user can bring it back.
    """

    name: str
    state: str
    cause: str = ""
    attempt: int = 0
    retry_in_s: float | None = None
    heard_age_ns: int | None = None
    messages: int = 0
    reconnects: int = 0
    stopped: bool = False


class QueueView(msgspec.Struct, frozen=True, gc=False):
    """The orders of the one level that the screen asked for, first in the queue first; empty where it has none.

    Attributes:
        beyond: Whether the price is outside what the book knows: its queue is not known, rather than empty.
    """

    side: Side
    ticks: int
    orders: tuple[QueuedOrder, ...] = ()
    beyond: bool = False


class Level3View(msgspec.Struct, frozen=True, gc=False):
    """The single orders behind one pair's book.

    Attributes:
        depth: Price levels a side, as subscribed.
        verified: Whether the last checksum matched; places in queues are shown as exact only then.
        reason: Why not, one short clause; "" where it is.
        stale: Whether its age has passed the limit; `stale_reason` says so in a clause.
        age_ns: Since the venue's time of the last message, None before the first.
        bids, asks: Levels, best first, at most as many as are shown.
        queue: The level the screen asked for; None where it asked for none.
        own: Own orders in this book by the exchange's id.
        icebergs: Hidden quantity that was seen lately, newest first.
        checks_ok, checks_failed, resyncs: Since the start.
        diagnostics: Further counts by name, such as which reading of the protocol the checksums bore out.
    """

    depth: int
    verified: bool
    reason: str
    age_ns: int | None
    stale: bool = False
    stale_reason: str = ""
    bids: tuple[L3Level, ...] = ()
    asks: tuple[L3Level, ...] = ()
    queue: QueueView | None = None
    own: Mapping[str, QueuePosition] = msgspec.field(default_factory=_nothing)
    icebergs: tuple[IcebergSeen, ...] = ()
    checks_ok: int = 0
    checks_failed: int = 0
    resyncs: int = 0
    diagnostics: tuple[tuple[str, int], ...] = ()


class StreamView(msgspec.Struct, frozen=True, gc=False):
    """How far one private channel can be trusted.

    Attributes:
        channel: "executions" or "balances".
        verified: Complete since a snapshot; `reason` says why not.
        sequence: Of the last frame.
        age_ns: Since the last frame of the channel, None before the first.
    """

    channel: str
    verified: bool
    reason: str = ""
    sequence: int | None = None
    age_ns: int | None = None


class TradingView(msgspec.Struct, frozen=True, gc=False):
    """Whether orders can be sent, which by default they cannot.

    Attributes:
        mode: "LIVE", "DEMO", "PAPER" or "TEST" (orders are only validated by the exchange).
        armed: Whether a key can send an order now.
        reason: Why it is not armed, or what blocks it; one clause.
        disarms_in_s: Seconds until it disarms by itself; None where it is not armed.
        cancels_after_s: Seconds left of the dead man's switch; None where it is off.
        rate, rate_limit: Local estimate of the venue's rate counter of the pair on screen, and its threshold.
    """

    mode: str
    armed: bool
    reason: str = ""
    disarms_in_s: float | None = None
    cancels_after_s: float | None = None
    rate: float = 0.0
    rate_limit: float | None = None


class AccountView(msgspec.Struct, frozen=True):
    """The account as far as it is known.

    Attributes:
        version: Grows with every change.
        key: Name of the key, or "demo".
        play: Whether it is the demo's play money, which every picture says.
        links: The private connections.
        streams: Its channels.
        orders: Open ones, and those that ended within the last minutes, newest change first.
        unverified: Keys of orders whose state is not proven now.
        fills: Newest first; those of before the session are `live=False`.
        balances: By asset.
        positions: Net of the session's fills, by pair.
        fees: (asset, quantity) of the session.
        worth: Total worth of what is held in US dollars where every asset's price is known; None otherwise.
        warnings: What the user should know of the key, a sentence each.
        problem: Why there is no account to show, one sentence with what to do; "" where all is well.
        trading: None where the program cannot place orders.
        made_ns: Moment by the machine's monotonic clock, as of a `PairView`.
        silent_ns: As of a `PairView`.
    """

    version: int
    key: str = ""
    play: bool = False
    links: tuple[LinkView, ...] = ()
    streams: tuple[StreamView, ...] = ()
    orders: tuple[Order, ...] = ()
    unverified: frozenset[str] = frozenset()
    fills: tuple[Fill, ...] = ()
    balances: tuple[Balance, ...] = ()
    positions: tuple[Position, ...] = ()
    fees: tuple[tuple[str, Decimal], ...] = ()
    worth: Decimal | None = None
    warnings: tuple[str, ...] = ()
    problem: str = ""
    trading: TradingView | None = None
    made_ns: int | None = None
    silent_ns: int = 0
