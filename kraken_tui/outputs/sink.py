"""What a sink is: events of the engine in, in ticks and lots; lines, messages or rows out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from kraken_tui.wire.symbols import PairSpec

SpecOf = Callable[[str], PairSpec | None]
"""Precisions of a symbol; None while they are unknown."""


class SinkCounts(NamedTuple):
    """What became of the events a sink has a form for.

    Attributes:
        written: Written, or waiting for `flush`.
        left_out: Not written because the pair's precisions were unknown.
    """

    written: int
    left_out: int


class Sink(Protocol):
    """One destination. `outputs.pump` calls everything from one thread: open, then write and flush, then close."""

    @property
    def counts(self) -> SinkCounts:
        """Events so far."""
        ...

    def open(self) -> None:
        """Connect, or open the file.

        Raises:
            OSError: It cannot be opened; the pump's caller tells the user.
        """
        ...

    def write(self, event: object) -> bool:
        """Take one event; it may wait until `flush`.

        Args:
            event: Any event of the engine's listeners, such as `engine.events.BookLine` or `market.events.Trade`.

        Returns:
            Whether it is written; False for an event that this sink has no form for.
        """
        ...

    def flush(self) -> None:
        """Send on what waits; called when no more events wait, and at least every few hundred.

        Raises:
            OSError: The destination is gone or full.
        """
        ...

    def close(self) -> None:
        """Flush and disconnect; a second call does nothing."""
        ...
