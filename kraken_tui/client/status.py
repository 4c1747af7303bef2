"""How the feed is doing, as a program reads it: lateness, counts, the connection."""

from __future__ import annotations

from kraken_tui.engine.listeners import ListenerCounts
from kraken_tui.market.plain import Value


class Latency(Value, frozen=True, gc=False):
    """Receipt minus the exchange's timestamp over the last five minutes, corrected by the measured clock offset.

    Attributes:
        count: Measurements.
        p50, p90, p99, p999, worst: Milliseconds; None before the first. Percentiles are upper bounds, at most 5.9 %
            too high.
        clock_offset_ms: This computer's clock minus the exchange's; None before the first ping was answered.
        round_trip_ms: Of the last ping.
    """

    count: int
    p50: float | None
    p90: float | None
    p99: float | None
    p999: float | None
    worst: float | None
    clock_offset_ms: float | None
    round_trip_ms: float | None


class Stats(Value, frozen=True, gc=False):
    """Counts since the start. messages = applied + ignored + rejected; for listeners see `ListenerCounts`.

    Attributes:
        messages: Frames received.
        applied, ignored, rejected: What became of them.
        checks_ok, checks_failed: Checksums compared.
        resyncs: Books fetched again after a failure.
        reconnects: Connections lost after they were open.
        duplicates: Trades delivered again and left out.
        trade_gaps: Trade numbers that never came while the connection stood.
        listeners: Of all event streams and callbacks together, closed ones included.
        callback_errors: Exceptions raised by callbacks.
        held_back, left_out: With the gap policy BUFFER: events waiting for their book's proof, and those given up.
    """

    messages: int
    applied: int
    ignored: int
    rejected: int
    checks_ok: int
    checks_failed: int
    resyncs: int
    reconnects: int
    duplicates: int
    trade_gaps: int
    listeners: ListenerCounts
    callback_errors: int
    held_back: int
    left_out: int


class Connection(Value, frozen=True, gc=False):
    """State of the connection.

    Attributes:
        state: DISCONNECTED, CONNECTING, SUBSCRIBING, SUBSCRIBED, RESYNCING, DEGRADED, COOLDOWN or CLOSED.
        cause: Cause of the last transition, one short clause.
        attempt: Dials that failed since it was last stable.
        retry_in_s: Seconds until the next dial; None where none is planned.
        system: "online", "maintenance", "cancel_only", "post_only" or "unknown".
        url: Where the frames come from.
        silent_s: How long the engine has not answered, which makes the rest out of date; 0.0 while it answers.
    """

    state: str
    cause: str
    attempt: int
    retry_in_s: float | None
    system: str
    url: str
    silent_s: float = 0.0
