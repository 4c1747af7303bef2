"""A slow, plain client for the tests: it believes only PROTOCOL.md and shares no line with the exchange."""

from __future__ import annotations

import json
import zlib
from decimal import Decimal
from typing import Any

from kraken_tui.exchange import Peer, Venue

START_NS = 1_790_000_007_654_321_000
SECOND = 1_000_000_000


class Clock:
    """A clock that is moved by hand, ns."""

    def __init__(self, ns: int = START_NS) -> None:
        self.ns = ns

    def __call__(self) -> int:
        return self.ns


class Client:
    """A venue, a connection and what came over it, in virtual time."""

    def __init__(self, venue: Venue | None = None, clock: Clock | None = None, **options: Any) -> None:
        self.clock = clock or Clock()
        self.venue = venue or Venue(clock=self.clock, **options)
        self.peer: Peer = self.venue.connect()
        self.opening = self.peer.advance(self.clock.ns)

    def ask(self, method: str, req_id: int | None = None, **params: Any) -> list[str]:
        """Send a request with params; the frames that came back."""
        request: dict[str, Any] = {"method": method, "params": params}
        if req_id is not None:
            request["req_id"] = req_id
        return self.peer.on_message(json.dumps(request))

    def subscribe(self, channel: str, *symbols: str, **params: Any) -> list[str]:
        return self.ask("subscribe", channel=channel, symbol=list(symbols), **params)

    def run(self, seconds: float, step_ms: int = 30) -> list[str]:
        """Let time pass in small steps; every frame."""
        out: list[str] = []
        for _ in range(max(1, round(seconds * 1000 / step_ms))):
            self.clock.ns += step_ms * 1_000_000
            out += self.peer.advance(self.clock.ns)
        return out


def parsed(frame: str) -> dict[str, Any]:
    """A frame with every number as its own text."""
    return json.loads(frame, parse_float=str, parse_int=str)


def channel(frames: list[str], name: str) -> list[dict[str, Any]]:
    """The frames of one channel, parsed."""
    return [f for f in map(parsed, frames) if f.get("channel") == name]


def checksum(asks: list[tuple[str, str]], bids: list[tuple[str, str]]) -> int:
    """PROTOCOL.md section 4.3, letter by letter."""
    text = ""
    for levels in (asks, bids):
        for level in levels[:10]:
            for number in level:
                text += number.replace(".", "").lstrip("0")
    return zlib.crc32(text.encode())


class ReferenceBook:
    """One book kept as PROTOCOL.md section 4.2 says: in array order, then truncated, then checked."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.sides: dict[str, dict[Decimal, tuple[str, str]]] = {"bids": {}, "asks": {}}
        self.timestamp = ""
        self.checked = 0

    def apply(self, frame: dict[str, Any]) -> None:
        [data] = frame["data"]
        if frame["type"] == "snapshot":
            for side in self.sides.values():
                side.clear()
        else:
            assert data["bids"] or data["asks"], "an update that says nothing"
            assert data["timestamp"] > self.timestamp, "timestamps must rise"
        self.timestamp = data["timestamp"]
        for name, side in self.sides.items():
            for entry in data[name]:
                price = Decimal(entry["price"])
                if Decimal(entry["qty"]) == 0:
                    side.pop(price, None)
                else:
                    side[price] = (entry["price"], entry["qty"])
            for price in sorted(side, reverse=name == "bids")[self.depth :]:
                del side[price]
        actual = checksum(self.levels("asks"), self.levels("bids"))
        assert actual == int(data["checksum"])
        self.checked += 1

    def levels(self, name: str) -> list[tuple[str, str]]:
        side = self.sides[name]
        return [side[price] for price in sorted(side, reverse=name == "bids")]


def true_levels(venue: Venue, symbol: str, depth: int) -> dict[str, list[tuple[str, str]]]:
    """The exchange's own book, as text made here."""
    market = venue.market(symbol)
    price, qty = market.spec.price_precision, market.spec.qty_precision
    book = market.simulator.book

    def text(value: int, decimals: int) -> str:
        return f"{Decimal(value).scaleb(-decimals):.{decimals}f}"

    return {
        name: [(text(ticks, price), text(lots, qty)) for ticks, lots in side.levels(depth)]
        for name, side in (("bids", book.bids), ("asks", book.asks))
    }
