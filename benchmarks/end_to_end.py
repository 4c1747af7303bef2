"""From a frame that the exchange sends, and from a key that a person presses, to the changed cell on a terminal.

The best bid's size tells in its digits when it was sent (`benchmarks.server`), so the moment it stands on the screen
is its latency. How late the feed is comes from a recording the program makes meanwhile, and how late its event loop is
from the answers to WebSocket pings, which only a loop that turns can give. Linux only.
"""

from __future__ import annotations

import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks import Report, main
from benchmarks.cells import Cells
from benchmarks.machine import share_text, waited_s
from benchmarks.screen import COLUMNS, ROWS, Terminal
from benchmarks.server import Handle, marked_age_ms, server

RATE = 500
FRAME_MS = 1000 / RATE
TARGETS = {"frame": (60.0, 150.0), "key": (None, 50.0)}
MOST_FRAME_MS = 1500.0
MOST_KEY_MS = 1000.0
MOST_FEED_MS = 2000.0
"""The smoke run fails when a median is above these."""

_MARKER = re.compile(r"(?<![\d.,])1(\d\d),(\d{3})(?![\d.])")
KEYS = (
    ("+ and - (grouping: one pane)", (b"+", b"-"), re.compile(r"Aggregated book ×(\d+)")),
    ("2 and 1 (pair: the whole screen)", (b"2", b"1"), re.compile(r"Market health ─+ ([A-Z]+)/")),
)


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least this share (0 to 1) of all does not exceed; infinity of none."""
    if not values:
        return float("inf")
    return sorted(values)[max(0, -(-len(values) * round(share * 1000) // 1000) - 1)]


def between(shown_age: float, before_age: float) -> list[float]:
    """Ages at which the frames of one screen update became visible.

    A screen shows the newest of the frames since the last update; the others became visible with it, older.

    Args:
        shown_age: Age of the frame shown, ms.
        before_age: Age, now, of the frame shown before.
    """
    return [shown_age + step * FRAME_MS for step in range(max(1, round((before_age - shown_age) / FRAME_MS)))]


class Watcher:
    """Reads a terminal and keeps what is on it.

    Attributes:
        cells: What is on it.
        frame_ms: Ages at which frames became visible.
        shown: The newest marker; None before the first.
    """

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.cells = Cells(COLUMNS, ROWS)
        self.frame_ms: list[float] = []
        self.shown: int | None = None
        self._unread: set[int] = set()

    def read(self, seconds: float) -> None:
        """Take what comes within this time, at most once."""
        data = self.terminal.read(seconds)
        if not data:
            return
        now_ms = time.monotonic_ns() / 1e6
        touched = self.cells.feed(data) | self._unread
        # The rest of a number that is just being written may come a moment later.
        self._unread = touched & {self.cells.unfinished}
        for row in touched - self._unread:
            found = _MARKER.search(self.cells.rows[row])
            if found is not None and (marker := int(found[1] + found[2])) != self.shown:
                self._show(marker, now_ms)

    def _show(self, marker: int, now_ms: float) -> None:
        age = marked_age_ms(marker, now_ms)
        if self.shown is not None:
            before = marked_age_ms(self.shown, now_ms)
            if age > before:
                # Frames come in order, so this is a number of which half is the one before.
                return
            self.frame_ms += between(age, before)
        self.shown = marker

    def watch(self, seconds: float) -> None:
        """Read for a while."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)

    def until(self, condition: Callable[[], bool], seconds: float) -> float | None:
        """Seconds until something is on the screen; None if it does not come in time."""
        start = time.perf_counter()
        while not condition():
            left = start + seconds - time.perf_counter()
            if left <= 0:
                return None
            self.read(left)
        return time.perf_counter() - start

    def shows(self, text: str) -> bool:
        """Whether a text is on the screen."""
        return any(text in row for row in self.cells.rows)

    def look(self, pattern: re.Pattern[str]) -> str:
        """The first group of a pattern on the screen; "" where it is not there."""
        for row in self.cells.rows:
            found = pattern.search(row)
            if found is not None:
                return found[1]
        return ""


def key_ms(watcher: Watcher, keys: tuple[bytes, bytes], pattern: re.Pattern[str], presses: int) -> list[float]:
    """Times from a key to the cell it changes, ms; the keys undo each other."""
    rng = random.Random(1)
    times = []
    for number in range(presses):
        watcher.watch(rng.uniform(0.1, 0.25))
        before = watcher.look(pattern)
        watcher.terminal.press(keys[number % 2])
        waited = watcher.until(lambda before=before: watcher.look(pattern) not in ("", before), 5.0)  # type: ignore[misc]
        times.append(float("inf") if waited is None else waited * 1000)
    return times


@contextmanager
def program(venue: Handle, fps: int, *options: str) -> Iterator[Watcher]:
    """The program on a terminal, proven books on it."""
    arguments = ["-m", "kraken_tui", "BTC/USD", "ETH/USD", "--fps", str(fps), *venue.program_options, *options]
    terminal = Terminal(arguments)
    watcher = Watcher(terminal)
    try:
        watcher.until(lambda: watcher.shows("VERIFIED"), 20.0)
        yield watcher
    finally:
        terminal.end()


# -- the feed while the terminal is read, read slowly, and not read ----------------------------------------------


class Phase(NamedTuple):
    """A time in which the terminal was read in one way: its start on both clocks, s."""

    name: str
    wall: float
    mono: float
    seconds: float


def throttled(terminal: Terminal, seconds: float, bytes_per_s: float) -> None:
    """Read no more than so many bytes a second for a while; 0 reads nothing."""
    start = time.perf_counter()
    first = terminal.received
    while (elapsed := time.perf_counter() - start) < seconds:
        if terminal.received - first < elapsed * bytes_per_s:
            terminal.read(0.005)
        else:
            time.sleep(0.005)


def lags_ms(recording: Path) -> list[tuple[float, float]]:
    """(wall clock s, lag ms) of every book update in a recording: receipt minus the exchange's own timestamp."""
    update = re.compile(r'"rx_ns":(\d+).*"channel":"book","type":"update".*"timestamp":"([^"]+)"')
    found = []
    with recording.open(encoding="utf-8") as lines:
        for line in lines:
            match = update.search(line)
            if match is not None:
                sent = datetime.fromisoformat(match[2])
                rx_s = int(match[1]) / 1e9
                found.append((rx_s, (rx_s - sent.timestamp()) * 1000))
    return found


def _phases(watcher: Watcher, seconds: float) -> list[Phase]:
    """Let the terminal be read in three ways, one after another."""
    phases = []
    for name, speed in (("all is read", 1e9), ("600 KiB/s are read", 600 * 1024), ("nothing is read", 0.0)):
        phases.append(Phase(name, time.time(), time.monotonic(), seconds))
        throttled(watcher.terminal, seconds, speed)
    return phases


def _feed(report: Report, phases: list[Phase], pings: list[list[float]], recording: Path) -> None:
    """Lag of the feed and of its loop, by phase; to be called when the program has ended and the recording is whole."""
    lags = lags_ms(recording)
    for phase in phases:
        lag = [value for at, value in lags if phase.wall <= at < phase.wall + phase.seconds]
        loop = [latency * 1000 for at, latency in pings if phase.mono <= at < phase.mono + phase.seconds]
        _row(report, f"feed lag, {phase.name}", lag, f"{len(lag) / phase.seconds:.0f} messages/s")
        _row(report, f"loop lag (ping answered), {phase.name}", loop, "")
        if percentile(lag, 0.5) > MOST_FEED_MS:
            report.failures.append(f"the feed is {percentile(lag, 0.5):.0f} ms late while {phase.name}")


# -- the table ----------------------------------------------------------------------------------------------------


def _row(report: Report, what: str, values: list[float], note: str, target: str = "") -> None:
    p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
    if target:
        most50, most99 = TARGETS[target]
        met = p99 <= (most99 or 0) and (most50 is None or p50 <= most50)
        wanted = (f"p50 {most50:.0f}, " if most50 else "") + f"p99 {most99:.0f}"
        note = f"{note + '; ' if note else ''}{'meets' if met else 'misses'} {wanted}"
    worst = f"{max(values):.1f}" if values else "-"
    report.rows.append((what, f"{p50:.1f}", f"{p99:.1f}", worst, str(len(values)), note))


def _cells(report: Report, watcher: Watcher, fps: int, smoke: bool) -> None:
    """From frame to cell, and from key to cell."""
    started, waited = time.perf_counter(), waited_s(watcher.terminal.pid)
    watcher.watch(0.5 if smoke else 3.0)
    watcher.frame_ms.clear()
    watcher.watch(1.0 if smoke else 12.0)
    frames = list(watcher.frame_ms)
    _row(report, f"frame sent to changed cell, {fps} frames/s", frames, "", "frame")
    if percentile(frames, 0.5) > MOST_FRAME_MS:
        report.failures.append(f"a frame is on the screen after {percentile(frames, 0.5):.0f} ms")
    for name, keys, pattern in KEYS:
        times = key_ms(watcher, keys, pattern, 2 if smoke else 40)
        _row(report, f"key {name} to changed cell, {fps} frames/s", times, "", "key")
        if percentile(times, 0.5) > MOST_KEY_MS:
            report.failures.append(f"a key is answered after {percentile(times, 0.5):.0f} ms")
    starved = share_text(waited_s(watcher.terminal.pid) - waited, time.perf_counter() - started)
    if starved:
        report.rows.append((f"the program meanwhile, {fps} frames/s", "-", "-", "-", "-", starved))


def run(smoke: bool) -> Report:
    """Measure; the smoke run is short and its limits are wide."""
    title = f"End to end on a terminal of {COLUMNS}x{ROWS}, {RATE} book messages/s, ms"
    report = Report(title, ("what", "p50", "p99", "worst", "samples", "note"))
    if not os.path.isdir("/proc/self"):  # noqa: PTH112
        return report
    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder) / "run.jsonl"
        options = ("--pairs", "2", "--rate", str(RATE), "--marker", "--ping-ms", "10")
        if smoke:
            with server(*options) as venue, program(venue, 10, "--record", str(recording)) as watcher:
                _cells(report, watcher, 10, smoke)
                phases, pings = _phases(watcher, 0.8), venue.report()["pings"]
            _feed(report, phases, pings, recording)
            return report
        for fps in (10, 30):
            with server(*options[:-2]) as venue, program(venue, fps) as watcher:
                _cells(report, watcher, fps, smoke)
        with server(*options) as venue, program(venue, 10, "--record", str(recording)) as watcher:
            watcher.watch(3.0)
            phases, pings = _phases(watcher, 12.0), venue.report()["pings"]
        _feed(report, phases, pings, recording)
    return report


if __name__ == "__main__":
    raise SystemExit(main(run(smoke="--smoke" in sys.argv)))
