"""One book and a slow reference book that are told the same."""

from __future__ import annotations

from typing import Any

from kraken_tui.feed.limits import Limits, ns
from kraken_tui.feed.proof.stitcher import BookStitcher
from kraken_tui.market.events import BookState, Proof
from kraken_tui.units import SECOND
from kraken_tui.wire.decode import decode
from kraken_tui.wire.messages import BookData, BookMessage
from kraken_tui.wire.symbols import PairSpec
from tests.rig.clock import VENUE_START as WALL
from tests.rig.scripted import SlowBook

SPEC = PairSpec("BTC/USD", "BTC", "USD", 1, 8)
BIDS = [(50_000 - 2 * i, 10 + i) for i in range(10)]
ASKS = [(50_001 + 2 * i, 20 + i) for i in range(10)]

SNAPSHOT_NS = ns(Limits().snapshot_s)


def data_of(frame: str) -> BookData:
    message = decode(frame)
    assert isinstance(message, BookMessage)
    return message.data[0]


class Script:
    """A stitcher and a reference book fed the same changes."""

    def __init__(self, depth: int = 10, **options: Any) -> None:
        self.reference = SlowBook(depth)
        self.stitcher = BookStitcher("BTC/USD", SPEC, depth, Limits(), **options)
        self.now = 0
        self.events: list[Any] = []

    def begin(self) -> Script:
        self.events += self.stitcher.asked(WALL)
        self.events += self.stitcher.acked(self.now + SNAPSHOT_NS, WALL)
        return self.snapshot()

    def snapshot(self, checksum: Any = "right", **options: Any) -> Script:
        self.reference = SlowBook(self.reference.depth)
        self.reference.apply(BIDS, ASKS)
        return self._send("snapshot", BIDS, ASKS, checksum, **options)

    def update(self, bids: Any = (), asks: Any = (), checksum: Any = "right", **options: Any) -> Script:
        self.reference.apply(bids, asks)
        return self._send("update", bids, asks, checksum, **options)

    def _send(self, kind: str, bids: Any, asks: Any, checksum: Any, **options: Any) -> Script:
        frame = self.reference.frame("BTC/USD", kind, bids, asks, WALL, checksum)
        self.events += self.stitcher.message(kind, data_of(frame), self.now, WALL, **options)
        return self

    def wait(self, seconds: float) -> Script:
        self.now += round(seconds * SECOND)
        self.events += self.stitcher.tick(self.now, WALL)
        return self

    @property
    def where(self) -> tuple[BookState, Proof]:
        return self.stitcher.state, self.stitcher.proof

    def took_resync(self) -> bool:
        wanted, self.stitcher.wants_resync = self.stitcher.wants_resync, False
        return wanted


LIVE = (BookState.LIVE, Proof.VERIFIED)


def of(events: list[Any], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]
