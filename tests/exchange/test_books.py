"""Books kept from frames alone equal the exchange's own, at every depth, message by message."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kraken_tui.exchange.depthbook import DepthBook
from kraken_tui.exchange.pairs import PAIRS

from .reference import Client, ReferenceBook, channel, parsed, true_levels

DEPTHS = (10, 25, 100, 500, 1000)


@pytest.mark.parametrize("symbol", PAIRS)
@pytest.mark.parametrize("depth", [10, 100])
def test_reference_client_agrees(symbol: str, depth: int) -> None:
    client = Client(seed=depth, pairs=[symbol])
    book = ReferenceBook(depth)
    frames = client.subscribe("book", symbol, depth=depth)
    wanted = 150 if depth < 100 else 80
    for _ in range(400):
        for frame in channel(frames, "book"):
            book.apply(frame)
        truth = true_levels(client.venue, symbol, depth)
        assert {name: book.levels(name) for name in truth} == truth
        if book.checked >= wanted:
            break
        frames = client.run(0.5, step_ms=500)
    assert book.checked >= wanted or symbol == "MINA/GBP"
    assert book.checked > 10


@pytest.mark.parametrize("symbol", ["BTC/USD", "PEPE/USD", "MINA/GBP"])
@pytest.mark.parametrize("depth", [500, 1000])
def test_deep_books_agree(symbol: str, depth: int) -> None:
    client = Client(seed=5, pairs=[symbol], rate=2.0)
    book = ReferenceBook(depth)
    frames = client.subscribe("book", symbol, depth=depth)
    for _ in range(3 if symbol == "BTC/USD" else 12):
        for frame in channel(frames, "book"):
            book.apply(frame)
        truth = true_levels(client.venue, symbol, depth)
        assert {name: book.levels(name) for name in truth} == truth
        frames = client.run(0.4, step_ms=200)
    assert book.checked > 10
    if symbol != "MINA/GBP":
        assert len(book.levels("bids")) == len(book.levels("asks")) == depth


def test_thousands_of_messages_at_one_depth() -> None:
    client = Client(seed=11, pairs=["BTC/USD"], rate=6.0)
    book = ReferenceBook(10)
    for frame in channel(client.subscribe("book", "BTC/USD") + client.run(40, step_ms=250), "book"):
        book.apply(frame)
    assert book.checked > 3000


def test_messages_have_the_recorded_shape() -> None:
    """Removals with their refill, several entries of one price, both sides at once, additions before
    removals.
    """
    client = Client(seed=2, pairs=["ETH/USD"], rate=4.0)
    updates = channel(client.subscribe("book", "ETH/USD", depth=25) + client.run(25, step_ms=500), "book")[1:]
    sizes = [len(u["data"][0]["bids"]) + len(u["data"][0]["asks"]) for u in updates]
    assert 1.2 < sum(sizes) / len(sizes) < 2.5
    assert max(sizes) < 60
    entries = [[e["price"] for e in u["data"][0][side]] for u in updates for side in ("bids", "asks")]
    assert any(len(prices) != len(set(prices)) for prices in entries)
    assert any(u["data"][0]["bids"] and u["data"][0]["asks"] for u in updates)
    orders = [[float(e["qty"]) > 0 for e in u["data"][0][side]] for u in updates for side in ("bids", "asks")]
    assert any(o[:2] == [True, False] for o in orders)
    assert any(o[:2] == [False, True] for o in orders)


def test_numbers_have_exactly_the_pairs_decimals() -> None:
    for symbol, spec in PAIRS.items():
        client = Client(pairs=[symbol])
        for frame in channel(client.subscribe("book", symbol) + client.run(2), "book"):
            for side in ("bids", "asks"):
                for entry in frame["data"][0][side]:
                    assert len(entry["price"].partition(".")[2]) == spec.price_precision
                    assert len(entry["qty"].partition(".")[2]) == spec.qty_precision


def test_prices_stand_on_the_increment() -> None:
    client = Client(pairs=["LINK/USD"], rate=5.0)
    for frame in channel(client.subscribe("book", "LINK/USD", depth=100) + client.run(10), "book"):
        for side in ("bids", "asks"):
            assert all(entry["price"].endswith("0") for entry in frame["data"][0][side])


def test_two_connections_share_a_depth_and_may_differ() -> None:
    first = Client(pairs=["SOL/USD"])
    second = Client(first.venue, first.clock)
    third = Client(first.venue, first.clock)
    books = [(first, ReferenceBook(10)), (second, ReferenceBook(10)), (third, ReferenceBook(100))]
    for client, book in books:
        for frame in channel(client.subscribe("book", "SOL/USD", depth=book.depth), "book"):
            book.apply(frame)
    heard = []
    for _ in range(200):
        first.clock.ns += 50_000_000
        out = [client.peer.advance(first.clock.ns) for client, _ in books]
        heard.append([f for f in out[0] if "book" in f] == [f for f in out[1] if "book" in f])
        for (_, book), frames in zip(books, out, strict=True):
            for frame in channel(frames, "book"):
                book.apply(frame)
    assert all(heard)
    assert books[2][1].checked > books[0][1].checked > 20


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    depth=st.integers(1, 5),
    start=st.sets(st.integers(1, 14), max_size=10),
    messages=st.lists(st.lists(st.tuples(st.integers(1, 14), st.integers(0, 3)), max_size=6), max_size=12),
)
def test_any_message_leaves_a_truncating_client_right(
    depth: int, start: set[int], messages: list[list[tuple[int, int]]]
) -> None:
    """Insertions and removals in any order, in and beyond the depth, in books smaller and larger than it."""
    book = DepthBook(0, 0)
    for ticks in start:
        book.asks.put(ticks, 9)
        book.bids.put(-ticks, 9)
    book.watch((depth,))
    asks = dict(book.asks.levels(depth))
    bids = dict(book.bids.levels(depth))
    for message in messages:
        book.begin()
        for ticks, lots in message:
            book.asks.put(ticks, lots)
            book.bids.put(-(15 - ticks), lots)
        bid_entries, ask_entries = book.take().get(depth, ([], []))
        for held, entries in ((asks, ask_entries), (bids, bid_entries)):
            for ticks, lots in entries:
                held.pop(ticks, None)
                if lots:
                    held[ticks] = lots
        for ticks in sorted(asks)[depth:]:
            del asks[ticks]
        for ticks in sorted(bids, reverse=True)[depth:]:
            del bids[ticks]
        assert asks == dict(book.asks.levels(depth))
        assert bids == dict(book.bids.levels(depth))


def test_snapshot_timestamp_is_that_of_the_last_change() -> None:
    client = Client(pairs=["MINA/GBP"])
    client.subscribe("book", "MINA/GBP", depth=1000)
    updates = channel(client.run(60, step_ms=500), "book")
    client.ask("unsubscribe", channel="book", symbol=["MINA/GBP"])
    [snapshot] = channel(client.subscribe("book", "MINA/GBP", depth=1000), "book")
    assert snapshot["type"] == "snapshot"
    assert snapshot["data"][0]["timestamp"] >= updates[-1]["data"][0]["timestamp"]
    assert parsed(client.opening[0])["channel"] == "status"
