"""One book that lost its proof: resyncs, quarantine, recordings, ignored gaps, the witness and the audit."""

from __future__ import annotations

from typing import Any

import pytest

from kraken_tui.feed.events import BookStateChanged, Resync
from kraken_tui.feed.proof.book_history import BookHistory
from kraken_tui.market.events import BookState, Proof
from kraken_tui.units import SECOND
from tests.feed.proof.stitcher_script import ASKS, BIDS, LIVE, SNAPSHOT_NS, Script, data_of, of
from tests.rig.clock import VENUE_START as WALL


def test_updates_between_a_failure_and_the_snapshot_are_ignored() -> None:
    script = Script().begin().update([(50_000, 9)], checksum=1).update([(50_000, 55)])
    assert script.stitcher.counters.ignored == 1
    assert script.stitcher.book.bids.lots_at(50_000) == 9


def test_two_resyncs_are_half_a_second_apart_at_least() -> None:
    script = Script().begin().update([(50_000, 9)], checksum=1)
    assert script.took_resync()
    script.wait(1).snapshot(checksum=1)
    assert script.took_resync()
    script.wait(0.3).snapshot(checksum=1)
    assert not script.took_resync()
    assert script.stitcher.next_deadline() == 1.5 * SECOND
    script.wait(0.2)
    assert script.took_resync()
    assert script.stitcher.next_deadline() is None
    script.wait(0.1)
    assert not script.took_resync(), "one wait, one resync"
    assert script.stitcher.counters.resyncs == 3
    script = Script().begin().update([(50_000, 9)], checksum=1)
    script.stitcher.wants_resync = False
    script.wait(0.5).snapshot(checksum=1)
    assert script.took_resync(), "half a second is enough"


def test_a_resync_that_had_to_wait_is_no_probe_of_a_quarantine() -> None:
    script = Script().begin().update([(50_000, 9)], checksum=1).snapshot(checksum=1).wait(0.5).wait(0.5)
    script.snapshot(checksum=1)
    assert script.where == (BookState.RESYNCING, Proof.UNVERIFIED)


@pytest.mark.parametrize("checksum", ["right", "none"])
def test_a_snapshot_that_came_by_itself_ends_the_wish_for_one(checksum: str) -> None:
    script = Script().begin().update([(50_000, 9)], checksum=1).snapshot(checksum=1)
    assert script.stitcher.next_deadline() == SECOND // 2
    script.snapshot(checksum=checksum)
    assert script.where[0] is BookState.LIVE
    assert script.stitcher.next_deadline() is None
    assert script.stitcher.wants_resync == (checksum == "none")


def test_only_the_resyncs_of_the_last_minute_count() -> None:
    script = Script().begin()
    for wait in (0, 50, 5):
        script.wait(wait).update([(50_000, 9)], checksum=1)
        assert script.took_resync()
        script.snapshot()
    script.wait(5).update([(50_000, 9)], checksum=1)
    assert script.where[0] is BookState.RESYNCING, "the first was a minute ago"
    script.snapshot().wait(1).update([(50_000, 9)], checksum=1)
    assert script.where[0] is BookState.QUARANTINED


def quarantined(**options: Any) -> Script:
    """A book whose numbers were bad four times."""
    script = Script(**options).begin()
    for _ in range(4):
        bad = script.reference.frame("BTC/USD", "snapshot", BIDS, ASKS, WALL).replace("5000.0,", "1e999,")
        script.stitcher.acked(script.now + SNAPSHOT_NS, WALL)
        script.events += script.stitcher.message("snapshot", data_of(bad), script.now, WALL)
        script.stitcher.wants_resync = False
        script.now += SECOND
    assert script.where == (BookState.QUARANTINED, Proof.UNVERIFIED)
    return script


def test_a_quarantine_awaits_its_end_alone_and_says_when_that_is() -> None:
    script = quarantined()
    assert script.stitcher.next_deadline() == 63 * SECOND
    assert script.stitcher.reason.endswith("again and again; next try in 60 s")
    script.events.clear()
    script.update([(50_000, 9)], checksum=1)
    assert not of(script.events, BookStateChanged), "told once"
    script.update([(50_000, 9)], checksum="none")
    assert script.where == (BookState.QUARANTINED, Proof.UNVERIFIED)
    assert script.stitcher.asked(WALL) == []


def test_a_connection_lost_during_the_probe_of_a_quarantine_begins_afresh() -> None:
    script = quarantined().wait(60)
    assert script.took_resync()
    script.stitcher.lost(WALL, "gone")
    script.begin().update([(50_000, 9)], checksum=1)
    assert script.where[0] is BookState.RESYNCING


def test_a_probe_that_passes_ends_the_quarantine() -> None:
    script = quarantined().wait(60).snapshot()
    assert script.where == LIVE
    script.update([(50_000, 9)], checksum=1)
    assert script.where[0] is BookState.RESYNCING


@pytest.mark.parametrize("break_", ["none", "lost", "failed", "restarted"])
def test_quarantines_are_forgiven_after_a_whole_minute_of_proofs(break_: str) -> None:
    script = Script().wait(100).begin()
    script.stitcher._quarantine_level = 2
    script.wait(50)
    if break_ == "lost":
        script.stitcher.lost(WALL, "gone")
        script.begin()
    elif break_ == "failed":
        script.update([(50_000, 9)], checksum=1).snapshot()
    elif break_ == "restarted":
        script.stitcher.restart(script.now, WALL, "precision changed")
        script.snapshot()
    script.wait(9.9).update([(50_000, 4)])
    assert script.stitcher._quarantine_level == 2
    script.wait(0.1).update([(50_000, 5)])
    assert script.stitcher._quarantine_level == (0 if break_ == "none" else 2)
    script.wait(50).update([(50_000, 6)])
    assert script.stitcher._quarantine_level == 0


def test_a_change_of_precision_fetches_the_book_again_without_counting_as_a_resync() -> None:
    script = Script()
    assert script.stitcher.restart(0, WALL, "precision changed") == []
    assert not script.took_resync()
    script.begin()
    for count in range(1, 6):
        state, resync = script.stitcher.restart(script.now, WALL, "precision changed")
        assert (state.state, state.reason) == (BookState.RESYNCING, "precision changed, resyncing")
        assert resync == Resync(WALL, "BTC/USD", "precision changed")
        assert script.took_resync()
        assert script.stitcher.counters.resyncs == count
        script.snapshot()
    script.update([(50_000, 9)], checksum=1)
    assert script.where[0] is BookState.RESYNCING
    script = quarantined()
    assert script.stitcher.restart(script.now, WALL, "precision changed")
    assert script.stitcher.next_deadline() is None


# -- recordings and ignored gaps ----------------------------------------------------------------------------------


def test_a_recording_cannot_be_asked_and_tells_a_failure_once() -> None:
    script = Script(can_resync=False).begin()
    for _ in range(3):
        script.update([(50_000, 99)], checksum=1)
    assert [event.cause for event in of(script.events, Resync)] == ["checksum"]
    assert script.stitcher.reason == "checksum failed in the recording"
    assert not script.took_resync()
    script.snapshot()
    assert script.stitcher.restart(0, WALL, "precision changed")
    assert not script.took_resync()
    script.update([(50_000, 98)])
    assert script.where == (BookState.RESYNCING, Proof.UNVERIFIED)


def test_a_recording_that_begins_with_an_unreadable_snapshot_takes_no_updates() -> None:
    script = Script(can_resync=False)
    bad = script.reference.frame("BTC/USD", "snapshot", BIDS, ASKS, WALL).replace("5000.0,", "1e999,")
    script.stitcher.message("snapshot", data_of(bad), 0, WALL)
    assert script.where[0] is BookState.RESYNCING
    script.update([(50_000, 98)])
    assert script.stitcher.counters.ignored == 1
    assert not script.stitcher.has_levels


def test_a_wrong_checksum_may_be_ignored_but_is_never_forgotten() -> None:
    script = Script(ignore_gaps=True).begin().update([(50_000, 9)], checksum=1)
    assert script.where == (BookState.LIVE, Proof.UNVERIFIED)
    assert script.stitcher.reason == "checksum failed, ignored as configured"
    assert not script.took_resync()
    script.update([(50_000, 8)])
    assert script.where == (BookState.LIVE, Proof.UNVERIFIED)
    script.snapshot()
    assert script.where == LIVE


def test_what_is_no_gap_is_not_ignored() -> None:
    script = quarantined(ignore_gaps=True).wait(60)
    assert script.took_resync()
    script.snapshot(checksum=1)
    assert script.where == (BookState.LIVE, Proof.UNVERIFIED)
    data = data_of(script.reference.frame("BTC/USD", "update", [(50_000, 5)], [], WALL).replace("5000.0", "0.0"))
    script.stitcher.message("update", data, script.now, WALL)
    assert script.where[0] is BookState.RESYNCING, "no longer a probe"
    assert script.stitcher.next_deadline() == script.now + SECOND // 2
    script.snapshot(checksum=1)
    assert script.stitcher.next_deadline() is None


# -- the witness and the audit ------------------------------------------------------------------------------------


def test_a_contested_book_is_proven_again_only_when_the_witness_agrees() -> None:
    script = Script()
    assert script.stitcher.doubted(0, WALL, "witness", "the ticker disagrees") == []
    script.begin()
    assert script.stitcher.agreed(WALL) == []
    state, resync = script.stitcher.doubted(0, WALL, "witness", "the ticker disagrees")
    assert state.reason == "the ticker disagrees, resyncing"
    assert resync == Resync(WALL, "BTC/USD", "witness")
    assert script.stitcher.agreed(WALL) == []
    assert script.stitcher.contested, "no agreement while no snapshot has come"
    script.snapshot()
    assert script.where == (BookState.LIVE, Proof.CHECKING)
    assert script.stitcher.reason == "the ticker has not agreed yet"
    assert not script.events[-1].verified
    assert script.events[-1].matched
    window = script.stitcher.history = BookHistory(script.stitcher.book, WALL)
    (event,) = script.stitcher.agreed(WALL)
    assert (event.state, event.proof) == LIVE
    assert not script.stitcher.contested
    assert script.stitcher.history is window


def test_an_agreement_does_not_stand_for_a_missing_checksum() -> None:
    script = Script().begin()
    script.stitcher.doubted(0, WALL, "witness", "the ticker disagrees")
    script.snapshot(checksum="none")
    assert script.stitcher.agreed(WALL) == []
    assert script.where == (BookState.LIVE, Proof.UNVERIFIED)
    assert not script.stitcher.contested


def test_a_book_doubted_by_the_audit_is_proven_by_the_next_snapshot() -> None:
    script = Script().begin()
    assert [event.cause for event in of(script.stitcher.doubted(0, WALL, "audit", "levels differ"), Resync)] == [
        "audit"
    ]
    script.snapshot()
    assert script.where == LIVE


def test_doubtful_digits_are_not_proven_by_a_right_checksum() -> None:
    script = Script().begin().update([(50_000, 9)], doubt="wrong number of decimals")
    assert script.where == (BookState.RESYNCING, Proof.UNVERIFIED)
    assert script.stitcher.reason == "wrong number of decimals, resyncing"
    assert of(script.events, Resync) == [Resync(WALL, "BTC/USD", "witness")]
    assert (script.events[-1].verified, script.events[-1].matched) == (False, True)


def test_an_audit_holds_until_the_book_is_reloaded_or_loses_its_proof() -> None:
    script = Script().begin()
    for end in (script.snapshot, lambda: script.update([(50_000, 9)], checksum="none")):
        script.snapshot()
        script.stitcher.audited(WALL + 5)
        script.stitcher.history = BookHistory(script.stitcher.book, WALL)
        script.update([(50_000, 4)])
        assert script.stitcher.audited_ns == WALL + 5
        assert len(script.stitcher.history._messages) == 1
        end()
        assert (script.stitcher.audited_ns, script.stitcher.history) == (None, None)
