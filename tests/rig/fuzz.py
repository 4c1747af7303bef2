"""Fuzz targets, each with its oracle; a failure prints the seed that repeats it.

    python -m tests.rig.fuzz z1 --seconds 60     one target
    python -m tests.rig.fuzz all --seconds 8     all of them
    python -m tests.rig.fuzz z7 --inputs 10000000

z1 decoder, z2 book and checksum, z3 recording reader, z4 configuration file, z5 command line, z6 terminal
input, z7 text gate, z8 answers over HTTP.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from random import Random
from unittest.mock import patch

from kraken_tui.cli import main as cli
from kraken_tui.cli.command import Subcommand
from kraken_tui.cli.main import command_named
from kraken_tui.errors import ConfigurationError, InvalidMessage, InvalidNumber, RecordingError
from kraken_tui.feed.session import Session
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.recording.reader import Recording
from kraken_tui.recording.writer import Recorder
from kraken_tui.settings.sources import load
from kraken_tui.text import clean_text, safe_file_stem
from kraken_tui.wire.checksum import checksum_of_text
from kraken_tui.wire.decode import decode
from kraken_tui.wire.messages import BookMessage, WireLevel
from kraken_tui.wire.symbols import PairSpec
from tests.rig import fuzz_input
from tests.rig.fuzz_http import z8_http
from tests.rig.ledger import table, write_figures
from tests.rig.scripted import ScriptedVenue, SlowBook, decimal_text

_SECRET = "s3cr3t-canary-value"
_TOKENS = (
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"null", b"true", b"-1", b"1e999", b"NaN", b"0.00000000", b"\\u0000",
    b"\\ud800", b"\xff", b"\x00", b'"channel"', b'"book"', b'"data"', b'"price"', b'"qty"', b'"checksum"', b'"symbol"',
    b'"type"', b'"snapshot"', b'"method"', b'"success"', b'"error"', b'"result"', b'"req_id"', b"99999999999999999999",
    "１".encode(), "\u202e".encode(), b'"timestamp"', b'"2026-13-45T99:99:99Z"', b" " * 100, b"9" * 500,
)  # fmt: skip


def frames() -> list[bytes]:
    """Every shape of frame, also such as the exchange has not been seen to send."""
    venue = ScriptedVenue()
    found = [venue.welcome(), venue.instruments(), venue.book_snapshot("BTC/USD", 10), venue.book_update("BTC/USD")]
    found += [venue.ticker("BTC/USD"), venue.candle("BTC/USD", 1), venue.trades("BTC/USD", range(1, 4))]
    for method in ("subscribe", "unsubscribe"):
        params = {"channel": "book", "symbol": ["BTC/USD", "XX/YY"], "depth": 10}
        found += venue.answer(json.dumps({"method": method, "params": params, "req_id": 5}))
    found += [
        '{"method":"pong","req_id":5,"time_in":"2026-01-01T00:00:00.000001Z","time_out":"2026-01-01T00:00:00.000002Z"}',
        '{"error":"Exceeded msg rate","method":"subscribe","success":false,"symbol":"BTC/USD"}',
        '{"channel":"heartbeat"}',
    ]
    return [frame.encode() for frame in found]


def mutated(data: bytes, rng: Random) -> bytes:
    """A few cuts, copies, flips and insertions."""
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        at = rng.randrange(len(data) + 1)
        to = min(len(data), at + rng.choice((1, 2, 8, 40)))
        kind = rng.randrange(6)
        if kind == 0:
            data = data[:at] + data[to:]
        elif kind == 1:
            data = data[:at] + rng.choice(_TOKENS) + data[to:]
        elif kind == 2:
            data = data[:at] + rng.choice(_TOKENS) + data[at:]
        elif kind == 3:
            data = data[:to] + data[at:]
        elif kind == 4 and data:
            at %= len(data)
            data = data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
        else:
            data = data[:at]
    return data


def _refusal(kind: type[Exception], call: Callable[[], object]) -> str:
    """What the declared error of a call says; "" without one."""
    try:
        call()
    except kind as error:
        return str(error)
    return ""


def z1_decoder(rng: Random, corpus: list[bytes]) -> None:
    """Bytes give a message or `InvalidMessage`, and a session takes them without another exception."""
    data = mutated(rng.choice(corpus), rng)
    began = time.process_time()
    assert _refusal(InvalidMessage, lambda: decode(data)).isprintable(), "a reason that is not clean"
    took = time.process_time() - began
    assert took < 0.05 + len(data) / 1024 * 0.001, f"{took * 1000:.1f} ms for {len(data)} bytes"
    session = Session(depth=10, rng=Random(1))
    session.want("BTC/USD")
    session.dialling(10**9, 10**18)
    session.opened(10**9, 10**18)
    for frame in (corpus[0], corpus[1], corpus[2], data, corpus[3]):
        session.frame(frame, 2 * 10**9, 10**18)
    counts = session.counters
    assert counts.frames == counts.applied + counts.ignored.total() + counts.rejected, "counters do not add up"
    session.tick(3 * 10**9, 10**18)


def z2_book(rng: Random, _: list[bytes]) -> None:
    """Any list of changes gives the reference's book and checksum, or `InvalidNumber`."""
    price, qty, depth = rng.choice((0, 1, 2, 5, 10)), rng.choice((0, 5, 8)), rng.choice((10, 25, 100))
    book = OrderBook(PairSpec("A/B", "A", "B", price, qty), depth)
    slow = SlowBook(depth, price, qty)
    width = rng.choice((5, 30, 300))
    for _step in range(rng.randrange(1, 60)):
        sides = [
            [
                (1000 + sign * rng.randrange(width), rng.choice((0, rng.randrange(1, 10**12))))
                for _ in range(rng.randrange(4))
            ]
            for sign in (-1, 1)
        ]
        slow.apply(*sides)
        text = slow.frame("A/B", "update", *sides, 10**18)
        message = decode(text)
        assert isinstance(message, BookMessage)
        [data] = message.data
        book.apply(data.bids, data.asks)
        assert (book.bids.top(), book.asks.top()) == slow.top(), "another book"
        assert book.checksum() == slow.checksum() == data.checksum, "another checksum"
    bids, asks = slow.top()
    written = [[(decimal_text(t, price), decimal_text(q, qty)) for t, q in side] for side in (asks, bids)]
    assert checksum_of_text(*written) == book.checksum(), "the checksum of the text differs"
    hostile = rng.choice(("NaN", "-1", "1e999", "0x1", "1.", ".5", "9" * 99, "１"))
    said = _refusal(InvalidNumber, lambda: book.apply([WireLevel(price=hostile, qty="1")], []))
    assert 0 < len(said) < 200, "no reason, or one without end"


def z3_recording(rng: Random, corpus: list[bytes]) -> None:
    """A damaged file gives frames or one sentence; a prefix gives a prefix."""
    folder = _folder()
    path = folder / rng.choice(("a.jsonl", "a.jsonl.gz", "a.jsonl.zst"))
    path.unlink(missing_ok=True)
    recorder = Recorder(path, wall_ns=1)
    wanted = [rng.choice(corpus) for _ in range(rng.randrange(1, 12))]
    for at, frame in enumerate(wanted):
        recorder.write(frame, 10**18 + at)
        recorder.tick(at * 10**9)
    recorder.close()
    content = path.read_bytes()
    cut = rng.random() < 0.3
    path.write_bytes(content[: rng.randrange(len(content) + 1)] if cut else mutated(content, rng))
    recording = Recording(path)
    found: list[bytes] = []
    said = _refusal(RecordingError, lambda: found.extend(item.frame for item in recording))
    assert said.isprintable(), "a reason that is not clean"
    assert recording.problem == clean_text(recording.problem, 10_000), "a problem that is not clean"
    if cut:
        assert found == [frame.replace(b"\n", b" ") for frame in wanted][: len(found)], "not a prefix"


def z4_configuration(rng: Random, corpus: list[bytes]) -> None:
    """Any file gives settings or one sentence, and no value of it is repeated."""
    base = b'pairs = ["BTC/USD"]\ndepth = 100\ntheme = "%s"\nfps = 10\nurl = "wss://x/%s"\n[keys]\nquit = "q"\n' % (
        _SECRET.encode(),
        _SECRET.encode(),
    )
    path = _folder() / "config.toml"
    path.write_bytes(mutated(base, rng))
    said = _refusal(ConfigurationError, lambda: load({}, {}, path))
    assert said.isprintable(), "a sentence that is not clean"
    assert _SECRET not in said, "a value was repeated"


_WORDS = (
    "stream", "snapshot", "plot", "BTC/USD", "--demo", "--depth", "10", "11", "--fps", "--theme", "dark", "--count",
    "-1", "--seconds", "1e9", "--url", "ws://localhost.evil/", "wss://x", "--config", "/dev/null", "--output",
    "x.svg", "--", "", "--help", "--version", "--size", "9x9", "\x1b[2J", "é", "--replay", "/nowhere", "--kind",
    "candles", "-h",
)  # fmt: skip


def z5_command_line(rng: Random, _: list[bytes]) -> None:
    """Any words end with 0 or 2, at most one line of complaint, and no traceback."""
    argv = [rng.choice(_WORDS) for _ in range(rng.randrange(7))]
    if rng.random() < 0.3:
        argv.append("".join(chr(rng.choice((27, 155, 0x202E, 65, 45, 0x1F600))) for _ in range(rng.randrange(6))))
    out, err = io.StringIO(), io.StringIO()

    def idle(name: str) -> Subcommand:
        return command_named(name)._replace(run=lambda _: 2 if name == "screen" else 0)

    with patch.object(cli, "command_named", idle), redirect_stdout(out), redirect_stderr(err):
        try:
            code = cli.main(argv)
        except SystemExit as end:  # argparse's way out after --help
            code = int(end.code or 0)
    assert code in (0, 2), f"exit code {code} for {argv!r}"
    assert "Traceback" not in err.getvalue(), f"a traceback for {argv!r}"
    assert err.getvalue().count("\n") <= 1, f"more than one line for {argv!r}"
    assert "\x1b" not in err.getvalue(), f"an escape for {argv!r}"


_HOSTILE = (
    "\x1b]0;t\x07", "\x1b]52;c;AAAA\x07", "\x1b]8;;http://x\x07", "\x1bP+q\x1b\\", "\x9b2J", "\x9d0;x\x9c", "\x1b[2J",
    "\u202e", "\u2066", "\u200b", "\ufeff", "\x00", "\x7f", "\x85", "\u2028", "\ud800", "\U000e0001", "[bold]", "[/",
    "\r\n", "\t", "é", "漢", "🦑", "a", "\u0301" * 20,
)  # fmt: skip


def hostile_text(seed: int, count: int) -> Iterator[str]:
    """Texts made of what terminals obey."""
    rng = Random(seed)
    for _ in range(count):
        yield "".join(rng.choice(_HOSTILE) for _ in range(rng.randrange(12)))


def z7_gate(rng: Random, _: list[bytes]) -> None:
    """The gate's output has no controls, bidi or zero-width marks, is short, idempotent, and quick to make."""
    [text] = hostile_text(rng.randrange(2**32), 1)
    if rng.random() < 0.02:
        text *= 20_000
    began = time.process_time()
    clean = clean_text(text)
    assert time.process_time() - began < 0.05, "slow"
    assert clean.isprintable(), f"{clean!r}"
    assert len(clean) <= 200, "long"
    assert clean_text(clean) == clean, "not idempotent"
    stem = safe_file_stem(text)
    assert stem, "no file name"
    assert stem.isascii(), "a file name that is not plain"
    assert not set(stem) & set("/\\.:\0"), "a file name with a separator"


Target = Callable[[Random, list[bytes]], None]
TARGETS: dict[str, Target] = {
    "z1": z1_decoder,
    "z2": z2_book,
    "z3": z3_recording,
    "z4": z4_configuration,
    "z5": z5_command_line,
    "z6": fuzz_input.z6_terminal_input,
    "z7": z7_gate,
    "z8": z8_http,
}
_folders: list[tempfile.TemporaryDirectory[str]] = []


def _folder() -> Path:
    if not _folders:
        _folders.append(tempfile.TemporaryDirectory())
    return Path(_folders[0].name)


def fuzz(name: str, seconds: float, first: int = 0, count: int | None = None) -> tuple[int, list[tuple[int, str]]]:
    """Run one target; returns how many inputs it had, and (seed, what happened) of every failure."""
    target, corpus = TARGETS[name], frames()
    failures: list[tuple[int, str]] = []
    end = time.monotonic() + seconds
    seed = first
    while (count is None and time.monotonic() < end) or (count is not None and seed < first + count):
        try:
            target(Random(f"{name}/{seed}"), corpus)
        except Exception:
            failures.append((seed, traceback.format_exc(limit=-3)))
            if len(failures) >= 5:
                break
        seed += 1
    fuzz_input.close()
    return seed - first, failures


def _with_input() -> None:
    # A worker's own is closed, and the terminal's driver asks for its number.
    sys.__stdin__ = Path(os.devnull).open(encoding="utf-8")  # type: ignore[misc]  # noqa: SIM115 - for as long as it runs


def _timed(name: str, seconds: float, first: int, count: int | None) -> tuple[int, list[tuple[int, str]], float]:
    began = time.monotonic()
    inputs, failures = fuzz(name, seconds, first, count)
    return inputs, failures, time.monotonic() - began


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 1 where anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig.fuzz", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target (default %(default)s)")
    parser.add_argument("--inputs", type=int, metavar="N", help="so many of them, however long it takes")
    parser.add_argument("--jobs", type=int, default=2, help="targets side by side (default %(default)s)")
    parser.add_argument("--seed", type=int, help="repeat this one input")
    parser.add_argument(
        "--write", action="store_true", help="write the figures of all, or of so many, into docs/FIGURES.md"
    )
    options = parser.parse_args(argv)
    failed = 0
    rows = []
    names = list(TARGETS) if options.target == "all" else [options.target]
    first = int(time.time()) * 10**6 if options.seed is None else options.seed
    count = options.inputs if options.seed is None else 1
    with ProcessPoolExecutor(min(options.jobs, len(names)), initializer=_with_input) as pool:
        results = pool.map(partial(_timed, seconds=options.seconds, first=first, count=count), names)
        for name, (inputs, failures, took) in zip(names, results, strict=True):
            seen = f"{inputs:,} inputs, {len(failures)} failures; {took:.0f} s, {inputs / took:,.0f} a second"
            print(f"{name} {TARGETS[name].__name__}: {seen}", flush=True)
            for seed, text in failures:
                failed = 1
                print(f"repeat: python -m tests.rig.fuzz {name} --seed {seed}\n{text}")
            if options.write and options.inputs is not None and not failures:
                write_figures(f"fuzz-{name}", f"{name.upper()}: {seen}")
            rows.append((name.upper(), str(TARGETS[name].__doc__), f"{inputs:,}", str(len(failures))))
    if options.write and options.inputs is None and options.target == "all" and not failed:
        head = ("Target", "Law", f"Inputs in {options.seconds:.0f} s", "Failures")
        write_figures("fuzz", table(head, rows))
    return failed


if __name__ == "__main__":
    sys.exit(main())
