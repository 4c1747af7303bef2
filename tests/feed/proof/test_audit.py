"""The audit of whole books: the comparison, the plan, F49 and F53 in virtual time, and one on a real socket."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.exchange.server import ExchangeThread
from kraken_tui.feed.clock import SystemClock
from kraken_tui.feed.connection.table import State, Trigger
from kraken_tui.feed.connection.websocket import run
from kraken_tui.feed.events import Audited, FeedEvent, Note, Resync, StateChanged
from kraken_tui.feed.limits import Limits
from kraken_tui.feed.proof.book_history import MESSAGES, BookHistory, Comparison, difference
from kraken_tui.feed.session import Session
from kraken_tui.market.book.l2 import OrderBook
from kraken_tui.market.events import Proof
from kraken_tui.units import SECOND
from kraken_tui.wire.messages import BookData, WireLevel
from kraken_tui.wire.symbols import PairSpec
from tests.faults.ledger import Ledger
from tests.rig.bench import ExchangeRig
from tests.rig.scripted import SlowBook

SPEC = PairSpec("BTC/USD", "BTC", "USD", 1, 8)
QUICK = Limits(audit_first_s=5.0, audit_every_s=30.0, audit_again_s=10.0)
T = 1_000


def levels(pairs: list[tuple[int, int]]) -> list[WireLevel]:
    return [WireLevel(f"{ticks // 10}.{ticks % 10}", f"{lots / 1e8:.8f}") for ticks, lots in pairs]


def data(bids: list[tuple[int, int]], asks: list[tuple[int, int]] | None = None) -> BookData:
    return BookData("BTC/USD", levels(bids), levels(asks or []))


def book(bids: list[tuple[int, int]], depth: int = 25) -> OrderBook:
    made = OrderBook(SPEC, depth)
    made.load(levels(bids), levels([(2000, 5)]))
    return made


BIDS = [(1000 - i, 100 + i) for i in range(25)]


def changed(*changes: tuple[int, int]) -> OrderBook:
    return book([(ticks, lots) for ticks, lots in {**dict(BIDS), **dict(changes)}.items() if lots])


# -- the comparison ----------------------------------------------------------------------------------------------


def test_the_state_of_the_same_moment_is_compared_not_the_newest() -> None:
    window = BookHistory(book(BIDS), T)
    window.add(data([(990, 7)]), T + 1)
    window.add(data([(989, 8)]), T + 2)
    assert window.compare(book(BIDS), T) == (Comparison.EQUAL, "")
    assert window.compare(changed((990, 7)), T + 1) == (Comparison.EQUAL, "")
    assert window.compare(changed((990, 7), (989, 8)), T + 2) == (Comparison.EQUAL, "")
    assert window.compare(changed((990, 7)), T + 2) == (
        Comparison.DIFFERENT,
        "bid 98.9: 0.00000008 here, 0.00000111 in a second snapshot",
    )


def test_two_messages_of_one_microsecond_may_both_be_meant() -> None:
    window = BookHistory(book(BIDS), T)
    window.add(data([(990, 7)]), T + 1)
    window.add(data([(989, 8)]), T + 1)
    assert window.compare(changed((990, 7)), T + 1) == (Comparison.EQUAL, "")
    assert window.compare(changed((990, 7), (989, 8)), T + 1) == (Comparison.EQUAL, "")
    assert window.compare(changed((989, 8)), T + 1)[0] is Comparison.DIFFERENT


def test_a_moment_without_a_message_is_judged_by_levels_no_message_touched() -> None:
    window = BookHistory(book(BIDS), T)
    window.add(data([(990, 7)]), T + 10)
    assert window.compare(book(BIDS), T + 5) == (Comparison.EQUAL, "")
    # Already with a change that comes later: that proves nothing.
    assert window.compare(changed((990, 9)), T + 5) == (Comparison.UNCLEAR, "")
    outcome, text = window.compare(changed((990, 9), (980, 1)), T + 5)
    assert (outcome, text[:8]) == (Comparison.DIFFERENT, "bid 98.0")


def test_a_lost_message_below_the_checksum_is_found_by_the_second_snapshot() -> None:
    window = BookHistory(book(BIDS), T)
    assert window.compare(changed((980, 5)), T + 3)[0] is Comparison.DIFFERENT


def test_a_snapshot_older_than_what_is_kept_proves_or_says_nothing() -> None:
    window = BookHistory(book(BIDS), T)
    assert window.compare(changed((980, 5)), T - 3)[0] is Comparison.UNCLEAR
    assert window.compare(book(BIDS), T - 3)[0] is Comparison.EQUAL


def test_without_timestamps_only_untouched_levels_count() -> None:
    window = BookHistory(book(BIDS), None)
    window.add(data([(990, 7)]), None)
    assert window.compare(changed((990, 7)), None)[0] is Comparison.EQUAL
    assert window.compare(book(BIDS), None)[0] is Comparison.UNCLEAR
    assert window.compare(changed((980, 5)), None)[0] is Comparison.DIFFERENT


def test_the_last_levels_of_another_moment_are_left_out() -> None:
    """A level that came in at the top pushes the last one out of one book and not of the other."""
    window = BookHistory(book(BIDS), T)
    window.add(data([(1001, 9)]), T + 10)
    other = book([*BIDS[:-1], (1001, 9)])
    assert window.compare(other, T + 5) == (Comparison.UNCLEAR, "")
    assert difference(book(BIDS), other) == "bid 100.1: nothing here, 0.00000009 in a second snapshot"


def test_the_window_is_bounded_and_still_right() -> None:
    rng = random.Random(1)
    slow = SlowBook(25)
    slow.apply(BIDS, [(2000, 5)])
    window = BookHistory(book(BIDS), T)
    for number in range(1, 3 * MESSAGES):
        change = (1000 - rng.randrange(25), rng.randrange(1, 10**6))
        slow.apply([change], [])
        window.add(data([change]), T + number)
    assert len(window._messages) == MESSAGES
    made = OrderBook(SPEC, 25)
    bids, asks = slow.top()
    made.load(levels(list(bids)), levels(list(asks)))
    assert window.compare(made, T + 3 * MESSAGES - 1) == (Comparison.EQUAL, "")
    assert window.compare(made, T + 5)[0] is Comparison.UNCLEAR


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.integers(960, 1010), st.integers(0, 3)), min_size=1, max_size=4), max_size=20),
    st.integers(0, 20),
    st.tuples(st.integers(0, 24), st.integers(1, 9)),
)
def test_every_state_of_the_past_is_recognised_and_every_flip_in_it_is_found(
    messages: list[list[tuple[int, int]]], moment: int, flip: tuple[int, int]
) -> None:
    window = BookHistory(book(BIDS), T)
    live = book(BIDS)
    states = [book(BIDS)]
    for number, change in enumerate(messages, 1):
        window.add(data(change), T + number)
        live.apply(levels(change), [])
        states.append(OrderBook(SPEC, 25))
        states[-1].load(levels(list(live.bids)), levels(list(live.asks)))
    moment = min(moment, len(messages))
    state = states[moment]
    assert window.compare(state, T + moment) == (Comparison.EQUAL, "")
    if len(state.bids) > flip[0]:
        ticks, lots = state.bids.top()[flip[0]]
        state.bids.put(ticks, lots + flip[1])
        assert window.compare(state, T + moment)[0] is Comparison.DIFFERENT


# -- the plan, against the local exchange in virtual time --------------------------------------------------------


def test_books_are_audited_soon_then_every_five_minutes_and_stay_live() -> None:
    rig = ExchangeRig("MINA/GBP", "PEPE/USD", depth=100, step_s=1.0)
    rig.run(20)
    assert rig.of(Audited) == []
    rig.run(15)
    assert {(event.symbol, event.levels) for event in rig.of(Audited)} == {("MINA/GBP", 100), ("PEPE/USD", 100)}
    rig.run(700)
    assert 2 <= len(rig.audits) <= 3
    gaps = [later - earlier for earlier, later in zip(rig.audits, rig.audits[1:], strict=False)]
    assert all(300 * SECOND <= gap <= 370 * SECOND for gap in gaps)
    assert rig.session.counters.audits == 2 * len(rig.audits)
    assert rig.session.counters.audits_failed == 0
    assert len(rig.dials) == 1
    assert rig.of(Resync) == []
    assert [event.state for event in rig.of(StateChanged)] == ["CONNECTING", "SUBSCRIBING", "SUBSCRIBED"]
    stitcher = rig.session.stitchers["MINA/GBP"]
    assert stitcher.history is None
    assert stitcher.audited_ns == rig.of(Audited)[-2 if rig.of(Audited)[-2].symbol == "MINA/GBP" else -1].ns


def flip_level(symbol: str, number: int) -> Callable[[str | bytes], str | bytes]:
    """Change the first digit of the size of the n-th ask of the next snapshot, below the checksum."""
    done: list[bool] = []

    def rewrite(frame: str | bytes) -> str | bytes:
        text = str(frame)
        if done or not text.startswith(f'{{"channel":"book","type":"snapshot","data":[{{"symbol":"{symbol}"'):
            return frame
        done.append(True)
        head, asks = text.split('"asks":[')
        rows = asks.split("},{")
        price, qty = rows[number].split('"qty":')
        digit = str(int(qty[0]) % 9 + 1)
        rows[number] = f'{price}"qty":{digit}{qty[1:]}'
        return head + '"asks":[' + "},{".join(rows)

    return rewrite


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_f53_a_digit_flipped_in_level_60_of_100_is_found_and_healed(seed: int) -> None:
    rig = ExchangeRig("MINA/GBP", "ETH/USD", depth=100, seed=seed, limits=QUICK)
    rig.venue.faults.rewrite = flip_level("MINA/GBP", 59)
    started = rig.now
    rig.run(4)
    assert rig.session.stitchers["MINA/GBP"].proof is Proof.VERIFIED
    rig.run(20)
    found = [(event.symbol, event.cause) for event in rig.of(Resync)]
    assert found == [("MINA/GBP", "audit")]
    assert (rig.of(Resync)[0].ns - started) / SECOND < 15
    assert rig.session.counters.audits_failed == 1
    rig.run(20)
    # Fetched again, and audited again without waiting for the next round.
    stitcher = rig.session.stitchers["MINA/GBP"]
    assert stitcher.proof is Proof.VERIFIED
    assert stitcher.audited_ns is not None
    assert len(rig.of(Resync)) == 1


def test_f53_the_usual_intervals_find_it_within_ten_minutes(ledger: Ledger) -> None:
    found, overwritten = [], 0
    for seed in range(8):
        rig = ExchangeRig("MINA/GBP", depth=100, seed=seed, step_s=0.5, rate=0.3)
        rig.run(40)
        stitcher = rig.session.stitchers["MINA/GBP"]
        true = rig.venue.market("MINA/GBP").simulator.book
        assert stitcher.audited_ns is not None
        # Just after an audit: a snapshot nobody asked for, with a digit flipped.
        rig.venue.faults.rewrite = flip_level("MINA/GBP", 59)
        flipped = rig.now
        rig.venue.faults.resend_snapshot("MINA/GBP")
        rig.run(1)
        assert stitcher.proof is Proof.VERIFIED
        while not rig.of(Resync) and stitcher.book.asks.top() != tuple(true.asks.levels(100)):
            rig.run(1)
            assert (rig.now - flipped) / SECOND < 600
        if not rig.of(Resync):
            # The market changed that very level, and so put it right.
            overwritten += 1
            continue
        assert [event.cause for event in rig.of(Resync)] == ["audit"]
        found.append((rig.of(Resync)[0].ns - flipped) / SECOND)
        rig.run(5)
        assert stitcher.proof is Proof.VERIFIED
    assert found
    seen = (
        f"{len(found)} of 8 seeds: found after {max(found):.0f} simulated s at most; {overwritten} overwritten before"
    )
    ledger("tinted as not covered; the audit finds it", seen, "10 min")


def test_f53_the_worst_case_of_the_usual_intervals_is_under_ten_minutes() -> None:
    limits = Limits()
    longest_s = 1.2 * limits.audit_every_s + limits.audit_limit_s + 5
    with_one_unclear_s = longest_s + 1.2 * limits.audit_again_s + limits.audit_limit_s + 5
    assert with_one_unclear_s < 600


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_f49_a_lost_message_is_always_found_by_checksum_or_audit(seed: int) -> None:
    rig = ExchangeRig("BTC/USD", depth=100, seed=seed, limits=QUICK)
    rig.run(12)
    rig.venue.faults.drop_book("BTC/USD", 3)
    rig.run(60)
    stitcher = rig.session.stitchers["BTC/USD"]
    market = rig.venue.market("BTC/USD").simulator.book
    assert stitcher.book.bids.top() == tuple(market.bids.levels(100))
    assert stitcher.book.asks.top() == tuple(market.asks.levels(100))
    assert stitcher.proof is Proof.VERIFIED


def test_levels_changed_since_the_audit_stay_audited_and_a_new_snapshot_does_not() -> None:
    rig = ExchangeRig("BTC/USD", depth=25, limits=QUICK)
    rig.run(15)
    stitcher = rig.session.stitchers["BTC/USD"]
    audited = stitcher.audited_ns
    applied = stitcher.counters.applied
    assert audited is not None
    rig.run(3)
    assert stitcher.counters.applied > applied
    assert stitcher.audited_ns == audited
    rig.venue.faults.resend_snapshot("BTC/USD")
    rig.run(0.1)
    # The audit that is due at once has not been judged yet.
    assert stitcher.audited_ns is None
    rig.run(10)
    assert stitcher.audited_ns is not None
    assert len(rig.audits) == 2


def test_a_channel_that_is_never_answered_keeps_no_book_from_its_audit() -> None:
    rig = ExchangeRig("MINA/GBP", "ETH/USD", depth=100, limits=QUICK)
    rig.venue.faults.rewrite = lambda frame: None if "ohlc" in str(frame) and "MINA/GBP" in str(frame) else frame
    rig.run(60)
    assert rig.session.state == "DEGRADED"
    began = rig.now
    rig.run(120)
    assert rig.session.state == "DEGRADED"
    assert len([at for at in rig.audits if at > began]) >= 3
    assert all(stitcher.audited_ns for stitcher in rig.session.stitchers.values())


def test_no_audit_while_the_feed_is_late() -> None:
    rig = ExchangeRig("MINA/GBP", depth=100, limits=QUICK)
    rig.run(2)
    rig.session.watchdog.late = True
    rig.session._fire(Trigger.DEGRADE, "late")
    assert rig.session.auditor.wants(rig.now, up=True) is False  # Only plans the first.
    assert rig.session.wants_audit(rig.now + 60 * SECOND) is False
    assert rig.session.auditor.wants(rig.now + 60 * SECOND, up=True) is True


def test_depth_ten_needs_no_audit() -> None:
    rig = ExchangeRig("BTC/USD", depth=10, limits=QUICK)
    rig.run(60)
    assert rig.audits == []


def test_no_audit_while_more_than_half_of_the_dial_budget_is_spent() -> None:
    rig = ExchangeRig("MINA/GBP", depth=100, limits=QUICK)
    rig.run(2)
    budget = rig.session.dialler.budget
    while budget.spent(rig.now) < 15:
        budget.spend(rig.now)
    rig.run(60)
    assert rig.audits == []
    rig.run(560)
    assert rig.audits


def test_a_ban_of_the_audits_dial_stops_all_dials_but_not_the_live_connection() -> None:
    rig = ExchangeRig("MINA/GBP", depth=100, limits=QUICK)
    rig.audit_failure = {"cause": "HTTP 429", "banned": True, "retry_after_s": 1200.0}
    rig.run(100)
    assert len(rig.audits) == 1
    assert rig.session.state == "SUBSCRIBED"
    assert [n.text for n in rig.of(Note) if "audit" in n.text] == [
        "the audit's connection failed, the live one goes on: HTTP 429"
    ]
    until = rig.session.dialler.budget.cooldown_until
    assert until is not None
    assert until - rig.audits[0] == 1200 * SECOND


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_live_line_that_is_behind_is_no_difference(seed: int) -> None:
    """What the second snapshot tells may still wait, unread, on the first connection (random schedule 8792)."""
    rig = ExchangeRig("MINA/GBP", "ETH/USD", depth=100, seed=seed, limits=QUICK)
    rig.run(3)
    waiting: list[str | bytes] = []
    while not rig.audits:
        rig.deliver(*waiting)
        # The last half second of the live connection is still on its way when the second one asks.
        rig.now += SECOND // 2
        waiting = list(rig._far.advance(rig.now))
        rig.session.tick(rig.now, rig.now)
        rig._audit()
    # The program stands still, and looks at its clock before it reads what waits.
    rig.now += 7 * SECOND
    rig.session.tick(rig.now, rig.now)
    assert rig.session.state is State.SUBSCRIBED
    rig.deliver(*waiting)
    rig.run(12)
    assert rig.of(Resync) == []
    assert rig.session.counters.audits_failed == 0
    assert {event.symbol for event in rig.of(Audited)} == {"MINA/GBP", "ETH/USD"}


def test_second_snapshots_that_always_differ_cost_two_resyncs_and_no_more() -> None:
    """Nobody can know whether the exchange tells deep levels alike on both connections: a book must not be fetched
    again every few minutes for that."""
    rig = ExchangeRig("MINA/GBP", depth=100, limits=QUICK)
    rig.audit_rewrite = lambda frame: flip_level("MINA/GBP", 59)(frame)
    rig.run(200)
    assert [(event.symbol, event.cause) for event in rig.of(Resync)] == [("MINA/GBP", "audit")] * 2
    stitcher = rig.session.stitchers["MINA/GBP"]
    assert stitcher.proof is Proof.VERIFIED
    assert stitcher.audited_ns is None
    assert [note.text[:41] for note in rig.of(Note) if "keep differing" in note.text] == [
        "MINA/GBP: second snapshots keep differing"
    ]
    gaps = [(later - at) / SECOND for at, later in pairwise(rig.audits)][3:]
    assert gaps
    assert min(gaps) >= QUICK.audit_every_s, "it is no longer in a hurry"
    rig.audit_rewrite = lambda frame: frame
    rig.run(40)
    assert stitcher.audited_ns is not None
    # From then on a difference counts again.
    rig.audit_rewrite = lambda frame: flip_level("MINA/GBP", 59)(frame)
    rig.run(100)
    assert len(rig.of(Resync)) == 4


def test_an_audit_whose_own_snapshot_is_wrong_accuses_nobody() -> None:
    rig = ExchangeRig("MINA/GBP", depth=100, limits=QUICK)
    rig.audit_rewrite = lambda frame: re.sub(r'"checksum":\d+', '"checksum":1', str(frame))
    rig.run(60)
    assert len(rig.audits) >= 3
    assert rig.session.counters.audits == 0
    assert rig.of(Resync) == []
    rig.audit_rewrite = lambda frame: "{" + str(frame)
    rig.run(30)
    assert rig.of(Audited) == []
    rig.audit_rewrite = lambda frame: frame
    rig.run(30)
    assert rig.of(Audited)
    assert not rig.session.auditor.asking


def test_a_book_lost_during_an_audit_is_not_judged() -> None:
    rig = ExchangeRig("MINA/GBP", depth=100, limits=QUICK)
    rig.run(3)
    auditor = rig.session.auditor
    auditor.begin(rig.now)
    assert len(auditor.opened()) == 1
    rig.session.disconnected("gone", rig.now, rig.now)
    auditor.frame(rig.venue.market("MINA/GBP").book_snapshot(100) or "", rig.now)
    rig.session.audit_ended(rig.now, rig.now)
    rig.session.tick(rig.now, rig.now)
    assert not auditor.running
    assert rig.session.counters.audits == 0


def test_a_live_feed_far_behind_is_not_compared() -> None:
    rig = ExchangeRig("MINA/GBP", depth=100, limits=QUICK)
    rig.run(3)
    rig.session.latency.lag_ns = 3 * SECOND
    auditor = rig.session.auditor
    auditor.begin(rig.now)
    auditor.opened()
    market = rig.venue.market("MINA/GBP")
    frame = market.book_snapshot(100) or ""
    # Another size of the last bid, which the checksum does not see.
    head, tail = frame.split('],"asks"')
    qty = head.rindex('"qty":') + 6
    auditor.frame(head[:qty] + "9" + head[qty + 1 :] + '],"asks"' + tail, rig.now)
    rig.session.audit_ended(rig.now, rig.now)
    auditor.tick(rig.now + 10 * SECOND, rig.now)
    assert rig.session.counters.audits_failed == 0
    assert rig.session.stitchers["MINA/GBP"].audited_ns is None


# -- real sockets ------------------------------------------------------------------------------------------------


@pytest.mark.realtime
async def test_an_audit_over_a_real_socket_disturbs_nothing_and_finds_a_flipped_digit() -> None:
    limits = Limits(audit_first_s=0.3, audit_every_s=1.0, audit_again_s=0.3)
    with ExchangeThread(seed=3, pairs=("MINA/GBP", "ETH/USD")) as exchange:
        exchange.faults.rewrite = flip_level("MINA/GBP", 59)
        session = Session(limits, depth=100, rng=random.Random(1))
        session.want("MINA/GBP")
        session.want("ETH/USD")
        events: list[FeedEvent] = []
        stop = asyncio.Event()
        task = asyncio.create_task(run(session, exchange.ws_url, SystemClock(), events.extend, stop))
        deadline = time.monotonic() + 12
        while time.monotonic() < deadline and not task.done():
            await asyncio.sleep(0.02)
            if all(book.audited_ns for book in session.stitchers.values()) and session.counters.audits_failed:
                break
        connections = exchange.exchange.connections
        stop.set()
        await asyncio.wait_for(task, 3)
    assert [(event.symbol, event.cause) for event in events if isinstance(event, Resync)] == [("MINA/GBP", "audit")]
    assert {event.symbol for event in events if isinstance(event, Audited)} == {"MINA/GBP", "ETH/USD"}
    assert connections <= 2
    assert session.counters.reconnects == 0
    assert session.counters.checks_failed == 0
    assert session.dialler.budget.spent(SystemClock().now()) >= 3
