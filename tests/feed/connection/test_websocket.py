"""The shell on real loopback sockets: a small server of our own that behaves and misbehaves."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request, Response

from kraken_tui.feed.clock import SystemClock
from kraken_tui.feed.connection.failures import Failure, _retry_after, explain
from kraken_tui.feed.connection.table import State
from kraken_tui.feed.connection.websocket import ConfigurationError, run
from kraken_tui.feed.events import FeedEvent, StateChanged
from kraken_tui.feed.limits import Limits
from kraken_tui.feed.session import Session
from kraken_tui.market.events import Proof
from tests.rig.scripted import ScriptedVenue as Venue

pytestmark = pytest.mark.realtime

Handler = Callable[[ServerConnection], Awaitable[None]]
RawHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def venue_handler(socket: ServerConnection) -> None:
    venue = Venue()
    venue.wall = time.time_ns()
    await socket.send(venue.welcome())
    async for text in socket:
        for frame in venue.answer(str(text)):
            await socket.send(frame)
        for channel, symbol in list(venue.subscribed):
            if channel == "book" and symbol in venue.books:
                await socket.send(venue.book_update(symbol))


@asynccontextmanager
async def server(handler: Handler, **options: Any) -> AsyncIterator[str]:
    async with serve(handler, "127.0.0.1", 0, close_timeout=0.2, **options) as running:
        port = running.sockets[0].getsockname()[1]
        yield f"ws://127.0.0.1:{port}/v2"


@asynccontextmanager
async def raw_server(handler: RawHandler) -> AsyncIterator[str]:
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def guarded() -> None:
            try:
                await handler(reader, writer)
            finally:
                writer.close()

        writers.append(writer)
        tasks.add(asyncio.ensure_future(guarded()))

    running = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{running.sockets[0].getsockname()[1]}/v2"
    finally:
        running.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # A task that is cancelled before its first step closes nothing.
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)


async def accepted(reader: asyncio.StreamReader) -> bytes:
    """The answer to a handshake, made by hand."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    key = next(line.split(": ")[1] for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key"))
    accept = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def text_frame(payload: bytes, opcode: int = 1, fin: bool = True) -> bytes:
    """A short frame as servers send it (RFC 6455 section 5.2)."""
    length = bytes([len(payload)]) if len(payload) < 126 else b"\x7e" + len(payload).to_bytes(2, "big")
    return bytes([opcode | (0x80 if fin else 0)]) + length + payload


class Client:
    """A running feed whose events are kept."""

    def __init__(self, url: str, *names: str, limits: Limits | None = None, **options: Any) -> None:
        self.session = Session(limits, depth=10, rng=random.Random(1))
        for name in names:
            self.session.want(name)
        self.events: list[FeedEvent] = []
        self.stop = asyncio.Event()
        self.news = asyncio.Event()
        self.task = asyncio.create_task(run(self.session, url, SystemClock(), self._take, self.stop, **options))

    def _take(self, events: list[FeedEvent]) -> None:
        self.events += events
        self.news.set()

    async def until(self, condition: Callable[[], bool], seconds: float = 5) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                if self.task.done():
                    await self.task
                    raise AssertionError("the feed ended by itself")
                self.news.clear()
                await self.news.wait()

    def causes(self, state: State) -> list[str]:
        return [e.cause for e in self.events if isinstance(e, StateChanged) and e.state == state.value]

    async def failure(self) -> StateChanged:
        """The first time the connection failed."""

        def failures() -> list[StateChanged]:
            return [e for e in self.events if isinstance(e, StateChanged) and e.state in ("DISCONNECTED", "COOLDOWN")]

        await self.until(lambda: bool(failures()))
        return failures()[0]

    async def end(self) -> float:
        started = time.monotonic()
        self.stop.set()
        await asyncio.wait_for(self.task, 3)
        return time.monotonic() - started


async def test_a_feed_over_a_real_socket_is_verified_recorded_and_quickly_closed(tmp_path: Path) -> None:
    recorded: list[tuple[bytes, str]] = []
    async with server(venue_handler) as url:
        client = Client(
            url,
            "BTC/USD",
            on_frame=lambda raw, _, way: recorded.append((raw, way)),
            budget_path=tmp_path / "x" / "dials",
        )
        await client.until(lambda: client.session.state is State.SUBSCRIBED)
        assert client.session.stitchers["BTC/USD"].proof is Proof.VERIFIED
        assert client.session.latency.view(SystemClock().now()).round_trip_ms is not None
        assert await client.end() < 1.5
    assert (b'{"method":"ping","req_id":1}', "tx") in recorded
    received = [raw for raw, way in recorded if way == "rx"]
    assert len(received) == client.session.counters.frames
    assert any(b'"price":5000.0,' in raw for raw in received)
    assert client.causes(State.CLOSED) == ["closed"]
    assert len(json.loads((tmp_path / "x" / "dials").read_text())["dials"]) == 1


async def test_messages_that_come_with_the_handshake_in_pieces_or_before_the_end_are_all_taken() -> None:
    welcome = Venue().welcome().encode()
    beat = b'{"channel":"heartbeat"}'
    split = text_frame(beat[:9], 1, False) + text_frame(b"", 9) + text_frame(beat[9:15], 0, False)

    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = await accepted(reader)
        writer.write(answer + text_frame(welcome) + split + text_frame(beat[15:], 0) + text_frame(beat))
        # The end of the connection is in the same packet.
        writer.write(text_frame(beat) + text_frame((1001).to_bytes(2, "big") + b"bye", 8))
        await writer.drain()
        await asyncio.sleep(0.05)

    taken: list[bytes] = []
    async with raw_server(hasty) as url:
        client = Client(url, on_frame=lambda raw, _, way: taken.append(raw) if way == "rx" else None)
        failure = await client.failure()
        await client.end()
    assert taken[:4] == [welcome, beat, beat, beat]
    assert failure.cause == "closed by the server: 1001 bye"
    assert all(type(raw) is bytes for raw in taken)


async def test_a_wish_leaves_at_once_when_the_shell_is_woken() -> None:
    wake = asyncio.Event()
    async with server(venue_handler) as url:
        client = Client(url, wake=wake)
        await client.until(lambda: client.session.state is State.SUBSCRIBED)
        client.session.want("ETH/USD")
        wake.set()
        await client.until(lambda: "ETH/USD" in client.session.books and bool(client.session.counters.checks_ok), 0.9)
        await client.end()


async def test_f07_a_dropped_connection_comes_back() -> None:
    drops = 0

    async def once(socket: ServerConnection) -> None:
        nonlocal drops
        drops += 1
        if drops == 1:
            await socket.send(Venue().welcome())
            await socket.close(1001, "going \x1b[31maway")
        else:
            await venue_handler(socket)

    async with server(once) as url:
        client = Client(url, "BTC/USD")
        failure = await client.failure()
        assert failure.cause == "closed by the server: 1001 going \N{REPLACEMENT CHARACTER}[31maway"
        await client.until(lambda: client.session.state is State.SUBSCRIBED)
        await client.end()


async def test_f01_a_closed_port_is_named() -> None:
    running = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = running.sockets[0].getsockname()[1]
    running.close()
    await running.wait_closed()
    client = Client(f"ws://127.0.0.1:{port}/v2", "BTC/USD")
    failure = await client.failure()
    assert failure.cause == f"127.0.0.1:{port} refused the connection"
    assert failure.retry_in_s is not None
    await client.end()


@pytest.mark.parametrize(("status", "banned"), [(403, True), (429, True), (500, False), (503, False)])
async def test_f03_f05_http_refusals_show_no_html(status: int, banned: bool) -> None:
    def refuse(_: ServerConnection, __: Request) -> Response:
        body = b"<html><script>alert(1)</script><h1>Sorry</h1></html>"
        return Response(status, "No", Headers({"Retry-After": "1200", "Content-Length": str(len(body))}), body)

    async with server(venue_handler, process_request=refuse) as url:
        client = Client(url, "BTC/USD")
        failure = await client.failure()
        assert f"HTTP {status}" in failure.cause
        assert "<" not in failure.cause
        assert len(failure.cause) < 100
        assert failure.state == ("COOLDOWN" if banned else "DISCONNECTED")
        assert failure.retry_in_s == pytest.approx(1200, abs=1)
        await client.end()


async def test_f04_an_edge_ban_page_means_cooldown_whatever_the_status() -> None:
    def refuse(_: ServerConnection, __: Request) -> Response:
        body = b"<html>error code: 1015</html>"
        return Response(503, "No", Headers({"Content-Length": str(len(body))}), body)

    async with server(venue_handler, process_request=refuse) as url:
        client = Client(url, "BTC/USD")
        failure = await client.failure()
        assert failure.state == "COOLDOWN"
        assert "1015" in failure.cause
        await client.end()


async def test_f16_a_redirect_is_refused_and_the_other_host_hears_nothing() -> None:
    heard = 0

    async def second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += len(await reader.read(100))

    async with raw_server(second) as other:

        def redirect(_: ServerConnection, __: Request) -> Response:
            return Response(302, "Found", Headers({"Location": other, "Content-Length": "0"}), b"")

        async with server(venue_handler, process_request=redirect) as url:
            client = Client(url, "BTC/USD")
            failure = await client.failure()
            assert "redirect refused" in failure.cause
            assert (failure.retry_in_s or 0) >= 60
            await client.end()
    assert heard == 0


async def test_what_is_no_websocket_server_is_called_so() -> None:
    async def ssh(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(1)

    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()

    for handler, words in ((ssh, "not a WebSocket server"), (web, "HTTP 200")):
        async with raw_server(handler) as url:
            client = Client(url, "BTC/USD")
            failure = await client.failure()
            assert words in failure.cause
            await client.end()


async def test_a_websocket_server_that_is_not_kraken_is_called_so() -> None:
    async def chat(socket: ServerConnection) -> None:
        await socket.send("hello <b>you</b>")
        await socket.wait_closed()

    async with server(chat) as url:
        client = Client(url, "BTC/USD")
        failure = await client.failure()
        assert "not Kraken" in failure.cause
        assert (failure.retry_in_s or 0) >= 60
        await client.end()


async def test_f02_a_peer_that_never_answers_the_handshake() -> None:
    async def mute(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(mute) as url:
        client = Client(url, "BTC/USD", limits=Limits(open_s=0.3))
        failure = await client.failure()
        assert "answer" in failure.cause
        assert await client.end() < 1.5
        client = Client(url, "BTC/USD")
        await client.until(lambda: client.session.state is State.CONNECTING)
        assert await client.end() < 1.5


async def test_a_feed_that_is_cancelled_while_it_dials_leaves_no_dial_behind() -> None:
    """The engine cancels it so; how such a dial ended nobody would ask, and its error would be printed."""

    async def mute(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(mute) as url:
        session = Session(rng=random.Random(1))
        others = asyncio.all_tasks()
        dialling = asyncio.Event()
        feed = asyncio.create_task(run(session, url, SystemClock(), lambda _: dialling.set(), asyncio.Event()))
        await dialling.wait()
        await asyncio.sleep(0.01)
        feed.cancel()
        await asyncio.wait({feed})
        left = {task.get_coro() for task in asyncio.all_tasks() - others}
        assert [coro for coro in left if "open_socket" in str(coro)] == []


async def test_h6_a_mute_peer_cannot_delay_the_end() -> None:
    """A peer that completes the handshake by hand and then neither reads nor answers the close."""

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accepted(reader))
        await writer.drain()
        await asyncio.sleep(30)

    async with raw_server(mute) as url:
        client = Client(url, "BTC/USD")
        await client.until(lambda: client.session.state is State.SUBSCRIBING)
        assert await client.end() < 1.5


async def test_f10_a_silent_feed_is_given_up_in_time() -> None:
    async def silent(socket: ServerConnection) -> None:
        venue = Venue()
        await socket.send(venue.welcome())
        async for text in socket:
            for frame in venue.answer(str(text)):
                await socket.send(frame)

    async with server(silent) as url:
        client = Client(url, "BTC/USD", limits=Limits(feed_deadline_s=0.5, feed_late_s=0.3))
        failure = await client.failure()
        assert "no frame for" in failure.cause
        assert client.causes(State.DEGRADED)
        await client.end()


async def test_f42_a_message_over_the_limit_is_named_and_retried_slowly() -> None:
    async def huge(socket: ServerConnection) -> None:
        await socket.send(Venue().welcome())
        await socket.send("x" * (9 << 20))
        await socket.wait_closed()

    async with server(huge) as url:
        client = Client(url, "BTC/USD")
        failure = await client.failure()
        assert "too big" in failure.cause
        assert (failure.retry_in_s or 0) >= 60
        await client.end()


async def test_a_restart_keeps_to_the_dial_budget(tmp_path: Path) -> None:
    path, dials = tmp_path / "dials.json", 0

    def refuse(_: ServerConnection, __: Request) -> Response:
        nonlocal dials
        dials += 1
        return Response(500, "No", Headers({"Content-Length": "0"}), b"")

    async with server(venue_handler, process_request=refuse) as url:
        for _ in range(5):
            client = Client(url, "BTC/USD", limits=Limits(dial_limit=3), budget_path=path)
            for _ in range(30):
                await asyncio.sleep(0.001)
            await client.end()
    assert dials == 3


async def test_a_defect_in_the_program_is_heard_of() -> None:
    async with server(venue_handler) as url:
        session = Session()

        def broken(*_: Any) -> None:
            raise ZeroDivisionError("a defect")

        session.frame = broken  # type: ignore[method-assign]
        with pytest.raises(ZeroDivisionError, match="a defect"):
            await asyncio.wait_for(run(session, url, SystemClock(), lambda _: None, asyncio.Event()), 3)


async def test_a_bad_address_is_refused_before_anything_is_dialled() -> None:
    with pytest.raises(ConfigurationError, match="not encrypted"):
        await run(Session(), "ws://example.com/v2", SystemClock(), lambda _: None, asyncio.Event())


def test_failures_of_names_and_certificates_are_plain() -> None:
    import socket
    import ssl

    url = "wss://ws.kraken.com/v2"
    certificate = ssl.SSLCertVerificationError(1, "certificate verify failed")
    certificate.verify_message = "certificate has expired"
    found = explain(certificate, url)
    assert found is not None
    assert found.cause == "the TLS certificate of ws.kraken.com is not valid: certificate has expired"
    assert found.slow
    named = explain(socket.gaierror(-2, "Name or service not known"), url, proxy="http://proxy:3128")
    assert named is not None
    assert named.cause == "the name ws.kraken.com was not found (through the proxy http://proxy:3128)"
    unreachable = explain(OSError(101, "Network is unreachable"), url)
    assert unreachable is not None
    assert unreachable.cause == "ws.kraken.com cannot be reached: Network is unreachable"
    assert explain(KeyError("x"), url) is None


def test_retry_after_takes_seconds_and_dates() -> None:
    now = datetime(2026, 11, 21, 8, 0, 0, tzinfo=UTC)
    assert _retry_after("1200", now) == 1200
    assert _retry_after("Sat, 21 Nov 2026 08:10:00 GMT", now) == 600
    assert _retry_after("Sat, 21 Nov 2026 07:10:00 GMT", now) == 0
    assert _retry_after("soon", now) is None
    assert _retry_after("21 Oct 2026 07:28:00 +99999999999999999999", now) is None
    assert _retry_after(None, now) is None


@pytest.mark.parametrize(
    "text", ["1 Jan 1 99999999999999999999:00:00", "-5", "", "1e9", "Mon, 01 Jan 2024 00:00 +9999999999"]
)
def test_retry_after_that_makes_no_sense_is_left_out(text: str) -> None:
    assert _retry_after(text, datetime(2026, 11, 21, tzinfo=UTC)) is None


def refusal(status: int, body: bytes = b"", *retry_after: str) -> Failure:
    headers = Headers()
    for value in retry_after:
        headers["Retry-After"] = value
    failure = explain(InvalidStatus(Response(status, "No", headers, body)), "wss://ws.kraken.com/v2")
    assert failure is not None
    return failure


def test_without_a_header_there_is_no_wait() -> None:
    assert refusal(503, b"", "30").retry_after_s == 30
    assert refusal(503).retry_after_s is None


@pytest.mark.parametrize(
    ("body", "ban"),
    [
        (b"error code: 1015", True),
        (b'<span>Error</span> <span class="cf-error-code">1015</span>', True),
        (b"Ray ID: 8f3a1015bc9d", False),
        (b"<!-- 20261015 10:15 -->", False),
    ],
)
def test_only_1015_as_a_word_of_its_own_is_a_ban(body: bytes, ban: bool) -> None:
    assert ("bans" in refusal(503, body).cause) is ban


def test_of_several_retry_after_headers_the_longest_wait_holds() -> None:
    """A proxy on the way may add its own (found by fuzzing: it ended the program)."""
    headers = Headers([("Retry-After", "soon"), ("Retry-After", "600"), ("retry-after", "1200")])
    failure = explain(InvalidStatus(Response(429, "Too Many", headers)), "wss://ws.kraken.com/v2")
    assert failure is not None
    assert failure.retry_after_s == 1200
