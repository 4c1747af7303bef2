"""Handing over: nothing waits for the thread, the oldest are kept, and the counts add up."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.hand_over import HandOver


class Sink:
    """What a hung disk looks like: `gate` holds the thread up."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.got: list[int] = []
        self.finished = False

    def work(self, batch: Sequence[int]) -> int:
        if batch:
            self.entered.set()
            assert self.gate.wait(10)
        self.got += [item for item in batch if item % 5]
        return sum(item % 5 == 0 for item in batch)

    def finish(self) -> None:
        self.finished = True


def over(sink: Sink, items: int = 10, room: int = 1000) -> HandOver[int]:
    return HandOver("test", sink.work, items=items, room=room, every_s=0.01, finish=sink.finish)


def hung(sink: Sink, items: int = 10, room: int = 1000) -> HandOver[int]:
    """One whose thread hangs in its first item."""
    queue = over(sink, items, room)
    assert queue.put(1, 1)
    assert sink.entered.wait(5)
    return queue


def test_putting_never_waits_for_the_thread_and_the_oldest_are_kept() -> None:
    sink = Sink()
    queue = hung(sink)
    began = time.monotonic()
    taken = [queue.put(number, 1) for number in range(101, 151)]
    assert time.monotonic() - began < 1
    assert taken == [True] * 9 + [False] * 41
    assert queue.counts == (51, 0, 41, 0, 10, 10)
    assert queue.resume() == 0
    sink.gate.set()
    assert queue.close(5)
    assert sink.got == [1, *(number for number in range(101, 110) if number % 5)]
    assert queue.counts == (51, 9, 41, 1, 0, 0)
    assert sink.finished


def test_after_a_refusal_everything_is_refused_until_there_is_room_and_somebody_asked() -> None:
    sink = Sink()
    queue = hung(sink, items=4)
    for number in range(5):
        queue.put(number + 1, 1)
    sink.gate.set()
    while queue.counts.waiting:
        time.sleep(0.001)
    assert not queue.put(7, 1), "no hole in the middle of what was refused"
    assert queue.resume() == 3
    assert queue.resume() == 0
    assert queue.put(8, 1)
    queue.close(5)
    assert sink.got == [1, 1, 2, 3, 8]


def test_bytes_bound_it_too_but_a_single_item_always_fits() -> None:
    sink = Sink()
    queue = hung(sink, items=100, room=10)
    assert not queue.put(2, 10)
    sink.gate.set()
    while queue.counts.waiting:
        time.sleep(0.001)
    assert queue.resume() == 1
    assert queue.put(3, 10**9)
    queue.close(5)
    assert sink.got == [1, 3]


def test_resume_waits_for_half_of_the_room() -> None:
    sink = Sink()
    queue = hung(sink, items=100, room=10)
    assert queue.put(2, 5)
    assert not queue.put(3, 9)
    assert queue.resume() == 0, "6 of 10 bytes still wait"
    sink.gate.set()
    queue.close(5)


def test_a_hung_thread_is_not_waited_for_and_is_a_daemon() -> None:
    sink = Sink()
    queue = hung(sink)
    began = time.monotonic()
    assert not queue.close(0.05)
    assert time.monotonic() - began < 1
    assert queue.busy_s > 0.04
    [thread] = [thread for thread in threading.enumerate() if thread.name == "test"]
    assert thread.daemon
    assert not queue.put(5, 1), "what comes after the end fails"
    sink.gate.set()
    assert queue.close(5)
    assert queue.counts == (2, 1, 0, 1, 0, 0)
    assert queue.busy_s == 0


def test_one_that_was_never_used_has_no_thread() -> None:
    queue = over(Sink())
    assert queue.close(1)
    assert not [thread for thread in threading.enumerate() if thread.name == "test"]


def test_a_defect_ends_it_and_fails_what_waits() -> None:
    def work(batch: Sequence[int]) -> int:
        if batch:
            raise ValueError("a defect")
        return 0

    queue: HandOver[int] = HandOver("test", work, items=10, room=10, every_s=0.01)
    queue.put(1, 1)
    while queue.error is None:
        time.sleep(0.001)
    assert not queue.put(2, 1)
    assert queue.counts == (2, 0, 0, 2, 0, 0)
    assert str(queue.error) == "a defect"


def test_the_idle_thread_is_woken_by_enough_bytes_and_works_all_the_while_with_nothing() -> None:
    calls: list[int] = []

    def work(batch: Sequence[int]) -> int:
        calls.append(len(batch))
        return 0

    queue: HandOver[int] = HandOver("test", work, items=10, room=1000, every_s=30, enough=3)
    queue.put(1, 1)
    time.sleep(0.05)
    assert calls == []
    queue.put(2, 2)
    deadline = time.monotonic() + 5
    while not calls and time.monotonic() < deadline:
        time.sleep(0.001)
    assert calls == [2]
    queue.close(5)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(1, 9)), st.tuples(st.sampled_from(["resume", "pause"]), st.just(0))
        ),
        max_size=60,
    ),
    st.integers(1, 6),
    st.integers(1, 30),
)
def test_the_counts_add_up_whatever_happens(steps: list[tuple[str, int]], items: int, room: int) -> None:
    """accepted = written + dropped + failed + waiting, at every moment and in the end, and the order is kept."""
    got: list[int] = []
    failing = 0

    def work(batch: Sequence[int]) -> int:
        nonlocal failing
        got.extend(batch)
        bad = sum(item % 3 == 0 for item in batch)
        failing += bad
        return bad

    queue: HandOver[int] = HandOver("test", work, items=items, room=room, every_s=0.0005, enough=5)
    taken: list[int] = []
    offered = resumed = 0
    for number, (step, size) in enumerate(steps):
        if step == "put":
            offered += 1
            if queue.put(number, size):
                taken.append(number)
        elif step == "resume":
            resumed += queue.resume()
        else:
            time.sleep(0.001)
        counts = queue.counts
        assert counts.accepted == offered == counts.written + counts.dropped + counts.failed + counts.waiting
        assert counts.waiting <= items
        assert counts.dropped == offered - len(taken)
        assert resumed <= counts.dropped
    assert queue.close(5)
    assert got == taken
    assert queue.counts == (offered, len(taken) - failing, offered - len(taken), failing, 0, 0)


@pytest.mark.parametrize("number", range(3))
def test_many_hands_lose_nothing(number: int) -> None:
    got: list[int] = []

    def work(batch: Sequence[int]) -> int:
        got.extend(batch)
        return 0

    queue: HandOver[int] = HandOver("test", work, items=10**6, room=10**9, every_s=0.001)
    threads = [
        threading.Thread(target=lambda part=part: [queue.put(part * 1000 + n, 1) for n in range(1000)])
        for part in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert queue.close(5)
    assert sorted(got) == list(range(4000))
    assert queue.counts.written == 4000
