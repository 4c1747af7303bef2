"""The life of one connection, as a table, with the limits that rule it.

Pure: no socket, no clock, no randomness of its own. Times called `now` are monotonic nanoseconds, times called
`wall_ns` nanoseconds since the epoch. The figures are those of RELIABILITY.md section 3.1.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SECOND = 1_000_000_000


def ns(seconds: float) -> int:
    """Seconds as whole nanoseconds."""
    return round(seconds * SECOND)


@dataclass(frozen=True, slots=True)
class Limits:
    """Every constant of the connection and the books; seconds unless the name says otherwise.

    Attributes:
        feed_deadline_s: Silence on a subscribed connection that means it is dead; pongs do not count.
        feed_late_s: Silence from which the connection is called DEGRADED.
        idle_ping_s: Longest time without a request while nothing is subscribed; the venue closes after a minute.
        clock_ping_s: Time between the pings that measure the clock offset.
        open_s, ack_s, snapshot_s: Longest wait for an open connection, an acknowledgement, a first snapshot.
        ack_retries: Requests repeated before the subscription counts as silent.
        silent_retry_s: Time between tries of a subscription that stays silent.
        backoff_first_s, backoff_cap_s: First and largest upper bound of the random delay between dials.
        slow_retry_s: Least delay after a failure that a quick retry cannot cure (certificate, redirect, 1009).
        stable_s: Time up, with every wanted book proven once, after which the backoff starts over.
        dial_limit, dial_window_s: Dials allowed in any window of this length.
        cooldown_s, cooldown_cap_s: Least and longest time without dialling after the venue banned us.
        resync_limit, resync_window_s: Resyncs of one book in a window before it is quarantined.
        resync_gap_s: Least time between two resyncs of one book.
        quarantine_s: Lengths of successive quarantines of one book.
        requests_per_s, burst: Even pace of requests, and how many may leave together; with these ten in any second.
            The pace is halved on "Exceeded msg rate".
        batch: Symbols in one request at most.
        lag_degraded_s, lag_drop_s, lag_drop_gap_s: Feed lag that is DEGRADED, that forces a reconnect, and the
            least time between two such reconnects.
        audit_first_s, audit_every_s, audit_again_s: When whole books are compared with a second snapshot: after they
            came up, from then on, and after a try that told nothing or when a book was loaded anew. Each with
            up to a fifth more, at random.
        audit_limit_s: Longest an audit's connection stands.
        audit_batch: Books compared by one audit at most.
        backlog_s: Gap after which frames that follow are a backlog (the machine slept) and not to be shown.
    """

    feed_deadline_s: float = 5.0
    feed_late_s: float = 3.0
    idle_ping_s: float = 25.0
    clock_ping_s: float = 20.0
    open_s: float = 10.0
    ack_s: float = 5.0
    snapshot_s: float = 10.0
    ack_retries: int = 3
    silent_retry_s: float = 30.0
    backoff_first_s: float = 1.0
    backoff_cap_s: float = 60.0
    slow_retry_s: float = 60.0
    stable_s: float = 60.0
    dial_limit: int = 30
    dial_window_s: float = 600.0
    cooldown_s: float = 600.0
    cooldown_cap_s: float = 3600.0
    resync_limit: int = 3
    resync_window_s: float = 60.0
    resync_gap_s: float = 0.5
    quarantine_s: tuple[float, ...] = (60.0, 300.0, 900.0)
    requests_per_s: float = 6.0
    burst: int = 4
    batch: int = 50
    lag_degraded_s: float = 2.0
    lag_drop_s: float = 10.0
    lag_drop_gap_s: float = 60.0
    backlog_s: float = 15.0
    audit_first_s: float = 20.0
    audit_every_s: float = 300.0
    audit_again_s: float = 60.0
    audit_limit_s: float = 15.0
    audit_batch: int = 200


class State(StrEnum):
    """Where a connection stands."""

    DISCONNECTED = "DISCONNECTED"
    CONNECTING = "CONNECTING"
    AUTHENTICATING = "AUTHENTICATING"
    SUBSCRIBING = "SUBSCRIBING"
    SUBSCRIBED = "SUBSCRIBED"
    RESYNCING = "RESYNCING"
    DEGRADED = "DEGRADED"
    COOLDOWN = "COOLDOWN"
    CLOSED = "CLOSED"


class Trigger(StrEnum):
    """What can happen to a connection."""

    DIAL = "dial"
    OPENED = "opened"
    OPENED_PRIVATE = "opened, token needed"
    AUTHENTICATED = "authenticated"
    PENDING = "subscriptions pending"
    CONFIRMED = "all confirmed"
    RESYNC = "book lost its proof"
    DEGRADE = "late or partly silent"
    LOST = "connection lost"
    BANNED = "venue refuses dials"
    COOLED = "cooldown over"
    PLAY = "recording opened"
    CLOSE = "closed by the user"


class Action(StrEnum):
    """What a transition asks its owner to do."""

    SPEND_DIAL = "spend one dial"
    AUTHENTICATE = "fetch a token"
    SUBSCRIBE = "subscribe instruments"
    HANG_UP = "close the socket"
    UNPROVE = "unprove all books"
    RETRY = "schedule a dial"
    COOL = "wait for the cooldown"


class IllegalTransition(Exception):
    """The table has no such transition: a programming error, never a fault of the venue."""


_UP = (State.SUBSCRIBING, State.SUBSCRIBED, State.RESYNCING, State.DEGRADED)
_LOSS = (Action.HANG_UP, Action.UNPROVE, Action.RETRY)
_BAN = (Action.HANG_UP, Action.UNPROVE, Action.COOL)


def _build_table() -> dict[tuple[State, Trigger], tuple[State, tuple[Action, ...]]]:
    table: dict[tuple[State, Trigger], tuple[State, tuple[Action, ...]]] = {
        (State.DISCONNECTED, Trigger.DIAL): (State.CONNECTING, (Action.SPEND_DIAL,)),
        (State.DISCONNECTED, Trigger.PLAY): (State.SUBSCRIBED, ()),
        (State.DISCONNECTED, Trigger.BANNED): (State.COOLDOWN, (Action.COOL,)),
        (State.CONNECTING, Trigger.OPENED): (State.SUBSCRIBING, (Action.SUBSCRIBE,)),
        (State.CONNECTING, Trigger.OPENED_PRIVATE): (State.AUTHENTICATING, (Action.AUTHENTICATE,)),
        (State.AUTHENTICATING, Trigger.AUTHENTICATED): (State.SUBSCRIBING, (Action.SUBSCRIBE,)),
        (State.COOLDOWN, Trigger.COOLED): (State.DISCONNECTED, ()),
    }
    meaning = {
        Trigger.PENDING: State.SUBSCRIBING,
        Trigger.CONFIRMED: State.SUBSCRIBED,
        Trigger.RESYNC: State.RESYNCING,
        Trigger.DEGRADE: State.DEGRADED,
    }
    for state in _UP:
        table.update({(state, trigger): (after, ()) for trigger, after in meaning.items() if after is not state})
    for state in (State.CONNECTING, State.AUTHENTICATING, *_UP):
        table[(state, Trigger.LOST)] = (State.DISCONNECTED, _LOSS)
        table[(state, Trigger.BANNED)] = (State.COOLDOWN, _BAN)
    for state in State:
        if state is not State.CLOSED:
            table[(state, Trigger.CLOSE)] = (State.CLOSED, (Action.HANG_UP,))
    return table


TABLE = _build_table()
"""(state, trigger) -> (next state, actions). What is not in it cannot happen."""


def step(state: State, trigger: Trigger) -> tuple[State, tuple[Action, ...]]:
    """Look one transition up.

    Raises:
        IllegalTransition: The table does not have it.
    """
    try:
        return TABLE[(state, trigger)]
    except KeyError:
        raise IllegalTransition(f"{trigger.value!r} cannot happen in {state.value}") from None


def transition_table() -> str:
    """The table as Markdown, for the documentation."""
    rows = [
        f"| {state} | {trigger.value} | {after} | {', '.join(actions) or '–'} |"
        for (state, trigger), (after, actions) in sorted(
            TABLE.items(), key=lambda row: (list(State).index(row[0][0]), list(Trigger).index(row[0][1]))
        )
    ]
    return "\n".join(["| State | What happens | Next state | Actions |", "| --- | --- | --- | --- |", *rows])


class Backoff:
    """Random delay between dials: uniform between 0 and a bound that doubles up to the cap ("full jitter").

    It never gives up. It does not start over on a mere connection: a server that accepts and closes would then be
    dialled a thousand times a second (RELIABILITY.md B1, B2, B10).
    """

    _NEARLY_ZERO_S = 0.05

    def __init__(self, limits: Limits, rng: random.Random) -> None:
        self._limits = limits
        self._rng = rng
        self._previous_s = 1.0
        self.attempt = 0

    def next_delay_s(self, floor_s: float = 0.0) -> float:
        """Delay before the next dial, in seconds.

        Args:
            floor_s: Least delay, for failures that a quick retry cannot cure.
        """
        limits = self._limits
        # The exponent is bounded: 2.0**1024 overflows, and an outage may last for weeks.
        bound = min(limits.backoff_cap_s, limits.backoff_first_s * 2.0 ** min(self.attempt, 32))
        self.attempt += 1
        delay = self._rng.uniform(0.0, bound)
        if self._previous_s < self._NEARLY_ZERO_S:
            delay = max(delay, self._NEARLY_ZERO_S)
        self._previous_s = delay
        return max(delay, floor_s)

    def reset(self) -> None:
        """Start over; called once the connection has proven itself."""
        self.attempt = 0


class DialBudget:
    """At most so many dials in any window, so that no failure and no restart gets the user banned.

    Kept in monotonic time; `state` and `restore` carry it over restarts in wall time.
    """

    def __init__(self, limits: Limits) -> None:
        self._limit = limits.dial_limit
        self._window = ns(limits.dial_window_s)
        self._cooldown_cap = ns(limits.cooldown_cap_s)
        self._dials: deque[int] = deque()
        self.cooldown_until: int | None = None

    def next_allowed(self, now: int) -> int:
        """Earliest moment the next dial may start; `now` when it may start at once."""
        self._forget(now)
        allowed = now
        if len(self._dials) >= self._limit:
            allowed = max(allowed, self._dials[-self._limit] + self._window + 1)
        if self.cooldown_until is not None:
            allowed = max(allowed, self.cooldown_until)
        return allowed

    def spend(self, now: int) -> None:
        """Count one dial."""
        self._dials.append(now)

    def spent(self, now: int) -> int:
        """Dials counted in the window that ends now."""
        self._forget(now)
        return len(self._dials)

    def cool(self, until: int) -> None:
        """Allow no dial before `until`."""
        self.cooldown_until = max(until, self.cooldown_until or until)

    def _forget(self, now: int) -> None:
        while self._dials and self._dials[0] < now - self._window:
            self._dials.popleft()
        if self.cooldown_until is not None and self.cooldown_until <= now:
            self.cooldown_until = None

    def state(self, now: int, wall_ns: int) -> dict[str, Any]:
        """What must survive a restart, as JSON-ready values in wall time."""
        self._forget(now)
        shift = wall_ns - now
        cooldown = None if self.cooldown_until is None else self.cooldown_until + shift
        return {"version": 1, "dials": [dial + shift for dial in self._dials], "cooldown_until": cooldown}

    def restore(self, state: object, now: int, wall_ns: int) -> None:
        """Add what an earlier run, or another one running now, has spent; nonsense is ignored.

        Dials that seem to lie in the future (the clock was set back) count as made now, and a cooldown ends at the
        longest one there is: neither may block the program for years.
        """
        if not isinstance(state, dict) or state.get("version") != 1:
            return
        shift = now - wall_ns
        dials = state.get("dials")
        if isinstance(dials, list):
            own = list(self._dials)
            restored = [min(int(dial) + shift, now) for dial in dials[-4 * self._limit :] if type(dial) is int]
            # Our own dials come back from the file too; the clocks drift apart by less than this in between.
            fresh = [dial for dial in restored if not _take_near(own, dial)]
            self._dials = deque(sorted([*self._dials, *fresh])[-4 * self._limit :])
        cooldown = state.get("cooldown_until")
        if type(cooldown) is int:
            self.cool(min(cooldown + shift, now + self._cooldown_cap))
        self._forget(now)


def _take_near(dials: list[int], dial: int) -> bool:
    """Strike off the dial of a list that is the same one, if there is one; each can stand for one only."""
    for mine in dials:
        if abs(dial - mine) <= SECOND // 20:
            dials.remove(mine)
            return True
    return False
