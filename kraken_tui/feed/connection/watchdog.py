"""Whether a connection is alive, late or dead, judged only by its application frames.

Pongs do not count: they prove the proxy alive, not the feed (RELIABILITY.md F11).
"""

from __future__ import annotations

from kraken_tui.feed.limits import Limits, ns
from kraken_tui.units import SECOND


class Watchdog:
    """Looks at the times of frames and at their lag. All times are monotonic ns.

    Attributes:
        last_frame_ns: Last application frame, or the opening of the connection before the first; None before that.
        heard: Whether anything came on this connection.
        quiet: Nothing for a while, but not yet long enough to give up.
        late: The venue's timestamps are behind its clock.
        backlog_ns: Gap between two frames after which the next ones are a backlog.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        # Asked for every frame.
        self.backlog_ns = ns(limits.backlog_s)
        self._late_ns, self._drop_ns = ns(limits.lag_degraded_s), ns(limits.lag_drop_s)
        self.last_frame_ns: int | None = None
        self.heard = self.quiet = self.late = False
        self._opened_at = 0
        self._subscribed = False
        self._promised: int | None = None
        self._grace_until = 0
        self._graced = False
        self._last_lag_drop: int | None = None

    def opened(self, now: int) -> None:
        """A connection is open."""
        self._opened_at = self.last_frame_ns = now
        self.heard = self.quiet = self.late = self._graced = False
        self._promised = None

    def frame(self, now: int, *, application: bool) -> None:
        """A readable frame came; `application` is False for pongs."""
        self.heard = True
        if application:
            self.last_frame_ns = now
            self.quiet = self._graced = False

    def promise(self, at: int) -> None:
        """When the next tick is due; see `stalled_s`."""
        self._promised = at

    def stalled_s(self, now: int) -> float | None:
        """How long this program itself stood still, or None; waiting frames are then read before judging the feed."""
        if self._promised is None or now - self._promised <= SECOND:
            return None
        if not self._graced:
            # Once until a frame comes: one who keeps this program busy with anything else gains no time.
            self._graced = True
            self._grace_until = now + SECOND // 2
        return (now - self._promised) / SECOND

    def backlog(self, now: int) -> str | None:
        """Why the frames that come now are history: the machine slept. None when they are not."""
        if self.last_frame_ns is None or now - self.last_frame_ns <= self.backlog_ns:
            return None
        return f"no frame for {(now - self.last_frame_ns) // SECOND} s, the computer slept or stood still"

    def judge(self, now: int, *, subscribed: bool) -> str | None:
        """Why the connection is dead, or None; also notices a quiet one."""
        limits = self._limits
        self._subscribed = subscribed
        if not self.heard:
            if now - self._opened_at < ns(limits.open_s):
                return None
            return f"connected, but no frame within {limits.open_s:.0f} s: this may not be Kraken"
        if self.last_frame_ns is None or not subscribed or now < self._grace_until:
            return None
        silence = now - self.last_frame_ns
        if silence >= ns(limits.feed_deadline_s):
            return f"no frame for {silence / SECOND:.0f} s"
        self.quiet = silence >= ns(limits.feed_late_s)
        return None

    def next_look(self) -> int | None:
        """When `judge` may come to another verdict."""
        if self.last_frame_ns is None:
            return None
        if not self.heard:
            return self._opened_at + ns(self._limits.open_s)
        if not self._subscribed:
            # Silence proves nothing then, and a deadline that is always due would make the program spin.
            return None
        silence = self._limits.feed_deadline_s if self.quiet else self._limits.feed_late_s
        return max(self.last_frame_ns + ns(silence), self._grace_until)

    def lag(self, lag: int, now: int) -> str | None:
        """Judge how far behind a book message was, ns; returns why to reconnect, or None.

        The venue queues for slow readers, so a proven book can be old (PROTOCOL.md section 0.12). A new connection
        drops that queue, but not more than once a minute.
        """
        limits = self._limits
        dropped = self._last_lag_drop
        if lag > self._drop_ns and (dropped is None or now - dropped >= ns(limits.lag_drop_gap_s)):
            self._last_lag_drop = now
            return f"the feed was {lag / SECOND:.0f} s behind"
        # Recovers at half the limit, so that the state does not flap.
        self.late = lag > self._late_ns / (2 if self.late else 1)
        return None

    def calm(self, lag: int) -> bool:
        """Whether `lag` would change nothing."""
        return not self.late and lag <= self._late_ns and lag <= self._drop_ns

    def complaint(self) -> str | None:
        """Why the connection counts as degraded, or None."""
        if self.late:
            return f"the feed is more than {self._limits.lag_degraded_s:.0f} s behind"
        return f"no frame for {self._limits.feed_late_s:.0f} s" if self.quiet else None
