"""The screen slows down with the terminal and recovers."""

from __future__ import annotations

from kraken_tui.tui.paint.pacing import Pacer
from kraken_tui.tui.panes import rates


def run(pacer: Pacer, now: float, ticks: int, period: float | None = None) -> tuple[float, int]:
    """Tick at the pacer's own pace or a given period; returns the time and the number of changes."""
    changes = 0
    for _ in range(ticks):
        now += period or pacer.period
        changes += pacer.tick(now)
    return now, changes


def test_on_time_ticks_change_nothing() -> None:
    pacer = Pacer(10)
    _, changes = run(pacer, 0.0, 1_000)
    assert (pacer.fps, changes) == (10, 0)


def test_late_ticks_halve_the_rate_down_to_one() -> None:
    pacer = Pacer(10)
    now, _ = run(pacer, 0.0, 6, 0.25)
    assert pacer.fps == 5
    assert pacer.slowed
    run(pacer, now, 100, 5.0)
    assert pacer.fps == 1


def test_one_long_stop_is_forgiven() -> None:
    pacer = Pacer(10)
    now, _ = run(pacer, 0.0, 20)
    now, changes = run(pacer, now, 1, 600.0)
    assert changes == 0
    assert run(pacer, now, 100)[1] == 0
    assert pacer.fps == 10


def test_recovery_after_ten_calm_seconds() -> None:
    pacer = Pacer(10)
    now, _ = run(pacer, 0.0, 6, 0.25)
    now, _ = run(pacer, now, 45)
    assert pacer.fps == 5
    run(pacer, now, 10)
    assert pacer.fps == 10
    assert not pacer.slowed


def test_slow_panes_are_due_at_their_rate() -> None:
    pacer = Pacer(20, rates())
    counts = dict.fromkeys([*rates(), "ladder"], 0)
    for tick in range(200):
        for name in counts:
            counts[name] += pacer.due(name, tick * 0.05)
    assert counts["ladder"] == 200
    for name, rate in rates().items():
        assert abs(counts[name] - 10 * rate) <= 2, name
