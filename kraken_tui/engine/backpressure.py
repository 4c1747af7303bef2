"""How a slow listener is handled: queue, drop policy, coalescing window, rate limit, presets.

All of this happens after the books: between socket and book nothing is ever dropped, merged or delayed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

import msgspec

from kraken_tui.engine.events import BookLine, Priced
from kraken_tui.errors import ConfigurationError
from kraken_tui.feed.events import BookStateChanged, TickerChanged
from kraken_tui.market.events import CandleChanged, Health

MAX_QUEUE = 10_000_000
MAX_COALESCE_MS = 60_000.0
MAX_RATE = 10_000_000.0


class DropPolicy(StrEnum):
    """What a full queue drops.

    OLDEST: its oldest event. NEWEST (also called LATEST): the one that just came. COALESCE: a newer state replaces
    the waiting one of the same pair and kind, full or not; where nothing can be replaced, the oldest event goes.
    """

    OLDEST = "oldest"
    NEWEST = "newest"
    LATEST = "newest"
    COALESCE = "coalesce"

    @classmethod
    def _missing_(cls, value: object) -> DropPolicy | None:
        return {"latest": cls.NEWEST}.get(str(value).lower()) or {p.value: p for p in cls}.get(str(value).lower())


@dataclass(frozen=True, slots=True)
class Backpressure:
    """How one listener is fed.

    Attributes:
        queue: Most events waiting.
        policy: What a full queue drops.
        coalesce_ms: Of the same pair and kind of state, at most one event in this many milliseconds, the newest; 0
            for no such window.
        rate: Most events a second, evenly (bursts of 20 ms); 0 for no limit. The rest waits in the queue.
    """

    queue: int = 500
    policy: DropPolicy = DropPolicy.OLDEST
    coalesce_ms: float = 0.0
    rate: float = 0.0

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ConfigurationError: One is out of its range.
        """
        _whole("queue", self.queue, 1, MAX_QUEUE, "events")
        _number("coalesce_ms", self.coalesce_ms, 0, MAX_COALESCE_MS, "milliseconds")
        _number("rate", self.rate, 0, MAX_RATE, "events a second, 0 for no limit")


def _whole(name: str, value: object, low: int, high: int, unit: str) -> None:
    if type(value) is not int or not low <= value <= high:
        raise ConfigurationError(f"{name} takes {low:,} to {high:,} {unit}")


def _number(name: str, value: object, low: float, high: float, unit: str) -> None:
    # A comparison with nan is false, so nan is refused too.
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ConfigurationError(f"{name} takes {low:g} to {high:g} {unit}")


PRESETS: Mapping[str, Backpressure] = MappingProxyType(
    {
        "single": Backpressure(queue=500),
        "multi": Backpressure(queue=2_000, policy=DropPolicy.COALESCE, coalesce_ms=50.0, rate=5_000.0),
        "aggregator": Backpressure(queue=10_000, policy=DropPolicy.COALESCE, coalesce_ms=100.0, rate=10_000.0),
    }
)
"""One pair, several pairs, a hundred pairs and more; also by their numbers 1, 2 and 3."""


def preset(name: str | int) -> Backpressure:
    """A preset by its name or its number.

    Raises:
        ConfigurationError: There is no such preset.
    """
    names = list(PRESETS)
    if isinstance(name, str) and name in PRESETS:
        return PRESETS[name]
    if type(name) is int and 1 <= name <= len(names):
        return PRESETS[names[name - 1]]
    raise ConfigurationError(f"preset takes {', '.join(names)}, or 1 to {len(names)}")


def drop_policy(name: str) -> DropPolicy:
    """A policy by its name.

    Raises:
        ConfigurationError: There is no such policy.
    """
    try:
        return DropPolicy(name)
    except ValueError:
        raise ConfigurationError("policy takes oldest, newest (or latest) or coalesce") from None


def adjusted(
    base: Backpressure,
    *,
    queue: int | None = None,
    policy: DropPolicy | str | None = None,
    coalesce_ms: float | None = None,
    rate: float | None = None,
) -> Backpressure:
    """`base` with the numbers that were given.

    Raises:
        ConfigurationError: A number is out of its range, or there is no such policy.
    """
    return replace(
        base,
        queue=base.queue if queue is None else queue,
        policy=base.policy if policy is None else drop_policy(policy),
        coalesce_ms=base.coalesce_ms if coalesce_ms is None else coalesce_ms,
        rate=base.rate if rate is None else rate,
    )


# -- coalescing ---------------------------------------------------------------------------------------------------

Key = tuple[object, ...]


def coalescing_key(event: object) -> Key | None:
    """What a newer event replaces: the same pair and kind of *state*; None for facts, which all count.

    States are books, tickers, running candles and health. Trades, closed candles, flow events, changes of state,
    resyncs, refusals and errors are facts and never merged.
    """
    if isinstance(event, BookLine):
        return (BookLine, event.changed.symbol)
    if isinstance(event, Priced):
        event = event.event
    if isinstance(event, CandleChanged):
        candle = event.candle
        return None if candle.closed else (CandleChanged, event.symbol, candle.interval, candle.begin_s)
    if isinstance(event, TickerChanged | Health):
        return (type(event), event.symbol)
    return None


def barrier_key(event: object) -> Key | None:
    """The key that must not be merged across this event.

    A proven book reaches the listener before the news that its proof is lost, never after.
    """
    return (BookLine, event.symbol) if isinstance(event, BookStateChanged) else None


def merged(newer: object) -> object:
    """The newer event, adapted to replace older ones: a book loses its list of changes."""
    if isinstance(newer, BookLine) and newer.changed.changes:
        return msgspec.structs.replace(newer, changed=msgspec.structs.replace(newer.changed, changes=()))
    return newer
