"""What several fault tests need."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from kraken_tui.exchange import PairSpec
from kraken_tui.feed.connection.table import State
from kraken_tui.feed.events import BookStateChanged, StateChanged
from kraken_tui.market.events import Proof
from tests.rig.network import SECOND, Packet
from tests.rig.scripted import SlowBook
from tests.rig.world import World, many, thin


def up(seed: int = 1, pairs: list[PairSpec] | None = None, **options: Any) -> World:
    """A world in which all is well."""
    world = World(pairs, seed=seed, **options)
    world.until_well(20)
    return world


def twenty(seed: int = 1) -> World:
    """Twenty pairs, all well."""
    return up(seed, many(20))


def first(world: World, state: State, since: int = 1) -> tuple[int, StateChanged]:
    """The first transition to a state since a moment."""
    found = [(at, event) for at, event in world.changes(state) if at >= since]
    assert found, f"never {state.value} (seed {world.seed})"
    return found[0]


def book_changes(world: World, symbol: str, since: int = 0) -> list[tuple[float, BookStateChanged]]:
    """State and proof changes of one book, with seconds since the moment."""
    return [
        ((at - since) / SECOND, event)
        for at, event in world.events
        if isinstance(event, BookStateChanged) and event.symbol == symbol and at >= since
    ]


def asked(world: World, symbol: str, channel: str = "book", since: int = 0) -> list[tuple[float, str]]:
    """(seconds since the moment, method) of every request for one channel of a pair."""
    found = []
    for at, text in world.sent:
        request = json.loads(text)
        params = request.get("params", {})
        if at >= since and params.get("channel") == channel and symbol in params.get("symbol", []):
            found.append(((at - since) / SECOND, request["method"]))
    return found


def until(world: World, condition: Callable[[], object], limit_s: float = 60) -> float:
    """Run until something is so; returns the simulated seconds it took."""
    began = world.now
    while not condition():
        assert world.now - began <= limit_s * SECOND, f"not within {limit_s} s (seed {world.seed})"
        world.run(0.02)
    return (world.now - began) / SECOND


def proof(world: World, symbol: str) -> Proof:
    """The first truth of a book now."""
    return world.client.stitchers[symbol].proof


def untouched(world: World, symbols: list[str], resyncs_before: int = 0) -> bool:
    """Whether these books are VERIFIED, have never failed and were never fetched again."""
    stitchers = [world.client.stitchers[symbol] for symbol in symbols]
    return all(s.proof is Proof.VERIFIED and s.counters.resyncs <= resyncs_before for s in stitchers)


class HandMade:
    """A live book whose frames the test writes itself; the exchange's own book frames are kept away.

    Args:
        depth: Levels a side.
        price, qty: Decimals, which must be those of `like`.
        like: The pair whose precisions are used.
    """

    symbol = "BTC/USD"

    def __init__(self, depth: int = 10, price: int = 1, qty: int = 8, like: str = "BTC/USD") -> None:
        self.world = up(pairs=[thin(self.symbol, like=like, price_precision=price, qty_precision=qty)], depth=depth)
        self.world.weather.mangle = lambda frame: [] if '"channel":"book"' in str(frame) else [frame]
        self.world.run(0.1)
        self.book = SlowBook(depth, price, qty)

    def snapshot(self, bids: list[tuple[int, int]], asks: list[tuple[int, int]], **options: Any) -> None:
        """A whole new book."""
        self.book.bids.clear()
        self.book.asks.clear()
        self._send("snapshot", bids, asks, options)

    def update(self, bids: list[tuple[int, int]], asks: list[tuple[int, int]], **options: Any) -> None:
        """One update, entries in this order."""
        self._send("update", bids, asks, options)

    def _send(self, kind: str, bids: list[tuple[int, int]], asks: list[tuple[int, int]], options: Any) -> None:
        self.book.apply(bids, asks)
        wall = self.world.start_ns + self.world.now
        self.raw(self.book.frame(self.symbol, kind, bids, asks, wall, **options))

    def raw(self, frame: str) -> None:
        """Any frame."""
        self.world.receive(Packet(frame, self.world.now, self.world.now))

    @property
    def equal(self) -> bool:
        """Whether the client's whole book is the reference."""
        book = self.world.client.books[self.symbol]
        return (book.bids.top(), book.asks.top()) == self.book.top()

    @property
    def verified(self) -> bool:
        """Whether it is called VERIFIED."""
        return proof(self.world, self.symbol) is Proof.VERIFIED
