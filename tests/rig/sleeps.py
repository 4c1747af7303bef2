"""Promise 2 after a sleep: nothing old is painted as if it were fresh, and all is proven again soon.

    python -m tests.rig.sleeps                        a thousand sleeps
    python -m tests.rig.sleeps --count 5000 --write   more, figures into docs/FIGURES.md
    python -m tests.rig.sleeps --from 4711 --count 4  the sleeps of one seed again

Every seed is one program that sleeps four times, from a second to half a day, while the exchange goes on sending. The
screen is painted on waking, before anything was read, and after every frame that waited; it is read back and judged as
in `tests.rig.painted`. Whether the waiting frames or the clock come first, whether the system tells that it slept (as
Linux does), and whether the wall clock was set meanwhile are drawn at random each time.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from random import Random

from kraken_tui.feed.connection.table import State
from tests.rig.ledger import write_figures
from tests.rig.network import SECOND, Packet
from tests.rig.painted import PaintedWorld, make_world

SLEEPS = 4
"""In each seed."""

LIMIT_S = 3.0
"""From waking, and beyond the announced wait before the dial, until every book is proven and fresh."""

DEADLINE_S = 5.0
"""Frames that waited longer are history."""


@dataclass(slots=True)
class Slept:
    """What the sleeps of some seeds did.

    Attributes:
        sleeps: How many; `long` of them were longer than silence is tolerated.
        waiting: Frames that waited for the program; `applied` of these were applied although older than `DEADLINE_S`.
        screens: Screens read.
        slowest_s: Longest time from waking until all was well, beyond announced waits.
        failure: "" or what was broken.
    """

    sleeps: int = 0
    long: int = 0
    waiting: int = 0
    applied: int = 0
    screens: int = 0
    slowest_s: float = 0.0
    failure: str = ""


def _sleep(world: PaintedWorld, rng: Random, slept: Slept) -> None:
    seconds = 10 ** rng.uniform(0.0, 4.7)
    if rng.random() < 0.3:
        world.wall_shift += rng.choice((-3600, -7, 7, 3600)) * SECOND
    before = world.client.counters.applied
    old = 0
    receive = world.receive

    def watched(packet: Packet) -> None:
        nonlocal before, old
        receive(packet)
        slept.waiting += 1
        if world.now - packet.sent > DEADLINE_S * SECOND:
            old += world.client.counters.applied - before
        before = world.client.counters.applied

    world.receive = watched  # type: ignore[method-assign]
    try:
        world.stand_still(seconds, frames_first=rng.random() < 0.5, told=rng.random() < 0.5)
    finally:
        world.receive = receive  # type: ignore[method-assign]
    slept.sleeps += 1
    slept.long += seconds > DEADLINE_S
    slept.applied += old
    wait = world.client.retry_in_s(world.mono) or 0.0 if world.client.state is not State.SUBSCRIBED else 0.0
    slept.slowest_s = max(slept.slowest_s, world.until_well(wait + 30) - wait)


def play(seed: int) -> Slept:
    """The sleeps of one seed."""
    world, rng, slept = make_world(seed), Random(f"{seed}/sleeps"), Slept()
    try:
        world.until_well(20)
        for _ in range(SLEEPS):
            world.run(rng.uniform(0.5, 8.0))
            _sleep(world, rng, slept)
        if slept.slowest_s > LIMIT_S:
            slept.failure = f"all was well {slept.slowest_s:.2f} s after waking (seed {seed})"
    except AssertionError as error:
        slept.failure = f"{type(error).__name__}: {error} (seed {seed})"
    slept.screens = world.tally.screens
    return slept


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 1 where any seed failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig.sleeps", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=1000, help="how many sleeps (default %(default)s)")
    parser.add_argument("--from", dest="first", type=int, default=0, help="first seed (default %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/FIGURES.md")
    options = parser.parse_args(argv)
    seeds = range(options.first, options.first + -(-options.count // SLEEPS))
    total, failures, began = Slept(), 0, time.perf_counter()
    with ProcessPoolExecutor(options.jobs) as pool:
        for seed, slept in zip(seeds, pool.map(play, seeds, chunksize=max(1, len(seeds) // 16)), strict=True):
            for name in ("sleeps", "long", "waiting", "applied", "screens"):
                setattr(total, name, getattr(total, name) + getattr(slept, name))
            total.slowest_s = max(total.slowest_s, slept.slowest_s)
            if slept.failure:
                failures += 1
                print(f"FAILED {slept.failure}")
                print(f"  repeat: python -m tests.rig.sleeps --from {seed} --count {SLEEPS}")
    figures = (
        f"{total.sleeps:,} sleeps ({total.long:,} longer than {DEADLINE_S:.0f} s), {failures} failures:"
        f" {total.screens:,} screens painted, none of them old without STALE; {total.waiting:,} frames had waited,"
        f" {total.applied:,} of those older than {DEADLINE_S:.0f} s were applied, under STALE; VERIFIED and fresh"
        f" {total.slowest_s:.2f} s after waking at most, beyond announced waits (limit {LIMIT_S:.0f});"
        f" {time.perf_counter() - began:.0f} s"
    )
    print(figures)
    if options.write and not failures:
        write_figures("sleeps", figures)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
