"""How fast recordings become files: played through the feed, with the proof of every row, on one core."""

from __future__ import annotations

import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from benchmarks import Report, main
from benchmarks.stream import Stream
from kraken_tui.outputs import SINKS
from kraken_tui.outputs.recorded import Player, Wanted

NS = 1_795_262_400_000_000_000
MOST_US = 250.0


def recorded(path: Path, count: int) -> None:
    """A recording of one book of depth 100, twenty milliseconds a message."""
    stream = Stream(100)
    frames = [stream.snapshot(), *(stream.update() for _ in range(count))]
    lines = (b'{"rx_ns":%d,"frame":%s}\n' % (NS + number * 20_000_000, frame) for number, frame in enumerate(frames))
    path.write_bytes(b"".join(lines))


def export_s(path: Path, kind: str, shape: str) -> tuple[float, int, int]:
    """(seconds of processor time, rows, bytes)."""
    size = 0

    def take(data: bytes) -> None:
        nonlocal size
        size += len(data)

    player = Player([path], Wanted(levels=10 if shape == "levels" else 0), lambda event: sink.write(event))
    sink = SINKS[kind].make(player.spec_of, take, shape=shape, clock=lambda: player.now_ns)
    began = time.process_time()
    sink.open()
    for _ in player.play():
        sink.flush()
    sink.close()
    return time.process_time() - began, sink.counts.written, size


def run(smoke: bool) -> Report:
    """Measure each format on the same recording."""
    report = Report("Export of a recording", ("format, shape", "rows/s", "messages/s", "us/message", "MB"))
    count = 5_000 if smoke else 100_000
    kinds = ("csv", "parquet") if find_spec("pyarrow") else ("csv",)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "day.jsonl"
        recorded(path, count)
        for kind in kinds:
            for shape in ("updates", "levels"):
                seconds, rows, size = min(export_s(path, kind, shape) for _ in range(2 if smoke else 3))
                us = seconds / count * 1e6
                report.rows.append(
                    (
                        f"{kind}, {shape}",
                        f"{rows / seconds:,.0f}",
                        f"{count / seconds:,.0f}",
                        f"{us:.1f}",
                        f"{size / 1e6:.1f}",
                    )
                )
                if us > MOST_US:
                    report.failures.append(f"{kind} {shape} takes {us:.0f} us a message")
    return report


if __name__ == "__main__":
    raise SystemExit(main(run(smoke="--smoke" in sys.argv)))
