"""Worth of an account: whole where every price is known, else the least there is, and what is left out."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kraken_tui.market.orders.values import Balance
from kraken_tui.market.orders.worth import valued, worth_of

D = Decimal
PRICES = {"BTC": D(60_000), "ETH": D(3_000)}


def held(**totals: int) -> list[Balance]:
    return [Balance(asset, D(total)) for asset, total in totals.items()]


@pytest.mark.parametrize(
    ("balances", "priced", "unpriced"),
    [
        (held(BTC=2, USD=5), D(120_005), ()),
        (held(BTC=2, DOGE=9, EUR=1), D(120_000), ("DOGE", "EUR")),
        # What is not held needs no price.
        (held(BTC=1, DOGE=0), D(60_000), ()),
        (held(DOGE=9), None, ("DOGE",)),
        # Nothing of what has a price is not a lower bound worth telling.
        (held(USD=0, DOGE=9), None, ("DOGE",)),
        (held(USD=0), D(0), ()),
        ([], None, ()),
    ],
)
def test_worth_is_of_what_has_a_price(
    balances: list[Balance], priced: Decimal | None, unpriced: tuple[str, ...]
) -> None:
    assert valued(balances, PRICES.get) == (priced, unpriced)
    assert worth_of(balances, PRICES.get) == (None if unpriced else priced)
