"""Too little of what a process needs is said in one sentence, never a crash."""

from __future__ import annotations

import errno
import subprocess
import sys

import pytest

from kraken_tui.cli.limits import LEAST_FILES, LEAST_MEMORY, check_limits, starved_of
from kraken_tui.errors import ConfigurationError

resource = pytest.importorskip("resource")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("RLIMIT_NOFILE", LEAST_FILES - 1, "ulimit -n"),
        ("RLIMIT_NOFILE", LEAST_FILES, ""),
        ("RLIMIT_AS", LEAST_MEMORY - 1, "ulimit -v"),
        ("RLIMIT_AS", LEAST_MEMORY, ""),
        ("RLIMIT_AS", -1, ""),
    ],
)
def test_limits_of_the_shell(monkeypatch: pytest.MonkeyPatch, name: str, value: int, words: str) -> None:
    real = resource.getrlimit
    limited = getattr(resource, name)
    monkeypatch.setattr(
        resource, "getrlimit", lambda what: (value, value) if what == limited else (max(10**9, real(what)[0]), -1)
    )
    if not words:
        check_limits()
        return
    with pytest.raises(ConfigurationError, match=words):
        check_limits()


@pytest.mark.parametrize("limit", ["-n 6", "-n 12", "-v 90000", "-v 120000"])
def test_a_process_with_too_little_says_so_and_exits_2(limit: str) -> None:
    program = f"ulimit {limit}; exec {sys.executable} -m kraken_tui stream --demo --count 3"
    done = subprocess.run(["sh", "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "are needed" in done.stderr


def test_what_the_system_no_longer_gives_is_told_from_a_defect() -> None:
    assert "memory" in starved_of(MemoryError())
    assert "threads" in starved_of(RuntimeError("can't start new thread"))
    assert "too many open files" in starved_of(OSError(errno.EMFILE, "Too many open files"))
    wrapped = ValueError("x")
    wrapped.__cause__ = OSError(errno.ENOMEM, "Cannot allocate memory")
    assert "cannot allocate memory" in starved_of(wrapped)
    assert starved_of(RuntimeError("a defect")) == starved_of(OSError(errno.ENOENT, "x")) == starved_of(None) == ""
