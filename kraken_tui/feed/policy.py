"""The differences between a live feed and a replay, each in one place.

A live feed asks the exchange, waits for answers and holds it to deadlines. A recording answers nothing: nothing is
sent and nothing is due, what it granted was granted to somebody else, and without names every pair in it is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Protocol

from kraken_tui.errors import InvalidMessage
from kraken_tui.feed.complaints import Complaints
from kraken_tui.feed.connection.dialler import Dialler
from kraken_tui.feed.connection.table import Trigger
from kraken_tui.feed.connection.watchdog import Watchdog
from kraken_tui.feed.effect import REJECTED, Effect, Loss
from kraken_tui.feed.events import FeedEvent, Note
from kraken_tui.feed.instruments import InstrumentList
from kraken_tui.feed.limits import Limits
from kraken_tui.feed.names import PairNames
from kraken_tui.feed.pair import TOUCH_TRIGGER, Pair
from kraken_tui.feed.subscriptions import Answer, Subscriptions
from kraken_tui.text import clean_text
from kraken_tui.wire.messages import Refusal, SubscribeAck

MOST_EARLY = 5000
"""Most pairs of a recording whose grants are kept until their books are met."""

Grant = Callable[[Pair], None]
"""Tells a pair what the exchange granted it."""


class _Everything(Container[str | None]):
    def __contains__(self, _symbol: object) -> bool:
        return True


_EVERYTHING = _Everything()


class Policy(Protocol):
    """What a session and its channels ask of it.

    Attributes:
        opening: Trigger and cause of the transition when frames begin to come.
        asks: Whether there is an exchange to ask: dials, requests, deadlines and resyncs.
        trigger: The assumed `event_trigger` of a ticker until an acknowledgement names it.
        judges_reports: Whether the second witness runs on every report, because no timer runs it.
        place: Where a book failed, for the reason, where it is not fetched again.
        unchecked: Reason of a book whose message had no checksum.
    """

    opening: tuple[Trigger, str]
    asks: bool
    trigger: str
    judges_reports: bool
    place: str
    unchecked: str

    def next_dial(self, now: int) -> int | None:
        """When the next dial may start, monotonic ns; None for never."""
        ...

    def requests(self, now: int, *, ready: bool) -> list[str]:
        """Requests to send now."""
        ...

    def admits(self, symbol: str, kept: Container[str]) -> tuple[bool, list[FeedEvent]]:
        """Whether data of a symbol without a pair are wanted, and the events that follow."""
        ...

    def expects(self, channel: str, symbol: str) -> bool:
        """Whether data of a subscription are to be used: it is not being left, and was asked for."""
        ...

    def granted(self, channel: str) -> Container[str | None]:
        """Symbols whose data are to be used without another question; it changes with the subscriptions."""
        ...

    def heard(self, channel: str, symbol: str | None) -> bool:
        """Take data as an acknowledgement whose frame was lost; returns whether that changed a subscription."""
        ...

    def takes_interval(self, interval: int, wanted: int | None) -> bool:
        """Whether candles of an interval are used."""
        ...

    def reconnected(self, connection_id: object) -> bool:
        """Whether a status frame shows that a new connection begins here."""
        ...

    def listed(self, instruments: InstrumentList) -> None:
        """The whole instrument list has come."""
        ...

    def acknowledged(self, ack: SubscribeAck) -> Answer | None:
        """What an acknowledgement settled; None if we asked for nothing and only learn what was granted."""
        ...

    def refused(self, refusal: Refusal, now: int) -> Answer | None:
        """What a refusal settled; None if we asked for nothing."""
        ...

    def granted_early(self, symbol: str, channel: str, grant: Grant, wall_ns: int) -> list[FeedEvent]:
        """Something was granted to a pair that is not kept yet; returns what follows."""
        ...

    def early_grants(self, symbol: str) -> list[Grant]:
        """What was granted to a pair before it was kept; returned once."""
        ...

    def unreadable(self, error: InvalidMessage, now: int, wall_ns: int, *, of_book: bool) -> Effect:
        """What follows from a frame that cannot be read; `of_book` where a book may have been in it."""
        ...

    def excessive(self, text: str, wall_ns: int) -> Effect:
        """What follows from a message that is far too long; `text` names it."""
        ...

    def ended(self, wall_ns: int) -> list[FeedEvent]:
        """The last frame was played or received."""
        ...


class LivePolicy:
    """A connection to the exchange.

    Args:
        limits: Waits between dials.
        subscriptions: What was asked for.
        dialler: When to dial.
        watchdog: Whether anything came yet.
        complaints: Log lines about odd values.
    """

    opening = (Trigger.OPENED, "connected")
    asks = True
    trigger = TOUCH_TRIGGER
    judges_reports = False
    place = ""
    unchecked = "no valid checksum was sent"

    def __init__(
        self,
        limits: Limits,
        subscriptions: Subscriptions,
        dialler: Dialler,
        watchdog: Watchdog,
        complaints: Complaints,
    ) -> None:
        self._limits = limits
        self._subscriptions = subscriptions
        self._watchdog = watchdog
        self._complaints = complaints
        self.next_dial = dialler.next_dial
        self.requests = subscriptions.requests
        self.expects = subscriptions.expects
        self.granted = subscriptions.granted
        self.acknowledged = subscriptions.acknowledged
        self.refused = subscriptions.refused

    def admits(self, symbol: str, kept: Container[str]) -> tuple[bool, list[FeedEvent]]:
        """Only pairs that were asked for."""
        return symbol in kept, []

    def heard(self, channel: str, symbol: str | None) -> bool:
        """See `Subscriptions.seen_data`."""
        return self._subscriptions.seen_data(channel, symbol) is not None

    def takes_interval(self, interval: int, wanted: int | None) -> bool:
        """Other intervals are left over from an earlier choice."""
        return interval == wanted

    def reconnected(self, connection_id: object) -> bool:
        """The socket reports that."""
        return False

    def listed(self, instruments: InstrumentList) -> None:
        """Names can be resolved now."""
        instruments.arrived()

    def granted_early(self, symbol: str, channel: str, grant: Grant, wall_ns: int) -> list[FeedEvent]:
        """It belongs to a pair that was removed meanwhile."""
        return []

    def early_grants(self, symbol: str) -> list[Grant]:
        """A pair is kept before anything is asked for it."""
        return []

    def unreadable(self, error: InvalidMessage, now: int, wall_ns: int, *, of_book: bool) -> Effect:
        """Reconnect, unless the frame concerns no book or a new connection would not help."""
        if not of_book:
            # It concerns no book, and a new connection would deliver the same frame again.
            self._watchdog.frame(now, application=True)
            return Effect(events=[*self._complaints.say(wall_ns, f"a frame was left out: {error}")])
        if not self._watchdog.heard:
            loss = Loss("this is not Kraken: the first frame is not JSON", self._limits.slow_retry_s)
            return Effect(loss=loss)
        text = clean_text(f"unreadable frame, reconnecting: {error}")
        return Effect(events=[Note(wall_ns, "error", text)], loss=Loss("an unreadable frame"))

    def excessive(self, text: str, wall_ns: int) -> Effect:
        """Reconnect: what else this connection sends cannot be trusted either."""
        note = Note(wall_ns, "error", clean_text(f"reconnecting: {text}"))
        return Effect(REJECTED, [note], loss=Loss(clean_text(text)))

    def ended(self, wall_ns: int) -> list[FeedEvent]:
        """Nothing to report."""
        return []


class ReplayPolicy:
    """A recording.

    Args:
        names: Pairs the user named; without any, every pair of the recording.
        complaints: Log lines about odd values.

    Attributes:
        connection_id: The recorded connection's, as the exchange wrote it.
    """

    opening = (Trigger.PLAY, "recording opened")
    asks = False
    trigger = ""
    judges_reports = True
    place = "in the recording"
    unchecked = "no valid checksum was sent"

    def __init__(self, names: PairNames, complaints: Complaints) -> None:
        self._complaints = complaints
        self.connection_id: object = None
        self._early: dict[str, dict[str, Grant]] = {}
        self.admits = names.admits
        self.ended = names.refuse_unmet

    def next_dial(self, now: int) -> int | None:
        """Never."""
        return None

    def requests(self, now: int, *, ready: bool) -> list[str]:
        """None."""
        return []

    def expects(self, channel: str, symbol: str) -> bool:
        """Everything that was recorded."""
        return True

    def granted(self, channel: str) -> Container[str | None]:
        """Everything that was recorded."""
        return _EVERYTHING

    def heard(self, channel: str, symbol: str | None) -> bool:
        """Nothing was asked for."""
        return False

    def takes_interval(self, interval: int, wanted: int | None) -> bool:
        """Everything that was recorded."""
        return True

    def reconnected(self, connection_id: object) -> bool:
        """By the id of the recorded connection."""
        if connection_id is None:
            return False
        before, self.connection_id = self.connection_id, connection_id
        return before not in (None, connection_id)

    def listed(self, instruments: InstrumentList) -> None:
        """Pairs are kept when their books are met, not when they are listed."""

    def acknowledged(self, ack: SubscribeAck) -> Answer | None:
        """Somebody else asked."""
        return None

    def refused(self, refusal: Refusal, now: int) -> Answer | None:
        """Somebody else asked."""
        return None

    def granted_early(self, symbol: str, channel: str, grant: Grant, wall_ns: int) -> list[FeedEvent]:
        """Kept until the pair is met; of an endless number of pairs the first are, and the others counted and said."""
        if len(self._early) >= MOST_EARLY and symbol not in self._early:
            text = f"subscriptions of more than {MOST_EARLY:,} pairs before their books: what was granted is forgotten"
            return [*self._complaints.say(wall_ns, text)]
        self._early.setdefault(symbol, {})[channel] = grant
        return []

    def early_grants(self, symbol: str) -> list[Grant]:
        """Everything acknowledged before the first snapshot."""
        return list(self._early.pop(symbol, {}).values())

    def unreadable(self, error: InvalidMessage, now: int, wall_ns: int, *, of_book: bool) -> Effect:
        """Leave it out."""
        return Effect(events=[*self._complaints.say(wall_ns, f"a frame of the recording was left out: {error}")])

    def excessive(self, text: str, wall_ns: int) -> Effect:
        """Leave it out."""
        return Effect(REJECTED, [*self._complaints.say(wall_ns, f"left out: {text}")])


class KafkaPolicy(ReplayPolicy):
    """Lines out of Kafka: nothing can be asked there either, but they go on for ever and may stop to come."""

    opening = (Trigger.PLAY, "reading Kafka")
    place = "in Kafka"
    unchecked = "the publisher could not prove it"

    def __init__(self, names: PairNames, complaints: Complaints) -> None:
        super().__init__(names, complaints)
        self.ended = self._goes_on

    def _goes_on(self, wall_ns: int) -> list[FeedEvent]:
        """A name that was not met may yet come."""
        return []
