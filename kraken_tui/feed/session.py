"""The brain of a feed: connection, subscriptions and books together, without any input or output of its own.

A shell (`feed.connection.websocket`, `recording.replay`, a test) tells it what happened and when, and then takes
what is to be sent and what is to be reported. `now` is a monotonic clock that counts sleep where the system has one,
`wall_ns` the wall clock; both are whole nanoseconds. All deadlines follow `now` alone.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from kraken_tui.feed.connection.dialler import Dialler
from kraken_tui.feed.connection.table import Action, State, Trigger, step
from kraken_tui.feed.connection.watchdog import Watchdog
from kraken_tui.feed.events import FeedEvent, Note, Resync, StateChanged
from kraken_tui.feed.intake import Intake
from kraken_tui.feed.latency import LatencyTracker
from kraken_tui.feed.limits import Limits, ns
from kraken_tui.feed.pairs import APPLIED, REJECTED, Counters, Markets
from kraken_tui.feed.proof.audit import Auditor
from kraken_tui.feed.proof.stitcher import BookStitcher
from kraken_tui.feed.subscriptions import Subscriptions
from kraken_tui.feed.wanted import Wishes
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.settings import DEPTHS
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.wire.decode import FieldCensus, decode
from kraken_tui.wire.messages import InvalidMessage, Pong
from kraken_tui.wire.symbols import PairSpec, SymbolTable

_UP = frozenset({State.SUBSCRIBING, State.SUBSCRIBED, State.RESYNCING, State.DEGRADED})
BANS = frozenset({403, 429})
"""HTTP statuses of a handshake that mean: do not dial for a while."""
_LONGEST_SLEEP = SECOND
_MANY_PAIRS = 50
_SETTLE_GAP_NS = SECOND // 20


class Session:
    """One feed.

    Args:
        limits: Every timer and limit.
        depth: Levels a side of every book, one of `settings.DEPTHS`.
        interval: Candle interval in minutes.
        replay: Take a recording: nothing is sent, there are no deadlines, books are accepted without
            acknowledgements or instrument list, and without names every pair of the recording is wanted.
        rng: Randomness of the backoff.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        depth: int = 100,
        interval: int = 1,
        replay: bool = False,
        rng: random.Random | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.replay = replay
        self.state = State.DISCONNECTED
        self.cause = "not started"
        self.latency = LatencyTracker()
        self.census = FieldCensus()
        rng = rng or random.Random()
        self.dialler = Dialler(self.limits, rng)
        self.subscriptions = Subscriptions(self.limits)
        self.markets = Markets(self.limits, self.latency, depth=depth, interval=interval, replay=replay)
        self.wishes = Wishes(self.markets, self.subscriptions)
        self.watchdog = Watchdog(self.limits)
        self._intake = Intake(
            self.limits,
            self.markets,
            self.subscriptions,
            self.wishes,
            self.latency,
            self.watchdog,
            lambda cause, floor_s: self._lose(cause, floor_s=floor_s),
            replay=replay,
        )
        audit_rng = random.Random()
        audit_rng.setstate(rng.getstate())
        self.auditor = Auditor(self.limits, self.markets, self.dialler, self.latency, audit_rng)
        self._now = 0
        self._wall = 0
        self._sends: list[str] = []
        self._close: tuple[int, str] | None = None
        self._up_since: int | None = None
        self._last_ping: int | None = None
        self._settle_due = 0
        if replay:
            self.markets.accepts = self.wishes.accepts

    # -- what can be read ---------------------------------------------------------------------------------------

    @property
    def books(self) -> Mapping[str, OrderBook]:
        """Books of the wanted pairs by symbol. A snapshot brings a new object: look it up each time."""
        return self.markets.books

    @property
    def stitchers(self) -> Mapping[str, BookStitcher]:
        """State, proof, reason and counts of every wanted book by symbol."""
        return self.markets.stitchers

    @property
    def specs(self) -> Mapping[str, PairSpec]:
        """Reference data of every known pair by symbol."""
        return self.markets.specs

    @property
    def symbols(self) -> SymbolTable:
        """Names of all pairs of the exchange."""
        return self.markets.symbols

    @property
    def counters(self) -> Counters:
        """Counts since the start."""
        return self.markets.counters

    @property
    def system(self) -> str:
        """State of the exchange: "online", "maintenance", "cancel_only", "post_only" or "unknown"."""
        return self.markets.system

    def witness_text(self, symbol: str) -> str:
        """What the second witness of a book says; "" where there is none."""
        witness = self.markets.witnesses.get(symbol)
        return "" if witness is None or (self.replay and not witness.heard) else witness.text

    def trade_gaps(self, symbol: str) -> int:
        """Trades of a pair that never came, by their numbers."""
        return self.markets.trade_gaps(symbol)

    @property
    def names(self) -> Mapping[str, str | None]:
        """Names the user gave, each with its symbol once that is known."""
        return self.wishes.names

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
        if self.state not in (State.DISCONNECTED, State.COOLDOWN) or self.replay:
            return None
        return self.dialler.wait_s(now)

    # -- what the user wants ------------------------------------------------------------------------------------

    def want(self, name: str, now: int | None = None, wall_ns: int | None = None) -> None:
        """Subscribe a pair by any of its names; it is resolved once the instrument list is known."""
        self._clock(now, wall_ns)
        self.wishes.add(name)
        if self._intake.ready:
            self.wishes.resolve(self._wall)
            self._intake.changed = True
            self._pump()

    def unwant(self, symbol: str, now: int | None = None, wall_ns: int | None = None) -> None:
        """Unsubscribe a pair and forget it; also takes a name that was refused."""
        self._clock(now, wall_ns)
        self.wishes.drop(symbol)
        self._intake.changed = True
        self._pump()

    def set_depth(self, depth: int, now: int | None = None, wall_ns: int | None = None) -> None:
        """Subscribe all books anew at another depth; this also lifts an earlier refusal of a depth.

        Raises:
            ValueError: The exchange does not offer this depth.
        """
        if depth not in DEPTHS:
            raise ValueError(f"depth {depth} is not offered; choose one of {', '.join(map(str, DEPTHS))}")
        self._clock(now, wall_ns)
        if self.replay or depth == self.markets.depth:
            return
        self.markets.depth = depth
        for symbol, stitcher in self.markets.stitchers.items():
            stitcher.depth = depth
            events = stitcher.lost(self._wall, "changing depth") or stitcher.asked(self._wall)
            self.markets.collect(stitcher, events)
            self.wishes.subscribe_book(symbol)
        self._intake.changed = True
        self._pump()

    def set_interval(
        self, symbol: str | None, minutes: int, now: int | None = None, wall_ns: int | None = None
    ) -> None:
        """Choose the candle interval of one pair, or of all and of those to come (None)."""
        self._clock(now, wall_ns)
        if symbol is None:
            self.markets.interval = minutes
        for each in [symbol] if symbol is not None else list(self.markets.stitchers):
            if each in self.markets.stitchers:
                self.markets.intervals[each] = minutes
                if not self.replay:
                    self.wishes.subscribe_candles(each)
        self._pump()

    def restore_dials(self, saved: object, now: int, wall_ns: int) -> None:
        """Take over dials and cooldown of an earlier run (`dialler.budget.state`); nonsense is ignored."""
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
        """The connection stands, or the recording is open."""
        self._clock(now, wall_ns)
        if self.replay:
            self._fire(Trigger.PLAY, "recording opened")
        elif self.state is State.CONNECTING:
            self._fire(Trigger.OPENED, "connected")
            self._pump()

    def frame(self, data: bytes | str, now: int, wall_ns: int) -> None:
        """Take one frame as received."""
        self._clock(now, wall_ns)
        counters = self.counters
        counters.frames += 1
        if self.state not in _UP or self._is_backlog():
            counters.ignored["frame of a lost connection"] += 1
            return
        try:
            message = decode(data)
        except InvalidMessage as error:
            counters.invalid += 1
            counters.rejected += 1
            self._unreadable(error)
            return
        self.watchdog.frame(now, application=not isinstance(message, Pong))
        self.census.look(data, message)
        verdict = self._intake.take(message, self._now, wall_ns)
        if verdict == APPLIED:
            counters.applied += 1
        elif verdict == REJECTED:
            counters.rejected += 1
        else:
            counters.ignored[verdict] += 1
        if self._intake.changed and not self.replay and now >= self._settle_due:
            self._settle()
            self._pump()

    def tick(self, now: int, wall_ns: int) -> None:
        """Let time pass; call it at least once a second and whenever `next_wakeup` says."""
        self._clock(now, wall_ns)
        if self.replay or self.state is State.CLOSED:
            return
        self._notice_stall()
        self._intake.changed |= self.auditor.tick(now, wall_ns)
        if self.state is State.COOLDOWN and now >= self.dialler.next_dial(now):
            self._fire(Trigger.COOLED, "cooldown over")
        elif self.state is State.CONNECTING and self.dialler.overdue(now):
            self._lose(f"no answer within {self.limits.open_s:.0f} s")
        elif self.state in _UP:
            self._tick_up()
        self.watchdog.promise(self.next_wakeup(now))

    def slept(self, ns_asleep: int, now: int, wall_ns: int) -> None:
        """The computer slept: what waits on the connection is history once it is as long as silence is tolerated."""
        self._clock(now, wall_ns)
        seconds = ns_asleep / SECOND
        self._report(Note(self._wall, "warning", f"the computer slept for {seconds:.1f} s"))
        if self.state in _UP and ns_asleep >= ns(self.limits.feed_deadline_s):
            self._lose(f"the computer slept for {seconds:.0f} s")

    def wants_audit(self, now: int) -> bool:
        """Whether the shell should open a second, short connection for an audit; see `feed.proof.audit`."""
        # DEGRADED because one channel of one pair is not answered is no reason to leave all books unaudited.
        partly_silent = self.state is State.DEGRADED and self.watchdog.complaint() is None
        return not self.replay and self.auditor.wants(now, up=self.state is State.SUBSCRIBED or partly_silent)

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
        """The connection is gone or could not be made; told twice, the second is ignored.

        Args:
            cause: Why, a short clause.
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
        if http_status in BANS or (http_status is not None and "1015" in cause):
            self._ban(cause, retry_after_s)
            return
        floor = self.limits.slow_retry_s if slow or close_code == 1009 else 0.0
        self._lose(cause, floor_s=max(floor, min(retry_after_s or 0.0, self.limits.cooldown_cap_s)))

    def close(self, now: int, wall_ns: int, cause: str = "closed") -> None:
        """The user has had enough, or the recording is over; no dial follows."""
        self._clock(now, wall_ns)
        if self.state is State.CLOSED:
            return
        if self.replay:
            self.wishes.refuse_unmet(self._wall)
        self._fire(Trigger.CLOSE, cause)

    # -- what the shell takes -----------------------------------------------------------------------------------

    def take_sends(self) -> list[str]:
        """Requests to send now, in order; each is handed out once."""
        sends, self._sends = self._sends, []
        return sends

    def take_events(self) -> list[FeedEvent]:
        """What happened, in order; each is handed out once."""
        events, self.markets.events = self.markets.events, []
        return events

    @property
    def wants_attention(self) -> bool:
        """Whether there is something to send, or the connection is to be closed: the shell should look at once."""
        return bool(self._sends) or self._close is not None

    def wants_dial(self, now: int) -> bool:
        """Whether the shell should dial now."""
        return self.state is State.DISCONNECTED and not self.replay and now >= self.dialler.next_dial(now)

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
        elif self.state in _UP and not self.replay:
            times.append(self.subscriptions.next_deadline(ready=self._intake.ready))
            times.append(self._intake.list_due)
            times.extend(stitcher.next_deadline() for stitcher in self.markets.stitchers.values())
            times.append(self.watchdog.next_look())
            times.append(self._settle_due if self._intake.changed else None)
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
        self._intake.opened()
        self._ping()

    def _unprove(self, cause: str, before: State) -> None:
        self._intake.closed()
        self.latency.reconnected()
        for stitcher in self.markets.stitchers.values():
            if stitcher.settled and stitcher.has_levels:
                self._report(Resync(self._wall, stitcher.symbol, "reconnect"))
            self.markets.lose(stitcher, self._wall, cause)
        if before is not State.CONNECTING:
            self.counters.reconnects += 1

    def _lose(self, cause: str, *, floor_s: float = 0.0) -> None:
        if self.system == "maintenance":
            floor_s = max(floor_s, 5.0)  # The venue asks for no faster than every 5 s then (PROTOCOL.md section 1).
        self._fire(Trigger.LOST, clean_text(cause), retry_in_s=self.dialler.after_loss(self._now, floor_s))

    def _ban(self, cause: str, retry_after_s: float | None) -> None:
        self._fire(Trigger.BANNED, clean_text(cause), retry_in_s=self.dialler.after_ban(self._now, retry_after_s))

    def _unreadable(self, error: InvalidMessage) -> None:
        if self.replay:
            self.markets.complain(self._wall, f"a frame of the recording was left out: {error}")
        elif error.channel not in ("", "book"):
            # No book is made of it, and a new connection would bring the same frame again.
            self.watchdog.frame(self._now, application=True)
            self.markets.complain(self._wall, f"a frame was left out: {error}")
        elif not self.watchdog.heard:
            self._lose("this is not Kraken: the first frame is not JSON", floor_s=self.limits.slow_retry_s)
        else:
            self._report(Note(self._wall, "error", clean_text(f"unreadable frame, reconnecting: {error}")))
            self._lose("an unreadable frame")

    def _is_backlog(self) -> bool:
        """After a long gap (the machine slept) the frames that come next are history: drop them and reconnect."""
        # Asked for every frame: the clock first, which is cheap, and only then all subscriptions.
        cause = None if self.replay else self.watchdog.backlog(self._now)
        if cause is None or not self.subscriptions.confirmed:
            return False
        self._lose(cause)
        return True

    # -- time while up ------------------------------------------------------------------------------------------

    def _notice_stall(self) -> None:
        """A tick that comes late means that this program stood still, not the venue."""
        stalled = self.watchdog.stalled_s(self._now)
        if stalled is not None and self.state in _UP:
            self._report(Note(self._wall, "warning", f"the program stood still for {stalled:.1f} s"))

    def _tick_up(self) -> None:
        dead = self.watchdog.judge(self._now, subscribed=self.subscriptions.confirmed > 0)
        if dead is not None:
            self._lose(dead)
            return
        for stitcher in self.markets.stitchers.values():
            self._intake.changed |= self.markets.collect(stitcher, stitcher.tick(self._now, self._wall))
        for symbol in self.markets.judge(self._now, self._wall):
            self.subscriptions.renew("ticker", symbol)
        for silent in self.subscriptions.tick(self._now):
            what = f"{silent.symbol} {silent.channel}" if silent.symbol else silent.channel
            self._report(Note(self._wall, "warning", clean_text(f"{what}: the exchange does not answer")))
        if self._intake.list_missing(self._now):
            self._lose("the exchange sends no instrument list")
            return
        limits = self.limits
        due = limits.clock_ping_s if self.subscriptions.confirmed else min(limits.clock_ping_s, limits.idle_ping_s)
        if self.latency.uncertain or self.auditor.waiting:
            due = min(due, limits.lag_degraded_s)
        if self._last_ping is None or self._now - self._last_ping >= ns(due):
            self._ping()
        self._settle()
        self._pump()
        stable = self._up_since is not None and self._now - self._up_since >= ns(limits.stable_s)
        if stable and self.markets.all_proven:
            self.dialler.backoff.reset()

    def _settle(self) -> None:
        """Bring the state in line with the subscriptions and books."""
        if self.state not in _UP:
            return
        self._intake.changed = False
        if len(self.markets.stitchers) > _MANY_PAIRS:
            # All of them are looked at: done for each of a thousand answers, that would take seconds.
            self._settle_due = self._now + _SETTLE_GAP_NS
        for stitcher in self.markets.stitchers.values():
            if stitcher.wants_resync:
                stitcher.wants_resync = False
                self.counters.resyncs += 1
                self.subscriptions.renew("book", stitcher.symbol)
        silent = self.subscriptions.silent
        unproven = self.markets.unproven
        waiting = any(not stitcher.settled for stitcher in self.markets.stitchers.values())
        complaint = self.watchdog.complaint()
        if silent:
            self._move(Trigger.DEGRADE, f"no answer about {silent[0].symbol or 'the'} {silent[0].channel}")
        elif complaint is not None:
            self._move(Trigger.DEGRADE, complaint)
        elif unproven:
            self._move(Trigger.RESYNC, f"{unproven[0].symbol}: {unproven[0].reason}")
        elif not self._intake.ready or self.subscriptions.pending or waiting:
            self._move(Trigger.PENDING, "waiting for the exchange")
        else:
            self._move(Trigger.CONFIRMED, "all confirmed")

    def _move(self, trigger: Trigger, cause: str) -> None:
        target = {
            Trigger.DEGRADE: State.DEGRADED,
            Trigger.RESYNC: State.RESYNCING,
            Trigger.PENDING: State.SUBSCRIBING,
            Trigger.CONFIRMED: State.SUBSCRIBED,
        }[trigger]
        if self.state is not target:
            self._fire(trigger, clean_text(cause))

    def _ping(self) -> None:
        req_id, text = self.subscriptions.take_ping(self._now)
        self._last_ping = self._now
        self.latency.pinged(req_id, self._now)
        self._sends.append(text)

    def _pump(self) -> None:
        if self.state in _UP and not self.replay:
            self._sends += self.subscriptions.requests(self._now, ready=self._intake.ready)

    def _report(self, event: FeedEvent) -> None:
        self.markets.events.append(event)
