"""Amounts of assets as a user writes them: "0.1 BTC, 2 ETH"."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from kraken_tui.settings.readers import WrongValue

_MOST = Decimal(10) ** 15


def read_amounts(text: str) -> Mapping[str, Decimal]:
    """Amounts by asset.

    Raises:
        WrongValue: It is no list of amounts, names an asset twice, or has one that is not above zero.
    """
    found: dict[str, Decimal] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        number, _, asset = part.strip().partition(" ")
        asset = asset.strip().upper()
        try:
            amount = Decimal(number)
        except InvalidOperation:
            amount = Decimal(0)
        if not (amount.is_finite() and 0 < amount <= _MOST) or not asset.isalnum() or not asset.isascii():
            raise WrongValue('takes amounts such as "0.1 BTC, 2 ETH"')
        if asset in found:
            raise WrongValue(f"names {asset} twice")
        found[asset] = amount
    return MappingProxyType(found)


class Amounts:
    """The rule for such a text."""

    def __call__(self, value: str) -> None:
        """See `Rule`."""
        read_amounts(value)

    def __str__(self) -> str:
        return 'amounts such as "0.1 BTC, 2 ETH"'
