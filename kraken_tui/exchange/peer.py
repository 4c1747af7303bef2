"""One client's connection, seen from the exchange: requests in, frames out, no I/O (PROTOCOL.md sections 2 and 3)."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

from kraken_tui.exchange import frames
from kraken_tui.exchange.faults import Faults, Frame
from kraken_tui.exchange.history import INTERVALS
from kraken_tui.exchange.market import DEPTHS, Market, Topic
from kraken_tui.exchange.pairs import PairSpec

_PRIVATE_CHANNELS = ("executions", "balances", "level3")
_PRIVATE_METHODS = (
    "add_order",
    "amend_order",
    "edit_order",
    "cancel_order",
    "cancel_all",
    "cancel_all_orders_after",
    "batch_add",
    "batch_cancel",
)
_PRIVATE_HERE = "Private data and trading are unavailable on this endpoint. Try ws-auth.kraken.com"
_PUBLIC_THERE = "Public data is unavailable on this endpoint. Try ws.kraken.com"
_WARNINGS = {
    "ohlc": ["timestamp is deprecated, use interval_begin"],
    "instrument": ["tick_size is deprecated, use price_increment"],
}
_HEARTBEAT_NS = frames.NS
_MAX_HEARTBEATS = 600


class Refused(Exception):
    """A request that cannot be granted; the text is the exchange's own."""


class Host(Protocol):
    """What a connection asks of the exchange behind it; `Venue` is one."""

    @property
    def faults(self) -> Faults:
        """Faults on request."""

    @property
    def specs(self) -> Mapping[str, PairSpec]:
        """The pairs on offer, by symbol."""

    @property
    def system(self) -> str:
        """Status of the exchange."""

    @property
    def now_ns(self) -> int:
        """Present time, ns since the epoch."""

    def advance(self, now_ns: int) -> None:
        """Play every market somebody listens to up to `now_ns`."""

    def market(self, symbol: str) -> Market:
        """One market, up to date."""

    def instrument_snapshot(self) -> str:
        """Every asset and pair on offer, as a frame."""


class Peer:
    """One connection.

    Frames for it gather in a queue, in order, until `advance` or `on_message` hands them over.

    Args:
        venue: the exchange.
        connection_id: as told in `status`.

    Attributes:
        connection_id: unsigned 64-bit, above 2^53.
        closing: close code and reason, once the exchange wants the connection closed.
        hears_instruments: whether `instrument` is subscribed.
    """

    def __init__(self, venue: Host, connection_id: int) -> None:
        self.connection_id = connection_id
        self.closing: tuple[int, str] | None = None
        self.hears_instruments = False
        self._venue = venue
        self._outbox: list[Frame] = []
        self._held: list[str] = []
        self._topics: dict[tuple[str, str, int], Topic] = {}
        self._next_heartbeat_ns = 0
        self._last_request_ns = venue.now_ns
        self._recent: deque[int] = deque()
        self.push(frames.status_frame(venue.system, connection_id))

    # --- what the private endpoints do otherwise

    private = False
    """Whether this is a private endpoint."""

    where = ""
    """Which one: `l3`, `auth` or none."""

    def decode(self, text: str | bytes) -> Any:
        """JSON as a request is read here.

        Raises:
            ValueError: it is none.
        """
        return json.loads(text)

    def trade(self, _method: str, _params: Any, _req_id: int | None, _now_ns: int) -> None:
        """Answer a trading method.

        Raises:
            Refused: not granted.
        """
        raise Refused(_PRIVATE_HERE)

    def private_subscription(
        self, _method: str, _channel: str, _params: dict[str, Any], _req_id: int | None, _now_ns: int
    ) -> None:
        """Answer a subscription to a private channel.

        Raises:
            Refused: not granted.
        """
        raise Refused(_PRIVATE_HERE)

    # --- in and out

    def push(self, frame: Frame) -> None:
        """Queue a frame."""
        self._outbox.append(frame)

    def on_message(self, text: str | bytes) -> list[Frame]:
        """Take one request.

        Args:
            text: as received.

        Returns:
            Every frame now due, those queued before the answer first.
        """
        now_ns = self._venue.now_ns
        self._venue.advance(now_ns)
        self._last_request_ns = now_ns
        self._handle(text, now_ns)
        return self._drain()

    def advance(self, now_ns: int) -> list[Frame]:
        """Let time pass for the exchange and this connection.

        Args:
            now_ns: ns since the epoch.

        Returns:
            Every frame now due.
        """
        self._venue.advance(now_ns)
        return self.collect(now_ns)

    def collect(self, now_ns: int) -> list[Frame]:
        """As `advance`, for a caller that has advanced the venue itself."""
        faults = self._venue.faults
        if self._held and faults.acks == "send":
            self._outbox.extend(self._held)
            self._held.clear()
        if self._subscribed:
            self._beat(now_ns)
            return self._drain()
        self._next_heartbeat_ns = 0
        if (
            self.closing is None
            and faults.idle_timeout_s is not None
            and now_ns - self._last_request_ns > faults.idle_timeout_s * frames.NS
        ):
            self.closing = (1001, "inactivity")
        return self._drain()

    def drop_subscriptions(self) -> None:
        """Leave every market."""
        for (_, symbol, _), topic in self._topics.items():
            self._venue.market(symbol).leave(topic, self)
        self._topics.clear()
        self.hears_instruments = False

    @property
    def _subscribed(self) -> bool:
        return bool(self._topics) or self.hears_instruments

    def _beat(self, now_ns: int) -> None:
        """Once a second whatever else is sent, as observed (PROTOCOL.md section 2.2)."""
        if self._next_heartbeat_ns == 0:
            self._next_heartbeat_ns = now_ns + _HEARTBEAT_NS
        for _ in range(_MAX_HEARTBEATS):
            if self._next_heartbeat_ns > now_ns:
                return
            self._next_heartbeat_ns += _HEARTBEAT_NS
            if self._venue.faults.heartbeats:
                self.push(frames.HEARTBEAT)
        self._next_heartbeat_ns = now_ns + _HEARTBEAT_NS

    def _drain(self) -> list[Frame]:
        out, self._outbox = self._outbox, []
        faults = self._venue.faults
        if faults.muted:
            return []
        if faults.rewrite is None:
            return out
        return [frame for frame in map(faults.rewrite, out) if frame is not None]

    def _answer(self, frame: str) -> None:
        how = self._venue.faults.acks
        if how == "send":
            self.push(frame)
        elif how == "hold":
            self._held.append(frame)

    # --- requests

    def _handle(self, text: str | bytes, now_ns: int) -> None:
        try:
            request = self.decode(text)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            self._answer(frames.refusal_frame("Malformed request", None, now_ns, now_ns + 21_000, None))
            return
        method = request.get("method")
        req_id = request.get("req_id")
        if not isinstance(req_id, int) or isinstance(req_id, bool):
            req_id = None
        try:
            if self._too_fast(now_ns):
                raise Refused("Exceeded msg rate")
            if method == "ping":
                self._ping(request, req_id, now_ns)
            elif method in ("subscribe", "unsubscribe"):
                self._subscription(method, request.get("params"), req_id, now_ns)
            elif method in _PRIVATE_METHODS:
                self.trade(method, request.get("params"), req_id, now_ns)
            else:
                raise Refused("Unsupported event")
        except Refused as refused:
            name = method if isinstance(method, str) else None
            self._answer(frames.refusal_frame(str(refused), name, now_ns, now_ns + 34_000, req_id))

    def _too_fast(self, now_ns: int) -> bool:
        limit = self._venue.faults.message_rate
        if limit is None:
            return False
        while self._recent and now_ns - self._recent[0] >= frames.NS:
            self._recent.popleft()
        if len(self._recent) >= limit:
            return True
        self._recent.append(now_ns)
        return False

    def _ping(self, request: dict[str, Any], req_id: int | None, now_ns: int) -> None:
        for key in request:
            if key not in ("method", "req_id"):
                raise Refused(f"Unsupported field: '{key}' for the given msg type: ping")
        self._answer(frames.pong_frame(now_ns, now_ns + 12_000, req_id))

    def _subscription(self, method: str, params: Any, req_id: int | None, now_ns: int) -> None:
        """One acknowledgement or refusal per symbol (PROTOCOL.md section 3)."""
        params = params if isinstance(params, dict) else {}
        channel = params.get("channel")
        if channel in _PRIVATE_CHANNELS:
            self.private_subscription(method, channel, params, req_id, now_ns)
            return
        if self.private:
            raise Refused(_PUBLIC_THERE)
        if channel == "instrument":
            self._instrument(method, params, req_id, now_ns)
            return
        if channel not in ("book", "trade", "ticker", "ohlc"):
            raise Refused("Unsupported event")
        symbols = params.get("symbol")
        if symbols is None or symbols == []:
            raise Refused("Symbol(s) not found")
        if not isinstance(symbols, list):
            raise Refused("Symbol field must be an array")
        for symbol in symbols:
            try:
                if method == "subscribe":
                    self._subscribe(channel, symbol, params, req_id, now_ns)
                else:
                    self._unsubscribe(channel, symbol, params, req_id, now_ns)
            except Refused as refused:
                self._answer(frames.refusal_frame(str(refused), method, now_ns, now_ns + 34_000, req_id, symbol))

    def _instrument(self, method: str, params: dict[str, Any], req_id: int | None, now_ns: int) -> None:
        joining = method == "subscribe"
        if joining and self.hears_instruments:
            raise Refused("Already subscribed")
        if not joining and not self.hears_instruments:
            raise Refused("Subscription Not Found")
        self.hears_instruments = joining
        result: dict[str, Any] = {"channel": "instrument"}
        snapshot = flag(params, "snapshot", True)
        if joining:
            result |= {"snapshot": snapshot, "warnings": _WARNINGS["instrument"]}
            self._start_heartbeats(now_ns)
        self._answer(frames.success_frame(method, result, now_ns, now_ns + 31_000, req_id))
        if joining and snapshot:
            self.push(self._venue.instrument_snapshot())

    def _subscribe(self, channel: str, symbol: Any, params: dict[str, Any], req_id: int | None, now_ns: int) -> None:
        topic = _topic(channel, params)
        self._check(symbol)
        key = _key(channel, symbol, topic)
        if key in self._topics:
            raise Refused("Already subscribed")
        market = self._venue.market(symbol)
        snapshot = flag(params, "snapshot", channel != "trade")
        result = {"channel": channel, **_granted(topic), "snapshot": snapshot, "symbol": symbol}
        if channel in _WARNINGS:
            result["warnings"] = _WARNINGS[channel]
        self._topics[key] = topic
        market.join(topic, self)
        self._start_heartbeats(now_ns)
        self._answer(frames.success_frame("subscribe", result, now_ns, now_ns + 38_000, req_id))
        if not snapshot:
            return
        if channel == "book":
            book = market.book_snapshot(int(topic[1]))
            if book is not None:
                self.push(book)
        elif channel == "trade":
            self.push(market.trade_snapshot())
        elif channel == "ticker":
            self.push(market.ticker_snapshot())
        else:
            self.push(market.ohlc_snapshot(int(topic[1])))

    def _unsubscribe(self, channel: str, symbol: Any, params: dict[str, Any], req_id: int | None, now_ns: int) -> None:
        topic = _topic(channel, params)
        self._check(symbol)
        key = _key(channel, symbol, topic)
        held = self._topics.get(key)
        # An unsubscribe of a ticker that names no trigger means `trades`, the documented default, also here.
        named = channel == "ticker" or (channel == "book" and "depth" in params)
        if held is None or (named and held != topic):
            raise Refused("Subscription Not Found")
        del self._topics[key]
        self._venue.market(symbol).leave(held, self)
        result = {"channel": channel, **_granted(held), "symbol": symbol}
        self._answer(frames.success_frame("unsubscribe", result, now_ns, now_ns + 29_000, req_id))

    def _check(self, symbol: Any) -> None:
        if not isinstance(symbol, str) or "/" not in symbol:
            raise Refused(f"Currency pair not in ISO 4217-A3 format {symbol}")
        spec = self._venue.specs.get(symbol)
        if spec is None or spec.status == "delisted":
            raise Refused(f"Currency pair not supported {symbol}")

    def _start_heartbeats(self, now_ns: int) -> None:
        if self._next_heartbeat_ns == 0:
            self._next_heartbeat_ns = now_ns + _HEARTBEAT_NS


def _topic(channel: str, params: dict[str, Any]) -> Topic:
    """What is asked for, checked.

    Raises:
        Refused: a depth, interval or trigger that is not on offer.
    """
    if channel == "book":
        depth = params.get("depth", 10)
        if type(depth) is not int or depth not in DEPTHS:
            raise Refused("Subscription depth not supported")
        return ("book", depth)
    if channel == "ohlc":
        interval = params.get("interval", 1)
        if type(interval) is not int or interval not in INTERVALS:
            raise Refused("Subscription ohlc interval not supported")
        return ("ohlc", interval)
    if channel == "ticker":
        trigger = params.get("event_trigger", "trades")
        if trigger not in ("trades", "bbo"):
            raise Refused("Event_trigger not supported")
        return ("ticker", trigger)
    return ("trade", "")


def _key(channel: str, symbol: str, topic: Topic) -> tuple[str, str, int]:
    """What may be subscribed once: one depth and one trigger per symbol, but any number of intervals."""
    return (channel, symbol, int(topic[1]) if channel == "ohlc" else 0)


def _granted(topic: Topic) -> dict[str, Any]:
    name, value = topic
    field = {"book": "depth", "ohlc": "interval", "ticker": "event_trigger"}.get(name)
    return {} if field is None else {field: value}


def flag(params: dict[str, Any], name: str, default: bool) -> bool:
    value = params.get(name, default)
    if not isinstance(value, bool):
        raise Refused(f"{name.capitalize()} field must be a boolean")
    return value
