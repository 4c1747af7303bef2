"""The ladder's rows hold; see the head of `kraken_tui.tui.draw.ladder_rows`."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.book_memory import bar_scale
from kraken_tui.tui.draw.ladder import draw_ladder
from kraken_tui.tui.draw.ladder_rows import (
    BLANK,
    SETTLE_NS,
    SPREAD,
    LadderRows,
    PlacedRows,
    fresh_rows,
    middle_row,
    side_keys,
)
from kraken_tui.tui.draw.picture import Picture
from tests.rig.cells import read_ladder
from tests.rig.world import World
from tests.tui import samples
from tests.tui.draw.fast_market import FastMarket, by_rank, moved
from tests.tui.pane_app import texts

SECOND = 1_000_000_000
BODY = 33
"""Rows of the ladder at 160x48."""

Side = dict[int, int]


def view_of(bids: Side, asks: Side, seconds: float = 0.0, depth: int = 100) -> PairView:
    best = (sorted(bids.items(), reverse=True), sorted(asks.items()))
    return replace(
        samples.pair(),
        bids=tuple(best[0]),
        asks=tuple(best[1]),
        metrics=None,
        now_ns=samples.NOW + round(seconds * SECOND),
        depth=depth,
        large_lots=0,
    )


class Ladder:
    """Rows of a small ladder, with a book that tests change."""

    def __init__(self, body: int = 11) -> None:
        self.rows, self.body = LadderRows(), body
        self.bids = dict.fromkeys(range(100, 80, -2), 10)
        self.asks = dict.fromkeys(range(102, 122, 2), 10)
        self.seconds = 0.0

    def take(self, seconds: float = 0.0, *, held: bool = False) -> PlacedRows:
        self.seconds += seconds
        view = view_of(self.bids, self.asks, self.seconds)
        return self.rows.take(view, self.body, view.now_ns, held=held)


def test_a_window_without_a_past_has_the_touch_in_the_middle() -> None:
    ladder = Ladder()
    assert ladder.take().prices == (110, 108, 106, 104, 102, SPREAD, 100, 98, 96, 94, 92)


def test_a_level_that_vanishes_leaves_its_row_empty_until_the_settling() -> None:
    ladder = Ladder()
    before = ladder.take()
    del ladder.asks[106], ladder.bids[94]
    for _ in range(9):
        assert ladder.take(0.1).prices == before.prices
    # Empty rows stay while it costs more to move all beyond them, and no longer.
    for _ in range(12):
        after = ladder.take(1.0)
    assert after.prices == (112, 110, 108, 104, 102, SPREAD, 100, 98, 96, 92, 90)


def test_a_level_between_two_rows_waits_for_the_settling_and_is_counted() -> None:
    ladder = Ladder()
    before = ladder.take()
    ladder.asks[107] = ladder.bids[95] = 5
    for _ in range(9):
        placed = ladder.take(0.1)
        assert (placed.prices, placed.waiting) == (before.prices, 2)
    placed = ladder.take(0.2)
    assert (placed.prices, placed.waiting) == ((108, 107, 106, 104, 102, SPREAD, 100, 98, 96, 95, 94), 0)


def test_a_settling_takes_the_empty_row_beside_a_new_level_and_moves_no_other() -> None:
    ladder = Ladder()
    ladder.take()
    del ladder.asks[108]
    ladder.asks[107] = 5
    assert ladder.take(1.0).prices == (110, 107, 106, 104, 102, SPREAD, 100, 98, 96, 94, 92)


def test_a_settling_happens_once_a_second_at_most() -> None:
    ladder = Ladder()
    seen = [ladder.take()]
    for step in range(60):
        ladder.asks[103 + 2 * (step % 7)] = step + 1
        ladder.asks.pop(103 + 2 * ((step + 3) % 7), None)
        seen.append(ladder.take(0.1))
    changes = [at for at, (old, new) in enumerate(pairwise(seen)) if _without_touch(old) != _without_touch(new)]
    assert changes
    assert all(later - earlier >= SETTLE_NS // (SECOND // 10) for earlier, later in pairwise(changes))


def _without_touch(placed: PlacedRows) -> tuple[int, ...]:
    return placed.prices[:4]


@pytest.mark.parametrize(
    ("bid", "rows"),
    [
        # Into the row that the ask it took left empty: spread and row change places.
        (102, (110, 108, 106, 104, SPREAD, 102, 100, 98, 96, 94, 92)),
        # No row is empty: those of one side move by one.
        (101, (110, 108, 106, 104, 102, SPREAD, 101, 100, 98, 96, 94)),
    ],
)
def test_a_better_touch_comes_in_at_once(bid: int, rows: tuple[int, ...]) -> None:
    ladder = Ladder()
    ladder.take()
    ladder.asks.pop(bid, None)
    ladder.bids[bid] = 7
    assert ladder.take(0.1).prices == rows


def test_a_touch_that_jumps_over_many_rows_moves_few() -> None:
    ladder = Ladder(33)
    before = ladder.take()
    ladder.asks = dict.fromkeys(range(117, 150, 2), 10)
    ladder.bids[115] = 3
    after = ladder.take(0.1)
    assert {115, 117} <= {*after.prices}
    assert sum(old != new for old, new in zip(before.prices, after.prices, strict=True)) <= 6


def test_rows_stand_quite_still_while_somebody_rests_there_and_settle_after() -> None:
    ladder = Ladder()
    before = ladder.take()
    ladder.asks[103] = ladder.bids[101] = 5
    del ladder.bids[100]
    for _ in range(50):
        placed = ladder.take(0.1, held=True)
        assert (placed.prices, placed.held, placed.waiting) == (before.prices, True, 2)
    assert {103, 101} <= {*ladder.take(0.1).prices}


def test_another_pair_size_or_offset_begins_again() -> None:
    ladder = Ladder()
    ladder.take()
    view = replace(view_of(ladder.bids, ladder.asks), symbol="ETH/USD")
    assert len(ladder.rows.take(view, 5, 0, held=True).prices) == 5
    assert ladder.rows.take(view, 5, 0, held=True, offset=1).prices == (106, 104, 102, SPREAD, 100)
    assert ladder.rows.take(view, 5, 0, held=True, offset=9).prices == (BLANK, 120, 118, 116, 114)


def test_start_over_puts_the_touch_into_the_middle_even_under_the_mouse() -> None:
    ladder = Ladder()
    ladder.take()
    ladder.bids |= {102: 1, 104: 1}
    ladder.asks = dict.fromkeys(range(106, 126, 2), 10)
    ladder.take(0.1, held=True)
    ladder.rows.start_over()
    assert ladder.take(0.0, held=True).prices[5] == SPREAD
    assert ladder.take(0.0, held=True).prices[4] == 106


def test_a_touch_that_leaves_the_middle_half_is_brought_back_by_a_settling() -> None:
    ladder = Ladder(21)
    ladder.take()
    for ticks in range(102, 116, 2):
        ladder.asks.pop(ticks)
        ladder.asks[ticks + 20] = 10
        ladder.bids[ticks] = 10
        placed = ladder.take(0.1)
    assert placed.prices.index(SPREAD) == 3
    assert ladder.take(5.0).prices.index(SPREAD) == 10


def test_a_rush_puts_a_settling_off_for_some_seconds_and_no_longer() -> None:
    rows, market = LadderRows(), FastMarket(5)
    behind = []
    for _ in range(300):
        view = market.step()
        behind.append(rows.take(view, 33, view.now_ns).waiting > 16)
    longest = max(len(run) for run in "".join("x" if late else " " for late in behind).split(" "))
    # In tenths of a second: the limit and one more try.
    assert 10 < longest <= 63


def test_levels_beyond_a_short_side_take_free_rows_at_once() -> None:
    ladder = Ladder()
    ladder.asks = {102: 1, 104: 1}
    assert ladder.take().prices[:5] == (BLANK, BLANK, BLANK, 104, 102)
    ladder.asks[109] = 1
    assert ladder.take(0.1).prices[:5] == (BLANK, BLANK, 109, 104, 102)


@pytest.mark.parametrize("one", ["bids", "asks"])
def test_one_empty_side_and_a_crossed_book_have_rows_too(one: str) -> None:
    ladder = Ladder()
    ladder.take()
    setattr(ladder, one, {})
    ladder.take(0.1)
    placed = ladder.take(5.0)
    assert SPREAD in placed.prices
    assert placed.waiting == 0
    setattr(ladder, one, {105: 1} if one == "bids" else {97: 1})
    assert 105 in ladder.take(0.1).prices or 97 in ladder.take(0.1).prices


@st.composite
def stories(draw: st.DrawFn) -> tuple[int, list[tuple[Side, Side, float, bool]]]:
    """A window's rows, and books with the time since the one before and whether the rows are held."""
    body = draw(st.integers(3, 24))
    lots = st.integers(1, 9)
    books = []
    for _ in range(draw(st.integers(1, 14))):
        touch = draw(st.integers(40, 80))
        bids = draw(st.dictionaries(st.integers(20, touch - 1), lots, min_size=1, max_size=25))
        asks = draw(st.dictionaries(st.integers(touch, 110), lots, min_size=1, max_size=25))
        books.append((bids, asks, draw(st.sampled_from((0.0, 0.1, 1.0, 30.0))), draw(st.booleans())))
    return body, books


@settings(max_examples=300, deadline=None)
@given(stories(), st.sampled_from((10, 100)))
def test_whatever_happens_rows_are_in_order_and_nothing_is_hidden_silently(
    story: tuple[int, list[tuple[Side, Side, float, bool]]], depth: int
) -> None:
    body, books = story
    rows, seconds, before = LadderRows(), 0.0, None
    for bids, asks, passed, held in books:
        seconds += passed
        view = view_of(bids, asks, seconds, depth)
        placed = rows.take(view, body, view.now_ns, held=held)
        prices = [ticks for ticks in placed.prices if ticks > 0]
        assert len(placed.prices) == body
        assert prices == sorted(set(prices), reverse=True)
        assert placed.prices.count(SPREAD) == 1
        if held and before is not None:
            assert placed.prices == before
        else:
            line = placed.prices.index(SPREAD)
            assert not asks.keys() & {*placed.prices[line:]}
            assert not bids.keys() & {*placed.prices[:line]}
            assert {max(bids), min(asks)} <= {*prices}
        hidden = 0
        for side, worst in ((asks, prices[0]), (bids, prices[-1])):
            first = placed.prices[0] if side is asks else placed.prices[-1]
            within = [t for t in side if first == BLANK or (t <= worst if side is asks else t >= worst)]
            hidden += len([ticks for ticks in within if ticks not in prices])
        assert placed.waiting == hidden
        before = placed.prices


def test_the_scale_of_the_bars_lets_no_wall_flatten_the_rest() -> None:
    assert bar_scale([10] * 40 + [5000]) == 10
    assert bar_scale([10] * 15 + [5000]) == 10
    assert bar_scale([*range(1, 101)]) == 95
    assert bar_scale([3, 9]) == 9
    assert bar_scale([]) == 0


def test_a_full_side_does_not_know_what_lies_beyond() -> None:
    levels = ((102, 1), (105, 2))
    assert not side_keys(levels, 1, 2).known(106)
    assert side_keys(levels, 1, 2).known(104)
    assert side_keys(levels, 1, 3).known(106)
    bids = side_keys(((99, 1), (95, 2)), -1, 2)
    assert (bids.known(94), bids.known(96)) == (False, True)
    assert fresh_rows(side_keys(levels, 1, 2), bids, 5, middle_row(5)) == (105, 102, SPREAD, 99, 95)


# -- still: the measure ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "most"), [(BODY, 0.25), (42, 0.25), (20, 0.33)])
@pytest.mark.parametrize("seed", [1, 2])
def test_rows_hold_in_a_market_in_which_ranks_do_not(seed: int, body: int, most: float) -> None:
    market, rows = FastMarket(seed), LadderRows()
    ranked, held, watched = [], [], []
    watched_rows = LadderRows()
    for step in range(600):
        view = market.step()
        placed = rows.take(view, body, view.now_ns)
        # A second ladder, on which the mouse comes to rest.
        other = watched_rows.take(view, body, view.now_ns, held=step > 0)
        if step % 5 == 0:
            ranked.append(by_rank(view, body))
            held.append([*placed.prices])
            watched.append([*other.prices])
        assert {view.bids[0][0], view.asks[0][0]} <= {*placed.prices}
    assert moved(ranked) > 0.8
    assert moved(held) <= most
    assert moved(watched) == 0


def test_in_a_slow_market_the_ladder_is_whole_nearly_always() -> None:
    market, rows = FastMarket(3, jump=0.6, events=1), LadderRows()
    waiting, held = [], []
    for step in range(600):
        view = market.step()
        placed = rows.take(view, BODY, view.now_ns)
        waiting.append(placed.waiting)
        if step % 5 == 0:
            held.append([*placed.prices])
    assert sum(waiting) / len(waiting) < 3
    assert moved(held) <= 0.2


@pytest.mark.parametrize(("height", "seed"), [(BODY + 2, 1), (25, 2), (22, 3)])
def test_the_demo_s_ladder_holds_as_it_is_painted(height: int, seed: int) -> None:
    world = World(["BTC/USD"], seed=seed, depth=100, screen=True, poll_ms=50, profile="calm")
    world.until_well(20)
    rows, painted, waiting, empty = LadderRows(), [], [], []
    assert world.screen is not None
    for step in range(600):
        world.run(0.1)
        world.screen.tick(world.wall)
        view = world.shown("BTC/USD")
        placed = rows.take(view, height - 2, view.now_ns)
        if step % 5 == 0:
            lines = texts(draw_ladder(Picture(view, samples.feed()), 46, height, placed=placed))
            assert read_ladder(lines) is not None
            painted.append([_price(line) for line in lines[2:]])
            waiting.append(placed.waiting)
            levels = {ticks for ticks, _ in (*view.bids, *view.asks)}
            empty.append(sum(ticks > 0 and ticks not in levels for ticks in placed.prices))
    assert len(painted) == 120
    assert moved(painted) <= 0.25
    # What it costs: levels without a row, and rows without a level.
    assert sum(waiting) / 120 < 3
    assert sum(empty) / 120 < 0.2 * (height - 2)


def _price(line: str) -> int:
    """The price a row shows, as digits; 0 without one."""
    words = [word.replace(",", "").replace(".", "") for word in line.split() if word.count(",") == 1]
    return int(words[-1]) if words and "spread" not in line else 0
