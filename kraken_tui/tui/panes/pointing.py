"""What the mouse says of price and time, from any pane to the screen: the one cursor."""

from __future__ import annotations

from textual.message import Message


class Pointed(Message):
    """The mouse rests on a price, a time, or both; on neither once it has left.

    Attributes:
        part: Name of the pane.
        ticks: The price; None where the pane has none there.
        ns: Begin of the time, by the engine's wall clock, or by the venue's where `venue`; None for none.
        span_ns: Its length.
        venue: Whose clock `ns` is by.
    """

    def __init__(
        self, part: str, ticks: int | None = None, ns: int | None = None, span_ns: int = 0, *, venue: bool = False
    ) -> None:
        super().__init__()
        self.part = part
        self.ticks = ticks
        self.ns = ns
        self.span_ns = span_ns
        self.venue = venue

    @property
    def nothing(self) -> bool:
        """Whether it points at nothing."""
        return self.ticks is None and self.ns is None


class MomentChosen(Message):
    """A moment was clicked, or dragged to.

    Attributes:
        ns: The moment, by the engine's wall clock.
    """

    def __init__(self, ns: int) -> None:
        super().__init__()
        self.ns = ns
