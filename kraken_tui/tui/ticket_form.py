"""What is typed into the ticket of an order. Pure: keys in, a ticket out, and never a request."""

from __future__ import annotations

from decimal import Decimal

from kraken_tui.errors import InvalidNumber
from kraken_tui.market.events import Side
from kraken_tui.trading.tickets import Kind, Ticket, protected, shown_worth, size_steps
from kraken_tui.wire.digits import from_units, to_units
from kraken_tui.wire.symbols import PairSpec

_LONGEST = 20
_KINDS = {"l": Kind.LIMIT, "m": Kind.MARKET, "s": Kind.STOP}


class TicketForm:
    """One ticket; side, pair and price are fixed when it is opened.

    Args:
        spec: The pair.
        side: Buy or sell.
        ticks: The price that was aimed at.
        touch: (bid, ask) that were seen, for the protection of a market order.
        lots: Size to begin with; 0 for none.
        protection: Percent that a market order may go beyond the touch.
    """

    def __init__(
        self, spec: PairSpec, side: Side, ticks: int, touch: tuple[int, int], lots: int, protection: Decimal
    ) -> None:
        self.spec, self.side, self.aimed, self._touch = spec, side, ticks, touch
        self._protection = protection
        self.kind = Kind.LIMIT
        self.post_only = True
        self.text = shown_worth(Decimal(from_units(lots, spec.qty_precision))) if lots else ""
        self.problem = ""

    @property
    def lots(self) -> int:
        """The size in lots; 0 for none, or for one that cannot be read."""
        try:
            return to_units(self.text.rstrip("."), self.spec.qty_precision) if self.text else 0
        except InvalidNumber:
            return 0

    @property
    def ticks(self) -> int:
        """The price: aimed at, or for a market order its protection."""
        if self.kind is not Kind.MARKET:
            return self.aimed
        touch = self._touch[1] if self.side is Side.BUY else self._touch[0]
        return protected(self.side, touch, self._protection, self.spec)

    def ticket(self) -> Ticket:
        """The order as it stands."""
        post_only = self.kind is Kind.LIMIT and self.post_only
        return Ticket(self.spec.symbol, self.side, self.kind, self.lots, self.ticks, post_only)

    def press(self, key: str, character: str | None) -> bool:
        """Take a key; whether it was one of the form's. Enter is none: it only leads to the box that confirms."""
        self.problem = ""
        if character is not None and character in "0123456789.":
            self._type(character)
        elif key == "backspace":
            self.text = self.text[:-1]
        elif key == "delete":
            self.text = ""
        elif key in ("up", "down"):
            lots = size_steps(self.lots, self.spec.qty_min or self.spec.qty_step, 1 if key == "up" else -1)
            self.text = shown_worth(Decimal(from_units(lots, self.spec.qty_precision))) if lots else ""
        elif key in _KINDS:
            self.kind = _KINDS[key]
        elif key == "p":
            self.post_only = not self.post_only
        else:
            return False
        return True

    def _type(self, character: str) -> None:
        after = (self.text + character) if self.text != "0" or character == "." else character
        whole, point, decimals = after.partition(".")
        if after.count(".") > 1 or len(after) > _LONGEST:
            return
        if point and len(decimals) > self.spec.qty_precision:
            self.problem = f"{self.spec.base} has {self.spec.qty_precision} decimals"
            return
        self.text = after if whole else f"0{after}"
