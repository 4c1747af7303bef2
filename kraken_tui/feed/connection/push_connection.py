"""A WebSocket connection that hands messages on as they are read: no queue between the socket and the book.

Waking a task for every message costs several times what the message itself does (benchmarks: receiving), and a queue
would only hide how far behind the program is: what is not read stays with the kernel, whose window closes, and its
age is seen in the venue's own timestamps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.http11 import Response

from kraken_tui.feed.connection.handshake import RefusalByStatus

__all__ = ["OnMessage", "PushConnection"]

OnMessage = Callable[[bytes], None]
"""Takes the bytes of a whole message; it must not raise."""

_DATA = frozenset({Opcode.TEXT, Opcode.BINARY, Opcode.CONT})

CRUMB = 64
"""Bytes below which a read that ends no message is a crumb."""
CRUMBS = 4
"""Crumbs in a row after which the next bytes are left to gather."""
GATHER_S = 0.002
"""How long they gather: less than anybody sees, and a few messages a read instead of a few bytes."""


class PushConnection(RefusalByStatus):
    """Use `receiver` to make one; `recv` then waits for the end of the connection and raises what it was."""

    _on_message: OnMessage
    _parts: bytearray
    _whole = False
    _crumbs = 0

    def data_received(self, data: bytes) -> None:
        """Called by the loop for every read.

        A path that cuts the stream into a few bytes at a time would wake the program for each of them: then reading
        rests for a moment after some, and the kernel gathers meanwhile (RELIABILITY.md F15).
        """
        self._whole = False
        super().data_received(data)
        if self._whole or len(data) >= CRUMB:
            self._crumbs = 0
            return
        self._crumbs += 1
        if self._crumbs >= CRUMBS and not self.transport.is_closing():
            self.transport.pause_reading()
            self.loop.call_later(GATHER_S, self._go_on)

    def _go_on(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def process_event(self, event: Frame | Response | Any) -> None:
        """Called by the library for every frame, in order; the sizes of messages are checked by then."""
        if not isinstance(event, Frame) or event.opcode not in _DATA:
            super().process_event(event)
        elif event.fin and not self._parts:
            self._whole = True
            self._on_message(bytes(event.data))
        else:
            # Joined as they come: the library counts bytes, and a list of endless empty parts would not be any.
            self._parts += event.data
            if event.fin:
                self._whole = True
                whole = bytes(self._parts)
                self._parts.clear()
                self._on_message(whole)


def receiver(on_message: OnMessage) -> Callable[..., PushConnection]:
    """A factory of connections that give their messages to `on_message`, from the first on."""

    def make(*args: Any, **options: Any) -> PushConnection:
        connection = PushConnection(*args, **options)
        connection._on_message = on_message
        connection._parts = bytearray()
        return connection

    return make
