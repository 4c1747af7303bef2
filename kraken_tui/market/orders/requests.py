"""Requests that wait for an answer, and orders that somebody has to ask about. Nothing here sends anything twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from kraken_tui.market.orders.values import Ask, AskKind, Order
from kraken_tui.units import SECOND


class Limits(msgspec.Struct, frozen=True):
    """How long the account waits, in ns.

    Attributes:
        answer_ns: For an answer, and after it for the first event; then the outcome is unknown.
        snapshot_ns: For a snapshot after the acknowledgement.
        grace_ns: For a second frame of a snapshot that had no orders.
        follow_ns: How long an unknown outcome is looked up at least, since REST lags behind the socket.
        again_ns: Between two look-ups.
    """

    answer_ns: int = 5 * SECOND
    snapshot_ns: int = 5 * SECOND
    grace_ns: int = 2 * SECOND
    follow_ns: int = 60 * SECOND
    again_ns: int = 10 * SECOND


class Method(StrEnum):
    """What was asked of the exchange."""

    ADD = "add"
    AMEND = "amend"
    CANCEL = "cancel"
    CANCEL_ALL = "cancel all"


@dataclass(slots=True)
class Request:
    """One request; `keys` are the orders that still wait for its answer."""

    method: Method
    sent_ns: int
    keys: list[str] = field(default_factory=list)
    answered: bool = False
    given_up: bool = False


class Why(StrEnum):
    """Why an order is looked up."""

    NO_ANSWER = "no answer"
    NO_EVENT = "no event after the answer"
    GONE = "it was open before and is not in the snapshot"
    UNDESCRIBED = "an event of an order that was never described"
    CONTRADICTED = "the open orders hold it, but it had ended"
    REFUSED = "the exchange does not know it"


@dataclass(slots=True)
class Follow:
    """One order that is looked up until its outcome is known."""

    why: Why
    since_ns: int
    next_ns: int


class Requests:
    """All that waits.

    Args:
        limits: How long.
        kept: Answered and given-up requests that late answers are still matched with.
    """

    def __init__(self, limits: Limits, kept: int = 2_000) -> None:
        self.limits = limits
        self.by_id: dict[int, Request] = {}
        self.follows: dict[str, Follow] = {}
        self._kept = kept

    def sent(self, req_id: int, request: Request) -> None:
        """A request left.

        Raises:
            ValueError: The number was used before.
        """
        if req_id in self.by_id:
            raise ValueError(f"request number {req_id} was used before")
        self.by_id[req_id] = request
        if len(self.by_id) > self._kept:
            done = next((number for number, each in self.by_id.items() if each.answered or each.given_up), None)
            if done is not None:
                del self.by_id[done]

    def follow(self, key: str, why: Why, now_ns: int) -> None:
        """Look an order up from now on; one that is looked up already goes on as it was."""
        self.follows.setdefault(key, Follow(why, now_ns, now_ns))

    def overdue(self, now_ns: int) -> list[Request]:
        """Requests whose answer is late; each is returned once."""
        limit = self.limits.answer_ns
        late = [
            request
            for request in self.by_id.values()
            if not request.answered and not request.given_up and now_ns - request.sent_ns >= limit
        ]
        for request in late:
            request.given_up = True
        return late

    def long_enough(self, key: str, now_ns: int) -> bool:
        """Whether an order was looked up for so long that "not there" means something."""
        follow = self.follows.get(key)
        return follow is not None and now_ns - follow.since_ns >= self.limits.follow_ns

    def due(self, key: str, order: Order, now_ns: int) -> Ask | None:
        """The next look-up of an order, where it is time."""
        follow = self.follows[key]
        if now_ns < follow.next_ns:
            return None
        follow.next_ns = now_ns + self.limits.again_ns
        if order.order_id is not None:
            reason = f"order {order.order_id}: {follow.why}"
            return Ask(AskKind.QUERY_ORDER, reason, order_id=order.order_id, cl_ord_id=order.cl_ord_id)
        return Ask(AskKind.FIND_ORDER, f"order {order.cl_ord_id}: {follow.why}", cl_ord_id=order.cl_ord_id)
