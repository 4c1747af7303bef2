"""What a program is handed: frozen values whose prices and quantities are exact decimals.

The engine counts in ticks and lots. Where a program may want those too, the name says so: `price_ticks`, `qty_lots`,
`bid_ticks_lots`. Every value has `to_dict()`.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache

from kraken_tui.client.frames import Computed, Worth
from kraken_tui.market import events as market
from kraken_tui.market import views
from kraken_tui.market.events import FlowKind, Side
from kraken_tui.market.plain import Value
from kraken_tui.wire import symbols
from kraken_tui.wire.digits import from_units, to_units

_QUOTES_REMEMBERED = 65_536
_DECIMALS_REMEMBERED = 16_384
_DERIVED = Context(prec=40, rounding=ROUND_HALF_EVEN)


@lru_cache(maxsize=_DECIMALS_REMEMBERED)
def exact(units: int, precision: int) -> Decimal:
    """Whole units of 10^-precision as a decimal that keeps all `precision` places.

    Remembered: the prices of a market are few, and a candle tells its own again with every trade.
    """
    # Made from text: arithmetic would round to the program's decimal context.
    return Decimal(from_units(units, precision))


def derived(units: float, precision: int) -> Decimal:
    """A computed figure, such as an average in ticks, as a decimal with a float's fifteen significant digits or so."""
    figure = Decimal(repr(units))
    return figure.scaleb(-precision, _DERIVED) if precision else figure


def units_of(value: Decimal, precision: int) -> int:
    """Whole units of 10^-precision that `exact` made a decimal of."""
    return to_units(f"{value:f}", precision)


class PairSpec(Value, frozen=True, gc=False):
    """Reference data of one pair.

    Attributes:
        symbol: v2 symbol such as "BTC/USD".
        base, quote: Assets.
        price_precision: Decimals of a price; one tick is 10^-price_precision.
        qty_precision: Decimals of a quantity; one lot is 10^-qty_precision.
        price_increment: Smallest price step; may be more than one tick.
        status: Pair status such as "online".
        assumed: True where the precisions were inferred from a recording, not told by the exchange.
    """

    symbol: str
    base: str
    quote: str
    price_precision: int
    qty_precision: int
    price_increment: Decimal
    status: str
    assumed: bool

    def price(self, ticks: int) -> Decimal:
        """A price in ticks as an exact decimal."""
        return exact(ticks, self.price_precision)

    def quantity(self, lots: int) -> Decimal:
        """A quantity in lots as an exact decimal."""
        return exact(lots, self.qty_precision)


@lru_cache(maxsize=4096)
def spec_of(spec: symbols.PairSpec) -> PairSpec:
    """The engine's reference data as a program gets it."""
    return PairSpec(
        symbol=spec.symbol,
        base=spec.base,
        quote=spec.quote,
        price_precision=spec.price_precision,
        qty_precision=spec.qty_precision,
        price_increment=exact(spec.increment, spec.price_precision),
        status=spec.status,
        assumed=spec.assumed,
    )


@lru_cache(maxsize=4096)
def wire_spec_of(spec: PairSpec) -> symbols.PairSpec:
    """The engine's reference data of what `spec_of` made of it, for the engine's own arithmetic."""
    return symbols.PairSpec(
        symbol=spec.symbol,
        base=spec.base,
        quote=spec.quote,
        price_precision=spec.price_precision,
        qty_precision=spec.qty_precision,
        increment=units_of(spec.price_increment, spec.price_precision),
        status=spec.status,
        assumed=spec.assumed,
    )


class Quote(Value, frozen=True, gc=False):
    """One price level, exactly.

    Attributes:
        price, qty: Decimals with all the pair's places.
        ticks, lots: The same in whole units of the pair (`PairSpec`).
    """

    price: Decimal
    qty: Decimal
    ticks: int
    lots: int

    @property
    def text(self) -> tuple[str, str]:
        """Price and quantity as the exchange writes them."""
        return f"{self.price:f}", f"{self.qty:f}"


@lru_cache(maxsize=_QUOTES_REMEMBERED)
def quote_of(level: tuple[int, int], price_precision: int, qty_precision: int) -> Quote:
    """A level of (ticks, lots). Remembered: most levels of a book stood in the one before."""
    return Quote(exact(level[0], price_precision), exact(level[1], qty_precision), *level)


class Trade(Value, frozen=True, gc=False):
    """One trade.

    Attributes:
        symbol: v2 symbol.
        side: The taker's.
        price, qty: Exact.
        ord_type: "limit" or "market", as the exchange writes it.
        trade_id: The exchange's number, one more each trade of a pair.
        timestamp: The exchange's, verbatim.
        venue_ns: The same in ns since the epoch.
        live: False for trades from before the subscription.
        price_ticks, qty_lots: Price and quantity in whole units of the pair.
    """

    symbol: str
    side: Side
    price: Decimal
    qty: Decimal
    ord_type: str
    trade_id: int
    timestamp: str
    venue_ns: int
    live: bool
    price_ticks: int
    qty_lots: int


def trade_of(trade: market.Trade, spec: symbols.PairSpec) -> Trade:
    """The engine's trade as a program gets it."""
    return Trade(
        trade.symbol,
        trade.side,
        exact(trade.price, spec.price_precision),
        exact(trade.qty, spec.qty_precision),
        trade.ord_type,
        trade.trade_id,
        trade.timestamp,
        trade.venue_ns,
        trade.live,
        trade.price,
        trade.qty,
    )


class Candle(Value, frozen=True, gc=False):
    """Open, high, low and close of one interval.

    Attributes:
        symbol: v2 symbol.
        begin_s: Start of the interval, whole seconds since the epoch.
        interval: Length in minutes.
        open, high, low, close: Prices.
        volume: Quantity traded.
        turnover: Sum of price x quantity, in the quote asset.
        vwap: Turnover / volume, rounded to a tick; None without volume.
        trades: Number of trades.
        closed: Whether the interval is over.
    """

    symbol: str
    begin_s: int
    interval: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    turnover: Worth
    vwap: Decimal | None
    trades: int
    closed: bool


def candle_of(symbol: str, candle: market.Candle, spec: symbols.PairSpec) -> Candle:
    """The engine's candle as a program gets it."""
    precision = spec.price_precision
    average = candle.vwap_ticks
    return Candle(
        symbol,
        candle.begin_s,
        candle.interval,
        exact(candle.open, precision),
        exact(candle.high, precision),
        exact(candle.low, precision),
        exact(candle.close, precision),
        exact(candle.volume, spec.qty_precision),
        exact(candle.turnover, precision + spec.qty_precision),
        None if average is None else exact(average, precision),
        candle.trades,
        candle.closed,
    )


class FlowEvent(Value, frozen=True, gc=False):
    """Something a reader of the tape or the book would remark on.

    Attributes:
        symbol: v2 symbol.
        ns: When, by the exchange's clock, ns since the epoch.
        kind: What happened.
        side: Book side for walls, moves and pulls (BUY is a bid), the taker's for sweeps and large prints.
        price: For a sweep or large print the last price reached, for a move where the order is now.
        qty: Size.
        levels: Levels eaten by a sweep, else 0.
        price_ticks, qty_lots: Price and quantity in whole units of the pair.
        origin: Where a moved order was, or the first price of a sweep or large print; else None.
        value: Price times size, summed over the fills, in quote currency.
        fills: Trades of a sweep or large print, else 0.
    """

    symbol: str
    ns: int
    kind: FlowKind
    side: Side
    price: Decimal
    qty: Decimal
    levels: int
    price_ticks: int
    qty_lots: int
    origin: Decimal | None = None
    value: Worth = Decimal(0)
    fills: int = 0


def flow_of(flow: market.FlowEvent, spec: symbols.PairSpec) -> FlowEvent:
    """The engine's flow event as a program gets it."""
    return FlowEvent(
        flow.symbol,
        flow.ns,
        flow.kind,
        flow.side,
        exact(flow.price, spec.price_precision),
        exact(flow.qty, spec.qty_precision),
        flow.levels,
        flow.price,
        flow.qty,
        None if flow.origin is None else exact(flow.origin, spec.price_precision),
        exact(flow.turnover, spec.price_precision + spec.qty_precision),
        flow.fills,
    )


class Ticker(Value, frozen=True, gc=False):
    """Rolling 24 hour figures; None for what the exchange did not send.

    Attributes:
        last, high, low, vwap, bid, ask: Prices.
        change: Price change over 24 hours.
        change_pct: The same in per cent.
        volume: Quantity traded.
    """

    last: Decimal | None
    change: Decimal | None
    change_pct: Computed | None
    high: Decimal | None
    low: Decimal | None
    volume: Decimal | None
    vwap: Decimal | None
    bid: Decimal | None
    ask: Decimal | None


def ticker_of(ticker: views.Ticker, spec: symbols.PairSpec) -> Ticker:
    """The engine's 24 hour figures as a program gets them."""

    def price(ticks: int | None) -> Decimal | None:
        return None if ticks is None else exact(ticks, spec.price_precision)

    return Ticker(
        last=price(ticker.last),
        change=None if ticker.change is None else Decimal(ticker.change),
        change_pct=None if ticker.change_pct is None else Decimal(ticker.change_pct),
        high=price(ticker.high),
        low=price(ticker.low),
        volume=None if ticker.volume is None else exact(ticker.volume, spec.qty_precision),
        vwap=price(ticker.vwap),
        bid=price(ticker.bid),
        ask=price(ticker.ask),
    )
