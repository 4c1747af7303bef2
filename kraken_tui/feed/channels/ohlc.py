"""The ohlc channel: candles (PROTOCOL.md section 7.3)."""

from __future__ import annotations

from itertools import groupby

from kraken_tui.errors import InvalidMessage, WireError
from kraken_tui.feed.channels.channel import Channel, MarketDesk
from kraken_tui.feed.effect import APPLIED, REJECTED, Effect
from kraken_tui.feed.events import Candles
from kraken_tui.feed.pair import Pair
from kraken_tui.feed.roster import PairOptions, Roster
from kraken_tui.market.convert import candle_from_wire, is_finer
from kraken_tui.market.events import Candle
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.wire.messages import OhlcMessage

NAME = "ohlc"


def apply(message: OhlcMessage, roster: Roster, now: int, wall_ns: int) -> Effect:
    """Apply candles of the wanted interval."""
    policy = roster.policy
    effect = Effect("empty ohlc frame")
    for row in message.data[:1]:
        # Candles of an earlier interval prove nothing about the one asked for now.
        if row.interval == _interval(roster, row.symbol):
            effect.settle = policy.heard(NAME, row.symbol)
    for (symbol, interval), rows in groupby(message.data, key=lambda row: (row.symbol, row.interval)):
        if not symbol:
            effect.events += roster.complaints.say(wall_ns, "a candle was left out: it names no pair")
            effect.verdict = REJECTED
            continue
        spec, events = roster.spec_of(symbol)
        effect.events += events
        if spec is None:
            effect.verdict = "ohlc of an unwanted pair"
            continue
        if type(interval) is int and not policy.takes_interval(interval, _interval(roster, symbol)):
            effect.verdict = "ohlc of another interval"
            continue
        candles: list[Candle] = []
        effect.verdict = APPLIED
        for row in rows:
            try:
                candle = candle_from_wire(row, spec)
                if roster.venue.beyond(candle.begin_s * SECOND, now, wall_ns):
                    roster.counters.times_ahead += 1
                    raise InvalidMessage("of a time that the exchange has not reached")
                candles.append(candle)
                if any(is_finer(price, spec.price_precision) for price in (row.open, row.high, row.low, row.close)):
                    text = f"{symbol}: candles with more decimals than the pair has were rounded to its own"
                    effect.events += roster.complaints.say(wall_ns, text, "info")
            except WireError as error:
                named = "" if row.interval_begin is None else f", from {clean_text(row.interval_begin, 40)}"
                text = f"{symbol}: a candle was left out{named}: {error}"
                effect.events += roster.complaints.say(wall_ns, text, kind=f"{symbol}: a candle: {error}")
                effect.verdict = REJECTED
        if candles:
            effect.events.append(Candles(symbol, interval, tuple(candles), message.type == "snapshot"))
    return effect


def _interval(roster: Roster, symbol: str) -> int | None:
    pair = roster.pairs.get(symbol)
    return None if pair is None else pair.interval


def _subscribe(pair: Pair | None, options: PairOptions) -> dict[str, object]:
    return {"interval": options.interval if pair is None else pair.interval, "snapshot": True}


def _on_candles(event: Candles, desk: MarketDesk) -> None:
    market = desk.market(event.symbol)
    market.on_ohlc(event.interval, event.candles, event.snapshot)
    if event.snapshot:
        desk.want_history(market)


OHLC = Channel(
    name=NAME,
    message=OhlcMessage,
    apply=apply,
    subscribe=_subscribe,
    repeats=frozenset({"interval"}),
    deliver={Candles: _on_candles},
)
