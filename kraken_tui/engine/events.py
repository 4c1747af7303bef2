"""Events the engine adds to those of feed and market."""

from __future__ import annotations

import msgspec

from kraken_tui.market.book import Level
from kraken_tui.market.events import BookChanged
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
