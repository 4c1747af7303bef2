"""Events the engine adds to those of feed and market."""

from __future__ import annotations

import msgspec

from kraken_tui.feed.events import BookLine

__all__ = ["BookLine", "FrameRejected"]


class FrameRejected(msgspec.Struct, frozen=True, gc=False):
    """A frame could not be read or held unacceptable values.

    Attributes:
        ns: When, wall clock.
        symbol: The pair it was about, None where the frame as a whole could not be read.
        reason: One short clause.
        count: Frames rejected since the start.
    """

    ns: int
    symbol: str | None
    reason: str
    count: int
