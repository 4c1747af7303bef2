"""Everything the feed holds of one pair: its book and proof, witnesses, trade numbers, grants and counts.

Pure: a `Pair` takes parts of messages and times, and returns events. Removing it forgets all of it.
"""

from __future__ import annotations

import msgspec

from kraken_tui.feed.complaints import Complaints
from kraken_tui.feed.effect import APPLIED, REJECTED, Effect
from kraken_tui.feed.events import FeedEvent, SpecChanged
from kraken_tui.feed.limits import Limits
from kraken_tui.feed.proof.stitcher import WORDS, BookStitcher, read_timestamp
from kraken_tui.feed.proof.witness import DecimalsWitness, TouchWitness, Verdict
from kraken_tui.feed.trade_sequence import TradeSequence
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.events import BookChanged, BookState, Proof
from kraken_tui.market.views import Ticker
from kraken_tui.wire.digits import decimals
from kraken_tui.wire.messages import BookData, TickerData
from kraken_tui.wire.symbols import PairSpec

EARLY = "book before its snapshot"
"""Verdict on a book message that cannot apply: before the snapshot, or after an unsubscribe."""

TOUCH_TRIGGER = "bbo"
"""The `event_trigger` with which the ticker reports every change of the touch."""

_MATCHING = frozenset({"online", "limit_only", "reduce_only"})


class Judgement(msgspec.Struct, gc=False):
    """The second witness's decision: events, and whether to resubscribe the ticker."""

    events: list[FeedEvent] = []
    ask: bool = False


class Pair:
    """One wanted pair.

    Args:
        spec: Reference data.
        depth: Levels a side, as subscribed.
        interval: Candle interval in minutes.
        limits: Timers and resync limits.
        complaints: Log lines about odd values.
        can_resync: Whether a failed book can be fetched again; False for a recording.
        ignore_gaps: After a wrong checksum, keep updating the book as UNVERIFIED.
        trigger: The ticker's assumed `event_trigger` until the exchange confirms one; "" if unknown.
        words: See `BookStitcher`.

    Attributes:
        stitcher: The book, its state, proof, depth and counts.
        touch: The second witness.
        trades: Trade numbers.
        wants_depth: Levels a side that are asked for; the exchange may grant fewer.
        interval: Minutes of the candles that are wanted.
        trigger: The ticker's `event_trigger`, as granted.
        granted_ns: When the book's subscription was granted, the venue's clock; None once its snapshot came.
        alarms: Resyncs because a witness contradicted the book.
        disputes: Consecutive audits that contradicted the book.
    """

    __slots__ = (
        "_complaints",
        "_decimals",
        "_must_be_heard",
        "alarms",
        "disputes",
        "granted_ns",
        "interval",
        "stitcher",
        "symbol",
        "touch",
        "trades",
        "trigger",
        "wants_depth",
    )

    def __init__(
        self,
        spec: PairSpec,
        depth: int,
        interval: int,
        limits: Limits,
        complaints: Complaints,
        *,
        can_resync: bool = True,
        ignore_gaps: bool = False,
        trigger: str = TOUCH_TRIGGER,
        words: tuple[str, str] = WORDS,
    ) -> None:
        self.symbol = spec.symbol
        self.stitcher = BookStitcher(
            spec.symbol, spec, depth, limits, can_resync=can_resync, ignore_gaps=ignore_gaps, words=words
        )
        self.touch = TouchWitness(spec)
        self.trades = TradeSequence()
        self.wants_depth = depth
        self.interval = interval
        self.trigger = trigger
        self.granted_ns: int | None = None
        self.alarms = 0
        self.disputes = 0
        self._decimals = DecimalsWitness(spec)
        self._must_be_heard = not can_resync
        self._complaints = complaints

    # -- what others read (`market.truth.BookTruth`) --------------------------------------------------------------

    @property
    def spec(self) -> PairSpec:
        """Reference data."""
        return self.stitcher.spec

    @property
    def book(self) -> OrderBook:
        """The levels; a snapshot brings a new object."""
        return self.stitcher.book

    @property
    def depth(self) -> int:
        """Levels a side, as granted or asked for."""
        return self.stitcher.depth

    @property
    def state(self) -> BookState:
        """Where the book stands."""
        return self.stitcher.state

    @property
    def proof(self) -> Proof:
        """Whether the book is proven."""
        return self.stitcher.proof

    @property
    def reason(self) -> str:
        """Why it is not proven; "" when it is."""
        return self.stitcher.reason

    @property
    def audited_ns(self) -> int | None:
        """Wall clock of the last audit that found all levels right; None since the book was loaded or failed."""
        return self.stitcher.audited_ns

    @property
    def checks_ok(self) -> int:
        """Checksums that were right."""
        return self.stitcher.counters.checks_ok

    @property
    def checks_failed(self) -> int:
        """Checksums that were wrong."""
        return self.stitcher.counters.checks_failed

    @property
    def resyncs(self) -> int:
        """Times the book was fetched again after a failure."""
        return self.stitcher.counters.resyncs

    @property
    def trade_gaps(self) -> int:
        """Trades that never came, by their numbers."""
        return self.trades.gaps

    @property
    def witness(self) -> str:
        """What the second witness says; "" without one, as in a recording without tickers."""
        return "" if self._must_be_heard and not self.touch.heard else self.touch.text

    @property
    def testifies(self) -> bool:
        """Whether the ticker reports changes of the touch."""
        return self.trigger == TOUCH_TRIGGER

    # -- messages -------------------------------------------------------------------------------------------------

    def on_book(self, kind: str, data: BookData, now: int, wall_ns: int, *, leaving: bool = False) -> Effect:
        """Apply one pair's part of a book frame.

        Args:
            kind: "snapshot" or "update".
            data: The pair's part.
            now: Monotonic ns.
            wall_ns: Wall clock of the receipt, ns.
            leaving: The data belong to a subscription that is being left.

        Returns:
            If the message was applied, the last event is its `BookChanged`.
        """
        stitcher = self.stitcher
        counts = stitcher.counters
        applied, rejected = counts.applied, counts.rejected
        doubt, odd = "", ""
        look = self._decimals
        if not (leaving or stitcher.spec.assumed) and (
            kind == "snapshot" or not (look.usual(data.bids) and look.usual(data.asks))
        ):
            complaint, doubtful = look.look((data.bids, data.asks), snapshot=kind == "snapshot")
            doubt, odd = (complaint, "") if doubtful else ("", complaint)
        events = stitcher.message(kind, data, now, wall_ns, leaving=leaving, doubt=doubt)
        settle = len(events) > 1
        if counts.applied == applied:
            verdict = REJECTED if counts.rejected > rejected else EARLY
            settle = bool(events)
        else:
            verdict = APPLIED
            if doubt:
                self.alarms += 1
            self._show(events[-1], now)
        if odd:
            events = [*self._complaints.say(wall_ns, f"{self.symbol}: {odd}"), *events]
        return Effect(verdict, events, settle)

    def _show(self, changed: FeedEvent, now: int) -> None:
        """Show the witness the touch after a message."""
        assert isinstance(changed, BookChanged)
        touch = self.touch
        if self.stitcher.state is not BookState.LIVE:
            touch.ended()
        elif changed.kind == "snapshot" or not touch.watching:
            touch.began(*book_touch(self.stitcher.book), now)
        elif touch.moved_by(changed.changes):
            touch.touch(*book_touch(self.stitcher.book), now)
        else:
            touch.unmoved(now)

    def on_ticker(self, row: TickerData, ticker: Ticker, now: int, wall_ns: int, *, snapshot: bool) -> list[FeedEvent]:
        """Compare the touch with the ticker's, if the ticker is triggered by the touch."""
        if not self.testifies:
            return []
        events: list[FeedEvent] = []
        precision = self.spec.price_precision
        finer = [value for value in (row.bid, row.ask) if isinstance(value, str) and decimals(value) > precision]
        if finer:
            text = f"the ticker's prices have {decimals(finer[0])} decimals, the pair has {precision}"
            events += self._complaints.say(wall_ns, f"{self.symbol}: {text}")
        self.touch.report(ticker.bid or None, ticker.ask or None, now, snapshot=snapshot)
        return events

    # -- the second witness ---------------------------------------------------------------------------------------

    def judge(self, now: int, wall_ns: int, system: str) -> Judgement:
        """Run the second witness; call it about once a second.

        A mismatch does not count while the exchange is not matching orders: the channels need not agree then.
        Agreement still counts.

        Args:
            now: Monotonic ns.
            wall_ns: Wall clock ns.
            system: State of the exchange.
        """
        stitcher, touch = self.stitcher, self.touch
        found = Judgement()
        live = stitcher.state is BookState.LIVE
        judged = live and system in ("online", "unknown") and stitcher.spec.status in _MATCHING
        if judged and not touch.watching:
            # After a halt, or with new reference data: a book without messages since must not stay unwatched.
            touch.began(*book_touch(stitcher.book), now)
        verdict = touch.judge(now) if judged else Verdict.NOTHING
        if verdict is Verdict.ALARM:
            self.alarms += 1
            found.events = stitcher.doubted(now, wall_ns, "witness", touch.reason)
            touch.lost()
        elif live and stitcher.contested and touch.agrees:
            found.events = stitcher.agreed(wall_ns)
        if not judged:
            touch.ended()
        found.ask = verdict is not Verdict.NOTHING
        return found

    # -- what the exchange told -----------------------------------------------------------------------------------

    def granted_book(self, depth: object, venue_time: str | None = None) -> None:
        """The exchange told which depth it grants; a checksum depends on it below level ten.

        Args:
            depth: As sent.
            venue_time: When the exchange answered, its own clock as sent.
        """
        granted = read_timestamp(venue_time)[1]
        if granted is not None:
            self.granted_ns = granted
        if type(depth) is int and depth > 0:
            self.stitcher.depth = depth

    def granted_ticker(self, trigger: object) -> None:
        """The exchange granted an `event_trigger`."""
        if isinstance(trigger, str):
            self.trigger = trigger

    def take_granted_ns(self) -> int | None:
        """When the subscription behind the snapshot that just arrived was granted; returned once."""
        granted, self.granted_ns = self.granted_ns, None
        return granted

    def set_spec(self, spec: PairSpec, now: int, wall_ns: int) -> list[FeedEvent]:
        """Adopt changed reference data; if a precision changed, the book is fetched again."""
        stitcher, old = self.stitcher, self.stitcher.spec
        stitcher.spec = spec
        self.touch, self._decimals = TouchWitness(spec), DecimalsWitness(spec)
        events: list[FeedEvent] = [SpecChanged(spec)]
        if (old.price_precision, old.qty_precision) != (spec.price_precision, spec.qty_precision):
            events += stitcher.restart(now, wall_ns, "precision changed")
        else:
            stitcher.book.spec = spec
        return events

    def set_depth(self, depth: int, wall_ns: int) -> list[FeedEvent]:
        """Another depth is being requested."""
        self.wants_depth = self.stitcher.depth = depth
        return self.stitcher.lost(wall_ns, "changing depth") or self.stitcher.asked(wall_ns)

    def lost(self, wall_ns: int, cause: str) -> list[FeedEvent]:
        """The connection is gone: the book is no longer proven."""
        self.touch.lost()
        self.granted_ns = None
        return self.stitcher.lost(wall_ns, cause)


def book_touch(book: OrderBook) -> tuple[int | None, int | None]:
    """Best bid and best ask in ticks; None for an empty side."""
    bid, ask = book.bids.best(), book.asks.best()
    return (bid[0] if bid else None), (ask[0] if ask else None)
