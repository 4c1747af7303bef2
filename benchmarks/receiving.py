"""Socket to proven book: CPU a frame when frames come one at a time, beside bare `websockets` on the same frames.

Live, the cost is waking up, not the pipeline: a flood would hide it. The server runs in a process of its own and each
client in another, whose CPU time alone is counted. With TLS the certificate is made for the occasion, and verified.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import Report, main
from benchmarks.server import environment, server
from benchmarks.stream import PRICE_DECIMALS, QTY_DECIMALS

RATES = (100, 500, 2000)
CLIENTS = ("recv", "recv+json", "recv+book", "kraken-tui")
"""Bare `websockets`; with the standard library's JSON; with a proven book and nothing around it; the real path."""

WINDOWS = 3
WINDOW_S = 0.8
MOST_RATIO = 4.0
"""The smoke run fails when the real path costs this many times bare `websockets` on the same loop."""

TARGET = 1.3


class _Windows:
    """CPU a frame over successive windows of frames, the first of them to warm up."""

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._seen = 0
        self._at = 0.0
        self.us: list[float] = []

    def frame(self) -> bool:
        """Count one; True when enough was seen."""
        self._seen += 1
        if self._seen % self._frames == 0:
            now = time.process_time()
            if self._seen > self._frames:
                self.us.append((now - self._at) / self._frames * 1e6)
            self._at = now
        return len(self.us) >= WINDOWS


async def _bare(base: str, windows: _Windows, look: Callable[[bytes], object] | None) -> None:
    from websockets.asyncio.client import connect

    async with connect(f"{base}/raw", compression=None, ping_interval=None, max_size=None) as socket:
        while True:
            data = await socket.recv(decode=False)
            if look is not None:
                look(data)
            if windows.frame():
                return


def _book() -> Callable[[bytes], object]:
    """Decode, apply and prove, as any client must."""
    from kraken_tui.market.book import OrderBook
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


async def _ours(base: str, windows: _Windows) -> None:
    from kraken_tui.feed.clock import SystemClock
    from kraken_tui.feed.session import Session
    from kraken_tui.feed.websocket import run
    from kraken_tui.market.events import BookChanged

    stop = asyncio.Event()

    def take(events: list[Any]) -> None:
        for event in events:
            if isinstance(event, BookChanged) and event.kind == "update":
                assert event.verified
                if windows.frame():
                    stop.set()

    session = Session(depth=100)
    session.wishes.channels = frozenset({"book"})
    session.want("BTC/USD")
    await run(session, f"{base}/v2", SystemClock(), take, stop)


def _client(name: str, base: str, loop: str, frames: int) -> None:
    windows = _Windows(frames)
    work: Coroutine[Any, Any, None]
    if name == "kraken-tui":
        work = _ours(base, windows)
    else:
        look = {"recv": None, "recv+json": json.loads, "recv+book": _book()}[name]
        work = _bare(base, windows, look)
    if loop == "uvloop":
        import uvloop

        uvloop.run(work)
    else:
        asyncio.run(work)
    print(json.dumps(windows.us[:WINDOWS]))


def measure(name: str, base: str, loop: str, frames: int, tls: Path | None) -> list[float]:
    """CPU us a frame of one client, a figure a window of so many frames."""
    command = [sys.executable, "-m", "benchmarks.receiving", "--client", name, base, loop, str(frames)]
    extra = {"SSL_CERT_FILE": str(tls / "cert.pem")} if tls is not None else {}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment(**extra), check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: list[float] = json.loads(done.stdout)
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
    frames = round(rate * (WINDOW_S / 3 if smoke else WINDOW_S))
    options = ["--rate", str(rate), *(["--tls", str(tls)] if tls is not None else [])]
    with server(*options) as venue:
        for loop in loops:
            bare = 0.0
            for name in ("recv", "kraken-tui") if smoke else CLIENTS:
                found = measure(name, venue.base, loop, frames, tls)
                median = statistics.median(found)
                bare = bare or median
                ratio = median / bare
                spread = f"{min(found):.1f}..{max(found):.1f}"
                share = f"{median * rate / 1e4:.1f} %"
                verdict = ""
                if name == "kraken-tui":
                    verdict = f"{'within' if ratio <= TARGET else 'misses'} {TARGET}x"
                    if ratio > MOST_RATIO:
                        report.failures.append(f"a frame costs {ratio:.1f} times bare websockets ({transport}, {loop})")
                report.rows.append(
                    (transport, str(rate), loop, name, f"{median:.1f}", spread, share, f"{ratio:.2f}x", verdict)
                )


def run(smoke: bool) -> Report:
    """Measure every rate, transport, loop and client; the smoke run one rate, plain."""
    report = Report(
        "Receiving, client CPU a frame, frames one at a time, depth 100",
        ("transport", "frames/s", "loop", "client", "CPU us", "best..worst", "of a core", "ratio", "target"),
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
    if sys.argv[1:2] == ["--client"]:
        _client(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
        raise SystemExit(0)
    raise SystemExit(main(run(smoke="--smoke" in sys.argv)))
