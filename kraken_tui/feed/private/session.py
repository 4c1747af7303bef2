"""What both private connections have in common: their life, their token, and how fast they may ask.

Sans-I/O, as `feed.session`: the same shell runs it (`feed.connection.websocket`). A token is fetched by the shell's
owner, on a `TokenWanted`. A failure of one connection is its own: nothing here reaches the public feed, and of the
dials that all share a part is left to it.
"""

from __future__ import annotations

import random
from collections import Counter, deque

from kraken_tui.errors import InvalidMessage
from kraken_tui.feed.complaints import Complaints
from kraken_tui.feed.connection.auth import Authentication, FetchToken, Stop, Subscribe, TokenTurn, Wait
from kraken_tui.feed.connection.auth import Step as TokenStep
from kraken_tui.feed.connection.backoff import DialBudget
from kraken_tui.feed.connection.dialler import Dialler
from kraken_tui.feed.connection.failures import is_ban
from kraken_tui.feed.connection.table import PRIVATE_TABLE, Action, State, Trigger, step
from kraken_tui.feed.connection.watchdog import Watchdog
from kraken_tui.feed.limits import Limits, ns
from kraken_tui.feed.private.events import LinkChanged, TokenWanted
from kraken_tui.market.private_views import LinkView
from kraken_tui.secret import Secret
from kraken_tui.text import clean_text
from kraken_tui.units import SECOND
from kraken_tui.wire.messages import Pong, Refusal, StatusMessage, SubscribeAck
from kraken_tui.wire.private import PrivateMessage, decode
from kraken_tui.wire.refusals import Failed
from kraken_tui.wire.requests import ping
from kraken_tui.wire.rest_account import WebSocketsToken

RESERVE = 12
"""Dials of the shared budget that the private connections leave to the public one."""

_UP = frozenset({State.SUBSCRIBING, State.SUBSCRIBED, State.RESYNCING, State.DEGRADED})
_OPEN = _UP | {State.AUTHENTICATING}
_STANDING = {
    Trigger.DEGRADE: State.DEGRADED,
    Trigger.RESYNC: State.RESYNCING,
    Trigger.PENDING: State.SUBSCRIBING,
    Trigger.CONFIRMED: State.SUBSCRIBED,
}
_LONGEST_SLEEP = SECOND
_LARGEST_ID = 2**31


class PrivateSession:
    """One private connection.

    Args:
        name: "level 3" or "account".
        limits: Every timer and limit.
        turn: Whose turn it is to fetch a token, shared by the connections of one key.
        budget: Dials, shared with the public connection; None for its own.
        rng: Randomness of the backoff.

    Attributes:
        state: By `PRIVATE_TABLE`.
        cause: Of the last transition.
        stopped: What only the user can cure; "" while it goes on by itself.
        messages: Frames since the start.
        reconnects: Connections lost since the start.
        counts: What was odd, by name, for the diagnostics.
    """

    def __init__(
        self,
        name: str,
        limits: Limits | None = None,
        *,
        turn: TokenTurn | None = None,
        budget: DialBudget | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.name = name
        self.limits = limits or Limits()
        self.state = State.DISCONNECTED
        self.cause = "not started"
        self.stopped = ""
        self.messages = self.reconnects = 0
        self.counts: Counter[str] = Counter()
        self.dialler = Dialler(self.limits, rng or random.Random(), budget, 0 if budget is None else RESERVE)
        self.auth = Authentication(turn)
        self.watchdog = Watchdog(self.limits)
        self._complaints = Complaints()
        self._events: list[object] = []
        self._sends: list[str] = []
        self._close: tuple[int, str] | None = None
        self._now = self._wall = 0
        self._req_id = 0
        self._greeted = False
        self._last_ping = 0
        self._up_since: int | None = None

    # -- what the kinds of connection do for themselves ---------------------------------------------------------

    def wanted(self) -> bool:
        """Whether there is anything to connect for."""
        return True

    def _begin(self) -> None:
        """A token is here: ask for what is wanted."""
        raise NotImplementedError

    def _unprove(self, cause: str) -> None:
        """The connection is gone."""
        raise NotImplementedError

    def _take(self, message: PrivateMessage) -> None:
        """Take one message that is not of every connection."""
        raise NotImplementedError

    def _refused(self, refusal: Refusal) -> None:
        """Something was refused, and not because of the token."""
        raise NotImplementedError

    def _acknowledged(self, ack: SubscribeAck) -> None:
        """Something was granted."""
        raise NotImplementedError

    def _ask_again(self) -> None:
        """The token was not accepted: nothing that waits for an answer will get one."""
        raise NotImplementedError

    def _pass(self) -> None:
        """Time has passed, and the token is here: deadlines, what is due."""
        raise NotImplementedError

    def _standing(self) -> tuple[Trigger, str]:
        """Where the connection stands while it is up, and why."""
        raise NotImplementedError

    def _due(self) -> int | None:
        """When `_pass` has something to do; monotonic ns."""
        return None

    @property
    def _confirmed(self) -> int:
        """Subscriptions that stand."""
        raise NotImplementedError

    @property
    def _awaiting(self) -> bool:
        """Whether a subscription waits for its answer."""
        raise NotImplementedError

    # -- what can be read ---------------------------------------------------------------------------------------

    @property
    def up(self) -> bool:
        """Whether the connection is open and has a token."""
        return self.state in _UP

    @property
    def token(self) -> Secret | None:
        """The connection's token; None while it has none that is accepted."""
        return self.auth.token if self.up else None

    def silence_ns(self, now: int) -> int | None:
        """Since the last frame, None before the first."""
        last = self.watchdog.last_frame_ns
        return None if last is None else max(0, now - last)

    def view(self, now: int) -> LinkView:
        """For the screen."""
        waits = self.state in (State.DISCONNECTED, State.COOLDOWN) and not self.stopped and self.wanted()
        return LinkView(
            self.name,
            self.state.value,
            cause=self.stopped or self.cause,
            attempt=self.dialler.backoff.attempt,
            retry_in_s=self.dialler.wait_s(now) if waits else None,
            heard_age_ns=self.silence_ns(now) if self.messages else None,
            messages=self.messages,
            reconnects=self.reconnects,
            stopped=bool(self.stopped),
        )

    # -- what the owner says ------------------------------------------------------------------------------------

    def token_came(self, answer: WebSocketsToken | Failed, now: int, wall_ns: int) -> None:
        """The answer to a `TokenWanted`."""
        self._clock(now, wall_ns)
        self._do_step(self.auth.fetched(answer, now))

    def resume(self, now: int, wall_ns: int) -> None:
        """The user has changed something: dial again, as soon as the budget allows."""
        self._clock(now, wall_ns)
        if self.stopped:
            self.stopped = ""
            self.auth.resume()
        if self.state is State.DISCONNECTED:
            self.dialler.hasten(now, "online")

    def next_req_id(self) -> int:
        """A number for a request, which no other of this session has."""
        self._req_id = self._req_id % _LARGEST_ID + 1
        return self._req_id

    # -- what the shell reports: see `Session` --------------------------------------------------------------------

    def restore_dials(self, saved: object, now: int, wall_ns: int) -> None:
        """Take over dials of other processes."""
        self._clock(now, wall_ns)
        self.dialler.budget.restore(saved, now, wall_ns)

    def dialling(self, now: int, wall_ns: int) -> None:
        """The shell starts to dial; only when `wants_dial` says so."""
        self._clock(now, wall_ns)
        self._fire(Trigger.DIAL, "dialling")

    def opened(self, now: int, wall_ns: int) -> None:
        """The connection is open."""
        self._clock(now, wall_ns)
        if self.state is State.CONNECTING:
            self._fire(Trigger.OPENED, "connected")

    def frame(self, data: bytes | str, now: int, wall_ns: int) -> None:
        """Take one frame as received."""
        self._clock(now, wall_ns)
        self.messages += 1
        if self.state not in _OPEN:
            self.counts["frame of a lost connection"] += 1
            return
        backlog = self.watchdog.backlog(now)
        if backlog is not None and self._confirmed:
            self._lose(backlog)
            return
        heard = self.watchdog.heard
        try:
            message = decode(data)
        except InvalidMessage as error:
            self.counts["unreadable frames"] += 1
            self._say(f"unreadable frame, reconnecting: {error}", kind="unreadable")
            cause = "an unreadable frame" if heard else "this is not Kraken: the first frame is not JSON"
            self._lose(cause, floor_s=0.0 if heard else self.limits.slow_retry_s)
            return
        self.watchdog.frame(now, application=not isinstance(message, Pong))
        if not self._greeted:
            self._greeted = True
            self._do_step(self.auth.opened(now))
        self._dispatch(message)

    def _dispatch(self, message: PrivateMessage) -> None:
        if isinstance(message, SubscribeAck):
            if message.method == "subscribe":
                self.auth.accepted(self._now)
            self._acknowledged(message)
        elif isinstance(message, Refusal):
            answer = self.auth.refused(message.error, self._now)
            if answer is not None:
                self.counts["tokens refused"] += 1
                self._ask_again()
                self._do_step(answer)
            else:
                self._refused(message)
        elif not isinstance(message, StatusMessage | Pong):
            self._take(message)
        if self.state in _UP:
            self._settle()

    def tick(self, now: int, wall_ns: int) -> None:
        """Let time pass; call it at least once a second and whenever `next_wakeup` says."""
        self._clock(now, wall_ns)
        if self.state is State.CLOSED:
            return
        # After a stop of this program what waits is read before the silence is judged.
        self.watchdog.stalled_s(now)
        if self.state is State.COOLDOWN and now >= self._next_dial():
            self._fire(Trigger.COOLED, "cooldown over")
        elif self.state is State.CONNECTING and self.dialler.overdue(now):
            self._lose(f"no answer within {self.limits.open_s:.0f} s")
        elif self.state in _OPEN:
            self._tick_open()
        self.watchdog.promise(self.next_wakeup(now))

    def _tick_open(self) -> None:
        dead = self.watchdog.judge(self._now, subscribed=self._confirmed > 0)
        if dead is not None:
            self._lose(dead)
            return
        self._do_step(self.auth.tick(self._now))
        if self.state not in _OPEN:
            return
        if self._now - self._last_ping >= ns(self.limits.clock_ping_s):
            self._last_ping = self._now
            self._sends.append(ping(req_id=self.next_req_id()))
        if self.state in _UP:
            self._pass()
            self._settle()
            stable = self._up_since is not None and self._now - self._up_since >= ns(self.limits.stable_s)
            if stable:
                self.dialler.backoff.reset()

    def slept(self, ns_asleep: int, now: int, wall_ns: int) -> None:
        """The computer slept: whatever is waiting on the connection is history."""
        self._clock(now, wall_ns)
        if self.state in _OPEN and ns_asleep >= ns(self.limits.feed_deadline_s):
            self._lose(f"the computer slept for {ns_asleep / SECOND:.0f} s")

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
        """The connection is gone or could not be made; arguments as for `Session.disconnected`."""
        self._clock(now, wall_ns)
        cause = clean_text(cause)
        if self.state not in _OPEN and self.state is not State.CONNECTING:
            return
        if is_ban(http_status, cause):
            # The public connection goes on: another host was refused. It learns of a real ban by itself.
            self._fire(Trigger.BANNED, cause, retry_in_s=self.dialler.after_ban(now, retry_after_s))
            return
        floor = self.limits.slow_retry_s if slow or close_code == 1009 else 0.0
        self._lose(cause, floor_s=max(floor, min(retry_after_s or 0.0, self.limits.cooldown_cap_s)))

    def close(self, now: int, wall_ns: int, cause: str = "closed") -> None:
        """The user quits; no dial follows."""
        self._clock(now, wall_ns)
        if self.state is not State.CLOSED:
            self._fire(Trigger.CLOSE, cause)

    # -- what the shell takes -----------------------------------------------------------------------------------

    def take_sends(self) -> list[str]:
        """Requests to send now, in order; each is returned once."""
        sends, self._sends = self._sends, []
        return sends

    def take_events(self) -> list[object]:
        """What happened, in order; each event is returned once."""
        events, self._events = self._events, []
        return events

    @property
    def wants_attention(self) -> bool:
        """Whether there is something to send, or the connection is to be closed."""
        return bool(self._sends) or self._close is not None

    def wants_dial(self, now: int) -> bool:
        """Whether the shell should dial now."""
        ready = self.state is State.DISCONNECTED and not self.stopped and self.wanted()
        return ready and now >= self._next_dial()

    def wants_close(self) -> tuple[int, str] | None:
        """Close code and reason when the shell should close its socket or give up its dial."""
        return self._close

    def next_wakeup(self, now: int) -> int:
        """When `tick` should be called next at the latest; at most a second away."""
        times: list[int | None] = [now + _LONGEST_SLEEP]
        if self.state in (State.DISCONNECTED, State.COOLDOWN):
            if not self.stopped and self.wanted():
                times.append(self._next_dial())
        elif self.state is State.CONNECTING:
            times.append(self.dialler.answer_due)
        elif self.state in _OPEN:
            times += [self.watchdog.next_look(), self.auth.due, self._due() if self.state in _UP else None]
        return max(now, min(at for at in times if at is not None))

    # -- inside -------------------------------------------------------------------------------------------------

    def _next_dial(self) -> int:
        due = self.dialler.next_dial(self._now)
        # A wait for the key must not be cut short by a new connection, which would only wait there.
        return max(due, self.auth.due or 0) if self.auth.waits else due

    def _clock(self, now: int, wall_ns: int) -> None:
        self._now, self._wall = max(self._now, now), wall_ns

    def _do_step(self, told: TokenStep | None) -> None:
        """Carry out what the token's part asks for."""
        if isinstance(told, FetchToken):
            self._unsubscribed("a token is fetched")
            self._events.append(TokenWanted(self.name))
        elif isinstance(told, Subscribe):
            if self.state is State.AUTHENTICATING:
                self._fire(Trigger.PENDING, "subscribing")
            self._begin()
            if not self._awaiting:
                # All that is wanted stands, so nothing will answer for the token; a refusal still would.
                self.auth.accepted(self._now)
        elif isinstance(told, Wait):
            self._unsubscribed(told.sentence)
            self.cause = clean_text(told.sentence)
        elif isinstance(told, Stop):
            self.stopped = clean_text(told.sentence)
            self._fire(Trigger.STOPPED, self.stopped)
            self._say(f"{self.name}: {self.stopped}", level="error")

    def _unsubscribed(self, cause: str) -> None:
        if self.state in _UP:
            self._fire(Trigger.TOKEN, clean_text(cause))

    def _settle(self) -> None:
        """Bring the state in line with the subscriptions."""
        trigger, cause = self._standing()
        if self.state in _UP and self.state is not _STANDING[trigger]:
            self._fire(trigger, clean_text(cause))

    def _fire(self, trigger: Trigger, cause: str, *, retry_in_s: float | None = None) -> None:
        before = self.state
        self.state, actions = step(self.state, trigger, PRIVATE_TABLE)
        self.cause = cause
        for action in actions:
            self._do(action, cause, before)
        if self.state is not State.SUBSCRIBED:
            self._up_since = None
        elif self._up_since is None:
            self._up_since = self._now
        self._events.append(LinkChanged(self._wall, self.name, self.state.value, cause, retry_in_s))

    def _do(self, action: Action, cause: str, before: State) -> None:
        if action is Action.SPEND_DIAL:
            self.dialler.begin(self._now)
            self._close = None
        elif action is Action.AUTHENTICATE:
            self._greeted = False
            self._last_ping = self._now
            self.watchdog.opened(self._now)
        elif action is Action.HANG_UP:
            self._close = (1000, "")
            self._sends.clear()
            self.auth.closed()
        elif action is Action.UNPROVE:
            if before is not State.CONNECTING:
                self.reconnects += 1
            self._unprove(cause)

    def _lose(self, cause: str, *, floor_s: float = 0.0) -> None:
        self._fire(Trigger.LOST, clean_text(cause), retry_in_s=self.dialler.after_loss(self._now, floor_s))

    def _say(self, text: str, *, level: str = "warning", kind: str = "") -> None:
        self._events += self._complaints.say(self._wall, text, level, kind)


class Pace:
    """So much may be spent in any window.

    Args:
        most: In a window.
        window_ns: Its length; a little more than the exchange's, since the way there is uneven.
    """

    def __init__(self, most: int, window_ns: int) -> None:
        self._most, self._window_ns = most, window_ns
        self._spent: deque[tuple[int, int]] = deque()

    def room(self, now: int) -> int:
        """What may be spent now."""
        while self._spent and now - self._spent[0][0] >= self._window_ns:
            self._spent.popleft()
        return self._most - sum(cost for _, cost in self._spent)

    def spend(self, cost: int, now: int) -> None:
        """Count it."""
        self._spent.append((now, cost))

    def next_room(self) -> int | None:
        """When there is more room, monotonic ns; None where all of it is free."""
        return self._spent[0][0] + self._window_ns if self._spent else None
