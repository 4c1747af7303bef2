"""Messages as they come off the socket: cheap to read even from tiny TCP reads."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from kraken_tui.feed.connection.push_connection import (
    GATHER_S,
    MAX_TINY_READS,
    TINY_READ_BYTES,
    PushConnection,
    receiver,
)


class Loop:
    """A loop that only keeps what it was asked to call later."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Any]] = []

    def call_later(self, delay: float, callback: Any) -> None:
        self.calls.append((delay, callback))


async def connection() -> tuple[PushConnection, list[bytes], Loop]:
    """An open connection on a transport of nothing, and the messages it gives."""
    messages: list[bytes] = []
    protocol = ClientProtocol(parse_uri("ws://127.0.0.1/v2"), state=State.OPEN)
    made = receiver(messages.append)(protocol)
    transport = Mock(is_closing=Mock(return_value=False), get_extra_info=Mock(return_value=None))
    made.connection_made(transport)
    loop = Loop()
    made.loop = loop  # type: ignore[assignment]
    return made, messages, loop


def framed(text: bytes) -> bytes:
    """A message as a server sends it."""
    return Frame(Opcode.TEXT, text).serialize(mask=False)


async def test_f15_tiny_reads_are_batched() -> None:
    made, messages, loop = await connection()
    stream = framed(b"x" * 400)
    for at in range(MAX_TINY_READS - 1):
        made.data_received(stream[at : at + 1])
    assert not made.transport.pause_reading.called, "a few short reads are nothing"
    made.data_received(stream[MAX_TINY_READS - 1 : MAX_TINY_READS])
    assert made.transport.pause_reading.call_count == 1
    assert [delay for delay, _ in loop.calls] == [GATHER_S]
    assert not made.transport.resume_reading.called
    loop.calls[0][1]()
    assert made.transport.resume_reading.call_count == 1
    made.data_received(stream[MAX_TINY_READS:])
    assert messages == [b"x" * 400]


async def test_short_messages_are_not_tiny_reads() -> None:
    made, messages, loop = await connection()
    for _ in range(3 * MAX_TINY_READS):
        made.data_received(framed(b'{"channel":"heartbeat"}'))
    assert len(messages) == 3 * MAX_TINY_READS
    assert not loop.calls


async def test_long_reads_of_a_long_message_are_not_tiny_reads() -> None:
    made, messages, loop = await connection()
    stream = framed(b"y" * (3 * MAX_TINY_READS * TINY_READ_BYTES))
    for at in range(0, len(stream), TINY_READ_BYTES):
        made.data_received(stream[at : at + TINY_READ_BYTES])
    assert len(messages) == 1
    assert not loop.calls


async def test_a_connection_that_closes_is_not_touched_any_more() -> None:
    made, _, loop = await connection()
    for _ in range(MAX_TINY_READS):
        made.data_received(b"")
    made.transport.is_closing.return_value = True
    for _, callback in loop.calls:
        callback()
    made.data_received(b"")
    assert made.transport.pause_reading.call_count == 1
    assert not made.transport.resume_reading.called
