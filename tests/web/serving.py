"""A server in a process of its own, and a page without a browser."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyte
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

COMMAND = [sys.executable, "-m", "kraken_tui", "serve"]


@contextlib.contextmanager
def serving(*arguments: str, env: dict[str, str] | None = None) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server and its address."""
    process = subprocess.Popen(
        [*COMMAND, "--listen", "127.0.0.1:0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), process.communicate()
        yield process, url
    finally:
        process.kill()
        process.communicate()


def get(url: str, method: str = "GET", **headers: str) -> tuple[int, str, dict[str, str]]:
    """(status, body, headers) of a page."""
    request = urllib.request.Request(url, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), dict(error.headers)


def ticket_of(url: str) -> str:
    """A ticket for one visit."""
    status, page, _ = get(url)
    assert status == 200, page
    found = re.search(r'data-ticket="([\w-]+)"', page)
    assert found is not None
    return found[1]


def base_of(url: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class Page:
    """What a visitor's page shows, by an emulated terminal."""

    def __init__(self, socket: ClientConnection, size: tuple[int, int]) -> None:
        self.socket = socket
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self.bytes = 0
        self.ended = False
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in self.socket:
                if isinstance(message, bytes):
                    self.bytes += len(message)
                    self._stream.feed(message)
        self.ended = True

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.screen.display)

    async def until(self, condition: Callable[[], object], seconds: float = 25.0) -> None:
        """Wait for something."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.text
            await asyncio.sleep(0.05)

    async def shows(self, *words: str, seconds: float = 25.0) -> None:
        """Wait for words."""
        await self.until(lambda: all(word in self.text for word in words), seconds)

    async def press(self, keys: str) -> None:
        """Press keys."""
        await self.say("stdin", keys)

    async def say(self, *message: Any) -> None:
        """Send a message of the page."""
        await self.socket.send(json.dumps(message))

    async def close(self) -> None:
        """Leave."""
        await self.socket.close()
        await asyncio.gather(self._reader, return_exceptions=True)


@contextlib.asynccontextmanager
async def visiting(url: str, size: tuple[int, int] = (160, 48)) -> AsyncIterator[Page]:
    """A visit."""
    ticket, base = await asyncio.to_thread(ticket_of, url), base_of(url)
    address = f"ws{base[4:]}/visit/{ticket}?width={size[0]}&height={size[1]}"
    async with connect(address, origin=base, max_size=None, compression=None) as socket:  # type: ignore[arg-type]
        page = Page(socket, size)
        try:
            yield page
        finally:
            await page.close()


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == pid and fields[0] != "Z":
                    found.append(int(entry.name))
    return found


def alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
