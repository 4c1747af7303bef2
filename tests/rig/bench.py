"""A session wired straight to a venue on one virtual clock: no network, no delay, and the test may touch everything.

For what a network does, and for an oracle over every frame, there is `World`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from kraken_tui.exchange.venue import Venue
from kraken_tui.feed.limits import Limits
from kraken_tui.feed.session import Session
from kraken_tui.market.events import Proof
from tests.rig.clock import CLIENT_START, SECOND, VENUE_START
from tests.rig.scripted import ScriptedVenue

Frame = str | bytes


class Bench:
    """One session and one venue; `run` lets time pass in small steps.

    Args:
        names: Pairs to want.
        venue: A `ScriptedVenue`, or the local exchange's.
        start: The monotonic clock at the beginning, ns.
        wall: The wall clock at the beginning, ns since the epoch.
        seed: Of the backoff.
        limits: Timers of the client.
        options: Others of the session.

    Attributes:
        now: Virtual monotonic time, ns.
        wall_shift: Wall clock minus monotonic clock, ns.
        accepts: Whether a dial is answered at all.
        refusal: What a dial is refused with; None lets it through.
        events: Everything the session reported.
        dials, audits: Times of the first and of the second connection's dials, ns.
        sent: Requests with their times.
        audit_failure: What an audit's connection ends with; None lets it through.
        audit_rewrite: What becomes of each frame of an audit's connection.
    """

    STEP = SECOND // 4

    def __init__(
        self,
        *names: str,
        venue: Any,
        start: int,
        wall: int,
        seed: int,
        limits: Limits | None = None,
        **options: Any,
    ) -> None:
        self.venue = venue
        self.session = Session(limits, rng=random.Random(seed), **{"depth": 10, **options})
        self.now = start
        self.wall_shift = wall - start
        self.accepts = True
        self.refusal: dict[str, Any] | None = None
        self.events: list[Any] = []
        self.dials: list[int] = []
        self.sent: list[tuple[int, str]] = []
        self.audits: list[int] = []
        self.audit_failure: dict[str, Any] | None = None
        self.audit_rewrite: Callable[[Frame], Frame] = lambda frame: frame
        self._far: Any = None
        for name in names:
            self.session.want(name)

    @property
    def wall(self) -> int:
        """The wall clock, ns since the epoch."""
        return self.now + self.wall_shift

    @property
    def connected(self) -> bool:
        """Whether a connection stands."""
        return self._far is not None

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + round(seconds * SECOND)
        while self.now < end:
            self.now = min(end, self.now + self.STEP)
            self._clock_venue()
            if self._far is not None:
                self._take(self._far.advance(self.wall))
            self.session.tick(self.now, self.wall)
            self.pump()
            self._audit()
            if self.session.wants_dial(self.now):
                self.dial()

    def _clock_venue(self) -> None:
        """Tell the venue the time, where it has no clock."""

    def deliver(self, *frames: Frame) -> None:
        """Hand frames to the session, and take what it then wants."""
        self._take(frames)
        self.pump()

    def _take(self, frames: Any) -> None:
        for frame in frames:
            self.session.frame(frame, self.now, self.wall)
            self.events += self.session.take_events()

    def pump(self) -> None:
        """Do what the session wants: send, or hang up."""
        for _ in range(1000):
            if self._far is not None and (self.session.wants_close() or self._far.closing):
                if self._far.closing:
                    self.session.disconnected(f"closed: {self._far.closing}", self.now, self.wall)
                self._hang_up()
            sends = self.session.take_sends()
            if not sends:
                break
            for text in sends:
                self.sent.append((self.now, text))
                if self._far is not None:
                    self._take(self._far.on_message(text))
        self.events += self.session.take_events()

    def dial(self) -> None:
        """Dial once."""
        self.dials.append(self.now)
        self.session.dialling(self.now, self.wall)
        if self.refusal is not None:
            self.session.disconnected("refused", self.now, self.wall, **self.refusal)
        elif self.accepts:
            self._far = self.venue.connect()
            self.session.opened(self.now, self.wall)
            self._take(self._far.collect(self.wall))
        self.pump()

    def drop(self, cause: str = "closed by the server: 1001 going away", **details: Any) -> None:
        """The exchange closes."""
        self._hang_up()
        self.session.disconnected(cause, self.now, self.wall, **details)
        self.pump()

    def _hang_up(self) -> None:
        if self._far is not None:
            self.venue.disconnect(self._far)
        self._far = None

    def _audit(self) -> None:
        """A second connection for as long as the session needs it, as the shell would make it."""
        auditor = self.session.auditor
        if not self.session.wants_audit(self.now):
            return
        self.audits.append(self.now)
        auditor.begin(self.now)
        if self.audit_failure is not None:
            self.session.audit_ended(self.now, self.wall, **self.audit_failure)
            return
        far = self.venue.connect()
        for text in auditor.opened():
            for frame in far.on_message(text):
                auditor.frame(self.audit_rewrite(frame), self.now)
        self.venue.disconnect(far)
        self.session.audit_ended(self.now, self.wall, "no answer" if auditor.asking else "")

    def of(self, kind: type) -> list[Any]:
        """Events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]


class Rig(Bench):
    """At a scripted venue, whose books the client's must equal."""

    venue: ScriptedVenue

    def __init__(self, *names: str, venue: ScriptedVenue | None = None, **options: Any) -> None:
        super().__init__(
            *names, venue=venue or ScriptedVenue(), start=CLIENT_START, wall=VENUE_START, seed=7, **options
        )

    @property
    def updates(self) -> bool:
        """Whether books change."""
        return self.venue.updates

    @updates.setter
    def updates(self, on: bool) -> None:
        self.venue.updates = on

    def _clock_venue(self) -> None:
        self.venue.wall = self.wall

    def _audit(self) -> None:
        """None: a scripted venue has one connection."""

    def check(self) -> None:
        """The oracle: what is proven equals the venue's book, and the counters add up."""
        for symbol, stitcher in self.session.stitchers.items():
            if stitcher.proof is Proof.VERIFIED:
                book = self.session.books[symbol]
                assert (book.bids.top(), book.asks.top()) == self.venue.books[symbol].top()
        counters = self.session.counters
        assert counters.frames == counters.applied + sum(counters.ignored.values()) + counters.rejected


class ExchangeRig(Bench):
    """At the local exchange, whose clock is the client's; faults are those of `venue.faults`."""

    venue: Venue

    def __init__(
        self,
        *pairs: str,
        depth: int = 10,
        seed: int = 1,
        step_s: float = 0.1,
        limits: Limits | None = None,
        rate: float = 1.0,
    ) -> None:
        venue = Venue(seed, pairs, rate, clock=lambda: self.now)
        super().__init__(
            *pairs, venue=venue, start=VENUE_START, wall=VENUE_START, seed=seed, limits=limits, depth=depth
        )
        self.STEP = round(step_s * SECOND)
