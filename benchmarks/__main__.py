"""Run all benchmarks: `python -m benchmarks [--smoke] [--write] [--peers] [NAME ...]`, or `compare REV`."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
import time
from pathlib import Path

from benchmarks import MODULES, Report, compare
from benchmarks.machine import speed_text

RESULTS = Path(__file__).parent / "RESULTS.md"
_HEAD = """# Results

Written by `python -m benchmarks --write [NAME ...]`, each part with its own date; what they mean is in
[docs/PERFORMANCE.md](../docs/PERFORMANCE.md). Ratios within one table count; figures of different machines do not
compare.
"""


def machine() -> str:
    """The machine in one line, since figures mean nothing without it."""
    model = ""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        model = platform.processor()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{model or 'unknown processor'}, {os.cpu_count()} cores, {platform.system()}, {python}, {speed_text()}"


def write(name: str, report: Report) -> None:
    """Put one benchmark's tables into its place in `RESULTS.md`, with the date, the machine and its load."""
    content = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else _HEAD
    begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->\n"
    load = f", load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    text = f"{begin}{report.markdown()}\n{time.strftime('%Y-%m-%d')}, {machine()}{load}.\n{end}"
    head, found, rest = content.partition(begin)
    tail = rest.partition(end)[2] if found else ""
    RESULTS.write_text(f"{head}{text}{tail}" if found else f"{content}\n{text}", encoding="utf-8")


def main() -> int:
    """Run the chosen benchmarks; 1 where a ratio is far off."""
    if sys.argv[1:2] == ["compare"]:
        return compare.main(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones, of {', '.join(MODULES)} (default: all)")
    parser.add_argument("--smoke", action="store_true", help="a short run that only checks wide ratios")
    parser.add_argument("--write", action="store_true", help=f"also write {RESULTS.name}")
    parser.add_argument("--peers", action="store_true", help="install other projects' clients and measure them too")
    given = parser.parse_args()
    if given.peers:
        os.environ.setdefault("KRAKEN_TUI_PEERS", "install")
    unknown = set(given.names) - set(MODULES)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(MODULES)}")
    if given.write and given.smoke:
        parser.error("--write records full runs, not the smoke run")
    reports: list[Report] = []
    for name in given.names or MODULES:
        started = time.perf_counter()
        report: Report = importlib.import_module(f"benchmarks.{name}").run(smoke=given.smoke)
        reports.append(report)
        print(report.markdown())
        print(f"({name}: {time.perf_counter() - started:.1f} s)\n", flush=True)
        if given.write:
            write(name, report)
    failures = [failure for report in reports for failure in report.failures]
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
