"""A full-depth book that knows, for each depth somebody watches, what that watcher must be told.

A side keeps its prices in one sorted list of keys (ask ticks, or negated bid ticks), so that the best is
always first and the same code serves both sides. At a few thousand levels a plain list with bisect beats
every tree.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import repeat
from typing import TYPE_CHECKING

from kraken_tui.exchange.crc import book_checksum, level_token
from kraken_tui.exchange.frames import decimal_text

if TYPE_CHECKING:
    from kraken_tui.exchange.queues import SideQueues

BID = -1
ASK = 1
CHECKSUM_LEVELS = 10
_EVERYTHING = 1 << 62
_REMEMBERED = 500

Level = tuple[int, int]
"""A price in ticks and a quantity in lots; zero lots is a removal."""


class _Watch:
    """What one depth has been told on one side during the message being built."""

    __slots__ = ("depth", "entries", "reach")

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.reach = 0
        self.entries: list[Level] = []


class Side:
    """One side of the book.

    Attributes:
        sign: ASK or BID; a key is the price in ticks times the sign.
        keys: keys of all levels, best first.
        lots: quantity in lots by key.
        queues: the single orders; None until somebody asks for them.
    """

    __slots__ = ("dirty", "keys", "lots", "queues", "sign", "text", "tokens", "watches")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.lots: dict[int, int] = {}
        self.watches: list[_Watch] = []
        self.queues: SideQueues | None = None
        self.dirty = True
        self.text = ""
        self.tokens: dict[int, tuple[int, str]] = {}

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def best(self) -> int:
        """Best price in ticks.

        Raises:
            IndexError: the side is empty.
        """
        return self.keys[0] * self.sign

    def levels(self, count: int) -> Iterator[Level]:
        """The best `count` levels, best first."""
        sign, lots = self.sign, self.lots
        return ((key * sign, lots[key]) for key in self.keys[:count])

    def begin(self) -> None:
        """Start a message: every watcher of a depth now holds exactly that many levels."""
        keys = self.keys
        for watch in self.watches:
            watch.reach = keys[watch.depth - 1] if len(keys) >= watch.depth else _EVERYTHING

    @property
    def last(self) -> int:
        """Key of the worst level that is not an account's alone."""
        queues = self.queues
        if queues is None or not queues.own:
            return self.keys[-1]
        own = queues.own
        return next((key for key in reversed(self.keys) if key not in own), self.keys[-1])

    def put(self, key: int, lots: int) -> None:
        """Set the quantity that the crowd wants to stand at a price, as `set_total`; an account's own orders there
        stay.
        """
        if self.queues is not None:
            lots = self.queues.crowd_set(key, lots)
            if lots and lots == self.lots.get(key):
                return
        self.set_total(key, lots)

    def set_total(self, key: int, lots: int) -> None:
        """Set the total quantity at a price; zero removes it. Unknown removals do nothing.

        A watcher holds every level up to its reach. A removal inside its depth is followed at once by the
        level that moves into scope, even if the watcher was told of that level earlier in the message
        (PROTOCOL.md section 4.2).
        """
        keys = self.keys
        rank = bisect_left(keys, key)
        if lots == 0:
            if self.lots.pop(key, None) is None:
                return
            del keys[rank]
        else:
            if key not in self.lots:
                keys.insert(rank, key)
            self.lots[key] = lots
        if rank < CHECKSUM_LEVELS:
            self.dirty = True
        for watch in self.watches:
            if key > watch.reach:
                continue
            watch.entries.append((key * self.sign, lots))
            depth = watch.depth
            if lots or rank >= depth:
                continue
            if len(keys) < depth:
                watch.reach = _EVERYTHING
                continue
            entering = keys[depth - 1]
            watch.entries.append((entering * self.sign, self.lots[entering]))
            watch.reach = max(watch.reach, entering)


class DepthBook:
    """Both sides, the watched depths and the checksum.

    Args:
        price_precision: decimals of a price.
        qty_precision: decimals of a quantity.
    """

    __slots__ = ("_checksum", "asks", "bids", "depths", "price_precision", "qty_precision")

    def __init__(self, price_precision: int, qty_precision: int) -> None:
        self.price_precision = price_precision
        self.qty_precision = qty_precision
        self.bids = Side(BID)
        self.asks = Side(ASK)
        self.depths: tuple[int, ...] = ()
        self._checksum = 0

    def watch(self, depths: tuple[int, ...]) -> None:
        """Replace the set of watched depths (levels a side)."""
        self.depths = depths
        for side in (self.bids, self.asks):
            side.watches = [_Watch(depth) for depth in depths]

    def begin(self) -> None:
        """Start one message."""
        self.bids.begin()
        self.asks.begin()

    def take(self) -> dict[int, tuple[list[Level], list[Level]]]:
        """End one message: for each depth that has something to hear, its bid and ask entries in event
        order.
        """
        deltas: dict[int, tuple[list[Level], list[Level]]] = {}
        for bid, ask in zip(self.bids.watches, self.asks.watches, strict=True):
            if bid.entries or ask.entries:
                deltas[bid.depth] = (bid.entries, ask.entries)
                bid.entries, ask.entries = [], []
        return deltas

    @property
    def checksum(self) -> int:
        """CRC32 of the ten best levels a side (PROTOCOL.md section 4.3)."""
        if self.bids.dirty or self.asks.dirty:
            for side in (self.bids, self.asks):
                if side.dirty:
                    side.text = "".join(map(self._token, repeat(side), side.keys[:CHECKSUM_LEVELS]))
                    side.dirty = False
            self._checksum = book_checksum(self.asks.text, self.bids.text)
        return self._checksum

    def _token(self, side: Side, key: int) -> str:
        """One level's share of the checksum, remembered: between two messages nine of ten stay as they
        were.
        """
        lots = side.lots[key]
        known = side.tokens.get(key)
        if known is not None and known[0] == lots:
            return known[1]
        if len(side.tokens) > _REMEMBERED:
            side.tokens.clear()
        price = decimal_text(key * side.sign, self.price_precision)
        token = level_token(price, decimal_text(lots, self.qty_precision))
        side.tokens[key] = (lots, token)
        return token
