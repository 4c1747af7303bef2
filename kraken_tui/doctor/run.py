"""All checks of one `doctor` run, side by side where they can be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from kraken_tui._version import __version__
from kraken_tui.doctor import certificates, environment, files, network
from kraken_tui.doctor.report import Result, as_json, exit_code, summary, table

TIMED = network.CHECKS
"""Loopback sockets with short time limits: all at once, with nothing else running."""

UNTIMED = (*network.HEAVY_CHECKS, *certificates.CHECKS)
"""Loopback sockets without a tight limit: run beside the checks of the disk."""

DISK = files.CHECKS
"""Files, one after the other in a thread."""


async def _tried() -> list[Result]:
    def disk() -> list[Result]:
        return [check.result() for check in DISK]

    timed = await asyncio.gather(*(check.result() for check in TIMED))
    waiting = asyncio.create_task(asyncio.to_thread(disk))
    untimed = await asyncio.gather(*(check.result() for check in UNTIMED))
    return [*timed, *untimed, *await waiting]


def examine(obstacle: str) -> list[Result]:
    """Run every check.

    Args:
        obstacle: Why the screen cannot run here, as `terminal.obstacle` says; "" where it can.
    """
    return [*(check.result() for check in environment.checks(obstacle)), *asyncio.run(_tried())]


def run(work: Callable[[], list[Result]], *, machine: bool, width: int, write: Callable[[str], object]) -> int:
    """Run the checks and print the results.

    Args:
        work: Gives the results.
        machine: Print one JSON object instead of a table.
        width: Columns of the table.
        write: Takes the text.

    Returns:
        The exit code: 0 if nothing failed, else 1.
    """
    begun = time.perf_counter()
    results = work()
    seconds = time.perf_counter() - begun
    if machine:
        write(as_json(results, seconds, __version__) + "\n")
    else:
        write(table(results, width) + "\n" + summary(results, seconds) + "\n")
    return exit_code(results)
