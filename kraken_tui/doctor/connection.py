"""Faults of the connection, the clocks and the machine, in virtual time."""

from __future__ import annotations

from collections.abc import Callable

from kraken_tui.doctor.report import Check, expect
from kraken_tui.doctor.rig import Rig
from kraken_tui.exchange.faults import Frame
from kraken_tui.feed.connection.table import State
from kraken_tui.feed.events import Note, StateChanged
from kraken_tui.feed.limits import ns
from kraken_tui.units import SECOND

_HOUR = 3600.0


def half_open() -> str:
    """Both directions dead, the socket still stands."""
    rig = Rig().start()
    rig.cut = True
    took = rig.until(lambda: rig.feed.state is State.DISCONNECTED, 6, "noticed")
    expect(not rig.proven(), "a book stayed proven")
    back = rig.until(rig.healthy, 4, "proven again")
    return f"noticed after {took:.1f} s, proven again {back:.1f} s later"


def pongs_alone() -> str:
    """Data and heartbeats stop, pings are still answered."""
    rig = Rig().start()
    rig.venue.faults.rewrite = lambda frame: frame if _is_pong(frame) else None
    begun = rig.now
    pings = len(rig.sent)
    while rig.feed.state is not State.DISCONNECTED and rig.now - begun < ns(6):
        rig.feed._ping()
        rig.run(0.5)
    took = (rig.now - begun) / SECOND
    answered = len(rig.sent) - pings
    return expect(
        rig.feed.state is State.DISCONNECTED, f"{answered} pings answered; noticed all the same after {took:.1f} s"
    )


def _is_pong(frame: Frame) -> bool:
    return isinstance(frame, str) and '"method":"pong"' in frame


def slow_reader() -> str:
    """Frames arrive late: said from 2 s on, dropped and fetched anew from 10 s on."""
    rig = Rig(rate=0.5).start()
    rig.run(1)
    rig.delay_s = 3.0
    took = rig.until(lambda: rig.feed.state is State.DEGRADED, 6, "called late")
    cause = rig.feed.cause
    rig.delay_s = 0.0
    rig.until(rig.healthy, 10, "healthy")
    # Frames that come late without a pause, so that it is the lag and not the silence that is seen.
    while rig.connected and rig.delay_s < 25:
        rig.delay_s += 0.025
        rig.run(0.05)
    expect(not rig.connected, "a feed far behind was kept")
    rig.delay_s = 0.0
    rig.until(rig.healthy, 10, "proven again")
    lost = [event.cause for event in rig.events if isinstance(event, StateChanged) and event.state == "DISCONNECTED"]
    return expect("behind" in lost[0], f"{cause}, said after {took:.1f} s; dropped: {lost[0]}")


def sleeping() -> str:
    """The computer sleeps for eight hours; what the kernel kept for us is history."""
    rig = Rig(rate=0.1).start()
    counters = rig.feed.counters
    applied = counters.applied
    rig.delay_s = 8 * _HOUR
    rig.run(3)
    rig.now += ns(8 * _HOUR)
    rig.step()
    rig.delay_s = 0.0
    expect(not rig.proven(), "old books stayed proven")
    shown = counters.applied - applied
    took = rig.until(rig.healthy, 3, "proven again")
    return expect(shown == 0, f"{shown} old frames applied, proven again after {took:.1f} s")


def clock_steps() -> str:
    """The wall clock is set an hour forward, then two back."""
    rig = Rig(rate=0.2).start()
    for skew in (_HOUR, -_HOUR, 0.0):
        rig.skew = ns(skew)
        rig.run(25)
        expect(rig.healthy(), f"not healthy {skew:+.0f} s off")
        lag = rig.feed.latency.lag_ns or 0
        expect(lag < SECOND, f"a book looked {lag / SECOND:.0f} s old")
    notes = [event.text for event in rig.events if isinstance(event, Note) and "clock" in event.text]
    return expect(len(rig.dials) == 1 and notes, f"{len(rig.dials)} dial, ages right, said {len(notes)} times")


def _hours_of(prepare: Callable[[Rig], None], hours: float) -> Rig:
    rig = Rig()
    prepare(rig)
    rig.run(hours * _HOUR, 0.25)
    return rig


def nobody_listens() -> str:
    """Two hours of refused connections."""

    def prepare(rig: Rig) -> None:
        rig.answer = lambda: rig.feed.disconnected("connection refused", rig.now, rig.wall)

    rig = _hours_of(prepare, 2)
    most = rig.busiest_window()
    expect(rig.feed.retry_in_s(rig.now) is not None, "it gave up")
    return expect(most <= 30, f"{len(rig.dials)} dials in 2 h, at most {most} in 10 min, still trying")


def accept_then_close() -> str:
    """A server that takes every connection and closes it at once, for an hour."""

    def prepare(rig: Rig) -> None:
        def answer() -> None:
            rig.feed.opened(rig.now, rig.wall)
            rig.feed.disconnected("closed by the server: 1013", rig.now, rig.wall, close_code=1013)

        rig.answer = answer

    rig = _hours_of(prepare, 1)
    most = rig.busiest_window()
    return expect(most <= 30, f"{len(rig.dials)} dials in 1 h, at most {most} in 10 min")


def cooldown_over_restart() -> str:
    """Banned for 20 minutes, and the program is started anew ten times meanwhile."""
    rig = Rig()
    rig.answer = lambda: rig.feed.disconnected("HTTP 429", rig.now, rig.wall, http_status=429, retry_after_s=1200.0)
    rig.run(1)
    expect(rig.feed.state is State.COOLDOWN, f"state {rig.feed.state}")
    banned = rig.dials[0]
    saved = rig.feed.dialler.budget.state(rig.now, rig.wall)
    for _ in range(10):
        later = Rig()
        later.now = rig.now
        later.feed.restore_dials(saved, later.now, later.wall)
        later.run(100, 1.0)
        expect(not later.dials, "a restarted program dialled during the ban")
        saved = later.feed.dialler.budget.state(later.now, later.wall)
        rig.now = later.now
    later = Rig()
    later.now = rig.now
    later.feed.restore_dials(saved, later.now, later.wall)
    later.until(lambda: later.dials, 300, "dialled after the ban")
    waited = (later.dials[0] - banned) / SECOND
    return expect(waited >= 1200, f"0 dials in 10 restarts, next one after {waited:.0f} s")


def silent_book() -> str:
    """A pair nobody trades for ten minutes, while heartbeats go on."""
    rig = Rig(rate=0.1).start()
    rig.venue.faults.rewrite = lambda frame: None if isinstance(frame, str) and '"book"' in frame else frame
    rig.run(600, 0.5)
    return expect(len(rig.dials) == 1, f"{len(rig.dials)} dial in 10 min")


CHECKS = (
    Check("half-open connection", "F10", "noticed in 6 s, proven again in 10 s", half_open),
    Check("pongs alone", "F11", "a pong does not count: noticed in 6 s", pongs_alone),
    Check("late frames", "F14", "DEGRADED from 2 s, dropped from 10 s", slow_reader),
    Check("computer sleeps 8 h", "F23", "no old frame applied, proven in 3 s", sleeping),
    Check("wall clock steps by an hour", "F24", "no reconnect, ages right", clock_steps),
    Check("nobody listens for 2 h", "F01", "at most 30 dials in 10 min, never gives up", nobody_listens),
    Check("accepted, then closed", "F06", "at most 30 dials in 10 min", accept_then_close),
    Check("ban kept over restarts", "F22", "no dial before Retry-After is over", cooldown_over_restart),
    Check("quiet pair", "F12", "no reconnect", silent_book),
)
"""Every fault of this module."""
