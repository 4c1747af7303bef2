"""Bytes of a level 3 frame to a proven book of single orders, in microseconds a message, and the memory of one.

Beside it a textbook's client: decimals, a list a level, the ten best levels sorted for each checksum. What is timed is
decoding, applying and proving, with nothing behind it.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import time
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any
from zlib import crc32

from benchmarks import Report, main
from benchmarks.memory import resident_mb
from kraken_tui.market.book.l3 import L3Book
from kraken_tui.wire.level3 import Level3Message
from kraken_tui.wire.private import decode
from kraken_tui.wire.symbols import PairSpec

SPEC = PairSpec("BTC/USD", "BTC", "USD", 1, 8)
DEPTHS = (10, 100, 1000)
MOST_US = {10: 12.0, 100: 16.0, 1000: 20.0}
MOST_MB = 60.0
ORDERS_A_LEVEL = 4

_FACTOR = 3.0
"""How much slower a busy machine may be before the smoke run fails."""


class Stream:
    """Frames of a book that moves within a fixed grid of prices, with right checksums."""

    def __init__(self, depth: int, seed: int = 1) -> None:
        self.rng, self.depth, self.number = Random(seed), depth, 0
        self.sides: dict[str, dict[int, dict[str, int]]] = {"bids": {}, "asks": {}}
        for side in self.sides:
            for level in range(depth):
                for _ in range(self.rng.randrange(1, 2 * ORDERS_A_LEVEL)):
                    self._insert(side, level)

    def frames(self, count: int) -> list[bytes]:
        """A snapshot and `count` updates: about five adds to three deletes and one change, like BTC/USD."""
        rows = {
            side: ",".join(
                self._row("", side, level, *order) for level in sorted(levels) for order in levels[level].items()
            )
            for side, levels in self.sides.items()
        }
        found = [self._frame("snapshot", rows)]
        for _ in range(count):
            side = self.rng.choice(("bids", "asks"))
            rows = {"bids": "", "asks": ""}
            rows[side] = ",".join(self._event(side) for _ in range(self.rng.choice((1, 1, 1, 2))))
            found.append(self._frame("update", rows))
        return found

    def _insert(self, side: str, level: int) -> tuple[str, int]:
        self.number += 1
        name = f"O{self.number:05}-AAAAA-{self.number * 7919 % 1000000:06}"
        lots = self.rng.randrange(1000, 5 * 10**8)
        self.sides[side].setdefault(level, {})[name] = lots
        return name, lots

    def _event(self, side: str) -> str:
        levels = self.sides[side]
        kind = self.rng.choices(("add", "delete", "modify"), (10, 9, 1))[0]
        level = min(int(self.rng.expovariate(1.0 / max(3.0, self.depth / 20))), self.depth - 1)
        if kind == "add" or level not in levels:
            return self._row("add", side, level, *self._insert(side, level))
        orders = levels[level]
        name = self.rng.choice(list(orders))
        if kind == "modify":
            orders[name] = max(1, orders[name] // 2)
            return self._row("modify", side, level, name, orders[name])
        lots = orders.pop(name)
        if not orders:
            del levels[level]
        return self._row("delete", side, level, name, lots)

    def _ticks(self, side: str, level: int) -> int:
        return 500_000 - level if side == "bids" else 500_001 + level

    def _row(self, event: str, side: str, level: int, name: str, lots: int) -> str:
        ticks = self._ticks(side, level)
        head, qty = f'{{"event":"{event}",' if event else "{", f"{lots // 10**8}.{lots % 10**8:08}"
        price = f"{ticks // 10}.{ticks % 10}"
        return (
            f'{head}"order_id":"{name}","limit_price":{price},"order_qty":{qty},'
            f'"timestamp":"2026-01-05T10:00:00.{self.number:09}Z"}}'
        )

    def _frame(self, kind: str, rows: dict[str, str]) -> bytes:
        parts = [
            f"{self._ticks(side, level)}{lots}"
            for side in ("asks", "bids")
            for level in sorted(self.sides[side])[:10]
            for lots in self.sides[side][level].values()
        ]
        return (
            f'{{"channel":"level3","type":"{kind}","data":[{{"checksum":{crc32("".join(parts).encode())},'
            f'"symbol":"BTC/USD","bids":[{rows["bids"]}],"asks":[{rows["asks"]}],'
            f'"timestamp":"2026-01-05T10:00:00.000000000Z"}}]}}'
        ).encode()


class Textbook:
    """The client that the documentation's description leads to."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[Decimal, list[list[Any]]]] = {}

    def take(self, frame: bytes) -> bool:
        fields = json.loads(frame, parse_float=Decimal, parse_int=Decimal)
        (data,) = fields["data"]
        if fields["type"] == "snapshot":
            self.sides = {"bids": {}, "asks": {}}
        for side in ("bids", "asks"):
            levels = self.sides[side]
            for row in data[side]:
                orders = levels.setdefault(row["limit_price"], [])
                event = row.get("event", "add")
                if event == "add":
                    orders.append([row["order_id"], row["order_qty"]])
                elif event == "delete":
                    levels[row["limit_price"]] = [order for order in orders if order[0] != row["order_id"]]
                else:
                    next(order for order in orders if order[0] == row["order_id"])[1] = row["order_qty"]
                if not levels[row["limit_price"]]:
                    del levels[row["limit_price"]]
        parts = []
        for side in ("asks", "bids"):
            levels = self.sides[side]
            for price in sorted(levels, reverse=side == "bids")[:10]:
                for _, qty in levels[price]:
                    parts += [f"{price:.1f}".replace(".", "").lstrip("0"), f"{qty:.8f}".replace(".", "").lstrip("0")]
        return crc32("".join(parts).encode()) == int(data["checksum"])


def _ours(depth: int) -> Callable[[bytes], bool]:
    book = L3Book(SPEC, depth)

    def take(frame: bytes) -> bool:
        message = decode(frame)
        assert isinstance(message, Level3Message)
        return book.take(message.type, message.data[0], 0).verified

    return take


def cost_us(take: Callable[[bytes], bool], frames: list[bytes]) -> float:
    """Microseconds of the processor an update; every message must be proven."""
    assert take(frames[0])
    start = time.process_time()
    right = sum(map(take, frames[1:]))
    taken = time.process_time() - start
    assert right == len(frames) - 1, "a checksum did not match"
    return taken / (len(frames) - 1) * 1e6


def _memory(depth: int, books: int, answer: Any) -> None:
    frame = Stream(depth).frames(0)[0]
    message = decode(frame)
    gc.collect()
    before, held = resident_mb(), []
    for _ in range(books):
        held.append(L3Book(SPEC, depth))
        message = decode(frame)
        assert isinstance(message, Level3Message)
        held[-1].take("snapshot", message.data[0], 0)
    answer.put(((resident_mb() - before) / books, held[0].bids.orders + held[0].asks.orders))


def memory_mb(depth: int, books: int = 4) -> tuple[float, int]:
    """Resident MB a book in a process of its own, and how many orders it holds."""
    context = multiprocessing.get_context("spawn")
    answer: Any = context.Queue()
    process = context.Process(target=_memory, args=(depth, books, answer))
    process.start()
    found: tuple[float, int] = answer.get(timeout=60)
    process.join()
    return found


def run(smoke: bool = False) -> Report:
    """Time each depth beside the textbook's client."""
    report = Report(
        "Level 3: single orders, decoded, applied and proven",
        ("Depth", "us a message", "textbook us", "times", "orders held", "MB a book"),
    )
    for depth in DEPTHS:
        frames = Stream(depth).frames(500 if smoke else 5000)
        ours = min(cost_us(_ours(depth), frames) for _ in range(3 if smoke else 7))
        theirs = cost_us(Textbook().take, frames[: 200 if smoke else 1000])
        megabytes, orders = memory_mb(depth)
        report.rows.append(
            (str(depth), f"{ours:.1f}", f"{theirs:.0f}", f"{theirs / ours:.1f}", f"{orders:,}", f"{megabytes:.1f}")
        )
        if ours > MOST_US[depth] * _FACTOR:
            report.failures.append(f"a level 3 message at depth {depth} takes {ours:.1f} us")
        if megabytes > MOST_MB:
            report.failures.append(f"a level 3 book of depth {depth} takes {megabytes:.0f} MB")
    return report


if __name__ == "__main__":
    raise SystemExit(main(run()))
