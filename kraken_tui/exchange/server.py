"""Sockets around the venue: a thin asyncio shell, and a thread to run it in.

The websockets (`/v2`, `/l3/v2`, `/auth/v2`) and the REST paths share one loopback port.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Iterable
from http import HTTPStatus
from time import time_ns
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State

from kraken_tui.exchange.faults import Faults, Frame, Refusal
from kraken_tui.exchange.frames import quoted
from kraken_tui.exchange.front import FrontConnection
from kraken_tui.exchange.pairs import PairSpec
from kraken_tui.exchange.peer import Peer
from kraken_tui.exchange.rest import PREFIX, Rest
from kraken_tui.exchange.venue import Clock, Rate, Venue

if TYPE_CHECKING:
    from kraken_tui.exchange.private_rest import PrivateRest

TICK_S = 0.03
"""Seconds between two looks at the markets; frames carry their own, finer times."""

QUEUE_BYTES = 64 * 1024 * 1024
"""Unsent text kept for one slow reader before it is cut off (PROTOCOL.md section 0, item 12)."""

_SLOW_READER = (1008, "slow reader")
_BROKEN = (1011, "internal error")
_CUT = 1006
_BATCH = 128 * 1024

_PATHS = {"/v2": "", "/l3/v2": "l3", "/auth/v2": "auth"}
_PRIVATE = "/0/private/"
_JSON = "application/json; charset=utf-8"

_log = logging.getLogger("kraken_tui.exchange")


def _wire(frame: Frame) -> bytes:
    """One unfragmented, unmasked websocket frame (RFC 6455 section 5.2)."""
    data, opcode = (frame, 0x82) if isinstance(frame, bytes) else (frame.encode(errors="surrogateescape"), 0x81)
    size = len(data)
    if size < 126:
        return bytes((opcode, size)) + data
    if size < 1 << 16:
        return bytes((opcode, 126)) + size.to_bytes(2, "big") + data
    return bytes((opcode, 127)) + size.to_bytes(8, "big") + data


class _Connection:
    """One websocket and what waits to be written to it. Writing to it never delays another connection."""

    def __init__(self, socket: ServerConnection, peer: Peer) -> None:
        self.peer = peer
        self._socket = socket
        self._queue: deque[Frame] = deque()
        self._queued = 0
        self._ready = asyncio.Event()
        self._closed = False

    def put(self, frames: list[Frame]) -> None:
        """Queue frames for writing, and notice when the connection is to end."""
        if frames:
            self._queue.extend(frames)
            self._queued += sum(map(len, frames))
            if self._queued > QUEUE_BYTES:
                self._queue.clear()
                self.peer.closing = self.peer.closing or _SLOW_READER
            self._ready.set()
        if self.peer.closing is not None:
            self._ready.set()

    async def write(self) -> None:
        """Write until the connection ends."""
        with contextlib.suppress(ConnectionClosed):
            while not self._closed and self._socket.state is State.OPEN:
                await self._ready.wait()
                self._ready.clear()
                while self._queue:
                    await self._write_batch()
                if self.peer.closing is not None:
                    await self._close(*self.peer.closing)

    async def _write_batch(self) -> None:
        """Hand what waits to the kernel in one piece: a system call for each frame is most of a busy demo's
        cost.
        """
        size = 0
        batch: list[Frame] = []
        while self._queue and size < _BATCH:
            batch.append(self._queue.popleft())
            size += len(batch[-1])
        self._queued -= size
        transport = self._socket.transport
        last = None if transport.get_write_buffer_size() == 0 else batch.pop()
        if batch and self._socket.state is State.OPEN:
            transport.write(b"".join(map(_wire, batch)))
        if last is not None:
            # The reader lags: this call returns when it has caught up, or raises when it is gone.
            await self._socket.send(last)

    async def _close(self, code: int, reason: str) -> None:
        self._closed = True
        if code == _CUT:
            self._socket.transport.abort()
        else:
            await self._socket.close(code, reason)


class Exchange:
    """A local Kraken on a loopback port.

    Args:
        seed: decides the markets.
        pairs: symbols to offer; None for all.
        rate: multiple of the usual message rates, one number or by symbol.
        clock: present time in ns since the epoch.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        profile: how the markets behave: one of `PROFILES`.
        episodes: whether to play `EPISODES` while books are watched.
        account: how the main account lives: `demo` or `still`; empty for the profile's own.

    Attributes:
        venue: the exchange without its sockets.

    Raises:
        ValueError: an unknown symbol, profile or account, or a rate that is not positive.
    """

    def __init__(
        self,
        seed: int = 1,
        pairs: Iterable[str | PairSpec] | None = None,
        rate: Rate = 1.0,
        clock: Clock = time_ns,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        profile: str = "lively",
        episodes: bool = False,
        account: str = "",
    ) -> None:
        self.venue = Venue(seed, pairs, rate, clock, profile=profile, episodes=episodes, account=account)
        self._rest = Rest(self.venue)
        self._private_rest: PrivateRest | None = None
        self._host = host
        self._port = port
        self._server: Server | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._connections: dict[ServerConnection, _Connection] = {}

    @property
    def faults(self) -> Faults:
        """Faults on request."""
        return self.venue.faults

    @property
    def showing(self) -> str:
        """What the demo shows of itself now, such as "a halt on BTC/USD"; "" for nothing. For any thread."""
        return "" if self.venue.episodes is None else self.venue.episodes.showing

    @property
    def ws_url(self) -> str:
        """Where websocket clients connect; known once started."""
        return f"ws://{self._host}:{self._port}/v2"

    @property
    def l3_url(self) -> str:
        """Where websocket clients connect for single orders; known once started."""
        return f"ws://{self._host}:{self._port}/l3/v2"

    @property
    def auth_url(self) -> str:
        """Where websocket clients connect for an account; known once started."""
        return f"ws://{self._host}:{self._port}/auth/v2"

    @property
    def rest_url(self) -> str:
        """Where REST clients connect, without a path; known once started."""
        return f"http://{self._host}:{self._port}"

    @property
    def connections(self) -> int:
        """How many websockets are open."""
        return len(self._connections)

    def set_rate(self, rate: Rate) -> None:
        """Change the multiple of the usual message rates while running.

        Args:
            rate: one number, or by symbol (others go back to 1).

        Raises:
            ValueError: a rate that is not positive.
        """
        self.venue.set_rate(rate)

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port cannot be had.
            RuntimeError: already started.
        """
        if self._server is not None:
            raise RuntimeError("the exchange is already listening")
        self._server = await serve(
            self._serve,
            self._host,
            self._port,
            process_request=self._request,
            compression=None,
            create_connection=FrontConnection,
            ping_interval=None,
            close_timeout=1.0,
            write_limit=256 * 1024,
            logger=_log,
            server_header="cloudflare",
        )
        self._port = next(iter(self._server.sockets)).getsockname()[1]
        self._ticking = asyncio.create_task(self._tick(), name="exchange-tick")

    async def stop(self) -> None:
        """Close every connection and the port; does nothing when not started."""
        server, self._server = self._server, None
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
            self._ticking = None
        if server is not None:
            server.close()
            await server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # --- the loop

    async def _tick(self) -> None:
        """Advance the venue while a client is connected, sleep otherwise."""
        while True:
            if not self._connections:
                self._wanted.clear()
                await self._wanted.wait()
            try:
                self._advance()
            except Exception:
                # A market that fails must not look like one that is merely quiet.
                _log.exception("the exchange failed; closing every connection")
                for connection in self._connections.values():
                    connection.peer.closing = _BROKEN
                    connection.put([])
            await asyncio.sleep(TICK_S)

    def _advance(self) -> None:
        now_ns = self.venue.now_ns
        self.venue.advance(now_ns)
        for connection in self._connections.values():
            connection.put(connection.peer.collect(now_ns))

    async def _serve(self, socket: ServerConnection) -> None:
        path = "" if socket.request is None else socket.request.path.partition("?")[0]
        peer = self.venue.connect(_PATHS.get(path, ""))
        connection = _Connection(socket, peer)
        self._connections[socket] = connection
        self._wanted.set()
        writer = asyncio.create_task(connection.write(), name="exchange-write")
        connection.put(peer.collect(self.venue.now_ns))
        try:
            with contextlib.suppress(ConnectionClosed):
                async for message in socket:
                    connection.put(peer.on_message(message))
        finally:
            self._connections.pop(socket, None)
            self.venue.disconnect(peer)
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer

    # --- HTTP

    def _request(self, connection: ServerConnection, request: Request) -> Awaitable[Response | None] | Response | None:
        path = request.path.partition("?")[0]
        if isinstance(connection, FrontConnection) and connection.method == "POST" and path.startswith(_PRIVATE):
            return self._private(connection, request)
        if path in _PATHS:
            refusal = self.faults.take_refusal(rest=False) or self.faults.private.take_refusal(_PATHS[path])
            return None if refusal is None else _refused(refusal)
        if path.startswith(PREFIX):
            refusal = self.faults.take_refusal(rest=True)
            if refusal is not None:
                return _refused(refusal)
            return _response(HTTPStatus.OK, self._rest.answer(request.path), _JSON)
        return _response(HTTPStatus.NOT_FOUND, "404 page not found\n", "text/plain; charset=utf-8")

    async def _private(self, connection: FrontConnection, request: Request) -> Response:
        """One signed request, and what faults make of it."""
        refusal = self.faults.take_refusal(rest=True)
        if refusal is not None:
            return _refused(refusal)
        if self._private_rest is None:
            from kraken_tui.exchange.private_rest import PrivateRest

            self._private_rest = PrivateRest(self.venue)
        faults = self.faults.private
        fault = faults.take_rest(request.path.removeprefix(_PRIVATE))
        body = ""
        if fault is None or fault.execute:
            body = self._private_rest.answer(request.path, request.headers, connection.body)
        if faults.rest_late_s > 0:
            await asyncio.sleep(faults.rest_late_s)
        if fault is None:
            return _response(HTTPStatus.OK, body, _JSON)
        if fault.error:
            return _response(HTTPStatus.OK, quoted({"error": [fault.error]}), _JSON)
        if fault.refusal is None:
            connection.transport.abort()
            return _response(HTTPStatus.OK, "", "text/plain")
        return _refused(fault.refusal)


def _response(status: int, body: str, content_type: str, extra: Iterable[tuple[str, str]] = ()) -> Response:
    data = body.encode()
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    headers = Headers(
        [("Connection", "close"), ("Content-Length", str(len(data))), ("Content-Type", content_type), *extra]
    )
    return Response(int(status), phrase, headers, data)


def _refused(refusal: Refusal) -> Response:
    extra = [] if refusal.retry_after_s is None else [("Retry-After", str(refusal.retry_after_s))]
    return _response(refusal.status, refusal.body, refusal.content_type, extra)


class ExchangeThread:
    """An exchange on a daemon thread with an event loop of its own.

    Takes what `Exchange` takes.

    Attributes:
        exchange: the exchange; its `faults` may be used from any thread.
    """

    def __init__(self, **options: Any) -> None:
        self.exchange = Exchange(**options)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._listening = threading.Event()
        self._failure: BaseException | None = None

    @property
    def ws_url(self) -> str:
        """Where websocket clients connect."""
        return self.exchange.ws_url

    @property
    def l3_url(self) -> str:
        """Where websocket clients connect for single orders."""
        return self.exchange.l3_url

    @property
    def auth_url(self) -> str:
        """Where websocket clients connect for an account."""
        return self.exchange.auth_url

    @property
    def rest_url(self) -> str:
        """Where REST clients connect, without a path."""
        return self.exchange.rest_url

    @property
    def faults(self) -> Faults:
        """Faults on request; usable from any thread."""
        return self.exchange.faults

    def start(self) -> None:
        """Start, and return once the port listens.

        Raises:
            OSError: the port cannot be had.
            RuntimeError: already started.
        """
        if self._thread is not None:
            raise RuntimeError("the exchange is already running")
        self._thread = threading.Thread(target=self._run, name="kraken-tui-exchange", daemon=True)
        self._thread.start()
        self._listening.wait()
        if self._failure is not None:
            self._thread.join()
            self._thread = None
            raise self._failure

    def stop(self, timeout: float = 3.0) -> None:
        """Stop and wait; does nothing when not running.

        Args:
            timeout: seconds to wait for the thread.

        Raises:
            TimeoutError: the thread is still running after that.
        """
        thread, loop, stop = self._thread, self._loop, self._stop
        if thread is None:
            return
        if loop is not None and stop is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(stop.set)
        thread.join(timeout)
        if thread.is_alive():
            raise TimeoutError("the exchange did not stop")
        self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            self._failure = error
        finally:
            self._listening.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with self.exchange:
            self._listening.set()
            await self._stop.wait()
