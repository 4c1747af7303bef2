"""The whole program on a pseudo terminal: first paint, CPU, memory, and how soon a key is answered.

The local exchange runs in a process of its own, so that the figures are the screen's and the feed's alone. Linux
only, since it reads /proc.
"""

from __future__ import annotations

import os
import re
import select
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import Report, main
from kraken_tui import core

COLUMNS, ROWS = 160, 48
LARGE = 220, 60
"""Columns and rows of the largest terminal that is measured, at 30 frames a second."""

PAIRS = ("BTC/USD", "ETH/USD")
MOST_CPU_PERCENT = 40.0
MOST_MEMORY_MB = 200.0
MOST_KEY_MS = 400.0
"""The smoke run fails above these: more than three times what is seen on a quiet machine."""

MINIMAL = (
    "from textual.app import App\n"
    "from textual.widgets import Static\n"
    "class Minimal(App):\n"
    "    def compose(self):\n"
    "        yield Static('DEMO F2 book')\n"
    "Minimal().run()\n"
)


class Terminal:
    """A child process on a pseudo terminal that is always read.

    Args:
        arguments: Of the interpreter.
        size: Columns and rows.
        extra: More of its environment.
    """

    def __init__(self, arguments: list[str], size: tuple[int, int] = (COLUMNS, ROWS), **extra: str) -> None:
        import fcntl
        import pty
        import struct
        import termios

        self.started = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            # As installed: compiled modules are kept, so only the first start of all compiles them.
            os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", COLUMNS=str(size[0]), LINES=str(size[1]))
            os.environ.update(extra)
            os.execv(sys.executable, [sys.executable, *arguments])
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.received = 0

    def read(self, seconds: float) -> bytes:
        """What the child writes within this time; b"" when it wrote nothing."""
        if not select.select([self._fd], [], [], max(0.0, seconds))[0]:
            return b""
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError:
            return b""
        self.received += len(data)
        return data

    def wait_for(self, text: bytes, seconds: float) -> float | None:
        """Seconds from now until the output holds `text`; None if it does not come in time."""
        start = time.perf_counter()
        seen = b""
        while (left := start + seconds - time.perf_counter()) > 0:
            seen = seen[-200:] + self.read(left)
            if text in seen:
                return time.perf_counter() - start
        return None

    def drain(self, seconds: float) -> None:
        """Read and forget for a while."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)

    def press(self, key: bytes) -> None:
        """Type."""
        os.write(self._fd, key)

    def cpu_seconds(self) -> float:
        """CPU time used so far."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:  # noqa: PTH123
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Resident memory."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:  # noqa: PTH123
            found = re.search(r"VmRSS:\s+(\d+) kB", file.read())
        return int(found[1]) / 1024 if found else 0.0

    def end(self) -> None:
        """Quit, and wait."""
        os.kill(self.pid, signal.SIGTERM)
        while self.read(2.0):
            continue
        os.waitpid(self.pid, 0)
        os.close(self._fd)


@contextmanager
def exchange(rate: float) -> Iterator[list[str]]:
    """A local exchange in another process; yields the options that point the program at it."""
    command = [sys.executable, "-m", "kraken_tui.exchange", "--port", "0", "--rate", str(rate)]
    for pair in PAIRS:
        command += ["--pair", pair]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        yield ["--url", url, "--rest-url", url.replace("ws://", "http://").removesuffix("/v2")]
    finally:
        process.terminate()
        process.wait()


def first_paint_ms(arguments: list[str]) -> float:
    """From starting the process until the footer is on the terminal, in ms."""
    terminal = Terminal(arguments)
    found = terminal.wait_for(b"F2", 20.0)
    elapsed = time.perf_counter() - terminal.started
    terminal.drain(0.3)
    terminal.end()
    return elapsed * 1000 if found is not None else float("inf")


def cpu_percents(options: list[str], size: tuple[int, int], rate: int, extra: dict[str, str]) -> list[float]:
    """Processor time of the whole program in percent of a core, five times."""
    terminal = Terminal(["-m", "kraken_tui", *PAIRS, *options, "--fps", str(rate)], size, **extra)
    terminal.wait_for(b"VERIFIED", 20.0)
    terminal.drain(5.0)
    found = []
    for _ in range(5):
        before, start = terminal.cpu_seconds(), time.perf_counter()
        terminal.drain(5.0)
        found.append((terminal.cpu_seconds() - before) / (time.perf_counter() - start) * 100)
    terminal.end()
    return found


def low_bandwidth(options: list[str], smoke: bool) -> list[float]:
    """Kilobytes a second of the profile for slow lines."""
    terminal = Terminal(["-m", "kraken_tui", *PAIRS, *options, "--low-bandwidth"])
    terminal.wait_for(b"VERIFIED", 20.0)
    terminal.drain(2.0)
    speeds = []
    for _ in range(1 if smoke else 5):
        start, received = time.perf_counter(), terminal.received
        terminal.drain(3.0)
        speeds.append((terminal.received - received) / (time.perf_counter() - start) / 1000)
    terminal.end()
    return speeds


def key_ms(terminal: Terminal, presses: int) -> list[float]:
    """Times from a key to the words it puts on the screen, in ms."""
    times = []
    for number in range(presses):
        terminal.drain(0.4)
        terminal.press(b"]" if number % 2 == 0 else b"[")
        waited = terminal.wait_for(b"m candles.", 5.0)
        times.append(float("inf") if waited is None else waited * 1000)
        # The words stay for three seconds and would answer the next key too.
        terminal.drain(3.2)
    return times


def run(smoke: bool) -> Report:
    """Measure; the smoke run is short and its limits are wide."""
    title = f"The screen at {COLUMNS}x{ROWS}, 10 frames/s, two pairs"
    report = Report(title, ("what", "median", "best..worst", "note"))
    if not os.path.isdir("/proc/self"):  # noqa: PTH112
        return report
    rounds = 2 if smoke else 9
    first_paint_ms(["-m", "kraken_tui", "--demo", *PAIRS])
    minimal = [first_paint_ms(["-c", MINIMAL]) for _ in range(rounds)]
    ours = [first_paint_ms(["-m", "kraken_tui", "--demo", *PAIRS]) for _ in range(rounds)]
    ratio = statistics.median(ours) / statistics.median(minimal)
    _row(report, "first paint, smallest Textual app, ms", minimal, "")
    _row(report, "first paint, kraken-tui --demo, ms", ours, f"{ratio:.2f} x the smallest app")
    if ratio > 6:
        report.failures.append(f"the first paint takes {ratio:.1f} times that of the smallest Textual app")
    with exchange(2.0) as options:
        terminal = Terminal(["-m", "kraken_tui", *PAIRS, *options])
        terminal.wait_for(b"VERIFIED", 20.0)
        terminal.drain(2.0 if smoke else 8.0)
        shares = []
        for _ in range(1 if smoke else 5):
            before, start, received = terminal.cpu_seconds(), time.perf_counter(), terminal.received
            terminal.drain(3.0 if smoke else 10.0)
            elapsed = time.perf_counter() - start
            shares.append((terminal.cpu_seconds() - before) / elapsed * 100)
        speed = (terminal.received - received) / elapsed / 1000
        _row(
            report,
            "CPU, % of one core",
            shares,
            f"about 200 book messages/s, {speed:.0f} kB/s to the terminal, {core.in_use()}",
        )
        keys = key_ms(terminal, 1 if smoke else 8)
        _row(report, "key to changed cell, ms", keys, "")
        memory = terminal.memory_mb()
        _row(report, "resident memory, MB", [memory], "")
        terminal.end()
        others = (("pure Python", (COLUMNS, ROWS), 10, {core.VARIABLE: "1"}), ("", LARGE, 30, {}))
        for what, size, rate, extra in others[: 0 if smoke else 2]:
            note = ", ".join(filter(None, (f"{size[0]}x{size[1]}", f"{rate} frames/s", what)))
            _row(report, "CPU, % of one core", cpu_percents(options, size, rate, extra), note)
        _row(report, "to the terminal with --low-bandwidth, kB/s", low_bandwidth(options, smoke), "")
    if statistics.median(shares) > MOST_CPU_PERCENT:
        report.failures.append(f"the screen uses {statistics.median(shares):.0f} % of a core")
    if statistics.median(keys) > MOST_KEY_MS:
        report.failures.append(f"a key is answered after {statistics.median(keys):.0f} ms")
    if memory > MOST_MEMORY_MB:
        report.failures.append(f"{memory:.0f} MB are resident")
    return report


def _row(report: Report, what: str, values: list[float], note: str) -> None:
    median = statistics.median(values)
    report.rows.append((what, f"{median:.1f}", f"{min(values):.1f}..{max(values):.1f}", note))


if __name__ == "__main__":
    raise SystemExit(main(run(smoke="--smoke" in sys.argv)))
