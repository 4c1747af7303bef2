"""What counts as a sign of life, in virtual time."""

from __future__ import annotations

from kraken_tui.feed.connection.watchdog import Watchdog
from kraken_tui.feed.limits import Limits, ns
from kraken_tui.units import SECOND

LIMITS = Limits()
DEADLINE = ns(LIMITS.feed_deadline_s)


def opened() -> Watchdog:
    watchdog = Watchdog(LIMITS)
    watchdog.opened(0)
    watchdog.frame(0, application=True)
    return watchdog


def test_pongs_do_not_put_the_deadline_off() -> None:
    watchdog = opened()
    watchdog.frame(DEADLINE - 1, application=False)
    assert watchdog.judge(DEADLINE - 1, subscribed=True) is None
    assert watchdog.judge(DEADLINE, subscribed=True) == "no frame for 5 s"


def test_a_stall_gives_what_waits_half_a_second_to_be_read() -> None:
    watchdog = opened()
    watchdog.promise(SECOND)
    assert watchdog.stalled_s(8 * SECOND) == 7
    assert watchdog.judge(8 * SECOND, subscribed=True) is None
    assert watchdog.judge(8 * SECOND + SECOND // 2 - 1, subscribed=True) is None
    assert watchdog.judge(8 * SECOND + SECOND // 2, subscribed=True) is not None


def test_stalls_one_after_another_without_a_frame_put_the_deadline_off_once() -> None:
    watchdog = opened()
    at = 0
    while watchdog.judge(at, subscribed=True) is None:
        watchdog.promise(at)
        at += 2 * SECOND
        assert watchdog.stalled_s(at) == 2
        assert at <= DEADLINE + 2 * SECOND
    watchdog.frame(at, application=True)
    watchdog.promise(at)
    assert watchdog.stalled_s(at + 8 * SECOND) == 8
    assert watchdog.judge(at + 8 * SECOND, subscribed=True) is None, "after a frame it is granted again"


def test_a_new_connection_is_granted_it_again() -> None:
    watchdog = opened()
    watchdog.promise(0)
    watchdog.stalled_s(2 * SECOND)
    watchdog.opened(10 * SECOND)
    watchdog.frame(10 * SECOND, application=False)
    watchdog.promise(11 * SECOND)
    watchdog.stalled_s(20 * SECOND)
    assert watchdog.judge(20 * SECOND, subscribed=True) is None


def test_a_late_feed_is_late_until_its_lag_is_half_the_limit() -> None:
    watchdog = opened()
    limit = ns(LIMITS.lag_degraded_s)
    for lag, late in (
        (limit, False),
        (limit + 1, True),
        (limit, True),
        (limit // 2 + 1, True),
        (limit // 2, False),
        (limit, False),
    ):
        assert watchdog.lag(lag, SECOND) is None
        assert watchdog.late is late, lag
        assert (watchdog.complaint() is not None) is late


def test_a_feed_too_far_behind_is_dropped_once_a_minute() -> None:
    watchdog = opened()
    lag, gap = ns(LIMITS.lag_drop_s) + 1, ns(LIMITS.lag_drop_gap_s)
    assert watchdog.lag(lag - 1, 0) is None
    assert watchdog.lag(lag, 0) is not None
    assert watchdog.lag(lag, gap - 1) is None
    assert watchdog.lag(lag, gap) is not None
