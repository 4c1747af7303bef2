"""Waiting for the list of all pairs: without it no name can be resolved and the connection is useless."""

from __future__ import annotations


class InstrumentList:
    """State of this connection's list. Times are monotonic ns.

    Attributes:
        ready: Whether it has arrived.
        due: When it must have arrived, once granted; None while nothing is due.
        tries: Times it was requested again.
    """

    def __init__(self) -> None:
        self.ready = False
        self.due: int | None = None
        self.tries = 0

    def opened(self) -> None:
        """A connection is open."""
        self.ready = False
        self.due = None
        self.tries = 0

    def closed(self) -> None:
        """The connection is gone."""
        self.ready = False

    def granted(self, due: int) -> None:
        """It was granted and must arrive by `due`."""
        if not self.ready:
            self.due = due

    def arrived(self) -> None:
        """It arrived."""
        self.due = None
        self.ready = True

    def overdue(self, now: int) -> bool:
        """Whether to request it again; True once per deadline."""
        if self.due is None or now < self.due:
            return False
        self.due = None
        self.tries += 1
        return True
