"""How far the exchange's clock has come: told by pongs, or by what other messages carry, never by one of them alone."""

from __future__ import annotations

from kraken_tui.feed.latency import LatencyTracker
from kraken_tui.feed.limits import Limits, ns
from kraken_tui.feed.venue_time import PLAUSIBLE_LAG_NS, VenueTime
from kraken_tui.units import SECOND
from kraken_tui.wire.messages import Pong
from kraken_tui.wire.timestamps import format_timestamp

WALL = 1_795_000_000 * SECOND
SLACK = ns(Limits().ahead_s)
DAY = 86_400 * SECOND


def made() -> tuple[VenueTime, LatencyTracker]:
    latency = LatencyTracker()
    return VenueTime(latency, Limits()), latency


def test_without_any_word_of_the_exchange_this_computers_clock_is_taken_with_an_hour() -> None:
    venue, _ = made()
    assert not venue.beyond(WALL + PLAUSIBLE_LAG_NS, 0, WALL)
    assert venue.beyond(WALL + PLAUSIBLE_LAG_NS + 1, 0, WALL)
    assert venue.now_ns(0, WALL) == WALL


def test_three_messages_that_agree_tell_the_time_whatever_this_computers_clock_says() -> None:
    venue, _ = made()
    behind = WALL - 7 * DAY
    for at in range(3):
        assert venue.now_ns(at * SECOND, behind) == behind
        venue.tell(WALL + at * SECOND, at * SECOND)
    assert venue.now_ns(10 * SECOND, behind) == WALL + 10 * SECOND
    assert not venue.beyond(WALL + 10 * SECOND + SLACK, 10 * SECOND, behind)
    assert venue.beyond(WALL + 10 * SECOND + SLACK + 1, 10 * SECOND, behind)


def test_two_absurd_times_move_nothing_and_are_forgotten() -> None:
    venue, _ = made()
    for at in range(10):
        venue.tell(WALL + at * SECOND, at * SECOND)
    for _ in range(2):
        venue.tell(WALL + 100 * DAY, 10 * SECOND)
    assert venue.beyond(WALL + 100 * DAY, 10 * SECOND, WALL)
    assert venue.now_ns(10 * SECOND, WALL) == WALL + 10 * SECOND


def test_absurd_times_that_were_believed_are_believed_no_longer_than_they_are_remembered() -> None:
    venue, _ = made()
    for _ in range(3):
        venue.tell(WALL + 100 * DAY, 0)
    assert not venue.beyond(WALL + 100 * DAY, 0, WALL)
    for at in range(32):
        venue.tell(WALL + at, at)
    believed = [not venue.beyond(WALL + 100 * DAY, 32, WALL) for _ in range(33)]
    assert believed[-1] is False


def test_a_feed_that_catches_up_is_followed() -> None:
    venue, _ = made()
    for at in range(32):
        venue.tell(WALL + (at - 60) * SECOND, at * SECOND)
    assert venue.beyond(WALL + 40 * SECOND, 40 * SECOND, WALL)
    for _ in range(3):
        venue.tell(WALL + 40 * SECOND, 40 * SECOND)
    assert not venue.beyond(WALL + 40 * SECOND, 40 * SECOND, WALL)


def pong(latency: LatencyTracker, venue_ns: int, now: int) -> None:
    stamp = format_timestamp(venue_ns)
    latency.pinged(1, now)
    assert latency.ponged(Pong(1, stamp, stamp), now, WALL)


def test_a_pong_is_the_exchanges_clock_and_far_times_of_messages_do_not_count_beside_it() -> None:
    venue, latency = made()
    pong(latency, WALL, 0)
    venue.ponged()
    for _ in range(32):
        venue.tell(WALL + 100 * DAY, 0)
    assert venue.now_ns(SECOND, 0) == WALL + SECOND
    assert not venue.beyond(WALL + SECOND + SLACK, SECOND, 0)
    assert venue.beyond(WALL + SECOND + SLACK + 1, SECOND, 0)
    assert not venue.beyond(WALL + 2 * SECOND + SLACK, 2 * SECOND, 0)


def test_messages_a_little_ahead_of_the_pongs_are_believed() -> None:
    venue, latency = made()
    pong(latency, WALL, 0)
    for _ in range(3):
        venue.tell(WALL + 20 * SECOND, 0)
    assert venue.now_ns(0, 0) == WALL + 20 * SECOND


def test_another_connection_begins_without_what_the_last_one_told() -> None:
    venue, _ = made()
    for _ in range(3):
        venue.tell(WALL + 100 * DAY, 0)
    assert not venue.beyond(WALL + 100 * DAY, 0, WALL)
    venue.restart()
    assert venue.beyond(WALL + 100 * DAY, 0, WALL)


def test_a_new_pong_is_looked_at() -> None:
    venue, latency = made()
    for _ in range(3):
        venue.tell(WALL + 100 * DAY, 0)
    assert not venue.beyond(WALL + 100 * DAY, 0, WALL)
    pong(latency, WALL, 0)
    venue.ponged()
    assert venue.beyond(WALL + 100 * DAY, 0, WALL)
