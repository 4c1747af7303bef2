"""Single orders: always the same market as the levels, told so that a reader can follow."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kraken_tui.exchange import KEYS, Peer
from kraken_tui.exchange.level3 import quantity_text

from .private_client import Level3Client, Trader, book_totals
from .reference import Client, ReferenceBook


def level3(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [frame for frame in frames if frame.get("channel") == "level3"]


def apply_all(book: Level3Client, told: list[dict[str, Any]]) -> None:
    for frame in told:
        book.apply(frame)


def subscribed(trader: Trader, depth: int, *symbols: str) -> tuple[Peer, list[dict[str, Any]]]:
    peer = trader.connect("l3")
    return peer, trader.ask(
        peer, "subscribe", trader.token(), channel="level3", symbol=list(symbols or ("BTC/USD",)), depth=depth
    )


@pytest.mark.parametrize("profile", ["lively", "calm"])
@pytest.mark.parametrize("account", ["demo", "still"])
@pytest.mark.parametrize(("depth", "seconds"), [(10, 30.0), (100, 9.0), (1000, 3.0)])
def test_orders_always_add_up_to_the_levels(profile: str, account: str, depth: int, seconds: float) -> None:
    trader = Trader(seed=5, profile=profile, account=account, rate=3.0)
    public = trader.connect("")
    peer, opening = subscribed(trader, depth)
    orders, levels = Level3Client(depth), ReferenceBook(depth)
    for frame in level3(opening):
        orders.apply(frame)
    for frame in trader.ask(public, "subscribe", channel="book", symbol=["BTC/USD"], depth=depth):
        if frame.get("channel") == "book":
            levels.apply(frame)
    for _ in range(round(seconds / 0.3)):
        told, shown = trader.run(0.3, peer, public)
        for frame in level3(told):
            orders.apply(frame)
        for frame in shown:
            if frame.get("channel") == "book":
                levels.apply(frame)
        for name in ("bids", "asks"):
            assert orders.totals(name) == book_totals(levels, name)
    assert orders.checked > 100
    assert orders.unknown == 0
    assert min(orders.events.get(event, 0) for event in ("add", "delete", "modify")) > 5


def test_the_book_is_the_same_whether_or_not_orders_are_watched() -> None:
    plain, watched = Client(seed=9, pairs=["BTC/USD"]), Trader(seed=9, pairs=["BTC/USD"])
    public = watched.connect("")
    request = json.dumps({"method": "subscribe", "params": {"channel": "book", "symbol": ["BTC/USD"], "depth": 25}})
    plain.peer.on_message(request)
    public.on_message(request)
    subscribed(watched, 1000)
    one, other = [], []
    for _ in range(400):
        plain.clock.ns += 30_000_000
        watched.clock.ns += 30_000_000
        one += plain.peer.advance(plain.clock.ns)
        other += public.advance(watched.clock.ns)
    assert len(one) > 200
    assert one == other


def test_nothing_is_made_before_somebody_asks() -> None:
    client = Client(seed=1, pairs=["BTC/USD"], profile="calm")
    client.subscribe("book", "BTC/USD")
    client.run(3)
    assert client.venue.market("BTC/USD").simulator.book.bids.queues is None
    assert client.venue._private is None


def test_additions_of_one_message_are_not_sorted_by_time() -> None:
    trader = Trader(seed=4, rate=4.0)
    peer, _ = subscribed(trader, 10)
    (told,) = trader.run(30, peer)
    sides = [f["data"][0][name] for f in level3(told) for name in ("bids", "asks") if f["type"] == "update"]
    times = [[e["timestamp"] for e in side if e["event"] == "add"] for side in sides]
    assert any(side != sorted(side) for side in times)


def test_several_depths_and_connections_hear_their_own() -> None:
    trader = Trader(seed=6)
    one, first = subscribed(trader, 10)
    two, second = subscribed(trader, 100)
    books = [Level3Client(10), Level3Client(100)]
    for book, frames in zip(books, (first, second), strict=True):
        book.apply(level3(frames)[0])
    late = None
    for turn in range(20):
        for book, told in zip(books, trader.run(0.3, one, two), strict=True):
            for frame in level3(told):
                book.apply(frame)
        if turn == 8:
            late, frames = subscribed(trader, 10)
            book = Level3Client(10)
            book.apply(level3(frames)[0])
            assert book.levels("asks") == books[0].levels("asks")
    assert late is not None
    assert books[1].totals("bids")[:10] == books[0].totals("bids")


def test_refusals() -> None:
    trader = Trader()
    peer = trader.connect("l3")
    token = trader.token()

    def error(token: str | None, **params: Any) -> Any:
        return trader.ask(peer, "subscribe", token, **{"channel": "level3", "symbol": ["BTC/USD"], **params})[0]

    assert error(None)["error"] == "Token(s) not found"
    assert error("x" * 43)["error"] == "ESession:Invalid session"
    assert error(token, depth=25)["error"] == "Subscription depth not supported"
    nope = error(token, symbol=["BTC/NOPE"])
    assert (nope["error"], nope["symbol"]) == ("Currency pair not supported BTC/NOPE", "BTC/NOPE")
    assert error(token, symbol=[])["error"] == "Symbol(s) not found"
    assert "ws-auth" in error(token, channel="executions")["error"]
    assert error(token)["result"] == {"channel": "level3", "snapshot": True, "symbol": "BTC/USD"}
    assert error(token)["error"] == "Already subscribed"
    assert trader.ask(peer, "unsubscribe", channel="level3", symbol=["BTC/USD"])[0]["error"] == "Token(s) not found"
    assert trader.ask(peer, "unsubscribe", token, channel="level3", symbol=["BTC/USD"])[0]["success"]
    again = trader.ask(peer, "unsubscribe", token, channel="level3", symbol=["BTC/USD"])[0]
    assert again["error"] == "Subscription Not Found"
    public = trader.connect("")
    assert "ws-auth" in trader.ask(public, "subscribe", token, channel="level3", symbol=["BTC/USD"])[0]["error"]
    assert not trader.ask(peer, "subscribe", channel="book", symbol=["BTC/USD"])[0]["success"]


def test_subscribing_costs() -> None:
    trader = Trader(pairs=None)
    peer = trader.connect("l3")
    token = trader.token()
    symbols = list(trader.venue.specs)[:3]
    frames = trader.ask(peer, "subscribe", token, channel="level3", symbol=symbols, depth=1000)
    answers = [frame for frame in frames if "success" in frame]
    assert [frame["success"] for frame in answers] == [True, True, False]
    assert answers[2]["error"] == "Exceeded msg rate"
    trader.run(1.1, peer)
    frames = trader.ask(peer, "subscribe", token, channel="level3", symbol=[symbols[2]], depth=1000)
    assert frames[0]["success"]


def test_faults() -> None:
    trader = Trader(seed=2)
    peer, opening = subscribed(trader, 10)
    book = Level3Client(10)
    book.apply(level3(opening)[0])
    faults = trader.venue.faults.private
    faults.corrupt_level3("BTC/USD")
    told = level3(trader.run(3, peer)[0])
    with pytest.raises(AssertionError):
        apply_all(book, told)
    faults.duplicate_level3("BTC/USD")
    texts = [json.dumps(f) for f in level3(trader.run(3, peer)[0])]
    assert len(texts) == len(set(texts)) + 1
    faults.drop_level3("BTC/USD", 3)
    other = Level3Client(10)
    other.apply(level3(subscribed(trader, 10)[1])[0])
    told = level3(trader.run(6, peer)[0])
    with pytest.raises(AssertionError):
        apply_all(other, told)
    faults.withhold_snapshots("level3")
    assert [f.get("channel") for f in subscribed(trader, 10)[1]] == [None]


def test_new_digits_bring_a_new_snapshot() -> None:
    trader = Trader(seed=2)
    peer, _ = subscribed(trader, 10)
    trader.venue.faults.set_precision("BTC/USD", price=2)
    book = Level3Client(10)
    book.price_digits = 2
    told = level3(trader.run(3, peer)[0])
    start = next(i for i, frame in enumerate(told) if frame["type"] == "snapshot")
    for frame in told[start:]:
        book.apply(frame)
    assert book.checked > 10


def test_a_status_keeps_every_order_in_its_place() -> None:
    trader = Trader(seed=2)
    peer, opening = subscribed(trader, 10)
    book = Level3Client(10)
    book.apply(level3(opening)[0])
    trader.venue.faults.set_pair_status("BTC/USD", "post_only")
    for frame in level3(trader.run(3, peer)[0]):
        assert frame["type"] == "update"
        book.apply(frame)
    assert book.checked > 10


def test_rest_level3_is_the_same_book() -> None:
    trader = Trader(seed=3)
    _, opening = subscribed(trader, 100)
    answer = trader.result("Level3", pair="XBTUSD", depth=100)
    data = level3(opening)[0]["data"][0]
    assert [row["order_id"] for row in answer["asks"]] == [row["order_id"] for row in data["asks"]]
    assert answer["bids"][0]["price"].partition(".")[2] == answer["bids"][0]["price"][-5:]


def test_tokens_lapse_unless_they_are_held() -> None:
    trader = Trader()
    token = trader.token()
    peer = trader.connect("l3")
    trader.clock.ns += 899_000_000_000
    assert trader.ask(peer, "subscribe", token, channel="level3", symbol=["BTC/USD"])[0]["success"]
    trader.clock.ns += 5_000_000_000_000
    trader.run(0.1, peer)
    assert trader.ask(peer, "subscribe", token, channel="level3", symbol=["ETH/USD"])[0]["success"]
    for symbol in ("BTC/USD", "ETH/USD"):
        assert trader.ask(peer, "unsubscribe", token, channel="level3", symbol=[symbol])[0]["success"]
    answer = trader.ask(peer, "subscribe", token, channel="level3", symbol=["BTC/USD"])[0]
    assert answer["error"] == "ESession:Invalid session"


def test_a_key_of_level3_alone_is_enough() -> None:
    trader = Trader()
    trader.use(KEYS["level3"])
    assert level3(subscribed(trader, 10)[1])


@pytest.mark.parametrize(
    ("lots", "text"),
    [(1000, "1e-05"), (1230, "1.23e-05"), (9999, "9.999e-05"), (10_000, "0.00010000"), (1, "1e-08"), (0, "0.00000000")],
)
def test_small_quantities_have_exponents(lots: int, text: str) -> None:
    assert quantity_text(lots, 8) == text
