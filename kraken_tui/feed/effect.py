"""What became of one message: returned by whoever took it, never deposited anywhere."""

from __future__ import annotations

import msgspec

from kraken_tui.feed.events import FeedEvent

APPLIED = ""
REJECTED = "rejected"
"""Verdicts on a frame; any other text is the kind under which it is counted as ignored."""


class Loss(msgspec.Struct, frozen=True, gc=False):
    """The connection is of no more use: the cause, and the least wait before the next dial in seconds."""

    cause: str
    floor_s: float = 0.0


class Effect(msgspec.Struct, gc=False):
    """What one message did.

    Attributes:
        verdict: `APPLIED`, `REJECTED`, or why the message was ignored.
        events: What listeners are told, in order.
        settle: A subscription or the state of a book changed: the connection's state must be looked at.
        resolve: Reference data arrived: names of pairs may be known now.
        lag_ns: How late the message was, where it told; None otherwise.
        loss: Set when the connection has to be given up.
    """

    verdict: str = APPLIED
    events: list[FeedEvent] = []
    settle: bool = False
    resolve: bool = False
    lag_ns: int | None = None
    loss: Loss | None = None

    def add(self, part: Effect) -> None:
        """Take in what the next part of the same frame did; the last verdict and the last lag stand for the frame."""
        self.verdict = part.verdict
        self.events += part.events
        self.settle |= part.settle
        if part.lag_ns is not None:
            self.lag_ns = part.lag_ns
        self.loss = self.loss or part.loss
