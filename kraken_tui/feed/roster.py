"""The pairs of one feed, and what is known besides: reference data, state of the exchange, counts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from kraken_tui.feed.complaints import Complaints
from kraken_tui.feed.counters import Counters
from kraken_tui.feed.events import BookStateChanged, FeedEvent, SpecChanged
from kraken_tui.feed.instruments import InstrumentList
from kraken_tui.feed.latency import LatencyTracker
from kraken_tui.feed.limits import Limits
from kraken_tui.feed.names import NO_WISH, Wish
from kraken_tui.feed.pair import Pair
from kraken_tui.feed.policy import Policy
from kraken_tui.feed.venue_time import PLAUSIBLE_LAG_NS, VenueTime
from kraken_tui.market.events import BookState
from kraken_tui.wire.symbols import PairSpec, SymbolTable

T = TypeVar("T")


@dataclass(slots=True)
class PairOptions:
    """What is wanted of every pair.

    Attributes:
        depth: Levels a side of every book, one of `settings.DEPTHS`.
        interval: Candle interval in minutes of pairs to come.
        channels: Channels besides the book.
        ignore_gaps: Whether new books keep updating after a wrong checksum, UNVERIFIED, instead of being fetched again.
    """

    depth: int
    interval: int
    channels: frozenset[str]
    ignore_gaps: bool = False


class Roster:
    """What channels may read and change.

    Args:
        limits: Timers and resync limits.
        options: What is wanted of every pair.
        policy: Live or replay.
        latency: Where lags are counted.
        complaints: Log lines about odd values.
        wish_of: What is wanted of one pair alone.

    Attributes:
        pairs: Every pair that is kept, by symbol.
        specs, symbols: Reference data and names of all pairs of the exchange.
        tokenised: Assets that stand for something outside the exchange, such as shares.
        instruments: State of this connection's instrument list.
        venue: How far the exchange's clock has come.
        system: State of the exchange: "online", "maintenance", "cancel_only", "post_only" or "unknown".
        counters: Totals.
    """

    def __init__(
        self,
        limits: Limits,
        options: PairOptions,
        policy: Policy,
        latency: LatencyTracker,
        complaints: Complaints,
        wish_of: Callable[[str], Wish] = lambda _symbol: NO_WISH,
    ) -> None:
        self.wish_of = wish_of
        self.limits = limits
        self.options = options
        self.policy = policy
        self.latency = latency
        self.venue = VenueTime(latency, limits)
        self.complaints = complaints
        self.pairs: dict[str, Pair] = {}
        self.specs: dict[str, PairSpec] = {}
        self.symbols = SymbolTable()
        self.tokenised: set[str] = set()
        self.instruments = InstrumentList()
        self.system = "unknown"
        self.counters = Counters(self.pairs)

    # -- reference data -----------------------------------------------------------------------------------------

    def new_list(self) -> None:
        """A whole list of pairs follows: what is not in it is known no longer, unless it is kept."""
        self.symbols = SymbolTable()
        self.tokenised.clear()
        for symbol in [symbol for symbol in self.specs if symbol not in self.pairs]:
            del self.specs[symbol]

    def has_room(self, symbol: str) -> bool:
        """Whether one more pair may be known."""
        return symbol in self.specs or len(self.specs) < self.limits.most_pairs

    def full(self, wall_ns: int) -> list[FeedEvent]:
        """Say that there are too many pairs."""
        text = f"more than {self.limits.most_pairs:,} pairs: the others are left out"
        return [*self.complaints.say(wall_ns, text)]

    # -- pairs --------------------------------------------------------------------------------------------------

    def keep(self, symbol: str, wall_ns: int, *, depth: int | None = None) -> tuple[Pair, list[FeedEvent]]:
        """Keep a pair from now on; its spec must be known.

        Args:
            symbol: v2 symbol.
            wall_ns: Wall clock ns.
            depth: Levels a side, if known better than from the options.
        """
        options, policy, wish = self.options, self.policy, self.wish_of(symbol)
        pair = Pair(
            self.specs[symbol],
            depth or wish.depth or options.depth,
            wish.interval or options.interval,
            self.limits,
            self.complaints,
            can_resync=policy.asks,
            ignore_gaps=options.ignore_gaps,
            trigger=policy.trigger,
            words=(policy.place, policy.unchecked),
        )
        for grant in policy.early_grants(symbol):
            grant(pair)
        self.pairs[symbol] = pair
        return pair, [SpecChanged(pair.spec), BookStateChanged(wall_ns, symbol, pair.state, pair.proof, pair.reason)]

    def remove(self, symbol: str) -> None:
        """Forget a pair; its counts stay in the totals."""
        pair = self.pairs.pop(symbol, None)
        if pair is not None:
            self.counters.removing(pair)

    def spec_of(self, symbol: str) -> tuple[PairSpec | None, list[FeedEvent]]:
        """Reference data of a pair whose data are wanted, whether kept yet or not; None otherwise."""
        pair = self.pairs.get(symbol)
        if pair is not None:
            return pair.spec, []
        spec = self.specs.get(symbol)
        if spec is None:
            return None, []
        admitted, events = self.policy.admits(symbol, self.pairs)
        return (spec if admitted else None), events

    def judge(self, now: int, wall_ns: int) -> tuple[list[FeedEvent], list[str]]:
        """Run all second witnesses; returns events and the symbols whose ticker must be resubscribed."""
        events: list[FeedEvent] = []
        ask: list[str] = []
        for symbol, pair in self.pairs.items():
            found = pair.judge(now, wall_ns, self.system)
            events += found.events
            if found.ask:
                ask.append(symbol)
        return events, ask

    @property
    def unproven(self) -> list[Pair]:
        """Pairs whose books are being fetched again."""
        return [pair for pair in self.pairs.values() if pair.stitcher.state is BookState.RESYNCING]

    @property
    def all_proven(self) -> bool:
        """Whether every book that was not refused has been proven on this connection."""
        return all(
            pair.stitcher.proven_since_connect
            for pair in self.pairs.values()
            if pair.stitcher.state is not BookState.REFUSED
        )

    # -- how late -----------------------------------------------------------------------------------------------

    def measure(self, venue_ns: int, now: int, wall_ns: int) -> int | None:
        """Count the lag of a live message, ns; None if its timestamp is not plausible."""
        lag = self.latency.venue_now(now, wall_ns) - venue_ns
        if abs(lag) > PLAUSIBLE_LAG_NS:
            return None
        return self.latency.measure(venue_ns, now, wall_ns)

    def bound(self, granted_ns: int | None, now: int, wall_ns: int) -> int | None:
        """The most a snapshot can lag, ns: its timestamp is the last change of the book, not its sending (PROTOCOL.md
        section 0.8), but it was sent after its subscription was granted. None if that is unknown."""
        if granted_ns is None or abs(self.latency.venue_now(now, wall_ns) - granted_ns) > PLAUSIBLE_LAG_NS:
            return None
        return self.latency.bound(granted_ns, now, wall_ns)


class OfPairs(Mapping[str, T]):
    """One attribute of every pair by symbol, read from the pairs on each access."""

    def __init__(self, pairs: Mapping[str, Pair], read: Callable[[Pair], T]) -> None:
        self._pairs, self._read = pairs, read

    def __getitem__(self, symbol: str) -> T:
        return self._read(self._pairs[symbol])

    def __iter__(self) -> Iterator[str]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)
