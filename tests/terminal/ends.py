"""Ends the program in every state, by every signal and key, again and again.

    python -m tests.terminal.ends --count 200 --jobs 4 --write

States: before the connection (nobody listens, a peer that never says a word, HTTP 429), on it (no answer to the
subscription, a live screen, a book that fails its checksum, a feed that fell silent). Every end must come within two
seconds (and a fifth more, as this is real time; docs/RELIABILITY.md F91, F99), with the exit code of the signal
or 0 for a key, the terminal as it was, no word on it and no process left over.

`--jobs` programs run side by side, but only start so: one processor is left to the one that ends, and programs end one
at a time, so that nobody's start is in another's figures.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from kraken_tui.exchange.server import ExchangeThread
from tests.rig.ledger import percentile, write_figures
from tests.terminal.rig import GUARD_S, LIVE, NOBODY, Terminal, children_of, clean_env, runs

STATES: dict[str, bytes] = {
    "backoff": b"retry",
    "mute": b"CONNECTING",
    "cooldown": b"COOLDOWN",
    "subscribing": b"SUBSCRIBING",
    "live": LIVE,
    "resyncing": b"RESYNCING",
    "degraded": b"DEGRADED",
}
"""What the program was brought into, and the word on the screen that says so."""

ENDS: dict[str, tuple[int | None, bytes]] = {
    "INT": (signal.SIGINT, b""),
    "TERM": (signal.SIGTERM, b""),
    "HUP": (signal.SIGHUP, b""),
    "QUIT": (signal.SIGQUIT, b""),
    "q": (None, b"q"),
    "ctrl-C": (None, b"\x03"),
}
RESTORED_S = 0.5 + 0.25
QUIT_S = 2.0 * 1.2
SETTLED_S = 0.5
_ANSWER = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1200\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def _silent(frame: str | bytes) -> str | bytes | None:
    """Answers and snapshots only: such a feed is DEGRADED after three seconds."""
    text = str(frame)
    return None if '"channel":"heartbeat"' in text or '"type":"update"' in text else frame


def _unanswered(frame: str | bytes) -> str | bytes | None:
    """No answer, no snapshot: a subscription stays pending for its four times five seconds."""
    return frame if '"channel":"heartbeat"' in str(frame) or '"channel":"status"' in str(frame) else None


@contextlib.contextmanager
def _exchange(state: str) -> Iterator[list[str]]:
    with ExchangeThread(pairs=("BTC/USD",)) as exchange:
        if state == "subscribing":
            exchange.faults.rewrite = _unanswered
        elif state == "resyncing":
            exchange.faults.corrupt_checksum("BTC/USD", 10**9)
        else:
            exchange.faults.rewrite = _silent
        yield ["BTC/USD", "--url", exchange.ws_url, "--rest-url", exchange.rest_url]


@contextlib.contextmanager
def peers(*states: str) -> Iterator[dict[str, list[str]]]:
    """Servers that bring the program into these states: its arguments by state."""
    with contextlib.ExitStack() as stack:
        mute = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        banning = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def ban() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = banning.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.recv(65536)
                        connection.sendall(_ANSWER)

        threading.Thread(target=ban, daemon=True).start()
        stack.callback(banning.shutdown, socket.SHUT_RDWR)
        plain = {
            "live": ["--demo"],
            "backoff": ["--url", NOBODY],
            "mute": ["--url", f"ws://127.0.0.1:{mute.getsockname()[1]}"],
            "cooldown": ["--url", f"ws://127.0.0.1:{banning.getsockname()[1]}"],
        }
        yield {state: plain.get(state) or stack.enter_context(_exchange(state)) for state in states}


@dataclass(slots=True)
class End:
    """One end: seconds until the terminal was restored and until the process was over, and what was wrong."""

    restored_s: float
    ended_s: float
    problems: list[str]


@dataclass(slots=True)
class Gate:
    """Who may use the processors: starts share all but one, ends come one at a time."""

    starts: threading.Semaphore = field(
        default_factory=lambda: threading.Semaphore(max(1, (os.cpu_count() or 2) - 1)),
    )
    ends: threading.Lock = field(default_factory=threading.Lock)


def end_once(
    state: str, how: str, argv: list[str], env: dict[str, str], gate: Gate | None = None, *, timed: bool = False
) -> End:
    """Start, bring into the state, end, look; `timed` also judges how long it took."""
    gate = gate or Gate()
    with contextlib.ExitStack() as stack:
        try:
            with gate.starts:
                terminal = stack.enter_context(Terminal(env, *argv))
                terminal.until(b"BTC/USD")
            word = STATES[state]
            if word not in terminal.written:
                terminal.until(word)
        except AssertionError as error:
            return End(0.0, 0.0, [f"{how} in {state}, which was never reached: {error}"])
        # At some moment of it, not always the first.
        terminal.read(random.random() * SETTLED_S)
        with gate.ends:
            return _end(terminal, state, how, timed)


def _end(terminal: Terminal, state: str, how: str, timed: bool) -> End:
    number, keys = ENDS[how]
    children = children_of(terminal.pid)
    terminal.read()
    began = time.monotonic()
    if number is None:
        terminal.send(keys)
    else:
        terminal.signal(number)
    restored, wrong = terminal.restoration()
    terminal.ended()
    took = time.monotonic() - began
    code = 0 if number is None else 128 + number
    wrong += [f"exit code {terminal.code}"] if terminal.code != code else []
    if timed:
        wrong += [f"restored after {restored:.2f} s"] if number is not None and restored > RESTORED_S else []
        wrong += [f"ended after {took:.2f} s"] if took > QUIT_S else []
    wrong += ["a traceback"] if b"Traceback" in terminal.written else []
    late = time.monotonic() + (1.25 if timed else GUARD_S)
    while any(runs(child) for child in children) and time.monotonic() < late:
        time.sleep(0.02)
    wrong += [f"process {child} is left" for child in children if runs(child)]
    return End(restored, took, [f"{how} in {state}: {', '.join(wrong)}"] if wrong else [])


def run(count: int, jobs: int) -> list[End]:
    """End the program that often by each means in each state."""
    gate = Gate()
    with (
        tempfile.TemporaryDirectory() as folder,
        peers(*STATES) as argv,
        ThreadPoolExecutor(jobs) as pool,
    ):
        envs = []
        for state in STATES:
            # Each state has its own files: a ban that one program was told is heeded by the others of that user.
            envs.append((state, clean_env(Path(folder) / state)))
        futures = [
            pool.submit(end_once, state, how, argv[state], env, gate, timed=True)
            for _ in range(count)
            for how in ENDS
            for state, env in envs
        ]
        return [future.result() for future in futures]


def main() -> int:
    """Run as a command; 1 where any end was not clean."""
    parser = argparse.ArgumentParser(prog="python -m tests.terminal.ends", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=200, help="ends by each means in each state (default %(default)s)")
    parser.add_argument("--jobs", type=int, default=4, help="programs side by side (default %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/FIGURES.md")
    options = parser.parse_args()
    began = time.monotonic()
    ends = run(options.count, options.jobs)
    problems = [problem for end in ends for problem in end.problems]
    figures = (
        f"{len(STATES)} states ({', '.join(STATES)}) x {len(ENDS)} ends ({', '.join(ENDS)}),"
        f" {options.count} times each: {len(ends) - len(problems):,} of {len(ends):,} clean; terminal restored after"
        f" {_spread([end.restored_s for end in ends])} and ended after {_spread([end.ended_s for end in ends])};"
        f" {options.jobs} side by side, {time.monotonic() - began:.0f} s"
    )
    print(figures, *problems, sep="\n")
    if options.write and not problems:
        write_figures("ends", figures)
    return 1 if problems else 0


def _spread(seconds: list[float]) -> str:
    median, late = percentile(seconds, 0.5), percentile(seconds, 0.99)
    return f"{median:.2f} s (median), {late:.2f} s (p99), {max(seconds):.2f} s (worst)"


if __name__ == "__main__":
    sys.exit(main())
