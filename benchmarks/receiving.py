"""Socket to proven book: CPU a frame when frames come one at a time, beside bare `websockets` on the same frames.

Live, the cost is waking up, not the pipeline: a flood would hide it. The server runs in a process of its own and each
client in another, whose CPU time alone is counted. With TLS the certificate is made for the occasion, and verified.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import Report, main
from benchmarks.server import environment, server
from benchmarks.stream import PRICE_DECIMALS, QTY_DECIMALS

RATES = (100, 500, 2000)
PURE, REAL = "kraken-tui, pure Python", "kraken-tui"
CLIENTS = ("recv", "recv+json", "recv+book", PURE, REAL)
"""Bare `websockets`; with the standard library's JSON; with a proven book and nothing around it; the real path without
the compiled core, and with it where there is one. Where picows is installed, it stands bare beside them."""

JSON_AT = 500
"""The rate at which the standard library's JSON is measured too."""

ROUNDS = 3
WINDOW_S = 0.6
MOST_RATIO = 4.0
"""The smoke run fails when the real path costs this many times bare `websockets` on the same loop."""

TARGET = 1.2

Found = dict[str, list[float]]


class _Window:
    """CPU a frame over a window of frames, after a third as many to warm up."""

    def __init__(self, frames: int) -> None:
        self._left = frames + frames // 3
        self._frames = frames
        self._at = 0.0
        self.us = 0.0

    def frame(self) -> bool:
        """Count one; True when enough was seen."""
        self._left -= 1
        if self._left == self._frames:
            self._at = time.process_time()
        elif self._left == 0:
            self.us = (time.process_time() - self._at) / self._frames * 1e6
        return self._left <= 0


async def _bare(base: str, window: _Window, look: Callable[[bytes], object] | None) -> None:
    from websockets.asyncio.client import connect

    async with connect(f"{base}/raw", compression=None, ping_interval=None, max_size=None) as socket:
        while True:
            data = await socket.recv(decode=False)
            if look is not None:
                look(data)
            if window.frame():
                return


def _book() -> Callable[[bytes], object]:
    """Decode, apply and prove, as any client must."""
    from kraken_tui.market.book.l2 import OrderBook
    from kraken_tui.wire.decode import decode
    from kraken_tui.wire.messages import BookMessage
    from kraken_tui.wire.symbols import PairSpec

    book = OrderBook(PairSpec("BTC/USD", "BTC", "USD", PRICE_DECIMALS, QTY_DECIMALS), 100)

    def look(data: bytes) -> None:
        message = decode(data)
        assert isinstance(message, BookMessage)
        change = message.data[0]
        (book.load if message.type == "snapshot" else book.apply)(change.bids, change.asks)
        assert book.checksum() == change.checksum

    return look


async def _picows(base: str, window: _Window) -> None:
    """Another WebSocket library, bare: what is to be gained by one in C."""
    import picows

    class Listener(picows.WSListener):  # type: ignore[misc, name-defined, unused-ignore]
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            frame.get_payload_as_bytes()
            if window.frame():
                transport.disconnect()

    transport, _ = await picows.ws_connect(Listener, f"{base}/raw")
    await transport.wait_disconnected()


async def _ours(base: str, window: _Window, *, pure: bool) -> None:
    from kraken_tui import core
    from kraken_tui.feed.clock import SystemClock
    from kraken_tui.feed.connection.websocket import run
    from kraken_tui.feed.session import Session
    from kraken_tui.market.events import BookChanged

    stop = asyncio.Event()

    def take(events: list[Any]) -> None:
        for event in events:
            if isinstance(event, BookChanged) and event.kind == "update":
                assert event.verified
                if window.frame():
                    stop.set()

    if pure:
        core.take(None)
    elif core.update is None and importlib.util.find_spec("kraken_tui._core") is not None:
        core.take(importlib.import_module("kraken_tui._core"))
    session = Session(depth=100)
    session.options.channels = frozenset({"book"})
    session.want("BTC/USD")
    await run(session, f"{base}/v2", SystemClock(), take, stop)


async def _rounds(base: str, frames: int, rounds: int, names: list[str]) -> dict[str, list[float]]:
    """All clients in turn, again and again: what disturbs the machine disturbs them alike."""
    found: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            window = _Window(frames)
            if name in (PURE, REAL):
                await _ours(base, window, pure=name == PURE)
            elif name == "picows":
                await _picows(base, window)
            else:
                look = {"recv": None, "recv+json": json.loads, "recv+book": _book()}[name]
                await _bare(base, window, look)
            found[name].append(window.us)
    return found


def _clients(loop: str, base: str, frames: str, rounds: str, *names: str) -> None:
    work = _rounds(base, int(frames), int(rounds), list(names))
    if loop == "uvloop":
        import uvloop

        found = uvloop.run(work)
    else:
        found = asyncio.run(work)
    print(json.dumps(found))


def measure(loop: str, base: str, frames: int, rounds: int, names: tuple[str, ...], tls: Path | None) -> Found:
    """CPU us a frame by client, a figure a round."""
    command = [sys.executable, "-m", "benchmarks.receiving", "--clients", loop, base, str(frames), str(rounds), *names]
    extra = {"SSL_CERT_FILE": str(tls / "cert.pem")} if tls is not None else {}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment(**extra), check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: Found = json.loads(done.stdout)
    return found


@contextmanager
def certificate() -> Iterator[Path | None]:
    """A folder with a certificate for 127.0.0.1 and its key, gone afterwards; None without the openssl command."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        command += ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            yield None
        else:
            yield folder


def _compare(report: Report, transport: str, rate: int, loops: list[str], tls: Path | None, smoke: bool) -> None:
    names = (
        ("recv", REAL)
        if smoke
        else CLIENTS
        if rate == JSON_AT
        else tuple(name for name in CLIENTS if name != "recv+json")
    )
    if not smoke and importlib.util.find_spec("picows") is not None:
        names = (*names, "picows")
    frames = round(rate * WINDOW_S / (3 if smoke else 1))
    options = ["--rate", str(rate), *(["--tls", str(tls)] if tls is not None else [])]
    with server(*options) as venue:
        for loop in loops:
            found = measure(loop, venue.base, frames, ROUNDS, names, tls)
            for name in names:
                us = found[name]
                # Other work only ever adds, so the least of each is the fairest pair.
                ratio = min(us) / min(found["recv"])
                verdict = ""
                if name in (PURE, REAL):
                    verdict = f"{'within' if ratio <= TARGET else 'misses'} {TARGET}x"
                    if ratio > MOST_RATIO:
                        report.failures.append(f"a frame costs {ratio:.1f} times bare websockets ({transport}, {loop})")
                median = statistics.median(us)
                cells = f"{median:.1f}", f"{min(us):.1f}..{max(us):.1f}", f"{median * rate / 1e4:.1f} %"
                report.rows.append((transport, str(rate), loop, name, *cells, f"{ratio:.2f}x", verdict))


def run(smoke: bool) -> Report:
    """Measure every rate, transport, loop and client; the smoke run one rate, plain."""
    report = Report(
        "Receiving, client CPU a frame, frames one at a time, depth 100",
        ("transport", "frames/s", "loop", "client", "CPU us", "best..worst", "of a core", "ratio of bests", "target"),
    )
    loops = ["asyncio"]
    if importlib.util.find_spec("uvloop") is not None:
        loops.append("uvloop")
    else:
        report.title += " (uvloop is not installed)"
    if smoke:
        _compare(report, "plain", 500, loops[-1:], None, smoke)
        return report
    with certificate() as tls:
        if tls is None:
            report.title += " (no TLS: the openssl command is missing)"
        for transport, folder in (("plain", None), ("TLS", tls)):
            if transport == "plain" or folder is not None:
                for rate in RATES:
                    _compare(report, transport, rate, loops, folder, smoke)
    return report


if __name__ == "__main__":
    if sys.argv[1:2] == ["--clients"]:
        _clients(*sys.argv[2:])
        raise SystemExit(0)
    raise SystemExit(main(run(smoke="--smoke" in sys.argv)))
