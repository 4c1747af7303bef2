"""Run the command line without what Windows lacks: modules, signals, functions of `os`; `os.name` is "nt" to us.

    python -m tests.rig.without_posix stream --demo --count 5

The interpreter and other packages stay those of this system, so this finds what we would call and could not, no more.
"""

from __future__ import annotations

import builtins
import importlib.machinery
import os
import signal
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

MODULES = frozenset({"termios", "fcntl", "resource", "pwd", "grp", "tty", "pty", "curses", "readline", "syslog"})
"""Modules of Python that Windows does not have."""

SIGNALS = ("SIGHUP", "SIGQUIT", "SIGWINCH", "SIGALRM", "SIGTSTP", "SIGCONT", "SIGSTOP", "SIGKILL", "SIGUSR1", "SIGUSR2",
           "SIGPIPE", "SIGTTOU", "SIGTTIN", "valid_signals", "pthread_sigmask", "setitimer", "alarm")  # fmt: skip

FUNCTIONS = frozenset({
    "O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "posix_spawn", "fork", "forkpty", "openpty", "ttyname",
    "geteuid", "getuid", "getgid", "setsid", "killpg", "getpgrp", "tcgetpgrp", "waitid", "WNOHANG", "pread", "pwrite",
    "fchmod", "mkfifo", "sysconf", "uname", "getloadavg", "get_blocking", "set_blocking", "sched_getaffinity",
    "statvfs", "fchown", "chown",
})  # fmt: skip
"""Of `os`; Windows has `get_blocking` from Python 3.12 on."""


class Lacking(ModuleType):
    """`os` as our modules see it there."""

    def __init__(self) -> None:
        super().__init__("os")
        self.name = "nt"

    def __getattr__(self, name: str) -> Any:
        if name in FUNCTIONS:
            raise AttributeError(f"module 'os' has no attribute {name!r}")
        return getattr(os, name)


class _Locks(ModuleType):
    """`msvcrt` by the locks of this system; a byte that is locked there is one at the file's position."""

    LK_NBLCK = 2
    FAR = 2**40
    """As far as a file system here lets a position be."""

    def locking(self, descriptor: int, mode: int, count: int) -> None:
        """Lock so many bytes from the position on."""
        import fcntl

        assert (mode, count) == (self.LK_NBLCK, 1)
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == self.FAR
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def take_away() -> None:
    """From now on our modules, none of which may be imported yet, are given what Windows has."""
    assert not [name for name in sys.modules if name.partition(".")[0] == "kraken_tui"]
    for name in SIGNALS:
        if hasattr(signal, name):
            delattr(signal, name)
    given = {"os": Lacking(), "msvcrt": _Locks("msvcrt")}

    def give(name: str, *more: Any, **named: Any) -> Any:
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return given[name] if name in given else builtins.__import__(name, *more, **named)

    poor = {**vars(builtins), "__import__": give}

    class Ours(importlib.machinery.SourceFileLoader):
        def exec_module(self, module: ModuleType) -> None:
            module.__dict__["__builtins__"] = poor
            super().exec_module(module)
            if module.__name__ == "kraken_tui.files":
                module.__dict__["_LOCKED_BYTE"] = _Locks.FAR

    class Finder(importlib.machinery.PathFinder):
        @classmethod
        def find_spec(cls, name: str, path: Any = None, target: Any = None) -> Any:
            spec = super().find_spec(name, path, target) if name.partition(".")[0] == "kraken_tui" else None
            if spec is not None and spec.origin is not None and spec.origin.endswith(".py"):
                spec.loader = Ours(name, spec.origin)
            return spec

    sys.meta_path.insert(0, Finder)


def main(argv: Sequence[str]) -> int:
    """Run a command line so."""
    take_away()
    from kraken_tui.cli.main import main as run

    return run(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
