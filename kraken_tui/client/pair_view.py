"""Everything known of a pair at one moment, as a program gets it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from msgspec.structs import replace

from kraken_tui.client.values import (
    Candle,
    FlowEvent,
    PairSpec,
    Quote,
    Ticker,
    Trade,
    candle_of,
    derived,
    exact,
    flow_of,
    quote_of,
    spec_of,
    ticker_of,
    trade_of,
)
from kraken_tui.market import views
from kraken_tui.market.events import BookState, Health, Proof, Signal
from kraken_tui.market.plain import Value
from kraken_tui.units import SECOND
from kraken_tui.wire import symbols


class Sweep(Value, frozen=True, gc=False):
    """Cost of taking `qty` from one side at once.

    Attributes:
        qty: Asked for.
        filled: What the held book has, at most `qty`.
        average: Average price.
        worst: Price of the last level touched.
        slippage_bps: Distance of the average from the mid in basis points.
        levels: Levels touched.
    """

    qty: Decimal
    filled: Decimal
    average: Decimal
    worst: Decimal
    slippage_bps: float
    levels: int


class BookMetrics(Value, frozen=True, gc=False):
    """Figures derived from one proven book. Averages are rounded as floats are; everything else is exact.

    Attributes:
        levels: Levels a side that imbalance, VWAPs and volumes are taken over.
        spread, spread_bps: Ask minus bid, as a price and in basis points of the mid.
        mid: Half way between bid and ask.
        microprice: Mid weighted by the opposite side's size at the touch.
        imbalance: (bid - ask) / (bid + ask) of sizes over `levels`, -1 to +1.
        pressure: Imbalance weighted by nearness to the mid, -1 to +1.
        signal: Pressure in words.
        bid_volume, ask_volume: Quantity over `levels`.
        bid_vwap, ask_vwap: Volume-weighted price of the side over `levels`.
        bid_depth, ask_depth: Quantity over the whole held book.
        buy_sweep, sell_sweep: Cost of an order worth 10,000 in quote currency; None where the side is empty.
        crossed: The exchange itself sent a crossed book (bid >= ask) with a right checksum.
    """

    levels: int
    spread: Decimal
    spread_bps: float
    mid: Decimal
    microprice: Decimal
    imbalance: float
    pressure: float
    signal: Signal
    bid_volume: Decimal
    ask_volume: Decimal
    bid_vwap: Decimal
    ask_vwap: Decimal
    bid_depth: Decimal
    ask_depth: Decimal
    buy_sweep: Sweep | None
    sell_sweep: Sweep | None
    crossed: bool


class Sample(Value, frozen=True, gc=False):
    """One point of the slow history, taken once a second while the book is proven.

    Attributes:
        ns: When, ns since the epoch.
        mid: Half way between bid and ask.
        spread_bps: Spread in basis points of the mid.
        imbalance: See `BookMetrics`.
    """

    ns: int
    mid: Decimal
    spread_bps: float
    imbalance: float


class TradedAt(Value, frozen=True, gc=False):
    """Trades at one price since the start: count, quantity bought and sold by takers."""

    count: int
    bought: Decimal
    sold: Decimal


class PairView(Value, frozen=True, gc=False):
    """Everything known of a pair at one moment.

    Attributes:
        symbol: v2 symbol.
        now_ns: The moment, ns since the epoch.
        spec: Precisions and status; None until the exchange told them, and nothing else is known then.
        depth: Subscribed depth.
        book_state: Between subscribe and live.
        proof: Whether the book's checksum is proven.
        proof_reason: Why it is not VERIFIED; "" where it is.
        checks_ok, checks_failed, resyncs: Counts since the start.
        age_ns: Since the exchange's timestamp of the last book change; None before the first.
        stale: Whether the feed was late or silent at the last look, or the engine does not answer.
        stale_reason: One short clause; "" when fresh.
        venue: "ONLINE", "POST-ONLY", "CANCEL-ONLY", "MAINTENANCE", "LIMIT-ONLY", ... or "UNKNOWN".
        bids, asks: Best first, at most `depth`; kept while unproven.
        metrics: None while the book is unproven or a side is empty.
        ticker: 24 hour figures.
        last: Price of the last trade; None before the first.
        last_direction: +1, -1 or 0: last trade price against the one before that differed.
        last_trade_ns: The exchange's time of the last trade, ns since the epoch.
        trades: Newest first.
        traded: Trades at each price since the start.
        candles: Oldest first; the last one may be running.
        interval: Minutes of `candles`.
        flow: Newest first.
        health: Status and reason.
        large_qty: Size from which an order or trade counts as large; 0 while unknown.
        samples: Oldest first, one a second, at most ten minutes.
        book_rate, trade_rate: Messages a second over the last five seconds.
        audited_ns: When an audit last found the whole book equal to a second snapshot; None since it was loaded.
        covered_levels: Best levels a side that the checksum proves; those below are only as good as the last audit.
        trade_gaps: Trades that never came, by their numbers.
        witness: What the ticker says of the touch: "agrees", "differs", ...; "" if it is not asked.
        silent_s: How long the engine has not answered; 0.0 while it answers. The book is not proven then.
    """

    symbol: str
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
    bids: tuple[Quote, ...]
    asks: tuple[Quote, ...]
    metrics: BookMetrics | None
    ticker: Ticker
    last: Decimal | None
    last_direction: int
    last_trade_ns: int | None
    trades: tuple[Trade, ...]
    traded: Mapping[Decimal, TradedAt]
    candles: tuple[Candle, ...]
    interval: int
    flow: tuple[FlowEvent, ...]
    health: Health
    large_qty: Decimal
    samples: tuple[Sample, ...]
    book_rate: float
    trade_rate: float
    audited_ns: int | None
    covered_levels: int
    trade_gaps: int
    witness: str
    silent_s: float


def view_of(view: views.PairView) -> PairView:
    """The engine's view as a program gets it."""
    spec = view.spec
    if spec is None:
        # Without precisions, ticks say nothing about the price.
        spec, view = symbols.PairSpec(view.symbol, "", "", 0, 0), _without_prices(view)
    prices, lots = spec.price_precision, spec.qty_precision
    return PairView(
        symbol=view.symbol,
        now_ns=view.now_ns,
        spec=None if view.spec is None else spec_of(spec),
        depth=view.depth,
        book_state=view.book_state,
        proof=view.proof,
        proof_reason=view.proof_reason,
        checks_ok=view.checks_ok,
        checks_failed=view.checks_failed,
        resyncs=view.resyncs,
        age_ns=view.age_ns,
        stale=view.stale,
        stale_reason=view.stale_reason,
        venue=view.venue,
        bids=tuple(quote_of(level, prices, lots) for level in view.bids),
        asks=tuple(quote_of(level, prices, lots) for level in view.asks),
        metrics=None if view.metrics is None else metrics_of(view.metrics, spec),
        ticker=ticker_of(view.ticker, spec),
        last=None if view.last is None else exact(view.last, prices),
        last_direction=view.last_direction,
        last_trade_ns=view.last_trade_ns,
        trades=tuple(trade_of(trade, spec) for trade in view.tape),
        traded=_traded(view.traded, spec),
        candles=tuple(candle_of(view.symbol, candle, spec) for candle in view.candles),
        interval=view.interval,
        flow=tuple(flow_of(flow, spec) for flow in view.flow),
        health=view.health,
        large_qty=exact(view.large_lots, lots),
        samples=tuple(Sample(at.ns, _mid(at.mid2, prices), at.spread_bps, at.imbalance) for at in view.samples),
        book_rate=view.book_rate,
        trade_rate=view.trade_rate,
        audited_ns=view.audited_ns,
        covered_levels=view.covered_levels,
        trade_gaps=view.trade_gaps,
        witness=view.witness,
        silent_s=view.silent_ns / SECOND,
    )


def _without_prices(view: views.PairView) -> views.PairView:
    return replace(
        view,
        bids=(),
        asks=(),
        metrics=None,
        ticker=views.Ticker(),
        last=None,
        tape=(),
        traded={},
        candles=(),
        flow=(),
        large_lots=0,
        samples=(),
    )


def _traded(traded: Mapping[int, views.TradedAt], spec: symbols.PairSpec) -> Mapping[Decimal, TradedAt]:
    prices, lots = spec.price_precision, spec.qty_precision
    return MappingProxyType(
        {
            exact(ticks, prices): TradedAt(at.count, exact(at.bought, lots), exact(at.sold, lots))
            for ticks, at in traded.items()
        }
    )


def _mid(mid2: int, precision: int) -> Decimal:
    """Half of twice the mid in ticks, exactly."""
    return exact(mid2 * 5, precision + 1)


def metrics_of(metrics: views.BookMetrics, spec: symbols.PairSpec) -> BookMetrics:
    """The engine's figures of a book as a program gets them."""
    prices, lots = spec.price_precision, spec.qty_precision
    return BookMetrics(
        levels=metrics.levels,
        spread=exact(metrics.spread, prices),
        spread_bps=metrics.spread_bps,
        mid=_mid(metrics.mid2, prices),
        microprice=derived(metrics.microprice, prices),
        imbalance=metrics.imbalance,
        pressure=metrics.pressure,
        signal=metrics.signal,
        bid_volume=exact(metrics.bid_volume, lots),
        ask_volume=exact(metrics.ask_volume, lots),
        bid_vwap=derived(metrics.bid_vwap, prices),
        ask_vwap=derived(metrics.ask_vwap, prices),
        bid_depth=exact(metrics.bid_depth, lots),
        ask_depth=exact(metrics.ask_depth, lots),
        buy_sweep=_sweep(metrics.buy_sweep, spec),
        sell_sweep=_sweep(metrics.sell_sweep, spec),
        crossed=metrics.crossed,
    )


def _sweep(sweep: views.Sweep | None, spec: symbols.PairSpec) -> Sweep | None:
    if sweep is None:
        return None
    prices, lots = spec.price_precision, spec.qty_precision
    return Sweep(
        qty=exact(sweep.qty, lots),
        filled=exact(sweep.filled, lots),
        average=derived(sweep.average, prices),
        worst=exact(sweep.worst, prices),
        slippage_bps=sweep.slippage_bps,
        levels=sweep.levels,
    )
