"""A refusal by its status line, whatever stands behind it."""

from __future__ import annotations

import asyncio

import pytest
from websockets.exceptions import InvalidStatus

from kraken_tui.feed.connection.sockets import open_socket

ENDLESS = b"Content-Length: 1000000\r\n\r\n<html>"


@pytest.mark.parametrize(
    "header", [b"Location: \x1b]0;x\x07", b"Retry-After: We\x84\xc3 Oct", b"no header at all", b": x"]
)
async def test_a_header_the_library_refuses_does_not_hide_the_status(header: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\nRetry-After: 7\r\n" + header + b"\r\n" + ENDLESS)
        await writer.drain()
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.set()

    left = asyncio.Event()
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(InvalidStatus) as raised:
            await open_socket(f"ws://127.0.0.1:{port}/v2", None, 5.0)
        # The client hangs up; what is still to come is not waited for.
        await asyncio.wait_for(left.wait(), 10)
    assert raised.value.response.status_code == 403
    assert "7" in raised.value.response.headers.get_all("Retry-After")
    assert complaints == []
