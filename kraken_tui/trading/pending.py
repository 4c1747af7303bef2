"""Requests that have left, and what became of each: decided by the account's events, and by nothing else. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kraken_tui.market.orders.requests import Method
from kraken_tui.market.orders.values import DONE, LIVE, Order, OrderChanged, Stage
from kraken_tui.trading.outcomes import Accepted, NotSent, OrderRefused, Outcome, OutcomeUnknown
from kraken_tui.units import SECOND

ANSWER_NS = 10 * SECOND
"""After this a request without an outcome has an unknown one; the account gives an answer half of it."""

Told = Callable[[Outcome], object]


def nobody(_: Outcome) -> None:
    """Tell nobody."""


@dataclass(slots=True, eq=False)
class Pending:
    """One request.

    Attributes:
        what: "place", "validate", "amend", "cancel" or "cancel all".
        key: Handle of its order; "" for all orders.
        outcome: None until it is known; an unknown one may become a known one later, which is told as well.
        told: Called with each outcome.
    """

    what: str
    key: str = ""
    req_id: int = 0
    sent_ns: int = 0
    told: Told = nobody
    outcome: Outcome | None = None

    def end(self, outcome: Outcome) -> None:
        """Its outcome is known, or is known to be unknown."""
        self.outcome = outcome
        self.told(outcome)

    @property
    def open(self) -> bool:
        """Whether something about it is still to be found out."""
        return self.outcome is None or isinstance(self.outcome, OutcomeUnknown)


def not_sent(what: str, reasons: list[str], told: Told) -> Pending:
    """A request that never left."""
    pending = Pending(what, told=told)
    pending.end(NotSent(what, tuple(reasons)))
    return pending


class Waiting:
    """All requests without a final outcome."""

    def __init__(self) -> None:
        self._all: list[Pending] = []

    def add(self, pending: Pending) -> Pending:
        """A request leaves."""
        self._all.append(pending)
        return pending

    def __len__(self) -> int:
        return len(self._all)

    def of(self, key: str) -> list[Pending]:
        """Those about one order."""
        return [each for each in self._all if each.key == key]

    def take(self, event: OrderChanged) -> None:
        """An order changed."""
        for pending in self.of(event.order.key):
            outcome = _judged(pending, event)
            if outcome is not None and not (isinstance(outcome, OutcomeUnknown) and pending.outcome is not None):
                pending.end(outcome)
        self._all = [each for each in self._all if each.open]

    def on_count(self, req_id: int | None, outcome: Outcome) -> None:
        """The answer to a request about all orders."""
        for pending in self._all:
            if pending.req_id == req_id and not pending.key:
                pending.end(outcome)
        self._all = [each for each in self._all if each.open]

    def disconnected(self) -> None:
        """What names no order is told by no event."""
        self._lose(lambda each: not each.key or each.what == "validate", "the connection was lost")

    def tick(self, now_ns: int) -> None:
        """Give up waiting for answers that are late."""
        self._lose(lambda each: now_ns - each.sent_ns >= ANSWER_NS, "no answer came")
        # What was looked up for minutes is told by the order's own state.
        self._all = [each for each in self._all if now_ns - each.sent_ns < 180 * SECOND]

    def _lose(self, which: Callable[[Pending], bool], reason: str) -> None:
        for pending in self._all:
            if pending.outcome is None and which(pending):
                pending.end(OutcomeUnknown(pending.what, pending.key, reason))
        self._all = [each for each in self._all if each.open and not (each.what == "validate" and each.outcome)]


def _judged(pending: Pending, event: OrderChanged) -> Outcome | None:
    order, what = event.order, pending.what
    if what in ("place", "validate"):
        return _placed(what, order, event)
    if what == "amend":
        return _amended(order, event)
    return _cancelled(order, event, asked=pending.outcome is not None)


def _placed(what: str, order: Order, event: OrderChanged) -> Outcome | None:
    if order.stage is Stage.REFUSED:
        return OrderRefused(what, order.reason, event.note)
    if order.stage in (Stage.UNKNOWN, Stage.NOT_FOUND):
        found = "it was not found for a minute" if order.stage is Stage.NOT_FOUND else event.note or "no answer"
        return OutcomeUnknown(what, order.key, order.reason or found)
    told = event.what == "answered" or order.stage in LIVE or order.stage in DONE
    return Accepted(what, order) if told else None


def _amended(order: Order, event: OrderChanged) -> Outcome | None:
    if event.what == "amend refused":
        return OrderRefused("amend", order.reason, event.note)
    if event.what == "amended" or (event.what == "answered" and event.note == Method.AMEND):
        return Accepted("amend", order)
    if event.what == "no answer":
        return OutcomeUnknown("amend", order.key, event.note)
    if order.stage in DONE:
        return OrderRefused("amend", f"the order was {order.stage} first")
    if event.what == "found":
        return OutcomeUnknown("amend", order.key, "look at the order: it is shown as the exchange has it")
    return None


def _cancelled(order: Order, event: OrderChanged, *, asked: bool) -> Outcome | None:
    # Only the exchange's word that the order has ended counts; an answer is none.
    if order.stage is Stage.FILLED:
        return OrderRefused("cancel", "the order was filled first")
    if order.stage in DONE:
        return Accepted("cancel", order)
    if event.what == "cancel refused":
        if order.stage is Stage.UNKNOWN:
            return OutcomeUnknown("cancel", order.key, order.reason)
        return OrderRefused("cancel", order.reason, event.note)
    if event.what == "no answer" or order.stage is Stage.NOT_FOUND:
        return OutcomeUnknown("cancel", order.key, event.note)
    if asked and order.stage in LIVE and not order.cancel_sent:
        return OrderRefused("cancel", "it was not cancelled: the order is still open")
    return None
