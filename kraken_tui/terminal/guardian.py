"""A small process that restores the terminal when this one is killed in a way nobody can catch (SIGKILL, SIGSEGV).

It is started before the screen takes the terminal, sleeps in a read of a pipe whose other end only this process
holds, and wakes when the kernel closes that end. It runs in a session of its own with every signal but its alarm
blocked, so nothing that ends the program ends it too, and it is gone within a second of the program's end.

What it cannot do: reach the terminal over an ssh link that is down, act before a core dump is written (the pipe stays
open that long), or undo what a shell printed in the microseconds before it. Windows has no such guardian.
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
"""What the guardian says. The shell wakes at the same moment, and a prompt it wrote to the screen that was left is
not seen."""

_REAP_S = 0.2


class Guardian:
    """Starts and talks to the guardian process; where there can be none, every call does nothing.

    Attributes:
        pid: The process; None where there is none.
    """

    def __init__(self) -> None:
        self.pid: int | None = None
        self._pipe: int | None = None

    def start(self) -> None:
        """Start it on standard input and output; call this before the screen takes the terminal."""
        if not hasattr(os, "posix_spawn") or getattr(sys, "frozen", False):
            return
        reading, self._pipe = os.pipe()
        try:
            self.pid = _spawn(reading)
        except OSError:
            # No more processes, or an interpreter that has moved: everything but the guardian still works.
            self.close()
        finally:
            os.close(reading)

    def taken(self, before: Sequence[Any], lflag: int) -> None:
        """Say that the screen takes the terminal now.

        Args:
            before: Attributes of the terminal before that, as `termios.tcgetattr` gives them.
            lflag: The local flags that the screen sets.
        """
        characters = (value if isinstance(value, int) else value[0] for value in before[6])
        modes = ",".join(str(number) for number in (*before[:6], *characters))
        self._say(f"taken {modes} {lflag} {(LEAVE + KILLED).encode('ascii').hex()}")

    def released(self) -> None:
        """Say that the terminal is as it was (at the end, and while suspended)."""
        self._say("released")

    def close(self) -> None:
        """Let it go, as the end of the process would; returns when it has ended, which takes a few ms."""
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
            # Somebody else waited for it.
            pass
        self.pid = None

    def _say(self, line: str) -> None:
        if self._pipe is None:
            return
        try:
            os.write(self._pipe, line.encode("ascii") + b"\n")
        except OSError:
            # It was killed; the program goes on without.
            os.close(self._pipe)
            self._pipe = None


def _spawn(reading: int) -> int:
    import signal

    # The source goes in as text and the interpreter is the one below a virtual environment's, so that no part of the
    # command line names the program: whoever ends it by its name (pkill -9 -f) leaves the guardian alive.
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
