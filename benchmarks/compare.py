"""Two revisions side by side: `python -m benchmarks compare REV` runs REV and what is checked out here by turns.

Whatever disturbs the machine disturbs both. The scripts that drive the clients are those of today, so a revision too
old for them shows as a row that failed.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

from benchmarks import Report
from benchmarks.peers import harness, instructions
from benchmarks.peers.harness import CORE, OURS, PURE_SESSION, ROOT, SESSION, Client, Failed, Programs
from benchmarks.stream import BTC, Files, write

DEPTHS = (10, 100, 1000)
ROUNDS = 5
UPDATES = 5000
BUDGET_S = 0.25

Passes = dict[tuple[Client, int, bool], list[float]]
"""Microseconds a message of every pass, by client, depth, and whether of the revision here."""


def unpack(revision: str, folder: Path) -> bool:
    """Put a revision into a folder and build its compiled core; returns whether it has one.

    Raises:
        Failed: There is no such revision, or no git.
    """
    git = shutil.which("git")
    if git is None:
        raise Failed("needs git")
    done = subprocess.run([git, "archive", "--format=tar", revision], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise Failed(done.stderr.decode(errors="replace").strip().splitlines()[-1])
    with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    # Compiling is no part of what is compared.
    subprocess.run([sys.executable, "-m", "compileall", "-q", "kraken_tui"], cwd=folder, check=False)
    if not (folder / "kraken_tui" / "_core.c").exists():
        return False
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return any((folder / "kraken_tui").glob("_core.*.so")) or any((folder / "kraken_tui").glob("_core.*.pyd"))


def run(revision: str, *, smoke: bool = False) -> Report:
    """Measure both; the ratio is that of the best passes, revision here to the other."""
    columns = ("client", "depth", f"{revision}, us", "here, us", "ratio", "spread", "instructions", "ratio")
    report = Report(f"{revision} and the revision here, by turns", columns)
    with tempfile.TemporaryDirectory(prefix="kraken-tui-compare-") as name:
        folder = Path(name)
        try:
            compiled = unpack(revision, folder / "other")
        except Failed as error:
            report.failures.append(f"{revision}: {error}")
            return report
        clients: tuple[Client, ...] = (OURS, PURE_SESSION)
        if compiled and harness.COMPILED:
            clients += (CORE, SESSION)
        streams = [write(folder, BTC, depth, 1500 if smoke else UPDATES) for depth in (DEPTHS[:1] if smoke else DEPTHS)]
        programs = Programs(None, None)
        passes, failed = _timed(clients, streams, programs, folder / "other", 1 if smoke else ROUNDS)
        for files in streams:
            for client in clients:
                if why := failed.get((client, files.depth)):
                    report.rows.append((client.name, str(files.depth), why, *("-" for _ in columns[3:])))
                    continue
                counts = _counted(client, files, programs, folder / "other") if not smoke else ("-", "-")
                report.rows.append((client.name, str(files.depth), *_cells(passes, client, files.depth), *counts))
    return report


def _timed(
    clients: tuple[Client, ...], streams: list[Files], programs: Programs, other: Path, rounds: int
) -> tuple[Passes, dict[tuple[Client, int], str]]:
    passes: Passes = {}
    failed: dict[tuple[Client, int], str] = {}
    for _ in range(rounds):
        for files in streams:
            for client in clients:
                for root in (other, None):
                    try:
                        found = harness.measure(client, files, programs, BUDGET_S, root=root)
                    except Failed as error:
                        failed[client, files.depth] = f"failed: {error}"
                    else:
                        passes.setdefault((client, files.depth, root is None), []).extend(found["passes"])
    return passes, failed


def _cells(passes: Passes, client: Client, depth: int) -> tuple[str, str, str, str]:
    there, here = passes[client, depth, False], passes[client, depth, True]
    # How far the middle pass is from the best says how busy the machine was.
    spread = max(statistics.median(each) / min(each) for each in (there, here))
    return f"{min(there):.2f}", f"{min(here):.2f}", f"{min(here) / min(there):.2f}", f"{(spread - 1) * 100:.0f} %"


def _counted(client: Client, files: Files, programs: Programs, other: Path) -> tuple[str, str]:
    try:
        there = instructions.count(client, files, programs, other)
        here = instructions.count(client, files, programs)
    except Failed as error:
        return f"failed: {error}", "-"
    if there is None or here is None:
        return "no valgrind", "-"
    return f"{there:,} / {here:,}", f"{here / there:.2f}"


def main(arguments: list[str]) -> int:
    """Run the command; 1 where the other revision could not be measured."""
    revisions = [argument for argument in arguments if not argument.startswith("-")]
    if len(revisions) != 1:
        print("python -m benchmarks compare REV [--smoke]", file=sys.stderr)
        return 2
    os.chdir(ROOT)
    report = run(revisions[0], smoke="--smoke" in arguments)
    print(report.markdown())
    for failure in report.failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    return 1 if report.failures else 0
