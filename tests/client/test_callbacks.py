"""Callbacks of `KrakenClient`: order, errors, removal, queues of their own."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from kraken_tui import (
    BookLine,
    ConfigurationError,
    KrakenClient,
    Trade,
)
from tests.client.client_rig import eventually, wait_until


def test_several_callbacks_a_type_are_called_in_order_and_can_be_removed(small: Path) -> None:
    client = KrakenClient("BTC/USD", replay=small)
    seen: list[tuple[str, int]] = []
    threads: set[str] = set()

    def first(trade: Trade) -> None:
        threads.add(threading.current_thread().name)
        seen.append(("first", trade.trade_id))

    def once(trade: Trade) -> None:
        seen.append(("once", trade.trade_id))
        registration.remove()
        registration.remove()

    client.on(Trade, first)
    registration = client.on(Trade, once)
    both: list[object] = []
    client.on((Trade, BookLine), both.append)
    with client:
        wait_until(lambda: len(both) == 201)
    assert seen[:3] == [("first", 101), ("once", 101), ("first", 102)]
    assert [number for name, number in seen if name == "first"] == list(range(101, 201))
    assert threads == {"kraken-tui-callbacks"}
    kinds = [type(event) for event in both]
    assert kinds == [BookLine] + [BookLine, Trade] * 100, "one queue keeps the order of types"


def test_a_callback_that_raises_is_counted_and_reported_and_stops_nothing(
    small: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = KrakenClient("BTC/USD", replay=small)

    def broken(trade: Trade) -> None:
        raise ValueError(f"trade {trade.trade_id} \x1b[31m")

    good: list[Trade] = []
    registration = client.on(Trade, broken)
    client.on(Trade, good.append)
    with client:
        wait_until(lambda: len(good) == 100)
        wait_until(lambda: any("raised ValueError" in line.text for line in client.log))
        assert not any("\x1b" in line.text for line in client.log)
        assert client.stats().callback_errors == registration.errors == 100
        assert client.book("BTC/USD", levels=1).verified  # type: ignore[union-attr]
    assert sum("a callback for Trade raised" in record.message for record in caplog.records) == 3, "1st, 10th, 100th"


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_not_even_a_callback_that_wants_to_exit_stops_the_others(small: Path, error: type[BaseException]) -> None:
    client = KrakenClient("BTC/USD", replay=small)

    def leave(trade: Trade) -> None:
        raise error

    registration = client.on(Trade, leave)
    good: list[Trade] = []
    client.on(Trade, good.append)
    with client:
        wait_until(lambda: len(good) == 100)
    assert registration.errors == 100


def test_a_callback_that_another_removed_is_not_called_even_with_this_event(small: Path) -> None:
    client = KrakenClient("BTC/USD", replay=small)
    calls: list[str] = []

    def first(trade: Trade) -> None:
        calls.append("first")
        second.remove()

    client.on(Trade, first)
    second = client.on(Trade, lambda _: calls.append("second"))
    assert second.active
    with client:
        wait_until(lambda: len(calls) == 100)
    assert set(calls) == {"first"}
    assert not second.active


async def test_a_coroutine_callback_whose_own_work_is_cancelled_is_called_again(small: Path) -> None:
    client = KrakenClient("BTC/USD", replay=small)
    calls: list[int] = []

    async def waits_for_a_cancelled_task(trade: Trade) -> None:
        calls.append(trade.trade_id)
        task = asyncio.create_task(asyncio.sleep(60))
        task.cancel()
        await task

    def asks_a_cancelled_future(trade: Trade) -> None:
        raise asyncio.CancelledError

    waiting = client.on(Trade, waits_for_a_cancelled_task)
    plain = client.on(Trade, asks_a_cancelled_future)
    async with client:
        await eventually(lambda: waiting.errors == plain.errors == 100)
    assert calls == list(range(101, 201))


async def test_coroutine_callbacks_have_queues_of_their_own(small: Path) -> None:
    client = KrakenClient("BTC/USD", replay=small)
    seen: list[int] = []
    stuck = asyncio.Event()

    async def slow(trade: Trade) -> None:
        await stuck.wait()

    async def quick(trade: Trade) -> None:
        await asyncio.sleep(0)
        seen.append(trade.trade_id)
        raise ValueError("after its work")

    client.on(Trade, slow)
    client.on(Trade, quick)
    plain: list[object] = []
    client.on(Trade, plain.append)
    async with client:
        await eventually(lambda: len(seen) == 100 and len(plain) == 100)
        assert client.stats().callback_errors == 100
        assert client.stats().listeners.waiting == 99, "the stuck one has taken one"
    assert seen == list(range(101, 201))


def test_a_coroutine_callback_needs_an_event_loop(small: Path) -> None:
    async def callback(event: object) -> None:
        pytest.fail("there is no loop to call it in")

    client = KrakenClient("BTC/USD", replay=small)
    client.on(Trade, callback)
    with pytest.raises(ConfigurationError, match="async with"):
        client.open()
    with KrakenClient("BTC/USD", replay=small) as other, pytest.raises(ConfigurationError, match="async with"):
        other.on(Trade, callback)


@pytest.mark.parametrize("wrong", [("Trade", print), ((), print), (Trade, "print")])
def test_what_is_no_callback_is_refused(wrong: tuple[Any, Any]) -> None:
    with pytest.raises(ConfigurationError, match="on takes"):
        KrakenClient(demo=True).on(*wrong)
