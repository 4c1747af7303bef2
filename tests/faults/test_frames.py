"""F38 to F48: frames that are broken, endless, or not what they should be."""

from __future__ import annotations

import json
import re
import time

import pytest

from kraken_tui.errors import InvalidMessage
from kraken_tui.feed.connection.table import State
from kraken_tui.feed.events import Note
from kraken_tui.market.events import BookState
from kraken_tui.wire.decode import MAX_FRAME, decode
from tests.faults.helpers import HandMade, first, until, up
from tests.faults.ledger import Ledger
from tests.rig.network import SECOND, Packet

BROKEN = (b"", b"\x00\x01\xff", b'{"channel":"book"', b"\xff\xfe{}", "7", "null", '"text"', "[1,2]", "\ud800")


@pytest.mark.parametrize("bad", BROKEN, ids=range(len(BROKEN)))
def test_f41_an_unreadable_frame_costs_one_reconnect(bad: str | bytes, ledger: Ledger) -> None:
    world = up()
    applied, began = world.client.counters.applied, world.now
    world.receive(Packet(bad, world.now, world.now))
    assert world.client.counters.applied == applied
    assert world.client.counters.invalid == 1
    at, _ = first(world, State.DISCONNECTED, began)
    assert at == began
    assert any("unreadable" in note.text for note in world.of(Note))
    took = world.until_well(5)
    assert len(world.dials) == 2
    ledger("log and reconnect once, nothing applied", f"{bad[:12]!r}: at once; VERIFIED after {took:.2f} s", "1 s")


def test_f41_a_server_that_only_talks_nonsense_is_backed_off_from(ledger: Ledger) -> None:
    world = up()
    world.weather.mangle = lambda frame: ["nonsense"]
    world.run(1800)
    assert world.most_dials() <= 30
    ledger("repeated: backoff", f"{world.most_dials()} dials at most in 10 min", "30 / 10 min")


def test_f44_a_hundred_thousand_brackets(ledger: Ledger) -> None:
    slowest = 0.0
    for bad in ("[" * 100_000, '{"a":' * 100_000, '{"channel":"book","data":' + "[" * 100_000, "9" * 1_000_000):
        began = time.perf_counter()
        with pytest.raises(InvalidMessage):
            decode(bad)
        slowest = max(slowest, time.perf_counter() - began)
    assert slowest <= 0.05
    with pytest.raises(InvalidMessage, match="over the limit"):
        decode(b" " * (MAX_FRAME + 1))
    ledger("rejected, the process lives", f"{slowest * 1000:.1f} ms at most", "50 ms")


NUMBERS = ("NaN", "1e999", "9" * 5000, "-1", "0", "true", '"0x10"', '"１０"', "null", "[]", "1e-400", '"1,5"')


@pytest.mark.parametrize("number", NUMBERS, ids=[n[:8] for n in NUMBERS])
def test_f45_no_unacceptable_number_gets_into_a_book(number: str, ledger: Ledger) -> None:
    world = up()
    count = 0

    def forge(frame: str | bytes) -> list[str | bytes]:
        nonlocal count
        if count or not isinstance(frame, str) or '"channel":"book","type":"update"' not in frame:
            return [frame]
        forged = re.sub(r'"price":[0-9.]+', f'"price":{number}', frame, count=1)
        count = 1
        return [forged]

    world.weather.mangle = forge
    until(world, lambda: count, 5)
    began = world.now
    until(world, lambda: world.client.state is not State.SUBSCRIBED, 2)
    took = (world.until_well(5) * SECOND + world.now - world.now) / SECOND
    assert (world.now - began) / SECOND <= 3
    for book in world.client.books.values():
        levels = (*book.bids.top(), *book.asks.top())
        assert all(type(ticks) is int and type(lots) is int and ticks > 0 and lots > 0 for ticks, lots in levels)
    ledger("never in the book", f"{number[:8]}: unproven at once, VERIFIED {took:.2f} s later", "2 s")


def test_f46_keys_in_any_order_with_any_spaces_and_doubles(ledger: Ledger) -> None:
    world = up()

    def restyle(frame: str | bytes) -> list[str | bytes]:
        if not isinstance(frame, str) or '"channel":"book"' not in frame:
            return [frame]
        content = json.loads(frame, parse_float=_Text, parse_int=_Text)
        text = _dump(dict(reversed(content.items())))
        return [text.replace('"symbol" : ', '"symbol" : "WRONG/USD" ,\n\t"symbol" : ')]

    world.weather.mangle = restyle
    proofs = world.client.counters.checks_ok
    world.run(30)
    gained = world.client.counters.checks_ok - proofs
    assert world.well
    assert gained > 30
    assert world.client.counters.resyncs == 0
    assert all(
        (book.bids.top(), book.asks.top()) == world.link.true.books[symbol].top()  # type: ignore[union-attr]
        for symbol, book in world.client.books.items()
    )
    ledger("LIVE, equality", f"{gained} restyled frames verified, 0 resyncs", "equality")


class _Text(str):
    """A number that keeps its digits."""


def _dump(value: object) -> str:
    """JSON with the numbers' own digits, reversed keys and odd spaces."""
    if isinstance(value, _Text):
        return str(value)
    if isinstance(value, dict):
        return "{ " + " ,\n\t".join(f"{json.dumps(key)} : {_dump(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[ " + " , ".join(map(_dump, value)) + "\r\n]"
    return json.dumps(value)


def test_f47_large_ids_and_exponents_are_exact(ledger: Ledger) -> None:
    world = up()
    assert world.link is not None
    assert world.link.peer.connection_id > 2**53
    assert "e-" in world.venue.instrument_snapshot()
    made = HandMade(price=8, qty=8)
    made.snapshot([(5, 10**8)], [(7, 10**8)])
    wire = made.book.frame(made.symbol, "update", [(5, 3 * 10**8)], [], made.world.start_ns)
    made.book.apply([(5, 3 * 10**8)], [])
    proof = made.book.checksum()
    exponents = re.sub(r'"price":[0-9.]+', '"price":5e-08', wire)
    made.raw(re.sub(r'"checksum":\d+', f'"checksum":{proof}', exponents))
    assert made.equal
    assert made.verified
    ledger("LIVE, exact", f"connection id {world.link.peer.connection_id}; 5e-08 is 5 ticks", "exact")


def test_a_book_frame_without_data_is_not_fatal() -> None:
    made = HandMade()
    made.raw('{"channel":"book","type":"update","data":[]}')
    assert made.world.client.stitchers[made.symbol].state is BookState.LIVE
    assert made.world.client.state is State.SUBSCRIBED
