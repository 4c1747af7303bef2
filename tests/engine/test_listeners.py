"""Bounded queues of listeners: counts add up under every policy, closing wakes the waiting."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.engine.listeners import DropPolicy, Listener, ListenerClosed, queue_load


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 5), st.sampled_from(DropPolicy))
def test_offered_is_taken_plus_dropped_plus_waiting(moves: list[bool], capacity: int, policy: DropPolicy) -> None:
    listener = Listener(capacity, policy)
    taken = []
    offered = 0
    for put in moves:
        if put:
            listener.put(offered)
            offered += 1
        else:
            event = listener.get(0)
            if event is not None:
                taken.append(event)
    assert len(listener) <= capacity
    assert listener.offered == offered == len(taken) + listener.dropped + len(listener)
    assert taken == sorted(taken)


def test_a_full_queue_drops_the_oldest_or_the_newest_as_told() -> None:
    oldest, newest = Listener(2), Listener(2, DropPolicy.NEWEST)
    for number in range(4):
        oldest.put(number)
        newest.put(number)
    assert [oldest.get(0), oldest.get(0), oldest.get(0)] == [2, 3, None]
    assert [newest.get(0), newest.get(0), newest.get(0)] == [0, 1, None]


def test_only_wanted_events_are_offered() -> None:
    listener = Listener(4, wants=lambda event: isinstance(event, str))
    listener.put(1)
    listener.put("two")
    assert (listener.offered, listener.get(0)) == (1, "two")


def test_closing_lets_the_rest_be_taken_and_then_says_so() -> None:
    listener = Listener(4)
    listener.put("last")
    listener.close()
    listener.put("too late")
    assert listener.get() == "last"
    with pytest.raises(ListenerClosed):
        listener.get()


def test_closing_wakes_a_waiting_listener() -> None:
    listener = Listener(1)
    outcome: list[str] = []

    def wait() -> None:
        try:
            listener.get()
        except ListenerClosed:
            outcome.append("closed")

    thread = threading.Thread(target=wait)
    thread.start()
    listener.close()
    thread.join(5)
    assert outcome == ["closed"]


def test_a_queue_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Listener(0)


def test_the_load_is_that_of_the_fullest_queue_and_all_drops() -> None:
    assert queue_load([]) == (0, 0, 0)
    wide, narrow = Listener(100), Listener(2)
    for number in range(5):
        wide.put(number)
        narrow.put(number)
    assert queue_load([wide, narrow]) == (2, 2, 3)
    narrow.get(0)
    narrow.get(0)
    assert queue_load([wide, narrow]) == (5, 100, 3)
