"""Random fault schedules in virtual time: safety on every second, liveness once the faults stop."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.feed.connection.table import State
from kraken_tui.feed.events import StateChanged
from kraken_tui.market.events import Proof
from kraken_tui.units import SECOND
from tests.rig.bench import Rig
from tests.rig.scripted import ScriptedVenue as Venue

PAIRS = {"BTC/USD": (1, 8), "ETH/USD": (2, 8), "SOL/USD": (2, 8)}
FAULTS = (
    "drop", "lose", "double", "swap", "wrong", "snapshots", "acks", "silence", "garbage", "sleep", "refuse", "depth",
    "precision", "already",
)  # fmt: skip


def inflict(rig: Rig, fault: str, rng: random.Random) -> None:
    venue, symbol = rig.venue, rng.choice(sorted(PAIRS))
    flowing = rig.connected and ("book", symbol) in venue.subscribed and symbol in venue.books
    if fault == "drop" and rig.connected:
        rig.drop(close_code=1001)
    elif fault == "lose" and flowing:
        # A loss shows with the next message; before it nobody can know.
        venue.book_update(symbol)
        rig.deliver(venue.book_update(symbol))
    elif fault == "double" and flowing:
        frame = venue.book_update(symbol)
        rig.deliver(frame, frame)
    elif fault == "swap" and flowing:
        first, second = venue.book_update(symbol), venue.book_update(symbol)
        # Two changes of one level in the wrong order give a book that once was: only the next message tells.
        rig.deliver(second, first)
        rig.deliver(venue.book_update(symbol))
    elif fault == "wrong":
        venue.wrong_checksums[symbol] = rng.randrange(1, 6)
    elif fault == "snapshots":
        venue.mute_snapshots.add(symbol)
    elif fault == "acks":
        venue.mute_acks.add(rng.choice(("book", "trade", "ticker", "ohlc", "instrument")))
    elif fault == "silence":
        rig.updates = venue.beats = False
    elif fault == "garbage" and rig.connected:
        rig.deliver(b"\x00{")
    elif fault == "sleep":
        rig.now += 3600 * SECOND
    elif fault == "refuse":
        rig.refusal = {"http_status": 503}
    elif fault == "depth":
        rig.session.set_depth(rng.choice((10, 25)), rig.now, rig.wall)
    elif fault == "precision" and rig.connected and venue.subscribed.get(("instrument", None)):
        venue.pairs[symbol] = (venue.pairs[symbol][0] % 3 + 1, 8)
        if symbol in venue.books:
            venue.books[symbol].price = venue.pairs[symbol][0]
        rig.deliver(venue.instruments("update", symbol))
    elif fault == "already" and rig.connected:
        venue.subscribed.setdefault(("trade", symbol), {})


def heal(rig: Rig) -> None:
    rig.updates = rig.venue.beats = True
    rig.refusal = None
    rig.venue.mute_acks.clear()
    rig.venue.mute_snapshots.clear()
    rig.venue.wrong_checksums.clear()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(FAULTS), st.integers(0, 12)), max_size=12), st.integers(0, 2**16))
def test_p10_p11_safe_under_any_faults_and_live_after_them(schedule: list[tuple[str, int]], seed: int) -> None:
    rng = random.Random(seed)
    rig = Rig(*PAIRS, venue=Venue(dict(PAIRS), seed))
    rig.run(3)
    for fault, seconds in schedule:
        inflict(rig, fault, rng)
        rig.check()
        for _ in range(seconds):
            rig.run(1)
            rig.check()
        if rng.random() < 0.5:
            heal(rig)
    heal(rig)
    # Longest waits there are: a quarantine of fifteen minutes, on top of backoff and silent subscriptions.
    for _ in range(20):
        rig.run(60)
        rig.check()
        if rig.session.state is State.SUBSCRIBED and all(
            stitcher.proof is Proof.VERIFIED for stitcher in rig.session.stitchers.values()
        ):
            break
    assert {symbol: str(book.proof) for symbol, book in rig.session.stitchers.items()} == dict.fromkeys(
        PAIRS, "VERIFIED"
    )
    assert rig.session.state is State.SUBSCRIBED
    assert all(change.cause for change in rig.of(StateChanged))
    assert all(later - earlier > 600 * SECOND for earlier, later in zip(rig.dials, rig.dials[30:], strict=False))
