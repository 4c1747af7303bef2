"""The screen slows down with the terminal and recovers."""

from __future__ import annotations

import pytest

from kraken_tui.tui.draw.slowness import Cause, Slowness, slowness_text
from kraken_tui.tui.paint.pacing import Pacer, Spent
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


@pytest.mark.parametrize("fps", [1, 2, 5, 10, 20, 60])
def test_slow_panes_are_due_at_their_rate_or_up_to_twice_as_often(fps: int) -> None:
    pacer = Pacer(fps, rates())
    counts = dict.fromkeys([*rates(), "ladder"], 0)
    for _ in range(64 * fps):
        pacer.begin()
        for name in counts:
            counts[name] += pacer.due(name)
    assert counts["ladder"] == 64 * fps
    for name, rate in rates().items():
        assert min(rate, fps) * 64 - 1 <= counts[name] <= min(2 * rate, fps) * 64 + 1, name


@pytest.mark.parametrize("fps", [1, 7, 10, 25, 60])
def test_a_slower_pane_is_drawn_only_together_with_the_faster_ones(fps: int) -> None:
    pacer = Pacer(fps, {"a": 5.0, "b": 3.0, "c": 2.0, "d": 0.5})
    for _ in range(500):
        pacer.begin()
        due = [pacer.due(name) for name in "abcd"]
        assert due == sorted(due, reverse=True)


def slowed(writing: float, working: float) -> Slowness:
    """Why a screen slowed down whose ticks took 0.25 s instead of 0.1 s, of which so much was spent so."""
    pacer = Pacer(10)
    for tick in range(20):
        if pacer.tick(tick * 0.25, Spent(tick * writing, tick * working)):
            break
    assert pacer.slowness is not None
    return pacer.slowness


@pytest.mark.parametrize(
    ("writing", "working", "cause", "share", "text"),
    [
        (0.2, 0.02, Cause.TERMINAL, 0.8, "drawing slowed to 5 fps: the terminal took 80 % of the time"),
        (0.01, 0.24, Cause.PROGRAM, 0.96, "drawing slowed to 5 fps: this program needed 96 % of a processor"),
        (0.0, 0.05, Cause.OTHERS, 0.2, "drawing slowed to 5 fps: this program got 20 % of a processor"),
        # A tenth of the period in writing is not what made it two and a half periods.
        (0.05, 0.05, Cause.OTHERS, 0.2, "drawing slowed to 5 fps: this program got 20 % of a processor"),
    ],
)
def test_who_is_blamed_was_measured(writing: float, working: float, cause: Cause, share: float, text: str) -> None:
    slowness = slowed(writing, working)
    assert (slowness.cause, round(slowness.share, 6), slowness_text(slowness)) == (cause, share, text)


def test_at_full_rate_nobody_is_blamed() -> None:
    pacer = Pacer(10)
    now, _ = run(pacer, 0.0, 6, 0.25)
    assert pacer.slowness is not None
    run(pacer, now, 60)
    assert (pacer.fps, pacer.slowness) == (10, None)
