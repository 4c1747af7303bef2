"""Bounded queues of listeners: counts add up under every policy, closing wakes the waiting."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.client.streams import take
from kraken_tui.engine.backpressure import PRESETS, Backpressure, adjusted, coalescing_key, drop_policy, preset
from kraken_tui.engine.events import BookLine
from kraken_tui.engine.listeners import DropPolicy, Listener, ListenerClosed, ListenerCounts, queue_load
from kraken_tui.errors import Configuration
from kraken_tui.feed.events import BookStateChanged
from kraken_tui.market.events import BookChanged, BookState, Candle, CandleChanged, Proof, Side, Trade
from kraken_tui.units import SECOND
from kraken_tui.wire.symbols import PairSpec

MS = 1_000_000
SPEC = PairSpec("A/USD", "A", "USD", 1, 8)


class Time:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        return self.ns


def book(symbol: str, number: int, verified: bool = True) -> BookLine:
    changes = ((Side.BUY, number, 0, 1),)
    return BookLine(BookChanged(symbol, "update", verified, number, None, None, 0, changes), ((number, 1),), (), SPEC)


def trade(symbol: str, number: int) -> Trade:
    return Trade(symbol, Side.BUY, 1, 1, "limit", number, "", 0)


def unproven(symbol: str) -> BookStateChanged:
    return BookStateChanged(0, symbol, BookState.RESYNCING, Proof.UNVERIFIED, "checksum failed")


def drain(listener: Listener) -> list[object]:
    """Everything that may be taken now."""
    events = []
    while (event := listener.poll()[0]) is not None:
        events.append(event)
    return events


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


# -- merging, pacing, counting ------------------------------------------------------------------------------------


def test_a_newer_state_takes_the_place_of_the_waiting_one_and_facts_never_merge() -> None:
    listener = Listener(10, DropPolicy.COALESCE)
    for event in (book("A/USD", 1), trade("A/USD", 1), book("B/USD", 2), trade("A/USD", 2), book("A/USD", 3)):
        listener.put(event)
    first, *rest = drain(listener)
    assert isinstance(first, BookLine)
    assert (first.symbol, first.changed.checksum) == ("A/USD", 3)
    # What the replaced book changed is lost, so the merged one must not pass for the whole of the changes.
    assert first.changed.changes == ()
    assert rest == [trade("A/USD", 1), book("B/USD", 2), trade("A/USD", 2)]
    assert listener.counts == ListenerCounts(offered=5, sent=4, dropped=0, coalesced=1, waiting=0)


def test_a_full_coalescing_queue_gives_up_its_oldest() -> None:
    listener = Listener(2, DropPolicy.COALESCE)
    for number in range(4):
        listener.put(trade("A/USD", number))
    assert drain(listener) == [trade("A/USD", 2), trade("A/USD", 3)]
    assert listener.counts == ListenerCounts(offered=4, sent=2, dropped=2, coalesced=0, waiting=0)


def test_a_closed_candle_is_a_fact_and_a_running_one_a_state() -> None:
    running = CandleChanged("A/USD", Candle(60, 1, 1, 1, 1, 1, 1, 1, 1))
    closed = CandleChanged("A/USD", Candle(60, 1, 1, 1, 1, 1, 1, 1, 1, closed=True))
    following = CandleChanged("A/USD", Candle(120, 1, 1, 1, 1, 1, 1, 1, 1))
    assert coalescing_key(closed) is None
    assert coalescing_key(running) is not None
    assert coalescing_key(running) != coalescing_key(following)


def test_the_window_lets_one_state_a_pair_through_and_holds_the_newest_back() -> None:
    time = Time()
    listener = Listener(100, coalesce_ns=50 * MS, clock=time)
    listener.put(book("A/USD", 1))
    assert [each.changed.checksum for each in drain(listener)] == [1], "the first is not delayed"
    for number in (2, 3, 4):
        listener.put(book("A/USD", number))
        listener.put(trade("A/USD", number))
    listener.put(book("B/USD", 9))
    assert drain(listener) == [trade("A/USD", 2), trade("A/USD", 3), trade("A/USD", 4), book("B/USD", 9)]
    time.ns = 49 * MS
    assert listener.poll() == (None, 1 * MS)
    time.ns = 50 * MS
    assert [each.changed.checksum for each in drain(listener)] == [4]
    assert listener.counts == ListenerCounts(offered=8, sent=6, dropped=0, coalesced=2, waiting=0)


def test_a_book_from_before_the_loss_of_proof_never_comes_after_it() -> None:
    time = Time()
    listener = Listener(100, coalesce_ns=50 * MS, clock=time)
    listener.put(book("A/USD", 1))
    drain(listener)
    listener.put(book("A/USD", 2))
    listener.put(unproven("A/USD"))
    listener.put(book("A/USD", 3, verified=False))
    early = drain(listener)
    assert [type(each).__name__ for each in early] == ["BookLine", "BookStateChanged"]
    assert early[0].verified
    time.ns = 50 * MS
    assert [(each.changed.checksum, each.verified) for each in drain(listener)] == [(3, False)]


def test_what_a_proof_ends_is_not_merged_over_it_without_a_window() -> None:
    listener = Listener(100, DropPolicy.COALESCE)
    for event in (book("A/USD", 1), unproven("A/USD"), book("A/USD", 2, verified=False)):
        listener.put(event)
    assert [getattr(each, "verified", None) for each in drain(listener)] == [True, None, False]


@pytest.mark.parametrize("rate", [1, 50, 5_000])
def test_the_rate_is_kept_over_every_second(rate: int) -> None:
    time = Time()
    listener = Listener(100_000, rate=rate, clock=time)
    taken: Counter[int] = Counter()
    for number in range(20_000):
        listener.put(trade("A/USD", number))
    for millisecond in range(3_000):
        time.ns = millisecond * MS
        taken[millisecond // 1000] += len(drain(listener))
    # An even pace, but for the millisecond that a second may end within.
    assert all(rate - rate // 200 <= taken[second] <= rate + max(1, rate // 50) for second in range(3)), taken
    assert listener.poll()[1] is not None
    assert listener.counts.waiting == 20_000 - sum(taken.values())


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("book"), st.sampled_from(["A/USD", "B/USD", "C/USD"]), st.booleans()),
            st.tuples(st.just("trade"), st.sampled_from(["A/USD", "B/USD"]), st.booleans()),
            st.tuples(st.just("state"), st.sampled_from(["A/USD", "B/USD"]), st.booleans()),
            st.tuples(st.just("take"), st.just(""), st.booleans()),
            st.tuples(st.just("wait"), st.just(""), st.booleans()),
        ),
        max_size=80,
    ),
    st.integers(1, 6),
    st.sampled_from(DropPolicy),
    st.sampled_from([0, 5 * MS, 50 * MS]),
    st.sampled_from([0.0, 100.0, 5_000.0]),
)
def test_offered_is_sent_plus_dropped_plus_coalesced_plus_waiting_whatever_happens(
    moves: list[tuple[str, str, bool]], capacity: int, policy: DropPolicy, window: int, rate: float
) -> None:
    time = Time()
    listener = Listener(capacity, policy, coalesce_ns=window, rate=rate, clock=time)
    made = {
        "book": lambda symbol, number, flag: book(symbol, number, flag),
        "trade": lambda symbol, number, _: trade(symbol, number),
        "state": lambda symbol, _, __: unproven(symbol),
    }
    newest: dict[str, int] = {}
    offered = sent = 0
    for number, (move, symbol, flag) in enumerate(moves):
        if move == "wait":
            time.ns += (50 if flag else 3) * MS
        elif move == "take":
            event, _ = listener.poll()
            sent += event is not None
            if isinstance(event, BookLine):
                assert event.changed.checksum > newest.get(event.symbol, -1), "a book never goes back in time"
                newest[event.symbol] = event.changed.checksum
        else:
            listener.put(made[move](symbol, number, flag))
            offered += 1
        counts = listener.counts
        assert counts.offered == offered == counts.sent + counts.dropped + counts.coalesced + counts.waiting
        assert counts.sent == sent
        assert counts.waiting <= capacity
    listener.close()
    left = 0
    while not listener.finished:
        assert listener.poll()[0] is not None
        left += 1
    assert listener.counts == ListenerCounts(offered, sent + left, listener.dropped, listener.coalesced, 0)


def test_discarded_events_count_as_dropped() -> None:
    listener = Listener(4, coalesce_ns=50 * MS, clock=Time())
    for number in range(3):
        listener.put(trade("A/USD", number))
    listener.close(discard=True)
    assert listener.counts == ListenerCounts(offered=3, sent=0, dropped=3, coalesced=0, waiting=0)
    assert listener.finished


async def test_an_event_loop_waits_for_what_another_thread_puts() -> None:
    listener = Listener(4)
    waiting = asyncio.create_task(take(listener))
    await asyncio.sleep(0)
    thread = threading.Thread(target=listener.put, args=("news",))
    thread.start()
    assert await asyncio.wait_for(waiting, 5) == "news"
    thread.join()
    assert await take(listener, 0.001) is None
    listener.close()
    with pytest.raises(ListenerClosed):
        await take(listener)


async def test_several_tasks_may_wait_for_one_queue_and_none_is_forgotten() -> None:
    listener = Listener(4)
    first, second, third = (asyncio.create_task(take(listener)) for _ in range(3))
    await asyncio.sleep(0)
    third.cancel()
    await asyncio.sleep(0)
    listener.put("one")
    listener.put("two")
    assert {await asyncio.wait_for(first, 5), await asyncio.wait_for(second, 5)} == {"one", "two"}
    waiting = [asyncio.create_task(take(listener)) for _ in range(3)]
    await asyncio.sleep(0)
    listener.close()
    assert [type(end) for end in await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)] == (
        [ListenerClosed] * 3
    )


async def test_who_waits_in_vain_is_not_remembered() -> None:
    listener = Listener(4)
    for _ in range(5):
        assert await take(listener, 0.0001) is None
    waiting = asyncio.create_task(take(listener))
    await asyncio.sleep(0)
    assert len(listener._wakers) == 1
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not listener._wakers


def test_nothing_is_offered_to_a_listener_that_another_thread_closes_meanwhile() -> None:
    def wants(_: object) -> bool:
        listener.close(discard=True)
        return True

    listener = Listener(4, wants=wants)
    listener.put("late")
    assert listener.counts == ListenerCounts()
    assert listener.finished


async def test_held_back_states_come_when_their_time_has_come() -> None:
    listener = Listener(4, coalesce_ns=10 * MS)
    listener.put(book("A/USD", 1))
    listener.put(book("A/USD", 2))
    first = await take(listener, 5)
    assert first.changed.checksum == 2, "the newer one had replaced it while it waited"
    listener.put(book("A/USD", 3))
    assert (await take(listener, 5)).changed.checksum == 3


def test_presets_have_their_figures_and_numbers_replace_them() -> None:
    assert PRESETS["single"] == preset("single") == preset(1) == Backpressure(500, DropPolicy.OLDEST, 0.0, 0.0)
    assert preset("multi") == preset(2) == Backpressure(2_000, DropPolicy.COALESCE, 50.0, 5_000.0)
    assert preset("aggregator") == preset(3) == Backpressure(10_000, DropPolicy.COALESCE, 100.0, 10_000.0)
    assert adjusted(preset("multi"), queue=7, policy="latest", coalesce_ms=0, rate=1) == Backpressure(
        7, DropPolicy.NEWEST, 0, 1
    )
    assert DropPolicy.LATEST is DropPolicy.NEWEST is drop_policy("LATEST")


@pytest.mark.parametrize(
    "wrong",
    [
        {"queue": 0},
        {"queue": True},
        {"queue": 1.5},
        {"policy": "random"},
        {"coalesce_ms": -1},
        {"coalesce_ms": float("nan")},
        {"rate": float("inf")},
        {"rate": "fast"},
    ],
)
def test_wrong_numbers_are_one_sentence_that_names_them(wrong: dict[str, object]) -> None:
    with pytest.raises(Configuration, match=next(iter(wrong))):
        adjusted(preset("single"), **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [0, 4, "double", True, None])
def test_an_unknown_preset_is_refused(wrong: object) -> None:
    with pytest.raises(Configuration, match="single, multi, aggregator"):
        preset(wrong)  # type: ignore[arg-type]


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
