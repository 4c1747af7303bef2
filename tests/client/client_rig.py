"""Waiting, and small recordings, for the tests of `KrakenClient`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from kraken_tui.wire.checksum import checksum_of_units

LONG = 10.0
"""Seconds after which a test gives up."""


def wait_until(condition: Callable[[], object], limit_s: float = LONG) -> None:
    """Wait for another thread; fails the test when it takes too long."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("it did not happen in time")
        time.sleep(0.005)


async def eventually(condition: Callable[[], object], limit_s: float = LONG) -> None:
    """`wait_until` for tests with an event loop."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("it did not happen in time")
        await asyncio.sleep(0.005)


INSTRUMENTS = {
    "channel": "instrument",
    "type": "snapshot",
    "data": {
        "assets": [],
        "pairs": [
            {
                "symbol": "BTC/USD",
                "base": "BTC",
                "quote": "USD",
                "status": "online",
                "price_precision": 1,
                "qty_precision": 8,
                "price_increment": 0.1,
            }
        ],
    },
}


def book_frame(number: int, *, kind: str = "update", wrong: bool = False) -> dict[str, Any]:
    """One bid at 100.0 whose size is `number` lots, one ask at 100.1."""
    checksum = checksum_of_units([(1001, 200_000_000)], [(1000, number)]) ^ wrong
    data: dict[str, Any] = {
        "symbol": "BTC/USD",
        "bids": [{"price": 100.0, "qty": number / 10**8}],
        "asks": [{"price": 100.1, "qty": 2.0}] if kind == "snapshot" else [],
        "checksum": checksum,
        "timestamp": "2026-01-01T00:00:00.000000Z",
    }
    return {"channel": "book", "type": kind, "data": [data]}


def trade_frame(number: int) -> dict[str, Any]:
    row = {
        "symbol": "BTC/USD",
        "side": "buy",
        "price": 100.1,
        "qty": 0.5,
        "ord_type": "limit",
        "trade_id": number,
        "timestamp": "2026-01-01T00:00:00.000000Z",
    }
    return {"channel": "trade", "type": "update", "data": [row]}
