"""Short recordings from seeds, replayed: the same state hashes whatever Python, hash seed, time zone or language.

    python -m tests.rig.hashes                              a thousand seeds on this Python
    python -m tests.rig.hashes --pythons A B C --write      on these interpreters, which need the package's dependencies
    python -m tests.rig.hashes --folder DIR                 keeps the recordings, or takes those that are there

Each interpreter runs twice, in two surroundings. Each run regenerates every recording from its seed (seed -> the same
frames) and replays the file that the first run wrote (file -> the same state). With `--folder` the files can be carried
to another machine; there the one hash over all must be the same.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random

from kraken_tui.doctor.recording import Examination
from kraken_tui.recording.fingerprint import ContentHash
from kraken_tui.recording.writer import Recorder
from tests.rig.chaos import FAULTS, PAIRS, inflict
from tests.rig.ledger import write_figures
from tests.rig.world import VENUE_START, World, thin

SURROUNDINGS = (
    {"PYTHONHASHSEED": "0", "TZ": "UTC", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
    {"PYTHONHASHSEED": "4711", "TZ": "Asia/Kathmandu", "LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8"},
)
"""Half-hour zones and the Turkish i have both broken programs that thought themselves independent of them."""

_LONG = frozenset({"stand still", "checksum for ever"})
_REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Played:
    """What one recording gave: hashes of its frames and of the state after them, frames received, faults found."""

    seed: int
    content: str
    state: str
    frames: int
    faults: int


def record(seed: int, path: Path) -> None:
    """Write the recording of a seed: three lively pairs for some seconds, and up to four faults of the rig."""
    rng = Random(f"{seed}/hashes")
    world = World([thin(name, like=name, events_per_s=12.0) for name in PAIRS], seed=seed, poll_ms=100.0)
    recorder = Recorder(path, wall_ns=VENUE_START, url="wss://localhost/", pairs=PAIRS)
    world.on_frame = lambda frame, wall, direction: recorder.write(frame, wall, direction)
    names = sorted(set(FAULTS) - _LONG)
    world.run(1.5)
    for _ in range(rng.randrange(5)):
        inflict(world, rng.choice(names), rng)
        world.run(rng.choice((0.3, 1.0, 2.0)))
        world.heal()
    world.run(0.5)
    recorder.close()


def play(seed: int, path: Path) -> Played:
    """Replay a recording."""
    found = Examination(path)
    found.play()
    return Played(seed, found.contents.hexdigest(), found.state_hash, found.frames, found.kinds.total())


def run(seeds: Sequence[int], folder: Path) -> Iterator[tuple[Played, str]]:
    """What every seed gives here: its file played, made first where it is missing, and the frames it regenerates."""
    with tempfile.TemporaryDirectory() as scratch:
        for seed in seeds:
            path, again = folder / f"seed-{seed}.jsonl", Path(scratch) / f"seed-{seed}.jsonl"
            if not path.exists():
                record(seed, path)
            record(seed, again)
            played = play(seed, path)
            contents = ContentHash()
            for recorded in Examination(again).recording:
                contents.add(recorded.frame, sent=recorded.sent)
            again.unlink()
            yield played, contents.hexdigest()


def over_all(results: Sequence[Played]) -> str:
    """One hash over all recordings and the states after them."""
    return sha256("".join(f"{r.seed} {r.content} {r.state}\n" for r in results).encode()).hexdigest()


# -- interpreters -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Run:
    """One interpreter in one surrounding: its version, and for every seed what it played and regenerated."""

    python: str
    results: list[Played]
    made: list[str]


def start(python: str, surrounding: dict[str, str], seeds: Sequence[int], folder: Path) -> Run:
    """Run all seeds in another process.

    Raises:
        RuntimeError: It failed; the text holds what it said.
    """
    command = [python, "-m", "tests.rig.hashes", "--worker", "--folder", str(folder)]
    command += ["--from", str(seeds[0]), "--count", str(len(seeds))]
    env = {**os.environ, **surrounding, "PYTHONPATH": str(_REPOSITORY)}
    done = subprocess.run(command, cwd=_REPOSITORY, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{python} failed: {done.stderr.strip()[-2000:]}")
    version, *lines = done.stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    return Run(version, [Played(*row[:-1]) for row in rows], [row[-1] for row in rows])


def _work(seeds: Sequence[int], folder: Path) -> None:
    print(platform.python_version())
    for played, made in run(seeds, folder):
        print(json.dumps([played.seed, played.content, played.state, played.frames, played.faults, made]))


def compare(runs: Sequence[Run]) -> list[str]:
    """Every difference from the first run, in words."""
    first = runs[0]
    wrong = []
    for other in runs:
        for mine, made, true in zip(other.results, other.made, first.results, strict=True):
            if mine.state != true.state or mine.content != true.content:
                wrong.append(f"seed {true.seed}: another state on Python {other.python}")
            if made != true.content:
                wrong.append(f"seed {true.seed}: other frames on Python {other.python}")
    return wrong


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 1 where any hash differed."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig.hashes", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=1000, help="recordings (default %(default)s)")
    parser.add_argument("--from", dest="first", type=int, default=0, help="first seed (default %(default)s)")
    parser.add_argument("--pythons", nargs="+", default=[sys.executable], help="interpreters (default: this one)")
    parser.add_argument("--folder", type=Path, help="where the recordings are kept (default: nowhere)")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once (default %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/FIGURES.md")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    seeds = range(options.first, options.first + options.count)
    if options.worker:
        _work(seeds, options.folder)
        return 0
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        wanted = [(python, surrounding) for python in options.pythons for surrounding in SURROUNDINGS]
        # The first run writes the files that all the others read.
        runs = [start(*wanted[0], seeds, folder)]
        with ThreadPoolExecutor(options.jobs) as pool:
            runs += pool.map(lambda one: start(*one, seeds, folder), wanted[1:])
    wrong = compare(runs)
    for line in wrong[:20]:
        print(f"FAILED {line}")
    figures = _figures(runs, wrong, time.perf_counter() - started)
    print(figures)
    if options.write and not wrong:
        write_figures("hashes", figures)
    return 1 if wrong else 0


def _figures(runs: Sequence[Run], wrong: Sequence[str], seconds: float) -> str:
    first = runs[0].results
    equal = len(first) - len({line.partition(":")[0] for line in wrong})
    pythons = ", ".join(dict.fromkeys(one.python for one in runs))
    faulty = sum(bool(one.faults) for one in first)
    return (
        f"{equal:,} of {len(first):,} seeds gave the same frames and the same state hash in {len(runs)} runs:"
        f" Python {pythons} on {platform.system()} {platform.machine()}, each with {len(SURROUNDINGS)} hash seeds,"
        f" time zones and languages; {sum(one.frames for one in first):,} frames, faults found in {faulty:,} of the"
        f" recordings; one hash over all `{over_all(first)}`; {seconds:.0f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
