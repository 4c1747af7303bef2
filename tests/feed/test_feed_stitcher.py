"""One book: states, proofs, resync limits, and equality with a slow reference book."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from feed_harness import WALL, SlowBook
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.feed.events import BookStateChanged, Resync
from kraken_tui.feed.inference import infer_depth, infer_spec
from kraken_tui.feed.machine import SECOND, Limits
from kraken_tui.feed.stitcher import BookStitcher, valid_checksum
from kraken_tui.market.events import BookChanged, BookState, Proof
from kraken_tui.wire.decode import decode
from kraken_tui.wire.messages import BookData, BookMessage
from kraken_tui.wire.symbols import PairSpec

SPEC = PairSpec("BTC/USD", "BTC", "USD", 1, 8)
BIDS = [(50_000 - 2 * i, 10 + i) for i in range(10)]
ASKS = [(50_001 + 2 * i, 20 + i) for i in range(10)]


def data_of(frame: str) -> BookData:
    message = decode(frame)
    assert isinstance(message, BookMessage)
    return message.data[0]


class Script:
    """A stitcher and a reference book fed the same changes."""

    def __init__(self, depth: int = 10, **options: Any) -> None:
        self.reference = SlowBook(depth)
        self.stitcher = BookStitcher("BTC/USD", SPEC, depth, Limits(), **options)
        self.now = 0
        self.events: list[Any] = []

    def begin(self) -> Script:
        self.events += self.stitcher.asked(WALL)
        self.events += self.stitcher.acked(self.now, WALL)
        return self.snapshot()

    def snapshot(self, checksum: Any = "right", **options: Any) -> Script:
        self.reference = SlowBook(self.reference.depth)
        self.reference.apply(BIDS, ASKS)
        return self._send("snapshot", BIDS, ASKS, checksum, **options)

    def update(self, bids: Any = (), asks: Any = (), checksum: Any = "right", **options: Any) -> Script:
        self.reference.apply(bids, asks)
        return self._send("update", bids, asks, checksum, **options)

    def _send(self, kind: str, bids: Any, asks: Any, checksum: Any, **options: Any) -> Script:
        frame = self.reference.frame("BTC/USD", kind, bids, asks, WALL, checksum)
        self.events += self.stitcher.message(kind, data_of(frame), self.now, WALL, **options)
        return self

    def wait(self, seconds: float) -> Script:
        self.now += round(seconds * SECOND)
        self.events += self.stitcher.tick(self.now, WALL)
        return self

    @property
    def where(self) -> tuple[BookState, Proof]:
        return self.stitcher.state, self.stitcher.proof

    def took_resync(self) -> bool:
        wanted, self.stitcher.wants_resync = self.stitcher.wants_resync, False
        return wanted


LIVE = (BookState.LIVE, Proof.VERIFIED)


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
    script.stitcher.acked(0, WALL)
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
