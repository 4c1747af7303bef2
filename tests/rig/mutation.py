"""Every small change of the modules that the proofs rest on; the tests of each must notice it.

    python -m tests.rig.mutation                   all modules
    python -m tests.rig.mutation --module book     those whose name contains a word
    python -m tests.rig.mutation --write           and put the figures into docs/FIGURES.md

The changes are those of `tests.rig.operators`; what cannot be noticed is named in `tests.rig.equivalents`. Each change
gets a forked process of its own, in which its module is imported changed, and where the quick tests of that module run
until one fails. Nothing is written to the checkout, tests marked realtime and recorded data are left out, and random
examples are the same each time. Branch coverage needs the `coverage` extra.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType

import hypothesis
import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from tests.rig.equivalents import EQUIVALENT
from tests.rig.ledger import FIGURES, as_run, read_section, replace_section, table
from tests.rig.operators import Change, changes

ROOT = Path(__file__).parents[2]
LEAST_SCORE = 95.0
"""Per cent of the changes that are not equivalent (docs/RELIABILITY.md R10)."""

_MEMORY = 2 * 2**30
_TIMED_OUT = "time limit"


@dataclass(frozen=True, slots=True)
class Target:
    """A module below kraken_tui, its own tests, and others that run where those notice nothing."""

    file: str
    own: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Where the module lies."""
        return ROOT / "kraken_tui" / self.file

    @property
    def module(self) -> str:
        """Dotted name."""
        return ".".join(("kraken_tui", *Path(self.file).with_suffix("").parts))


TARGETS = (
    Target("market/book/l2.py", ("tests/market/book/test_l2.py",), ("tests/faults/test_book.py",)),
    Target("wire/checksum.py", ("tests/wire/test_checksum.py",), ("tests/market/book/test_l2.py",)),
    Target("wire/digits.py", ("tests/wire/test_digits.py",), ("tests/market/book/test_l2.py",)),
    Target("text.py", ("tests/test_text.py",), ("tests/faults/test_text.py",)),
    Target("files.py", ("tests/test_files.py",), ("tests/security/test_files.py",)),
    Target(
        "feed/connection/backoff.py",
        ("tests/feed/connection/test_table.py",),
        ("tests/feed/connection/test_budget_file.py",),
    ),
    Target(
        "feed/proof/stitcher.py",
        ("tests/feed/proof/test_stitcher.py", "tests/feed/proof/test_stitcher_resyncs.py"),
        ("tests/faults/test_book.py",),
    ),
    Target(
        "recording/format.py",
        ("tests/recording/test_format.py", "tests/recording/test_writer.py"),
        ("tests/recording/test_replay.py", "tests/faults/test_recording.py"),
    ),
    Target(
        "recording/chunks.py",
        ("tests/recording/test_chunks.py", "tests/recording/test_writer.py", "tests/recording/test_writer_edges.py"),
        ("tests/faults/test_recording.py",),
    ),
    Target(
        "recording/writer.py",
        ("tests/recording/test_writer.py", "tests/recording/test_writer_edges.py"),
        ("tests/faults/test_recording.py", "tests/recording/test_background.py"),
    ),
)


class _Changed:
    """Finds one module with other code than its file holds."""

    def __init__(self, target: Target, code: CodeType) -> None:
        self.target, self.code = target, code

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != self.target.module:
            return None
        loader = SourceFileLoader(name, str(self.target.path))
        loader.get_code = lambda fullname: self.code  # type: ignore[method-assign]
        return importlib.util.spec_from_file_location(name, self.target.path, loader=loader)


class _Watch:
    """pytest plugin: quickest tests first, how long each took, and which one failed first."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.known = seconds
        self.seconds: dict[str, float] = {}
        self.killer = ""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: self.known.get(item.nodeid, 0.0))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.killer = self.killer or f"import in {report.nodeid}"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            self.killer = self.killer or report.nodeid


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds one run of the tests may take: of the processor, and, ample for a busy machine, on the wall."""

    processor: float = 300.0
    wall: float = 600.0


def _run_tests(tests: Sequence[str], seconds: dict[str, float], report: Path) -> int:
    """Run tests in this process and write what was seen; 0 where all passed."""
    watch = _Watch(seconds)
    options = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--tb=no", "--assert=plain", "-m", "not realtime"]
    options += ["--hypothesis-seed=0", "--hypothesis-profile=mutation", f"--basetemp={report}.folder"]
    code = int(pytest.main([*options, *tests], plugins=[watch]))
    if code and not watch.killer:
        watch.killer = f"exit code {code} of pytest"
    report.write_text(json.dumps({"killer": watch.killer, "seconds": watch.seconds}), encoding="utf-8")
    return 1 if code else 0


def _fork(
    target: Target, change: Change | None, tests: Sequence[str], seconds: dict[str, float], limits: Limits, report: Path
) -> int:
    """Start one run in a process of its own; returns its id."""
    pid = os.fork()
    if pid:
        return pid
    import resource  # absent on Windows, where nothing can be forked either

    status = 1
    try:
        silence = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(silence, fd)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        # The default action of both ends the process, whatever it is busy with.
        signal.setitimer(signal.ITIMER_PROF, limits.processor)
        signal.setitimer(signal.ITIMER_REAL, limits.wall)
        if change is not None:
            sys.meta_path.insert(0, _Changed(target, change.code(str(target.path))))  # type: ignore[arg-type]
        status = _run_tests(tests, seconds, report)
    finally:
        os._exit(status)


@dataclass(frozen=True, slots=True)
class Stage:
    """Tests that pass on the program as it is, how long each takes, and how long a run of them may take."""

    tests: tuple[str, ...]
    seconds: dict[str, float]
    limits: Limits


def measure(target: Target, tests: tuple[str, ...], folder: Path) -> Stage:
    """Run tests on the program as it is.

    Raises:
        ValueError: One fails, so that it could say nothing about a change.
    """
    report = folder / "unchanged"
    _, status = os.waitpid(_fork(target, None, tests, {}, Limits(), report), 0)
    seen = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {"killer": "no report", "seconds": {}}
    if status or not seen["seconds"]:
        raise ValueError(f"{' '.join(tests)} fails on the program as it is: {seen['killer']}")
    total = sum(seen["seconds"].values())
    return Stage(tests, seen["seconds"], Limits(3 + 2 * total, 120 + 60 * total))


def judge(target: Target, mutants: Iterable[Change], stage: Stage, jobs: int, folder: Path) -> dict[str, str]:
    """Who noticed each change: a test, the time limit, or "" for nobody; by the change's key."""
    waiting, running, killers = list(mutants)[::-1], {}, {}
    while waiting or running:
        if waiting and len(running) < jobs:
            change = waiting.pop()
            report = folder / str(len(waiting))
            report.unlink(missing_ok=True)
            pid = _fork(target, change, stage.tests, stage.seconds, stage.limits, report)
            running[pid] = (change, report)
            continue
        pid, status = os.wait()
        change, report = running.pop(pid)
        if os.WIFSIGNALED(status):
            timed = os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGALRM)
            killers[change.key] = _TIMED_OUT if timed else f"signal {os.WTERMSIG(status)}"
        elif report.exists():
            killers[change.key] = json.loads(report.read_text(encoding="utf-8"))["killer"]
        else:
            killers[change.key] = "pytest itself failed"
    return killers


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the changes of one module."""

    target: Target
    mutants: tuple[Change, ...]
    killers: dict[str, str]
    by_own: int

    @property
    def killed(self) -> int:
        """Changes that some test noticed."""
        return sum(bool(killer) for killer in self.killers.values())

    @property
    def living(self) -> list[Change]:
        """Changes that nobody noticed and that are not known to be equivalent."""
        known = EQUIVALENT.get(self.target.file, {})
        return [change for change in self.mutants if not self.killers[change.key] and change.key not in known]

    @property
    def equivalent(self) -> int:
        """Changes that are the same program, and that indeed nobody noticed."""
        known = EQUIVALENT.get(self.target.file, {})
        return sum(not killer and key in known for key, killer in self.killers.items())

    @property
    def score(self) -> float:
        """Per cent noticed of those that are another program."""
        return 100 * self.killed / (len(self.mutants) - self.equivalent)

    def wrong_equivalents(self) -> list[str]:
        """Names in the list that no longer stand for a change, or for one that is noticed."""
        wrong = []
        for key in EQUIVALENT.get(self.target.file, {}):
            killer = self.killers.get(key)
            if killer is None:
                wrong.append(f"no such change in {self.target.file}: {key}")
            elif killer:
                wrong.append(f"not equivalent in {self.target.file}, noticed by {killer}: {key}")
        return wrong


def judge_module(target: Target, jobs: int) -> Verdict:
    """Try every change of a module against its own tests, and what they miss against the others."""
    mutants = tuple(changes(target.path.read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        set_hypothesis_home_dir(folder / "hypothesis")
        os.environ["KRAKEN_TUI_SHARED"] = str(folder / "no recorded data")
        killers = judge(target, mutants, measure(target, target.own, folder), jobs, folder)
        by_own = sum(bool(killer) for killer in killers.values())
        rest = [change for change in mutants if not killers[change.key]]
        if rest and target.others:
            killers |= judge(target, rest, measure(target, target.others, folder), jobs, folder)
    return Verdict(target, mutants, killers, by_own)


def branch_coverage(target: Target) -> tuple[int, int, list[int]] | None:
    """(branches taken, branches, lines never run) by the module's own tests; None where coverage is not installed."""
    if importlib.util.find_spec("coverage") is None:
        return None
    with tempfile.TemporaryDirectory() as name:
        data, found = Path(name, "data"), Path(name, "found.json")
        command = [sys.executable, "-m", "coverage", "run", "--branch", f"--include={target.path}"]
        command += [f"--data-file={data}", "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
        command += ["-m", "not realtime", "--hypothesis-seed=0", *target.own]
        environment = {**os.environ, "KRAKEN_TUI_SHARED": str(Path(name, "no recorded data"))}
        subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        command = [sys.executable, "-m", "coverage", "json", "-q", f"--data-file={data}", "-o", str(found)]
        subprocess.run(command, cwd=ROOT, check=True)
        (file,) = json.loads(found.read_text(encoding="utf-8"))["files"].values()
    summary = file["summary"]
    partly = {-branch[1] if branch[1] < 0 else branch[1] for branch in file["missing_branches"]}
    return summary["covered_branches"], summary["num_branches"], sorted({*file["missing_lines"], *partly})


def _write(rows: dict[str, tuple[str, ...]]) -> None:
    """Replace the rows of the modules that were judged, and keep the others."""
    kept = {}
    for line in read_section(FIGURES, "mutation").splitlines():
        cells = tuple(cell.strip() for cell in line.strip("|").split("|"))
        kept[cells[0]] = cells
    every = [rows.get(name) or kept.get(name) for name in (f"`{target.file}`" for target in TARGETS)]
    head = (
        "Module",
        "Changes",
        "Noticed",
        "by its own tests",
        "Equivalent",
        "Score",
        "Branches taken",
        "Command",
    )
    replace_section(FIGURES, "mutation", table(head, [row for row in every if row]))


def _row(verdict: Verdict) -> tuple[str, ...]:
    covered = branch_coverage(verdict.target)
    if covered is None:
        branches = "not measured"
    else:
        taken, count, missing = covered
        branches = f"{taken} of {count}"
        if missing:
            print(f"{verdict.target.file}: never run, or not every way, by its own tests: {missing}")
    counts = (len(verdict.mutants), verdict.killed, verdict.by_own, verdict.equivalent)
    return (f"`{verdict.target.file}`", *map(str, counts), f"{verdict.score:.1f} %", branches, f"`{as_run()}`")


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 1 where a score is too low or the list of equivalents is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig.mutation", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--module", default="", help="a word of the file's name")
    parser.add_argument("--jobs", type=int, default=2, help="at the same time (default %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/FIGURES.md")
    options = parser.parse_args(argv)
    checks = list(hypothesis.HealthCheck)
    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    # Registered before the tests are read; nothing is gained by making a failing example small.
    hypothesis.settings.register_profile(
        "mutation", deadline=None, database=None, suppress_health_check=checks, phases=phases
    )
    rows, good = {}, True
    for target in TARGETS:
        if options.module not in target.file:
            continue
        began = time.perf_counter()
        verdict = judge_module(target, options.jobs)
        for change in verdict.living:
            print(f"LIVES {target.file}:{change.line} {change.key}")
        wrong = verdict.wrong_equivalents()
        print(*wrong, sep="\n", end="\n" if wrong else "")
        row = rows[f"`{target.file}`"] = _row(verdict)
        timed = sum(killer == _TIMED_OUT for killer in verdict.killers.values())
        print(*row, f"({timed} by the time limit)", f"{time.perf_counter() - began:.0f} s", sep=" | ", flush=True)
        good &= verdict.score >= LEAST_SCORE and not wrong
    if options.write:
        _write(rows)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
