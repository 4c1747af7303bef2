"""The client, the local exchange and the network between them on one virtual clock.

Nothing here waits: a simulated day of heartbeats takes seconds. The same seed and the same calls give the same run.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from kraken_tui.engine.desk import Desk
from kraken_tui.exchange import PAIRS, PairSpec, Venue
from kraken_tui.exchange.history import History
from kraken_tui.exchange.records import Candle, Trade
from kraken_tui.feed.connection.table import State
from kraken_tui.feed.events import StateChanged
from kraken_tui.feed.limits import Limits
from kraken_tui.feed.session import Session
from kraken_tui.market.events import BookState, Proof
from kraken_tui.market.views import PairView
from kraken_tui.settings import Settings
from tests.rig.clock import CLIENT_START, MS, SECOND, VENUE_START
from tests.rig.network import Link, Packet, Weather
from tests.rig.oracle import Oracle
from tests.rig.second import SecondLine

LIVENESS_S = 90
"""Simulated seconds after the end of all faults, and of every wait announced by then, until all must be well."""

_UP = (State.SUBSCRIBING, State.SUBSCRIBED, State.RESYNCING, State.DEGRADED)


class BriefHistory(History):
    """A past of a few trades instead of months: quick to make, and the tests here do not read it."""

    def _past_trades(self, now_ns: int, ticks: int, next_id: int) -> list[Trade]:
        return [
            Trade(next_id - at, now_ns // 1000 * 1000 - at * SECOND, "buy" if at % 2 else "sell", ticks, 1000, "limit")
            for at in range(20, 0, -1)
        ]

    def _draw_back(self, interval: int, before_s: int, floor_s: int, close: int) -> list[Candle]:
        return [Candle(before_s - interval * 60, close, close, close, close, 1000, 1000 * close, 1)]


def shorten_histories(venue: Venue, seed: int) -> None:
    """Give every market a `BriefHistory`."""
    for symbol in venue.specs:
        market = venue.market(symbol)
        sim = market.simulator
        market._history = BriefHistory(market.spec, seed, sim.now_ns, sim.touch[0], sim.next_trade_id)


def thin(symbol: str, events_per_s: float = 2.0, levels: int = 40, like: str = "BTC/USD", **other: Any) -> PairSpec:
    """A quiet pair with a small book, so that a simulated minute costs milliseconds."""
    trades = events_per_s / 8
    return replace(PAIRS[like], symbol=symbol, events_per_s=events_per_s, trades_per_s=trades, levels=levels, **other)


def many(count: int, events_per_s: float = 2.0, levels: int = 40) -> list[PairSpec]:
    """Made-up pairs: P00/USD, P01/USD, ... with precisions of different real ones."""
    models = ("BTC/USD", "ETH/USD", "XRP/USD", "PEPE/USD", "DOGE/USD")
    return [thin(f"P{at:02d}/USD", events_per_s, levels, models[at % len(models)]) for at in range(count)]


@dataclass(frozen=True, slots=True)
class Door:
    """What happens to a dial.

    Attributes:
        kind: "open", "closed" (nothing listens), "mute" (no answer), "http" (refused by status) or "slam" (accepted
            and closed at once).
        status, retry_after_s: For "http".
        code: Close code for "slam"; 1006 is a cut without a closing frame.
    """

    kind: str = "open"
    status: int = 503
    retry_after_s: float | None = None
    code: int = 1013


OPEN = Door()


class World:
    """One client at one exchange.

    Args:
        pairs: What is on offer, and wanted unless `wants` says otherwise.
        seed: Decides everything.
        depth: Levels a side.
        wants: Names the user gives.
        limits: The client's limits, to make them smaller.
        screen: Also keep what the screen would show (`shown`).
        poll_ms: How often the exchange is asked for frames.
        start_ns: The exchange's time at the beginning, ns since the epoch.
        audits: Whether the client may open its second connection.

    Attributes:
        on_frame: Takes every frame the client receives ("rx") and sends ("tx"), with its wall clock.
    """

    def __init__(
        self,
        pairs: Iterable[PairSpec | str] | None = None,
        *,
        seed: int = 1,
        depth: int = 10,
        wants: Iterable[str] | None = None,
        limits: Limits | None = None,
        screen: bool = False,
        poll_ms: float = 100.0,
        start_ns: int = VENUE_START,
        audits: bool = False,
        profile: str = "lively",
    ) -> None:
        self.seed = seed
        self.rng = Random(seed)
        self.now = 0
        self.start_ns = start_ns
        self.wall_shift = 0
        self.cooldown_until = 0
        chosen = list(pairs) if pairs is not None else [thin("BTC/USD"), thin("ETH/USD", like="ETH/USD")]
        self.venue = Venue(seed, chosen, clock=lambda: self.start_ns + self.now, profile=profile)
        shorten_histories(self.venue, seed)
        self.weather = Weather(Random(f"{seed}/weather"))
        self.door = OPEN
        self.link: Link | None = None
        self.depth = depth
        self.names = list(wants) if wants is not None else list(self.venue.specs)
        self._limits = limits
        self._poll = round(poll_ms * MS)
        self._poll_at = 0
        self._tick_at = 0
        self._awake_since = 0
        self._dial: tuple[int | None, Door] | None = None
        self.dials: list[int] = []
        self.sent: list[tuple[int, str]] = []
        self.events: list[tuple[int, object]] = []
        self.lag_errors: list[int] = []
        self.newest_sent: dict[str, int] = {}
        self.oracle = Oracle(self)
        self.second = SecondLine(self)
        self._audits = audits
        self.screen: Desk | None = None
        self._with_screen = screen
        self.notes: list[str] = []
        self.on_frame: Callable[[bytes, int, str], None] | None = None
        self.start_client()

    def start_client(self, saved: object = None) -> None:
        """A new client process; `saved` is the dial budget of the one before (`budget`)."""
        self._drop_link()
        self.second.drop()
        self._dial = None
        self.client = Session(self._limits, depth=self.depth, rng=Random(f"{self.seed}/client"))
        for name in self.names:
            self.client.want(name)
        if saved is not None:
            self.client.restore_dials(saved, self.mono, self.wall)
        if self._with_screen:
            settings = Settings(pairs=tuple(self.names), depth=self.depth)
            self.screen = Desk(self.client, settings, lambda _: None, lambda _, text: self.notes.append(text))
        self._tick_at = self.now

    @property
    def budget(self) -> object:
        """What the client keeps over a restart."""
        return self.client.dialler.budget.state(self.mono, self.wall)

    # -- clocks -------------------------------------------------------------------------------------------------

    @property
    def mono(self) -> int:
        """The client's monotonic clock, ns."""
        return CLIENT_START + self.now

    @property
    def wall(self) -> int:
        """The client's wall clock, ns; the exchange's plus `wall_shift`."""
        return self.start_ns + self.now + self.wall_shift

    @property
    def awake_for(self) -> int:
        """Since the program last stood still, ns."""
        return self.now - self._awake_since

    # -- time ---------------------------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + round(seconds * SECOND)
        while self.now < end:
            self.now = min(end, max(self._next_event(), self.now + MS // 10))
            self._turn()

    def _next_event(self) -> int:
        times = [self._tick_at]
        if self.link is not None:
            times.append(self._poll_at)
            due = self.link.next_due()
            if due is not None:
                times.append(due)
        if self._dial is not None and self._dial[0] is not None:
            times.append(self._dial[0])
        if (due := self.second.next_due()) is not None:
            times.append(due)
        return min(times)

    def _turn(self) -> None:
        self._venue_talks()
        self._answer_dial()
        self._deliver()
        if self.now >= self._tick_at:
            self.tick()
        if self._audits:
            self.second.turn()

    def tick(self) -> None:
        """Let the client look at its clock, and do what it wants."""
        self.client.tick(self.mono, self.wall)
        self._pump()
        if self.client.wants_dial(self.mono):
            self._begin_dial()
        self._tick_at = self.client.next_wakeup(self.mono) - CLIENT_START
        self.oracle.look(rests=self._tick_at > self.now or self.client.wants_attention)

    def stand_still(self, seconds: float, *, frames_first: bool = True, told: bool = False) -> None:
        """The computer sleeps, or the program is stopped: the exchange goes on, and the client reads nothing.

        Args:
            seconds: How long.
            frames_first: Whether, on waking, the frames that wait are read before the clock is looked at.
            told: Whether the system's clocks tell that it was a sleep, as they do on Linux.
        """
        end = self.now + round(seconds * SECOND)
        while self.now < end:
            self.now = min(end, max(self.now + self._poll, end - 100 * SECOND))
            self._venue_talks()
        self._awake_since = self.now
        if told:
            self.client.slept(round(seconds * SECOND), self.mono, self.wall)
            self._pump()
        if not frames_first:
            self.tick()
        self._deliver()
        self.tick()

    def _venue_talks(self) -> None:
        link = self.link
        if link is None or self.now < self._poll_at:
            return
        self._poll_at = self.now + self._poll
        while (request := link.arrived_up(self.now)) is not None:
            self._to_client(link.peer.on_message(request))
        self._to_client(link.peer.advance(self.start_ns + self.now))
        if self.venue.faults.muted:
            # What it keeps to itself is lost as surely as on the way.
            link.touched |= set(self.venue.specs)
        if link.peer.closing is not None and link.closing is None:
            link.close(*link.peer.closing, self.now)

    def _to_client(self, frames: Iterable[str | bytes]) -> None:
        assert self.link is not None
        for frame in frames:
            self.link.to_client(frame, self.now)

    def _deliver(self) -> None:
        while (link := self.link) is not None:
            request = link.arrived_up(self.now)
            if request is not None:
                self._to_client(link.peer.on_message(request))
            packet = link.arrived_down(self.now)
            if packet is not None:
                self.receive(packet)
            elif request is None:
                break
        if link is not None and link.closing is not None and link.closing[0] <= self.now and not link.waiting:
            _, code, reason = link.closing
            self._drop_link()
            text = "the connection broke off" if code == 1006 else f"closed by the server: {code} {reason}".rstrip()
            self.client.disconnected(text, self.mono, self.wall, close_code=code)
            self._pump()

    def receive(self, packet: Packet) -> None:
        """Hand one frame to the client, under the oracle's eyes."""
        self.oracle.before_frame(packet)
        self._tell_frame(packet.frame, "rx")
        self.client.frame(packet.frame, self.mono, self.wall)
        self._take_events()
        self.oracle.after_frame(packet)
        if packet.truth is not None:
            self.newest_sent[packet.truth.symbol] = packet.sent
        lag = self.client.latency.lag_ns
        if packet.truth is not None and packet.truth.kind == "update" and lag is not None and not packet.forged:
            self.lag_errors.append(lag - (self.now - packet.sent))
        if self.client.wants_attention:
            self._pump()

    def _pump(self) -> None:
        if self.client.wants_close() is not None:
            self._drop_link()
            self._dial = None
        for text in self.client.take_sends():
            self.sent.append((self.now, text))
            if self.link is not None:
                self._tell_frame(text, "tx")
                self.link.to_venue(text, self.now)
        self._take_events()

    def _tell_frame(self, frame: str | bytes, direction: str) -> None:
        """For a recorder, as the real connection does it."""
        if self.on_frame is not None:
            self.on_frame(frame.encode() if isinstance(frame, str) else frame, self.wall, direction)

    def _take_events(self) -> None:
        for event in self.client.take_events():
            self.events.append((self.now, event))
            self.oracle.event(event)
            if isinstance(event, StateChanged) and event.state == State.COOLDOWN.value:
                self.cooldown_until = self.now + round((event.retry_in_s or 0) * SECOND) - SECOND // 100
            if self.screen is not None:
                self.screen.handle(event)

    # -- dials --------------------------------------------------------------------------------------------------

    def _begin_dial(self) -> None:
        self.dials.append(self.now)
        self.oracle.dialled(self.now)
        self.client.dialling(self.mono, self.wall)
        self._take_events()
        wait = None if self.door.kind == "mute" else self.now + 2 * round(self.weather.latency_ms * MS)
        self._dial = (wait, self.door)

    def _answer_dial(self) -> None:
        if self._dial is None or self._dial[0] is None or self._dial[0] > self.now:
            return
        (_, door), self._dial = self._dial, None
        if door.kind in ("open", "slam"):
            self.link = Link(self.venue.connect(), self.weather)
            self._poll_at = self.now
            self.client.opened(self.mono, self.wall)
            self._pump()
            if door.kind == "slam" and self.link is not None:
                self.link.close(door.code, "", self.now)
        elif door.kind == "closed":
            self.client.disconnected("the exchange refused the connection", self.mono, self.wall)
        else:
            self.client.disconnected(
                f"the exchange answered HTTP {door.status}",
                self.mono,
                self.wall,
                http_status=door.status,
                retry_after_s=door.retry_after_s,
            )
        self._take_events()
        self._tick_at = self.now

    def _drop_link(self) -> None:
        if self.link is not None:
            self.venue.disconnect(self.link.peer)
            self.link = None
            self.weather.forget()

    def hang_up(self, code: int = 1001, reason: str = "going away") -> None:
        """The exchange closes the connection that stands."""
        if self.link is not None and self.link.closing is None:
            self.link.close(code, reason, self.now)

    # -- looking ------------------------------------------------------------------------------------------------

    def changes(self, state: State | None = None) -> list[tuple[int, StateChanged]]:
        """Transitions so far, or those to one state, with their times (simulated ns)."""
        found = [(at, event) for at, event in self.events if isinstance(event, StateChanged)]
        return [(at, event) for at, event in found if state is None or event.state == state.value]

    def of(self, kind: type) -> list[Any]:
        """Events of a kind so far."""
        return [event for _, event in self.events if isinstance(event, kind)]

    @property
    def well(self) -> bool:
        """Whether the connection is SUBSCRIBED and every wanted book is VERIFIED."""
        client = self.client
        return (
            client.state is State.SUBSCRIBED
            and bool(client.stitchers)
            and all(stitcher.proof is Proof.VERIFIED for stitcher in client.stitchers.values())
        )

    def until_well(self, limit_s: float = LIVENESS_S) -> float:
        """Run until all is well; returns the simulated seconds it took.

        Raises:
            AssertionError: It took longer than the limit.
        """
        started = self.now
        end = started + round(limit_s * SECOND)
        while not self.well:
            if self.now >= end:
                books = {name: f"{b.state} {b.proof} {b.reason}" for name, b in self.client.stitchers.items()}
                cause = f"{self.client.state.value}: {self.client.cause}"
                raise AssertionError(f"not well after {limit_s} s (seed {self.seed}): {cause}; {books}")
            self.now = min(end, max(self._next_event(), self.now + MS // 10))
            self._turn()
        return (self.now - started) / SECOND

    def heal(self) -> None:
        """Take every fault away. A connection that lost bytes cannot go on: TCP knows no such thing."""
        weather, faults = self.weather, self.venue.faults
        if weather.mute or weather.deaf or weather.mangle is not None or faults.muted:
            self.hang_up(1006, "")
        weather.calm()
        if self.link is not None:
            self.link.hurry(self.now)
        self.door = OPEN
        faults.heartbeats = True
        faults.muted = False
        faults.acks = "send"
        faults.rewrite = None
        faults.message_rate = None
        for symbol in self.venue.specs:
            faults.corrupt_checksum(symbol, 0)
            faults.withhold_snapshots(symbol, 0)
        if self.venue.system != "online":
            faults.set_system_status("online")

    def announced_wait_s(self) -> float:
        """Longest wait the client shows: a cooldown, an exhausted dial budget, a quarantine."""
        waits = [self.client.retry_in_s(self.mono) or 0.0]
        for stitcher in self.client.stitchers.values():
            deadline = stitcher.next_deadline()
            if stitcher.state is BookState.QUARANTINED and deadline is not None:
                waits.append((deadline - self.mono) / SECOND)
        return max(waits)

    def converge(self) -> float:
        """Take the faults away and demand that all is well in time; returns seconds beyond the announced wait."""
        self.heal()
        # What was on its way may still do harm; a missing snapshot is noticed after ten seconds.
        self.run(2)
        early = self.announced_wait_s()
        for _ in range(10):
            if self.well:
                return 2.0
            self.run(1)
            early = max(early - 1, self.announced_wait_s())
        return max(0.0, self.until_well(early + LIVENESS_S) - early) + 12

    def shown(self, symbol: str) -> PairView:
        """What the screen would draw of a pair now."""
        assert self.screen is not None
        client = self.client
        last = client.last_frame_ns
        return self.screen.market(symbol).view(
            self.wall,
            heartbeat_age_ns=None if last is None else max(0, self.mono - last),
            lag_ns=client.latency.lag_at(last),
            connected=client.state in _UP,
            clock_offset_ns=self.wall - client.latency.venue_now(self.mono, self.wall),
            made_ns=self.mono,
        )

    def most_dials(self, window_s: float = 600) -> int:
        """Largest number of dials in any window."""
        window = round(window_s * SECOND)
        return max(
            (at + 1 - bisect_left(self.dials, dial - window + 1) for at, dial in enumerate(self.dials)), default=0
        )
