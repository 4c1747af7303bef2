"""How bright a size is drawn on a heatmap: cut-offs taken from the sizes themselves. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from math import log

import msgspec

LEVELS = 12
"""Steps of brightness, the roles "heat0" (nothing rests there) to "heat11" of every palette."""

LOWER_CUTS = (0.0, 30.0, 55.0, 70.0, 80.0, 90.0, 95.0)
"""Percentiles that the lower cut-off goes through; sizes below it are only just told from nothing."""

AUTOMATIC = 55.0
"""The lower cut-off unless another is chosen: half of the sizes are ground, so that the others stand out."""

UPPER_CUT = 99.7
"""Percentile of the upper cut-off; all above is drawn brightest."""

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
        if lots <= 0:
            return 0
        if lots < self.lower:
            return 1
        if lots >= self.upper:
            return LEVELS - 1
        if self.linear:
            part = (lots - self.lower) / (self.upper - self.lower)
        else:
            part = log(lots / self.lower) / log(self.upper / self.lower)
        return 2 + int(part * (LEVELS - 3))


def scale_of(sizes: Iterable[float], lower_cut: float = AUTOMATIC, *, linear: bool = False) -> Scale | None:
    """The scale for some sizes; None where there are none.

    Args:
        sizes: Lots of the cells on screen; those that are nothing do not count.
        lower_cut: Percentile of the lower cut-off.
        linear: As of the scale.
    """
    ordered = sorted(size for size in sizes if size > 0)
    if not ordered:
        return None
    lower = ordered[min(len(ordered) - 1, int(len(ordered) * lower_cut / 100))]
    upper = ordered[min(len(ordered) - 1, int(len(ordered) * UPPER_CUT / 100))]
    # Sizes that hardly differ must not be torn apart.
    return Scale(lower, max(upper, lower * _LEAST_RATIO), linear)
