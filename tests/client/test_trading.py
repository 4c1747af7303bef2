"""Placing orders from a program, against the local exchange with play money."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from kraken_tui import Accepted, ConfigurationError, KrakenClient, NotSent, OrderRefused
from kraken_tui.client.client import KrakenClient as Client


async def armed(client: Client) -> Decimal:
    """Wait until orders may be placed; the best bid."""
    book = await client.wait_verified("BTC/USD")
    for _ in range(200):
        if not await client.arm("btcusd"):
            assert book.best_bid is not None
            return book.best_bid.price
        await asyncio.sleep(0.1)
    raise AssertionError(await client.arm("btcusd"))


@pytest.mark.parametrize("options", [{"account": True, "trade": True}, {"paper": True}], ids=["demo", "paper"])
async def test_an_order_from_placing_to_its_end(options: dict[str, Any]) -> None:
    async with KrakenClient("BTC/USD", demo=True, **options) as client:
        price = await armed(client) - 30
        checked = await client.place("BTC/USD", "buy", "0.01", price, validate=True)
        assert isinstance(checked, Accepted)
        placed = await client.place("BTC/USD", "buy", "0.01", price)
        assert isinstance(placed, Accepted), placed
        assert placed.order is not None
        moved = await client.amend(placed.order.key, "BTC/USD", price=price - 1, quantity="0.008")
        assert isinstance(moved, Accepted), moved
        gone = await client.cancel(placed.order.key)
        assert isinstance(gone, Accepted), gone
        assert gone.order is not None
        assert gone.order.stage.value == "canceled"
        everything = await client.cancel_all()
        assert isinstance(everything, Accepted)
        assert everything.count is not None
        await client.disarm()
        again = await client.place("BTC/USD", "buy", "0.01", price - 2)
        assert again == NotSent("place", ("not armed (by the program)",))


async def test_limits_hold_and_the_exchange_has_the_last_word() -> None:
    options: dict[str, Any] = {"account": True, "trade": True, "trade_max_worth": "10000000 USD"}
    async with KrakenClient("BTC/USD", demo=True, **options) as client:
        price = await armed(client) - 30
        far = await client.place("BTC/USD", "buy", "0.01", price / 2 // 1)
        assert isinstance(far, NotSent)
        assert "from the middle" in far.sentence
        poor = await client.place("BTC/USD", "buy", "100", price)
        assert isinstance(poor, OrderRefused), poor
        assert "Insufficient funds" in poor.text


async def test_what_cannot_work_is_said() -> None:
    async with KrakenClient("BTC/USD", demo=True) as client:
        with pytest.raises(ConfigurationError, match="open it with trade=True"):
            await client.place("BTC/USD", "buy", "1", "1")
    with pytest.raises(ConfigurationError, match="account=True"):
        KrakenClient("BTC/USD", demo=True, trade=True)
    with pytest.raises(ConfigurationError, match="exclude each other"):
        KrakenClient("BTC/USD", demo=True, trade=True, account=True, paper=True)
    with pytest.raises(ConfigurationError, match="trade_max_worth"):
        KrakenClient("BTC/USD", trade_max_worth="much")
    async with KrakenClient("BTC/USD", demo=True, paper=True) as client:
        await client.wait_verified("BTC/USD")
        for side, kind, price, words in (
            ("up", "limit", "1", "side takes"),
            ("buy", "all", "1", "kind takes"),
            ("buy", "limit", 1.5, "not exact"),
            ("buy", "limit", "1.23", "does not take that number"),
        ):
            with pytest.raises(ConfigurationError, match=words):
                await client.place("BTC/USD", side, "1", price, kind=kind)  # type: ignore[arg-type]
