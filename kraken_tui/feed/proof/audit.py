"""The audit: whole books, all their levels, compared with a second snapshot of the exchange.

The checksum covers the ten best levels a side. What lies below can be wrong for hours without any sign (RELIABILITY.md
F53). So now and then a second, short connection fetches snapshots of the same books at the same depth while the live
connection goes on undisturbed. A snapshot carries the time of the book's last change; the live book as it was after
the message of that time must be equal, level by level.

Pure: no sockets, no clock. `Auditor` decides when to audit, what to ask and what an answer means;
`feed.connection.audit_socket` is its shell.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from kraken_tui.errors import InvalidNumber, WireError
from kraken_tui.feed.channels.book import BOOK
from kraken_tui.feed.connection.dialler import Dialler
from kraken_tui.feed.effect import Effect
from kraken_tui.feed.events import Audited, FeedEvent, Note
from kraken_tui.feed.latency import LatencyTracker
from kraken_tui.feed.limits import Limits, ns
from kraken_tui.feed.pair import Pair
from kraken_tui.feed.proof.book_history import BookHistory, Comparison
from kraken_tui.feed.proof.stitcher import read_timestamp, valid_checksum
from kraken_tui.feed.roster import Roster
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.events import BookState, Proof
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.wire import requests
from kraken_tui.wire.checksum import CHECKSUM_LEVELS
from kraken_tui.wire.decode import decode
from kraken_tui.wire.messages import BookData, BookMessage, Refusal

_GRACE_NS = 5 * SECOND
"""Longest wait for the live book to pass the snapshot's moment; in a quiet market it never does."""

_PATIENCE_NS = 30 * SECOND
"""Longest wait for a sign that the live connection has delivered everything sent before that moment."""

_AFTER_NS = SECOND
"""How much later that sign must be: times of other books and of pongs are not ordered to the millisecond."""

_DISPUTES = 2
"""Consecutive audits that may unprove one book; after that, the snapshots themselves seem to disagree."""

_LAG_NS = 2 * SECOND
"""A live feed further behind than this cannot be compared."""


@dataclass(slots=True)
class _Answer:
    """A second snapshot waiting to be compared."""

    book: OrderBook
    venue_ns: int | None
    at: int


class Auditor:
    """Plans audits and judges their answers; one at a time.

    Args:
        limits: Intervals.
        roster: Live books.
        dialler: Where an audit's dial is counted.
        latency: How far the live feed is behind.
        rng: Jitter.

    Attributes:
        running: Whether an audit's connection is wanted.
    """

    def __init__(
        self, limits: Limits, roster: Roster, dialler: Dialler, latency: LatencyTracker, rng: random.Random
    ) -> None:
        self._limits = limits
        self._roster = roster
        self._dialler = dialler
        self._latency = latency
        self._rng = rng
        self.running = False
        self._connected = False
        self._next_at: int | None = None
        self._again_at: int | None = None
        self._wanted: set[str] = set()
        self._answers: dict[str, _Answer] = {}
        self._unclear = False
        self._failures = 0

    # -- when -----------------------------------------------------------------------------------------------------

    def wants(self, now: int, *, up: bool) -> bool:
        """Whether an audit should begin now.

        Never while the connection has problems, while more than half of the dial budget is spent, or during a
        cooldown: the live feed has the first claim on dials.

        Args:
            now: Monotonic ns.
            up: Whether the live connection is up with everything subscribed.
        """
        if self.running or not up or self._roster.system == "maintenance":
            return False
        pairs = self._eligible()
        if not pairs:
            return False
        if self._next_at is None:
            self._next_at = now + self._jittered(self._limits.audit_first_s)
        elif self._again_at is not None and any(_is_lacking(pair) for pair in pairs):
            self._next_at = min(self._next_at, self._again_at)
        budget = self._dialler.budget
        half_spent = 2 * (budget.spent(now) + 1) > self._limits.dial_limit
        return now >= self._next_at and not half_spent and budget.next_allowed(now) <= now

    def _eligible(self) -> list[Pair]:
        """Pairs whose books reach below the checksum, longest unaudited first."""
        pairs = [pair for pair in self._roster.pairs.values() if _can_be_audited(pair)]
        return sorted(pairs, key=lambda pair: pair.audited_ns or 0)[: self._limits.audit_batch]

    def _jittered(self, seconds: float) -> int:
        return ns(seconds * self._rng.uniform(1.0, 1.2))

    # -- one audit --------------------------------------------------------------------------------------------------

    def begin(self, now: int) -> None:
        """An audit's connection is being dialled; it counts like any other dial."""
        self._dialler.budget.spend(now)
        self.running = self._connected = True
        self._unclear = False

    def opened(self) -> list[str]:
        """The connection is open: keep each book's further messages and write the requests."""
        by_depth: dict[int, list[str]] = {}
        for pair in self._eligible():
            pair.stitcher.history = BookHistory(pair.book, pair.stitcher.venue_ns)
            self._wanted.add(pair.symbol)
            by_depth.setdefault(pair.book.depth, []).append(pair.symbol)
        texts: list[str] = []
        for depth, symbols in by_depth.items():
            for first in range(0, len(symbols), self._limits.batch):
                batch = symbols[first : first + self._limits.batch]
                texts.append(requests.subscribe(BOOK.name, batch, req_id=len(texts) + 1, depth=depth, snapshot=True))
        return texts

    @property
    def waiting(self) -> bool:
        """Whether answers wait for the live connection to catch up; a pong would show that it has."""
        return bool(self._answers)

    @property
    def asking(self) -> bool:
        """Whether the audit's connection is still needed."""
        return bool(self._wanted)

    def frame(self, data: bytes | str, now: int) -> None:
        """Take one frame of the audit's connection; only first snapshots and refusals matter."""
        try:
            message = decode(data)
        except WireError:
            return
        if isinstance(message, Refusal):
            if message.symbol in self._wanted:
                self._give_up(message.symbol)
        elif isinstance(message, BookMessage) and message.type == "snapshot":
            for book in message.data:
                if book.symbol in self._wanted:
                    self._take(book, now)

    def _take(self, data: BookData, now: int) -> None:
        pair = self._roster.pairs.get(data.symbol)
        book = None
        if pair is not None and pair.stitcher.history is not None:
            book = OrderBook(pair.book.spec, pair.book.depth)
            try:
                book.load(data.bids, data.asks)
            except InvalidNumber:
                book = None
        if book is None or book.checksum() != valid_checksum(data.checksum):
            self._give_up(data.symbol)
            return
        self._wanted.discard(data.symbol)
        self._answers[data.symbol] = _Answer(book, read_timestamp(data.timestamp)[1], now)

    def _give_up(self, symbol: str) -> None:
        """Skip one book in this audit."""
        self._wanted.discard(symbol)
        self._answers.pop(symbol, None)
        self._unclear = True
        pair = self._roster.pairs.get(symbol)
        if pair is not None:
            pair.stitcher.history = None

    def ended(
        self,
        now: int,
        wall_ns: int,
        cause: str = "",
        *,
        banned: bool = False,
        retry_after_s: float | None = None,
    ) -> list[FeedEvent]:
        """The audit's connection is over; answers that came are still judged by `tick`.

        Args:
            now: Monotonic ns.
            wall_ns: Wall clock ns.
            cause: Why it failed; "" if it did not.
            banned: The exchange refuses dials: no dial until that is over, but the live connection stays.
            retry_after_s: How long, if it said so.
        """
        self._connected = False
        for symbol in list(self._wanted):
            self._give_up(symbol)
        if banned:
            limits = self._limits
            seconds = min(max(limits.cooldown_s, retry_after_s or 0.0), limits.cooldown_cap_s)
            self._dialler.budget.cool(now + ns(seconds))
        self._failures = self._failures + 1 if cause else 0
        if self._failures != 1:
            return []
        return [Note(wall_ns, "warning", clean_text(f"the audit's connection failed, the live one goes on: {cause}"))]

    def _finish(self, now: int) -> None:
        self.running = False
        self._again_at = now + self._jittered(self._limits.audit_again_s)
        later = now + self._jittered(self._limits.audit_every_s)
        self._next_at = self._again_at if self._unclear or self._failures else later

    # -- judgement --------------------------------------------------------------------------------------------------

    def tick(self, now: int, wall_ns: int) -> Effect:
        """Compare what can be compared; the effect says whether a book lost its proof."""
        effect = Effect()
        for symbol, answer in list(self._answers.items()):
            pair = self._roster.pairs.get(symbol)
            history = pair.stitcher.history if pair is not None else None
            if pair is None or history is None:
                # The book was lost or loaded again meanwhile.
                self._give_up(symbol)
            elif history.reaches(answer.venue_ns) or (now - answer.at >= _GRACE_NS and self._has_all(answer)):
                effect.add(self._judge(pair, history, answer, now, wall_ns))
                self._answers.pop(symbol, None)
            elif now - answer.at >= _PATIENCE_NS:
                self._give_up(symbol)
        if self.running and not self._connected and not self._answers:
            self._finish(now)
        return effect

    def _has_all(self, answer: _Answer) -> bool:
        """Whether everything before the second snapshot has arrived on the live connection, which may be slower."""
        heard = self._latency.heard_ns
        return answer.venue_ns is None or (heard is not None and heard >= answer.venue_ns + _AFTER_NS)

    def _judge(self, pair: Pair, history: BookHistory, answer: _Answer, now: int, wall_ns: int) -> Effect:
        pair.stitcher.history = None
        found, difference = history.compare(answer.book, answer.venue_ns)
        behind = self._latency.lag_ns is not None and self._latency.lag_ns > _LAG_NS
        counters = self._roster.counters
        if found is Comparison.EQUAL:
            counters.audits += 1
            pair.disputes = 0
            pair.stitcher.audited(wall_ns)
            return Effect(events=[Audited(wall_ns, pair.symbol, answer.book.depth)])
        if found is Comparison.UNCLEAR or behind:
            self._unclear = True
            return Effect()
        counters.audits += 1
        counters.audits_failed += 1
        return _dispute(pair, f"audit: {difference}", now, wall_ns)


def _dispute(pair: Pair, reason: str, now: int, wall_ns: int) -> Effect:
    """Fetch a contradicted book again, unless that has not helped: if second snapshots keep contradicting fresh ones,
    the exchange itself reports deep levels inconsistently, and no message was lost. Such levels stay marked as not
    audited."""
    pair.disputes += 1
    if pair.disputes <= _DISPUTES:
        return Effect(events=pair.stitcher.doubted(now, wall_ns, "audit", reason), settle=True)
    if pair.disputes == _DISPUTES + 1:
        text = f"{pair.symbol}: second snapshots keep differing, its deep levels are not audited; {reason}"
        return Effect(events=[Note(wall_ns, "warning", clean_text(text))])
    return Effect()


def _is_lacking(pair: Pair) -> bool:
    return pair.audited_ns is None and pair.disputes <= _DISPUTES


def _can_be_audited(pair: Pair) -> bool:
    return (
        pair.state is BookState.LIVE
        and pair.proof is Proof.VERIFIED
        and pair.book.depth > CHECKSUM_LEVELS
        and pair.stitcher.has_levels
    )
