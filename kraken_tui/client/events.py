"""The events a program can listen to. `EVENTS` is the only list of them: a new one is one row here.

The engine's own events count in ticks and lots and are cheap to make. What a program gets is made from them in its own
thread, when it takes the event, so that the engine's thread does not pay for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kraken_tui.client import private, values
from kraken_tui.client.books import BestBidAsk, Book, BookLine, LevelChange
from kraken_tui.engine import events as engine
from kraken_tui.errors import ConfigurationError, KrakenError
from kraken_tui.feed import events as feed
from kraken_tui.feed.private import events as private_feed
from kraken_tui.market import events as market
from kraken_tui.market.orders import values as orders
from kraken_tui.market.plain import Value


class CandleChanged(Value, frozen=True, gc=False):
    """The running candle moved, or a candle closed (`candle.closed`)."""

    symbol: str
    candle: values.Candle


class TickerChanged(Value, frozen=True, gc=False):
    """The 24 hour figures of a pair."""

    symbol: str
    ticker: values.Ticker


class SpecChanged(Value, frozen=True, gc=False):
    """Reference data of a wanted pair became known or changed."""

    symbol: str
    spec: values.PairSpec


def _trade(told: engine.Priced) -> values.Trade:
    assert isinstance(told.event, market.Trade)
    return values.trade_of(told.event, told.spec)


def _candle(told: engine.Priced) -> CandleChanged:
    assert isinstance(told.event, market.CandleChanged)
    return CandleChanged(told.symbol, values.candle_of(told.symbol, told.event.candle, told.spec))


def _ticker(told: engine.Priced) -> TickerChanged:
    assert isinstance(told.event, feed.TickerChanged)
    return TickerChanged(told.symbol, values.ticker_of(told.event.ticker, told.spec))


def _flow(told: engine.Priced) -> values.FlowEvent:
    assert isinstance(told.event, market.FlowEvent)
    return values.flow_of(told.event, told.spec)


def _spec(told: feed.SpecChanged) -> SpecChanged:
    return SpecChanged(told.spec.symbol, values.spec_of(told.spec))


@dataclass(frozen=True, slots=True)
class Event:
    """One kind of event.

    Attributes:
        public: The type that a program asks for and gets.
        internal: The type that the engine's listeners get.
        convert: Makes the one of the other; None where they are the same.
        holds: Types found inside such an event that are not events themselves.
    """

    public: type
    internal: type
    convert: Callable[[Any], object] | None = None
    holds: tuple[type, ...] = ()


EVENTS = (
    Event(BookLine, engine.BookLine, BookLine, (Book, BestBidAsk, values.Quote, LevelChange)),
    Event(values.Trade, engine.PricedTrade, _trade),
    Event(CandleChanged, engine.PricedCandle, _candle, (values.Candle,)),
    Event(TickerChanged, engine.PricedTicker, _ticker, (values.Ticker,)),
    Event(values.FlowEvent, engine.PricedFlow, _flow),
    Event(SpecChanged, feed.SpecChanged, _spec, (values.PairSpec,)),
    Event(market.Health, market.Health),
    Event(feed.StateChanged, feed.StateChanged),
    Event(feed.BookStateChanged, feed.BookStateChanged, None, (market.BookState, market.Proof)),
    Event(feed.Resync, feed.Resync),
    Event(feed.Audited, feed.Audited),
    Event(feed.Refused, feed.Refused),
    Event(feed.SystemChanged, feed.SystemChanged),
    Event(engine.FrameRejected, engine.FrameRejected),
    Event(
        private.Level3Changed, private_feed.Level3Line, private.changed_of, (private.Level3Book, private.SingleOrder)
    ),
    Event(orders.OrderChanged, orders.OrderChanged, None, (orders.Order,)),
    Event(orders.FillSeen, orders.FillSeen, None, (orders.Fill,)),
    Event(orders.BalanceChanged, orders.BalanceChanged, None, (orders.Balance,)),
    Event(orders.StreamChanged, orders.StreamChanged),
    Event(private_feed.LinkChanged, private_feed.LinkChanged),
)
"""Every event but the errors (`KrakenError`), which are delivered as they are and only where they are asked for."""

_CONVERT = {event.internal: event.convert for event in EVENTS if event.convert is not None}
_converter = _CONVERT.get


def public(event: Any) -> Any:
    """What a program gets for an event of the engine."""
    convert = _converter(type(event))
    return event if convert is None else convert(event)


def internal_types(call: str, types: Iterable[object]) -> tuple[type, ...]:
    """The engine's types of the events that a program asks for, subclasses included.

    Args:
        call: Name of the method that was given them, for the message.
        types: Event types or bases of them; errors are asked for by `KrakenError` and its subclasses.

    Raises:
        ConfigurationError: One is not a type, or no event is of it; the text names the event that holds it, if any.
    """
    found: list[type] = []
    for wanted in types:
        if not isinstance(wanted, type):
            raise ConfigurationError(f"{call} takes event types, such as Trade")
        matching = [event.internal for event in EVENTS if issubclass(event.public, wanted)]
        if issubclass(wanted, KrakenError):
            matching.append(wanted)
        elif issubclass(KrakenError, wanted):
            matching.append(KrakenError)
        if not matching:
            raise ConfigurationError(f"{call} takes event types, and {wanted.__name__} is not one{_instead(wanted)}")
        found += matching
    return tuple(found)


def _instead(wanted: type) -> str:
    names = [event.public.__name__ for event in EVENTS if wanted in event.holds]
    return f"; ask for {' or '.join(names)}" if names else ", nor is any event of that type"


ALL = tuple(event.internal for event in EVENTS)
"""The engine's types of all events but errors."""
