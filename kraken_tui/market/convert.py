"""Wire structs and REST rows to market values, in the ticks and lots of a `PairSpec`.

The WebSocket writes exactly the pair's decimals, but its trades and candles from before a precision was reduced may be
finer. REST writes other decimals (prices with five, PROTOCOL.md section 10.1) and averages are finer than a tick
anywhere. All are converted exactly where they fit and rounded half to even where they do not; the book alone is never
rounded, as its checksum is made of its digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal

from msgspec.structs import replace

from kraken_tui.errors import InvalidMessage, InvalidNumber
from kraken_tui.market.events import Candle, Side, Trade
from kraken_tui.market.views import Ticker
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.wire.digits import MAX_DIGITS, decimals, to_units
from kraken_tui.wire.messages import OhlcData, TickerData, TradeData
from kraken_tui.wire.symbols import PairSpec
from kraken_tui.wire.timestamps import format_timestamp, parse_timestamp

_SIGNED = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
# Wide enough for the product of two of the longest numbers, so that only quantize rounds.
_EXACT = Context(prec=6 * MAX_DIGITS, rounding=ROUND_HALF_EVEN)


def decimal_of(value: object) -> Decimal:
    """Read a non-negative wire number exactly.

    Raises:
        InvalidNumber: Not a plain, finite, non-negative decimal of sane length.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**MAX_DIGITS:
        return Decimal(value)
    if isinstance(value, str) and _SIGNED.fullmatch(value) and not value.startswith("-"):
        return Decimal(value)
    raise InvalidNumber(f"not a plain decimal number: {clean_text(value, MAX_DIGITS)!r}")


def to_nearest_units(value: object, precision: int) -> int:
    """Convert a number to whole units of 10^-precision, rounding finer digits half to even.

    Raises:
        InvalidNumber: Not a plain, finite, non-negative decimal of sane length.
    """
    if type(value) is str and precision and value[-precision - 1 : -precision] == "." and len(value) <= MAX_DIGITS:
        # The wire's usual form needs no decimal arithmetic.
        digits = value.replace(".", "", 1)
        if digits.isdigit() and digits.isascii() and value[0] != ".":
            return int(digits)
    units = decimal_of(value).scaleb(precision, _EXACT)
    return int(units.to_integral_value(ROUND_HALF_EVEN, _EXACT))


def is_finer(value: object, precision: int) -> bool:
    """Whether a number that `rounded_units` takes was written with more decimals than `precision`."""
    if type(value) is not str or (precision and value[-precision - 1 : -precision] == "."):
        return False
    return decimals(value) > precision


def rounded_units(value: object, precision: int) -> int:
    """As `to_units`, but finer digits are rounded half to even.

    Raises:
        InvalidNumber: Not a finite non-negative decimal, or too long.
    """
    return to_nearest_units(value, precision) if is_finer(value, precision) else to_units(value, precision)


def signed_text(value: object) -> str:
    """Plain decimal text of a number that may be negative, such as a 24 hour change.

    The wire's digits stay as they are; only an exponent is written out and the sign of a negative zero dropped.

    Raises:
        InvalidNumber: Not a plain decimal.
    """
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _SIGNED.fullmatch(text):
        raise InvalidNumber(f"not a plain decimal number: {clean_text(value, MAX_DIGITS)!r}")
    if "e" in text or "E" in text:
        text = f"{Decimal(text):f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def trade_from_wire(data: TradeData, spec: PairSpec, *, live: bool) -> Trade:
    """One trade of the trade channel (PROTOCOL.md section 7.2), rounded where it is finer than the pair.

    Args:
        data: The decoded trade.
        spec: Precisions of its pair.
        live: False for trades of a snapshot.

    Raises:
        InvalidNumber: Price or quantity is not acceptable.
        InvalidMessage: The side, the number or the timestamp is not, or one of them is missing.
    """
    if type(data.trade_id) is not int:
        raise InvalidMessage(_missing("trade_id", data.trade_id))
    if type(data.timestamp) is not str:
        raise InvalidMessage(_missing("timestamp", data.timestamp))
    return Trade(
        symbol=spec.symbol,
        side=_side(data.side),
        price=_positive(rounded_units(data.price, spec.price_precision)),
        qty=rounded_units(data.qty, spec.qty_precision),
        ord_type=clean_text(data.ord_type or "", 20),
        trade_id=data.trade_id,
        timestamp=data.timestamp,
        venue_ns=parse_timestamp(data.timestamp),
        live=live,
    )


def candle_from_wire(data: OhlcData, spec: PairSpec) -> Candle:
    """One candle of the ohlc channel (PROTOCOL.md section 7.3), running until the aggregator closes it.

    Prices finer than the pair are rounded, which keeps their order.
    `turnover` is vwap x volume, and so only as exact as the venue's rounded vwap.

    Raises:
        InvalidNumber: A number is not acceptable.
        InvalidMessage: The begin is not a timestamp, or the candle is impossible.
    """
    if type(data.interval_begin) is not str:
        raise InvalidMessage(_missing("interval_begin", data.interval_begin))
    begin_s = parse_timestamp(data.interval_begin) // SECOND
    if type(data.interval) is not int:
        raise InvalidMessage(_missing("interval", data.interval))
    trades = data.trades or 0
    if type(trades) is not int:
        raise InvalidMessage(_missing("trades", trades))
    values = (data.open, data.high, data.low, data.close)
    prices = tuple(rounded_units(value, spec.price_precision) for value in values)
    return _candle(begin_s, data.interval, prices, data.volume, data.vwap, trades, spec)


def ticker_from_wire(data: TickerData, spec: PairSpec) -> Ticker:
    """The 24 hour figures of the ticker channel (PROTOCOL.md section 7.1).

    `vwap` is rounded to a tick; absent fields stay None.

    Raises:
        InvalidNumber: A number is not acceptable.
    """

    def price(value: object) -> int | None:
        return None if value is None else to_nearest_units(value, spec.price_precision)

    return Ticker(
        last=price(data.last),
        change=None if data.change is None else signed_text(data.change),
        change_pct=None if data.change_pct is None else signed_text(data.change_pct),
        high=price(data.high),
        low=price(data.low),
        volume=None if data.volume is None else to_nearest_units(data.volume, spec.qty_precision),
        vwap=price(data.vwap),
        bid=price(data.bid),
        ask=price(data.ask),
    )


def candles_from_rest(rows: Iterable[Sequence[object]], interval: int, spec: PairSpec) -> list[Candle]:
    """Rows of REST `OHLC`: [time s, open, high, low, close, vwap, volume, count] (PROTOCOL.md section 10.1).

    Args:
        rows: Oldest first, numbers as text.
        interval: Minutes.
        spec: Precisions of the pair.

    Returns:
        Candles, oldest first, all closed but the last, which is the running one.

    Raises:
        InvalidNumber: A number is not acceptable.
        InvalidMessage: A row has another shape, or its candle is impossible.
    """
    candles: list[Candle] = []
    for row in rows:
        if len(row) != 8:
            raise InvalidMessage(f"an OHLC row of {len(row)} fields instead of 8")
        begin_s, trades = to_units(row[0], 0), to_units(row[7], 0)
        prices = tuple(to_nearest_units(value, spec.price_precision) for value in row[1:5])
        candle = _candle(begin_s, interval, prices, row[6], row[5], trades, spec)
        candles.append(replace(candle, closed=True))
    if candles:
        candles[-1] = replace(candles[-1], closed=False)
    return candles


def trades_from_rest(rows: Iterable[Sequence[object]], spec: PairSpec) -> list[Trade]:
    """Rows of REST `Trades`: [price, volume, time, b/s, m/l, misc, trade_id] (PROTOCOL.md section 10.1).

    Args:
        rows: Oldest first. `time` is fractional seconds, as text where JSON was read with its digits kept; a float
            is accepted and then good to about 0.2 microseconds.
        spec: Precisions of the pair.

    Returns:
        Trades, all marked as not live.

    Raises:
        InvalidNumber: A number is not acceptable.
        InvalidMessage: A row has another shape, such as the rows of 2013, which lack trade ids.
    """
    trades: list[Trade] = []
    for row in rows:
        if len(row) < 7:
            raise InvalidMessage(f"a trade row of {len(row)} fields instead of 7")
        time = repr(row[2]) if isinstance(row[2], float) else row[2]
        venue_ns = to_nearest_units(time, 9)
        trades.append(
            Trade(
                symbol=spec.symbol,
                side=_side({"b": "buy", "s": "sell"}.get(str(row[3]), row[3])),
                price=_positive(to_nearest_units(row[0], spec.price_precision)),
                qty=to_nearest_units(row[1], spec.qty_precision),
                ord_type={"m": "market", "l": "limit"}.get(str(row[4]), clean_text(row[4], 20)),
                trade_id=to_units(row[6], 0),
                timestamp=_timestamp_text(venue_ns),
                venue_ns=venue_ns,
                live=False,
            )
        )
    return trades


def _missing(name: str, value: object) -> str:
    return f"no {name}" if value is None else f"{name} {clean_text(value, 40)!r}"


def rescale(units: int, before: int, after: int) -> int:
    """Convert whole units to another precision, rounded half to even where the new one is coarser."""
    if after >= before:
        return units * int(10 ** (after - before))
    divisor: int = 10 ** (before - after)
    whole, rest = divmod(units, divisor)
    return whole + (2 * rest > divisor or (2 * rest == divisor and whole % 2))


def _candle(
    begin_s: int,
    interval: int,
    prices: Sequence[int],
    volume: object,
    vwap: object,
    trades: int,
    spec: PairSpec,
) -> Candle:
    first, high, low, last = prices
    if interval < 1 or begin_s % 60 or trades < 0:
        raise InvalidMessage(f"a candle of {interval} minutes, {trades} trades, from second {begin_s}")
    if not 0 < low <= min(first, last) <= max(first, last) <= high:
        raise InvalidMessage("a candle whose prices contradict each other")
    lots = to_nearest_units(volume, spec.qty_precision)
    average = Decimal(last) if vwap is None else decimal_of(vwap).scaleb(spec.price_precision, _EXACT)
    turnover = int(_EXACT.multiply(average, Decimal(lots)).to_integral_value(ROUND_HALF_EVEN, _EXACT))
    return Candle(begin_s, interval, first, high, low, last, lots, turnover, trades)


def _positive(ticks: int) -> int:
    if ticks <= 0:
        raise InvalidNumber("a price of zero")
    return ticks


def _side(value: object) -> Side:
    if value == "buy":
        return Side.BUY
    if value == "sell":
        return Side.SELL
    raise InvalidMessage(f"a trade of side {clean_text(value, 20)!r}")


def _timestamp_text(ns: int) -> str:
    try:
        return format_timestamp(ns, 9)
    except (OverflowError, ValueError) as error:
        raise InvalidMessage(f"a trade at second {ns // SECOND}") from error
