"""Watches the engine's thread from another one: notes in the log when it stops answering, where, and when it is back.

The engine's thread notes nothing for this. Where it stands is read from its stack, so that whatever holds it up is
named, and frames pay nothing for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

from kraken_tui.market.freshness import silence_ns, silence_text
from kraken_tui.market.health import seconds_text
from kraken_tui.units import SECOND

LOOK_S = 0.25
"""Time between two looks."""

_ASLEEP_NS = SECOND
"""A look that comes so late tells that the whole process stood still, not only the engine."""

_STEPS = (
    ("kraken_tui.recording.writer", "writing the recording"),
    ("kraken_tui.recording", "reading the recording"),
    ("kraken_tui.engine.log", "writing the log"),
    ("kraken_tui.engine.private_side", "the private side"),
    ("kraken_tui.engine.single_orders", "single orders"),
    ("kraken_tui.engine.accounts", "the account"),
    ("kraken_tui.feed.rest.private", "asking about the account"),
    ("kraken_tui.feed.private.level3", "applying single orders"),
    ("kraken_tui.feed.private", "applying a frame of the account"),
    ("kraken_tui.feed.connection.budget_file", "writing the dial budget"),
    ("kraken_tui.feed.connection", "the connection"),
    ("kraken_tui.feed.rest", "fetching history"),
    ("kraken_tui.feed", "applying a frame"),
    ("kraken_tui.market", "figures of a market"),
    ("kraken_tui.engine.backfill", "fetching history"),
    ("kraken_tui.engine.listeners", "telling listeners"),
    ("kraken_tui.client", "telling the program"),
    ("kraken_tui.wire", "reading a frame"),
    ("kraken_tui.engine", "publishing"),
)
"""Module, or folder, that the thread is in; the first that fits."""

_SHARED = ("kraken_tui.files", "kraken_tui.text", "kraken_tui.engine.engine", "kraken_tui.engine.loop")
"""Say nothing by themselves: whoever called them is meant, and the thread's own entry comes last."""


def step_of(frame: FrameType | None) -> str:
    """What a thread is in, from its innermost frame; "" where nothing tells."""
    found = ""
    while frame is not None and not found:
        if frame.f_code.co_name == "getaddrinfo":
            return "name resolution"
        module = str(frame.f_globals.get("__name__", ""))
        if not module.startswith(_SHARED):
            found = next((step for name, step in _STEPS if module == name or module.startswith(f"{name}.")), "")
        frame = frame.f_back
    return found


def step_of_thread(ident: int | None) -> str:
    """What a thread is in now; "" where nothing tells."""
    return "" if ident is None else step_of(sys._current_frames().get(ident))


class Watchdog:
    """Decides what is noted. Pure but for the question where the thread stands.

    Args:
        step: Says what the engine's thread is in now.
    """

    def __init__(self, step: Callable[[], str]) -> None:
        self._step = step
        self._looked_ns: int | None = None
        self._since_ns: int | None = None
        self._where = ""
        self._excused_ns = 0

    def look(self, now_ns: int, made_ns: int | None) -> tuple[str, str] | None:
        """Look once; call it every `LOOK_S`.

        Args:
            now_ns: The machine's monotonic clock.
            made_ns: Moment of the newest view.

        Returns:
            (level, line) for the log, or None.
        """
        before, self._looked_ns = self._looked_ns, now_ns
        if before is not None and now_ns - before > _ASLEEP_NS:
            self._excused_ns = now_ns
        if made_ns is None:
            return None
        if self._since_ns is not None:
            if silence_ns(made_ns, now_ns):
                return None
            line = f"engine answers again after {seconds_text(made_ns - self._since_ns)}{self._where}"
            self._since_ns = None
            return "warning", line
        silent = silence_ns(max(made_ns, self._excused_ns), now_ns)
        if not silent:
            return None
        self._since_ns, step = made_ns, self._step()
        self._where = f"; it was in: {step}" if step else ""
        return "error", silence_text(now_ns - made_ns) + (f"; it is in: {step}" if step else "")
