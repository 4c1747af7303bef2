"""F69 to F72: too much at once, and a program or a terminal that stands still."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import pytest

from kraken_tui.feed.connection.table import State
from kraken_tui.feed.events import Note
from kraken_tui.feed.session import Session
from kraken_tui.market.events import Proof
from tests.faults.helpers import up
from tests.faults.ledger import Ledger
from tests.rig.burst import MESSAGES, burst_of, busy_world, recorded, without_the_exchange
from tests.rig.network import SECOND
from tests.rig.world import World, many


@pytest.mark.realtime
def test_f69_a_burst_is_caught_up_with_in_time(ledger: Ledger) -> None:
    world = busy_world()
    frames = burst_of(world)[:MESSAGES]
    client: Session = world.client
    before = client.counters.applied
    with without_the_exchange():
        began = time.process_time()
        for frame in frames:
            client.frame(frame, world.mono, world.wall)
            client.take_events()
        took = time.process_time() - began
    stitcher = client.stitchers["BTC/USD"]
    assert stitcher.proof is Proof.VERIFIED
    assert client.counters.checks_failed == 0
    assert client.counters.applied - before == len(frames) == 50_000
    assert took <= 5
    seen = f"{len(frames):,} frames at once, all applied in {took:.1f} s of processor time, 0 dropped, VERIFIED"
    ledger("equality, no delta dropped", seen, "age < 1 s within 5 s")


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
    from tests.rig.stalled import stall

    seen = stall(5, tmp_path)
    assert seen.frames > 50
    # An engine that waited for the terminal would have taken nothing for nearly all of it.
    assert seen.gap_s < 2.5
    assert seen.checks_failed == 0
    assert seen.checks_ok > 50
    told = (
        f"5 s unread: {seen.frames} frames taken, longest gap {seen.gap_s:.2f} s, 0 checksums failed in the recording"
    )
    ledger(
        "ingest and recorder go on",
        f"{told}; painted {seen.painted_s:.2f} s after; 60 s: see By command",
        "0 messages lost, 1 s",
    )


@pytest.mark.realtime
def test_f72_two_hundred_books_cost_little(ledger: Ledger) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    world = World(many(200, events_per_s=4.0, levels=160), depth=100, poll_ms=250)
    world.until_well(60)
    frames = recorded(world, 3.0)
    client = world.client
    with without_the_exchange():
        began = time.process_time()
        for frame in frames:
            client.frame(frame, world.mono, world.wall)
            client.take_events()
        took = time.process_time() - began
    share = took / len(frames) * 2000
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    client.tick(world.mono, world.wall)
    books = len(client.books)
    assert books == 200
    assert client.state is State.SUBSCRIBED
    assert client.counters.checks_failed == 0
    assert share <= 0.6
    assert growth <= 250
    seen = f"{share:.0%} of a core at 2,000 a second; +{growth:.0f} MiB with the exchange in the same process"
    ledger("SUBSCRIBED, equality", seen, "60 % of a core, 250 MiB")
