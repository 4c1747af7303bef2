"""The status and heartbeat channels, which arrive without a subscription (PROTOCOL.md sections 2.1 and 2.2)."""

from __future__ import annotations

from kraken_tui.feed.channels.channel import Channel, MarketDesk, Scope
from kraken_tui.feed.effect import Effect
from kraken_tui.feed.events import SystemChanged
from kraken_tui.feed.roster import Roster
from kraken_tui.wire.messages import HeartbeatMessage, StatusMessage

SYSTEMS = frozenset({"online", "maintenance", "cancel_only", "post_only"})
"""Documented states of the exchange; all others are shown as "unknown" (PROTOCOL.md section 2.1)."""


def apply(message: StatusMessage, roster: Roster, _now: int, wall_ns: int) -> Effect:
    """Apply the state of the exchange."""
    if not message.data:
        return Effect("empty status frame")
    effect = Effect()
    status = message.data[0]
    system = status.system if status.system in SYSTEMS else "unknown"
    if system != roster.system:
        roster.system = system
        effect.events.append(SystemChanged(wall_ns, system))
        effect.settle = True
    if roster.policy.reconnected(status.connection_id):
        roster.counters.reconnects += 1
        roster.venue.restart()
        for pair in roster.pairs.values():
            effect.events += pair.lost(wall_ns, "the recording reconnected")
    return effect


def _beat(_message: HeartbeatMessage, _roster: Roster, _now: int, _wall_ns: int) -> Effect:
    return Effect()


def _on_system(event: SystemChanged, desk: MarketDesk) -> None:
    for market in desk.markets():
        desk.look_at_venue(market)
    desk.emit(event)


STATUS = Channel(
    name="status", message=StatusMessage, apply=apply, scope=Scope.UNASKED, deliver={SystemChanged: _on_system}
)
HEARTBEAT = Channel(name="heartbeat", message=HeartbeatMessage, apply=_beat, scope=Scope.UNASKED)
