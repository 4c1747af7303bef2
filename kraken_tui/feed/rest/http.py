"""One HTTP exchange: no redirect is followed, answers are limited in size and time, failures become a clause."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, TypeVar

from kraken_tui.settings.address import check_rest_url, proxy_for, proxy_is_readable
from kraken_tui.text import clean_text

MAX_ANSWER = 8 * 1024 * 1024
_CHUNK = 65536
_TUNNEL = "Tunnel connection failed"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer.

    Attributes:
        reason: Why, one short clause.
        sent: Whether the request may have reached the exchange.
    """

    reason: str
    sent: bool = True


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Http:
    """Speaks to one host.

    Args:
        base_url: Such as "https://api.kraken.com"; https anywhere, http on loopback only.
        timeout_s: Longest time for one answer.

    Attributes:
        base: The address without a trailing slash.
        obstacle: Why nothing can be sent at all; "" if it can.

    Raises:
        ConfigurationError: The address cannot be used.
    """

    def __init__(self, base_url: str, timeout_s: float) -> None:
        self.base = check_rest_url(base_url)
        self.obstacle = ""
        self._timeout_s = timeout_s
        proxy, shown = proxy_for(self.base)
        if proxy is not None and not (proxy_is_readable(proxy) and proxy.lower().startswith("http")):
            self.obstacle = f"the proxy {shown} is not one for HTTP"
        self._proxy = urllib.request.ProxyHandler({"https": proxy} if proxy is not None else {})
        self._made: urllib.request.OpenerDirector | None = None

    def _opener(self) -> urllib.request.OpenerDirector:
        """Made in the thread of the first call, since it reads the certificate authorities from disk."""
        if self._made is None:
            secure = urllib.request.HTTPSHandler(context=ssl.create_default_context())
            self._made = urllib.request.build_opener(_NoRedirect(), secure, self._proxy)
        return self._made

    def send(self, request: urllib.request.Request) -> bytes | Failure:
        """Send a request and read the answer; blocks."""
        deadline = time.monotonic() + self._timeout_s
        try:
            with self._opener().open(request, timeout=self._timeout_s) as response:
                body = bytearray()
                while chunk := response.read1(_CHUNK):
                    body += chunk
                    if len(body) > MAX_ANSWER:
                        return Failure(f"the answer is over {MAX_ANSWER >> 20} MiB")
                    if time.monotonic() > deadline:
                        return Failure("the answer took too long")
        except urllib.error.HTTPError as error:
            error.close()
            return Failure(f"HTTP {error.code}")
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            sent = not _before_sending(reason)
            return Failure("no answer in time" if isinstance(reason, TimeoutError) else _short(reason), sent)
        return bytes(body)


def _before_sending(reason: object) -> bool:
    """Whether it failed before anything could have reached the exchange."""
    if isinstance(reason, ConnectionRefusedError | socket.gaierror | ssl.SSLCertVerificationError):
        return True
    return isinstance(reason, OSError) and str(reason).startswith(_TUNNEL)


def _short(reason: object) -> str:
    text = getattr(reason, "strerror", None) or getattr(reason, "verify_message", None) or reason
    return clean_text(text, 100)


async def in_thread(function: Callable[[], T], failed: Callable[[str], T]) -> T:
    """Run in a thread of its own that never delays the end of the program, as the loop's executor would.

    Args:
        function: What blocks.
        failed: Makes an answer of an unexpected error, which must not take the feed down.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def deliver(answer: T) -> None:
        if not future.done():
            future.set_result(answer)

    def work() -> None:
        try:
            answer = function()
        except Exception as error:
            answer = failed(f"unexpected: {clean_text(error, 100)}")
        if not loop.is_closed():
            try:
                loop.call_soon_threadsafe(deliver, answer)
            except RuntimeError:
                return  # The loop closed in between: nobody is waiting any more.

    threading.Thread(target=work, name="kraken-tui-rest", daemon=True).start()
    return await future
