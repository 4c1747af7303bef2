"""One pair's book from snapshot and updates, with its proof (PROTOCOL.md section 4, RELIABILITY.md F49 to F65).

Pure: takes messages and times, returns events, and says through `wants_resync` when the book must be fetched again.
The rules: snapshot first, entries in array order, truncation and then the checksum after every message, proof before
publication, at most one resync in flight, and a book that keeps failing is quarantined and shown as UNVERIFIED.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from kraken_tui.core import new_lane
from kraken_tui.errors import InvalidMessage, InvalidNumber
from kraken_tui.feed.events import BookStateChanged, FeedEvent, Resync
from kraken_tui.feed.limits import Limits, ns
from kraken_tui.feed.proof.book_history import BookHistory
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.events import BookChanged, BookState, LevelChange, Proof
from kraken_tui.wire.messages import BookData
from kraken_tui.wire.symbols import PairSpec
from kraken_tui.wire.timestamps import parse_timestamp

_CHECKSUM_END = 2**32

WORDS = "in the recording", "no valid checksum was sent"
"""Where a book that is not fetched again failed, and the reason of one without a checksum."""


@dataclass(slots=True)
class BookCounters:
    """Counts of one book since the start; each book message is applied, ignored or rejected.

    Attributes:
        applied: Messages that changed the book and were checked.
        ignored: Messages that cannot apply: before the snapshot, or after our unsubscribe.
        rejected: Messages with an unacceptable number.
        checks_ok, checks_failed: Checksums compared.
        unchecked: Messages without a valid checksum.
        resyncs: Times the book was fetched again after a failure.
    """

    applied: int = 0
    ignored: int = 0
    rejected: int = 0
    checks_ok: int = 0
    checks_failed: int = 0
    unchecked: int = 0
    resyncs: int = 0


class BookStitcher:
    """Keeps one book, its state and its proof.

    Args:
        symbol: v2 symbol.
        spec: Precisions.
        depth: Levels a side, as subscribed. Like the precisions it takes effect with the next snapshot, so that
            the old levels stay readable until then.
        limits: Timers and resync limits.
        can_resync: False for a recording, where nothing can be requested: a failed book then keeps updating,
            UNVERIFIED, until the next recorded snapshot.
        ignore_gaps: After a wrong checksum keep applying updates, UNVERIFIED, instead of requesting a snapshot.
        words: See `WORDS`.

    Attributes:
        book: The levels; a snapshot brings a new object.
        state, proof, reason: Where it stands, and why it is not VERIFIED.
        contested: The second witness has contradicted the book and not agreed since.
        history: The last messages, kept while an audit runs; None otherwise.
        audited_ns: Wall clock of the last audit in which all levels matched a second snapshot; None if there was none
            since the book was loaded.
        venue_ns: Timestamp of the last message applied, ns.
        steady: The last message was a proven update of a live book, and another one can change no state; see `proven`.
        lane: The way of usual updates through the compiled core, open while the book is steady; None without the core.
    """

    def __init__(
        self,
        symbol: str,
        spec: PairSpec,
        depth: int,
        limits: Limits,
        *,
        can_resync: bool = True,
        ignore_gaps: bool = False,
        words: tuple[str, str] = WORDS,
    ) -> None:
        self.symbol = symbol
        self.book = OrderBook(spec, depth)
        self.spec = spec
        self.depth = depth
        self.state = BookState.WAIT_ACK
        self.proof = Proof.CHECKING
        self.reason = "waiting for the exchange"
        self.counters = BookCounters()
        self.wants_resync = False
        self.proven_since_connect = False
        self.contested = False
        self.steady = False
        self.history: BookHistory | None = None
        self.audited_ns: int | None = None
        self.venue_ns: int | None = None
        self.lane = new_lane()
        self._limits = limits
        self._can_resync = can_resync
        self._ignore_gaps = ignore_gaps
        self._place, self._unchecked = words
        self._deadline: int | None = None
        self._resync_at: int | None = None
        self._resyncs: deque[int] = deque()
        self._quarantine_level = 0
        self._probing = False
        self._live_since: int | None = None
        self._mismatched = False

    # -- what the subscription reports ---------------------------------------------------------------------------

    def asked(self, wall_ns: int) -> list[FeedEvent]:
        """A subscribe request was queued."""
        self._deadline = None
        if self.state in (BookState.RESYNCING, BookState.QUARANTINED):
            return []
        return self._become(wall_ns, BookState.WAIT_ACK, self._unproven(), "waiting for the exchange")

    def acked(self, due: int, wall_ns: int) -> list[FeedEvent]:
        """The subscribe request was granted; the snapshot must have come by `due`, monotonic ns."""
        if self.state is BookState.LIVE:
            return []
        self._deadline = due
        if self.state is BookState.WAIT_ACK:
            return self._become(wall_ns, BookState.WAIT_SNAPSHOT, self.proof, "waiting for the snapshot")
        return []

    def refused(self, wall_ns: int, error: str) -> list[FeedEvent]:
        """The exchange refused this book."""
        self._deadline = self._resync_at = None
        self.wants_resync = False
        return self._become(wall_ns, BookState.REFUSED, Proof.UNVERIFIED, error)

    def lost(self, wall_ns: int, cause: str) -> list[FeedEvent]:
        """The connection is gone: the levels stay visible, unproven, until a new snapshot."""
        self._deadline = self._resync_at = None
        self.wants_resync = self.proven_since_connect = self._probing = self.contested = False
        self._live_since = None
        if self.state is BookState.REFUSED:
            return []
        proof = Proof.UNVERIFIED if self.has_levels else Proof.CHECKING
        return self._become(wall_ns, BookState.WAIT_ACK, proof, cause)

    def restart(self, now: int, wall_ns: int, cause: str) -> list[FeedEvent]:
        """Fetch the book again because the precision changed; does not count against the resync limit.

        A no-op if a snapshot is awaited anyway.
        """
        if self.state not in (BookState.LIVE, BookState.QUARANTINED):
            return []
        self._mismatched = True
        self._live_since = self._resync_at = None
        if self._can_resync:
            self._start_resync(now)
            self._resyncs.pop()
        events = self._become(wall_ns, BookState.RESYNCING, Proof.UNVERIFIED, f"{cause}, resyncing")
        return [*events, Resync(wall_ns, self.symbol, cause)]

    def doubted(self, now: int, wall_ns: int, cause: str, reason: str) -> list[FeedEvent]:
        """Another source contradicts a live book whose checksums are right: fetch it again, within the usual limits.

        Args:
            now: Monotonic ns.
            wall_ns: Wall clock ns.
            cause: "witness" or "audit". After "witness" the new snapshot's checksum is not enough: the book stays
                CHECKING until the witness has agreed, see `agreed`.
            reason: What was contradicted, a short clause.
        """
        if self.state is not BookState.LIVE:
            return []
        self.contested |= cause == "witness"
        return self._fail(now, wall_ns, cause, reason, None, None)

    def agreed(self, wall_ns: int) -> list[FeedEvent]:
        """The witness agrees with the live book: a contested one is proven again."""
        if not self.contested or self.state is not BookState.LIVE:
            return []
        self.contested = False
        if self.proof is not Proof.CHECKING:
            return []
        return self._become(wall_ns, BookState.LIVE, Proof.VERIFIED, "")

    @property
    def has_levels(self) -> bool:
        """Whether there is anything to show."""
        return bool(len(self.book.bids) or len(self.book.asks))

    def audited(self, wall_ns: int) -> None:
        """The whole book matched a second snapshot."""
        self.audited_ns = wall_ns

    @property
    def settled(self) -> bool:
        """Whether nothing is awaited: live, quarantined or refused."""
        return self.state in (BookState.LIVE, BookState.QUARANTINED, BookState.REFUSED)

    # -- time ---------------------------------------------------------------------------------------------------

    def next_deadline(self) -> int | None:
        """When `tick` has something to do; None if never."""
        times = [at for at in (self._deadline, self._resync_at) if at is not None]
        return min(times, default=None)

    def tick(self, now: int, wall_ns: int) -> list[FeedEvent]:
        """Let time pass: missing snapshots, delayed resyncs, ends of quarantine."""
        if self._resync_at is not None and now >= self._resync_at:
            self._resync_at = None
            self._start_resync(now)
            self._probing = self.state is BookState.QUARANTINED
            return []
        if self._deadline is not None and now >= self._deadline:
            self._deadline = None
            return self._fail(now, wall_ns, "no snapshot", "no snapshot came, asking again", None, None)
        return []

    # -- messages -----------------------------------------------------------------------------------------------

    def message(
        self,
        kind: str,
        data: BookData,
        now: int,
        wall_ns: int,
        *,
        leaving: bool = False,
        doubt: str = "",
        changes: tuple[LevelChange, ...] | None = None,
    ) -> list[FeedEvent]:
        """Apply one book message.

        Args:
            kind: "snapshot" or "update".
            data: The symbol's part of the frame.
            now: Monotonic ns.
            wall_ns: Wall clock of the receipt, ns.
            leaving: Our own unsubscribe is under way, so that what still arrives belongs to the old book.
            doubt: Why this message's digits cannot be trusted even with a right checksum; "" if they can.
            changes: What it changed, if the book has been updated with it already; None if not.
        """
        if leaving or (kind != "snapshot" and not self._takes_updates()) or self.state is BookState.REFUSED:
            self.counters.ignored += 1
            return []
        try:
            if changes is None:
                changes = self._load(data) if kind == "snapshot" else self.book.apply(data.bids, data.asks)
        except InvalidNumber as error:
            self.counters.rejected += 1
            return self._fail(now, wall_ns, "bad number", f"unacceptable number: {error}", None, None)
        self.counters.applied += 1
        return self._prove(kind, data, changes, now, wall_ns, doubt)

    def proven(
        self, checksum: int, changes: tuple[LevelChange, ...], timestamp: str, venue_ns: int, wall_ns: int
    ) -> BookChanged:
        """Take a right checksum of a book that is `steady`: `message` after the checksum, with all that cannot happen
        left out. `history`, where one is kept, is the caller's to add to.

        Args:
            checksum: That of the update, which has been applied, is right, and has all numbers written as usual.
            changes: What it changed.
            timestamp: The venue's, as sent and valid.
            venue_ns: The same, ns.
            wall_ns: Wall clock of the receipt, ns.
        """
        counters = self.counters
        counters.applied += 1
        counters.checks_ok += 1
        self.venue_ns = venue_ns
        return BookChanged(self.symbol, "update", True, checksum, timestamp, venue_ns, wall_ns, changes, True)

    def unusable(self, now: int, wall_ns: int, cause: str, reason: str) -> list[FeedEvent]:
        """A message was not even looked at: without it nothing about the book is proven any more."""
        self.counters.rejected += 1
        return self._fail(now, wall_ns, cause, reason, None, None)

    def _takes_updates(self) -> bool:
        if self.state in (BookState.LIVE, BookState.QUARANTINED):
            return True
        return not self._can_resync and self.state is BookState.RESYNCING and self.has_levels

    def _load(self, data: BookData) -> tuple[LevelChange, ...]:
        # Into a new book, so that a snapshot with a bad number leaves the old levels visible.
        fresh = OrderBook(self.spec, self.depth)
        fresh.load(data.bids, data.asks)
        self.book = fresh
        if self.lane is not None:
            fresh.share(self.lane)
        self.history = self.audited_ns = None
        self._mismatched = False
        self._deadline = None
        return ()

    def _prove(
        self, kind: str, data: BookData, changes: tuple[LevelChange, ...], now: int, wall_ns: int, doubt: str
    ) -> list[FeedEvent]:
        """Compare the checksum, move the state, and only then publish."""
        actual = self.book.checksum()
        expected = valid_checksum(data.checksum)
        events: list[FeedEvent] = []
        if expected is None:
            self.counters.unchecked += 1
            if kind == "snapshot" or self.state is BookState.LIVE:
                self._resync_at = None
                events = self._become(wall_ns, BookState.LIVE, Proof.UNVERIFIED, self._unchecked)
        elif expected == actual:
            self.counters.checks_ok += 1
            if doubt:
                events = self._fail(now, wall_ns, "witness", doubt, None, None)
            else:
                events = self._passed(kind, now, wall_ns)
        else:
            self.counters.checks_failed += 1
            events = self._fail(now, wall_ns, "checksum", "checksum failed", expected, actual)
        timestamp, venue_ns = read_timestamp(data.timestamp)
        self.venue_ns = venue_ns
        if self.history is not None:
            self.history.add(data, venue_ns)
        verified = expected == actual and self.proof is Proof.VERIFIED
        matched = None if expected is None else expected == actual
        changed = BookChanged(self.symbol, kind, verified, expected, timestamp, venue_ns, wall_ns, changes, matched)
        return [*events, changed]

    def _passed(self, kind: str, now: int, wall_ns: int) -> list[FeedEvent]:
        if kind != "snapshot" and (self._mismatched or self.state is not BookState.LIVE):
            # After a mismatch only a new snapshot may restore trust: ten right levels do not prove the others.
            return []
        self._resync_at = None
        self.wants_resync = self._probing = False
        if self._live_since is None:
            self._live_since = now
        elif now - self._live_since >= ns(self._limits.resync_window_s):
            self._quarantine_level = 0
        self.proven_since_connect = True
        if self.contested:
            return self._become(wall_ns, BookState.LIVE, Proof.CHECKING, "the ticker has not agreed yet")
        if self.proof is Proof.VERIFIED and self.state is BookState.LIVE:
            # While a quarantine is remembered, the time since is looked at.
            self._steady(kind != "snapshot" and not self._quarantine_level)
            return []
        return self._become(wall_ns, BookState.LIVE, Proof.VERIFIED, "")

    # -- failure ------------------------------------------------------------------------------------------------

    def _fail(
        self, now: int, wall_ns: int, cause: str, reason: str, expected: int | None, actual: int | None
    ) -> list[FeedEvent]:
        """The proof is gone: unprove first, then resync, wait, or quarantine."""
        self._mismatched = True
        self._live_since = None
        if self._ignore_gaps and cause == "checksum":
            self._resync_at = None
            self._probing = False
            return self._become(wall_ns, BookState.LIVE, Proof.UNVERIFIED, f"{reason}, ignored as configured")
        if not self._can_resync:
            repeated = self.state is BookState.RESYNCING
            events = self._become(wall_ns, BookState.RESYNCING, Proof.UNVERIFIED, f"{reason} {self._place}")
            return events if repeated else [*events, Resync(wall_ns, self.symbol, cause, expected, actual)]
        if self.state is BookState.QUARANTINED and not self._probing:
            return self._become(wall_ns, BookState.QUARANTINED, Proof.UNVERIFIED, self.reason)
        self._forget_old_resyncs(now)
        if self._probing or len(self._resyncs) >= self._limits.resync_limit:
            return self._quarantine(now, wall_ns, reason)
        gap_end = self._resyncs[-1] + ns(self._limits.resync_gap_s) if self._resyncs else now
        if gap_end > now:
            self._resync_at = gap_end
        else:
            self._start_resync(now)
        events = self._become(wall_ns, BookState.RESYNCING, Proof.UNVERIFIED, f"{reason}, resyncing")
        return [*events, Resync(wall_ns, self.symbol, cause, expected, actual)]

    def _start_resync(self, now: int) -> None:
        self._resyncs.append(now)
        self.counters.resyncs += 1
        self.wants_resync = True

    def _forget_old_resyncs(self, now: int) -> None:
        while self._resyncs and self._resyncs[0] <= now - ns(self._limits.resync_window_s):
            self._resyncs.popleft()

    def _quarantine(self, now: int, wall_ns: int, reason: str) -> list[FeedEvent]:
        lengths = self._limits.quarantine_s
        length = lengths[min(self._quarantine_level, len(lengths) - 1)]
        self._quarantine_level += 1
        self._probing = False
        self._deadline = None
        self._resync_at = now + ns(length)
        text = f"{reason} again and again; next try in {length:.0f} s"
        return self._become(wall_ns, BookState.QUARANTINED, Proof.UNVERIFIED, text)

    # -- state --------------------------------------------------------------------------------------------------

    def _unproven(self) -> Proof:
        return Proof.CHECKING if self.proof is Proof.CHECKING else Proof.UNVERIFIED

    def _steady(self, steady: bool) -> None:
        self.steady = steady
        if self.lane is not None:
            self.lane.open = steady

    def _become(self, wall_ns: int, state: BookState, proof: Proof, reason: str) -> list[FeedEvent]:
        self._steady(False)
        if (state, proof, reason) == (self.state, self.proof, self.reason):
            return []
        if state is not BookState.LIVE or proof is Proof.UNVERIFIED:
            self.history = self.audited_ns = None
        self.state, self.proof, self.reason = state, proof, reason
        return [BookStateChanged(wall_ns, self.symbol, state, proof, reason)]


def valid_checksum(value: object) -> int | None:
    """The checksum as an unsigned 32-bit number, or None for anything else; 0 is a value (RELIABILITY.md F55)."""
    return value if type(value) is int and 0 <= value < _CHECKSUM_END else None


def read_timestamp(text: str | None) -> tuple[str | None, int | None]:
    """The venue's timestamp verbatim and in ns; both None if it is absent or invalid."""
    if text is None:
        return None, None
    try:
        return text, parse_timestamp(text)
    except InvalidMessage:
        return None, None
