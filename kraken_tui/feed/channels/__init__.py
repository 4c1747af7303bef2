"""The channels of the exchange: one file and one row each.

To add one, write its file and add its row below; nothing else needs to know its name.
"""

from __future__ import annotations

from kraken_tui.feed.channels.book import BOOK
from kraken_tui.feed.channels.channel import Channel, Scope
from kraken_tui.feed.channels.instrument import INSTRUMENT
from kraken_tui.feed.channels.ohlc import OHLC
from kraken_tui.feed.channels.status import HEARTBEAT, STATUS
from kraken_tui.feed.channels.ticker import TICKER
from kraken_tui.feed.channels.trade import TRADE
from kraken_tui.feed.events import Refused
from kraken_tui.wire.decode import register

CHANNELS: dict[str, Channel] = {}
"""Every channel by name, in the order in which a pair's channels are subscribed."""


def add(channel: Channel) -> None:
    """Add a row to the table; sessions created from now on have it."""
    CHANNELS[channel.name] = channel
    register(channel.message, channel.by_rows)


def pair_channels() -> tuple[str, ...]:
    """Names of the channels subscribed for every pair, unless a program chooses fewer."""
    return tuple(name for name, channel in CHANNELS.items() if channel.scope is Scope.PAIR)


def leaves_no_book(refusal: Refused) -> bool:
    """Whether a pair has no book after a refusal: the whole pair was refused, or a channel that it always needs."""
    channel = CHANNELS.get(refusal.channel)
    return not refusal.channel or (channel is not None and channel.always)


for _row in (BOOK, TRADE, TICKER, OHLC, INSTRUMENT, STATUS, HEARTBEAT):
    add(_row)
