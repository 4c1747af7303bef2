"""All checks of a visit to the doctor, side by side where they can be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from kraken_tui._version import __version__
from kraken_tui.doctor import books, certificates, connection, environment, files, network
from kraken_tui.doctor.report import Result, as_json, exit_code, summary, table

VIRTUAL = (*connection.CHECKS, *books.CHECKS, *files.CHECKS)
"""Faults without sockets, one after the other in a thread."""

TIMED = network.CHECKS
"""Faults over loopback sockets, all at once and with the machine to themselves."""

REAL = (*network.HEAVY_CHECKS, *certificates.CHECKS)
"""Faults over loopback sockets that may wait for the virtual ones."""


def faults() -> list[Result]:
    """Play every fault."""
    return asyncio.run(_faults())


async def _faults() -> list[Result]:
    def virtual() -> list[Result]:
        return [check.result() for check in VIRTUAL]

    timed = await asyncio.gather(*(check.result() for check in TIMED))
    waiting = asyncio.create_task(asyncio.to_thread(virtual))
    real = await asyncio.gather(*(check.result() for check in REAL))
    return [*timed, *real, *await waiting]


def examine(obstacle: str) -> list[Result]:
    """Environment and faults.

    Args:
        obstacle: Why the screen cannot run here, as `terminal.obstacle` says; "" where it can.
    """
    return [*(check.result() for check in environment.checks(obstacle)), *faults()]


def run(work: Callable[[], list[Result]], *, machine: bool, width: int, write: Callable[[str], object]) -> int:
    """Do the work and print what came of it.

    Args:
        work: Gives the results.
        machine: Print one JSON object instead of a table.
        width: Columns of the table.
        write: Takes the text.

    Returns:
        The exit code: 0 where nothing failed, else 1.
    """
    begun = time.perf_counter()
    results = work()
    seconds = time.perf_counter() - begun
    if machine:
        write(as_json(results, seconds, __version__) + "\n")
    else:
        write(table(results, width) + "\n" + summary(results, seconds) + "\n")
    return exit_code(results)
