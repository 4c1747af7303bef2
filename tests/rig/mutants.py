"""Deliberate bugs from this field's history; the tests must notice every one.

    python -m tests.rig.mutants                 all of them
    python -m tests.rig.mutants --only float    those whose name contains a word
    python -m tests.rig.mutants --write         and put the list into docs/FIGURES.md

Each is applied to a copy of the package in a temporary folder, where the tests named beside it are run until one fails.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.rig.ledger import table, write_figures

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug: the places (file below kraken_tui, old text, new text) it changes, and the tests that should fail."""

    name: str
    changes: tuple[tuple[str, str, str], ...]
    tests: tuple[str, ...]


def _one(name: str, file: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(name, ((file, old, new),), tests)


_BOOK, _STITCHER, _SESSION = "market/book/l2.py", "feed/proof/stitcher.py", "feed/session.py"
_DISPATCH, _LANE = "feed/dispatch.py", "feed/lane.py"
_CUT = "        if len(keys) > self.depth:\n            side.truncate(self.depth)\n"
_TRUTH = "tests/faults/test_book.py"
_WAYS = "tests/feed/test_lane.py"
_MUTE = "tests/faults/test_connection.py"

MUTANTS: tuple[Mutant, ...] = (
    _one(
        "no truncation",
        _BOOK,
        _CUT,
        "",
        f"{_TRUTH}::test_f62",
    ),
    _one(
        "truncation after each level",
        _BOOK,
        _CUT,
        "            if len(keys) > self.depth:\n                side.truncate(self.depth)\n",
        f"{_TRUTH}::test_f62",
    ),
    _one(
        "removals ignored",
        _BOOK,
        "del keys[at], held[at], digits[at : at + 1]",
        "pass",
        f"{_TRUTH}::test_f58",
    ),
    _one(
        "leading zeros kept", _BOOK, "(ticks, str(ticks))", "(ticks, str(text).replace('.', ''))", f"{_TRUTH}::test_f65"
    ),
    _one(
        "nine levels instead of ten",
        _BOOK,
        '"".join(digits)',
        '"".join(digits[: CHECKSUM_LEVELS - 1])',
        f"{_TRUTH}::test_f56",
    ),
    _one(
        "float round trip",
        "wire/digits.py",
        "return int(digits)\n",
        "return int(float(value) * 10**precision)\n",
        "tests/wire/test_digits.py",
    ),
    _one(
        "wrong scale",
        "wire/digits.py",
        'return f"{sign}{digits[:-precision]}.{digits[-precision:]}"',
        'return f"{sign}{digits[: 1 - precision or None]}.{digits[1 - precision :]}"',
        "tests/wire/test_digits.py",
    ),
    _one(
        "one lost message",
        _STITCHER,
        "else self.book.apply(data.bids, data.asks)",
        "else self.book.apply(data.bids[self.counters.applied % 50 == 49 :], data.asks)",
        f"{_TRUTH}::test_f62",
    ),
    _one("if checksum:", _STITCHER, "0 <= value < _CHECKSUM_END", "0 < value < _CHECKSUM_END", f"{_TRUTH}::test_f55"),
    _one(
        "signed compare",
        _STITCHER,
        "return value if type(value) is int and 0 <= value < _CHECKSUM_END else None",
        "return (value ^ 2**31) - 2**31 if type(value) is int and 0 <= value < _CHECKSUM_END else None",
        f"{_TRUTH}::test_f56",
    ),
    _one(
        "checksums from 2^31 on skipped",
        _STITCHER,
        "_CHECKSUM_END = 2**32",
        "_CHECKSUM_END = 2**31",
        f"{_TRUTH}::test_f56",
    ),
    _one(
        "published before verified",
        _STITCHER,
        "return [*events, changed]",
        "return [changed, *events]",
        "tests/feed/proof/test_stitcher.py",
        f"{_TRUTH}::test_a_lost_proof",
    ),
    _one(
        "sorted by timestamp",
        _STITCHER,
        '        if leaving or (kind != "snapshot"',
        '        if kind != "snapshot" and (data.timestamp or "") < getattr(self, "_newest", ""):\n'
        "            return []\n"
        '        self._newest = data.timestamp or ""\n'
        '        if leaving or (kind != "snapshot"',
        "tests/faults/test_clock.py::test_f26",
    ),
    _one(
        "one entry kept of a doubled price",
        _BOOK,
        "        for level in levels:\n",
        "        for level in {level.price: level for level in levels}.values():\n",
        "tests/market/book/test_l2.py",
        f"{_TRUTH}::test_f59",
    ),
    _one(
        "a side skipped when both are present",
        _BOOK,
        "        if asks:\n",
        "        if asks and not bids:\n",
        f"{_TRUTH}::test_f60",
    ),
    Mutant(
        "a resync for every bad delta",
        (
            (
                _STITCHER,
                "if self.state in (BookState.LIVE, BookState.QUARANTINED):\n            return True",
                "return True",
            ),
            (_STITCHER, "if self._probing or len(self._resyncs) >= self._limits.resync_limit:", "if False:"),
        ),
        (f"{_TRUTH}::test_f63", f"{_TRUTH}::test_f54"),
    ),
    _one(
        "backoff reset on connect",
        _SESSION,
        "self._fire(*self.policy.opening)",
        "self.dialler.backoff.reset()\n            self._fire(*self.policy.opening)",
        f"{_MUTE}::test_f06",
    ),
    _one(
        "no jitter",
        "feed/connection/backoff.py",
        "delay = self._rng.uniform(0.0, bound)",
        "delay = bound",
        f"{_MUTE}::test_f05",
    ),
    _one(
        "a pong extends the deadline",
        _DISPATCH,
        "application=not isinstance(message, Pong)",
        "application=True",
        f"{_MUTE}::test_f11",
    ),
    Mutant(
        "wall clock in the watchdog",
        (
            (_DISPATCH, "self._watchdog.frame(now, application=not", "self._watchdog.frame(wall_ns, application=not"),
            (_SESSION, "self.watchdog.judge(self._now,", "self.watchdog.judge(self._wall,"),
            (_SESSION, "self.watchdog.opened(self._now)", "self.watchdog.opened(self._wall)"),
            (_SESSION, "self._now - last <=", "self._wall - last <="),
            (_SESSION, "watchdog.backlog(self._now)", "watchdog.backlog(self._wall)"),
            (_LANE, "self._watchdog.frame(now, application", "self._watchdog.frame(wall_ns, application"),
        ),
        ("tests/faults/test_clock.py::test_f24",),
    ),
    _one(
        "unproven on the short way",
        _LANE,
        "book.checksum() != checksum or ",
        "",
        f"{_WAYS}::test_one_spoilt",
        f"{_TRUTH}::test_f49",
    ),
    _one("short way of a book that is left", _LANE, "symbol not in self._granted or ", "", f"{_WAYS}::test_a_book"),
    _one("short way of a doubted book", _LANE, "if not stitcher.steady:", "if False:", f"{_WAYS}::test_a_book"),
    _one(
        "429 retried", "feed/connection/failures.py", "frozenset({403, 429})", "frozenset({403})", f"{_MUTE}::test_f03"
    ),
    Mutant(
        "unbounded queue",
        (
            ("engine/listeners.py", "if len(queue) >= self.capacity:", "if len(queue) > 10**9:"),
            ("engine/listeners.py", "if len(self) >= self.capacity:", "if len(self) > 10**9:"),
        ),
        ("tests/engine/test_listeners.py",),
    ),
    _one(
        "markup built from data",
        "tui/app.py",
        'timeout=10 if severity == "error" else 5, markup=False)',
        'timeout=10 if severity == "error" else 5, markup=True)',
        "tests/faults/test_text.py::test_f98",
    ),
    _one(
        "append after a torn tail",
        "recording/writer.py",
        "os.ftruncate(fd, whole)",
        "pass",
        "tests/faults/test_recording.py::test_f81",
    ),
    _one(
        "overwritten on restart",
        "recording/writer.py",
        "os.O_RDWR | os.O_APPEND",
        "os.O_RDWR | os.O_TRUNC",
        "tests/faults/test_recording.py::test_f83",
    ),
    _one(
        "secret in a text",
        "settings/address.py",
        "parts.netloc.rpartition('@')[2]}",
        "parts.netloc}",
        "tests/faults/test_sockets.py::test_f18",
    ),
    _one(
        "drop under load",
        _SESSION,
        "        if not self._up or self._is_backlog():",
        "        if self.state not in _UP or self._is_backlog() or counters.frames % 1000 == 999:",
        "tests/faults/test_load.py::test_f69",
        f"{_TRUTH}::test_f62",
    ),
    _one(
        "bind 0.0.0.0",
        "settings/address.py",
        'if ":" not in text:\n        host = "127.0.0.1"',
        'if ":" not in text:\n        host = "0.0.0.0"',
        "tests/metrics/test_endpoint.py::test_a_port_alone",
    ),
)

NOT_APPLICABLE: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant: the test that noticed it, or "" where it lived."""

    mutant: Mutant
    killer: str
    seconds: float


def _selected(test: str) -> list[str]:
    """Arguments of pytest for a file, or for the tests of a file whose names begin so."""
    file, _, name = test.partition("::")
    return [file, "-k", name] if name else [file]


def apply(mutant: Mutant, package: Path) -> dict[Path, str]:
    """The changed text of every file a mutant changes, below a folder that holds the package's files.

    Raises:
        ValueError: Its old text is not there exactly once: the list must follow the program.
    """
    changed: dict[Path, str] = {}
    for file, old, new in mutant.changes:
        path = package / file
        text = changed.get(path) or path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{mutant.name}: {old!r} stands {text.count(old)} times in {file}")
        changed[path] = text.replace(old, new)
    return changed


def judge(mutant: Mutant) -> Verdict:
    """Apply one mutant to a copy and run its tests; raises as `apply` does, and where a test cannot be run."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        ignore = shutil.ignore_patterns("__pycache__")
        for name in ("kraken_tui", "tests"):
            shutil.copytree(ROOT / name, copy / name, ignore=ignore)
        shutil.copy(ROOT / "pyproject.toml", copy)
        for path, text in apply(mutant, copy / "kraken_tui").items():
            path.write_text(text, encoding="utf-8")
        for test in mutant.tests:
            done = subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "pytest",
                    "-x",
                    "-q",
                    "-n",
                    "0",
                    "-p",
                    "no:cacheprovider",
                    "--tb=no",
                    *_selected(test),
                ],
                cwd=copy,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "KRAKEN_TUI_PURE": "1"},
                capture_output=True,
                text=True,
            )
            if done.returncode == 1:
                failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
                return Verdict(mutant, failed[0].split()[1], time.perf_counter() - began)
            if done.returncode != 0:
                raise ValueError(f"{mutant.name}: {test} could not be run: {done.stdout[-300:]}{done.stderr[-300:]}")
    return Verdict(mutant, "", time.perf_counter() - began)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 1 where a mutant lived."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig.mutants", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--only", default="", help="a word of the name")
    parser.add_argument("--jobs", type=int, default=2, help="at the same time (default %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the list into docs/FIGURES.md")
    options = parser.parse_args(argv)
    began = time.perf_counter()
    chosen = [mutant for mutant in MUTANTS if options.only in mutant.name]
    verdicts = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for verdict in pool.map(judge, chosen):
            verdicts.append(verdict)
            print(f"{verdict.mutant.name}: {verdict.killer or 'LIVES'} ({verdict.seconds:.1f} s)", flush=True)
    killed = sum(bool(verdict.killer) for verdict in verdicts)
    summary = f"{killed} of {len(verdicts)} killed in {time.perf_counter() - began:.0f} s"
    print(summary)
    if options.write:
        rows = [(verdict.mutant.name, f"`{verdict.killer}`" if verdict.killer else "**lives**") for verdict in verdicts]
        rows += [(name, f"not applicable: {why}") for name, why in NOT_APPLICABLE.items()]
        write_figures("mutants", f"{summary}.\n\n{table(('Bug', 'Noticed by'), rows)}")
    return 0 if killed == len(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
