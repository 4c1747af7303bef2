"""How much of a measurement is the machine's: its speed, and time in which a process could run and got no processor."""

from __future__ import annotations

import time
from pathlib import Path

STARVED = 0.1
"""Share of the time waiting for a processor from which latencies tell of the machine and not of the program."""

REFERENCE_MS = 50.0
"""Processor time of `_fixed_work` at speed 1."""


def _fixed_work() -> int:
    """What this program does most: whole numbers, short texts, dictionaries."""
    value, seen = 1, {}
    for number in range(300_000):
        value = (value * 1_103_515_245 + number) % 2_147_483_648
        seen[value & 1023] = f"{value}"
    return len(seen)


def speed() -> float:
    """How fast this machine runs Python now: twice as fast is 2. The best of a few runs, in processor time."""
    times = []
    for _ in range(5):
        began = time.process_time()
        _fixed_work()
        times.append(time.process_time() - began)
    return REFERENCE_MS / (min(times) * 1000)


def speed_text() -> str:
    """For beside a figure: a time multiplied by the speed, or a rate divided by it, compares with other machines."""
    return f"machine speed {speed():.2f}"


def waited_s(pid: int | str = "self") -> float:
    """Seconds that the threads of a process have waited for a processor so far; 0 where Linux does not tell."""
    waited = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            waited += int(path.read_text(encoding="ascii").split()[1])
        except (OSError, IndexError, ValueError):
            # The thread has ended, or this kernel keeps no such figures.
            continue
    return waited / 1e9


def share_text(waited: float, elapsed: float) -> str:
    """In words, "" where it is little."""
    share = waited / elapsed if elapsed else 0.0
    return f"starved: waited {share * 100:.0f} % of the time for a processor" if share > STARVED else ""
