"""Every small change of the modules that the proofs rest on; the tests of each must notice it.

    python -m tests.rig.mutation                   the modules that are tried change by change
    python -m tests.rig.mutation --module book     those whose name contains a word
    python -m tests.rig.mutation --file feed/clock.py  any module, with the tests that belong to it by rule
    python -m tests.rig.mutation --package feed    every module of a package; `all` for all packages
    python -m tests.rig.mutation --package all --sample 30 --seed 1    so many changes of each package, at random
    python -m tests.rig.mutation --write           and put the figures into docs/FIGURES.md

The changes are those of `tests.rig.operators`, the tests of each module those of `tests.rig.targets`; what cannot be
noticed is named in `tests.rig.equivalents`. Each change
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
from random import Random
from types import CodeType

import hypothesis
import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from kraken_tui import core
from tests.rig.equivalents import EQUIVALENT
from tests.rig.ledger import FIGURES, as_run, read_section, replace_section, table, write_figures
from tests.rig.operators import Change, changes
from tests.rig.targets import PACKAGES, ROOT, TARGETS, Target, target_of, targets_of

LEAST_SCORE = 97.0
"""Per cent of the changes that are not equivalent (docs/RELIABILITY.md R10)."""

SPARED = 3
"""Tests that may fail on the program as it is: those that time something, on a busy machine."""

_MEMORY = 2 * 2**30
_TIMED_OUT = "time limit"
_NO_TESTS = "exit code 5 of pytest"


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


def measure(target: Target, tests: tuple[str, ...], folder: Path, spared: int = 0) -> Stage:
    """Run tests on the program as it is.

    Of the many of a package, up to `spared` that fail there are left out; none is left where all wait for real time.

    Raises:
        ValueError: More fail, so that they could say nothing about a change.
    """
    report = folder / "unchanged"
    _, status = os.waitpid(_fork(target, None, tests, {}, Limits(), report), 0)
    seen = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {"killer": "no report", "seconds": {}}
    if spared and seen["killer"] == _NO_TESTS:
        return Stage((), {}, Limits())
    if status and spared and "::" in seen["killer"]:
        print(f"left out, it fails on the program as it is: {seen['killer']}", flush=True)
        return measure(target, (*tests, f"--deselect={seen['killer']}"), folder, spared - 1)
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
        """Names in the list that stand for no change any more (where all were tried), or for one that is noticed."""
        wrong = []
        for key in EQUIVALENT.get(self.target.file, {}):
            killer = self.killers.get(key)
            if killer is None:
                wrong.append(f"no such change in {self.target.file}: {key}")
            elif killer:
                wrong.append(f"not equivalent in {self.target.file}, noticed by {killer}: {key}")
        return wrong


def judge_module(
    target: Target,
    jobs: int,
    mutants: tuple[Change, ...] | None = None,
    known: dict[tuple[str, ...], Stage] | None = None,
) -> Verdict:
    """Try changes of a module, all unless some are given, against its own tests, and what they miss against the others.

    Args:
        target: The module.
        jobs: Changes at the same time.
        mutants: The changes.
        known: What `measure` found before, by tests; added to.
    """
    known = {} if known is None else known
    mutants = tuple(changes(target.path.read_text(encoding="utf-8"))) if mutants is None else mutants
    killers = dict.fromkeys((change.key for change in mutants), "")
    by_own = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        set_hypothesis_home_dir(folder / "hypothesis")
        os.environ["KRAKEN_TUI_SHARED"] = str(folder / "no recorded data")
        # The compiled core would hide changes of the Python it stands in for.
        os.environ[core.VARIABLE] = "1"
        core.take(None)
        for tests in filter(None, (target.own, target.others)):
            rest = [change for change in mutants if not killers[change.key]]
            stage = Stage((), {}, Limits())
            if rest:
                stage = known.get(tests) or known.setdefault(tests, measure(target, tests, folder, SPARED))
            # Where all of them wait for real time, none takes part.
            if stage.tests:
                killers |= judge(target, rest, stage, jobs, folder)
            if tests == target.own:
                by_own = sum(map(bool, killers.values()))
    return Verdict(target, mutants, killers, by_own)


def judge_package(package: str, sample: int, seed: int, jobs: int) -> tuple[list[Verdict], int]:
    """Try that many random changes of a package's modules, 0 for all: (verdicts, changes there are)."""
    everything = [
        (target, change)
        for target in targets_of(package)
        for change in changes(target.path.read_text(encoding="utf-8"))
    ]
    chosen = everything
    if 0 < sample < len(everything):
        chosen = Random(f"{package}/{seed}").sample(everything, sample)
    known: dict[tuple[str, ...], Stage] = {}
    verdicts = []
    for target in dict.fromkeys(target for target, _ in chosen):
        mutants = tuple(change for owner, change in chosen if owner == target)
        verdict = judge_module(target, jobs, mutants, known)
        verdicts.append(verdict)
        for change in verdict.living:
            print(f"LIVES {target.file}:{change.line} {change.key}", flush=True)
    return verdicts, len(everything)


def branch_coverage(target: Target) -> tuple[int, int, list[int]] | None:
    """(branches taken, branches, lines never run) by the module's own tests; None where coverage is not installed."""
    if importlib.util.find_spec("coverage") is None:
        return None
    with tempfile.TemporaryDirectory() as name:
        data, found = Path(name, "data"), Path(name, "found.json")
        command = [sys.executable, "-m", "coverage", "run", "--branch", f"--include={target.path}"]
        command += [f"--data-file={data}", "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
        command += ["-m", "not realtime", "--hypothesis-seed=0", *target.own]
        environment = {**os.environ, "KRAKEN_TUI_SHARED": str(Path(name, "no recorded data")), core.VARIABLE: "1"}
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


def _by_package(options: argparse.Namespace) -> int:
    """`--package`: every package chosen, some changes of each; the exit code."""
    rows, tried, good = [], 0, True
    for package in PACKAGES if options.package == "all" else (options.package,):
        began = time.perf_counter()
        verdicts, count = judge_package(package, options.sample, options.seed, options.jobs)
        killed, equivalent = (sum(getattr(verdict, name) for verdict in verdicts) for name in ("killed", "equivalent"))
        living = sum(len(verdict.living) for verdict in verdicts)
        asked = sum(len(verdict.mutants) for verdict in verdicts)
        tried += asked
        score = 100 * killed / max(1, asked - equivalent)
        row = (f"`{package}`", f"{count:,}", str(asked), str(killed), str(equivalent), str(living), f"{score:.1f} %")
        rows.append(row)
        print(*row, f"{time.perf_counter() - began:.0f} s", sep=" | ", flush=True)
        good &= score >= LEAST_SCORE
    if options.write:
        head = ("Package", "Changes", "Tried", "Noticed", "Equivalent", "Noticed by nobody", "Score")
        write_figures("sampled", f"{tried:,} changes tried.\n\n{table(head, rows)}")
    return 0 if good else 1


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 1 where a score is too low or the list of equivalents is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig.mutation", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--module", default="", help="a word of the file's name")
    parser.add_argument("--file", default="", help="any module below kraken_tui, such as feed/clock.py")
    parser.add_argument("--package", default="", choices=["", "all", *PACKAGES], help="every module of a package")
    parser.add_argument("--sample", type=int, default=0, help="random changes of each package (default: all)")
    parser.add_argument("--seed", type=int, default=1, help="of that choice (default %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="at the same time (default %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/FIGURES.md")
    options = parser.parse_args(argv)
    checks = list(hypothesis.HealthCheck)
    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    # Registered before the tests are read; nothing is gained by making a failing example small.
    hypothesis.settings.register_profile(
        "mutation", deadline=None, database=None, suppress_health_check=checks, phases=phases
    )
    if options.package:
        return _by_package(options)
    rows, good = {}, True
    for target in (target_of(options.file),) if options.file else TARGETS:
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
