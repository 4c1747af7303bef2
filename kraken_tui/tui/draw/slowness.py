"""Why fewer pictures are drawn than were asked for, as far as it was measured. Pure."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Cause(StrEnum):
    """What kept the pictures waiting."""

    TERMINAL = "terminal"
    PROGRAM = "program"
    OTHERS = "others"


class Slowness(msgspec.Struct, frozen=True):
    """Why the rate was lowered.

    Attributes:
        fps: Pictures a second now.
        cause: What took most of the time that was lost.
        share: Of the time measured, the part the terminal took (TERMINAL), or the program's processor time (else).
    """

    fps: float
    cause: Cause
    share: float


def slowness_text(slowness: Slowness) -> str:
    """What was measured; the terminal is named only where writing to it took the time."""
    share = f"{100 * slowness.share:.0f} %"
    why = {
        Cause.TERMINAL: f"the terminal took {share} of the time",
        Cause.PROGRAM: f"this program needed {share} of a processor",
        Cause.OTHERS: f"this program got {share} of a processor",
    }[slowness.cause]
    return f"drawing slowed to {slowness.fps:g} fps: {why}"
