"""F23 to F27: sleep, clocks that are wrong or jump, and what was read too late."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import pytest

from kraken_tui.feed.connection.table import State
from kraken_tui.feed.events import Note
from kraken_tui.market.events import BookChanged, Proof
from tests.faults.helpers import first, up
from tests.faults.ledger import Ledger
from tests.rig.network import SECOND
from tests.rig.world import World


def test_f23_after_a_sleep_nothing_old_is_shown_as_fresh(ledger: Ledger) -> None:
    slowest, shown_live = 0.0, 0
    for seed in range(20):
        world = up(seed, screen=True)
        world.run(2)
        before = len(world.events)
        world.stand_still(8 * 3600, frames_first=seed % 2 == 0)
        woke = world.now
        shown_live += sum(isinstance(event, BookChanged) for _, event in world.events[before:])
        for symbol in world.client.stitchers:
            shown = world.shown(symbol)
            assert shown.proof is not Proof.VERIFIED
            assert shown.stale
        assert world.client.state is State.DISCONNECTED
        world.until_well(5)
        slowest = max(slowest, (world.now - woke) / SECOND)
    assert shown_live == 0
    assert slowest <= 3
    seen = f"0 old messages applied, VERIFIED after {slowest:.2f} s at most, 20 seeds"
    ledger("all books STALE at once, reconnect", seen, "3 s; 0 (default client: 2,950 stale messages)")


def test_f24_the_wall_clock_may_do_what_it_likes(ledger: Ledger) -> None:
    worst = ages = 0
    for step in (3600, -3600, 30, -30):
        world = up(screen=True)
        world.run(25)
        world.shown("BTC/USD")
        world.wall_shift += step * SECOND
        for _ in range(250):
            # The picture painted right after the step counts too.
            shown = world.shown("BTC/USD")
            assert not shown.stale
            assert shown.age_ns is not None
            venue_ns = world.screen.by_symbol["BTC/USD"]._book_ns
            ages = max(ages, abs(shown.age_ns - (world.start_ns + world.now - venue_ns)))
            world.run(0.1)
        assert len(world.dials) == 1
        assert any("clock is" in note.text for note in world.of(Note))
        worst = max(worst, *(abs(error) for error in world.lag_errors))
    world = up(screen=True)
    for second in range(300):
        world.wall_shift += SECOND // 60 if second < 150 else -(SECOND // 60)
        world.run(1)
        age = world.shown("BTC/USD").age_ns
        assert age is not None
    worst = max(worst, *(abs(error) for error in world.lag_errors))
    assert len(world.dials) == 1
    assert worst <= SECOND // 4
    assert ages <= SECOND // 4
    seen = f"0 reconnects; lags off by {worst / SECOND * 1000:.0f} ms, ages by {ages / SECOND * 1000:.0f} ms at most"
    ledger("a notice, ages unaffected", seen, "0 reconnects; 250 ms")


MOMENTS = {
    "summer time ends": datetime(2026, 10, 25, 0, 59, 45, tzinfo=UTC),
    "summer time begins": datetime(2027, 3, 28, 0, 59, 45, tzinfo=UTC),
    "leap day": datetime(2028, 2, 28, 23, 59, 45, tzinfo=UTC),
    "after the leap day": datetime(2028, 2, 29, 23, 59, 45, tzinfo=UTC),
    "year end": datetime(2026, 12, 31, 23, 59, 45, tzinfo=UTC),
}


def test_f25_calendars_change_nothing(monkeypatch: pytest.MonkeyPatch, ledger: Ledger) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        for moment in MOMENTS.values():
            world = World(start_ns=round(moment.timestamp()) * SECOND, screen=True)
            world.until_well(5)
            world.run(30)
            changes = [event for event in world.of(BookChanged) if event.symbol == "BTC/USD"]
            stamps = [event.venue_ns for event in changes if event.kind == "update"]
            assert None not in stamps
            assert stamps == sorted(stamps), "times never run back"
            assert len(world.dials) == 1
            assert not world.shown("BTC/USD").stale
            assert max(abs(error) for error in world.lag_errors) < SECOND // 4
    finally:
        monkeypatch.undo()
        time.tzset()
    ledger("order unbroken, ages right", f"{len(MOMENTS)} moments, 0 reconnects, 0 steps back", "0")


@pytest.mark.parametrize(
    "stamp", ["1970-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z", "2026-02-30T99:00:00Z"]
)
def test_f26_absurd_venue_times_order_nothing(stamp: str, ledger: Ledger) -> None:
    world = up(screen=True)
    world.weather.mangle = lambda frame: (
        [re.sub(r'"timestamp":"[^"]*"', f'"timestamp":"{stamp}"', frame)]
        if isinstance(frame, str) and '"channel":"book","type":"update"' in frame
        else [frame]
    )
    world.run(60)
    assert len(world.dials) == 1
    assert world.client.counters.resyncs == 0
    assert world.shown("BTC/USD").proof is Proof.VERIFIED
    assert world.oracle.proofs > 50
    ledger("not used for ordering, equality", f"{stamp}: 0 reconnects, {world.oracle.proofs} proofs equal", "0")


def test_f27_a_backlog_is_thrown_away(ledger: Ledger) -> None:
    slowest, applied = 0.0, 0
    for seed in range(20):
        world = up(seed)
        world.run(2)
        before = len(world.events)
        world.stand_still(60, frames_first=seed % 2 == 0)
        woke = world.now
        applied += sum(isinstance(event, BookChanged) for _, event in world.events[before:])
        assert first(world, State.DISCONNECTED, woke)[0] == woke
        world.until_well(5)
        slowest = max(slowest, (world.now - woke) / SECOND)
    assert applied == 0
    assert slowest <= 3
    ledger("backlog discarded, then VERIFIED", f"0 applied; {slowest:.2f} s at most, 20 seeds", "3 s")
