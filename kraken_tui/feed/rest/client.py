"""History over REST: candles and recent trades, for what happened before the program started.

Any call may fail harmlessly: it returns the rows, or None and why. One call at a time, about one a
second (PROTOCOL.md section 10); no redirect is followed; answers are limited in size and time.
"""

from __future__ import annotations

import asyncio
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

import msgspec

from kraken_tui._version import __version__
from kraken_tui.feed.rest.http import Failure, Http, in_thread
from kraken_tui.text import clean_text

_GAP_S = 1.0
_TIMEOUT_S = 10.0

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
        self._http = Http(base_url, timeout_s)
        self._timeout_s = timeout_s
        self._gap_s = gap_s
        self._turn = asyncio.Lock()
        self._next_call = 0.0

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
        if self._http.obstacle:
            return RestAnswer(None, self._http.obstacle)
        url = f"{self._http.base}/0/public/{name}?{urllib.parse.urlencode(query)}"
        async with self._turn:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(max(0.0, self._next_call - loop.time()))
            try:
                # The library's own limit does not cover a name server that hangs.
                async with asyncio.timeout(2 * self._timeout_s):
                    return await in_thread(lambda: self._fetch(url), lambda reason: RestAnswer(None, reason))
            except TimeoutError:
                return RestAnswer(None, "no answer in time")
            finally:
                self._next_call = loop.time() + self._gap_s

    def _fetch(self, url: str) -> RestAnswer:
        request = urllib.request.Request(url, headers={"User-Agent": f"kraken-tui/{__version__}"})
        answer = self._http.send(request)
        return RestAnswer(None, answer.reason) if isinstance(answer, Failure) else read_answer(answer)


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
