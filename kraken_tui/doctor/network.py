"""Real sockets on loopback: what a server can do to the program's dialling and reading."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine

from kraken_tui.doctor.report import AsyncCheck, Unexpected, expect
from kraken_tui.exchange import Exchange
from kraken_tui.feed.clock import SystemClock
from kraken_tui.feed.connection.table import State
from kraken_tui.feed.connection.websocket import run
from kraken_tui.feed.events import FeedEvent
from kraken_tui.feed.limits import Limits
from kraken_tui.feed.session import Session
from kraken_tui.market.events import Proof
from kraken_tui.wire.decode import MAX_FRAME

PAIR = "BTC/USD"
_LIMIT_S = 10.0
_PAGE = "<html><script>alert(1)</script><h1>Error 1015</h1></html>"
_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Client:
    """The program's feed on a real socket, in this event loop.

    Attributes:
        session: Its brain.
        events: What it reported.
    """

    def __init__(self, url: str, limits: Limits | None = None) -> None:
        self.session = Session(limits, depth=10)
        self.session.want(PAIR)
        self.events: list[FeedEvent] = []
        self._stop = asyncio.Event()
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(run(self.session, url, SystemClock(), self._take, self._stop))

    def _take(self, events: list[FeedEvent]) -> None:
        self.events += events
        self._changed.set()

    async def until(self, condition: Callable[[Session], object], what: str) -> float:
        """Wait for a condition; returns the seconds it took.

        Raises:
            Unexpected: It did not hold within ten seconds.
        """
        begun = time.perf_counter()
        while not condition(self.session):
            left = begun + _LIMIT_S - time.perf_counter()
            if left <= 0 or self._task.done():
                raise Unexpected(f"not {what} in {_LIMIT_S:.0f} s; {self.session.state}: {self.session.cause}")
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), min(left, 0.25))
        return time.perf_counter() - begun

    async def end(self) -> float:
        """Stop it; returns the seconds that took."""
        begun = time.perf_counter()
        self._stop.set()
        await self._task
        return time.perf_counter() - begun


@contextlib.asynccontextmanager
async def client(url: str, limits: Limits | None = None) -> AsyncIterator[Client]:
    """A client that is always stopped."""
    one = Client(url, limits)
    try:
        yield one
    finally:
        await one.end()


def proven(session: Session) -> bool:
    """Whether the pair's book is VERIFIED."""
    stitcher = session.stitchers.get(PAIR)
    return stitcher is not None and stitcher.proof is Proof.VERIFIED


def _lost(session: Session) -> bool:
    return session.state is State.DISCONNECTED and session.attempt > 0


async def loopback() -> str:
    """No fault: a whole session."""
    async with Exchange(pairs=[PAIR]) as exchange, client(exchange.ws_url) as one:
        took = await one.until(proven, "proven")
        return f"proven after {took * 1000:.0f} ms"


async def closed_once() -> str:
    """The server closes a healthy connection."""
    async with Exchange(pairs=[PAIR]) as exchange, client(exchange.ws_url) as one:
        await one.until(proven, "proven")
        exchange.faults.close_all(1001, "going away")
        await one.until(lambda session: not proven(session), "noticed")
        took = await one.until(proven, "proven again")
        return expect(took <= 3, f"proven again after {took:.1f} s")


async def too_many_requests() -> str:
    """HTTP 429 with Retry-After."""
    async with Exchange(pairs=[PAIR]) as exchange:
        exchange.faults.refuse_connections(429, retry_after_s=1200)
        async with client(exchange.ws_url) as one:
            await one.until(lambda session: session.state is State.COOLDOWN, "in COOLDOWN")
            wait = one.session.retry_in_s(SystemClock().now()) or 0
            return expect(1190 < wait <= 1200, f"COOLDOWN for {wait:.0f} s")


async def forbidden_page() -> str:
    """HTTP 403 with a page of HTML."""
    async with Exchange(pairs=[PAIR]) as exchange:
        exchange.faults.refuse_connections(403, body=_PAGE, content_type="text/html")
        async with client(exchange.ws_url) as one:
            await one.until(lambda session: session.state is State.COOLDOWN, "in COOLDOWN")
            cause = one.session.cause
            return expect("<" not in cause and "1015" in cause, f"COOLDOWN: {cause}")


async def oversize_frame() -> str:
    """A message of 9 MiB."""
    async with Exchange(pairs=[PAIR]) as exchange, client(exchange.ws_url) as one:
        await one.until(proven, "proven")
        exchange.faults.inject("x" * (MAX_FRAME + (1 << 20)))
        await one.until(_lost, "dropped")
        wait = one.session.retry_in_s(SystemClock().now()) or 0
        return expect("too big" in one.session.cause and wait > 55, f"{one.session.cause}; next try in {wait:.0f} s")


# -- servers that misbehave below the protocol ---------------------------------------------------------------------

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]


@contextlib.asynccontextmanager
async def raw_server(handler: Handler) -> AsyncIterator[str]:
    """A TCP server on loopback; gives its WebSocket address."""
    open_ones: list[tuple[asyncio.StreamWriter, asyncio.Task[None]]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handling = asyncio.ensure_future(handler(reader, writer))
        open_ones.append((writer, handling))
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await handling

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v2"
    finally:
        server.close()
        for writer, handling in open_ones:
            handling.cancel()
            writer.transport.abort()
        await asyncio.gather(*(handling for _, handling in open_ones), return_exceptions=True)
        await asyncio.sleep(0)


async def _upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """Do a WebSocket handshake by hand (RFC 6455 section 4.2.2); returns the request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    key = next(
        line.partition(":")[2].strip() for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key")
    )
    accept = base64.b64encode(hashlib.sha1((key + _MAGIC).encode()).digest()).decode()
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
    )
    return head


async def no_answer() -> str:
    """The connection is accepted and nothing is ever sent."""

    async def handler(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(handler) as url, client(url, Limits(open_s=1.0)) as one:
        took = await one.until(_lost, "given up")
        return expect("no answer" in one.session.cause, f"{one.session.cause}, after {took:.1f} s")


async def redirect() -> str:
    """A redirect to another server."""
    visited = []

    async def elsewhere(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visited.append(writer.get_extra_info("peername"))

    async with raw_server(elsewhere) as target:

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
            writer.close()

        async with raw_server(handler) as url, client(url) as one:
            await one.until(_lost, "refused")
            await asyncio.sleep(0.05)
            return expect("redirect refused" in one.session.cause and not visited, one.session.cause)


async def compressed_frames() -> str:
    """A server that compresses unasked, as a deflate bomb would."""
    heads = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await _upgrade(reader, writer))
        writer.write(b"\xc1\x05" + b"\xab\xaa\x2a\x00\x00")
        await reader.read()

    async with raw_server(handler) as url, client(url) as one:
        await one.until(_lost, "refused")
        offered = "extensions" in heads[0].lower()
        applied = one.session.counters.applied
        return expect(not offered and not applied, f"compression not offered; {one.session.cause}")


async def endless_fragments() -> str:
    """One message in endless fragments."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _upgrade(reader, writer)
        writer.write(b"\x01\x7f" + (1 << 20).to_bytes(8, "big") + b"a" * (1 << 20))
        while True:
            await writer.drain()
            writer.write(b"\x00\x7f" + (1 << 20).to_bytes(8, "big") + b"a" * (1 << 20))

    async with raw_server(handler) as url, client(url) as one:
        took = await one.until(_lost, "cut off")
        applied = one.session.counters.frames
        return expect("too big" in one.session.cause and not applied, f"{one.session.cause}; after {took:.1f} s")


async def mute_peer() -> str:
    """Quitting while the server answers nothing, not even the closing handshake."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _upgrade(reader, writer)
        await asyncio.Event().wait()

    async with raw_server(handler) as url:
        one = Client(url)
        try:
            await one.until(lambda session: session.state is State.SUBSCRIBING, "connected")
        finally:
            took = await one.end()
        return expect(took <= 2, f"done after {took:.1f} s")


CHECKS = (
    AsyncCheck("a session over loopback", "", "book proven", loopback),
    AsyncCheck("closed while healthy", "F07", "proven again in 3 s", closed_once),
    AsyncCheck("HTTP 429, Retry-After 1200", "F03", "COOLDOWN for exactly that long", too_many_requests),
    AsyncCheck("HTTP 403 with a page of HTML", "F04", "COOLDOWN, plain reason, no HTML", forbidden_page),
    AsyncCheck("accepted, no answer", "F02", "given up in time", no_answer),
    AsyncCheck("redirect to another server", "F16", "refused, nothing sent there", redirect),
    AsyncCheck("compressed frames", "F43", "not offered, not unpacked", compressed_frames),
    AsyncCheck("quit with a mute server", "F99", "done in 2 s", mute_peer),
)
"""Checks with a short time limit: nothing else should run beside them."""

HEAVY_CHECKS = (
    AsyncCheck("message of 9 MiB", "F42", "cut off, next try after 60 s", oversize_frame),
    AsyncCheck("message in endless fragments", "F48", "cut off at 8 MiB", endless_fragments),
)
"""Checks that move a lot of data and have no tight limit."""
