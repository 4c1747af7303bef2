"""The clock of a replay: what has passed stays passed, whatever is done to its speed."""

from __future__ import annotations

from kraken_tui.recording.replay import ReplayClock
from kraken_tui.units import SECOND

START = 1_700_000_000 * SECOND


class Host:
    """The computer's clock, moved by hand."""

    def __init__(self) -> None:
        self.at = 7 * SECOND

    def now(self) -> int:
        return self.at

    def wall(self) -> int:
        return self.at


def begun(speed: float) -> tuple[ReplayClock, Host]:
    host = Host()
    clock = ReplayClock(speed, host)
    clock.begin(START)
    return clock, host


def test_a_new_speed_counts_from_where_it_was_set() -> None:
    clock, host = begun(2.0)
    host.at += 3 * SECOND
    clock.set_speed(0.5)
    assert clock.position_ns == 6 * SECOND
    host.at += 4 * SECOND
    assert clock.position_ns == 8 * SECOND
    clock.set_speed(10.0)
    assert clock.position_ns == 8 * SECOND
    host.at += SECOND
    assert clock.position_ns == 18 * SECOND


def test_full_speed_begins_where_it_was_set_and_ends_where_it_was_reached() -> None:
    clock, host = begun(2.0)
    host.at += 3 * SECOND
    clock.set_speed(0)
    host.at += 100 * SECOND
    assert clock.position_ns == 6 * SECOND
    clock.reach(START + 9 * SECOND)
    clock.set_speed(1.0)
    host.at += SECOND
    assert clock.position_ns == 10 * SECOND


def test_at_full_speed_the_clock_never_goes_back() -> None:
    clock, _ = begun(0)
    clock.reach(START + 9 * SECOND)
    clock.reach(START + 5 * SECOND)
    assert clock.position_ns == 9 * SECOND
    clock.finish(START + 4 * SECOND)
    assert clock.position_ns == 9 * SECOND


def test_at_a_pace_of_its_own_frames_do_not_move_the_clock() -> None:
    clock, _ = begun(1.0)
    clock.reach(START + 9 * SECOND)
    assert clock.position_ns == 0


def test_a_pause_takes_no_time_however_often_it_is_asked_for() -> None:
    clock, host = begun(1.0)
    host.at += 2 * SECOND
    for _ in range(2):
        clock.pause(True)
        host.at += 50 * SECOND
    clock.pause(False)
    host.at += SECOND
    assert clock.position_ns == 3 * SECOND


def test_who_waits_is_told_of_every_change() -> None:
    clock, _ = begun(1.0)
    told: list[float] = []
    clock.changed = lambda: told.append(clock.speed)
    clock.set_speed(4.0)
    clock.pause(True)
    assert told == [4.0, 4.0]


def test_waiting_is_counted_in_the_computers_time_and_never_below_zero() -> None:
    clock, host = begun(4.0)
    assert clock.wait_s(START + 8 * SECOND) == 2.0
    host.at += 5 * SECOND
    assert clock.wait_s(START + 8 * SECOND) == 0.0
