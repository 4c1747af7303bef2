"""Bytes of a book frame to a proven book: decode, apply, checksum, in microseconds a message."""

from __future__ import annotations

import statistics
import sys
import time

from benchmarks import Report, main
from benchmarks.stream import PRICE_DECIMALS, QTY_DECIMALS, Stream
from kraken_tui.market.book import OrderBook
from kraken_tui.wire.decode import decode
from kraken_tui.wire.messages import BookMessage
from kraken_tui.wire.symbols import PairSpec

DEPTHS = (10, 100, 1000)
SPEC = PairSpec("BTC/USD", "BTC", "USD", PRICE_DECIMALS, QTY_DECIMALS)
MOST_GROWTH = 4.0
"""A book 100 times as deep may cost this many times as much; sorting anew each time would cost far more."""

MOST_US = 200.0
"""Above this a message costs more than a busy hour of twenty pairs allows; about twenty times what it takes."""


def measure(depth: int, updates: int) -> tuple[float, float, float]:
    """Microseconds a message for decoding, for applying, and for proving.

    Raises:
        AssertionError: A checksum did not match: the figures would be worth nothing.
    """
    stream = Stream(depth)
    snapshot = stream.snapshot()
    frames = [stream.update() for _ in range(updates)]
    start = time.perf_counter()
    messages = [decode(frame) for frame in frames]
    decoded_s = time.perf_counter() - start
    book = OrderBook(SPEC, depth)
    first = decode(snapshot)
    assert isinstance(first, BookMessage)
    book.load(first.data[0].bids, first.data[0].asks)
    assert book.checksum() == first.data[0].checksum
    applied_s = proven_s = 0.0
    clock = time.perf_counter
    for message in messages:
        assert isinstance(message, BookMessage)
        data = message.data[0]
        before = clock()
        book.apply(data.bids, data.asks)
        between = clock()
        checksum = book.checksum()
        proven_s += clock() - between
        applied_s += between - before
        assert checksum == data.checksum
    return decoded_s / updates * 1e6, applied_s / updates * 1e6, proven_s / updates * 1e6


def run(smoke: bool) -> Report:
    """Measure every depth; every checksum of every run is checked."""
    report = Report(
        "Book pipeline, every message proven", ("depth", "decode us", "apply us", "prove us", "total us", "messages/s")
    )
    totals: dict[int, float] = {}
    for depth in DEPTHS:
        runs = [measure(depth, 3_000 if smoke else 50_000) for _ in range(3 if smoke else 7)]
        parts = [statistics.median(column) for column in zip(*runs, strict=True)]
        totals[depth] = total = sum(parts)
        report.rows.append((str(depth), *(f"{part:.2f}" for part in parts), f"{total:.2f}", f"{1e6 / total:,.0f}"))
    if totals[1000] > MOST_GROWTH * totals[10]:
        report.failures.append(f"depth 1000 costs {totals[1000] / totals[10]:.1f} times depth 10")
    if max(totals.values()) > MOST_US:
        report.failures.append(f"a message costs {max(totals.values()):.0f} us")
    return report


if __name__ == "__main__":
    raise SystemExit(main(run(smoke="--smoke" in sys.argv)))
