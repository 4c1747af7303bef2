"""The instrument channel: reference data of all pairs (PROTOCOL.md section 6)."""

from __future__ import annotations

from kraken_tui.errors import WireError
from kraken_tui.feed.channels.channel import Channel, MarketDesk, Scope
from kraken_tui.feed.effect import Effect
from kraken_tui.feed.events import FeedEvent, InstrumentsKnown, SpecChanged
from kraken_tui.feed.pair import Pair
from kraken_tui.feed.roster import PairOptions, Roster
from kraken_tui.text import clean_text
from kraken_tui.wire.messages import InstrumentMessage
from kraken_tui.wire.symbols import PairSpec

NAME = "instrument"


def apply(message: InstrumentMessage, roster: Roster, now: int, wall_ns: int) -> Effect:
    """Apply the whole list or a change. Precisions may change (PROTOCOL.md section 4.5)."""
    snapshot = message.type == "snapshot"
    effect = Effect(settle=True, resolve=True)
    if snapshot:
        roster.new_list()
    for asset in message.data.assets:
        # Only tokenised ones have a multiplier.
        if asset.multiplier is not None and len(roster.tokenised) < roster.limits.most_pairs:
            roster.tokenised.add(asset.id)
    for data in message.data.pairs:
        try:
            spec = PairSpec.from_wire(data, tokenised=data.base in roster.tokenised)
        except WireError as error:
            text = f"{clean_text(data.symbol, 40)}: reference data left out: {error}"
            effect.events += roster.complaints.say(wall_ns, text)
            continue
        if not roster.has_room(spec.symbol):
            effect.events += roster.full(wall_ns)
            continue
        roster.symbols.add(spec.symbol)
        before = roster.specs.get(spec.symbol)
        roster.specs[spec.symbol] = spec
        pair = roster.pairs.get(spec.symbol)
        if pair is not None and spec != before:
            effect.events += pair.set_spec(spec, now, wall_ns)
    if snapshot:
        effect.events.append(InstrumentsKnown(len(roster.symbols)))
        roster.policy.heard(NAME, None)
        roster.policy.listed(roster.instruments)
    return effect


def _subscribe(_pair: Pair | None, _options: PairOptions) -> dict[str, object]:
    # Tokenised assets (xStocks) are listed only where that is asked for.
    return {"snapshot": True, "include_tokenized_assets": True}


def _confirmed(roster: Roster, _pair: Pair | None, due: int | None, _now: int, _wall_ns: int) -> list[FeedEvent]:
    if due is not None:
        roster.instruments.granted(due)
    return []


def _on_spec(event: SpecChanged, desk: MarketDesk) -> None:
    market = desk.market(event.spec.symbol)
    market.truth = desk.pair(event.spec.symbol)
    market.set_spec(event.spec)
    if event.spec.tokenised:
        desk.note("info", f"{event.spec.symbol}: a tokenised asset, not the share or fund itself")
    desk.look_at_venue(market)
    desk.want_history(market)
    desk.emit(event)


def _on_known(_event: InstrumentsKnown, _desk: MarketDesk) -> None:
    """Nothing to do: the session itself resolves names."""


INSTRUMENT = Channel(
    name=NAME,
    message=InstrumentMessage,
    apply=apply,
    scope=Scope.FEED,
    subscribe=_subscribe,
    snapshot_s=lambda limits: limits.snapshot_s,
    confirmed=_confirmed,
    deliver={SpecChanged: _on_spec, InstrumentsKnown: _on_known},
)
