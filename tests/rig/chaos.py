"""Random fault schedules: a safety phase under the oracle, then a liveness phase with all faults gone.

    python -m tests.rig.chaos                      a thousand seeds
    python -m tests.rig.chaos --seeds 100000       a long look
    python -m tests.rig.chaos --pairs              every kind of fault followed by every kind, ten seeds each
    python -m tests.rig.chaos --from 4711 --seeds 1 --show   one seed again, with its schedule
    python -m tests.rig.chaos --from 4711 --record FILE      one seed as a recording, for `doctor --recording FILE`

A failure prints the command that repeats it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from random import Random

from kraken_tui.feed.limits import Limits
from kraken_tui.recording.writer import Recorder
from tests.rig.ledger import write_figures
from tests.rig.network import SECOND
from tests.rig.world import Door, World, thin

PAIRS = ("BTC/USD", "ETH/USD", "XRP/USD")
AUDITED = Limits(audit_first_s=2.0, audit_every_s=6.0, audit_again_s=3.0)
"""Audits as often as a schedule of half a minute needs them."""

_MANY = 10_000


def _slow(world: World, rng: Random) -> None:
    world.weather.latency_ms, world.weather.jitter_ms = rng.choice((5.0, 300.0, 800.0)), rng.choice((0.0, 400.0))


def _door(world: World, rng: Random) -> None:
    kind = rng.choice(("closed", "mute", "http", "http", "slam", "slam"))
    status = rng.choices((500, 502, 503, 504, 429, 403), (4, 4, 4, 4, 1, 1))[0]
    world.door = Door(kind, status, rng.choice((None, 30.0, 1200.0)), rng.choice((1001, 1006, 1012, 1013)))
    world.hang_up(world.door.code, "")


def _pongs_only(world: World, rng: Random) -> None:
    world.weather.mangle = lambda frame: [frame] if '"pong"' in str(frame) else []


def _half_open(world: World, rng: Random) -> None:
    world.weather.deaf = rng.random() < 0.7
    world.weather.mute = not world.weather.deaf or rng.random() < 0.7


def _garbage(world: World, rng: Random) -> None:
    world.venue.faults.inject(rng.choice((b"\x00{", "", "[" * 5000, '{"channel":"book","data":7}', "nonsense")))


def _strange(world: World, rng: Random) -> None:
    world.venue.faults.inject(
        rng.choice(
            (
                '{"channel":"moon","type":"update","data":[]}',
                '{"method":"pong","req_id":999999}',
                '{"error":"Unsupported event","success":false}',
                '{"method":"subscribe","success":true,"req_id":7,"result":{"channel":"trade","symbol":"BTC/USD"}}',
                '{"channel":"status","type":"update","data":[{"system":"cancel_only"}]}',
            )
        )
    )


def _precision(world: World, rng: Random) -> None:
    symbol = rng.choice(PAIRS)
    now = world.venue.specs[symbol].price_precision
    world.venue.faults.set_precision(symbol, price=now + rng.choice((-1, 1)) if now > 1 else now + 1)


def _system(world: World, rng: Random) -> None:
    world.venue.faults.set_system_status(rng.choice(("maintenance", "cancel_only", "post_only")))


def _depth(world: World, rng: Random) -> None:
    world.client.set_depth(rng.choice((10, 25, 100)), world.mono, world.wall)


def _leave_and_return(world: World, rng: Random) -> None:
    symbol = rng.choice(PAIRS)
    world.client.unwant(symbol, world.mono, world.wall)
    world.run(rng.choice((0.0, 0.01, 0.2, 2.0)))
    world.client.want(symbol, world.mono, world.wall)


def _restart(world: World, rng: Random) -> None:
    world.start_client(world.budget)


def _sleep(world: World, rng: Random) -> None:
    world.stand_still(rng.choice((2.0, 7.0, 20.0, 3600.0)), frames_first=rng.random() < 0.5)


def _book(kind: str) -> Callable[[World, Random], None]:
    def inflict(world: World, rng: Random) -> None:
        world.weather.arm(kind, rng.choice(PAIRS), rng.choice((1, 1, 2, 5)))

    return inflict


def _wall(world: World, rng: Random) -> None:
    world.wall_shift += rng.choice((-3600, -5, 5, 3600)) * SECOND


FAULTS: dict[str, Callable[[World, Random], None]] = {
    "close": lambda world, rng: world.hang_up(rng.choice((1000, 1001, 1006, 1009, 1011, 1012, 1013))),
    "door": _door,
    "half-open": _half_open,
    "pongs only": _pongs_only,
    "no heartbeats": lambda world, rng: setattr(world.venue.faults, "heartbeats", False),
    "venue mute": lambda world, rng: setattr(world.venue.faults, "muted", True),
    "latency": _slow,
    "bandwidth": lambda world, rng: setattr(world.weather, "bandwidth", rng.choice((200.0, 1000.0))),
    "lose": _book("lose"),
    "double": _book("double"),
    "swap": _book("swap"),
    "flip": _book("flip"),
    "checksum": _book("checksum"),
    "checksum for ever": lambda world, rng: world.weather.arm("checksum", rng.choice(PAIRS), _MANY),
    "no snapshot": lambda world, rng: world.venue.faults.withhold_snapshots(rng.choice(PAIRS), rng.choice((1, 2, 9))),
    "lost acknowledgements": lambda world, rng: setattr(world.weather, "lose_acks", True),
    "message rate": lambda world, rng: setattr(world.venue.faults, "message_rate", rng.choice((1, 3))),
    "second snapshot": lambda world, rng: world.venue.faults.resend_snapshot(rng.choice(PAIRS)),
    "garbage": _garbage,
    "strange": _strange,
    "precision": _precision,
    "system": _system,
    "depth": _depth,
    "leave and return": _leave_and_return,
    "restart": _restart,
    "stand still": _sleep,
    "wall clock": _wall,
}
COUNTS = ("frames", "proofs", "whole", "audits", "audits_failed")
_RARE = frozenset({"checksum for ever"})


@dataclass(slots=True)
class Result:
    """What one seed did.

    Attributes:
        seed: As given.
        failure: "" or what was broken.
        schedule: Faults with the simulated second at which each struck.
        frames, proofs, whole, audits, audits_failed: See `Oracle`.
        recovery_s: Simulated seconds to all well after the faults, beyond announced waits.
        simulated_s: Simulated seconds in all.
    """

    seed: int
    failure: str = ""
    schedule: list[tuple[float, str]] = field(default_factory=list)
    frames: int = 0
    proofs: int = 0
    whole: int = 0
    audits: int = 0
    audits_failed: int = 0
    recovery_s: float = 0.0
    simulated_s: float = 0.0


def make_world(seed: int) -> World:
    """A quiet small exchange: three pairs of different precisions, and a client that wants all of them."""
    pairs = [thin(name, like=name, events_per_s=1.5) for name in PAIRS]
    return World(pairs, seed=seed, depth=(10, 10, 25)[seed % 3], poll_ms=250.0, limits=AUDITED, audits=True)


def inflict(world: World, name: str, rng: Random) -> None:
    """Let one fault strike."""
    FAULTS[name](world, rng)


def play(seed: int, record: Path | None = None) -> Result:
    """Both phases of one seed; `record` is a file for what the client received and sent."""
    world = make_world(seed)
    if record is None:
        return schedule(world, Random(f"{seed}/schedule"))
    recorder = Recorder(record, wall_ns=world.wall, url="wss://localhost/", pairs=PAIRS)
    world.on_frame = lambda frame, wall, direction: recorder.write(frame, wall, direction)
    try:
        return schedule(world, Random(f"{seed}/schedule"))
    finally:
        recorder.close()


PAIRED = tuple(product(FAULTS, FAULTS))
"""Every kind of fault, and the kind that strikes after it; the first is often still on then."""

PAIR_SEEDS = 10
"""Times each pair is played unless told otherwise."""


def play_pair(seed: int) -> Result:
    """Two faults: which is told by the seed, so that as many seeds as there are pairs play every one once."""
    return schedule(make_world(seed), Random(f"{seed}/pair"), PAIRED[seed % len(PAIRED)])


def schedule(world: World, rng: Random, names: Sequence[str] = ()) -> Result:
    """Let faults strike a world, then take them away; what broke is in the result.

    Args:
        world: Where.
        rng: Decides when, and which where no names are given.
        names: The faults, in order.
    """
    result = Result(world.seed)
    weights = [0.2 if name in _RARE else 1.0 for name in FAULTS]
    try:
        world.run(rng.choice((0.5, 2.0)))
        for at in range(len(names) or rng.randrange(3, 9)):
            name = names[at] if names else rng.choices(list(FAULTS), weights)[0]
            result.schedule.append((world.now / SECOND, name))
            inflict(world, name, rng)
            world.run(rng.choice((0.1, 0.5, 1.5, 4.0, 8.0)))
            if rng.random() < 0.35:
                world.heal()
        result.recovery_s = world.converge()
    except AssertionError as error:
        result.failure = f"{type(error).__name__}: {error}"
    except Exception as error:
        result.failure = f"the client raised {type(error).__name__}: {error}"
    oracle = world.oracle
    for name in COUNTS:
        setattr(result, name, getattr(oracle, name))
    result.simulated_s = world.now / SECOND
    return result


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 1 where any seed failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig.chaos", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, help=f"how many (default 1000; --pairs: {PAIR_SEEDS * len(PAIRED):,})")
    parser.add_argument("--from", dest="first", type=int, default=0, help="first seed (default %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default %(default)s)")
    parser.add_argument("--pairs", action="store_true", help="two faults a seed, all pairs in turn")
    parser.add_argument("--show", action="store_true", help="print every schedule")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write the frames of the one seed to FILE")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/FIGURES.md")
    options = parser.parse_args(argv)
    if options.record is not None and (options.pairs or options.seeds not in (None, 1)):
        parser.error("--record takes one seed, and no pair")
    started = time.perf_counter()
    usual = 1 if options.record is not None else PAIR_SEEDS * len(PAIRED) if options.pairs else 1000
    count = usual if options.seeds is None else options.seeds
    seeds = range(options.first, options.first + count)
    game = play_pair if options.pairs else partial(play, record=options.record)
    words = "--pairs " if options.pairs else ""
    struck: Counter[str] = Counter()
    total: Counter[str] = Counter()
    failures = 0
    simulated = worst = 0.0
    with ProcessPoolExecutor(options.jobs) as pool:
        for result in pool.map(game, seeds, chunksize=max(1, min(50, count // 8))):
            struck.update(name for _, name in result.schedule)
            total.update({name: getattr(result, name) for name in COUNTS})
            simulated += result.simulated_s
            worst = max(worst, result.recovery_s)
            if options.show:
                print(result.seed, *(f"{at:.1f}:{name}" for at, name in result.schedule), sep="\n  ")
            if result.failure:
                failures += 1
                print(f"FAILED {result.failure}")
                print(f"  repeat: python -m tests.rig.chaos {words}--from {result.seed} --seeds 1 --show")
    took = time.perf_counter() - started
    figures = (
        f"{len(seeds):,} seeds, {failures} failures; {struck.total():,} faults of {len(struck)} kinds,"
        f" {total['frames']:,} frames, {total['proofs']:,} proofs compared, {total['whole']:,} to their whole depth;"
        f" audits found {total['audits']:,} books right and {total['audits_failed']:,} wrong;"
        f" {simulated / 3600:.1f} simulated hours in {took:.0f} s;"
        f" slowest recovery {worst:.1f} s beyond announced waits (limit 102)"
    )
    print(figures)
    if options.write and not failures:
        write_figures("pairs" if options.pairs else "chaos", figures)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
