"""The program on a terminal in real time, while its disk, name server and terminal hang at random moments.

    python -m tests.rig.weather --seconds 3600 --write

Chapters of a minute in turn: a live market of the local exchange, recorded, then the replay of that recording. Keys,
mouse, window sizes, lost connections and damaged books come at random. Each chapter ends by a random key or signal,
often in the middle of a stall, and then:

- the process is over, with the code of its end, the terminal as it was, and no process left;
- no internal error was reported;
- the header's clock, read from the cells, was never more than a few seconds behind while the terminal was read;
- `doctor --recording` finds no damage, and no checksum wrong but those that were made wrong.

What breaks one of these is counted and named, with the seed and chapter that show it again.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from benchmarks.cells import Cells
from kraken_tui.exchange.server import ExchangeThread
from tests.rig.ledger import write_figures
from tests.rig.screen_soak import KEYS
from tests.terminal.ends import ENDS
from tests.terminal.rig import GUARD_S, LIVE, Terminal, children_of, clean_env, runs

PAIRS = ("BTC/USD", "ETH/USD", "MINA/GBP")
CHAPTER_S = 60.0
CLOCK_S = 3.0
"""The header shows whole seconds, and is drawn again within one; a stall of the terminal must have ended before."""

SIZES = ((120, 40), (100, 30), (160, 48), (220, 60))
"""Large enough for the header's clock."""

_CLOCK = re.compile(r"(\d\d):(\d\d):(\d\d)")
_DAY = 24 * 3600
_SAFE_KEYS = tuple(key for key in KEYS if key not in (b"q", b"\x03", b"x"))

# Runs the program with a disk and a name server that hang when told to, through a pipe.
_PROGRAM = """
import os, socket, stat, threading, time
until = {"disk": 0.0, "names": 0.0}

def hang(kind):
    while (left := until[kind] - time.monotonic()) > 0:
        time.sleep(left)

def on_disk(fd):
    try:
        return stat.S_ISREG(os.fstat(fd).st_mode)
    except OSError:
        return False

def write(fd, data, real=os.write):
    if time.monotonic() < until["disk"] and on_disk(fd):
        hang("disk")
    return real(fd, data)

def resolve(*arguments, real=socket.getaddrinfo, **options):
    hang("names")
    return real(*arguments, **options)

def listen():
    with open(os.environ["WEATHER"], encoding="ascii") as orders:
        for line in orders:
            kind, seconds = line.split()
            until[kind] = time.monotonic() + float(seconds)

os.write, socket.getaddrinfo = write, resolve
threading.Thread(target=listen, daemon=True).start()
from kraken_tui.cli.main import main
raise SystemExit(main())
"""


@dataclass(slots=True)
class Seen:
    """What was done and seen; `problems` names what was wrong."""

    chapters: int = 0
    inputs: int = 0
    stalls: Counter[str] = field(default_factory=Counter)
    stalled_s: float = 0.0
    harm: Counter[str] = field(default_factory=Counter)
    clocks: int = 0
    behind_s: float = 0.0
    ends_s: list[float] = field(default_factory=list)
    frames: int = 0
    problems: list[str] = field(default_factory=list)


class Chapter:
    """One life of the program."""

    def __init__(self, rng: Random, seen: Seen, terminal: Terminal, orders: int, exchange: ExchangeThread) -> None:
        self.rng, self.seen, self.terminal = rng, seen, terminal
        self.orders, self.exchange = orders, exchange
        self.cells = Cells(120, 40)
        self.fed = 0
        self.replaying = self.hidden = self.told_of_clock = False
        self.clear_at = 0.0

    def read(self, seconds: float) -> None:
        """Read for a while, and look at the header's clock."""
        self.terminal.read(seconds)
        self.cells.feed(bytes(self.terminal.written[self.fed :]))
        self.fed = len(self.terminal.written)
        found = _CLOCK.search("".join(self.cells.rows[:2]))
        self.hidden = found is None
        if found is None or self.replaying or time.monotonic() < self.clear_at:
            return
        hours, minutes, shown = map(int, found.groups())
        behind = (time.time() % _DAY - (hours * 3600 + minutes * 60 + shown)) % _DAY
        behind = behind - _DAY if behind > _DAY / 2 else behind
        self.seen.clocks += 1
        self.seen.behind_s = max(self.seen.behind_s, behind)
        if behind > CLOCK_S and not self.told_of_clock:
            self.told_of_clock = True
            self.complain(f"the header's clock was more than {CLOCK_S:.0f} s behind")

    def complain(self, text: str) -> None:
        """Name something that is wrong."""
        told = f"chapter {self.seen.chapters}: {text}"
        self.seen.problems.append(told)
        print(told, flush=True)

    def one_input(self) -> None:
        """A key, a report of the mouse, or another size."""
        chance = self.rng.random()
        if chance < 0.02:
            columns, rows = self.rng.choice(SIZES)
            self.terminal.resize(columns, rows)
            # A new terminal's cells: what was under way for the old size is not looked at.
            self.cells, self.clear_at = Cells(columns, rows), time.monotonic() + CLOCK_S
        elif chance < 0.12:
            self.terminal.send(f"\x1b[<0;{self.rng.randint(1, 80)};{self.rng.randint(1, 24)}M".encode())
        else:
            self.terminal.send(self.rng.choice(_SAFE_KEYS))
        self.seen.inputs += 1

    def stall(self, kind: str, seconds: float) -> None:
        """Let something hang."""
        self.seen.stalls[kind] += 1
        self.seen.stalled_s += seconds
        if kind == "terminal":
            time.sleep(seconds)
            self.clear_at = max(self.clear_at, time.monotonic() + CLOCK_S)
            return
        os.write(self.orders, f"{kind} {seconds:.2f}\n".encode("ascii"))
        if kind == "names":
            self.exchange.faults.close_all()

    def harm(self) -> None:
        """Lose the connection, or damage a book."""
        kind = self.rng.choice(("close", "drop", "checksum"))
        self.seen.harm[kind] += 1
        faults, symbol = self.exchange.faults, self.rng.choice(PAIRS)
        if kind == "close":
            faults.close_all()
        elif kind == "drop":
            faults.drop_book(symbol)
        else:
            faults.corrupt_checksum(symbol)

    def live(self, seconds: float) -> None:
        """Let everything happen for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.terminal.process.poll() is None:
            self.read(self.rng.uniform(0.05, 0.4))
            chance = self.rng.random()
            if self.hidden and chance < 0.5:
                # A dialog covers the clock.
                self.terminal.send(b"\x1b")
            elif chance < 0.6:
                self.one_input()
            elif chance < 0.66:
                self.stall(self.rng.choice(("disk", "names", "terminal")), self.rng.uniform(0.5, 6.0))
            elif chance < 0.68:
                self.harm()

    def end(self) -> None:
        """End it, in the middle of a stall more often than not."""
        if self.terminal.process.poll() is not None:
            self.complain(f"it ended by itself with {self.terminal.code}: {self.terminal.written[-200:]!r}")
            return
        children = children_of(self.terminal.pid)
        if self.rng.random() < 0.6:
            self.stall(self.rng.choice(("disk", "names")), 5.0)
        # Whatever dialog is open, and is it a place to type: Escape leaves it.
        for _ in range(3):
            self.terminal.send(b"\x1b")
            self.read(0.3)
        how = self.rng.choice(sorted(ENDS))
        number, keys = ENDS[how]
        began = time.monotonic()
        if number is None:
            self.terminal.send(keys)
        else:
            self.terminal.signal(number)
        try:
            self.terminal.ended()
        except AssertionError as error:
            self.complain(f"{how}: {error}")
            return
        self.seen.ends_s.append(time.monotonic() - began)
        if (code := 0 if number is None else 128 + number) != self.terminal.code:
            self.complain(f"{how}: exit code {self.terminal.code}, not {code}: {self.terminal.written[-200:]!r}")
        if wrong := self.terminal.restoration(2.0)[1]:
            self.complain(f"{how}: {', '.join(wrong)}")
        late = time.monotonic() + 5.0
        while any(map(runs, children)) and time.monotonic() < late:
            time.sleep(0.05)
        if any(map(runs, children)):
            self.complain(f"{how}: a process is left")
        if b"Traceback" in self.terminal.written or b"internal error" in self.terminal.written:
            self.complain(f"{how}: an internal error: {self.terminal.written[-300:]!r}")


def examined(seen: Seen, recording: Path, complain: Callable[[str], None]) -> None:
    """Look at a recording with the program's own doctor: it must be whole."""
    if not recording.exists():
        complain("there is no recording")
        return
    command = [sys.executable, "-m", "kraken_tui", "doctor", "--recording", str(recording), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        complain(f"doctor --recording ended with {done.returncode}: {done.stderr[-200:]}")
        return
    report = json.loads(done.stdout)
    seen.frames += report["frames"]
    bad = {kind: count for kind, count in report["faults_by_kind"].items() if kind != "checksum"}
    if bad:
        complain(f"the recording: {bad}")
    # A book made wrong stays wrong until it is fetched again.
    if report["checksums_wrong"] > 50 * (seen.harm["drop"] + seen.harm["checksum"]):
        complain(f"the recording: {report['checksums_wrong']} checksums wrong")


def run(seconds: float, seed: int) -> Seen:
    """Chapters until the time is over; the last one is shorter."""
    seen, end = Seen(), time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as name, ExchangeThread(pairs=PAIRS, seed=seed) as exchange:
        folder = Path(name)
        url = exchange.ws_url.replace("127.0.0.1", "localhost")
        source = [*PAIRS, "--url", url, "--rest-url", exchange.rest_url]
        number = 0
        while (left := end - time.monotonic()) > 3.0:
            recording = folder / f"{number}.jsonl.gz"
            rng = Random(f"{seed}/{number}")
            for arguments in ([*source, "--record", str(recording)], ["--replay", str(recording), "--speed", "4"]):
                replaying = arguments[0] == "--replay"
                if replaying and (not recording.exists() or end - time.monotonic() < 3.0):
                    continue
                number += 1
                seen.chapters = number
                span = min(CHAPTER_S, left / 2 if replaying else 0.6 * left)
                _chapter(rng, seen, folder, exchange, arguments, span)
                if not replaying:
                    examined(seen, recording, lambda text: seen.problems.append(f"chapter {seen.chapters}: {text}"))
    return seen


def _chapter(
    rng: Random, seen: Seen, folder: Path, exchange: ExchangeThread, arguments: list[str], seconds: float
) -> None:
    pipe = folder / f"orders-{seen.chapters}"
    os.mkfifo(pipe)
    env = {**clean_env(folder), "WEATHER": str(pipe)}
    with Terminal(env, *arguments, command=("-c", _PROGRAM)) as terminal:
        orders = os.open(pipe, os.O_RDWR)
        try:
            chapter = Chapter(rng, seen, terminal, orders, exchange)
            chapter.replaying = arguments[0] == "--replay"
            chapter.clear_at = time.monotonic() + GUARD_S
            terminal.until(LIVE)
            chapter.clear_at = time.monotonic() + CLOCK_S
            chapter.live(seconds)
            chapter.end()
        except AssertionError as error:
            seen.problems.append(f"chapter {seen.chapters}: {error}")
        finally:
            os.close(orders)


def told(seen: Seen, seconds: float) -> str:
    """The figures in one paragraph."""
    stalls = ", ".join(f"{count} of the {kind}" for kind, count in sorted(seen.stalls.items()))
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return (
        f"{seconds:.0f} s of weather: {seen.chapters} lives, {seen.inputs:,} keys and sizes, stalls {stalls} of"
        f" {seen.stalled_s:.0f} s together, {seen.harm.total()} lost connections and damaged books;"
        f" {seen.clocks:,} clocks read, {seen.behind_s:.1f} s behind at most (limit {CLOCK_S:.0f});"
        f" ended after {max(seen.ends_s, default=0.0):.2f} s at most (promise 2 s);"
        f" {seen.frames:,} frames recorded and examined; {megabytes:.0f} MiB at most;"
        f" {len(seen.problems)} problems" + "".join(f"\n- {problem}" for problem in seen.problems)
    )


def main(argv: list[str] | None = None) -> int:
    """Run as a command; 1 where anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig.weather", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=3600.0, help="real time (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (default %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/FIGURES.md, kept or not")
    options = parser.parse_args(argv)
    seen = run(options.seconds, options.seed)
    figures = told(seen, options.seconds)
    print(figures)
    if options.write:
        write_figures("weather", figures)
    return 1 if seen.problems else 0


if __name__ == "__main__":
    sys.exit(main())
