"""The command of a rig that plays random schedules by seed."""

from __future__ import annotations

import argparse
from collections.abc import Callable

MOST_FAILURES = 5
_WORDS = 600


def play(command: str, about: str | None, run: Callable[[int, bool], object], argv: list[str] | None = None) -> int:
    """Play the seeds of a command line; print the first that fail, each with the command that repeats it.

    Args:
        command: As it is typed, such as "python -m tests.rig.orders".
        about: What it does.
        run: Plays one seed, and shows what happens if told so; raises where something is wrong.
        argv: The command line; that of the process by default.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog=command, description=about)
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--show", action="store_true")
    given = parser.parse_args(argv)
    failed = played = 0
    for seed in range(given.first, given.first + given.seeds):
        played += 1
        try:
            run(seed, given.show)
        except Exception as error:
            failed += 1
            print(f"seed {seed}: {type(error).__name__}: {str(error).partition(chr(10))[0][:_WORDS]}")
            print(f"  {command} --from {seed} --seeds 1 --show")
            if failed >= MOST_FAILURES:
                break
    print(f"{played:,} seeds, {failed} failed")
    return 1 if failed else 0
