"""The ticker channel: 24 hour figures, and the touch as the second witness saw it (PROTOCOL.md section 7.1)."""

from __future__ import annotations

from kraken_tui.errors import WireError
from kraken_tui.feed.channels.channel import Channel, MarketDesk
from kraken_tui.feed.effect import APPLIED, REJECTED, Effect
from kraken_tui.feed.events import TickerChanged
from kraken_tui.feed.pair import TOUCH_TRIGGER, Pair
from kraken_tui.feed.roster import PairOptions, Roster
from kraken_tui.market.convert import ticker_from_wire
from kraken_tui.wire.messages import SubscribeAck, TickerMessage

NAME = "ticker"


def apply(message: TickerMessage, roster: Roster, now: int, wall_ns: int) -> Effect:
    """Apply the figures, and show them to the second witness."""
    snapshot = message.type == "snapshot"
    effect = Effect("empty ticker frame")
    if message.data:
        effect.settle = roster.policy.heard(NAME, message.data[0].symbol)
    for row in message.data:
        if not row.symbol:
            effect.events += roster.complaints.say(wall_ns, "a ticker was left out: it names no pair")
            effect.verdict = REJECTED
            continue
        spec, events = roster.spec_of(row.symbol)
        effect.events += events
        if spec is None:
            effect.verdict = "ticker of an unwanted pair"
            continue
        try:
            ticker = ticker_from_wire(row, spec)
            effect.events.append(TickerChanged(row.symbol, ticker, wall_ns))
            pair = roster.pairs.get(row.symbol)
            if pair is not None:
                effect.events += pair.on_ticker(row, ticker, now, wall_ns, snapshot=snapshot)
                if roster.policy.judges_reports and pair.testifies:
                    effect.events += roster.judge(now, wall_ns)[0]
            effect.verdict = APPLIED
        except WireError as error:
            effect.events += roster.complaints.say(wall_ns, f"{row.symbol}: a ticker was left out: {error}")
            effect.verdict = REJECTED
    return effect


def _subscribe(_pair: Pair | None, _options: PairOptions) -> dict[str, object]:
    return {"event_trigger": TOUCH_TRIGGER, "snapshot": True}


def _granted(pair: Pair, ack: SubscribeAck) -> None:
    pair.granted_ticker(ack.result.get("event_trigger"))


def _on_ticker(event: TickerChanged, desk: MarketDesk) -> None:
    desk.market(event.symbol).on_ticker(event.ticker, event.ns)
    desk.emit(event)


TICKER = Channel(
    name=NAME,
    message=TickerMessage,
    apply=apply,
    subscribe=_subscribe,
    # Without its trigger the unsubscribe of a ticker means `trades`, the default of the channel's documentation.
    repeats=frozenset({"event_trigger"}),
    granted=_granted,
    deliver={TickerChanged: _on_ticker},
)
