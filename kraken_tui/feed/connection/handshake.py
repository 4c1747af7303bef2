"""A WebSocket connection whose refusal is judged by its status line: the page behind it may never end.

The library gives the answer of a server only when its whole body has come, and a dial that waits for that ends as "no
answer in time": a ban would go unnoticed, and the next dial would make it longer.
"""

from __future__ import annotations

import contextlib
import re
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.http11 import Response

from kraken_tui.feed.connection.failures import BANS

PAGE_S = 1.0
"""Longest wait for the rest of a refusal, whose page may say more."""

MOST_PAGE = 65536
"""Bytes of a refusal that are looked at."""

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})[^\r\n]*\r?\n")


class RefusalByStatus(ClientConnection):
    """Raises `InvalidStatus` from the handshake as soon as the status line and what follows shortly are there."""

    _start: bytearray | None = None
    _refusal: InvalidStatus | None = None
    _judging = False
    _accepted = False

    def data_received(self, data: bytes) -> None:
        """Called by the loop for every read."""
        if not self._accepted:
            self._look(data)
            if self._refusal is not None:
                return
        super().data_received(data)

    async def handshake(self, *args: Any, **options: Any) -> None:
        """Do the opening handshake.

        Raises:
            InvalidStatus: The server refused; the body is what had come of it.
        """
        try:
            await super().handshake(*args, **options)
        except Exception:
            # What the library makes of a connection that ends before the page is no answer.
            if self._refusal is None:
                raise
        if self._refusal is not None:
            raise self._refusal

    def _look(self, data: bytes) -> None:
        if self._start is None:
            self._start = bytearray()
        start = self._start
        start += data[: MOST_PAGE - len(start)]
        line = _STATUS_LINE.match(start)
        if line is None:
            self._accepted = len(start) >= MOST_PAGE
            return
        status = int(line[1])
        if status == 101:
            self._accepted, self._start = True, None
            return
        whole_head = b"\r\n\r\n" in start
        if (whole_head and status in BANS) or len(start) >= MOST_PAGE:
            self._refuse()
        elif not self._judging:
            self._judging = True
            self.loop.call_later(PAGE_S, self._refuse)

    def _refuse(self) -> None:
        """Judge by what is there; nothing happens where the library has the whole answer by now."""
        if self._start is None or self._refusal is not None or self.response_rcvd.done():
            return
        line = _STATUS_LINE.match(self._start)
        assert line is not None
        head, _, body = bytes(self._start[line.end() :]).partition(b"\r\n\r\n")
        headers = Headers()
        for field in head.decode("latin-1").split("\r\n"):
            name, colon, value = field.partition(":")
            # A line that the library takes for no header says nothing about a wait.
            with contextlib.suppress(InvalidHandshake, ValueError):
                if colon:
                    headers[name.strip()] = value.strip()
        self._refusal = InvalidStatus(Response(int(line[1]), "", headers, body))
        self.response_rcvd.set_result(None)
