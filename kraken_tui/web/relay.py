"""One feed passed on to many: answers subscriptions in the exchange's own words, out of what the feed has. No I/O.

Frames are passed on as the exchange wrote them, checksums included, so whoever reads them proves every book again.
Only what a reader begins with is written here: a book out of the session, with its checksum where it is proven, and
the newest rows of the other channels as they came.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from kraken_tui.feed.events import BookStateChanged, FeedEvent, Refused
from kraken_tui.feed.session import Session
from kraken_tui.market.events import BookState, Proof
from kraken_tui.recording.opening import RECENT_TRADES, book_frame
from kraken_tui.units import SECOND
from kraken_tui.wire.timestamps import format_timestamp
from kraken_tui.words import counted

MOST_PAIRS = 50
"""Pairs that are followed at once, those that visitors add included: as many as a screen has tabs."""

LINGER_S = 30.0
"""How long a pair is followed after the last visitor who added it has left it."""

AGAIN = 1013
"""Close code of a relay without its exchange: try again later."""

_PAIR_CHANNELS = ("book", "trade", "ticker", "ohlc")
_CANDLES = 720
_LONGEST_REASON = 110

Clock = Callable[[], tuple[int, int]]
"""(monotonic ns, wall clock ns)."""


class _Row(msgspec.Struct):
    symbol: str = ""
    id: str = ""
    interval: Any = None
    interval_begin: str = ""


class _Frame(msgspec.Struct):
    channel: str = ""
    type: str = ""
    data: msgspec.Raw = msgspec.Raw(b"[]")


class _Lists(msgspec.Struct):
    assets: list[msgspec.Raw] = []
    pairs: list[msgspec.Raw] = []


class _Request(msgspec.Struct):
    method: str
    params: dict[str, Any] = {}
    req_id: int | None = None


_frame = msgspec.json.Decoder(_Frame)
_rows = msgspec.json.Decoder(list[_Row])
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_row = msgspec.json.Decoder(_Row)
_lists = msgspec.json.Decoder(_Lists)
_request = msgspec.json.Decoder(_Request)


class Peer:
    """One reader of the relay.

    Args:
        send: Takes a frame for it; it must not wait.
        close: Ends its connection, with a close code and a reason.
    """

    def __init__(self, send: Callable[[bytes], None], close: Callable[[int, str], None]) -> None:
        self.send, self.close = send, close
        self.hears: dict[tuple[str, str], dict[str, Any]] = {}
        """Parameters by channel and symbol."""
        self.waits: set[tuple[str, str]] = set()
        """Those of them whose snapshot is still to come."""


class Relay:
    """Passes one session's frames on.

    Args:
        session: The feed.
        clock: Clocks.
        changed: Called after another pair was asked of the session, or one left.
    """

    def __init__(self, session: Session, clock: Clock, changed: Callable[[], None] = lambda: None) -> None:
        self._session, self._clock, self._changed = session, clock, changed
        self._peers: set[Peer] = set()
        self._added: dict[str, int] = {}
        self._refused: dict[tuple[str, str], str] = {}
        self._kept = 0
        self._forget()

    def _forget(self) -> None:
        self._status = b""
        self._assets: dict[str, msgspec.Raw] = {}
        self._pairs: dict[str, msgspec.Raw] = {}
        self._listed = False
        self._list = b""
        self._newest: dict[tuple[str, str], dict[str, msgspec.Raw]] = {}

    # -- the feed -----------------------------------------------------------------------------------------------

    def frame(self, data: bytes) -> None:
        """Take a frame of the exchange, before the session does."""
        try:
            frame = _frame.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            # Whoever reads it judges it: the session, and each peer for itself.
            self._to_all(data)
            return
        channel = frame.channel
        if channel in ("heartbeat", "status"):
            if channel == "status":
                self._status = data
            self._to_all(data)
        elif channel == "instrument":
            self._instruments(frame)
            self._pass_on(data, "instrument", [""], whole=frame.type == "snapshot")
        elif channel in _PAIR_CHANNELS:
            self._rows_of(channel, frame, data)

    def _to_all(self, data: bytes) -> None:
        for peer in list(self._peers):
            peer.send(data)

    def _rows_of(self, channel: str, frame: _Frame, data: bytes) -> None:
        try:
            rows = _rows.decode(frame.data)
        except (msgspec.MsgspecError, RecursionError):
            self._to_all(data)
            return
        if channel != "book":
            self._keep(channel, frame, rows)
        symbols = list(dict.fromkeys(row.symbol for row in rows))
        interval = rows[0].interval if rows and channel == "ohlc" else None
        self._pass_on(data, channel, symbols, whole=frame.type == "snapshot", interval=interval)

    def _pass_on(self, data: bytes, channel: str, symbols: list[str], *, whole: bool, interval: object = None) -> None:
        for peer in list(self._peers):
            for symbol in symbols:
                params = peer.hears.get((channel, symbol))
                if params is None or (interval is not None and params.get("interval", 1) != interval):
                    continue
                if whole:
                    peer.waits.discard((channel, symbol))
                elif channel == "book" and (channel, symbol) in peer.waits:
                    continue
                peer.send(data)
                break

    def _keep(self, channel: str, frame: _Frame, rows: list[_Row]) -> None:
        """Remember the newest rows, for whoever comes later."""
        most = {"ticker": 1, "trade": RECENT_TRADES}.get(channel, _CANDLES)
        begun: set[str] = set()
        for row, raw in zip(rows, _raws.decode(frame.data), strict=True):
            kept = self._newest.setdefault((channel, row.symbol), {})
            if frame.type == "snapshot" and row.symbol not in begun:
                begun.add(row.symbol)
                kept.clear()
            # A candle replaces the one of its time; trades follow one another, and of tickers there is one.
            self._kept += 1
            name = row.interval_begin if channel == "ohlc" else str(self._kept)
            kept.pop(name, None)
            kept[name] = raw.copy()
            while len(kept) > most:
                del kept[next(iter(kept))]

    def _instruments(self, frame: _Frame) -> None:
        try:
            lists = _lists.decode(frame.data)
            assets = {_row.decode(raw).id: raw.copy() for raw in lists.assets}
            pairs = {_row.decode(raw).symbol: raw.copy() for raw in lists.pairs}
        except (msgspec.MsgspecError, RecursionError):
            return
        if frame.type == "snapshot":
            self._assets, self._pairs, self._listed = {}, {}, True
        self._assets |= assets
        self._pairs |= pairs
        self._list = b""

    def take(self, events: Iterable[FeedEvent]) -> None:
        """Take what happened in the session, after a frame was applied."""
        for event in events:
            if isinstance(event, Refused):
                self._refuse(event)
            elif isinstance(event, BookStateChanged) and event.proof is not Proof.VERIFIED:
                self._unprove(event.symbol)

    def _unprove(self, symbol: str) -> None:
        """The session's book is not proven any more, perhaps for a reason that no frame shows, such as an audit."""
        pair = self._session.pairs.get(symbol)
        if pair is not None and pair.state is BookState.LIVE:
            # It is only being checked: its frames go on, and everybody judges them.
            return
        name = json.dumps(symbol)
        data = f'{{"channel":"book","type":"update","data":[{{"symbol":{name},"bids":[],"asks":[]}}]}}'.encode()
        self._pass_on(data, "book", [symbol], whole=False)

    def _refuse(self, event: Refused) -> None:
        self._refused[event.channel, event.symbol] = event.error
        for peer in list(self._peers):
            for channel, symbol in list(peer.hears):
                if symbol == event.symbol and event.channel in ("", channel):
                    del peer.hears[channel, symbol]
                    peer.waits.discard((channel, symbol))
                    peer.send(self._refusal("subscribe", event.error, None, symbol))

    def lost(self, cause: str) -> None:
        """The exchange is gone: nobody may take what was last said for what is."""
        self._forget()
        self._refused.clear()
        reason = f"exchange lost: {cause}".encode("ascii", "replace")[:_LONGEST_REASON].decode()
        for peer in list(self._peers):
            peer.close(AGAIN, reason)

    def tick(self) -> None:
        """Let time pass: leave pairs that nobody looks at any more."""
        now, wall = self._clock()
        heard = {symbol for peer in self._peers for _, symbol in peer.hears}
        for symbol in list(self._added):
            if symbol in heard:
                self._added[symbol] = now
            elif now - self._added[symbol] > LINGER_S * SECOND:
                del self._added[symbol]
                for known in (self._newest, self._refused):
                    for key in [key for key in known if key[1] == symbol]:
                        del known[key]
                self._session.unwant(symbol, now, wall)
                self._changed()

    # -- peers --------------------------------------------------------------------------------------------------

    def connect(self, peer: Peer) -> None:
        """A reader has come."""
        self._peers.add(peer)
        if self._status:
            peer.send(self._status)

    def disconnect(self, peer: Peer) -> None:
        """It has gone."""
        self._peers.discard(peer)

    def request(self, peer: Peer, data: bytes | str) -> None:
        """Answer a request of a reader."""
        try:
            asked = _request.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            peer.send(self._refusal(None, "Malformed request", None))
            return
        if asked.method == "ping":
            peer.send(self._answer({"method": "pong", "req_id": asked.req_id}))
        elif asked.method not in ("subscribe", "unsubscribe"):
            peer.send(self._refusal(asked.method, "Unsupported event", asked.req_id))
        else:
            self._subscription(peer, asked)

    def _subscription(self, peer: Peer, asked: _Request) -> None:
        channel, symbols = asked.params.get("channel"), asked.params.get("symbol")
        if channel == "instrument":
            symbols = [""]
        elif channel not in _PAIR_CHANNELS or not isinstance(symbols, list):
            peer.send(self._refusal(asked.method, "Unsupported event", asked.req_id))
            return
        for symbol in symbols:
            if not isinstance(symbol, str):
                continue
            if asked.method == "unsubscribe":
                known = peer.hears.pop((channel, symbol), None)
                peer.waits.discard((channel, symbol))
                problem = "Subscription Not Found" if known is None else ""
            else:
                problem = self._obstacle(peer, channel, symbol, asked.params)
            if problem:
                peer.send(self._refusal(asked.method, problem, asked.req_id, symbol))
                continue
            result = {name: value for name, value in asked.params.items() if name != "symbol"}
            peer.send(
                self._answer(
                    {
                        "method": asked.method,
                        "req_id": asked.req_id,
                        "result": result | ({"symbol": symbol} if symbol else {}),
                        "success": True,
                    }
                )
            )
            if asked.method == "subscribe":
                self._begin(peer, channel, symbol, asked.params)

    def _obstacle(self, peer: Peer, channel: str, symbol: str, params: dict[str, Any]) -> str:
        """Why a subscription is refused; "" if it is not."""
        if (channel, symbol) in peer.hears:
            return "Already subscribed"
        if channel == "instrument":
            return ""
        session = self._session
        pair = session.pairs.get(symbol)
        if channel == "book" and params.get("depth", 10) != (session.options.depth if pair is None else pair.depth):
            return f"Subscription depth not supported, this feed has {session.options.depth}"
        if pair is None and symbol not in self._added:
            if len(session.names) >= MOST_PAIRS:
                return f"Currency pair not supported {symbol}: {counted(MOST_PAIRS, 'pair')} are followed already"
            self._added[symbol] = self._clock()[0]
            session.want(symbol, *self._clock())
            self._changed()
        return self._refused.get(("", symbol)) or self._refused.get((channel, symbol), "")

    def _begin(self, peer: Peer, channel: str, symbol: str, params: dict[str, Any]) -> None:
        """Give a reader what it begins with, as far as it is known yet."""
        key = (channel, symbol)
        peer.hears[key] = params
        first = b""
        if channel == "instrument":
            first = self._instrument_frame() if self._listed else b""
        elif channel == "book":
            pair = self._session.pairs.get(symbol)
            first = book_frame(pair) if pair is not None and pair.state is BookState.LIVE else b""
        elif channel != "ohlc" or params.get("interval", 1) == self._session.options.interval:
            rows = self._newest.get(key, {}).values()
            first = _snapshot(channel, rows) if rows else b""
        if first:
            peer.send(first)
        else:
            peer.waits.add(key)

    def _instrument_frame(self) -> bytes:
        if not self._list:
            assets, pairs = (b",".join(map(bytes, rows.values())) for rows in (self._assets, self._pairs))
            self._list = b'{"channel":"instrument","type":"snapshot","data":{"assets":[%s],"pairs":[%s]}}' % (
                assets,
                pairs,
            )
        return self._list

    # -- answers ------------------------------------------------------------------------------------------------

    def _answer(self, fields: dict[str, Any]) -> bytes:
        # The exchange's clock as far as it was measured here: a reader's ages then count from there as well.
        at = format_timestamp(self._session.latency.venue_now(*self._clock()))
        given = {name: value for name, value in fields.items() if value is not None}
        return msgspec.json.encode({**given, "time_in": at, "time_out": at})

    def _refusal(self, method: str | None, error: str, req_id: int | None, symbol: str = "") -> bytes:
        fields = {"error": error, "method": method, "req_id": req_id, "success": False, "symbol": symbol or None}
        return self._answer(fields)


def _snapshot(channel: str, rows: Iterable[msgspec.Raw]) -> bytes:
    return b'{"channel":"%s","type":"snapshot","data":[%s]}' % (channel.encode(), b",".join(map(bytes, rows)))
