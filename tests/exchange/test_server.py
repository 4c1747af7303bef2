"""The same exchange over real sockets on loopback."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from kraken_tui.exchange import Exchange, ExchangeThread, server

from .reference import ReferenceBook, parsed


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    async with Exchange(seed=3, pairs=["BTC/USD", "ETH/USD"], rate=8.0) as running:
        yield running


async def subscribe(socket: ClientConnection, **params: Any) -> None:
    await socket.send(json.dumps({"method": "subscribe", "params": params}))


async def frames(socket: ClientConnection, name: str, count: int) -> list[dict[str, Any]]:
    """The next `count` frames of a channel."""
    out = []
    async with asyncio.timeout(8):
        while len(out) < count:
            frame = parsed(await socket.recv())
            if frame.get("channel") == name:
                out.append(frame)
    return out


async def get(exchange: Exchange, target: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of a plain HTTP GET."""
    port = int(exchange.rest_url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 3)
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.decode().partition("\r\n\r\n")
    status, *headers = head.split("\r\n")
    return int(status.split()[1]), dict(h.split(": ", 1) for h in headers), body


@pytest.mark.realtime
async def test_a_book_over_a_socket(exchange: Exchange) -> None:
    async with connect(exchange.ws_url) as socket:
        assert parsed(await socket.recv())["channel"] == "status"
        await subscribe(socket, channel="book", symbol=["BTC/USD"], depth=100)
        book = ReferenceBook(100)
        for frame in await frames(socket, "book", 150):
            book.apply(frame)
        assert book.checked == 150
        assert await frames(socket, "heartbeat", 1) == [{"channel": "heartbeat"}]
        assert exchange.connections == 1


async def test_rest_shares_the_port(exchange: Exchange) -> None:
    status, headers, body = await get(exchange, "/0/public/OHLC?pair=XBTUSD&interval=60")
    assert status == 200
    assert headers["Content-Type"].startswith("application/json")
    assert len(json.loads(body)["result"]["XXBTZUSD"]) == 721
    status, _, body = await get(exchange, "/0/public/Depth?pair=NOPE")
    assert (status, json.loads(body)) == (200, {"error": ["EQuery:Unknown asset pair"], "result": None})


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/", "/0/private/Balance"])
async def test_other_paths_are_not_found(exchange: Exchange, path: str) -> None:
    assert (await get(exchange, path))[0] == 404
    with pytest.raises(InvalidStatus) as caught:
        await connect(exchange.ws_url.replace("/v2", path))
    assert caught.value.response.status_code == 404


async def test_a_plain_get_of_the_websocket_wants_an_upgrade(exchange: Exchange) -> None:
    assert (await get(exchange, "/v2"))[0] == 426


@pytest.mark.parametrize(
    ("status", "options"),
    [
        (429, {"retry_after_s": 1200}),
        (403, {"body": "<html><h1>Error 1015</h1></html>", "content_type": "text/html"}),
        (503, {}),
    ],
)
async def test_refused_connections(exchange: Exchange, status: int, options: dict[str, Any]) -> None:
    exchange.faults.refuse_connections(status, count=2, **options)
    for _ in range(2):
        with pytest.raises(InvalidStatus) as caught:
            await connect(exchange.ws_url)
        response = caught.value.response
        assert response.status_code == status
        assert response.headers.get("Retry-After") == (str(options["retry_after_s"]) if status == 429 else None)
        assert response.body == options.get("body", "").encode()
    assert (await get(exchange, "/0/public/Time"))[0] == 200
    async with connect(exchange.ws_url) as socket:
        assert "status" in await socket.recv()
    exchange.faults.refuse_connections(status, rest=True)
    assert (await get(exchange, "/0/public/Time"))[0] == status
    exchange.faults.accept_connections()
    assert (await get(exchange, "/0/public/Time"))[0] == 200


@pytest.mark.parametrize("code", [1001, 1012, 1013, 1006])
async def test_closing_everybody(exchange: Exchange, code: int) -> None:
    async with connect(exchange.ws_url) as one, connect(exchange.ws_url) as two:
        for socket in (one, two):
            await subscribe(socket, channel="book", symbol=["BTC/USD"])
            await frames(socket, "book", 1)
        exchange.faults.close_all(code, "bye")
        for socket in (one, two):
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(_drain(socket), 3)
            assert socket.close_code == code
    async with connect(exchange.ws_url) as socket:
        assert "status" in await socket.recv()


async def _drain(socket: ClientConnection) -> None:
    while True:
        await socket.recv()


async def test_raw_frames(exchange: Exchange) -> None:
    async with connect(exchange.ws_url) as socket:
        await socket.recv()
        for frame in ("{broken", b"\x00\x01", "", "x" * 200, "y" * 70_000):
            exchange.faults.inject(frame)
        got = [await asyncio.wait_for(socket.recv(), 3) for _ in range(5)]
        assert got == ["{broken", b"\x00\x01", "", "x" * 200, "y" * 70_000]


async def test_text_that_is_not_utf_8(exchange: Exchange) -> None:
    async with connect(exchange.ws_url) as socket:
        await socket.recv()
        exchange.faults.inject('{"channel":"\udcff"}')
        with pytest.raises((ConnectionClosed, UnicodeDecodeError)):
            await asyncio.wait_for(_drain(socket), 3)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_frames_on_the_wire_are_those_of_the_library(size: int) -> None:
    expected = Frame(Opcode.TEXT, b"a" * size).serialize(mask=False)
    assert server._wire("a" * size) == expected
    assert server._wire(b"a" * size)[0] == 0x82


@pytest.mark.realtime
async def test_a_slow_reader_holds_up_nobody_and_loses_nothing(exchange: Exchange) -> None:
    async with (
        connect(exchange.ws_url, max_queue=2, close_timeout=0.1) as slow,
        connect(exchange.ws_url) as quick,
    ):
        for socket in (slow, quick):
            await subscribe(socket, channel="book", symbol=["BTC/USD"])
        for _ in range(8):
            exchange.faults.inject(json.dumps({"channel": "padding", "text": "z" * 700_000}))
        for socket in (quick, slow):
            book = ReferenceBook(10)
            for frame in await frames(socket, "book", 60):
                book.apply(frame)
            assert book.checked == 60


async def test_a_hopeless_reader_is_cut_off(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "QUEUE_BYTES", 1_000_000)
    async with connect(exchange.ws_url, max_queue=2, max_size=None) as socket:
        await socket.recv()
        for _ in range(30):
            exchange.faults.inject("z" * 900_000)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(_drain(socket), 8)
        assert socket.close_code == 1008
    assert exchange.connections == 0


async def test_a_client_that_vanishes_is_forgotten(exchange: Exchange) -> None:
    socket = await connect(exchange.ws_url)
    await subscribe(socket, channel="book", symbol=["BTC/USD"])
    await frames(socket, "book", 1)
    socket.transport.abort()
    async with asyncio.timeout(3):
        while exchange.connections:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert exchange.venue.peers == []
    assert not exchange.venue.market("BTC/USD").active


async def test_stop_closes_connections_and_may_be_repeated() -> None:
    exchange = Exchange(pairs=["BTC/USD"])
    await exchange.start()
    with pytest.raises(RuntimeError):
        await exchange.start()
    socket = await connect(exchange.ws_url)
    await exchange.stop()
    await exchange.stop()
    with pytest.raises(ConnectionClosed):
        await _drain(socket)
    with pytest.raises(OSError, match=r".*"):
        await connect(exchange.ws_url)


async def test_a_failing_market_closes_connections_instead_of_going_quiet(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with connect(exchange.ws_url) as socket:
        await subscribe(socket, channel="book", symbol=["BTC/USD"])
        await frames(socket, "book", 1)
        monkeypatch.setattr(exchange.venue.market("BTC/USD"), "advance", lambda now_ns: 1 // 0)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(_drain(socket), 3)
        assert socket.close_code == 1011
        assert "ZeroDivisionError" in caplog.text


async def test_the_rate_can_be_changed_while_running(exchange: Exchange) -> None:
    exchange.set_rate({"BTC/USD": 2.0})
    with pytest.raises(ValueError, match="positive"):
        exchange.set_rate(-1)


def test_wrong_options() -> None:
    with pytest.raises(ValueError, match="no such pair"):
        Exchange(pairs=["XBT/USD"])
    with pytest.raises(ValueError, match="positive"):
        Exchange(rate=0)


async def test_thread() -> None:
    with ExchangeThread(seed=2, pairs=["BTC/USD"]) as thread:
        async with connect(thread.ws_url) as socket:
            assert "status" in await socket.recv()
            thread.faults.inject("hello")
            assert await asyncio.wait_for(socket.recv(), 3) == "hello"
        with pytest.raises(RuntimeError):
            thread.start()
    thread.stop()
    with pytest.raises(OSError, match=r".*"):
        await connect(thread.ws_url)


def test_thread_reports_a_taken_port() -> None:
    with ExchangeThread() as first:
        port = int(first.rest_url.rpartition(":")[2])
        second = ExchangeThread(port=port)
        with pytest.raises(OSError, match="in use"):
            second.start()
        second.stop()


def test_starting_is_quick() -> None:
    begun = time.perf_counter()
    thread = ExchangeThread()
    thread.start()
    taken = time.perf_counter() - begun
    thread.stop()
    assert taken < 0.08


@pytest.mark.realtime
def test_standalone_prints_its_address_and_ends_cleanly() -> None:
    command = [sys.executable, "-m", "kraken_tui.exchange", "--port", "0", "--seed", "4"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ws://127.0.0.1:")
        assert "/0/public/" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=5)
        assert (process.returncode, out, err) == (0, "", "")
