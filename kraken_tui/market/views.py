"""What the engine publishes and the screen draws: frozen values, swapped in whole.

The engine builds one `PairView` for the pair on screen at most once a frame and a `FeedView` beside it; the screen
reads the newest and never waits. Prices are ticks, quantities lots, times ns since the epoch by the engine's
clock (which is the recording's in a replay) unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from kraken_tui.market.events import BookState, Candle, FlowEvent, Health, Level, Print, Proof, Signal, Trade
from kraken_tui.market.plain import Value
from kraken_tui.wire.symbols import PairSpec

if TYPE_CHECKING:
    from kraken_tui.market.private_views import AccountView, Level3View


class Mode(StrEnum):
    """Where the frames come from."""

    LIVE = "LIVE"
    DEMO = "DEMO"
    REPLAY = "REPLAY"


class Sweep(msgspec.Struct, frozen=True, gc=False):
    """Cost of taking `qty` lots from one side at once.

    Attributes:
        qty: Lots asked for.
        filled: Lots the visible book holds, at most `qty`.
        average: Average price in ticks (a float: a derived figure).
        worst: Price of the last level touched, ticks.
        slippage_bps: Distance of the average from the mid in basis points, never negative on a sane book.
        levels: Levels touched.
        turnover: What `filled` is worth, ticks x lots.
    """

    qty: int
    filled: int
    average: float
    worst: int
    slippage_bps: float
    levels: int
    turnover: int = 0


class BookMetrics(msgspec.Struct, frozen=True, gc=False):
    """Figures derived from one proven book; floats are derived figures, never book content.

    Attributes:
        levels: Levels a side that imbalance, VWAPs and volumes are taken over.
        spread: Ticks.
        spread_bps: Spread in basis points of the mid.
        mid2: Twice the mid, in ticks, so that it stays whole.
        microprice: Mid weighted by the opposite side's size at the touch, ticks.
        imbalance: (bid - ask) / (bid + ask) of sizes over `levels`, -1 to +1.
        pressure: Imbalance weighted by nearness to the mid, -1 to +1.
        signal: Pressure in words, of this moment alone; see `Signals` for the calm one.
        bid_volume, ask_volume: Lots over `levels`.
        bid_vwap, ask_vwap: Volume-weighted price of the side over `levels`, ticks.
        bid_depth, ask_depth: Lots over the whole held book.
        buy_sweep, sell_sweep: Cost of an order of the chosen worth, or None if the side is empty.
        crossed: The venue itself sent a crossed book (bid >= ask) with a right checksum.
        sweep_value: Worth of that order, units of the quote currency; 0 where a size was chosen instead.
    """

    levels: int
    spread: int
    spread_bps: float
    mid2: int
    microprice: float
    imbalance: float
    pressure: float
    signal: Signal
    bid_volume: int
    ask_volume: int
    bid_vwap: float
    ask_vwap: float
    bid_depth: int
    ask_depth: int
    buy_sweep: Sweep | None = None
    sell_sweep: Sweep | None = None
    crossed: bool = False
    sweep_value: float = 0.0


class Signals(msgspec.Struct, frozen=True, gc=False):
    """Which way the book is pressed, smoothed over seconds (`market.signals`).

    Attributes:
        pressure: Smoothed pressure, -1 to +1; the one number behind bar, sign and word.
        imbalance: Smoothed imbalance, -1 to +1.
        signal: The pressure in words, with hysteresis: never against its sign.
        window_ns: Time over which both are smoothed.
    """

    pressure: float
    imbalance: float
    signal: Signal
    window_ns: int


class Ticker(msgspec.Struct, frozen=True, gc=False):
    """Rolling 24 hour figures from the ticker channel; ticks and lots, `change_pct` as the wire's text."""

    last: int | None = None
    change: str | None = None
    change_pct: str | None = None
    high: int | None = None
    low: int | None = None
    volume: int | None = None
    vwap: int | None = None
    bid: int | None = None
    ask: int | None = None


class Sample(msgspec.Struct, frozen=True, gc=False):
    """One point of the slow history that charts draw: taken once a second while the book is proven.

    Attributes:
        ns, mid2, spread_bps, imbalance: As they stood when it was taken.
        narrowest_bps, widest_bps: Extremes of the spread after every message since the sample before, in basis points
            of the mid; None where only the moment is known.
        calm: The smoothed imbalance of that moment; None where there was none yet.
    """

    ns: int
    mid2: int
    spread_bps: float
    imbalance: float
    narrowest_bps: float | None = None
    widest_bps: float | None = None
    calm: float | None = None

    @property
    def narrowest(self) -> float:
        """Smallest spread of its second, as far as it is known, in basis points of the mid."""
        return self.spread_bps if self.narrowest_bps is None else self.narrowest_bps

    @property
    def widest(self) -> float:
        """Greatest spread of its second, as far as it is known, in basis points of the mid."""
        return self.spread_bps if self.widest_bps is None else self.widest_bps


class TradedAt(msgspec.Struct, frozen=True, gc=False):
    """Trades at one price since the start: count, lots bought and lots sold by aggressors."""

    count: int
    bought: int
    sold: int


class Session(msgspec.Struct, frozen=True, gc=False):
    """Sums over the trades since the program's start; values are ticks x lots.

    Attributes:
        since_ns: Venue time of the first trade counted.
        trades, prints: How many.
        bought, sold: Lots by aggressor; their difference is the CVD.
        bought_for, sold_for: Values by aggressor.
        largest: Print of the largest value.
        recent: Delta of the last minute (`trades.DELTA_S`): value bought less value sold.
    """

    since_ns: int
    trades: int
    prints: int
    bought: int
    sold: int
    bought_for: int
    sold_for: int
    largest: Print | None
    recent: int

    @property
    def cvd(self) -> int:
        """Lots bought less lots sold by aggressors."""
        return self.bought - self.sold

    @property
    def vwap(self) -> float | None:
        """Volume-weighted average price of the session in ticks; None without volume."""
        volume = self.bought + self.sold
        return (self.bought_for + self.sold_for) / volume if volume else None


def _nothing_traded() -> Mapping[int, TradedAt]:
    return MappingProxyType({})


class PairView(msgspec.Struct, frozen=True, gc=False):
    """Everything the screen needs of one pair, at one moment.

    Attributes:
        symbol: v2 symbol.
        version: Grows with every change, so that a pane can skip drawing.
        now_ns: Moment of the view, engine's wall clock.
        spec: Precisions and status; None until the instrument list or a snapshot told them.
        depth: Subscribed depth. While it changes, the book shown is still of the depth before: see `known_depth`.
        book_state: Between subscribe and live.
        proof: First truth.
        proof_reason: Why it is not VERIFIED, one short clause; "" when it is.
        checks_ok, checks_failed, resyncs: Counts since the start.
        age_ns: now minus the venue's timestamp of the last book change; None before the first.
        stale: Second truth: True past the limit.
        stale_reason: One short clause; "" when fresh.
        venue: Third truth: "ONLINE", "POST-ONLY", "CANCEL-ONLY", "MAINTENANCE", "LIMIT-ONLY", ... or "UNKNOWN".
        bids, asks: Levels, best first, at most `depth`. Kept while unproven; drawn dimmed then.
        metrics: None while the book is unproven or a side is empty: no signals from an unproven book.
        ticker: 24 hour figures.
        last: Price of the last trade, ticks; None before the first.
        last_direction: +1, -1 or 0: last trade price against the one before that differed.
        last_trade_ns: Venue time of the last trade.
        tape: Newest first.
        traded: Trades at price since the start.
        candles: Oldest first; the last one may be running.
        interval: Minutes of `candles`.
        flow: Newest first.
        health: Status and reason.
        large_lots: Threshold in lots from which a resting order counts as large; 0 while unknown.
        samples: Oldest first, one a second, at most ten minutes.
        spread_range: (narrowest, widest) spread after every message since the last of them, in basis points of the
            mid; None while there was no message.
        book_rate, trade_rate: Messages a second over the last five seconds.
        audited_ns: When an audit last found the whole book equal to a second snapshot; None since it was loaded.
        covered_levels: Best levels a side that the checksum proves; those below are only as good as the last audit.
        trade_gaps: Trades that never came, by their numbers.
        witness: What the second witness says, the ticker against the touch: "agrees", "differs", ...; "" if it is not
            asked.
        made_ns: Moment it was made by the machine's monotonic clock, replay or not; readers judge its age by it
            (`market.freshness`). None for a view of no running engine.
        fresh_for_ns: How long after that it stays fresh if nothing more is heard; None where that is not known.
        replayed: Whether ages and `now_ns` are by a recording's clock, which does not go on by itself.
        silent_ns: How long the engine has not answered, as its reader found; 0 while it answers.
        prints: The trades of `tape` joined by taker's order, newest first.
        tiers: Four ascending values, ticks x lots, from which a print is of the next tier; () while unknown.
        session: Sums since the start; None before the first trade.
        book_depth: Levels a side that the book shown can hold; 0 for `depth`.
        signals: Smoothed pressure and imbalance; None where `metrics` is.
        level3: The single orders behind the book; None where they are not followed.
    """

    symbol: str
    version: int
    now_ns: int
    spec: PairSpec | None
    depth: int
    book_state: BookState
    proof: Proof
    proof_reason: str
    checks_ok: int
    checks_failed: int
    resyncs: int
    age_ns: int | None
    stale: bool
    stale_reason: str
    venue: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    metrics: BookMetrics | None
    ticker: Ticker
    last: int | None
    last_direction: int
    last_trade_ns: int | None
    tape: tuple[Trade, ...]
    candles: tuple[Candle, ...]
    interval: int
    flow: tuple[FlowEvent, ...]
    health: Health
    large_lots: int = 0
    traded: Mapping[int, TradedAt] = msgspec.field(default_factory=_nothing_traded)
    samples: tuple[Sample, ...] = ()
    spread_range: tuple[float, float] | None = None
    book_rate: float = 0.0
    trade_rate: float = 0.0
    audited_ns: int | None = None
    covered_levels: int = 10
    trade_gaps: int = 0
    witness: str = ""
    made_ns: int | None = None
    fresh_for_ns: int | None = None
    replayed: bool = False
    silent_ns: int = 0
    prints: tuple[Print, ...] = ()
    tiers: tuple[int, ...] = ()
    session: Session | None = None
    book_depth: int = 0
    signals: Signals | None = None
    level3: Level3View | None = None

    @property
    def known_depth(self) -> int:
        """Levels a side beyond which nothing is known of the book shown."""
        return self.book_depth or self.depth

    @property
    def widest_spread(self) -> float | None:
        """Greatest spread of the samples and since, in basis points of the mid; None while none is known."""
        known = [sample.widest for sample in self.samples]
        if self.spread_range is not None:
            known.append(self.spread_range[1])
        if self.metrics is not None:
            known.append(self.metrics.spread_bps)
        return max(known, default=None)


class PairSummary(msgspec.Struct, frozen=True, gc=False):
    """One pair's tab: enough for a glance.

    `problem` is "" or one short clause ("no such pair; nearest: BTC/USD", "checksum failed, resyncing").
    """

    symbol: str
    last: int | None
    price_precision: int
    last_direction: int
    proof: Proof
    stale: bool
    problem: str = ""


class LatencyView(msgspec.Struct, frozen=True, gc=False):
    """Feed latency: receive time minus the venue's timestamp, corrected by the measured clock offset, in ms.

    Attributes:
        count: Measurements in the window (five minutes).
        p50, p90, p99, p999, worst: Milliseconds; None before the first measurement. p999 is the 99.9th percentile.
        clock_offset_ms: This machine's clock minus the venue's, from ping and pong; None before the first.
        round_trip_ms: Of the last ping; None before the first.
        histogram: (upper bound in ms, count) pairs, ascending.
        since_start: The same of every measurement since the connection's clock was first compared, not of the window.
        sum_ms: Sum of those measurements in ms.
    """

    count: int = 0
    p50: float | None = None
    p90: float | None = None
    p99: float | None = None
    worst: float | None = None
    clock_offset_ms: float | None = None
    round_trip_ms: float | None = None
    histogram: tuple[tuple[float, int], ...] = ()
    p999: float | None = None
    since_start: tuple[tuple[float, int], ...] = ()
    sum_ms: float = 0.0


class RecordingView(Value, frozen=True, gc=False):
    """The recorder; the view goes on whatever becomes of it.

    Attributes:
        path: The file that is being written.
        bytes: Its length, as last written.
        frames: Frames written.
        problem: "" or why it stopped.
        waiting, waiting_bytes: Frames that wait for the disk, and their memory.
        dropped: Frames left out because the disk was too slow; the file has a gap there that says so.
        lost: All frames that are in no file: those, and what went with a deleted or emptied file.
        warning: "" or what is wrong while it goes on, a clause.
    """

    path: str
    bytes: int
    frames: int
    problem: str = ""
    waiting: int = 0
    waiting_bytes: int = 0
    dropped: int = 0
    lost: int = 0
    warning: str = ""


class ReplayView(Value, frozen=True, gc=False):
    """State of a replay; `position_ns` and `length_ns` count from the recording's first frame.

    Attributes:
        gap_ns: Length of the gap of the recording that is being shown and soon skipped; 0 outside of one.
        problem: "" or why the replay stands still, such as a disk that does not answer.
        seeking: What is being sought, a clause such as "seeking 14:03:10"; "" while nothing is.
        reached_ns: How far the search has come, as a position; None where that is `position_ns`.
        indexed: Whether any moment of the recording can be reached at once.
    """

    path: str
    position_ns: int
    length_ns: int | None
    speed: float
    paused: bool
    finished: bool
    gap_ns: int = 0
    problem: str = ""
    seeking: str = ""
    reached_ns: int | None = None
    indexed: bool = False


class KafkaPosition(Value, frozen=True, gc=False):
    """How far one partition was read: the offset of the next message, and how many are there beyond it."""

    topic: str
    partition: int
    offset: int
    lag: int


class KafkaView(Value, frozen=True, gc=False):
    """State of a feed out of Kafka.

    Attributes:
        lines: Lines used.
        lag: Messages that are there and not read yet, all partitions.
        missing, gaps: Lines that never came, by their numbers, and the places where.
        left_out: Lines that could not be used.
        publishers: Runs of publishers heard of in the last seconds.
        silent: Runs that fell silent.
        positions: Of every partition, by topic and number.
    """

    lines: int
    lag: int
    missing: int
    gaps: int
    left_out: int
    publishers: int
    silent: int
    positions: tuple[KafkaPosition, ...] = ()


class LogLine(Value, frozen=True, gc=False):
    """One line of the program's own log; `level` is "info", "warning" or "error"."""

    ns: int
    level: str
    text: str


class FeedView(msgspec.Struct, frozen=True, gc=False):
    """The connection and the program's own counters.

    Attributes:
        version: Grows with every change.
        now_ns: Moment of the view, engine's wall clock.
        mode: LIVE, DEMO or REPLAY.
        state: Connection state by name: DISCONNECTED, CONNECTING, SUBSCRIBING, SUBSCRIBED, RESYNCING, DEGRADED, ...
        cause: Cause of the last transition, one short clause.
        attempt: Dial attempts since the last success.
        retry_in_s: Seconds until the next dial, None when none is planned.
        allowed_in_s: Seconds until the dial budget allows one.
        system: System status of the exchange: "online", "maintenance", "cancel_only", "post_only" or "unknown".
        heartbeat_age_ns: Since the last application frame; None before the first.
        url: Where the frames come from, cleaned.
        message_rate: Frames a second over the last five seconds.
        messages: Frames since the start.
        ignored: Frames and fields of unknown kinds, by name.
        invalid: Frames that could not be read.
        checks_ok, checks_failed, resyncs, reconnects: Since the start, all pairs.
        queue, queue_limit: Events waiting and room, of the listener's queue that is fullest; 0 without listeners.
        dropped: Events that listeners did not get because their queue was full, all listeners.
        latency: Percentiles.
        tabs: One summary a pair, in the user's order.
        log: Newest last, bounded.
        recording, replay, kafka: None when not active.
        fatal: "" or the sentence with which the feed failed for good.
        made_ns, silent_ns: As of a `PairView`.
        demo: What the simulated exchange shows of itself now, such as "a halt on BTC/USD"; "" for nothing.
        loop_lag_ns: How much too late a round of views began, the worst of the last seconds: what held the engine up.
    """

    version: int
    now_ns: int
    mode: Mode
    state: str
    cause: str
    attempt: int
    retry_in_s: float | None
    system: str
    heartbeat_age_ns: int | None
    url: str
    message_rate: float
    messages: int
    ignored: tuple[tuple[str, int], ...]
    invalid: int
    checks_ok: int
    checks_failed: int
    resyncs: int
    reconnects: int
    queue: int
    queue_limit: int
    dropped: int
    latency: LatencyView
    tabs: tuple[PairSummary, ...]
    log: tuple[LogLine, ...]
    recording: RecordingView | None = None
    replay: ReplayView | None = None
    fatal: str = ""
    made_ns: int | None = None
    silent_ns: int = 0
    loop_lag_ns: int = 0
    demo: str = ""
    allowed_in_s: float = 0.0
    kafka: KafkaView | None = None


class Published(msgspec.Struct, frozen=True):
    """All views of one moment: what one picture is drawn from.

    Attributes:
        feed: The connection and the tabs.
        pairs: The pairs by symbol. Only the pair on screen is as new as `feed`, the others are up to a second older.
        account: None where no account is followed.
    """

    feed: FeedView
    pairs: Mapping[str, PairView] = msgspec.field(default_factory=dict)
    account: AccountView | None = None

    def agreed(self, *symbols: str) -> Published:
        """The same, with the tabs of these pairs made from their views: a tab and its pair are one fact.

        Args:
            symbols: None named is all.
        """
        tabs = tuple(
            tab_of(tab, self.pairs[tab.symbol])
            if tab.symbol in self.pairs and (not symbols or tab.symbol in symbols)
            else tab
            for tab in self.feed.tabs
        )
        return msgspec.structs.replace(self, feed=msgspec.structs.replace(self.feed, tabs=tabs))


def tab_of(tab: PairSummary, view: PairView) -> PairSummary:
    """A tab as its pair's view says it; what is wrong with the name itself stays."""
    same = (tab.proof, tab.stale) == (view.proof, view.stale)
    return PairSummary(
        symbol=tab.symbol,
        last=view.last,
        price_precision=tab.price_precision if view.spec is None else view.spec.price_precision,
        last_direction=view.last_direction,
        proof=view.proof,
        stale=view.stale,
        problem=tab.problem if same else view.proof_reason or view.stale_reason,
    )
