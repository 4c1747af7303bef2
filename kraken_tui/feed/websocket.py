"""The thin asyncio shell around a `Session`: dials, reads, writes, wakes it up. Decides nothing itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kraken_tui._version import __version__
from kraken_tui.feed.address import ConfigurationError, check_url, proxy_for
from kraken_tui.feed.clock import Clock
from kraken_tui.feed.events import FeedEvent, Note
from kraken_tui.feed.failures import explain
from kraken_tui.feed.machine import SECOND
from kraken_tui.feed.session import Session
from kraken_tui.wire.decode import MAX_FRAME

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

__all__ = ["ConfigurationError", "check_url", "run"]

OnEvents = Callable[[list[FeedEvent]], None]
OnFrame = Callable[[bytes, int, str], None]
"""(raw bytes, wall clock ns, "rx" or "tx"), for a recorder; it must not raise."""

_CLOSE_LIMIT_S = 1.0
_SEND_LIMIT_S = 5.0
_READ_AHEAD = (512, 128)


async def run(
    session: Session,
    url: str,
    clock: Clock,
    on_events: OnEvents,
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
        on_connection: Takes every connection as it stands, to look at its certificate; it must not use it.

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
        session: Session,
        url: str,
        clock: Clock,
        on_events: OnEvents,
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
        self._budget_path = budget_path
        self.on_connection: Callable[[ClientConnection], None] | None = None
        self._proxy: str | None = None
        self._proxy_shown = ""

    async def watch(self, stop_event: asyncio.Event) -> None:
        await stop_event.wait()
        self._wake.set()

    async def run(self, stop_event: asyncio.Event) -> None:
        session, clock = self._session, self._clock
        self._proxy, self._proxy_shown = proxy_for(self._url)
        if self._proxy_shown:
            self._on_events([Note(clock.wall(), "info", f"connecting through the proxy {self._proxy_shown}")])
        self._load_budget()
        while not stop_event.is_set():
            session.tick(clock.now(), clock.wall())
            if session.wants_dial(clock.now()):
                session.dialling(clock.now(), clock.wall())
                self._save_budget()
                self._flush()
                await self._connection(stop_event)
                self._save_budget()
            self._flush()
            if not stop_event.is_set():
                await self._sleep()

    # -- one connection -----------------------------------------------------------------------------------------

    async def _connection(self, stop_event: asyncio.Event) -> None:
        dial = asyncio.create_task(self._dial())
        dial.add_done_callback(lambda _: self._wake.set())
        while not dial.done() and not self._over(stop_event):
            await self._sleep()
            self._tick()
            self._flush()
        if not dial.done():
            dial.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await dial
        if dial.cancelled() or self._failed(dial):
            return
        socket = dial.result()
        try:
            await self._talk(socket, stop_event)
        finally:
            await self._hang_up(socket)

    async def _dial(self) -> ClientConnection:
        from websockets.asyncio.client import connect

        class Connect(connect):
            """Follows no redirect: it would lead to a host the user did not name (RELIABILITY.md F16)."""

            def process_redirect(self, exc: Exception) -> Exception:
                return exc

        # Certificates are always verified: no option, variable or caller can reach the TLS settings.
        return await Connect(
            self._url,
            max_size=MAX_FRAME,
            max_queue=_READ_AHEAD,
            open_timeout=self._session.limits.open_s,
            close_timeout=_CLOSE_LIMIT_S,
            # A pong proves the proxy alive, not the feed; the session watches the frames instead.
            ping_interval=None,
            compression=None,
            proxy=self._proxy,
            user_agent_header=f"kraken-tui/{__version__}",
        )

    async def _talk(self, socket: ClientConnection, stop_event: asyncio.Event) -> None:
        session, clock = self._session, self._clock
        if self.on_connection is not None:
            self.on_connection(socket)
        session.opened(clock.now(), clock.wall())
        reader = asyncio.create_task(self._read(socket))
        reader.add_done_callback(lambda _: self._wake.set())
        try:
            while not self._over(stop_event) and not reader.done():
                if not await self._send(socket):
                    return
                self._flush()
                if not self._over(stop_event) and not reader.done():
                    await self._sleep()
                self._tick()
            if reader.done():
                self._failed(reader)
        finally:
            # Also one that is done is awaited: an exception nobody asked for would be printed over the screen.
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await reader

    async def _read(self, socket: ClientConnection) -> None:
        """Hand every frame to the session, and what came of it to the listener before the next frame is applied: an
        event's book is the book right after its message."""
        session, clock, on_frame = self._session, self._clock, self._on_frame
        while session.wants_close() is None:
            data = await socket.recv(decode=False)
            wall = clock.wall()
            if on_frame is not None:
                on_frame(data, wall, "rx")
            session.frame(data, clock.now(), wall)
            self._flush()
            if session.wants_attention:
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
        """Close politely, but never wait for a mute peer (RELIABILITY.md H6)."""
        code, reason = self._session.wants_close() or (1000, "")
        try:
            with contextlib.suppress(Exception):
                text = reason.encode("ascii", "replace")[:100].decode("ascii")
                await asyncio.wait_for(socket.close(code, text), _CLOSE_LIMIT_S)
        finally:
            # Also where this task is cancelled meanwhile: the socket must not outlive it.
            socket.transport.abort()

    # -- small things -------------------------------------------------------------------------------------------

    def _over(self, stop_event: asyncio.Event) -> bool:
        return stop_event.is_set() or self._session.wants_close() is not None

    def _tick(self) -> None:
        self._session.tick(self._clock.now(), self._clock.wall())

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
        """Tell the session about a network failure; anything else is a defect and must be heard of."""
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

    # -- dial budget over restarts ------------------------------------------------------------------------------

    def _load_budget(self) -> None:
        if self._budget_path is None:
            return
        with contextlib.suppress(OSError, ValueError, RecursionError):
            text = self._budget_path.read_text(encoding="utf-8")[:65536]
            self._session.restore_dials(json.loads(text), self._clock.now(), self._clock.wall())

    def _save_budget(self) -> None:
        """Replace the file as a whole, so that a kill in between leaves the old one. Failing costs no feed."""
        if self._budget_path is None:
            return
        self._load_budget()
        state = self._session.dialler.budget.state(self._clock.now(), self._clock.wall())
        with contextlib.suppress(OSError):
            self._budget_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._budget_path.parent, prefix=".dials-")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump(state, file)
                Path(name).replace(self._budget_path)
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise
