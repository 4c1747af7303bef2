"""A slow, plain client of the private side: it believes only the documentation and shares no line with the exchange."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import zlib
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from kraken_tui.exchange import DEMO_KEY, DEMO_SECRET, ApiKey, Peer, Venue
from kraken_tui.exchange.private_rest import PrivateRest

from .reference import Clock, ReferenceBook, parsed

PRECISION = {"BTC/USD": (1, 8), "ETH/USD": (2, 8)}


def sign(secret: str, path: str, nonce: str, body: str) -> str:
    inner = hashlib.sha256((nonce + body).encode()).digest()
    mac = hmac.new(base64.b64decode(secret), path.encode() + inner, hashlib.sha512)
    return base64.b64encode(mac.digest()).decode()


class Level3Client:
    """The rules by which a copy stays true, one order at a time."""

    def __init__(self, depth: int, symbol: str = "BTC/USD") -> None:
        self.depth = depth
        self.price_digits, self.qty_digits = PRECISION[symbol]
        self.sides: dict[str, list[tuple[str, Decimal, Decimal]]] = {"bids": [], "asks": []}
        self.checked = 0
        self.unknown = 0
        self.events: dict[str, int] = {}

    def apply(self, frame: dict[str, Any]) -> None:
        (row,) = frame["data"]
        if frame["type"] == "snapshot":
            self.sides = {"bids": [], "asks": []}
        for name in ("bids", "asks"):
            entries = row[name]
            adds = sorted((e for e in entries if e.get("event", "add") == "add"), key=lambda e: e["timestamp"])
            if frame["type"] == "snapshot":
                adds = entries
            sorted_adds = iter(adds)
            for entry in entries:
                event = entry.get("event", "add")
                self._one(name, event, next(sorted_adds) if event == "add" else entry)
            self._cut(name)
        assert self.crc() == int(row["checksum"]), (frame["type"], row["symbol"])
        self.checked += 1

    def _one(self, name: str, event: str, entry: dict[str, Any]) -> None:
        self.events[event] = self.events.get(event, 0) + 1
        side = self.sides[name]
        at = next((i for i, order in enumerate(side) if order[0] == entry["order_id"]), None)
        new = (entry["order_id"], Decimal(entry["limit_price"]), Decimal(entry["order_qty"]))
        if event == "add":
            if at is not None:
                del side[at]
            side.append(new)
        elif at is None:
            self.unknown += 1
        elif event == "delete":
            assert new[2] > 0
            del side[at]
        else:
            assert side[at][1] == new[1]
            side[at] = new

    def levels(self, name: str) -> list[tuple[Decimal, list[tuple[str, Decimal, Decimal]]]]:
        found: dict[Decimal, list[tuple[str, Decimal, Decimal]]] = {}
        for order in self.sides[name]:
            found.setdefault(order[1], []).append(order)
        return sorted(found.items(), reverse=name == "bids")

    def _cut(self, name: str) -> None:
        kept = {price for price, _ in self.levels(name)[: self.depth]}
        self.sides[name] = [order for order in self.sides[name] if order[1] in kept]

    def totals(self, name: str) -> list[tuple[Decimal, Decimal]]:
        return [(price, sum((o[2] for o in orders), Decimal(0))) for price, orders in self.levels(name)]

    def crc(self) -> int:
        text = ""
        for name in ("asks", "bids"):
            for _, orders in self.levels(name)[:10]:
                for _, price, qty in orders:
                    for value, digits in ((price, self.price_digits), (qty, self.qty_digits)):
                        text += f"{value:.{digits}f}".replace(".", "").lstrip("0")
        return zlib.crc32(text.encode())


class Trader:
    """A venue in virtual time, with a signed REST line and as many sockets as wanted."""

    def __init__(self, venue: Venue | None = None, clock: Clock | None = None, **options: Any) -> None:
        self.clock = clock or Clock()
        options.setdefault("pairs", ["BTC/USD", "ETH/USD"])
        self.venue = venue or Venue(clock=self.clock, **options)
        self.rest = PrivateRest(self.venue)
        self.nonce = 1_000
        self.key, self.secret = DEMO_KEY, DEMO_SECRET
        self.serial = 0
        self.log: list[dict[str, Any]] = []

    def use(self, key: ApiKey) -> None:
        self.key, self.secret = key.key, key.secret

    def post(self, method: str, nonce: int | None = None, **fields: Any) -> dict[str, Any]:
        self.nonce += 1
        body = urlencode({"nonce": self.nonce if nonce is None else nonce, **fields})
        path = "/0/private/" + method
        used = str(self.nonce if nonce is None else nonce)
        headers = {"API-Key": self.key, "API-Sign": sign(self.secret, path, used, body)}
        return json.loads(self.rest.answer(path, headers, body.encode()))

    def result(self, method: str, **fields: Any) -> Any:
        answer = self.post(method, **fields)
        assert answer["error"] == [], answer
        return answer["result"]

    def token(self) -> str:
        return self.result("GetWebSocketsToken")["token"]

    def connect(self, where: str) -> Peer:
        peer = self.venue.connect(where)
        assert parsed(peer.advance(self.clock.ns)[0])["channel"] == "status"
        return peer

    def ask(self, peer: Peer, method: str, token: str | None = None, **params: Any) -> list[dict[str, Any]]:
        self.serial += 1
        if token is not None:
            params["token"] = token
        request = {"method": method, "params": params, "req_id": self.serial}
        return [parsed(frame) for frame in peer.on_message(json.dumps(request))]

    def run(self, seconds: float, *peers: Peer, step_ms: int = 30) -> list[list[dict[str, Any]]]:
        out: list[list[dict[str, Any]]] = [[] for _ in peers]
        for _ in range(max(1, round(seconds * 1000 / step_ms))):
            self.clock.ns += step_ms * 1_000_000
            self.venue.advance(self.clock.ns)
            for at, peer in enumerate(peers):
                out[at] += [parsed(frame) for frame in peer.collect(self.clock.ns)]
        return out


def book_totals(book: ReferenceBook, name: str) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(price), Decimal(qty)) for price, qty in book.levels(name)]
