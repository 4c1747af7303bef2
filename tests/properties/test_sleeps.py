"""Promise 2 after a sleep: a few sleeps on painted cells, and proof that a screen without STALE is noticed."""

from __future__ import annotations

import pytest

from kraken_tui.market.views import PairView
from tests.rig import sleeps
from tests.rig.painted import PaintedWorld, Painter, make_world


@pytest.mark.parametrize("seed", range(4))
def test_nothing_old_is_painted_as_fresh_after_a_sleep(seed: int) -> None:
    slept = sleeps.play(seed)
    assert not slept.failure, f"python -m tests.rig.sleeps --from {seed} --count {sleeps.SLEEPS}"
    assert slept.sleeps == sleeps.SLEEPS
    assert slept.screens > 100


class NeverStale(Painter):
    """Leaves out the one word."""

    def header(self, view: PairView) -> list[str]:
        return [row.replace("STALE", "age") for row in super().header(view)]


def test_a_screen_that_never_says_stale_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def lying(seed: int) -> PaintedWorld:
        world = make_world(seed)
        world.painter.__class__ = NeverStale
        return world

    monkeypatch.setattr(sleeps, "make_world", lying)
    assert any("fresh, and the newest frame that came is" in sleeps.play(seed).failure for seed in range(4))


def test_a_slow_recovery_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sleeps, "LIMIT_S", 0.001)
    assert "after waking" in sleeps.play(0).failure
