"""History over REST: candles and recent trades, for what happened before the program started.

Any call may fail harmlessly: it returns the rows, or None and why. One call at a time, about one a
second (PROTOCOL.md section 10); no redirect is followed; answers are limited in size and time.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

import msgspec

from kraken_tui._version import __version__
from kraken_tui.settings.address import check_rest_url, proxy_for, proxy_is_readable
from kraken_tui.text import clean_text

_GAP_S = 1.0
_TIMEOUT_S = 10.0
_MAX_ANSWER = 8 * 1024 * 1024
_CHUNK = 65536

Row = list[Any]
"""One row of an answer; numbers are the exchange's own text, or int where it wrote no decimal point."""


class _Envelope(msgspec.Struct):
    error: list[Any] = []
    result: Any = None


_decoder = msgspec.json.Decoder(_Envelope, float_hook=str)


@dataclass(frozen=True, slots=True)
class RestAnswer:
    """Rows oldest first, or None with the reason, one short clause."""

    rows: list[Row] | None
    reason: str = ""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class RestClient:
    """Asks one exchange for history.

    Args:
        base_url: Such as "https://api.kraken.com"; https anywhere, http on loopback only.
        timeout_s: Longest time for one answer.
        gap_s: Least time between two calls.

    Raises:
        ConfigurationError: The address cannot be used.
    """

    def __init__(self, base_url: str, *, timeout_s: float = _TIMEOUT_S, gap_s: float = _GAP_S) -> None:
        self._base = check_rest_url(base_url)
        self._timeout_s = timeout_s
        self._gap_s = gap_s
        self._turn = asyncio.Lock()
        self._next_call = 0.0
        proxy, shown = proxy_for(self._base)
        self._obstacle = ""
        if proxy is not None and not (proxy_is_readable(proxy) and proxy.lower().startswith("http")):
            self._obstacle = f"the proxy {shown} is not one for HTTP"
        self._proxy = urllib.request.ProxyHandler({"https": proxy} if proxy is not None else {})
        self._made: urllib.request.OpenerDirector | None = None

    async def ohlc(self, symbol: str, interval: int) -> RestAnswer:
        """Up to 720 closed candles and the running one.

        Args:
            symbol: v2 symbol, which REST takes as well (PROTOCOL.md section 9).
            interval: Minutes.

        Returns:
            Rows [time s, open, high, low, close, vwap, volume, count].
        """
        return await self._call("OHLC", {"pair": symbol, "interval": str(interval)})

    async def trades(self, symbol: str, *, since_ns: int | None = None, count: int = 1000) -> RestAnswer:
        """Up to `count` (1 to 1000) trades, the latest or those after `since_ns`.

        Returns:
            Rows [price, volume, time s, "b"/"s", "m"/"l", misc, trade_id].
        """
        query = {"pair": symbol, "count": str(count)}
        if since_ns is not None:
            query["since"] = str(since_ns)
        return await self._call("Trades", query)

    async def _call(self, name: str, query: dict[str, str]) -> RestAnswer:
        if self._obstacle:
            return RestAnswer(None, self._obstacle)
        url = f"{self._base}/0/public/{name}?{urllib.parse.urlencode(query)}"
        async with self._turn:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(max(0.0, self._next_call - loop.time()))
            try:
                # The library's own limit does not cover a name server that hangs.
                async with asyncio.timeout(2 * self._timeout_s):
                    return await _in_thread(lambda: self._fetch(url))
            except TimeoutError:
                return RestAnswer(None, "no answer in time")
            finally:
                self._next_call = loop.time() + self._gap_s

    def _opener(self) -> urllib.request.OpenerDirector:
        """Made in the thread of the first call, since it reads the certificate authorities from disk."""
        if self._made is None:
            secure = urllib.request.HTTPSHandler(context=ssl.create_default_context())
            self._made = urllib.request.build_opener(_NoRedirect(), secure, self._proxy)
        return self._made

    def _fetch(self, url: str) -> RestAnswer:
        request = urllib.request.Request(url, headers={"User-Agent": f"kraken-tui/{__version__}"})
        deadline = time.monotonic() + self._timeout_s
        try:
            with self._opener().open(request, timeout=self._timeout_s) as response:
                body = bytearray()
                while chunk := response.read1(_CHUNK):
                    body += chunk
                    if len(body) > _MAX_ANSWER:
                        return RestAnswer(None, f"the answer is over {_MAX_ANSWER >> 20} MiB")
                    if time.monotonic() > deadline:
                        return RestAnswer(None, "the answer took too long")
        except urllib.error.HTTPError as error:
            error.close()
            return RestAnswer(None, f"HTTP {error.code}")
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            return RestAnswer(None, "no answer in time" if isinstance(reason, TimeoutError) else _short(reason))
        return read_answer(bytes(body))


def read_answer(body: bytes) -> RestAnswer:
    """Take the rows out of an answer: under the one key of the result that is not `last`, never a name we sent."""
    try:
        envelope = _decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return RestAnswer(None, "the answer is not Kraken's JSON")
    if envelope.error:
        return RestAnswer(None, f"the exchange says: {clean_text(envelope.error[0], 100)}")
    result = envelope.result if isinstance(envelope.result, dict) else {}
    keys = [key for key in result if key != "last"]
    rows = result[keys[0]] if len(keys) == 1 else None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        return RestAnswer(None, "the answer holds no rows")
    return RestAnswer(rows)


def _short(reason: object) -> str:
    text = getattr(reason, "strerror", None) or getattr(reason, "verify_message", None) or reason
    return clean_text(text, 100)


async def _in_thread(function: Callable[[], RestAnswer]) -> RestAnswer:
    """Run in a thread of its own that never delays the end of the program, as the loop's executor would."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[RestAnswer] = loop.create_future()

    def deliver(answer: RestAnswer) -> None:
        if not future.done():
            future.set_result(answer)

    def work() -> None:
        try:
            answer = function()
        except Exception as error:  # Failing history must not take the feed down.
            answer = RestAnswer(None, f"unexpected: {clean_text(error, 100)}")
        if not loop.is_closed():
            try:
                loop.call_soon_threadsafe(deliver, answer)
            except RuntimeError:
                return  # The loop closed in between: nobody is waiting any more.

    threading.Thread(target=work, name="kraken-tui-rest", daemon=True).start()
    return await future
