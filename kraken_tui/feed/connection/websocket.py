"""The thin asyncio shell around a session: it dials, reads, writes and keeps time, and decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from kraken_tui.errors import ConfigurationError
from kraken_tui.feed.clock import Clock, SystemClock
from kraken_tui.feed.connection.audit_socket import Auditing
from kraken_tui.feed.connection.budget_file import BudgetFile
from kraken_tui.feed.connection.dialler import Dialler
from kraken_tui.feed.connection.failures import explain
from kraken_tui.feed.connection.sockets import close_socket, open_socket
from kraken_tui.feed.events import Note
from kraken_tui.feed.limits import Limits
from kraken_tui.feed.session import Session
from kraken_tui.settings.address import check_url, proxy_for
from kraken_tui.units import SECOND

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

__all__ = ["ConfigurationError", "check_url", "run"]

E = TypeVar("E")
OnFrame = Callable[[bytes, int, str], None]
"""(raw bytes, wall clock ns, "rx" or "tx"), for a recorder; it must not raise."""

_SEND_LIMIT_S = 5.0


class Talking(Protocol[E]):
    """A session as the shell sees it: `Session`, or one of `feed.private`; see there."""

    limits: Limits
    dialler: Dialler

    def dialling(self, now: int, wall_ns: int) -> None: ...
    def opened(self, now: int, wall_ns: int) -> None: ...
    def frame(self, data: bytes | str, now: int, wall_ns: int) -> None: ...
    def tick(self, now: int, wall_ns: int) -> None: ...
    def slept(self, ns_asleep: int, now: int, wall_ns: int) -> None: ...
    def close(self, now: int, wall_ns: int, cause: str = "closed") -> None: ...
    def restore_dials(self, saved: object, now: int, wall_ns: int) -> None: ...
    def disconnected(
        self,
        cause: str,
        now: int,
        wall_ns: int,
        *,
        http_status: int | None = None,
        retry_after_s: float | None = None,
        close_code: int | None = None,
        slow: bool = False,
    ) -> None: ...
    def take_sends(self) -> list[str]: ...
    def take_events(self) -> list[E]: ...
    @property
    def wants_attention(self) -> bool: ...
    def wants_dial(self, now: int) -> bool: ...
    def wants_close(self) -> tuple[int, str] | None: ...
    def next_wakeup(self, now: int) -> int: ...


async def run(
    session: Talking[E],
    url: str,
    clock: Clock,
    on_events: Callable[[list[E]], None],
    stop_event: asyncio.Event,
    on_frame: OnFrame | None = None,
    *,
    wake: asyncio.Event | None = None,
    budget_path: Path | None = None,
    on_connection: Callable[[ClientConnection], None] | None = None,
) -> None:
    """Keep a session connected until told to stop.

    Args:
        session: The brain; only this coroutine and callbacks on the same loop may touch it.
        url: Address, see `check_url`.
        clock: Clocks.
        on_events: Takes what happened, after every frame and before the next is applied; also while offline.
        stop_event: Ends the run; the socket is closed within about a second.
        on_frame: Takes every raw frame, for a recorder.
        wake: Set it after `session.want` and the like, so that the requests leave at once instead of within a second.
        budget_path: File that carries the dial budget over restarts; None to keep it in memory.
        on_connection: Called with every connection once it is open, to inspect its certificate; it must not use it.

    Raises:
        ConfigurationError: The address cannot be used.
    """
    shell = _Shell(session, check_url(url), clock, on_events, on_frame, wake or asyncio.Event(), budget_path)
    shell.on_connection = on_connection
    watcher = asyncio.create_task(shell.watch(stop_event))
    try:
        await shell.run(stop_event)
    finally:
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher
        session.close(clock.now(), clock.wall())
        on_events(session.take_events())


class _Shell:
    def __init__(
        self,
        session: Talking[E],
        url: str,
        clock: Clock,
        on_events: Callable[[list[Any]], None],
        on_frame: OnFrame | None,
        wake: asyncio.Event,
        budget_path: Path | None,
    ) -> None:
        self._session = session
        self._url = url
        self._clock = clock
        self._on_events = on_events
        self._on_frame = on_frame
        self._wake = wake
        self._budget = BudgetFile(budget_path, clock)
        self.on_connection: Callable[[ClientConnection], None] | None = None
        self._proxy: str | None = None
        self._proxy_shown = ""
        self._early: list[bytes] | None = None
        self._defect: Exception | None = None
        self._slept = clock.slept if isinstance(clock, SystemClock) else None
        self._looked_at = clock.now()
        # Books of the public feed alone are compared with a second snapshot.
        talking: object = session
        audited = talking if isinstance(talking, Session) else None
        self._auditing = None if audited is None else Auditing(audited, url, clock, self._budget, self._wake)

    async def watch(self, stop_event: asyncio.Event) -> None:
        await stop_event.wait()
        self._wake.set()

    async def run(self, stop_event: asyncio.Event) -> None:
        clock = self._clock
        self._proxy, self._proxy_shown = proxy_for(self._url)
        if self._proxy_shown:
            self._on_events([Note(clock.wall(), "info", f"connecting through the proxy {self._proxy_shown}")])
        # Saved at once: what an earlier run wrote by a clock that was ahead is bounded once, not each time.
        await self._budget.settle(self._session)
        try:
            await self._keep_connected(stop_event)
        finally:
            if self._auditing is not None:
                await self._auditing.stop()
            self._budget.close()

    async def _keep_connected(self, stop_event: asyncio.Event) -> None:
        session, clock = self._session, self._clock
        while not stop_event.is_set():
            self._notice_sleep()
            session.tick(clock.now(), clock.wall())
            if session.wants_dial(clock.now()) and await self._budget.settle(session, self._begin_dial):
                self._flush()
                await self._connection(stop_event)
                await self._budget.settle(session)
            self._flush()
            if not stop_event.is_set():
                await self._sleep()

    def _begin_dial(self) -> bool:
        """Count a dial, unless other processes have spent the budget meanwhile."""
        session, clock = self._session, self._clock
        if not session.wants_dial(clock.now()):
            return False
        session.dialling(clock.now(), clock.wall())
        return True

    # -- one connection -----------------------------------------------------------------------------------------

    async def _connection(self, stop_event: asyncio.Event) -> None:
        # Messages that arrive with the handshake's answer wait until the session knows of the connection.
        self._early = []
        limit = self._session.limits.open_s
        dial = asyncio.create_task(open_socket(self._url, self._proxy, limit, self._message))
        dial.add_done_callback(lambda _: self._wake.set())
        try:
            while not dial.done() and not self._over(stop_event):
                await self._sleep()
                self._tick()
                self._flush()
        finally:
            # Even if this task is cancelled: nobody else would collect the result of the dial.
            if not dial.done():
                dial.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await dial
            elif not dial.cancelled():
                dial.exception()
        if dial.cancelled() or self._failed(dial):
            return
        socket = dial.result()
        try:
            await self._talk(socket, stop_event)
        finally:
            await self._hang_up(socket)

    async def _talk(self, socket: ClientConnection, stop_event: asyncio.Event) -> None:
        session, clock = self._session, self._clock
        if self.on_connection is not None:
            self.on_connection(socket)
        session.opened(clock.now(), clock.wall())
        early, self._early = self._early or [], None
        for data in early:
            self._message(data)
        # Messages are pushed; `recv` only raises how the connection ended.
        reader = asyncio.create_task(socket.recv())
        reader.add_done_callback(lambda _: self._wake.set())
        try:
            while not self._over(stop_event) and not reader.done() and self._defect is None:
                if not await self._send(socket):
                    return
                self._flush()
                if not self._over(stop_event) and not reader.done():
                    await self._sleep()
                self._tick()
            if self._defect is not None:
                raise self._defect
            if reader.done():
                self._failed(reader)
        finally:
            # Await even a finished one: an unretrieved exception would be printed over the screen.
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await reader

    def _message(self, data: bytes) -> None:
        """Apply a message and deliver its events before the next message: an event's book is the book right after its
        message."""
        session = self._session
        if self._early is not None:
            self._early.append(data)
            return
        if self._defect is not None or session.wants_close() is not None:
            return
        try:
            now, wall = self._clock.now(), self._clock.wall()
            if now - self._looked_at >= SECOND:
                # Frames that waited through a sleep are read before any clock is looked at.
                self._notice_sleep()
            if self._on_frame is not None:
                self._on_frame(data, wall, "rx")
            session.frame(data, now, wall)
            self._flush()
        except Exception as error:
            # Raised here, it would only reach the event loop's log; `_talk` raises it where it is noticed.
            self._defect = error
        if self._defect is not None or session.wants_attention or session.wants_close() is not None:
            self._wake.set()

    async def _send(self, socket: ClientConnection) -> bool:
        for text in self._session.take_sends():
            try:
                await asyncio.wait_for(socket.send(text), _SEND_LIMIT_S)
            except Exception as error:
                self._report(error)
                return False
            if self._on_frame is not None:
                self._on_frame(text.encode(), self._clock.wall(), "tx")
        return True

    async def _hang_up(self, socket: ClientConnection) -> None:
        await close_socket(socket, *(self._session.wants_close() or (1000, "")))

    # -- small things -------------------------------------------------------------------------------------------

    def _over(self, stop_event: asyncio.Event) -> bool:
        return stop_event.is_set() or self._session.wants_close() is not None

    def _notice_sleep(self) -> None:
        self._looked_at = self._clock.now()
        asleep = 0 if self._slept is None else self._slept()
        if asleep:
            self._session.slept(asleep, self._looked_at, self._clock.wall())

    def _tick(self) -> None:
        self._notice_sleep()
        self._session.tick(self._clock.now(), self._clock.wall())
        if self._auditing is not None:
            self._auditing.start_if_due(self._proxy, self._proxy_shown)

    def _flush(self) -> None:
        events = self._session.take_events()
        if events:
            self._on_events(events)

    async def _sleep(self) -> None:
        """Until something happens, or until the session has something to do."""
        delay = (self._session.next_wakeup(self._clock.now()) - self._clock.now()) / SECOND
        timer = asyncio.get_running_loop().call_later(max(0.0, delay), self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()
        self._wake.clear()

    def _failed(self, task: asyncio.Task[Any]) -> bool:
        if task.cancelled() or task.exception() is None:
            return False
        error = task.exception()
        assert error is not None
        self._report(error)
        return True

    def _report(self, error: BaseException) -> None:
        """Report a network failure to the session; anything else is a defect and must be raised."""
        failure = explain(error, self._url, proxy=self._proxy_shown)
        if failure is None:
            raise error
        self._session.disconnected(
            failure.cause,
            self._clock.now(),
            self._clock.wall(),
            http_status=failure.http_status,
            retry_after_s=failure.retry_after_s,
            close_code=failure.close_code,
            slow=failure.slow,
        )
