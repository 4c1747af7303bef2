"""Runs a site and its feed until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable

from aiohttp import web

from kraken_tui.errors import OutputFailed
from kraken_tui.settings import Settings
from kraken_tui.text import clean_text
from kraken_tui.web.guard import Guard
from kraken_tui.web.hand_over import pack
from kraken_tui.web.serving import Serving
from kraken_tui.web.site import Site

_POLL_S = 0.05
_SHUTDOWN_S = 0.2


async def serve(
    settings: Settings,
    serving: Serving,
    *,
    stopping: Callable[[], bool],
    ready: Callable[[str], None],
    tell: Callable[[str], None],
) -> None:
    """Serve until told to stop.

    Args:
        settings: What is shown.
        serving: How.
        stopping: Whether to stop; asked all the time.
        ready: Takes the address to open, once it answers.
        tell: Takes sentences for whoever runs the server.

    Raises:
        OutputFailed: The address cannot be listened on.
    """
    listening = _listen(serving.host, serving.port)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(listening.close)
        relay = None
        check: Callable[[], None] = lambda: None  # noqa: E731
        if settings.replay is None and not settings.kafka:
            from kraken_tui.web.upstream import Upstream

            upstream = Upstream(settings, tell)
            relay = await stack.enter_async_context(upstream.running())
            check = upstream.check
        guard = Guard(serving.host, listening.getsockname()[1], serving.public, serving.token)
        site = Site(guard, serving.visitors, pack(settings, relay), tell)
        runner = web.AppRunner(site.application(), handle_signals=False, access_log=None, shutdown_timeout=_SHUTDOWN_S)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        stack.push_async_callback(site.close)
        ready(guard.url)
        while not stopping():
            check()
            await asyncio.sleep(_POLL_S)


def _listen(host: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Pictures that wait in the system's buffers are old when they are shown; see `visit`.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        made.bind((host, port))
        made.listen(64)
    except OSError as error:
        made.close()
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if error.errno == errno.EADDRINUSE:
            why = "another program does; choose another port"
        else:
            why = f"{clean_text(error.strerror)}; choose another address"
        raise OutputFailed(f"cannot listen on {place}: {why} with --listen") from None
    made.setblocking(False)
    return made
