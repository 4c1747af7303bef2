"""The program on a pseudo terminal: what it wrote, what modes it left behind, who is still running."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

PROGRAM = ("-m", "kraken_tui")
NOBODY = "ws://127.0.0.1:9"
"""The discard port: nobody listens there."""

GUARD_S = 60.0
"""Nothing takes as long, on however busy a machine: what has not come by then never will.

Tests judge what comes and in which order. How long it took is written down (docs/FIGURES.md), and judged where nobody
else uses the processors: by `python -m tests.terminal.ends`, `kills` and `soak`.
"""

LIVE = b"VERIFIED"
SIZE = (120, 40)

# Becomes the program, on its own terminal and with the usual signals whatever started the tests.
_LAUNCH = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
for number in filter(None, sys.argv[1].split(",")):
    signal.signal(int(number), signal.SIG_IGN)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""

_MODE = re.compile(rb"\x1b\[\?([\d;]+)([hl])|\x1b\[([<>])\d*u")
_ON_BY_ITSELF = {7: "line wrap is off", 25: "the cursor is hidden"}


def left_behind(written: bytes | bytearray) -> list[str]:
    """What is wrong with a terminal that was sent this: modes still set, in words; empty where it is as before."""
    on: set[int] = set(_ON_BY_ITSELF)
    pushed = 0
    for match in _MODE.finditer(written):
        numbers, switch, direction = match.groups()
        if direction:
            pushed = pushed + 1 if direction == b">" else max(0, pushed - 1)
            continue
        for number in map(int, numbers.split(b";")):
            if number == 1049 and switch == b"l" and pushed:
                return ["the alternate screen was left with its keyboard mode"]
            (on.add if switch == b"h" else on.discard)(number)
    wrong = [words for number, words in _ON_BY_ITSELF.items() if number not in on]
    return wrong + [f"mode {number} is set" for number in sorted(on - set(_ON_BY_ITSELF))]


def children_of(pid: int) -> set[int]:
    """Process ids of a process's children."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = (line.split() for line in listed.splitlines())
    return {int(child) for child, parent in pairs if int(parent) == pid}


def runs(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be collected."""
    if Path("/proc/self/stat").exists():
        try:
            return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] not in "ZX"
        except OSError:
            return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def wait_for(condition: Callable[[], bool], limit_s: float = GUARD_S) -> float:
    """Wait until something is so; the seconds it took."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < limit_s, "waited too long"
        time.sleep(0.005)
    return time.monotonic() - start


def ms(seconds: float) -> str:
    """A time as the ledger writes it."""
    return f"{seconds * 1000:.0f} ms"


def clean_env(folder: Path) -> dict[str, str]:
    """An environment without the developer's settings, whose files all lie in `folder`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("KRAKEN_TUI_", "TEXTUAL"))}
    folders = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
    # A size that some shells export, and that must not count: the window's own does.
    return {**clean, **folders, "TERM": "xterm-256color", "COLUMNS": "70", "LINES": "20"}


class Terminal:
    """A pseudo terminal with the program on it.

    Args:
        env: Its environment.
        argv: Its arguments.
        command: What the interpreter runs instead of the program.
        ignored: Signals it is born ignoring.
        stderr: A file for standard error; None for the terminal.

    Attributes:
        written: All it wrote so far, as far as it was read.
    """

    def __init__(
        self,
        env: Mapping[str, str],
        *argv: str,
        command: tuple[str, ...] = PROGRAM,
        ignored: tuple[int, ...] = (),
        stderr: int | None = None,
    ) -> None:
        self.fd, self.slave = pty.openpty()
        self.resize(*SIZE)
        self.modes = termios.tcgetattr(self.slave)
        self.written = bytearray()
        self._hung_up = False
        ignore = ",".join(str(int(number)) for number in ignored)
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-c", _LAUNCH, ignore, *command, *argv],
            env=dict(env),
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave if stderr is None else stderr,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The program's process."""
        return self.process.pid

    # -- both ways -------------------------------------------------------------------------------------------------

    def read(self, seconds: float = 0.0, until: bytes | None = None) -> bytes:
        """Read for a while, or until something was written; what came."""
        mark = len(self.written)
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if select.select([self.fd], [], [], min(max(0.0, left), 0.1))[0]:
                try:
                    self.written += os.read(self.fd, 65536)
                except OSError:
                    break
                if until is not None and until in self.written[mark:]:
                    break
            elif until is not None and self.process.poll() is not None:
                break
            if left <= 0:
                break
        return bytes(self.written[mark:])

    def until(self, text: bytes, limit_s: float = GUARD_S) -> None:
        """Read until the program writes this."""
        assert text in self.read(limit_s, text), f"{text!r} was never written; at the end: {self.written[-400:]!r}"

    def send(self, data: bytes) -> None:
        """Type."""
        while data:
            # Read meanwhile, so that neither side waits for the other.
            if select.select([], [self.fd], [], 0.05)[1]:
                data = data[os.write(self.fd, data[:1024]) :]
            self.read()

    def resize(self, columns: int, rows: int) -> None:
        """Change the window's size; the program gets SIGWINCH."""
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def signal(self, number: int) -> None:
        """Send the program a signal."""
        self.process.send_signal(number)

    def hang_up(self) -> None:
        """Close the window."""
        os.close(self.fd)
        os.close(self.slave)
        self._hung_up = True

    # -- the end ---------------------------------------------------------------------------------------------------

    @property
    def restored(self) -> bool:
        """Whether the terminal's modes are those from before."""
        return termios.tcgetattr(self.slave) == self.modes

    def ended(self, limit_s: float = GUARD_S) -> float:
        """Read until the process is over; the seconds it took. `code` is known then."""
        start = time.monotonic()
        while self.process.poll() is None:
            assert time.monotonic() - start < limit_s, f"it did not end in {limit_s} s; {self.written[-300:]!r}"
            if self._hung_up:
                time.sleep(0.005)
            else:
                self.read(0.005)
        return time.monotonic() - start

    @property
    def code(self) -> int:
        """Its exit code, as a shell shows it."""
        code = self.process.wait()
        return 128 - code if code < 0 else code

    def restoration(self, limit_s: float = GUARD_S) -> tuple[float, list[str]]:
        """Read until modes and screen are as before, or time is up: (seconds, what is wrong)."""
        start = time.monotonic()
        while True:
            self.read(0.002)
            taken = time.monotonic() - start
            wrong = left_behind(self.written) + ([] if self.restored else ["echo and line mode are not back"])
            if not wrong or taken > limit_s:
                return taken, wrong

    def close(self) -> None:
        """End what is left."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if not self._hung_up:
            self.hang_up()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


KILLS = (signal.SIGKILL, signal.SIGSEGV)
"""What no program can catch and stay sane."""
