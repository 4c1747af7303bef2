"""Late, quiet and dead connections, each at its very limit."""

from __future__ import annotations

import pytest

from kraken_tui.feed.connection.watchdog import Watchdog
from kraken_tui.feed.limits import Limits, ns
from kraken_tui.units import SECOND

LIMITS = Limits()
LATE = ns(LIMITS.lag_degraded_s)


@pytest.fixture
def watchdog() -> Watchdog:
    """A connection that stands since 100 s and has said something."""
    made = Watchdog(LIMITS)
    made.opened(100 * SECOND)
    made.frame(100 * SECOND, application=True)
    return made


def test_a_late_line_counts_as_late_until_it_is_within_half_the_limit(watchdog: Watchdog) -> None:
    lags = (LATE, LATE + 1, LATE, LATE // 2 + 1, LATE // 2, LATE, LATE + 1)
    seen = []
    for lag in lags:
        assert watchdog.lag(lag, 100 * SECOND) is None
        seen.append(watchdog.late)
    assert seen == [False, True, True, True, False, False, True]
    assert watchdog.complaint() == f"the feed is more than {LIMITS.lag_degraded_s:.0f} s behind"
    watchdog.opened(101 * SECOND)
    assert watchdog.complaint() is None


def test_a_line_far_behind_is_dropped_once_a_minute_at_most(watchdog: Watchdog) -> None:
    far, gap = ns(LIMITS.lag_drop_s) + 1, ns(LIMITS.lag_drop_gap_s)
    assert watchdog.lag(far - 1, 0) is None
    assert watchdog.lag(far, 0) == f"the feed was {LIMITS.lag_drop_s:.0f} s behind"
    assert watchdog.lag(far, gap - 1) is None
    assert watchdog.late
    assert watchdog.lag(far, gap) is not None


def test_silence_is_quiet_first_and_then_the_end(watchdog: Watchdog) -> None:
    quiet, dead = 100 * SECOND + ns(LIMITS.feed_late_s), 100 * SECOND + ns(LIMITS.feed_deadline_s)
    assert watchdog.judge(quiet - 1, subscribed=True) is None
    assert (watchdog.quiet, watchdog.next_look()) == (False, quiet)
    assert watchdog.judge(quiet, subscribed=True) is None
    assert (watchdog.quiet, watchdog.next_look()) == (True, dead)
    assert watchdog.complaint() == f"no frame for {LIMITS.feed_late_s:.0f} s"
    assert watchdog.judge(dead - 1, subscribed=True) is None
    assert watchdog.judge(dead, subscribed=True) == f"no frame for {LIMITS.feed_deadline_s:.0f} s"
    assert watchdog.judge(dead, subscribed=False) is None
    assert watchdog.next_look() is None


def test_pongs_keep_nothing_alive(watchdog: Watchdog) -> None:
    watchdog.judge(100 * SECOND + ns(LIMITS.feed_late_s), subscribed=True)
    watchdog.frame(110 * SECOND, application=False)
    assert watchdog.last_frame_ns == 100 * SECOND
    assert watchdog.quiet
    watchdog.frame(110 * SECOND, application=True)
    assert (watchdog.last_frame_ns, watchdog.quiet) == (110 * SECOND, False)


def test_a_peer_that_never_speaks_is_given_up() -> None:
    watchdog = Watchdog(LIMITS)
    assert watchdog.next_look() is None
    assert watchdog.judge(10**12, subscribed=True) is not None
    watchdog.opened(100 * SECOND)
    limit = 100 * SECOND + ns(LIMITS.open_s)
    assert watchdog.next_look() == limit
    assert watchdog.judge(limit - 1, subscribed=False) is None
    said = watchdog.judge(limit, subscribed=False)
    assert said == f"connected, but no frame within {LIMITS.open_s:.0f} s: this may not be Kraken"


def test_who_stood_still_gives_frames_half_a_second_to_be_read(watchdog: Watchdog) -> None:
    assert watchdog.stalled_s(10**15) is None
    watchdog.promise(105 * SECOND)
    assert watchdog.stalled_s(106 * SECOND) is None
    assert watchdog.stalled_s(109 * SECOND) == 4.0
    assert watchdog.judge(109 * SECOND + SECOND // 2 - 1, subscribed=True) is None
    assert watchdog.next_look() == 109 * SECOND + SECOND // 2
    assert watchdog.judge(109 * SECOND + SECOND // 2, subscribed=True) == "no frame for 10 s"
    watchdog.opened(120 * SECOND)
    assert watchdog.stalled_s(200 * SECOND) is None


def test_what_waited_while_the_computer_slept_is_history(watchdog: Watchdog) -> None:
    limit = 100 * SECOND + ns(LIMITS.backlog_s)
    assert watchdog.backlog(limit) is None
    said = watchdog.backlog(limit + SECOND)
    assert said == f"no frame for {LIMITS.backlog_s + 1:.0f} s, the computer slept or stood still"
    assert Watchdog(LIMITS).backlog(limit) is None
