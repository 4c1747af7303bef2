"""The event loop of the engine's thread."""

from __future__ import annotations

import asyncio
import os

LOOP_VARIABLE = "KRAKEN_TUI_LOOP"
"""Environment variable that names the loop: "asyncio", or "uvloop", which is the default where it is installed."""


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A uvloop where that is installed (the extra `fast`), since waking up costs more than a frame; else asyncio's."""
    if os.environ.get(LOOP_VARIABLE) != "asyncio":
        try:
            import uvloop
        except ImportError:
            pass
        else:
            loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
            return loop
    return asyncio.new_event_loop()
