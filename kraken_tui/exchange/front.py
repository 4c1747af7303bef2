"""HTTP with a body on the websocket's port: the library reads requests without one, so a POST is cut in two here."""

from __future__ import annotations

import re

from websockets.asyncio.server import ServerConnection

_MAX_BYTES = 1 << 20
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*(?=\r\n)", re.IGNORECASE)
_POST = b"POST "


class FrontConnection(ServerConnection):
    """A connection that may turn out to be a POST.

    Attributes:
        method: `GET` or `POST`.
        body: of a POST.
    """

    method = "GET"
    body = b""
    _waiting: bytearray | None = None
    _open = False

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`; a POST goes on to the library as a GET once its body is here."""
        if self._open:
            super().data_received(data)
            return
        if self._waiting is None:
            self._waiting = bytearray()
        waiting = self._waiting
        waiting += data
        if waiting.startswith(_POST):
            whole = self._post(waiting)
        elif _POST.startswith(waiting):
            return
        else:
            whole = bytes(waiting)
        if whole is not None:
            self._open, self._waiting = True, None
            super().data_received(whole)

    def _post(self, data: bytearray) -> bytes | None:
        """The request as the library shall see it; None while it is not complete."""
        end = data.find(b"\r\n\r\n")
        if end < 0 or len(data) > _MAX_BYTES:
            if len(data) > _MAX_BYTES:
                self.transport.abort()
            return None
        head = bytes(data[: end + 2])
        found = _LENGTH.search(head)
        length = int(found[1]) if found else 0
        if len(data) < end + 4 + length:
            return None
        self.method = "POST"
        self.body = bytes(data[end + 4 : end + 4 + length])
        return b"GET " + _LENGTH.sub(b"", head)[len(_POST) :] + b"\r\n"
