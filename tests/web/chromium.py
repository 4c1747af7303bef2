"""A headless Chromium, driven over its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """Where it is installed; None where it is not."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Tab:
    """One tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self.events: list[dict[str, Any]] = []

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command and its result."""
        number = next(self._ids)
        await self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        async with asyncio.timeout(30):
            while True:
                message = json.loads(await self._socket.recv())
                if message.get("id") == number:
                    assert "error" not in message, message
                    result: dict[str, Any] = message["result"]
                    return result
                self.events.append(message)

    async def open(self, url: str) -> None:
        """Load a page."""
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.call(f"{domain}.enable")
        await self.call("Page.navigate", url=url)

    async def js(self, expression: str) -> Any:
        """What an expression comes to in the page."""
        result = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def key(self, text: str, code: str) -> None:
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            typed = {"text": text} if kind == "keyDown" else {}
            await self.call("Input.dispatchKeyEvent", type=kind, key=text, code=code, **typed)

    async def click(self, x: float, y: float) -> None:
        """Click, in pixels."""
        await self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def picture(self) -> bytes:
        """What is seen, as PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot"))["data"])

    async def until(self, expression: str, seconds: float = 30) -> Any:
        """Wait until an expression of the page is true."""
        end = time.monotonic() + seconds
        while not (found := await self.js(expression)):
            assert time.monotonic() < end, f"never: {expression}"
            await asyncio.sleep(0.1)
        return found

    def requested(self) -> list[str]:
        """Every address that the page asked for."""
        methods = {
            "Network.requestWillBeSent": lambda e: e["request"]["url"],
            "Network.webSocketCreated": lambda e: e["url"],
        }
        return [methods[one["method"]](one["params"]) for one in self.events if one["method"] in methods]

    def errors(self) -> list[str]:
        """What went wrong in the page: exceptions, and what its policy refused."""
        return [
            json.dumps(one["params"])
            for one in self.events
            if one["method"] == "Runtime.exceptionThrown"
            or (one["method"] == "Log.entryAdded" and one["params"]["entry"]["level"] == "error")
        ]


@contextlib.asynccontextmanager
async def browsing(size: tuple[int, int] = (1400, 900)) -> AsyncIterator[Tab]:
    """A browser with one tab."""
    path = find()
    assert path is not None
    with tempfile.TemporaryDirectory(prefix="kraken-tui-chromium-", ignore_cleanup_errors=True) as folder:
        errors = os.open(f"{folder}/err", os.O_WRONLY | os.O_CREAT, 0o600)
        process = subprocess.Popen(  # noqa: ASYNC220
            [
                path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", "--remote-debugging-port=0", f"--user-data-dir={folder}",
                f"--window-size={size[0]},{size[1]}", "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )  # fmt: skip
        os.close(errors)
        try:
            port = await asyncio.to_thread(_port, Path(folder, "err"))
            pages = await asyncio.to_thread(_pages, port)
            address = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
            async with connect(address, max_size=None) as socket:
                yield Tab(socket)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def _port(path: Path) -> int:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if found := re.search(r"DevTools listening on ws://127\.0\.0\.1:(\d+)/", path.read_text()):
            return int(found[1])
        time.sleep(0.05)
    raise AssertionError("the browser did not start")


def _pages(port: int) -> list[dict[str, str]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=10) as answer:
        found: list[dict[str, str]] = json.load(answer)
    return found
