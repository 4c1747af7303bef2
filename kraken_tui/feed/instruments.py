"""Waiting for the list of all pairs: without it no name can be resolved and a connection is of no use."""

from __future__ import annotations


class InstrumentList:
    """Where the list of this connection stands. Times are monotonic ns.

    Attributes:
        ready: Whether it has come.
        due: When it must have come, once it was granted; None while nothing is due.
        tries: Times it was asked for again.
    """

    def __init__(self) -> None:
        self.ready = False
        self.due: int | None = None
        self.tries = 0

    def opened(self) -> None:
        """A connection stands."""
        self.ready = False
        self.due = None
        self.tries = 0

    def closed(self) -> None:
        """The connection is gone."""
        self.ready = False

    def granted(self, due: int) -> None:
        """It was granted and must follow."""
        if not self.ready:
            self.due = due

    def arrived(self) -> None:
        """It is here."""
        self.due = None
        self.ready = True

    def overdue(self, now: int) -> bool:
        """Whether it is to be asked for again; told once."""
        if self.due is None or now < self.due:
            return False
        self.due = None
        self.tries += 1
        return True
