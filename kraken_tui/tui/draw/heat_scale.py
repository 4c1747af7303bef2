"""How bright a size is drawn on a heatmap: cut-offs taken from the sizes themselves. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache

import msgspec

LEVELS = 12
"""Steps of brightness, the roles "heat0" (nothing rests there) to "heat11" of every palette."""

LOWER_CUTS = (0.0, 30.0, 55.0, 70.0, 80.0, 90.0, 95.0)
"""Percentiles that the lower cut-off goes through; sizes below it are only just told from nothing."""

AUTOMATIC = 55.0
"""The lower cut-off unless another is chosen, at the least: half of the sizes are dark, so the others stand out."""

UPPER_CUT = 99.7
"""Percentile of the upper cut-off; all above is drawn brightest."""

AUTOMATIC_SPAN = 32.0
"""Automatic, the upper cut-off is at most so many times the lower one: dust must not take the middle of the ramp."""

_LEAST_RATIO = 4.0


class Scale(msgspec.Struct, frozen=True, gc=False):
    """Lots to brightness.

    Attributes:
        lower, upper: Cut-offs, lots; `upper` is greater.
        linear: Whether brightness grows with the size rather than its logarithm.
    """

    lower: float
    upper: float
    linear: bool = False

    def level(self, lots: float) -> int:
        """Brightness of a size, 0 to `LEVELS` - 1."""
        return 1 + bisect_right(steps_of(self), lots) if lots > 0 else 0


@lru_cache(maxsize=64)
def steps_of(scale: Scale) -> tuple[float, ...]:
    """The sizes in lots at which each brightness from 2 to `LEVELS` - 1 begins."""
    count, lower, upper = LEVELS - 3, scale.lower, scale.upper
    if scale.linear:
        between = [lower + (upper - lower) * number / count for number in range(1, count)]
    else:
        between = [lower * (upper / lower) ** (number / count) for number in range(1, count)]
    return (lower, *between, upper)


def scale_of(sizes: Iterable[float], lower_cut: float | None = None, *, linear: bool = False) -> Scale | None:
    """The scale for some sizes; None where there are none.

    Args:
        sizes: Lots of the cells on screen; those that are nothing do not count.
        lower_cut: Percentile of the lower cut-off; None for automatic.
        linear: As of the scale.
    """
    ordered = sorted(size for size in sizes if size > 0)
    if not ordered:
        return None
    most = len(ordered) - 1
    lower = ordered[min(most, int(len(ordered) * (AUTOMATIC if lower_cut is None else lower_cut) / 100))]
    upper = ordered[min(most, int(len(ordered) * UPPER_CUT / 100))]
    if lower_cut is None:
        lower = max(lower, upper / AUTOMATIC_SPAN)
    # Sizes that hardly differ must not be torn apart.
    return Scale(lower, max(upper, lower * _LEAST_RATIO), linear)
