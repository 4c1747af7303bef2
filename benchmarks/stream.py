"""A seeded stream of book frames as Kraken would send them, with true checksums, in the v2 and the v1 form.

The book is kept in plain dictionaries and sorted lists, so that no code under test makes its own test data. It goes
on below the depth that is sent, as Kraken's does: a level that leaves the window brings in the one below it. What a
message changes follows a fixed mix: mostly touches near the top, now and then a trade that eats
a side's best levels and moves the other side, sizes log-normal with a third of them round, some dust, some whales.
"""

from __future__ import annotations

import json
import math
import random
from bisect import bisect_left, insort
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

PRICE_DECIMALS, QTY_DECIMALS = 1, 8
STEP_MS = 20
"""Venue time between two messages, about the rate of BTC/USD at depth 100 (PROTOCOL.md section 4.6)."""

_SPARE = 24
_SECONDS = 1_795_262_400  # 2026-11-21T12:00:00Z
_CHECKSUM_LEVELS = 10


@dataclass(frozen=True, slots=True)
class Pair:
    """Precisions and sizes of one pair.

    Attributes:
        name: What the tables call it.
        symbol: v2 symbol.
        v1_symbol: v1 name of the pair.
        price_decimals: Decimals of a v2 price.
        qty_decimals: Decimals of a quantity, of v1 and v2 alike.
        mid: Price in the middle of the first book, ticks.
        median: Typical quantity, units of the base asset.
        whales: Range of the largest quantities, units of the base asset.
    """

    name: str
    symbol: str
    v1_symbol: str
    price_decimals: int
    qty_decimals: int
    mid: int
    median: float
    whales: tuple[float, float]

    @property
    def v1_price_decimals(self) -> int:
        """v1 prices have at least five decimals, whatever the v2 ones have (PROTOCOL.md section 11)."""
        return max(5, self.price_decimals)


BTC = Pair("BTC-like", "BTC/USD", "XBT/USD", PRICE_DECIMALS, QTY_DECIMALS, 1_000_000, 0.05, (10, 400))
DOGE = Pair("DOGE-like", "DOGE/USD", "XDG/USD", 7, 8, 2_000_000, 3_000, (1e7, 1.5e8))
PEPE = Pair("PEPE-like", "PEPE/USD", "PEPE/USD", 9, 5, 12_345, 5e7, (1e10, 1e12))
PAIRS = (BTC, DOGE, PEPE)

Changes = list[tuple[int, int]]
"""(key, lots) in the order sent; see `_Side` for keys."""


class _Side:
    """Prices in ticks with lots; `sign` is -1 for bids, so that the best price always has the smallest key."""

    def __init__(self, sign: int, depth: int) -> None:
        self.sign = sign
        self.depth = depth
        self.keys: list[int] = []
        self.lots: dict[int, int] = {}
        self.changed: dict[int, bool] = {}
        """Keys changed since the last message, each with whether it was in the window before."""

    def put(self, key: int, lots: int) -> None:
        at = bisect_left(self.keys, key)
        known = key in self.lots
        self.changed.setdefault(key, known and at < self.depth)
        if lots:
            if not known:
                insort(self.keys, key)
            self.lots[key] = lots
        elif known:
            del self.keys[at], self.lots[key]
            if at < self.depth:
                # As Kraken does, the level that slides into the window comes with the one that went.
                self.changed.setdefault(self.keys[self.depth - 1], False)

    def take_changes(self) -> Changes:
        """What must be sent for a client to have this window again: what goes first, then the rest best first.

        So a client that truncates after every level instead of every message is right as well.
        """
        last = self.keys[self.depth - 1]
        sent = [(key, self.lots.get(key, 0)) for key in self.changed]
        sent = [(key, lots) for key, lots in sent if (key <= last if lots else self.changed[key])]
        self.changed.clear()
        return sorted(sent, key=lambda change: (change[1] != 0, change[0]))

    def window(self) -> Changes:
        return [(key, self.lots[key]) for key in self.keys[: self.depth]]

    def digits(self, factor: int = 1) -> str:
        return "".join(f"{key * self.sign * factor}{self.lots[key]}" for key in self.keys[:_CHECKSUM_LEVELS])


class Stream:
    """Frames of one pair at one depth: a snapshot, then as many updates as asked for.

    Args:
        depth: Levels a side.
        seed: Same seed, same bytes.
        pair: Precisions and sizes.
    """

    def __init__(self, depth: int, seed: int = 1, pair: Pair = BTC) -> None:
        self.pair = pair
        self.depth = depth
        self._random = random.Random(seed)
        self._bids, self._asks = _Side(-1, depth), _Side(1, depth)
        self._count = 0
        self._stamp = (_SECONDS, 0)
        self._v1_factor = 10 ** (pair.v1_price_decimals - pair.price_decimals)
        for side, first in ((self._bids, -pair.mid), (self._asks, pair.mid + 1)):
            side.put(first, self._size())
            self._fill(side)
            side.changed.clear()

    def snapshot(self) -> bytes:
        """The first frame: every level."""
        return self._v2("snapshot", self._bids.window(), self._asks.window())

    def v1_snapshot(self) -> bytes:
        """The first frame as v1 sends it: without a checksum."""
        bids, asks = (self._v1_levels(side.window()) for side in (self._bids, self._asks))
        return f'[{_V1_ID},{{"as":{asks},"bs":{bids}}},{self._v1_tail()}]'.encode("ascii")

    def update(self) -> bytes:
        """The next frame."""
        return self.updates()[0]

    def updates(self) -> tuple[bytes, bytes]:
        """The next frame in its v2 and its v1 form."""
        bids: Changes = []
        asks: Changes = []
        while not bids and not asks:
            self._change()
            bids, asks = self._bids.take_changes(), self._asks.take_changes()
        self._count += 1
        millis = self._count * STEP_MS
        self._stamp = (_SECONDS + millis // 1000, millis % 1000 * 1000 + self._random.randrange(15_000))
        return self._v2("update", bids, asks), self._v1(bids, asks)

    def window(self) -> dict[str, list[tuple[int, int]]]:
        """The true book: levels of both sides, best first, as (ticks, lots)."""
        return {
            name: [(key * side.sign, lots) for key, lots in side.window()]
            for name, side in (("bids", self._bids), ("asks", self._asks))
        }

    # -- what happens -------------------------------------------------------------------------------------------

    def _change(self) -> None:
        rng = self._random
        if rng.random() < 0.12:
            self._trade(*rng.choice(((self._asks, self._bids), (self._bids, self._asks))))
        else:
            side = rng.choice((self._bids, self._asks))
            for _ in range(rng.choices((1, 2, 3), (64, 31, 5))[0]):
                self._touch(side)
        for side in (self._bids, self._asks):
            self._fill(side)

    def _touch(self, side: _Side) -> None:
        """One level near the touch, as a rule, gets another size, goes, or gets a new neighbour."""
        rng = self._random
        deep = self.depth > _CHECKSUM_LEVELS and rng.random() >= 0.88
        at = rng.randrange(_CHECKSUM_LEVELS, self.depth) if deep else min(int(rng.expovariate(0.35)), 9)
        key, kind = side.keys[at], rng.random()
        if kind < 0.17:
            side.put(key, 0)
            return
        if kind < 0.40:
            key = self._free(side, key)
        side.put(key, self._size())

    def _free(self, side: _Side, key: int) -> int:
        """A price near `key`, towards the touch, where there is no level; a wide spread is closed by its half."""
        other = self._asks if side is self._bids else self._bids
        room = side.keys[0] + other.keys[0] - 1
        if key == side.keys[0] and room > 0:
            return key - max(1, room // 2)
        for near in range(key - 1, key - 6, -1):
            if near not in side.lots and near > side.keys[0]:
                return near
        return key

    def _trade(self, eaten: _Side, other: _Side) -> None:
        """A side loses its best levels, and the other one takes the last of their prices."""
        rng = self._random
        count = rng.randrange(4, 10) if rng.random() < 0.02 else rng.choices((1, 2), (85, 15))[0]
        for key in eaten.keys[:count]:
            eaten.put(key, 0)
        other.put(-key, self._size())

    def _fill(self, side: _Side) -> None:
        """Keep some levels below the window; nobody is told of those."""
        for key in side.keys[self.depth + 3 * _SPARE :]:
            side.lots.pop(key)
        del side.keys[self.depth + 3 * _SPARE :]
        while len(side.keys) < self.depth + _SPARE:
            key = side.keys[-1] + self._random.choices((1, 2, 3), (70, 20, 10))[0]
            side.keys.append(key)
            side.lots[key] = self._size()

    def _size(self) -> int:
        """Lots: log-normal, a third of them round, some dust and some whales."""
        rng, scale, kind = self._random, 10**self.pair.qty_decimals, self._random.random()
        if kind < 0.03:
            return rng.randrange(1, 1000)
        if kind < 0.05:
            lots = int(math.exp(rng.uniform(*map(math.log, self.pair.whales))) * scale)
        else:
            lots = max(1, int(self.pair.median * rng.lognormvariate(0, 1.5) * scale))
        if rng.random() < 0.33:
            lots = max(1, round(lots, 2 - len(str(lots))))
        return lots

    # -- how it is written --------------------------------------------------------------------------------------

    def _v2(self, kind: str, bids: Changes, asks: Changes) -> bytes:
        checksum = crc32((self._asks.digits() + self._bids.digits()).encode("ascii"))
        return (
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{self.pair.symbol}",'
            f'"bids":[{self._v2_levels(bids)}],"asks":[{self._v2_levels(asks)}],'
            f'"checksum":{checksum},"timestamp":"{self._timestamp()}"}}]}}'
        ).encode("ascii")

    def _v2_levels(self, levels: Changes) -> str:
        price, qty = self.pair.price_decimals, self.pair.qty_decimals
        return ",".join(f'{{"price":{_decimal(abs(key), price)},"qty":{_decimal(lots, qty)}}}' for key, lots in levels)

    def _v1(self, bids: Changes, asks: Changes) -> bytes:
        """Two objects where both sides changed, the checksum in the last one (PROTOCOL.md section 11)."""
        factor = self._v1_factor
        checksum = crc32((self._asks.digits(factor) + self._bids.digits(factor)).encode("ascii"))
        parts = [f'"{name}":{self._v1_levels(side)}' for name, side in (("a", asks), ("b", bids)) if side]
        parts[-1] += f',"c":"{checksum}"'
        return f"[{_V1_ID},{','.join(f'{{{part}}}' for part in parts)},{self._v1_tail()}]".encode("ascii")

    def _v1_levels(self, levels: Changes) -> str:
        price, qty = self.pair.v1_price_decimals, self.pair.qty_decimals
        time = f"{self._stamp[0]}.{self._stamp[1]:06d}"
        return (
            "["
            + ",".join(
                f'["{_decimal(abs(key) * self._v1_factor, price)}","{_decimal(lots, qty)}","{time}"]'
                for key, lots in levels
            )
            + "]"
        )

    def _v1_tail(self) -> str:
        return f'"book-{self.depth}","{self.pair.v1_symbol}"'

    def _timestamp(self) -> str:
        seconds, micros = self._stamp
        minutes, second = divmod(seconds - _SECONDS, 60)
        return f"2026-11-21T{12 + minutes // 60:02d}:{minutes % 60:02d}:{second:02d}.{micros:06d}Z"


_V1_ID = 119930880


def _decimal(units: int, decimals: int) -> str:
    whole, fraction = divmod(units, 10**decimals)
    return f"{whole}.{fraction:0{decimals}d}"


@dataclass(frozen=True, slots=True)
class Files:
    """One stream on disk, so that several processes are fed the same bytes.

    Attributes:
        pair: Precisions and sizes.
        depth: Levels a side.
        count: Updates, the snapshot not counted.
        v2, v1: One frame a line, the snapshot first.
        truth: JSON, the true book after some of the frames: {"number of the frame": {"bids": [[ticks, lots]], "asks"}}.
    """

    pair: Pair
    depth: int
    count: int
    v2: Path
    v1: Path
    truth: Path


def write(folder: Path, pair: Pair, depth: int, count: int, *, seed: int = 1, samples: int = 10) -> Files:
    """Write a stream of `count` updates to files."""
    stream = Stream(depth, seed, pair)
    name = f"{pair.name}-{depth}-{count}"
    files = Files(pair, depth, count, *(folder / f"{name}.{kind}" for kind in ("v2", "v1", "truth")))
    v2, v1 = [stream.snapshot()], [stream.v1_snapshot()]
    truth = {0: stream.window()}
    for number in range(1, count + 1):
        both = stream.updates()
        v2.append(both[0])
        v1.append(both[1])
        if number % max(1, count // samples) == 0:
            truth[number] = stream.window()
    files.v2.write_bytes(b"\n".join(v2))
    files.v1.write_bytes(b"\n".join(v1))
    files.truth.write_text(json.dumps(truth), encoding="utf-8")
    return files
