"""The account's connection: executions and balances into an `Account`, and requests out of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kraken_tui.feed.connection.table import Trigger
from kraken_tui.feed.limits import ns
from kraken_tui.feed.private.session import PrivateSession
from kraken_tui.market.orders.account import Account
from kraken_tui.market.orders.values import AccountEvent, Ask, AskKind
from kraken_tui.secret import Secret
from kraken_tui.units import SECOND
from kraken_tui.wire.balances import BalancesMessage
from kraken_tui.wire.executions import ExecutionsMessage
from kraken_tui.wire.messages import HeartbeatMessage, Refusal, SubscribeAck
from kraken_tui.wire.order_answers import Answer
from kraken_tui.wire.private import PrivateMessage
from kraken_tui.wire.private_requests import (
    subscribe_balances,
    subscribe_executions,
    unsubscribe_balances,
    unsubscribe_executions,
)
from kraken_tui.wire.refusals import refusal
from kraken_tui.wire.symbols import PairSpec

NAME = "account"
EXECUTIONS, BALANCES = "executions", "balances"
CHANNELS = (EXECUTIONS, BALANCES)
"""Channels of an account, in the order in which they are subscribed."""

AGAIN_FIRST_S, AGAIN_CAP_S = 0.5, 8.0
"""Waits before a channel is subscribed again double from the first to the second figure."""

_SUBSCRIBE = {EXECUTIONS: subscribe_executions, BALANCES: subscribe_balances}
_UNSUBSCRIBE = {EXECUTIONS: unsubscribe_executions, BALANCES: unsubscribe_balances}


@dataclass(slots=True)
class _Channel:
    """One channel.

    Attributes:
        asked: Monotonic ns of the request that waits for its acknowledgement; None for none.
        standing: Whether it was acknowledged.
        due: When it is to be subscribed; None where it is, or where it was refused.
        tries: Subscriptions in a row that did not bring what they should.
        refused: The exchange's words; "" for none.
    """

    name: str
    asked: int | None = None
    standing: bool = False
    due: int | None = 0
    tries: int = 0
    refused: str = ""


class AccountSession(PrivateSession):
    """The connection; a `PrivateLink` for who places orders.

    Args:
        account: What frames are applied to; it outlives connections and sessions.
        spec_of: Reference data by symbol, from the public feed.
        channels: Those of `CHANNELS` that the key may read.
        wake: Makes the shell look at once whether there is something to send.
        **options: See `PrivateSession`.

    Attributes:
        account: As given.
        heard: When the last frame of each channel came, monotonic ns.
    """

    def __init__(
        self,
        account: Account,
        spec_of: Callable[[str], PairSpec | None],
        channels: Sequence[str] = CHANNELS,
        *,
        wake: Callable[[], None] = lambda: None,
        **options: Any,
    ) -> None:
        super().__init__(NAME, **options)
        self.account = account
        self.spec = spec_of
        self.heard: dict[str, int] = {}
        self._wake = wake
        self._channels = {name: _Channel(name) for name in channels}
        self._ticked = 0
        self._epoch: tuple[int, int] | None = None

    # -- for who places orders: `PrivateLink` ---------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """See `PrivateLink.ready`."""
        return self.token is not None and self.account.verified

    @property
    def now_ns(self) -> int:
        """See `PrivateLink.now_ns`."""
        if self._epoch is None:
            return self._wall
        now, wall = self._epoch
        return wall + self._now - now

    def send(self, text: str) -> bool:
        """See `PrivateLink.send`."""
        if self.token is None or self._close is not None:
            return False
        self._sends.append(text)
        self._wake()
        return True

    def take(self, events: Sequence[AccountEvent]) -> None:
        """See `PrivateLink.take`."""
        self._told(events)
        self._wake()

    # -- the life of the connection: see `PrivateSession` ---------------------------------------------------------

    def _clock(self, now: int, wall_ns: int) -> None:
        super()._clock(now, wall_ns)
        if self._epoch is None:
            # The account measures times between its events: a wall clock that is set would stretch or end them.
            self._epoch = now, wall_ns

    @property
    def _confirmed(self) -> int:
        return sum(channel.standing for channel in self._channels.values())

    @property
    def _awaiting(self) -> bool:
        return any(channel.asked is not None for channel in self._channels.values())

    def _begin(self) -> None:
        for channel in self._channels.values():
            if not channel.standing:
                channel.refused, channel.due = "", self._now
        self._subscribe()

    def _ask_again(self) -> None:
        for channel in self._channels.values():
            if channel.asked is not None:
                channel.asked, channel.due = None, self._now

    def _unprove(self, cause: str) -> None:
        for channel in self._channels.values():
            channel.asked, channel.standing, channel.due = None, False, self._now
        self._told(self.account.on_disconnected(self.now_ns, cause))

    def _standing(self) -> tuple[Trigger, str]:
        account = self.account
        waiting = [channel for channel in self._channels.values() if not channel.standing and not channel.refused]
        refused = [channel for channel in self._channels.values() if channel.refused]
        if self.watchdog.quiet:
            return Trigger.DEGRADE, self.watchdog.complaint() or "late"
        again = [channel for channel in self._channels.values() if channel.tries]
        doubts = {EXECUTIONS: account.reason, BALANCES: account.balances.reason}
        for channel in (*again, *waiting, *self._channels.values()):
            doubt = doubts[channel.name]
            if channel.refused or not (doubt or not channel.standing):
                continue
            trigger = Trigger.RESYNC if channel.tries else Trigger.PENDING
            return trigger, f"{channel.name}: {doubt or 'subscribing'}"
        if refused:
            return Trigger.DEGRADE, f"{refused[0].name}: {refused[0].refused}"
        return Trigger.CONFIRMED, "complete"

    def _due(self) -> int | None:
        return min((channel.due for channel in self._channels.values() if channel.due is not None), default=None)

    def _pass(self) -> None:
        for channel in self._channels.values():
            if channel.asked is not None and self._now - channel.asked >= ns(self.limits.ack_s):
                self._again(channel)
        self._subscribe()

    def tick(self, now: int, wall_ns: int) -> None:
        """See `PrivateSession.tick`; the account's own limits run without a connection too."""
        super().tick(now, wall_ns)
        if now - self._ticked >= SECOND // 2:
            self._ticked = now
            self._told(self.account.tick(self.now_ns))

    def _subscribe(self) -> None:
        token = self.auth.token
        if token is None:
            return
        for channel in self._channels.values():
            if channel.due is not None and self._now >= channel.due:
                self._send_subscribe(channel, token)
            if not channel.standing and not channel.refused and not self._confirmed:
                # The token is proven by one channel first: a right that only another lacks must not end all.
                return

    def _send_subscribe(self, channel: _Channel, token: Secret) -> None:
        channel.due, channel.asked = None, self._now
        self._sends.append(_SUBSCRIBE[channel.name](token, req_id=self.next_req_id()))

    def _again(self, channel: _Channel) -> None:
        """Subscribe a channel again: unsubscribe now, subscribe once after a wait that doubles."""
        token = self.auth.token
        if channel.due is not None or channel.refused or token is None or not self.up:
            return
        self._sends.append(_UNSUBSCRIBE[channel.name](token, req_id=self.next_req_id()))
        wait_s = min(AGAIN_CAP_S, AGAIN_FIRST_S * 2.0 ** min(channel.tries, 10))
        channel.tries += 1
        channel.standing, channel.asked, channel.due = False, None, self._now + ns(wait_s)
        self.counts[f"{channel.name} subscribed again"] += 1

    # -- what comes -----------------------------------------------------------------------------------------------

    def _acknowledged(self, ack: SubscribeAck) -> None:
        channel = self._channels.get(ack.channel)
        if ack.method != "subscribe" or channel is None:
            return
        channel.asked, channel.standing, channel.due = None, True, None
        self._told(self.account.on_subscribed(channel.name, ack.result, self.now_ns))
        self._subscribe()

    def _refused(self, refusal_: Refusal) -> None:
        self.counts["refusals"] += 1
        if refusal_.method == "unsubscribe":
            return
        waiting = [channel for channel in self._channels.values() if channel.asked is not None]
        named = [channel for channel in waiting if channel.name == refusal_.channel]
        for channel in (named or waiting)[:1]:
            channel.asked = None
            if "already subscribed" in refusal_.error.lower():
                self._again(channel)
                continue
            channel.refused = refusal(refusal_.error).sentence
            self._say(f"{channel.name}: {channel.refused}", level="error")
        self._subscribe()

    def _take(self, message: PrivateMessage) -> None:
        if isinstance(message, ExecutionsMessage):
            self._proven(EXECUTIONS)
            self._told(self.account.on_executions(message, self.now_ns))
        elif isinstance(message, BalancesMessage):
            self._proven(BALANCES)
            self._told(self.account.on_balances(message, self.now_ns))
        elif isinstance(message, Answer):
            if not message.success:
                self._answer_refused(message)
            self._told(self.account.on_answer(message, self.now_ns))
            # For who places orders: some answers are about no order, and all belong into the audit file.
            self._events.append(message)
        elif not isinstance(message, HeartbeatMessage):
            self.counts["frames of other kinds"] += 1

    def _answer_refused(self, answer: Answer) -> None:
        """A trading request was refused; it is never sent again, but its words may be about the token."""
        step = self.auth.refused(answer.error, self._now)
        if step is not None:
            self.counts["tokens refused"] += 1
            self._do_step(step)

    def _proven(self, name: str) -> None:
        """Data came: the acknowledgement may have been lost."""
        self.heard[name] = self._now
        channel = self._channels.get(name)
        if channel is not None and channel.asked is not None:
            channel.asked, channel.standing, channel.due = None, True, None
            self.auth.accepted(self._now)

    def _told(self, events: Sequence[AccountEvent]) -> None:
        for event in events:
            if isinstance(event, Ask) and event.kind is AskKind.RESUBSCRIBE:
                channel = self._channels.get(event.channel)
                if channel is not None:
                    self._say(f"{event.channel}: {event.reason}; subscribed again", kind=f"again {event.channel}")
                    self._again(channel)
            else:
                self._events.append(event)
        for name, verified in ((EXECUTIONS, self.account.verified), (BALANCES, self.account.balances.verified)):
            channel = self._channels.get(name)
            if channel is not None and verified and channel.standing:
                channel.tries = 0
