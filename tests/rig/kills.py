"""F80: kills a program that records, again and again, and counts what each kill cost.

    python -m tests.rig.kills --count 1000 --write

A child writes numbered frames into a recording, one recorder second every two hundred frames, and is killed with
SIGKILL at a random moment. Then the file is opened for appending, as the next start of the program would, and read
whole. Lost are the frames that the child had told of and that are not there; none that is there may be missing in
between, and no frame of an earlier run may be gone.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from kraken_tui.errors import RecordingError
from kraken_tui.recording.reader import Recording
from kraken_tui.recording.writer import Recorder
from tests.rig.ledger import write_figures

ROOT = Path(__file__).parents[2]
SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst")
A_SECOND = 200
"""Frames of one recorder second."""

_KILLS_A_FILE = 20
_TOLD_EVERY = 50

_WRITER = f"""
import sys
from pathlib import Path
from kraken_tui.recording.writer import Recorder
recorder = Recorder(Path(sys.argv[1]), wall_ns=1)
number = 0
while True:
    recorder.write(b'{{"channel":"x","n":%d}}' % number, number + 1)
    number += 1
    if number % {_TOLD_EVERY} == 0:
        recorder.tick(number * {1_000_000_000 // A_SECOND})
        print(number, flush=True)
"""


@dataclass(slots=True)
class Tally:
    """What came of the kills.

    Attributes:
        kills: How many.
        lost: Most frames lost by one of them.
        kept: Frames read back in all.
        problems: What must not be, in words.
    """

    kills: int
    lost: int
    kept: int
    problems: list[str]


def run(count: int, suffix: str, folder: Path, seed: int = 1) -> Tally:
    """Kill that many writers of files with this suffix."""
    tally = Tally(0, 0, 0, [])
    rng = random.Random(f"{seed}{suffix}")
    path, before = folder / f"0{suffix}", 0
    for number in range(count):
        if number % _KILLS_A_FILE == 0:
            path, before = folder / f"{number}{suffix}", 0
        told = _kill_one(path, rng.random() * 0.04)
        Recorder(path, wall_ns=1).close()
        frames, problem = _read(path)
        new = [int(frame.partition(b'"n":')[2][:-1]) for frame in frames[before:]]
        if problem or len(frames) < before:
            tally.problems.append(f"kill {number}: {problem or 'earlier frames are gone'}")
        elif new != list(range(len(new))):
            tally.problems.append(f"kill {number}: a frame is missing between others")
        tally.kills += 1
        tally.lost = max(tally.lost, told - len(new))
        tally.kept += len(new)
        before = len(frames)
    return tally


def _kill_one(path: Path, delay_s: float) -> int:
    """Start a writer and kill it; returns the number of frames it told of."""
    process = subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, cwd=ROOT, text=True)
    assert process.stdout is not None
    told = process.stdout.readline()
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    rest = process.communicate()[0].split()
    return int(rest[-1] if rest else told)


def _read(path: Path) -> tuple[list[bytes], str]:
    recording = Recording(path)
    try:
        frames = [item.frame for item in recording]
    except RecordingError as error:
        return [], str(error)
    return frames, recording.problem


def main() -> int:
    """Run as a command; 1 where any kill cost more than a second, or a frame between others."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig.kills", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=1000, help="kills in all (default %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/FIGURES.md")
    options = parser.parse_args()
    began = time.monotonic()
    parts, failed, kills = [], False, 0
    with tempfile.TemporaryDirectory() as folder:
        for at, suffix in enumerate(SUFFIXES):
            share = options.count // 3 + (at < options.count % 3)
            tally = run(share, suffix, Path(folder))
            kills += tally.kills
            failed |= bool(tally.problems) or tally.lost > A_SECOND + _TOLD_EVERY
            parts.append(f"{suffix} {tally.lost} frames lost at most, {tally.kept:,} kept")
            print(*tally.problems, sep="\n", end="\n" if tally.problems else "")
    figures = (
        f"{kills:,} kills: {'FAILED' if failed else 'every file repaired, none with a gap'}; {'; '.join(parts)}"
        f" (1 s is {A_SECOND} frames); {time.monotonic() - began:.0f} s"
    )
    print(figures)
    if options.write and not failed:
        write_figures("kills", figures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
