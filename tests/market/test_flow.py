import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.events import FlowEvent, FlowKind, Side, Trade
from kraken_tui.market.flow import QUIET_NS, VERDICT_NS, FlowTracker, automatic_threshold
from kraken_tui.wire.messages import WireLevel
from kraken_tui.wire.symbols import PairSpec

SPEC = PairSpec("A/B", "A", "B", 0, 0)
SECOND = 1_000_000_000
MS = 1_000_000
LARGE = 100


class Rig:
    """A tracker on a real book, in virtual time."""

    def __init__(self, depth: int = 10, threshold: int = LARGE, *, trades: bool = True) -> None:
        self.book = OrderBook(SPEC, depth)
        self.flow = FlowTracker("A/B", threshold)
        self.now = 1000 * SECOND
        self.trade_id = 0
        if trades:
            self.flow.hear_trades()

    def snapshot(self, bids: dict[int, int], asks: dict[int, int]) -> None:
        self.book.load(wire(bids), wire(asks))
        self.flow.on_snapshot(self.book)

    def update(self, bids: dict[int, int] | None = None, asks: dict[int, int] | None = None) -> None:
        changes = self.book.apply(wire(bids or {}), wire(asks or {}))
        self.flow.on_changes(changes, self.book, self.now, self.now)

    def trade(self, side: Side, price: int, qty: int, *, after_ns: int = 0) -> None:
        self.trade_id += 1
        made = Trade("A/B", side, price, qty, "market", self.trade_id, "", self.now + after_ns)
        self.flow.on_trades([made])

    def wait(self, ns: int) -> list[FlowEvent]:
        self.now += ns
        self.flow.tick(self.now)
        return self.flow.drain()

    def settle(self) -> list[tuple[FlowKind, Side, int, int]]:
        return [(event.kind, event.side, event.price, event.qty) for event in self.wait(VERDICT_NS + SECOND)]


def wire(levels: dict[int, int]) -> list[WireLevel]:
    return [WireLevel(ticks, lots) for ticks, lots in levels.items()]


@pytest.fixture
def rig() -> Rig:
    made = Rig()
    made.snapshot({50: 5, 49: 5}, {52: 5, 53: 5})
    return made


def test_wall_appears(rig: Rig) -> None:
    rig.update(bids={48: LARGE})
    assert rig.settle() == [(FlowKind.WALL, Side.BUY, 48, LARGE)]


def test_a_size_below_the_threshold_is_no_wall(rig: Rig) -> None:
    rig.update(bids={48: LARGE - 1})
    assert rig.settle() == []


def test_a_wall_that_only_changes_is_told_once(rig: Rig) -> None:
    rig.update(asks={54: LARGE})
    rig.update(asks={54: LARGE + 50})
    rig.update(asks={54: LARGE - 20})
    assert rig.settle() == [(FlowKind.WALL, Side.SELL, 54, LARGE)]


def test_pulled(rig: Rig) -> None:
    rig.update(bids={48: 150})
    rig.settle()
    rig.update(bids={48: 0})
    assert rig.wait(VERDICT_NS - 1) == []
    (event,) = rig.wait(1)
    assert event == FlowEvent("A/B", rig.now - VERDICT_NS, FlowKind.PULLED, Side.BUY, 48, 150)


@pytest.mark.parametrize("trade_first", [True, False])
def test_filled_whichever_message_comes_first(rig: Rig, trade_first: bool) -> None:
    rig.update(asks={52: 150})
    rig.settle()
    if trade_first:
        rig.trade(Side.BUY, 52, 80)
    rig.update(asks={52: 0})
    if not trade_first:
        rig.trade(Side.BUY, 52, 80)
    assert rig.settle() == [(FlowKind.FILLED, Side.SELL, 52, 150)]


@pytest.mark.parametrize("before", [True, False])
def test_a_clock_set_back_delays_no_verdict(rig: Rig, before: bool) -> None:
    rig.update(bids={48: 150})
    rig.settle()
    if before:
        rig.now -= 900 * SECOND
    rig.update(bids={48: 0})
    if not before:
        rig.now -= 900 * SECOND
    assert [*rig.settle(), *rig.settle()] == [(FlowKind.PULLED, Side.BUY, 48, 150)]


def test_eaten_bit_by_bit_is_filled(rig: Rig) -> None:
    rig.update(asks={52: 150})
    rig.settle()
    for left in (120, 90, 60, 30):
        rig.trade(Side.BUY, 52, 30)
        rig.update(asks={52: left})
    assert rig.settle() == [(FlowKind.FILLED, Side.SELL, 52, 120)]


def test_trades_elsewhere_or_of_the_other_side_explain_nothing(rig: Rig) -> None:
    rig.update(asks={54: 150})
    rig.settle()
    rig.trade(Side.BUY, 53, 90)
    rig.trade(Side.SELL, 54, 90)
    rig.update(asks={54: 0})
    assert rig.settle() == [(FlowKind.PULLED, Side.SELL, 54, 150)]


def test_without_the_trade_channel_there_is_no_verdict() -> None:
    rig = Rig(trades=False)
    rig.snapshot({50: 500}, {52: 5})
    rig.update(bids={50: 0})
    assert rig.settle() == []


def test_a_wall_of_the_snapshot_is_remembered_but_not_told() -> None:
    rig = Rig()
    rig.snapshot({50: 500, 49: 5}, {52: 5})
    assert rig.settle() == []
    rig.update(bids={50: 0})
    assert rig.settle() == [(FlowKind.PULLED, Side.BUY, 50, 500)]


def test_a_snapshot_starts_over_without_events() -> None:
    rig = Rig()
    rig.snapshot({50: 500}, {52: 5})
    rig.update(bids={50: 0})
    rig.snapshot({49: 500}, {52: 5})
    assert rig.settle() == []


def test_leaving_and_entering_the_depth_is_neither_pulled_nor_a_wall() -> None:
    rig = Rig(depth=3)
    rig.snapshot({50: 5, 49: 5, 48: 500}, {52: 5})
    rig.update(bids={51: 5})
    assert [ticks for ticks, _ in rig.book.bids] == [51, 50, 49]
    assert rig.settle() == []
    rig.update(bids={51: 0, 48: 500})
    assert rig.settle() == []
    # One that was never seen before, but only fills up the depth.
    rig.update(bids={50: 0, 47: 700})
    assert rig.settle() == []
    # One that is placed in the middle is a wall although something else went.
    rig.update(bids={47: 0, 49: 900, 40: 1})
    assert rig.settle() == [(FlowKind.WALL, Side.BUY, 49, 900), (FlowKind.PULLED, Side.BUY, 47, 700)]


def test_the_last_level_of_a_book_that_is_not_full_is_a_wall(rig: Rig) -> None:
    rig.update(bids={49: 0, 40: 500})
    assert rig.settle() == [(FlowKind.WALL, Side.BUY, 40, 500)]


def test_one_that_shrank_outside_the_depth_is_forgotten_silently() -> None:
    rig = Rig(depth=2)
    rig.snapshot({50: 5, 49: 500}, {52: 5})
    rig.update(bids={51: 5})
    rig.update(bids={51: 0, 49: 3})
    assert rig.settle() == []


def test_a_flickering_wall_does_not_flood(rig: Rig) -> None:
    for _ in range(50):
        rig.update(bids={48: 500})
        rig.now += MS
        rig.update(bids={48: 0})
        rig.now += MS
    assert [kind for kind, *_ in rig.settle()] == [FlowKind.WALL, FlowKind.PULLED]
    rig.wait(QUIET_NS)
    rig.update(bids={48: 500})
    assert [kind for kind, *_ in rig.settle()] == [FlowKind.WALL]


def test_large_trade(rig: Rig) -> None:
    rig.trade(Side.SELL, 50, LARGE)
    rig.trade(Side.SELL, 50, LARGE - 1)
    assert rig.settle() == [(FlowKind.LARGE, Side.SELL, 50, LARGE)]


class TestSweep:
    def test_through_three_prices(self, rig: Rig) -> None:
        for index, price in enumerate((52, 53, 53, 55)):
            rig.trade(Side.BUY, price, 10, after_ns=index * MS)
        (event,) = rig.wait(SECOND)
        assert event == FlowEvent("A/B", 1000 * SECOND + 3 * MS, FlowKind.SWEEP, Side.BUY, 55, 40, 3)

    def test_two_prices_are_none(self, rig: Rig) -> None:
        for price in (52, 53, 53):
            rig.trade(Side.BUY, price, 10)
        assert rig.settle() == []

    def test_downwards(self, rig: Rig) -> None:
        for price in (50, 49, 48):
            rig.trade(Side.SELL, price, 10)
        assert rig.settle() == [(FlowKind.SWEEP, Side.SELL, 48, 30)]

    @pytest.mark.parametrize(
        "trades",
        [
            [(Side.BUY, 52, 0), (Side.BUY, 53, 60), (Side.BUY, 54, 120)],  # too slow
            [(Side.BUY, 52, 0), (Side.SELL, 51, 1), (Side.BUY, 53, 2), (Side.BUY, 54, 3)],  # another taker between
            [(Side.BUY, 54, 0), (Side.BUY, 53, 1), (Side.BUY, 52, 2)],  # the wrong way
            [(Side.BUY, 52, 0), (Side.BUY, 53, 1), (Side.BUY, 52, 2), (Side.BUY, 53, 3)],  # to and fro
        ],
    )
    def test_not_one_taker(self, rig: Rig, trades: list[tuple[Side, int, int]]) -> None:
        for side, price, ms in trades:
            rig.trade(side, price, 10, after_ns=ms * MS)
        assert rig.settle() == []

    def test_ended_by_the_next_trade(self, rig: Rig) -> None:
        for price in (52, 53, 54):
            rig.trade(Side.BUY, price, 10)
        rig.trade(Side.SELL, 51, 10)
        assert [event.kind for event in rig.flow.drain()] == [FlowKind.SWEEP]


class TestThreshold:
    def test_needs_enough_sizes(self) -> None:
        assert automatic_threshold([10] * 19) == 0
        assert automatic_threshold([10] * 20) == 10

    def test_98th_percentile_rounded(self) -> None:
        assert automatic_threshold(range(1, 101)) == 100
        assert automatic_threshold([1] * 97 + [40, 40, 999]) == 50
        assert automatic_threshold([7] * 50) == 5

    def test_stands_still_near_the_current_one(self) -> None:
        assert automatic_threshold([70] * 50, current=50) == 50
        assert automatic_threshold([76] * 50, current=50) == 100
        assert automatic_threshold([34] * 50, current=50) == 50
        assert automatic_threshold([33] * 50, current=50) == 20

    @given(st.lists(st.integers(1, 10**16), min_size=20, max_size=300))
    def test_is_round_and_among_the_largest(self, sizes: list[int]) -> None:
        threshold = automatic_threshold(sizes)
        assert str(threshold).rstrip("0") in {"1", "2", "5"}
        assert sum(size >= 2 * threshold for size in sizes) <= len(sizes) * 0.02 + 1

    def test_learned_from_the_book_and_then_walls_are_known(self) -> None:
        rig = Rig(depth=100, threshold=0)
        bids = {100 - index: 10 for index in range(60)}
        rig.snapshot({**bids, 30: 900}, {101: 10})
        assert rig.flow.threshold == 10
        fixed = Rig(depth=100, threshold=77)
        fixed.snapshot(bids, {101: 10})
        fixed.flow.learn(fixed.book)
        assert fixed.flow.threshold == 77

    def test_raising_it_does_not_pull_old_walls(self) -> None:
        rig = Rig()
        rig.snapshot({50: 120}, {52: 5})
        rig.flow.threshold = 1000
        rig.update(bids={50: 119})
        assert rig.settle() == []

    def test_lowering_it_does_not_announce_old_levels(self) -> None:
        rig = Rig()
        rig.snapshot({50: 60}, {52: 5})
        rig.flow.threshold = 50
        rig.update(bids={50: 61})
        assert rig.settle() == []


CHANGE = st.tuples(st.booleans(), st.integers(40, 60), st.sampled_from([0, 1, 60, 100, 500]))


@given(st.lists(st.one_of(CHANGE, st.none()), max_size=300))
def test_random_books_never_flood(steps: list[tuple[bool, int, int] | None]) -> None:
    rig = Rig(depth=5)
    rig.snapshot({}, {})
    told: list[FlowEvent] = []
    for step in steps:
        if step is None:
            told += rig.wait(300 * MS)
        elif step[0]:
            rig.update(bids={step[1]: step[2]})
        else:
            rig.update(asks={step[1]: step[2]})
    told += rig.wait(VERDICT_NS)
    for side in Side:
        for price in range(40, 61):
            times = sorted(event.ns for event in told if (event.side, event.price) == (side, price))
            # At most a wall and its end within one quiet span.
            assert all(later - first >= QUIET_NS for first, later in zip(times, times[2:], strict=False))


def test_memory_is_bounded() -> None:
    rig = Rig(depth=1000)
    rig.snapshot({}, {})
    for price in range(1, 6000):
        rig.update(asks={price: 500})
        rig.update(asks={price: 0})
        rig.now += MS
        rig.flow.tick(rig.now)
    assert len(rig.flow.drain()) == 500
    assert len(rig.flow._told) <= 6000
    rig.wait(QUIET_NS * 2)
    rig.update(asks={9000: 500})
    rig.wait(SECOND)
    assert len(rig.flow._told) <= 2001
    assert len(rig.flow._walls) <= 2000


def test_trades_cost_the_same_however_many_walls_just_went() -> None:
    """A burst takes thousands of walls away within one verdict's time, and brings thousands of trades."""

    def cost(count: int) -> float:
        rig = Rig(depth=1000)
        rig.snapshot({}, {})
        for price in range(1, count):
            rig.update(asks={price: 500})
            rig.update(asks={price: 0})
        began = time.process_time()
        for _ in range(2000):
            rig.trade(Side.BUY, 10**6, 5)
        return time.process_time() - began

    assert min(cost(8000) for _ in range(3)) < 4 * min(cost(500) for _ in range(3))
