"""Places, moves and cancels: all checks in one place, for keys, mouse and library alike.

Sans-I/O: the connection, the facts and the clock are handed in. Every request is written to the audit file before it
leaves. Nothing here ever sends a request a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kraken_tui.errors import ConfigurationError
from kraken_tui.market.events import Side
from kraken_tui.market.orders.values import DONE, AccountEvent, Order, OrderChanged, Stage
from kraken_tui.market.private_views import TradingView
from kraken_tui.trading.arming import Arming
from kraken_tui.trading.audit import Audit, read_request
from kraken_tui.trading.ids import ClientIds
from kraken_tui.trading.limits import DuplicateGuard, Facts, TradingLimits, move_blocks, ticket_blocks
from kraken_tui.trading.link import Link
from kraken_tui.trading.outcomes import Accepted, OrderRefused, Outcome, OutcomeUnknown
from kraken_tui.trading.pending import Pending, Told, Waiting, nobody, not_sent
from kraken_tui.trading.rates import RateEstimate
from kraken_tui.trading.requests import DEADLINE_NS, kept, moved, ticket_of, written
from kraken_tui.trading.switch import DeadManSwitch
from kraken_tui.trading.tickets import Ticket
from kraken_tui.wire.order_answers import Answer
from kraken_tui.wire.private_requests import cancel_all, cancel_all_orders_after, cancel_order
from kraken_tui.wire.refusals import refusal

MODES = ("LIVE", "DEMO", "PAPER")
_MOST_CANCELS = 50


class Trader:
    """Everything between a wish and the exchange, for one account.

    Args:
        link: The account's connection.
        mode: One of `MODES`.
        limits: The user's.
        ids: Makes the names of orders.
        audit: Where requests and answers are written.
        forbidden: Why it can never be armed; "" where it can.

    Attributes:
        test: Whether orders are only checked by the exchange, and never placed.
        counts: Requests that left, by what they asked for.
    """

    def __init__(
        self,
        link: Link,
        mode: str,
        limits: TradingLimits,
        ids: ClientIds,
        audit: Audit,
        *,
        forbidden: str = "",
    ) -> None:
        self.link, self.mode, self.limits, self.audit = link, mode, limits, audit
        self.arming = Arming(limits.idle_ns, forbidden)
        self.rates, self.switch, self.waiting = RateEstimate(), DeadManSwitch(), Waiting()
        self.test = False
        self.counts: dict[str, int] = {}
        self._ids = ids
        self._twice = DuplicateGuard(limits.duplicate_ns)
        self._wall_ns = 0
        self._was_connected = False

    # -- whether ---------------------------------------------------------------------------------------------------

    def view(self, symbol: str, now_ns: int) -> TradingView:
        """What the screen shows of it."""
        return TradingView(
            mode="TEST" if self.test else self.mode,
            armed=self.arming.armed,
            reason=self.arming.reason or self.audit.problem,
            disarms_in_s=self.arming.left_s(now_ns),
            cancels_after_s=self.switch.left_s(now_ns),
            rate=self.rates.value(symbol, now_ns),
            rate_limit=self.rates.threshold,
        )

    def arm(self, facts: Facts, now_ns: int) -> str:
        """Arm for a pair; why not, one clause, or ""."""
        reason = self.arming.forbidden or self._not_ready() or self.audit.problem
        if not reason and not facts.proven:
            reason = f"the book of {facts.symbol} is not verified"
        reason = reason or self.arming.arm(facts.symbol, now_ns)
        self.audit.write(facts.wall_ns, "not armed" if reason else "armed", {"symbol": facts.symbol, "reason": reason})
        return reason

    def disarm(self, reason: str) -> bool:
        """Disarm; whether it was armed."""
        was = self.arming.disarm(reason)
        if was:
            self.audit.write(self._wall_ns, "disarmed", {"reason": reason})
        return was

    def set_test(self, test: bool) -> None:
        """Only check orders from now on, or place them again: which has to be armed for once more."""
        if not test and self.test:
            self.disarm("TEST was left")
        self.test = test

    def _not_ready(self) -> str:
        account = self.link.account
        if self.link.token is None:
            return "there is no connection to the account"
        if not account.verified:
            return f"your orders are not verified ({account.reason})"
        return "" if self.link.ready else "the account is not ready yet"

    def blocks(self, ticket: Ticket, facts: Facts, now_ns: int, *, seen_takes: bool | None = None) -> list[str]:
        """Everything that stands in the way of an order now, armed or not; empty where nothing does.

        Args:
            ticket: The order.
            facts: Of its pair.
            now_ns: This moment.
            seen_takes: Whether the user was told that it takes at once; None where nobody was asked.
        """
        account = self.link.account
        found = [each for each in (self._not_ready(), self.audit.problem) if each]
        found += ticket_blocks(ticket, facts, self.limits, len(account.open_orders()))
        if any(order.stage is Stage.UNKNOWN and order.symbol in (None, ticket.symbol) for order in account.orders):
            found.append("an order has an unknown outcome: wait until it is found")
        wait_s = self.rates.room(ticket.symbol, "add", now_ns)
        if wait_s:
            found.append(f"the rate counter of {ticket.symbol} is nearly full: wait {wait_s:.0f} s")
        if twice := self._twice.block(ticket, now_ns):
            found.append(twice)
        if seen_takes is False and ticket.takes(facts.bid, facts.ask) and not ticket.post_only:
            found.append("the market has moved and it would take now: look again")
        return found

    # -- requests --------------------------------------------------------------------------------------------------

    def place(
        self,
        ticket: Ticket,
        facts: Facts,
        now_ns: int,
        *,
        validate: bool = False,
        seen_takes: bool | None = None,
        told: Told = nobody,
    ) -> Pending:
        """Place an order, or with `validate` (and always in TEST) only let the exchange check it.

        Args:
            ticket: The order as it was confirmed.
            facts: Of its pair, at this moment.
            now_ns: This moment.
            validate: Whether to check only; that needs no arming.
            seen_takes: See `blocks`.
            told: Called with the outcome, once it is known.
        """
        self._wall_ns = facts.wall_ns
        validate = validate or self.test
        what = "validate" if validate else "place"
        reasons = [] if validate else self._locked(ticket.symbol)
        reasons += self.blocks(ticket, facts, now_ns, seen_takes=seen_takes)
        token, spec = self.link.token, facts.spec
        if reasons or token is None or spec is None:
            return self._blocked(what, reasons, told, ticket=ticket)
        name, req_id = self._ids.make(), self.link.next_req_id()
        try:
            text = written(
                ticket,
                spec,
                token,
                name,
                req_id=req_id,
                validate=validate,
                deadline_ns=self._deadline(facts),
            )
        except ConfigurationError as error:
            return self._blocked(what, [str(error)], told, ticket=ticket)
        self.link.take(
            self.link.account.sent_add(req_id, kept(ticket, spec, name, validate=validate), self.link.now_ns)
        )
        self.rates.charge(ticket.symbol, "add", now_ns, "" if validate else name)
        if not validate:
            self._twice.sent(ticket, now_ns)
            self.arming.used(now_ns)
        return self._leave(what, name, req_id, text, now_ns, told)

    def amend(
        self,
        key: str,
        facts: Facts,
        now_ns: int,
        *,
        ticks: int | None = None,
        lots: int | None = None,
        told: Told = nobody,
    ) -> Pending:
        """Give an order another price, another quantity that remains, or both.

        Args:
            key: Its handle.
            facts: Of its pair, at this moment.
            now_ns: This moment.
            ticks: New limit, or trigger of a stop.
            lots: New quantity that remains.
            told: Called with the outcome.
        """
        self._wall_ns = facts.wall_ns
        order = self.link.account.orders.get(key)
        spec, token = facts.spec, self.link.token
        if order is None or spec is None:
            return self._blocked("amend", ["there is no such order"], told, key=key)
        ticket = self.moving(order, facts, ticks=ticks, lots=lots)
        reasons = self._locked(order.symbol or "")
        reasons += self.move_reasons(order, ticket, facts, now_ns)
        if self.test:
            reasons.append("TEST changes no orders")
        if reasons or ticket is None or token is None:
            return self._blocked("amend", reasons, told, key=key, ticks=ticks)
        req_id = self.link.next_req_id()
        try:
            text = moved(order, ticket, spec, token, req_id=req_id, deadline_ns=self._deadline(facts))
            self.link.take(self.link.account.sent_amend(req_id, order, self.link.now_ns))
        except (ConfigurationError, ValueError) as error:
            return self._blocked("amend", [str(error)], told, key=key, ticks=ticks)
        self.rates.charge(ticket.symbol, "amend", now_ns, key)
        self.arming.used(now_ns)
        return self._leave("amend", key, req_id, text, now_ns, told)

    @staticmethod
    def moving(order: Order, facts: Facts, *, ticks: int | None = None, lots: int | None = None) -> Ticket | None:
        """An order as it would be after a move; None where it cannot be moved from here."""
        spec = facts.spec
        now = None if spec is None else ticket_of(order, spec)
        if now is None:
            return None
        return Ticket(
            now.symbol,
            now.side,
            now.kind,
            now.lots if lots is None else lots,
            now.ticks if ticks is None else ticks,
            now.post_only,
        )

    def move_reasons(self, order: Order, ticket: Ticket | None, facts: Facts, now_ns: int) -> list[str]:
        """Everything that stands in the way of a move now, armed or not."""
        if ticket is None:
            return ["this order cannot be moved from here"]
        account = self.link.account
        if order.foreign:
            return ["this order is of another program"]
        found = [each for each in (self._not_ready(), self.audit.problem, account.may_change(order)) if each]
        found += move_blocks(ticket, facts, self.limits)
        wait_s = self.rates.room(ticket.symbol, "amend", now_ns, order.key)
        if wait_s:
            found.append(f"the rate counter of {ticket.symbol} is nearly full: wait {wait_s:.0f} s")
        return found

    def cancel(self, keys: Iterable[str], now_ns: int, *, told: Told = nobody) -> list[Pending]:
        """Cancel orders by their handles. It works disarmed and whatever else is in the way."""
        orders = [order for key in keys if (order := self.link.account.orders.get(key)) and order.stage not in DONE]
        if not orders:
            return [not_sent("cancel", ["there is no such open order"], told)]
        if self.link.token is None:
            return [not_sent("cancel", ["there is no connection to the account"], told)]
        # One at a time; one whose outcome is unknown may be tried again, as a cancel does no harm twice.
        orders = [order for order in orders if not self._cancelling(order)]
        if not orders:
            return [not_sent("cancel", ["a cancel is on its way"], told)]
        found: list[Pending] = []
        named = [order for order in orders if order.order_id is not None]
        unnamed = [order for order in orders if order.order_id is None]
        for group, by_id in ((named, True), (unnamed, False)):
            for start in range(0, len(group), _MOST_CANCELS):
                found += self._cancel(group[start : start + _MOST_CANCELS], by_id, now_ns, told)
        return found

    def _cancelling(self, order: Order) -> bool:
        return any(each.what == "cancel" and each.outcome is None for each in self.waiting.of(order.key))

    def _cancel(self, orders: Sequence[Order], by_id: bool, now_ns: int, told: Told) -> list[Pending]:
        token, req_id = self.link.token, self.link.next_req_id()
        assert token is not None
        if by_id:
            text = cancel_order(token, req_id=req_id, order_ids=[order.order_id or "" for order in orders])
        else:
            text = cancel_order(token, req_id=req_id, cl_ord_ids=[order.cl_ord_id or order.key for order in orders])
        self.link.take(self.link.account.sent_cancel(req_id, orders, self.link.now_ns))
        for order in orders:
            self.rates.charge(order.symbol or "", "cancel", now_ns, order.key)
        found = [self.waiting.add(Pending("cancel", order.key, req_id, now_ns, told)) for order in orders]
        self._send("cancel", req_id, text, found)
        return found

    def own_orders(self, symbol: str = "", side: Side | None = None) -> tuple[Order, ...]:
        """Open orders of this program, of one pair and side where named."""
        return tuple(
            order
            for order in self.link.account.open_orders()
            if not order.foreign and symbol in ("", order.symbol) and side in (None, order.side)
        )

    def cancel_side(self, symbol: str, side: Side, now_ns: int, *, told: Told = nobody) -> list[Pending]:
        """Cancel this program's orders of one side of a pair."""
        return self.cancel([order.key for order in self.own_orders(symbol, side)], now_ns, told=told)

    def cancel_own(self, now_ns: int, *, told: Told = nobody) -> list[Pending]:
        """Cancel all orders of this program; where the account has no others, with the one request for all.

        That one also reaches orders whose fate is not known here.
        """
        account = self.link.account
        foreign = any(order.foreign for order in account.open_orders())
        if foreign or not account.verified:
            return self.cancel([order.key for order in self.own_orders()], now_ns, told=told)
        return [self.cancel_everything(now_ns, told=told)]

    def cancel_everything(self, now_ns: int, *, told: Told = nobody) -> Pending:
        """Cancel every order of the account, of all programs."""
        token = self.link.token
        if token is None:
            return not_sent("cancel all", ["there is no connection to the account"], told)
        req_id = self.link.next_req_id()
        for order in self.link.account.open_orders():
            self.rates.charge(order.symbol or "", "cancel", now_ns, order.key)
        self.link.take(self.link.account.sent_cancel_all(req_id, self.link.now_ns))
        pending = self.waiting.add(Pending("cancel all", "", req_id, now_ns, told))
        self._send("cancel all", req_id, cancel_all(token, req_id=req_id), [pending])
        return pending

    def set_switch(self, on: bool) -> None:
        """Choose the dead man's switch, or leave it; it is sent by `tick`."""
        self.switch.turn(on)

    # -- what arrives ----------------------------------------------------------------------------------------------

    def take(self, events: Iterable[AccountEvent]) -> None:
        """The account changed."""
        for event in events:
            if isinstance(event, OrderChanged):
                self.waiting.take(event)
                if event.order.stage in DONE:
                    self.rates.forget(event.order.key)

    def on_answer(self, answer: Answer, wall_ns: int) -> None:
        """An answer came, of any method; the account has it too."""
        self._wall_ns = wall_ns
        fields = {
            name: value for name in answer.__struct_fields__ if (value := getattr(answer, name)) not in (None, "", ())
        }
        self.audit.write(wall_ns, "answer", _plain(fields))
        if self.switch.answered(answer.req_id, answer.success):
            return
        if answer.method == "cancel_all":
            self.waiting.on_count(answer.req_id, _counted(answer))

    def tick(self, facts: Facts | None, now_ns: int, *, drawn: bool = True) -> None:
        """Let time pass.

        Args:
            facts: Of the pair on screen; None where there is none.
            now_ns: This moment.
            drawn: Whether whoever watches is alive: the dead man's switch is refreshed only then.
        """
        self.rates.learn(self.link.account.max_rate)
        self.waiting.tick(now_ns)
        connected = self.link.token is not None
        if self._was_connected and not connected:
            self.disarm("the connection to the account was lost")
            self.switch.disconnected()
            self.waiting.disconnected()
        self._was_connected = connected
        if facts is not None:
            self._wall_ns = facts.wall_ns
        if self.arming.armed:
            self._keep_armed(facts, now_ns)
        seconds = self.switch.due(now_ns)
        if seconds is not None and drawn and connected:
            self._refresh(seconds, now_ns)

    def _keep_armed(self, facts: Facts | None, now_ns: int) -> None:
        account = self.link.account
        if not account.verified:
            self.disarm(f"your orders are not verified ({account.reason})")
        elif facts is None or facts.symbol != self.arming.symbol:
            self.disarm("another pair is shown")
        elif not facts.proven:
            self.disarm(f"the book is not verified ({facts.reason})")
        elif self.arming.tick(now_ns):
            self.audit.write(self._wall_ns, "disarmed", {"reason": self.arming.reason})

    def _refresh(self, seconds: int, now_ns: int) -> None:
        token = self.link.token
        if token is not None:
            req_id = self.link.next_req_id()
            self.switch.sent(req_id, seconds, now_ns)
            self._send("switch", req_id, cancel_all_orders_after(seconds, token, req_id=req_id), [])

    # -- inside ----------------------------------------------------------------------------------------------------

    def _locked(self, symbol: str) -> list[str]:
        if not self.arming.armed:
            return [f"not armed ({self.arming.reason})"]
        return [] if symbol == self.arming.symbol else [f"armed for {self.arming.symbol}, not for {symbol}"]

    def _deadline(self, facts: Facts) -> int | None:
        """Only where the clock is right: a wrong one would have every order refused, or none."""
        if facts.clock_ns is None or abs(facts.clock_ns) > self.limits.clock_ns:
            return None
        return facts.wall_ns + DEADLINE_NS

    def _blocked(self, what: str, reasons: list[str], told: Told, **about: object) -> Pending:
        ticket = about.get("ticket")
        words = ticket.to_dict() if isinstance(ticket, Ticket) else about
        self.audit.write(self._wall_ns, "blocked", {"wish": what, "reasons": reasons, "about": words})
        return not_sent(what, reasons or ["there is no connection to the account"], told)

    def _leave(self, what: str, key: str, req_id: int, text: str, now_ns: int, told: Told) -> Pending:
        pending = self.waiting.add(Pending(what, key, req_id, now_ns, told))
        self._send(what, req_id, text, [pending])
        return pending

    def _send(self, what: str, req_id: int, text: str, waiting: Sequence[Pending]) -> None:
        self.audit.write(self._wall_ns, "request", {"wish": what, "request": read_request(text)})
        self.counts[what] = self.counts.get(what, 0) + 1
        if self.link.send(text):
            return
        # Nothing left, and nothing will: the account is told as if the exchange had refused it.
        self.audit.write(self._wall_ns, "not sent", {"req_id": req_id})
        error = "not sent: the connection was lost"
        method = "add_order" if what in ("place", "validate") else "amend_order" if what == "amend" else "cancel_order"
        answer = Answer(method if what != "cancel all" else "cancel_all", req_id, False, error)
        for _ in waiting or (None,):
            events = self.link.account.on_answer(answer, self.link.now_ns)
            self.take(events)
            self.link.take(events)
        if what == "cancel all":
            self.waiting.on_count(req_id, OrderRefused("cancel all", error))


def _counted(answer: Answer) -> Outcome:
    if answer.success:
        return Accepted("cancel all", None, answer.count)
    found = refusal(answer.error)
    if found.course.value == "unknown":
        return OutcomeUnknown("cancel all", "", found.text)
    return OrderRefused("cancel all", found.text, found.advice)


def _plain(fields: dict[str, object]) -> dict[str, object]:
    from msgspec import to_builtins

    return {name: to_builtins(value) for name, value in fields.items()}
