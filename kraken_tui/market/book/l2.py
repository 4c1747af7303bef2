"""A price-level order book in whole ticks and lots (PROTOCOL.md section 4.2).

Each side is three parallel lists, best level first, found by bisection. `sortedcontainers.SortedDict` was measured
in its place (`python -m benchmarks containers`): at the depths Kraken offers, at most 1,000 levels, inserting into a
plain list is a short memory move and costs a third of it, and the ten best levels of a checksum are a slice. Each
level keeps its checksum digits, made once when it changes, and a side's joined digits are kept until its ten best
levels change, so that proving a message costs little more than one CRC.
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

    Keys are ticks for asks and negated ticks for bids, so that both sides ascend from the best price.
    """

    __slots__ = ("_bytes", "_digits", "_keys", "_lots", "_sign", "_stale", "side")

    def __init__(self, side: Side) -> None:
        self.side = side
        self._sign = -1 if side is Side.BUY else 1
        self._keys: list[int] = []
        self._lots: list[int] = []
        self._digits: list[str] = []
        # Whether `_bytes` are those of an earlier moment. A list of one, so that the compiled core can share it.
        self._stale: list[object] = [False]
        self._bytes = b""

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Level]:
        return iter(self.top())

    def best(self) -> Level | None:
        """The touch of this side, or None when the side is empty."""
        return (self._sign * self._keys[0], self._lots[0]) if self._keys else None

    def top(self, count: int | None = None) -> tuple[Level, ...]:
        """The best `count` levels, or all."""
        keys = self._keys if count is None else self._keys[:count]
        if self._sign < 0:
            return tuple([(-key, lots) for key, lots in zip(keys, self._lots, strict=False)])
        return tuple(zip(keys, self._lots, strict=False))

    def lots_at(self, ticks: int) -> int:
        """Lots resting at a price; 0 if there is no level."""
        key = self._sign * ticks
        at = bisect_left(self._keys, key)
        return self._lots[at] if at < len(self._keys) and self._keys[at] == key else 0

    def put(self, ticks: int, lots: int, digits: str = "") -> int:
        """Set one level, or remove it with zero lots.

        Args:
            ticks: Price.
            lots: Quantity; 0 removes the level, and removing an unknown price is a no-op (section 4.2).
            digits: The level's checksum digits, ticks and lots in decimal, joined; made here where left out.

        Returns:
            The lots before.
        """
        key = self._sign * ticks
        digits = digits or f"{ticks}{lots}"
        keys = self._keys
        at = bisect_left(keys, key)
        if at < CHECKSUM_LEVELS:
            self._stale[0] = True
        if at < len(keys) and keys[at] == key:
            before = self._lots[at]
            if lots:
                self._lots[at] = lots
                self._digits[at] = digits
            else:
                del keys[at], self._lots[at], self._digits[at]
            return before
        if lots:
            keys.insert(at, key)
            self._lots.insert(at, lots)
            self._digits.insert(at, digits)
        return 0

    def truncate(self, depth: int) -> None:
        """Drop the levels beyond `depth`."""
        if len(self._keys) > depth:
            del self._keys[depth:], self._lots[depth:], self._digits[depth:]
            if depth < CHECKSUM_LEVELS:
                self._stale[0] = True

    def clear(self) -> None:
        """Forget every level."""
        self._keys.clear()
        self._lots.clear()
        self._digits.clear()
        self._stale[0] = True

    def checksum_digits(self) -> bytes:
        """Checksum digits of the best ten levels, joined, in ASCII."""
        if self._stale[0]:
            self._bytes = "".join(self._digits[:CHECKSUM_LEVELS]).encode("ascii")
            self._stale[0] = False
        return self._bytes


class OrderBook:
    """One pair's book at one depth.

    Args:
        spec: Precisions that turn wire text into ticks and lots.
        depth: Levels a side that are kept, as subscribed.
    """

    __slots__ = ("_nothing", "_prices", "asks", "bids", "depth", "spec")

    def __init__(self, spec: PairSpec, depth: int) -> None:
        self.spec = spec
        self.depth = depth
        self.bids = BookSide(Side.BUY)
        self.asks = BookSide(Side.SELL)
        self._nothing = from_units(0, spec.qty_precision)
        # Wire text of a price -> (ticks, digits): the same few prices come again and again.
        self._prices: dict[str, tuple[int, str]] = {}

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
        if len(bids) + len(asks) >= _MANY:
            self._apply_many(self.bids, bids, changes)
            self._apply_many(self.asks, asks, changes)
            return tuple(changes)
        if bids:
            self._apply_side(self.bids, bids, changes)
        if asks:
            self._apply_side(self.asks, asks, changes)
        return tuple(changes)

    def _apply_many(self, side: BookSide, levels: Sequence[WireLevel], changes: list[LevelChange]) -> None:
        """The same for a long message, in O(n log n)."""
        name, sign, precision = side.side, side._sign, self.spec.qty_precision
        held = dict(zip(side._keys, zip(side._lots, side._digits, strict=True), strict=True))
        for entry in levels:
            try:
                ticks, token = self._prices[entry.price]
            except (KeyError, TypeError):
                ticks, token = self._price(entry.price)
            lots = to_units(entry.qty, precision)
            before = held.get(ticks * sign)
            changes.append((name, ticks, before[0] if before else 0, lots))
            if lots:
                held[ticks * sign] = (lots, f"{token}{lots}")
            elif before:
                del held[ticks * sign]
        kept = sorted(held)[: self.depth]
        side._keys[:] = kept
        side._lots[:] = [held[key][0] for key in kept]
        side._digits[:] = [held[key][1] for key in kept]
        side._stale[0] = True

    def _apply_side(self, side: BookSide, levels: Iterable[WireLevel], changes: list[LevelChange]) -> None:
        """The hot path (docs/PERFORMANCE.md): `to_units` and `BookSide.put` written out for usual numbers."""
        prices, precision = self._prices, self.spec.qty_precision
        name, sign = side.side, side._sign
        keys, amounts, digits = side._keys, side._lots, side._digits
        point, end, nothing = -precision - 1, -precision, self._nothing
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
                token += plain.lstrip("0")
            else:
                lots = to_units(qty, precision)
                token += str(lots)
            key = ticks * sign
            at = bisect_left(keys, key)
            if at < CHECKSUM_LEVELS:
                side._stale[0] = True
            if at < len(keys) and keys[at] == key:
                changes.append((name, ticks, amounts[at], lots))
                if lots:
                    amounts[at] = lots
                    digits[at] = token
                else:
                    del keys[at], amounts[at], digits[at]
            else:
                changes.append((name, ticks, 0, lots))
                if lots:
                    keys.insert(at, key)
                    amounts.insert(at, lots)
                    digits.insert(at, token)
        if len(keys) > self.depth:
            side.truncate(self.depth)

    def _price(self, text: object) -> tuple[int, str]:
        ticks = to_units(text, self.spec.price_precision)
        if ticks <= 0:
            raise InvalidNumber("a price of zero")
        known = (ticks, str(ticks))
        if type(text) is str:
            if len(self._prices) >= _KEPT_PRICES:
                self._prices.clear()
            self._prices[text] = known
        return known

    def checksum(self) -> int:
        """CRC32 of the best ten asks and bids, unsigned (section 4.3); 0 for an empty book."""
        return crc32(self.bids.checksum_digits(), crc32(self.asks.checksum_digits()))

    def clear(self) -> None:
        """Empty both sides."""
        self.bids.clear()
        self.asks.clear()

    @property
    def crossed(self) -> bool:
        """Whether the best bid is at or above the best ask; the venue itself can send such a book."""
        bid, ask = self.bids.best(), self.asks.best()
        return bid is not None and ask is not None and bid[0] >= ask[0]
