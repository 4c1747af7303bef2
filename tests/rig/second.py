"""The audit's second connection on the virtual clock: what `feed.connection.audit_socket` does, without sockets."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from tests.rig.network import MS, SECOND, Link, Weather

if TYPE_CHECKING:
    from tests.rig.world import World

_BANS = (403, 429)


class SecondLine:
    """Dials when the client wants an audit, asks, hands over the answers and hangs up.

    It goes through the same network, whose delays and silences it shares; what is done to single book messages is done
    to the live connection alone.

    Attributes:
        asked: For each book the number of its last message on the live connection when the second snapshot was made.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._link: Link | None = None
        self._answer_at: int | None = None
        self._end_at = 0
        self._weather = Weather(Random(f"{world.seed}/second"))
        self.asked: dict[str, int] = {}

    def next_due(self) -> int | None:
        """When something happens on it next, simulated ns; None for never."""
        if not self._world.client.auditor.running or not self._end_at:
            return None
        times = [self._end_at]
        if self._answer_at is not None:
            times.append(self._answer_at)
        if self._link is not None and (due := self._link.next_due()) is not None:
            times.append(due)
        return min(times)

    def drop(self) -> None:
        """The client is gone, and its connection with it."""
        if self._link is not None:
            self._world.venue.disconnect(self._link.peer)
        self._link = self._answer_at = None
        self._end_at = 0

    def turn(self) -> None:
        """Do what is due."""
        world = self._world
        if self._end_at:
            self._go_on()
        elif world.client.wants_audit(world.mono):
            world.oracle.dialled(world.now)
            world.client.auditor.begin(world.mono)
            limits = world.client.limits
            self._end_at = world.now + round(limits.audit_limit_s * SECOND)
            self._answer_at = None if world.door.kind == "mute" else world.now + round(2 * self._delay_ms() * MS)

    def _delay_ms(self) -> float:
        return self._world.weather.latency_ms

    def _go_on(self) -> None:
        world = self._world
        if world.now >= self._end_at:
            self._end("no answer in time")
        elif self._answer_at is not None and world.now >= self._answer_at:
            self._answer_at = None
            self._opened()
        elif self._link is not None:
            self._talk(self._link)

    def _opened(self) -> None:
        world, door = self._world, self._world.door
        if door.kind == "http":
            banned = door.status in _BANS
            self._end(f"the exchange answered HTTP {door.status}", banned=banned, retry_after_s=door.retry_after_s)
        elif door.kind != "open":
            self._end("the connection broke off")
        else:
            self._link = Link(world.venue.connect(), self._weather)
            for text in world.client.auditor.opened():
                self._link.to_venue(text, world.now)

    def _talk(self, link: Link) -> None:
        world = self._world
        self._weather.latency_ms, self._weather.jitter_ms = world.weather.latency_ms, world.weather.jitter_ms
        self._weather.mute, self._weather.deaf = world.weather.mute or world.venue.faults.muted, world.weather.deaf
        while (request := link.arrived_up(world.now)) is not None:
            for frame in link.peer.on_message(request):
                self._note(frame)
                link.to_client(frame, world.now)
        auditor = world.client.auditor
        while (packet := link.arrived_down(world.now)) is not None:
            auditor.frame(packet.frame, world.mono)
        if not auditor.asking:
            self._end()

    def _note(self, frame: str | bytes) -> None:
        live = self._world.link
        if live is not None and str(frame).startswith('{"channel":"book"'):
            self.asked.update(live.true.serials)

    def _end(self, cause: str = "", *, banned: bool = False, retry_after_s: float | None = None) -> None:
        world = self._world
        self.drop()
        world.client.audit_ended(world.mono, world.wall, cause, banned=banned, retry_after_s=retry_after_s)
        # The shell wakes the session after every answer.
        world.tick()
