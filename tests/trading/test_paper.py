"""The rules of the paper account, each by its number (`kraken_tui.trading.paper`)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from kraken_tui.market.events import Side
from kraken_tui.market.orders.values import AccountEvent, FillSeen, Order, Stage
from kraken_tui.trading.audit import Audit
from kraken_tui.trading.ids import ClientIds
from kraken_tui.trading.limits import TradingLimits
from kraken_tui.trading.outcomes import Accepted, OrderRefused, Outcome
from kraken_tui.trading.paper import MAKER_FEE, PaperLink
from kraken_tui.trading.tickets import Kind, Ticket
from kraken_tui.trading.trader import Trader

from .helpers import FACTS, SPEC, START, SYMBOL, S, ticket

BIDS = ((500_000, 300), (499_990, 500))
ASKS = ((500_010, 200), (500_020, 400))
LOT = 1_000_000
LIMITS = TradingLimits(max_worth={"USD": Decimal(10**9)}, duplicate_ns=1)


class Paper:
    """A trader over a paper account, and the public market played by hand; sizes are in units of `LOT` lots."""

    def __init__(self) -> None:
        self.now = START
        self.link = PaperLink(lambda symbol: SPEC if symbol == SYMBOL else None, lambda: self.now, self.take)
        self.trader = Trader(self.link, "PAPER", LIMITS, ClientIds(START, 7), Audit(None))
        self.told: list[Outcome] = []
        self.fills: list[FillSeen] = []
        self.book(BIDS, ASKS)
        self.step(3)
        assert self.trader.arm(FACTS, self.now) == ""

    def take(self, events: Sequence[AccountEvent]) -> None:
        self.fills += [event for event in events if isinstance(event, FillSeen)]
        self.trader.take(events)

    def book(self, bids: tuple[Any, ...], asks: tuple[Any, ...], *, verified: bool = True) -> None:
        scaled = [tuple((ticks, size * LOT) for ticks, size in side) for side in (bids, asks)]
        self.link.on_book(SYMBOL, scaled[0], scaled[1], verified=verified)
        self.step()

    def trade(self, side: Side, ticks: int, size: int) -> None:
        self.link.on_trade(SYMBOL, side, ticks, size * LOT)
        self.step()

    def step(self, seconds: int = 0) -> None:
        for _ in range(max(1, seconds)):
            self.now += S if seconds else 1
            self.link.deliver(lambda answer: self.trader.on_answer(answer, self.now))
            self.trader.tick(FACTS, self.now)

    def place(self, size: int = 100, ticks: int = 500_000, **more: Any) -> Order:
        order: Ticket = ticket(lots=size * LOT, ticks=ticks, **more)
        pending = self.trader.place(order, FACTS, self.now, told=self.told.append)
        self.step()
        found = self.link.account.orders.get(pending.key)
        assert found is not None, pending.outcome
        return found

    def order(self, order: Order) -> Order:
        found = self.link.account.orders.get(order.key)
        assert found is not None
        return found

    def filled(self, order: Order) -> int:
        return int(self.order(order).cum_qty * 10**8) // LOT


def test_rule_1_a_crossing_order_takes_the_visible_sizes_at_their_prices() -> None:
    paper = Paper()
    order = paper.place(500, 500_020, post_only=False)
    assert paper.order(order).stage is Stage.FILLED
    assert [(int(each.fill.price * 10), int(each.fill.qty * 100)) for each in paper.fills] == [
        (500_010, 200),
        (500_020, 300),
    ]
    assert not paper.fills[0].fill.maker
    assert paper.told[-1].to_dict()["what"] == "place"


def test_rule_1_post_only_ends_and_a_market_order_ends_with_what_it_found() -> None:
    paper = Paper()
    assert paper.place(10, 500_010).reason == "Post only order"
    market = paper.place(900, 502_000, kind=Kind.MARKET)
    assert paper.filled(market) == 600
    assert paper.order(market).stage is Stage.CANCELED


def test_what_an_order_took_does_not_fill_its_rest() -> None:
    paper = Paper()
    order = paper.place(300, 500_010, post_only=False)
    assert paper.filled(order) == 200
    paper.book(BIDS, ASKS)
    assert paper.filled(order) == 200
    paper.book(BIDS, ASKS[1:])
    paper.book(BIDS, ASKS)
    assert paper.filled(order) == 300


def test_rules_2_and_3_trades_eat_the_queue_first() -> None:
    paper = Paper()
    order = paper.place(100, 500_000)
    paper.trade(Side.SELL, 500_000, 299)
    assert paper.filled(order) == 0
    paper.trade(Side.BUY, 500_000, 50)
    assert paper.filled(order) == 0
    paper.trade(Side.SELL, 500_000, 31)
    assert paper.filled(order) == 30
    paper.trade(Side.SELL, 500_000, 500)
    assert paper.filled(order) == 100
    fill = paper.fills[-1].fill
    assert fill.maker
    assert sum(fee for each in paper.fills for _, fee in each.fill.fees) == Decimal(50_000) * MAKER_FEE


def test_own_orders_of_a_level_are_filled_in_their_order_and_no_trade_twice() -> None:
    paper = Paper()
    first, second = paper.place(100, 500_000), paper.place(100, 500_000)
    paper.trade(Side.SELL, 500_000, 450)
    assert (paper.filled(first), paper.filled(second)) == (100, 50)


def test_rule_4_cancels_are_behind_until_less_is_left_than_was_ahead() -> None:
    paper = Paper()
    order = paper.place(100, 500_000)
    paper.book(((500_000, 900), BIDS[1]), ASKS)
    paper.book(((500_000, 40), BIDS[1]), ASKS)
    paper.trade(Side.SELL, 500_000, 50)
    assert paper.filled(order) == 10


def test_rule_5_a_trade_through_it_or_a_book_beyond_it_fills_it() -> None:
    paper = Paper()
    through, reached = paper.place(100, 500_000), paper.place(100, 499_990)
    paper.trade(Side.SELL, 499_995, 1)
    assert (paper.filled(through), paper.filled(reached)) == (100, 0)
    paper.book(((499_900, 10),), ((499_990, 10),))
    assert paper.filled(reached) == 100


def test_rule_6_a_smaller_size_keeps_the_place_and_another_price_does_not() -> None:
    paper = Paper()
    order = paper.place(100, 500_000)
    paper.trade(Side.SELL, 500_000, 200)
    paper.trader.amend(order.key, FACTS, paper.now, lots=50 * LOT)
    paper.step()
    paper.trade(Side.SELL, 500_000, 110)
    assert paper.filled(order) == 10
    paper.trader.amend(order.key, FACTS, paper.now, ticks=499_990)
    paper.step()
    assert paper.order(order).limit_price == Decimal("49999.0")
    paper.trade(Side.SELL, 499_990, 499)
    assert paper.filled(order) == 10


def test_rule_7_a_stop_waits_for_its_trigger() -> None:
    paper = Paper()
    stop = paper.place(100, 500_100, kind=Kind.STOP)
    assert paper.order(stop).untriggered
    paper.trade(Side.BUY, 500_090, 1)
    assert paper.filled(stop) == 0
    paper.trade(Side.BUY, 500_100, 1)
    assert paper.order(stop).stage is Stage.FILLED


def test_rule_8_a_book_that_is_not_verified_fills_nothing() -> None:
    paper = Paper()
    order = paper.place(100, 500_000)
    paper.book(((499_900, 10),), ((499_990, 10),), verified=False)
    assert paper.filled(order) == 0


def test_cancels_and_the_switch_work_as_at_the_exchange() -> None:
    paper = Paper()
    order, other = paper.place(100, 500_000), paper.place(100, 499_990)
    paper.trader.cancel([order.key], paper.now, told=paper.told.append)
    paper.step()
    assert isinstance(paper.told[-1], Accepted)
    paper.trader.set_switch(True)
    paper.step(3)
    assert paper.trader.view(SYMBOL, paper.now).cancels_after_s is not None
    for _ in range(70):
        paper.now += S
        paper.link.deliver(lambda _: None)
    assert paper.order(other).reason == "Dead man's switch"


def test_a_pair_whose_book_is_not_known_takes_no_paper_orders() -> None:
    paper = Paper()
    paper.link._books.clear()
    paper.trader.place(ticket(), FACTS, paper.now, told=paper.told.append)
    paper.step()
    assert isinstance(paper.told[-1], OrderRefused)
