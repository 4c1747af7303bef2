"""Bounded queues between the engine's thread and whoever listens.

A listener that does not keep up loses its own events, by its own policy, and nobody else's. Book deltas are never
dropped on the way from the socket to the book: listeners stand behind it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple


class DropPolicy(StrEnum):
    """What a full queue gives up: its oldest event, or the one that just came."""

    OLDEST = "oldest"
    NEWEST = "newest"


class ListenerClosed(Exception):
    """The engine stopped and the queue is empty."""


class Listener:
    """One listener's queue; `put` is called by the engine's thread, the rest by the listener's.

    Args:
        capacity: Most events kept.
        policy: What is dropped when it is full.
        wants: Which events are queued at all; None for all.

    Attributes:
        offered, dropped: Counts; offered = taken + dropped + waiting.
    """

    def __init__(
        self,
        capacity: int = 65_536,
        policy: DropPolicy = DropPolicy.OLDEST,
        wants: Callable[[Any], bool] | None = None,
    ) -> None:
        if capacity < 1:
            raise ValueError("a listener's queue holds at least one event")
        self.capacity = capacity
        self.policy = policy
        self.offered = 0
        self.dropped = 0
        self._wants = wants
        self._events: deque[Any] = deque()
        self._ready = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: object) -> None:
        """Queue an event, dropping by policy where there is no room; never blocks on the listener."""
        if self._closed or (self._wants is not None and not self._wants(event)):
            return
        with self._ready:
            self.offered += 1
            if len(self._events) >= self.capacity:
                self.dropped += 1
                if self.policy is DropPolicy.NEWEST:
                    return
                self._events.popleft()
            self._events.append(event)
            self._ready.notify()

    def get(self, timeout_s: float | None = None) -> Any:
        """Take the oldest event.

        Args:
            timeout_s: Longest wait; None waits until an event or the end.

        Returns:
            The event, or None when the wait ran out.

        Raises:
            ListenerClosed: The engine stopped and nothing is left.
        """
        with self._ready:
            if not self._events and not self._closed:
                self._ready.wait(timeout_s)
            if self._events:
                return self._events.popleft()
            if self._closed:
                raise ListenerClosed
            return None

    def close(self) -> None:
        """No more events come; what is queued can still be taken."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()


class QueueLoad(NamedTuple):
    """How full the listeners' queues are.

    Attributes:
        waiting, room: Of the queue that is fullest in proportion; 0 without listeners.
        dropped: Events given up so far, all queues.
    """

    waiting: int = 0
    room: int = 0
    dropped: int = 0


def queue_load(listeners: Sequence[Listener]) -> QueueLoad:
    """Look at all queues; any thread."""
    dropped = sum(listener.dropped for listener in listeners)
    waiting, room = max(
        ((len(listener), listener.capacity) for listener in listeners),
        key=lambda queue: queue[0] / queue[1],
        default=(0, 0),
    )
    return QueueLoad(waiting, room, dropped)
