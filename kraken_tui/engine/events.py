"""Events the engine adds to those of feed and market."""

from __future__ import annotations

import msgspec

from kraken_tui.feed.events import BookLine, TickerChanged
from kraken_tui.market.events import CandleChanged, FlowEvent, Trade
from kraken_tui.market.plain import Value
from kraken_tui.wire.symbols import PairSpec

__all__ = ["BookLine", "FrameRejected"]


class FrameRejected(Value, frozen=True, gc=False):
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


class Priced(msgspec.Struct, frozen=True, gc=False):
    """An event in ticks and lots with the precisions in force when it happened, so that it can be decoded at any time.

    Listeners get these in place of the bare events where `EngineOptions.transform` says so.
    """

    event: Trade | CandleChanged | TickerChanged | FlowEvent
    spec: PairSpec

    @property
    def symbol(self) -> str:
        """v2 symbol."""
        return self.event.symbol


class PricedTrade(Priced, frozen=True, gc=False):
    """A `Trade`. Each has a type of its own, since listeners choose events by type."""


class PricedCandle(Priced, frozen=True, gc=False):
    """A `CandleChanged`."""


class PricedTicker(Priced, frozen=True, gc=False):
    """A `TickerChanged`."""


class PricedFlow(Priced, frozen=True, gc=False):
    """A `FlowEvent`."""


PRICED: dict[type, type[Priced]] = {
    Trade: PricedTrade,
    CandleChanged: PricedCandle,
    TickerChanged: PricedTicker,
    FlowEvent: PricedFlow,
}
"""Events that need their precisions, each with the type that carries both."""
