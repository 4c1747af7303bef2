"""One book: states, proofs, resync limits, and equality with a slow reference book."""

from __future__ import annotations

from dataclasses import asdict, astuple
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.feed.events import BookStateChanged, Resync
from kraken_tui.feed.proof.assumed_spec import infer_depth, infer_spec
from kraken_tui.feed.proof.book_history import BookHistory
from kraken_tui.feed.proof.stitcher import read_timestamp, valid_checksum
from kraken_tui.market.events import BookChanged, BookState, Proof, Side
from kraken_tui.units import SECOND
from kraken_tui.wire.messages import BookData
from tests.feed.proof.stitcher_script import ASKS, BIDS, LIVE, SNAPSHOT_NS, Script, data_of
from tests.rig.clock import VENUE_START as WALL
from tests.rig.scripted import SlowBook


def test_from_asked_to_live() -> None:
    script = Script()
    assert script.where == (BookState.WAIT_ACK, Proof.CHECKING)
    script.begin()
    assert [(e.state, e.proof) for e in script.events if isinstance(e, BookStateChanged)] == [
        (BookState.WAIT_SNAPSHOT, Proof.CHECKING),
        LIVE,
    ]
    assert script.stitcher.reason == ""
    assert script.events[-1].kind == "snapshot"
    assert script.events[-1].verified
    assert script.events[-1].changes == (), "a snapshot replaces, it does not change"


def test_updates_before_the_snapshot_and_after_the_unsubscribe_are_ignored_and_counted() -> None:
    script = Script()
    script.update([(1, 1)])
    script.begin().update([(2, 2)], leaving=True)
    assert script.stitcher.counters.ignored == 2
    assert script.stitcher.book.bids.lots_at(2) == 0


def test_f55_checksum_zero_is_a_value() -> None:
    script = Script()
    frame = '{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[],"asks":[],"checksum":0}]}'
    script.stitcher.message("snapshot", data_of(frame), 0, WALL)
    assert script.where == LIVE
    script.snapshot(checksum=0)
    assert script.where == (BookState.RESYNCING, Proof.UNVERIFIED)


@pytest.mark.parametrize("checksum", ["none", None, "3310070434", 2**32, -1, True, [], {}])
def test_f57_without_a_valid_checksum_nothing_is_verified_and_nothing_resynced(checksum: Any) -> None:
    script = Script().begin()
    script.update([(50_000, 99)], checksum=checksum)
    assert script.where == (BookState.LIVE, Proof.UNVERIFIED)
    assert not script.events[-1].verified
    assert script.events[-1].checksum is None
    assert not script.took_resync()
    assert script.stitcher.counters.unchecked == 1
    script.update([(50_000, 98)])
    assert script.where == LIVE
    script.snapshot(checksum=checksum)
    assert script.where == (BookState.LIVE, Proof.UNVERIFIED)


def test_a_float_checksum_is_none() -> None:
    assert valid_checksum(1.0) is None
    assert valid_checksum(0) == 0
    assert valid_checksum(2**32 - 1) == 2**32 - 1


def test_f56_checksums_above_the_signed_range_are_checked() -> None:
    script, high = Script().begin(), 0
    for lots in range(1, 60):
        script.update([(50_000, lots)])
        high += script.reference.checksum() >= 2**31
    assert high > 10
    assert script.stitcher.counters.checks_ok == 60


def test_only_a_new_snapshot_restores_trust() -> None:
    script = Script(can_resync=False).begin()
    script.update([(50_000, 99)], checksum=1)
    assert script.where == (BookState.RESYNCING, Proof.UNVERIFIED)
    script.update([(50_000, 98)])
    assert script.where == (BookState.RESYNCING, Proof.UNVERIFIED)
    assert not script.events[-1].verified
    assert script.stitcher.book.bids.lots_at(50_000) == 98
    script.snapshot()
    assert script.where == LIVE


def test_the_old_levels_stay_visible_when_a_snapshot_cannot_be_read() -> None:
    script = Script().begin()
    bad = script.reference.frame("BTC/USD", "snapshot", BIDS, ASKS, WALL).replace("5000.0,", "1e999,")
    script.events += script.stitcher.message("snapshot", data_of(bad), 0, WALL)
    assert script.where == (BookState.RESYNCING, Proof.UNVERIFIED)
    assert script.stitcher.book.bids.best() == (50_000, 10)
    assert "number" in script.stitcher.reason


@pytest.mark.parametrize("price", ["-1.0", "0.0", "1e999", "5000.01", "true", '"5000.O"', "null", "1" * 60 + ".0"])
def test_f45_an_unacceptable_number_is_never_in_the_book(price: str) -> None:
    script = Script().begin()
    frame = script.reference.frame("BTC/USD", "update", [(50_000, 5)], [], WALL)
    data = data_of(frame.replace("5000.0", price))
    before = script.stitcher.book.bids.top()
    events = script.stitcher.message("update", data, 0, WALL)
    assert script.where == (BookState.RESYNCING, Proof.UNVERIFIED)
    assert script.stitcher.book.bids.top() == before
    assert [e.cause for e in events if isinstance(e, Resync)] == ["bad number"]
    assert script.took_resync()


def test_a_missing_snapshot_is_asked_for_again() -> None:
    script = Script()
    script.stitcher.asked(WALL)
    script.stitcher.acked(SNAPSHOT_NS, WALL)
    script.wait(9.9)
    assert not script.took_resync()
    script.wait(0.2)
    assert script.took_resync()
    assert script.events[-1].cause == "no snapshot"


def test_three_resyncs_in_a_minute_then_ever_longer_quarantines() -> None:
    script = Script().begin()
    for _ in range(3):
        script.update([(50_000, 99)], checksum=1).wait(1)
        assert script.took_resync()
        script.snapshot(checksum="right").wait(1)
    for length in (60, 300, 900, 900):
        script.update([(50_000, 97)], checksum=1)
        if script.took_resync():
            script.snapshot(checksum=2)
        assert script.where == (BookState.QUARANTINED, Proof.UNVERIFIED)
        script.update([(50_000, 55)]).update([(50_000, 56)], checksum=3)
        assert script.stitcher.book.bids.lots_at(50_000) == 56
        assert script.where == (BookState.QUARANTINED, Proof.UNVERIFIED)
        script.wait(length - 1)
        assert not script.took_resync()
        script.wait(1)
        assert script.took_resync()
        script.snapshot(checksum=2)
    script.wait(900)
    assert script.took_resync()
    script.snapshot()
    assert script.where == LIVE


def test_a_minute_of_proofs_forgives_earlier_quarantines() -> None:
    script = Script().begin()
    script.stitcher._quarantine_level = 2
    script.wait(61).update([(50_000, 4)])
    assert script.stitcher._quarantine_level == 0


def test_a_lost_connection_unproves_but_keeps_the_levels() -> None:
    script = Script().begin()
    script.events += script.stitcher.lost(WALL, "no frame for 5 s")
    assert script.where == (BookState.WAIT_ACK, Proof.UNVERIFIED)
    assert script.stitcher.reason == "no frame for 5 s"
    assert script.stitcher.book.bids.best() == (50_000, 10)
    script.update([(50_000, 4)])
    assert script.stitcher.book.bids.best() == (50_000, 10)


def test_a_refused_book_takes_nothing_until_it_is_asked_for_again() -> None:
    script = Script()
    script.events += script.stitcher.refused(WALL, "Subscription depth not supported")
    assert script.where == (BookState.REFUSED, Proof.UNVERIFIED)
    script.snapshot()
    assert script.where[0] is BookState.REFUSED
    assert script.stitcher.lost(WALL, "gone") == []
    script.stitcher.asked(WALL)
    script.snapshot()
    assert script.where == LIVE


def test_the_venues_timestamp_is_kept_verbatim_and_nonsense_is_dropped() -> None:
    script = Script().begin()
    assert script.events[-1].timestamp == "2026-09-21T14:13:20.000000Z"
    assert script.events[-1].venue_ns == WALL
    frame = script.reference.frame("BTC/USD", "update", [], [], WALL).replace("2026-09-21T", "\\u001b[2J")
    (changed,) = script.stitcher.message("update", data_of(frame), 0, WALL)
    assert changed.timestamp is None
    assert changed.venue_ns is None


def test_a_new_book_has_counted_nothing_and_awaits_nothing() -> None:
    stitcher = Script().stitcher
    assert set(astuple(stitcher.counters)) == {0}
    assert stitcher.reason == "waiting for the exchange"
    assert (stitcher.wants_resync, stitcher.proven_since_connect, stitcher.contested) == (False, False, False)
    assert (stitcher.history, stitcher.audited_ns, stitcher.venue_ns) == (None, None, None)
    assert stitcher.next_deadline() is None
    assert stitcher.tick(10**18, WALL) == []
    assert stitcher.has_levels is False
    assert not stitcher.settled


def test_every_message_is_counted_once_by_what_became_of_it() -> None:
    script = Script().begin().update([(1, 1)], leaving=True).update([(50_000, 9)], checksum="none")
    script.update([(50_000, 9)], checksum=5)
    script.update([(50_000, 8)])
    bad = script.reference.frame("BTC/USD", "snapshot", BIDS, ASKS, WALL).replace("5000.0,", "1e999,")
    script.stitcher.message("snapshot", data_of(bad), 0, WALL)
    counted = {"applied": 3, "ignored": 2, "rejected": 1, "checks_ok": 1, "checks_failed": 1, "unchecked": 1}
    assert asdict(script.stitcher.counters) == {**counted, "resyncs": 1}


def test_what_is_told_of_a_message_and_of_a_failure() -> None:
    script = Script(depth=25).begin()
    script.events.clear()
    script.update([(50_000, 7)], [(50_001, 0)])
    right = script.reference.checksum()
    stamp = "2026-09-21T14:13:20.000000Z"
    changes = ((Side.BUY, 50_000, 10, 7), (Side.SELL, 50_001, 20, 0))
    assert script.events == [BookChanged("BTC/USD", "update", True, right, stamp, WALL, WALL, changes, True)]
    assert script.stitcher.venue_ns == WALL
    script.events.clear()
    script.update([(50_000, 8)], checksum=5)
    assert script.events == [
        BookStateChanged(WALL, "BTC/USD", BookState.RESYNCING, Proof.UNVERIFIED, "checksum failed, resyncing"),
        Resync(WALL, "BTC/USD", "checksum", 5, script.reference.checksum()),
        BookChanged("BTC/USD", "update", False, 5, stamp, WALL, WALL, ((Side.BUY, 50_000, 7, 8),), False),
    ]
    assert read_timestamp(None) == (None, None)


def test_a_snapshot_is_awaited_for_ten_seconds_from_the_acknowledgement() -> None:
    script = Script().wait(5)
    script.stitcher.asked(WALL)
    assert script.stitcher.next_deadline() is None
    (event,) = script.stitcher.acked(script.now + SNAPSHOT_NS, WALL)
    assert (event.state, event.reason) == (BookState.WAIT_SNAPSHOT, "waiting for the snapshot")
    assert script.stitcher.next_deadline() == 15 * SECOND
    assert script.stitcher.acked(script.now + SNAPSHOT_NS, WALL) == [], "told once"
    script.stitcher.asked(WALL)
    assert script.stitcher.next_deadline() is None, "asked again, so the acknowledgement is awaited"
    script.stitcher.acked(script.now + SNAPSHOT_NS, WALL)
    script.wait(10)
    assert script.took_resync(), "to the nanosecond"
    assert script.stitcher.next_deadline() is None
    script.stitcher.acked(script.now + SNAPSHOT_NS, WALL)
    script.snapshot()
    assert script.stitcher.next_deadline() is None
    assert script.stitcher.acked(script.now + SNAPSHOT_NS, WALL) == []
    assert script.stitcher.next_deadline() is None, "an acknowledgement after the snapshot awaits nothing"


def test_asking_again_changes_nothing_while_resyncing_and_keeps_the_levels_unproven() -> None:
    script = Script().begin().update([(50_000, 9)], checksum=1)
    assert script.stitcher.asked(WALL) == []
    assert script.where == (BookState.RESYNCING, Proof.UNVERIFIED)
    script.stitcher.lost(WALL, "gone")
    (event,) = script.stitcher.asked(WALL)
    assert (event.state, event.proof) == (BookState.WAIT_ACK, Proof.UNVERIFIED)


def test_what_is_settled_awaits_nothing() -> None:
    script = Script()
    script.stitcher.refused(WALL, "no")
    assert script.stitcher.settled
    script = Script().begin()
    assert script.stitcher.settled
    script.update([(50_000, 9)], checksum=1)
    assert not script.stitcher.settled


@pytest.mark.parametrize("end", ["lost", "refused"])
def test_the_end_of_a_subscription_ends_what_was_awaited(end: str) -> None:
    script = Script().begin().update([(50_000, 9)], checksum=1).snapshot(checksum=1)
    script.stitcher.acked(script.now + SNAPSHOT_NS, WALL)
    assert script.stitcher.next_deadline() == SECOND // 2, "the second resync is due before the snapshot"
    assert script.stitcher.wants_resync
    (event,) = getattr(script.stitcher, end)(WALL, "ended")
    assert event.reason == "ended"
    assert script.stitcher.next_deadline() is None
    assert not script.stitcher.wants_resync


def test_a_lost_connection_takes_the_proof_of_an_empty_book_and_its_audit() -> None:
    script = Script()
    script.stitcher.asked(WALL)
    frame = '{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[],"asks":[],"checksum":0}]}'
    script.stitcher.message("snapshot", data_of(frame), 0, WALL)
    assert script.stitcher.proven_since_connect
    script.stitcher.audited(WALL)
    script.stitcher.history = BookHistory(script.stitcher.book, None)
    script.stitcher.contested = True
    script.stitcher.lost(WALL, "gone")
    assert script.where == (BookState.WAIT_ACK, Proof.CHECKING)
    assert (script.stitcher.proven_since_connect, script.stitcher.contested) == (False, False)
    assert (script.stitcher.history, script.stitcher.audited_ns) == (None, None)


@pytest.mark.parametrize("side", ["bids", "asks"])
def test_a_book_with_one_side_has_levels(side: str) -> None:
    script = Script()
    levels = '[{"price":1.0,"qty":0.00000001}]'
    sides = ",".join(f'"{name}":{levels if name == side else "[]"}' for name in ("bids", "asks"))
    frame = f'{{"channel":"book","type":"snapshot","data":[{{"symbol":"BTC/USD",{sides},"checksum":1}}]}}'
    script.stitcher.message("snapshot", data_of(frame), 0, WALL)
    assert script.stitcher.has_levels is True


levels = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 5)), max_size=8)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([10, 25]),
    st.lists(st.tuples(levels, levels, st.sampled_from(["right"] * 8 + [7, "none"])), max_size=25),
)
def test_p1_p3_p4_p5_the_book_equals_the_slow_one_and_proofs_follow_the_law(
    depth: int, messages: list[tuple[Any, Any, Any]]
) -> None:
    script = Script(depth).begin()
    trusted = True
    for bids, asks, checksum in messages:
        before = script.stitcher.counters.applied
        script.update(bids, asks, checksum)
        if script.stitcher.counters.applied == before:
            continue
        book = script.stitcher.book
        best_bids, best_asks = script.reference.top()
        assert (book.bids.top(), book.asks.top()) == (best_bids, best_asks)
        assert len(book.bids) <= depth
        assert book.crossed == (bool(best_bids and best_asks) and best_bids[0][0] >= best_asks[0][0])
        changed = script.events[-1]
        assert isinstance(changed, BookChanged)
        matched = checksum == "right" or checksum == script.reference.checksum()
        trusted = trusted and (matched or checksum == "none")
        assert changed.verified == (trusted and matched)
        assert (script.stitcher.proof is Proof.VERIFIED) == changed.verified
        if not trusted:
            script.wait(61)
            assert script.took_resync()
            script.snapshot()
            trusted = True


def test_depth_of_a_recording_is_rounded_up_to_one_on_offer() -> None:
    rows = [{"price": "1.0", "qty": "1.0"}]
    for count, depth in ((0, 10), (9, 10), (10, 10), (11, 25), (101, 500), (5000, 1000)):
        data = msgspec.convert({"symbol": "A/B", "bids": rows * count}, BookData)
        assert infer_depth(data) == depth


@settings(max_examples=40)
@given(st.integers(0, 6), st.integers(0, 8), st.integers(0, 2**32))
def test_precisions_are_found_after_floats_ate_the_trailing_zeros(price: int, qty: int, seed: int) -> None:
    import json
    import random

    rng = random.Random(seed)
    book = SlowBook(10, price, qty)
    bids = [(10**7 - 10 * i, rng.randrange(1, 10**9)) for i in range(10)]
    asks = [(10**7 + 10 * i + 1, rng.randrange(1, 10**9)) for i in range(10)]
    book.apply(bids, asks)
    frame = book.frame("A/B", "snapshot", bids, asks, WALL)
    damaged = json.loads(frame)["data"][0]
    data = data_of(json.dumps({"channel": "book", "type": "snapshot", "data": [damaged]}))
    spec = infer_spec(data)
    assert spec.assumed
    assert (spec.price_precision, spec.qty_precision) == (price, qty)
