"""What one event of a market changed."""

from __future__ import annotations

from dataclasses import dataclass, field

from kraken_tui.exchange.depthbook import Level
from kraken_tui.exchange.queues import Owner
from kraken_tui.exchange.records import Trade


@dataclass(frozen=True, slots=True)
class OwnFill:
    """What an account's resting order gave to a trade.

    Attributes:
        owner: the order.
        trade: the public trade, which is this order's alone.
        refill: lots of the iceberg slice shown next; zero for none.
    """

    owner: Owner
    trade: Trade
    refill: int


@dataclass(slots=True)
class Change:
    """One matching-engine event, which becomes one book message per watched depth.

    Attributes:
        ts_ns: engine time, ns since the epoch, strictly increasing, whole microseconds.
        deltas: watched depth -> bid entries and ask entries `(ticks, lots)` in event order.
        checksum: CRC32 of the book after the event; zero when no depth heard of it.
        trades: the fills, oldest first.
        touch: best bid ticks and lots, best ask ticks and lots, after the event.
        touch_moved: whether a best price differs from before.
        own: the fills of accounts' resting orders among the trades.
    """

    ts_ns: int
    deltas: dict[int, tuple[list[Level], list[Level]]]
    checksum: int
    trades: list[Trade]
    touch: tuple[int, int, int, int]
    touch_moved: bool
    own: list[OwnFill] = field(default_factory=list)
