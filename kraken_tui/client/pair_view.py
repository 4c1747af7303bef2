"""Everything known of a pair at one moment, as a program gets it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from msgspec.structs import replace

from kraken_tui.client.book_metrics import BookMetrics, metrics_of, mid_of
from kraken_tui.client.figures import Figures, Held, session_profile, trades_at_price_of
from kraken_tui.client.frames import Halved, Rows
from kraken_tui.client.tables import TradesAtPrice, VolumeProfile
from kraken_tui.client.values import (
    Candle,
    FlowEvent,
    PairSpec,
    Quote,
    Ticker,
    Trade,
    candle_of,
    exact,
    flow_of,
    quote_of,
    spec_of,
    ticker_of,
    trade_of,
    units_of,
    wire_spec_of,
)
from kraken_tui.errors import ConfigurationError
from kraken_tui.market import events as market
from kraken_tui.market import views
from kraken_tui.market.events import BookState, Health, Proof
from kraken_tui.market.plain import Value
from kraken_tui.units import SECOND
from kraken_tui.wire import symbols


class Sample(Value, frozen=True, gc=False):
    """One point of the slow history, taken once a second while the book is proven.

    Attributes:
        ns: When, ns since the epoch.
        mid: Half way between bid and ask.
        spread_bps: Spread in basis points of the mid.
        imbalance: See `BookMetrics`.
        narrowest_bps, widest_bps: Extremes of the spread after every message since the sample before.
    """

    ns: int
    mid: Halved
    spread_bps: float
    imbalance: float
    narrowest_bps: float
    widest_bps: float


class TradedAt(Value, frozen=True, gc=False):
    """Trades at one price since the start: count, quantity bought and sold by takers."""

    count: int
    bought: Decimal
    sold: Decimal


class PairView(Figures, frozen=True, gc=False):
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
        stale: Whether the feed was late or silent at the last look, or the engine does not answer, or the client of a
            live feed is closed; in the last two cases it is not proven either.
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
        book_depth: Levels a side that the book shown can hold; another than `depth` while that changes.
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
    bids: Rows[Quote]
    asks: Rows[Quote]
    metrics: BookMetrics | None
    ticker: Ticker
    last: Decimal | None
    last_direction: int
    last_trade_ns: int | None
    trades: Rows[Trade]
    traded: Mapping[Decimal, TradedAt]
    candles: Rows[Candle]
    interval: int
    flow: Rows[FlowEvent]
    health: Health
    large_qty: Decimal
    samples: Rows[Sample]
    book_rate: float
    trade_rate: float
    audited_ns: int | None
    covered_levels: int
    trade_gaps: int
    witness: str
    silent_s: float
    book_depth: int = 0

    def trades_at_price(self, step: Decimal | int | str | None = None) -> TradesAtPrice:
        """What traded at each price since the start.

        Args:
            step: Price step, a multiple of the pair's increment; None for that. Prices fall into the step that held
                the liquidity: what buyers took is rounded up, what sellers took down, as in `aggregate`.

        Raises:
            ConfigurationError: Such a step cannot be, or the pair's precisions are not known yet.
        """
        spec = self._known_spec()
        tape = (
            market.Trade(
                trade.symbol, trade.side, trade.price_ticks, trade.qty_lots, trade.ord_type, trade.trade_id,
                trade.timestamp, trade.venue_ns, trade.live,
            )
            for trade in self.trades
        )  # fmt: skip
        return trades_at_price_of(self.symbol, self.now_ns, spec, self._traded_units(spec), tape, step)

    def profile(self, step: Decimal | int | str | None = None) -> VolumeProfile:
        """Volume at price since the start, with point of control and value area. Arguments as of `trades_at_price`."""
        spec = self._known_spec()
        return session_profile(self.symbol, self.now_ns, spec, self._traded_units(spec), step)

    def _known_spec(self) -> symbols.PairSpec:
        if self.spec is None:
            raise ConfigurationError(f"the precisions of {self.symbol} are not known yet; wait until it is verified")
        return wire_spec_of(self.spec)

    def _traded_units(self, spec: symbols.PairSpec) -> dict[int, views.TradedAt]:
        prices, lots = spec.price_precision, spec.qty_precision
        return {
            units_of(price, prices): views.TradedAt(at.count, units_of(at.bought, lots), units_of(at.sold, lots))
            for price, at in self.traded.items()
        }

    def _held(self) -> Held:
        spec = self._known_spec()
        bids, asks = ([(quote.ticks, quote.lots) for quote in side] for side in (self.bids, self.asks))
        verified = self.proof is Proof.VERIFIED
        return Held(self.symbol, self.now_ns, spec, bids, asks, self.book_depth or self.depth, verified, self.stale)

    def _learned_large(self) -> int:
        return 0 if self.spec is None else units_of(self.large_qty, self.spec.qty_precision)


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
        bids=Rows((quote_of(level, prices, lots) for level in view.bids), Quote),
        asks=Rows((quote_of(level, prices, lots) for level in view.asks), Quote),
        metrics=None if view.metrics is None else metrics_of(view.metrics, spec),
        ticker=ticker_of(view.ticker, spec),
        last=None if view.last is None else exact(view.last, prices),
        last_direction=view.last_direction,
        last_trade_ns=view.last_trade_ns,
        trades=Rows((trade_of(trade, spec) for trade in view.tape), Trade),
        traded=_traded(view.traded, spec),
        candles=Rows((candle_of(view.symbol, candle, spec) for candle in view.candles), Candle),
        interval=view.interval,
        flow=Rows((flow_of(flow, spec) for flow in view.flow), FlowEvent),
        health=view.health,
        large_qty=exact(view.large_lots, lots),
        samples=Rows(
            (
                Sample(at.ns, mid_of(at.mid2, prices), at.spread_bps, at.imbalance, at.narrowest, at.widest)
                for at in view.samples
            ),
            Sample,
        ),
        book_rate=view.book_rate,
        trade_rate=view.trade_rate,
        audited_ns=view.audited_ns,
        covered_levels=view.covered_levels,
        trade_gaps=view.trade_gaps,
        witness=view.witness,
        silent_s=view.silent_ns / SECOND,
        book_depth=view.known_depth,
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
