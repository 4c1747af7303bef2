"""What the recorder and the JSON lines add to each message."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import Report, main
from benchmarks.pipeline import SPEC
from benchmarks.stream import Stream
from kraken_tui.engine.events import BookLine
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.events import BookChanged
from kraken_tui.outputs.jsonlines import JsonLines
from kraken_tui.recording.writer import Recorder
from kraken_tui.wire.decode import decode
from kraken_tui.wire.messages import BookMessage

NS = 1_795_262_400_000_000_000
MOST_US = 300.0


def record_us(suffix: str, frames: list[bytes]) -> float:
    """Microseconds a frame to record, the final flush included."""
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder) / f"frames{suffix}", wall_ns=NS)
        start = time.perf_counter()
        for number, frame in enumerate(frames):
            recorder.write(frame, NS + number)
        recorder.close()
        return (time.perf_counter() - start) / len(frames) * 1e6


def lines_us(books: list[BookLine]) -> float:
    """Microseconds a book line of ten levels a side."""
    lines = JsonLines()
    start = time.perf_counter()
    for book in books:
        lines.book_line(book)
    return (time.perf_counter() - start) / len(books) * 1e6


def make(count: int) -> tuple[list[bytes], list[BookLine]]:
    """The same updates as raw frames and as books."""
    stream = Stream(100)
    book = OrderBook(SPEC, 100)
    first = decode(stream.snapshot())
    assert isinstance(first, BookMessage)
    book.load(first.data[0].bids, first.data[0].asks)
    frames, books = [], []
    for number in range(count):
        frame = stream.update()
        message = decode(frame)
        assert isinstance(message, BookMessage)
        data = message.data[0]
        book.apply(data.bids, data.asks)
        changed = BookChanged("BTC/USD", "update", True, data.checksum, data.timestamp, NS, NS + number * 1000)
        frames.append(frame)
        books.append(BookLine(changed, book.bids.top(10), book.asks.top(10), SPEC))
    return frames, books


def run(smoke: bool) -> Report:
    """Measure each output on the same stream."""
    report = Report("Outputs, per book message", ("output", "us", "best..worst"))
    frames, books = make(3_000 if smoke else 30_000)
    outputs: list[tuple[str, Callable[[], float]]] = [
        ("JSON line, 10 levels a side", lambda: lines_us(books)),
        ("recorder, plain", lambda: record_us(".jsonl", frames)),
        ("recorder, .gz", lambda: record_us(".jsonl.gz", frames)),
    ]
    try:
        import zstandard  # noqa: F401
    except ImportError:
        report.title += " (zstandard is not installed)"
    else:
        outputs.append(("recorder, .zst", lambda: record_us(".jsonl.zst", frames)))
    for name, measure in outputs:
        times = [measure() for _ in range(3 if smoke else 7)]
        median = statistics.median(times)
        report.rows.append((name, f"{median:.2f}", f"{min(times):.2f}..{max(times):.2f}"))
        if median > MOST_US:
            report.failures.append(f"{name} takes {median:.0f} us a message")
    return report


if __name__ == "__main__":
    raise SystemExit(main(run(smoke="--smoke" in sys.argv)))
