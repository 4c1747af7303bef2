"""The trade channel (PROTOCOL.md section 7.2)."""

from __future__ import annotations

from itertools import groupby

from msgspec.structs import replace

from kraken_tui.errors import WireError
from kraken_tui.feed.channels.channel import Channel, MarketDesk
from kraken_tui.feed.effect import APPLIED, REJECTED, Effect
from kraken_tui.feed.events import FeedEvent, Trades
from kraken_tui.feed.pair import Pair
from kraken_tui.feed.roster import PairOptions, Roster
from kraken_tui.market.convert import is_finer, trade_from_wire
from kraken_tui.market.events import Trade
from kraken_tui.text import clean_text
from kraken_tui.wire.messages import TradeMessage

NAME = "trade"


def apply(message: TradeMessage, roster: Roster, now: int, wall_ns: int) -> Effect:
    """Apply trades; each is reported once, however often it is delivered."""
    snapshot = message.type == "snapshot"
    effect = Effect("empty trade frame")
    if message.data:
        effect.settle = roster.policy.heard(NAME, message.data[0].symbol)
    for symbol, rows in groupby(message.data, key=lambda row: row.symbol):
        pair = roster.pairs.get(symbol)
        if not symbol:
            effect.events += roster.complaints.say(wall_ns, "a trade was left out: it names no pair")
            effect.verdict = REJECTED
            continue
        if pair is None:
            effect.verdict = "trade of an unwanted pair"
            continue
        trades: list[Trade] = []
        effect.verdict = APPLIED
        for row in rows:
            try:
                trade = trade_from_wire(row, pair.spec, live=not snapshot)
                if roster.venue.beyond(trade.venue_ns, now, wall_ns):
                    trade, said = _dated_now(trade, roster, now, wall_ns)
                    effect.events += said
                trades.append(trade)
                if is_finer(row.price, pair.spec.price_precision) or is_finer(row.qty, pair.spec.qty_precision):
                    text = f"{symbol}: trades with more decimals than the pair has were rounded to its own"
                    effect.events += roster.complaints.say(wall_ns, text, "info")
            except WireError as error:
                named = "" if row.trade_id is None else f", number {clean_text(row.trade_id, 20)}"
                text = f"{symbol}: a trade was left out{named}: {error}"
                effect.events += roster.complaints.say(wall_ns, text, kind=f"{symbol}: a trade: {error}")
                effect.verdict = REJECTED
        begun = pair.trades.newest is not None
        # After a reconnect the snapshot of the last trades closes the gap, as far as it reaches.
        admitted = pair.trades.admit(trades)
        for kind, text in admitted.remarks:
            effect.events += roster.complaints.say(wall_ns, f"{symbol}: {text}", kind=f"{symbol}: {kind}")
        new = admitted.new
        if not new:
            continue
        if begun and not snapshot:
            roster.measure(new[-1].venue_ns, now, wall_ns)
        effect.events.append(Trades(symbol, new, snapshot, wall_ns))
    return effect


def _dated_now(trade: Trade, roster: Roster, now: int, wall_ns: int) -> tuple[Trade, list[FeedEvent]]:
    """A trade of a time that cannot be is one of now: its own text stays, nothing is drawn from it."""
    roster.counters.times_ahead += 1
    text = f"{trade.symbol}: a trade is dated {clean_text(trade.timestamp, 40)}, which the exchange has not reached"
    said = roster.complaints.say(wall_ns, text, kind=f"{trade.symbol}: dated ahead")
    return replace(trade, venue_ns=roster.venue.now_ns(now, wall_ns)), [*said]


def _subscribe(_pair: Pair | None, _options: PairOptions) -> dict[str, object]:
    return {"snapshot": True}


def _on_trades(event: Trades, desk: MarketDesk) -> None:
    market = desk.market(event.symbol)
    for trade in market.on_trades(list(event.trades), event.ns):
        desk.emit(trade)
    desk.emit_derived(market)


TRADE = Channel(name=NAME, message=TradeMessage, apply=apply, subscribe=_subscribe, deliver={Trades: _on_trades})
