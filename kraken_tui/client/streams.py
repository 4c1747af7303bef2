"""A queue of events, read with `for`, `async for`, or one at a time."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Callable
from typing import Any

from kraken_tui.client import checks
from kraken_tui.client.events import public
from kraken_tui.engine.engine import Engine
from kraken_tui.engine.listeners import Listener, ListenerClosed, ListenerCounts
from kraken_tui.errors import ConnectionClosed
from kraken_tui.units import SECOND

_FAIR_SHARE = 64
"""Events taken before other tasks of the loop get a turn."""


class EventStream:
    """A client's events from the moment the stream was made, oldest first, in a bounded queue of its own.

    It ends once the client is closed or its recording is over and the queue is empty. A garbage-collected stream is
    closed. Several tasks and threads may read one stream: each event goes to one of them.

    Args:
        engine: Where the events come from.
        listener: The queue.
        check: Called before waiting; raises if nothing can come.
        ended: Called at the end; raises what ended the feed, if it failed.
    """

    def __init__(
        self, engine: Engine, listener: Listener, check: Callable[[], None], ended: Callable[[], None]
    ) -> None:
        self._listener = listener
        self._check = check
        self._ended = ended
        self._taken = 0
        self._engine = engine
        self._finalizer = weakref.finalize(self, engine.abandon, listener)
        # When the interpreter exits, the engine's daemon thread goes with it; its queues need no cleaning up.
        self._finalizer.atexit = False

    @property
    def counts(self) -> ListenerCounts:
        """Offered, sent, dropped, coalesced and waiting."""
        return self._listener.counts

    def close(self) -> None:
        """Stop listening; queued events count as dropped."""
        self._finalizer.detach()
        self._engine.unlisten(self._listener)

    def get(self, timeout: float | None = None) -> Any:
        """Take the next event, blocking this thread; for programs without an event loop.

        Args:
            timeout: Longest wait in seconds; None waits until an event or the end.

        Returns:
            The event, or None if none came in time.

        Raises:
            ConnectionClosed: The stream has ended.
            ConfigurationError: The client was not opened, or the timeout is not a number.
            KrakenError: What ended the feed.
        """
        self._check()
        if timeout is not None:
            checks.timeout("get", timeout)
        try:
            return public(self._listener.get(timeout))
        except ListenerClosed:
            self._ended()
            raise ConnectionClosed("no more events come") from None

    async def next(self, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - None is an answer here, not an error
        """Take the next event without blocking the event loop; otherwise as `get`."""
        self._check()
        if timeout is not None:
            checks.timeout("next", timeout)
        try:
            return public(await take(self._listener, timeout))
        except ListenerClosed:
            self._ended()
            raise ConnectionClosed("no more events come") from None

    def __iter__(self) -> EventStream:
        return self

    def __next__(self) -> Any:
        try:
            return self.get()
        except ConnectionClosed:
            raise StopIteration from None

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> Any:
        self._taken += 1
        if self._taken % _FAIR_SHARE == 0:
            # A full queue never waits, so it would starve the loop.
            await asyncio.sleep(0)
        try:
            return await self.next()
        except ConnectionClosed:
            raise StopAsyncIteration from None


async def take(listener: Listener, timeout_s: float | None = None) -> Any:
    """Wait for a listener's next event in the running event loop.

    Returns:
        The engine's event, or None when the wait ran out.

    Raises:
        ListenerClosed: The engine stopped and nothing is left.
    """
    event, wait_ns = listener.poll()
    if event is not None:
        return event
    loop = asyncio.get_running_loop()
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        woken = asyncio.Event()
        waker = _waker(loop, woken)
        event, wait_ns = listener.poll(waker)
        if event is not None:
            return event
        try:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return None
            waits = [each for each in (left, None if wait_ns is None else wait_ns / SECOND) if each is not None]
            await _wait(woken, min(waits, default=None))
        finally:
            listener.forget(waker)


def _waker(loop: asyncio.AbstractEventLoop, woken: asyncio.Event) -> Callable[[], None]:
    def wake() -> None:
        try:
            loop.call_soon_threadsafe(woken.set)
        except RuntimeError:
            # The program's loop has closed: there is nothing left to wake.
            return

    return wake


async def _wait(woken: asyncio.Event, limit_s: float | None) -> None:
    if limit_s is None:
        await woken.wait()
        return
    timer = asyncio.get_running_loop().call_later(limit_s, woken.set)
    try:
        await woken.wait()
    finally:
        timer.cancel()
