"""One frame to its effect: decode it, pass the message to the handler of its kind, count the verdict. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kraken_tui import core
from kraken_tui.errors import InvalidMessage
from kraken_tui.feed.answers import Answers
from kraken_tui.feed.channels.book import BOOK
from kraken_tui.feed.channels.channel import Channel
from kraken_tui.feed.connection.watchdog import Watchdog
from kraken_tui.feed.effect import APPLIED, REJECTED, Effect
from kraken_tui.feed.events import FeedEvent, Note
from kraken_tui.feed.lane import Lane
from kraken_tui.feed.policy import Policy
from kraken_tui.feed.roster import Roster
from kraken_tui.feed.subscriptions import Subscriptions
from kraken_tui.market.events import BookChanged
from kraken_tui.wire.decode import MOST_NAMES, FieldCensus, decode
from kraken_tui.wire.messages import BookMessage, Pong, Refusal, SubscribeAck, UnknownMessage


class Dispatch:
    """Applies the frames of one feed.

    Args:
        channels: The table of channels.
        roster: Pairs, reference data and counters.
        subscriptions: What was requested.
        policy: Live or replay.
        watchdog: Told of every frame that can be read.

    Attributes:
        census: Fields that no message type knows.
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        roster: Roster,
        subscriptions: Subscriptions,
        policy: Policy,
        watchdog: Watchdog,
    ) -> None:
        self.census = FieldCensus()
        self._roster = roster
        self._policy = policy
        self._watchdog = watchdog
        self._said_full: set[str] = set()
        self._lane = Lane(roster, watchdog, self.census)
        self._offer = None if core.update is None else self._lane.offer
        answers = Answers(channels, roster, subscriptions)
        self._data = {channel.message: channel.apply for channel in channels.values()}
        self._answers: dict[type, Callable[[Any, int, int], Effect]] = {
            SubscribeAck: answers.acknowledged,
            Refusal: answers.refused,
            Pong: answers.ponged,
            UnknownMessage: lambda message, _now, _wall: Effect(f"unknown: {message.kind}"),
        }

    def apply(self, data: bytes | str, now: int, wall_ns: int) -> Effect | BookChanged:
        """Apply one frame as received.

        Args:
            data: The frame.
            now: Monotonic ns.
            wall_ns: Wall clock of the receipt, ns.

        Returns:
            Its effect; of a usual book message only what it changed.
        """
        counters = self._roster.counters
        done = None if self._offer is None else self._offer(data, now, wall_ns)
        if type(done) is BookChanged:
            return done
        try:
            message = decode(data)
        except InvalidMessage as error:
            counters.invalid += 1
            counters.rejected += 1
            return self._policy.unreadable(error, now, wall_ns, of_book=error.channel in ("", BOOK.name))
        if done is None and type(message) is BookMessage:
            done = self._lane.take(message, now, wall_ns)
            if type(done) is BookChanged:
                return done
        self._watchdog.frame(now, application=not isinstance(message, Pong))
        self.census.look(data, message)
        kind = type(message)
        if type(done) is Effect:
            effect = done
        elif (apply := self._data.get(kind)) is not None:
            effect = apply(message, self._roster, now, wall_ns)
        else:
            effect = self._answers[kind](message, now, wall_ns)
        verdict = effect.verdict
        if verdict == APPLIED:
            counters.applied += 1
        elif verdict == REJECTED:
            counters.rejected += 1
        else:
            counters.ignored[verdict] += 1
            effect.events += self.newly_full(wall_ns)
        return effect

    def newly_full(self, wall_ns: int) -> list[FeedEvent]:
        """Say once that unknown kinds or fields are too many to be counted by name."""
        tables = {"kinds of ignored frames": self._roster.counters.ignored, "unknown fields": self.census.unknown}
        full = [what for what, names in tables.items() if names.full and what not in self._said_full]
        self._said_full.update(full)
        return [Note(wall_ns, "warning", f"over {MOST_NAMES} {what}: the others are counted as one") for what in full]
