"""A feed and a local exchange on one virtual clock: hours of faults in milliseconds, without a socket."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from random import Random

from kraken_tui.doctor.report import Unexpected
from kraken_tui.exchange.crc import book_checksum, level_token
from kraken_tui.exchange.faults import Frame
from kraken_tui.exchange.frames import decimal_text
from kraken_tui.exchange.session import Session as Link
from kraken_tui.exchange.venue import Venue
from kraken_tui.feed.connection.table import State
from kraken_tui.feed.events import FeedEvent
from kraken_tui.feed.limits import Limits, ns
from kraken_tui.feed.session import Session
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.events import BookState, Proof
from kraken_tui.units import SECOND

STEP_S = 0.05
PAIR, OTHER = "BTC/USD", "ETH/USD"
_START = 1_790_000_000 * SECOND


class Rig:
    """The client's session, the exchange's, and the wire in between.

    After every book message an independent CRC is taken of what the client shows as VERIFIED; `wrong_green`
    counts the times it was not the one the exchange sent.

    Args:
        names: Pairs to want.
        depth: Book depth.
        limits: Timers of the client.
        rate: Multiple of the market's usual message rate.
        seed: Decides market and backoff.

    Attributes:
        now: Virtual monotonic time, ns.
        skew: Wall clock minus true time, ns; a step of the wall clock is a change of it.
        cut: Whether nothing passes in either direction, while both ends think the connection stands.
        delay_s: How late frames arrive.
        answer: What a dial meets: None for the exchange, or a function that tells the client of a failure.
        dials: Times of the dials, ns.
        sent: Requests the client made, as they left.
        events: Everything the client reported.
    """

    def __init__(
        self, *names: str, depth: int = 10, limits: Limits | None = None, rate: float = 1.0, seed: int = 7
    ) -> None:
        self.now = 1000 * SECOND
        self.skew = 0
        self.cut = False
        self.delay_s = 0.0
        self.answer: Callable[[], None] | None = None
        self.dials: list[int] = []
        self.sent: list[str] = []
        self.events: list[FeedEvent] = []
        self.wrong_green = 0
        self.venue = Venue(seed, (PAIR, OTHER), rate, clock=lambda: self.true)
        self.feed = Session(limits, depth=depth, rng=Random(seed))
        self._link: Link | None = None
        self._wire: deque[tuple[int, Frame]] = deque()
        for name in names or (PAIR, OTHER):
            self.feed.want(name)

    @property
    def true(self) -> int:
        """The exchange's time, ns since the epoch."""
        return _START + self.now

    @property
    def wall(self) -> int:
        """The client's wall clock, ns since the epoch."""
        return self.true + self.skew

    @property
    def connected(self) -> bool:
        """Whether a connection stands."""
        return self._link is not None

    # -- time

    def run(self, seconds: float, step_s: float = STEP_S) -> None:
        """Let time pass in small steps."""
        end = self.now + ns(seconds)
        while self.now < end:
            self.now = min(end, self.now + ns(step_s))
            self.step()

    def until(self, condition: Callable[[], object], limit_s: float, what: str) -> float:
        """Let time pass until something holds; returns the virtual seconds it took.

        Raises:
            Unexpected: It does not within the limit.
        """
        begun = self.now
        while not condition():
            if self.now - begun >= ns(limit_s):
                raise Unexpected(f"not {what} within {limit_s:g} s; {self.feed.state}: {self.feed.cause}")
            self.run(STEP_S)
        return (self.now - begun) / SECOND

    def step(self) -> None:
        """What happens at one moment."""
        link, feed = self._link, self.feed
        if link is not None:
            self._post(link.advance(self.true))
            while self._wire and self._wire[0][0] <= self.now:
                self._deliver(self._wire.popleft()[1])
            if link.closing is not None and not self.cut:
                self.drop(f"closed by the server: {link.closing[0]}", close_code=link.closing[0])
        feed.tick(self.now, self.wall)
        self._pump()
        if feed.wants_dial(self.now):
            self._dial()

    # -- the connection

    def proven(self, *symbols: str) -> bool:
        """Whether these books (by default all) are live and VERIFIED."""
        stitchers = [self.feed.stitchers.get(symbol) for symbol in symbols or (PAIR, OTHER)]
        return all(
            stitcher is not None and stitcher.state is BookState.LIVE and stitcher.proof is Proof.VERIFIED
            for stitcher in stitchers
        )

    def start(self) -> Rig:
        """Connect and wait until every wanted book is proven."""
        self.until(lambda: self.proven(*self.feed.names), 10, "proven at the start")
        return self

    def drop(self, cause: str, close_code: int | None = None) -> None:
        """End the connection."""
        self._hang_up()
        self.feed.disconnected(cause, self.now, self.wall, close_code=close_code)
        self._pump()

    def _dial(self) -> None:
        self.dials.append(self.now)
        self.feed.dialling(self.now, self.wall)
        self._pump()
        if self.answer is not None:
            self.answer()
        else:
            self._link = self.venue.connect()
            self.cut = False
            self.feed.opened(self.now, self.wall)
        self._pump()

    def _hang_up(self) -> None:
        if self._link is not None:
            self.venue.disconnect(self._link)
        self._link = None
        self._wire.clear()

    def _pump(self) -> None:
        if self._link is not None and self.feed.wants_close() is not None:
            self._hang_up()
        for text in self.feed.take_sends():
            self.sent.append(text)
            if self._link is not None:
                self._post(self._link.on_message(text) if not self.cut else [])
        self.events += self.feed.take_events()

    def _post(self, frames: list[Frame]) -> None:
        if not self.cut:
            due = self.now + ns(self.delay_s)
            self._wire.extend((due, frame) for frame in frames)

    def _deliver(self, frame: Frame) -> None:
        self.feed.frame(frame, self.now, self.wall)
        if isinstance(frame, str) and frame.startswith('{"channel":"book"'):
            self._witness(frame)
        self._pump()

    # -- the oracle

    def _witness(self, frame: str) -> None:
        try:
            data = json.loads(frame)["data"][0]
        except (ValueError, LookupError):
            return
        stitcher = self.feed.stitchers.get(data.get("symbol"))
        if stitcher is not None and stitcher.proof is Proof.VERIFIED:
            self.wrong_green += _crc(stitcher.book) != data.get("checksum")

    def equal(self, symbol: str) -> bool:
        """Whether the client's book is the exchange's, level by level."""
        if self.feed.state not in (State.SUBSCRIBED, State.DEGRADED):
            return False
        mine, theirs = self.feed.books[symbol], self.venue.market(symbol).simulator.book
        depth = mine.depth
        return mine.bids.top() == tuple(theirs.bids.levels(depth)) and mine.asks.top() == tuple(
            theirs.asks.levels(depth)
        )

    def healthy(self, *symbols: str) -> bool:
        """Whether these books (by default both) are proven and equal to the exchange's."""
        return self.proven(*symbols) and all(self.equal(symbol) for symbol in symbols or (PAIR, OTHER))

    def busiest_window(self, window_s: float = 600.0) -> int:
        """Most dials in any window of this length."""
        return max((sum(0 <= dial - first <= ns(window_s) for dial in self.dials) for first in self.dials), default=0)


def _crc(book: OrderBook) -> int:
    """The checksum of a book by the exchange's code, which shares nothing with the client's."""
    price, qty = book.spec.price_precision, book.spec.qty_precision
    sides = [
        "".join(level_token(decimal_text(ticks, price), decimal_text(lots, qty)) for ticks, lots in side.top(10))
        for side in (book.asks, book.bids)
    ]
    return book_checksum(*sides)
