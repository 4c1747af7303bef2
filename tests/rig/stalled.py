"""F71: nobody reads the terminal, and the feed and its recording go on.

    python -m tests.rig.stalled --seconds 60 --write

The demo runs on a pseudo-terminal and records. Then nobody reads the terminal for a while. All that the exchange sends
meanwhile must be in the recording, without a gap longer than its heartbeat, and the recording must replay with no
checksum failed; then the terminal is read again, and the screen must be repainted within a second.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass
from pathlib import Path

from kraken_tui.feed.session import Session
from tests.rig.ledger import write_figures

ROOT = Path(__file__).parents[2]
_SECOND = 1_000_000_000
_START_S = 60.0


@dataclass(frozen=True, slots=True)
class Stall:
    """What was seen.

    Attributes:
        frames: Taken while nobody read.
        gap_s: Longest time between two of them.
        checks_ok, checks_failed: Of the whole recording, replayed.
        painted_s: From the first read to a picture of a moment after the stall.
    """

    frames: int
    gap_s: float
    checks_ok: int
    checks_failed: int
    painted_s: float


def stall(seconds: float, folder: Path) -> Stall:
    """Run the demo and read nothing for `seconds`."""
    path = folder / "day.jsonl"
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 48, 160, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color", "XDG_STATE_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    process = subprocess.Popen(
        [sys.executable, "-m", "kraken_tui", "--demo", "--record", str(path), "BTC/USD"],
        stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, env=env, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    try:
        deadline = time.monotonic() + _START_S
        while not path.exists() or path.stat().st_size < 20_000:
            assert time.monotonic() < deadline, "nothing was recorded"
            os.read(master, 65536)
        began = time.time_ns()
        time.sleep(seconds)
        ended = time.time_ns()
        painted_s = _repainted(master)
        process.send_signal(signal.SIGTERM)
        _drain(process, master)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(5)
        os.close(master)
    return _judge(path, began, ended, painted_s)


def _repainted(master: int) -> float:
    """Read until the header's clock shows a moment from now on; returns the seconds it took."""
    began = time.monotonic()
    wanted = [time.strftime("%H:%M:%S", time.gmtime(time.time() + ahead)).encode() for ahead in range(60)]
    seen = b""
    while not any(moment in seen for moment in wanted):
        assert time.monotonic() - began < 60, "the screen was never repainted"
        if select.select([master], [], [], 0.1)[0]:
            seen = seen[-64:] + os.read(master, 65536)
    return time.monotonic() - began


def _drain(process: subprocess.Popen[bytes], master: int) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None:
        assert time.monotonic() < deadline, "the program did not end"
        if select.select([master], [], [], 0.01)[0]:
            try:
                os.read(master, 65536)
            except OSError:
                time.sleep(0.01)


def _judge(path: Path, began: int, ended: int, painted_s: float) -> Stall:
    lines = path.read_bytes().splitlines()[1:]
    moments = [json.loads(line)["rx_ns"] for line in lines]
    inside = [moment for moment in moments if began < moment < ended]
    gap = max(later - earlier for earlier, later in zip([began, *inside], [*inside, ended], strict=True))
    replay = Session(replay=True)
    replay.opened(0, 0)
    for line in lines:
        if b'"dir":"tx"' not in line:
            replay.frame(line.partition(b'"frame":')[2][:-1], 0, 0)
    counters = replay.counters
    return Stall(len(inside), gap / _SECOND, counters.checks_ok, counters.checks_failed, painted_s)


def main() -> int:
    """Run as a command; 1 where something was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig.stalled", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long nobody reads (default %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/FIGURES.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seen = stall(options.seconds, Path(folder))
    figures = (
        f"{options.seconds:.0f} s unread: {seen.frames:,} frames taken, longest gap {seen.gap_s:.2f} s,"
        f" {seen.checks_ok:,} checksums of the recording right and {seen.checks_failed} wrong;"
        f" repainted {seen.painted_s:.2f} s after the terminal was read again"
    )
    print(figures)
    failed = seen.gap_s > 1.2 or seen.checks_failed or seen.painted_s > 1.25
    if options.write and not failed:
        write_figures("stalled", figures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
