"""Believable views for tests of the screen: pairs of very different sizes, in every state a book can be in.

Everything is made from a seed, so the same call always gives the same view. `NOW` is 2026-11-21 14:03:10.250 UTC.
"""

from __future__ import annotations

import random

from msgspec.structs import replace

from kraken_tui.market.events import (
    BookState,
    Candle,
    FlowEvent,
    FlowKind,
    Health,
    MarketStatus,
    Print,
    Proof,
    Side,
    Signal,
    Trade,
)
from kraken_tui.market.trades import SessionSums, Tape
from kraken_tui.market.views import (
    BookMetrics,
    FeedView,
    LatencyView,
    Level,
    LogLine,
    Mode,
    PairSummary,
    PairView,
    RecordingView,
    ReplayView,
    Sample,
    Session,
    Signals,
    Sweep,
    Ticker,
    TradedAt,
)
from kraken_tui.wire.symbols import PairSpec
from kraken_tui.wire.timestamps import format_timestamp

SECOND = 1_000_000_000
NOW = 1_795_269_790_250_000_000

BTC = PairSpec("BTC/USD", "BTC", "USD", 1, 8)
ETH_BTC = PairSpec("ETH/BTC", "ETH", "BTC", 5, 8)
DOGE = PairSpec("DOGE/USD", "DOGE", "USD", 7, 8)
PEPE = PairSpec("PEPE/USD", "PEPE", "USD", 9, 5)

# best bid in ticks, typical step in ticks, typical size in lots
_SHAPES = {
    "BTC/USD": (642_500, 3, 60_000_000),
    "ETH/BTC": (4_857, 1, 900_000_000),
    "DOGE/USD": (1_438_217, 350, 2_400_000_000_000),
    "PEPE/USD": (12_345, 2, 90_000_000_000_000),
}


SYMBOLS = ("BTC/USD", "ETH/BTC", "DOGE/USD", "PEPE/USD")


def spec_of(symbol: str) -> PairSpec:
    """Reference data of one of the four sample pairs."""
    return {spec.symbol: spec for spec in (BTC, ETH_BTC, DOGE, PEPE)}[symbol]


def levels(symbol: str = "BTC/USD", count: int = 100, seed: int = 1) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
    """Bids and asks, best first, a tick apart at the touch, with small orders, walls and gaps."""
    best, step, size = _SHAPES[symbol]
    chance = random.Random(f"{symbol} {seed}")
    sides: list[tuple[Level, ...]] = []
    for sign, start in ((-1, best), (1, best + 1)):
        ticks = start
        side: list[Level] = []
        for _ in range(count):
            lots = int(size * chance.lognormvariate(-0.6, 1.1)) + 1
            if chance.random() < 0.05:
                lots = size * chance.randint(3, 9)
            side.append((ticks, lots))
            ticks += sign * chance.randint(1, 2 * step - 1)
        sides.append(tuple(side))
    return sides[0], sides[1]


def sweep(side: tuple[Level, ...], qty: int, mid2: int) -> Sweep:
    """Cost of taking `qty` lots from one side."""
    filled = cost = used = worst = 0
    for ticks, lots in side:
        take = min(lots, qty - filled)
        if take <= 0:
            break
        filled += take
        cost += take * ticks
        worst = ticks
        used += 1
    average = cost / filled
    return Sweep(qty, filled, average, worst, abs(average - mid2 / 2) / (mid2 / 2) * 10_000, used)


def metrics(bids: tuple[Level, ...], asks: tuple[Level, ...], qty: int, count: int = 10) -> BookMetrics:
    """Figures of a book, by the textbook."""
    (bid, bid_lots), (ask, ask_lots) = bids[0], asks[0]
    bid_volume, ask_volume = (sum(lots for _, lots in side[:count]) for side in (bids, asks))
    mid2 = bid + ask
    imbalance = (bid_volume - ask_volume) / (bid_volume + ask_volume)
    pressure = imbalance * 0.8
    signal = Signal.NEUTRAL
    for bound, name in ((0.5, Signal.STRONG_BUY), (0.2, Signal.BUY)):
        if pressure >= bound:
            signal = name
            break
    for bound, name in ((-0.5, Signal.STRONG_SELL), (-0.2, Signal.SELL)):
        if pressure <= bound:
            signal = name
            break
    return BookMetrics(
        levels=count,
        spread=ask - bid,
        spread_bps=(ask - bid) / (mid2 / 2) * 10_000,
        mid2=mid2,
        microprice=(bid * ask_lots + ask * bid_lots) / (bid_lots + ask_lots),
        imbalance=imbalance,
        pressure=pressure,
        signal=signal,
        bid_volume=bid_volume,
        ask_volume=ask_volume,
        bid_vwap=sum(t * q for t, q in bids[:count]) / bid_volume,
        ask_vwap=sum(t * q for t, q in asks[:count]) / ask_volume,
        bid_depth=sum(q for _, q in bids),
        ask_depth=sum(q for _, q in asks),
        buy_sweep=sweep(asks, qty, mid2),
        sell_sweep=sweep(bids, qty, mid2),
        crossed=bid >= ask,
        sweep_value=10_000.0,
    )


def signals(figures: BookMetrics) -> Signals:
    """Calm figures that are those of the moment."""
    return Signals(figures.pressure, figures.imbalance, figures.signal, 4 * SECOND)


def trades(symbol: str = "BTC/USD", count: int = 60, seed: int = 1) -> tuple[Trade, ...]:
    """Trades around the touch, newest first, a second or so apart."""
    best, step, size = _SHAPES[symbol]
    chance = random.Random(f"trades {symbol} {seed}")
    result: list[Trade] = []
    ns = NOW - 400_000_000
    for index in range(count):
        side = chance.choice((Side.BUY, Side.SELL))
        ticks = best + (1 if side is Side.BUY else 0) + chance.choice((0, 0, 0, step, -step, 4 * step))
        lots = max(1, int(size * chance.lognormvariate(-1.2, 1.2)))
        kind = chance.choice(("limit", "market"))
        result.append(Trade(symbol, side, ticks, lots, kind, 90_000 - index, format_timestamp(ns), ns))
        ns -= chance.randint(20_000_000, 2 * SECOND)
    return tuple(result)


def traded(tape: tuple[Trade, ...]) -> dict[int, TradedAt]:
    """Trades at price, summed from a tape."""
    result: dict[int, TradedAt] = {}
    for trade in tape:
        before = result.get(trade.price, TradedAt(0, 0, 0))
        buy = trade.side is Side.BUY
        result[trade.price] = TradedAt(
            before.count + 1,
            before.bought + (trade.qty if buy else 0),
            before.sold + (0 if buy else trade.qty),
        )
    return result


# Four values in ticks x lots: 1,000, 10,000, 50,000 and 250,000 USD, or 0.01, 0.05, 0.2 and 1 BTC.
_TIERS = {
    symbol: tuple(round(value * 10 ** (spec.price_precision + spec.qty_precision)) for value in values)
    for symbol, spec, values in (
        ("BTC/USD", BTC, (1e3, 1e4, 5e4, 2.5e5)),
        ("ETH/BTC", ETH_BTC, (0.01, 0.05, 0.2, 1)),
        ("DOGE/USD", DOGE, (1e3, 1e4, 5e4, 2.5e5)),
        ("PEPE/USD", PEPE, (1e3, 1e4, 5e4, 2.5e5)),
    )
}


def prints(tape: tuple[Trade, ...]) -> tuple[Print, ...]:
    """The prints of a tape, newest first."""
    made = Tape()
    made.add(tape)
    return made.prints()


def session(tape: tuple[Trade, ...]) -> Session | None:
    """The sums of a tape."""
    sums = SessionSums()
    for each in reversed(tape):
        sums.add(each)
    sums.roll(NOW)
    return sums.session()


def candles(symbol: str = "BTC/USD", count: int = 120, interval: int = 1, seed: int = 1) -> tuple[Candle, ...]:
    """A random walk that ends at the touch, oldest first; the last candle runs."""
    best, step, size = _SHAPES[symbol]
    chance = random.Random(f"candles {symbol} {seed}")
    begin = NOW // SECOND // (60 * interval) * 60 * interval
    close = best
    result: list[Candle] = []
    for index in range(count):
        opened = max(1, close + round(chance.gauss(0, 12 * step)))
        high = max(opened, close) + chance.randint(0, 6 * step)
        low = max(1, min(opened, close) - chance.randint(0, 6 * step))
        volume = int(size * chance.lognormvariate(1.5, 0.8))
        turnover = volume * (high + low + opened + close) // 4
        stamp = begin - index * 60 * interval
        result.append(
            Candle(stamp, interval, opened, high, low, close, volume, turnover, chance.randint(3, 200), index > 0)
        )
        close = opened
    return tuple(reversed(result))


def flow(symbol: str = "BTC/USD", count: int = 12) -> tuple[FlowEvent, ...]:
    """Flow events of every kind, newest first."""
    best, step, size = _SHAPES[symbol]
    kinds = tuple(FlowKind)
    return tuple(
        FlowEvent(
            symbol,
            NOW - (index * 4 + 1) * SECOND,
            kinds[index % len(kinds)],
            Side.BUY if index % 2 else Side.SELL,
            best + (index - 5) * step,
            size * (index + 2),
            6 if kinds[index % len(kinds)] is FlowKind.SWEEP else 0,
            best if kinds[index % len(kinds)] in (FlowKind.SWEEP, FlowKind.LARGE, FlowKind.MOVED) else None,
            (best + (index - 5) * step) * size * (index + 2),
            7 if kinds[index % len(kinds)] in (FlowKind.SWEEP, FlowKind.LARGE) else 0,
        )
        for index in range(count)
    )


def samples(symbol: str = "BTC/USD", count: int = 300, seed: int = 1) -> tuple[Sample, ...]:
    """Slow history, one a second, oldest first."""
    best, step, _ = _SHAPES[symbol]
    chance = random.Random(f"samples {symbol} {seed}")
    mid2 = 2 * best + 1
    points: list[Sample] = []
    for index in range(count):
        points.append(
            Sample(NOW - index * SECOND, mid2, chance.choice((1, 1, 2, 5)) / mid2 * 20_000, chance.uniform(-0.9, 0.9))
        )
        mid2 += round(chance.gauss(0, 2 * step))
    return tuple(reversed(points))


def pair(symbol: str = "BTC/USD", *, seed: int = 1, count: int = 100) -> PairView:
    """A verified, fresh, busy pair."""
    spec = spec_of(symbol)
    bids, asks = levels(symbol, count, seed)
    best, _, size = _SHAPES[symbol]
    tape = trades(symbol, seed=seed)
    figures = metrics(bids, asks, size)
    return PairView(
        symbol=symbol,
        version=1,
        now_ns=NOW,
        spec=spec,
        depth=100,
        book_state=BookState.LIVE,
        proof=Proof.VERIFIED,
        proof_reason="",
        checks_ok=12_403,
        checks_failed=0,
        resyncs=0,
        age_ns=210_000_000,
        stale=False,
        stale_reason="",
        venue="ONLINE",
        bids=bids,
        asks=asks,
        metrics=figures,
        signals=signals(figures),
        ticker=Ticker(
            last=best + 1,
            change=None,
            change_pct="1.24",
            high=best + best // 90,
            low=best - best // 56,
            volume=2_007 * size + 12_345,
            vwap=best - best // 270,
            bid=best,
            ask=best + 1,
        ),
        last=best + 1,
        last_direction=1,
        last_trade_ns=NOW - 400_000_000,
        tape=tape,
        candles=candles(symbol, seed=seed),
        interval=1,
        flow=flow(symbol),
        health=Health(symbol, MarketStatus.ACTIVE, "book 0.2 s ago", 210),
        large_lots=3 * size,
        traded=traded(tape),
        samples=samples(symbol, seed=seed),
        book_rate=41.2,
        trade_rate=3.1,
        audited_ns=NOW - 180_000_000_000,
        witness="agrees",
        prints=prints(tape),
        tiers=_TIERS[symbol],
        session=session(tape),
    )


def unproven(view: PairView, proof: Proof, reason: str, state: BookState = BookState.RESYNCING) -> PairView:
    """The same pair with a book that is not proven: levels stay, figures go."""
    return replace(view, proof=proof, proof_reason=reason, metrics=None, signals=None, book_state=state)


def checking(symbol: str = "BTC/USD") -> PairView:
    """A book whose proof is under way."""
    return unproven(pair(symbol), Proof.CHECKING, "first checksum awaited", BookState.LIVE)


def unverified(symbol: str = "BTC/USD") -> PairView:
    """A book that failed its checksum and is being fetched again."""
    view = unproven(pair(symbol), Proof.UNVERIFIED, "checksum failed, resyncing")
    return replace(view, checks_failed=1, resyncs=1)


def stale(symbol: str = "BTC/USD") -> PairView:
    """A proven book that has not changed for too long."""
    return replace(
        pair(symbol),
        age_ns=75 * SECOND,
        stale=True,
        stale_reason="no message for 12 s",
        health=Health(symbol, MarketStatus.STALE, "no message for 12 s", 75_000),
    )


def empty(symbol: str = "BTC/USD", *, side: str = "both") -> PairView:
    """A live, proven book with one side or both empty."""
    view = replace(pair(symbol), metrics=None, signals=None)
    if side in ("bids", "both"):
        view = replace(view, bids=())
    if side in ("asks", "both"):
        view = replace(view, asks=())
    return view


def crossed(symbol: str = "BTC/USD") -> PairView:
    """A book the venue itself sent crossed, with a right checksum."""
    view = pair(symbol)
    best = view.bids[0][0]
    bids = ((best + 4, 12_000_000), *view.bids)
    return replace(view, bids=bids, metrics=metrics(bids, view.asks, _SHAPES[symbol][2]))


def waiting(symbol: str = "BTC/USD", state: BookState = BookState.WAIT_SNAPSHOT, *, spec: bool = True) -> PairView:
    """A pair before its first snapshot."""
    return replace(
        unproven(pair(symbol), Proof.CHECKING, "no snapshot yet", state),
        spec=spec_of(symbol) if spec else None,
        bids=(),
        asks=(),
        age_ns=None,
        checks_ok=0,
        ticker=Ticker(),
        last=None,
        last_direction=0,
        last_trade_ns=None,
        tape=(),
        prints=(),
        session=None,
        candles=(),
        flow=(),
        traded={},
        samples=(),
        large_lots=0,
        venue="UNKNOWN",
        health=Health(symbol, MarketStatus.UNKNOWN, "no snapshot yet", None),
        book_rate=0.0,
        trade_rate=0.0,
    )


def refused(symbol: str = "BTC/USD") -> PairView:
    """A pair the exchange would not subscribe."""
    return replace(
        waiting(symbol, BookState.REFUSED, spec=False),
        proof=Proof.UNVERIFIED,
        proof_reason="Currency pair not supported",
    )


TABS = (
    PairSummary("BTC/USD", 642_501, 1, 1, Proof.VERIFIED, False),
    PairSummary("ETH/BTC", 4_858, 5, -1, Proof.VERIFIED, False),
    PairSummary("PEPE/USD", 12_345, 9, 0, Proof.VERIFIED, False),
)


def feed(**changes: object) -> FeedView:
    """A healthy live connection; keyword arguments replace fields."""
    view = FeedView(
        version=1,
        now_ns=NOW,
        mode=Mode.LIVE,
        state="SUBSCRIBED",
        cause="all books live",
        attempt=0,
        retry_in_s=None,
        system="online",
        heartbeat_age_ns=600_000_000,
        url="wss://ws.kraken.com/v2",
        message_rate=44.0,
        messages=12_403,
        ignored=(),
        invalid=0,
        checks_ok=12_403,
        checks_failed=0,
        resyncs=0,
        reconnects=0,
        queue=0,
        queue_limit=4096,
        dropped=0,
        latency=LatencyView(
            count=9_000,
            p50=12.4,
            p90=25.0,
            p99=41.3,
            worst=88.0,
            clock_offset_ms=3.0,
            round_trip_ms=21.0,
            histogram=((5.0, 40), (10.0, 900), (20.0, 6_000), (50.0, 2_000), (100.0, 60)),
        ),
        tabs=TABS,
        log=(
            LogLine(NOW - 40 * SECOND, "info", "connected to wss://ws.kraken.com/v2"),
            LogLine(NOW - 39 * SECOND, "info", "subscribed BTC/USD, depth 100"),
            LogLine(NOW - 12 * SECOND, "warning", "no heartbeat for 2.1 s"),
        ),
    )
    return replace(view, **changes)  # type: ignore[arg-type]


def reconnecting(**changes: object) -> FeedView:
    """A lost connection with the next dial planned; keyword arguments replace fields."""
    known: dict[str, object] = {"state": "DISCONNECTED", "cause": "no message for 10 s", "attempt": 3}
    return feed(**{**known, "retry_in_s": 4.2, "heartbeat_age_ns": 12 * SECOND, **changes})


def recording(**changes: object) -> FeedView:
    """A healthy connection that is being recorded."""
    return feed(recording=RecordingView("btc.jsonl.zst", 12_400_000, 60_000), **changes)


def replaying(*, paused: bool = False, speed: float = 2.0) -> FeedView:
    """A recording being played."""
    return feed(
        mode=Mode.REPLAY,
        replay=ReplayView("btc.jsonl.zst", 75 * SECOND, 600 * SECOND, speed, paused, False),
    )
