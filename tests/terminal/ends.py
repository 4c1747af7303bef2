"""Ends the program in every state, by every signal and key, again and again.

    python -m tests.terminal.ends --count 200 --write

States: a live screen, a program that waits to dial again, one whose peer never says a word, and one in COOLDOWN after
HTTP 429. Every end must come within two seconds (and a fifth of that, which RELIABILITY.md section 3.1 grants in real
time), with the exit code of the signal or 0 for a key, the terminal as it was, no word on it and no process left over.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.rig.ledger import DOCUMENT, replace_section
from tests.terminal.rig import LIVE, NOBODY, Terminal, children_of, clean_env, runs

STATES = ("live", "backoff", "mute", "cooldown")
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
_ANSWER = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1200\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@contextlib.contextmanager
def peers() -> Iterator[dict[str, list[str]]]:
    """Servers that bring the program into each state: its arguments by state."""
    with socket.create_server(("127.0.0.1", 0)) as mute, socket.create_server(("127.0.0.1", 0)) as banning:

        def ban() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = banning.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.recv(65536)
                        connection.sendall(_ANSWER)

        threading.Thread(target=ban, daemon=True).start()
        try:
            yield {
                "live": ["--demo"],
                "backoff": ["--url", NOBODY],
                "mute": ["--url", f"ws://127.0.0.1:{mute.getsockname()[1]}"],
                "cooldown": ["--url", f"ws://127.0.0.1:{banning.getsockname()[1]}"],
            }
        finally:
            banning.shutdown(socket.SHUT_RDWR)


@dataclass(slots=True)
class Tally:
    """What came of the ends: how many, the slowest restore and end in seconds, and what was wrong."""

    ends: int = 0
    restored_s: float = 0.0
    ended_s: float = 0.0
    problems: list[str] = field(default_factory=list)


def end_once(tally: Tally, state: str, how: str, argv: list[str], env: dict[str, str]) -> None:
    """Start, bring into the state, end, look."""
    number, keys = ENDS[how]
    wrong: list[str] = []
    with Terminal(env, *argv) as terminal:
        terminal.until({"live": LIVE, "cooldown": b"COOLDOWN"}.get(state, b"BTC/USD"))
        if state in ("backoff", "mute"):
            terminal.read(0.5)
        children = children_of(terminal.pid)
        began = time.monotonic()
        if number is None:
            terminal.send(keys)
        else:
            terminal.signal(number)
        restored, left = terminal.restoration(QUIT_S)
        terminal.ended()
        took = time.monotonic() - began
        code = 0 if number is None else 128 + number
        wrong += left
        wrong += [f"exit code {terminal.code}"] if terminal.code != code else []
        wrong += [f"restored after {restored:.2f} s"] if number is not None and restored > RESTORED_S else []
        wrong += [f"ended after {took:.2f} s"] if took > QUIT_S else []
        wrong += ["a traceback"] if b"Traceback" in terminal.written else []
        late = time.monotonic() + 1.25
        while any(runs(child) for child in children) and time.monotonic() < late:
            time.sleep(0.02)
        wrong += [f"process {child} is left" for child in children if runs(child)]
    tally.ends += 1
    tally.restored_s, tally.ended_s = max(tally.restored_s, restored), max(tally.ended_s, took)
    if wrong:
        tally.problems.append(f"{how} in {state}: {', '.join(wrong)}")


def main() -> int:
    """Run as a command; 1 where any end was not clean."""
    parser = argparse.ArgumentParser(prog="python -m tests.terminal.ends", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=200, help="ends by each means in each state (default %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/RELIABILITY.md")
    options = parser.parse_args()
    began = time.monotonic()
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder, peers() as argv:
        env = clean_env(Path(folder))
        for _ in range(options.count):
            for state in STATES:
                for how in ENDS:
                    end_once(tally, state, how, argv[state], env)
    figures = (
        f"{len(STATES)} states ({', '.join(STATES)}) x {len(ENDS)} ends ({', '.join(ENDS)}) x {options.count}:"
        f" {tally.ends - len(tally.problems):,} of {tally.ends:,} clean; terminal restored after"
        f" {tally.restored_s:.2f} s and ended after {tally.ended_s:.2f} s at most; {time.monotonic() - began:.0f} s"
    )
    print(figures, *tally.problems, sep="\n")
    if options.write and not tally.problems:
        replace_section(DOCUMENT, "ends", figures)
    return 1 if tally.problems else 0


if __name__ == "__main__":
    sys.exit(main())
