"""What a person wants to send, in whole units: the price and the size that were seen. Pure."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from kraken_tui.market.events import Side
from kraken_tui.market.plain import Value
from kraken_tui.wire.digits import from_units
from kraken_tui.wire.symbols import PairSpec


class Kind(StrEnum):
    """Kinds of orders on offer.

    A market order is sent as a limit order that takes at once, at most up to its protection price, and whose rest
    ends: so what it can cost at most is known and confirmed. The exchange's own "market" is not used.
    """

    LIMIT = "limit"
    MARKET = "market"
    STOP = "stop"


class Ticket(Value, frozen=True, gc=False):
    """An order as it was aimed. Frozen: what is confirmed is what is sent.

    Attributes:
        lots: Quantity.
        ticks: Price: the limit, the protection price of a market order, or the trigger of a stop.
        post_only: Whether it must not take; for limit orders only.
    """

    symbol: str
    side: Side
    kind: Kind
    lots: int
    ticks: int
    post_only: bool = True

    def quantity(self, spec: PairSpec) -> Decimal:
        """In base units, with all of the pair's decimals."""
        return Decimal(from_units(self.lots, spec.qty_precision))

    def price(self, spec: PairSpec) -> Decimal:
        """In quote units."""
        return Decimal(from_units(self.ticks, spec.price_precision))

    def worth(self, spec: PairSpec) -> Decimal:
        """Price times quantity, in quote units: what a purchase costs at most, without fees."""
        return self.quantity(spec) * self.price(spec)

    def takes(self, bid: int | None, ask: int | None) -> bool:
        """Whether it would trade at once against this touch."""
        if self.kind is Kind.STOP:
            return False
        against = ask if self.side is Side.BUY else bid
        if against is None:
            return False
        return self.ticks >= against if self.side is Side.BUY else self.ticks <= against


def protected(side: Side, touch: int, percent: Decimal, spec: PairSpec) -> int:
    """The worst price of a market order: so many percent beyond the other side's best, on a step of the pair.

    It is rounded towards the touch, so that it is never worse than was asked for.
    """
    away = int(touch * percent / 100)
    step = spec.increment
    if side is Side.BUY:
        return max(touch, (touch + away) // step * step)
    return min(touch, -(-(touch - away) // step) * step)


def words(ticket: Ticket, spec: PairSpec) -> str:
    """The order in words, for the box that confirms it: side, quantity, price, worth and pair."""
    side = "BUY" if ticket.side is Side.BUY else "SELL"
    quantity, price = f"{ticket.quantity(spec):f}", f"{ticket.price(spec):f}"
    worth = shown_worth(ticket.worth(spec))
    size = f"{side} {quantity} {spec.base}"
    if ticket.kind is Kind.MARKET:
        bound = "at most" if ticket.side is Side.BUY else "at least"
        return f"{size} at the market, for {bound} {price} {spec.quote} each, {bound} {worth} {spec.quote} in all"
    if ticket.kind is Kind.STOP:
        way = "up to" if ticket.side is Side.BUY else "down to"
        return f"{size} at the market once a trade goes {way} {price} {spec.quote}, about {worth} {spec.quote} in all"
    post = ", post-only" if ticket.post_only else ""
    return f"{size} at {price} {spec.quote}{post}, {worth} {spec.quote} in all"


def shown_worth(worth: Decimal) -> str:
    """An amount of money, whole: without the zeros at its end."""
    text = f"{worth:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def size_steps(lots: int, spec_step: int, direction: int) -> int:
    """The next size on a scale of 1, 2, 5, 10 … of the pair's steps; 0 below the least.

    Args:
        lots: Size now.
        spec_step: Smallest step, lots.
        direction: +1 for larger, -1 for smaller.
    """
    scale = [0]
    power = spec_step
    while scale[-1] <= max(lots, spec_step) * 10:
        scale += [power, 2 * power, 5 * power]
        power *= 10
    if direction > 0:
        return next(each for each in scale if each > lots)
    return next((each for each in reversed(scale) if each < lots), 0)
