"""The account's orders, fills and balances: frames, answers and reports in, events out (PRIVATE.md sections 3 to 6).

Pure: times are passed in, and what has to be found out leaves as an `Ask`. The account never sends, and so never sends
twice. Only the exchange's word ends an order: neither silence, nor a refusal, nor absence from the open orders does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from msgspec.structs import replace

from kraken_tui.market.orders.balances import Balances
from kraken_tui.market.orders.executions import Executions
from kraken_tui.market.orders.merging import reported
from kraken_tui.market.orders.refusals import Retry, means
from kraken_tui.market.orders.requests import Limits, Method, Request, Why
from kraken_tui.market.orders.state import LOST, State
from kraken_tui.market.orders.values import (
    DONE,
    LIVE,
    AccountEvent,
    Ask,
    AskKind,
    Fill,
    FillSeen,
    NewOrder,
    Order,
    OrderChanged,
    OrderReport,
    Stage,
)
from kraken_tui.wire.balances import BalancesMessage
from kraken_tui.wire.executions import ExecutionsMessage
from kraken_tui.wire.order_answers import Answer, AnsweredOrder


class Account:
    """Everything that is known of one account.

    Args:
        own_prefix: How the client's ids of this program begin; orders with other ids, or none, are foreign. "" takes
            only those sent in this session for own.
        limits: How long it waits.

    Attributes:
        orders, fills, balances: What is known.
        counts: What was odd, by name, for the diagnostics.
        max_rate: Threshold of the rate counter that the exchange named; None before.
    """

    def __init__(self, own_prefix: str = "", limits: Limits | None = None) -> None:
        self._state = state = State(limits or Limits())
        self.limits, self.orders, self.fills = state.limits, state.orders, state.fills
        self.requests, self.counts = state.requests, state.counts
        self.balances = Balances()
        self.max_rate: int | None = None
        self._executions = Executions(state, own_prefix)
        self._awaited: dict[str, int] = {}

    # -- what is known ---------------------------------------------------------------------------------------------

    @property
    def verified(self) -> bool:
        """Whether the executions are complete since a snapshot; orders are shown as not verified otherwise."""
        return self._executions.verified

    @property
    def reason(self) -> str:
        """Why they are not; "" where they are."""
        return self._executions.reason

    @property
    def sequence(self) -> int | None:
        """Number of the last frame of the executions."""
        return self._executions.sequence.last

    @property
    def settled(self) -> bool:
        """Whether nothing is left to find out: a whole snapshot, no order looked up, no fills missing."""
        return self._executions.complete and not self.requests.follows and self._state.hole_ns is None

    def order_verified(self, order: Order) -> bool:
        """Whether an order's state is proven right now; one that ended stays so."""
        return order.stage in DONE or (self.verified and order.key not in self.requests.follows)

    def open_orders(self) -> tuple[Order, ...]:
        """All that are open or may be."""
        return tuple(order for order in self.orders if order.stage not in DONE)

    def children(self, order_id: str) -> tuple[Order, ...]:
        """Orders that fills of an order created by its conditional close."""
        return tuple(order for order in self.orders if order.parent == order_id)

    def may_change(self, order: Order) -> str:
        """Why an order may not be amended now; "" where it may."""
        if order.stage not in LIVE or order.order_id is None:
            return f"the order is {order.stage}"
        if order.amend_sent or order.cancel_sent:
            return "a change of it is on its way"
        if order.closes:
            return "an order with a conditional close cannot be amended"
        return "" if self.order_verified(order) else "the order is not verified"

    # -- what is sent ----------------------------------------------------------------------------------------------

    def sent_add(self, req_id: int, new: NewOrder, now_ns: int) -> tuple[AccountEvent, ...]:
        """An order is about to leave; call it before sending, so that no event can overtake it.

        Raises:
            ValueError: The client's id or the request's number was used before. The exchange would take the id of an
                order that has ended a second time.
        """
        if self.orders.used(new.cl_ord_id):
            raise ValueError(f"the order id {new.cl_ord_id!r} was used before")
        self.requests.sent(req_id, Request(Method.ADD, now_ns, [new.cl_ord_id]))
        order = Order(
            key=new.cl_ord_id,
            stage=Stage.SENT,
            cl_ord_id=new.cl_ord_id,
            symbol=new.symbol,
            side=new.side,
            order_type=new.order_type,
            order_qty=new.order_qty,
            limit_price=new.limit_price,
            trigger_price=new.trigger_price,
            triggered=None if new.trigger_price is None else False,
            display_qty=new.display_qty,
            time_in_force=new.time_in_force,
            post_only=new.post_only,
            reduce_only=new.reduce_only,
            status="validate" if new.validate else "",
        )
        return (OrderChanged(self.orders.put(order), "sent"),)

    def sent_amend(self, req_id: int, order: Order, now_ns: int) -> tuple[AccountEvent, ...]:
        """An amend is about to leave; the order changes only when the exchange says so.

        Raises:
            ValueError: It may not be changed now (`may_change`), or the request's number was used before.
        """
        if reason := self.may_change(order):
            raise ValueError(reason)
        self.requests.sent(req_id, Request(Method.AMEND, now_ns, [order.key]))
        return (OrderChanged(self.orders.put(replace(order, amend_sent=True)), "sent", "amend"),)

    def sent_cancel(self, req_id: int, orders: Sequence[Order], now_ns: int) -> tuple[AccountEvent, ...]:
        """Cancels are about to leave, in one request with one answer each. A cancel is always allowed."""
        self.requests.sent(req_id, Request(Method.CANCEL, now_ns, [order.key for order in orders]))
        return self._cancels_left(orders)

    def sent_cancel_all(self, req_id: int, now_ns: int) -> tuple[AccountEvent, ...]:
        """A cancel of all orders of the account is about to leave: those of other programs too."""
        orders = [order for order in self.orders if order.stage not in DONE]
        self.requests.sent(req_id, Request(Method.CANCEL_ALL, now_ns, [order.key for order in orders]))
        return self._cancels_left(orders)

    def _cancels_left(self, orders: Iterable[Order]) -> tuple[AccountEvent, ...]:
        kept = (self.orders.get(order.key) or order for order in orders)
        marked = [replace(order, cancel_sent=True) for order in kept if order.stage not in DONE]
        return tuple(OrderChanged(self.orders.put(order), "sent", "cancel") for order in marked)

    # -- what arrives ----------------------------------------------------------------------------------------------

    def on_subscribed(self, channel: str, result: Mapping[str, object], now_ns: int) -> tuple[AccountEvent, ...]:
        """A subscription was acknowledged; its snapshot is awaited now."""
        self._awaited[channel] = now_ns
        rate = result.get("maxratecount")
        if isinstance(rate, int) and not isinstance(rate, bool):
            self.max_rate = rate
        if channel == "executions":
            self._executions.begin()
        elif channel == "balances":
            self.balances.sequence.reset()
        return ()

    def on_executions(self, message: ExecutionsMessage, now_ns: int) -> tuple[AccountEvent, ...]:
        """Take a frame of the executions."""
        if message.type == "snapshot":
            self._awaited.pop("executions", None)
        return self._awaiting(tuple(self._executions.take(message, now_ns)), now_ns) + self._state.asks(now_ns)

    def on_balances(self, message: BalancesMessage, now_ns: int) -> tuple[AccountEvent, ...]:
        """Take a frame of the balances."""
        if message.type == "snapshot":
            self._awaited.pop("balances", None)
        return self._awaiting(self.balances.on_message(message), now_ns)

    def _awaiting(self, events: tuple[AccountEvent, ...], now_ns: int) -> tuple[AccountEvent, ...]:
        """Subscribing again was asked for: that is asked for once more if it brings no snapshot."""
        for event in events:
            if isinstance(event, Ask) and event.kind is AskKind.RESUBSCRIBE:
                self._awaited[event.channel] = now_ns
        return events

    def on_answer(self, answer: Answer, now_ns: int) -> tuple[AccountEvent, ...]:
        """Take an answer; one that comes after it was given up counts as well."""
        request = self.requests.by_id.get(answer.req_id) if answer.req_id is not None else None
        if request is None:
            self.counts["answers to nothing"] += 1
            return ()
        if request.given_up:
            self.counts["late answers"] += 1
        if request.method is Method.ADD:
            events = self._on_add(request, answer, now_ns)
        elif request.method is Method.CANCEL_ALL:
            events = self._on_cancel_all(request, answer, now_ns)
        else:
            events = self._on_change(request, answer, now_ns)
        return tuple(events) + self._state.asks(now_ns)

    def on_disconnected(self, now_ns: int, reason: str = "the connection is gone") -> tuple[AccountEvent, ...]:
        """The private socket is gone: all is unverified, and every unanswered request has an unknown outcome."""
        self._awaited.clear()
        events: list[AccountEvent] = list(self._executions.lose(reason))
        self._executions.begin()
        events += self.balances.on_disconnected(reason)
        for request in self.requests.by_id.values():
            if not request.answered and not request.given_up:
                request.given_up = True
                events += self._no_answer(request, now_ns)
        return tuple(events) + self._state.asks(now_ns)

    def tick(self, now_ns: int) -> tuple[AccountEvent, ...]:
        """Let time pass: late answers, snapshots that never came, look-ups that are due; about once a second."""
        events: list[AccountEvent] = []
        for request in self.requests.overdue(now_ns):
            events += self._no_answer(request, now_ns)
        for request in self.requests.by_id.values():
            if request.answered and request.keys and now_ns - request.sent_ns >= self.limits.answer_ns:
                events += self._no_event(request, now_ns)
        for channel, since in list(self._awaited.items()):
            if now_ns - since >= self.limits.snapshot_ns:
                # Acknowledged and silent: nothing comes by itself any more.
                self._awaited[channel] = now_ns
                events.append(Ask(AskKind.RESUBSCRIBE, "no snapshot came", channel=channel))
        events += self._executions.tick(now_ns)
        return tuple(events) + self._state.asks(now_ns)

    # -- what REST says --------------------------------------------------------------------------------------------

    def on_report(self, report: OrderReport, now_ns: int) -> tuple[AccountEvent, ...]:
        """Take an order that REST told of."""
        known = order = self.orders.by_id(report.order_id)
        local = self.orders.by_client(report.cl_ord_id)
        if local is not None and local.order_id is None:
            order = self.orders.join(local, report.order_id)
        if order is None:
            self.counts["reports of unknown orders"] += 1
            return ()
        follow = self.requests.follows.get(order.key)
        early = follow is not None and now_ns - follow.since_ns < self.limits.follow_ns
        if early and follow is not None and follow.why is not Why.UNDESCRIBED and report.status in ("open", "pending"):
            # REST may lag by a minute: open then is not open now. The socket tells, or it is asked again.
            return (OrderChanged(order, "found", "not verified yet", live=False),) if order is not known else ()
        after = reported(order, report)
        if not early and order.cancel_sent and after.stage in LIVE:
            after = replace(after, cancel_sent=False)
        self.requests.follows.pop(order.key, None)
        after = replace(after, amend_sent=False)
        if after == order:
            return ()
        events: list[AccountEvent] = [OrderChanged(self.orders.put(after), "found", live=False)]
        return tuple(events) + tuple(self._executions.release(after))

    def on_missing(
        self, now_ns: int, *, order_id: str | None = None, cl_ord_id: str | None = None
    ) -> tuple[AccountEvent, ...]:
        """REST does not know an order. That means something only after a minute, and even then not "no"."""
        order = self.orders.by_id(order_id) or self.orders.by_client(cl_ord_id)
        if order is None or order.stage in DONE or not self.requests.long_enough(order.key, now_ns):
            return ()
        follow = self.requests.follows.pop(order.key)
        if follow.why is Why.UNDESCRIBED:
            return ()
        after = self.orders.put(replace(order, stage=Stage.NOT_FOUND, cancel_sent=False, amend_sent=False))
        return (OrderChanged(after, "not found", "assume nothing: look at the exchange"),)

    def on_fills(self, fills: Iterable[Fill], now_ns: int) -> tuple[AccountEvent, ...]:
        """Take fills of the history, all since the moment that was asked for; known ones are left out.

        REST lags: what it says within a minute need not be all, and is asked again.
        """
        self._state.history_read(now_ns)
        return tuple(
            FillSeen(new)
            for fill in fills
            if not self.fills.known(fill.exec_id)
            and (new := self._executions.add_fill(replace(fill, live=False, session=self._executions.since(fill.ns))))
        )

    def on_free(self, free: Mapping[str, Decimal], now_ns: int) -> tuple[AccountEvent, ...]:
        """Take what REST says can be used of each asset."""
        return self.balances.on_free(free, now_ns)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _on_add(self, request: Request, answer: Answer, now_ns: int) -> list[AccountEvent]:
        request.answered = True
        order = self.orders.get(request.keys[0]) if request.keys else None
        if order is None:
            return []
        if answer.success and order.status == "validate":
            request.keys.clear()
            return [OrderChanged(self.orders.put(replace(order, stage=Stage.VALIDATED)), "answered")]
        if answer.success:
            names = answer.orders[0] if answer.orders else AnsweredOrder()
            request.sent_ns = now_ns
            if names.order_id is None or order.order_id == names.order_id:
                return []
            joined = self.orders.join(order, names.order_id)
            if joined.stage in LOST:
                joined = self.orders.put(replace(joined, stage=Stage.SENT, reason=""))
            return [OrderChanged(joined, "answered"), *self._executions.release(joined)]
        retry, hint = means(answer.error)
        request.keys.clear()
        if order.stage not in LOST:
            self.counts["refusals of orders that live"] += 1
            return []
        if retry is Retry.UNKNOWN and order.status != "validate":
            self.requests.follow(order.key, Why.NO_ANSWER, now_ns)
            after = replace(order, stage=Stage.UNKNOWN, reason=answer.error)
            return [OrderChanged(self.orders.put(after), "no answer", hint)]
        self.requests.follows.pop(order.key, None)
        after = replace(order, stage=Stage.REFUSED, reason=answer.error)
        return [OrderChanged(self.orders.put(after), "refused", hint)]

    def _on_change(self, request: Request, answer: Answer, now_ns: int) -> list[AccountEvent]:
        """An answer to an amend, or to one of the cancels of a request."""
        named = self.orders.by_id(answer.order_id) or self.orders.by_client(answer.cl_ord_id)
        if named is None and len(request.keys) == 1:
            named = self.orders.get(request.keys[0])
        amend = request.method is Method.AMEND
        if named is None or named.key not in request.keys:
            # A refusal need not say which order it means: all that wait are looked up.
            unclear = [key for key in request.keys if not answer.success]
            for key in unclear:
                self.requests.follow(key, Why.REFUSED, now_ns)
            return []
        if answer.success:
            if amend:
                request.keys.remove(named.key)
                named = self.orders.put(replace(named, amend_sent=False))
                follow = self.requests.follows.get(named.key)
                if follow is not None and follow.why is Why.NO_ANSWER and not named.cancel_sent:
                    del self.requests.follows[named.key]
            request.answered = amend or len(request.keys) == 1
            return [OrderChanged(named, "answered", request.method)]
        request.keys.remove(named.key)
        request.answered = not request.keys
        retry, hint = means(answer.error)
        if named.stage in DONE:
            return []
        after = (
            replace(named, reason=answer.error, amend_sent=False)
            if amend
            else replace(named, reason=answer.error, cancel_sent=False)
        )
        if retry is Retry.GONE:
            after = replace(after, stage=Stage.UNKNOWN)
        if retry in (Retry.GONE, Retry.UNKNOWN):
            why = Why.REFUSED if retry is Retry.GONE else Why.NO_ANSWER
            self.requests.follow(named.key, why, now_ns)
        return [OrderChanged(self.orders.put(after), f"{request.method} refused", hint)]

    def _on_cancel_all(self, request: Request, answer: Answer, now_ns: int) -> list[AccountEvent]:
        request.answered = True
        request.sent_ns = now_ns
        if answer.success:
            return []
        retry, hint = means(answer.error)
        events: list[AccountEvent] = []
        for key in request.keys:
            order = self.orders.get(key)
            if order is None or order.stage in DONE:
                continue
            if retry is Retry.UNKNOWN:
                self.requests.follow(key, Why.NO_ANSWER, now_ns)
            else:
                order = self.orders.put(replace(order, cancel_sent=False, reason=answer.error))
            events.append(OrderChanged(order, "cancel refused", hint))
        request.keys.clear()
        return events

    def _no_answer(self, request: Request, now_ns: int) -> list[AccountEvent]:
        """The outcome is unknown. Nothing is sent again; the order is looked up."""
        events: list[AccountEvent] = []
        for key in request.keys:
            order = self.orders.get(key)
            if order is None or order.stage in DONE:
                continue
            if request.method is Method.ADD and order.stage is Stage.SENT:
                if order.status == "validate":
                    # Nothing can have been placed: it must not stand among the open orders for ever.
                    after = replace(order, stage=Stage.REFUSED, reason="the check was not answered")
                    events.append(OrderChanged(self.orders.put(after), "refused"))
                    continue
                order = self.orders.put(replace(order, stage=Stage.UNKNOWN))
            elif request.method is Method.ADD:
                # Its events came although its answer did not.
                continue
            self.requests.follow(key, Why.NO_ANSWER, now_ns)
            events.append(OrderChanged(order, "no answer", request.method))
        return events

    def _no_event(self, request: Request, now_ns: int) -> list[AccountEvent]:
        """Accepted, and nothing happened: the last frame may be the lost one, which no number betrays."""
        keys, request.keys = request.keys, []
        events: list[AccountEvent] = []
        for key in keys:
            order = self.orders.get(key)
            if order is None or order.stage in DONE:
                continue
            if request.method is Method.ADD and order.stage is Stage.SENT:
                order = self.orders.put(replace(order, stage=Stage.UNKNOWN))
                events.append(OrderChanged(order, "no answer", Why.NO_EVENT))
            elif request.method is Method.ADD or not order.cancel_sent:
                continue
            self.requests.follow(key, Why.NO_EVENT, now_ns)
        return events
