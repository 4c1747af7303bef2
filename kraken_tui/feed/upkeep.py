"""What is looked at while a connection is up: books, witnesses, requests, pings, the instrument list. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kraken_tui.feed.channels.book import BOOK
from kraken_tui.feed.channels.instrument import INSTRUMENT
from kraken_tui.feed.channels.ticker import TICKER
from kraken_tui.feed.connection.table import Trigger
from kraken_tui.feed.connection.watchdog import Watchdog
from kraken_tui.feed.events import FeedEvent, Note
from kraken_tui.feed.limits import ns
from kraken_tui.feed.roster import Roster
from kraken_tui.feed.subscriptions import Subscriptions
from kraken_tui.text import clean_text


class Upkeep:
    """Lets time pass for pairs and subscriptions, and tells where the connection stands.

    Args:
        roster: The pairs.
        subscriptions: What is asked for.
        watchdog: Whether frames come in time.
    """

    def __init__(self, roster: Roster, subscriptions: Subscriptions, watchdog: Watchdog) -> None:
        self._roster = roster
        self._subscriptions = subscriptions
        self._watchdog = watchdog
        self._pinged: int | None = None

    def tick(self, now: int, wall_ns: int) -> list[FeedEvent]:
        """Let time pass; call it about once a second."""
        events: list[FeedEvent] = []
        for pair in self._roster.pairs.values():
            events += pair.stitcher.tick(now, wall_ns)
        judged, ask = self._roster.judge(now, wall_ns)
        events += judged
        for symbol in ask:
            self._subscriptions.renew(TICKER.name, symbol)
        for silent in self._subscriptions.tick(now):
            what = f"{silent.symbol} {silent.channel}" if silent.symbol else silent.channel
            events.append(Note(wall_ns, "warning", clean_text(f"{what}: the exchange does not answer")))
        return events

    def deadlines(self) -> Iterator[int | None]:
        """When `tick` has something to do, monotonic ns."""
        instruments = self._roster.instruments
        yield self._subscriptions.next_deadline(ready=instruments.ready)
        yield instruments.due
        yield self._watchdog.next_look()
        for pair in self._roster.pairs.values():
            yield pair.stitcher.next_deadline()

    def ping_due(self, now: int, *, doubted: bool) -> bool:
        """Whether to ping; `doubted` where the lag is only a bound, or an audit waits for the clocks to be compared."""
        limits = self._roster.limits
        due = limits.clock_ping_s if self._subscriptions.confirmed else min(limits.clock_ping_s, limits.idle_ping_s)
        if doubted:
            due = min(due, limits.lag_degraded_s)
        return self._pinged is None or now - self._pinged >= ns(due)

    def ping(self, now: int) -> str:
        """The text of a ping that leaves now."""
        req_id, text = self._subscriptions.take_ping(now)
        self._pinged = now
        self._roster.latency.pinged(req_id, now)
        return text

    def list_missing(self, now: int) -> bool:
        """Ask again for an instrument list that does not come; returns whether to give the connection up."""
        instruments = self._roster.instruments
        if instruments.overdue(now):
            self._subscriptions.renew(INSTRUMENT.name, None)
        known = self._subscriptions.get(INSTRUMENT.name, None)
        return instruments.tries >= self._roster.limits.ack_retries or (known is not None and known.silent)

    def fetch_again(self) -> None:
        """Subscribe the books again that lost their proof."""
        for pair in self._roster.pairs.values():
            if pair.stitcher.wants_resync:
                pair.stitcher.wants_resync = False
                self._subscriptions.renew(BOOK.name, pair.symbol)

    def standing(self) -> tuple[Trigger, str]:
        """Where the connection stands by its subscriptions and books: a trigger of the table and the cause."""
        roster = self._roster
        silent = self._subscriptions.silent
        if silent:
            return Trigger.DEGRADE, f"no answer about {silent[0].symbol or 'the'} {silent[0].channel}"
        complaint = self._watchdog.complaint()
        if complaint is not None:
            return Trigger.DEGRADE, complaint
        unproven = roster.unproven
        if unproven:
            return Trigger.RESYNC, f"{unproven[0].symbol}: {unproven[0].reason}"
        waiting = any(not pair.stitcher.settled for pair in roster.pairs.values())
        if not roster.instruments.ready or self._subscriptions.pending or waiting:
            return Trigger.PENDING, "waiting for the exchange"
        return Trigger.CONFIRMED, "all confirmed"
