"""F114 to F116: messages and lists that are meant to take all time or memory."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from kraken_tui.feed.connection.table import State
from kraken_tui.feed.events import FeedEvent, Note
from kraken_tui.feed.limits import Limits
from kraken_tui.feed.policy import MOST_EARLY
from kraken_tui.feed.session import Session
from kraken_tui.market.events import Proof
from kraken_tui.wire.decode import MOST_NAMES
from tests.faults.helpers import HandMade, first, up
from tests.faults.ledger import Ledger
from tests.rig.network import SECOND, Packet
from tests.rig.world import World

MANY = 100_000


def lines(events: list[FeedEvent], words: str) -> list[str]:
    return [event.text for event in events if isinstance(event, Note) and words in event.text]


def worst_order(count: int) -> list[tuple[int, int]]:
    """Bids of which each is better than all before."""
    return [(1_000 + ticks, 10**8) for ticks in range(count)]


@pytest.mark.parametrize("kind", ["update", "snapshot"])
def test_f114_a_book_message_of_endless_levels(kind: str, ledger: Ledger) -> None:
    made = HandMade()
    made.snapshot([(500_000, 1)], [(500_001, 1)])
    began, spent = made.world.now, time.process_time()
    (made.update if kind == "update" else made.snapshot)(worst_order(MANY), [])
    spent = time.process_time() - spent
    at, change = first(made.world, State.DISCONNECTED, began)
    assert at == began
    assert change.cause == f"BTC/USD: a book message of {MANY:,} levels at depth 10"
    assert not made.verified
    assert spent < 3
    made.world.weather.mangle = lambda frame: [frame]
    made.world.until_well(90)
    ledger("ended with the reason", f"{kind}: at once, {spent:.2f} s of processor time", "3 s for 100,000 levels")


@pytest.mark.parametrize("depth", [10, 100, 1000])
def test_f114_a_long_message_within_the_bound_is_applied(depth: int, ledger: Ledger) -> None:
    made = HandMade(depth)
    made.snapshot([(500_000, 1)], [(500_001, 1)])
    most = Limits().most_levels(depth)
    made.update(worst_order(most), [])
    assert made.verified
    assert made.equal
    made.update(worst_order(most + 1), [])
    assert not made.verified
    ledger("applied up to the bound", f"{most:,} levels at depth {depth}", "10 x depth + 2,000")


def test_f114_a_message_of_a_depth_that_is_being_left_ends_nothing(ledger: Ledger) -> None:
    world = up(depth=1000)
    world.client.set_depth(10, world.now, world.start_ns + world.now)
    book = ",".join(f'{{"price":{10_000 + at}.0,"qty":1.00000000}}' for at in range(2500))
    row = f'{{"symbol":"BTC/USD","bids":[{book}],"asks":[],"checksum":1}}'
    world.receive(Packet(f'{{"channel":"book","type":"update","data":[{row}]}}', world.now, world.now))
    world.until_well(20)
    assert len(world.dials) == 1
    ledger("nothing ended", "0 reconnects", "0 reconnects")


def test_f114_a_recording_with_such_a_message_goes_on_without_it(ledger: Ledger) -> None:
    made = HandMade()
    session = Session(replay=True)
    session.opened(1, 1)
    wall = made.world.start_ns
    made.book.apply([(500_000, 1)], [(500_001, 1)])
    good = made.book.frame("BTC/USD", "snapshot", [(500_000, 1)], [(500_001, 1)], wall)
    for frame in (good, made.book.frame("BTC/USD", "update", worst_order(MANY), [], wall)):
        session.frame(frame, wall, wall)
    assert session.counters.rejected == 1
    assert session.stitchers["BTC/USD"].proof is Proof.UNVERIFIED
    assert len(lines(session.take_events(), "levels at depth")) == 1
    session.frame(good, wall, wall)
    other = made.book.frame("ETH/USD", "snapshot", worst_order(MANY), [], wall)
    session.frame(other, wall, wall)
    assert session.state is State.SUBSCRIBED
    assert session.stitchers["BTC/USD"].proof is Proof.VERIFIED
    assert "ETH/USD" not in session.pairs
    ledger("left out, unproven until the next snapshot", "1 frame rejected", "the rest plays")


def invented(start: int, count: int, kind: str = "update") -> str:
    rows = ",".join(
        f'{{"symbol":"P{number}/USD","base":"P{number}","quote":"USD","status":"online","price_precision":1,'
        '"qty_precision":8}'
        for number in range(start, start + count)
    )
    return f'{{"channel":"instrument","type":"{kind}","data":{{"assets":[],"pairs":[{rows}]}}}}'


def receive(world: World, frame: str) -> None:
    world.receive(Packet(frame, world.now, world.now))


def test_f115_invented_pairs_take_no_memory(ledger: Ledger) -> None:
    world = up()
    receive(world, invented(0, 6000))
    most = world.client.limits.most_pairs
    assert len(world.client.specs) == most
    world.run(1)
    tracemalloc.start()
    try:
        for start in range(6000, 106_000, 2000):
            receive(world, invented(start, 2000))
        world.run(1)
        grown = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    events = [event for _, event in world.events]
    assert len(world.client.specs) == most
    assert len(world.client.symbols) <= most
    assert len(lines(events, f"more than {most:,} pairs")) <= 6, "said the 1st, 10th, 100th, ... time"
    assert grown < 4 * 2**20
    assert proven(world)
    ledger("a bound, said", f"100,000 pairs: {most:,} known, {grown / 2**20:.1f} MiB more", "5,000 pairs, 4 MiB")


def proven(world: World) -> bool:
    return all(each.proof is Proof.VERIFIED for each in world.client.stitchers.values())


def test_f115_a_new_list_makes_room_again(ledger: Ledger) -> None:
    session = Session(replay=True)
    session.opened(1, 1)
    session.frame(invented(0, 7000), SECOND, SECOND)
    session.frame(invented(90_000, 10, "snapshot"), SECOND, SECOND)
    assert sorted(session.specs) == sorted(f"P{number}/USD" for number in range(90_000, 90_010))
    assert len(session.symbols) == 10
    ledger("only the pairs of the list", "10 of 10 known", "0 of the others")


@pytest.mark.parametrize("named", [False, True])
def test_f115_a_recording_of_endless_pairs(named: bool, ledger: Ledger) -> None:
    limits = Limits(most_pairs=50)
    session = Session(limits, replay=True)
    if named:
        session.want("NOPE/USD")
    session.opened(1, 1)
    for number in range(6000 if named else 200):
        row = f'{{"symbol":"P{number}/USD","bids":[{{"price":1.0,"qty":1.0}}],"asks":[],"checksum":1}}'
        session.frame(f'{{"channel":"book","type":"snapshot","data":[{row}]}}', SECOND, SECOND)
    assert len(session.pairs) == (0 if named else 50)
    assert len(session._names._met) <= 5000
    ledger("a bound", f"{len(session.pairs)} kept", "as many as are known")


def test_f115_endless_grants_of_a_recording_are_bounded_counted_and_said(ledger: Ledger) -> None:
    session = Session(replay=True)
    session.opened(1, 1)
    for number in range(MOST_EARLY + 200):
        granted = f'{{"channel":"book","depth":25,"symbol":"P{number}/USD"}}'
        session.frame(f'{{"method":"subscribe","result":{granted},"success":true}}', SECOND, SECOND)
    said = [event.text for event in session.take_events() if isinstance(event, Note)]
    bound = f"subscriptions of more than {MOST_EARLY:,} pairs before their books: what was granted is forgotten"
    assert said == [bound, f"{bound} (10 times)", f"{bound} (100 times)"]
    for number in (0, MOST_EARLY + 100):
        row = f'{{"symbol":"P{number}/USD","bids":[{{"price":1.0,"qty":1.0}}],"asks":[],"checksum":1}}'
        session.frame(f'{{"channel":"book","type":"snapshot","data":[{row}]}}', SECOND, SECOND)
    assert [session.pairs[f"P{number}/USD"].depth for number in (0, MOST_EARLY + 100)] == [25, 10]
    ledger("a bound, said", f"5,200 pairs: {MOST_EARLY:,} grants kept, 200 counted", "5,000 pairs")


def test_f115_unknown_kinds_are_counted_as_one_beyond_a_number_and_that_is_said(ledger: Ledger) -> None:
    world = up()
    before = len(world.client.counters.ignored)
    for number in range(3 * MOST_NAMES):
        receive(world, f'{{"channel":"kind{number}","type":"update","data":[]}}')
    world.run(2)
    said = lines([event for _, event in world.events], "counted as one")
    assert len(world.client.counters.ignored) <= MOST_NAMES + 1
    assert said == [f"over {MOST_NAMES} kinds of ignored frames: the others are counted as one"]
    assert before <= 1
    ledger("counted as one, said once", f"{MOST_NAMES} names, 1 line", f"{MOST_NAMES} names")


def test_f115_unknown_fields_too(ledger: Ledger) -> None:
    world = up()
    fields = ",".join(f'"field{number}":1' for number in range(300))
    receive(world, f'{{"channel":"heartbeat",{fields}}}')
    for _ in range(600):
        receive(world, f'{{"channel":"heartbeat",{fields}}}')
    world.run(2)
    said = lines([event for _, event in world.events], "counted as one")
    assert said == [f"over {MOST_NAMES} unknown fields: the others are counted as one"]
    ledger("counted as one, said once", "1 line", f"{MOST_NAMES} names")


def test_f116_remarks_of_endless_kinds_do_not_fill_the_log(ledger: Ledger) -> None:
    world = up()
    for number in range(5000):
        receive(world, f'{{"error":"remark {number}"}}')
    said = [event for _, event in world.events if isinstance(event, Note)]
    assert len(said) < 1100
    assert lines([event for _, event in world.events], "no longer told apart")
    ledger("a bound, said", f"5,000 remarks: {len(said)} lines", "1,100 lines")
