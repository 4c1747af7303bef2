"""The relay: whoever dials it holds what the exchange holds, proves it again, and hears when it is not so."""

from __future__ import annotations

import json

import pytest

from kraken_tui.feed.connection.table import State
from kraken_tui.market.events import BookState
from kraken_tui.web.relay import LINGER_S, MOST_PAIRS, Peer
from tests.rig.world import many, thin
from tests.web.relayed import Relayed

A, B = "P00/USD", "P01/USD"


@pytest.fixture
def world() -> Relayed:
    world = Relayed(many(2))
    world.until_well(20)
    return world


def same(world: Relayed, visitor: object, symbol: str) -> bool:
    book = world.client.books[symbol]
    return visitor.book(symbol) == (list(book.bids.top()), list(book.asks.top()))  # type: ignore[attr-defined]


def test_visitors_hold_the_book_of_the_exchange_and_prove_every_message(world: Relayed) -> None:
    first = world.visit()
    world.run(5)
    second = world.visit()
    checked = second.session.counters.checks_ok
    world.run(20)
    for visitor in (first, second):
        assert visitor.session.state is State.SUBSCRIBED
        for symbol in (A, B):
            assert visitor.proven(symbol)
            assert same(world, visitor, symbol)
        assert visitor.session.counters.checks_failed == visitor.session.counters.resyncs == 0
    assert second.session.counters.checks_ok > checked + 10
    # Both heard the very frames, and the exchange knows of one client.
    assert first.of("book", "update")[-20:] == second.of("book", "update")[-20:]
    assert len([state for _, state in world.changes(State.CONNECTING)]) == 1


def test_a_visitor_begins_with_what_is_known(world: Relayed) -> None:
    world.run(10)
    visitor = world.visit(A)
    # Not a moment passes.
    assert visitor.proven(A)
    assert visitor.of("trade", "snapshot")[0]["data"][-1]["symbol"] == A
    assert visitor.of("ticker", "snapshot")[0]["data"][0]["symbol"] == A
    assert visitor.of("instrument", "snapshot")[0]["data"]["pairs"]
    assert visitor.session.system == world.client.system == "online"
    assert {row["symbol"] for one in visitor.of("trade") for row in one["data"]} == {A}
    numbers = [row["trade_id"] for one in visitor.of("trade") for row in one["data"]]
    assert numbers == sorted(set(numbers))
    world.run(2)
    assert visitor.of("ohlc", "snapshot")[0]["data"][-1]["interval"] == 1


def test_a_wrong_checksum_is_seen_by_everybody_and_mended_once(world: Relayed) -> None:
    visitors = [world.visit(), world.visit()]
    world.run(3)
    world.venue.faults.corrupt_checksum(A)
    world.run(10)
    assert world.client.counters.checks_failed == 1
    for visitor in visitors:
        assert visitor.session.counters.checks_failed == 1
        assert visitor.proven(A)
        assert same(world, visitor, A)
    books = [text for _, text in world.sent if '"channel":"book"' in text and '"subscribe"' in text]
    assert len(books) == 2, "the exchange was asked once at the start and once after the fault"


def test_a_proof_lost_for_a_reason_that_no_frame_shows_is_lost_for_visitors_too(world: Relayed) -> None:
    visitor = world.visit()
    world.run(3)
    world.venue.faults.withhold_snapshots(A, 1000)
    world.client.unproven(A, "an audit", world.mono, world.wall)
    world._pump()
    visitor.turn()
    assert not visitor.proven(A)
    assert visitor.proven(B)


def test_without_the_exchange_visitors_are_told_and_hold_nothing_for_true(world: Relayed) -> None:
    visitor = world.visit()
    world.run(3)
    world.hang_up(1001, "going away")
    world.run(0.2)
    assert visitor.closed.startswith("1013 exchange lost: ")
    assert visitor.session.state is State.DISCONNECTED
    assert not visitor.proven(A)
    world.visitors.remove(visitor)
    world.until_well()
    again = world.visit()
    world.run(2)
    assert again.proven(A)
    assert same(world, again, A)


def test_a_pair_that_a_visitor_adds_is_followed_and_left_again() -> None:
    world = Relayed(many(2), wants=[A])
    world.until_well(20)
    visitor = world.visit(A)
    visitor.session.want(B, world.mono, world.wall)
    visitor.turn()
    world.run(5)
    assert visitor.proven(B)
    other = world.visit(B)
    visitor.leave()
    world.run(LINGER_S + 5)
    assert B in world.client.pairs, "another visitor looks at it"
    other.leave()
    world.run(LINGER_S / 2)
    assert B in world.client.pairs
    world.run(LINGER_S)
    assert [*world.client.pairs] == [A]


def test_the_number_of_pairs_is_bounded() -> None:
    world = Relayed([thin(f"Q{at:02d}/USD", 0.2) for at in range(MOST_PAIRS + 2)], wants=["Q00/USD"])
    world.until_well(20)
    visitor = world.visit(*world.venue.specs)
    world.run(30)
    assert len(world.client.names) == MOST_PAIRS
    assert f"{MOST_PAIRS} pairs are followed already" in " ".join(visitor.refusals())


def test_what_the_exchange_refuses_is_refused_in_its_words(world: Relayed) -> None:
    visitor = world.visit(A)
    visitor.relay.request(
        visitor.peer, '{"method":"subscribe","params":{"channel":"book","symbol":["NO/PE"],"depth":10},"req_id":900}'
    )
    world.run(3)
    assert any("NO/PE" in error for error in visitor.refusals())


def test_another_depth_is_refused_and_another_interval_has_no_foreign_candles(world: Relayed) -> None:
    visitor = world.visit(A, depth=25, interval=5)
    world.run(3)
    assert any(error == "Subscription depth not supported, this feed has 10" for error in visitor.refusals())
    assert {row["interval"] for one in visitor.of("ohlc") for row in one["data"]} <= {5}
    assert visitor.of("ticker")


def test_a_visitor_counts_ages_from_the_exchange(world: Relayed) -> None:
    world.run(30)
    visitor = world.visit(A)
    assert world.client.latency.offset_ns is not None
    assert visitor.session.latency.offset_ns == pytest.approx(world.client.latency.offset_ns, abs=2_000_000)


def test_a_snapshot_in_mid_stream_reaches_everybody(world: Relayed) -> None:
    visitor = world.visit()
    world.run(2)
    world.venue.faults.resend_snapshot(A)
    world.run(3)
    assert visitor.proven(A)
    assert same(world, visitor, A)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{", "Malformed request"),
        ("[]", "Malformed request"),
        ('{"method":"add_order","params":{},"req_id":1}', "Unsupported event"),
        ('{"method":"subscribe","params":{"channel":"executions"}}', "Unsupported event"),
        ('{"method":"subscribe","params":{"channel":"book","symbol":"P00/USD"}}', "Unsupported event"),
        ('{"method":"unsubscribe","params":{"channel":"book","symbol":["P00/USD"]}}', "Subscription Not Found"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(world: Relayed, text: str, error: str) -> None:
    found: list[bytes] = []
    assert world.relay is not None
    peer = Peer(found.append, lambda *_: None)
    world.relay.request(peer, text)
    assert [json.loads(one)["error"] for one in found] == [error]


def test_a_frame_that_cannot_be_read_is_passed_on_for_everybody_to_judge(world: Relayed) -> None:
    visitor = world.visit()
    assert world.relay is not None
    world.relay.frame(b'{"channel":"book","data":[{]}')
    assert visitor.frames.pop() == b'{"channel":"book","data":[{]}'


def test_a_book_that_is_being_fetched_again_is_waited_for(world: Relayed) -> None:
    world.venue.faults.corrupt_checksum(A)
    world.venue.faults.withhold_snapshots(A)
    while world.client.stitchers[A].state is BookState.LIVE:
        world.run(0.1)
    visitor = world.visit()
    assert not visitor.proven(A)
    assert visitor.proven(B)
    world.run(20)
    assert visitor.proven(A)
    assert same(world, visitor, A)
