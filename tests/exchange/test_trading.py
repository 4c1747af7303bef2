"""Orders of an account: what is refused, what is done, and how `executions` and `balances` tell of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from kraken_tui.exchange import KEYS, Peer
from kraken_tui.exchange.ratecounter import TIERS, RateCounter, cost

from .private_client import Level3Client, Trader

NS = 1_000_000_000


class Desk:
    """A trader with an account's socket open, and what a correct client holds."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("account", "still")
        self.trader = Trader(seed=options.pop("seed", 11), profile=options.pop("profile", "calm"), **options)
        self.peer = self.trader.connect("auth")
        self.token = self.trader.token()
        self.orders: dict[str, dict[str, Any]] = {}
        self.fills: dict[str, dict[str, Any]] = {}
        self.balances: dict[str, Decimal] = {}
        self.sequence = {"executions": 0, "balances": 0}
        self.kinds: list[str] = []
        for channel, more in (("executions", {"snap_trades": True}), ("balances", {})):
            self.hear(self.ask("subscribe", channel=channel, **more))

    def ask(self, method: str, **params: Any) -> list[dict[str, Any]]:
        return self.trader.ask(self.peer, method, self.token, **params)

    def hear(self, frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Take private frames in; the answers among them."""
        answers = []
        for frame in frames:
            channel = frame.get("channel")
            if channel not in self.sequence:
                if "success" in frame:
                    answers.append(frame)
                continue
            self.sequence[channel] += 1
            assert int(frame["sequence"]) == self.sequence[channel]
            for row in frame["data"]:
                if channel == "balances":
                    self.balances[row["asset"]] = Decimal(row["balance"])
                else:
                    self.execution(row)
        return answers

    def execution(self, row: dict[str, Any]) -> None:
        self.kinds.append(row["exec_type"])
        if row["exec_type"] == "trade":
            assert row["exec_id"] not in self.fills
            self.fills[row["exec_id"]] = row
            if "cum_qty" not in row:
                return
        known = self.orders.setdefault(row["order_id"], {})
        assert known or row["exec_type"] == "pending_new" or "symbol" in row
        assert known.get("order_status") not in ("filled", "canceled", "expired")
        known.update(row)

    def do(self, method: str, **params: Any) -> dict[str, Any]:
        (answer,) = self.hear(self.ask(method, **params))
        return answer

    def add(self, side: str = "buy", qty: float = 0.01, price: float | None = None, **more: Any) -> dict[str, Any]:
        params: dict[str, Any] = {"order_type": "limit", "side": side, "order_qty": qty, "symbol": "BTC/USD", **more}
        if price is not None:
            params["limit_price"] = price
        return self.do("add_order", **params)

    def run(self, seconds: float) -> None:
        self.hear(self.trader.run(seconds, self.peer)[0])

    def touch(self) -> tuple[float, float]:
        bid, _, ask, _ = self.trader.venue.market("BTC/USD").simulator.touch
        return bid / 10, ask / 10

    def order(self, answer: dict[str, Any]) -> dict[str, Any]:
        assert answer["success"], answer
        return self.orders[answer["result"]["order_id"]]

    def reconciled(self) -> None:
        """REST says the same as what the stream has led to."""
        open_now = self.trader.result("OpenOrders")["open"]
        mine = {k: o for k, o in self.orders.items() if o["order_status"] in ("new", "partially_filled", "pending_new")}
        assert set(open_now) == set(mine)
        for order_id, row in open_now.items():
            assert Decimal(row["vol_exec"]) == Decimal(mine[order_id].get("cum_qty", "0"))
            assert Decimal(row["vol"]) == Decimal(mine[order_id]["order_qty"])
        for name, total in self.balances.items():
            rest = self.trader.result("BalanceEx")
            key = {"BTC": "XXBT", "ETH": "XETH", "USD": "ZUSD"}.get(name)
            if key is not None:
                assert Decimal(rest[key]["balance"]) == total


def test_a_resting_order_lives_and_fills_in_its_turn() -> None:
    desk = Desk()
    bid, _ = desk.touch()
    before = dict(desk.balances)
    order = desk.order(desk.add("buy", 0.02, bid, cl_ord_id="mine-1", post_only=True))
    assert desk.kinds == ["pending_new", "new"]
    assert (order["symbol"], order["cl_ord_id"], order["post_only"]) == ("BTC/USD", "mine-1", True)
    desk.reconciled()
    for _ in range(400):
        desk.run(3)
        if order["order_status"] == "filled":
            break
    assert order["order_status"] == "filled"
    fills = list(desk.fills.values())
    assert {fill["liquidity_ind"] for fill in fills} == {"m"}
    assert sum(Decimal(fill["last_qty"]) for fill in fills) == Decimal("0.02")
    fees = sum(Decimal(row["qty"]) for fill in fills for row in fill["fees"])
    assert fees == sum((Decimal(f["cost"]) * Decimal("0.0025") for f in fills), Decimal(0)).quantize(Decimal("0.00001"))
    assert desk.balances["BTC"] == before["BTC"] + Decimal("0.02")
    assert abs(desk.balances["USD"] - before["USD"] + Decimal(order["cum_cost"]) + fees) < Decimal("0.001")
    desk.reconciled()
    history = desk.trader.result("TradesHistory")
    assert set(history["trades"]) == set(desk.fills)
    closed = desk.trader.result("ClosedOrders")["closed"][order["order_id"]]
    assert (closed["status"], closed["vol_exec"]) == ("closed", "0.02000000")


def test_later_events_carry_only_what_changed() -> None:
    desk = Desk()
    bid, _ = desk.touch()
    answer = desk.add("buy", 0.02, round(bid - 50, 1), cl_ord_id="a")
    frames = desk.ask("amend_order", order_id=answer["result"]["order_id"], order_qty=0.01)
    (row,) = next(f for f in frames if f.get("channel") == "executions")["data"]
    assert not {"symbol", "side", "cl_ord_id", "order_type"} & set(row)
    assert (row["exec_type"], row["order_qty"], row["amended"]) == ("amended", "0.01000000", True)
    assert frames[0]["result"]["order_id"] == answer["result"]["order_id"]
    assert frames[0]["result"]["amend_id"].startswith("T")


def test_the_order_stands_in_both_books_with_the_same_id() -> None:
    desk = Desk()
    level3 = desk.trader.connect("l3")
    book = Level3Client(100)
    for frame in desk.trader.ask(level3, "subscribe", desk.token, channel="level3", symbol=["BTC/USD"], depth=100):
        if frame.get("channel") == "level3":
            book.apply(frame)

    def told() -> None:
        for frame in desk.trader.run(0.1, level3)[0]:
            if frame.get("channel") == "level3":
                book.apply(frame)

    price = round(desk.touch()[0] - 3, 1)
    order_id = desk.add("buy", 0.5, price)["result"]["order_id"]
    told()
    queue = dict(book.levels("bids"))[Decimal(str(price))]
    assert queue[-1] == (order_id, Decimal(str(price)), Decimal("0.5"))
    place = [o[0] for o in queue].index(order_id)
    market = desk.trader.venue.market("BTC/USD")
    assert market.desk is not None
    own = desk.trader.venue.private.accounts["main"].orders[order_id]
    ahead = market.desk.ahead(own)
    assert ahead is not None
    assert ahead[0] == place
    # Smaller keeps its place, larger goes to the back, another price to the back there.
    desk.add("buy", 0.25, price)
    desk.do("amend_order", order_id=order_id, order_qty=0.4)
    told()
    names = [o[0] for o in dict(book.levels("bids"))[Decimal(str(price))]]
    assert names.index(order_id) < len(names) - 1
    desk.do("amend_order", order_id=order_id, order_qty=0.6)
    told()
    queue = dict(book.levels("bids"))[Decimal(str(price))]
    assert [o[0] for o in queue if o[2] in (Decimal("0.6"), Decimal("0.25"))][-1] == order_id
    desk.do("amend_order", order_id=order_id, order_qty=0.6, limit_price=round(price - 1, 1))
    told()
    assert order_id in {o[0] for o in dict(book.levels("bids"))[Decimal(str(round(price - 1, 1)))]}
    assert desk.do("cancel_order", order_id=[order_id])["result"] == {"order_id": order_id}
    told()
    assert order_id not in {o[0] for o in book.sides["bids"]}


def test_an_iceberg_shows_a_slice_and_refills_at_the_back() -> None:
    desk = Desk()
    _, ask = desk.touch()
    order = desk.order(desk.add("sell", 0.5, ask, order_type="iceberg", display_qty=0.05))
    account = desk.trader.venue.private.accounts["main"]
    for _ in range(300):
        desk.run(2)
        own = account.orders[order["order_id"]]
        if own.resting:
            side = desk.trader.venue.market("BTC/USD").simulator.book.asks
            assert side.queues is not None
            shown = [o.lots for o in side.queues.at(own.limit or 0) if o.own is own]
            assert shown[0] <= 5_000_000
            assert shown[0] + own.hidden == own.left
        if "iceberg_refill" in desk.kinds:
            break
    assert "iceberg_refill" in desk.kinds
    desk.reconciled()


def test_crossing_orders_take_and_the_rest_rests() -> None:
    desk = Desk()
    _, ask = desk.touch()
    answer = desk.add("buy", 0.01, round(ask + 5, 1))
    assert desk.order(answer)["order_status"] == "filled"
    assert {f["liquidity_ind"] for f in desk.fills.values()} == {"t"}
    assert all(Decimal(f["last_price"]) <= Decimal(str(round(ask + 5, 1))) for f in desk.fills.values())
    market = desk.add("sell", 0.01, None, order_type="market")
    assert desk.order(market)["order_status"] == "filled"
    ioc = desk.order(desk.add("buy", 0.01, round(desk.touch()[0] - 5, 1), time_in_force="ioc"))
    assert (ioc["order_status"], ioc["reason"]) == ("canceled", "Immediate or cancel")
    post = desk.order(desk.add("buy", 0.01, round(desk.touch()[1] + 5, 1), post_only=True))
    assert post["order_status"] == "canceled"
    assert post["reason"] == "Post only order"
    desk.reconciled()


def test_public_prints_carry_the_trade_id_of_the_fill() -> None:
    desk = Desk()
    public = desk.trader.connect("")
    desk.trader.ask(public, "subscribe", channel="trade", symbol=["BTC/USD"])
    desk.add("sell", 0.01, None, order_type="market")
    told = desk.trader.run(0.1, public)[0]
    prints = {row["trade_id"]: row for f in told if f.get("channel") == "trade" for row in f["data"]}
    for fill in desk.fills.values():
        assert prints[fill["trade_id"]]["qty"] == fill["last_qty"]
        assert prints[fill["trade_id"]]["side"] == "sell"


@pytest.mark.parametrize("kind", ["cancel_newest", "cancel_oldest", "cancel_both"])
def test_an_account_does_not_trade_with_itself(kind: str) -> None:
    desk = Desk()
    bid, ask = desk.touch()
    price = ask if ask - bid < 0.15 else round(ask - 0.1, 1)
    old = desk.order(desk.add("sell", 0.01, price))
    new = desk.order(desk.add("buy", 30.0 / 10, price, stp_type=kind))
    cancelled = {"cancel_newest": [new], "cancel_oldest": [old], "cancel_both": [old, new]}[kind]
    for order in (old, new):
        assert (order["order_status"] == "canceled") == (order in cancelled), kind
    assert {order["reason"] for order in cancelled} == {"Cannot trade with self"}


@pytest.mark.parametrize(
    ("order_type", "side", "far"),
    [
        ("stop-loss", "sell", 1),
        ("take-profit", "buy", 1),
        ("stop-loss-limit", "buy", -1),
        ("take-profit-limit", "sell", -1),
    ],
)
def test_triggers_wait_outside_the_book(order_type: str, side: str, far: int) -> None:
    desk = Desk(profile="lively", rate=3.0)
    bid, _ = desk.touch()
    trigger = round(bid - far * 3, 1)
    more: dict[str, Any] = {"order_type": order_type, "triggers": {"price": trigger, "reference": "last"}}
    if order_type.endswith("limit"):
        more["limit_price"] = round(trigger + (500 if side == "buy" else -500), 1)
    order = desk.order(desk.add(side, 0.01, None, **more))
    assert order["triggers"]["status"] == "untriggered"
    account = desk.trader.venue.private.accounts["main"]
    assert not account.orders[order["order_id"]].resting
    for _ in range(200):
        desk.run(3)
        if order["triggers"]["status"] == "triggered":
            break
    assert order["triggers"]["status"] == "triggered"
    assert "status" in desk.kinds
    assert order["order_status"] == "filled"


def test_good_till_date_and_the_switch() -> None:
    desk = Desk()
    bid, _ = desk.touch()
    low = round(bid - 5000, 1)
    at = desk.trader.clock.ns / NS
    when = datetime.fromtimestamp(at + 10, UTC).isoformat().replace("+00:00", "Z")
    order = desk.order(desk.add("buy", 0.01, low, time_in_force="gtd", expire_time=when))
    other = desk.order(desk.add("buy", 0.01, low))
    result = desk.do("cancel_all_orders_after", timeout=20)["result"]
    assert result["triggerTime"] > result["currentTime"]
    desk.run(11)
    assert (order["order_status"], other["order_status"]) == ("expired", "new")
    desk.run(11)
    assert other["order_status"] == "canceled"
    third = desk.order(desk.add("buy", 0.01, low))
    desk.do("cancel_all_orders_after", timeout=5)
    desk.do("cancel_all_orders_after", timeout=0)
    desk.run(8)
    assert third["order_status"] == "new"
    assert desk.do("cancel_all")["result"] == {"count": "1"}
    assert third["order_status"] == "canceled"


def test_batches_and_edit() -> None:
    desk = Desk()
    low = round(desk.touch()[0] - 5000, 1)
    row = {"order_type": "limit", "side": "buy", "order_qty": 0.01, "limit_price": low}
    rows = [{**row, "order_userref": at + 1} for at in range(3)]
    answer = desk.do("batch_add", symbol="BTC/USD", orders=rows)
    assert [r["order_userref"] for r in answer["result"]] == ["1", "2", "3"]
    ids = [r["order_id"] for r in answer["result"]]
    edited = desk.do("edit_order", order_id=ids[0], symbol="BTC/USD", order_qty=0.02)["result"]
    assert edited["original_order_id"] == ids[0]
    assert desk.orders[ids[0]]["order_status"] == "canceled"
    assert desk.orders[edited["order_id"]]["order_qty"] == "0.02000000"
    bad = desk.do("batch_add", symbol="BTC/USD", orders=[row, {**row, "order_qty": 0.000001}])
    assert bad["error"] == "EOrder:Order minimum not met"
    assert len(desk.trader.result("OpenOrders")["open"]) == 3
    assert desk.do("batch_cancel", orders=[ids[1], ids[2]])["result"] == {"count": "2"}
    frames = desk.ask("cancel_order", order_id=[edited["order_id"], ids[1]])
    answers = desk.hear(frames)
    assert [a["success"] for a in answers] == [True, False]
    assert answers[1]["error"] == "EOrder:Unknown order"
    assert len({a["req_id"] for a in answers}) == 1


LOW = 10_000.0
BAD = "EGeneral:Invalid arguments"
REFUSALS = [
    ({"order_qty": 1e-06}, "EOrder:Order minimum not met"),
    ({"limit_price": 1.0, "order_qty": 0.001}, "EOrder:Cost minimum not met"),
    ({"limit_price": 10_000.05}, "EOrder:Invalid price"),
    ({"order_qty": 100.0}, "EOrder:Insufficient funds"),
    ({"limit_price": 10_000}, "Limit_price field must be a number_float"),
    ({"limit_price": "10000.0"}, "Limit_price field must be a number_float"),
    ({"order_qty": 1}, "Order_qty field must be a number_float"),
    ({"symbol": "NO/PE"}, "Currency pair not supported NO/PE"),
    ({"side": "both"}, "EGeneral:Invalid arguments:side"),
    ({"cl_ord_id": "a", "order_userref": 1}, f"{BAD}:cl_ord_id and order_userref are mutually exclusive"),
    ({"cl_ord_id": "nineteen-characters"}, "EGeneral:Invalid arguments:cl_ord_id"),
    ({"display_qty": 0.0001}, "EGeneral:Invalid arguments:display_qty"),
    ({"no_mpp": True}, "EGeneral:Invalid arguments:no_mpp order option is only available when ordertype = market"),
    ({"deadline": "2020-01-01T00:00:00.000Z"}, "EService:Deadline elapsed"),
    ({"deadline": "2090-01-01T00:00:00.000Z"}, "EGeneral:Invalid arguments:deadline"),
    ({"token": "no"}, "ESession:Invalid session"),
    ({"token": None}, "Token(s) not found"),
]


@pytest.mark.parametrize(("more", "error"), REFUSALS)
def test_refused_with_the_exchanges_words(more: dict[str, Any], error: str) -> None:
    desk = Desk()
    base = {"order_type": "limit", "side": "buy", "order_qty": 0.01, "symbol": "BTC/USD", "limit_price": LOW}
    params = {**base, "token": desk.token, **more}
    (answer,) = desk.hear(desk.trader.ask(desk.peer, "add_order", **params))
    assert answer["error"] == error
    assert "result" not in answer
    assert desk.orders == {}


def test_validate_does_nothing_and_modes_refuse() -> None:
    desk = Desk()
    answer = desk.add("buy", 0.01, LOW, validate=True)
    assert answer["success"]
    assert answer["result"] == {}
    assert desk.add("buy", 99.0, LOW, validate=True)["error"] == "EOrder:Insufficient funds"
    assert desk.orders == {}
    desk.trader.venue.faults.set_system_status("post_only")
    desk.run(0.1)
    assert desk.add("buy", 0.01, LOW)["error"] == "EService:Market in post_only mode"
    assert desk.add("buy", 0.01, LOW, post_only=True)["success"]
    desk.trader.venue.faults.set_system_status("cancel_only")
    desk.run(0.1)
    assert desk.add("buy", 0.01, LOW, post_only=True)["error"] == "EService:Market in cancel_only mode"
    assert desk.do("cancel_all")["result"] == {"count": "1"}


def test_a_client_id_is_unique_among_open_orders_only() -> None:
    desk = Desk()
    assert desk.add("buy", 0.01, LOW, cl_ord_id="one")["success"]
    assert "cl_ord_id" in desk.add("buy", 0.01, LOW, cl_ord_id="one")["error"]
    assert desk.do("cancel_order", cl_ord_id=["one"])["result"] == {"cl_ord_id": "one"}
    assert desk.add("buy", 0.01, LOW, cl_ord_id="one")["success"]


def test_the_rate_counter_is_the_documented_one() -> None:
    assert cost("add") + cost("amend", 7) + cost("cancel", 36) == 8
    assert cost("add") + cost("cancel", 1) == 9
    assert cost("add") + 5 * cost("amend", 1) + cost("cancel", 1) == 29
    assert cost("add") + 5 * cost("edit", 1) + cost("cancel", 1) == 44
    assert cost("cancel", 300) == 0
    counter = RateCounter(TIERS["intermediate"])
    for _ in range(50):
        assert counter.charge("BTC/USD", 1, 1, 0)
    assert round(counter.value("BTC/USD", 10 * NS), 6) == 26.6


def test_too_many_requests_are_refused_until_the_counter_decays() -> None:
    desk = Desk()
    errors = []
    for _ in range(15):
        answer = desk.add("buy", 0.001, LOW)
        if not answer["success"]:
            errors.append(answer["error"])
            break
        order_id = answer["result"]["order_id"]
        answer = desk.do("cancel_order", order_id=[order_id])
        if not answer["success"]:
            errors.append(answer["error"])
            break
    assert errors == ["EOrder:Rate limit exceeded"]
    assert desk.add("buy", 0.001, LOW, symbol="ETH/USD", order_qty=0.1)["success"]
    desk.run(20)
    assert desk.add("buy", 0.001, LOW)["success"]


@pytest.mark.parametrize(
    ("name", "works"),
    [("view", []), ("cancel", ["cancel_all"]), ("demo", ["cancel_all", "add_order"]), ("level3", [])],
)
def test_what_keys_may(name: str, works: list[str]) -> None:
    trader = Trader(account="still")
    trader.use(KEYS[name])
    peer, token = trader.connect("auth"), trader.token()
    params = {"order_type": "limit", "side": "buy", "order_qty": 0.01, "symbol": "BTC/USD", "limit_price": LOW}
    for method, more in (("add_order", params), ("cancel_all", {})):
        answer = trader.ask(peer, method, token, **more)[0]
        assert answer["success"] == (method in works)
        assert method in works or answer["error"] == "EGeneral:Permission denied"
    heard = trader.ask(peer, "subscribe", token, channel="executions")[0]
    assert heard["success"] == (name != "level3")


def executions(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [frame for frame in frames if frame.get("channel") == "executions"]


def listening(trader: Trader, **params: Any) -> tuple[Peer, str, list[dict[str, Any]]]:
    peer, token = trader.connect("auth"), trader.token()
    return peer, token, trader.ask(peer, "subscribe", token, channel="executions", **params)


def test_the_demo_account_has_something_to_show_and_trades() -> None:
    trader = Trader(profile="calm")
    peer, _, frames = listening(trader)
    rows = executions(frames)[0]["data"]
    assert len(rows) == 6
    assert {row["symbol"] for row in rows} == {"BTC/USD", "ETH/USD"}
    assert [row["triggers"]["status"] for row in rows if "triggers" in row] == ["untriggered"]
    (told,) = trader.run(400, peer, step_ms=200)
    kinds = [row["exec_type"] for frame in executions(told) for row in frame["data"]]
    assert kinds.count("trade") >= 3
    assert kinds.count("pending_new") >= 2
    again = Trader(profile="calm")
    assert executions(listening(again)[2]) == executions(frames)


def test_what_the_user_has_cancelled_stays_cancelled() -> None:
    trader = Trader(profile="calm")
    peer, token, _ = listening(trader)
    assert int(trader.ask(peer, "cancel_all", token)[0]["result"]["count"]) == 6
    trader.run(200, peer, step_ms=200)
    assert trader.result("OpenOrders")["open"] == {}


def test_snapshots_on_request_and_brief_events() -> None:
    desk = Desk()
    desk.add("sell", 0.01, None, order_type="market")
    desk.add("buy", 0.01, LOW)
    _, _, frames = listening(desk.trader, snap_orders=False, snap_trades=True)
    (snapshot,) = executions(frames)
    assert {row["exec_type"] for row in snapshot["data"]} == {"trade"}
    assert "cum_qty" not in snapshot["data"][0]
    assert frames[0]["result"]["maxratecount"] == "125"
    peer, token, frames = listening(desk.trader, order_status=False, ratecounter=True)
    assert [row["exec_type"] for row in executions(frames)[0]["data"]] == ["new"]
    told = desk.trader.ask(peer, "cancel_all", token)
    assert [(r["exec_type"], "ratecount" in r) for f in executions(told) for r in f["data"]] == [("canceled", True)]


def test_balance_rows_of_one_trade_have_one_reference() -> None:
    desk = Desk()
    frames = desk.ask("add_order", order_type="market", side="sell", order_qty=0.01, symbol="BTC/USD")
    rows = [row for frame in frames if frame.get("channel") == "balances" for row in frame["data"]]
    assert [row["asset"] for row in rows[:2]] == ["BTC", "USD"]
    assert rows[0]["ref_id"] == rows[1]["ref_id"]
    start = Decimal("250000")
    assert Decimal(rows[1]["balance"]) == start + Decimal(rows[1]["amount"]) - Decimal(rows[1]["fee"])


class TestFaults:
    """Each fault by itself: what the stream and the answers look like, and that the order is what it is."""

    def test_lost_doubled_and_refused_answers(self) -> None:
        desk = Desk()
        faults = desk.trader.venue.faults.private
        faults.lose_answers("add_order")
        assert desk.hear(desk.ask("add_order", **order("a"))) == []
        assert len(desk.orders) == 1
        faults.duplicate_answers("add_order")
        assert len(desk.hear(desk.ask("add_order", **order("b")))) == 2
        assert len(desk.orders) == 2
        faults.refuse_method("add_order", "EService:Unavailable")
        assert desk.do("add_order", **order("c"))["error"] == "EService:Unavailable"
        assert len(desk.orders) == 2
        faults.refuse_method("add_order", "EService:Unavailable", execute=True)
        assert desk.do("add_order", **order("d"))["error"] == "EService:Unavailable"
        assert len(desk.orders) == 3

    @pytest.mark.parametrize("execute", [True, False])
    def test_cut_between_request_and_answer(self, execute: bool) -> None:
        desk = Desk()
        desk.trader.venue.faults.private.cut("add_order", execute=execute)
        assert desk.ask("add_order", **order("a")) == []
        assert desk.peer.closing == (1006, "")
        assert len(desk.trader.result("OpenOrders")["open"]) == int(execute)

    def test_gaps_repeats_and_swaps_in_the_sequence(self) -> None:
        desk = Desk()
        faults = desk.trader.venue.faults.private

        def sequence() -> list[int]:
            return [int(f["sequence"]) for f in executions(desk.ask("add_order", **order("")))]

        faults.drop("executions")
        assert sequence() == [3]
        faults.duplicate("executions")
        assert sequence() == [4, 4, 5]
        faults.swap("executions")
        assert sequence() == [7, 6]

    def test_late_answers_and_late_executions(self) -> None:
        desk = Desk()
        faults = desk.trader.venue.faults.private
        faults.answers_late_s = 1.0
        assert desk.hear(desk.ask("add_order", **order("a"))) == []
        assert len(desk.orders) == 1
        assert [f["success"] for f in desk.trader.run(1.5, desk.peer)[0] if "success" in f] == [True]
        faults.answers_late_s, faults.executions_late_s = 0.0, 1.0
        assert desk.do("add_order", **order("b"))["success"]
        assert len(desk.orders) == 1
        desk.run(1.5)
        assert len(desk.orders) == 2
        faults.executions_late_s, faults.executions_first = 0.0, True
        told = desk.ask("add_order", **order("c"))
        assert ["success" in frame for frame in told] == [False, False, True]

    def test_level3_may_be_behind_executions_and_the_other_way_round(self) -> None:
        desk = Desk()
        level3 = desk.trader.connect("l3")
        desk.trader.ask(level3, "subscribe", desk.token, channel="level3", symbol=["BTC/USD"], depth=1000)
        faults = desk.trader.venue.faults.private

        def seen(order_id: str, seconds: float) -> bool:
            return order_id in json.dumps(desk.trader.run(seconds, level3)[0])

        price = round(desk.touch()[0] - 2, 1)
        faults.level3_late_s = 1.0
        order_id = desk.add("buy", 0.01, price)["result"]["order_id"]
        assert not seen(order_id, 0.5)
        assert seen(order_id, 1.0)
        faults.level3_late_s, faults.executions_late_s = 0.0, 1.0
        seen("", 1.5)
        order_id = desk.add("buy", 0.01, price)["result"]["order_id"]
        assert order_id not in desk.orders
        assert seen(order_id, 0.2)

    def test_tokens_and_closings(self) -> None:
        desk = Desk()
        faults = desk.trader.venue.faults.private
        faults.refuse_tokens()
        assert desk.do("add_order", **order("a"))["error"] == "ESession:Invalid session"
        assert desk.do("add_order", **order("a"))["success"]
        faults.invalidate_tokens()
        assert desk.do("add_order", **order("b"))["error"] == "ESession:Invalid session"
        desk.token = desk.trader.token()
        assert desk.do("add_order", **order("b"))["success"]
        public = desk.trader.connect("")
        faults.close("auth", 1012, "restart")
        desk.trader.run(0.1, desk.peer)
        assert (desk.peer.closing, public.closing) == ((1012, "restart"), None)

    def test_withheld_snapshots_and_silence(self) -> None:
        desk = Desk()
        faults = desk.trader.venue.faults.private
        faults.withhold_snapshots("executions")
        assert executions(listening(desk.trader)[2]) == []
        faults.muted.add("auth")
        assert desk.trader.run(3, desk.peer) == [[]]

    def test_deadlines_are_missed_when_the_engine_is_slow(self) -> None:
        desk = Desk()
        at = datetime.fromtimestamp(desk.trader.clock.ns / NS + 2, UTC).isoformat()
        assert desk.do("add_order", **order("a"), deadline=at)["success"]
        desk.trader.venue.faults.private.engine_delay_s = 3.0
        assert desk.do("add_order", **order("b"), deadline=at)["error"] == "EService:Deadline elapsed"


def order(cl_ord_id: str) -> dict[str, Any]:
    params = {"order_type": "limit", "side": "buy", "order_qty": 0.01, "symbol": "BTC/USD", "limit_price": LOW}
    return {**params, "cl_ord_id": cl_ord_id} if cl_ord_id else params
