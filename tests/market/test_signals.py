"""Calm signals: `kraken_tui.market.signals`."""

from __future__ import annotations

from itertools import pairwise
from math import exp
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.market.book.metrics import imbalance, pressure, signal_of
from kraken_tui.market.events import Signal
from kraken_tui.market.signals import DWELL, HYSTERESIS, SignalTracker, next_strength
from kraken_tui.market.views import Signals
from kraken_tui.settings import Settings
from tests.market.test_pair import SECOND, START, Rig
from tests.rig.world import World
from tests.tui.draw.fast_market import FastMarket

WINDOW = 4 * SECOND


def tracker_after(*values: tuple[float, float]) -> SignalTracker:
    """A tracker that saw each pressure for so many seconds, in steps of a tenth."""
    tracker = SignalTracker(WINDOW)
    now = 0
    for value, seconds in values:
        for _ in range(round(seconds * 10)):
            tracker.take(now, value, -value)
            now += SECOND // 10
        tracker.take(now, value, -value)
    return tracker


def shown(tracker: SignalTracker) -> Signals:
    assert tracker.now is not None
    return tracker.now


def test_a_value_counts_for_as_long_as_it_held() -> None:
    tracker = SignalTracker(WINDOW)
    tracker.take(0, 0.8, 0.4)
    assert (shown(tracker).pressure, shown(tracker).imbalance) == (0.8, 0.4)
    tracker.take(2 * SECOND, -0.8, -0.4)
    # Nothing else was ever seen: the mean of the time there is.
    assert shown(tracker).pressure == pytest.approx(0.8)
    tracker.take(4 * SECOND, 0.0, 0.0)
    old, new = exp(-0.5) * (1 - exp(-0.5)), 1 - exp(-0.5)
    assert shown(tracker).pressure == pytest.approx((0.8 * old - 0.8 * new) / (old + new))
    assert shown(tracker).imbalance == pytest.approx(shown(tracker).pressure / 2)
    assert shown(tracker).window_ns == WINDOW


def test_what_held_for_a_window_outweighs_all_before() -> None:
    assert shown(tracker_after((-1.0, 60), (1.0, 4))).pressure == pytest.approx(1 - 2 * exp(-1), abs=0.02)


@given(st.lists(st.tuples(st.integers(1, 3000), st.floats(-1, 1)), min_size=1, max_size=40), st.integers(1, 50))
def test_it_does_not_matter_how_often_somebody_looks(story: list[tuple[int, float]], looks: int) -> None:
    seldom, often = SignalTracker(WINDOW), SignalTracker(WINDOW)
    now = 0
    for milliseconds, value in story:
        seldom.take(now, value, value)
        often.take(now, value, value)
        for look in range(1, looks):
            often._hold(now + milliseconds * 1_000_000 * look // looks)
        now += milliseconds * 1_000_000
    seldom._hold(now)
    often._hold(now)
    assert shown(often).pressure == pytest.approx(shown(seldom).pressure, abs=1e-9)
    assert -1 <= shown(often).pressure <= 1


@given(st.lists(st.tuples(st.integers(1, 3000), st.floats(-1, 1)), min_size=1, max_size=60))
def test_the_word_never_contradicts_its_number(story: list[tuple[int, float]]) -> None:
    tracker, now = SignalTracker(WINDOW), 0
    for milliseconds, value in story:
        now += milliseconds * 1_000_000
        tracker.take(now, value, -value)
        word, number = shown(tracker).signal, shown(tracker).pressure
        if "BUY" in word:
            assert number > 0
        if "SELL" in word:
            assert number < 0


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        (0, 0.19, 0), (0, 0.2, 1), (0, 0.5, 2), (0, -0.2, -1), (0, -0.5, -2),
        (1, 0.2 - HYSTERESIS, 1), (1, 0.19 - HYSTERESIS, 0), (1, 0.5, 2), (1, -0.01, 0), (1, -0.2, -1),
        (2, 0.5 - HYSTERESIS, 2), (2, 0.49 - HYSTERESIS, 1), (2, 0.19 - HYSTERESIS, 0), (2, 0.1, 1),
        (-1, -0.2 + HYSTERESIS, -1), (-1, -0.19 + HYSTERESIS, 0), (-2, -0.4, -2), (-2, 0.6, 2),
    ],
)  # fmt: skip
def test_hysteresis(before: int, value: float, after: int) -> None:
    assert next_strength(before, value) == after


def test_a_word_is_said_when_it_has_held_for_a_while() -> None:
    assert shown(tracker_after((0.3, 0.7 * DWELL * 4))).signal is Signal.NEUTRAL
    assert shown(tracker_after((0.3, DWELL * 4 + 0.1))).signal is Signal.BUY
    assert shown(tracker_after((-0.9, 5.0))).signal is Signal.STRONG_SELL
    # Once the pressure turns, it goes at once.
    turned = tracker_after((0.3, 20.0), (-1.0, 1.1))
    assert shown(turned).pressure < 0
    assert shown(turned).signal is Signal.NEUTRAL


# -- in a pair ----------------------------------------------------------------------------------------------------


def test_a_pair_owns_its_calm_figures() -> None:
    rig = Rig(Settings(depth=10))
    assert rig.view().signals is None
    rig.snapshot()
    calm, raw = rig.view().signals, rig.view().metrics
    assert calm is not None
    assert raw is not None
    assert (calm.pressure, calm.imbalance) == (raw.pressure, raw.imbalance)
    rig.wait(10)
    rig.update(bids={"100.0": "90.00"})
    after = rig.view().signals
    assert after is not None
    assert after.imbalance == pytest.approx(calm.imbalance)
    version = rig.view().version
    rig.wait(4)
    later, raw = rig.view().signals, rig.view().metrics
    assert later is not None
    assert raw is not None
    # 14 s seen, the last 4 of them with the new book.
    share = (1 - exp(-1)) / (1 - exp(-14 / 4))
    assert later.imbalance == pytest.approx(calm.imbalance + (raw.imbalance - calm.imbalance) * share)
    assert rig.view().version > version
    assert rig.view().samples[-1].calm == later.imbalance


def test_a_message_right_after_another_is_seen_from_its_moment_on() -> None:
    rig = Rig(Settings(depth=10))
    rig.snapshot()
    rig.now += SECOND // 10
    rig.update(bids={"100.0": "90.00"})
    rig.wait(60)
    calm, raw = rig.view().signals, rig.view().metrics
    assert calm is not None
    assert raw is not None
    assert calm.imbalance == pytest.approx(raw.imbalance, abs=1e-3)


def test_an_unproven_book_has_no_signals_and_forgets_the_old_ones() -> None:
    rig = Rig(Settings(depth=10))
    rig.snapshot()
    rig.wait(10)
    rig.update(bids={"100.0": "90.00"}, verified=False)
    assert rig.view().signals is None
    rig.wait(1)
    rig.truth.told(verified=True)
    rig.changed("update", (), verified=True)
    calm, raw = rig.view().signals, rig.view().metrics
    assert calm is not None
    assert raw is not None
    assert calm.imbalance == raw.imbalance


def test_an_empty_side_has_no_signals() -> None:
    rig = Rig(Settings(depth=10))
    rig.snapshot()
    rig.update(bids={"100.0": "0.00", "99.0": "0.00"})
    assert rig.view().signals is None


def test_the_window_is_a_setting() -> None:
    rig = Rig(Settings(depth=10, signal_window_s=2.5))
    rig.snapshot()
    assert rig.view().signals == Signals(
        rig.view().metrics.pressure,
        rig.view().metrics.imbalance,
        Signal.NEUTRAL,
        2_500_000_000,  # type: ignore[union-attr]
    )


@pytest.mark.parametrize("rates", [(1, 30), (4, 60)])
def test_the_rate_of_pictures_changes_nothing(rates: tuple[int, int]) -> None:
    """Views are read, never fed; how often the engine ticks moves a figure by less than can be read."""
    seen = []
    for fps in rates:
        rig, chance = Rig(Settings(depth=10)), Random(7)
        rig.snapshot()
        figures = []
        for second in range(40):
            due = {round(chance.random(), 3): chance.randint(1, 90) for _ in range(5)}
            moments = sorted([*due, *(frame / fps for frame in range(1, fps + 1))])
            for at in moments:
                rig.now = START + second * SECOND + round(at * SECOND)
                if at in due:
                    rig.update(bids={"100.0": f"{due[at]}.00"})
                else:
                    rig.market.tick(rig.now)
                    rig.view()
            figures.append(rig.view().signals)
        seen.append(figures)
    for slow, fast in zip(*seen, strict=True):
        assert slow is not None
        assert fast is not None
        assert slow.imbalance == pytest.approx(fast.imbalance, abs=0.02)


# -- calm: the measure --------------------------------------------------------------------------------------------


def changes(words: list[Signal]) -> int:
    return sum(before is not after for before, after in pairwise(words))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_word_changes_a_few_times_a_minute_where_the_raw_one_flips(seed: int) -> None:
    market, tracker = FastMarket(seed), SignalTracker(WINDOW)
    raw, calm = [], []
    for _ in range(1200):
        view = market.step()
        bids, asks = view.bids[:10], view.asks[:10]
        value = pressure(bids, asks, bids[0][0] + asks[0][0])
        tracker.take(view.now_ns, value, imbalance(sum(q for _, q in bids), sum(q for _, q in asks)))
        raw.append(signal_of(value))
        calm.append(shown(tracker).signal)
    assert changes(raw) > 100
    assert changes(calm) <= 12


def test_the_demo_s_word_is_calm() -> None:
    world = World(["BTC/USD"], depth=100, screen=True, poll_ms=50)
    world.until_well(20)
    assert world.screen is not None
    words = []
    for _ in range(600):
        world.run(0.1)
        world.screen.tick(world.wall)
        calm = world.shown("BTC/USD").signals
        assert calm is not None
        words.append(calm.signal)
    assert changes(words) <= 8
