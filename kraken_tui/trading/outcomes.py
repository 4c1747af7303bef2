"""What became of a request. Each of these is an end: none of them is ever followed by a second sending."""

from __future__ import annotations

from kraken_tui.market.orders.values import Order
from kraken_tui.market.plain import Value


class Accepted(Value, frozen=True, gc=False):
    """The exchange took the request. What the order does from now on, its executions tell.

    Attributes:
        what: "place", "amend", "cancel", "cancel all" or "validate".
        order: The order as it is known now; None for a request about several.
        count: Orders that were cancelled, where the exchange says so.
    """

    what: str
    order: Order | None = None
    count: int | None = None

    @property
    def sentence(self) -> str:
        """For the reader."""
        if self.what == "validate":
            return "TEST: the exchange would accept this order; nothing was placed."
        if self.count is not None:
            return f"The exchange cancelled {self.count} order{'' if self.count == 1 else 's'}."
        return f"Accepted: {self.what}."


class OrderRefused(Value, frozen=True, gc=False):
    """The exchange said no, and nothing was done.

    Attributes:
        text: Its own words, cleaned.
        advice: What they mean, one clause; "" for a text that nobody has met.
    """

    what: str
    text: str
    advice: str = ""

    @property
    def sentence(self) -> str:
        """For the reader."""
        return f"OrderRefused: {self.text}: {self.advice}." if self.advice else f"OrderRefused: {self.text}."


class OutcomeUnknown(Value, frozen=True, gc=False):
    """Nobody can say yet whether it was done. It is looked up for a minute, and never sent again.

    Attributes:
        key: Handle of the order (`Order.key`), under which its fate is told; "" for a request about several.
        reason: Why, one clause.
    """

    what: str
    key: str
    reason: str

    @property
    def sentence(self) -> str:
        """For the reader."""
        return f"UNKNOWN: {self.reason}; it may have been done and is being looked up. Do not send it again."


class NotSent(Value, frozen=True, gc=False):
    """The program itself refused: the request has not left this computer.

    Attributes:
        reasons: A clause for each thing in the way.
    """

    what: str
    reasons: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """For the reader."""
        return f"Not sent: {'; '.join(self.reasons)}."


Outcome = Accepted | OrderRefused | OutcomeUnknown | NotSent
