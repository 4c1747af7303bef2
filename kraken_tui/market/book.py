"""A price-level order book in whole ticks and lots (PROTOCOL.md section 4.2).

Both sides are sortedcontainers' `SortedDict`s ordered best first; each level keeps its checksum digits, made once
when it changes, so that proving a message costs one join and one CRC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from zlib import crc32

from sortedcontainers import SortedDict

from kraken_tui.market.events import LevelChange, Side
from kraken_tui.wire.checksum import CHECKSUM_LEVELS
from kraken_tui.wire.digits import to_units
from kraken_tui.wire.messages import InvalidNumber, WireLevel
from kraken_tui.wire.symbols import PairSpec

Level = tuple[int, int]
"""(ticks, lots)."""


class BookSide:
    """One side of a book, best level first.

    Keys are ticks for asks and negated ticks for bids, so that both sides ascend from the best price.
    """

    __slots__ = ("_levels", "_sign", "side")

    def __init__(self, side: Side) -> None:
        self.side = side
        self._sign = -1 if side is Side.BUY else 1
        # key -> (lots, checksum digits)
        self._levels: SortedDict[int, tuple[int, str]] = SortedDict()

    def __len__(self) -> int:
        return len(self._levels)

    def __iter__(self) -> Iterator[Level]:
        sign = self._sign
        for key, (lots, _) in self._levels.items():
            yield sign * key, lots

    def best(self) -> Level | None:
        """The touch of this side, or None when the side is empty."""
        if not self._levels:
            return None
        key, (lots, _) = self._levels.peekitem(0)
        return self._sign * key, lots

    def top(self, count: int | None = None) -> tuple[Level, ...]:
        """The best `count` levels, or all."""
        return tuple(islice(self, count))

    def lots_at(self, ticks: int) -> int:
        """Lots resting at a price; 0 where there is no level."""
        level = self._levels.get(self._sign * ticks)
        return level[0] if level else 0

    def put(self, ticks: int, lots: int) -> int:
        """Set one level, or remove it with zero lots; returns the lots before."""
        key = self._sign * ticks
        levels = self._levels
        if lots:
            before = levels.get(key)
            levels[key] = (lots, f"{ticks}{lots}")
        else:
            # Removing an unknown price is a no-op (section 4.2).
            before = levels.pop(key, None)
        return before[0] if before else 0

    def truncate(self, depth: int) -> int:
        """Drop the levels beyond `depth`; returns how many left."""
        levels = self._levels
        dropped = 0
        while len(levels) > depth:
            levels.popitem()
            dropped += 1
        return dropped

    def clear(self) -> None:
        """Forget every level."""
        self._levels.clear()

    def checksum_digits(self) -> str:
        """Checksum digits of the best ten levels, joined."""
        return "".join([digits for _, digits in islice(self._levels.values(), CHECKSUM_LEVELS)])


class OrderBook:
    """One pair's book at one depth.

    Args:
        spec: Precisions that turn wire text into ticks and lots.
        depth: Levels a side that are kept, as subscribed.
    """

    __slots__ = ("asks", "bids", "depth", "spec")

    def __init__(self, spec: PairSpec, depth: int) -> None:
        self.spec = spec
        self.depth = depth
        self.bids = BookSide(Side.BUY)
        self.asks = BookSide(Side.SELL)

    def load(self, bids: Iterable[WireLevel], asks: Iterable[WireLevel]) -> None:
        """Replace everything by a snapshot.

        Raises:
            InvalidNumber: A price or quantity is not acceptable; the book is then empty.
        """
        self.clear()
        try:
            for side, levels in ((self.bids, bids), (self.asks, asks)):
                for level in levels:
                    self._set(side, level)
                side.truncate(self.depth)
        except InvalidNumber:
            self.clear()
            raise

    def apply(self, bids: Iterable[WireLevel], asks: Iterable[WireLevel]) -> tuple[LevelChange, ...]:
        """Apply one update: entries strictly in array order, then truncation to the depth.

        Returns:
            What changed, in order.

        Raises:
            InvalidNumber: A price or quantity is not acceptable; the book is then no longer trustworthy and must be
                resynchronised.
        """
        changes: list[LevelChange] = []
        for side, levels in ((self.bids, bids), (self.asks, asks)):
            for level in levels:
                changes.append(self._set(side, level))
            side.truncate(self.depth)
        return tuple(changes)

    def _set(self, side: BookSide, level: WireLevel) -> LevelChange:
        ticks = to_units(level.price, self.spec.price_precision)
        lots = to_units(level.qty, self.spec.qty_precision)
        if ticks <= 0:
            raise InvalidNumber("a price of zero")
        return (side.side, ticks, side.put(ticks, lots), lots)

    def checksum(self) -> int:
        """CRC32 of the best ten asks and bids, unsigned (section 4.3); 0 for an empty book."""
        asks = crc32(self.asks.checksum_digits().encode("ascii"))
        return crc32(self.bids.checksum_digits().encode("ascii"), asks)

    def clear(self) -> None:
        """Empty both sides."""
        self.bids.clear()
        self.asks.clear()

    @property
    def crossed(self) -> bool:
        """Whether the best bid is at or above the best ask; the venue itself can send such a book."""
        bid, ask = self.bids.best(), self.asks.best()
        return bid is not None and ask is not None and bid[0] >= ask[0]
