"""What the messages of a live connection do: each goes to the books, the subscriptions or the clock it belongs to.

Part of a `Session`, which owns the connection; here nothing is dialled, closed or timed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kraken_tui.feed.connection.watchdog import Watchdog
from kraken_tui.feed.events import Audited, Candles, Note, TickerChanged, Trades
from kraken_tui.feed.latency import LatencyTracker
from kraken_tui.feed.limits import Limits, ns
from kraken_tui.feed.pairs import APPLIED, Markets
from kraken_tui.feed.subscriptions import INSTRUMENT, Subscriptions
from kraken_tui.feed.wanted import Wishes
from kraken_tui.market.events import BookChanged
from kraken_tui.units import SECOND
from kraken_tui.wire.messages import (
    BookMessage,
    HeartbeatMessage,
    InstrumentMessage,
    Message,
    OhlcMessage,
    Pong,
    Refusal,
    StatusMessage,
    SubscribeAck,
    TickerMessage,
    TradeMessage,
    UnknownMessage,
)

Lose = Callable[[str, float], None]
"""(cause, seconds before the next dial at the earliest): ends the connection."""

_DATA = frozenset({BookChanged, Trades, TickerChanged, Candles, Audited})
_SKEW_NOTICE_NS = 2 * SECOND


class Intake:
    """Hands messages on.

    Args:
        limits: Every timer and limit.
        markets, subscriptions, wishes, latency, watchdog: Of the session.
        lose: Ends the connection.
        replay: The messages are those of a recording.

    Attributes:
        changed: Something happened that the state of the connection is made of; the session looks and resets it.
        ready: The instrument list of this connection has come.
        list_due: When the list, acknowledged, must have come, monotonic ns; None while nothing is due.
    """

    def __init__(
        self,
        limits: Limits,
        markets: Markets,
        subscriptions: Subscriptions,
        wishes: Wishes,
        latency: LatencyTracker,
        watchdog: Watchdog,
        lose: Lose,
        *,
        replay: bool,
    ) -> None:
        self.changed = False
        self.ready = False
        self.list_due: int | None = None
        self._list_tries = 0
        self._limits = limits
        self._markets = markets
        self._subscriptions = subscriptions
        self._wishes = wishes
        self._latency = latency
        self._watchdog = watchdog
        self._lose = lose
        self._replay = replay
        self._skew_noted = False
        self._handlers: dict[type, Callable[[Any, int, int], str]] = {
            BookMessage: self._on_book,
            HeartbeatMessage: lambda _message, _now, _wall: APPLIED,
            TradeMessage: self._on_trade,
            TickerMessage: self._on_ticker,
            OhlcMessage: self._on_ohlc,
            StatusMessage: lambda message, _now, wall: markets.on_status(message, wall),
            InstrumentMessage: self._on_instrument,
            SubscribeAck: self._on_ack,
            Refusal: self._on_refusal,
            Pong: self._on_pong,
            UnknownMessage: lambda message, _now, _wall: f"unknown: {message.kind}",
        }

    # -- the connection -----------------------------------------------------------------------------------------

    def opened(self) -> None:
        """A connection stands; the instrument list is the first thing it is asked for."""
        self.closed()
        self.list_due = None
        self._list_tries = 0
        self._subscriptions.want(INSTRUMENT, None, snapshot=True)

    def closed(self) -> None:
        """The connection is gone, and all that was agreed on it."""
        self.ready = False
        self._subscriptions.reset()

    def list_missing(self, now: int) -> bool:
        """Ask again for an instrument list that does not come; returns whether to give the connection up."""
        known = self._subscriptions.get(INSTRUMENT, None)
        if self.list_due is not None and now >= self.list_due:
            self.list_due = None
            self._list_tries += 1
            self._subscriptions.renew(INSTRUMENT, None)
        return self._list_tries >= self._limits.ack_retries or (known is not None and known.silent)

    # -- messages -----------------------------------------------------------------------------------------------

    def take(self, message: Message, now: int, wall_ns: int) -> str:
        """Take one message: what became of it, `APPLIED`, `REJECTED` or why it was ignored."""
        events = self._markets.events
        before = len(events)
        verdict = self._handlers[type(message)](message, now, wall_ns)
        # Book and subscription states are what the connection state is made of.
        for event in events[before:] if before else events:
            if type(event) not in _DATA:
                self.changed = True
                break
        return verdict

    def _on_book(self, message: BookMessage, now: int, wall_ns: int) -> str:
        if message.type == "snapshot":
            for data in message.data:
                self._confirm_by_data("book", data.symbol)
        verdict = self._markets.on_book(message, now, wall_ns, self._book_leaving)
        self._judge_lag(now)
        return verdict

    def _book_leaving(self, symbol: str) -> bool:
        """Whether a book's data belong to a subscription that is ended or was never asked for."""
        if self._replay:
            return False
        known = self._subscriptions.get("book", symbol)
        return known is None or known.leaving or not known.has_begun

    def _confirm_by_data(self, channel: str, symbol: str | None) -> None:
        if self._subscriptions.seen_data(channel, symbol) is not None:
            self.changed = True

    def _judge_lag(self, now: int) -> None:
        lag, self._markets.lag_ns = self._markets.lag_ns, None
        if lag is None or self._replay or self._latency.offset_ns is None:
            return
        before = self._watchdog.late
        cause = self._watchdog.lag(lag, now)
        if cause is not None:
            self._lose(cause, 0.0)
        elif self._watchdog.late is not before:
            self.changed = True

    def _on_trade(self, message: TradeMessage, now: int, wall_ns: int) -> str:
        for row in message.data[:1]:
            self._confirm_by_data("trade", row.symbol)
        return self._markets.on_trade(message, now, wall_ns)

    def _on_ticker(self, message: TickerMessage, now: int, wall_ns: int) -> str:
        for row in message.data[:1]:
            self._confirm_by_data("ticker", row.symbol)
        return self._markets.on_ticker(message, now, wall_ns)

    def _on_ohlc(self, message: OhlcMessage, _now: int, wall_ns: int) -> str:
        for row in message.data[:1]:
            # Candles of an earlier interval prove nothing about the one asked for now.
            if row.interval == self._markets.intervals.get(row.symbol):
                self._confirm_by_data("ohlc", row.symbol)
        return self._markets.on_ohlc(message, wall_ns)

    def _on_instrument(self, message: InstrumentMessage, now: int, wall_ns: int) -> str:
        verdict = self._markets.on_instrument(message, now, wall_ns)
        if message.type == "snapshot" and not self._replay:
            self._confirm_by_data(INSTRUMENT, None)
            self.list_due = None
            self.ready = True
        self.changed = True
        if self.ready:
            self._wishes.resolve(wall_ns)
        return verdict

    def _on_ack(self, ack: SubscribeAck, now: int, wall_ns: int) -> str:
        verdict = self._wishes.acknowledged(ack, now, wall_ns)
        if verdict == APPLIED and ack.channel == INSTRUMENT and ack.method == "subscribe" and not self.ready:
            self.list_due = now + ns(self._limits.snapshot_s)
        self.changed = True
        return verdict

    def _on_refusal(self, refusal: Refusal, now: int, wall_ns: int) -> str:
        verdict, fatal = self._wishes.refused(refusal, now, wall_ns)
        self.changed = True
        if fatal:
            self._lose(fatal, self._limits.slow_retry_s)
        return verdict

    def _on_pong(self, pong: Pong, now: int, wall_ns: int) -> str:
        if self._latency.ponged(pong, now, wall_ns):
            # Where no book moves, this alone tells that the line is late.
            self._markets.lag_ns = self._latency.lag_ns
            self._judge_lag(now)
            skew = self._latency.wall_offset_ns or 0
            if (abs(skew) > _SKEW_NOTICE_NS) is not self._skew_noted:
                self._skew_noted = not self._skew_noted
                text = f"this computer's clock is {skew / SECOND:+.1f} s off the exchange's; ages are corrected"
                self._markets.events.append(
                    Note(wall_ns, "warning", text if self._skew_noted else "the clocks agree again")
                )
        return APPLIED
