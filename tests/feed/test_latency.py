"""Latency figures against sorted lists, and the clock offset against known clocks."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.feed.latency import UNCERTAINTY_NS, WINDOW_S, LatencyTracker
from kraken_tui.units import SECOND
from kraken_tui.wire.messages import Pong
from tests.rig.clock import VENUE_START as WALL
from tests.rig.scripted import stamp

MS = 1_000_000


@given(st.lists(st.integers(0, 90_000 * MS), min_size=1, max_size=300))
def test_percentiles_are_within_one_bucket_of_the_truth(lags: list[int]) -> None:
    tracker = LatencyTracker()
    for index, lag in enumerate(lags):
        tracker.measure(WALL - lag, index * 10 * MS, WALL)
    ordered = sorted(lag / MS for lag in lags)
    for share in (0.5, 0.9, 0.99, 0.999):
        truth = ordered[max(0, math.ceil(share * len(ordered)) - 1)]
        found = tracker.percentile(share)
        assert found is not None
        assert truth - 1e-6 <= found <= max(0.1, truth * 1.06) + 1e-6
    view = tracker.view(len(lags) * 10 * MS)
    assert view.count == len(lags) == sum(count for _, count in view.histogram)
    assert view.worst == pytest.approx(max(ordered))


def test_old_samples_leave_the_window_and_memory_stays_bounded() -> None:
    tracker, rng = LatencyTracker(), random.Random(1)
    for second in range(WINDOW_S * 3):
        for _ in range(20):
            tracker.measure(WALL - rng.randrange(10**10), second * SECOND, WALL)
    view = tracker.view((WINDOW_S * 3 - 1) * SECOND)
    assert view.count == WINDOW_S * 20
    assert len(tracker._seconds) == WINDOW_S
    assert tracker.view(WINDOW_S * 9 * SECOND).count == 0
    assert tracker.percentile(0.5) is None


@pytest.mark.parametrize("off_ms", [-3_600_000, -5, 0, 7, 3_600_000])
def test_the_offset_of_the_clocks_is_taken_out(off_ms: int) -> None:
    tracker = LatencyTracker()
    wall = WALL + off_ms * MS
    tracker.pinged(1, 0)
    assert tracker.ponged(Pong(1, stamp(WALL + 5 * MS), stamp(WALL + 6 * MS)), 11 * MS, wall + 11 * MS)
    assert tracker.round_trip_ns == 10 * MS
    assert tracker.wall_offset_ns == pytest.approx(off_ms * MS, abs=1000)
    assert tracker.measure(WALL + 100 * MS, 130 * MS, wall + 130 * MS) == 30 * MS
    # A step of the wall clock afterwards changes nothing.
    assert tracker.measure(WALL + 100 * MS, 130 * MS, wall + 3600 * SECOND) == 30 * MS


def test_of_several_pings_the_fastest_is_believed() -> None:
    tracker = LatencyTracker()
    for req_id, (there, back) in enumerate([(90, 10), (5, 5), (10, 400)]):
        start = req_id * SECOND
        arrived = WALL + start + there * MS
        tracker.pinged(req_id, start)
        tracker.ponged(Pong(req_id, stamp(arrived), stamp(arrived)), start + (there + back) * MS, 0)
    assert tracker.offset_ns == pytest.approx(-WALL, abs=1000)
    assert tracker.round_trip_ns == 410 * MS


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_p14_however_unequal_the_ways_are_no_age_looks_much_younger_than_it_is(there: int, back: int) -> None:
    tracker = LatencyTracker()
    tracker.pinged(1, 0)
    arrived = WALL + there * MS
    tracker.ponged(Pong(1, stamp(arrived), stamp(arrived)), (there + back) * MS, WALL)
    # The clocks agree: what was sent ten seconds ago is ten seconds old.
    lag = tracker.measure(WALL - 10 * SECOND, 0, WALL)
    assert lag >= 10 * SECOND - UNCERTAINTY_NS - 1000
    assert lag <= 10 * SECOND + max(0, there + back) * MS + 1000


@pytest.mark.parametrize(
    "pong", [Pong(9, stamp(WALL), stamp(WALL)), Pong(1, None, None), Pong(1, "x", "y"), Pong(None, stamp(WALL), None)]
)
def test_a_pong_that_answers_nothing_tells_nothing(pong: Pong) -> None:
    tracker = LatencyTracker()
    tracker.pinged(1, 0)
    assert not tracker.ponged(pong, 10, 10)
    assert tracker.offset_ns is None


def test_samples_of_an_uncorrected_clock_are_dropped_once_it_is_corrected() -> None:
    tracker = LatencyTracker()
    tracker.measure(WALL, 0, WALL + 3600 * SECOND)
    tracker.pinged(1, 0)
    tracker.ponged(Pong(1, stamp(WALL), stamp(WALL)), 0, WALL)
    assert tracker.view(0).count == 0


def test_a_message_without_a_time_is_as_old_as_what_came_before_it() -> None:
    tracker = LatencyTracker()
    assert tracker.bound(WALL, SECOND, WALL) is None, "the venue's clock is not known yet"
    tracker.pinged(1, 0)
    tracker.ponged(Pong(1, stamp(WALL + 5 * MS), stamp(WALL + 5 * MS)), 10 * MS, WALL)
    assert not tracker.uncertain
    # Granted at the venue's 100 ms; the snapshot comes at 400 ms, heartbeats go on coming.
    assert tracker.bound(WALL + 100 * MS, 400 * MS, WALL) == tracker.lag_at(400 * MS) == 300 * MS
    assert tracker.uncertain
    assert tracker.lag_at(3 * SECOND) == 2900 * MS
    assert tracker.view(SECOND).count == 0, "a bound is not a sample"
    # A pong that was sent later has passed nothing on the way.
    tracker.pinged(2, 3 * SECOND)
    tracker.ponged(Pong(2, stamp(WALL + 3005 * MS), stamp(WALL + 3005 * MS)), 3010 * MS, WALL)
    assert not tracker.uncertain
    assert tracker.lag_at(9 * SECOND) == 5 * MS
    tracker.bound(WALL + 3 * SECOND, 4 * SECOND, WALL)
    tracker.measure(WALL + 4 * SECOND, 4 * SECOND + 20 * MS, WALL)
    assert tracker.lag_at(9 * SECOND) == 20 * MS
    tracker.bound(WALL, 5 * SECOND, WALL)
    tracker.reconnected()
    assert tracker.lag_at(9 * SECOND) is None


def test_another_path_to_the_venue_forgets_the_round_trips_of_the_old_one() -> None:
    tracker = LatencyTracker()

    def ping(number: int, sent: int, round_trip: int, venue: int) -> None:
        tracker.pinged(number, sent)
        assert tracker.ponged(Pong(number, stamp(venue), stamp(venue)), sent + round_trip, WALL)

    ping(1, 0, 10 * MS, WALL)
    assert tracker.offset_ns == 5 * MS - WALL
    ping(2, SECOND, 100 * MS, WALL + SECOND)
    assert tracker.offset_ns == 5 * MS - WALL, "of one path the shortest is believed"
    tracker.pinged(3, 2 * SECOND)
    tracker.reconnected()
    assert tracker.offset_ns == 5 * MS - WALL, "the clocks are the same"
    assert not tracker.ponged(Pong(3, stamp(WALL), stamp(WALL)), 2 * SECOND, WALL), "asked on the old path"
    ping(4, 3 * SECOND, 100 * MS, WALL + 3 * SECOND)
    assert tracker.offset_ns == 50 * MS - WALL
