"""Worth of what an account holds, in US dollars. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from kraken_tui.market.orders.values import ZERO, Balance

PriceOf = Callable[[str], Decimal | None]
"""Price of one unit of an asset in US dollars; None where it is not known."""

_DOLLAR = "USD"


def valued(balances: Iterable[Balance], price_of: PriceOf) -> tuple[Decimal | None, tuple[str, ...]]:
    """Worth in US dollars of the assets whose price is known, and the names of the others that are held.

    Args:
        balances: What is held.
        price_of: The prices.

    Returns:
        The worth, None where no price is known or nothing is; the assets that are left out of it.
    """
    total: Decimal | None = None
    unpriced: list[str] = []
    for balance in balances:
        price = Decimal(1) if balance.asset == _DOLLAR or not balance.total else price_of(balance.asset)
        if price is None:
            unpriced.append(balance.asset)
        elif balance.total or total is None:
            total = (total or ZERO) + balance.total * price
    if unpriced and not total:
        total = None
    return total, tuple(unpriced)


def worth_of(balances: Iterable[Balance], price_of: PriceOf) -> Decimal | None:
    """Worth of all assets in US dollars; None where the price of one that is held is not known, or nothing is."""
    total, unpriced = valued(balances, price_of)
    return None if unpriced else total
