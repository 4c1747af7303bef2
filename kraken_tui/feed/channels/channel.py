"""One row of the channel table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Protocol

import msgspec

from kraken_tui.feed.effect import Effect
from kraken_tui.feed.events import FeedEvent
from kraken_tui.feed.limits import Limits
from kraken_tui.feed.pair import Pair
from kraken_tui.feed.roster import PairOptions, Roster
from kraken_tui.market.pair import PairMarket
from kraken_tui.wire.decode import RowReader
from kraken_tui.wire.messages import SubscribeAck


class Scope(Enum):
    """What one subscription of a channel covers."""

    PAIR = auto()
    FEED = auto()
    """Once a connection."""
    UNASKED = auto()
    """It comes by itself."""


class MarketDesk(Protocol):
    """What a channel's event handler may use on the way to listeners.

    Attributes:
        book_levels: Levels a side that listeners want with each book message; 0 when nobody does.
    """

    book_levels: int

    def market(self, symbol: str) -> PairMarket:
        """The market of a pair, created on first use."""
        ...

    def markets(self) -> Iterable[PairMarket]:
        """All markets."""
        ...

    def pair(self, symbol: str) -> Pair | None:
        """The feed's pair."""
        ...

    def emit(self, event: object) -> None:
        """Tell listeners."""
        ...

    def emit_derived(self, market: PairMarket) -> None:
        """Tell listeners what the market derived from its input."""
        ...

    def want_history(self, market: PairMarket) -> None:
        """Fetch candles of the displayed interval if they are missing."""
        ...

    def look_at_venue(self, market: PairMarket) -> None:
        """Pass the status of the venue and of the pair on to a market."""
        ...

    def report_problem(self, symbol: str, problem: str) -> None:
        """Put a problem, or "" for none, on the pair's tab."""
        ...

    def note(self, level: str, text: str) -> None:
        """Write a line to the log."""
        ...


Deliver = Callable[[Any, MarketDesk], None]
"""Passes one event to a market and on to listeners."""


def _no_parameters(_pair: Pair | None, _options: PairOptions) -> dict[str, object]:
    return {}


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of the exchange.

    Attributes:
        name: As the exchange calls it.
        message: Struct of its frames; `wire.decode` learns it from here.
        apply: (message, roster, now, wall_ns) -> what it did.
        by_rows: Reads a frame that does not fit the struct, row by row; see `wire.decode.register`.
        scope: What one subscription covers; every pair by default, unless the program chooses fewer channels.
        always: Subscribed for every pair, regardless of what the program chooses.
        subscribe: Parameters of a subscribe request, from the pair and what is wanted of all pairs.
        repeats: Parameters that identify this subscription, so an unsubscribe must repeat them.
        snapshot_s: How long after the acknowledgement the first snapshot must come; None if nothing is due.
        granted: Applies what an acknowledgement grants to a pair; in a recording too.
        confirmed: (roster, pair, due, now, wall_ns): a request of ours was granted; `due` is when the snapshot must
            have come, monotonic ns.
        refused: (pair, wall_ns, error): the exchange refused it for good.
        deliver: How each of its events reaches a market and the listeners, by event type.
    """

    name: str
    message: type[msgspec.Struct]
    apply: Callable[[Any, Roster, int, int], Effect]
    by_rows: RowReader | None = None
    scope: Scope = Scope.PAIR
    always: bool = False
    subscribe: Callable[[Pair | None, PairOptions], dict[str, object]] = _no_parameters
    repeats: frozenset[str] = frozenset()
    snapshot_s: Callable[[Limits], float] | None = None
    granted: Callable[[Pair, SubscribeAck], None] | None = None
    confirmed: Callable[[Roster, Pair | None, int | None, int, int], list[FeedEvent]] | None = None
    refused: Callable[[Pair, int, str], list[FeedEvent]] | None = None
    deliver: Mapping[type, Deliver] = field(default_factory=dict)
