"""The last row: anything out of the ordinary, then the most important keys. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, Run, width_of


def draw_footer(picture: Picture, width: int, keys_for: Callable[[int], Sequence[tuple[str, str]]]) -> list[Line]:
    """Draw the row; a status is never cut to make room for keys.

    Args:
        picture: Gives the status.
        width: Cells.
        keys_for: (keys, label) of the commands that fit in so many cells.
    """
    runs: list[Run] = list(picture.status)
    for keys, label in keys_for(width - width_of(runs)):
        runs += [(f" {keys}", "accent"), (f" {label} ", "muted")]
    return [tuple(runs)]
