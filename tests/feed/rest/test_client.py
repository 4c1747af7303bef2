"""Addresses, and history over REST from a small server of our own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kraken_tui.errors import ConfigurationError
from kraken_tui.feed.rest.client import RestClient
from kraken_tui.settings.address import check_url


@pytest.mark.parametrize(
    "url",
    ["wss://ws.kraken.com/v2", "wss://beta-ws.kraken.com:443/v2", "ws://127.0.0.1:8080/v2", "ws://[::1]:9/v2",
     "ws://localhost:1234/v2", "wss://192.168.1.4/v2", "wss://localhost.evil.example/v2"],
)  # fmt: skip
def test_good_addresses_pass(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    ["ws://ws.kraken.com/v2", "ws://localhost.evil.example/v2", "ws://127.0.0.1.evil.example/", "ws://localhost./v2",
     "ws://2130706433/v2", "ws://0x7f000001/v2", "ws://127.1/v2", "wss://2130706433/v2", "ws://0177.0.0.1/v2",
     "ws://127.0.0.1@evil.example/v2", "wss://user:secret@ws.kraken.com/v2", "ws://evil.example#@127.0.0.1/",
     "ws://127.0.0.1\\@evil.example/", "ws://127.0.0.2/v2", "http://ws.kraken.com", "https://ws.kraken.com/v2",
     "ws.kraken.com/v2", "wss://", "wss:///v2", "", "wss://ws.kraken.com:0/v2", "wss://ws.kraken.com:99999/",
     "wss://ws.kraken.com/v2\n", "wss://ws kraken.com/", "wss://[::1/v2", "ws://[::ffff:127.0.0.1]/v2"],
)  # fmt: skip
def test_x2_tricks_are_refused_in_one_sentence_without_secrets(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_url(url)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


class Handler(BaseHTTPRequestHandler):
    answer: Any = None
    status = 200
    headers_out: dict[str, str] = {}  # noqa: RUF012
    requests: list[tuple[str, str]] = []  # noqa: RUF012

    def do_GET(self) -> None:
        type(self).requests.append((self.path, self.headers["User-Agent"]))
        body = self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()
        self.send_response(self.status)
        for name, value in self.headers_out.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            return

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def server() -> Iterator[tuple[str, type[Handler]]]:
    handler = type("Fresh", (Handler,), {"requests": []})
    running = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    running.daemon_threads = True
    thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_address[1]}", handler
    running.shutdown()
    running.server_close()
    thread.join(2)


ROWS = [[1763000000, "100.1", "101.0", "99.0", "100.5", "100.2", "12.5", 42]]


async def test_rows_come_from_the_one_key_that_is_not_last(server: tuple[str, type[Handler]]) -> None:
    url, handler = server
    handler.answer = {"error": [], "result": {"last": 1762999940, "XXBTZUSD": ROWS}}
    answer = await RestClient(url).ohlc("BTC/USD", 5)
    assert answer.rows == ROWS
    assert answer.reason == ""
    path, agent = handler.requests[0]
    assert urlsplit(path).path == "/0/public/OHLC"
    assert parse_qs(urlsplit(path).query) == {"pair": ["BTC/USD"], "interval": ["5"]}
    assert agent.startswith("kraken-tui/")


async def test_trades_keep_their_digits(server: tuple[str, type[Handler]]) -> None:
    url, handler = server
    handler.answer = b'{"error":[],"result":{"X":[["1.10","2.0",1763000000.1234567,"b","m","",7]],"last":"1"}}'
    answer = await RestClient(url).trades("BTC/USD", since_ns=5, count=10)
    assert answer.rows == [["1.10", "2.0", "1763000000.1234567", "b", "m", "", 7]]
    assert parse_qs(urlsplit(handler.requests[0][0]).query)["since"] == ["5"]


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, {"error": ["EQuery:Unknown asset pair"], "result": None}, "EQuery:Unknown asset pair"),
        (200, b"<html>", "not Kraken's JSON"),
        (200, {"error": [], "result": {"a": [], "b": []}}, "no rows"),
        (200, {"error": [], "result": {"a": [1]}}, "no rows"),
        (200, {"error": [], "result": []}, "no rows"),
        (200, [], "not Kraken's JSON"),
        (429, b"<html>1015</html>", "HTTP 429"),
        (302, b"", "HTTP 302"),
        (200, b" " * (9 << 20), "over 8 MiB"),
    ],
)
async def test_failures_are_soft_and_say_why(
    server: tuple[str, type[Handler]], status: int, body: Any, reason: str
) -> None:
    url, handler = server
    handler.status, handler.answer = status, body
    handler.headers_out = {"Location": f"{url}/elsewhere"} if status == 302 else {}
    answer = await RestClient(url).ohlc("BTC/USD", 1)
    assert answer.rows is None
    assert reason in answer.reason
    assert len(handler.requests) == 1


async def test_nobody_there_is_soft_too() -> None:
    answer = await RestClient("http://127.0.0.1:9").ohlc("BTC/USD", 1)
    assert answer.rows is None
    assert "refused" in answer.reason


@pytest.mark.realtime
async def test_a_mute_server_costs_no_more_than_the_limit(server: tuple[str, type[Handler]]) -> None:
    import socket

    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        client = RestClient(f"http://127.0.0.1:{mute.getsockname()[1]}", timeout_s=0.2)
        answer = await client.ohlc("BTC/USD", 1)
    assert answer.rows is None
    assert answer.reason == "no answer in time"


@pytest.mark.realtime
async def test_calls_keep_their_distance(server: tuple[str, type[Handler]]) -> None:
    url, handler = server
    handler.answer = {"error": [], "result": {"X": ROWS}}
    client = RestClient(url, gap_s=0.1)
    started = time.monotonic()
    for _ in range(3):
        await client.ohlc("BTC/USD", 1)
    assert 0.2 <= time.monotonic() - started < 2
