"""A small process that restores the terminal when this one is killed by a signal it cannot catch (SIGKILL, SIGSEGV).

It starts before the screen takes the terminal, and blocks reading a pipe whose other end only this process holds; the
kernel closes that end when the process dies. It runs in its own session with every signal but its alarm blocked, so
whatever kills the program leaves the guardian alive, and it exits within a second of the program's end.

It cannot reach the terminal over a dead ssh link, act before a core dump is written (the pipe stays open that long),
or undo what a shell printed in the microseconds before it. There is no guardian on Windows.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kraken_tui.terminal.writer import LEAVE

KILLED = "kraken-tui was killed; the terminal is restored (press Enter if there is no prompt)\r\n"
"""What the guardian prints. The shell wakes at the same moment; a prompt it wrote to the alternate screen is lost."""

_REAP_S = 0.2


class Guardian:
    """Starts and talks to the guardian process; if there can be none, every call is a no-op.

    Attributes:
        pid: The process; None if there is none.
    """

    def __init__(self) -> None:
        self.pid: int | None = None
        self._pipe: int | None = None

    def start(self) -> None:
        """Start it on standard input and output. Call this before the screen takes the terminal."""
        if not hasattr(os, "posix_spawn") or getattr(sys, "frozen", False):
            return
        reading, self._pipe = os.pipe()
        try:
            self.pid = _spawn(reading)
        except OSError:
            # No more processes, or the interpreter has moved: everything but the guardian still works.
            self.close()
        finally:
            os.close(reading)

    def taken(self, before: Sequence[Any], lflag: int) -> None:
        """Tell it that the screen takes the terminal now.

        Args:
            before: Attributes of the terminal until now, as `termios.tcgetattr` returns them.
            lflag: The local flags that the screen sets.
        """
        characters = (value if isinstance(value, int) else value[0] for value in before[6])
        modes = ",".join(str(number) for number in (*before[:6], *characters))
        self._say(f"taken {modes} {lflag} {(LEAVE + KILLED).encode('ascii').hex()}")

    def released(self) -> None:
        """Tell it that the terminal is restored (at the end, and while suspended)."""
        self._say("released")

    def close(self) -> None:
        """Close the pipe, as the end of this process would, and wait for the guardian to exit, which takes a few ms."""
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
        if self.pid is None:
            return
        end = time.monotonic() + _REAP_S
        try:
            while os.waitpid(self.pid, os.WNOHANG)[0] == 0 and time.monotonic() < end:
                time.sleep(0.001)
        except ChildProcessError:
            # Something else has reaped it.
            pass
        self.pid = None

    def _say(self, line: str) -> None:
        if self._pipe is None:
            return
        try:
            os.write(self._pipe, line.encode("ascii") + b"\n")
        except OSError:
            # It was killed; the program carries on without it.
            os.close(self._pipe)
            self._pipe = None


def _spawn(reading: int) -> int:
    import signal

    # The source is passed as text, and the interpreter is the one a virtual environment is based on, so no part of the
    # command line names the program: killing it by name (pkill -9 -f) leaves the guardian alive.
    source = Path(__file__).with_name("guardian_child.py").read_text(encoding="utf-8")
    python: str = getattr(sys, "_base_executable", None) or sys.executable
    env = {name: value for name, value in os.environ.items() if name.startswith(("LD_", "DYLD_"))}
    arguments = [python, "-I", "-S", "-c", source]
    options: dict[str, Any] = {
        "file_actions": [(os.POSIX_SPAWN_DUP2, 0, 2), (os.POSIX_SPAWN_DUP2, reading, 0)],
        "setsigmask": signal.valid_signals() - {signal.SIGALRM},
        "setsigdef": [signal.SIGALRM],
    }
    try:
        return os.posix_spawn(python, arguments, env, setsid=True, **options)
    except NotImplementedError:
        return os.posix_spawn(python, arguments, env, setpgroup=0, **options)
