"""Recorded sessions of an invented exchange, in the exchange's own shapes, with what is true of them at the end.

Written from docs/PROTOCOL.md alone, without the product and without its local exchange. A `Session` writes lines
`{"rx_ns":...,"frame":...}` (with `"dir":"tx"` for what the client sent) and keeps the truth beside them: every book as
decimal text, how many checksums are right, how many trades there were.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.reference.book import Level, TextBook
from tests.reference.market import Change, Market, Pair, text

FOLDER = Path(__file__).parent / "recordings"
"""Where the committed recordings lie."""

START = datetime(2026, 9, 14, 12, 0, 0, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Truth:
    """What must be known of one pair at the end.

    Attributes:
        depth: As granted.
        bids, asks: The book, best first.
        matching, differing: Book messages whose checksum is right or wrong for who applied everything recorded.
        trades: Trades told, each once however often it came; those of snapshots included.
        last: Price of the newest trade.
        volume: Sum of all trades' quantities.
    """

    depth: int = 0
    bids: list[Level] = field(default_factory=list)
    asks: list[Level] = field(default_factory=list)
    matching: int = 0
    differing: int = 0
    trades: int = 0
    last: str = ""
    volume: str = "0"


class Session:
    """Writes one recording.

    Args:
        seed: Of all that is random.
        pairs: Pairs of the instrument list; those that are `open`ed get data.
    """

    def __init__(self, seed: int, *pairs: Pair) -> None:
        self.rng = random.Random(seed)
        self.now = START
        self.lines: list[str] = []
        self.markets = {pair.symbol: Market(pair, self.rng) for pair in pairs}
        self.books: dict[str, TextBook] = {}
        self.truth: dict[str, Truth] = {}
        self.history: dict[str, list[dict[str, Any]]] = {}
        self._request = self._received = 0
        self._trade = {pair.symbol: self.rng.randint(10**6, 10**8) for pair in pairs}
        self._told: dict[str, set[int]] = {pair.symbol: set() for pair in pairs}
        self._connection = 18_125_794_168_470_749_000 + seed

    # -- writing ----------------------------------------------------------------------------------------------------

    def pass_time(self, most_s: float = 0.12) -> None:
        """Let a moment pass."""
        self.now += timedelta(microseconds=self.rng.randint(200, max(300, int(most_s * 1e6))))

    def stamp(self) -> str:
        """This moment as the exchange writes it."""
        return self.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def ns(self, moment: datetime | None = None) -> int:
        """A moment in nanoseconds since 1970."""
        return ((moment or self.now) - _EPOCH) // timedelta(microseconds=1) * 1000

    def write(self, frame: str, *, sent: bool = False) -> None:
        """Write one frame as it is on the wire."""
        received = self._received = max(self._received + 1000, self.ns() + self.rng.randint(1_000_000, 30_000_000))
        direction = '"dir":"tx",' if sent else ""
        self.lines.append(f'{{"rx_ns":{received},{direction}"frame":{frame}}}\n')

    def status(self, system: str = "online") -> None:
        """The first frame of a connection."""
        self._connection += 1
        self.write(
            f'{{"channel":"status","type":"update","data":[{{"version":"2.0.10","system":"{system}",'
            f'"api_version":"v2","connection_id":{self._connection}}}]}}'
        )

    def heartbeat(self) -> None:
        """A sign of life."""
        self.write('{"channel":"heartbeat"}')

    def ask(self, method: str, channel: str, *symbols: str, **params: Any) -> int:
        """Write a request of the client; returns its number."""
        self._request += 1
        named = {"symbol": list(symbols)} if symbols else {}
        body = {"method": method, "params": {"channel": channel, **named, **params}, "req_id": self._request}
        self.write(json.dumps(body, separators=(",", ":")), sent=True)
        self.pass_time(0.02)
        return self._request

    def grant(self, request: int, method: str, channel: str, symbol: str | None = None, **result: Any) -> None:
        """Acknowledge a request."""
        named = {"symbol": symbol} if symbol else {}
        self._answer(request, method, {"result": {"channel": channel, **result, **named}, "success": True})

    def refuse(self, request: int, method: str, error: str, symbol: str) -> None:
        """Refuse a request."""
        self._answer(request, method, {"error": error, "success": False, "symbol": symbol})

    def _answer(self, request: int, method: str, body: dict[str, Any]) -> None:
        times = {"time_in": self.stamp(), "time_out": self.stamp(), "req_id": request}
        self.write(json.dumps({"method": method, **body, **times}, separators=(",", ":")))
        self.pass_time(0.01)

    # -- subscriptions ----------------------------------------------------------------------------------------------

    def instruments(self, kind: str = "snapshot", *symbols: str) -> None:
        """The list of pairs, or an update of some."""
        rows = []
        for symbol, market in self.markets.items():
            if symbols and symbol not in symbols:
                continue
            pair = market.pair
            base, quote = symbol.split("/")
            step = Decimal(pair.step).scaleb(-pair.price_precision)
            rows.append(
                f'{{"symbol":"{symbol}","base":"{base}","quote":"{quote}","status":"online","qty_precision":'
                f'{pair.qty_precision},"qty_increment":{Decimal(1).scaleb(-pair.qty_precision)},"price_precision":'
                f'{pair.price_precision},"cost_precision":5,"marginable":false,"has_index":true,"cost_min":0.5,'
                f'"price_increment":{step},"tick_size":{step},"qty_min":{Decimal(pair.lot).scaleb(-pair.qty_precision)}}}'
            )
        self.write(f'{{"channel":"instrument","type":"{kind}","data":{{"assets":[],"pairs":[{",".join(rows)}]}}}}')

    def begin(self) -> None:
        """A connection up to its instrument list."""
        self.status()
        self.pass_time()
        request = self.ask("subscribe", "instrument", snapshot=True)
        self.grant(request, "subscribe", "instrument", snapshot=True)
        self.instruments()

    def open(self, symbol: str, *, timestamp: bool = True) -> None:
        """Subscribe book and trades of a pair; a heartbeat comes between acknowledgement and snapshot."""
        self.book(symbol, timestamp=timestamp)
        request = self.ask("subscribe", "trade", symbol, snapshot=True)
        self.grant(request, "subscribe", "trade", symbol, snapshot=True)
        old = self.history.get(symbol, [])[-50:]
        self.trades(symbol, old or [self.trade(symbol, *self._fill(symbol)) for _ in range(20)], "snapshot")

    def _fill(self, symbol: str) -> tuple[str, str, str]:
        """A trade of before the recording: at the touch, and without a trace in the book of now."""
        market = self.markets[symbol]
        side = self.rng.choice(("buy", "sell"))
        price = market.ordered("asks" if side == "buy" else "bids")[0]
        precisions = market.pair.price_precision, market.pair.qty_precision
        return side, text(price, precisions[0]), text(market.quantity(), precisions[1])

    def book(self, symbol: str, *, timestamp: bool = True) -> None:
        """Subscribe the book of a pair and send its snapshot."""
        depth = self.markets[symbol].pair.depth
        request = self.ask("subscribe", "book", symbol, depth=depth, snapshot=True)
        self.grant(request, "subscribe", "book", symbol, depth=depth, snapshot=True)
        self.heartbeat()
        change = self.markets[symbol].snapshot()
        book = self.books[symbol] = TextBook(depth)
        book.load(change.bids, change.asks)
        self.truth.setdefault(symbol, Truth()).depth = depth
        self._book_frame(symbol, "snapshot", change, book.checksum(), timestamp=timestamp)
        self.truth[symbol].matching += 1

    def leave(self, symbol: str) -> None:
        """Unsubscribe the book of a pair; the answer comes after a last update."""
        depth = self.markets[symbol].pair.depth
        request = self.ask("unsubscribe", "book", symbol, depth=depth)
        self.grant(request, "unsubscribe", "book", symbol, depth=depth)

    def _book_frame(self, symbol: str, kind: str, change: Change, checksum: int, *, timestamp: bool = True) -> None:
        sides = [
            ",".join(f'{{"price":{price},"qty":{quantity}}}' for price, quantity in levels)
            for levels in (change.bids, change.asks)
        ]
        when = f',"timestamp":"{self.stamp()}"' if timestamp else ""
        self.write(
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{symbol}","bids":[{sides[0]}],"asks":[{sides[1]}],'
            f'"checksum":{checksum}{when}}}]}}'
        )

    # -- the market moves -------------------------------------------------------------------------------------------

    def trade(self, symbol: str, side: str, price: str, quantity: str) -> dict[str, Any]:
        """Number one trade and remember it."""
        self._trade[symbol] += 1
        kind = self.rng.choice(("limit", "market"))
        row = {"side": side, "price": price, "qty": quantity, "ord_type": kind, "trade_id": self._trade[symbol]}
        row["timestamp"] = self.stamp()
        self.history.setdefault(symbol, []).append(row)
        return row

    def trades(self, symbol: str, rows: list[dict[str, Any]], kind: str = "update") -> None:
        """Tell trades, oldest first."""
        truth = self.truth.setdefault(symbol, Truth())
        for row in rows:
            if row["trade_id"] not in self._told[symbol]:
                self._told[symbol].add(row["trade_id"])
                truth.trades += 1
                truth.last = row["price"]
                truth.volume = str(Decimal(truth.volume) + Decimal(row["qty"]))
        data = ",".join(
            f'{{"symbol":"{symbol}","side":"{row["side"]}","price":{row["price"]},"qty":{row["qty"]},'
            f'"ord_type":"{row["ord_type"]}","trade_id":{row["trade_id"]},"timestamp":"{row["timestamp"]}"}}'
            for row in rows
        )
        self.write(f'{{"channel":"trade","type":"{kind}","data":[{data}]}}')

    def step(self, symbol: str, *, lost: bool = False) -> None:
        """One event of one pair.

        Args:
            symbol: Pair.
            lost: It never reaches the recording.
        """
        self.pass_time()
        market = self.markets[symbol]
        if self.rng.random() < 0.12:
            side = self.rng.choice(("buy", "sell"))
            change, price, quantity = market.take(side)
            row = self.trade(symbol, side, price, quantity)
            if not lost:
                self.trades(symbol, [row])
        else:
            change = market.event()
        if not change.bids and not change.asks:
            return
        visible = market.snapshot()
        here = TextBook(market.pair.depth)
        here.load(visible.bids, visible.asks)
        if not lost:
            self._update(symbol, change, here.checksum())

    def _update(self, symbol: str, change: Change, checksum: int) -> None:
        book = self.books[symbol]
        book.apply(change.bids, change.asks)
        right = book.checksum() == checksum
        self.truth[symbol].matching += right
        self.truth[symbol].differing += not right
        self._book_frame(symbol, "update", change, checksum)

    def run(self, steps: int, *symbols: str) -> None:
        """Let so many events happen, with a heartbeat every second."""
        beat = self.now
        for _ in range(steps):
            self.step(self.rng.choice(symbols))
            if self.now - beat >= timedelta(seconds=1):
                self.heartbeat()
                beat = self.now

    def differs(self, symbol: str) -> bool:
        """Whether who applied everything recorded now holds another book than the exchange."""
        visible = self.markets[symbol].snapshot()
        book = self.books[symbol]
        return (book.levels("bids"), book.levels("asks")) != (visible.bids, visible.asks)

    def finish(self) -> dict[str, Truth]:
        """The truth at the end."""
        for symbol, book in self.books.items():
            self.truth[symbol].bids, self.truth[symbol].asks = book.levels("bids"), book.levels("asks")
        return self.truth


# -- the recordings -------------------------------------------------------------------------------------------------

BTC = Pair("BTC/USD", 1, 8, 642_157, 1, 4_000_000, 10)
ETH = Pair("ETH/USD", 2, 8, 312_255, 1, 60_000_000, 25)
ETHBTC = Pair("ETH/BTC", 6, 8, 48_620, 1, 120_000_000, 100)
MINA = Pair("MINA/GBP", 4, 8, 1_279, 1, 52_200_000_000, 25)
PEPE = Pair("PEPE/USD", 9, 5, 8_231, 1, 90_000_000_000, 500)
GST = Pair("GST/USD", 3, 8, 87, 1, 900_000_000_000, 10)
WHOLE = Pair("YEN/JPY", 0, 0, 5_512, 1, 700, 10)
DEEP = Pair("SOL/USD", 2, 8, 19_488, 1, 2_500_000_000, 1000)


def every_depth() -> Session:
    """All five depths and seven precisions on one connection."""
    session = Session(1, BTC, ETH, ETHBTC, MINA, PEPE, GST, WHOLE, DEEP)
    session.begin()
    for symbol in session.markets:
        session.open(symbol)
    session.run(1500, *session.markets)
    return session


def lost_message() -> Session:
    """Updates that never came: the checksum differs until the client has resubscribed, twice."""
    session = Session(2, BTC, ETH)
    session.begin()
    for symbol in session.markets:
        session.open(symbol)
    for _ in range(2):
        session.run(120, "BTC/USD", "ETH/USD")
        before = session.truth["BTC/USD"].differing
        while session.truth["BTC/USD"].differing == before:
            session.step("BTC/USD", lost=True)
            session.step("BTC/USD")
        session.leave("BTC/USD")
        session.run(5, "ETH/USD")
        session.book("BTC/USD")
    session.run(120, "BTC/USD", "ETH/USD")
    return session


def refusals() -> Session:
    """Wrong names, a wrong depth and a second subscription are refused; everything else goes on."""
    session = Session(3, BTC, MINA)
    session.begin()
    request = session.ask("subscribe", "book", "XBT/USD", "BTC/USD", depth=10, snapshot=True)
    session.refuse(request, "subscribe", "Currency pair not supported XBT/USD", "XBT/USD")
    request = session.ask("subscribe", "book", "BTC/USD", depth=11, snapshot=True)
    session.refuse(request, "subscribe", "Subscription depth not supported", "BTC/USD")
    session.open("BTC/USD")
    request = session.ask("subscribe", "book", "BTC/USD", depth=10, snapshot=True)
    session.refuse(request, "subscribe", "Already subscribed", "BTC/USD")
    session.open("MINA/GBP")
    session.run(250, "BTC/USD", "MINA/GBP")
    return session


def precision_change() -> Session:
    """A pair gets another price precision while it is watched; its book is subscribed again."""
    session = Session(4, Pair("ETH/BTC", 5, 8, 4_862, 1, 120_000_000, 10), BTC)
    session.begin()
    for symbol in session.markets:
        session.open(symbol)
    session.run(150, *session.markets)
    session.history.pop("ETH/BTC")
    session.markets["ETH/BTC"] = Market(Pair("ETH/BTC", 6, 8, 48_617, 1, 120_000_000, 10), session.rng)
    session.instruments("update", "ETH/BTC")
    session.leave("ETH/BTC")
    session.book("ETH/BTC")
    session.run(150, *session.markets)
    return session


def reconnect() -> Session:
    """The connection is lost and made again, with a maintenance in between; trades went on meanwhile."""
    session = Session(5, BTC, ETH)
    session.begin()
    for symbol in session.markets:
        session.open(symbol)
    session.run(150, *session.markets)
    session.write(
        '{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"maintenance","api_version":"v2",'
        f'"connection_id":{session._connection}}}]}}'
    )
    for _ in range(60):
        session.step(session.rng.choice(("BTC/USD", "ETH/USD")), lost=True)
    session.now += timedelta(seconds=7)
    session.begin()
    for symbol in session.markets:
        session.open(symbol)
    session.run(150, *session.markets)
    return session


def old_shapes() -> Session:
    """Snapshots without a timestamp, as before 2025, fields and channels nobody knows, exponents, interleaved pongs."""
    session = Session(6, GST, MINA)
    session.begin()
    for symbol in session.markets:
        session.open(symbol, timestamp=False)
    for number in range(6):
        session.run(40, *session.markets)
        now = session.stamp()
        session.write(f'{{"method":"pong","req_id":{900 + number},"time_in":"{now}","time_out":"{now}"}}')
        session.write('{"channel":"auction","type":"update","data":[{"symbol":"GST/USD","indicative_price":0.087}]}')
        session.write(
            '{"channel":"status","type":"update","data":[{"system":"online","api_version":"v2","version":"2.0.11",'
            f'"connection_id":{session._connection},"upcoming_maintenance":[],"emergency":[]}}]}}'
        )
    return session


RECORDINGS: dict[str, Callable[[], Session]] = {
    "every-depth": every_depth,
    "lost-message": lost_message,
    "refusals": refusals,
    "precision-change": precision_change,
    "reconnect": reconnect,
    "old-shapes": old_shapes,
}
"""Name of a committed recording to what writes it."""


def packed(session: Session) -> bytes:
    """A session as the bytes of a .jsonl.gz file; the same on every run."""
    return gzip.compress("".join(session.lines).encode(), compresslevel=9, mtime=0)
