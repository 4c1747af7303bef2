"""How late the feed is: receipt minus the venue's timestamp, corrected by the measured clock offset.

The offset comes from application pings, NTP style: the pong says when the venue received and answered, and of
several pings the one with the shortest round trip wins. It relates the *monotonic* clock to the venue's, so
steps of the wall clock have no effect (RELIABILITY.md F24).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import OrderedDict, deque

from kraken_tui.errors import InvalidMessage
from kraken_tui.market.views import LatencyView
from kraken_tui.units import SECOND
from kraken_tui.wire.messages import Pong
from kraken_tui.wire.timestamps import parse_timestamp

WINDOW_S = 300
"""Length of the window that figures are taken over."""

UNCERTAINTY_NS = SECOND // 4
"""How much too young an age may look at most (RELIABILITY.md P14)."""

_MS = 1_000_000
_PER_DECADE = 40  # Buckets grow by 10^(1/40), 5.9 %, so a percentile is off by at most that.
_SMALLEST_MS = 0.1
_BUCKETS = 6 * _PER_DECADE + 1  # 0.1 ms to 100 s.
_HISTOGRAM_MS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10000.0, math.inf)
_OFFSETS_KEPT = 8
_LATE_NS = SECOND
_MOST_WAITING = 1024


def _upper_ms(bucket: int) -> float:
    return float(_SMALLEST_MS * 10 ** (bucket / _PER_DECADE))


_UPPER_MS = [_upper_ms(bucket) for bucket in range(_BUCKETS)]
_BOUNDS_MS = _UPPER_MS[:-1]


def _bucket(lag_ms: float) -> int:
    # A lag above all bounds is the last bucket's.
    return bisect_left(_BOUNDS_MS, lag_ms)


class LatencyTracker:
    """Lag of every timestamped frame over the last five minutes, in bounded memory.

    Counts are kept per second in logarithmic buckets; percentiles are the upper bound of their bucket, the worst is
    exact.

    Attributes:
        offset_ns: This machine's monotonic clock minus the venue's; None before the first pong.
        round_trip_ns: Of the last ping.
        lag_ns: Of the newest frame with a timestamp.
        heard_ns: The latest venue time seen on this connection: frames arrive in order, so everything sent
            before it has arrived.
    """

    def __init__(self) -> None:
        # Lags of the running second, not counted yet: a few at once are counted for a fraction of each alone.
        self._waiting: list[int] = []
        self._begins = self._ends = 0
        self._seconds: deque[tuple[int, dict[int, int], float]] = deque()
        self._total = [0] * _BUCKETS
        # Since the clocks were first compared: (frames by `_HISTOGRAM_MS`, sum of their lags).
        self._ever = [0] * len(_HISTOGRAM_MS)
        self._ever_ns = 0
        self._offsets: deque[tuple[int, int]] = deque(maxlen=_OFFSETS_KEPT)
        self._pings: OrderedDict[int, tuple[int, int]] = OrderedDict()
        self._wall_shift = 0
        self.offset_ns: int | None = None
        self.round_trip_ns: int | None = None
        self.lag_ns: int | None = None
        self.heard_ns: int | None = None
        self._sent_after: int | None = None

    # -- clock offset -------------------------------------------------------------------------------------------

    def pinged(self, req_id: int, now: int) -> None:
        """A ping was sent."""
        self._pings[req_id] = (now, req_id)
        while len(self._pings) > _OFFSETS_KEPT:
            self._pings.popitem(last=False)

    def ponged(self, pong: Pong, now: int, wall_ns: int) -> bool:
        """Take the answer to a ping; returns whether it set the offset."""
        sent = self._pings.pop(pong.req_id, None) if pong.req_id is not None else None
        if sent is None or pong.time_in is None or pong.time_out is None:
            return False
        try:
            venue_in, venue_out = parse_timestamp(pong.time_in), parse_timestamp(pong.time_out)
        except InvalidMessage:
            return False
        held = max(0, venue_out - venue_in)
        round_trip = max(0, now - sent[0] - held)
        first = self.offset_ns is None
        self.round_trip_ns = round_trip
        if not (self.uncertain and self._offsets):
            # The many pings of a late line must not push out the good ones.
            self._offsets.append((round_trip, ((sent[0] - venue_in) + (now - venue_out)) // 2))
        best, middle = min(self._offsets)
        # The whole of a long round trip may have been the way back; the clocks then differ by half of it more, and
        # an age must err on the high side.
        self.offset_ns = middle - max(0, best // 2 - UNCERTAINTY_NS)
        self._wall_shift = wall_ns - now
        self._hear(venue_out)
        if self.lag_ns is not None:
            # Everything the venue sent before this answer has arrived: nothing older can be in flight.
            self._tell(max(0, self.venue_now(now, wall_ns) - venue_out), venue_out)
        if first:
            # Lags measured against an uncorrected clock cannot be compared with later ones.
            self._clear()
        return True

    def reconnected(self) -> None:
        """A new path to the venue: old round trips no longer apply, the offset itself stays."""
        self._offsets.clear()
        self._pings.clear()
        self.lag_ns = self.heard_ns = self._sent_after = None

    def _hear(self, venue_ns: int) -> None:
        self.heard_ns = venue_ns if self.heard_ns is None else max(self.heard_ns, venue_ns)

    @property
    def wall_offset_ns(self) -> int | None:
        """This machine's wall clock minus the venue's at the last pong; None before the first."""
        return None if self.offset_ns is None else self.offset_ns + self._wall_shift

    def venue_now(self, now: int, wall_ns: int) -> int:
        """The venue's clock, ns since the epoch: measured where a pong came, else this machine's wall clock."""
        return wall_ns if self.offset_ns is None else now - self.offset_ns

    # -- samples ------------------------------------------------------------------------------------------------

    def measure(self, venue_ns: int, now: int, wall_ns: int) -> int:
        """Count one frame that carries the venue's timestamp; returns its lag in ns, never negative."""
        lag = max(0, self.lag_of(venue_ns, now, wall_ns))
        self.count(lag, venue_ns, now)
        return lag

    def lag_of(self, venue_ns: int, now: int, wall_ns: int) -> int:
        """Lag of a message that was sent at `venue_ns`, ns; negative where the clocks differ. Nothing is counted."""
        offset = self.offset_ns
        return (wall_ns if offset is None else now - offset) - venue_ns

    def count(self, lag: int, venue_ns: int, now: int) -> None:
        """Count one frame that carries the venue's timestamp, its lag being known and not negative."""
        heard = self.heard_ns
        if heard is None or venue_ns > heard:
            self.heard_ns = venue_ns
        self.lag_ns, self._sent_after = lag, venue_ns if lag > _LATE_NS else None
        waiting = self._waiting
        if len(waiting) >= _MOST_WAITING or not self._begins <= now < self._ends:
            self._count_waiting()
            self._begins = now // SECOND * SECOND
            self._ends = self._begins + SECOND
        waiting.append(lag)

    def _count_waiting(self) -> None:
        """Enter the lags of the running second into the figures."""
        if not self._waiting:
            return
        self._ever_ns += sum(self._waiting)
        lags = sorted([lag / _MS for lag in self._waiting])
        self._waiting.clear()
        second = self._begins // SECOND
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append((second, {}, 0.0))
            self._forget(second)
        last_second, counts, worst = self._seconds[-1]
        self._seconds[-1] = (last_second, counts, max(worst, lags[-1]))
        first, end = 0, len(lags)
        while first < end:
            bucket = _bucket(lags[first])
            after = bisect_right(lags, _BOUNDS_MS[bucket], first) if bucket < len(_BOUNDS_MS) else end
            counts[bucket] = counts.get(bucket, 0) + after - first
            self._total[bucket] += after - first
            first = after
        for index, upper in enumerate(_HISTOGRAM_MS):
            after = bisect_right(lags, upper)
            self._ever[index] += after - first if index else after
            first = after

    def _tell(self, lag: int, sent_ns: int) -> None:
        # On a line that is already late, frames without a timestamp may be later still.
        self.lag_ns, self._sent_after = lag, sent_ns if lag > _LATE_NS else None

    def bound(self, since_ns: int, now: int, wall_ns: int) -> int | None:
        """Take a message without a timestamp of its own that the venue sent after `since_ns`.

        It does not enter the figures. The bound holds until the next timestamped message or pong.

        Returns:
            The greatest lag the message can have, ns; None while the venue's clock is unknown.
        """
        if self.offset_ns is None:
            return None
        lag = max(0, self.venue_now(now, wall_ns) - since_ns)
        self.lag_ns, self._sent_after = lag, since_ns
        return lag

    @property
    def uncertain(self) -> bool:
        """Whether the lag is only a bound, which a pong would settle."""
        return self._sent_after is not None

    def lag_at(self, frame_ns: int | None) -> int | None:
        """Lag of the newest data when the frame of this monotonic time came, ns; None while unknown.

        Frames without a timestamp (heartbeats) do not show their age: while only a bound is known, or the line is over
        a second late, the lag grows until a timestamp arrives.
        """
        if self._sent_after is None or self.offset_ns is None or frame_ns is None:
            return self.lag_ns
        return max(0, frame_ns - self.offset_ns - self._sent_after)

    def _forget(self, second: int) -> None:
        while self._seconds and self._seconds[0][0] <= second - WINDOW_S:
            _, counts, _ = self._seconds.popleft()
            for bucket, count in counts.items():
                self._total[bucket] -= count

    def _clear(self) -> None:
        self._waiting.clear()
        self._seconds.clear()
        self._total = [0] * _BUCKETS
        self._ever, self._ever_ns = [0] * len(_HISTOGRAM_MS), 0

    def percentile(self, share: float) -> float | None:
        """Smallest bucket bound in ms that at least this share (0 to 1) of the samples does not exceed."""
        self._count_waiting()
        count = sum(self._total)
        if not count:
            return None
        wanted = max(1, math.ceil(share * count))
        seen = 0
        for bucket, number in enumerate(self._total):
            seen += number
            if seen >= wanted:
                return min(_UPPER_MS[bucket], self.worst_ms or 0.0)
        return self.worst_ms

    @property
    def worst_ms(self) -> float | None:
        """Largest lag in the window in ms."""
        self._count_waiting()
        return max((worst for _, _, worst in self._seconds), default=None)

    def view(self, now: int) -> LatencyView:
        """Figures over the window that ends at `now`."""
        self._count_waiting()
        self._forget(now // SECOND)
        offset = self.wall_offset_ns
        return LatencyView(
            count=sum(self._total),
            p50=self.percentile(0.5),
            p90=self.percentile(0.9),
            p99=self.percentile(0.99),
            p999=self.percentile(0.999),
            worst=self.worst_ms,
            clock_offset_ms=None if offset is None else offset / _MS,
            round_trip_ms=None if self.round_trip_ns is None else self.round_trip_ns / _MS,
            histogram=self._histogram(),
            since_start=tuple(zip(_HISTOGRAM_MS, self._ever, strict=True)),
            sum_ms=self._ever_ns / _MS,
        )

    def _histogram(self) -> tuple[tuple[float, int], ...]:
        counts = [0] * len(_HISTOGRAM_MS)
        index = 0
        for bucket, number in enumerate(self._total):
            while _UPPER_MS[bucket] > _HISTOGRAM_MS[index] * 1.000001:
                index += 1
            counts[index] += number
        return tuple(zip(_HISTOGRAM_MS, counts, strict=True))
