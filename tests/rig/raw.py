"""Servers on loopback that misbehave, and a proxy that slices: for what only a real socket can show."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from kraken_tui.feed.clock import SystemClock
from kraken_tui.feed.connection.websocket import run
from kraken_tui.feed.events import FeedEvent, StateChanged
from kraken_tui.feed.limits import Limits
from kraken_tui.feed.session import Session

RawHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def tcp(handler: RawHandler, **options: object) -> AsyncIterator[int]:
    """A TCP server; gives its port."""
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        task = asyncio.ensure_future(guarded(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, **options)  # type: ignore[arg-type]
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # A task that is cancelled before its first step closes nothing.
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)


@asynccontextmanager
async def slicer(url: str, seed: int = 1, most: int = 3) -> AsyncIterator[str]:
    """A proxy that forwards 1 to `most` bytes at a time; gives the address to dial instead."""
    target = urlsplit(url)
    rng = random.Random(seed)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            at = 0
            while at < len(data):
                size = rng.randint(1, most)
                writer.write(data[at : at + size])
                at += size
                if rng.random() < 0.02:
                    await asyncio.sleep(0)
            await writer.drain()

    async def through(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(target.hostname, target.port)
        try:
            await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
        finally:
            far_writer.transport.abort()

    async with tcp(through) as port:
        yield f"ws://127.0.0.1:{port}{target.path}"


class Client:
    """A running feed on real sockets whose events are kept."""

    def __init__(self, url: str, *names: str, limits: Limits | None = None) -> None:
        self.session = Session(limits, depth=10, rng=random.Random(1))
        for name in names:
            self.session.want(name)
        self.events: list[FeedEvent] = []
        self._stop = asyncio.Event()
        self.task = asyncio.create_task(run(self.session, url, SystemClock(), self.events.extend, self._stop))

    async def until(self, condition: Callable[[], object], seconds: float = 5) -> float:
        """Wait; returns the seconds it took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not condition():
            if self.task.done():
                await self.task
                raise AssertionError("the feed ended by itself")
            assert loop.time() - began < seconds, f"not within {seconds} s: {self.session.state} {self.session.cause}"
            await asyncio.sleep(0.002)
        return loop.time() - began

    async def failure(self, seconds: float = 5) -> StateChanged:
        """The first time the connection failed."""

        def failures() -> list[StateChanged]:
            return [e for e in self.events if isinstance(e, StateChanged) and e.state in ("DISCONNECTED", "COOLDOWN")]

        await self.until(failures, seconds)
        return failures()[0]

    async def end(self) -> None:
        """Stop it."""
        self._stop.set()
        await asyncio.wait_for(self.task, 3)
