"""How much of a measurement is the machine's: time in which a process could have run and got no processor."""

from __future__ import annotations

from pathlib import Path

STARVED = 0.1
"""Share of the time waiting for a processor from which latencies tell of the machine and not of the program."""


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
