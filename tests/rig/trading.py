"""Random schedules of placing, moving and cancelling against the local exchange and its faults.

    python -m tests.rig.trading                     10,000 seeds
    python -m tests.rig.trading --seeds 300 --from 7
    python -m tests.rig.trading --from 4711 --seeds 1 --show    one seed again, with what happened

Answers are lost, doubled and late, connections end between request and answer, executions come before answers, are
lost, doubled and swapped, snapshots do not come, the exchange says that it is unavailable and does it all the same,
and REST lags. Whatever happens: no wish leads to two orders, no request leaves twice, nothing that was said to be
accepted, refused or not sent is otherwise, and once it is calm every order and fill is known as the exchange has it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

from kraken_tui.exchange import Peer
from kraken_tui.exchange.orders import Order as Truth
from kraken_tui.market.events import Side
from kraken_tui.market.orders.account import Account
from kraken_tui.market.orders.values import AccountEvent, Ask, AskKind, Fill, OrderReport, Stage
from kraken_tui.secret import Secret
from kraken_tui.trading.audit import Audit
from kraken_tui.trading.ids import PREFIX, ClientIds
from kraken_tui.trading.limits import Facts, TradingLimits
from kraken_tui.trading.outcomes import Accepted, NotSent, OrderRefused, Outcome, OutcomeUnknown
from kraken_tui.trading.pending import Pending
from kraken_tui.trading.tickets import Kind, Ticket
from kraken_tui.trading.trader import Trader
from kraken_tui.wire.executions import ExecutionsMessage
from kraken_tui.wire.messages import SubscribeAck
from kraken_tui.wire.order_answers import Answer
from kraken_tui.wire.private import decode
from kraken_tui.wire.private_requests import subscribe_executions, unsubscribe_executions
from kraken_tui.wire.rest_account import RestOrder, read_orders, read_trades
from kraken_tui.wire.symbols import PairSpec
from tests.exchange.private_client import Trader as Client
from tests.rig.seeds import play

SECOND = 1_000_000_000
SYMBOL = "BTC/USD"
SPEC = PairSpec(SYMBOL, "BTC", "USD", 1, 8, qty_min=5_000, cost_min="0.5")
WIDE = TradingLimits(
    max_worth={"USD": Decimal(10_000)},
    max_open=60,
    band_pct=Decimal(20),
    idle_ns=100_000 * SECOND,
    duplicate_ns=1,
)
ENDS = {"filled": Stage.FILLED, "canceled": Stage.CANCELED, "expired": Stage.EXPIRED}


class VenueLink:
    """A `Link` to the local exchange in virtual time, with the socket, the token and the REST line of one client."""

    def __init__(self, seed: int, **options: Any) -> None:
        options.setdefault("profile", "calm")
        self.client = Client(seed=seed, account="still", pairs=[SYMBOL], **options)
        self.account = Account(own_prefix=PREFIX)
        self.peer: Peer | None = None
        self.token: Secret | None = None
        self.inbox: list[str] = []
        self.sent: list[dict[str, Any]] = []
        self.requests = 1_000

    @property
    def now(self) -> int:
        return self.client.clock.ns

    @property
    def venue(self) -> Any:
        return self.client.venue

    @property
    def faults(self) -> Any:
        return self.venue.faults.private

    @property
    def ready(self) -> bool:
        return self.peer is not None and self.account.verified

    def next_req_id(self) -> int:
        self.requests += 1
        return self.requests

    @property
    def now_ns(self) -> int:
        return self.now

    def take(self, events: Sequence[AccountEvent]) -> None:
        """Nobody listens."""

    def spec(self, symbol: str) -> PairSpec | None:
        return SPEC if symbol == SYMBOL else None

    def send(self, text: str) -> bool:
        if self.peer is None or self.peer.closing is not None:
            return False
        self.sent.append(json.loads(text))
        self._hear(self.peer.on_message(text))
        return True

    def _hear(self, frames: list[Any]) -> None:
        self.inbox += [frame for frame in frames if isinstance(frame, str)]

    def connect(self) -> None:
        peer = self.venue.connect("auth")
        peer.advance(self.now)
        self.peer, self.token = peer, Secret(self.client.token(), lasting=False)
        self._hear(peer.on_message(subscribe_executions(self.token, req_id=self.next_req_id())))

    def resubscribe(self) -> None:
        if self.peer is not None and self.token is not None:
            self._hear(self.peer.on_message(unsubscribe_executions(self.token, req_id=self.next_req_id())))
            # The exchange lets a token lapse with its last subscription.
            self.token = Secret(self.client.token(), lasting=False)
            self._hear(self.peer.on_message(subscribe_executions(self.token, req_id=self.next_req_id())))

    def drop(self) -> tuple[AccountEvent, ...]:
        if self.peer is not None:
            self.venue.disconnect(self.peer)
        self.peer = self.token = None
        self.inbox.clear()
        return self.account.on_disconnected(self.now)

    def facts(self, **more: Any) -> Facts:
        touch = self.venue.market(SYMBOL).simulator.touch
        known: dict[str, Any] = {"proven": True, "reason": "", "heard_ns": 0, "venue": "ONLINE", "wall_ns": self.now}
        return Facts(SYMBOL, SPEC, touch[0], touch[2], **(known | {"clock_ns": 0} | more))

    # -- what the account asks for ---------------------------------------------------------------------------------

    def find_out(self, ask: Ask) -> tuple[AccountEvent, ...]:
        if ask.kind is AskKind.RESUBSCRIBE:
            if ask.channel == "executions":
                self.resubscribe()
            return ()
        if ask.kind is AskKind.TRADES_HISTORY:
            trades = read_trades(self.client.result("TradesHistory")).trades.values()
            since = ask.since_ns or 0
            return self.account.on_fills([_fill(each) for each in trades if each.time_ns > since], self.now)
        if ask.kind is AskKind.QUERY_ORDER:
            found = self._query("QueryOrders", "", txid=ask.order_id)
        else:
            found = self._query("OpenOrders", "open", cl_ord_id=ask.cl_ord_id)
            found = found or self._query("ClosedOrders", "closed", cl_ord_id=ask.cl_ord_id)
        if found is None:
            return self.account.on_missing(self.now, order_id=ask.order_id, cl_ord_id=ask.cl_ord_id)
        return self.account.on_report(_report(found), self.now)

    def _query(self, method: str, key: str, **fields: Any) -> RestOrder | None:
        answer = self.client.post(method, **fields)
        if answer["error"]:
            return None
        return next(iter(read_orders(answer["result"], key).orders.values()), None)


def _report(order: RestOrder) -> OrderReport:
    return OrderReport(
        order.order_id,
        order.status,
        cl_ord_id=order.cl_ord_id or None,
        symbol=SYMBOL,
        side=Side(order.side),
        order_type=order.order_type,
        order_qty=Decimal(order.qty),
        cum_qty=Decimal(order.cum_qty or "0"),
        limit_price=Decimal(order.limit_price) if order.limit_price else None,
        reason=order.reason,
    )


def _fill(trade: Any) -> Fill:
    qty, price, cost, fee = (Decimal(text) for text in (trade.qty, trade.price, trade.cost, trade.fee))
    side = Side(trade.side)
    fees = (("USD", fee),)
    return Fill(trade.exec_id, trade.order_id, SYMBOL, side, qty, price, cost, trade.time_ns, fees=fees)


class Run:
    """One seed."""

    def __init__(self, seed: int, *, show: bool = False) -> None:
        self.rng, self.show = Random(seed), show
        self.link = VenueLink(seed)
        self.audit = Audit(None)
        self.trader = Trader(self.link, "DEMO", WIDE, ClientIds(self.link.now, seed), self.audit)
        self.wishes: list[tuple[Pending, list[Outcome]]] = []
        self.asks: list[tuple[int, Ask]] = []

    @property
    def now(self) -> int:
        return self.link.now

    def say(self, what: str, words: object) -> None:
        if self.show:
            print(f"{self.now / SECOND % 1e5:10.3f} {what:12} {words}")

    # -- the world -------------------------------------------------------------------------------------------------

    def take(self, events: tuple[AccountEvent, ...]) -> None:
        for event in events:
            self.say("event", event)
            if isinstance(event, Ask):
                self.asks.append((self.now + self.rng.randrange(0, SECOND), event))
        self.trader.take(events)

    def step(self, seconds: float) -> None:
        link = self.link
        link.client.clock.ns += round(seconds * SECOND)
        link.venue.advance(self.now)
        if link.peer is not None:
            link._hear(link.peer.collect(self.now))
        inbox, link.inbox = link.inbox, []
        for frame in inbox:
            self.say("frame", frame[:300])
            message = decode(frame)
            if isinstance(message, Answer):
                self.take(link.account.on_answer(message, self.now))
                self.trader.on_answer(message, self.now)
            elif isinstance(message, ExecutionsMessage):
                self.take(link.account.on_executions(message, self.now))
            elif isinstance(message, SubscribeAck):
                self.take(link.account.on_subscribed(message.channel, message.result, self.now))
        if link.peer is not None and link.peer.closing is not None:
            self.say("cut", "")
            self.take(link.drop())
        due = [ask for at, ask in self.asks if at <= self.now]
        self.asks = [(at, ask) for at, ask in self.asks if at > self.now]
        for ask in due:
            self.take(link.find_out(ask))
        self.take(link.account.tick(self.now))
        self.trader.tick(link.facts(), self.now)

    def fault(self) -> None:
        faults, rng = self.link.faults, self.rng
        kind = rng.randrange(12)
        method = rng.choice(("add_order", "amend_order", "cancel_order", "cancel_all", "*"))
        self.say("fault", (kind, method))
        if kind == 0:
            faults.lose_answers(method)
        elif kind == 1:
            faults.duplicate_answers(method)
        elif kind == 2:
            faults.cut(method, execute=rng.random() < 0.5)
        elif kind == 3:
            faults.refuse_method(method, "EService:Unavailable", execute=rng.random() < 0.5)
        elif kind == 4:
            faults.drop("executions")
        elif kind == 5:
            faults.duplicate("executions")
        elif kind == 6:
            faults.swap("executions")
        elif kind == 7:
            faults.executions_first = not faults.executions_first
        elif kind == 8:
            faults.answers_late_s = rng.choice((0.0, 1.0, 8.0))
        elif kind == 9:
            faults.executions_late_s = rng.choice((0.0, 0.5, 3.0))
        elif kind == 10:
            faults.close("auth", 1006)
        else:
            faults.rest_lag_s = rng.choice((0.0, 20.0, 50.0))

    def calm(self) -> None:
        self.link.faults.__init__()

    def foreign(self) -> None:
        """Another program places an order: only the next frame betrays that the one before was lost."""
        client, rng = self.link.client, self.rng
        other = client.connect("auth")
        fields = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "order_qty": 0.001, "limit_price": 10_000.0}
        for _ in range(rng.randrange(1, 3)):
            client.ask(other, "add_order", client.token(), **fields)
            self.step(1)

    # -- wishes ----------------------------------------------------------------------------------------------------

    def wish(self) -> None:
        rng, trader, link = self.rng, self.trader, self.link
        if not trader.arming.armed:
            trader.arm(link.facts(), self.now)
        told: list[Outcome] = []
        kind = rng.random()
        open_orders = [order for order in trader.own_orders() if order.order_id]
        if kind < 0.55 or not open_orders:
            pending = trader.place(
                self._ticket(), link.facts(), self.now, validate=rng.random() < 0.05, told=told.append
            )
            self.wishes.append((pending, told))
        elif kind < 0.75:
            order = rng.choice(open_orders)
            ticket = self._ticket()
            pending = trader.amend(order.key, link.facts(), self.now, ticks=ticket.ticks, told=told.append)
            self.wishes.append((pending, told))
        elif kind < 0.97:
            for pending in trader.cancel([rng.choice(open_orders).key], self.now, told=told.append):
                self.wishes.append((pending, told))
        else:
            for pending in trader.cancel_own(self.now, told=told.append):
                self.wishes.append((pending, told))

    def _ticket(self) -> Ticket:
        facts = self.link.facts()
        assert facts.bid is not None
        assert facts.ask is not None
        side = self.rng.choice((Side.BUY, Side.SELL))
        away = self.rng.randrange(-20, 400)
        ticks = facts.bid - away if side is Side.BUY else facts.ask + away
        return Ticket(SYMBOL, side, Kind.LIMIT, self.rng.randrange(5_000, 5_000_000), ticks, self.rng.random() < 0.6)

    # -- a run -----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        link, rng = self.link, self.rng
        link.connect()
        self.step(0.1)
        self.step(3)
        assert link.ready
        for _ in range(rng.randrange(8, 40)):
            if rng.random() < 0.35:
                self.fault()
            self.wish()
            self.step(rng.choice((0.02, 0.3, 1.5, 6.0)))
            if link.peer is None and rng.random() < 0.5:
                link.connect()
        self.calm()
        if link.peer is None:
            link.connect()
        self.step(1)
        self.foreign()
        for _ in range(90):
            self.step(2)
            if link.peer is None:
                link.connect()
        self.check()

    def check(self) -> None:
        account, exchange = self.link.account, self.link.venue.private.accounts["main"]
        ours: list[Truth] = [order for order in exchange.orders.values() if order.cl_ord_id.startswith(PREFIX)]
        names = [order.cl_ord_id for order in ours]
        assert len(names) == len(set(names)), "an order was doubled"
        adds = [each["params"]["cl_ord_id"] for each in self.link.sent if each["method"] == "add_order"]
        assert len(adds) == len(set(adds)), "a request left twice"
        assert account.settled, (account.reason, account.requests.follows)
        for truth in ours:
            order = account.orders.by_id(truth.order_id)
            assert order is not None, f"lost: {truth.cl_ord_id}"
            assert order.key == truth.cl_ord_id
            assert order.stage is ENDS.get(truth.status, Stage.OPEN), (order, truth)
            assert order.cum_qty == Decimal(truth.done_lots).scaleb(-8), (order, truth)
            if truth.open:
                assert order.order_qty == Decimal(truth.lots).scaleb(-8)
                assert order.limit_price == Decimal(truth.limit or 0).scaleb(-1)
            assert not order.cancel_sent, order
            assert not order.amend_sent, order
        told = {fill.exec_id for fill in account.fills.recent}
        assert told == {fill.exec_id for fill in exchange.fills}, "fills are missing or too many"
        for pending, outcomes in self.wishes:
            self._check(pending, outcomes, set(names))

    def _check(self, pending: Pending, outcomes: list[Outcome], landed: set[str]) -> None:
        last = pending.outcome
        assert last is not None, f"nothing was said of {pending}"
        assert outcomes or pending.what == "cancel"
        if pending.what == "validate":
            assert pending.key not in landed
        elif pending.what == "place":
            if isinstance(last, NotSent):
                assert not pending.key
            elif isinstance(last, Accepted):
                assert pending.key in landed
            elif isinstance(last, OrderRefused):
                assert pending.key not in landed, f"refused, but it lives: {pending.key}"
            else:
                order = self.link.account.orders.get(pending.key)
                assert order is not None
                assert (order.stage is Stage.NOT_FOUND) is (pending.key not in landed), (pending, order)
        elif pending.what == "cancel" and isinstance(last, Accepted):
            order = self.link.account.orders.get(pending.key)
            assert order is not None
            assert order.stage in (Stage.CANCELED, Stage.EXPIRED), order
        if pending.what == "cancel" and isinstance(last, OutcomeUnknown):
            # Only of an order that never came to the exchange, and was looked for in vain.
            order = self.link.account.orders.get(pending.key)
            assert order is not None
            assert order.stage is Stage.NOT_FOUND
            assert pending.key not in landed


if __name__ == "__main__":
    sys.exit(play("python -m tests.rig.trading", __doc__, lambda seed, show: Run(seed, show=show).run()))
