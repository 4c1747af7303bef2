"""Everything a feed knows as one SHA-256, so that two machines that played a recording can compare one line.

It hashes the books with every level, their states and proofs, all counters, missing trades, the newest ticker and
candles of each pair and every trade in order, as JSON with sorted keys, whole numbers and text. It leaves out what may
differ between machines or is only wording: lags, reasons and notes. Versions of this program may hash differently.

Pure: no clock, no float, nothing whose order depends on hashing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from kraken_tui.feed.events import Candles, FeedEvent, TickerChanged, Trades
from kraken_tui.market.book.l2 import BookSide
from kraken_tui.wire.symbols import PairSpec

if TYPE_CHECKING:
    from kraken_tui.feed.pairs import Counters
    from kraken_tui.feed.proof.stitcher import BookStitcher
    from kraken_tui.feed.session import Session

SCHEME = 1
"""Part of what is hashed; it changes with the rest, so that two schemes never give the same hash."""


class Fingerprint:
    """Follows a session and hashes everything it knows.

    A session does not keep trades, tickers and candles, so its events must go through `take`.

    Attributes:
        newest_trade: Largest trade number of each pair so far.
        trades: Trades of each pair so far, each counted once.
    """

    def __init__(self) -> None:
        self.newest_trade: dict[str, int] = {}
        self.trades: dict[str, int] = {}
        self._tickers: dict[str, TickerChanged] = {}
        self._candles: dict[str, dict[int, Candles]] = {}
        self._tape = sha256()

    def take(self, events: Iterable[FeedEvent]) -> None:
        """Take the events of one frame, in order."""
        for event in events:
            if isinstance(event, TickerChanged):
                self._tickers[event.symbol] = event
            elif isinstance(event, Trades):
                self._take_trades(event)
            elif isinstance(event, Candles):
                self._candles.setdefault(event.symbol, {})[event.interval] = event

    def _take_trades(self, event: Trades) -> None:
        symbol = event.symbol
        for trade in event.trades:
            line = (symbol, trade.trade_id, str(trade.side), trade.price, trade.qty, trade.venue_ns, trade.live)
            self._tape.update(canonical(line) + b"\n")
        self.trades[symbol] = self.trades.get(symbol, 0) + len(event.trades)
        newest = max(trade.trade_id for trade in event.trades)
        self.newest_trade[symbol] = max(self.newest_trade.get(symbol, newest), newest)

    def state_hash(self, session: Session) -> str:
        """SHA-256 of everything, 64 hexadecimal digits."""
        return sha256(canonical(self.document(session))).hexdigest()

    def pair_hash(self, session: Session, symbol: str) -> str:
        """SHA-256 of one wanted pair, to find the one in which two states differ.

        Raises:
            KeyError: The session keeps no book of this pair.
        """
        return sha256(canonical(self._pair(session, symbol))).hexdigest()

    def document(self, session: Session) -> dict[str, Any]:
        """What is hashed, as plain values."""
        return {
            "scheme": SCHEME,
            "state": session.state.value,
            "system": session.system,
            "counters": _counters(session.counters),
            "specs": {symbol: _spec(spec) for symbol, spec in session.specs.items()},
            "pairs": {symbol: self._pair(session, symbol) for symbol in session.stitchers},
            "tape": self._tape.hexdigest(),
        }

    def _pair(self, session: Session, symbol: str) -> dict[str, Any]:
        ticker = self._tickers.get(symbol)
        candles = self._candles.get(symbol, {})
        return {
            "book": _book(session.stitchers[symbol]),
            "trades": self.trades.get(symbol, 0),
            "newest_trade": self.newest_trade.get(symbol),
            "trade_gaps": session.trade_gaps(symbol),
            "ticker": None if ticker is None else _fields(ticker.ticker),
            "candles": {str(interval): _fields(event.candles[-1]) for interval, event in candles.items()},
        }


class ContentHash:
    """SHA-256 of the recorded frames: direction, length and bytes of each, in order.

    Times and compression are left out, so that a recording, its compressed copy and the recording of its replay agree.
    """

    def __init__(self) -> None:
        self._hash = sha256()

    def add(self, frame: bytes, *, sent: bool) -> None:
        """Take the next frame."""
        self._hash.update(b"%b %d\n%b\n" % (b"tx" if sent else b"rx", len(frame), frame))

    def hexdigest(self) -> str:
        """64 hexadecimal digits."""
        return self._hash.hexdigest()


def canonical(value: object) -> bytes:
    """One form of a value built of dicts with text keys, sequences, text, whole numbers, booleans and None."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode("ascii")


def _book(stitcher: BookStitcher) -> dict[str, Any]:
    book = stitcher.book
    return {
        "state": str(stitcher.state),
        "proof": str(stitcher.proof),
        "contested": stitcher.contested,
        "depth": book.depth,
        "spec": _spec(book.spec),
        "venue_ns": stitcher.venue_ns,
        "counters": asdict(stitcher.counters),
        "checksum": book.checksum(),
        "bids": _levels(book.bids),
        "asks": _levels(book.asks),
    }


def _levels(side: BookSide) -> list[int]:
    return [number for level in side.top() for number in level]


def _spec(spec: PairSpec) -> list[object]:
    return [spec.price_precision, spec.qty_precision, spec.increment, spec.status, spec.assumed]


def _fields(struct: Any) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def _counters(counters: Counters) -> dict[str, Any]:
    """As counted; what the program does not know is one kind, since its names are cleaned by Python's own tables."""
    ignored: dict[str, int] = {}
    for kind, count in counters.ignored.items():
        known = kind.partition(":")[0]
        ignored[known] = ignored.get(known, 0) + count
    # Not `asdict`, which some versions of Python let make nonsense of a Counter.
    return {field.name: getattr(counters, field.name) for field in fields(counters)} | {"ignored": ignored}
