"""The library while the engine's thread hangs: what it says at once, and that it can be closed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kraken_tui import KrakenClient, MarketStatus, Proof, TimedOut
from kraken_tui.engine import worker as worker_module
from kraken_tui.engine.engine import ASK_TIMEOUT_S
from kraken_tui.market.freshness import CLOSED
from kraken_tui.units import SECOND

PAIR = "BTC/USD"
CLOSE_S = 2.0 * 1.2
"""Two seconds, and a fifth more, as this is real time."""


def shown(client: KrakenClient) -> None:
    """Wait until the pair is proven and has a view."""
    client.wait_verified_sync(PAIR)
    deadline = time.monotonic() + 10
    while (view := client._run.engine.view(PAIR)) is None or not view.candles:
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Hang:
    """Stops the engine's thread in its next round of views."""

    def __init__(self) -> None:
        self.wanted = False
        self.inside = threading.Event()
        self.over = threading.Event()

    def __call__(self) -> None:
        if self.wanted:
            self.inside.set()
            self.over.wait(30)

    def begin(self) -> None:
        """Hang, and return once it does."""
        self.wanted = True
        assert self.inside.wait(5)

    def end(self) -> None:
        """Go on."""
        self.wanted = False
        self.over.set()


@pytest.fixture
def hang(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hang]:
    hang = Hang()
    rounds = worker_module.Worker._publish_round

    def hung(worker: worker_module.Worker) -> None:
        hang()
        rounds(worker)

    monkeypatch.setattr(worker_module.Worker, "_publish_round", hung)
    yield hang
    hang.end()


@pytest.mark.realtime
def test_a_question_waits_a_second_once_and_then_nobody_waits(hang: Hang) -> None:
    with KrakenClient(PAIR, demo=True, depth=25) as client:
        shown(client)
        assert client.connection.silent_s == 0.0
        hang.begin()
        began = time.monotonic()
        view = client.view(PAIR)
        waited = time.monotonic() - began
        assert waited < ASK_TIMEOUT_S + 0.5
        assert view is not None
        assert (view.stale, view.proof) == (True, Proof.CHECKING)
        assert view.stale_reason.startswith("engine not answering for ")
        began = time.monotonic()
        health, book, candles = client.health(PAIR), client.book("btcusd"), client.candles(PAIR)
        with pytest.raises(TimedOut):
            client.stats()
        assert time.monotonic() - began < 0.5
        assert health is not None
        assert health.status is MarketStatus.STALE
        assert book is not None
        assert (book.stale, book.verified, book.symbol) == (True, False, PAIR)
        assert len(book.bid_ticks_lots) == 25
        assert candles
        engine = client._run.engine
        made_ns = engine.feed_view.made_ns
        hang.end()
        deadline = time.monotonic() + 10
        while engine.feed_view.made_ns == made_ns and time.monotonic() < deadline:
            time.sleep(0.01)
        client.wait_verified_sync(PAIR)
        view = client.view(PAIR)
        assert view is not None
        assert (view.stale, view.proof, view.silent_s) == (False, Proof.VERIFIED, 0.0)


@pytest.mark.realtime
def test_after_two_seconds_nothing_is_fresh_or_proven_and_the_watchdog_notes_it(hang: Hang, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    with KrakenClient(PAIR, demo=True, log_file=log) as client:
        client.wait_verified_sync(PAIR)
        hang.begin()
        time.sleep(2.6)
        began = time.monotonic()
        touch, book = client.best_bid_ask(PAIR), client.book(PAIR, 10)
        assert touch is not None
        assert book is not None
        assert (touch.stale, touch.verified) == (True, False)
        assert (book.stale, book.proof, book.reason) == (True, Proof.CHECKING, "engine not answering for 2 s")
        assert client.connection.silent_s > 2
        assert client.connection.cause == "engine not answering for 2 s"
        assert time.monotonic() - began < 0.1
        with pytest.raises(TimedOut, match="engine not answering"):
            client.wait_verified_sync(PAIR, timeout=0.3)
        assert "engine not answering for 2 s; it is in: publishing" in log.read_text()
        hang.end()
        client.wait_verified_sync(PAIR)
        deadline = time.monotonic() + 5
        engine = client._run.engine
        while time.monotonic() < deadline and not (
            engine.feed_view.loop_lag_ns > 2 * SECOND and "engine answers again after " in log.read_text()
        ):
            time.sleep(0.05)
        assert "engine answers again after " in log.read_text()
        assert engine.feed_view.loop_lag_ns > 2 * SECOND


@pytest.mark.realtime
def test_a_client_is_closed_within_two_seconds(hang: Hang) -> None:
    client = KrakenClient(PAIR, demo=True).open()
    client.wait_verified_sync(PAIR)
    hang.begin()
    began = time.monotonic()
    client.close()
    assert time.monotonic() - began < CLOSE_S


@pytest.mark.realtime
async def test_so_is_one_of_an_event_loop(hang: Hang) -> None:
    async with KrakenClient(PAIR, demo=True) as client:
        await client.wait_verified(PAIR)
        hang.begin()
        began = time.monotonic()
    assert time.monotonic() - began < CLOSE_S


@pytest.mark.realtime
def test_after_it_was_closed_the_last_book_is_neither_proven_nor_fresh() -> None:
    with KrakenClient(PAIR, demo=True) as client:
        client.wait_verified_sync(PAIR)
        client.view(PAIR)
    book, view, health = client.book(PAIR, 10), client.view(PAIR), client.health(PAIR)
    assert book is not None
    assert view is not None
    assert health is not None
    assert (book.stale, view.stale, view.stale_reason) == (True, True, "the client is closed")
    assert (book.verified, book.reason, view.proof, view.proof_reason) == (False, CLOSED, Proof.CHECKING, CLOSED)
    whole, touch, ladder = client.book(PAIR), client.best_bid_ask(PAIR), client.ladder(PAIR)
    steps, large = client.aggregate(PAIR, "1"), client.large_orders(PAIR)
    for read in (whole, touch, ladder, steps, large, view.ladder(), book.aggregate("1")):
        assert read is not None
        assert (read.verified, read.stale) == (False, True)
    assert len(book.bids) == 10
    assert view.metrics is None
    assert client.imbalance(PAIR) is None
    assert (health.status, client.connection.silent_s) == (MarketStatus.STALE, 0.0)
