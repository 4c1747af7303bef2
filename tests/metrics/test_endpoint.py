"""The endpoint: what it answers, to whom, and what it costs everybody else. F76 and F77."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("prometheus_client", reason="needs kraken-tui[metrics]")

from kraken_tui import ConfigurationError, KrakenClient
from kraken_tui.cli import main as cli
from kraken_tui.metrics import Endpoint, Family, endpoint, server, start
from kraken_tui.metrics.figures import GAUGE
from kraken_tui.settings.address import listen_address
from tests.client.client_rig import INSTRUMENTS, book_frame, trade_frame
from tests.faults.ledger import Ledger
from tests.metrics.rig import PROMTOOL, Views, ask, scrape


@pytest.fixture
def source() -> Views:
    return Views("BTC/USD", "ETH/USD")


@pytest.fixture
def served(source: Views) -> Iterator[Endpoint]:
    found = start(source, "127.0.0.1:0")
    yield found
    found.close()


def taken() -> tuple[socket.socket, int]:
    listening = socket.create_server(("127.0.0.1", 0))
    return listening, listening.getsockname()[1]


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name == "kraken-tui-metrics"]


def test_it_says_where_it_is_and_ends_when_it_is_told_to(source: Views) -> None:
    found = start(source, "127.0.0.1:0")
    assert found.url.startswith("http://127.0.0.1:")
    assert source.notes == [("info", f"metrics at {found.url}")]
    assert scrape(found.url)["kraken_tui_pairs"][()] == 3
    found.close()
    found.close()
    assert threads() == []
    with pytest.raises(OSError, match="refused"):
        ask(found.url)


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("GET /metrics HTTP/1.1\r\n\r\n", 200),
        ("GET /metrics?name=x HTTP/1.0\r\n\r\n", 200),
        ("GET / HTTP/1.1\r\n\r\n", 404),
        ("GET /metrics/ HTTP/1.1\r\n\r\n", 404),
        ("POST /metrics HTTP/1.1\r\n\r\n", 405),
        ("GET /metrics SPDY/1\r\n\r\n", 400),
        ("nonsense\r\n\r\n", 400),
        ("\r\n\r\n", 400),
        (f"GET /metrics HTTP/1.1\r\nX: {'x' * 9000}", 431),
    ],
)
def test_get_of_one_path_and_nothing_else(served: Endpoint, request_text: str, status: int) -> None:
    found, headers, body = ask(served.url, request_text)
    assert found == status
    assert headers["connection"] == "close"
    assert int(headers["content-length"]) == len(body) > 0


def test_head_has_no_body_and_openmetrics_is_spoken_to_who_asks(served: Endpoint) -> None:
    status, headers, body = ask(served.url, "HEAD /metrics HTTP/1.1\r\n\r\n")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 1000
    accept = "Accept: application/openmetrics-text;version=1.0.0\r\n"
    _, headers, body = ask(served.url, f"GET /metrics HTTP/1.1\r\n{accept}\r\n")
    assert headers["content-type"].startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_a_request_may_come_in_pieces(served: Endpoint) -> None:
    host, port = listen_address(served.url.removeprefix("http://").removesuffix("/metrics"))
    with socket.create_connection((host, port), timeout=5) as connection:
        for piece in (b"GET /met", b"rics HTTP/1.1\r\n", b"Host: x\r\n\r", b"\n"):
            connection.sendall(piece)
            time.sleep(0.02)
        assert connection.recv(15) == b"HTTP/1.1 200 OK"


def test_further_figures_of_an_output_are_served_too(source: Views) -> None:
    more = Family("kafka_queue_messages", GAUGE, "Messages that wait", [({}, 7.0)])
    found = start(source, "127.0.0.1:0", [lambda: [more]])
    try:
        assert scrape(found.url)["kraken_tui_kafka_queue_messages"] == {(): 7.0}
    finally:
        found.close()


def test_a_defect_is_a_500_told_once_and_it_goes_on(source: Views, served: Endpoint) -> None:
    source.broken = True
    assert [ask(served.url)[0] for _ in range(3)] == [500] * 3
    assert source.notes[1:] == [("error", "metrics failed: ZeroDivisionError: a defect")]
    source.broken = False
    assert ask(served.url)[0] == 200


def test_many_scrapers_share_an_answer(source: Views, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(endpoint, "figures", lambda _: asked.append(1) or [])
    now = [100.0]
    found = start(source, "127.0.0.1:0", clock=lambda: now[0])
    try:
        for at in (100.0, 100.1, 100.2, 100.3):
            now[0] = at
            ask(found.url)
        assert len(asked) == 2
    finally:
        found.close()


@pytest.mark.realtime
def test_f77_200_slow_scrapers_cost_nobody_anything(served: Endpoint, ledger: Ledger) -> None:
    address = listen_address(served.url.removeprefix("http://").removesuffix("/metrics"))
    before = threading.active_count()
    slow = [socket.create_connection(address, timeout=5) for _ in range(200)]
    try:
        for number, each in enumerate(slow):
            if number % 2:
                # Half of them say something, and then nothing more.
                with contextlib.suppress(OSError):
                    each.sendall(b"GET /metrics HTTP/1.1\r\n")
        began = time.monotonic()
        assert scrape(served.url)
        took = time.monotonic() - began
        assert took < 2
        assert threading.active_count() == before
        held = served._server
        assert held is not None
        assert len(held._connections) <= server.MOST
    finally:
        for each in slow:
            each.close()
    seen = f"0 threads more, a scrape among them in {took * 1000:.0f} ms"
    ledger("no thread and no wait for anybody else", seen, "32 connections, a scrape within 2 s")


@pytest.mark.realtime
def test_who_says_nothing_or_does_not_read_is_dropped_in_time(source: Views, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "REQUEST_S", 0.2)
    monkeypatch.setattr(server, "ANSWER_S", 0.2)
    monkeypatch.setattr(endpoint, "figures", lambda _: [Family("x", GAUGE, "y" * 8_000_000, [({}, 1)])])
    found = start(source, "127.0.0.1:0")
    try:
        address = listen_address(found.url.removeprefix("http://").removesuffix("/metrics"))
        with socket.create_connection(address, timeout=5) as silent:
            assert silent.recv(1) == b""
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(address)
            deaf.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            held = found._server
            assert held is not None
            end = time.monotonic() + 5
            while not held._connections and time.monotonic() < end:
                time.sleep(0.01)
            while held._connections and time.monotonic() < end:
                time.sleep(0.02)
            assert not held._connections
    finally:
        found.close()


@pytest.mark.realtime
def test_f76_a_taken_port_is_one_sentence_and_everything_else_goes_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], ledger: Ledger
) -> None:
    listening, port = taken()
    with listening:
        path = tmp_path / "day.jsonl"
        frames = [INSTRUMENTS, book_frame(1, kind="snapshot"), book_frame(2), trade_frame(1)]
        path.write_text("".join(json.dumps(frame) + "\n" for frame in frames))
        code = cli.main(["stream", "--replay", str(path), "--metrics-addr", f"127.0.0.1:{port}"])
        out, said = capfd.readouterr()
        assert code == 0
        assert said == (
            f"kraken-tui: no metrics at 127.0.0.1:{port}: address already in use; everything else goes on\n"
        )
        lines = [json.loads(line) for line in out.splitlines()]
        assert [line["event"] for line in lines if line["event"] in ("book", "trade")] == ["book", "book", "trade"]
        with KrakenClient("BTC/USD", demo=True, metrics_addr=f"127.0.0.1:{port}") as client:
            client.wait_verified_sync("BTC/USD", timeout=10)
            assert client.metrics_url == ""
            assert any("address already in use" in line.text for line in client.log)
    ledger(
        "one sentence, everything else goes on", "said once; stream and library have every message", "0 messages lost"
    )


def test_without_the_package_it_is_one_sentence_with_the_way_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], source: Views
) -> None:
    monkeypatch.setattr(endpoint, "find_spec", lambda _: None)
    sentence = "metrics need the package prometheus-client; install it with: pip install 'kraken-tui[metrics]'"
    with pytest.raises(ConfigurationError, match="pip install"):
        start(source, "127.0.0.1:0")
    with pytest.raises(ConfigurationError, match="pip install"):
        KrakenClient("BTC/USD", demo=True, metrics_addr="127.0.0.1:0")
    assert cli.main(["stream", "--demo", "--seconds", "1", "--metrics-addr", "127.0.0.1:0"]) == 2
    assert capfd.readouterr().err == f"kraken-tui: {sentence}\n"
    assert threads() == []


@pytest.mark.parametrize(
    "text", [":9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:9464", "a.example:9464",
             "x", "1:2:3", "127.0.0.1:٣", "[127.0.0.1]:80", "127.0.0.1:\x1b[2J"],
)  # fmt: skip
def test_what_is_no_address_is_one_sentence(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigurationError, match=r"^'[^\x1b]*' is not an address to listen on; write it as 127"):
        listen_address(text)
    assert cli.main(["stream", "--metrics-addr", text]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_address_that_others_reach_is_said(source: Views) -> None:
    found = start(source, "0.0.0.0:0")
    found.close()
    assert [level for level, _ in source.notes] == ["info", "warning"]


@pytest.mark.realtime
def test_a_scrape_while_running_is_clean_and_a_hung_engine_shows() -> None:
    with KrakenClient("BTC/USD", "ETH/USD", demo=True, metrics_addr="127.0.0.1:0") as client:
        client.wait_verified_sync("BTC/USD", timeout=10)
        time.sleep(1)
        first = scrape(client.metrics_url)
        if PROMTOOL is not None:
            _, _, body = ask(client.metrics_url)
            done = subprocess.run(
                [PROMTOOL, "check", "metrics"], input=body, capture_output=True, check=False, timeout=30
            )
            assert (done.returncode, done.stdout + done.stderr) == (0, b"")
        time.sleep(1)
        second = scrape(client.metrics_url)
        btc = (("symbol", "BTC/USD"),)
        name = "kraken_tui_book_checksums_total"
        assert second[name][btc] > first[name][btc] > 0
        assert second["kraken_tui_book_verified"][btc] == second["kraken_tui_connected"][()] == 1
        assert second["process_resident_memory_bytes"][()] > 1_000_000
        # The engine's thread hangs; the endpoint is a thread of its own.
        client._run.engine.tell(lambda _: time.sleep(4))
        time.sleep(2.7)
        hung = scrape(client.metrics_url)
        assert hung["kraken_tui_engine_silence_seconds"][()] > 2
        assert hung["kraken_tui_book_age_seconds"][btc] > 2
        assert hung["kraken_tui_book_verified"][btc] == hung["kraken_tui_pairs_verified"][()] == 0
        assert btc not in hung["kraken_tui_best_bid_price"]
    assert threads() == []


@pytest.mark.realtime
@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")
def test_the_screen_serves_metrics_and_says_when_it_cannot(tmp_path: Path) -> None:
    pexpect = pytest.importorskip("pexpect")
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    command = ["-m", "kraken_tui", "--demo", "--no-demo-episodes", "--metrics-addr", str(port), "BTC/USD"]
    environment = {**os.environ, "TERM": "xterm-256color"}

    def screen() -> Any:
        return pexpect.spawn(sys.executable, command, dimensions=(36, 120), env=environment, timeout=20)

    first = screen()
    try:
        first.expect("VERIFIED")
        told = scrape(f"http://127.0.0.1:{port}/metrics")
        assert told["kraken_tui_mode"][(("state", "DEMO"),)] == 1
        assert told["kraken_tui_history_size_bytes"][(("symbol", "BTC/USD"),)] > 0
        second = screen()
        second.expect("no metrics at")
        second.expect("VERIFIED")
        second.send("q")
        second.expect(pexpect.EOF)
        second.close()
        assert second.exitstatus == 0
    finally:
        first.send("q")
        first.expect(pexpect.EOF)
        first.close()
