"""What data frames mean for the wanted pairs: books, trades, tickers, candles, reference data.

Pure. `Session` owns one, hands it decoded messages and takes the events.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import groupby

from kraken_tui.feed.events import (
    BookStateChanged,
    Candles,
    FeedEvent,
    InstrumentsKnown,
    Note,
    SpecChanged,
    SystemChanged,
    TickerChanged,
    Trades,
)
from kraken_tui.feed.latency import LatencyTracker
from kraken_tui.feed.limits import Limits
from kraken_tui.feed.proof.inference import infer_depth, infer_spec
from kraken_tui.feed.proof.stitcher import BookStitcher, read_timestamp
from kraken_tui.feed.proof.witness import DecimalsWitness, TouchWitness, Verdict
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.convert import candle_from_wire, ticker_from_wire, trade_from_wire
from kraken_tui.market.events import BookChanged, BookState, Trade
from kraken_tui.market.views import Ticker
from kraken_tui.text import clean_text
from kraken_tui.wire.decode import NameCounter
from kraken_tui.wire.digits import decimals
from kraken_tui.wire.messages import (
    BookData,
    BookMessage,
    InstrumentMessage,
    InvalidNumber,
    OhlcMessage,
    StatusMessage,
    TickerData,
    TickerMessage,
    TradeMessage,
    WireError,
)
from kraken_tui.wire.symbols import PairSpec, SymbolTable, is_clean

SYSTEMS = frozenset({"online", "maintenance", "cancel_only", "post_only"})
"""Documented states of the exchange; all others are shown as "unknown" (PROTOCOL.md section 2.1)."""

_MATCHING = frozenset({"online", "limit_only", "reduce_only"})
_TRADES_REMEMBERED = 4000
_PLAUSIBLE_LAG_NS = 3600 * 1_000_000_000

APPLIED = ""
REJECTED = "rejected"
"""What a handler says of a frame; any other text is the kind under which it is counted as ignored."""


@dataclass(slots=True)
class Counters:
    """Frames since the start: frames = applied + all of ignored + rejected.

    Attributes:
        frames: Frames received.
        applied: Frames that were used.
        ignored: Frames that were not, by kind.
        rejected: Frames that could not be read or held unacceptable values; `invalid` of them could not be read.
        deltas_ignored: Book messages before a snapshot or after an unsubscribe, those of removed pairs included.
        duplicates: Trades delivered again.
        trade_gaps: Trade numbers that never came.
        reconnects: Connections lost after they were open, in a recording too.
        resyncs, checks_ok, checks_failed: Of all books, those of removed pairs included.
        witness_alarms: Books fetched anew because the ticker or the number of decimals contradicted them.
        audits, audits_failed: Whole books compared with a second snapshot, and those that were wrong.
    """

    frames: int = 0
    applied: int = 0
    ignored: Counter[str] = field(default_factory=NameCounter)
    rejected: int = 0
    invalid: int = 0
    deltas_ignored: int = 0
    duplicates: int = 0
    trade_gaps: int = 0
    reconnects: int = 0
    resyncs: int = 0
    checks_ok: int = 0
    checks_failed: int = 0
    witness_alarms: int = 0
    audits: int = 0
    audits_failed: int = 0


class _TradeFilter:
    """Lets each trade of a pair through once; numbers are a sequence per pair (PROTOCOL.md section 7.2)."""

    def __init__(self) -> None:
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._forgotten = -1
        self._first = 0
        self.newest: int | None = None
        self.gaps = 0

    def admit(self, trade_id: int) -> bool:
        if trade_id <= self._forgotten or trade_id in self._seen:
            return False
        self._seen[trade_id] = None
        if len(self._seen) > _TRADES_REMEMBERED:
            oldest, _ = self._seen.popitem(last=False)
            self._forgotten = max(self._forgotten, oldest)
        return True

    def count(self, trade_ids: Iterable[int]) -> int:
        """Take the numbers of one message's new trades; returns how many more are missing, negative where late ones
        closed a gap."""
        gaps = self.gaps
        for trade_id in sorted(trade_ids):
            if self.newest is None:
                self._first = self.newest = trade_id
            elif trade_id > self.newest:
                self.gaps += trade_id - self.newest - 1
                self.newest = trade_id
            elif trade_id > self._first:
                self.gaps = max(0, self.gaps - 1)
        return self.gaps - gaps


def book_touch(book: OrderBook) -> tuple[int | None, int | None]:
    """Best bid and best ask in ticks; None for an empty side."""
    bid, ask = book.bids.best(), book.asks.best()
    return (bid[0] if bid else None), (ask[0] if ask else None)


class Markets:
    """Books and reference data of the wanted pairs.

    Args:
        limits: Timers and resync limits.
        latency: Where lags are counted.
        depth: Levels a side for new books.
        interval: Candle interval in minutes for new pairs.
        replay: Accept whatever a recording holds, without instrument list or acknowledgements.
    """

    def __init__(
        self, limits: Limits, latency: LatencyTracker, *, depth: int, interval: int, replay: bool = False
    ) -> None:
        self.counters = Counters()
        self.specs: dict[str, PairSpec] = {}
        self.symbols = SymbolTable()
        self.stitchers: dict[str, BookStitcher] = {}
        self.books: dict[str, OrderBook] = {}
        self.system = "unknown"
        self.depth = depth
        self.interval = interval
        self.intervals: dict[str, int] = {}
        self.lag_ns: int | None = None
        self.events: list[FeedEvent] = []
        self.replay = replay
        self.ignore_gaps = False
        """Whether new books go on after a wrong checksum, UNVERIFIED, instead of being fetched anew."""
        self.accepts: Callable[[str], bool] = lambda symbol: symbol in self.stitchers
        """Whether the data of a symbol are wanted; a replay without names wants every symbol it meets."""
        self._limits = limits
        self._latency = latency
        self._trade_filters: dict[str, _TradeFilter] = {}
        self._ack_depths: dict[str, int] = {}
        self._granted_ns: dict[str, int] = {}
        self._triggers: dict[str, str] = {}
        self.witnesses: dict[str, TouchWitness] = {}
        self._decimals: dict[str, DecimalsWitness] = {}
        self._connection_id: object = None
        self._complaints: Counter[str] = Counter()

    # -- pairs --------------------------------------------------------------------------------------------------

    def add(self, symbol: str, wall_ns: int) -> None:
        """Keep a book of this pair from now on; its spec must be known."""
        spec = self.specs[symbol]
        depth = self._ack_depths.get(symbol, self.depth)
        stitcher = BookStitcher(
            symbol, spec, depth, self._limits, can_resync=not self.replay, ignore_gaps=self.ignore_gaps
        )
        self.stitchers[symbol] = stitcher
        self.books[symbol] = stitcher.book
        self.witnesses[symbol] = TouchWitness(spec)
        self._decimals[symbol] = DecimalsWitness(spec)
        self.intervals.setdefault(symbol, self.interval)
        self._trade_filters.setdefault(symbol, _TradeFilter())
        self.events.append(SpecChanged(spec))
        self.events.append(BookStateChanged(wall_ns, symbol, stitcher.state, stitcher.proof, stitcher.reason))

    def remove(self, symbol: str) -> None:
        """Forget a pair; its counts stay in the totals."""
        if self.stitchers.pop(symbol, None) is not None:
            del self.books[symbol], self.witnesses[symbol], self._decimals[symbol]
            self._trade_filters.pop(symbol, None)
            self.intervals.pop(symbol, None)
            self._ack_depths.pop(symbol, None)
            self._granted_ns.pop(symbol, None)

    def lose(self, stitcher: BookStitcher, wall_ns: int, cause: str) -> None:
        """The connection is gone: nothing about a book is proven any more."""
        self.witnesses[stitcher.symbol].lost()
        self._granted_ns.pop(stitcher.symbol, None)
        self.collect(stitcher, stitcher.lost(wall_ns, cause))

    def collect(self, stitcher: BookStitcher, events: Iterable[FeedEvent]) -> bool:
        """Take a book's events; returns whether its state changed."""
        before = len(self.events)
        self.events.extend(events)
        self.books[stitcher.symbol] = stitcher.book
        return any(isinstance(event, BookStateChanged) for event in self.events[before:])

    # -- books --------------------------------------------------------------------------------------------------

    def on_book(self, message: BookMessage, now: int, wall_ns: int, leaving: Callable[[str], bool]) -> str:
        """Apply a book frame; `leaving` tells whether a symbol's book is being unsubscribed."""
        verdict = "empty book frame"
        for data in message.data:
            if not self.accepts(data.symbol):
                verdict = "book of an unwanted pair"
                continue
            if self.replay and not self._prepare(message.type, data, wall_ns):
                self.counters.deltas_ignored += 1
                verdict = "book before its snapshot"
                continue
            verdict = self._one_book(message.type, data, now, wall_ns, leaving(data.symbol))
        return verdict

    def _one_book(self, kind: str, data: BookData, now: int, wall_ns: int, leaving: bool) -> str:
        stitcher = self.stitchers[data.symbol]
        counts = stitcher.counters
        before = (counts.applied, counts.rejected, counts.checks_ok, counts.checks_failed)
        doubt = "" if leaving or stitcher.spec.assumed else self._look_at_decimals(kind, data, wall_ns)
        events = stitcher.message(kind, data, now, wall_ns, leaving=leaving, doubt=doubt)
        self.events.extend(events)
        self.books[data.symbol] = stitcher.book
        self.counters.witness_alarms += bool(doubt) and counts.applied > before[0]
        self.counters.checks_ok += counts.checks_ok - before[2]
        self.counters.checks_failed += counts.checks_failed - before[3]
        if counts.applied == before[0]:
            if counts.rejected > before[1]:
                return REJECTED
            self.counters.deltas_ignored += 1
            return "book before its snapshot"
        if kind == "snapshot":
            self._bound_lag(data.symbol, now, wall_ns)
        elif isinstance(events[-1], BookChanged) and events[-1].venue_ns is not None:
            self.lag_ns = self._measure(events[-1].venue_ns, now, wall_ns)
        self._show_witness(stitcher, events[-1], now)
        return APPLIED

    def _prepare(self, kind: str, data: BookData, wall_ns: int) -> bool:
        """In a replay: make a book for a symbol met for the first time."""
        if data.symbol in self.stitchers:
            stitcher = self.stitchers[data.symbol]
            stitcher.depth = self._ack_depths.get(data.symbol, stitcher.depth)
            return True
        if kind != "snapshot" or not is_clean(data.symbol):
            return False
        self._ack_depths.setdefault(data.symbol, infer_depth(data))
        if data.symbol not in self.specs:
            try:
                self.specs[data.symbol] = infer_spec(data)
            except InvalidNumber as error:
                self.complain(wall_ns, f"{clean_text(data.symbol, 40)}: {error}")
                return False
        self.add(data.symbol, wall_ns)
        return True

    def _bound_lag(self, symbol: str, now: int, wall_ns: int) -> None:
        """A snapshot's timestamp is the last change of the book, not its sending (PROTOCOL.md section 0.8), but it was
        sent after its subscription was granted."""
        granted = self._granted_ns.pop(symbol, None)
        if granted is None:
            return
        if abs(self._latency.venue_now(now, wall_ns) - granted) <= _PLAUSIBLE_LAG_NS:
            self.lag_ns = self._latency.bound(granted, now, wall_ns)

    def granted_depth(self, symbol: str, depth: object, venue_time: str | None = None) -> None:
        """The exchange told which depth it grants; that is the truth a checksum depends on below level ten.

        Args:
            symbol: Pair.
            depth: As sent.
            venue_time: When the exchange answered, its own clock as sent.
        """
        granted = read_timestamp(venue_time)[1]
        if granted is not None:
            self._granted_ns[symbol] = granted
        if type(depth) is int and depth > 0:
            self._ack_depths[symbol] = depth
            if symbol in self.stitchers:
                self.stitchers[symbol].depth = depth

    # -- the second witness -------------------------------------------------------------------------------------

    def _look_at_decimals(self, kind: str, data: BookData, wall_ns: int) -> str:
        """Why the digits of a book message cannot be trusted; what is merely odd is only logged."""
        decimals_witness = self._decimals[data.symbol]
        if kind != "snapshot" and decimals_witness.usual(data.bids) and decimals_witness.usual(data.asks):
            return ""
        complaint, doubtful = decimals_witness.look((data.bids, data.asks), snapshot=kind == "snapshot")
        if complaint and not doubtful:
            self.complain(wall_ns, f"{data.symbol}: {complaint}")
        return complaint if doubtful else ""

    def _show_witness(self, stitcher: BookStitcher, changed: FeedEvent, now: int) -> None:
        """Show the witness the touch after a message."""
        witness = self.witnesses[stitcher.symbol]
        if stitcher.state is not BookState.LIVE:
            witness.ended()
        elif isinstance(changed, BookChanged):
            if changed.kind == "snapshot" or not witness.watching:
                witness.began(*book_touch(stitcher.book), now)
            elif witness.moved_by(changed.changes):
                witness.touch(*book_touch(stitcher.book), now)
            else:
                witness.unmoved(now)

    def judge(self, now: int, wall_ns: int) -> list[str]:
        """Let the second witnesses judge; returns the symbols whose ticker is to be subscribed anew.

        Nothing is held against a book while the exchange does not match orders: the channels need not agree then. If
        they do all the same, that is as good as ever.
        """
        ask: list[str] = []
        for symbol, witness in self.witnesses.items():
            stitcher = self.stitchers[symbol]
            live = stitcher.state is BookState.LIVE
            judged = live and self._matches_orders(symbol)
            if judged and not witness.watching:
                # After a halt, or with new reference data: a book without messages since must not stay unwatched.
                witness.began(*book_touch(stitcher.book), now)
            verdict = witness.judge(now) if judged else Verdict.NOTHING
            if verdict is Verdict.ALARM:
                self.counters.witness_alarms += 1
                self.collect(stitcher, stitcher.doubted(now, wall_ns, "witness", witness.reason))
                witness.lost()
            elif live and stitcher.contested and witness.agrees:
                self.collect(stitcher, stitcher.agreed(wall_ns))
            if not judged:
                witness.ended()
            if verdict is not Verdict.NOTHING:
                ask.append(symbol)
        return ask

    def _matches_orders(self, symbol: str) -> bool:
        return self.system in ("online", "unknown") and self.specs[symbol].status in _MATCHING

    def granted_trigger(self, symbol: str, trigger: object) -> None:
        """The exchange told what makes it send a ticker: only with "bbo" does it testify to the touch."""
        if isinstance(trigger, str):
            self._triggers[symbol] = trigger

    def _measure(self, venue_ns: int, now: int, wall_ns: int) -> int | None:
        lag = self._latency.venue_now(now, wall_ns) - venue_ns
        if abs(lag) > _PLAUSIBLE_LAG_NS:
            return None
        return self._latency.measure(venue_ns, now, wall_ns)

    # -- the other channels -------------------------------------------------------------------------------------

    def on_trade(self, message: TradeMessage, now: int, wall_ns: int) -> str:
        """Take trades; each is reported once however often it is delivered."""
        snapshot = message.type == "snapshot"
        verdict = "empty trade frame"
        for symbol, rows in groupby(message.data, key=lambda row: row.symbol):
            spec = self.specs.get(symbol)
            known = self._trade_filters.get(symbol)
            if spec is None or known is None or not self.accepts(symbol):
                verdict = "trade of an unwanted pair"
                continue
            trades: list[Trade] = []
            verdict = APPLIED
            for row in rows:
                try:
                    trades.append(trade_from_wire(row, spec, live=not snapshot))
                except WireError as error:
                    self.complain(wall_ns, f"{symbol}: a trade was left out: {error}")
                    verdict = REJECTED
            newest = known.newest
            new = tuple(trade for trade in trades if known.admit(trade.trade_id))
            self.counters.duplicates += len(trades) - len(new)
            if not new:
                continue
            # After a reconnect the snapshot of the last trades closes the gap, as far as it reaches.
            self.counters.trade_gaps += known.count(trade.trade_id for trade in new)
            if newest is not None and not snapshot:
                self._measure(new[-1].venue_ns, now, wall_ns)
            self.events.append(Trades(symbol, new, snapshot))
        return verdict

    def on_ticker(self, message: TickerMessage, now: int, wall_ns: int) -> str:
        """Take 24 hour figures, and the touch as the second witness saw it."""
        verdict = "empty ticker frame"
        for row in message.data:
            spec = self.specs.get(row.symbol)
            if spec is None or not self.accepts(row.symbol):
                verdict = "ticker of an unwanted pair"
                continue
            try:
                ticker = ticker_from_wire(row, spec)
                self.events.append(TickerChanged(row.symbol, ticker))
                self._hear_witness(row, ticker, now, wall_ns, snapshot=message.type == "snapshot")
                verdict = APPLIED
            except WireError as error:
                self.complain(wall_ns, f"{row.symbol}: a ticker was left out: {error}")
                verdict = REJECTED
        return verdict

    def _hear_witness(self, row: TickerData, ticker: Ticker, now: int, wall_ns: int, *, snapshot: bool) -> None:
        symbol = row.symbol
        witness = self.witnesses.get(symbol)
        if witness is None or self._triggers.get(symbol, "" if self.replay else "bbo") != "bbo":
            return
        precision = self.specs[symbol].price_precision
        finer = [value for value in (row.bid, row.ask) if isinstance(value, str) and decimals(value) > precision]
        if finer:
            text = f"the ticker's prices have {decimals(finer[0])} decimals, the pair has {precision}"
            self.complain(wall_ns, f"{symbol}: {text}")
        witness.report(ticker.bid or None, ticker.ask or None, now, snapshot=snapshot)
        if self.replay:
            self.judge(now, wall_ns)

    def on_ohlc(self, message: OhlcMessage, wall_ns: int) -> str:
        """Take candles of the interval that is wanted now; others are left-overs of an earlier choice."""
        verdict = "empty ohlc frame"
        for (symbol, interval), rows in groupby(message.data, key=lambda row: (row.symbol, row.interval)):
            spec = self.specs.get(symbol)
            if spec is None or not self.accepts(symbol):
                verdict = "ohlc of an unwanted pair"
                continue
            if not self.replay and interval != self.intervals.get(symbol):
                verdict = "ohlc of another interval"
                continue
            try:
                candles = tuple(candle_from_wire(row, spec) for row in rows)
            except WireError as error:
                self.complain(wall_ns, f"{symbol}: candles were left out: {error}")
                verdict = REJECTED
                continue
            self.events.append(Candles(symbol, interval, candles, message.type == "snapshot"))
            verdict = APPLIED
        return verdict

    def on_status(self, message: StatusMessage, wall_ns: int) -> str:
        """Take the state of the exchange."""
        if not message.data:
            return "empty status frame"
        status = message.data[0]
        system = status.system if status.system in SYSTEMS else "unknown"
        if system != self.system:
            self.system = system
            self.events.append(SystemChanged(wall_ns, system))
        if self.replay and status.connection_id is not None:
            if self._connection_id not in (None, status.connection_id):
                self.counters.reconnects += 1
                for stitcher in self.stitchers.values():
                    self.lose(stitcher, wall_ns, "the recording reconnected")
            self._connection_id = status.connection_id
        return APPLIED

    def on_instrument(self, message: InstrumentMessage, now: int, wall_ns: int) -> str:
        """Take reference data: the whole list or what changed. Precisions may change (PROTOCOL.md section 4.5)."""
        snapshot = message.type == "snapshot"
        if snapshot:
            self.symbols = SymbolTable()
        for data in message.data.pairs:
            try:
                spec = PairSpec.from_wire(data)
            except WireError as error:
                self.complain(wall_ns, f"{clean_text(data.symbol, 40)}: reference data left out: {error}")
                continue
            self.symbols.add(spec.symbol)
            before = self.specs.get(spec.symbol)
            self.specs[spec.symbol] = spec
            stitcher = self.stitchers.get(spec.symbol)
            if stitcher is not None and spec != before:
                self._new_spec(stitcher, spec, now, wall_ns)
        if snapshot:
            self.events.append(InstrumentsKnown(len(self.symbols)))
        return APPLIED

    def _new_spec(self, stitcher: BookStitcher, spec: PairSpec, now: int, wall_ns: int) -> None:
        old = stitcher.spec
        stitcher.spec = spec
        self.events.append(SpecChanged(spec))
        self.witnesses[spec.symbol] = TouchWitness(spec)
        self._decimals[spec.symbol] = DecimalsWitness(spec)
        if (old.price_precision, old.qty_precision) != (spec.price_precision, spec.qty_precision):
            self.collect(stitcher, stitcher.restart(now, wall_ns, "precision changed"))
        else:
            stitcher.book.spec = spec

    # -- the rest -----------------------------------------------------------------------------------------------

    def complain(self, wall_ns: int, text: str, level: str = "warning") -> None:
        """Log a bad value from the exchange, but not a thousand times: the 1st, 10th, 100th, ... time."""
        self._complaints[text] += 1
        if len(self._complaints) > 1000:
            self._complaints.clear()
        count = self._complaints[text]
        if count in (1, 10, 100, 1000, 10_000):
            times = f" ({count} times)" if count > 1 else ""
            self.events.append(Note(wall_ns, level, clean_text(text + times)))

    def trade_gaps(self, symbol: str) -> int:
        """Trades of a pair that never came, by their numbers."""
        known = self._trade_filters.get(symbol)
        return known.gaps if known is not None else 0

    @property
    def unproven(self) -> list[BookStitcher]:
        """Books that are being fetched anew."""
        return [stitcher for stitcher in self.stitchers.values() if stitcher.state is BookState.RESYNCING]

    @property
    def all_proven(self) -> bool:
        """Whether every book that was not refused has been proven on this connection."""
        return all(
            stitcher.proven_since_connect
            for stitcher in self.stitchers.values()
            if stitcher.state is not BookState.REFUSED
        )
