"""A session at the scripted exchange without sockets and on a virtual clock: the cost of the work alone."""

from __future__ import annotations

import json
import random
import time

from benchmarks.server import Venue
from kraken_tui.engine.desk import Desk as Markets
from kraken_tui.exchange.frames import micro_time
from kraken_tui.feed.session import Session
from kraken_tui.market.events import Proof
from kraken_tui.settings import Settings

SECOND = 1_000_000_000
_START = 1_790_000_000 * SECOND
_LONGEST_S = 120


class Desk:
    """Proven books of so many pairs.

    Args:
        count: Pairs.
        depth: Levels a side.
        markets: Also keep what the engine keeps of every pair for screen and listeners.

    Attributes:
        ns: The clock, wall and monotonic.
        session, markets: As the engine has them.
    """

    def __init__(self, count: int, depth: int, *, markets: bool = False) -> None:
        self.ns = _START
        self.venue = Venue(count, depth, now=lambda: micro_time(self.ns))
        self.session = Session(depth=depth, rng=random.Random(1))
        self.session.options.channels = frozenset({"book"})
        self.markets: Markets | None = None
        if markets:
            settings = Settings(pairs=tuple(self.venue.pairs), depth=depth)
            self.markets = Markets(self.session, settings, lambda _: None, lambda _, __: None)
        self._random = random.Random(2)
        for symbol in self.venue.pairs:
            if self.markets is not None:
                self.markets.add(symbol)
            self.session.want(symbol)
        self._connect()

    def _connect(self) -> None:
        self.session.dialling(self.ns, self.ns)
        self.session.opened(self.ns, self.ns)
        self.session.frame(self.venue.welcome(), self.ns, self.ns)
        for _ in range(_LONGEST_S * 4):
            self._turn()
            if self.all_verified:
                return
        raise RuntimeError("the books were not proven")

    def _turn(self) -> None:
        while sends := self.session.take_sends():
            for text in sends:
                for frame in self.venue.answer(json.loads(text)):
                    self.session.frame(frame, self.ns, self.ns)
        self.ns += SECOND // 4
        self.session.tick(self.ns, self.ns)
        self._take()

    def _take(self) -> None:
        events = self.session.take_events()
        if self.markets is not None:
            for event in events:
                self.markets.handle(event)

    @property
    def all_verified(self) -> bool:
        """Whether every book is proven."""
        stitchers = self.session.stitchers
        proven = sum(stitcher.proof is Proof.VERIFIED for stitcher in stitchers.values())
        return proven == len(self.venue.pairs)

    def frames(self, count: int, rate: float) -> list[tuple[bytes, int]]:
        """The next frames of pairs at random, with their times."""
        pairs = list(self.venue.pairs.values())
        step = round(SECOND / rate)
        made = []
        for _ in range(count):
            self.ns += step
            made.append((self._random.choice(pairs).update(), self.ns))
        return made

    def play(self, frames: list[tuple[bytes, int]]) -> float:
        """Take frames as the shell hands them over; CPU seconds spent."""
        session, markets = self.session, self.markets
        start = time.process_time()
        for data, ns in frames:
            session.frame(data, ns, ns)
            events = session.take_events()
            if markets is not None:
                for event in events:
                    markets.handle(event)
        return time.process_time() - start
