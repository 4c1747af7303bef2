"""Bytes of a book frame to a proven book, in microseconds a message, beside other clients and a compiled floor.

Everybody reads the same frames from a file, each in a process of its own, one after another and in turn, so that a
busy moment of the machine hits all alike. What is timed is the client's own message handler, decoding included, with
nothing behind it; neither sockets nor callbacks. `--peers` also installs and runs the clients of other projects.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import Report, main
from benchmarks.peers import harness, install, instructions
from benchmarks.peers.harness import (
    COMPILED,
    FLOOR,
    OURS,
    OURSELVES,
    OWN,
    PEERS,
    PURE_SESSION,
    TEXTBOOK,
    Client,
    Failed,
    Programs,
)
from benchmarks.stream import BTC, PAIRS, PRICE_DECIMALS, QTY_DECIMALS, Files, Pair, write
from kraken_tui.wire.symbols import PairSpec

DEPTHS = (10, 100, 1000)
CHECKED_DEPTHS = (10, 1000)
SPEC = PairSpec("BTC/USD", "BTC", "USD", PRICE_DECIMALS, QTY_DECIMALS)
"""The pair of a `Stream` as it comes, for the benchmarks that are built on it."""

MOST_GROWTH = 2.0
"""A book 100 times as deep may cost this many times as much; sorting every time would cost far more."""

LEAST_LEAD = 2.0
"""The textbook's client must cost at least this many times as much as ours."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    Attributes:
        pairs, depths, clients: What is timed.
        rounds: Processes of each client and stream, in turn.
        updates: Messages of a timed stream.
        budget_s: Seconds of a process's passes; its latencies take as long at most.
        checked: Clients whose book and alarms are looked at.
        checked_depths: At which depths.
        checked_updates: Messages of a checked stream.
    """

    pairs: tuple[Pair, ...]
    depths: tuple[int, ...]
    clients: tuple[Client, ...]
    rounds: int
    updates: int
    budget_s: float
    checked: tuple[Client, ...]
    checked_depths: tuple[int, ...]
    checked_updates: int


@dataclass
class PipelineReport(Report):
    """Costs, then what was right and wrong.

    Attributes:
        notes: Sentences under the table of costs.
        proofs: Who keeps the book, and who notices a wrong checksum.
    """

    notes: list[str] = field(default_factory=list)
    proofs: Report | None = None

    def markdown(self) -> str:
        """Both tables."""
        parts = [super().markdown(), *(f"{note}\n" for note in self.notes)]
        if self.proofs is not None:
            parts.append(self.proofs.markdown())
        return "\n".join(parts)


@dataclass
class Cost:
    """What was measured of one client on one stream, in microseconds a message; `failed` says why it was not."""

    passes: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    alarms: int = 0
    failed: str = ""
    instructions: int | None = None

    @property
    def best(self) -> float | None:
        """The fastest pass: what is left when nothing else ran on the machine."""
        return min(self.passes, default=None)


Costs = dict[tuple[Pair, int, Client], Cost]


def run(smoke: bool) -> Report:
    """Measure every client on every stream; every checksum of ours is checked."""
    peers = install.Peers() if smoke else install.find()
    plan = _plan(smoke, with_peers=peers.python is not None)
    report = PipelineReport(
        "Book pipeline, every message proven",
        (
            "stream",
            "depth",
            "client",
            "best us",
            "median us",
            "p50 us",
            "p99 us",
            "x ours",
            "x C floor",
            "x depth 10",
            "instructions",
        ),
    )
    with tempfile.TemporaryDirectory(prefix="kraken-tui-pipeline-") as name:
        folder = Path(name)
        programs = Programs(peers.python, *harness.build_floor(folder))
        costs = _measure(plan, folder, programs)
        if not smoke:
            _count(costs, plan, folder, programs)
        report.proofs = _proofs(plan, folder, programs, report.failures)
    for (pair, depth, client), cost in costs.items():
        report.rows.append((pair.name, str(depth), client.name, *_cells(costs, pair, depth, client, cost)))
    report.notes += _notes(peers)
    report.failures += _failures(plan, costs)
    return report


def _plan(smoke: bool, *, with_peers: bool) -> Plan:
    if smoke:
        timed = (FLOOR, OURS, *COMPILED, TEXTBOOK)
        return Plan((BTC,), (10, 1000), timed, 3, 1500, 0.1, (OURS, PURE_SESSION, *COMPILED), (10,), 500)
    clients = OWN + PEERS if with_peers else OWN
    timed = tuple(client for client in clients if client.timed)
    return Plan((BTC,), DEPTHS, timed, 3, 10_000, 0.4, clients, CHECKED_DEPTHS, 3000)


def _measure(plan: Plan, folder: Path, programs: Programs) -> Costs:
    """Everybody once, then everybody again: what disturbs the machine for a second disturbs no client alone."""
    streams = [write(folder, pair, depth, plan.updates) for pair in plan.pairs for depth in plan.depths]
    costs: Costs = {(files.pair, files.depth, client): Cost() for files in streams for client in plan.clients}
    for _ in range(plan.rounds):
        for files in streams:
            for client in plan.clients:
                _once(costs[files.pair, files.depth, client], client, files, programs, plan.budget_s)
    return costs


def _count(costs: Costs, plan: Plan, folder: Path, programs: Programs) -> None:
    """Instructions a message of our own, on the streams of the first pair."""
    for depth in plan.checked_depths:
        files = write(folder, plan.pairs[0], depth, instructions.MESSAGES)
        for client in OURSELVES:
            cost = costs[files.pair, depth, client]
            if not cost.failed:
                cost.instructions = instructions.count(client, files, programs)


def _once(cost: Cost, client: Client, files: Files, programs: Programs, budget_s: float) -> None:
    if cost.failed:
        return
    try:
        found = harness.measure(client, files, programs, budget_s)
    except Failed as error:
        cost.failed = str(error)
        return
    cost.passes += found["passes"]
    cost.p50.append(found["p50"])
    cost.p99.append(found["p99"])
    cost.alarms = max(cost.alarms, found["alarms"])


def _cells(costs: Costs, pair: Pair, depth: int, client: Client, cost: Cost) -> tuple[str, ...]:
    if cost.best is None:
        return (cost.failed, *("-" for _ in range(7)))
    figures = (cost.best, statistics.median(cost.passes), min(cost.p50), min(cost.p99))
    others = ((pair, depth, OURS), (pair, depth, FLOOR), (pair, DEPTHS[0], client))
    ratios = [costs[other].best if other in costs else None for other in others]
    return (
        *(f"{figure:.2f}" for figure in figures),
        *(f"{cost.best / ratio:.2f}" if ratio else "-" for ratio in ratios),
        "-" if cost.instructions is None else f"{cost.instructions:,}",
    )


def _notes(peers: install.Peers) -> list[str]:
    notes = [
        "Best and median pass over the stream are processor time, and ratios are of the best; `x depth 10` is against "
        "the same client there. Instructions are valgrind's, without what a processor makes of them. p50 and p99 are "
        "of single messages by the wall clock, the best of the rounds, the timer's 0.05 us included.",
    ]
    if peers.python is None:
        notes.append(
            "The clients of other projects were left out: `python -m benchmarks pipeline --peers` installs and runs "
            f"them, `{install.VARIABLE}=path of an interpreter` runs those it has."
        )
    notes += [f"Not installed: `{requirement}` ({reason})." for requirement, reason in peers.failed.items()]
    return notes


def _failures(plan: Plan, costs: Costs) -> list[str]:
    """Only what is far off, by the best passes: a shared machine must not look like a defect."""
    failures: list[str] = []
    for pair in plan.pairs:
        ours = {depth: costs[pair, depth, OURS].best for depth in plan.depths}
        for depth in plan.depths:
            own, textbook = ours[depth], costs[pair, depth, TEXTBOOK].best
            if own is None or textbook is None:
                failures.append(f"{pair.name} at depth {depth} was not measured: {costs[pair, depth, OURS].failed}")
            elif textbook < LEAST_LEAD * own:
                failures.append(
                    f"{pair.name} at depth {depth}: the textbook costs only {textbook / own:.1f} times ours"
                )
        first, last = ours[plan.depths[0]], ours[plan.depths[-1]]
        if first and last and last > MOST_GROWTH * first:
            failures.append(f"{pair.name}: depth {plan.depths[-1]} costs {last / first:.1f} times depth 10")
        failures += [
            f"{client.name} took true messages of {pair.name} at depth {depth} for wrong"
            for depth in plan.depths
            for client in OURSELVES
            if (pair, depth, client) in costs and costs[pair, depth, client].alarms
        ]
    return failures


# -- who is right -----------------------------------------------------------------------------------------------


def _proofs(plan: Plan, folder: Path, programs: Programs, failures: list[str]) -> Report:
    """Feed everybody true streams of every precision, and messages with a wrong checksum."""
    columns = ("client", "depth", "wrong checksums noticed", *(pair.name for pair in PAIRS))
    report = Report("Right books and wrong alarms", columns)
    streams = {
        (depth, pair): write(folder, pair, depth, plan.checked_updates)
        for depth in plan.checked_depths
        for pair in PAIRS
        if depth == CHECKED_DEPTHS[0] or pair is BTC
    }
    for client in plan.checked:
        for depth in plan.checked_depths:
            noticed, version, cells = "", "", []
            for pair in PAIRS:
                if (depth, pair) not in streams:
                    # What a precision does to a client shows at the smallest depth.
                    cells.append("-")
                    continue
                files = streams[depth, pair]
                falsified = harness.controls(files, client.wire) if pair is BTC and depth == CHECKED_DEPTHS[0] else []
                try:
                    found = harness.check(client, files, programs, falsified)
                except Failed as error:
                    cells.append(str(error))
                    continue
                version = found.get("version", "")
                cells.append(verdict(found))
                noticed = noticed or ", ".join(f"{kind} {a}/{b}" for kind, (a, b) in found["controls"].items())
                if client in OURSELVES:
                    failures += _wrongs(client, files, found)
            report.rows.append((f"{client.name} {version}".strip(), str(depth), noticed or "(as above)", *cells))
    return report


def verdict(found: dict[str, Any]) -> str:
    """One cell: what went wrong on a true stream."""
    levels: Counter[str] = Counter(found["levels"])
    said = [f"{found['alarms']:,} of {found['messages']:,} right messages taken for wrong"] if found["alarms"] else []
    said += [f"{count:,} x {name} ({found['example']})" for name, count in found["errors"].items()]
    for kind, text in (
        ("inexact", "quantities not exact"),
        ("missing", "levels missing"),
        ("surplus", "levels too many"),
    ):
        if levels[kind]:
            said.append(f"{levels[kind]:,} of {levels['all']:,} {text}")
    return "; ".join(said) or "all right"


def _wrongs(client: Client, files: Files, found: dict[str, Any]) -> list[str]:
    said = verdict(found)
    failures = [] if said == "all right" else [f"{client.name}, {files.pair.name} at depth {files.depth}: {said}"]
    missed = [kind for kind, (noticed, tried) in found["controls"].items() if noticed < tried]
    return failures + [f"{client.name} does not notice a wrong checksum: {kind}" for kind in missed]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="a short run that only checks wide ratios")
    parser.add_argument("--peers", action="store_true", help="install the clients of other projects and run them too")
    given = parser.parse_args()
    if given.peers:
        os.environ.setdefault(install.VARIABLE, "install")
    raise SystemExit(main(run(smoke=given.smoke)))
