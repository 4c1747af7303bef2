import pytest

from kraken_tui.market.rates import RateMeter

SECOND = 1_000_000_000


def test_steady_rate() -> None:
    meter = RateMeter()
    assert meter.rate(0) == 0.0
    for tenth in range(200):
        meter.advance(tenth * SECOND // 10)
        meter.count(4)
    assert meter.rate(20 * SECOND) == pytest.approx(40, rel=0.06)


def test_start_does_not_exaggerate() -> None:
    meter = RateMeter()
    meter.advance(0)
    meter.count(3)
    assert meter.rate(SECOND // 10) == 3.0
    assert meter.rate(2 * SECOND) == 1.5


def test_silence_brings_it_to_zero() -> None:
    meter = RateMeter()
    meter.advance(0)
    meter.count(100)
    for second in range(1, 12):
        meter.advance(second * SECOND)
    assert meter.rate(11 * SECOND) == 0.0


def test_a_clock_that_steps_back_does_no_harm() -> None:
    meter = RateMeter()
    meter.advance(10 * SECOND)
    meter.count(5)
    meter.advance(2 * SECOND)
    assert meter.rate(2 * SECOND) == 5.0


@pytest.mark.parametrize("step_s", [-3600, -3, 3600])
def test_the_rate_is_right_a_window_after_the_clock_was_set(step_s: int) -> None:
    meter = RateMeter()
    for tenth in range(200):
        now = (7200 + (step_s if tenth >= 100 else 0)) * SECOND + tenth * SECOND // 10
        meter.advance(now)
        meter.count(4)
    assert meter.rate(now) == pytest.approx(40, rel=0.06)
