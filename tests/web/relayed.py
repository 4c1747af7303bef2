"""Visitors' sessions behind a relay, on the virtual clock of a world."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from kraken_tui.feed.connection.table import State
from kraken_tui.feed.events import FeedEvent, StateChanged
from kraken_tui.feed.session import Session
from kraken_tui.market.events import BookState, Proof
from kraken_tui.web.relay import Peer, Relay
from tests.rig.world import World

_DOWN = {State.DISCONNECTED.value, State.CONNECTING.value, State.COOLDOWN.value}


class Relayed(World):
    """A world whose client is the one feed of a server."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.visitors: list[Visitor] = []
        self.relay: Relay | None = None
        self._told = 0
        super().__init__(*arguments, **options)
        self.on_frame = self._pass_on
        self.relay = Relay(self.client, lambda: (self.mono, self.wall), self._pump)

    def _pass_on(self, frame: bytes, _: int, direction: str) -> None:
        if direction == "rx" and self.relay is not None:
            self.relay.frame(frame)

    def _take_events(self) -> None:
        super()._take_events()
        events: list[FeedEvent] = [event for _, event in self.events[self._told :]]
        self._told = len(self.events)
        if self.relay is None:
            return
        self.relay.take(events)
        for event in events:
            if isinstance(event, StateChanged) and event.state in _DOWN:
                self.relay.lost(event.cause)
        for visitor in self.visitors:
            visitor.turn()

    def tick(self) -> None:
        """Let everybody look at the clock."""
        super().tick()
        if self.relay is not None:
            self.relay.tick()
        for visitor in self.visitors:
            visitor.session.tick(self.mono, self.wall)
            visitor.turn()

    def visit(self, *names: str, **options: Any) -> Visitor:
        """Somebody comes."""
        visitor = Visitor(self, names or tuple(self.venue.specs), **options)
        self.visitors.append(visitor)
        visitor.turn()
        return visitor


class Visitor:
    """One visitor's session and its line to the relay."""

    def __init__(self, world: Relayed, names: tuple[str, ...], *, depth: int = 10, interval: int = 1) -> None:
        assert world.relay is not None
        self.world, self.relay = world, world.relay
        self.session = Session(depth=depth, interval=interval)
        self.frames: deque[bytes] = deque()
        self.heard: list[Any] = []
        self.events: list[FeedEvent] = []
        self.closed = ""
        self.peer = Peer(self.frames.append, self._close)
        for name in names:
            self.session.want(name, world.mono, world.wall)
        self.session.tick(world.mono, world.wall)
        self.session.dialling(world.mono, world.wall)
        self.relay.connect(self.peer)
        self.session.opened(world.mono, world.wall)

    def _close(self, code: int, reason: str) -> None:
        self.closed = f"{code} {reason}"
        self.relay.disconnect(self.peer)
        self.session.disconnected(f"closed by the server: {self.closed}", self.world.mono, self.world.wall)

    def leave(self) -> None:
        """The visitor goes."""
        self.relay.disconnect(self.peer)
        self.world.visitors.remove(self)

    def turn(self) -> None:
        """Exchange what there is."""
        while True:
            while self.frames:
                data = self.frames.popleft()
                self.heard.append(json.loads(data) if data[:1] == b"{" else data)
                self.session.frame(data, self.world.mono, self.world.wall)
            self.events += self.session.take_events()
            sends = self.session.take_sends()
            for text in sends:
                self.relay.request(self.peer, text)
            if not sends and not self.frames:
                return

    def proven(self, symbol: str) -> bool:
        """Whether its book is live and proven."""
        stitcher = self.session.stitchers.get(symbol)
        return stitcher is not None and stitcher.state is BookState.LIVE and stitcher.proof is Proof.VERIFIED

    def book(self, symbol: str) -> tuple[Any, Any]:
        """Its levels."""
        book = self.session.books[symbol]
        return list(book.bids.top()), list(book.asks.top())

    def of(self, channel: str, kind: str = "") -> list[Any]:
        """What it heard of a channel."""
        return [
            one
            for one in self.heard
            if isinstance(one, dict) and one.get("channel") == channel and kind in ("", one.get("type"))
        ]

    def refusals(self) -> list[str]:
        """What it was refused."""
        return [one["error"] for one in self.heard if isinstance(one, dict) and one.get("success") is False]
