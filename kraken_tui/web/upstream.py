"""The one feed of a server, and the door at which its visitors' processes dial it: a loopback port, a secret path."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import msgspec
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from kraken_tui.engine.options import Relay as RelayAddress
from kraken_tui.engine.worker import budget_path_for
from kraken_tui.feed.clock import SystemClock
from kraken_tui.feed.connection.table import State
from kraken_tui.feed.connection.websocket import run
from kraken_tui.feed.events import FeedEvent, Refused, StateChanged
from kraken_tui.feed.rest.client import RestAnswer, RestClient
from kraken_tui.feed.session import Session
from kraken_tui.settings import INTERVALS, Settings
from kraken_tui.web.relay import AGAIN, Peer, Relay

if TYPE_CHECKING:
    from kraken_tui.exchange import ExchangeThread

_DOWN = frozenset({State.DISCONNECTED.value, State.CONNECTING.value, State.COOLDOWN.value, State.CLOSED.value})
_FAILED = frozenset({State.DISCONNECTED.value, State.COOLDOWN.value})
_HOLD_S = 8.0
_TICK_S = 1.0
_UNREAD_BYTES = 16 * 2**20
_LARGEST_REQUEST = 64 * 1024
_MOST_TRADES = 1000

Tell = Callable[[str], None]


class Upstream:
    """Keeps one session connected, and passes its frames on to whoever dials.

    Args:
        settings: What to follow, and where.
        tell: Takes a sentence for whoever runs the server.

    Attributes:
        session: The feed.
        relay: What passes it on.
    """

    def __init__(self, settings: Settings, tell: Tell) -> None:
        self._settings, self._tell = settings, tell
        self._clock = SystemClock()
        self._stop, self._wake, self._up = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._path = f"/{secrets.token_urlsafe(24)}"
        self._demo: ExchangeThread | None = None
        self._history = History(None)
        self._tasks: list[asyncio.Task[None]] = []
        self._missing = ""
        self.session = Session(depth=settings.depth, interval=settings.interval)
        self.relay = Relay(self.session, lambda: (self._clock.now(), self._clock.wall()), self._wake.set)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[RelayAddress]:
        """Run until the block ends; gives the address for visitors' processes.

        Raises:
            OSError: No port of this machine can be listened on.
        """
        url, rest_url = self._settings.url, self._settings.rest_url
        if self._settings.demo:
            url, rest_url = await self._start_demo()
        self._history = History(RestClient(rest_url))
        async with contextlib.AsyncExitStack() as stack:
            server = await serve(
                self._talk,
                "127.0.0.1",
                0,
                process_request=self._request,
                compression=None,
                ping_interval=None,
                close_timeout=0.5,
                max_size=_LARGEST_REQUEST,
                server_header=None,
            )
            stack.push_async_callback(_closed, server)
            port = next(iter(server.sockets)).getsockname()[1]
            self._tasks = [
                asyncio.create_task(self._feed(url, budget_path_for(url)), name="feed"),
                asyncio.create_task(self._tick(), name="tick"),
            ]
            stack.push_async_callback(self._end)
            shown = "the demo" if self._settings.demo else url
            at = f"127.0.0.1:{port}{self._path}"
            yield RelayAddress(f"ws://{at}", f"http://{at}", f"{shown}, passed on by kraken-tui serve")
        if self._demo is not None:
            await asyncio.to_thread(self._demo.stop)

    def check(self) -> None:
        """Raise the error that ended the feed, if one has: without it the server is of no use."""
        for task in self._tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def _start_demo(self) -> tuple[str, str]:
        from kraken_tui.exchange import ExchangeThread

        settings = self._settings
        self._demo = ExchangeThread(seed=settings.demo_seed, profile="calm", episodes=settings.demo_episodes)
        await asyncio.to_thread(self._demo.start)
        return self._demo.ws_url, self._demo.rest_url

    async def _feed(self, url: str, budget: Path | None) -> None:
        for name in self._settings.pairs:
            self.session.want(name, self._clock.now(), self._clock.wall())
        await run(
            self.session,
            url,
            self._clock,
            self._take,
            self._stop,
            lambda data, _, direction: self.relay.frame(data) if direction == "rx" else None,
            wake=self._wake,
            budget_path=budget,
        )

    def _take(self, events: list[FeedEvent]) -> None:
        self.relay.take(events)
        for event in events:
            if isinstance(event, Refused) and not event.channel and event.symbol in self._settings.pairs:
                self._tell(f"{event.symbol} is refused: {event.error}")
            if not isinstance(event, StateChanged):
                continue
            down = event.state in _DOWN
            if down and self._up.is_set():
                self._up.clear()
                self.relay.lost(event.cause)
                if not self._stop.is_set():
                    self._tell(f"the exchange is lost: {event.cause}")
            elif not down and not self._up.is_set():
                self._up.set()
                self._missing = ""
                self._tell("connected to the exchange")
            elif event.attempt and event.state in _FAILED and event.cause != self._missing:
                # Nobody may be looking yet; and the same cause every few seconds is no news.
                self._missing = event.cause
                self._tell(f"no connection to the exchange: {event.cause}; trying again")

    async def _tick(self) -> None:
        while True:
            self.relay.tick()
            await asyncio.sleep(_TICK_S)

    async def _end(self) -> None:
        self._stop.set()
        self._tasks[-1].cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.2):
                await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- visitors' processes ------------------------------------------------------------------------------------

    async def _request(self, _: ServerConnection, request: Request) -> Response | None:
        path, query = request.path.partition("?")[::2]
        if path == self._path:
            # Held rather than refused while there is no exchange: whoever dials is let in as soon as there is one.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_HOLD_S):
                    await self._up.wait()
            return None if self._up.is_set() else _response(HTTPStatus.SERVICE_UNAVAILABLE, b"no exchange")
        if path.startswith(f"{self._path}/0/public/"):
            body = await self._history.answer(path.rpartition("/")[2], parse_qs(query))
            return _response(HTTPStatus.OK, body)
        return _response(HTTPStatus.NOT_FOUND, b"not found")

    async def _talk(self, socket: ServerConnection) -> None:
        def send(data: bytes) -> None:
            if socket.transport.get_write_buffer_size() > _UNREAD_BYTES:
                # A process that stands still must not fill this one's memory.
                socket.transport.abort()
            else:
                broadcast([socket], data)

        closing: list[asyncio.Task[None]] = []

        def close(code: int, reason: str) -> None:
            closing.append(asyncio.create_task(socket.close(code, reason)))

        peer = Peer(send, close)
        if not self._up.is_set():
            await socket.close(AGAIN, "no exchange")
            return
        self.relay.connect(peer)
        try:
            with contextlib.suppress(ConnectionClosed):
                async for message in socket:
                    self.relay.request(peer, message)
        finally:
            self.relay.disconnect(peer)
            await asyncio.gather(*closing, return_exceptions=True)


async def _closed(server: object) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.0):
            server.close()  # type: ignore[attr-defined]
            await server.wait_closed()  # type: ignore[attr-defined]


def _response(status: HTTPStatus, body: bytes) -> Response:
    headers = Headers(
        [("Connection", "close"), ("Content-Length", str(len(body))), ("Content-Type", "application/json")]
    )
    return Response(int(status), status.phrase, headers, body)


class History:
    """History over REST for all visitors: one call at a time, at the client's pace.

    Those who ask for the same before its call has begun share one: the answer is not older than any of them expects.

    Args:
        rest: Asks the exchange; None before it is known.
    """

    def __init__(self, rest: RestClient | None) -> None:
        self._rest = rest
        self._turn = asyncio.Lock()
        self._waiting: dict[tuple[str, str, int], asyncio.Task[bytes]] = {}

    async def answer(self, name: str, query: dict[str, list[str]]) -> bytes:
        """Answer as the exchange would; what it is not asked by a screen is refused."""
        symbol = query.get("pair", [""])[0]
        number = query.get("interval" if name == "OHLC" else "count", ["0"])[0]
        asked = int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 0
        fits = asked in INTERVALS if name == "OHLC" else name == "Trades" and 0 < asked <= _MOST_TRADES
        if not fits or not 0 < len(symbol) <= 40 or "since" in query:
            return msgspec.json.encode({"error": ["EGeneral:Invalid arguments"]})
        key = (name, symbol, asked)
        task = self._waiting.get(key)
        if task is None:
            task = self._waiting[key] = asyncio.create_task(self._ask(key))
        return await asyncio.shield(task)

    async def _ask(self, key: tuple[str, str, int]) -> bytes:
        name, symbol, number = key
        async with self._turn:
            del self._waiting[key]
            if self._rest is None:
                answer = RestAnswer(None, "not started")
            elif name == "OHLC":
                answer = await self._rest.ohlc(symbol, number)
            else:
                answer = await self._rest.trades(symbol, count=number)
        if answer.rows is None:
            return msgspec.json.encode({"error": [answer.reason]})
        return msgspec.json.encode({"error": [], "result": {symbol: answer.rows, "last": ""}})
