"""F01 to F22 in virtual time: no fault of the connection gets the user banned, or a dead feed shown as live."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

from kraken_tui.feed.connection.failures import explain
from kraken_tui.feed.connection.table import State
from kraken_tui.feed.events import Resync
from kraken_tui.market.events import BookState, Proof
from tests.faults.helpers import first, up
from tests.faults.ledger import Ledger
from tests.rig.network import SECOND
from tests.rig.world import Door, World, thin

SEEDS = range(20)


def test_f01_a_closed_port_is_dialled_for_a_day_within_the_budget(ledger: Ledger) -> None:
    world = up(screen=True, poll_ms=1000)
    levels = world.shown("BTC/USD").bids
    world.door = Door("closed")
    world.hang_up(1006)
    world.run(24 * 3600)
    shown = world.shown("BTC/USD")
    assert world.most_dials() <= 30
    assert len(world.dials) > 1000, "it never gives up"
    assert shown.bids
    assert len(shown.bids) == len(levels)
    assert shown.stale
    assert shown.proof is Proof.UNVERIFIED
    assert world.client.retry_in_s(world.mono) is not None
    seen = f"{world.most_dials()} dials at most in 10 min, {len(world.dials):,} in 24 simulated hours; last book STALE"
    ledger("countdown and cause shown, last book kept and STALE", seen, "30 dials / 10 min")


def test_f02_a_server_that_does_not_answer_is_given_up(ledger: Ledger) -> None:
    world = World()
    world.door = Door("mute")
    world.run(11)
    at, event = first(world, State.DISCONNECTED, 1)
    waited = (at - world.dials[0]) / SECOND
    assert 9.5 <= waited <= 10.5
    assert event.cause == "no answer within 10 s"
    ledger("DISCONNECTED with the cause", f"{waited:.1f} s, {event.cause!r}", "10 s ± 0.5")


def test_f03_a_ban_is_waited_out_to_the_second(ledger: Ledger) -> None:
    waits = []
    for retry_after, least in ((None, 600), (30.0, 600), (1200.0, 1200), (7200.0, 3600)):
        world = World()
        world.door = Door("http", 429, retry_after)
        world.run(1)
        assert world.client.state is State.COOLDOWN
        assert world.client.retry_in_s(world.mono) == pytest.approx(least, abs=2)
        world.run(least + 2)
        waits.append((world.dials[1] - world.dials[0]) / SECOND)
        assert waits[-1] == pytest.approx(least, abs=0.2)
    seen = ", ".join(f"{wait:.1f}" for wait in waits)
    ledger("COOLDOWN, no dial before its end", f"{seen} s", "max(600, Retry-After), at most 3600 s")


def test_f04_a_ban_page_is_one_plain_clause_and_a_cooldown(ledger: Ledger) -> None:
    page = b"<html><h1>Access denied</h1>\x1b]0;owned\x07 error code: 1015 " + b"<p>x</p>" * 2000
    longest = 0
    for status in (403, 503, 429):
        failure = explain(InvalidStatus(Response(status, "No", Headers(), page)), "wss://ws.kraken.com/v2")
        assert failure is not None
        assert "<" not in failure.cause
        assert failure.cause.isprintable()
        longest = max(longest, len(failure.cause))
        world = World()
        world.run(0.03)
        world.client.disconnected(
            failure.cause, world.mono, world.wall, http_status=failure.http_status, close_code=failure.close_code
        )
        assert world.client.state is State.COOLDOWN
        assert (world.client.retry_in_s(world.mono) or 0) >= 600
    assert longest <= 200
    ledger("COOLDOWN, short plain reason, no HTML", f"600 s; longest reason {longest} characters", ">= 600 s, <= 200")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_f05_server_errors_back_off_with_full_jitter(status: int, ledger: Ledger) -> None:
    world = World(seed=status)
    world.door = Door("http", status)
    world.run(2 * 3600)
    delays = [event.retry_in_s or 0 for _, event in world.changes(State.DISCONNECTED)]
    for attempt, delay in enumerate(delays[:6]):
        assert delay <= 2**attempt
    assert max(delays[:20]) <= 60
    assert sum(delay < 15 for delay in delays[6:20]) >= 1, "full jitter uses the whole range"
    assert world.most_dials() <= 30
    seen = f"HTTP {status}: first {delays[0]:.2f} s, {world.most_dials()} dials at most in 10 min"
    ledger("backoff, doubling bound, cap 60 s", seen, "schedule ± jitter; 30 / 10 min")


def test_f06_accepting_and_closing_never_becomes_a_storm(ledger: Ledger) -> None:
    most = 0
    for seed, code in enumerate((1013, 1001, 1006, 1000)):
        world = World(seed=seed)
        world.door = Door("slam", code=code)
        world.run(3600)
        attempts = [event.attempt for _, event in world.changes(State.DISCONNECTED)]
        assert attempts == list(range(1, len(attempts) + 1)), "the backoff never started over"
        most = max(most, world.most_dials())
    assert most <= 30
    seen = f"{most} dials at most in 10 min over 4 hours"
    ledger("the backoff keeps growing", seen, "30 / 10 min (a bare loop: 637,000)")


def test_f07_one_close_costs_three_seconds_at_most(ledger: Ledger) -> None:
    slowest = 0.0
    for seed in SEEDS:
        world = up(seed)
        world.run(Random(seed).uniform(1, 3))
        began = world.now
        world.hang_up(1001)
        world.run(0.5)
        slowest = max(slowest, world.until_well(5) + 0.5)
        downs = [event for at, event in world.changes(State.DISCONNECTED) if at >= began]
        assert len(downs) == 1
        assert len(world.dials) == 2
    assert slowest <= 3
    ledger("one drop, one recovery, equality after", f"VERIFIED again after {slowest:.2f} s at most, 20 seeds", "3 s")


def test_f08_it_is_back_a_minute_after_the_exchange(ledger: Ledger) -> None:
    slowest = 0.0
    for seed in SEEDS:
        world = up(seed)
        world.door = Door("slam", code=1012 if seed % 2 else 1013)
        world.hang_up(1012)
        world.run(300)
        assert "1012" in world.client.cause or "1013" in world.client.cause or world.client.state is State.CONNECTING
        world.heal()
        slowest = max(slowest, world.until_well(65))
    assert slowest <= 62
    seen = f"{slowest:.1f} s at most after the return, 20 seeds"
    ledger("backoff with its cause, then back", seen, "60 s + connecting")


def last_good(world: World) -> int:
    """When the last application frame came, simulated ns."""
    last = world.client.last_frame_ns
    assert last is not None
    return last - (world.mono - world.now)


def test_f10_a_half_open_connection_is_noticed_in_six_seconds(ledger: Ledger) -> None:
    slowest = 0.0
    for seed in SEEDS:
        world = up(seed, screen=True)
        world.run(Random(seed).uniform(0, 2))
        world.weather.mute = world.weather.deaf = True
        world.door = Door("mute")
        world.run(0.1)
        silent_since = last_good(world)
        world.run(5.9)
        at, event = first(world, State.DISCONNECTED, silent_since)
        assert first(world, State.DEGRADED, silent_since)[0] < at
        slowest = max(slowest, (at - silent_since) / SECOND)
        assert "no frame for" in event.cause
        shown = world.shown("BTC/USD")
        assert shown.stale
        assert shown.proof is not Proof.VERIFIED
    assert slowest <= 6
    ledger("DEGRADED, then DISCONNECTED, STALE", f"{slowest:.2f} s at most, 20 seeds", "6 s (default client: 50 s)")


def test_f11_pongs_do_not_keep_a_dead_feed_alive(ledger: Ledger) -> None:
    world = up()
    world.weather.mangle = lambda frame: [frame] if '"pong"' in str(frame) else []
    world.door = Door("mute")
    world.run(0.1)
    frames, silent_since = world.client.counters.frames, last_good(world)
    for _ in range(24):
        if world.client.state is not State.DISCONNECTED and world.link is not None:
            world.client._ping()
            world.tick()
        world.run(0.25)
    pongs = world.client.counters.frames - frames
    assert pongs > 15
    took = (first(world, State.DISCONNECTED, silent_since)[0] - silent_since) / SECOND
    assert took <= 6
    ledger("as F10; the pong does not extend the deadline", f"{took:.2f} s with {pongs} pongs meanwhile", "6 s")


def test_f12_a_quiet_book_is_not_a_dead_feed(ledger: Ledger) -> None:
    world = up(screen=True)
    world.weather.mangle = lambda frame: [] if '"ETH/USD"' in str(frame) else [frame]
    world.run(600)
    shown = world.shown("ETH/USD")
    assert len(world.dials) == 1
    assert shown.book_state is BookState.LIVE
    assert shown.age_ns is not None
    assert shown.age_ns > 595 * SECOND
    assert not world.shown("BTC/USD").stale
    ledger("SUBSCRIBED, the age grows", f"0 dials; age shown {shown.age_ns / SECOND:.0f} s", "0 dials in 10 min")


def test_f13_a_slow_wavering_path_is_no_fault(ledger: Ledger) -> None:
    world = World(seed=3)
    world.weather.latency_ms, world.weather.jitter_ms = 100.0, 800.0
    world.until_well(20)
    world.run(600)
    assert len(world.dials) == 1
    assert world.client.counters.resyncs == 0
    seen = f"0 reconnects, 0 resyncs, {world.oracle.proofs:,} proofs equal"
    ledger("SUBSCRIBED, equality", seen, "0 reconnects in 10 min")


def narrow(bytes_per_s: float, events_per_s: float, seconds: int) -> tuple[World, float]:
    """A line too narrow for its market; returns the world, and the greatest age of a book shown as fresh, s."""
    world = World([thin("BTC/USD", events_per_s)], seed=2, screen=True)
    world.until_well(5)
    world.weather.bandwidth = bytes_per_s
    oldest = 0.0
    for _ in range(4 * seconds):
        world.run(0.25)
        shown = world.shown("BTC/USD")
        if shown.proof is Proof.VERIFIED and not shown.stale:
            oldest = max(oldest, (world.now - world.newest_sent["BTC/USD"]) / SECOND)
    return world, oldest


def test_f14_a_narrow_line_is_late_and_says_so(ledger: Ledger) -> None:
    world, oldest = narrow(12_288.0, 100.0, 150)
    drops = [at for at, event in world.changes(State.DISCONNECTED) if "behind" in event.cause]
    assert len(drops) >= 2, "the line was too narrow"
    gaps = [(later - earlier) / SECOND for earlier, later in pairwise(drops)]
    assert min(gaps) >= 60
    assert oldest <= 5.25
    error = max(abs(error) for error in world.lag_errors) / SECOND
    assert error <= 1.0
    assert any("behind" in event.cause for _, event in world.changes(State.DEGRADED))
    seen = f"12 KiB/s for twice that: {len(drops)} drops, {min(gaps):.0f} s apart at least; lag off by {error:.2f} s"
    ledger("DEGRADED, lag told truly", f"{seen}; fresh at {oldest:.2f} s at most", "1 s; one drop a minute; 5 s")


def test_f14_a_snapshot_long_on_its_way_is_as_old_as_its_grant(ledger: Ledger) -> None:
    world, oldest = narrow(1024.0, 40.0, 90)
    # On such a line the pong waits behind other frames, so the measured offset is off by up to half its round trip.
    trip = (world.client.latency.round_trip_ns or 0) / SECOND
    ledger("never fresh over 5 s", f"1 KiB/s: fresh at {oldest:.2f} s at most; {len(world.dials)} dials", "5.5 s")
    assert oldest <= 5.5
    assert trip < 1


def test_f19_an_idle_connection_stays(ledger: Ledger) -> None:
    world = World(wants=())
    world.run(3600)
    assert len(world.dials) == 1
    assert world.client.state is State.SUBSCRIBED
    pings = sum('"ping"' in text for _, text in world.sent)
    ledger("SUBSCRIBED", f"0 reconnects in an hour, {pings} pings", "0 reconnects")


def test_f21_three_reasons_at_once_make_one_transition(ledger: Ledger) -> None:
    world = up()
    world.weather.mute = True
    world.run(4.9)
    began = world.now
    world.client.disconnected("closed by the server: 1001", world.mono, world.wall, close_code=1001)
    world.client.disconnected("reset", world.mono, world.wall)
    world.client.tick(world.mono + SECOND, world.wall + SECOND)
    world.client.unwant("ETH/USD", world.mono, world.wall)
    world.heal()
    world.tick()
    world.run(5)
    downs = [event for at, event in world.changes(State.DISCONNECTED) if at >= began]
    assert len(downs) == 1
    assert len(world.dials) == 2
    assert world.well
    ledger("one transition, one socket", f"{len(downs)} transition, {len(world.dials) - 1} dial", "1 dial")


def test_f22_restarts_do_not_reset_the_budget(ledger: Ledger) -> None:
    world = World(seed=4)
    world.door = Door("closed")
    for _ in range(100):
        world.run(2)
        world.start_client(world.budget)
    assert world.most_dials() <= 30
    outage = world.most_dials()
    world = World()
    world.door = Door("http", 429)
    world.run(1)
    for _ in range(100):
        world.start_client(world.budget)
        assert world.client.state is State.COOLDOWN
        world.run(2)
    assert len(world.dials) == 1
    seen = f"{outage} dials in 10 min over 100 restarts; 1 in COOLDOWN"
    ledger("budget and COOLDOWN survive restarts", seen, "30 / 10 min")


def test_a_reconnect_is_told_as_a_resync_of_every_book() -> None:
    world = up()
    world.hang_up()
    world.run(3)
    assert {event.symbol for event in world.of(Resync)} == {"BTC/USD", "ETH/USD"}
