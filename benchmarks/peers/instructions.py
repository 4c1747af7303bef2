"""Instructions a message, counted by valgrind: unlike times they are the same on a busy machine, and from day to day.

They leave out what a processor does with them (misses of its caches and of its guesses), so they stand beside times
and not in their place.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.peers.harness import MOST_S, Client, Failed, Programs, command_of
from benchmarks.stream import Files

MESSAGES = 1200
"""Messages of the longer of two runs; the shorter feeds a third, and the difference leaves out what comes before."""

_TOTAL = re.compile(r"I\s+refs:\s+([\d,]+)")


def count(client: Client, files: Files, programs: Programs, root: Path | None = None) -> int | None:
    """Instructions a message of one client on one stream; None without valgrind, or for the compiled floor.

    Args:
        client: Whose.
        files: The stream, longer than `MESSAGES`.
        programs: What the clients are run with.
        root: A folder with another revision of the package; None for this one.

    Raises:
        Failed: The client could not be run.
    """
    valgrind = shutil.which("valgrind")
    if valgrind is None or not client.script:
        return None
    more, less = (_total(valgrind, client, files, programs, number, root) for number in (MESSAGES, MESSAGES // 3))
    return round((more - less) / (MESSAGES - MESSAGES // 3))


def _total(valgrind: str, client: Client, files: Files, programs: Programs, messages: int, root: Path | None) -> int:
    extra: dict[str, Any] = {"messages": messages}
    command, environment = command_of(client, files, programs, "count", 0, [], extra=extra, root=root)
    # The order of a set, and with it a few instructions, must not change from run to run.
    environment["PYTHONHASHSEED"] = "0"
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [valgrind, "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", *command],
                capture_output=True, text=True, timeout=MOST_S, check=False, env=environment, cwd=folder,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise Failed(f"no end within {MOST_S} s under valgrind") from error
    found = _TOTAL.search(done.stderr)
    if done.returncode or found is None:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise Failed(lines[-1][:160] if lines else "valgrind failed")
    return int(found[1].replace(",", ""))
