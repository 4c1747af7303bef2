"""Everything the program knows about one pair's market, and the frozen view the screen draws."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from msgspec.structs import replace

from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.book.metrics import metrics
from kraken_tui.market.candles import CandleAggregator
from kraken_tui.market.convert import rescale, to_nearest_units
from kraken_tui.market.events import (
    BookChanged,
    Candle,
    FlowEvent,
    Health,
    Level,
    MarketEvent,
    MarketStatus,
    Proof,
    Trade,
)
from kraken_tui.market.flow import FlowTracker
from kraken_tui.market.freshness import fresh_for_ns
from kraken_tui.market.health import Assessment, HealthLimits, Inputs, assess, venue_text
from kraken_tui.market.history.moments import MarketHistory
from kraken_tui.market.rates import RateMeter
from kraken_tui.market.signals import SignalTracker
from kraken_tui.market.tiers import TapeTiers, money_value
from kraken_tui.market.trades import SessionSums, Tape, TradedAtPrice
from kraken_tui.market.truth import BookTruth, NothingKnown
from kraken_tui.market.views import BookMetrics, PairSummary, PairView, Sample, Ticker
from kraken_tui.settings import Settings
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.wire.checksum import CHECKSUM_LEVELS
from kraken_tui.wire.symbols import PairSpec

_SAMPLES = 600
_FLOW_SHOWN = 200


@dataclass(slots=True)
class _BookCache:
    """Levels and figures of the book, made once a change and only when somebody looks."""

    dirty: bool = True
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()
    metrics: BookMetrics | None = None


class PairMarket:
    """One pair, fed by the engine, read as a `PairView`.

    Pure and synchronous; times are passed in. Everything in ticks or lots that goes in must be in the precisions of
    the spec last given to `set_spec`.

    Args:
        symbol: v2 symbol.
        settings: Depth, interval, thresholds.
        truth: What the feed knows of the book; None as long as it does not keep the pair.
        history: Where its past is kept; None to keep none.
    """

    def __init__(
        self,
        symbol: str,
        settings: Settings,
        truth: BookTruth | None = None,
        history: MarketHistory | None = None,
    ) -> None:
        self.history = history
        self.symbol = symbol
        self._nothing = NothingKnown(settings.depth)
        self._truth: BookTruth | NothingKnown = truth or self._nothing
        self.spec: PairSpec | None = None
        self._settings = settings
        self._limits = HealthLimits.from_seconds(settings.stale_after_s, settings.quiet_after_s)
        self._interval = settings.interval
        self._large_order = settings.large_order
        self._version = 0
        self._system = "unknown"
        self._pair_status: str | None = None
        self._book_ns: int | None = None
        self._book_received_ns: int | None = None
        self._viewed_at = (0, 0)
        self._received_since = False
        self._clock_offset_ns = 0
        self._cache = _BookCache()
        self._tape = Tape()
        self._traded = TradedAtPrice()
        self._candles = CandleAggregator(symbol)
        self._session = SessionSums()
        self._tiers = TapeTiers(settings.tape_tiers, self._tape)
        self._flow = FlowTracker(symbol)
        self._flow_shown: deque[FlowEvent] = deque(maxlen=_FLOW_SHOWN)
        self._flow_new: deque[FlowEvent] = deque(maxlen=_FLOW_SHOWN)
        self._ticker = Ticker()
        self._last: int | None = None
        self._direction = 0
        self._last_trade_ns: int | None = None
        self._heard_trades = False
        self._samples: deque[Sample] = deque(maxlen=_SAMPLES)
        self._sample_s = -1
        self._spread_range: tuple[float, float] | None = None
        self._signals = SignalTracker(round(settings.signal_window_s * SECOND))
        self._book_rate, self._trade_rate = RateMeter(), RateMeter()
        self._assessment = Assessment(MarketStatus.UNKNOWN, "start", "waiting for the subscription", "")
        self._fresh_for_ns = 0
        self._health_told = ""
        self._health_new: deque[Health] = deque(maxlen=100)
        self._said: tuple[str, int] = ("", 0)

    # What is known of the book

    @property
    def truth(self) -> BookTruth | None:
        """What the feed knows of the book: its state, proof and counts are read from there."""
        return None if isinstance(self._truth, NothingKnown) else self._truth

    @truth.setter
    def truth(self, truth: BookTruth | None) -> None:
        self._truth = truth or self._nothing
        self._cache.dirty = True
        self._version += 1

    def on_truth(self) -> None:
        """Note that state, proof, depth or audit of the book changed."""
        self._version += 1
        if self.history is not None:
            self.history.on_truth(proven=self._verified)

    @property
    def _verified(self) -> bool:
        return self._truth.proof is Proof.VERIFIED

    @property
    def _reason(self) -> str:
        """Why the book is not VERIFIED, one short clause."""
        return "" if self._verified else clean_text(self._truth.reason, 120)

    # What arrives

    def set_spec(self, spec: PairSpec) -> None:
        """Take over reference data.

        When the precisions change, stored values are kept where they fit the new ones exactly and dropped where
        they do not; the book must be resynchronised by the feed.
        """
        before, self.spec = self.spec, spec
        self._pair_status = spec.status
        self._version += 1
        if before is None:
            self._new_flow(spec)
            self._tiers.set_spec(spec)
        elif (before.price_precision, before.qty_precision) != (spec.price_precision, spec.qty_precision):
            self._rescale(before, spec)

    def _new_flow(self, spec: PairSpec) -> None:
        large = Decimal(str(self._large_order))
        self._flow = FlowTracker(
            self.symbol,
            to_nearest_units(f"{large:f}", spec.qty_precision) if large > 0 else 0,
            least=money_value(self._settings.flow_value, spec),
            factor=self._settings.flow_factor,
        )

    def _rescale(self, before: PairSpec, after: PairSpec) -> None:
        if self.history is not None:
            self.history.clear()
        self._tape.rescale(before, after)
        self._traded.rescale(before, after)
        self._candles.rescale(before, after)
        self._new_flow(after)
        self._tiers.set_spec(after)
        self._session = SessionSums()
        self._flow_shown.clear()
        self._flow_new.clear()
        self._samples.clear()
        self._spread_range = None
        self._signals.reset()
        self._ticker = Ticker()
        if self._last is not None:
            self._last = rescale(self._last, before.price_precision, after.price_precision)
        self._cache = _BookCache()
        self._book_ns = self._book_received_ns = None

    def on_book(self, changed: BookChanged) -> None:
        """Take in one applied book message; the book after it is that of `truth`."""
        self._book_rate.count()
        if self.history is not None:
            self.history.pass_to(changed.received_ns)
        # Snapshots from before 2025 carry no timestamp: their receipt time is used (PROTOCOL.md section 4.1).
        venue_ns = changed.received_ns if changed.venue_ns is None else changed.venue_ns
        self._book_ns, self._book_received_ns = changed.venue_ns, changed.received_ns
        self._received_since = True
        self._cache.dirty = True
        self._version += 1
        book = self._truth.book
        if book is None or not self._fits(book):
            self._flow.lose()
            self._signals.reset()
            return
        if self.history is not None:
            self.history.on_book(changed, book)
        if not changed.verified:
            self._flow.lose()
            self._signals.reset()
            return
        self._note_spread(book)
        self._version += self._signals.on_book(book, changed.received_ns)
        if changed.kind == "snapshot":
            self._flow.on_snapshot(book)
        else:
            self._flow.on_changes(changed.changes, book, venue_ns, changed.received_ns)

    def _note_spread(self, book: OrderBook) -> None:
        """Widen the range of the spread since the last sample: between two samples it may be anything."""
        bid, ask = book.touch()
        if bid is None or ask is None:
            return
        bps = 20_000 * (ask - bid) / (ask + bid)
        known = self._spread_range
        if known is None:
            self._spread_range = bps, bps
        elif bps < known[0]:
            self._spread_range = bps, known[1]
        elif bps > known[1]:
            self._spread_range = known[0], bps

    def _fits(self, book: OrderBook) -> bool:
        spec, its = self.spec, book.spec
        return its is spec or (
            spec is not None and its.price_precision == spec.price_precision and its.qty_precision == spec.qty_precision
        )

    def on_trades(self, trades: list[Trade], received_ns: int = 0) -> list[Trade]:
        """Take in one message of the trade channel.

        The trades of the first snapshot only fill the tape. Those of a later one that are newer than all known were
        missed, as during a reconnect, and count like live ones.

        Args:
            trades: In the order of the message.
            received_ns: Wall clock when it was received.

        Returns:
            The trades not seen before, by ascending position.
        """
        self._trade_rate.count()
        self._flow.hear_trades()
        after = self._tape.last
        new = self._tape.add(trades)
        if not new:
            return []
        self._version += 1
        counted: list[Trade] = []
        for trade in new:
            self._candles.on_trade(trade)
            if trade.live or (self._heard_trades and after is not None and trade.position > after):
                counted.append(trade)
                self._traded.add(trade)
                self._session.add(trade)
            if after is None or trade.position > after:
                self._set_last(trade)
        if not self._heard_trades:
            self._flow.learn_prints(trade for trade in new if not trade.live)
            self._tiers.learn()
        self._heard_trades = True
        if self.history is not None:
            self.history.on_trades(received_ns, new, counted)
        self._flow.on_trades(trade for trade in counted if trade.live)
        return new

    def _set_last(self, trade: Trade) -> None:
        if self._last is not None and trade.price != self._last:
            self._direction = 1 if trade.price > self._last else -1
        self._last = trade.price
        self._last_trade_ns = trade.venue_ns

    def seed_trades(self, trades: list[Trade]) -> None:
        """Take in trades of REST: they fill the tape's past and count into nothing else.

        Any newer than the tape's newest are left to the trade channel. Where the numbers began again, those of REST
        no longer tell where they belong, and all are left out.
        """
        newest = self._tape.last
        if any(trade.place is not None for trade in self._tape.newest_first()[:1]):
            return
        past = [trade for trade in trades if newest is None or trade.position < newest]
        new = self._tape.add(replace(trade, live=False) for trade in past)
        if new:
            self._version += 1
            self._flow.learn_prints(new)
            self._tiers.learn()
            if self.history is not None:
                self.history.on_trades(0, new, ())
            if newest is None:
                for trade in new:
                    self._set_last(trade)

    def on_ticker(self, ticker: Ticker, received_ns: int = 0) -> None:
        """Take over 24 hour figures, and when they were received (wall clock ns; 0 where that is not told)."""
        self._ticker = ticker
        self._version += 1
        if self.history is not None:
            self.history.on_ticker(received_ns, ticker)

    def on_ohlc(self, interval: int, candles: Sequence[Candle], snapshot: bool) -> None:
        """Take over candles of the ohlc channel; see `CandleAggregator.on_ohlc`."""
        self._candles.on_ohlc(interval, candles, snapshot=snapshot)
        self._version += 1

    def seed_candles(self, interval: int, candles: Sequence[Candle], as_of_ns: int | None = None) -> None:
        """Take over candles of REST; see `CandleAggregator.seed`."""
        self._candles.seed(interval, candles, as_of_ns=as_of_ns)
        self._version += 1

    def lacks_candles(self, interval: int) -> bool:
        """Whether candles should be fetched again; see `CandleAggregator.lacks_history`."""
        return self._candles.lacks_history(interval)

    def set_interval(self, minutes: int) -> None:
        """Choose the interval shown, one of `settings.INTERVALS`.

        The one left is taken to lose its ohlc subscription: from here on its candles go by trades alone.
        """
        if minutes == self._interval:
            return
        self._candles.unfollow(self._interval)
        self._interval = minutes
        self._version += 1

    def set_large_order(self, size: float) -> None:
        """Choose the size in base units from which an order is large; 0 is automatic. What rests is not told again."""
        if size == self._large_order:
            return
        self._large_order = size
        if self.spec is not None:
            self._new_flow(self.spec)
            if self._heard_trades:
                self._flow.hear_trades()
        self._version += 1

    def set_venue(self, system_status: str, pair_status: str | None = None) -> None:
        """Note what the venue says about itself, and about the pair where it did."""
        self._system = system_status
        self._pair_status = pair_status if pair_status is not None else self._pair_status
        self._version += 1

    # What time does

    def tick(self, now_ns: int) -> None:
        """Let time pass: rates, verdicts, candle roll-over, one sample a second while proven.

        Args:
            now_ns: Wall clock. Call it at least once a second, and a few times for prompt flow events. Candles end
                by the venue's clock, as far as the last `view` told it.
        """
        if self.history is not None:
            self.history.pass_to(now_ns)
        self._book_rate.advance(now_ns)
        self._trade_rate.advance(now_ns)
        self._candles.roll(now_ns - self._clock_offset_ns)
        truth = self._truth
        if not self._verified:
            self._flow.lose()
        self._flow.tick(now_ns)
        self._collect_flow()
        if self._session.roll(now_ns - self._clock_offset_ns):
            self._version += 1
        truth = self._truth
        proven = truth.book if self._verified and truth.book is not None and self._fits(truth.book) else None
        self._version += self._signals.tick(proven, now_ns)
        said = truth.witness, truth.trade_gaps
        if said != self._said:
            self._said = said
            self._version += 1
        second, book = now_ns // SECOND, truth.book
        if second == self._sample_s or book is None or not self._verified or not self._fits(book):
            return
        self._sample_s = second
        self._flow.learn(book)
        self._tiers.learn()
        figures = self._refreshed(book).metrics
        if figures is not None:
            now_bps = figures.spread_bps
            low, high = self._spread_range or (now_bps, now_bps)
            extremes = min(low, now_bps), max(high, now_bps)
            calm = None if self._signals.now is None else self._signals.now.imbalance
            sample = Sample(now_ns, figures.mid2, now_bps, figures.imbalance, *extremes, calm)
            self._samples.append(sample)
            if self.history is not None:
                self.history.on_sample(sample)
                self.history.trim(now_ns)
            # What stands now is also the beginning of the second that follows.
            self._spread_range = now_bps, now_bps
            self._version += 1

    def _collect_flow(self) -> None:
        events = self._flow.drain()
        if events:
            self._flow_new.extend(events)
            for event in events:
                late = bool(self._flow_shown) and event.ns < self._flow_shown[0].ns
                self._flow_shown.appendleft(event)
                if late:
                    ordered = sorted(self._flow_shown, key=lambda shown: -shown.ns)
                    self._flow_shown = deque(ordered, maxlen=_FLOW_SHOWN)
            if self.history is not None:
                self.history.on_flow(events)
            self._version += 1

    def _refreshed(self, book: OrderBook) -> _BookCache:
        cache = self._cache
        if not cache.dirty:
            return cache
        if self._fits(book) and self.spec is not None:
            cache.bids, cache.asks = book.bids.top(), book.asks.top()
            totals = book.bids.total, book.asks.total
            cache.metrics = metrics(cache.bids, cache.asks, self.spec, value=self._settings.sweep_value, totals=totals)
        else:
            # Levels counted in other units than the spec's must not be read as the spec's.
            cache.bids, cache.asks, cache.metrics = (), (), None
        cache.dirty = False
        return cache

    def _book_age(self, now_ns: int, clock_offset_ns: int) -> int | None:
        """Age by the venue's clock, but never less than since the receipt: a time in the future must not look fresh."""
        wall_before, venue_before = self._viewed_at
        self._viewed_at = now_ns, now_ns - clock_offset_ns
        if self._book_received_ns is None:
            return None
        passed, passed_at_venue = now_ns - wall_before, now_ns - clock_offset_ns - venue_before
        if wall_before and abs(passed - passed_at_venue) > SECOND and abs(passed) > abs(passed_at_venue):
            # The wall clock was set, and not the offset found out: the receipt was by the old one. One since the last
            # view may have been by either, but not longer ago.
            before = (
                now_ns - passed_at_venue if self._received_since else self._book_received_ns + passed - passed_at_venue
            )
            self._book_received_ns = before
        self._received_since = False
        since_receipt = max(0, now_ns - self._book_received_ns)
        if self._book_ns is None:
            return since_receipt
        return max(since_receipt, now_ns - self._book_ns - clock_offset_ns)

    def _judge(self, age_ns: int | None, heartbeat_age_ns: int | None, lag_ns: int | None, connected: bool) -> Health:
        inputs = Inputs(
            connected=connected,
            heartbeat_age_ns=heartbeat_age_ns,
            lag_ns=lag_ns,
            book_age_ns=age_ns,
            book_state=self._truth.state,
            proof=self._truth.proof,
            proof_reason=self._reason,
            system=self._system,
            pair=self._pair_status,
        )
        judged = assess(inputs, self._limits)
        self._fresh_for_ns = fresh_for_ns(inputs, self._limits)
        age_ms = None if age_ns is None else age_ns // 1_000_000
        health = Health(self.symbol, judged.status, judged.reason, age_ms)
        if judged.stale != self._assessment.stale:
            self._version += 1
        self._assessment = judged
        told = f"{judged.status} {judged.kind}"
        if told != self._health_told:
            self._health_told = told
            self._health_new.append(health)
            self._version += 1
        return health

    # What is read

    def drain(self) -> list[MarketEvent]:
        """Candle, flow and health events since the last call, each kind oldest first."""
        self._collect_flow()
        events: list[MarketEvent] = []
        events += self._candles.drain(self._interval)
        if self._flow_new or self._health_new:
            events += (*self._flow_new, *self._health_new)
            self._flow_new.clear()
            self._health_new.clear()
        return events

    def view(
        self,
        now_ns: int,
        *,
        heartbeat_age_ns: int | None,
        lag_ns: int | None,
        connected: bool,
        clock_offset_ns: int = 0,
        made_ns: int | None = None,
        replayed: bool = False,
    ) -> PairView:
        """The market at one moment; cheap enough for every frame.

        `version` stays the same while nothing but ages changed.

        Args:
            now_ns: Wall clock.
            heartbeat_age_ns: Since the last frame of any kind; None before the first.
            lag_ns: Receive time minus venue time of the last live frame, clock offset removed; None while unknown.
                A snapshot's timestamp is that of the last change and tells no lag (PROTOCOL.md section 0, rule 8).
            connected: Whether the connection is up.
            clock_offset_ns: This machine's clock minus the venue's, taken out of the book's age and the candles' end.
            made_ns, replayed: As of the view.
        """
        self._clock_offset_ns = clock_offset_ns
        age_ns = self._book_age(now_ns, clock_offset_ns)
        health = self._judge(age_ns, heartbeat_age_ns, lag_ns, connected)
        self._book_rate.advance(now_ns)
        self._trade_rate.advance(now_ns)
        self._collect_flow()
        truth = self._truth
        cache = self._refreshed(truth.book) if truth.book is not None else self._cache
        view = PairView(
            symbol=self.symbol,
            version=self._version,
            now_ns=now_ns,
            spec=self.spec,
            depth=truth.depth,
            book_state=truth.state,
            proof=truth.proof,
            proof_reason=self._reason,
            checks_ok=truth.checks_ok,
            checks_failed=truth.checks_failed,
            resyncs=truth.resyncs,
            age_ns=age_ns,
            stale=self._assessment.stale,
            stale_reason=self._assessment.stale_reason,
            venue=venue_text(self._system, self._pair_status, connected=connected),
            bids=cache.bids,
            asks=cache.asks,
            metrics=cache.metrics if self._verified else None,
            ticker=self._ticker,
            last=self._shown_last(),
            last_direction=self._direction,
            last_trade_ns=self._last_trade_ns,
            tape=self._tape.newest_first(),
            traded=self._traded.mapping(),
            candles=self._candles.candles(self._interval, now_ns - clock_offset_ns),
            interval=self._interval,
            flow=tuple(self._flow_shown),
            health=health,
            large_lots=self._flow.large_lots(self._last or 0),
            samples=tuple(self._samples),
            spread_range=self._spread_range,
            book_rate=self._book_rate.rate(now_ns),
            trade_rate=self._trade_rate.rate(now_ns),
            audited_ns=truth.audited_ns,
            covered_levels=CHECKSUM_LEVELS,
            trade_gaps=truth.trade_gaps,
            witness=truth.witness,
            made_ns=made_ns,
            fresh_for_ns=self._fresh_for_ns,
            replayed=replayed,
            prints=self._tape.prints(),
            tiers=self._tiers.values,
            session=self._session.session(),
            book_depth=truth.book.depth if truth.book is not None else 0,
            signals=self._signals.now if self._verified and cache.metrics is not None else None,
        )
        if self.history is not None:
            self.history.on_view(view, clock_offset_ns)
        return view

    def _shown_last(self) -> int | None:
        return self._ticker.last if self._last is None else self._last

    def summary(self) -> PairSummary:
        """The pair's tab, as of the last `view`."""
        return PairSummary(
            symbol=self.symbol,
            last=self._shown_last(),
            price_precision=self.spec.price_precision if self.spec else 0,
            last_direction=self._direction,
            proof=self._truth.proof,
            stale=self._assessment.stale,
            problem=self._reason or self._assessment.stale_reason,
        )
