"""Every timer and limit of the feed, and the unit they are compared in.

Pure. Times called `now` are monotonic nanoseconds. docs/CONNECTION.md explains each figure.
"""

from __future__ import annotations

from dataclasses import dataclass

from kraken_tui.units import SECOND


def ns(seconds: float) -> int:
    """Seconds as whole nanoseconds."""
    return round(seconds * SECOND)


@dataclass(frozen=True, slots=True)
class Limits:
    """Every constant of the connection and the books; seconds unless the name says otherwise.

    Attributes:
        feed_deadline_s: Silence on a subscribed connection that means it is dead; pongs do not count.
        feed_late_s: Silence after which the connection counts as DEGRADED.
        idle_ping_s: Longest time without a request while nothing is subscribed; the venue closes after a minute.
        clock_ping_s: Time between the pings that measure the clock offset.
        open_s, ack_s, snapshot_s: Longest wait for an open connection, an acknowledgement, a first snapshot.
        ack_retries: Requests repeated before the subscription counts as silent.
        silent_retry_s: Time between tries of a subscription that stays silent.
        backoff_first_s, backoff_cap_s: First and largest upper bound of the random delay between dials.
        slow_retry_s: Least delay after a failure that a quick retry cannot cure (certificate, redirect, 1009).
        stable_s: Time up, with every wanted book proven once, after which the backoff starts over.
        dial_limit, dial_window_s: Dials allowed in any window of this length.
        cooldown_s, cooldown_cap_s: Least and longest time without dialling after the venue banned us.
        resync_limit, resync_window_s: Resyncs of one book in a window before it is quarantined.
        resync_gap_s: Least time between two resyncs of one book.
        quarantine_s: Lengths of successive quarantines of one book.
        requests_per_s, burst: Even pace of requests, and how many may leave together; combined at most ten in any
            second. The pace is halved on "Exceeded msg rate".
        batch: Symbols in one request at most.
        lag_degraded_s, lag_drop_s, lag_drop_gap_s: Feed lag that is DEGRADED, that forces a reconnect, and the
            least time between two such reconnects.
        audit_first_s, audit_every_s, audit_again_s: When whole books are compared with a second snapshot: after they
            came up, from then on, and after an inconclusive try or when a book was reloaded. Each plus up
            to a fifth more, at random.
        audit_limit_s: Longest life of an audit's connection.
        audit_batch: Books compared by one audit at most.
        ahead_s: How far beyond the exchange's clock the time of a trade or candle may be and still be believed.
        entries_slack: Levels that one book message may hold beyond ten times the depth.
        most_pairs: Pairs that are known at most, so that invented ones take no memory.
        backlog_s: Gap after which the frames that follow are a backlog (the machine slept) and are not shown.
    """

    feed_deadline_s: float = 5.0
    feed_late_s: float = 3.0
    idle_ping_s: float = 25.0
    clock_ping_s: float = 20.0
    open_s: float = 10.0
    ack_s: float = 5.0
    snapshot_s: float = 10.0
    ack_retries: int = 3
    silent_retry_s: float = 30.0
    backoff_first_s: float = 1.0
    backoff_cap_s: float = 60.0
    slow_retry_s: float = 60.0
    stable_s: float = 60.0
    dial_limit: int = 30
    dial_window_s: float = 600.0
    cooldown_s: float = 600.0
    cooldown_cap_s: float = 3600.0
    resync_limit: int = 3
    resync_window_s: float = 60.0
    resync_gap_s: float = 0.5
    quarantine_s: tuple[float, ...] = (60.0, 300.0, 900.0)
    requests_per_s: float = 6.0
    burst: int = 4
    batch: int = 50
    lag_degraded_s: float = 2.0
    lag_drop_s: float = 10.0
    lag_drop_gap_s: float = 60.0
    backlog_s: float = 15.0
    ahead_s: float = 5.0
    entries_slack: int = 2000
    most_pairs: int = 5000
    audit_first_s: float = 20.0
    audit_every_s: float = 300.0
    audit_again_s: float = 60.0
    audit_limit_s: float = 15.0
    audit_batch: int = 200

    def most_levels(self, depth: int) -> int:
        """Levels that one message for a book of this depth may hold."""
        return 10 * depth + self.entries_slack
