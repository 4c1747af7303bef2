"""What is wanted from the exchange, what it has confirmed, and the requests that close the gap.

Pure: `requests` says what to send now, `acknowledged` and `refused` take the answers. Requests for several symbols
share one frame, are paced, carry a request number, are repeated when no answer comes, and are rebuilt from this
state after a reconnect (PROTOCOL.md section 3; RELIABILITY.md F28 to F33).
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from kraken_tui.feed.limits import Limits, ns
from kraken_tui.wire import requests
from kraken_tui.wire.messages import Refusal, SubscribeAck

_KEPT_IDS = 16
"""Request numbers kept per subscription: a silent one is repeated for days."""
Key = tuple[str, str | None]
"""(channel, symbol); the symbol is None where a channel is subscribed for the whole feed."""


class Status(Enum):
    """Where one subscription stands."""

    TO_SEND = auto()
    SENT = auto()
    CONFIRMED = auto()
    TO_LEAVE = auto()
    LEAVING = auto()
    REFUSED = auto()


class RefusalMeaning(Enum):
    """What a refusal means for what was asked."""

    REFUSED = auto()
    RETRY = auto()
    SLOWER = auto()
    AGAIN = auto()
    LEFT = auto()


@dataclass(slots=True)
class Subscription:
    """One channel of one symbol.

    Attributes:
        params: Further parameters of the request.
        repeats: Names of those that identify the subscription, so an unsubscribe must repeat them.
        status: Where it stands.
        again: After leaving, subscribe again (a resync, other parameters) rather than forget it.
        tries: Requests sent without an answer.
        clashes: Times in a row that the exchange said "Already subscribed".
        silent: No answer after all retries; it is still retried occasionally.
        req_ids: Numbers of the requests that may still be answered.
        deadline: When the answer is overdue, monotonic ns.
        not_before: Earliest time to send it, monotonic ns.
        sent_params: Parameters last sent, which an unsubscribe must repeat.
    """

    channel: str
    symbol: str | None
    params: dict[str, object]
    repeats: frozenset[str] = frozenset()
    status: Status = Status.TO_SEND
    again: bool = False
    tries: int = 0
    clashes: int = 0
    silent: bool = False
    req_ids: list[int] = field(default_factory=list)
    deadline: int | None = None
    not_before: int = 0
    sent_params: dict[str, object] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """Channel and symbol."""
        return (self.channel, self.symbol)

    @property
    def leaving(self) -> bool:
        """Whether an unsubscribe is queued or unanswered."""
        return self.status in (Status.TO_LEAVE, Status.LEAVING)

    @property
    def has_begun(self) -> bool:
        """Whether data may arrive: it is granted, or asked for since it was last left."""
        return self.status is Status.CONFIRMED or (bool(self.req_ids) and not self.leaving)

    @property
    def answerable(self) -> bool:
        """Whether a request is on its way, even one that is about to be repeated."""
        return bool(self.req_ids) and self.status not in (Status.CONFIRMED, Status.REFUSED)


@dataclass(slots=True)
class Answer:
    """What one acknowledgement or refusal settled.

    Attributes:
        confirmed: Newly granted subscriptions.
        refused: Refused for good.
        slower: The exchange asked for fewer requests.
        matched: Whether it answered one of our requests.
    """

    confirmed: list[Subscription] = field(default_factory=list)
    refused: list[Subscription] = field(default_factory=list)
    slower: bool = False
    matched: bool = True


def judge(error: str) -> RefusalMeaning:
    """What the text of a refusal means; an unknown text is a refusal for good, so that no request loops."""
    text = error.lower()
    if "msg rate" in text or "rate limit" in text:
        return RefusalMeaning.SLOWER
    if "already subscribed" in text:
        return RefusalMeaning.AGAIN
    if "subscription not found" in text:
        return RefusalMeaning.LEFT
    if any(word in text for word in ("unavailable", "eservice", "internal error", "timeout", "deadline")):
        return RefusalMeaning.RETRY
    return RefusalMeaning.REFUSED


class Subscriptions:
    """All subscriptions of one connection.

    Args:
        limits: Batch size, pace, timers.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._all: OrderedDict[Key, Subscription] = OrderedDict()
        # Those of status CONFIRMED, to be asked for every message; `_mark` alone sets a status.
        self._granted: defaultdict[str, set[str | None]] = defaultdict(set)
        self._next_id = 1
        self._next_send = 0
        self._gap = ns(1.0 / limits.requests_per_s)
        self.last_sent: int | None = None

    @property
    def _burst(self) -> int:
        """How far sending may run ahead of its even pace, ns: a few requests may leave together."""
        return (self._limits.burst - 1) * self._gap

    # -- what is wanted -----------------------------------------------------------------------------------------

    def want(
        self, channel: str, symbol: str | None, *, repeats: frozenset[str] = frozenset(), **params: object
    ) -> None:
        """Want a channel; other parameters than before lead to unsubscribe and subscribe.

        Args:
            channel, symbol: What; no symbol for a channel of the whole feed.
            repeats: Names of the parameters that an unsubscribe must repeat.
            params: Parameters of the subscribe request.
        """
        known = self._all.get((channel, symbol))
        if known is None:
            self._all[(channel, symbol)] = Subscription(channel, symbol, params, repeats)
            return
        changed = known.params != params
        known.params = params
        if known.status is Status.REFUSED:
            if changed:
                self._queue(known)
        elif known.leaving:
            known.again = True
        elif changed and known.status in (Status.SENT, Status.CONFIRMED):
            self.renew(channel, symbol)

    def unwant(self, channel: str, symbol: str | None) -> None:
        """Want a channel no longer."""
        known = self._all.get((channel, symbol))
        if known is None:
            return
        if known.status in (Status.TO_SEND, Status.REFUSED):
            del self._all[known.key]
            return
        known.again = False
        if not known.leaving:
            self._leave(known)

    def renew(self, channel: str, symbol: str | None) -> None:
        """Unsubscribe, wait for the acknowledgement, subscribe: the only way to a new snapshot (section 4.5)."""
        known = self._all.get((channel, symbol))
        if known is None or known.status in (Status.TO_SEND, Status.REFUSED):
            return
        known.again = True
        if not known.leaving:
            self._leave(known)

    def refuse(self, channel: str, symbol: str | None) -> None:
        """Stop requesting a channel, without a refusal by the exchange."""
        known = self._all.get((channel, symbol))
        if known is not None:
            self._settle(known, Status.REFUSED)

    def get(self, channel: str, symbol: str | None) -> Subscription | None:
        """The subscription of a channel, or None where it is not wanted."""
        return self._all.get((channel, symbol))

    def expects(self, channel: str, symbol: str | None) -> bool:
        """Whether data of a channel are to be used: it is granted, or asked for and not being left."""
        known = self._all.get((channel, symbol))
        return known is not None and known.has_begun

    def __iter__(self) -> Iterator[Subscription]:
        return iter(self._all.values())

    def reset(self) -> None:
        """The connection is gone: everything still wanted must be asked for again on the next one."""
        for known in list(self._all.values()):
            if known.leaving and not known.again:
                del self._all[known.key]
            elif known.status is not Status.REFUSED or known.symbol is None:
                # The whole feed depends on the instrument list: no refusal of it is final.
                self._queue(known)
        self._next_send = 0
        self._gap = ns(1.0 / self._limits.requests_per_s)
        self.last_sent = None

    @property
    def pending(self) -> bool:
        """Whether anything is queued or unanswered, silent ones aside."""
        return any(
            known.status not in (Status.CONFIRMED, Status.REFUSED) and not known.silent for known in self._all.values()
        )

    @property
    def silent(self) -> list[Subscription]:
        """Subscriptions the exchange does not answer."""
        return [known for known in self._all.values() if known.silent]

    @property
    def confirmed(self) -> int:
        """Number of granted subscriptions."""
        return sum(map(len, self._granted.values()))

    def granted(self, channel: str) -> Container[str | None]:
        """Symbols of a channel that are granted now; the same object always, which changes."""
        return self._granted[channel]

    # -- requests -----------------------------------------------------------------------------------------------

    def take_ping(self, now: int) -> tuple[int, str]:
        """Write an application ping: its number and its text."""
        req_id = self._take_id()
        self.last_sent = now
        return req_id, requests.ping(req_id=req_id)

    def requests(self, now: int, *, ready: bool) -> list[str]:
        """Requests to send now.

        Args:
            now: Monotonic ns.
            ready: Whether the instrument list is here; before that no pair is subscribed.
        """
        sends: list[str] = []
        # Leaving comes first: a subscribe for the same book must not overtake it.
        for leaving in (True, False):
            while now >= self._next_send - self._burst:
                batch = self._batch(now, leaving=leaving, ready=ready)
                if not batch:
                    break
                sends.append(self._write(batch, now, leaving=leaving))
                self._next_send = max(self._next_send, now) + self._gap
        if sends:
            self.last_sent = now
        return sends

    def _batch(self, now: int, *, leaving: bool, ready: bool) -> list[Subscription]:
        status = Status.TO_LEAVE if leaving else Status.TO_SEND
        batch: list[Subscription] = []
        for known in self._all.values():
            if known.status is not status or known.not_before > now:
                continue
            if not ready and known.symbol is not None:
                continue
            if not batch or self._shares(batch[0], known, leaving=leaving):
                batch.append(known)
            if len(batch) >= self._limits.batch:
                break
        return batch

    @staticmethod
    def _shares(first: Subscription, other: Subscription, *, leaving: bool) -> bool:
        if first.channel != other.channel or other.symbol is None:
            return False
        return first.sent_params == other.sent_params if leaving else first.params == other.params

    def _write(self, batch: list[Subscription], now: int, *, leaving: bool) -> str:
        req_id = self._take_id()
        symbols = [known.symbol for known in batch if known.symbol is not None]
        channel = batch[0].channel
        for known in batch:
            self._mark(known, Status.LEAVING if leaving else Status.SENT)
            known.req_ids = [*known.req_ids[1 - _KEPT_IDS :], req_id]
            known.tries += 1
            known.deadline = now + ns(self._limits.ack_s)
            if not leaving:
                known.sent_params = known.params
        if leaving:
            # Only what identifies the subscription; an unsubscribe carries no `snapshot` flag.
            params = {name: value for name, value in batch[0].sent_params.items() if name in batch[0].repeats}
            return requests.unsubscribe(channel, symbols, req_id=req_id, **params)
        return requests.subscribe(channel, symbols, req_id=req_id, **batch[0].params)

    def _take_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1

    # -- answers ------------------------------------------------------------------------------------------------

    def acknowledged(self, ack: SubscribeAck) -> Answer:
        """Take a granted request. Answers to outdated requests are recognised by their number and ignored."""
        known = self._all.get((ack.channel, None)) or self._all.get((ack.channel, ack.symbol))
        if known is None or (ack.req_id is not None and ack.req_id not in known.req_ids):
            return Answer(matched=False)
        if ack.method == "unsubscribe":
            if not known.leaving:
                return Answer(matched=False)
            self._left(known)
            return Answer()
        if known.leaving or not known.answerable:
            return Answer(matched=False)
        self._settle(known, Status.CONFIRMED)
        return Answer(confirmed=[known])

    def seen_data(self, channel: str, symbol: str | None) -> Subscription | None:
        """Treat data as an acknowledgement whose frame was lost; returns what it newly confirmed."""
        known = self._all.get((channel, symbol))
        if known is None or known.leaving or not known.answerable:
            return None
        self._settle(known, Status.CONFIRMED, keep_ids=True)
        return known

    def refused(self, refusal: Refusal, now: int) -> Answer:
        """Take a refused request and decide what becomes of what it asked for."""
        concerned = self._concerned(refusal)
        answer = Answer(matched=bool(concerned))
        verdict = judge(refusal.error)
        if verdict is RefusalMeaning.SLOWER:
            self._slow_down(now)
            answer.slower = True
            if not concerned:
                concerned = [known for known in self._all.values() if known.answerable]
        for known in concerned:
            if known.leaving and verdict is not RefusalMeaning.SLOWER:
                # A refused unsubscribe means that there is nothing to leave.
                self._left(known)
            elif verdict is RefusalMeaning.SLOWER:
                self._mark(known, Status.TO_LEAVE if known.leaving else Status.TO_SEND)
                known.tries = 0
                known.deadline = None
                known.not_before = self._next_send
            elif verdict is RefusalMeaning.AGAIN:
                self._clash(known, now)
            elif verdict is RefusalMeaning.RETRY:
                self._repeat(known, now, ns(self._limits.ack_s))
            else:
                self._settle(known, Status.REFUSED)
                answer.refused.append(known)
        return answer

    def _concerned(self, refusal: Refusal) -> list[Subscription]:
        """The unanswered subscriptions a refusal refers to: by its number, its symbol, or both."""
        open_ones = [known for known in self._all.values() if known.answerable]
        if refusal.req_id is not None:
            open_ones = [known for known in open_ones if refusal.req_id in known.req_ids]
        elif refusal.symbol is None:
            return []
        if refusal.symbol is not None:
            open_ones = [known for known in open_ones if known.symbol == refusal.symbol]
        if refusal.channel is not None:
            open_ones = [known for known in open_ones if known.channel == refusal.channel]
        if refusal.req_id is None:
            # Without a number the oldest unanswered request for the symbol is the one meant.
            open_ones = sorted(open_ones, key=lambda known: known.req_ids[-1])[:1]
        return open_ones

    def _clash(self, known: Subscription, now: int) -> None:
        """Already subscribed: unsubscribe and subscribe, but not for ever at full speed."""
        clashes = known.clashes + 1
        known.again = True
        self._leave(known)
        known.clashes = clashes
        if clashes > self._limits.ack_retries:
            known.silent = True
            known.not_before = now + ns(self._limits.silent_retry_s)

    def _slow_down(self, now: int) -> None:
        self._gap = min(self._gap * 2, ns(5.0))
        self._next_send = max(self._next_send, now + self._burst + max(self._gap, ns(1.0)))

    # -- time ---------------------------------------------------------------------------------------------------

    def tick(self, now: int) -> list[Subscription]:
        """Repeat requests that were not answered in time; returns the subscriptions that have just turned silent."""
        silent: list[Subscription] = []
        for known in list(self._all.values()):
            if known.deadline is None or now < known.deadline:
                continue
            if known.leaving and known.tries > self._limits.ack_retries:
                self._left(known)
            elif self._repeat(known, now, 0):
                silent.append(known)
        return silent

    def next_deadline(self, *, ready: bool) -> int | None:
        """When `tick` or `requests` has something to do; None if never."""
        times = [known.deadline for known in self._all.values() if known.deadline is not None]
        times += [
            max(known.not_before, self._next_send - self._burst)
            for known in self._all.values()
            if known.status in (Status.TO_SEND, Status.TO_LEAVE) and (ready or known.symbol is None)
        ]
        return min(times, default=None)

    def _repeat(self, known: Subscription, now: int, delay: int) -> bool:
        self._mark(known, Status.TO_LEAVE if known.leaving else Status.TO_SEND)
        known.deadline = None
        known.not_before = now + delay
        if known.tries <= self._limits.ack_retries:
            return False
        known.not_before = now + ns(self._limits.silent_retry_s)
        newly, known.silent = not known.silent, True
        return newly

    # -- status -------------------------------------------------------------------------------------------------

    def _mark(self, known: Subscription, status: Status) -> None:
        known.status = status
        granted = self._granted[known.channel]
        if status is Status.CONFIRMED:
            granted.add(known.symbol)
        else:
            granted.discard(known.symbol)

    def _queue(self, known: Subscription) -> None:
        self._settle(known, Status.TO_SEND)
        known.again = False
        known.not_before = 0

    def _leave(self, known: Subscription) -> None:
        self._settle(known, Status.TO_LEAVE)
        known.not_before = 0

    def _left(self, known: Subscription) -> None:
        if known.again:
            clashes = known.clashes
            self._queue(known)
            known.clashes = clashes
        else:
            del self._all[known.key]

    def _settle(self, known: Subscription, status: Status, *, keep_ids: bool = False) -> None:
        self._mark(known, status)
        known.tries = known.clashes = 0
        known.silent = False
        known.deadline = None
        if not keep_ids:
            known.req_ids = []
