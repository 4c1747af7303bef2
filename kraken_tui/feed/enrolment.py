"""Which pairs are kept and what is subscribed for them, as the user asked. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from kraken_tui.feed.channels.channel import Channel, Scope
from kraken_tui.feed.events import FeedEvent
from kraken_tui.feed.names import PairNames, Wish
from kraken_tui.feed.pair import Pair
from kraken_tui.feed.roster import Roster
from kraken_tui.feed.subscriptions import Subscriptions


class Enrolment:
    """Keeps names, pairs and subscriptions consistent.

    Args:
        channels: The table of channels.
        names: Names the user gave.
        roster: The pairs.
        subscriptions: What is asked for.
    """

    def __init__(
        self, channels: Mapping[str, Channel], names: PairNames, roster: Roster, subscriptions: Subscriptions
    ) -> None:
        self._channels = channels
        self._names = names
        self._roster = roster
        self._subscriptions = subscriptions

    def opened(self) -> None:
        """A connection is open: nothing is granted yet, and the channels of the whole feed are requested."""
        self._subscriptions.reset()
        for channel in self._channels.values():
            if channel.scope is Scope.FEED:
                self._want(channel, None)

    def resolve(self, wall_ns: int) -> list[FeedEvent]:
        """Find symbols for the names in the instrument list, and subscribe every pair that is wanted."""
        symbols, events = self._names.resolve(self._roster.symbols, wall_ns)
        for symbol in symbols:
            pair = self._roster.pairs.get(symbol)
            if pair is None:
                pair, kept = self._roster.keep(symbol, wall_ns)
                events += kept
            self._subscribe(pair)
        return events

    def drop(self, symbol: str) -> None:
        """Leave all channels of a pair and forget it; also takes a name that was refused."""
        self._names.drop(symbol)
        for name, channel in self._channels.items():
            if channel.scope is Scope.PAIR:
                self._subscriptions.unwant(name, symbol)
        self._roster.remove(symbol)

    def set_depth(self, depth: int, wall_ns: int) -> list[FeedEvent]:
        """Subscribe all books at another depth."""
        self._roster.options.depth = depth
        self._names.want_of_all(depth=True)
        events: list[FeedEvent] = []
        for pair in self._roster.pairs.values():
            events += self._set_depth(pair, depth, wall_ns)
        return events

    def _set_depth(self, pair: Pair, depth: int, wall_ns: int) -> list[FeedEvent]:
        if pair.wants_depth == depth:
            return []
        events = pair.set_depth(depth, wall_ns)
        self._subscribe(pair)
        return events

    def grant_wish(self, pair: Pair, wish: Wish, wall_ns: int, *, asks: bool) -> list[FeedEvent]:
        """Do what is wanted of one pair that is kept already.

        Args:
            pair: The pair.
            wish: What is wanted of it.
            wall_ns: Wall clock ns.
            asks: Whether another depth can be asked for; a recording has its own.
        """
        if wish.interval is not None and wish.interval != pair.interval:
            self.set_interval(pair.symbol, wish.interval)
        return self._set_depth(pair, wish.depth, wall_ns) if asks and wish.depth is not None else []

    def set_interval(self, symbol: str | None, minutes: int) -> None:
        """Subscribe candles of one pair, or of all and of those to come (None), at another interval."""
        pairs = self._roster.pairs
        if symbol is None:
            self._roster.options.interval = minutes
            self._names.want_of_all(interval=True)
        for pair in list(pairs.values()) if symbol is None else [pairs[symbol]] if symbol in pairs else []:
            pair.interval = minutes
            self._subscribe(pair)

    def _subscribe(self, pair: Pair) -> None:
        """Want all chosen channels of a pair; correct subscriptions are left alone."""
        chosen = self._roster.options.channels
        for name, channel in self._channels.items():
            if channel.scope is Scope.PAIR and (channel.always or name in chosen):
                self._want(channel, pair)

    def _want(self, channel: Channel, pair: Pair | None) -> None:
        symbol = None if pair is None else pair.symbol
        parameters = channel.subscribe(pair, self._roster.options)
        self._subscriptions.want(channel.name, symbol, repeats=channel.repeats, **parameters)
