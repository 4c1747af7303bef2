"""A scripted exchange for benchmarks of load: true checksums, present timestamps, one frame at a time at an even pace.

    python -m benchmarks.server --pairs 100 --rate 500 [--depth 100] [--marker | --prepare 20] [--tls FOLDER]

It prints its address; a line "rate N" on its standard input changes the pace, any other is answered with one JSON
object that tells what it did. `/v2` speaks the
published protocol; `/raw` sends the frames of the first pair at once, to any client. All connections share the books.
It is lighter than `kraken_tui.exchange`, which spends more on a frame than the client under test does.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import ssl
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from zlib import crc32

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State

from benchmarks.stream import PRICE_DECIMALS, QTY_DECIMALS, Stream

MARKER_DECIMALS = 0
MARKER_UNIT = 10**5
"""The best bid's size of a marked pair is the whole number 1mmmmm, whose last digits are milliseconds of the monotonic
clock: the screen drops digits behind a point, but none before it."""

Stamp = Callable[[], str]
"""The present as Kraken writes it."""

_TOUCH = 1_000_000
_SPIN_S = 0.0003
_TOO_LATE_S = 0.5
"""Seconds behind the pace after which the rest is given up and counted."""


def stamp() -> str:
    """Now, as Kraken writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def marker_of(ms: int) -> int:
    """Lots of the best bid at a moment of the monotonic clock, ms."""
    return MARKER_UNIT + ms % MARKER_UNIT


def marked_age_ms(fraction: int, now_ms: float) -> float:
    """How long ago a marker was sent.

    Args:
        fraction: The five digits after the first.
        now_ms: Monotonic clock, ms.
    """
    return (now_ms - fraction) % MARKER_UNIT


def decimal(units: int, decimals: int) -> str:
    """Whole units of 10^-decimals as text."""
    whole, fraction = divmod(units, 10**decimals)
    return f"{whole}.{fraction:0{decimals}d}" if decimals else f"{whole}"


def wire(data: bytes) -> bytes:
    """One unmasked text frame (RFC 6455 section 5.2)."""
    size = len(data)
    if size < 126:
        return bytes((0x81, size)) + data
    if size < 1 << 16:
        return bytes((0x81, 126)) + size.to_bytes(2, "big") + data
    return bytes((0x81, 127)) + size.to_bytes(8, "big") + data


class StreamPair:
    """A pair that moves as `benchmarks.stream` does, under its own name and with the present time."""

    decimals = (PRICE_DECIMALS, QTY_DECIMALS)

    def __init__(self, symbol: str, depth: int, seed: int, now: Stamp = stamp) -> None:
        self.symbol = symbol
        self._now = now
        self._stream = Stream(depth, seed)
        first = self._stream.snapshot()
        start = first.index(b'"symbol":"')
        self._old = first[start : first.index(b'"', start + 10) + 1]
        self._new = f'"symbol":"{symbol}"'.encode()
        self._prepared: deque[bytes] = deque()
        self._before: bytes | None = None

    def prepare(self, count: int) -> None:
        """Make so many updates ahead, for a rate at which making them would take the machine from the client."""
        self._before = self._timeless(self._stream.snapshot())
        self._prepared.extend(self._timeless(self._stream.update()) for _ in range(count))

    def snapshot(self) -> bytes:
        """Every level."""
        if self._before is not None:
            return self._present(self._before)
        # The book is where the last of the prepared updates left it.
        self._prepared.clear()
        return self._present(self._timeless(self._stream.snapshot()))

    def update(self) -> bytes:
        """The next change."""
        self._before = None
        return self._present(self._prepared.popleft() if self._prepared else self._timeless(self._stream.update()))

    def _timeless(self, frame: bytes) -> bytes:
        return frame.replace(self._old, self._new, 1).rpartition(b'"timestamp":"')[0]

    def _present(self, head: bytes) -> bytes:
        return head + f'"timestamp":"{self._now()}"}}]}}'.encode()


class MarkedPair:
    """A pair whose touch stands still and whose best bid says when it was sent; another level changes with it."""

    decimals = (PRICE_DECIMALS, MARKER_DECIMALS)

    def __init__(self, symbol: str, depth: int, seed: int, now: Stamp = stamp) -> None:
        self.symbol = symbol
        self._now = now
        self._random = random.Random(seed)
        self._bids = [(_TOUCH - number, self._size()) for number in range(depth)]
        self._asks = [(_TOUCH + 1 + number, self._size()) for number in range(depth)]

    def _size(self) -> int:
        return self._random.randrange(2 * MARKER_UNIT, 9 * MARKER_UNIT)

    def snapshot(self) -> bytes:
        """Every level."""
        return self._frame("snapshot", self._bids, self._asks)

    def update(self) -> bytes:
        """The marker and one of the forty levels around the touch."""
        self._bids[0] = (_TOUCH, marker_of(time.monotonic_ns() // 1_000_000))
        side = self._random.choice((self._bids, self._asks))
        at = self._random.randrange(1, 20)
        side[at] = (side[at][0], self._size())
        changed = [side[at]]
        bids = [self._bids[0], *changed] if side is self._bids else [self._bids[0]]
        return self._frame("update", bids, changed if side is self._asks else [])

    def _frame(self, kind: str, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> bytes:
        digits = "".join(f"{ticks}{lots}" for ticks, lots in (*self._asks[:10], *self._bids[:10]))
        return (
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{self.symbol}","bids":[{_levels(bids)}],'
            f'"asks":[{_levels(asks)}],"checksum":{crc32(digits.encode())},"timestamp":"{self._now()}"}}]}}'
        ).encode()


def _levels(levels: list[tuple[int, int]]) -> str:
    return ",".join(
        f'{{"price":{decimal(ticks, PRICE_DECIMALS)},"qty":{decimal(lots, MARKER_DECIMALS)}}}' for ticks, lots in levels
    )


def symbols(count: int) -> list[str]:
    """Names of so many pairs; the first two are real ones."""
    return ["BTC/USD", "ETH/USD", *(f"P{number:03d}/USD" for number in range(2, count))][:count]


class Venue:
    """The pairs on offer and the answers to requests; no sockets.

    Args:
        count: Pairs on offer.
        depth: Levels a side.
        marker: Offer `MarkedPair`s.
        now: The present.
    """

    def __init__(self, count: int, depth: int, *, marker: bool = False, now: Stamp = stamp) -> None:
        kind = MarkedPair if marker else StreamPair
        self.pairs = {name: kind(name, depth, number, now) for number, name in enumerate(symbols(count))}
        self._now = now

    @staticmethod
    def welcome() -> bytes:
        """The first frame of a connection."""
        return (
            b'{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online","api_version":"v2",'
            b'"connection_id":18125794168470749634}]}'
        )

    def answer(self, request: dict[str, Any]) -> list[bytes]:
        """Everything that follows from one request: acknowledgements and snapshots."""
        tail = f'"req_id":{request.get("req_id")},"time_in":"{self._now()}","time_out":"{self._now()}"}}'
        method = request["method"]
        if method == "ping":
            return [f'{{"method":"pong",{tail}'.encode()]
        params = request["params"]
        frames: list[bytes] = []
        for symbol in params.get("symbol", [None]):
            granted = {name: value for name, value in params.items() if name != "symbol"}
            if symbol is not None:
                granted["symbol"] = symbol
            frames.append(f'{{"method":"{method}","result":{json.dumps(granted)},"success":true,{tail}'.encode())
            if method == "subscribe":
                frames += self._snapshot(params["channel"], symbol)
        return frames

    def _snapshot(self, channel: str, symbol: str | None) -> list[bytes]:
        if channel == "instrument":
            rows = ",".join(map(self._instrument, self.pairs.values()))
            return [f'{{"channel":"instrument","type":"snapshot","data":{{"assets":[],"pairs":[{rows}]}}}}'.encode()]
        if channel == "book":
            return [self.pairs[str(symbol)].snapshot()]
        if channel == "ticker":
            bid, ask = decimal(_TOUCH, PRICE_DECIMALS), decimal(_TOUCH + 1, PRICE_DECIMALS)
            row = f'{{"symbol":"{symbol}","last":{bid},"bid":{bid},"ask":{ask},"change":-1.5,"change_pct":-0.17}}'
            return [f'{{"channel":"ticker","type":"snapshot","data":[{row}]}}'.encode()]
        return []

    @staticmethod
    def _instrument(pair: StreamPair | MarkedPair) -> str:
        base, _, quote = pair.symbol.partition("/")
        price, qty = pair.decimals
        return (
            f'{{"symbol":"{pair.symbol}","base":"{base}","quote":"{quote}","status":"online","price_precision":{price},'
            f'"qty_precision":{qty},"price_increment":1e-{price:02d},"qty_increment":1e-{qty:02d},"qty_min":0.00005,'
            f'"cost_precision":5,"cost_min":"0.5"}}'
        )


class BenchServer:
    """A venue, who listens to it, and the pace.

    Args:
        venue: What is on offer.
        rate: Book frames a second over all pairs that somebody subscribed.
        ping_ms: Send a WebSocket ping this often and note when it is answered; 0 for never.
    """

    def __init__(self, venue: Venue, rate: float, ping_ms: float) -> None:
        self.venue = venue
        self._first = next(iter(venue.pairs.values()))
        self.rate, self._ping_s = rate, ping_ms / 1000
        self._books: dict[str, set[ServerConnection]] = {}
        self._raw: set[ServerConnection] = set()
        self._live: list[str] = []
        self._random = random.Random(0)
        self.sent = 0
        self.given_up = 0
        self.pings: list[tuple[float, float]] = []

    # -- pace ---------------------------------------------------------------------------------------------------

    async def pump(self) -> None:
        """Send what is due, one frame at a time, and as little late as the machine allows."""
        due = time.monotonic()
        while True:
            if not self._live and not self._raw:
                await asyncio.sleep(0.02)
                due = time.monotonic()
                continue
            left = due - time.monotonic()
            if left > 0.002:
                await asyncio.sleep(left - 0.0015)
            elif left > 0:
                # The loop's own timers tick in whole milliseconds.
                time.sleep(min(left, _SPIN_S))  # noqa: ASYNC251
                await asyncio.sleep(0)
            else:
                # One frame at a time, or all that are due where the loop cannot turn as often.
                for _ in range(min(64, 1 + int(-left * self.rate))):
                    self._send()
                    due += 1 / self.rate
                if left < -_TOO_LATE_S:
                    self.given_up += int(-left * self.rate)
                    due = time.monotonic()
                await asyncio.sleep(0)

    def _send(self) -> None:
        pair = self.venue.pairs[self._random.choice(self._live)] if self._live else self._first
        frame = wire(pair.update())
        self.sent += 1
        for socket in (*self._books.get(pair.symbol, ()), *self._raw):
            _push(socket, frame)

    # -- connections --------------------------------------------------------------------------------------------

    async def serve(self, socket: ServerConnection) -> None:
        """One connection."""
        assert socket.request is not None
        pinging = asyncio.create_task(self._pinging(socket)) if self._ping_s else None
        try:
            if socket.request.path == "/raw":
                _push(socket, wire(self._first.snapshot()))
                self._raw.add(socket)
                await socket.wait_closed()
                return
            _push(socket, wire(self.venue.welcome()))
            beating = asyncio.create_task(self._beating(socket))
            try:
                with contextlib.suppress(ConnectionClosed):
                    async for text in socket:
                        self._answer(socket, json.loads(text))
            finally:
                beating.cancel()
        finally:
            if pinging is not None:
                pinging.cancel()
            self._raw.discard(socket)
            for listeners in self._books.values():
                listeners.discard(socket)
            self._list_live()

    def _list_live(self) -> None:
        self._live = [symbol for symbol, listeners in self._books.items() if listeners]

    @staticmethod
    async def _beating(socket: ServerConnection) -> None:
        while True:
            await asyncio.sleep(1.0)
            _push(socket, wire(b'{"channel":"heartbeat"}'))

    async def _pinging(self, socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await asyncio.sleep(self._ping_s)
                latency = await (await socket.ping())
                self.pings.append((time.monotonic(), latency))

    def _answer(self, socket: ServerConnection, request: dict[str, Any]) -> None:
        for frame in self.venue.answer(request):
            _push(socket, wire(frame))
        params = request.get("params", {})
        if params.get("channel") == "book":
            for symbol in params["symbol"]:
                listeners = self._books.setdefault(symbol, set())
                (listeners.add if request["method"] == "subscribe" else listeners.discard)(socket)
            self._list_live()

    # -- the program --------------------------------------------------------------------------------------------

    def report(self) -> str:
        """What was done, as one line."""
        return json.dumps({"sent": self.sent, "given_up": self.given_up, "pings": self.pings})


def _push(socket: ServerConnection, frame: bytes) -> None:
    if socket.state is State.OPEN and not socket.transport.is_closing():
        socket.transport.write(frame)


def _no_rest(_: ServerConnection, request: Request) -> Response | None:
    if request.path in ("/v2", "/raw"):
        return None
    from websockets.datastructures import Headers

    return Response(HTTPStatus.NOT_FOUND, "Not Found", Headers([("Connection", "close"), ("Content-Length", "0")]), b"")


async def _main(options: argparse.Namespace) -> None:
    context = None
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.tls / "cert.pem", options.tls / "key.pem")
    server = BenchServer(Venue(options.pairs, options.depth, marker=options.marker), options.rate, options.ping_ms)
    for pair in server.venue.pairs.values():
        if options.prepare and isinstance(pair, StreamPair):
            pair.prepare(options.prepare)
    loop = asyncio.get_running_loop()
    over = asyncio.Event()

    def asked() -> None:
        line = sys.stdin.readline()
        if line.startswith("rate "):
            server.rate = float(line.split()[1])
        elif line:
            print(server.report(), flush=True)
        else:
            over.set()

    loop.add_reader(sys.stdin.fileno(), asked)
    async with serve(
        server.serve,
        "127.0.0.1",
        0,
        ssl=context,
        process_request=_no_rest,
        compression=None,
        ping_interval=None,
        max_size=None,
        close_timeout=0.5,
    ) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        print(f"{'wss' if context else 'ws'}://127.0.0.1:{port}", flush=True)
        pump = asyncio.create_task(server.pump())
        await asyncio.wait({pump, asyncio.create_task(over.wait())}, return_when=asyncio.FIRST_COMPLETED)
        if pump.done():
            pump.result()


# -- for the benchmarks that use it -------------------------------------------------------------------------------


class Handle:
    """A server in another process.

    Attributes:
        base: Address without a path, such as "ws://127.0.0.1:40000".
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        self.base = process.stdout.readline().strip()
        if not self.base:
            raise RuntimeError("the benchmark's server did not start")

    def set_rate(self, rate: float) -> None:
        """Change the pace."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"rate {rate}\n")
        self._process.stdin.flush()

    @property
    def program_options(self) -> list[str]:
        """What points `kraken-tui` at it."""
        return ["--url", f"{self.base}/v2", "--rest-url", self.base.replace("ws://", "http://")]

    def report(self) -> dict[str, Any]:
        """What it did so far."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@contextmanager
def server(*options: str) -> Iterator[Handle]:
    """Run a server in a process of its own; takes the options of the module's command line."""
    command = [sys.executable, "-m", "benchmarks.server", *options]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment())
    try:
        yield Handle(process)
    finally:
        process.terminate()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def environment(**extra: str) -> dict[str, str]:
    """The environment of a child: compiled modules are kept, no proxy stands between."""
    names = ("PYTHONDONTWRITEBYTECODE", "http_proxy", "https_proxy", "all_proxy", "ws_proxy", "wss_proxy")
    kept = {name: value for name, value in os.environ.items() if name.lower() not in names and name not in names}
    return {**kept, **extra}


def main() -> None:
    """Serve until standard input is closed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server", description=__doc__)
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--depth", type=int, default=100)
    parser.add_argument("--marker", action="store_true")
    parser.add_argument("--prepare", type=int, default=0, help="updates of each pair to make ahead")
    parser.add_argument("--tls", type=Path)
    parser.add_argument("--ping-ms", type=float, default=0.0)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()
