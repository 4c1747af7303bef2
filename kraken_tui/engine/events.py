"""Events the engine adds to those of feed and market."""

from __future__ import annotations

import msgspec

from kraken_tui.market.events import BookChanged, Level
from kraken_tui.wire.symbols import PairSpec


class BookLine(msgspec.Struct, frozen=True, gc=False):
    """A book right after one message: what `stream` prints as one line.

    Attributes:
        changed: The message.
        bids, asks: Best levels after it, best first, as many as the listener asked for.
        spec: Precisions that turn ticks and lots back into the wire's text.
    """

    changed: BookChanged
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    spec: PairSpec

    @property
    def symbol(self) -> str:
        """v2 symbol."""
        return self.changed.symbol

    @property
    def verified(self) -> bool:
        """Whether the checksum after this message matched."""
        return self.changed.verified


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
