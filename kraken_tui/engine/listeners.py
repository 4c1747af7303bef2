"""Bounded queues between the engine's thread and its listeners.

A listener that does not keep up loses its own events, by its own policy, and nobody else's. Listeners come after the
books: nothing between the socket and a book is ever dropped.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any, NamedTuple

from kraken_tui.engine.backpressure import DropPolicy, Key, barrier_key, coalescing_key, merged
from kraken_tui.market.plain import Value
from kraken_tui.units import SECOND

__all__ = ["DropPolicy", "Listener", "ListenerClosed", "ListenerCounts"]

_BURST_NS = 20_000_000
_KEYS_REMEMBERED = 4096


class ListenerClosed(Exception):
    """The engine stopped and the queue is empty."""


class ListenerCounts(Value, frozen=True, gc=False):
    """Events of one listener, or of several: offered = sent + dropped + coalesced + waiting, at every moment.

    Attributes:
        offered: Events it wanted.
        sent: Handed to it.
        dropped: By its policy, or left in the queue when it was closed.
        coalesced: Replaced by a newer one of the same pair and kind.
        waiting: In its queue now.
    """

    offered: int = 0
    sent: int = 0
    dropped: int = 0
    coalesced: int = 0
    waiting: int = 0

    def __add__(self, other: ListenerCounts) -> ListenerCounts:
        return ListenerCounts(
            self.offered + other.offered,
            self.sent + other.sent,
            self.dropped + other.dropped,
            self.coalesced + other.coalesced,
            self.waiting + other.waiting,
        )


class _Slot:
    """A queued event; a newer one may replace it."""

    __slots__ = ("event", "key")

    def __init__(self, event: object, key: Key | None) -> None:
        self.event = event
        self.key = key


class Listener:
    """One listener's queue; `put` is called by the engine's thread, the rest by the listener's.

    Args:
        capacity: Most events kept.
        policy: What is dropped when it is full.
        wants: Which events are queued at all; None for all.
        types: Event types that are offered at all, subclasses included; None for all.
        coalesce_ns: Of the same pair and kind of state at most one event in this time, the newest; 0 for all.
        rate: Most events a second; 0 for no limit.
        clock: Monotonic ns.

    Attributes:
        offered, sent, dropped, coalesced: See `ListenerCounts`.
    """

    def __init__(
        self,
        capacity: int = 65_536,
        policy: DropPolicy = DropPolicy.OLDEST,
        wants: Callable[[Any], bool] | None = None,
        *,
        types: tuple[type, ...] | None = None,
        coalesce_ns: int = 0,
        rate: float = 0.0,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        if capacity < 1:
            raise ValueError("a listener's queue holds at least one event")
        self.capacity = capacity
        self.policy = policy
        self.types = types
        self.offered = self.sent = self.dropped = self.coalesced = 0
        self._wants = wants
        self._merges = policy is DropPolicy.COALESCE or coalesce_ns > 0
        self._window = coalesce_ns
        self._interval = round(SECOND / rate) if rate else 0
        self._clock = clock
        # Slots where events may be replaced, else the events themselves: most listeners merge nothing.
        self._queue: deque[Any] = deque()
        self._held: list[tuple[int, int, _Slot]] = []  # A heap by the time from which each may be taken.
        self._holds = 0
        self._by_key: dict[Key, _Slot] = {}
        self._sent_at: dict[Key, int] = {}
        self._next_at = 0
        self._lock = threading.Lock()
        self._ready = threading.Condition(self._lock)
        self._sleepers = 0
        # Several tasks may wait for one queue. All are woken, since any of them may have been cancelled.
        self._wakers: tuple[Callable[[], None], ...] = ()
        self._closed = False

    def __len__(self) -> int:
        return len(self._queue) + len(self._held)

    @property
    def counts(self) -> ListenerCounts:
        """All counts of one moment."""
        with self._lock:
            return ListenerCounts(self.offered, self.sent, self.dropped, self.coalesced, len(self))

    @property
    def finished(self) -> bool:
        """Whether it is closed and empty, so that its counts stay as they are."""
        return self._closed and not len(self)

    # -- the engine's side ----------------------------------------------------------------------------------------

    def put(self, event: object) -> None:
        """Queue an event, dropping or merging by policy; never blocks on the listener."""
        if self._wants is not None and not self._wants(event):
            return
        with self._lock:
            # Checked under the lock: the counts of a closed listener must not change.
            if self._closed:
                return
            self.offered += 1
            if self._merges:
                if not self._store(event):
                    return
            else:
                # Most events to most listeners take this path; it is short because the engine's thread pays for it.
                queue = self._queue
                if len(queue) >= self.capacity:
                    self.dropped += 1
                    if self.policy is DropPolicy.NEWEST:
                        return
                    queue.popleft()
                queue.append(event)
            if self._sleepers:
                self._ready.notify()
            wakers = self._wakers
            if not wakers:
                return
            self._wakers = ()
        for waker in wakers:
            waker()

    def _store(self, event: object) -> bool:
        """Merge the event or queue it; False if the listener has nothing new to look at."""
        key = coalescing_key(event)
        if key is None:
            self._end_merging(barrier_key(event))
        else:
            waiting = self._by_key.get(key)
            if waiting is not None:
                waiting.event = merged(event)
                self.coalesced += 1
                return False
        if len(self) >= self.capacity:
            self.dropped += 1
            if self.policy is DropPolicy.NEWEST:
                return False
            self._drop_oldest()
        slot = _Slot(event, key)
        if key is not None:
            self._by_key[key] = slot
            due = self._sent_at.get(key, -self._window) + self._window
            if self._window and due > self._clock():
                self._holds += 1
                heappush(self._held, (due, self._holds, slot))
                return True
        self._queue.append(slot)
        return True

    def _end_merging(self, key: Key | None) -> None:
        """Release what waits under a key unmerged, ahead of the event that comes now."""
        slot = self._by_key.pop(key, None) if key is not None else None
        if slot is None:
            return
        slot.key = None
        for index, (_, _, held) in enumerate(self._held):
            if held is slot:
                self._held[index] = (-1, 0, slot)
                self._held.sort()
                heappop(self._held)
                self._queue.append(slot)
                return

    def _drop_oldest(self) -> None:
        self._forget(self._queue.popleft() if self._queue else heappop(self._held)[2])

    def _forget(self, slot: _Slot) -> None:
        if slot.key is not None:
            self._by_key.pop(slot.key, None)

    def close(self, *, discard: bool = False) -> None:
        """Take no more events; what is queued can still be taken, at once, unless it is discarded."""
        with self._lock:
            self._closed = True
            if discard:
                self.dropped += len(self)
                self._queue.clear()
                self._held.clear()
                self._by_key.clear()
            wakers, self._wakers = self._wakers, ()
            self._ready.notify_all()
        for waker in wakers:
            waker()

    # -- the listener's side --------------------------------------------------------------------------------------

    def get(self, timeout_s: float | None = None) -> Any:
        """Take the oldest event, waiting for it.

        Args:
            timeout_s: Longest wait; None waits until an event or the end.

        Returns:
            The event, or None when the wait ran out.

        Raises:
            ListenerClosed: The engine stopped and nothing is left.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with self._lock:
            while True:
                event, wait_ns = self._take()
                if event is not None:
                    return event
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return None
                waits = [each for each in (left, None if wait_ns is None else wait_ns / SECOND) if each is not None]
                self._sleepers += 1
                try:
                    self._ready.wait(min(waits, default=None))
                finally:
                    self._sleepers -= 1

    def poll(self, waker: Callable[[], None] | None = None) -> tuple[Any, int | None]:
        """Take the oldest event if one may be taken now; never waits.

        Args:
            waker: Called once, from the engine's thread, when it is worth looking again; only if there is nothing to
                take now. A caller that stops waiting calls `forget`.

        Returns:
            (the event or None, ns until one that is held back may be taken or None).

        Raises:
            ListenerClosed: The engine stopped and nothing is left.
        """
        with self._lock:
            event, wait_ns = self._take()
            if event is None and waker is not None:
                self._wakers = (*self._wakers, waker)
            return event, wait_ns

    def forget(self, waker: Callable[[], None]) -> None:
        """Do not call this waker."""
        if self._wakers:
            with self._lock:
                self._wakers = tuple(each for each in self._wakers if each is not waker)

    def _take(self) -> tuple[Any, int | None]:
        if self._closed:
            # No more events come, so nothing is merged and nothing held back.
            if not len(self):
                raise ListenerClosed
            return self._hand_out(self._queue.popleft() if self._queue else heappop(self._held)[2]), None
        now = self._clock() if self._held or self._interval or self._window else 0
        while self._held and self._held[0][0] <= now:
            self._queue.append(heappop(self._held)[2])
        if not self._queue:
            return None, (self._held[0][0] - now if self._held else None)
        if self._interval:
            if self._next_at > now:
                return None, self._next_at - now
            self._next_at = max(self._next_at, now - _BURST_NS) + self._interval
        waiting = self._queue.popleft()
        if self._window and waiting.key is not None:
            self._remember(waiting.key, now)
        return self._hand_out(waiting), None

    def _hand_out(self, waiting: Any) -> object:
        self.sent += 1
        if not self._merges:
            event: object = waiting
            return event
        self._forget(waiting)
        held: object = waiting.event
        return held

    def _remember(self, key: Key, now: int) -> None:
        if len(self._sent_at) >= _KEYS_REMEMBERED:
            self._sent_at = {each: at for each, at in self._sent_at.items() if at > now - self._window}
        self._sent_at[key] = now


class QueueLoad(NamedTuple):
    """How full the listeners' queues are.

    Attributes:
        waiting, room: Of the queue that is fullest in proportion; 0 without listeners.
        dropped: Events dropped so far, all queues.
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
