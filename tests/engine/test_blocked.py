"""Wherever the engine's thread hangs, no reader calls anything fresh and proven that is older than two seconds.

The points are made from the code (`tests.rig.blocking`): each wait and each call out of the engine's thread. At each
the thread is really stopped, and 20 s pass on the clock of the readers: the screen, a stream of JSON lines, the
library.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from kraken_tui import BestBidAsk, Book, KrakenClient, MarketStatus, Proof
from kraken_tui.engine import worker as worker_module
from kraken_tui.engine.engine import Engine
from kraken_tui.engine.listeners import Listener, ListenerClosed
from kraken_tui.errors import ConfigurationError
from kraken_tui.exchange import ExchangeThread
from kraken_tui.market.freshness import ENGINE_LIMIT_NS
from kraken_tui.outputs.jsonlines import JsonLines
from kraken_tui.outputs.pump import Pump, StopAfter
from kraken_tui.settings import Settings
from kraken_tui.tui.app import KrakenApp
from kraken_tui.units import SECOND
from tests.rig.blocking import Blocker, Point
from tests.tui.test_app import screen_text

PAIR = "BTC/USD"
RECORDING = Path(__file__).parents[1] / "reference/recordings/reconnect.jsonl.gz"
LATER = (ENGINE_LIMIT_NS + SECOND // 100, 20 * SECOND)
LIVE = {
    ("engine/engine.py", "on_publish"),
    ("engine/engine.py", "put"),
    ("engine/engine.py", "transform"),
    ("engine/worker.py", "_publish"),
    ("engine/worker.py", "await"),
    ("engine/backfill.py", "await"),
    ("feed/channels/book.py", "emit"),
    ("feed/connection/sockets.py", "await"),
    ("feed/connection/websocket.py", "await"),
    ("feed/connection/websocket.py", "_on_events"),
    ("feed/connection/websocket.py", "_on_frame"),
    ("feed/rest/client.py", "await"),
}
"""Kinds of points that must be among those of a live feed, as (file, what is called)."""

PLAYED = {("engine/worker.py", "await"), ("recording/replay.py", "await")}
"""The same of a replay."""


class Readers:
    """Everybody who reads one engine, on a clock that the test sets forward."""

    def __init__(self, client: KrakenClient, engine: Engine, app: KrakenApp, listener: Listener) -> None:
        self.client, self.engine, self.app = client, engine, app
        self.ahead_ns = 0
        self.lines: list[dict[str, Any]] = []
        self.said: list[str] = []
        self._listener = listener
        self._idle = 0
        now = engine.now
        engine.now = lambda: now() + self.ahead_ns  # type: ignore[method-assign]
        self._pump = Pump(
            self,
            engine,
            JsonLines(out=self._out),
            self.said.append,
            pairs=(PAIR,),
            stop_after=StopAfter(),
            stopping=lambda: self._idle > 1,
        )

    def _out(self, data: bytes) -> None:
        self.lines += map(json.loads, data.splitlines())

    def get(self, timeout_s: float | None = None) -> Any:
        """The stream's events, without waiting for them."""
        event = self._listener.get(0.0)
        self._idle = self._idle + 1 if event is None else 0
        return event

    def stream(self) -> list[dict[str, Any]]:
        """The lines that come now."""
        self._idle = 0
        self.lines.clear()
        with contextlib.suppress(ListenerClosed):
            self._pump.run()
        return self.lines

    def look(self, where: Point) -> None:
        """All of them look at an engine that hangs."""
        self.stream()
        if self.engine.feed_view.made_ns is None:
            # It has not begun, and there is nothing that could look fresh.
            assert not self.lines, where
            assert self.engine.view(PAIR) is self.client.book(PAIR) is None, where
            return
        for self.ahead_ns in LATER:
            began = time.monotonic()
            self._look_at_library(where)
            assert time.monotonic() - began < 1.2, f"{where}: a getter waited"
            for line in self.stream():
                assert line["event"] != "book", where
                assert line.get("status") != "active", where
            self._look_at_screen(where)
        self.ahead_ns = 0

    def _look_at_library(self, where: Point) -> None:
        client = self.client
        if self.engine.ended and self.engine.settings.replay:
            # The last picture of a recording stays what it was.
            return
        for symbol in (PAIR, "ETH/USD"):
            for book in self._books(symbol):
                # After an end in order the book was what it was, but it is not fresh.
                assert book is None or (book.stale and (self.engine.ended or not book.verified)), where
            if self.engine.view(symbol) is None or self.engine.ended:
                assert self.engine.view(symbol) is None or client.view(symbol).stale, where  # type: ignore[union-attr]
                continue
            view, health = client.view(symbol), client.health(symbol)
            assert view is not None
            assert health is not None
            assert (view.stale, view.proof is Proof.VERIFIED, view.metrics) == (True, False, None), where
            assert view.silent_s >= LATER[0] / SECOND, where
            assert health.status is not MarketStatus.ACTIVE, where
        if self.engine.ended:
            return
        assert client.connection.silent_s > 2, where
        assert "not answering" in client.connection.cause, where

    def _books(self, symbol: str) -> tuple[Book | BestBidAsk | None, ...]:
        """Every way to ask the library for a book; nothing where the pair is not subscribed yet."""
        client = self.client
        try:
            return client.book(symbol, 5), client.book(symbol), client.best_bid_ask(symbol)
        except ConfigurationError:
            return ()

    def _look_at_screen(self, where: Point) -> None:
        self.app.tick(everything=True)
        text = screen_text(self.app)
        assert "VERIFIED" not in text, where
        assert "SUBSCRIBED ●" not in text, where
        silent = re.search(r"engine silent (\d+) s", text)
        # The screen's own second is added where the machine is busy.
        assert silent is not None, where
        assert 0 <= int(silent[1]) - self.ahead_ns // SECOND <= 5, where


def serve(blocker: Blocker, readers: Readers, idle_s: float, until: Callable[[], bool] = lambda: True) -> None:
    """Look at each point the engine stops at, until it comes to no other for a while."""
    limit = time.monotonic() + 30
    while time.monotonic() < limit:
        point = blocker.wait(idle_s)
        if point is None:
            if until():
                return
            continue
        try:
            readers.look(point)
        finally:
            blocker.release()
    pytest.fail("it did not get there")


@pytest.fixture
def blocker() -> Iterator[Blocker]:
    blocker = Blocker()
    yield blocker
    blocker.remove()


@pytest.mark.realtime
async def test_wherever_a_live_engine_hangs_nobody_calls_old_data_fresh_and_proven(
    blocker: Blocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "budget_path_for", lambda _: tmp_path / "dials.json")
    with ExchangeThread(seed=3) as exchange:
        log, record = tmp_path / "log.txt", tmp_path / "one.jsonl"
        client = KrakenClient(PAIR, url=exchange.ws_url, rest_url=exchange.rest_url, log_file=log, record=record)

        async def life(readers: Readers, pilot: Pilot[None]) -> None:
            await live_through(blocker, readers, exchange, pilot, tmp_path)

        await hang_everywhere(client, blocker, life)
    assert not LIVE - {(point.file, point.what) for point in blocker.blocked}
    assert len(blocker.blocked) > 70


@pytest.mark.realtime
async def test_wherever_a_replay_hangs_nobody_calls_it_proven(blocker: Blocker) -> None:
    client = KrakenClient(replay=RECORDING, speed=20.0)

    async def life(readers: Readers, pilot: Pilot[None]) -> None:
        serve(blocker, readers, 0.5)
        client.pause()
        serve(blocker, readers, 0.3)
        client.pause(False)
        client.set_speed(0)
        serve(blocker, readers, 0.5, lambda: client.playback is not None and client.playback.finished)

    await hang_everywhere(client, blocker, life)
    assert not PLAYED - {(point.file, point.what) for point in blocker.blocked}


async def hang_everywhere(
    client: KrakenClient, blocker: Blocker, life: Callable[[Readers, Pilot[None]], Awaitable[None]]
) -> None:
    """Let an engine live, and hang at every point it comes to; the list of them is printed."""
    engine = client._run.engine
    app = KrakenApp(engine, Settings(group=10), live=False)
    readers = Readers(client, engine, app, engine.listen(1_000_000, book_levels=10))
    async with app.run_test(size=(160, 48)) as pilot:
        blocker.install()
        client.open()
        client._run.begin()
        await life(readers, pilot)
        closing = threading.Thread(target=client.close)
        closing.start()
        serve(blocker, readers, 0.2, lambda: not closing.is_alive())
    print(f"blocked at {len(blocker.blocked)} points:", *blocker.blocked, sep="\n")
    print("never reached:", *blocker.armed.values(), sep="\n")
    assert engine.failure is None


async def live_through(
    blocker: Blocker, readers: Readers, exchange: ExchangeThread, pilot: Pilot[None], folder: Path
) -> None:
    """All that an engine lives through, so that it comes to its points."""
    client = readers.client

    def proven() -> bool:
        book = client.book(PAIR, 1)
        return book is not None and book.verified

    serve(blocker, readers, 0.3, proven)
    client.subscribe("ETH/USD", "NOPE/USD")
    readers.engine.set_interval(5)
    readers.engine.record(folder / "two.jsonl.gz")
    serve(blocker, readers, 0.5)
    await pilot.pause()
    readers.engine.set_depth(25)
    readers.engine.note("info", "a line")
    exchange.faults.corrupt_checksum(PAIR)
    serve(blocker, readers, 0.5)
    exchange.faults.close_all(1012)
    serve(blocker, readers, 0.5, lambda: client.connection.state == "SUBSCRIBED")
    client.unsubscribe("ETH/USD")
    readers.engine.record(None)
    serve(blocker, readers, 0.5)
    await asyncio.sleep(0)
