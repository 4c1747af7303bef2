"""The book channel: levels and their proof (PROTOCOL.md section 4)."""

from __future__ import annotations

from kraken_tui.errors import InvalidNumber
from kraken_tui.feed.channels.channel import Channel, MarketDesk
from kraken_tui.feed.effect import APPLIED, REJECTED, Effect
from kraken_tui.feed.events import Audited, BookLine, BookStateChanged, FeedEvent, Resync
from kraken_tui.feed.pair import EARLY, Pair
from kraken_tui.feed.proof.assumed_spec import infer_depth, infer_spec
from kraken_tui.feed.roster import PairOptions, Roster
from kraken_tui.market.events import BookChanged, BookState
from kraken_tui.settings import DEPTHS
from kraken_tui.text import clean_text
from kraken_tui.wire.messages import BookData, BookMessage, SubscribeAck
from kraken_tui.wire.symbols import is_clean

NAME = "book"
_FEW = 100
"""Levels that are within any bound; asked first, for it is asked of every message."""

_UNWANTED = "book of an unwanted pair"


def apply(message: BookMessage, roster: Roster, now: int, wall_ns: int) -> Effect:
    """Apply a book frame, pair by pair."""
    rows = message.data
    if len(rows) == 1:
        return _one(message.type, rows[0], roster, now, wall_ns)
    effect = Effect("empty book frame")
    for data in rows:
        effect.add(_one(message.type, data, roster, now, wall_ns))
    return effect


def _one(kind: str, data: BookData, roster: Roster, now: int, wall_ns: int) -> Effect:
    symbol = data.symbol
    pair = roster.pairs.get(symbol)
    met: list[FeedEvent] = []
    if pair is None:
        pair, met, verdict = _meet(kind, data, roster, wall_ns)
        if pair is None:
            return Effect(verdict, met)
    leaving = not roster.policy.expects(NAME, symbol)
    if len(data.bids) + len(data.asks) > _FEW and not leaving and _is_excessive(data, pair.depth, roster):
        effect = _too_many(pair, data, roster, now, wall_ns)
        effect.events = [*met, *effect.events]
        return effect
    confirmed = kind == "snapshot" and roster.policy.heard(NAME, symbol)
    effect = pair.on_book(kind, data, now, wall_ns, leaving=leaving)
    if effect.verdict == APPLIED:
        changed = effect.events[-1]
        assert type(changed) is BookChanged
        venue_ns = changed.venue_ns
        if venue_ns is not None:
            # `VenueTime.tell` written out, for every message comes by here.
            roster.venue.behind.append(now - venue_ns)
        if kind == "snapshot":
            effect.lag_ns = roster.bound(pair.take_granted_ns(), now, wall_ns)
        elif venue_ns is not None:
            effect.lag_ns = roster.measure(venue_ns, now, wall_ns)
    elif effect.verdict == EARLY:
        roster.counters.deltas_ignored += 1
    if confirmed:
        effect.settle = True
    if met:
        effect.events = [*met, *effect.events]
    return effect


def _is_excessive(data: BookData, depth: int, roster: Roster) -> bool:
    return len(data.bids) + len(data.asks) > roster.limits.most_levels(depth)


def _too_many(pair: Pair, data: BookData, roster: Roster, now: int, wall_ns: int) -> Effect:
    """Leave out a message that no book of this depth can need: it is an error, or meant to take all our time."""
    entries = len(data.bids) + len(data.asks)
    text = f"{pair.symbol}: a book message of {entries:,} levels at depth {pair.depth}"
    effect = roster.policy.excessive(text, wall_ns)
    if not roster.policy.asks:
        effect.events += pair.stitcher.unusable(now, wall_ns, "bad number", "a message of too many levels")
    return effect


def _meet(kind: str, data: BookData, roster: Roster, wall_ns: int) -> tuple[Pair | None, list[FeedEvent], str]:
    """Keep a pair whose book a recording shows for the first time: (pair, events, verdict if the pair is None)."""
    admitted, events = roster.policy.admits(data.symbol, roster.pairs)
    if not admitted:
        return None, events, _UNWANTED
    if _is_excessive(data, DEPTHS[-1], roster):
        text = f"left out: {clean_text(data.symbol, 40)}: a book message of too many levels"
        return None, [*events, *roster.complaints.say(wall_ns, text)], REJECTED
    if kind == "snapshot" and is_clean(data.symbol):
        if not roster.has_room(data.symbol):
            return None, [*events, *roster.full(wall_ns)], _UNWANTED
        try:
            if data.symbol not in roster.specs:
                roster.specs[data.symbol] = infer_spec(data)
        except InvalidNumber as error:
            events += roster.complaints.say(wall_ns, f"{clean_text(data.symbol, 40)}: {error}")
        else:
            pair, kept = roster.keep(data.symbol, wall_ns, depth=infer_depth(data))
            return pair, [*events, *kept], APPLIED
    roster.counters.deltas_ignored += 1
    text = f"{clean_text(data.symbol, 40)}: the recording begins within its book, which is unknown until a snapshot"
    return None, [*events, *roster.complaints.say(wall_ns, text)], EARLY


def _subscribe(pair: Pair | None, options: PairOptions) -> dict[str, object]:
    return {"depth": options.depth if pair is None else pair.wants_depth, "snapshot": True}


def _granted(pair: Pair, ack: SubscribeAck) -> None:
    pair.granted_book(ack.result.get("depth"), ack.time_out)


def _confirmed(_roster: Roster, pair: Pair | None, due: int | None, _now: int, wall_ns: int) -> list[FeedEvent]:
    return [] if pair is None or due is None else pair.stitcher.acked(due, wall_ns)


def _refused(pair: Pair, wall_ns: int, error: str) -> list[FeedEvent]:
    return pair.stitcher.refused(wall_ns, error)


# -- on the way to listeners --------------------------------------------------------------------------------------


def _on_changed(event: BookChanged, desk: MarketDesk) -> None:
    market = desk.market(event.symbol)
    market.on_book(event)
    levels = desk.book_levels
    pair = desk.pair(event.symbol) if levels else None
    if pair is not None:
        book = pair.stitcher.book
        desk.emit(BookLine(event, book.bids.top(levels), book.asks.top(levels), book.spec, book.depth, levels))
    desk.emit_derived(market)


def _on_state(event: BookStateChanged, desk: MarketDesk) -> None:
    desk.market(event.symbol).on_truth()
    desk.report_problem(event.symbol, "" if event.state is BookState.LIVE else event.reason)
    desk.emit(event)


def _on_audited(event: Audited, desk: MarketDesk) -> None:
    desk.market(event.symbol).on_truth()
    desk.emit(event)


def _on_resync(event: Resync, desk: MarketDesk) -> None:
    sums = "" if event.expected is None else f": expected {event.expected}, computed {event.actual}"
    desk.note("warning", f"{event.symbol}: resync ({event.cause}){sums}")
    desk.emit(event)


BOOK = Channel(
    name=NAME,
    message=BookMessage,
    apply=apply,
    always=True,
    subscribe=_subscribe,
    repeats=frozenset({"depth"}),
    snapshot_s=lambda limits: limits.snapshot_s,
    granted=_granted,
    confirmed=_confirmed,
    refused=_refused,
    deliver={BookChanged: _on_changed, BookStateChanged: _on_state, Audited: _on_audited, Resync: _on_resync},
)
