"""F69 to F72: too much at once, and a program or a terminal that stands still."""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kraken_tui.feed.events import Note
from kraken_tui.feed.machine import State
from kraken_tui.feed.session import Session
from kraken_tui.market.events import Proof
from tests.faults.conftest import Ledger
from tests.faults.helpers import up
from tests.rig.network import SECOND
from tests.rig.world import World, many, thin

ROOT = Path(__file__).parents[2]


def recorded(world: World, seconds: float) -> list[str | bytes]:
    """The frames of some seconds, kept away from the client."""
    frames: list[str | bytes] = []

    def keep(frame: str | bytes) -> list[str | bytes]:
        frames.append(frame)
        return []

    world.weather.mangle = keep
    world.run(seconds)
    world.weather.calm()
    return frames


@pytest.mark.realtime
def test_f69_a_burst_is_caught_up_with_in_time(ledger: Ledger) -> None:
    world = up(pairs=[thin("BTC/USD", 8000.0, levels=400)], depth=100, poll_ms=50)
    frames = recorded(world, 1.0)
    client: Session = world.client
    began = time.process_time()
    for frame in frames:
        client.frame(frame, world.mono, world.wall)
        client.take_events()
    took = time.process_time() - began
    per_second = len(frames) / took
    assert len(frames) > 3000
    assert client.stitchers["BTC/USD"].proof is Proof.VERIFIED
    assert client.counters.checks_failed == 0
    assert per_second > 10_000, "fifty thousand must be done in five seconds"
    seen = f"{len(frames):,} at {per_second:,.0f} a second: 50,000 in {50_000 / per_second:.1f} s; 0 dropped, VERIFIED"
    ledger("equality, no delta dropped", seen + " (processor time)", "age < 1 s within 5 s")


@pytest.mark.parametrize("seconds", [2, 5, 9])
def test_f70_a_program_that_stood_still_says_so_and_keeps_the_socket(seconds: int, ledger: Ledger) -> None:
    world = up(seed=seconds)
    world.run(2)
    began = world.now
    world.stand_still(seconds, frames_first=False)
    notes = [at for at, event in world.events if isinstance(event, Note) and "stood still" in event.text]
    assert notes
    assert (notes[0] - began) / SECOND <= seconds + 1
    world.run(5)
    assert len(world.dials) == 1
    assert world.well
    ledger("a line names it, socket kept", f"{seconds} s: told on waking, 0 reconnects, VERIFIED", "1 s after")


@pytest.mark.realtime
@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")
def test_f71_a_terminal_nobody_reads_stops_nothing(tmp_path: Path, ledger: Ledger) -> None:
    import fcntl
    import pty
    import struct
    import termios

    path = tmp_path / "day.jsonl"
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 48, 160, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color", "XDG_STATE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "kraken_tui", "--demo", "--record", str(path), "BTC/USD"],
        stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, env=env, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    try:
        deadline = time.monotonic() + 20
        while not path.exists() or path.stat().st_size < 20_000:
            assert time.monotonic() < deadline, "nothing was recorded"
            os.read(master, 65536)
        stalled = time.time_ns()
        time.sleep(5)
        resumed = time.time_ns()
        os.set_blocking(master, False)
        process.send_signal(signal.SIGTERM)
        while process.poll() is None:
            assert time.monotonic() < deadline + 10
            try:
                os.read(master, 65536)
            except (BlockingIOError, OSError):
                time.sleep(0.01)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(5)
        os.close(master)
    lines = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    inside = [line["rx_ns"] for line in lines if stalled < line["rx_ns"] < resumed]
    gap = max(later - earlier for earlier, later in zip([stalled, *inside], [*inside, resumed], strict=True)) / SECOND
    assert len(inside) > 50
    assert gap < 1.2
    replay = Session(replay=True)
    replay.opened(0, 0)
    for line in path.read_bytes().splitlines()[1:]:
        if b'"dir":"tx"' not in line:
            replay.frame(line.partition(b'"frame":')[2][:-1], 0, 0)
    assert replay.counters.checks_failed == 0
    assert replay.counters.checks_ok > 50
    seen = f"5 s unread: {len(inside)} frames taken, longest gap {gap:.2f} s, 0 checksums failed in the recording"
    ledger("ingest and recorder go on", seen, "0 messages lost (60 s by hand)")


@pytest.mark.realtime
def test_f72_two_hundred_books_cost_little(ledger: Ledger) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    world = World(many(200, events_per_s=4.0, levels=160), depth=100, poll_ms=250)
    world.until_well(60)
    frames = recorded(world, 3.0)
    client = world.client
    # The exchange's own objects, in the same process only here, must not cost the client's collector time.
    gc.collect()
    gc.freeze()
    began = time.process_time()
    for frame in frames:
        client.frame(frame, world.mono, world.wall)
        client.take_events()
    took = time.process_time() - began
    gc.unfreeze()
    share = took / len(frames) * 2000
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    books = len(client.books)
    assert books == 200
    assert client.state is State.SUBSCRIBED
    assert client.counters.checks_failed == 0
    assert share <= 0.6
    assert growth <= 250
    seen = f"{share:.0%} of a core at 2,000 a second; +{growth:.0f} MiB with the exchange in the same process"
    ledger("SUBSCRIBED, equality", seen, "60 % of a core, 250 MiB")
