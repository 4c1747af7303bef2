"""The numbers of a private channel's frames: one more with each frame, and a snapshot begins again."""

from __future__ import annotations

from enum import StrEnum

from kraken_tui.wire.messages import Kind


class Verdict(StrEnum):
    """What a frame's number says."""

    NEXT = "next"
    REPEATED = "repeated"
    GAP = "gap"


class Sequence:
    """Counts one channel's frames.

    Attributes:
        last: Number of the last frame taken; None before the first.
        repeated, gaps: Frames dropped because they came again or late, and holes.
        reason: The last hole, in words.
    """

    def __init__(self) -> None:
        self.last: int | None = None
        self.repeated = 0
        self.gaps = 0
        self.reason = ""

    def take(self, kind: Kind, number: int | None) -> Verdict:
        """Judge a frame; one that is repeated must not be applied.

        Whether numbers begin again after subscribing anew is not documented: a snapshot's number is taken as it is.
        """
        before = self.last
        if kind == "snapshot":
            self.last = number
            return Verdict.NEXT
        if number is None:
            # Without numbers nothing proves that nothing is missing.
            self.gaps += 1
            self.reason = "a frame without a sequence number"
            return Verdict.GAP
        if before is not None and number <= before:
            self.repeated += 1
            return Verdict.REPEATED
        self.last = number
        if before is not None and number == before + 1:
            return Verdict.NEXT
        self.gaps += 1
        self.reason = f"gap: expected {before + 1}, got {number}" if before is not None else "an update came first"
        return Verdict.GAP

    def reset(self) -> None:
        """Forget the number: the subscription is gone."""
        self.last = None
