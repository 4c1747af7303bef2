"""Opening and closing a WebSocket: the one place where the options of a connection are set."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from kraken_tui._version import __version__
from kraken_tui.settings.address import proxy_is_readable
from kraken_tui.wire.decode import MAX_FRAME

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from kraken_tui.feed.connection.push_connection import OnMessage

CLOSE_LIMIT_S = 1.0
"""Longest wait for the closing handshake of a mute peer; the library would wait ten seconds."""

READ_AHEAD = (512, 128)
"""Frames that wait for `recv`: the library stops reading the socket at the first and goes on at the second."""


async def open_socket(
    url: str, proxy: str | None, open_s: float, on_message: OnMessage | None = None
) -> ClientConnection:
    """Dial.

    Args:
        url: Checked address.
        proxy: Address of the proxy, or None.
        open_s: Longest wait for the handshake, seconds.
        on_message: Takes every message as it is read, perhaps before this returns; without it they wait for `recv`.

    Raises:
        Exception: Whatever the network or the library makes of a failure; see `failures.explain`.
    """
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidProxy

    from kraken_tui.feed.connection.handshake import RefusalByStatus

    if proxy is not None and not proxy_is_readable(proxy):
        # The library would repeat parts of it, which may be a password.
        raise InvalidProxy("", "write it as http://user:password@host:port, special characters as %40 and the like")

    class Connect(connect):
        """Follows no redirect: it would lead to a host the user did not name (RELIABILITY.md F16)."""

        def process_redirect(self, exc: Exception) -> Exception:
            return exc

    factory: Callable[..., ClientConnection] = RefusalByStatus
    if on_message is not None:
        from kraken_tui.feed.connection.push_connection import receiver

        factory = receiver(on_message)
    # Certificates are always verified: no option, variable or caller can reach the TLS settings.
    return await Connect(
        url,
        max_size=MAX_FRAME,
        max_queue=READ_AHEAD,
        open_timeout=open_s,
        close_timeout=CLOSE_LIMIT_S,
        # A pong proves the proxy alive, not the feed; the session watches the frames instead.
        ping_interval=None,
        compression=None,
        create_connection=factory,  # type: ignore[arg-type]  # any callable that makes one will do
        proxy=proxy,
        user_agent_header=f"kraken-tui/{__version__}",
    )


async def close_socket(socket: ClientConnection, code: int = 1000, reason: str = "") -> None:
    """Close politely, but never wait long for a mute peer."""
    try:
        with contextlib.suppress(Exception):
            text = reason.encode("ascii", "replace")[:100].decode("ascii")
            await asyncio.wait_for(socket.close(code, text), CLOSE_LIMIT_S)
    finally:
        # Also where this task is cancelled meanwhile: the socket must not outlive it.
        socket.transport.abort()
