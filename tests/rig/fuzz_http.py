"""Fuzz target Z8: what a server, a proxy or the REST service may answer over HTTP.

A server on loopback says whatever the fuzzer made up, in pieces of any size; the real client reads it. Half of the
answers are well formed and absurd, half are broken bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import re
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from hashlib import sha1
from random import Random
from typing import Any

from kraken_tui.engine.loop import forgive_lost_connections
from kraken_tui.errors import WireError
from kraken_tui.feed.clock import SystemClock
from kraken_tui.feed.connection.failures import explain
from kraken_tui.feed.connection.sockets import close_socket, open_socket
from kraken_tui.feed.connection.table import State
from kraken_tui.feed.connection.websocket import run
from kraken_tui.feed.events import FeedEvent, StateChanged
from kraken_tui.feed.rest.client import RestAnswer, RestClient
from kraken_tui.feed.session import Session
from kraken_tui.market.convert import candles_from_rest, trades_from_rest
from kraken_tui.market.pair import PairMarket
from kraken_tui.settings import Settings
from kraken_tui.wire.symbols import PairSpec
from tests.security.corpus import unsafe_characters

_BODY = "BODYCANARY"
"""Stands in every body: nothing of a refusal's page may be shown."""
_ACCEPT = b"@ACCEPT@"
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_LIMIT_S = 5.0
_BEHIND = "ws://exchange.example/v2"

_STATUS = (
    "101 Switching Protocols", "101 Switching Protocols", "101 Switching Protocols", "200 OK", "204 No Content",
    "301 Moved", "302 Found", "400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found",
    "407 Proxy Authentication Required", "418 \x1b[2Jteapot", "426 Upgrade Required", "429 Too Many Requests",
    "429 Too Many Requests", "500 Oops", "502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout",
    "520 Origin", "599 ?", "600 ?", "99 ?", "-1 ?", "1e3 ?", "000 ?", "1000000 ?", "", "200",
)  # fmt: skip
_VERSIONS = ("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2", "HTTP/9.9", "ICY", "")
_RETRY_AFTER = (
    "0", "1", "1200", "999999999", "9999999999", "-5", "1e9", "nan", "inf", "", " ", "soon", "१२", "1.5", "0x10",
    "Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 +2359",
    "21 Oct 2026 07:28:00 +99999999999999999999", "21 Oct 99999 07:28:00 GMT", "31 Feb 2026 00:00:00 GMT",
    "21 Oct 2026 25:61:61 -0000", "Oct", "1 Jan 1 0:0", "21 Oct 2026 07:28:00 +2400", ",", "\x1b[2J",
)  # fmt: skip
_HEADERS = (
    "Location: http://evil.example/", "Location: \x1b]0;x\x07", "Content-Type: text/html", "Content-Length: 5",
    "Content-Length: -1", "Content-Length: 99999999999999999999", "Content-Length: x", "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip, chunked", "Content-Encoding: gzip", "Connection: close", "Set-Cookie: a=\x01",
    "Sec-WebSocket-Extensions: permessage-deflate", "Sec-WebSocket-Protocol: x", "Upgrade: h2c", "Server: cloudflare",
    "X: " + "a" * 9000, "Ünicode: é", "no colon", ": empty", " folded: x", "Sec-WebSocket-Accept: wrong",
)  # fmt: skip
_TOKENS = (
    b"\r\n", b"\r\n\r\n", b"\n", b"\r", b":", b" ", b"\0", b"\xff", b"HTTP/1.1 ", b"HTTP/1.1 429 x\r\n",
    b"Retry-After: 5\r\n", b"Content-Length: 0\r\n", b"Content-Length: 1\r\n", b"0\r\n\r\n", b"ffffffffffffffff\r\n",
    b"\x88\x02\x03\xe8", b"\x81\x00", b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", b"\x89\x00", "１".encode(), b"1015",
)  # fmt: skip
_FRAMES = (
    b"", b"\x81\x02{}", b"\x82\x01\x00", b"\x88\x02\x03\xe9", b"\x88\x02\x03\xf5", b"\x88\x00", b"\x88\x01\x00",
    b"\x88\x05\x03\xe8\x1b[2", b"\x88\x04\x03\xe8\xff\xff", b"\x89\x7e\x00\x80", b"\x81\x03\xff\xfe\xfd",
    b"\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", b"\xf1\x00", b"\x81\x80\x00\x00\x00\x00", b"\x01\x01a\x81\x01b",
)  # fmt: skip


def z8_http(rng: Random, _: list[bytes]) -> None:
    """Any HTTP answer of exchange, proxy or REST gives a short clean reason, and a wait that is told; nothing else."""
    play = rng.choice((_handshake, _handshake, _proxy, _rest))
    with asyncio.Runner() as runner:
        runner.run(play(rng))


# -- what is answered ---------------------------------------------------------------------------------------------


def _answer(rng: Random, body: bytes) -> bytes:
    """An answer with any status and headers, perhaps damaged."""
    status = rng.choice(_STATUS)
    lines = [f"{rng.choice(_VERSIONS)} {status}"]
    if status.startswith("101") and rng.random() < 0.8:
        lines += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: @ACCEPT@"]
    lines += [f"Retry-After: {rng.choice(_RETRY_AFTER)}" for _ in range(rng.choice((0, 0, 1, 1, 2)))]
    lines += [rng.choice(_HEADERS) for _ in range(rng.choice((0, 0, 1, 3, 130)))]
    if rng.random() < 0.5:
        lines.append(f"Content-Length: {len(body)}")
    data = "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n"
    data += b"".join(rng.choice(_FRAMES) for _ in range(rng.randrange(4))) if status.startswith("101") else body
    return data if rng.random() < 0.5 else _damaged(data, rng)


def _damaged(data: bytes, rng: Random) -> bytes:
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(data) + 1)
        to = min(len(data), at + rng.choice((0, 1, 4, 30)))
        data = data[:at] + rng.choice((b"", rng.choice(_TOKENS), rng.randbytes(3))) + data[to:]
    return data


def _page(rng: Random) -> bytes:
    page = f"<html>{_BODY}{rng.choice(('', 'error code: 1015', chr(27) + '[2J'))}</html>".encode()
    return page * rng.choice((0, 1, 1, 3000))


_ROWS: tuple[Any, ...] = (
    [1763000040, "100.1", "101.0", "99.0", "100.5", "100.2", "12.5", 42],
    ["1.10", "2.0", 1763000000.1234567, "b", "m", "", 7],
    [0, "0", "0", "0", "0", "0", "0", 0], [], [None] * 8, [10**30] * 8, ["9" * 400] * 8, [[[]]] * 7, [True] * 8,
    [60 * 10**15, "1", "1", "1", "1", "1", "1", 1], ["1", "1", 10**18, "s", "\x1b[2J", "", 7], "row", 5, None,
    ["1", "1", "1e400", "s", "l", "", 7], [-60, "1", "1", "1", "1", "1", "1", 1],
)  # fmt: skip


def _envelope(rng: Random) -> bytes:
    """The body of a REST answer: right in form, with anything in it, or no JSON at all."""
    if rng.random() < 0.1:
        return rng.choice((b"", b"null", b"[" * 100_000, b'"\xff"', b"{", _page(rng), b'{"error":7}', b"{}"))
    rows = [rng.choice(_ROWS) for _ in range(rng.randrange(5))]
    result = rng.choice(({"XXBTZUSD": rows, "last": 1}, {"A": rows}, {"A": rows, "B": rows}, rows, None, {}, {"A": 5}))
    errors = rng.choice(([], [], [], ["EQuery:Unknown asset pair"], ["\x1b]0;x\x07\u202e"], [None], [{"a": 1}]))
    return json.dumps({"error": errors, "result": result}).encode()


# -- who hears it -------------------------------------------------------------------------------------------------


async def _served(answer: bytes, rng: Random, client: Callable[[int], Awaitable[None]]) -> list[dict[str, Any]]:
    """Answer every connection so and close it; returns what the event loop complained of."""
    complaints: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.default_exception_handler = complaints.append  # type: ignore[method-assign]
    loop.set_exception_handler(forgive_lost_connections)
    cuts = sorted(rng.randrange(len(answer) + 1) for _ in range(rng.choice((0, 0, 1, 3))))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            key = re.search(rb"Sec-WebSocket-Key: *(\S+)", request)
            accept = b64encode(sha1((key[1] if key else b"") + _MAGIC).digest())
            for start, end in zip([0, *cuts], [*cuts, len(answer)], strict=True):
                writer.write(answer[start:end].replace(_ACCEPT, accept))
                await writer.drain()
                await asyncio.sleep(0)
        with contextlib.suppress(OSError):
            writer.close()
            await writer.wait_closed()

    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        began = time.monotonic()
        await asyncio.wait_for(client(server.sockets[0].getsockname()[1]), _LIMIT_S)
        assert time.monotonic() - began < _LIMIT_S / 2, "slow"
    for writer in writers:
        writer.transport.abort()
    await asyncio.sleep(0)
    return complaints


def _check_reason(reason: str) -> None:
    assert 0 < len(reason) <= 300, f"a reason of {len(reason)} characters"
    assert not unsafe_characters(reason), f"a reason that is not clean: {reason!r}"
    assert _BODY not in reason, "a page is shown"


async def _handshake(rng: Random) -> None:
    """The exchange answers: the feed ends in DISCONNECTED or COOLDOWN with a reason and a wait, and goes on."""
    changes: list[StateChanged] = []
    stop, heard = asyncio.Event(), asyncio.Event()
    session = Session(rng=Random(1))

    def note(events: list[FeedEvent]) -> None:
        changes.extend(event for event in events if isinstance(event, StateChanged))
        if any(change.state in (State.DISCONNECTED.value, State.COOLDOWN.value) for change in changes):
            stop.set()
            heard.set()

    async def client(port: int) -> None:
        await run(session, f"ws://127.0.0.1:{port}/v2", SystemClock(), note, stop)

    complaints = await _served(_answer(rng, _page(rng)), rng, client)
    assert heard.is_set(), "the end of the connection was not told"
    ended = next(change for change in changes if change.state in (State.DISCONNECTED.value, State.COOLDOWN.value))
    _check_reason(ended.cause)
    wait = ended.retry_in_s
    assert wait is not None, "no wait is told"
    assert 0 <= wait <= 3600, f"a wait of {wait} s"
    assert complaints == [], f"{complaints}"


async def _proxy(rng: Random) -> None:
    """A proxy answers the CONNECT: what is raised has an explanation that names the proxy."""

    raised: list[Exception] = []

    async def client(port: int) -> None:
        try:
            socket = await open_socket(_BEHIND, f"http://user:{_BODY}@127.0.0.1:{port}", 2.0)
        except Exception as error:
            raised.append(error)
        else:
            await close_socket(socket)

    data = _answer(rng, _page(rng))
    if rng.random() < 0.3:
        # The tunnel stands, and behind it stands the other server.
        data = b"HTTP/1.1 200 OK\r\n\r\n" + data
    complaints = await _served(data, rng, client)
    assert complaints == [], f"{complaints}"
    for error in raised:
        failure = explain(error, _BEHIND, proxy="http://127.0.0.1:1")
        assert failure is not None, f"not explained: {error!r}"
        _check_reason(failure.cause)
        wait = failure.retry_after_s
        assert wait is None or (math.isfinite(wait) and wait >= 0), f"a wait of {wait} s"


async def _rest(rng: Random) -> None:
    """The REST service answers: rows or a reason; rows give candles and trades or the declared error."""
    body = _envelope(rng)
    data = _answer(rng, body) if rng.random() < 0.5 else b"HTTP/1.1 200 OK\r\n\r\n" + body
    answers: list[RestAnswer] = []

    async def client(port: int) -> None:
        rest = RestClient(f"http://127.0.0.1:{port}", timeout_s=2.0, gap_s=0.0)
        answers.append(await (rest.ohlc("BTC/USD", 1) if rng.random() < 0.5 else rest.trades("BTC/USD")))

    complaints = await _served(data, rng, client)
    assert complaints == [], f"{complaints}"
    [answer] = answers
    if answer.rows is None:
        _check_reason(answer.reason)
        assert not answer.reason.startswith("unexpected"), answer.reason
        return
    assert answer.reason == ""
    spec = PairSpec("BTC/USD", "BTC", "USD", 1, 8)
    market = PairMarket("BTC/USD", Settings(pairs=("BTC/USD",)))
    market.set_spec(spec)
    with contextlib.suppress(WireError):
        market.seed_candles(1, candles_from_rest(answer.rows, 1, spec), as_of_ns=1763000000 * 10**9)
    with contextlib.suppress(WireError):
        market.seed_trades(trades_from_rest(answer.rows, spec))
