"""What the exchange really said: a slow reference book fed by its frames before the network touches them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from tests.rig.scripted import SlowBook

Level = tuple[int, int]
Top = tuple[tuple[Level, ...], tuple[Level, ...]]

_BOOK = '{"channel":"book"'
_ACK = '{"method":"subscribe"'


def digits(text: str) -> int:
    """A wire number with fixed decimals as a whole count of its last decimal."""
    return int(text.replace(".", ""))


def parsed(frame: str) -> dict[str, Any]:
    """A frame with every number as its own text."""
    content: dict[str, Any] = json.loads(frame, parse_float=str, parse_int=str)
    return content


def crc_of(top: Top) -> int:
    """The checksum of PROTOCOL.md section 4.3 over (bids, asks); whole numbers have no point and no leading zero."""
    bids, asks = top
    return crc32("".join(f"{ticks}{lots}" for ticks, lots in (*asks[:10], *bids[:10])).encode())


@dataclass(frozen=True, slots=True)
class BookTruth:
    """The reference book right after one book frame.

    Attributes:
        symbol: v2 symbol.
        kind: "snapshot" or "update".
        serial: Number of the frame on its connection.
        top: Best ten bids and asks, ticks and lots.
        checksum: What the exchange said.
    """

    symbol: str
    kind: str
    serial: int
    top: Top
    checksum: int


class TrueBooks:
    """Reference books of one connection, one a symbol."""

    def __init__(self) -> None:
        self.depths: dict[str, int] = {}
        self.books: dict[str, SlowBook] = {}
        self.serials: dict[str, int] = {}
        self._decimals: dict[str, tuple[int, int]] = {}

    def take(self, frame: str | bytes) -> BookTruth | None:
        """Follow one frame; returns the truth after it where it is a book frame with a reference."""
        if isinstance(frame, bytes):
            return None
        if frame.startswith(_ACK):
            result = json.loads(frame).get("result", {})
            if result.get("channel") == "book":
                self.depths[result["symbol"]] = result["depth"]
            return None
        if not frame.startswith(_BOOK):
            return None
        try:
            return self._follow(parsed(frame))
        except (KeyError, TypeError, ValueError):
            # Not the exchange's own frame, but one that a test made it send.
            return None

    def _follow(self, frame: dict[str, Any]) -> BookTruth | None:
        [data] = frame["data"]
        symbol, kind = data["symbol"], frame["type"]
        sides = [[(level["price"], level["qty"]) for level in data[name]] for name in ("bids", "asks")]
        decimals = next(((_places(p), _places(q)) for side in sides for p, q in side), None)
        if kind == "snapshot":
            self.books[symbol] = SlowBook(self.depths[symbol])
            if decimals is not None:
                self._decimals[symbol] = decimals
        book = self.books.get(symbol)
        if book is None:
            return None
        if decimals is not None and decimals != self._decimals.get(symbol):
            # The pair changed its precisions: the reference starts over with the next snapshot, as the client must.
            del self.books[symbol]
            return None
        book.apply(*([(digits(p), digits(q)) for p, q in side] for side in sides))
        bids, asks = book.top()
        serial = self.serials[symbol] = self.serials.get(symbol, 0) + 1
        return BookTruth(symbol, kind, serial, (bids[:10], asks[:10]), int(data["checksum"]))


def _places(text: str) -> int:
    return len(text.partition(".")[2])
