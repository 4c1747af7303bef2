"""The event loop of the engine's thread."""

from __future__ import annotations

import asyncio
import os
from typing import Any

LOOP_VARIABLE = "KRAKEN_TUI_LOOP"
"""Environment variable that names the loop: "asyncio", or "uvloop", which is the default where it is installed."""


def new_event_loop() -> asyncio.AbstractEventLoop:
    """uvloop if it is installed (the extra `fast`), since a wake-up costs more than a frame; otherwise asyncio's."""
    loop: asyncio.AbstractEventLoop | None = None
    if os.environ.get(LOOP_VARIABLE) != "asyncio":
        try:
            import uvloop
        except ImportError:
            pass
        else:
            loop = uvloop.new_event_loop()
    if loop is None:
        loop = asyncio.new_event_loop()
    loop.set_exception_handler(forgive_lost_connections)
    return loop


def forgive_lost_connections(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Exception handler that ignores broken connections nobody awaits.

    An awaited one is reported by its awaiter. The library raises `EOFError` in a callback whenever a proxy hangs up.
    Everything else is handled as usual.
    """
    if not isinstance(context.get("exception"), OSError | EOFError):
        loop.default_exception_handler(context)
