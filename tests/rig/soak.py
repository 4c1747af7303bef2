"""Long runs in a short time.

    python -m tests.rig.soak s1 --messages 10000000   decode, stitch and prove 20 books, the oracle sampling
    python -m tests.rig.soak s2 --days 30             a month of heartbeats, sleeps, drops, maintenance and bans

`--write` puts the figures into docs/FIGURES.md.
"""

from __future__ import annotations

import argparse
import gc
import resource
import sys
import time
from random import Random

from tests.rig.ledger import write_figures
from tests.rig.network import SECOND
from tests.rig.oracle import Violated
from tests.rig.world import Door, World, many, thin

DAY = 86_400


def s1(messages: int) -> str:
    """Book messages of twenty pairs as fast as possible: every checksum, and all whole books four times a second.

    Raises:
        Violated: A checksum did not match, or a whole book is not the exchange's.
    """
    world = World(many(20, events_per_s=100.0, levels=60), depth=25)
    world.until_well(20)
    client, link = world.client, world.link
    assert link is not None
    began, client_s, done, compared, simulated = time.perf_counter(), 0.0, 0, 0, world.now
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    while done < messages:
        simulated += SECOND // 4
        world.now = simulated
        frames = link.peer.advance(world.start_ns + simulated)
        checks = client.counters.checks_ok
        at = time.process_time()
        for frame in frames:
            client.frame(frame, world.mono, world.wall)
            client.take_events()
        client_s += time.process_time() - at
        books = sum('{"channel":"book"' in str(frame)[:20] for frame in frames)
        done += books
        if client.counters.checks_ok - checks != books:
            raise Violated(f"message {done}: a checksum did not match")
        for symbol, book in client.books.items():
            compared += 1
            # The exchange keeps its book by other means; at this moment nothing is on its way.
            true = world.venue.market(symbol).simulator.book
            if (book.bids.top(), book.asks.top()) != (tuple(true.bids.levels(25)), tuple(true.asks.levels(25))):
                raise Violated(f"message {done}: {symbol} is not the exchange's book")
        client.tick(world.mono, world.wall)
        for text in client.take_sends():
            for frame in link.peer.on_message(text):
                client.frame(frame, world.mono, world.wall)
    gc.collect()
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib) / 1024
    counters = client.counters
    assert counters.frames == counters.applied + counters.ignored.total() + counters.rejected
    return (
        f"S1: {done:,} book messages of 20 pairs at depth 25, every checksum proven, {compared:,} whole books compared,"
        f" 0 failures; {time.perf_counter() - began:.0f} s in all, the client alone"
        f" {counters.frames / client_s:,.0f} frames a second; memory +{growth:.0f} MiB"
    )


def s2(days: float, seed: int = 1) -> str:
    """Days of a quiet feed under the oracle: three drops and a sleep a day, daily maintenance, a ban a week.

    Raises:
        Violated: See `Oracle`.
        AssertionError: Not well again in time.
    """
    rng = Random(seed)
    world = World([thin("BTC/USD", 0.05), thin("ETH/USD", 0.05, like="ETH/USD")], seed=seed, poll_ms=1000)
    began = time.perf_counter()
    world.until_well(5)
    slowest: dict[str, float] = {}
    events: list[tuple[float, str]] = []
    for day in range(max(1, round(days))):
        kinds = ["drop"] * 3 + ["sleep", "maintenance"] + (["ban"] if day % 7 == 6 else [])
        events += [((day + rng.random() * 0.9) * DAY, kind) for kind in kinds]
    for at, kind in sorted(events):
        world.run(max(0.0, at - world.now / SECOND))
        world.until_well(90)
        world.events.clear()
        world.lag_errors.clear()
        if kind == "sleep":
            world.stand_still(rng.uniform(600, 8 * 3600), frames_first=rng.random() < 0.5)
        elif kind == "maintenance":
            world.venue.faults.set_system_status("maintenance")
            world.run(5)
            world.door = Door("slam", code=1012)
            world.hang_up(1012)
            world.run(rng.uniform(120, 900))
        elif kind == "ban":
            world.door = Door("http", 429, 900.0)
            world.hang_up(1001)
            world.run(60)
        else:
            world.hang_up(rng.choice((1001, 1006, 1011)))
            world.run(0.1)
        world.heal()
        wait = world.client.retry_in_s(world.mono) or 0.0
        slowest[kind] = max(slowest.get(kind, 0.0), world.until_well(wait + 10) - wait)
    took = time.perf_counter() - began
    figures = ", ".join(f"{kind} {seconds:.1f} s" for kind, seconds in sorted(slowest.items()))
    oracle = world.oracle
    return (
        f"S2: {world.now / SECOND / DAY:.1f} simulated days, {len(events)} disturbances, {oracle.frames:,} frames,"
        f" {oracle.proofs:,} proofs compared, 0 failures, in {took:.0f} s; VERIFIED and fresh again, beyond the"
        f" announced wait, after at most: {figures} (limit 10 s); {world.most_dials()} dials at most in 10 min"
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 1 on a failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig.soak", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("soak", choices=["s1", "s2"])
    parser.add_argument("--messages", type=int, default=1_000_000, help="for s1 (default %(default)s)")
    parser.add_argument("--days", type=float, default=30.0, help="for s2 (default %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/FIGURES.md")
    options = parser.parse_args(argv)
    try:
        figures = s1(options.messages) if options.soak == "s1" else s2(options.days)
    except AssertionError as error:
        print(f"FAILED {type(error).__name__}: {error}")
        return 1
    print(figures)
    if options.write:
        write_figures(options.soak, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
