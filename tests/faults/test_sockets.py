"""Faults that only real sockets on loopback can show: F09, F15 to F18, F20, F42, F43, F48, F117, F118."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import ssl
import subprocess
import sys
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from kraken_tui.exchange import Exchange
from kraken_tui.feed.connection.table import State
from kraken_tui.feed.limits import Limits
from kraken_tui.market.events import Proof
from tests.faults.ledger import Ledger
from tests.rig.raw import Client, slicer, tcp
from tests.rig.scripted import ScriptedVenue as Venue

pytestmark = pytest.mark.realtime

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def server(handler: Any, **options: Any) -> AsyncIterator[str]:
    async with serve(handler, "127.0.0.1", 0, close_timeout=0.2, **options) as running:
        yield f"ws://127.0.0.1:{running.sockets[0].getsockname()[1]}/v2"


async def answer(socket: ServerConnection) -> None:
    """A small exchange: answers what it is asked."""
    venue = Venue()
    venue.wall = time.time_ns()
    await socket.send(venue.welcome())
    async for text in socket:
        for frame in venue.answer(str(text)):
            await socket.send(frame)


async def test_f09_a_reset_in_mid_frame_applies_nothing(ledger: Ledger) -> None:
    cut_at = 0.0

    async def cut(socket: ServerConnection) -> None:
        nonlocal cut_at
        venue = Venue()
        venue.wall = time.time_ns()
        await socket.send(venue.welcome())
        async for text in socket:
            for frame in venue.answer(str(text)):
                await socket.send(frame)
            if "BTC/USD" in venue.books and not cut_at:
                body = venue.book_update("BTC/USD").encode()
                await asyncio.sleep(0.05)
                # A text frame that promises more than comes.
                socket.transport.write(b"\x81\x7e" + len(body).to_bytes(2, "big") + body[:-20])
                await asyncio.sleep(0.02)
                cut_at = time.monotonic()
                socket.transport.abort()
                return

    async with server(cut) as url:
        client = Client(url, "BTC/USD")
        failure = await client.failure()
        took = time.monotonic() - cut_at
        stitcher = client.session.stitchers["BTC/USD"]
        assert stitcher.counters.applied == 1, "the snapshot alone"
        assert stitcher.proof is not Proof.VERIFIED
        assert took <= 0.25
        await client.end()
    ledger("DISCONNECTED, no partial frame applied", f"seen after {took * 1000:.0f} ms: {failure.cause}", "250 ms")


COST = """
import asyncio, json, random, sys, time
from kraken_tui.feed.clock import SystemClock
from kraken_tui.feed.session import Session
from kraken_tui.feed.connection.websocket import run
import websockets.asyncio.client

async def main(url):
    session, stop, marks = Session(depth=10, rng=random.Random(1)), asyncio.Event(), []
    session.want("MINA/GBP")
    def take(events):
        if not marks and session.counters.checks_ok >= 10:
            marks.append((time.process_time(), time.monotonic()))
        if session.counters.checks_ok >= 310:
            stop.set()
    await asyncio.wait_for(run(session, url, SystemClock(), take, stop), 20)
    cpu, wall = marks[0]
    spent = {"cpu": time.process_time() - cpu, "wall": time.monotonic() - wall}
    print(json.dumps({**spent, "failed": session.counters.checks_failed}))

asyncio.run(main(sys.argv[1]))
"""


async def verified_cost(url: str) -> dict[str, float]:
    """Seconds of processor and wall time that a client in its own process takes for 300 verified books."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", COST, url, stdout=asyncio.subprocess.PIPE, cwd=ROOT, env={**os.environ}
    )
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    found: dict[str, float] = json.loads(out)
    return found


async def test_f15_slices_of_a_few_bytes_change_nothing(ledger: Ledger) -> None:
    async with Exchange(seed=3, pairs=["MINA/GBP"], rate=400.0) as exchange, slicer(exchange.ws_url) as url:
        client = Client(url, "MINA/GBP")
        took = await client.until(lambda: client.session.counters.checks_ok >= 60, 10)
        assert client.session.counters.checks_failed == 0
        assert client.session.counters.invalid == 0
        assert client.session.stitchers["MINA/GBP"].proof is Proof.VERIFIED
        await client.end()
        whole, sliced = await verified_cost(exchange.ws_url), await verified_cost(url)
    assert whole["failed"] == sliced["failed"] == 0
    ratio = sliced["cpu"] / whole["cpu"]
    # Noise alone can double so small a figure; test_push_connection.py shows that tiny reads gather.
    share = sliced["cpu"] / sliced["wall"]
    assert share <= 0.6
    ledger("SUBSCRIBED, equality", f"60 books verified in {took:.1f} s, 0 failed", "equality")
    told = f"{ratio:.1f} times that of whole frames: {sliced['cpu'] / 300 * 1e6:.0f} us a book, {share:.0%} of a core"
    ledger("processor time at most doubled", told if ratio <= 2 else f"NOT KEPT: {told}", "2 times")


async def test_f16_a_redirect_is_refused_and_nothing_is_sent_there(ledger: Ledger) -> None:
    heard = 0

    async def second(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += len(await reader.read(100))

    async with tcp(second) as other:
        for scheme in ("ws", "wss", "http"):

            async def redirect(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, scheme: str = scheme
            ) -> None:
                await reader.readuntil(b"\r\n\r\n")
                target = f"{scheme}://127.0.0.1:{other}/v2"
                writer.write(f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()

            async with tcp(redirect) as port:
                client = Client(f"ws://127.0.0.1:{port}/v2")
                failure = await client.failure()
                assert "redirect refused" in failure.cause
                assert (failure.retry_in_s or 0) >= 60
                await client.end()
    assert heard == 0
    ledger("DISCONNECTED, redirect refused", f"{heard} bytes reached the second server", "0 bytes")


def openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def certificate(
    folder: Path, name: str, host: str, *, ca: Path | None = None, bits: int = 2048, purpose: str = ""
) -> Path:
    """A key and certificate in one file, signed by itself or by a throw-away authority.

    Args:
        folder, name: Where.
        host: Its subject.
        ca: Signer.
        bits: Of its key.
        purpose: What it may be used for; "" for anything.
    """
    key, made, path = folder / f"{name}.key", folder / f"{name}.crt", folder / f"{name}.pem"
    names = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
    names += ["-addext", f"extendedKeyUsage={purpose}"] if purpose else []
    signer = [] if ca is None else ["-CA", str(ca), "-CAkey", str(ca)]
    openssl(
        *("req", "-x509", "-newkey", f"rsa:{bits}", "-nodes", "-days", "2", *names),
        *("-keyout", str(key), "-out", str(made), *signer),
    )
    path.write_bytes(key.read_bytes() + made.read_bytes())
    return path


def expired(folder: Path, host: str, signer: Path) -> Path:
    """A key and a certificate of yesterday in one file."""
    key, asked, made, names = (folder / f"expired.{end}" for end in ("key", "csr", "crt", "ext"))
    names.write_text(f"subjectAltName=DNS:{host}\n", encoding="ascii")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={host}", "-keyout", str(key), "-out", str(asked))
    openssl(
        *("x509", "-req", "-in", str(asked), "-CA", str(signer), "-CAkey", str(signer), "-set_serial", "1"),
        *("-days", "-1", "-extfile", str(names), "-out", str(made)),
    )
    path = folder / "expired.pem"
    path.write_bytes(key.read_bytes() + made.read_bytes())
    return path


async def test_f17_bad_certificates_end_before_any_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger: Ledger
) -> None:
    try:
        openssl("version")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("openssl is not installed")
    trusted = certificate(tmp_path, "trusted", "localhost")
    wrong = certificate(tmp_path, "wrong", "other.example")
    try:
        old = expired(tmp_path, "localhost", wrong)
    except subprocess.CalledProcessError:
        pytest.skip("this openssl makes no certificate of yesterday")
    weak = certificate(tmp_path, "weak", "localhost", bits=1024)
    clients = certificate(tmp_path, "clients", "localhost", purpose="clientAuth")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "known.pem"))
    known = (trusted, wrong, weak, clients)
    (tmp_path / "known.pem").write_bytes(b"".join(path.read_bytes() for path in known))
    stranger = certificate(tmp_path, "stranger", "localhost")
    causes = []
    bad = [(path, None) for path in (stranger, wrong, old, weak, clients)]
    for path, version in (*bad, (trusted, ssl.TLSVersion.TLSv1_1)):
        heard = 0

        async def listen(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            nonlocal heard
            heard += len(await reader.read(100))

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        context.load_cert_chain(path)
        if version is not None:
            with pytest.warns(DeprecationWarning, match="TLSv1_1"):
                context.maximum_version = version
        async with tcp(listen, ssl=context) as port:
            client = Client(f"wss://localhost:{port}/v2")
            failure = await client.failure()
            if version is None:
                assert (failure.retry_in_s or 0) >= 60
                assert "TLS certificate" in failure.cause
            assert client.session.counters.frames == 0
            causes.append(failure.cause)
            await client.end()
        assert heard == 0
    assert "expired" in causes[2]
    assert "weak" in causes[3]
    assert "purpose" in causes[4]
    seen = f"{len(causes)} of 6 refused, 0 HTTP bytes; {'; '.join(causes[1:5])}; TLS 1.1: {causes[5]}"
    ledger("DISCONNECTED with the reason", seen, "retry >= 60 s")


async def test_f18_a_dead_proxy_is_named(monkeypatch: pytest.MonkeyPatch, ledger: Ledger) -> None:
    async def nothing(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        return

    async with tcp(nothing) as port:
        pass
    for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", f"http://user:secret@127.0.0.1:{port}")
    client = Client("wss://ws.kraken.com/v2")
    failure = await client.failure()
    await client.end()
    assert f"proxy http://127.0.0.1:{port}" in failure.cause
    assert "secret" not in str(client.events)
    ledger("the cause names the proxy", failure.cause.replace(str(port), "PORT"), "10 s")


async def test_f20_pings_do_not_keep_a_silent_feed_alive(ledger: Ledger) -> None:
    pings = 0

    async def flood(socket: ServerConnection) -> None:
        nonlocal pings
        worker = asyncio.create_task(answer(socket))
        try:
            while not worker.done():
                for _ in range(50):
                    socket.protocol.send_ping(b"x%d" % pings)
                    pings += 1
                for data in socket.protocol.data_to_send():
                    socket.transport.write(data)
                await asyncio.sleep(0.001)
        finally:
            worker.cancel()

    async with server(flood) as url:
        client = Client(url, "BTC/USD", limits=Limits(feed_deadline_s=0.8, feed_late_s=0.4))
        began = time.monotonic()
        worst = 0.0
        while client.session.state is not State.DISCONNECTED or not client.session.counters.frames:
            before = time.monotonic()
            await asyncio.sleep(0)
            worst = max(worst, time.monotonic() - before)
            assert time.monotonic() - began < 4
            if client.session.counters.frames and client.session.cause.startswith("no frame"):
                break
        took = time.monotonic() - began
        await client.end()
    assert pings > 500
    ledger(
        "deadline not extended",
        f"{pings / took:,.0f} pings/s; given up after {took:.1f} s (limit 0.8 s); loop held {worst * 1000:.0f} ms",
        "deadline kept",
    )


MEASURE = """
import asyncio, json, random, resource, sys
from kraken_tui.feed.clock import SystemClock
from kraken_tui.feed.session import Session
from kraken_tui.feed.connection.websocket import run
import websockets.asyncio.client

async def main(url):
    session, stop, seen = Session(rng=random.Random(1)), asyncio.Event(), []
    def take(events):
        for event in events:
            if getattr(event, "state", "") in ("DISCONNECTED", "COOLDOWN"):
                seen.append([event.cause, event.retry_in_s])
                stop.set()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await asyncio.wait_for(run(session, url, SystemClock(), take, stop), 20)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"cause": seen[0][0], "retry": seen[0][1], "kib": after - before}))

asyncio.run(main(sys.argv[1]))
"""


async def measured(url: str) -> dict[str, Any]:
    """A client in its own process until its first failure: cause, retry, growth of its memory in KiB, its seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MEASURE, url, stdout=asyncio.subprocess.PIPE, cwd=ROOT, env={**os.environ}
    )
    began = time.monotonic()
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    found: dict[str, Any] = json.loads(out)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return found | {"took": time.monotonic() - began, "busy": busy}


async def test_f42_nine_mebibytes_are_refused(ledger: Ledger) -> None:
    async def huge(socket: ServerConnection) -> None:
        await socket.send(Venue().welcome())
        await socket.send("x" * (9 << 20))
        await socket.wait_closed()

    async with server(huge) as url:
        found = await measured(url)
    assert "too big" in found["cause"]
    assert found["retry"] >= 60
    assert found["kib"] <= 16 * 1024
    ledger(
        "close 1009, message too big",
        f"{found['cause']}; retry {found['retry']:.0f} s; memory +{found['kib'] / 1024:.1f} MiB",
        "+16 MiB, retry >= 60 s",
    )


async def test_f43_a_deflate_bomb_is_not_unpacked(ledger: Ledger) -> None:
    async def bomb(socket: ServerConnection) -> None:
        await socket.send(Venue().welcome())
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        body = b"".join(packer.compress(b"0" * (1 << 20)) for _ in range(64)) + packer.flush()
        # Compressed although compression was never agreed on.
        socket.transport.write(b"\xc1\x7f" + len(body).to_bytes(8, "big") + body)
        await socket.wait_closed()

    async with server(bomb) as url:
        found = await measured(url)
    assert found["kib"] <= 16 * 1024
    seen = f"{found['cause']}; memory +{found['kib'] / 1024:.1f} MiB for 64 MiB packed"
    ledger("compression is not offered, so refused", seen, "+16 MiB")


async def test_f48_endless_fragments_are_refused(ledger: Ledger) -> None:
    async def endless(socket: ServerConnection) -> None:
        await socket.send(Venue().welcome())

        async def parts() -> AsyncIterator[str]:
            for _ in range(64):
                yield "x" * (1 << 20)

        await socket.send(parts())

    began = time.monotonic()
    async with server(endless) as url:
        found = await measured(url)
    took = time.monotonic() - began
    assert took <= 10
    assert found["kib"] <= 24 * 1024
    seen = f"{found['cause']} after {took:.1f} s with start; memory +{found['kib'] / 1024:.1f} MiB"
    ledger("close 1009", seen, "10 s; +16 MiB (the limit is 8 MiB)")


BANNED = b"HTTP/1.1 403 Forbidden\r\nRetry-After: 1200\r\nContent-Type: text/html\r\n"


@pytest.mark.parametrize("length", [b"Content-Length: 100000000\r\n", b"Transfer-Encoding: chunked\r\n", b""])
@pytest.mark.parametrize(("status", "ban"), [(b"403", True), (b"429", True), (b"503", False)])
async def test_f117_a_refusal_whose_page_never_ends(status: bytes, ban: bool, length: bytes, ledger: Ledger) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(BANNED.replace(b"403", status) + length + b"\r\n")
        while True:
            writer.write(b"5\r\n<br/>\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with tcp(refuse) as port:
        client = Client(f"ws://127.0.0.1:{port}/v2")
        began = time.monotonic()
        failure = await client.failure()
        took = time.monotonic() - began
        await client.end()
    assert failure.state == ("COOLDOWN" if ban else "DISCONNECTED")
    assert f"HTTP {status.decode()}" in failure.cause
    assert "<" not in failure.cause
    if ban:
        assert (failure.retry_in_s or 0) == pytest.approx(1200, abs=5)
    ledger(
        "judged by its status line", f"{failure.cause}, {failure.state} after {took:.1f} s", "within the 10 s of a dial"
    )


@pytest.mark.parametrize("start", [b"HTTP/1.1 403 Forbidden\r\n", b"HTTP/1.1 403 Forbidden\r\nX: y\r\n"])
async def test_f117_a_refusal_whose_head_never_ends(start: bytes, ledger: Ledger) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(start)
        while True:
            await asyncio.sleep(0.3)
            writer.write(b"x")
            await writer.drain()

    async with tcp(refuse) as port:
        client = Client(f"ws://127.0.0.1:{port}/v2")
        failure = await client.failure()
        await client.end()
    assert failure.state == "COOLDOWN"
    assert "HTTP 403" in failure.cause
    ledger("judged by its status line", f"{failure.cause}, {failure.state}", "within the 10 s of a dial")


async def test_f117_a_page_that_ends_is_read_to_its_end(ledger: Ledger) -> None:
    page = b"<p>error code: 1015</p>"

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: %d\r\n\r\n" % len(page))
        await asyncio.sleep(0.2)
        writer.write(page)
        await writer.drain()
        await reader.read()

    async with tcp(refuse) as port:
        client = Client(f"ws://127.0.0.1:{port}/v2")
        failure = await client.failure()
        await client.end()
    assert failure.state == "COOLDOWN"
    assert "edge error 1015" in failure.cause
    ledger("what its page says counts", failure.cause, "as F04")


async def test_f117_a_refusal_that_is_cut_off(ledger: Ledger) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(BANNED + b"Content-Length: 1000\r\n\r\n<p>")

    async with tcp(refuse) as port:
        client = Client(f"ws://127.0.0.1:{port}/v2")
        failure = await client.failure()
        await client.end()
    assert failure.state == "COOLDOWN"
    ledger("judged by its status line", f"{failure.cause}, {failure.state}", "at once")


EMPTY_PARTS = b"\x00\x00" * 100_000
"""Continuation frames without data that never end their message."""


async def test_f118_empty_parts_of_a_message_keep_no_silent_feed_alive(ledger: Ledger) -> None:
    async def flood(socket: ServerConnection) -> None:
        worker = asyncio.create_task(answer(socket))
        await asyncio.sleep(0.3)
        worker.cancel()
        socket.transport.write(b"\x01\x00")
        while not socket.transport.is_closing():
            socket.transport.write(EMPTY_PARTS)
            await asyncio.sleep(0.02)

    async with server(flood) as url:
        found = await measured(url)
    assert found["cause"].startswith("no frame for")
    assert found["kib"] <= 16 * 1024
    # By processor time: how long the rest of the computer lets it wait says nothing of it.
    assert found["busy"] <= 9
    seen = (
        f"{found['cause']}; {found['busy']:.1f} s of processor time with start; memory +{found['kib'] / 1024:.1f} MiB"
    )
    ledger("DISCONNECTED for silence", seen, "5 s and what one read takes; +16 MiB (it took 209)")
