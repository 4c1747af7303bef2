"""The clock offset over two connections: the way of one says nothing about the other."""

from __future__ import annotations

import pytest

from kraken_tui.feed.latency import LatencyTracker
from kraken_tui.units import SECOND
from kraken_tui.wire.messages import Pong
from tests.rig.clock import VENUE_START as WALL
from tests.rig.scripted import stamp

MS = 1_000_000


def ping(tracker: LatencyTracker, number: int, there_ms: int, back_ms: int, ahead_ms: int) -> None:
    """A ping at a whole second, by a venue whose clock is so far ahead of ours."""
    sent = number * SECOND
    arrived = WALL + sent + (there_ms + ahead_ms) * MS
    tracker.pinged(number, sent)
    tracker.ponged(Pong(number, stamp(arrived), stamp(arrived)), sent + (there_ms + back_ms) * MS, WALL + sent)


def test_a_quick_answer_of_the_old_connection_is_not_believed_on_the_new_one() -> None:
    tracker = LatencyTracker()
    ping(tracker, 1, 5, 5, ahead_ms=0)
    assert tracker.offset_ns == pytest.approx(-WALL, abs=1000)
    tracker.reconnected()
    assert tracker.offset_ns == pytest.approx(-WALL, abs=1000), "kept until something better is known"
    # The computer slept meanwhile, and its clock lost two seconds.
    ping(tracker, 60, 20, 20, ahead_ms=2000)
    assert tracker.offset_ns == pytest.approx(-WALL - 2 * SECOND, abs=1000)
    assert tracker.round_trip_ns == 40 * MS


def test_a_ping_of_the_old_connection_is_not_answered_on_the_new_one() -> None:
    tracker = LatencyTracker()
    tracker.pinged(7, 0)
    tracker.reconnected()
    assert not tracker.ponged(Pong(7, stamp(WALL), stamp(WALL)), 90 * SECOND, WALL)
    assert tracker.offset_ns is None


def test_on_one_connection_the_quickest_answer_counts() -> None:
    tracker = LatencyTracker()
    ping(tracker, 1, 5, 5, ahead_ms=0)
    ping(tracker, 2, 300, 20, ahead_ms=0)
    assert tracker.offset_ns == pytest.approx(-WALL, abs=1000)
