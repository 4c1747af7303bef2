"""The effect of one message, returned by its handler and stored nowhere else."""

from __future__ import annotations

import msgspec

from kraken_tui.feed.events import FeedEvent

APPLIED = ""
REJECTED = "rejected"
"""Verdicts on a frame; any other text is the kind under which it is counted as ignored."""


class Loss(msgspec.Struct, frozen=True, gc=False):
    """The connection must be dropped: the cause, and the least wait in seconds before the next dial."""

    cause: str
    floor_s: float = 0.0


class Effect(msgspec.Struct, gc=False):
    """What one message did.

    Attributes:
        verdict: `APPLIED`, `REJECTED`, or why the message was ignored.
        events: What listeners are told, in order.
        settle: A subscription or the state of a book changed: the connection's state must be updated.
        resolve: Reference data arrived: pair names may resolve now.
        lag_ns: How late the message was; None if unknown.
        loss: Set when the connection has to be given up.
    """

    verdict: str = APPLIED
    events: list[FeedEvent] = []
    settle: bool = False
    resolve: bool = False
    lag_ns: int | None = None
    loss: Loss | None = None

    def add(self, part: Effect) -> None:
        """Merge the effect of the frame's next part; the last verdict and the last lag stand for the frame."""
        self.verdict = part.verdict
        self.events += part.events
        self.settle |= part.settle
        if part.lag_ns is not None:
            self.lag_ns = part.lag_ns
        self.loss = self.loss or part.loss
