"""Size that came and went without trading."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.events import Side, Trade
from kraken_tui.market.history.book import BookHistory
from kraken_tui.market.history.pulls import Movement, PullStack
from kraken_tui.market.history.trades import TradeHistory
from kraken_tui.units import SECOND
from kraken_tui.wire.messages import WireLevel
from tests.market.history.test_book import SPEC, WIDE, Step, play, steps

BID = 890


def trade(number: int, price: int, lots: int, side: Side) -> Trade:
    """A live trade."""
    return Trade("BTC/USD", side, price, lots, "market", number, "2026-01-01T00:00:00Z", number)


class Market:
    """A book with one bid of 5.00 at 89 and one ask at 101."""

    def __init__(self) -> None:
        self.book = OrderBook(SPEC, 10)
        self.history, self.trades = BookHistory(WIDE, WIDE), TradeHistory(WIDE, 10_000)
        self.book.load([WireLevel(price="89.0", qty="5.00")], [WireLevel(price="101.0", qty="5.00")])
        self.history.on_snapshot(0, 0, self.book, proven=True)
        self.pulls = PullStack(self.history, self.trades, 0)
        self.number = 0

    def bid(self, ns: int, qty: str, price: str = "89.0") -> None:
        changes = self.book.apply([WireLevel(price=price, qty=qty)], [])
        self.history.on_update(ns, ns, changes, self.book, proven=True)

    def sold(self, ns: int, lots: int, price: int = BID) -> None:
        self.number += 1
        trades = [trade(self.number, price, lots, Side.SELL)]
        self.trades.add(ns, trades, trades)

    def movement(self, now: int) -> Movement:
        self.pulls.advance(now)
        return self.pulls.by_bucket(now, 30, 1, fading=False).get(BID, Movement(0, 0, 0))


def test_size_added_is_stacked_and_size_removed_is_pulled() -> None:
    market = Market()
    market.bid(10, "8.00")
    market.bid(20, "6.00")
    assert market.movement(100) == Movement(300, 200, 0)


def test_what_traded_is_not_pulled_whichever_came_first() -> None:
    market = Market()
    market.sold(10, 150)
    market.bid(20, "3.00")
    assert market.movement(100) == Movement(0, 50, 150)
    market.bid(200, "2.00")
    assert market.movement(210) == Movement(0, 150, 150)
    market.sold(220, 70)
    assert market.movement(300) == Movement(0, 80, 220)


def test_a_trade_long_before_or_elsewhere_explains_nothing() -> None:
    market = Market()
    market.sold(10, 100)
    market.sold(SECOND + 15, 100, price=880)
    market.bid(SECOND + 20, "4.00")
    assert market.movement(SECOND + 30) == Movement(0, 100, 0)
    market.sold(3 * SECOND, 100)
    assert market.movement(3 * SECOND) == Movement(0, 100, 0)


def test_movement_fades_and_ends_with_its_window() -> None:
    market = Market()
    market.bid(10, "8.00")
    market.pulls.advance(20)
    assert market.pulls.by_bucket(15 * SECOND, 30, 1)[BID] == Movement(150, 0, 0)
    assert market.pulls.by_bucket(31 * SECOND, 30, 1) == {}
    assert market.pulls.by_bucket(31 * SECOND, 300, 1, fading=False)[BID] == Movement(300, 0, 0)


def test_a_level_at_the_edge_of_the_depth_moved_nowhere() -> None:
    history, trades, book = BookHistory(WIDE, WIDE), TradeHistory(WIDE, 100), OrderBook(SPEC, 2)
    book.load([WireLevel(price=f"{at}.0", qty="1.00") for at in (89, 88)], [WireLevel(price="101.0", qty="1.00")])
    history.on_snapshot(0, 0, book, proven=True)
    pulls = PullStack(history, trades, 0)
    # A better bid pushes 88 out of the depth; when it goes, 88 comes back into view.
    for ns, entries in ((10, [("90.0", "2.00")]), (20, [("90.0", "0.00"), ("88.0", "1.00")])):
        changes = book.apply([WireLevel(price=price, qty=qty) for price, qty in entries], [])
        history.on_update(ns, ns, changes, book, proven=True)
    pulls.advance(30)
    assert pulls.by_bucket(30, 30, 1, fading=False) == {900: Movement(200, 200, 0)}


@given(run=steps, sold=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 12), st.integers(1, 400)), max_size=20))
def test_sizes_balance_at_every_price(run: list[Step], sold: list[tuple[int, int, int]]) -> None:
    history, trades = BookHistory(WIDE, WIDE), TradeHistory(WIDE, 10_000)
    play(history, [step for step in run if step[0] != "snapshot"], 1_000)
    since, until = history.since_ns, history.until_ns
    if since is None or until is None:
        return
    for number, (after, at, lots) in enumerate(sorted(sold)):
        new = [trade(number, (90 - at) * 10, lots, Side.SELL)]
        trades.add(1_000 + after, new, new)
    pulls, begin = PullStack(history, trades, since), history.at(since)
    pulls.advance(until + 100)
    end = history.at(until)
    assert begin is not None
    assert end is not None
    # With the whole book in view, what moved at a price is what its size differs by. Levels beyond the last one known
    # at the time are held to come into view, so only those that never were the last are compared.
    moved = pulls.by_bucket(until, 300, 1, fading=False)
    before, after_all = dict(begin.bids), dict(end.bids)
    for price, movement in moved.items():
        if price in before and price < 1_000 and price > min(before):
            assert movement.pulled >= 0
            assert movement.traded >= 0
            change = movement.stacked - movement.pulled - movement.traded
            assert after_all.get(price, 0) - before[price] == change


def test_sides_count_every_lot_whole() -> None:
    market = Market()
    market.bid(10, "8.00")
    market.bid(20, "6.00")
    market.sold(30, 100)
    market.bid(40, "5.00")
    market.pulls.advance(20 * SECOND)
    bids, asks = market.pulls.sides(20 * SECOND, 30)
    assert bids == Movement(300, 200, 100)
    assert asks == Movement(0, 0, 0)
    assert market.pulls.sides(40 * SECOND, 30)[0] == Movement(0, 0, 0)
