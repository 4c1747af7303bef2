"""The past of a book against one that is simply replayed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.history.book import BookAt, BookHistory, Walker
from kraken_tui.wire.messages import WireLevel
from kraken_tui.wire.symbols import PairSpec

SPEC = PairSpec(symbol="BTC/USD", base="BTC", quote="USD", price_precision=1, qty_precision=2)
WIDE = 10**18

Step = tuple[str, int, list[tuple[bool, int, int]]]

prices = st.tuples(st.booleans(), st.integers(1, 12), st.integers(0, 3))
steps: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(
        st.sampled_from(["update"] * 8 + ["snapshot", "doubt", "unproven"]),
        st.integers(-2, 5),
        st.lists(prices, max_size=5),
    ),
    max_size=60,
)


def levels(entries: list[tuple[bool, int, int]], *, bids: bool) -> list[WireLevel]:
    """Wire levels of one side: bids at 90 and below, asks at 100 and above."""
    return [
        WireLevel(price=f"{(90 - at) if bids else (100 + at)}.0", qty=f"{lots}.00")
        for is_bid, at, lots in entries
        if is_bid is bids
    ]


class Reference:
    """Keeps a copy of the book after every message."""

    def __init__(self) -> None:
        self.states: list[BookAt] = []

    def add(self, ns: int, venue_ns: int | None, book: OrderBook, *, proven: bool) -> None:
        self.states.append(BookAt(ns, venue_ns, book.bids.top(), book.asks.top(), proven, book.depth))

    def at(self, ns: int) -> BookAt | None:
        return next((state for state in reversed(self.states) if state.ns <= ns), None)


def play(history: BookHistory, run: list[Step], depth: int) -> Reference:
    """Feed a run into a history and the reference."""
    book, reference, now, begun = OrderBook(SPEC, depth), Reference(), 1_000, False
    for kind, passed, entries in run:
        said = now + passed
        if kind == "doubt" and begun and not reference.states[-1].proven:
            history.interrupt(said)
            continue
        now = max(now, said) if begun else said
        if kind == "snapshot" or not begun:
            kept = [entry for entry in entries if entry[2]]
            book.load(levels(kept, bids=True), levels(kept, bids=False))
            history.on_snapshot(said, said - 7, book, proven=True)
            begun = True
            reference.add(now, said - 7, book, proven=True)
        elif kind == "doubt":
            reference.add(now, reference.states[-1].venue_ns, book, proven=False)
            history.interrupt(said)
        else:
            proven = kind == "update"
            changes = book.apply(levels(entries, bids=True), levels(entries, bids=False))
            history.on_update(said, None, changes, book, proven=proven)
            reference.add(now, None, book, proven=proven)
    return reference


@given(run=steps, depth=st.sampled_from([2, 10]), room=st.integers(0, 6))
def test_every_moment_is_what_was_replayed(run: list[Step], depth: int, room: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # A new copy every few changes, so that seams between segments are met.
        patch.setattr("kraken_tui.market.history.book._LEAST_CHANGES", room)
        history = BookHistory(WIDE, WIDE)
        reference = play(history, run, depth)
    for state in [*reference.states]:
        assert history.at(state.ns) == reference.at(state.ns)
    assert history.at(0) is None


@given(run=steps, depth=st.sampled_from([2, 10]), stops=st.lists(st.integers(0, 6), max_size=8))
def test_a_walk_tells_every_difference(run: list[Step], depth: int, stops: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kraken_tui.market.history.book._LEAST_CHANGES", 3)
        history = BookHistory(WIDE, WIDE)
        reference = play(history, run, depth)
    walker, held, at = Walker(history), dict[int, int](), 1_000
    for stop in [*stops, 10**9]:
        at += stop
        for moment in walker.run(at):
            for key, before, after in moment.changes:
                assert held.get(key, 0) == before != after
                held[key] = after
        wanted = reference.at(at)
        if wanted is not None:
            assert walker.book() == wanted
            assert {key: lots for key, lots in held.items() if lots} == walker.lots


def test_bounds_drop_the_oldest_and_say_so() -> None:
    history = BookHistory(keep_ns=1_000, keep_bytes=WIDE)
    book = OrderBook(SPEC, 10)
    for now in range(0, 5_000, 500):
        book.load([WireLevel(price="90.0", qty=f"{now + 1}.00")], [WireLevel(price="100.0", qty="1.00")])
        history.on_snapshot(now, now, book, proven=True)
        history.trim(now)
    assert history.since_ns == 3_500
    assert history.cut
    assert history.at(3_499) is None
    state = history.at(3_500)
    assert state is not None
    assert state.bids == ((900, 350_100),)
    history = BookHistory(keep_ns=WIDE, keep_bytes=100)
    for now in range(10):
        history.on_snapshot(now, now, book, proven=True)
        history.trim(now)
    assert history.size <= 100
    assert history.since_ns == 9 - 100 // 53 + 1


def test_messages_are_stepped_through() -> None:
    history = BookHistory(WIDE, WIDE)
    book = OrderBook(SPEC, 10)
    book.load([WireLevel(price="90.0", qty="1.00")], [WireLevel(price="100.0", qty="1.00")])
    history.on_snapshot(10, 10, book, proven=True)
    for now in (20, 20, 30):
        changes = book.apply([WireLevel(price="89.0", qty=f"{now}.00")], [])
        history.on_update(now, now, changes, book, proven=True)
    assert [history.next_message(ns, 1) for ns in (5, 10, 20, 30)] == [10, 20, 30, None]
    assert [history.next_message(ns, -1) for ns in (35, 30, 20, 10)] == [30, 20, 10, None]


def test_a_number_too_large_for_the_arrays_ends_the_past_until_the_next_snapshot() -> None:
    history = BookHistory(WIDE, WIDE)
    book = OrderBook(SPEC, 10)
    book.load([WireLevel(price="90.0", qty="1.00")], [])
    history.on_snapshot(10, 10, book, proven=True)
    huge = book.apply([WireLevel(price="89.0", qty="9" * 19 + ".00")], [])
    history.on_update(20, 20, huge, book, proven=True)
    state = history.at(25)
    assert state is not None
    assert not state.proven
    book.load([WireLevel(price="90.0", qty="2.00")], [])
    history.on_snapshot(30, 30, book, proven=True)
    state = history.at(30)
    assert state is not None
    assert state.proven
