"""How long the command line takes to answer, and what each layer's import costs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from benchmarks import Report, main

COMMANDS = (
    ("Python alone", ("-c", "pass")),
    ("kraken-tui --version", ("-m", "kraken_tui", "--version")),
    ("kraken-tui --help", ("-m", "kraken_tui", "--help")),
    ("import kraken_tui.market.book", ("-c", "import kraken_tui.market.book, kraken_tui.wire.decode")),
    ("import kraken_tui.engine.engine", ("-c", "import kraken_tui.engine.engine")),
    ("import kraken_tui.tui.app", ("-c", "import kraken_tui.tui.app")),
)
MOST_OVER_PYTHON_MS = 250.0
"""`--version` and `--help` fail the smoke run above this; about ten times what they take."""


def wall_ms(arguments: tuple[str, ...], rounds: int) -> list[float]:
    """Wall time of a fresh interpreter, in ms, once a round after one warm-up."""
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        times.append((time.perf_counter() - start) * 1000)
    return times[1:]


def run(smoke: bool) -> Report:
    """Measure; the smoke run looks at the command line alone."""
    report = Report("Start-up", ("command", "median ms", "over Python alone", "best..worst"))
    bare = 0.0
    for name, arguments in COMMANDS[:3] if smoke else COMMANDS:
        times = wall_ms(arguments, 3 if smoke else 15)
        median = statistics.median(times)
        bare = bare or median
        report.rows.append((name, f"{median:.0f}", f"+{median - bare:.0f}", f"{min(times):.0f}..{max(times):.0f}"))
        if smoke and median - bare > MOST_OVER_PYTHON_MS:
            report.failures.append(f"{name} takes {median - bare:.0f} ms more than Python alone")
    return report


if __name__ == "__main__":
    raise SystemExit(main(run(smoke="--smoke" in sys.argv)))
