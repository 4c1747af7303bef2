"""What Kafka costs: a line into it, in all threads, and a line out of it up to the proven book."""

from __future__ import annotations

import statistics
import sys
import time

from benchmarks import Report, main
from benchmarks.outputs import make
from kraken_tui.engine.events import BookLine
from kraken_tui.feed.kafka.lines import Lines, Message
from kraken_tui.feed.kafka.topics import Stamp
from kraken_tui.feed.session import Session
from kraken_tui.outputs.jsonlines import JsonLines

MOST_SINK_US = 20.0
"""The wish is 8 us beside an idle machine; this bound is for a busy one."""


def sink_us(books: list[BookLine]) -> tuple[float, float]:
    """(us of processor time of all threads for a line that the mock brokers took, of which its text)."""
    from confluent_kafka import Producer

    from kraken_tui.outputs.kafka import KafkaSink, Plan

    lines = JsonLines()
    start = time.process_time()
    for book in books:
        lines.book_line(book)
    text = (time.process_time() - start) / len(books) * 1e6
    # The brokers run in this process: what they cost is measured by itself, and taken off.
    cluster = Producer({"bootstrap.servers": "x:1", "test.mock.num.brokers": 1, "log_level": 0})
    brokers = cluster.list_topics(timeout=10).brokers.values()
    sink = KafkaSink(lambda _: None, plan=Plan(",".join(f"{each.host}:{each.port}" for each in brokers)))
    sink.open()
    sink.write(books[0])
    time.sleep(1.0)
    start = time.process_time()
    for number, book in enumerate(books):
        sink.write(book)
        if number % 256 == 0:
            sink.flush()
            while sink.kafka_counts.waiting > 10_000:
                sink.flush()
                time.sleep(0.001)
    sink.close()
    spent = (time.process_time() - start) / len(books) * 1e6
    counts = sink.kafka_counts
    assert counts.delivered == len(books) + 1, counts
    return spent, text


def reader_us(books: list[BookLine]) -> tuple[float, float]:
    """(us for a line from its bytes to the proven book, us for the frame alone that the session takes)."""
    lines = JsonLines()
    values = [lines.book_line(book).encode() for book in books]
    reader = Lines(lambda _: True)
    session = Session(kafka=True)
    session.opened(0, 0)
    frames = []
    start = time.process_time()
    for number, value in enumerate(values, 1):
        steps = reader.take(Message("book", value, Stamp("run", number, True, "1"), number), number)
        frames += [step for step in steps if isinstance(step, bytes)]
    made = time.process_time() - start
    start = time.process_time()
    for number, frame in enumerate(frames):
        session.frame(frame, number, number)
        session.take_events()
    applied = time.process_time() - start
    assert session.counters.checks_failed == 0
    return (made + applied) / len(values) * 1e6, applied / len(values) * 1e6


def run(smoke: bool) -> Report:
    """Measure both directions on the same books."""
    report = Report("Kafka, per book line of ten levels a side", ("what", "us", "best..worst"))
    _, books = make(2_000 if smoke else 20_000)
    rounds = 2 if smoke else 5
    out = [reader_us(books) for _ in range(rounds)]
    rows = [
        ("reader, line to proven book", [total for total, _ in out]),
        ("  of it, the session", [own for _, own in out]),
    ]
    try:
        import confluent_kafka  # noqa: F401
    except ImportError:
        report.title += " (confluent-kafka is not installed)"
    else:
        found = [sink_us(books) for _ in range(rounds)]
        rows.append(("sink, all threads, mock brokers included", [total for total, _ in found]))
        rows.append(("  of it, the text of the line", [text for _, text in found]))
        if min(total for total, _ in found) > MOST_SINK_US + 10:
            report.failures.append("the sink takes too long")
    for name, times in rows:
        report.rows.append((name, f"{statistics.median(times):.2f}", f"{min(times):.2f}..{max(times):.2f}"))
    return report


if __name__ == "__main__":
    raise SystemExit(main(run(smoke="--smoke" in sys.argv)))
