"""What keys change about heatmap, profile and pull/stack, each with the words that confirm it. Pure."""

from __future__ import annotations

from kraken_tui.market.history.columns import WIDTHS_NS, Weighing
from kraken_tui.settings import PULL_WINDOWS
from kraken_tui.tui.draw.heat_scale import AUTOMATIC, LOWER_CUTS
from kraken_tui.tui.draw.picture import BookChoices, HeatChoices
from kraken_tui.words import time_span


def zoom(heat: HeatChoices, steps: int, *, strip: bool) -> str:
    """Make columns shorter (+1) or longer (-1).

    Args:
        heat: The choices.
        steps: Widths to go on by.
        strip: Whether the strip beside the book is meant.

    Returns:
        What to say.
    """
    current = heat.strip_ns if strip else heat.column_ns
    at = WIDTHS_NS.index(current) - steps
    if not 0 <= at < len(WIDTHS_NS):
        return f"{time_span(current)} is the {'longest' if steps < 0 else 'shortest'} column there is."
    if strip:
        heat.strip_ns = WIDTHS_NS[at]
    else:
        heat.column_ns = WIDTHS_NS[at]
    return f"Heatmap: {time_span(WIDTHS_NS[at])} a column."


def cut(heat: HeatChoices, direction: int) -> str:
    """Raise (+1) or lower (-1) the lower cut-off; beyond either end it is automatic.

    Returns:
        What to say.
    """
    at = LOWER_CUTS.index(AUTOMATIC if heat.cut is None else heat.cut) + direction
    heat.cut = LOWER_CUTS[at] if 0 <= at < len(LOWER_CUTS) else None
    if heat.cut is None:
        return "Heatmap: automatic cut-offs."
    if not heat.cut:
        return "Heatmap: every size is told from nothing, none is cut off."
    return f"Heatmap: sizes below the {heat.cut:g}th percentile are dark."


def weigh(heat: HeatChoices) -> str:
    """Let a cell tell the greatest instead of the average size of its column, or the average again.

    Returns:
        What to say.
    """
    if heat.weighing == Weighing.AVERAGE:
        heat.weighing = Weighing.GREATEST.value
        return "Heatmap: a cell is the greatest size of its column."
    heat.weighing = Weighing.AVERAGE.value
    return "Heatmap: a cell is the size of its column averaged over time."


def form(heat: HeatChoices) -> str:
    """Let brightness grow with the size instead of its logarithm, or the logarithm again.

    Returns:
        What to say.
    """
    heat.linear = not heat.linear
    return f"Heatmap: brightness grows with the {'size' if heat.linear else 'logarithm of the size'}."


def profile(heat: HeatChoices) -> str:
    """Take the volume profile over the time on screen instead of the session, or the session again.

    Returns:
        What to say.
    """
    heat.profile_seen = not heat.profile_seen
    return f"Volume profile of the {'time on screen' if heat.profile_seen else 'session'}."


def pulls(choices: BookChoices) -> str:
    """Take pull and stack over the next longer window; after the longest leave them out.

    Returns:
        What to say.
    """
    windows = (*PULL_WINDOWS, 0)
    choices.pull_s = windows[(windows.index(choices.pull_s) + 1) % len(windows)]
    # Asked for, the column is shown even where it takes the place of the traded volume.
    choices.pull_first = bool(choices.pull_s)
    return f"Pull/stack over {choices.pull_s} s." if choices.pull_s else "Pull/stack is left out."
