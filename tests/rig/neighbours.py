"""Promise 9 among books: what is done to one pair of twenty changes nothing of the other nineteen.

    python -m tests.rig.neighbours                           a thousand injections
    python -m tests.rig.neighbours --count 10000 --write     a long look, figures into docs/FIGURES.md
    python -m tests.rig.neighbours --from 7 --count 50       the injections of one seed again

Fifty injections to a seed, each into another pair. From each injection until the pair is well again, every other book
stays VERIFIED with the counters of a healthy book, and every message that arrives for it is applied.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from random import Random

from kraken_tui.market.events import Proof
from tests.rig.ledger import write_figures
from tests.rig.network import SECOND, Packet
from tests.rig.world import World, many

INJECTIONS = 50
"""In each seed."""

_BAD_BOOK = (
    '{{"channel":"book","type":"update","data":[{{"symbol":"{symbol}","bids":[{{"price":{price},"qty":1.0}}],'
    '"asks":[],"checksum":1,"timestamp":"2026-09-21T13:33:20.000000Z"}}]}}'
)
_LIE = re.compile(r'"(bid|ask)":([0-9.]+)')


def _armed(kind: str) -> Callable[[World, str, Random], None]:
    return lambda world, symbol, rng: world.weather.arm(kind, symbol, rng.choice((1, 1, 3)))


def _nonsense(world: World, symbol: str, rng: Random) -> None:
    world.venue.faults.inject(_BAD_BOOK.format(symbol=symbol, price=rng.choice(("1e999", "-1", "0.0", '"x"'))))


def _status(world: World, symbol: str, rng: Random) -> None:
    world.venue.faults.set_pair_status(symbol, rng.choice(("cancel_only", "post_only", "limit_only", "maintenance")))


def _precision(world: World, symbol: str, rng: Random) -> None:
    places = world.venue.specs[symbol].price_precision
    world.venue.faults.set_precision(symbol, price=places + rng.choice((-1, 1)) if places > 1 else places + 1)


def _no_snapshot(world: World, symbol: str, rng: Random) -> None:
    world.venue.faults.corrupt_checksum(symbol)
    world.venue.faults.withhold_snapshots(symbol)


def _lying_ticker(world: World, symbol: str, rng: Random) -> None:
    def lie(frame: str | bytes) -> list[str | bytes]:
        text = str(frame)
        if not text.startswith('{"channel":"ticker"') or f'"{symbol}"' not in text:
            return [frame]
        return [_LIE.sub(lambda found: f'"{found[1]}":{found[2]}0'.replace(":", ":9", 1), text)]

    world.weather.mangle = lie


def _leave_and_return(world: World, symbol: str, rng: Random) -> None:
    world.client.unwant(symbol, world.mono, world.wall)
    world.run(rng.choice((0.0, 0.05, 0.4)))
    world.client.want(symbol, world.mono, world.wall)


FAULTS: dict[str, Callable[[World, str, Random], None]] = {
    **{kind: _armed(kind) for kind in ("lose", "double", "swap", "flip", "checksum")},
    "second snapshot": lambda world, symbol, rng: world.venue.faults.resend_snapshot(symbol),
    "nonsense": _nonsense,
    "pair status": _status,
    "precision": _precision,
    "no snapshot": _no_snapshot,
    "lying ticker": _lying_ticker,
    "leave and return": _leave_and_return,
}


@dataclass(slots=True)
class Harm:
    """What the injections of some seeds did.

    Attributes:
        kinds: Injections by kind.
        noticed: Injections after which the pair itself lost its proof.
        messages: Messages of the other books meanwhile, all of them applied.
        failure: "" or what was broken.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    noticed: int = 0
    messages: int = 0
    failure: str = ""


class Neighbourhood(World):
    """A world that counts what arrives for each book.

    Attributes:
        arrived: Book messages handed to the client, by symbol.
        victim: The pair that is being harmed; its own proof is not asked for.
        lost_proof: Whether it lost it.
    """

    def __init__(self, seed: int) -> None:
        self.arrived: Counter[str] = Counter()
        self.victim = ""
        self.lost_proof = False
        super().__init__(many(20, events_per_s=1.5), seed=seed, depth=(10, 25)[seed % 2], poll_ms=250.0)

    def receive(self, packet: Packet) -> None:
        """Hand one frame to the client; every book but the victim's must be VERIFIED after it."""
        super().receive(packet)
        if packet.truth is not None:
            self.arrived[packet.truth.symbol] += 1
        if self.victim:
            self._look()

    def _look(self) -> None:
        for symbol, stitcher in self.client.stitchers.items():
            if stitcher.proof is Proof.VERIFIED:
                continue
            assert symbol == self.victim, f"{symbol} is {stitcher.proof} because of {self.victim}: {stitcher.reason}"
            self.lost_proof = True

    def health(self, symbol: str) -> tuple[int, ...]:
        """What may not change of a book that nobody harmed: messages that were not applied, failures, resyncs."""
        stitcher = self.client.stitchers[symbol]
        counts = stitcher.counters
        return self.arrived[symbol] - counts.applied, counts.checks_failed, counts.resyncs


def _injection(world: Neighbourhood, symbol: str, name: str, rng: Random) -> None:
    others = [other for other in world.client.stitchers if other != symbol]
    before = {other: world.health(other) for other in others}
    dials = len(world.dials)
    world.victim, world.lost_proof = symbol, False
    FAULTS[name](world, symbol, rng)
    # The witness needs some seconds to be sure, and to be convinced again; the others tell at the next message.
    patience = 15.0 if name == "lying ticker" else rng.choice((0.5, 1.5, 3.0))
    world.run(patience)
    world.weather.calm()
    faults = world.venue.faults
    faults.set_pair_status(symbol, "online")
    faults.corrupt_checksum(symbol, 0)
    faults.withhold_snapshots(symbol, 0)
    world.run(patience)
    # Harm below the proven levels, or with no message after it, would be noticed in the next injection's time.
    faults.resend_snapshot(symbol)
    world.run(1)
    world.until_well(120)
    world.victim = ""
    for other in others:
        assert world.health(other) == before[other], f"{other} was {before[other]}, is {world.health(other)}: {name}"
    assert len(world.dials) == dials, f"the connection was lost because of {symbol}: {name}"


def play(seed: int) -> Harm:
    """The injections of one seed."""
    world, rng, harm = Neighbourhood(seed), Random(f"{seed}/harm"), Harm()
    symbols = list(world.names)
    try:
        world.until_well(20)
        for at in range(INJECTIONS):
            name = rng.choice(list(FAULTS))
            said = sum(world.arrived.values())
            _injection(world, symbols[at % len(symbols)], name, rng)
            harm.kinds[name] += 1
            harm.noticed += world.lost_proof
            harm.messages += sum(world.arrived.values()) - said
    except AssertionError as error:
        harm.failure = f"{type(error).__name__}: {error} (seed {seed}, {world.now / SECOND:.3f} s)"
    return harm


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 1 where any seed failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig.neighbours", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=1000, help="how many injections (default %(default)s)")
    parser.add_argument("--from", dest="first", type=int, default=0, help="first seed (default %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/FIGURES.md")
    options = parser.parse_args(argv)
    seeds = range(options.first, options.first + -(-options.count // INJECTIONS))
    total, failures, began = Harm(), 0, time.perf_counter()
    with ProcessPoolExecutor(options.jobs) as pool:
        for seed, harm in zip(seeds, pool.map(play, seeds), strict=True):
            total.kinds += harm.kinds
            total.noticed += harm.noticed
            total.messages += harm.messages
            if harm.failure:
                failures += 1
                print(f"FAILED {harm.failure}")
                print(f"  repeat: python -m tests.rig.neighbours --from {seed} --count {INJECTIONS}")
    figures = (
        f"{total.kinds.total():,} injections of {len(total.kinds)} kinds into one of 20 books, {failures} failures:"
        f" {total.noticed:,} cost that book its proof; meanwhile the others were VERIFIED after each of"
        f" {total.messages:,} book messages, every message was applied, no resync, no reconnect;"
        f" {time.perf_counter() - began:.0f} s"
    )
    print(figures)
    if options.write and not failures:
        write_figures("neighbours", figures)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
