"""P8: where the network cuts or joins its chunks changes nothing of what the feed hears."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from hashlib import sha1

from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from kraken_tui.feed.connection.push_connection import receiver

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MESSAGES = st.lists(st.binary(max_size=40) | st.just(b"x" * 70_000), max_size=6)


class Wire(asyncio.Transport):
    """A transport of which only the reading end matters."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Sent, and lost."""

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default

    def is_closing(self) -> bool:
        return False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is buffered."""

    def pause_reading(self) -> None:
        """Tiny reads are batched (tests/feed/connection/test_push_connection.py); the next chunk still comes here."""

    resume_reading = pause_reading

    def close(self) -> None:
        """Nothing to close."""

    abort = close


def stream_of(messages: list[bytes], splits: list[int], pings: bool, key: str) -> bytes:
    """What a server sends: the handshake's answer, then every message in one frame or several, pings between."""
    accept = b64encode(sha1(key.encode() + MAGIC).digest()).decode()
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    data = "\r\n".join([*lines, f"Sec-WebSocket-Accept: {accept}", "", ""]).encode()
    for index, message in enumerate(messages):
        parts = splits[index % len(splits)] if splits else 1
        size = max(1, -(-len(message) // parts))
        pieces = [message[at : at + size] for at in range(0, max(1, len(message)), size)]
        for at, piece in enumerate(pieces):
            opcode = Opcode.CONT if at else Opcode.BINARY
            data += Frame(opcode, piece, fin=at == len(pieces) - 1).serialize(mask=False)
            if pings:
                data += Frame(Opcode.PING, b"p").serialize(mask=False)
    return data


async def heard(messages: list[bytes], splits: list[int], pings: bool, cuts: list[float]) -> list[bytes]:
    """What the feed is given of a stream that arrives in these pieces."""
    found: list[bytes] = []
    protocol = ClientProtocol(parse_uri("ws://127.0.0.1/v2"), max_size=2**23)
    connection = receiver(found.append)(protocol, ping_interval=None, close_timeout=0.1, max_queue=(512, 128))
    connection.connection_made(Wire())
    request = protocol.connect()
    protocol.send_request(request)
    data = stream_of(messages, splits, pings, request.headers["Sec-WebSocket-Key"])
    marks = sorted(round(cut * len(data)) for cut in cuts)
    for start, end in zip([0, *marks], [*marks, len(data)], strict=True):
        if end > start:
            connection.data_received(data[start:end])
    connection.connection_lost(None)
    return found


@settings(max_examples=100)
@given(MESSAGES, st.lists(st.integers(1, 4), max_size=4), st.booleans(), st.lists(st.floats(0, 1), max_size=30))
def test_p8_where_the_network_cuts_its_chunks_changes_nothing(
    messages: list[bytes], splits: list[int], pings: bool, cuts: list[float]
) -> None:
    assert asyncio.run(heard(messages, splits, pings, cuts)) == messages


def test_p8_one_byte_at_a_time() -> None:
    messages = [b"", b"{}", b"x" * 300, b"y" * 5]
    assert asyncio.run(heard(messages, [3, 1], True, [at / 700 for at in range(700)])) == messages
