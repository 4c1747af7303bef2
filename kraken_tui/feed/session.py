"""The brain of a feed: connection, subscriptions and books together, without I/O.

A shell (`feed.connection.websocket`, `recording.replay`, a test) tells it what happened and when, and then takes
what is to be sent and what is to be reported. `now` is a monotonic clock that counts sleep where the system has one,
`wall_ns` the wall clock; both are whole nanoseconds. All deadlines follow `now` alone.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from kraken_tui.feed.channels import CHANNELS, pair_channels
from kraken_tui.feed.channels.channel import Channel
from kraken_tui.feed.complaints import Complaints
from kraken_tui.feed.connection.dialler import Dialler, least_gap_s
from kraken_tui.feed.connection.failures import is_ban
from kraken_tui.feed.connection.table import TABLE, Action, State, Trigger, step
from kraken_tui.feed.connection.watchdog import Watchdog
from kraken_tui.feed.counters import Counters
from kraken_tui.feed.dispatch import Dispatch
from kraken_tui.feed.effect import Effect
from kraken_tui.feed.enrolment import Enrolment
from kraken_tui.feed.events import FeedEvent, Note, Resync, StateChanged
from kraken_tui.feed.latency import LatencyTracker
from kraken_tui.feed.limits import Limits, ns
from kraken_tui.feed.names import NO_WISH, PairNames, Wish
from kraken_tui.feed.pair import Pair
from kraken_tui.feed.policy import KafkaPolicy, LivePolicy, Policy, ReplayPolicy
from kraken_tui.feed.proof.audit import Auditor
from kraken_tui.feed.proof.stitcher import BookStitcher
from kraken_tui.feed.roster import OfPairs, PairOptions, Roster
from kraken_tui.feed.subscriptions import Subscriptions
from kraken_tui.feed.upkeep import Upkeep
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.settings import DEPTHS
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.wire.symbols import PairSpec, SymbolTable

_UP = frozenset({State.SUBSCRIBING, State.SUBSCRIBED, State.RESYNCING, State.DEGRADED})
_STANDING = {
    Trigger.DEGRADE: State.DEGRADED,
    Trigger.RESYNC: State.RESYNCING,
    Trigger.PENDING: State.SUBSCRIBING,
    Trigger.CONFIRMED: State.SUBSCRIBED,
}
_LONGEST_SLEEP = SECOND
_MANY_PAIRS = 50
_SETTLE_GAP_NS = SECOND // 20


class Session:
    """One feed.

    Args:
        limits: Every timer and limit.
        depth: Levels a side of every book, one of `settings.DEPTHS`.
        interval: Candle interval in minutes.
        replay: Take a recording: nothing is sent, there are no deadlines, books need neither acknowledgement
            nor instrument list, and without names every pair of the recording is wanted.
        kafka: Take frames made of lines out of Kafka; like a recording, but without an end.
        rng: Randomness of the backoff.

    Attributes:
        options: What is wanted of every pair: depth, candle interval, channels.
        roster: The pairs, and what is known beyond them.
        books: Books of the wanted pairs by symbol. A snapshot brings a new object: look it up each time.
        stitchers: State, proof, reason and counts of every wanted book by symbol.
        pairs: Every wanted pair by symbol, with all the feed holds of it.
        specs: Reference data of every known pair by symbol.
        counters: Counts since the start.
        census: Unknown fields of the frames so far.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        depth: int = 100,
        interval: int = 1,
        replay: bool = False,
        kafka: bool = False,
        rng: random.Random | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.state = State.DISCONNECTED
        self.cause = "not started"
        self._up = False
        self.latency = LatencyTracker()
        rng = rng or random.Random()
        self.dialler = Dialler(self.limits, rng)
        self.subscriptions = Subscriptions(self.limits)
        self.watchdog = Watchdog(self.limits)
        self.options = PairOptions(depth, interval, frozenset(pair_channels()))
        self._names = PairNames()
        complaints = Complaints()
        policy: Policy = (
            KafkaPolicy(self._names, complaints)
            if kafka
            else ReplayPolicy(self._names, complaints)
            if replay
            else LivePolicy(self.limits, self.subscriptions, self.dialler, self.watchdog, complaints)
        )
        self.policy = policy
        self.roster = Roster(self.limits, self.options, policy, self.latency, complaints, self._names.wish_of)
        self.pairs: Mapping[str, Pair] = self.roster.pairs
        self.specs: Mapping[str, PairSpec] = self.roster.specs
        self.counters: Counters = self.roster.counters
        self.books: Mapping[str, OrderBook] = OfPairs(self.roster.pairs, lambda pair: pair.stitcher.book)
        self.stitchers: Mapping[str, BookStitcher] = OfPairs(self.roster.pairs, lambda pair: pair.stitcher)
        audit_rng = random.Random()
        audit_rng.setstate(rng.getstate())
        self.auditor = Auditor(self.limits, self.roster, self.dialler, self.latency, audit_rng)
        channels: Mapping[str, Channel] = dict(CHANNELS)
        self._enrolment = Enrolment(channels, self._names, self.roster, self.subscriptions)
        self._upkeep = Upkeep(self.roster, self.subscriptions, self.watchdog)
        self._dispatch = Dispatch(channels, self.roster, self.subscriptions, policy, self.watchdog)
        self.census = self._dispatch.census
        self._events: list[FeedEvent] = []
        self._now = 0
        self._wall = 0
        self._sends: list[str] = []
        self._close: tuple[int, str] | None = None
        self._up_since: int | None = None
        self._unsettled = False
        self._settle_due = 0

    # -- what can be read ---------------------------------------------------------------------------------------

    @property
    def symbols(self) -> SymbolTable:
        """Names of all pairs of the exchange."""
        return self.roster.symbols

    @property
    def system(self) -> str:
        """State of the exchange: "online", "maintenance", "cancel_only", "post_only" or "unknown"."""
        return self.roster.system

    @property
    def names(self) -> Mapping[str, str | None]:
        """Names the user gave, each with its symbol once that is known."""
        return self._names.found

    @property
    def last_frame_ns(self) -> int | None:
        """Monotonic ns of the last application frame; pongs do not count."""
        return self.watchdog.last_frame_ns

    @property
    def attempt(self) -> int:
        """Dial attempts that failed since the connection was last stable."""
        return self.dialler.backoff.attempt

    def retry_in_s(self, now: int) -> float | None:
        """Seconds until the next dial; None when none is planned."""
        if self.state not in (State.DISCONNECTED, State.COOLDOWN) or self.policy.next_dial(now) is None:
            return None
        return self.dialler.wait_s(now)

    def allowed_in_s(self, now: int) -> float:
        """Seconds until the dial budget allows a dial; 0 when it does."""
        return max(0, self.dialler.earliest(now, self.system) - now) / SECOND

    # -- what the user wants ------------------------------------------------------------------------------------

    def want(self, name: str, now: int | None = None, wall_ns: int | None = None, *, wish: Wish = NO_WISH) -> None:
        """Subscribe a pair by any of its names; it is resolved once the instrument list is known.

        Args:
            name: The pair.
            now, wall_ns: The moment.
            wish: What is wanted of it in place of what is wanted of all, also where it is subscribed already.
        """
        self._clock(now, wall_ns)
        self._names.add(name, wish)
        self._events += self._names.among(name, self.roster.pairs)
        ready = self.roster.instruments.ready
        if ready:
            self._events += self._enrolment.resolve(self._wall)
        pair = self.roster.pairs.get(self._names.found[name] or "")
        if pair is not None and wish != NO_WISH:
            self._events += self._enrolment.grant_wish(pair, wish, self._wall, asks=self.policy.asks)
        if ready:
            self._unsettled = True
            self._pump()

    def unwant(self, symbol: str, now: int | None = None, wall_ns: int | None = None) -> None:
        """Unsubscribe a pair and forget it; also takes a name that was refused."""
        self._clock(now, wall_ns)
        self._enrolment.drop(symbol)
        self._unsettled = True
        self._pump()

    def set_depth(self, depth: int, now: int | None = None, wall_ns: int | None = None) -> None:
        """Subscribe all books at another depth; this also lifts an earlier refusal of a depth.

        Raises:
            ValueError: The exchange does not offer this depth.
        """
        if depth not in DEPTHS:
            raise ValueError(f"depth {depth} is not offered; choose one of {', '.join(map(str, DEPTHS))}")
        self._clock(now, wall_ns)
        if not self.policy.asks:
            return
        if depth == self.options.depth and all(pair.wants_depth == depth for pair in self.roster.pairs.values()):
            return
        self._events += self._enrolment.set_depth(depth, self._wall)
        self._unsettled = True
        self._pump()

    def set_interval(
        self, symbol: str | None, minutes: int, now: int | None = None, wall_ns: int | None = None
    ) -> None:
        """Choose the candle interval of one pair, or of all and of those to come (None)."""
        self._clock(now, wall_ns)
        self._enrolment.set_interval(symbol, minutes)
        self._pump()

    def dial_now(self, now: int, wall_ns: int) -> bool:
        """Dial without the planned wait, as soon as the dial budget allows.

        Returns:
            Whether a dial was planned at all: not while connected, dialling or playing a recording.
        """
        self._clock(now, wall_ns)
        if not self.policy.asks or self.state is not State.DISCONNECTED:
            return False
        self.dialler.hasten(now, self.system)
        return True

    def restore_dials(self, saved: object, now: int, wall_ns: int) -> None:
        """Take over dials and cooldown of an earlier run (`dialler.budget.state`); invalid data is ignored."""
        self._clock(now, wall_ns)
        budget = self.dialler.budget
        budget.restore(saved, now, wall_ns)
        if self.state is State.DISCONNECTED and budget.cooldown_until is not None:
            cause = "the exchange refused connections before this program was restarted"
            self._fire(Trigger.BANNED, cause, retry_in_s=self.dialler.wait_s(now))

    # -- what the shell reports ---------------------------------------------------------------------------------

    def dialling(self, now: int, wall_ns: int) -> None:
        """The shell starts to dial; only when `wants_dial` says so."""
        self._clock(now, wall_ns)
        self._fire(Trigger.DIAL, "dialling")

    def opened(self, now: int, wall_ns: int) -> None:
        """The connection is open, or the recording is."""
        self._clock(now, wall_ns)
        if (self.state, self.policy.opening[0]) in TABLE:
            self._fire(*self.policy.opening)
            self._pump()

    def frame(self, data: bytes | str, now: int, wall_ns: int) -> None:
        """Take one frame as received."""
        if now > self._now:
            self._now = now
        self._wall = wall_ns
        counters = self.counters
        counters.frames += 1
        if not self._up or self._is_backlog():
            counters.ignored["frame of a lost connection"] += 1
            return
        effect = self._dispatch.apply(data, self._now, wall_ns)
        if type(effect) is Effect:
            self._take(effect)
        else:
            self._events.append(effect)
        if self._unsettled and self.policy.asks and now >= self._settle_due:
            self._settle()
            self._pump()

    def _take(self, effect: Effect) -> None:
        """Carry out an effect."""
        self._events += effect.events
        if effect.settle:
            self._unsettled = True
        if effect.resolve and self.roster.instruments.ready:
            self._events += self._enrolment.resolve(self._wall)
        if effect.lag_ns is not None:
            self._judge_lag(effect.lag_ns)
        if effect.loss is not None:
            self._lose(effect.loss.cause, floor_s=effect.loss.floor_s)

    def interrupted(self, cause: str, now: int, wall_ns: int) -> None:
        """Frames of a recording are missing here: no book is proven until its next snapshot."""
        self._clock(now, wall_ns)
        self._report(Note(self._wall, "warning", cause))
        for pair in self.roster.pairs.values():
            self._events += pair.lost(self._wall, cause)

    def unproven(self, symbol: str, cause: str, now: int, wall_ns: int) -> None:
        """Whoever sends the frames says that one book is not proven until its next snapshot."""
        self._clock(now, wall_ns)
        pair = self.roster.pairs.get(symbol)
        if pair is not None:
            self._events += pair.lost(self._wall, clean_text(cause))

    def waiting(self, cause: str) -> None:
        """Say why there are no frames yet, or again, from where none can be asked for."""
        if self.state is State.DISCONNECTED:
            self.cause = clean_text(cause)

    def tick(self, now: int, wall_ns: int) -> None:
        """Let time pass; call it at least once a second and whenever `next_wakeup` says."""
        self._clock(now, wall_ns)
        if not self.policy.asks or self.state is State.CLOSED:
            return
        self._notice_stall()
        self._events += self._dispatch.newly_full(self._wall)
        self._take(self.auditor.tick(now, wall_ns))
        if self.state is State.COOLDOWN and now >= self.dialler.next_dial(now):
            self._fire(Trigger.COOLED, "cooldown over")
        elif self.state is State.CONNECTING and self.dialler.overdue(now):
            self._lose(f"no answer within {self.limits.open_s:.0f} s")
        elif self._up:
            self._tick_up()
        self.watchdog.promise(self.next_wakeup(now))

    def slept(self, ns_asleep: int, now: int, wall_ns: int) -> None:
        """The computer slept: after the longest tolerated silence, whatever is waiting on the connection is history."""
        self._clock(now, wall_ns)
        seconds = ns_asleep / SECOND
        self._report(Note(self._wall, "warning", f"the computer slept for {seconds:.1f} s"))
        if self._up and ns_asleep >= ns(self.limits.feed_deadline_s):
            self._lose(f"the computer slept for {seconds:.0f} s")

    def wants_audit(self, now: int) -> bool:
        """Whether the shell should open a second, short connection for an audit; see `feed.proof.audit`."""
        # One unanswered channel of one pair (DEGRADED) must not keep all books unaudited.
        partly_silent = self.state is State.DEGRADED and self.watchdog.complaint() is None
        return self.policy.asks and self.auditor.wants(now, up=self.state is State.SUBSCRIBED or partly_silent)

    def audit_ended(
        self, now: int, wall_ns: int, cause: str = "", *, banned: bool = False, retry_after_s: float | None = None
    ) -> None:
        """The audit's connection is over; see `Auditor.ended`."""
        self._clock(now, wall_ns)
        self._events += self.auditor.ended(now, wall_ns, cause, banned=banned, retry_after_s=retry_after_s)

    def disconnected(
        self,
        cause: str,
        now: int,
        wall_ns: int,
        *,
        http_status: int | None = None,
        retry_after_s: float | None = None,
        close_code: int | None = None,
        slow: bool = False,
    ) -> None:
        """The connection is gone or could not be made; a second report is ignored.

        Args:
            cause: Reason, a short clause.
            now: Monotonic ns.
            wall_ns: Wall clock ns.
            http_status: Status with which the handshake was refused.
            retry_after_s: The server's Retry-After, seconds.
            close_code: WebSocket close code.
            slow: A quick retry cannot help (certificate, redirect, not a WebSocket server).
        """
        self._clock(now, wall_ns)
        cause = clean_text(cause)
        if self.state in (State.DISCONNECTED, State.COOLDOWN, State.CLOSED):
            return
        if is_ban(http_status, cause):
            self._ban(cause, retry_after_s)
            return
        floor = self.limits.slow_retry_s if slow or close_code == 1009 else 0.0
        self._lose(cause, floor_s=max(floor, min(retry_after_s or 0.0, self.limits.cooldown_cap_s)))

    def close(self, now: int, wall_ns: int, cause: str = "closed") -> None:
        """The user quits, or the recording is over; no dial follows."""
        self._clock(now, wall_ns)
        if self.state is State.CLOSED:
            return
        self._events += self.policy.ended(self._wall)
        self._fire(Trigger.CLOSE, cause)

    # -- what the shell takes -----------------------------------------------------------------------------------

    def take_sends(self) -> list[str]:
        """Requests to send now, in order; each is returned once."""
        sends, self._sends = self._sends, []
        return sends

    def take_events(self) -> list[FeedEvent]:
        """What happened, in order; each event is returned once."""
        events, self._events = self._events, []
        return events

    @property
    def wants_attention(self) -> bool:
        """Whether there is something to send, or the connection is to be closed: the shell should act at once."""
        return bool(self._sends) or self._close is not None

    def wants_dial(self, now: int) -> bool:
        """Whether the shell should dial now."""
        due = self.policy.next_dial(now) if self.state is State.DISCONNECTED else None
        return due is not None and now >= due

    def wants_close(self) -> tuple[int, str] | None:
        """Close code and reason when the shell should close its socket or give up its dial; None otherwise."""
        return self._close

    def next_wakeup(self, now: int) -> int:
        """When `tick` should be called next at the latest, monotonic ns; at most a second away."""
        times: list[int | None] = [now + _LONGEST_SLEEP]
        if self.state in (State.DISCONNECTED, State.COOLDOWN):
            times.append(self.dialler.next_dial(now))
        elif self.state is State.CONNECTING:
            times.append(self.dialler.answer_due)
        elif self._up and self.policy.asks:
            times += [*self._upkeep.deadlines(), self._settle_due if self._unsettled else None]
        return max(now, min(at for at in times if at is not None))

    # -- the connection -----------------------------------------------------------------------------------------

    def _clock(self, now: int | None, wall_ns: int | None) -> None:
        if now is not None:
            self._now = max(self._now, now)
        if wall_ns is not None:
            self._wall = wall_ns

    def _fire(self, trigger: Trigger, cause: str, *, retry_in_s: float | None = None) -> None:
        """Make one transition of the table, do its actions, report it with its one cause."""
        before = self.state
        self.state, actions = step(self.state, trigger)
        self._up = self.state in _UP
        self.cause = cause
        for action in actions:
            self._do(action, cause, before)
        if self.state is not State.SUBSCRIBED:
            self._up_since = None
        elif self._up_since is None:
            self._up_since = self._now
        self._report(StateChanged(self._wall, self.state.value, cause, self.attempt, retry_in_s))

    def _do(self, action: Action, cause: str, before: State) -> None:
        if action is Action.SPEND_DIAL:
            self.dialler.begin(self._now)
            self._close = None
        elif action is Action.SUBSCRIBE:
            self._start_connection()
        elif action is Action.HANG_UP:
            self._close = (1000, cause)
            self._sends.clear()
        elif action is Action.UNPROVE:
            self._unprove(cause, before)

    def _start_connection(self) -> None:
        self.watchdog.opened(self._now)
        self.roster.instruments.opened()
        self.roster.venue.restart()
        self._enrolment.opened()
        self._ping()

    def _unprove(self, cause: str, before: State) -> None:
        self.roster.instruments.closed()
        self.subscriptions.reset()
        self.latency.reconnected()
        for pair in self.roster.pairs.values():
            if pair.stitcher.settled and pair.stitcher.has_levels:
                self._report(Resync(self._wall, pair.symbol, "reconnect"))
            self._events += pair.lost(self._wall, cause)
        if before is not State.CONNECTING:
            self.counters.reconnects += 1

    def _lose(self, cause: str, *, floor_s: float = 0.0) -> None:
        if self.system == "maintenance":
            floor_s = max(floor_s, least_gap_s(self.system))
        self._fire(Trigger.LOST, clean_text(cause), retry_in_s=self.dialler.after_loss(self._now, floor_s))

    def _ban(self, cause: str, retry_after_s: float | None) -> None:
        self._fire(Trigger.BANNED, clean_text(cause), retry_in_s=self.dialler.after_ban(self._now, retry_after_s))

    def _is_backlog(self) -> bool:
        """After a long gap (the machine slept) the frames that come next are history: drop them and reconnect."""
        # Runs for every frame: check the cheap clock first, and only then all subscriptions.
        watchdog = self.watchdog
        last = watchdog.last_frame_ns
        if last is None or self._now - last <= watchdog.backlog_ns:
            return False
        cause = watchdog.backlog(self._now)
        if cause is None or not self.subscriptions.confirmed:
            return False
        self._lose(cause)
        return True

    def _judge_lag(self, lag_ns: int) -> None:
        if self.latency.offset_ns is None:
            return
        before = self.watchdog.late
        cause = self.watchdog.lag(lag_ns, self._now)
        if cause is not None:
            self._lose(cause)
        elif self.watchdog.late is not before:
            self._unsettled = True

    # -- time while up ------------------------------------------------------------------------------------------

    def _notice_stall(self) -> None:
        """A late tick means that this program stood still, not the venue."""
        stalled = self.watchdog.stalled_s(self._now)
        if stalled is not None and self._up:
            self._report(Note(self._wall, "warning", f"the program stood still for {stalled:.1f} s"))

    def _tick_up(self) -> None:
        dead = self.watchdog.judge(self._now, subscribed=self.subscriptions.confirmed > 0)
        if dead is not None:
            self._lose(dead)
            return
        self._events += self._upkeep.tick(self._now, self._wall)
        if self._upkeep.list_missing(self._now):
            self._lose("the exchange sends no instrument list")
            return
        if self._upkeep.ping_due(self._now, doubted=self.latency.uncertain or self.auditor.waiting):
            self._ping()
        self._settle()
        self._pump()
        stable = self._up_since is not None and self._now - self._up_since >= ns(self.limits.stable_s)
        if stable and self.roster.all_proven:
            self.dialler.backoff.reset()

    def _settle(self) -> None:
        """Bring the state in line with the subscriptions and books."""
        if not self._up:
            return
        self._unsettled = False
        if len(self.roster.pairs) > _MANY_PAIRS:
            # This looks at all pairs; repeated for each of a thousand answers it would take seconds.
            self._settle_due = self._now + _SETTLE_GAP_NS
        self._upkeep.fetch_again()
        trigger, cause = self._upkeep.standing()
        if self.state is not _STANDING[trigger]:
            self._fire(trigger, clean_text(cause))

    def _ping(self) -> None:
        self._sends.append(self._upkeep.ping(self._now))

    def _pump(self) -> None:
        if self._up:
            self._sends += self.policy.requests(self._now, ready=self.roster.instruments.ready)

    def _report(self, event: FeedEvent) -> None:
        self._events.append(event)
