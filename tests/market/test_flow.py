import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.events import FlowEvent, FlowKind, Side, Trade
from kraken_tui.market.flow import NEAR_BPS, QUIET_NS, VERDICT_NS, FlowTracker, automatic_threshold
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
    assert event == FlowEvent("A/B", rig.now - VERDICT_NS, FlowKind.PULLED, Side.BUY, 48, 150, turnover=48 * 150)


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
        rig.now += MS
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
    assert rig.settle() == [(FlowKind.PULLED, Side.BUY, 47, 700), (FlowKind.WALL, Side.BUY, 49, 900)]


def test_the_last_level_of_a_book_that_is_not_full_is_a_wall(rig: Rig) -> None:
    rig.update(bids={49: 0, 40: 500})
    assert rig.settle() == [(FlowKind.WALL, Side.BUY, 40, 500)]


def test_one_that_shrank_outside_the_depth_is_forgotten_silently() -> None:
    rig = Rig(depth=2)
    rig.snapshot({50: 5, 49: 500}, {52: 5})
    rig.update(bids={51: 5})
    rig.update(bids={51: 0, 49: 3})
    assert rig.settle() == []


def test_an_order_that_is_gone_before_its_verdict_is_not_told(rig: Rig) -> None:
    for _ in range(50):
        rig.update(bids={48: 500})
        rig.now += MS
        rig.update(bids={48: 0})
        rig.now += MS
    assert rig.settle() == []


def test_a_flickering_wall_does_not_flood(rig: Rig) -> None:
    told: list[FlowKind] = []
    rig.update(bids={48: 500})
    told += [kind for kind, *_ in rig.settle()]
    for _ in range(4):
        rig.update(bids={48: 0})
        told += [event.kind for event in rig.wait(VERDICT_NS)]
        rig.update(bids={48: 500})
        told += [event.kind for event in rig.wait(VERDICT_NS)]
    assert told == [FlowKind.WALL, FlowKind.PULLED]
    rig.wait(QUIET_NS)
    rig.update(bids={48: 0})
    assert [kind for kind, *_ in rig.settle()] == [FlowKind.PULLED]


@pytest.mark.parametrize("gap_ms", [0, 1, 499])
@pytest.mark.parametrize("added_first", [True, False])
@pytest.mark.parametrize("rest", [0, 7])
def test_a_moved_order_is_one_event(rig: Rig, gap_ms: int, added_first: bool, rest: int) -> None:
    """Told, as it was seen on 2026-11-28: a wall and two pulls. Other orders at both prices change nothing."""
    rig.update(bids={4800: 250 + rest, 4801: rest})
    rig.settle()
    first, then = {4801: 250 + rest}, {4800: rest}
    for change in (first, then) if added_first else (then, first):
        rig.update(bids=change)
        rig.now += gap_ms * MS
    (event,) = rig.wait(2 * VERDICT_NS)
    assert (event.kind, event.side, event.price, event.origin, event.qty) == (FlowKind.MOVED, Side.BUY, 4801, 4800, 250)


def test_both_halves_of_a_move_in_one_message(rig: Rig) -> None:
    rig.update(asks={5200: 300})
    rig.settle()
    rig.update(asks={5200: 0, 5201: 300})
    assert rig.settle() == [(FlowKind.MOVED, Side.SELL, 5201, 300)]


def test_part_of_a_wall_that_moves_onto_another(rig: Rig) -> None:
    rig.update(asks={5200: 400, 5201: 500})
    rig.settle()
    rig.update(asks={5200: 250, 5201: 650})
    (event,) = rig.wait(SECOND)
    assert (event.kind, event.price, event.origin, event.qty) == (FlowKind.MOVED, 5201, 5200, 150)


@pytest.mark.parametrize(
    ("side", "ticks", "lots", "after_ns"),
    [
        (Side.BUY, 4801, 251, 0),  # another size
        (Side.SELL, 5200, 250, 0),  # the other side
        (Side.BUY, 4800 - 4800 * NEAR_BPS // 10_000 - 1, 250, 0),  # far away
        (Side.BUY, 4801, 250, VERDICT_NS),  # too late
    ],
)
def test_not_the_same_order(rig: Rig, side: Side, ticks: int, lots: int, after_ns: int) -> None:
    rig.update(bids={4800: 250})
    rig.settle()
    rig.update(bids={4800: 0})
    told = rig.wait(after_ns)
    rig.update(**{"bids" if side is Side.BUY else "asks": {ticks: lots}})
    told += rig.wait(2 * VERDICT_NS)
    assert [(event.kind, event.price) for event in told] == [(FlowKind.PULLED, 4800), (FlowKind.WALL, ticks)]


def test_one_filled_did_not_move(rig: Rig) -> None:
    rig.update(asks={5200: 250})
    rig.settle()
    rig.trade(Side.BUY, 5200, 250)
    rig.update(asks={5200: 0})
    rig.update(asks={5201: 250})
    assert [(kind, price) for kind, _, price, _ in rig.settle()] == [
        (FlowKind.FILLED, 5200),
        (FlowKind.WALL, 5201),
        (FlowKind.LARGE, 5200),
    ]


def test_an_order_that_follows_the_price_is_told_now_and_then(rig: Rig) -> None:
    rig.update(bids={4000: 250})
    rig.settle()
    told: list[FlowEvent] = []
    for step in range(60):
        rig.update(bids={4000 + step: 0, 4001 + step: 250})
        told += rig.wait(SECOND)
    assert {event.kind for event in told} == {FlowKind.MOVED}
    assert len(told) <= 60 * SECOND // QUIET_NS + 1
    rig.update(bids={4060: 0})
    assert rig.settle() == [(FlowKind.PULLED, Side.BUY, 4060, 250)]


MOVES = st.lists(
    st.tuples(st.integers(-20, 20).filter(bool), st.booleans(), st.integers(0, 499), st.integers(0, 200)), max_size=6
)


@given(MOVES, st.integers(LARGE, 1000), st.sampled_from(Side))
def test_every_move_is_exactly_one_event(moves: list[tuple[int, bool, int, int]], lots: int, side: Side) -> None:
    """Whatever comes first, however long between, whatever small orders stand at either price."""
    rig = Rig(depth=100)
    name = "bids" if side is Side.BUY else "asks"
    at = 10_000
    rig.snapshot({at: lots} if side is Side.BUY else {}, {at: lots} if side is Side.SELL else {})
    others = {at: 0}
    told: list[FlowEvent] = []
    for step, added_first, gap_ms, small in moves:
        to = at + step
        small = min(small, lots // 3, LARGE // 3)
        if to not in others:
            others[to] = small
            rig.update(**{name: {to: small}})
        changes = [{to: lots + others[to]}, {at: others[at]}]
        for change in changes if added_first else changes[::-1]:
            rig.update(**{name: change})
            told += rig.wait(gap_ms * MS)
        told += rig.wait(QUIET_NS)
        at = to
    assert [event.kind for event in told] == [FlowKind.MOVED] * len(moves)
    places = [10_000]
    for step, *_ in moves:
        places.append(places[-1] + step)
    assert [(event.origin, event.price) for event in told] == list(pairwise(places))
    assert all(event.qty == lots and event.side is side for event in told)


def test_events_come_in_the_order_of_venue_time(rig: Rig) -> None:
    """A pull is judged late, a print at once; the print was later, so it waits."""
    rig.update(bids={48: 150})
    rig.settle()
    rig.update(bids={48: 0})
    rig.trade(Side.SELL, 50, LARGE, after_ns=MS)
    assert rig.wait(VERDICT_NS - 1) == []
    told = rig.wait(SECOND)
    assert [event.kind for event in told] == [FlowKind.PULLED, FlowKind.LARGE]
    assert [event.ns for event in told] == sorted(event.ns for event in told)


def test_nothing_is_told_of_a_book_that_is_not_proven(rig: Rig) -> None:
    rig.update(bids={48: 150})
    rig.settle()
    rig.update(bids={48: 0, 47: 300})
    rig.flow.lose()
    assert rig.settle() == []
    # The first proven change after it only says what stands there now.
    rig.update(bids={46: 400})
    assert rig.settle() == []
    rig.update(bids={46: 0})
    assert rig.settle() == [(FlowKind.PULLED, Side.BUY, 46, 400)]


def test_prints_are_told_while_the_book_is_not_proven(rig: Rig) -> None:
    rig.trade(Side.SELL, 50, LARGE)
    rig.flow.lose()
    assert [kind for kind, *_ in rig.settle()] == [FlowKind.LARGE]


class TestValue:
    """Nothing small is told, however large for its pair."""

    @staticmethod
    def learned(least: int) -> Rig:
        rig = Rig(depth=100, threshold=0)
        rig.flow = FlowTracker("A/B", least=least, factor=2.0)
        rig.flow.hear_trades()
        rig.snapshot({1000 - index: 10 for index in range(60)}, {1001: 10})
        assert rig.flow.threshold == 20
        return rig

    @pytest.mark.parametrize(("least", "told"), [(1000 * 30, 1), (1000 * 30 + 1, 0)])
    def test_wall(self, least: int, told: int) -> None:
        rig = self.learned(least)
        rig.update(bids={1000: 30})
        assert len(rig.settle()) == told

    @pytest.mark.parametrize(("least", "told"), [(1001 * 10 + 1002 * 10 + 1003 * 10, 1), (30_061, 0)])
    def test_sweep(self, least: int, told: int) -> None:
        rig = self.learned(least)
        for price in (1001, 1002, 1003):
            rig.trade(Side.BUY, price, 10)
        assert len(rig.settle()) == told

    def test_a_sweep_of_1440_dollars_is_no_event_by_default(self) -> None:
        from kraken_tui.settings import Settings

        assert Settings().flow_value > 1440

    def test_large_for_a_level_at_a_price(self) -> None:
        rig = self.learned(100_000)
        assert rig.flow.large_lots(1000) == 100
        assert rig.flow.large_lots(10_000) == 20

    def test_a_threshold_of_the_user_alone_decides(self) -> None:
        rig = Rig()
        rig.flow = FlowTracker("A/B", LARGE, least=10**9)
        rig.snapshot({}, {})
        rig.update(bids={1: LARGE})
        assert [kind for kind, *_ in rig.settle()] == [FlowKind.WALL]

    def test_prints_are_measured_by_prints(self) -> None:
        rig = self.learned(0)
        for index in range(40):
            rig.trade(Side.BUY if index % 2 else Side.SELL, 1000, 1000)
            rig.now += SECOND
        rig.wait(SECOND)
        rig.flow.learn(rig.book)
        assert (rig.flow.threshold, rig.flow.print_threshold) == (20, 2000)

    def test_prints_of_the_past_teach_without_being_told(self) -> None:
        rig = self.learned(0)
        past = [Trade("A/B", Side.BUY, 1000, 50, "market", number, "", number, live=False) for number in range(50)]
        rig.flow.learn_prints(past)
        rig.flow.learn(rig.book)
        assert rig.flow.print_threshold == 100
        assert rig.settle() == []


def test_large_print(rig: Rig) -> None:
    rig.trade(Side.SELL, 50, LARGE)
    rig.trade(Side.SELL, 50, LARGE - 1, after_ns=MS)
    assert rig.settle() == [(FlowKind.LARGE, Side.SELL, 50, LARGE)]


def test_fills_of_one_order_are_one_print(rig: Rig) -> None:
    for price, qty in ((52, 60), (52, 30), (53, 10)):
        rig.trade(Side.BUY, price, qty)
    (event,) = rig.wait(SECOND)
    assert event == FlowEvent(
        "A/B", rig.now - SECOND, FlowKind.LARGE, Side.BUY, 53, 100, 0, 52, 60 * 52 + 30 * 52 + 10 * 53, 3
    )


class TestSweep:
    def test_through_three_prices(self, rig: Rig) -> None:
        for price in (52, 53, 53, 55):
            rig.trade(Side.BUY, price, 15)
        (event,) = rig.wait(SECOND)
        value = 15 * (52 + 53 + 53 + 55)
        assert event == FlowEvent("A/B", 1000 * SECOND, FlowKind.SWEEP, Side.BUY, 55, 60, 3, 52, value, 4)

    def test_two_prices_are_none(self, rig: Rig) -> None:
        for price in (52, 53, 53):
            rig.trade(Side.BUY, price, 30)
        assert rig.settle() == []

    def test_a_small_one_is_none(self, rig: Rig) -> None:
        for price in (52, 53, 54):
            rig.trade(Side.BUY, price, 16)
        assert rig.settle() == []

    def test_downwards(self, rig: Rig) -> None:
        for price in (50, 49, 48):
            rig.trade(Side.SELL, price, 30)
        assert rig.settle() == [(FlowKind.SWEEP, Side.SELL, 48, 90)]

    @pytest.mark.parametrize(
        "trades",
        [
            [(Side.BUY, 52, 0), (Side.BUY, 53, 1), (Side.BUY, 54, 2)],  # not at one time
            [(Side.BUY, 52, 0), (Side.SELL, 51, 0), (Side.BUY, 53, 0), (Side.BUY, 54, 0)],  # another taker between
            [(Side.BUY, 54, 0), (Side.BUY, 53, 0), (Side.BUY, 52, 0)],  # the wrong way
            [(Side.BUY, 52, 0), (Side.BUY, 53, 0), (Side.BUY, 52, 0), (Side.BUY, 53, 0)],  # to and fro
        ],
    )
    def test_not_one_taker(self, rig: Rig, trades: list[tuple[Side, int, int]]) -> None:
        for side, price, ms in trades:
            rig.trade(side, price, 30, after_ns=ms * MS)
        assert rig.settle() == []

    def test_ended_by_the_next_trade(self, rig: Rig) -> None:
        for price in (52, 53, 54):
            rig.trade(Side.BUY, price, 30)
        rig.trade(Side.SELL, 51, 10)
        assert [event.kind for event in rig.wait(VERDICT_NS)] == [FlowKind.SWEEP]

    def test_a_large_one_is_told_once(self, rig: Rig) -> None:
        for price in (52, 53, 54):
            rig.trade(Side.BUY, price, LARGE)
        assert [kind for kind, *_ in rig.settle()] == [FlowKind.SWEEP]


class TestThreshold:
    def test_needs_enough_sizes(self) -> None:
        assert automatic_threshold([10] * 19) == 0
        assert automatic_threshold([10] * 20) == 10

    def test_98th_percentile_rounded(self) -> None:
        assert automatic_threshold(range(1, 101)) == 100
        assert automatic_threshold([1] * 97 + [40, 40, 999]) == 50
        assert automatic_threshold([7] * 50) == 10
        assert automatic_threshold([7] * 50, factor=3.0) == 50

    def test_stands_still_near_the_current_one(self) -> None:
        assert automatic_threshold([70] * 50, current=50) == 50
        assert automatic_threshold([76] * 50, current=50) == 100
        assert automatic_threshold([34] * 50, current=50) == 50
        assert automatic_threshold([20] * 50, current=50) == 20
        assert automatic_threshold([33] * 50, current=100) == 50

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
        rig.now += VERDICT_NS
        rig.flow.tick(rig.now)
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
    assert not any((rig.flow._pending, rig.flow._halves, rig.flow._went_at, rig.flow._ready))


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
