"""S6 and S8: the program on a terminal for a long time, and started and quit many times.

    python -m tests.terminal.soak s6 --seconds 3600     500 messages a second, every one watched to its cell
    python -m tests.terminal.soak s8 --count 1000       starts and quits

`--write` puts the figures into docs/FIGURES.md, kept or not. What is late because others used the processors is in
the figures too; how long the program waited for one stands beside them (S6).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.end_to_end import RATE, lags_ms, program
from benchmarks.machine import waited_s
from benchmarks.server import server
from tests.rig.ledger import percentile, write_figures
from tests.terminal.rig import Terminal, children_of, clean_env, runs

_WARM_S = 3.0
_FOOTER = b"F2"


class Limits:
    """Says each figure with its limit, and remembers whether all were kept."""

    def __init__(self) -> None:
        self.kept = True

    def say(self, text: str, value: float, limit: float, unit: str) -> str:
        """One figure."""
        kept = value <= limit
        self.kept &= kept
        return f"{text} {value:.1f} {unit} (limit {limit:g}{'' if kept else ', NOT KEPT'})"


def s6(seconds: float) -> tuple[str, bool]:
    """A live screen for so long; the figures, and whether all were within their limits."""
    limits = Limits()
    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder) / "run.jsonl"
        options = ("--pairs", "2", "--rate", str(RATE), "--marker", "--ping-ms", "50")
        with server(*options) as venue, program(venue, 10, "--record", str(recording)) as watcher:
            terminal = watcher.terminal
            watcher.watch(_WARM_S)
            watcher.frame_ms.clear()
            began, wall, cpu, waited = time.monotonic(), time.time(), terminal.cpu_seconds(), waited_s(terminal.pid)
            watcher.watch(seconds)
            elapsed = time.monotonic() - began
            share = (terminal.cpu_seconds() - cpu) / elapsed * 100
            waiting = (waited_s(terminal.pid) - waited) / elapsed * 100
            screen = list(watcher.frame_ms)
            verified = watcher.shows("VERIFIED")
            pings = [latency * 1000 for at, latency in venue.report()["pings"] if began <= at < began + elapsed]
        state = [lag for at, lag in lags_ms(recording) if wall <= at < wall + elapsed]
    limits.kept &= verified
    figures = (
        f"S6: {elapsed:.0f} s at {len(state) / elapsed:.0f} book messages a second, recording them, "
        f"{'VERIFIED at the end' if verified else 'NOT VERIFIED at the end'}; "
        + "; ".join(
            (
                limits.say("frame to state p99", percentile(state, 0.99), 2.0, "ms"),
                limits.say("frame to screen p50", percentile(screen, 0.5), 60.0, "ms"),
                limits.say("p99", percentile(screen, 0.99), 150.0, "ms"),
                limits.say("loop lag p99", percentile(pings, 0.99), 20.0, "ms"),
                limits.say("processor", share, 35.0, "% of a core"),
            )
        )
        + f"; meanwhile {waiting:.0f} % of the time the program was ready and waited for a processor"
    )
    return figures, limits.kept


def s8(count: int) -> tuple[str, bool]:
    """Start and quit so often; the figures, and whether all were within their limits."""
    limits = Limits()
    painted: list[float] = []
    quits: list[float] = []
    orphans = broken = 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        env = clean_env(Path(folder))
        for number in range(count):
            start = time.monotonic()
            with Terminal(env, "--demo") as terminal:
                terminal.until(_FOOTER)
                painted.append((time.monotonic() - start) * 1000)
                terminal.read((number % 5) * 0.1)
                children = children_of(terminal.pid)
                start = time.monotonic()
                terminal.send((b"q", b"\x03")[number % 2])
                terminal.ended()
                quits.append(time.monotonic() - start)
                broken += bool(terminal.restoration()[1]) or terminal.code != 0
                late = time.monotonic() + 1.0
                while any(map(runs, children)) and time.monotonic() < late:
                    time.sleep(0.01)
                orphans += sum(map(runs, children))
    limits.kept = orphans == broken == 0
    figures = (
        f"S8: {count:,} starts and quits: {orphans} orphans, {broken} broken terminals or wrong exit codes; "
        + "; ".join(
            (
                limits.say("first paint p95", percentile(painted, 0.95), 800.0, "ms"),
                limits.say("quit p99", percentile(quits, 0.99), 2.0, "s"),
            )
        )
        + f"; worst {max(painted):.0f} ms and {max(quits):.2f} s; {time.monotonic() - began:.0f} s"
    )
    return figures, limits.kept


def main() -> int:
    """Run as a command; 1 where a limit was not kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.terminal.soak", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("which", choices=("s6", "s8"))
    parser.add_argument("--seconds", type=float, default=3600.0, help="of S6 (default %(default)s)")
    parser.add_argument("--count", type=int, default=1000, help="cycles of S8 (default %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/FIGURES.md")
    options = parser.parse_args()
    figures, kept = s6(options.seconds) if options.which == "s6" else s8(options.count)
    print(figures)
    if options.write:
        write_figures(options.which, figures)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
