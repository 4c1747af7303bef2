"""What a recording begins with in mid-session: all that the program knows, as frames in the exchange's own shapes.

So every part of a recording can be played alone. Nothing is claimed that is not known: a book that is not proven
comes without a checksum, precisions that were only guessed are left to be guessed again. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal

from msgspec.structs import replace

from kraken_tui.feed.pair import TOUCH_TRIGGER, Pair
from kraken_tui.feed.session import Session
from kraken_tui.market.book.l2 import BookSide
from kraken_tui.market.events import BookState, Candle, Proof, Trade
from kraken_tui.market.views import PairView, Ticker
from kraken_tui.units import SECOND
from kraken_tui.wire.digits import from_units
from kraken_tui.wire.symbols import PairSpec
from kraken_tui.wire.timestamps import format_timestamp

RECENT_TRADES = 50
"""Trades a part begins with, as many as the exchange's own snapshot holds."""

_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
_VWAP_DECIMALS = Decimal(1).scaleb(-20)


def opening_frames(
    session: Session, views: Mapping[str, PairView], *, whole: bool, trades: int | None = None
) -> list[bytes]:
    """Frames that bring a reader to where the program is.

    Args:
        session: The feed.
        views: Every pair's view of this moment, by symbol.
        whole: For the beginning of a file; else for its going on after a gap, when the reader knows the connection
            and the list of all pairs.
        trades: Trades of each pair, whether or not some between them are missing; by default the newest that follow
            one another, as a reader who counts what is missing would count a hole.
    """
    frames: list[bytes] = []
    if session.system != "unknown":
        # No real connection has this number, so the next one is seen to be another.
        connection = '"connection_id":0,' if whole else ""
        frames.append(
            f'{{"channel":"status","type":"update","data":[{{{connection}"system":{_text(session.system)}}}]}}'.encode()
        )
    known = [pair.spec for pair in session.pairs.values() if not pair.spec.assumed]
    if known:
        frames.append(_instruments(known, "snapshot" if whole else "update"))
    for symbol, pair in session.pairs.items():
        frames += _grants(symbol, pair)
        if pair.state is BookState.LIVE:
            frames.append(book_frame(pair))
        view = views.get(symbol)
        if view is not None and view.spec is not None:
            frames += _market(symbol, view, view.spec, trades)
    return frames


def instrument_frame(spec: PairSpec) -> bytes:
    """The reference data of one pair, as a change of the list."""
    return _instruments([spec], "update")


def market_frames(view: PairView, spec: PairSpec, candles: int) -> list[bytes]:
    """The trades, ticker and the newest candles of one pair."""
    return _market(view.symbol, replace(view, candles=view.candles[-candles:]), spec, None)


def _market(symbol: str, view: PairView, spec: PairSpec, most: int | None) -> list[bytes]:
    """The trades, ticker and candles of one pair."""
    name = _text(symbol)
    found = []
    # Flat ones only fill the display, and are made again. They come first: trades change no candle that was stated.
    if candles := [candle for candle in view.candles if candle.trades]:
        found.append(_snapshot("ohlc", [_candle(name, candle, spec) for candle in candles]))
    if trades := _connected(view.tape) if most is None else _numbered(view.tape[:most]):
        found.append(_snapshot("trade", [_trade(name, trade, spec) for trade in trades]))
    if view.ticker != Ticker():
        found.append(_snapshot("ticker", [_ticker(name, view.ticker, spec)]))
    return found


def _instrument(spec: PairSpec) -> str:
    least = "" if spec.qty_min is None else f',"qty_min":{from_units(spec.qty_min, spec.qty_precision)}'
    cost = f',"cost_min":{spec.cost_min}' if spec.cost_min else ""
    return (
        f'"symbol":{_text(spec.symbol)},"base":{_text(spec.base)},"quote":{_text(spec.quote)},'
        f'"status":{_text(spec.status)},"qty_precision":{spec.qty_precision},"price_precision":{spec.price_precision},'
        f'"price_increment":{from_units(spec.increment, spec.price_precision)},'
        f'"qty_increment":{from_units(spec.qty_step, spec.qty_precision)}{least}{cost}'
    )


def _instruments(specs: Iterable[PairSpec], kind: str) -> bytes:
    rows = [f"{{{_instrument(spec)}}}" for spec in specs]
    return f'{{"channel":"instrument","type":"{kind}","data":{{"assets":[],"pairs":[{",".join(rows)}]}}}}'.encode()


def _grants(symbol: str, pair: Pair) -> list[bytes]:
    """What the exchange granted: a snapshot alone does not tell its depth, nor a ticker its trigger."""
    results = [f'"channel":"book","depth":{pair.depth}']
    if pair.testifies:
        results.append(f'"channel":"ticker","event_trigger":"{TOUCH_TRIGGER}"')
    return [
        f'{{"method":"subscribe","result":{{{result},"snapshot":true,"symbol":{_text(symbol)}}},"success":true}}'.encode()
        for result in results
    ]


def book_frame(pair: Pair) -> bytes:
    """A book as a snapshot; without a checksum where it is not proven."""
    book = pair.book
    proof = f',"checksum":{book.checksum()}' if pair.proof is Proof.VERIFIED else ""
    at = pair.stitcher.venue_ns
    moment = "" if at is None else f',"timestamp":"{format_timestamp(at, 9 if at % 1000 else 6)}"'
    sides = f'"bids":[{_levels(book.bids, book.spec)}],"asks":[{_levels(book.asks, book.spec)}]'
    return _snapshot("book", [f'{{"symbol":{_text(pair.symbol)},{sides}{proof}{moment}}}'])


def _levels(side: BookSide, spec: PairSpec) -> str:
    price, qty = spec.price_precision, spec.qty_precision
    return ",".join(
        f'{{"price":{from_units(ticks, price)},"qty":{from_units(lots, qty)}}}' for ticks, lots in side.top()
    )


def _numbered(tape: Iterable[Trade]) -> list[Trade]:
    """The newest trades back to where their numbers began again, oldest first."""
    found: list[Trade] = []
    for trade in tape:
        if trade.place is not None or (found and trade.trade_id >= found[-1].trade_id):
            break
        found.append(trade)
    return found[::-1]


def _connected(tape: Iterable[Trade]) -> list[Trade]:
    """The newest trades without one missing, oldest first: a hole would be taken for a loss."""
    found: list[Trade] = []
    for trade in tape:
        if len(found) == RECENT_TRADES or (found and trade.trade_id != found[-1].trade_id - 1):
            break
        found.append(trade)
    return found[::-1]


def _trade(name: str, trade: Trade, spec: PairSpec) -> str:
    return (
        f'{{"symbol":{name},"side":"{trade.side}","price":{from_units(trade.price, spec.price_precision)},'
        f'"qty":{from_units(trade.qty, spec.qty_precision)},"ord_type":{_text(trade.ord_type)},'
        f'"trade_id":{trade.trade_id},"timestamp":{_text(trade.timestamp)}}}'
    )


def _ticker(name: str, ticker: Ticker, spec: PairSpec) -> str:
    prices = ("last", "high", "low", "vwap", "bid", "ask")
    fields = [f'"symbol":{name}']
    fields += [
        f'"{field}":{from_units(value, spec.price_precision)}'
        for field in prices
        if (value := getattr(ticker, field)) is not None
    ]
    if ticker.volume is not None:
        fields.append(f'"volume":{from_units(ticker.volume, spec.qty_precision)}')
    fields += [
        f'"{field}":{value}' for field in ("change", "change_pct") if (value := getattr(ticker, field)) is not None
    ]
    return f"{{{','.join(fields)}}}"


def _candle(name: str, candle: Candle, spec: PairSpec) -> str:
    price, qty = spec.price_precision, spec.qty_precision
    ohlc = ",".join(
        f'"{field}":{from_units(getattr(candle, field), price)}' for field in ("open", "high", "low", "close")
    )
    vwap = ""
    if candle.volume:
        average = _EXACT.divide(Decimal(candle.turnover), Decimal(candle.volume)).scaleb(-price, _EXACT)
        vwap = f'"vwap":{average.quantize(_VWAP_DECIMALS, context=_EXACT):f},'
    return (
        f'{{"symbol":{name},{ohlc},"trades":{candle.trades},"volume":{from_units(candle.volume, qty)},{vwap}'
        f'"interval_begin":"{format_timestamp(candle.begin_s * SECOND, 9)}","interval":{candle.interval}}}'
    )


def _snapshot(channel: str, rows: Iterable[str]) -> bytes:
    return f'{{"channel":"{channel}","type":"snapshot","data":[{",".join(rows)}]}}'.encode()


def _text(value: str) -> str:
    return json.dumps(value)
