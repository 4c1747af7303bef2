"""What a key asked for last, so that the next press of a burst goes on from there and none is lost. Pure."""

from __future__ import annotations

from typing import Generic, TypeVar

Value = TypeVar("Value")

BURST_S = 2.0
"""Seconds after a press during which the next one counts from what was asked for, whatever has been published."""

ANSWER_S = 10.0
"""Longest that what was asked for is believed to come; a refused depth never does."""


class Asked(Generic[Value]):
    """A wish that the engine grants a little later."""

    def __init__(self) -> None:
        self._wish: tuple[Value, float] | None = None

    def ask(self, value: Value, now: float) -> None:
        """Note a wish made at `now`, s."""
        self._wish = value, now

    def or_else(self, published: Value, now: float) -> Value:
        """What holds for the next press: the last wish, or what is published where that is older than any answer."""
        if self._wish is None:
            return published
        value, at = self._wish
        if now - at < (BURST_S if published == value else ANSWER_S):
            return value
        self._wish = None
        return published
