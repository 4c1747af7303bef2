"""A price-level order book in whole ticks and lots (PROTOCOL.md section 4.2).

Each side is two parallel lists, best level first, found by bisection. `sortedcontainers.SortedDict` was measured
in its place (`python -m benchmarks containers`): at the depths Kraken offers, at most 1,000 levels, inserting into a
plain list is a short memory move and costs a third of it, and the ten best levels of a checksum are a slice. The ten
best levels keep their checksum digits, made once when a level changes, and a side's joined digits are kept until its
ten best levels change. The CRC begins with the asks, so theirs is kept too: a message that changed only bids costs the
CRC of the bids.

The compiled core (`kraken_tui.core`) changes the same lists, and keeps digits of its own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING
from zlib import crc32

from kraken_tui.errors import InvalidNumber
from kraken_tui.market.events import Level, LevelChange, Side
from kraken_tui.wire.checksum import CHECKSUM_LEVELS
from kraken_tui.wire.digits import MAX_DIGITS, from_units, to_units
from kraken_tui.wire.messages import WireLevel
from kraken_tui.wire.symbols import PairSpec

if TYPE_CHECKING:
    from kraken_tui.core import Lane

_MANY = 4096
"""Entries of one message from which its sides are made again as a whole: inserting each takes quadratic time."""

_KEPT_PRICES = 4096
"""Twice what the deepest book shows at once. A day's prices of one pair would cost megabytes, a few at a time."""


class BookSide:
    """One side of a book, best level first.

    Keys are ticks for asks and negated ticks for bids, so that both sides ascend from the best price. Beside each
    stands its level as it is handed out: to copy a side is to copy one list of references, however deep it is.

    `_digits` are the checksum digits of the best levels, as far as they are known: of some, of all, or of none, which
    is always right. `_stale` says whether `_bytes` are those of an earlier moment, and `_total` is the sum of all lots,
    None where it must be added up; both are lists of one so that the compiled core can share them.
    """

    __slots__ = ("_bytes", "_digits", "_keys", "_levels", "_sign", "_stale", "_total", "side")

    def __init__(self, side: Side) -> None:
        self.side = side
        self._sign = -1 if side is Side.BUY else 1
        self._keys: list[int] = []
        self._levels: list[Level] = []
        self._digits: list[str] = []
        self._stale: list[object] = [False]
        self._bytes = b""
        self._total: list[int | None] = [0]

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Level]:
        return iter(self.top())

    def best(self) -> Level | None:
        """The touch of this side, or None when the side is empty."""
        return self._levels[0] if self._levels else None

    def top(self, count: int | None = None) -> tuple[Level, ...]:
        """The best `count` levels, or all."""
        return tuple(self._levels if count is None else self._levels[:count])

    def lots_at(self, ticks: int) -> int:
        """Lots resting at a price; 0 if there is no level."""
        key = self._sign * ticks
        at = bisect_left(self._keys, key)
        return self._levels[at][1] if at < len(self._keys) and self._keys[at] == key else 0

    @property
    def total(self) -> int:
        """Lots of all levels."""
        total = self._total[0]
        if total is None:
            self._total[0] = total = sum([lots for _, lots in self._levels])
        return total

    def put(self, ticks: int, lots: int) -> int:
        """Set one level, or remove it with zero lots.

        Args:
            ticks: Price.
            lots: Quantity; 0 removes the level, and removing an unknown price is a no-op (section 4.2).

        Returns:
            The lots before.
        """
        key = self._sign * ticks
        keys = self._keys
        at = bisect_left(keys, key)
        if at < CHECKSUM_LEVELS:
            self._stale[0] = True
        del self._digits[at:]
        known = at < len(keys) and keys[at] == key
        before = self._levels[at][1] if known else 0
        self._total[0] = self.total + lots - before
        if known and lots:
            self._levels[at] = (ticks, lots)
        elif known:
            del keys[at], self._levels[at]
        elif lots:
            keys.insert(at, key)
            self._levels.insert(at, (ticks, lots))
        return before

    def truncate(self, depth: int) -> None:
        """Drop the levels beyond `depth`."""
        if len(self._keys) > depth:
            total = self._total
            if total[0] is not None:
                for _, lots in self._levels[depth:]:
                    total[0] -= lots
            del self._keys[depth:], self._levels[depth:], self._digits[depth:]
            if depth < CHECKSUM_LEVELS:
                self._stale[0] = True

    def clear(self) -> None:
        """Forget every level."""
        self._keys.clear()
        self._levels.clear()
        self._digits.clear()
        self._total[0] = 0
        self._stale[0] = True

    def checksum_digits(self) -> bytes:
        """Checksum digits of the best ten levels, joined, in ASCII; the same object until one of them changes."""
        if self._stale[0]:
            digits = self._digits
            if len(digits) != CHECKSUM_LEVELS:
                del digits[CHECKSUM_LEVELS:]
                digits += [f"{ticks}{lots}" for ticks, lots in self._levels[len(digits) : CHECKSUM_LEVELS]]
            self._bytes = "".join(digits).encode()
            self._stale[0] = False
        return self._bytes


class OrderBook:
    """One pair's book at one depth.

    Args:
        spec: Precisions that turn wire text into ticks and lots.
        depth: Levels a side that are kept, as subscribed.

    Attributes:
        odd: Whether a number of the last message was written otherwise than the wire does, with another number of
            decimals or an exponent: only then its scale has to be looked at.
    """

    __slots__ = (
        "_asks_crc",
        "_asks_digits",
        "_bids_digits",
        "_crc",
        "_nothing",
        "_prices",
        "asks",
        "bids",
        "depth",
        "odd",
        "spec",
    )

    def __init__(self, spec: PairSpec, depth: int) -> None:
        self.spec = spec
        self.depth = depth
        self.bids = BookSide(Side.BUY)
        self.asks = BookSide(Side.SELL)
        self._nothing = from_units(0, spec.qty_precision)
        # Wire text of a price -> (ticks, digits): the same few prices come again and again.
        self._prices: dict[str, tuple[int, str]] = {}
        self._bids_digits = self._asks_digits = b""
        self._asks_crc = self._crc = 0
        self.odd = False

    def share(self, lane: Lane) -> None:
        """Let the compiled core apply updates as well; it works on the lists of both sides, which stay the same."""
        lane.follow(self.bids, self.asks, self.spec.price_precision, self.spec.qty_precision, self.depth)

    def load(self, bids: Sequence[WireLevel], asks: Sequence[WireLevel]) -> None:
        """Replace everything by a snapshot.

        Raises:
            InvalidNumber: A price or quantity is not acceptable; the book is then empty.
        """
        self.clear()
        self._prices.clear()
        try:
            self.apply(bids, asks)
        except InvalidNumber:
            self.clear()
            raise

    def apply(self, bids: Sequence[WireLevel], asks: Sequence[WireLevel]) -> tuple[LevelChange, ...]:
        """Apply one update: entries strictly in array order, then truncation to the depth.

        Returns:
            What changed, in order.

        Raises:
            InvalidNumber: A price or quantity is not acceptable; the book is then no longer trustworthy and must be
                resynchronised.
        """
        changes: list[LevelChange] = []
        self.odd = False
        if len(bids) + len(asks) >= _MANY:
            self.odd = True
            self._apply_many(self.bids, bids, changes)
            self._apply_many(self.asks, asks, changes)
            return tuple(changes)
        try:
            if bids:
                self._apply_side(self.bids, bids, changes)
            if asks:
                self._apply_side(self.asks, asks, changes)
        except InvalidNumber:
            self.bids._total[0] = self.asks._total[0] = None
            raise
        return tuple(changes)

    def _apply_many(self, side: BookSide, levels: Sequence[WireLevel], changes: list[LevelChange]) -> None:
        """The same for a long message, in O(n log n)."""
        name, sign, precision = side.side, side._sign, self.spec.qty_precision
        held = dict(zip(side._keys, side._levels, strict=True))
        for entry in levels:
            try:
                ticks, _ = self._prices[entry.price]
            except (KeyError, TypeError):
                ticks, _ = self._price(entry.price)
            lots = to_units(entry.qty, precision)
            before = held.get(ticks * sign)
            changes.append((name, ticks, before[1] if before else 0, lots))
            if lots:
                held[ticks * sign] = (ticks, lots)
            elif before:
                del held[ticks * sign]
        kept = sorted(held)[: self.depth]
        side._keys[:] = kept
        side._levels[:] = [held[key] for key in kept]
        side._digits.clear()
        side._total[0] = None
        side._stale[0] = True

    def _apply_side(self, side: BookSide, levels: Iterable[WireLevel], changes: list[LevelChange]) -> None:
        """The hot path (docs/PERFORMANCE.md): `to_units` and `BookSide.put` written out for usual numbers."""
        prices, precision = self._prices, self.spec.qty_precision
        name, sign = side.side, side._sign
        keys, held, digits, stale = side._keys, side._levels, side._digits, side._stale
        point, end, nothing = -precision - 1, -precision, self._nothing
        moved = 0
        for level in levels:
            try:
                # A hit is text: only text is stored, and no other type compares equal to it.
                ticks, token = prices[level.price]
            except (KeyError, TypeError):
                ticks, token = self._price(level.price)
            qty = level.qty
            if qty == nothing:
                lots = 0
            elif type(qty) is str and precision and qty[point:end] == "." and qty[0] != "." and len(qty) <= MAX_DIGITS:
                plain = qty.replace(".", "", 1)
                if not (plain.isdigit() and plain.isascii()):
                    raise InvalidNumber(f"not a plain decimal number: {qty!r}")
                lots = int(plain)
            else:
                lots = to_units(qty, precision)
                self.odd = self.odd or bool(precision) or type(qty) is not int
            key = ticks * sign
            at = bisect_left(keys, key)
            if at < CHECKSUM_LEVELS:
                stale[0] = True
            if at < len(keys) and keys[at] == key:
                before = held[at][1]
                changes.append((name, ticks, before, lots))
                moved += lots - before
                if lots:
                    held[at] = (ticks, lots)
                    if at < len(digits):
                        digits[at] = f"{token}{lots}"
                else:
                    del keys[at], held[at], digits[at : at + 1]
            else:
                changes.append((name, ticks, 0, lots))
                if lots:
                    moved += lots
                    keys.insert(at, key)
                    held.insert(at, (ticks, lots))
                    if at <= len(digits):
                        digits.insert(at, f"{token}{lots}")
        if side._total[0] is not None:
            side._total[0] += moved
        if len(keys) > self.depth:
            side.truncate(self.depth)

    def _price(self, text: object) -> tuple[int, str]:
        precision = self.spec.price_precision
        ticks = to_units(text, precision)
        if ticks <= 0:
            raise InvalidNumber("a price of zero")
        known = (ticks, str(ticks))
        if type(text) is not str or not precision or text[-precision - 1 : -precision] != ".":
            self.odd = self.odd or bool(precision) or type(text) is not int
        else:
            if len(self._prices) >= _KEPT_PRICES:
                self._prices.clear()
            self._prices[text] = known
        return known

    def checksum(self) -> int:
        """CRC32 of the best ten asks and bids, unsigned (section 4.3); 0 for an empty book."""
        bids, asks = self.bids, self.asks
        asks_digits = asks.checksum_digits() if asks._stale[0] else asks._bytes
        bids_digits = bids.checksum_digits() if bids._stale[0] else bids._bytes
        if asks_digits is not self._asks_digits:
            self._asks_digits, self._asks_crc = asks_digits, crc32(asks_digits)
        elif bids_digits is self._bids_digits:
            return self._crc
        self._bids_digits = bids_digits
        self._crc = crc = crc32(bids_digits, self._asks_crc)
        return crc

    def touch(self) -> tuple[int | None, int | None]:
        """Best bid and best ask in ticks; None for an empty side."""
        bids, asks = self.bids._keys, self.asks._keys
        return (-bids[0] if bids else None), (asks[0] if asks else None)

    def clear(self) -> None:
        """Empty both sides."""
        self.bids.clear()
        self.asks.clear()

    @property
    def crossed(self) -> bool:
        """Whether the best bid is at or above the best ask; the venue itself can send such a book."""
        bid, ask = self.bids.best(), self.asks.best()
        return bid is not None and ask is not None and bid[0] >= ask[0]
