"""A session against the local exchange without sockets, both on one virtual clock."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

from kraken_tui.exchange.venue import Venue
from kraken_tui.feed.limits import Limits
from kraken_tui.feed.session import Session
from kraken_tui.units import SECOND

START = 1_790_000_000 * SECOND


class ExchangeRig:
    """`run` lets both sides live for some seconds; faults are those of `venue.faults`."""

    def __init__(
        self,
        *pairs: str,
        depth: int = 10,
        seed: int = 1,
        step_s: float = 0.1,
        limits: Limits | None = None,
        rate: float = 1.0,
    ) -> None:
        self.now = START
        self.venue = Venue(seed, pairs, rate, clock=lambda: self.now)
        self.session = Session(limits, depth=depth, rng=random.Random(seed))
        self.events: list[Any] = []
        self.dials: list[int] = []
        self.audits: list[int] = []
        self.audit_failure: dict[str, Any] | None = None
        self.audit_rewrite: Callable[[str | bytes], str | bytes] = lambda frame: frame
        self._step = round(step_s * SECOND)
        self._far: Any = None
        for pair in pairs:
            self.session.want(pair)

    def run(self, seconds: float) -> None:
        end = self.now + round(seconds * SECOND)
        while self.now < end:
            self.now = min(end, self.now + self._step)
            if self._far is not None:
                self.deliver(self._far.advance(self.now))
            self.session.tick(self.now, self.now)
            self.pump()
            self._audit()
            if self.session.wants_dial(self.now):
                self.dials.append(self.now)
                self.session.dialling(self.now, self.now)
                self._far = self.venue.connect()
                self.session.opened(self.now, self.now)
                self.pump()

    def _audit(self) -> None:
        """A second connection for as long as the session needs it, as the shell would make it."""
        auditor = self.session.auditor
        if self.session.wants_audit(self.now):
            self.audits.append(self.now)
            auditor.begin(self.now)
            if self.audit_failure is not None:
                self.session.audit_ended(self.now, self.now, **self.audit_failure)
                return
            far = self.venue.connect()
            for text in auditor.opened():
                for frame in far.on_message(text):
                    auditor.frame(self.audit_rewrite(frame), self.now)
            self.venue.disconnect(far)
            self.session.audit_ended(self.now, self.now, "no answer" if auditor.asking else "")

    def deliver(self, frames: Iterable[str | bytes]) -> None:
        for frame in frames:
            self.session.frame(frame, self.now, self.now)
            self.events += self.session.take_events()

    def pump(self) -> None:
        if self._far is not None and (self.session.wants_close() or self._far.closing):
            if self._far.closing:
                self.session.disconnected(f"closed: {self._far.closing}", self.now, self.now)
            self.venue.disconnect(self._far)
            self._far = None
        for text in self.session.take_sends():
            if self._far is not None:
                self.deliver(self._far.on_message(text))
        self.events += self.session.take_events()

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]
