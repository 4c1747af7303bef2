"""Handles acknowledgements, refusals and pongs: subscriptions, what pairs were granted, the clock offset.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from kraken_tui.feed.channels.channel import Channel, Scope
from kraken_tui.feed.effect import APPLIED, Effect, Loss
from kraken_tui.feed.events import FeedEvent, Note, Refused
from kraken_tui.feed.limits import ns
from kraken_tui.feed.pair import Pair
from kraken_tui.feed.proof.stitcher import read_timestamp
from kraken_tui.feed.roster import Roster
from kraken_tui.feed.subscriptions import Subscription, Subscriptions
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.wire.messages import Pong, Refusal, SubscribeAck
from kraken_tui.words import signed

_SKEW_NOTICE_NS = 2 * SECOND


class Answers:
    """Handles the answers of one feed.

    Args:
        channels: The table of channels.
        roster: Pairs and reference data.
        subscriptions: What was asked for.
    """

    def __init__(self, channels: Mapping[str, Channel], roster: Roster, subscriptions: Subscriptions) -> None:
        self._channels = channels
        self._roster = roster
        self._subscriptions = subscriptions
        self._skew_noted = False

    def acknowledged(self, ack: SubscribeAck, now: int, wall_ns: int) -> Effect:
        """Take a granted request."""
        roster = self._roster
        self._tell(ack.time_out, now)
        answer = roster.policy.acknowledged(ack)
        if answer is not None and not answer.matched:
            # It answers an outdated request.
            return Effect(f"late {clean_text(ack.method, 20)} acknowledgement", settle=True)
        effect = Effect(APPLIED, self._grant(ack, wall_ns), settle=True)
        if answer is not None:
            for warning in ack.warnings:
                text = f"{clean_text(ack.channel, 20)}: the exchange remarks: {warning}"
                effect.events += roster.complaints.say(wall_ns, text, "info")
            for known in answer.confirmed:
                effect.events += self._confirmed(known, now, wall_ns)
        return effect

    def _tell(self, time: str | None, now: int) -> None:
        venue_ns = read_timestamp(time)[1]
        if venue_ns is not None:
            self._roster.venue.tell(venue_ns, now)

    def _grant(self, ack: SubscribeAck, wall_ns: int) -> list[FeedEvent]:
        channel = self._channels.get(ack.channel)
        if ack.symbol is None or ack.method != "subscribe" or channel is None or channel.granted is None:
            return []
        pair = self._roster.pairs.get(ack.symbol)
        if pair is not None:
            channel.granted(pair, ack)
            return []
        grant = partial(_grant_later, channel.granted, ack)
        return self._roster.policy.granted_early(ack.symbol, ack.channel, grant, wall_ns)

    def _confirmed(self, known: Subscription, now: int, wall_ns: int) -> list[FeedEvent]:
        channel, roster = self._channels[known.channel], self._roster
        if channel.confirmed is None:
            return []
        due = None if channel.snapshot_s is None else now + ns(channel.snapshot_s(roster.limits))
        return channel.confirmed(roster, roster.pairs.get(known.symbol or ""), due, now, wall_ns)

    def refused(self, refusal: Refusal, now: int, wall_ns: int) -> Effect:
        """Take a refused request."""
        roster = self._roster
        answer = roster.policy.refused(refusal, now)
        if answer is None:
            return Effect("refusal", settle=True)
        effect = Effect(settle=True)
        if answer.slower:
            text = f"the exchange asks for fewer requests: {refusal.error}"
            effect.events.append(Note(wall_ns, "warning", clean_text(text)))
        for known in answer.refused:
            if known.symbol is None:
                effect.events.append(Refused(wall_ns, "", known.channel, refusal.error))
                cause = f"the exchange refused the {known.channel} list: {refusal.error}"
                effect.loss = Loss(cause, roster.limits.slow_retry_s)
            else:
                effect.events += self._refuse(known.symbol, known.channel, refusal.error, wall_ns)
        if not (answer.matched or answer.slower):
            effect.verdict = "refusal of nothing that was asked"
            effect.events += roster.complaints.say(wall_ns, f"the exchange says: {refusal.error}")
        return effect

    def _refuse(self, symbol: str, channel: str, error: str, wall_ns: int) -> list[FeedEvent]:
        roster = self._roster
        whole_pair = "currency pair" in error.lower()
        pair = roster.pairs.get(symbol)
        events: list[FeedEvent] = []
        for name, row in self._channels.items():
            if row.scope is not Scope.PAIR or not (whole_pair or name == channel):
                continue
            if whole_pair:
                self._subscriptions.refuse(name, symbol)
            if pair is not None and row.refused is not None:
                events += row.refused(pair, wall_ns, error)
        similar = roster.symbols.nearest(symbol, 4) if whole_pair else ()
        nearest = tuple(other for other in similar if other != symbol)[:3]
        return [*events, Refused(wall_ns, symbol, "" if whole_pair else channel, error, nearest)]

    def ponged(self, pong: Pong, now: int, wall_ns: int) -> Effect:
        """Take the answer to a ping, which measures the clock offset."""
        latency = self._roster.latency
        effect = Effect()
        self._tell(pong.time_out, now)
        if latency.ponged(pong, now, wall_ns):
            self._roster.venue.ponged()
            # While no book moves, only this shows that the line is late.
            effect.lag_ns = latency.lag_ns
            skew = latency.wall_offset_ns or 0
            if (abs(skew) > _SKEW_NOTICE_NS) is not self._skew_noted:
                self._skew_noted = not self._skew_noted
                text = f"this computer's clock is {signed(skew / SECOND, 1)} s off the exchange's; ages are corrected"
                text = text if self._skew_noted else "the clocks agree again"
                effect.events.append(Note(wall_ns, "warning", text))
        return effect


def _grant_later(granted: Callable[[Pair, SubscribeAck], None], ack: SubscribeAck, pair: Pair) -> None:
    granted(pair, ack)
