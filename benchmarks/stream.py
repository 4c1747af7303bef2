"""A seeded stream of book frames as Kraken would send them, with true checksums.

The book is kept in plain dictionaries and sorted lists, so that no code under test makes its own test data.
"""

from __future__ import annotations

import random
from bisect import bisect_left, insort
from zlib import crc32

PRICE_DECIMALS, QTY_DECIMALS = 1, 8


class _Side:
    """Prices in ticks with lots; `sign` is -1 for bids, so that the best price always has the smallest key."""

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.lots: dict[int, int] = {}

    def put(self, key: int, lots: int) -> None:
        if lots == 0:
            if self.lots.pop(key, None) is not None:
                del self.keys[bisect_left(self.keys, key)]
        else:
            if key not in self.lots:
                insort(self.keys, key)
            self.lots[key] = lots

    def digits(self) -> str:
        return "".join(f"{key * self.sign}{self.lots[key]}" for key in self.keys[:10])


class Stream:
    """Frames of one pair at one depth: a snapshot, then as many updates as asked for.

    Args:
        depth: Levels a side.
        seed: Same seed, same bytes.
    """

    def __init__(self, depth: int, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._depth = depth
        self._bids, self._asks = _Side(-1), _Side(1)
        for number in range(depth):
            self._bids.put(-(1_000_000 - number), self._size())
            self._asks.put(1_000_001 + number, self._size())

    def _size(self) -> int:
        lots = int(10 ** self._random.uniform(4, 10))
        return lots - lots % 10**6 or 10**6 if self._random.random() < 0.33 else lots

    def snapshot(self) -> bytes:
        """The first frame: every level."""
        bids = [(key, self._bids.lots[key]) for key in self._bids.keys]
        asks = [(key, self._asks.lots[key]) for key in self._asks.keys]
        return self._frame("snapshot", bids, asks)

    def update(self) -> bytes:
        """The next frame: one to three levels of one side, most of them near the touch."""
        side = self._random.choice((self._bids, self._asks))
        changes: list[tuple[int, int]] = []
        for _ in range(self._random.choices((1, 2, 3), (50, 40, 10))[0]):
            reach = 10 if self._random.random() < 0.88 else self._depth
            key = side.keys[self._random.randrange(min(reach, len(side.keys)))]
            if self._random.random() < 0.2:
                # A level goes and, as Kraken does, the one that slides into the depth comes with it.
                changes.append((key, 0))
                side.put(key, 0)
                key = side.keys[-1] + self._random.randrange(1, 4)
            changes.append((key, self._size()))
            side.put(*changes[-1])
        while len(side.keys) > self._depth:
            side.put(side.keys[-1], 0)
        return self._frame("update", changes if side is self._bids else [], changes if side is self._asks else [])

    def _frame(self, kind: str, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> bytes:
        checksum = crc32((self._asks.digits() + self._bids.digits()).encode("ascii"))
        return (
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"BTC/USD","bids":[{_levels(bids)}],'
            f'"asks":[{_levels(asks)}],"checksum":{checksum},"timestamp":"2026-11-21T12:00:00.123456Z"}}]}}'
        ).encode("ascii")


def _levels(levels: list[tuple[int, int]]) -> str:
    return ",".join(
        f'{{"price":{_decimal(abs(key), PRICE_DECIMALS)},"qty":{_decimal(lots, QTY_DECIMALS)}}}' for key, lots in levels
    )


def _decimal(units: int, decimals: int) -> str:
    whole, fraction = divmod(units, 10**decimals)
    return f"{whole}.{fraction:0{decimals}d}"
