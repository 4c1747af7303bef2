"""Sizes to brightness."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.tui.draw.heat_scale import LEVELS, Scale, scale_of

sizes = st.lists(st.just(0.0) | st.floats(1e-3, 1e15), max_size=60)


@given(sizes=sizes, cut=st.sampled_from([0.0, 55.0, 95.0]), linear=st.booleans())
def test_brightness_grows_with_size(sizes: list[float], cut: float, linear: bool) -> None:
    scale = scale_of(sizes, cut, linear=linear)
    if scale is None:
        assert not any(size > 0 for size in sizes)
        return
    levels = [scale.level(size) for size in sorted(sizes)]
    assert levels == sorted(levels)
    assert all(0 <= level < LEVELS for level in levels)
    assert all((level == 0) == (size <= 0) for level, size in zip(levels, sorted(sizes), strict=True))
    assert scale.level(max(sizes)) >= scale.level(scale.lower)


def test_walls_stand_out_and_half_is_ground() -> None:
    scale = scale_of([float(size) for size in range(1, 100)] + [5_000.0], linear=False)
    assert scale is not None
    assert scale.level(20) == 1
    assert scale.level(5_000) == LEVELS - 1
    assert scale.level(99) < LEVELS // 2 + 1


def test_sizes_that_hardly_differ_are_not_torn_apart() -> None:
    scale = scale_of([100.0, 101.0, 102.0])
    assert scale is not None
    assert scale.level(102) - scale.level(100) <= 1


def test_a_linear_scale_is_proportional() -> None:
    scale = Scale(10.0, 110.0, linear=True)
    assert scale.level(10) == 2
    assert scale.level(60) == 2 + (LEVELS - 3) // 2
    assert scale.level(110) == LEVELS - 1
