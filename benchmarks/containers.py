"""Where a book's levels are kept: parallel lists found by bisection against `sortedcontainers.SortedDict`.

Both keep the checksum digits per level and are driven by the same seeded changes: one put, truncation, and the ten
best levels' digits joined, as every book message needs them.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from itertools import islice

from sortedcontainers import SortedDict

from benchmarks import Report, main
from kraken_tui.market.book.l2 import BookSide
from kraken_tui.market.events import Side

DEPTHS = (10, 100, 1000)
MOST_RATIO = 3.0
"""The smoke run fails when the lists cost this many times what the sorted dictionary costs."""

Step = Callable[[int, int, str, int], bytes]


def _lists() -> Step:
    side = BookSide(Side.SELL)

    def step(ticks: int, lots: int, _: str, depth: int) -> bytes:
        side.put(ticks, lots)
        side.truncate(depth)
        return side.checksum_digits()

    return step


def _sorted_dict() -> Step:
    levels: SortedDict = SortedDict()

    def step(ticks: int, lots: int, digits: str, depth: int) -> bytes:
        if lots:
            levels[ticks] = (lots, digits)
        else:
            levels.pop(ticks, None)
        while len(levels) > depth:
            levels.popitem()
        return "".join([kept for _, kept in islice(levels.values(), 10)]).encode("ascii")

    return step


def _changes(depth: int, count: int) -> list[tuple[int, int, str]]:
    """Changes whose prices gather at the touch, a quarter of them removals."""
    rng = random.Random(depth)
    changes = [(100_000 + number, 1, f"{100_000 + number}1") for number in range(depth)]
    for _ in range(count):
        ticks = 100_000 + min(int(rng.expovariate(1 / (2 + depth / 20))), 2 * depth)
        lots = 0 if rng.random() < 0.25 else rng.randrange(1, 10**9)
        changes.append((ticks, lots, f"{ticks}{lots}"))
    return changes


def _us(make: Callable[[], Step], depth: int, changes: list[tuple[int, int, str]]) -> tuple[float, bytes]:
    step = make()
    start = time.perf_counter()
    last = b""
    for ticks, lots, digits in changes:
        last = step(ticks, lots, digits, depth)
    return (time.perf_counter() - start) / len(changes) * 1e6, last


def run(smoke: bool) -> Report:
    """Measure both in turn."""
    report = Report("Containers of a book side, per change", ("depth", "lists us", "SortedDict us", "ratio"))
    for depth in DEPTHS:
        changes = _changes(depth, 5_000 if smoke else 100_000)
        pairs = [(_us(_lists, depth, changes), _us(_sorted_dict, depth, changes)) for _ in range(3 if smoke else 7)]
        assert all(ours[1] == theirs[1] for ours, theirs in pairs), "the two do not agree"
        lists, sorted_dict = (statistics.median(side[0] for side in column) for column in zip(*pairs, strict=True))
        report.rows.append((str(depth), f"{lists:.2f}", f"{sorted_dict:.2f}", f"{sorted_dict / lists:.1f}x"))
        if lists > MOST_RATIO * sorted_dict:
            report.failures.append(f"lists cost {lists / sorted_dict:.1f} times the sorted dictionary at depth {depth}")
    return report


if __name__ == "__main__":
    raise SystemExit(main(run(smoke="--smoke" in sys.argv)))
