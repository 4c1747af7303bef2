"""`KrakenClient` against the local exchange and its faults."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from kraken_tui import (
    BookLine,
    BookState,
    ChecksumMismatch,
    ConfigurationError,
    ConnectionClosed,
    ConnectionFailed,
    GapPolicy,
    KrakenClient,
    RateLimited,
    SpecChanged,
    SubscriptionFailed,
    TickerChanged,
    TimedOut,
    Trade,
)
from kraken_tui.exchange import ExchangeThread
from tests.client.client_rig import LONG, eventually, wait_until


@pytest.fixture(scope="module")
def exchange() -> Iterator[ExchangeThread]:
    with ExchangeThread(seed=7) as running:
        yield running


def live(exchange: ExchangeThread, *pairs: str, **options: Any) -> KrakenClient:
    return KrakenClient(*pairs, url=exchange.ws_url, rest_url=exchange.rest_url, **options)


@pytest.mark.realtime
async def test_pairs_come_and_go_by_any_name(exchange: ExchangeThread) -> None:
    states: list[str] = []
    client = live(exchange, "XBT/USD", depth=25)
    client.on_state(lambda event: states.append(event.state))
    async with client:
        book = await client.wait_verified("btcusd", timeout=LONG)
        assert (book.symbol, len(book.bids), book.depth) == ("BTC/USD", 10, 25)
        assert len(client.book("BTC/USD").bids) == 25  # type: ignore[union-attr]
        client.subscribe("ethusd", "ETH/USX")
        assert (await client.wait_verified("ETH/USD", timeout=LONG)).verified
        with pytest.raises(SubscriptionFailed, match="nearest"):
            await client.wait_verified("ETH/USX", timeout=LONG)
        with pytest.raises(SubscriptionFailed, match="nearest"):
            client.book("ETH/USX")
        assert client.subscriptions() == {
            "BTC/USD": BookState.LIVE,
            "ETH/USD": BookState.LIVE,
            "ETH/USX": BookState.REFUSED,
        }
        client.unsubscribe("ethusd", "ETH/USX")
        await eventually(lambda: list(client.subscriptions()) == ["BTC/USD"])
        with pytest.raises(ConfigurationError, match="ETH/USD is not subscribed"):
            client.book("ETH/USD")
        assert not client.is_subscribed("ETH/USD")
        await eventually(lambda: client.latency().count > 5)
        latency = client.latency()
        figures = [latency.p50, latency.p90, latency.p99, latency.p999, latency.worst]
        assert figures == sorted(figures)  # type: ignore[type-var]
        await eventually(lambda: client.connection.state == "SUBSCRIBED")
    assert states[:2] == ["CONNECTING", "SUBSCRIBING"]
    assert states[-1] == "CLOSED"


@pytest.mark.realtime
async def test_only_the_channels_that_were_chosen_are_asked_for(exchange: ExchangeThread, tmp_path: Path) -> None:
    path = tmp_path / "asked.jsonl"
    async with live(exchange, "BTC/USD", channels=["ticker"], record=path) as client:
        stream = client.events(TickerChanged, Trade)
        await client.wait_verified("BTC/USD", timeout=LONG)
        assert isinstance(await stream.next(timeout=LONG), TickerChanged)
    sent = [json.loads(line)["frame"] for line in path.read_text().splitlines()[1:] if '"dir":"tx"' in line]
    channels = {frame["params"]["channel"] for frame in sent if frame["method"] == "subscribe"}
    assert channels == {"instrument", "book", "ticker"}


@pytest.mark.realtime
@pytest.mark.parametrize("policy", GapPolicy)
async def test_what_a_wrong_checksum_means_under_each_policy(exchange: ExchangeThread, policy: GapPolicy) -> None:
    async with live(exchange, "SOL/USD", gap_policy=policy) as client:
        await client.wait_verified("SOL/USD", timeout=LONG)
        stream, errors = client.events(BookLine), client.errors()
        resyncs = client.stats().resyncs
        exchange.faults.corrupt_checksum("SOL/USD")
        error = await errors.next(timeout=LONG)
        assert isinstance(error, ChecksumMismatch)
        assert error.expected != error.actual
        if policy is GapPolicy.IGNORE:
            before = client.stats().checks_ok
            await eventually(lambda: client.stats().checks_ok > before + 3)
            book = client.book("SOL/USD")
            assert book is not None
            assert not book.verified
            assert "ignored" in book.reason
            assert client.stats().resyncs == resyncs
            return
        await client.wait_verified("SOL/USD", timeout=LONG)
        assert client.stats().resyncs == resyncs + 1
        lines = []
        while not (lines and lines[-1].kind == "snapshot"):
            lines.append(await stream.next(timeout=LONG))
        unverified = [line for line in lines if not line.verified]
        assert bool(unverified) is (policy is GapPolicy.RESYNC)


@pytest.mark.realtime
async def test_lost_refused_and_banned_connections_are_errors_of_their_own() -> None:
    with ExchangeThread(seed=8) as exchange:
        async with live(exchange, "BTC/USD") as client:
            await client.wait_verified("BTC/USD", timeout=LONG)
            errors = client.errors()
            exchange.faults.refuse_connections(503, count=1)
            exchange.faults.close_all(1012)
            closed, failed = await errors.next(timeout=LONG), await errors.next(timeout=LONG)
            assert isinstance(closed, ConnectionClosed)
            assert "1012" in closed.cause
            assert isinstance(failed, ConnectionFailed)
            assert "503" in failed.cause
            await client.wait_verified("BTC/USD", timeout=LONG)
            exchange.faults.refuse_connections(429, retry_after_s=700)
            exchange.faults.close_all(1012)
            assert isinstance(await errors.next(timeout=LONG), ConnectionClosed)
            banned = await errors.next(timeout=LONG)
            assert isinstance(banned, RateLimited)
            assert banned.retry_after is not None
            assert banned.retry_after >= 700
            assert not client.book("BTC/USD").verified  # type: ignore[union-attr]
            assert not client.best_bid_ask("BTC/USD").verified  # type: ignore[union-attr]
            with pytest.raises(RateLimited):
                await client.wait_verified("BTC/USD", timeout=0.02)


@pytest.mark.realtime
async def test_a_stream_of_some_pairs_takes_them_by_any_name(exchange: ExchangeThread) -> None:
    names = ["btcusd", "BTCUSD", "XBTUSD", "XXBTZUSD", "xbt/usd"]
    client = live(exchange, "BTC/USD", "XDG/USD", "ETH/USD")
    streams = [client.events(BookLine, SpecChanged, symbols=[name]) for name in names]
    both = client.events(BookLine, symbols=["dogeusd", "BTC/USD"])
    async with client:
        for stream in streams:
            for _ in range(5):
                assert (await stream.next(timeout=LONG)).symbol == "BTC/USD"
        await client.wait_verified("DOGE/USD", timeout=LONG)
        await eventually(lambda: both.counts.waiting > 20)
        assert {both.get().symbol for _ in range(both.counts.waiting)} == {"BTC/USD", "DOGE/USD"}


@pytest.mark.realtime
async def test_waiting_ends_in_time_though_the_connection_stands(exchange: ExchangeThread) -> None:
    async with live(exchange, "BTC/USD") as client:
        await client.wait_verified("BTC/USD", timeout=LONG)
        started = time.monotonic()
        with pytest.raises(ConfigurationError, match="LTC/USD is not subscribed"):
            await client.wait_verified("LTC/USD", timeout=LONG)
        assert time.monotonic() - started < LONG / 2
        exchange.faults.withhold_snapshots("LTC/USD")
        client.subscribe("ltcusd")
        with pytest.raises(TimedOut, match=r"LTC/USD: no proven book within 0\.2 s: waiting"):
            await client.wait_verified("LTC/USD", timeout=0.2)


@pytest.mark.realtime
async def test_no_listener_however_stuck_delays_the_engine_or_another_listener(exchange: ExchangeThread) -> None:
    """100 listeners: 98 never read, one is a coroutine that never returns, one keeps up."""
    client = live(exchange, "BTC/USD", "ETH/USD", queue=50)
    stuck = [client.events() for _ in range(98)]
    never = asyncio.Event()

    async def hang(event: object) -> None:
        await never.wait()

    client.on(object, hang)
    async with client:
        reader = client.events(BookLine, queue=10_000)
        await client.wait_verified("BTC/USD", timeout=LONG)
        lines = [await reader.next(timeout=LONG) for _ in range(150)]
        # This loop stands still while the engine's thread goes on.
        before = client.stats().messages
        time.sleep(0.3)  # noqa: ASYNC251 - a program that blocks its own loop is the point
        assert client.stats().messages > before
        assert client.stats().reconnects == 0
        assert all(line.verified for line in lines)
        assert reader.counts.dropped == 0
        for stream in stuck:
            counts = stream.counts
            assert counts.dropped > 0
            assert counts.waiting == 50
            assert counts.offered == counts.sent + counts.dropped + counts.coalesced + counts.waiting
        total = client.stats().listeners
        assert total.offered == total.sent + total.dropped + total.coalesced + total.waiting


@pytest.mark.realtime
def test_a_stuck_callback_thread_delays_neither_the_feed_nor_the_end(exchange: ExchangeThread) -> None:
    release = threading.Event()
    client = live(exchange, "BTC/USD", queue=20)
    client.on(BookLine, lambda _: release.wait(LONG))
    try:
        with client:
            client.wait_verified_sync("BTC/USD", timeout=LONG)
            before = client.stats().checks_ok
            wait_until(lambda: client.stats().checks_ok > before + 20)
            started = time.monotonic()
        assert time.monotonic() - started < 2.0
    finally:
        release.set()


@pytest.mark.realtime
async def test_the_aggregator_preset_tells_each_pair_at_most_once_a_window(exchange: ExchangeThread) -> None:
    async with live(exchange, "BTC/USD", "ETH/USD", "SOL/USD", preset="aggregator", channels=["book"]) as client:
        stream = client.events(BookLine)
        for pair in ("BTC/USD", "ETH/USD", "SOL/USD"):
            await client.wait_verified(pair, timeout=LONG)
        taken: dict[str, list[float]] = {}
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            line = await stream.next(timeout=0.1)
            if line is not None:
                taken.setdefault(line.symbol, []).append(time.monotonic())
        for times in taken.values():
            gaps = [later - earlier for earlier, later in pairwise(times)]
            assert all(gap > 0.09 for gap in gaps[2:]), "the first ones may stand before and after a change of state"
        counts = stream.counts
        assert counts.coalesced > 0
        assert counts.offered == counts.sent + counts.dropped + counts.coalesced + counts.waiting


@pytest.mark.realtime
def test_the_demo_ends_at_once_whenever_it_is_closed() -> None:
    for pause_ms in range(0, 20, 4):
        with KrakenClient("BTC/USD", demo=True) as client:
            client.wait_verified_sync("BTC/USD", timeout=LONG)
            time.sleep(pause_ms / 1000)
            client.unsubscribe("BTC/USD")
            started = time.monotonic()
        assert time.monotonic() - started < 1.0
        assert client._run.engine.stop(0), "the engine's thread is over"
