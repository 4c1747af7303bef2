"""Opening and closing a WebSocket: the one place where the options of a connection are set."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kraken_tui._version import __version__
from kraken_tui.feed.connection.reach import connect, resolve
from kraken_tui.feed.connection.tls import trusted
from kraken_tui.secret_log import hide_secrets
from kraken_tui.settings.address import proxy_is_readable
from kraken_tui.wire.decode import MAX_FRAME

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from kraken_tui.feed.connection.push_connection import OnMessage

CLOSE_LIMIT_S = 1.0
"""Longest wait for the closing handshake of a silent peer; the library would wait ten seconds."""

_PROXIES = frozenset({"http", "https", "socks4", "socks4a", "socks5", "socks5h"})

READ_AHEAD = (512, 128)
"""Frames waiting for `recv`: the library pauses reading at the first figure and resumes at the second."""


async def open_socket(
    url: str, proxy: str | None, open_s: float, on_message: OnMessage | None = None
) -> ClientConnection:
    """Dial.

    Args:
        url: Checked address.
        proxy: Address of the proxy, or None.
        open_s: Longest wait for all of it, seconds.
        on_message: Takes every message as it is read, perhaps before this returns; without it they wait for `recv`.

    Raises:
        Exception: Whatever the network or the library raises; see `failures.explain`.
    """
    from websockets.asyncio.client import connect as websocket
    from websockets.exceptions import InvalidProxy

    from kraken_tui.feed.connection.handshake import RefusalByStatus

    if proxy is not None and not proxy_is_readable(proxy):
        # The library would repeat parts of it, which may be a password.
        raise InvalidProxy("", "write it as http://user:password@host:port, special characters as %40 and the like")

    class Connect(websocket):
        """Follows no redirect: it would lead to a host the user did not name (RELIABILITY.md F16)."""

        def process_redirect(self, exc: Exception) -> Exception:
            return exc

    factory: Any = RefusalByStatus
    if on_message is not None:
        from kraken_tui.feed.connection.push_connection import receiver

        factory = receiver(on_message)
    async with asyncio.timeout(open_s):
        # Left to itself the library would read the certificate authorities in this thread.
        secure: dict[str, Any] = {"ssl": await trusted()} if urlsplit(url).scheme.lower() == "wss" else {}
        way = await _way(url, proxy)
        try:
            # Certificates are always verified: no option, variable or caller can reach the TLS settings.
            return await Connect(
                url,
                max_size=MAX_FRAME,
                max_queue=READ_AHEAD,
                open_timeout=None,
                close_timeout=CLOSE_LIMIT_S,
                # A pong proves the proxy alive, not the feed; the session watches the frames instead.
                ping_interval=None,
                compression=None,
                create_connection=factory,
                # It logs frames and headers where a program turns that on.
                logger=hide_secrets("websockets.client"),
                user_agent_header=f"kraken-tui/{__version__}",
                **secure,
                **way,
            )
        except BaseException:
            if way.get("sock") is not None:
                way["sock"].close()
            raise


async def _way(url: str, proxy: str | None) -> dict[str, Any]:
    """How the library is to get there: over a socket that is connected, or a proxy whose name is looked up."""
    if proxy is None:
        host, port = _place(url)
        made, _ = await connect(await resolve(host, port))
        return {"proxy": None, "sock": made}
    if urlsplit(proxy).scheme.lower() not in _PROXIES:
        # For the library to refuse.
        return {"proxy": proxy}
    host, port = _place(proxy)
    addresses = await resolve(host, port)
    if len(addresses) > 1:
        # The library connects to a proxy by itself; it is only told which address answers.
        made, chosen = await connect(addresses)
        made.close()
    else:
        [chosen] = addresses
    parts = urlsplit(proxy)
    number = f"[{chosen.where[0]}]" if ":" in chosen.where[0] else chosen.where[0]
    user, at, _ = parts.netloc.rpartition("@")
    way: dict[str, Any] = {"proxy": parts._replace(netloc=f"{user}{at}{number}:{port}").geturl()}
    if parts.scheme.lower() == "https":
        way |= {"proxy_server_hostname": host, "proxy_ssl": await trusted()}
    return way


def _place(address: str) -> tuple[str, int]:
    """Host and port of an address."""
    parts = urlsplit(address)
    return parts.hostname or "", parts.port or (443 if parts.scheme.lower() in ("wss", "https") else 80)


async def close_socket(socket: ClientConnection, code: int = 1000, reason: str = "") -> None:
    """Close properly, but never wait long for a silent peer."""
    try:
        with contextlib.suppress(Exception):
            text = reason.encode("ascii", "replace")[:100].decode("ascii")
            await asyncio.wait_for(socket.close(code, text), CLOSE_LIMIT_S)
    finally:
        # Even if this task is cancelled meanwhile: the socket must not outlive it.
        socket.transport.abort()
