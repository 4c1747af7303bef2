"""A venue whose every frame the test decides, and the slow reference book; written from the protocol alone."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from typing import Any
from zlib import crc32

from tests.rig.clock import SECOND, VENUE_START


def stamp(wall_ns: int) -> str:
    """RFC 3339 with microseconds, by the standard library's own means."""
    from datetime import UTC, datetime, timedelta

    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=wall_ns // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def decimal_text(units: int, precision: int) -> str:
    digits = str(units).rjust(precision + 1, "0")
    return f"{digits[:-precision]}.{digits[-precision:]}" if precision else digits


class SlowBook:
    """A book kept the slow, obvious way: two dictionaries, sorted again for every question."""

    def __init__(self, depth: int, price: int = 1, qty: int = 8) -> None:
        self.depth, self.price, self.qty = depth, price, qty
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}

    def apply(self, bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]) -> None:
        for side, changes, best_first in ((self.bids, bids, True), (self.asks, asks, False)):
            for ticks, lots in changes:
                if lots:
                    side[ticks] = lots
                else:
                    side.pop(ticks, None)
            for ticks in sorted(side, reverse=best_first)[self.depth :]:
                del side[ticks]

    def top(self) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
        return (
            tuple(sorted(self.bids.items(), reverse=True)),
            tuple(sorted(self.asks.items())),
        )

    def checksum(self) -> int:
        bids, asks = self.top()
        text = ""
        for ticks, lots in (*asks[:10], *bids[:10]):
            for number, precision in ((ticks, self.price), (lots, self.qty)):
                text += decimal_text(number, precision).replace(".", "").lstrip("0")
        return crc32(text.encode())

    def frame(
        self, symbol: str, kind: str, bids: Any, asks: Any, wall_ns: int, checksum: Any = "right", **extra: Any
    ) -> str:
        """A book frame with the wire's digits; `checksum` "right" is the true one, "none" leaves it out."""

        def side(levels: Any) -> str:
            return ",".join(
                f'{{"price":{decimal_text(t, self.price)},"qty":{decimal_text(q, self.qty)}}}' for t, q in levels
            )

        proof = self.checksum() if checksum == "right" else checksum
        tail = "" if checksum == "none" else f',"checksum":{json.dumps(proof)}'
        more = "".join(f",{json.dumps(key)}:{json.dumps(value)}" for key, value in extra.items())
        return (
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{symbol}","bids":[{side(bids)}],'
            f'"asks":[{side(asks)}]{tail},"timestamp":"{stamp(wall_ns)}"{more}}}]}}'
        )


class ScriptedVenue:
    """Answers requests like the exchange, with faults on request, and makes any frame on demand.

    For hours of a whole market, or for what happens on the way, there is the local exchange in a `World`.
    """

    def __init__(self, pairs: dict[str, tuple[int, int]] | None = None, seed: int = 1) -> None:
        self.pairs = pairs or {"BTC/USD": (1, 8), "ETH/USD": (2, 8)}
        self.rng = random.Random(seed)
        self.wall = VENUE_START
        self.requests: list[dict[str, Any]] = []
        self.subscribed: dict[tuple[str, str | None], dict[str, Any]] = {}
        self.books: dict[str, SlowBook] = {}
        self.mute_acks: set[str] = set()
        self.mute_snapshots: set[str] = set()
        self.wrong_checksums: dict[str, int] = {}
        self.refuse: dict[str, str] = {}
        self.pongs = True
        self.beats = True
        self.updates = True
        self.depths = (10, 25, 100, 500, 1000)
        self.next_trade = 100
        self._trade_times: dict[tuple[str, int], int] = {}

    def connect(self) -> ScriptedPeer:
        return ScriptedPeer(self)

    def disconnect(self, _: ScriptedPeer) -> None:
        self.subscribed.clear()

    def welcome(self, system: str = "online") -> str:
        data = {"api_version": "v2", "connection_id": 18125794168470749634, "system": system, "version": "2.0.10"}
        return json.dumps({"channel": "status", "type": "update", "data": [data]})

    def instruments(self, kind: str = "snapshot", only: str | None = None) -> str:
        rows = ",".join(
            f'{{"symbol":"{symbol}","base":"{symbol.split("/")[0]}","quote":"{symbol.split("/")[1]}",'
            f'"status":"online","price_precision":{price},"qty_precision":{qty},"price_increment":1e-{price:02d},'
            f'"qty_increment":1e-08,"qty_min":0.00005,"cost_precision":5,"cost_min":"0.5"}}'
            for symbol, (price, qty) in self.pairs.items()
            if only in (None, symbol)
        )
        return f'{{"channel":"instrument","type":"{kind}","data":{{"assets":[],"pairs":[{rows}]}}}}'

    def answer(self, text: str) -> list[str]:
        request = json.loads(text)
        self.requests.append(request)
        method, req_id = request["method"], request["req_id"]
        times = {"time_in": stamp(self.wall), "time_out": stamp(self.wall)}
        if method == "ping":
            return [json.dumps({"method": "pong", "req_id": req_id, **times})] if self.pongs else []
        params = request["params"]
        channel = params["channel"]
        frames: list[str] = []
        for symbol in params.get("symbol", [None]):
            frames += self._one(method, channel, symbol, params, req_id, times)
        return frames

    def _one(
        self, method: str, channel: str, symbol: str | None, params: dict[str, Any], req_id: int, times: dict[str, str]
    ) -> list[str]:
        def refusal(error: str) -> list[str]:
            fields = {"error": error, "method": method, "success": False, "symbol": symbol, "req_id": req_id, **times}
            return [json.dumps({key: value for key, value in fields.items() if value is not None})]

        key = (channel, symbol)
        if channel in self.refuse or symbol in self.refuse:
            return refusal(self.refuse.get(channel) or self.refuse[str(symbol)])
        if symbol is not None and symbol not in self.pairs:
            return refusal(f"Currency pair not supported {symbol}")
        if method == "unsubscribe":
            if key not in self.subscribed:
                return refusal("Subscription Not Found")
            del self.subscribed[key]
        elif key in self.subscribed:
            return refusal("Already subscribed")
        elif channel == "book" and params["depth"] not in self.depths:
            return refusal("Subscription depth not supported")
        else:
            self.subscribed[key] = params
        granted = {name: value for name, value in params.items() if name != "symbol"}
        if symbol is not None:
            granted["symbol"] = symbol
        ack = json.dumps({"method": method, "result": granted, "success": True, "req_id": req_id, **times})
        frames = [] if channel in self.mute_acks else [ack]
        if method == "subscribe" and channel not in self.mute_snapshots and symbol not in self.mute_snapshots:
            frames += self._snapshot(channel, symbol, params)
        return frames

    def _snapshot(self, channel: str, symbol: str | None, params: dict[str, Any]) -> list[str]:
        if channel == "instrument":
            return [self.instruments()]
        assert symbol is not None
        if channel == "book":
            return [self.book_snapshot(symbol, params["depth"])]
        if channel == "trade":
            return [self.trades(symbol, range(self.next_trade - 5, self.next_trade), "snapshot")]
        if channel == "ticker":
            return [self.ticker(symbol)]
        return [self.candle(symbol, params["interval"])]

    def book_snapshot(self, symbol: str, depth: int) -> str:
        price, qty = self.pairs[symbol]
        book = self.books[symbol] = SlowBook(depth, price, qty)
        bids = [(50_000 - 2 * i, self.rng.randrange(1, 10**9)) for i in range(depth)]
        asks = [(50_001 + 2 * i, self.rng.randrange(1, 10**9)) for i in range(depth)]
        book.apply(bids, asks)
        return book.frame(symbol, "snapshot", bids, asks, self.wall, self._proof(symbol))

    def book_update(self, symbol: str) -> str:
        book = self.books[symbol]
        is_bid = self.rng.random() < 0.5
        side = book.bids if is_bid else book.asks
        ticks = self.rng.choice(sorted(side, reverse=is_bid)[:10])
        change = [(ticks, self.rng.randrange(1, 10**9))]
        bids, asks = (change, []) if is_bid else ([], change)
        book.apply(bids, asks)
        return book.frame(symbol, "update", bids, asks, self.wall, self._proof(symbol))

    def _proof(self, symbol: str) -> Any:
        left = self.wrong_checksums.get(symbol, 0)
        if not left:
            return "right"
        self.wrong_checksums[symbol] = left - 1
        return (self.books[symbol].checksum() + 1) % 2**32

    def trades(self, symbol: str, ids: Iterable[int], kind: str = "update") -> str:
        price, qty = self.pairs[symbol]
        # The same trade delivered again has the same time.
        times = {number: self._trade_times.setdefault((symbol, number), self.wall) for number in ids}
        rows = ",".join(
            f'{{"symbol":"{symbol}","side":"buy","price":{decimal_text(50_000, price)},"qty":{decimal_text(7, qty)},'
            f'"ord_type":"limit","trade_id":{number},"timestamp":"{stamp(at)}"}}'
            for number, at in times.items()
        )
        return f'{{"channel":"trade","type":"{kind}","data":[{rows}]}}'

    def ticker(self, symbol: str, kind: str = "snapshot") -> str:
        bid, ask = (decimal_text(ticks, self.pairs[symbol][0]) for ticks in (50_000, 50_001))
        row = f'{{"symbol":"{symbol}","last":{bid},"bid":{bid},"ask":{ask},"change":-1.5,"change_pct":-0.17}}'
        return f'{{"channel":"ticker","type":"{kind}","data":[{row}]}}'

    def candle(self, symbol: str, interval: int) -> str:
        begin = stamp(self.wall // (60 * SECOND) * 60 * SECOND)
        row = (
            f'{{"symbol":"{symbol}","open":5000.0,"high":5001.0,"low":4999.0,"close":5000.5,"trades":3,"volume":1.5,'
            f'"vwap":5000.2,"interval_begin":"{begin}","interval":{interval},"timestamp":"{begin}"}}'
        )
        return f'{{"channel":"ohlc","type":"snapshot","timestamp":"{begin}","data":[{row}]}}'


class ScriptedPeer:
    """One connection to a scripted venue: a heartbeat a second, and an update of every book at each look."""

    closing = None

    def __init__(self, venue: ScriptedVenue) -> None:
        self._venue = venue
        self._opening = [venue.welcome()]
        self._next_beat = venue.wall + SECOND

    def on_message(self, text: str) -> list[str]:
        return self._venue.answer(text)

    def collect(self, _: int) -> list[str]:
        opening, self._opening = self._opening, []
        return opening

    def advance(self, now_ns: int) -> list[str]:
        venue = self._venue
        frames = self.collect(now_ns)
        if venue.beats and venue.subscribed and now_ns >= self._next_beat:
            self._next_beat = now_ns + SECOND
            frames.append('{"channel":"heartbeat"}')
        if venue.updates:
            frames += [
                venue.book_update(str(symbol))
                for channel, symbol in list(venue.subscribed)
                if channel == "book" and symbol in venue.books
            ]
        return frames
