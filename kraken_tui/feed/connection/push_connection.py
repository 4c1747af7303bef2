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

TINY_READ_BYTES = 64
"""A read below this many bytes that completes no message counts as tiny."""
MAX_TINY_READS = 4
"""After this many tiny reads in a row, reading pauses."""
GATHER_S = 0.002
"""How long reading pauses: too short to notice, and the next read gets a few messages instead of a few bytes."""


class PushConnection(RefusalByStatus):
    """Use `receiver` to make one; `recv` then waits for the end of the connection and raises its cause."""

    _on_message: OnMessage
    _parts: bytearray
    _whole = False
    _tiny_reads = 0

    def data_received(self, data: bytes) -> None:
        """Called by the loop for every read.

        Tiny TCP reads would wake the program for every few bytes: after some of them reading pauses for a moment
        while the kernel buffers (RELIABILITY.md F15).
        """
        self._whole = False
        super().data_received(data)
        if self._whole or len(data) >= TINY_READ_BYTES:
            self._tiny_reads = 0
            return
        self._tiny_reads += 1
        if self._tiny_reads >= MAX_TINY_READS and not self.transport.is_closing():
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
    """A factory of connections that pass every message to `on_message`, from the first on."""

    def make(*args: Any, **options: Any) -> PushConnection:
        connection = PushConnection(*args, **options)
        connection._on_message = on_message
        connection._parts = bytearray()
        return connection

    return make
