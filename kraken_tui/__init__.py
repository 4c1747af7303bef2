"""Live, checksum-proven Kraken order books: a terminal program, and its engine as a library.

The names of `__all__` are what a program may rely on; docs/LIBRARY.md describes them. They are imported when they
are first used, and none of them needs Textual.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kraken_tui._version import __version__

if TYPE_CHECKING:
    from kraken_tui.client.callbacks import Registration
    from kraken_tui.client.checks import ClientBuilder
    from kraken_tui.client.client import KrakenClient
    from kraken_tui.client.gaps import GapPolicy
    from kraken_tui.client.snapshots import BestBidAsk, Book, Connection, Latency, Quote, Stats
    from kraken_tui.client.streams import EventStream
    from kraken_tui.engine.backpressure import PRESETS, Backpressure, DropPolicy
    from kraken_tui.engine.events import BookLine, FrameRejected
    from kraken_tui.engine.listeners import ListenerCounts
    from kraken_tui.errors import (
        ChecksumMismatch,
        Configuration,
        ConfigurationError,
        ConnectionClosed,
        ConnectionFailed,
        EngineFailed,
        InvalidMessage,
        KrakenError,
        RateLimited,
        SubscriptionFailed,
        TimedOut,
    )
    from kraken_tui.feed.events import (
        BookStateChanged,
        Refused,
        Resync,
        SpecChanged,
        StateChanged,
        SystemChanged,
        TickerChanged,
    )
    from kraken_tui.market.events import (
        BookChanged,
        BookState,
        Candle,
        CandleChanged,
        FlowEvent,
        FlowKind,
        Health,
        MarketStatus,
        Proof,
        Side,
        Trade,
    )
    from kraken_tui.market.views import Ticker
    from kraken_tui.wire.symbols import PairSpec

_HOMES = {
    "engine.backpressure": ("PRESETS", "Backpressure", "DropPolicy"),
    "client.callbacks": ("Registration",),
    "client.client": ("KrakenClient",),
    "client.checks": ("ClientBuilder",),
    "engine.events": ("BookLine", "FrameRejected"),
    "client.gaps": ("GapPolicy",),
    "engine.listeners": ("ListenerCounts",),
    "client.snapshots": ("BestBidAsk", "Book", "Connection", "Latency", "Quote", "Stats"),
    "client.streams": ("EventStream",),
    "errors": (
        "ChecksumMismatch",
        "Configuration",
        "ConfigurationError",
        "ConnectionClosed",
        "ConnectionFailed",
        "EngineFailed",
        "InvalidMessage",
        "KrakenError",
        "RateLimited",
        "SubscriptionFailed",
        "TimedOut",
    ),
    "feed.events": (
        "BookStateChanged",
        "Refused",
        "Resync",
        "SpecChanged",
        "StateChanged",
        "SystemChanged",
        "TickerChanged",
    ),
    "market.events": (
        "BookChanged",
        "BookState",
        "Candle",
        "CandleChanged",
        "FlowEvent",
        "FlowKind",
        "Health",
        "MarketStatus",
        "Proof",
        "Side",
        "Trade",
    ),
    "market.views": ("Ticker",),
    "wire.symbols": ("PairSpec",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "PRESETS",
    "Backpressure",
    "BestBidAsk",
    "Book",
    "BookChanged",
    "BookLine",
    "BookState",
    "BookStateChanged",
    "Candle",
    "CandleChanged",
    "ChecksumMismatch",
    "ClientBuilder",
    "Configuration",
    "ConfigurationError",
    "Connection",
    "ConnectionClosed",
    "ConnectionFailed",
    "DropPolicy",
    "EngineFailed",
    "EventStream",
    "FlowEvent",
    "FlowKind",
    "FrameRejected",
    "GapPolicy",
    "Health",
    "InvalidMessage",
    "KrakenClient",
    "KrakenError",
    "Latency",
    "ListenerCounts",
    "MarketStatus",
    "PairSpec",
    "Proof",
    "Quote",
    "RateLimited",
    "Refused",
    "Registration",
    "Resync",
    "Side",
    "SpecChanged",
    "StateChanged",
    "Stats",
    "SubscriptionFailed",
    "SystemChanged",
    "Ticker",
    "TickerChanged",
    "TimedOut",
    "Trade",
    "__version__",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'kraken_tui' has no attribute {name!r}")
    value = getattr(import_module(f"kraken_tui.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
