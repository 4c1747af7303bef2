"""How long the command line takes to answer, the screen to be there and its first book to be proven, and what is
imported on the way."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import Report, main

COMMANDS = (
    ("Python alone", ("-c", "pass")),
    ("kraken-tui --version", ("-m", "kraken_tui", "--version")),
    ("kraken-tui --help", ("-m", "kraken_tui", "--help")),
    ("import kraken_tui.market.book.l2", ("-c", "import kraken_tui.market.book.l2, kraken_tui.wire.decode")),
    ("import kraken_tui.engine.engine", ("-c", "import kraken_tui.engine.engine")),
    ("import kraken_tui.tui.app", ("-c", "import kraken_tui.tui.app")),
)
MOST_OVER_PYTHON_MS = 250.0
"""`--version` and `--help` fail the smoke run above this; about ten times what they take."""

MOST_TO_PROVEN_MS = 8000.0
"""The smoke run fails when the first proven book of the demo takes longer; about eight times what it takes."""

DEMO = ("-m", "kraken_tui", "--demo", "BTC/USD", "ETH/USD")

# Ends the program where the first paint starts the engine, after noting what was imported.
_STOP_AT_FIRST_PAINT = """
import json, os, sys
from pathlib import Path
import kraken_tui.engine.engine as engine
def dump(self):
    modules = set(sys.modules)
    part = Path(sys.argv[1] + ".part")
    part.write_text(json.dumps(sorted(modules)))
    part.rename(sys.argv[1])
    os._exit(0)
engine.Engine.start = dump
from kraken_tui.cli.main import main
main(["--demo"])
"""


def wall_ms(arguments: tuple[str, ...], rounds: int) -> list[float]:
    """Wall time of a fresh interpreter, in ms, once a round after one warm-up."""
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        times.append((time.perf_counter() - start) * 1000)
    return times[1:]


def modules_of(*arguments: str) -> frozenset[str]:
    """Names of all modules that an interpreter with these arguments imports until it ends."""
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return frozenset(re.findall(r"^import time:\s*\d+ \|\s*\d+ \|\s*(\S+)$", done.stderr, re.MULTILINE))


def modules_at_first_paint(limit_s: float = 30.0) -> frozenset[str]:
    """Names of all modules in the program, on a terminal, when its first screen is out.

    Raises:
        RuntimeError: It did not get there in time.
    """
    from benchmarks.screen import Terminal

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "modules.json"
        terminal = Terminal(["-c", _STOP_AT_FIRST_PAINT, str(path)])
        end = time.monotonic() + limit_s
        while not path.exists() and time.monotonic() < end:
            terminal.read(0.1)
        terminal.end()
        if not path.exists():
            raise RuntimeError("the first screen did not come")
        return frozenset(json.loads(path.read_text(encoding="utf-8")))


def first_seen_ms(text: bytes, rounds: int) -> list[float]:
    """Time from starting the demo until a text is on its terminal, in ms, once a round after one warm-up."""
    from benchmarks.screen import Terminal

    times = []
    for _ in range(rounds + 1):
        terminal = Terminal(list(DEMO))
        found = terminal.wait_for(text, 20.0)
        times.append((time.perf_counter() - terminal.started) * 1000 if found is not None else float("inf"))
        terminal.drain(0.1)
        terminal.end()
    return times[1:]


def _counted(modules: frozenset[str]) -> str:
    ours = sum(name.partition(".")[0] == "kraken_tui" for name in modules)
    return f"{len(modules)}, {ours} of them ours"


def run(smoke: bool) -> Report:
    """Measure; the smoke run leaves the imports out."""
    columns = ("what", "median ms", "over Python alone", "best..worst", "modules")
    report = Report("Start-up", columns)
    bare = 0.0
    for name, arguments in COMMANDS[:3] if smoke else COMMANDS:
        times = wall_ms(arguments, 3 if smoke else 15)
        median = statistics.median(times)
        bare = bare or median
        _row(report, name, times, bare, modules_of(*arguments))
        if smoke and median - bare > MOST_OVER_PYTHON_MS:
            report.failures.append(f"{name} takes {median - bare:.0f} ms more than Python alone")
    if not os.path.isdir("/proc/self"):  # noqa: PTH112
        return report
    rounds = 1 if smoke else 9
    _row(report, "first paint of the demo", first_seen_ms(b"F2", rounds), bare, modules_at_first_paint())
    proven = first_seen_ms(b"VERIFIED", rounds)
    _row(report, "first proven book of the demo", proven, bare, None)
    if statistics.median(proven) > MOST_TO_PROVEN_MS:
        report.failures.append(f"the demo's first book is proven after {statistics.median(proven):.0f} ms")
    return report


def _row(report: Report, name: str, times: list[float], bare: float, modules: frozenset[str] | None) -> None:
    median = statistics.median(times)
    spread = f"{min(times):.0f}..{max(times):.0f}"
    counted = "-" if modules is None else _counted(modules)
    report.rows.append((name, f"{median:.0f}", f"+{median - bare:.0f}", spread, counted))


if __name__ == "__main__":
    raise SystemExit(main(run(smoke="--smoke" in sys.argv)))
