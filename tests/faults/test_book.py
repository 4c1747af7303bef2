"""F49 to F68: what can happen to a book. The oracle of the rig compares every frame besides."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest

from kraken_tui.exchange import PAIRS
from kraken_tui.feed.connection.table import State
from kraken_tui.feed.events import Resync
from kraken_tui.feed.limits import Limits
from kraken_tui.market.events import BookState, Proof
from tests.faults.helpers import HandMade, asked, book_changes, proof, until, untouched, up
from tests.faults.ledger import Ledger
from tests.rig.network import SECOND
from tests.rig.world import World, many, thin

BIDS = [(50_000 - at, 10**8 + at) for at in range(10)]
ASKS = [(50_001 + at, 2 * 10**8 + at) for at in range(10)]


def resyncs(world: World) -> int:
    """Books fetched again so far."""
    return world.client.counters.resyncs


def strike(kind: str, times: int, depth: int = 10) -> tuple[list[int], int, World]:
    """Let one book fault strike again and again; returns messages until noticed, how often unseen, and the world."""
    # The limit of three resyncs a minute is another fault's business.
    limits = Limits(resync_limit=10**6)
    world = up(pairs=[thin("BTC/USD", 10.0, levels=max(40, 2 * depth))], depth=depth, seed=depth, limits=limits)
    stitcher = world.client.stitchers["BTC/USD"]
    noticed, unseen = [], 0
    for _ in range(times):
        world.run(1)
        world.weather.arm(kind, "BTC/USD", 1)
        before, failed = stitcher.counters.applied, stitcher.counters.checks_failed
        while world.weather.armed(kind, "BTC/USD"):
            before = stitcher.counters.applied
            world.run(0.05)
        while stitcher.counters.checks_failed == failed and stitcher.counters.applied - before < 60:
            world.run(0.05)
        if stitcher.counters.checks_failed > failed:
            noticed.append(stitcher.counters.applied - before)
        else:
            unseen += 1
        world.until_well(5)
    return noticed, unseen, world


def test_f49_a_lost_message_shows_with_the_next_checksums(ledger: Ledger) -> None:
    noticed, unseen, world = strike("lose", 40)
    next_one = sum(count <= 1 for count in noticed)
    assert (next_one + unseen) >= 0.9 * 40
    assert world.well
    later = f"{len(noticed) - next_one} within {max(noticed)}, {unseen} healed unseen"
    seen = f"{next_one} of 40 with the next message, {later}"
    ledger("never VERIFIED beside a wrong top ten", seen, ">= 90 % with the next (depth 10)")


def test_f50_a_doubled_message_ends_in_equality(ledger: Ledger) -> None:
    noticed, unseen, world = strike("double", 20)
    assert world.well
    ledger("LIVE or one resync", f"{unseen} of 20 harmless, {len(noticed)} resynced; equality each time", "2 s")


def test_f51_swapped_neighbours_end_in_equality(ledger: Ledger) -> None:
    noticed, unseen, world = strike("swap", 20)
    assert world.well
    ledger("RESYNCING if harmful", f"{unseen} of 20 harmless, {len(noticed)} resynced; equality each time", "2 s")


def test_f52_a_flipped_digit_is_never_shown_as_verified(ledger: Ledger) -> None:
    noticed, unseen, _ = strike("flip", 20)
    assert not [count for count in noticed if count > 1]
    assert unseen + len(noticed) == 20
    ledger(
        "unproven with that very frame",
        f"{len(noticed)} of 20 caught at once, {unseen} not in the top ten",
        "same frame",
    )


def test_f54_a_checksum_wrong_for_ever_is_quarantined(ledger: Ledger) -> None:
    world = World(many(20, events_per_s=0.3), poll_ms=250)
    world.until_well(20)
    names = list(world.client.stitchers)
    bad = names[3]
    world.weather.arm("checksum", bad, 10**6)
    began = world.now
    until(world, lambda: world.client.stitchers[bad].state is BookState.QUARANTINED, 60)
    took = (world.now - began) / SECOND
    world.run(600 - took)
    requests = [method for _, method in asked(world, bad, since=began) if method == "subscribe"]
    assert len(requests) <= 10
    assert proof(world, bad) is Proof.UNVERIFIED
    assert world.client.stitchers[bad].has_levels
    assert untouched(world, [name for name in names if name != bad])
    assert len(world.dials) == 1
    seen = f"QUARANTINED after {took:.1f} s; {len(requests)} subscribes in 10 min; 19 of 19 others VERIFIED, 0 resyncs"
    ledger("3 resyncs, QUARANTINED, UNVERIFIED", seen, "10 subscribes / 10 min")


def test_f55_zero_is_a_checksum_like_any_other(ledger: Ledger) -> None:
    made = HandMade()
    made.snapshot([], [])
    assert made.book.checksum() == 0
    assert made.verified
    assert made.equal
    made.update(BIDS, ASKS)
    assert made.verified
    made.update([(50_000, 7)], [], checksum=0)
    assert not made.verified
    assert made.world.client.stitchers[made.symbol].state is BookState.RESYNCING
    ledger(
        "LIVE when empty, RESYNCING when full", "empty book VERIFIED with 0; full book unproven by 0", "0 is a value"
    )


def test_f56_every_checksum_is_checked_the_upper_half_too(ledger: Ledger) -> None:
    world = World([thin("BTC/USD", 30.0)])
    high = books = 0

    def count(frame: str | bytes) -> list[str | bytes]:
        nonlocal high, books
        found = re.search(r'"checksum":(\d+)', str(frame))
        books += bool(found)
        high += bool(found) and int(found[1]) >= 2**31
        return [frame]

    world.weather.mangle = count
    world.until_well(5)
    world.run(60)
    world.weather.mangle = lambda frame: []
    world.run(0.1)
    checked = world.client.counters.checks_ok
    assert books == checked
    assert high > books / 4
    seen = f"{checked:,} of {books:,} checked, {high:,} of them from 2^31 on"
    ledger("LIVE, checks = messages", seen, "100 %")


@pytest.mark.parametrize("checksum", ["none", None, "3310070434", 2**32, -1, 1.5, True])
def test_f57_without_a_valid_checksum_nothing_is_verified(checksum: Any, ledger: Ledger) -> None:
    made = HandMade()
    made.snapshot(BIDS, ASKS, checksum=checksum)
    assert not made.verified
    made.update([(50_000, 9)], [], checksum=checksum)
    assert not made.verified
    assert made.equal
    made.update([(50_000, 10)], [])
    ledger("UNVERIFIED, never VERIFIED", f"{checksum!r}: UNVERIFIED, levels shown", "never")


@pytest.mark.parametrize(("bids", "asks"), [(0, 0), (0, 1), (1, 0), (1, 9), (9, 1), (9, 9), (10, 0)])
def test_f58_short_sides_are_books_too(bids: int, asks: int, ledger: Ledger) -> None:
    made = HandMade()
    made.snapshot(BIDS[:bids], ASKS[:asks])
    rng = Random(bids * 10 + asks)
    for _ in range(30):
        ticks = rng.randrange(49_995, 50_001)
        made.update([(ticks, rng.choice((0, rng.randrange(1, 10**9))))], [])
        assert made.verified
        assert made.equal
    ledger("LIVE, equality", f"{bids} bids, {asks} asks: 30 updates verified and equal", "equality")


@pytest.mark.parametrize("times", [2, 3, 4, 5])
def test_f59_one_price_several_times_counts_in_order(times: int, ledger: Ledger) -> None:
    made = HandMade()
    made.snapshot(BIDS, ASKS)
    made.update([(50_000, lots) for lots in range(times, 0, -1)], [(50_001, 5), (50_001, 0), (50_001, 6)])
    assert made.verified
    assert made.world.client.books[made.symbol].bids.best() == (50_000, 1)
    made.update([(49_999, 8), (49_999, 0)], [(60_000, 0), (50_000 + times * 3, 4)])
    assert made.verified
    assert made.equal
    ledger("LIVE, in order", f"{times} times: the last one holds; verified and equal", "in order")


def test_f60_a_book_may_cross_in_the_middle_of_a_message(ledger: Ledger) -> None:
    world = up(screen=True)
    made = HandMade()
    made.snapshot(BIDS, ASKS)
    # The bid passes the old ask; the ask it passed is removed later in the same message.
    made.update([(50_001, 10**8)], [(50_001, 0), (50_011, 10**8)])
    assert made.verified
    assert made.equal
    assert not made.world.client.books[made.symbol].crossed
    assert resyncs(made.world) == 0
    assert world.well
    ledger("LIVE, judged per message", "verified, not crossed after it, 0 resyncs", "per message")


def test_f61_a_crossed_book_with_a_right_checksum_is_shown_as_it_is(ledger: Ledger) -> None:
    made = HandMade()
    made.snapshot(BIDS, ASKS)
    made.update([(50_003, 10**8)], [])
    book = made.world.client.books[made.symbol]
    assert made.verified
    assert made.equal, "nothing is removed"
    assert book.crossed
    assert resyncs(made.world) == 0
    made.update([(50_003, 0), (49_990, 10**8)], [])
    assert not book.crossed
    assert made.verified
    ledger("LIVE, crossed at the venue", "shown whole, `crossed` set, 0 resyncs", "1 resync")


def test_f62_levels_that_leave_and_return_leave_no_ghosts(ledger: Ledger) -> None:
    world = up(pairs=[thin("BTC/USD", 20.0, levels=40), thin("ETH/USD", 20.0, levels=40)], depth=25)
    world.run(120)
    assert world.well
    assert resyncs(world) == 0
    assert world.oracle.whole > 500
    made = HandMade()
    made.snapshot(BIDS, ASKS)
    for _ in range(5):
        made.update([(50_100, 1)], [])  # the tenth bid leaves the depth
        made.update([(50_100, 0), (49_991, 10**8 + 9)], [])  # and is reported again when it returns
        assert made.verified
        assert made.equal
    # Added before it is removed: for a moment there are eleven, and the eleventh must not be forgotten.
    made.update([(50_200, 1), (50_200, 0)], [(50_000, 1), (50_000, 0)])
    assert made.verified
    assert made.equal
    ledger("LIVE, no ghosts", f"{world.oracle.whole:,} whole books equal at depth 25", "equality")


def test_f63_deltas_at_the_wrong_time_are_ignored_and_counted(ledger: Ledger) -> None:
    made = HandMade()
    made.snapshot(BIDS, ASKS)
    made.update([(50_000, 5)], [], checksum=1)
    world = made.world
    began, counters = world.now, world.client.stitchers[made.symbol].counters
    ignored = counters.ignored
    for lots in range(1, 51):
        made.update([(50_000, lots)], [])
    assert counters.ignored == ignored + 50
    assert counters.resyncs == 1
    world.weather.calm()
    world.until_well(15)
    assert len([1 for _, method in asked(world, made.symbol, since=began) if method == "subscribe"]) == 1
    world.client.unwant(made.symbol, world.mono, world.wall)
    world.tick()
    before = world.client.counters.ignored.total()
    made.update([(50_000, 3)], [])
    assert world.client.counters.ignored.total() == before + 1
    ledger("ignored, counted", "50 during a resync, 1 after leaving; 1 resync in flight", "1 resync in flight")


def test_f64_a_snapshot_with_a_wrong_checksum_is_not_verified(ledger: Ledger) -> None:
    slowest = 0.0
    for seed in range(10):
        world = World(seed=seed)
        world.weather.arm("checksum", "BTC/USD", 1)
        until(world, lambda world=world: world.of(Resync), 3)
        began = world.now
        assert proof(world, "BTC/USD") is Proof.UNVERIFIED
        world.until_well(5)
        healed = next(at for at, event in book_changes(world, "BTC/USD", began) if event.proof is Proof.VERIFIED)
        slowest = max(slowest, healed)
        assert [event.proof for _, event in book_changes(world, "BTC/USD")].count(Proof.VERIFIED) == 1
    assert slowest <= 2
    ledger("RESYNCING, not VERIFIED", f"healed after {slowest:.2f} s at most, 10 seeds", "2 s")


@pytest.mark.parametrize(
    ("price", "qty", "ticks", "lots"), [(10, 8, 1, 10**17), (8, 8, 4_528_300, 1), (0, 0, 7, 10**9)]
)
def test_f65_the_finest_and_the_largest_numbers_are_exact(
    price: int, qty: int, ticks: int, lots: int, ledger: Ledger
) -> None:
    made = HandMade(price=price, qty=qty)
    made.snapshot([(ticks, lots)], [(ticks + 1, lots + 1)])
    assert made.verified
    for step in range(1, 30):
        made.update([(ticks, lots + step)], [(ticks + step, lots * step)])
        assert made.verified
        assert made.equal
    ledger("LIVE, exact text", f"{price} and {qty} decimals, {lots:,} lots: 30 of 30 verified and equal", "exact")


def _tenfold(frame: str | bytes) -> list[str | bytes]:
    """Prices times ten, one decimal fewer: the checksum's digits stay the same."""
    if not isinstance(frame, str) or '"channel":"book"' not in frame:
        return [frame]
    return [
        re.sub(r'"price":(\d+)\.(\d)(\d*)', lambda m: f'"price":{m[1]}{m[2]}' + (f".{m[3]}" if m[3] else ""), frame)
    ]


def test_f66_a_wrong_scale_is_not_verified_for_long(ledger: Ledger) -> None:
    world = World([thin("ETH/USD", 10.0, like="ETH/USD")])
    world.until_well(5)
    world.weather.mangle = _tenfold
    world.hang_up()
    world.run(0.5)
    # With the instrument list's precisions such a price is another number, and its digits another checksum.
    verified_s = 0.0
    for _ in range(300):
        world.run(0.1)
        wrong = proof(world, "ETH/USD") is Proof.VERIFIED
        verified_s += 0.1 * wrong
    assert verified_s <= 15
    ledger("UNVERIFIED", f"{verified_s:.1f} s VERIFIED with the wrong scale", "15 s")


def test_f67_a_frozen_book_beside_a_moving_ticker_is_noticed(ledger: Ledger) -> None:
    world = World([thin("BTC/USD", 10.0)])
    world.until_well(5)
    world.weather.mangle = lambda frame: [] if '"channel":"book","type":"update"' in str(frame) else [frame]
    took = until(world, lambda: proof(world, "BTC/USD") is not Proof.VERIFIED, 60)
    ledger("witness alarm, RESYNCING", f"after {took:.1f} s", "15 s from the first difference")


def test_f67_a_frozen_thin_book_is_noticed_from_the_first_contradiction_on(ledger: Ledger) -> None:
    slowest, late = 0.0, 0.0
    for seed in range(20):
        world = up(seed, [PAIRS["MINA/GBP"]], screen=True)
        world.weather.mangle = lambda frame: [] if '"channel":"book","type":"update"' in str(frame) else [frame]
        began, differs_since = world.now, None
        held = world.client.books["MINA/GBP"]
        while proof(world, "MINA/GBP") is Proof.VERIFIED and world.now - began < 300 * SECOND:
            world.run(0.1)
            ticker = world.shown("MINA/GBP").ticker
            apart = (ticker.bid, ticker.ask) != (held.bids.top(1)[0][0], held.asks.top(1)[0][0])
            differs_since = None if not apart else world.now if differs_since is None else differs_since
            if differs_since is not None:
                slowest = max(slowest, (world.now - differs_since) / SECOND)
        late = max(late, (world.now - began) / SECOND)
    assert slowest <= 15
    seen = f"MINA/GBP: {slowest:.1f} s after the ticker's touch began to differ (up to {late:.0f} s after freezing)"
    ledger("witness alarm, RESYNCING", seen + ", 20 seeds", "15 s from the first difference")


def test_f68_twenty_books_that_break_at_once_heal_together(ledger: Ledger) -> None:
    world = World(many(20, events_per_s=6.0))
    world.until_well(20)
    world.run(1)
    for symbol in world.client.stitchers:
        world.weather.arm("checksum", symbol, 1)
    began = world.now
    until(world, lambda: resyncs(world) == 20, 30)
    last_broken = world.now
    world.until_well(10)
    took = (world.now - last_broken) / SECOND
    per_second = max(
        sum(0 <= later - at < SECOND for later, _ in world.sent if later >= began)
        for at, _ in world.sent
        if at >= began
    )
    assert took <= 10
    assert per_second <= 10
    assert world.client.state is State.SUBSCRIBED
    seen = f"all LIVE {took:.1f} s after the last broke; {per_second} requests in a second at most"
    ledger("20 resyncs, paced", seen, "10 s")


def test_a_lost_proof_is_told_before_the_levels_that_lost_it() -> None:
    made = HandMade()
    made.snapshot(BIDS, ASKS)
    before = len(made.world.events)
    made.update([(50_000, 5)], [], checksum=1)
    told = [type(event).__name__ for _, event in made.world.events[before:]]
    assert told.index("BookStateChanged") < told.index("BookChanged")
