"""One visitor: a process that draws the screen, and the browser's WebSocket that shows it.

Between the two nothing piles up. The next picture is taken from the process only when the browser has answered a ping
sent behind the last ones, up to `AHEAD_BYTES`: what it shows is late by no more than that, and a process that cannot
write draws less often, and says so. Packets of the process are Textual's: a letter, four bytes of length, and so many
bytes ("D" for the terminal, "M" for a message).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from aiohttp import WSMsgType, web

from kraken_tui.text import clean_text
from kraken_tui.web.hand_over import VARIABLE

AHEAD_BYTES = 32 * 1024
"""Most bytes on the way to a browser that it has not confirmed, before it is given more."""

SILENT_S = 30.0
"""A browser that confirms nothing for so long is gone."""

LARGEST_MESSAGE = 64 * 1024
"""Longest message taken from a browser."""

_STARTED = b"__GANGLION__\n"
_LARGEST_PACKET = 4 * 2**20
_SIDES = (20, 5), (500, 200)
_TERM_S, _KILL_S = 0.7, 0.3
_STDERR = 4096
_BEAT_S = 5.0


class Visit:
    """Runs one visitor's process.

    Args:
        hand_over: What it is to run, see `hand_over.pack`.

    Attributes:
        problem: Why it ended, one sentence; "" where the visitor ended it.
    """

    def __init__(self, hand_over: str) -> None:
        self._hand_over = hand_over
        self._process: asyncio.subprocess.Process | None = None
        self._sent = self._confirmed = 0
        self._room = asyncio.Event()
        self._heard = 0.0
        self.problem = ""

    async def show(self, socket: web.WebSocketResponse, size: tuple[int, int]) -> None:
        """Show the screen until the visitor, the process or the server ends it."""
        loop = asyncio.get_running_loop()
        self._heard = loop.time()
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "kraken_tui.web.visitor",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment(os.environ, self._hand_over, bounded(*size)),
            # What the terminal of the server sends to its processes is not for this one.
            start_new_session=True,
        )
        errors = asyncio.create_task(_last_of(process.stderr))
        parts = {
            asyncio.create_task(self._draw(socket), name="draw"),
            asyncio.create_task(self._listen(socket), name="listen"),
            asyncio.create_task(self._watch(socket), name="watch"),
        }
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except (ConnectionError, OSError):
            # The browser or the process is gone; there is nobody to tell.
            self.problem = ""
        finally:
            for task in parts:
                task.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
            await asyncio.shield(self._end(process))
            said = await errors
            if process.returncode and said:
                self.problem = said

    # -- the process --------------------------------------------------------------------------------------------

    async def _draw(self, socket: web.WebSocketResponse) -> None:
        assert self._process is not None
        stdout = self._process.stdout
        assert stdout is not None
        try:
            while await stdout.readline() != _STARTED:
                if stdout.at_eof():
                    self.problem = "the screen could not be started"
                    return
            while True:
                kind = await stdout.readexactly(1)
                size = int.from_bytes(await stdout.readexactly(4), "big")
                if size > _LARGEST_PACKET:
                    self.problem = "the screen sent what is none"
                    return
                payload = await stdout.readexactly(size)
                if kind == b"D":
                    await self._send(socket, payload)
                elif kind == b"M" and json.loads(payload).get("type") == "exit":
                    return
        except asyncio.IncompleteReadError:
            return

    async def _send(self, socket: web.WebSocketResponse, payload: bytes) -> None:
        while self._sent - self._confirmed > AHEAD_BYTES:
            self._room.clear()
            await self._room.wait()
        await socket.send_bytes(payload)
        self._sent += len(payload)
        await socket.ping(str(self._sent).encode())

    async def _watch(self, socket: web.WebSocketResponse) -> None:
        """Ask a browser that has nothing to confirm whether it is still there."""
        loop = asyncio.get_running_loop()
        while loop.time() - self._heard < SILENT_S:
            await asyncio.sleep(_BEAT_S)
            if self._sent == self._confirmed:
                await socket.ping(str(self._sent).encode())

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """End it: asked first, then made to."""
        if process.stdin is not None:
            process.stdin.close()
        for end, wait_s in ((process.terminate, _TERM_S), (process.kill, _KILL_S)):
            if process.returncode is not None:
                return
            with contextlib.suppress(ProcessLookupError):
                end()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), wait_s)

    # -- the browser --------------------------------------------------------------------------------------------

    async def _listen(self, socket: web.WebSocketResponse) -> None:
        loop = asyncio.get_running_loop()
        async for message in socket:
            self._heard = loop.time()
            if message.type is WSMsgType.PONG:
                self._confirm(bytes(message.data))
            elif message.type is WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                if message.data.startswith('["ping"'):
                    await socket.send_str('["alive"]')
                elif packet := packet_of(message.data):
                    await self._write(packet)

    def _confirm(self, data: bytes) -> None:
        if data.isdigit() and len(data) < 20:
            self._confirmed = max(self._confirmed, min(int(data), self._sent))
            self._room.set()

    async def _write(self, packet: bytes) -> None:
        assert self._process is not None
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(packet)
        await stdin.drain()


def packet_of(text: str) -> bytes:
    """A message of the page as a packet for the process; b"" for one that means nothing to it."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return b""
    if not isinstance(message, list) or not message:
        return b""
    kind, data = message[0], message[1] if len(message) > 1 else None
    if kind == "stdin" and isinstance(data, str):
        return _packet(b"D", data.encode("utf-8", "replace"))
    if kind == "resize" and isinstance(data, dict):
        columns, rows = data.get("width"), data.get("height")
        if type(columns) is int and type(rows) is int:
            columns, rows = bounded(columns, rows)
            return _meta({"type": "resize", "width": columns, "height": rows})
    if kind in ("focus", "blur"):
        return _meta({"type": kind})
    return b""


def bounded(columns: int, rows: int) -> tuple[int, int]:
    """The size of a page's terminal, within reason."""
    (least_columns, least_rows), (most_columns, most_rows) = _SIDES
    return min(max(columns, least_columns), most_columns), min(max(rows, least_rows), most_rows)


_NOT_PASSED_ON = frozenset({"NO_COLOR", "LINES", "TEXTUAL", "KRAKEN_API_KEY", "KRAKEN_API_SECRET"})
"""What belongs to the server's terminal, and the key of its account, which is no visitor's."""


def environment(own: Mapping[str, str], hand_over: str, size: tuple[int, int]) -> dict[str, str]:
    """The environment of a visitor's process."""
    found = {name: value for name, value in own.items() if name not in _NOT_PASSED_ON}
    return found | {
        VARIABLE: hand_over,
        "TEXTUAL_FPS": "60",
        "TEXTUAL_COLOR_SYSTEM": "truecolor",
        "TERM_PROGRAM": "textual",
        "COLUMNS": str(size[0]),
        "ROWS": str(size[1]),
        "PYTHONIOENCODING": "utf-8",
    }


def _meta(message: Mapping[str, Any]) -> bytes:
    return _packet(b"M", json.dumps(message).encode())


def _packet(kind: bytes, payload: bytes) -> bytes:
    return kind + len(payload).to_bytes(4, "big") + payload


async def _last_of(stderr: asyncio.StreamReader | None) -> str:
    """The last line that a process wrote to standard error, without our name before it."""
    kept = b""
    while stderr is not None and (data := await stderr.read(_STDERR)):
        kept = (kept + data)[-_STDERR:]
    lines = kept.decode("utf-8", "replace").strip().splitlines()
    return clean_text(lines[-1].removeprefix("kraken-tui: "), 300) if lines else ""
