"""F28 to F40: refusals, silence, and the exchange's own states."""

from __future__ import annotations

from itertools import pairwise

import pytest

from kraken_tui.exchange import peer
from kraken_tui.feed.connection.table import State
from kraken_tui.feed.events import Refused, Trades
from kraken_tui.market.events import BookState, Proof
from tests.faults.helpers import asked, book_changes, first, proof, twenty, until, untouched, up
from tests.faults.ledger import Ledger
from tests.rig.network import SECOND
from tests.rig.world import Door, World, many, thin


def test_f28_a_refused_depth_is_asked_for_once(monkeypatch: pytest.MonkeyPatch, ledger: Ledger) -> None:
    monkeypatch.setattr(peer, "DEPTHS", (10, 25))
    world = World(depth=100)
    world.run(600)
    assert len(asked(world, "BTC/USD")) == 1
    refusals = [at for at, event in world.events if isinstance(event, Refused) and event.channel == "book"]
    took = (refusals[0] - world.dials[0]) / SECOND
    assert took <= 1
    assert world.client.stitchers["BTC/USD"].state is BookState.REFUSED
    assert "depth not supported" in world.client.stitchers["BTC/USD"].reason
    assert len(world.dials) == 1
    world.client.set_depth(25, world.mono, world.wall)
    world.until_well(5)
    ledger(
        "REFUSED with the venue's words, not repeated",
        f"shown after {took:.2f} s; 1 request in 10 min",
        "1 s; 1 request",
    )


def test_f29_one_bad_symbol_of_twenty(ledger: Ledger) -> None:
    pairs = many(20)
    bad = pairs[7].symbol
    pairs[7] = thin(bad, status="delisted")
    world = World(pairs)
    world.run(60)
    others = [spec.symbol for spec in pairs if spec.symbol != bad]
    assert world.client.stitchers[bad].state is BookState.REFUSED
    assert untouched(world, others)
    shown = next(at for at, event in world.events if isinstance(event, Refused) and event.symbol == bad)
    asked_at = next(at for at, text in world.sent if bad in text)
    assert (shown - asked_at) / SECOND <= 1
    assert len(asked(world, bad)) == 1
    assert world.client.state is State.SUBSCRIBED
    seen = f"REFUSED after {(shown - asked_at) / SECOND:.2f} s; 19 of 19 others VERIFIED, 0 resyncs"
    ledger("one REFUSED, others untouched", seen, "1 s")


def test_f30_a_lost_acknowledgement_is_asked_for_again_every_five_seconds(ledger: Ledger) -> None:
    world = World(seed=1)
    world.weather.mangle = lambda frame: (
        [] if "BTC/USD" in str(frame) and ('"success"' in str(frame) or '"book"' in str(frame)) else [frame]
    )
    world.run(25)
    times = [at for at, _ in asked(world, "BTC/USD")]
    gaps = [later - earlier for earlier, later in pairwise(times[:4])]
    assert len(times) == 4
    assert gaps == pytest.approx([5, 5, 5], abs=0.3)
    assert world.client.state is State.DEGRADED
    assert proof(world, "BTC/USD") is not Proof.VERIFIED
    world.heal()
    world.until_well(40)
    seen = f"asked {len(times)} times, {max(gaps):.2f} s apart at most, then DEGRADED"
    ledger("WAIT_ACK, three repeats, DEGRADED", seen, "5 s each")


def test_f31_an_acknowledged_book_without_a_snapshot_is_never_live(ledger: Ledger) -> None:
    world = World()
    world.venue.faults.withhold_snapshots("BTC/USD", 1)
    world.run(9.5)
    assert world.client.stitchers["BTC/USD"].state is BookState.WAIT_SNAPSHOT
    noticed = until(world, lambda: world.client.stitchers["BTC/USD"].state is BookState.RESYNCING, 3)
    again = world.until_well(5)
    states = [event.state for _, event in book_changes(world, "BTC/USD")]
    assert states.index(BookState.RESYNCING) < states.index(BookState.LIVE)
    ledger("RESYNCING; an empty book is never LIVE", f"after {9.5 + noticed:.1f} s, LIVE {again:.2f} s later", "10 s")


def test_f32_doubled_and_late_acknowledgements_do_nothing(ledger: Ledger) -> None:
    world = World(seed=2)
    world.weather.mangle = lambda frame: [frame, frame, frame] if '"success":true' in str(frame) else [frame]
    world.until_well(5)
    world.run(5)
    late = sum(count for kind, count in world.client.counters.ignored.items() if kind.startswith("late"))
    assert late > 10
    assert world.well
    assert world.client.counters.resyncs == 0
    world.venue.faults.acks = "hold"
    world.client.set_depth(25, world.mono, world.wall)
    world.run(3)
    world.venue.faults.acks = "send"
    world.until_well(20)
    ledger("LIVE, matched by number", f"{late} extra answers counted and ignored, 0 resyncs", "0 effects")


def test_f33_two_hundred_symbols_at_a_strict_exchange(ledger: Ledger) -> None:
    world = World(many(200, events_per_s=0.2, levels=25))
    world.venue.faults.message_rate = 2
    took = world.until_well(120)
    refused = sum("msg rate" in note for note in map(str, world.events))
    assert len(world.client.stitchers) == 200
    assert not world.of(Refused)
    world.run(1)
    assert world.client.subscriptions.confirmed == 801
    ledger("slower sending, none missing", f"{refused} refusals for speed; all 200 LIVE after {took:.0f} s", "120 s")


@pytest.mark.parametrize("system", ["maintenance", "cancel_only", "post_only"])
def test_f34_the_exchanges_state_is_shown_and_books_go_on(system: str, ledger: Ledger) -> None:
    world = up(screen=True)
    world.run(1)
    before, began = world.oracle.proofs, world.now
    world.venue.faults.set_system_status(system)
    took = until(world, lambda: world.shown("BTC/USD").venue == system.upper().replace("_", "-"), 1)
    assert took <= 0.25
    world.run(20)
    assert world.well
    assert len(world.dials) == 1
    assert not [event for at, event in book_changes(world, "BTC/USD", began)]
    if system != "maintenance":
        assert world.oracle.proofs > before
    ledger("venue badge, books keep applying", f"{system}: badge after {took * 1000:.0f} ms", "250 ms")


def test_f35_back_after_a_maintenance_of_twenty_minutes(ledger: Ledger) -> None:
    slowest, most = 0.0, 0
    for seed in range(10):
        world = up(seed)
        world.venue.faults.set_system_status("maintenance")
        world.run(1)
        world.door = Door("http", 503) if seed % 2 else Door("slam", code=1012)
        world.hang_up(1012)
        world.run(20 * 60)
        gaps = [later - earlier for earlier, later in pairwise(world.dials)]
        assert min(gaps) >= 5 * SECOND, "the venue asks for no faster than every 5 s then"
        most = max(most, world.most_dials())
        world.heal()
        slowest = max(slowest, world.until_well(65))
    assert slowest <= 62
    assert most <= 30
    seen = f"LIVE {slowest:.1f} s at most after the return; {most} dials at most in 10 min; 10 seeds"
    ledger("backoff and badge", seen, "60 s + connecting")


def test_f36_a_name_that_is_gone_gets_the_nearest(ledger: Ledger) -> None:
    world = World(many(5), wants=["P00/USD", "P01/USD", "P09/USD", "BTC/USX"])
    world.run(5)
    refused = {event.symbol: event.nearest for event in world.of(Refused)}
    assert set(refused) == {"P09/USD", "BTC/USX"}
    assert any(name.startswith("P0") for name in refused["P09/USD"])
    assert untouched(world, ["P00/USD", "P01/USD"])
    at = next(at for at, event in world.events if isinstance(event, Refused))
    took = (at - world.dials[0]) / SECOND
    assert took <= 1
    ledger("a sentence and a suggestion", f"after {took:.2f} s: {', '.join(refused['P09/USD'])}", "1 s")


def test_f37_another_precision_in_mid_session(ledger: Ledger) -> None:
    slowest = 0.0
    for seed in range(10):
        world = up(seed)
        world.run(1)
        began = world.now
        world.venue.faults.set_precision("BTC/USD", price=2 if seed % 2 else 0)
        stitcher = world.client.stitchers["BTC/USD"]
        until(world, lambda stitcher=stitcher: stitcher.state is BookState.RESYNCING, 1)
        world.until_well(5)
        slowest = max(slowest, (world.now - began) / SECOND)
        assert untouched(world, ["ETH/USD"])
        assert world.client.books["BTC/USD"].spec.price_precision == (2 if seed % 2 else 0)
    assert slowest <= 2
    ledger("RESYNCING, LIVE, equality", f"{slowest:.2f} s at most, 10 seeds; others untouched", "2 s")


def test_f38_unknown_kinds_are_counted_and_ignored(ledger: Ledger) -> None:
    world = up()
    before = world.client.counters.ignored.total()
    strange = (
        '{"channel":"moon","type":"update","data":[{"price":1}]}',
        '{"channel":"book2","type":"snapshot","data":[]}',
        '{"method":"dance","result":{},"success":true}',
        '{"hello":"world"}',
    )
    for frame in strange:
        world.venue.faults.inject(frame)
    world.venue.faults.inject('{"channel":"heartbeat","mood":"good","since":{"a":[1,2]}}')
    world.run(2)
    assert world.client.counters.ignored.total() == before + len(strange)
    assert world.well
    assert len(world.dials) == 1
    ledger("counted, ignored", f"{len(strange)} of {len(strange)} counted by kind, 0 reconnects", "all")


def test_f39_a_snapshot_nobody_asked_for_replaces_the_whole(ledger: Ledger) -> None:
    world = up(depth=25)
    whole = world.oracle.whole
    for _ in range(20):
        world.venue.faults.resend_snapshot("BTC/USD")
        world.run(1)
    assert world.well
    assert world.client.counters.resyncs == 0
    assert world.oracle.whole - whole >= 20
    ledger(
        "LIVE, replaces the whole",
        f"20 snapshots, {world.oracle.whole - whole} whole books equal, 0 resyncs",
        "equality",
    )


def test_f40_trades_are_told_once_over_reconnects(ledger: Ledger) -> None:
    world = up(pairs=[thin("BTC/USD", 20.0)])
    for _ in range(10):
        world.run(5)
        world.hang_up()
        world.run(0.1)
        world.until_well(70)
    ids = [trade.trade_id for event in world.of(Trades) for trade in event.trades]
    assert len(ids) == len(set(ids))
    assert world.client.counters.duplicates > 50
    seen = f"{len(ids)} trades, {world.client.counters.duplicates} delivered again, 0 told twice, 10 reconnects"
    ledger("no duplicates on the tape", seen, "0")


def test_a_pair_that_returns_has_the_depth_that_is_asked_for_now() -> None:
    """Found by a random schedule: the depth once granted was kept, and a book cut short was called VERIFIED."""
    world = up()
    world.client.unwant("BTC/USD", world.mono, world.wall)
    world.run(1)
    world.client.set_depth(25, world.mono, world.wall)
    world.weather.lose_acks = True
    world.client.want("BTC/USD", world.mono, world.wall)
    world.run(8)
    assert world.client.books["BTC/USD"].depth == 25
    world.heal()
    world.until_well(60)


def test_many_books_still_share_requests() -> None:
    world = twenty()
    assert len([text for _, text in world.sent if '"book"' in text]) == 1
    assert first(world, State.SUBSCRIBED)
