"""P10: whatever comes for one pair, the book, the badges and every counter of another stay as they were."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from kraken_tui.feed.connection.table import State
from tests.rig.network import SECOND, Packet
from tests.rig.scripted import SlowBook, decimal_text, stamp
from tests.rig.world import World, thin

PAIRS = [thin("BTC/USD"), thin("ETH/USD", like="ETH/USD"), thin("XRP/USD", like="XRP/USD")]
NAMES = [spec.symbol for spec in PAIRS]
TEXTS = st.sampled_from(("", "NaN", "-1", "1e999", "0", "99999999999", "x\x1b[2J", "maintenance", "delisted", "buy"))
LEVELS = st.lists(st.tuples(st.integers(1, 2000), st.integers(0, 10**6)), max_size=4)
CHECKSUMS = st.sampled_from(("right", 7, 0, None, "none", 2**40))


class Neighbours(RuleBasedStateMachine):
    """One connection with three pairs; a rule sends one frame for one of them and looks at the others."""

    world: World

    @initialize(seed=st.integers(0, 2**16))
    def begin(self, seed: int) -> None:
        self.world = World(PAIRS, seed=seed, screen=True)
        self.world.until_well(20)
        self.world.run(2)

    @rule(seconds=st.sampled_from((0.1, 1.0, 4.0)))
    def wait(self, seconds: float) -> None:
        self.world.run(seconds)

    @rule(
        name=st.sampled_from(NAMES),
        kind=st.sampled_from(("update", "snapshot")),
        bids=LEVELS,
        asks=LEVELS,
        said=CHECKSUMS,
    )
    def book(self, name: str, kind: str, bids: list[Any], asks: list[Any], said: Any) -> None:
        spec = self.world.client.stitchers[name].spec
        reference = SlowBook(10, spec.price_precision, spec.qty_precision)
        reference.apply(bids, asks)
        self.send(name, reference.frame(name, kind, bids, asks, self.wall, said))

    @rule(name=st.sampled_from(NAMES), price=TEXTS, qty=TEXTS)
    def bad_levels(self, name: str, price: str, qty: str) -> None:
        data = {"symbol": name, "bids": [{"price": price, "qty": qty}], "asks": [], "checksum": 1, "timestamp": price}
        self.send(name, json.dumps({"channel": "book", "type": "update", "data": [data]}))

    @rule(
        name=st.sampled_from(NAMES),
        first=st.integers(1, 10**6),
        ticks=st.integers(1, 10**6),
        side=st.sampled_from(("buy", "sell", "both")),
    )
    def trades(self, name: str, first: int, ticks: int, side: str) -> None:
        row = {
            "symbol": name,
            "side": side,
            "price": ticks,
            "qty": 1,
            "ord_type": "limit",
            "timestamp": stamp(self.wall),
        }
        rows = [{**row, "trade_id": first + gap} for gap in (0, 0, 3)]
        self.send(name, json.dumps({"channel": "trade", "type": "update", "data": rows}))

    @rule(name=st.sampled_from(NAMES), bid=st.integers(1, 10**6), above=st.integers(-3, 10**6))
    def ticker(self, name: str, bid: int, above: int) -> None:
        row = {"symbol": name, "last": bid, "bid": bid, "ask": max(1, bid + above), "change": -1, "change_pct": -0.1}
        self.send(name, json.dumps({"channel": "ticker", "type": "update", "data": [row]}))

    @rule(name=st.sampled_from(NAMES), text=TEXTS)
    def candle(self, name: str, text: str) -> None:
        row = dict.fromkeys(("open", "high", "low", "close", "volume", "vwap"), text or "1")
        row |= {
            "symbol": name,
            "trades": 1,
            "interval": 1,
            "interval_begin": stamp(self.wall // (60 * SECOND) * 60 * SECOND),
        }
        self.send(name, json.dumps({"channel": "ohlc", "type": "update", "data": [row]}))

    @rule(
        name=st.sampled_from(NAMES),
        method=st.sampled_from(("subscribe", "unsubscribe")),
        text=TEXTS,
        said=st.booleans(),
    )
    def answer(self, name: str, method: str, text: str, said: bool) -> None:
        result = {"channel": "book", "symbol": name, "depth": 10, "snapshot": True}
        frame = {"method": method, "success": said, "symbol": name, "req_id": 10**9}
        self.send(name, json.dumps({**frame, "result": result} if said else {**frame, "error": text}))

    @rule(name=st.sampled_from(NAMES), places=st.integers(0, 3), status=TEXTS)
    def instrument(self, name: str, places: int, status: str) -> None:
        base, _, quote = name.partition("/")
        pair = {
            "symbol": name, "base": base, "quote": quote, "status": status or "online", "price_precision": places,
            "qty_precision": 8, "price_increment": decimal_text(1, places), "qty_increment": 1e-8, "qty_min": 1,
        }  # fmt: skip
        self.send(
            name, json.dumps({"channel": "instrument", "type": "update", "data": {"assets": [], "pairs": [pair]}})
        )

    @property
    def wall(self) -> int:
        return self.world.start_ns + self.world.now

    def state(self, name: str) -> dict[str, Any]:
        """All that is known and shown of a pair."""
        client = self.world.client
        stitcher = client.stitchers.get(name)
        # How long it stays fresh depends on the feed as a whole.
        shown = replace(self.world.shown(name), fresh_for_ns=None)
        found: dict[str, Any] = {"shown": shown, "wanted": stitcher is not None}
        if stitcher is not None:
            found |= {
                "counters": asdict(stitcher.counters),
                "badges": (stitcher.state, stitcher.proof, stitcher.reason, stitcher.wants_resync, stitcher.contested),
                "levels": (stitcher.book.bids.top(), stitcher.book.asks.top(), stitcher.venue_ns, stitcher.audited_ns),
            }
        return found

    def send(self, name: str, frame: str) -> None:
        """Deliver one frame in an instant; everything of the other pairs must stay equal."""
        world = self.world
        others = [other for other in NAMES if other != name]
        before = {other: self.state(other) for other in others}
        up = world.client.state
        world.receive(Packet(frame, world.now, world.now))
        assert world.client.state in (up, State.RESYNCING, State.SUBSCRIBED, State.DEGRADED), "it cost the connection"
        for other in others:
            assert self.state(other) == before[other], f"{name} changed {other}"

    @invariant()
    def neighbours_go_on(self) -> None:
        if hasattr(self, "world"):
            self.world.oracle.look()


TestNeighbours = Neighbours.TestCase
TestNeighbours.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
