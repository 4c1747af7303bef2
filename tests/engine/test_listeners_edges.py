"""Queues of listeners at their edges: pace, windows, what is given up, who is woken."""

from __future__ import annotations

import pytest

from kraken_tui.engine.events import BookLine
from kraken_tui.engine.listeners import DropPolicy, Listener, ListenerClosed, ListenerCounts
from kraken_tui.units import SECOND
from tests.engine.test_listeners import MS, Time, book, drain, trade, unproven


def test_counts_of_several_are_added_one_by_one() -> None:
    assert ListenerCounts(1, 2, 3, 4, 5) + ListenerCounts(10, 20, 30, 40, 50) == ListenerCounts(11, 22, 33, 44, 55)
    assert ListenerCounts() == ListenerCounts(0, 0, 0, 0, 0)


def test_a_queue_holds_65536_events_unless_told_otherwise() -> None:
    listener = Listener()
    assert (listener.capacity, listener.policy, listener.types) == (65_536, DropPolicy.OLDEST, None)
    assert Listener(1).capacity == 1


def test_the_pace_is_exact_and_what_was_missed_is_made_up_for_20_ms() -> None:
    time = Time()
    listener = Listener(100, rate=100, clock=time)
    for number in range(20):
        listener.put(trade("A/USD", number))
    taken = []
    for time.ns in (0, 10 * MS - 1, 10 * MS, 20 * MS - 1, 20 * MS):
        taken.append(len(drain(listener)))
    assert taken == [1, 0, 1, 0, 1]
    # 20 ms, and not all that has passed.
    time.ns = 10 * SECOND
    assert len(drain(listener)) == 3
    assert listener.poll() == (None, 10 * MS)
    assert Listener(1, rate=0.5)._interval == 2 * SECOND


def test_a_state_is_held_back_from_the_last_one_of_its_pair_alone() -> None:
    time = Time()
    listener = Listener(100, coalesce_ns=50 * MS, clock=time)
    for time.ns, symbol in ((0, "A/USD"), (10 * MS, "B/USD")):
        listener.put(book(symbol, 1))
        drain(listener)
    listener.put(book("B/USD", 2))
    listener.put(book("A/USD", 2))
    assert len(listener) == 2
    assert listener.poll() == (None, 40 * MS), "the one that is due first"
    time.ns = 50 * MS
    assert [each.symbol for each in drain(listener)] == ["A/USD"]
    assert listener.poll() == (None, 10 * MS)
    time.ns = 60 * MS
    assert [each.symbol for each in drain(listener)] == ["B/USD"]
    # A window later nothing is held back.
    time.ns = 110 * MS
    listener.put(book("B/USD", 3))
    assert len(drain(listener)) == 1


def test_a_full_queue_gives_up_what_waits_before_what_is_held_back() -> None:
    time = Time()
    for policy, left in ((DropPolicy.OLDEST, [("B/USD", 3)]), (DropPolicy.NEWEST, [("A/USD", 2)])):
        listener = Listener(1, policy, coalesce_ns=50 * MS, clock=time)
        listener.put(book("A/USD", 1))
        drain(listener)
        listener.put(book("A/USD", 2))
        listener.put(book("B/USD", 3))
        assert listener.dropped == 1
        # What was dropped is not waited for: the next of its pair is an event of its own.
        listener.put(book(left[0][0], 4))
        assert (listener.coalesced, len(listener)) == (1, 1)
        listener.close()
        last = listener.get()
        assert (last.symbol, last.changed.checksum) == (left[0][0], 4)


def test_a_state_that_was_given_up_is_not_merged_into() -> None:
    listener = Listener(1, DropPolicy.COALESCE)
    listener.put(book("A/USD", 1))
    listener.put(trade("A/USD", 1))
    listener.put(book("A/USD", 2))
    assert [type(each) for each in drain(listener)] == [BookLine]
    listener.put(book("A/USD", 3))
    assert [each.changed.checksum for each in drain(listener)] == [3]
    assert listener.counts == ListenerCounts(offered=4, sent=2, dropped=2, coalesced=0, waiting=0)


def test_what_the_loss_of_a_proof_releases_comes_at_once_and_only_that() -> None:
    time = Time()
    listener = Listener(100, coalesce_ns=50 * MS, clock=time)
    for symbol in ("A/USD", "B/USD", "C/USD"):
        listener.put(book(symbol, 1))
    drain(listener)
    for symbol in ("A/USD", "B/USD", "C/USD"):
        listener.put(book(symbol, 2))
    listener.put(unproven("B/USD"))
    assert [getattr(each, "symbol", "") for each in drain(listener)] == ["B/USD", "B/USD"]
    listener.put(unproven("B/USD"))
    assert len(drain(listener)) == 1
    assert len(listener) == 2
    time.ns = 50 * MS
    assert [each.symbol for each in drain(listener)] == ["A/USD", "C/USD"]
    assert listener.coalesced == 0


def test_a_closed_queue_hands_out_everything_at_once_held_or_paced() -> None:
    time = Time()
    listener = Listener(100, coalesce_ns=50 * MS, rate=1, clock=time)
    listener.put(book("A/USD", 1))
    drain(listener)
    listener.put(book("A/USD", 2))
    listener.put(trade("A/USD", 1))
    listener.close()
    assert not listener.finished
    assert [listener.get(), listener.get()] == [trade("A/USD", 1), book("A/USD", 2)]
    assert listener.finished
    with pytest.raises(ListenerClosed):
        listener.poll()


def test_a_waker_is_called_once_and_only_for_what_is_worth_a_look() -> None:
    listener = Listener(2, DropPolicy.COALESCE)
    called: list[int] = []

    def waker() -> None:
        called.append(len(listener))

    assert listener.poll(waker) == (None, None)
    listener.put(book("A/USD", 1))
    listener.put(trade("A/USD", 1))
    assert called == [1]
    assert listener.poll(waker)[0] is not None
    assert not listener._wakers, "there was something to take"
    drain(listener)
    listener.poll(waker)
    listener.forget(lambda: None)
    listener.close()
    assert called == [1, 0]
    other = Listener(2)
    other.poll(waker)
    other.forget(waker)
    other.put(1)
    assert called == [1, 0]


def test_times_of_states_are_not_remembered_without_end() -> None:
    time = Time()
    listener = Listener(10, coalesce_ns=50 * MS, clock=time)
    for number in range(10_000):
        time.ns = number * MS
        listener.put(book(f"{number}/USD", 1))
        drain(listener)
        assert len(listener._sent_at) <= 4096
    # And those of the last window always are.
    listener.put(book("9960/USD", 2))
    assert listener.poll()[0] is None


def test_a_wait_ends_with_its_time_or_with_what_was_held_back() -> None:
    listener = Listener(4)
    assert listener.get(0) is None
    assert listener.get(0.001) is None
    assert listener._sleepers == 0
    held = Listener(4, coalesce_ns=5 * MS)
    held.put(book("A/USD", 1))
    assert held.get(5).changed.checksum == 1
    held.put(book("A/USD", 2))
    assert held.get(5).changed.checksum == 2
