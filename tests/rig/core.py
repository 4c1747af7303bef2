"""The compiled core against Python: the same books, changes, checksums and refusals, whatever the bytes.

    python -m tests.rig.core                         a hundred thousand frames
    python -m tests.rig.core --messages 10000000     a long look, on all processors
    python -m tests.rig.core --sanitized             the same under AddressSanitizer and UBSan (needs gcc or clang)
    python -m tests.rig.core --leaks                 references and memory after many frames of every kind

Two books get the same frames. One is offered to the core first and read by Python where the core declines, as in a
session; the other is read by Python alone. A failure prints the seed that repeats it.
"""

from __future__ import annotations

import argparse
import gc
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from random import Random
from typing import Any

from kraken_tui import core
from kraken_tui.errors import InvalidMessage, InvalidNumber
from kraken_tui.feed.proof.stitcher import read_timestamp, valid_checksum
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.events import Side
from kraken_tui.wire.decode import decode
from kraken_tui.wire.messages import BookMessage, WireLevel
from kraken_tui.wire.symbols import PairSpec
from tests.rig.fuzz import mutated
from tests.rig.scripted import decimal_text

_VARIABLE = "KRAKEN_TUI_TESTED_CORE"
"""A build of the core to use instead of the installed one."""

if _VARIABLE in os.environ:
    _spec = spec_from_file_location("kraken_tui._core", os.environ[_VARIABLE])
    assert _spec is not None
    core.take(module_from_spec(_spec))
    print(f"using {_spec.origin}", flush=True)

SYMBOL = "BTC/USD"
PRECISIONS = ((1, 8), (5, 8), (2, 0), (0, 8), (12, 2), (9, 9), (18, 8))
DEPTHS = (10, 25, 100, 1000)
STAMP = "2026-11-28T13:47:20.123456Z"
STAMPS = (
    "2026-11-28T13:47:60.000000Z", "2026-11-28T13:47:61.000000Z", "2024-02-29T00:00:00.000000Z",
    "2023-02-29T00:00:00.000000Z", "2000-02-29T23:59:59.999999Z", "2100-03-01T00:00:00.000000Z",
    "1969-12-31T23:59:59.000000Z", "1970-01-01T00:00:00.000000Z", "2099-12-31T23:59:59.999999Z",
    "2026-13-01T00:00:00.000000Z", "2026-00-01T00:00:00.000000Z", "2026-04-31T00:00:00.000000Z",
    "2026-11-28T24:00:00.000000Z", "2026-11-28T13:60:00.000000Z", "2026-11-28 13:47:20.123456Z",
    "2026-11-28T13:47:20.123456789Z", "2026-11-28T13:47:20Z", "2026-11-28T13:47:20.123456+00:00", "", "yesterday",
    "2026-11-28T13:47:20.12345xZ", "2026-11-28T13:47:2\\u0030.123456Z", "२०२६-11-28T13:47:20.123456Z",
)  # fmt: skip
NUMBERS = (
    "0", "0.0", "1", "-1.0", "1e3", "1E-2", "00.5", "1.", ".5", "0.00000000", "99999999999999999999", "9" * 40,
    "9" * 41, "123456789012345678", "1234567890123456789.5", "0.1234567890123456789", "1e400", "null", "true", '"5.0"',
    '"5"', "[]", "{}", '""', "NaN", "18446744073709551616.0", "9223372036854775807.0", "1.5.5", "1_0.0", "+1.0",
)  # fmt: skip
CHECKSUMS = ("-1", "4294967295", "4294967296", "1e3", "1.0", "007", "0", "null", '"5"', "99999999999", "true")
Outcome = list[Any]


def by_python(book: OrderBook, frame: bytes | str) -> Outcome:
    """What a frame does to a book, read by Python alone; what the core returns where there is one such update."""
    try:
        message = decode(frame)
    except InvalidMessage as error:
        return ["unreadable", str(error)]
    if not isinstance(message, BookMessage) or message.type != "update":
        return ["another kind"]
    found: Outcome = []
    for data in message.data:
        if data.symbol != SYMBOL:
            continue
        try:
            changes = book.apply(data.bids, data.asks)
        except InvalidNumber as error:
            return [*found, "unacceptable", str(error)]
        timestamp = read_timestamp(data.timestamp)
        found.append((data.symbol, changes, valid_checksum(data.checksum), book.checksum(), *timestamp))
    return found


class Frames:
    """Frames for a book: nearly all as the exchange writes them, the others wrong or written otherwise."""

    def __init__(self, rng: Random, book: OrderBook) -> None:
        self.rng, self.book = rng, book
        self.spec = book.spec

    def levels(self, count: int) -> list[WireLevel]:
        """Levels of a snapshot's bids, in any order."""
        ticks = self.rng.sample(range(1, 4 * count + 2), count)
        return [self._level(tick, self._lots()) for tick in ticks]

    def next(self) -> tuple[bytes | str, bool]:
        """A frame, and whether it was meant to be a usual one."""
        rng = self.rng
        roll = rng.random()
        frame = self._usual()
        if roll < 0.86:
            return (frame.encode() if roll < 0.8 else frame), True
        if roll < 0.93:
            return self._otherwise(frame), False
        if roll < 0.98:
            return mutated(frame.encode(), rng), False
        data = rng.randbytes(rng.randrange(300))
        return (frame.encode()[: rng.randrange(len(frame))] + data if roll < 0.995 else data), False

    def _usual(self) -> str:
        rng = self.rng
        both = rng.random() < 0.2
        first = rng.random() < 0.5
        bids = self._side(self.book.bids) if first or both else ""
        asks = self._side(self.book.asks) if not first or both else ""
        return frame_of(bids, asks, str(rng.getrandbits(32)), self._stamp())

    def _side(self, side: Any) -> str:
        rng, found = self.rng, []
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 8))):
            best = side._keys[0] * side._sign if side._keys else 1000
            kind = rng.random()
            if kind < 0.5 and side._keys:
                at = rng.randrange(min(len(side), rng.choice((3, 12, 2000))))
                ticks = side._keys[at] * side._sign
            else:
                ticks = max(1, best + rng.randrange(-12, 13) if kind < 0.95 else rng.randrange(1, 10**6))
            # What only Python took in may not be spelled in the usual form; that is to be tried as well.
            found.append(self._level_text(ticks, 0 if rng.random() < 0.35 else self._lots()))
        return ",".join(found)

    def _stamp(self) -> str:
        rng = self.rng
        if rng.random() < 0.9:
            return f"2026-11-28T13:47:{rng.randrange(60):02d}.{rng.randrange(10**6):06d}Z"
        return f"{rng.randrange(1960, 2110)}-{rng.randrange(14):02d}-{rng.randrange(33):02d}T13:47:20.123456Z"

    def _lots(self) -> int:
        return self.rng.randrange(1, 10 ** self.rng.choice((1, 4, 9, 12)))

    def _level(self, ticks: int, lots: int) -> WireLevel:
        spec = self.spec
        price, qty = decimal_text(ticks, spec.price_precision), decimal_text(lots, spec.qty_precision)
        return WireLevel(price if spec.price_precision else ticks, qty if spec.qty_precision else lots)

    def _level_text(self, ticks: int, lots: int) -> str:
        level = self._level(ticks, lots)
        return f'{{"price":{level.price},"qty":{level.qty}}}'

    def _otherwise(self, frame: str) -> bytes | str:
        """The same in another spelling, or with something wrong in it."""
        rng = self.rng
        side = self._side(self.book.bids)
        number = rng.choice(NUMBERS)
        odd = rng.choice(
            (
                f'{{"price":{number},"qty":{self._level(1, self._lots()).qty}}}',
                f'{{"price":{self._level(rng.randrange(1, 99), 1).price},"qty":{number}}}',
                f'{{"qty":{number},"price":{number}}}',
                '{"price":1.0}', "", "null", f'{{"price":{number},"qty":{number},"more":1}}',
            )
        )  # fmt: skip
        sums, stamp = str(rng.getrandbits(32)), STAMP
        book = f'{{"symbol":"{SYMBOL}","bids":[{side}],"asks":[],"checksum":{sums},"timestamp":"{stamp}"}}'
        choices: tuple[Callable[[], bytes | str], ...] = (
            lambda: frame_of(f"{side},{odd}", "", sums, stamp),
            lambda: frame_of("", f"{odd},{side}", sums, stamp),
            lambda: frame_of(side, side, rng.choice(CHECKSUMS), stamp),
            lambda: frame_of(side, "", sums, rng.choice(STAMPS)),
            lambda: frame_of(",".join([side] * rng.choice((30, 120))), side, sums, stamp),
            lambda: frame.replace(",", rng.choice((", ", " ,", ",\n"))),
            lambda: frame.replace("/", "\\/"),
            lambda: frame.replace(
                SYMBOL, rng.choice(("ETH/USD", "", "BTC/USD ", "é", "\\u0042TC/USD", "BTC\\u002fUSD"))
            ),
            lambda: frame + rng.choice((" ", "\n", "}", "\0", ",", frame)),
            lambda: rng.choice((" ", "\ufeff", "\0")) + frame,
            lambda: frame.replace('"update"', '"snapshot"'),
            lambda: frame[: frame.index(',"timestamp"')] + "}]}",
            lambda: frame.replace('"asks":[', '"bids":[],"asks":['),
            lambda: f'{{"channel":"book","type":"update","data":[{book},{book}]}}',
            lambda: f'{{"channel":"book","data":[{book}],"type":"update"}}',
            lambda: f'{{"channel":"book","type":"update","data":[{book}],"more":{{"a":[1]}}}}',
            lambda: '{"channel":"book","type":"update","data":[]}',
            lambda: frame.replace("bids", "BIDS"),
            lambda: frame + "\ud800",
        )
        found = rng.choice(choices)()
        return found if rng.random() < 0.3 else found.encode("utf-8", "surrogatepass")


def frame_of(bids: str, asks: str, checksum: str, stamp: str) -> str:
    """A book update as the exchange writes it."""
    return (
        f'{{"channel":"book","type":"update","data":[{{"symbol":"{SYMBOL}","bids":[{bids}],"asks":[{asks}],'
        f'"checksum":{checksum},"timestamp":"{stamp}"}}]}}'
    )


class Twins:
    """Two books of one pair: the one the core may have first, the other of Python alone."""

    def __init__(self, rng: Random, depth: int, precisions: tuple[int, int]) -> None:
        assert core.update is not None, "there is no compiled core here"
        self.update = core.update
        spec = PairSpec(SYMBOL, "BTC", "USD", *precisions)
        self.shared, self.alone = OrderBook(spec, depth), OrderBook(spec, depth)
        lane = core.new_lane()
        assert lane is not None
        self.shared.share(lane)
        lane.open = True
        self.lanes: dict[str, core.Lane] = {SYMBOL: lane, "ETH/USD": core.new_lane() or lane}
        self.frames = Frames(rng, self.alone)
        self.counts: Counter[str] = Counter()
        self._deep = depth > 25
        self.reload()

    def reload(self) -> None:
        """A snapshot, in both."""
        count = self.frames.rng.choice((self.alone.depth, 3))
        bids, asks = self.frames.levels(count), self.frames.levels(count)
        for book in (self.shared, self.alone):
            book.load(bids, asks)
        self.compare()

    def step(self) -> None:
        """One frame."""
        frame, usual = self.frames.next()
        self.take(frame)
        if not usual or not self._deep or self.counts["frames"] % 32 == 0:
            self.compare()

    def take(self, frame: bytes | str) -> bool:
        """Give both the same frame; returns whether the core took it."""
        found = self.update(frame, self.lanes, (SYMBOL, "ETH/USD"))
        if found is None:
            # Declined: nothing may have been changed before Python reads it.
            self.compare()
            mine = by_python(self.shared, frame)
        else:
            mine = [found]
            assert all(type(side) is Side and type(lots) is int for side, _, lots, _ in found[1])
        true = by_python(self.alone, frame)
        assert mine == true, f"{frame!r}: {mine} is not {true}"
        self.counts["frames"] += 1
        self.counts["core"] += found is not None
        self.counts["unacceptable"] += "unacceptable" in true
        if "unacceptable" in true or self.frames.rng.random() < 0.0003:
            self.reload()
        return found is not None

    def compare(self) -> None:
        """Both books must be the same to the last digit."""
        for mine, true in ((self.shared.bids, self.alone.bids), (self.shared.asks, self.alone.asks)):
            assert mine._keys == true._keys
            assert mine._levels == true._levels
            assert mine.total == true.total == sum(lots for _, lots in true._levels)


def run(messages: int, seed: int) -> Counter[str]:
    """That many frames for books of every depth and some precisions, from one seed."""
    rng = Random(seed)
    counts: Counter[str] = Counter()
    while counts["frames"] < messages:
        twins = Twins(rng, rng.choice(DEPTHS), rng.choice(PRECISIONS))
        for _ in range(min(5000, messages - counts["frames"])):
            twins.step()
        twins.compare()
        counts += twins.counts
    return counts


def leaks(messages: int) -> str:
    """Whether references or memory grow with the number of frames.

    Raises:
        AssertionError: They do.
    """
    watched: tuple[object, ...] = (Side.BUY, Side.SELL, None, True, *core.__dict__.values())

    def used() -> tuple[list[int], int]:
        gc.collect()
        return [sys.getrefcount(value) for value in watched], sys.getallocatedblocks()

    def once() -> None:
        rng = Random(7)
        for depth, precisions in ((10, (1, 8)), (1000, (1, 8)), (25, (2, 0))):
            twins = Twins(rng, depth, precisions)
            for _ in range(messages // 20):
                twins.step()

    for _ in range(2):
        once()
    before, blocks = used()
    for _ in range(5):
        once()
    after, more = used()
    grown = max(now - then for then, now in zip(before, after, strict=True))
    assert grown < 50, f"{grown} references too many"
    assert more - blocks < 500, f"{more - blocks} blocks of memory too many"
    return f"{5 * 3 * (messages // 20):,} frames later: {grown:+} references, {more - blocks:+} blocks of memory"


def sanitized(arguments: Sequence[str]) -> int:
    """Build the core with AddressSanitizer and UBSan, and run this command with it in a process of its own."""
    compiler = next((found for name in ("gcc", "clang", "cc") if (found := shutil.which(name))), None)
    if compiler is None:
        print("needs a C compiler")
        return 2
    source = Path(core.__file__).with_name("_core.c")
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder, "_core.abi3.so")
        command = [compiler, "-g", "-O1", "-Wall", "-Wextra", "-Wno-cast-function-type", "-shared", "-fPIC"]
        command += ["-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
        include = sysconfig.get_paths()["include"]
        subprocess.run([*command, f"-I{include}", str(source), "-o", str(built)], check=True)
        libraries = [
            subprocess.run([compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True)
            for name in ("libasan.so", "libubsan.so")
        ]
        environment = {
            **os.environ,
            _VARIABLE: str(built),
            "LD_PRELOAD": ":".join(found.stdout.strip() for found in libraries),
            # Python does not free everything at its end; leaks have a command of their own.
            "ASAN_OPTIONS": "detect_leaks=0",
            "PYTHONMALLOC": "malloc",
        }
        return subprocess.run([sys.executable, "-m", "tests.rig.core", *arguments], env=environment).returncode


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns 1 on a difference, 2 without a core."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig.core", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--messages", type=int, default=100_000, help="frames in all (default: 100000)")
    parser.add_argument("--from", type=int, default=1, dest="seed", help="first seed (default: 1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one a processor)")
    parser.add_argument("--seconds", type=float, default=0.0, help="stop after that long")
    parser.add_argument("--sanitized", action="store_true", help="build and run with AddressSanitizer and UBSan")
    parser.add_argument("--leaks", action="store_true", help="look for references and memory that are not given back")
    options = parser.parse_args(argv)
    if core.update is None:
        print("there is no compiled core here")
        return 2
    if options.sanitized:
        return sanitized(["--messages", str(options.messages), "--from", str(options.seed), "--jobs", "1"])
    if options.leaks:
        print(leaks(options.messages))
        return 0
    began, part, counts = time.monotonic(), min(50_000, options.messages), Counter[str]()
    seeds = range(options.seed, options.seed + -(-options.messages // part))
    with ProcessPoolExecutor(options.jobs) as pool:
        pending = iter(seeds)
        while some := [seed for seed, _ in zip(pending, range(2 * options.jobs), strict=False)]:
            for seed, result in zip(some, pool.map(partial(_guarded, part), some), strict=True):
                if isinstance(result, str):
                    print(f"{result}\nagain: python -m tests.rig.core --messages {part} --from {seed} --jobs 1")
                    return 1
                counts += result
            if options.seconds and time.monotonic() - began > options.seconds:
                break
    took = time.monotonic() - began
    print(
        f"{counts['frames']:,} frames, {counts['core']:,} taken by the core, {counts['unacceptable']:,} unacceptable: "
        f"both paths the same, {took:.0f} s"
    )
    return 0


def _guarded(messages: int, seed: int) -> Counter[str] | str:
    try:
        return run(messages, seed)
    except Exception as error:
        return f"seed {seed}: {type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main())
