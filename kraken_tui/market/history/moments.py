"""Any moment of a pair's past as the `PairView` that was on screen then."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec
from msgspec.structs import replace

from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.book.metrics import metrics
from kraken_tui.market.events import BookChanged, Candle, FlowEvent, Print, Proof, Trade
from kraken_tui.market.history.book import BookAt, BookHistory
from kraken_tui.market.history.trades import Heard, TradeHistory
from kraken_tui.market.trades import Tape
from kraken_tui.market.views import PairSummary, PairView, Sample, Session, Signals, Ticker, TradedAt
from kraken_tui.units import SECOND

_NOTED_EVERY_NS = 10 * SECOND
_FLOW_SHOWN = 200
_SAMPLES_SHOWN = 600
_RATE_S = 5
_NOTHING: Mapping[int, TradedAt] = MappingProxyType({})


class _Noted(msgspec.Struct, frozen=True, gc=False):
    """What of a view changes slowly, as published at one moment, and its running candle."""

    ns: int
    view: PairView
    offset_ns: int
    running: Candle | None


class _Quick(msgspec.Struct, frozen=True, gc=False):
    """What of a view changes with every message, as published at one moment."""

    ns: int
    signals: Signals | None
    session: Session | None
    spread_range: tuple[float, float] | None


class _Told(msgspec.Struct, frozen=True, gc=False):
    """A flow event and when it was told, which is a little after it happened."""

    ns: int
    event: FlowEvent


class _Quoted(msgspec.Struct, frozen=True, gc=False):
    """24 hour figures, and when they were heard."""

    ns: int
    ticker: Ticker


class Event(msgspec.Struct, frozen=True, gc=False):
    """Something in the past worth stopping at.

    Attributes:
        ns: When it was known, by the engine's clock.
        text: What it was, in a few words.
        price: Where in the book, ticks; None for what concerns all of it.
    """

    ns: int
    text: str
    price: int | None = None


def _slow(view: PairView) -> tuple[object, ...]:
    """What of a view is worth a note when it changes."""
    health = view.health
    return (
        view.spec, view.depth, view.book_state, view.proof, view.proof_reason, view.checks_failed, view.resyncs,
        view.stale, view.stale_reason, view.venue, view.interval, health.status, health.reason,
        view.audited_ns, view.trade_gaps, view.witness, view.large_lots, view.tiers,
    )  # fmt: skip


class MarketHistory:
    """The past of one pair. The engine's thread writes; any thread may read.

    Args:
        keep_ns: How far back it reaches at most.
        keep_bytes: Memory it takes at most, about; a quarter is for trades.
    """

    def __init__(self, keep_ns: int, keep_bytes: int) -> None:
        self.book = BookHistory(keep_ns, keep_bytes - keep_bytes // 4)
        self.trades = TradeHistory(keep_ns, keep_bytes // 4 // 400)
        self._keep_ns = keep_ns
        self._notes: list[_Noted] = []
        self._quick: list[_Quick] = []
        self._flow: list[_Told] = []
        self._tickers: list[_Quoted] = []
        self._now_ns = 0
        self._samples: list[Sample] = []
        self._events: list[Event] = []
        self._said: tuple[object, ...] = ()
        self.newest: PairView | None = None
        """The view last published."""

    # What happens

    def on_book(self, changed: BookChanged, book: OrderBook) -> None:
        """Note one applied book message.

        Args:
            changed: The message.
            book: The book after it.
        """
        if changed.kind == "snapshot":
            self.book.on_snapshot(changed.received_ns, changed.venue_ns, book, proven=changed.verified)
        else:
            self.book.on_update(changed.received_ns, changed.venue_ns, changed.changes, book, proven=changed.verified)

    def on_truth(self, *, proven: bool) -> None:
        """Note whether the book as it stands is proven, as of the time last passed to."""
        if proven:
            self.book.prove(self._now_ns)
        else:
            self.book.interrupt(self._now_ns)

    def on_trades(self, ns: int, trades: Sequence[Trade], counted: Iterable[Trade]) -> None:
        """Note new trades; see `TradeHistory.add`."""
        self.pass_to(ns)
        self.trades.add(ns, trades, counted)

    def on_ticker(self, ns: int, ticker: Ticker) -> None:
        """Note 24 hour figures, as of their receipt; 0 for the time last passed to."""
        held = self._tickers
        if not held or held[-1].ticker != ticker:
            ns = ns or self._now_ns
            held.append(_Quoted(max(ns, held[-1].ns) if held else ns, ticker))

    def pass_to(self, ns: int) -> None:
        """Let time pass: what is told from here on was not known before."""
        self._now_ns = max(self._now_ns, ns)

    def on_flow(self, events: Iterable[FlowEvent]) -> None:
        """Note flow events, oldest first, as of the time last passed to."""
        told = [_Told(self._now_ns, event) for event in events]
        self._flow += told
        self._events += [Event(each.ns, str(each.event.kind), each.event.price) for each in told]

    def on_sample(self, sample: Sample) -> None:
        """Note one point of the slow history."""
        self._samples.append(sample)

    def on_view(self, view: PairView, offset_ns: int) -> None:
        """Note a published view.

        Args:
            view: The view; its bulk is not kept.
            offset_ns: The clock of `now_ns` minus the venue's.
        """
        self.newest = view
        self.pass_to(view.now_ns)
        self.on_truth(proven=view.proof is Proof.VERIFIED)
        quick = _Quick(view.now_ns, view.signals, view.session, view.spread_range)
        if not self._quick or msgspec.structs.replace(self._quick[-1], ns=quick.ns) != quick:
            self._quick.append(quick)
        said, notes = _slow(view), self._notes
        if notes and said == self._said and view.now_ns - notes[-1].ns < _NOTED_EVERY_NS:
            return
        self._said = said
        if notes:
            self._events += [Event(self._now_ns, text) for text in _turns(notes[-1].view, view)]
        running = view.candles[-1] if view.candles else None
        bare = replace(
            view, bids=(), asks=(), metrics=None, tape=(), prints=(), traded=_NOTHING, candles=(), flow=(), samples=(),
            signals=None, session=None,
        )  # fmt: skip
        notes.append(_Noted(view.now_ns, bare, offset_ns, running))

    def trim(self, now_ns: int) -> None:
        """Drop what is beyond the bounds; call it about once a second."""
        self.book.trim(now_ns)
        self.trades.trim(now_ns)
        oldest = now_ns - self._keep_ns
        if len(self._notes) > 1 and self._notes[1].ns < oldest:
            self._notes = self._notes[bisect_left(self._notes, oldest, key=lambda note: note.ns) - 1 :]
        if self._flow and self._flow[0].ns < oldest:
            self._flow = self._flow[bisect_left(self._flow, oldest, key=lambda told: told.ns) :]
        if len(self._tickers) > 1 and self._tickers[1].ns < oldest:
            self._tickers = self._tickers[bisect_left(self._tickers, oldest, key=lambda each: each.ns) - 1 :]
        if self._quick and self._quick[0].ns < oldest:
            self._quick = self._quick[bisect_left(self._quick, oldest, key=lambda quick: quick.ns) :]
        if self._events and self._events[0].ns < oldest:
            self._events = self._events[bisect_left(self._events, oldest, key=lambda event: event.ns) :]
        if self._samples and self._samples[0].ns < oldest:
            self._samples = self._samples[bisect_left(self._samples, oldest, key=lambda sample: sample.ns) :]

    def clear(self) -> None:
        """Forget everything, as when the precisions changed: old numbers would mean other prices."""
        self.book.clear()
        self.trades.clear()
        self._notes, self._quick, self._flow, self._samples, self._events = [], [], [], [], []
        self._tickers = []
        self._said, self.newest = (), None

    # What was

    @property
    def size(self) -> int:
        """Bytes held, about."""
        return (
            self.book.size
            + self.trades.size
            + 1_500 * len(self._notes)
            + 200 * (len(self._quick) + len(self._flow) + len(self._samples))
            + 500 * len(self._tickers)
        )

    @property
    def since_ns(self) -> int | None:
        """The first moment that can be shown; None before there is one."""
        first, notes = self.book.since_ns, self._notes
        return None if first is None or not notes else max(first, notes[0].ns)

    def flow(self) -> Sequence[FlowEvent]:
        """All flow events held, in the order they were told."""
        return [told.event for told in self._flow]

    def next_event(self, ns: int, direction: int) -> Event | None:
        """The first event after (+1) or the last before (-1) a moment; None where there is no such one.

        Events of one moment are one, with the words of all of them.
        """
        events = self._events
        if direction > 0:
            at = bisect_right(events, ns, key=lambda event: event.ns)
        else:
            at = bisect_left(events, ns, key=lambda event: event.ns) - 1
        if not 0 <= at < len(events):
            return None
        then = events[at].ns
        first = bisect_left(events, then, key=lambda event: event.ns)
        same = events[first : bisect_right(events, then, first, key=lambda event: event.ns)]
        prices = {event.price for event in same}
        return Event(
            then, ", ".join(dict.fromkeys(event.text for event in same)), prices.pop() if len(prices) == 1 else None
        )

    def venue_ns(self, ns: int) -> int:
        """The venue's clock at a moment of the engine's, as far as the difference is known."""
        at = bisect_right(self._notes, ns, key=lambda note: note.ns) - 1
        return ns - self._notes[max(0, at)].offset_ns if self._notes else ns

    def glance(self, ns: int) -> PairSummary | None:
        """The pair's tab as it was at a moment: what `view` says, without building the book.

        Args:
            ns: As of `view`.
        """
        notes = self._notes
        at = bisect_right(notes, ns, key=lambda note: note.ns) - 1
        proven = self.book.proven_at(ns)
        if at < 0 or proven is None:
            return None
        then = notes[at].view
        last, direction = _last(self.trades.tape_at(ns))
        return PairSummary(
            symbol=then.symbol,
            last=_last_told(then, self._ticker_at(ns)) if last is None else last,
            price_precision=0 if then.spec is None else then.spec.price_precision,
            last_direction=then.last_direction if last is None else direction,
            proof=_proof(then, proven),
            stale=then.stale,
        )

    def view(self, ns: int) -> PairView | None:
        """The market as it was at a moment.

        Ages, proof and sizes are those of then. What was only known later (a candle's end, a later trade) is not in
        it; what fell out of the bounds is missing (`since_ns`).

        Args:
            ns: The moment, by the engine's wall clock, ns since the epoch.

        Returns:
            None for a moment before all that is held.
        """
        notes, newest = self._notes, self.newest
        at = bisect_right(notes, ns, key=lambda note: note.ns) - 1
        book = self.book.at(ns)
        if at < 0 or newest is None or book is None:
            return None
        note = notes[at]
        then = note.view
        proven = book.proven and then.proof is Proof.VERIFIED
        tape = self.trades.tape_at(ns)
        age_ns = _age(note, book, ns)
        last, direction = _last(tape)
        quick = self._quick_at(ns)
        ticker = self._ticker_at(ns)
        return replace(
            then,
            version=ns,
            now_ns=ns,
            proof=_proof(then, book.proven),
            proof_reason=then.proof_reason if proven or then.proof_reason else "not proven at this moment",
            age_ns=age_ns,
            bids=book.bids,
            asks=book.asks,
            metrics=metrics(book.bids, book.asks, then.spec) if proven and then.spec is not None else None,
            ticker=then.ticker if ticker is None else ticker,
            last=_last_told(then, ticker) if last is None else last,
            last_direction=then.last_direction if last is None else direction,
            last_trade_ns=tape[0].venue_ns if tape else then.last_trade_ns,
            tape=tape,
            prints=_prints(tape),
            session=None if quick is None else quick.session,
            spread_range=None if quick is None else quick.spread_range,
            signals=None if quick is None or not proven else quick.signals,
            book_depth=book.depth,
            traded=self.trades.traded_at(ns, newest.traded),
            candles=self._candles(note, newest, ns),
            interval=newest.interval,
            flow=self._flow_at(ns),
            samples=self._samples_at(ns),
            health=replace(then.health, age_ms=None if age_ns is None else age_ns // 1_000_000),
            book_rate=self._book_rate(ns),
            made_ns=None,
            fresh_for_ns=None,
        )

    def _quick_at(self, ns: int) -> _Quick | None:
        at = bisect_right(self._quick, ns, key=lambda quick: quick.ns) - 1
        return self._quick[at] if at >= 0 else None

    def _ticker_at(self, ns: int) -> Ticker | None:
        """The 24 hour figures as they stood; None where they are those of the last note."""
        at = bisect_right(self._tickers, ns, key=lambda each: each.ns) - 1
        return self._tickers[at].ticker if at >= 0 else None

    def _flow_at(self, ns: int) -> tuple[FlowEvent, ...]:
        end = bisect_right(self._flow, ns, key=lambda told: told.ns)
        told = [told.event for told in reversed(self._flow[max(0, end - _FLOW_SHOWN) : end])]
        return tuple(sorted(told, key=lambda event: -event.ns))

    def _samples_at(self, ns: int) -> tuple[Sample, ...]:
        end = bisect_right(self._samples, ns, key=lambda sample: sample.ns)
        return tuple(self._samples[max(0, end - _SAMPLES_SHOWN) : end])

    def _book_rate(self, ns: int) -> float:
        begin, count = ns - _RATE_S * SECOND, 0
        for segment in reversed(self.book.segments()):
            held = len(segment.flags)
            count += bisect_right(segment.times, ns, 0, held) - bisect_right(segment.times, begin, 0, held)
            if segment.times[0] <= begin:
                break
        return count / _RATE_S

    def _candles(self, note: _Noted, newest: PairView, ns: int) -> tuple[Candle, ...]:
        """The candles that were over by then, and the running one from the note's and the trades since."""
        venue_s = (ns - note.offset_ns) // SECOND
        length_s = newest.interval * 60
        over = [candle for candle in newest.candles if candle.begin_s + length_s <= venue_s]
        running = self._running(note, newest, venue_s // length_s * length_s, ns)
        return (*over, running) if running is not None else tuple(over)

    def _running(self, note: _Noted, newest: PairView, begin_s: int, ns: int) -> Candle | None:
        base, heard = note.running, self.trades.between(note.ns, ns)
        if base is None or base.interval != newest.interval or base.begin_s != begin_s:
            # It began after the note, or has another length: by its trades, where all of them are held.
            base = None
            cut = self.trades.cut_ns
            start_ns = begin_s * SECOND
            if cut is not None and cut >= start_ns:
                return None
            heard = self.trades.between(start_ns - 60 * SECOND, ns)
        for entry in heard:
            if entry.trade.venue_ns // SECOND // (newest.interval * 60) * (newest.interval * 60) == begin_s:
                base = _with_trade(base, entry, begin_s, newest.interval)
        return None if base is None else replace(base, closed=False)


def _turns(before: PairView, after: PairView) -> list[str]:
    """What of proof, age and venue became another between two views."""
    turns: list[str] = []
    if before.proof is not after.proof:
        turns.append(str(after.proof))
    if before.resyncs != after.resyncs:
        turns.append("resync")
    if before.stale != after.stale:
        turns.append("STALE" if after.stale else "fresh")
    if before.venue != after.venue:
        turns.append(after.venue)
    if before.trade_gaps < after.trade_gaps:
        turns.append("trades missed")
    return turns


def _proof(then: PairView, proven: bool) -> Proof:
    """The first truth of a moment: as published last, unless the book had lost its proof since."""
    return then.proof if proven or then.proof is not Proof.VERIFIED else Proof.CHECKING


def _with_trade(candle: Candle | None, entry: Heard, begin_s: int, interval: int) -> Candle:
    trade = entry.trade
    price, qty = trade.price, trade.qty
    if candle is None:
        return Candle(begin_s, interval, price, price, price, price, qty, price * qty, 1)
    return replace(
        candle,
        high=max(candle.high, price),
        low=min(candle.low, price),
        close=price,
        volume=candle.volume + qty,
        turnover=candle.turnover + price * qty,
        trades=candle.trades + 1,
    )


def _prints(tape: Sequence[Trade]) -> tuple[Print, ...]:
    joined = Tape()
    joined.add(reversed(tape))
    return joined.prints()


def _last(tape: Sequence[Trade]) -> tuple[int | None, int]:
    """Price of the last trade, and the direction from the one before that differed."""
    if not tape:
        return None, 0
    last = tape[0].price
    before = next((trade.price for trade in tape if trade.price != last), last)
    return last, (last > before) - (last < before)


def _last_told(then: PairView, ticker: Ticker | None) -> int | None:
    """Price of the last trade where no trade is held: the noted one, or the ticker's where the note had it of there."""
    return then.last if ticker is None or then.last != then.ticker.last else ticker.last


def _age(note: _Noted, book: BookAt, ns: int) -> int | None:
    since_receipt = max(0, ns - book.ns)
    if book.venue_ns is None:
        return since_receipt
    return max(since_receipt, ns - book.venue_ns - note.offset_ns)
