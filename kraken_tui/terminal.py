"""The terminal and the process around the screen: may it run here, and how does it end.

Textual alone leaves raw mode, mouse reports and the alternate screen behind when the process is told to end
(RELIABILITY.md I1); so every ending signal goes through an orderly exit, with a hard one two seconds behind it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Mapping
from types import FrameType
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.app import App

SIGNALLED = 128
"""Exit code 128 + n means: ended by signal n."""

HARD_EXIT_S = 2.5
"""Time an orderly exit gets after a signal; longer than the engine's own stop."""

_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name))
_LEAVE = "".join(f"\x1b[?{mode}l" for mode in (1000, 1002, 1003, 1006, 1015, 1004, 2004, 2026))
_LEAVE += "\x1b[<u\x1b[?1049l\x1b[?25h\x1b[0m"
"""Mouse, focus, paste and synchronised output off, keyboard mode back, main screen, cursor on, colours off."""


def obstacle(stdin: IO[str] | None, stdout: IO[str] | None, env: Mapping[str, str]) -> str:
    """Say why the screen cannot run here, as a clause; "" where it can."""
    for name, stream in (("input", stdin), ("output", stdout)):
        if stream is None or stream.closed or not stream.isatty():
            return f"standard {name} is not one"
    if os.name != "nt":
        term = env.get("TERM", "")
        if not term:
            return "TERM is not set"
        if term == "dumb":
            return "TERM is dumb"
    return ""


class Signals:
    """Notes the first ending signal for a loop that looks at `number`; a second one ends the process at once.

    Use it as a context manager in the main thread; the former handlers come back afterwards.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        for number in _ENDING:
            self._former[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def came(self) -> bool:
        """Whether an ending signal came."""
        return self.number is not None

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if self.number is not None:
            os._exit(SIGNALLED + number)
        self.number = number


def run(app: App[Any], *, mouse: bool) -> int:
    """Run the screen to its end and leave the terminal as it was.

    Args:
        app: The program; its `return_code` is the result unless a signal ended it.
        mouse: Whether to ask the terminal for mouse reports.

    Returns:
        The exit code.
    """
    import asyncio

    former = _Modes()
    received: list[int] = []

    def on_signal(number: int) -> None:
        if received:
            former.leave_at_once(SIGNALLED + number)
        received.append(number)
        guard = threading.Timer(HARD_EXIT_S, former.leave_at_once, (SIGNALLED + number,))
        guard.daemon = True
        guard.start()
        app.exit(return_code=SIGNALLED + number)

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        for number in _ENDING:
            try:
                loop.add_signal_handler(number, on_signal, number)
            except NotImplementedError:
                # Windows: closing the window ends the process, and Ctrl-C is a key.
                break
        await app.run_async(mouse=mouse)

    try:
        asyncio.run(serve())
    finally:
        former.restore()
    if received:
        return SIGNALLED + received[0]
    return app.return_code or 0


class _Modes:
    """The terminal's modes before the screen took it over."""

    def __init__(self) -> None:
        self._attributes: list[Any] | None = None
        if os.name != "nt":
            import termios

            try:
                self._attributes = termios.tcgetattr(sys.stdin.fileno())
            except (termios.error, OSError, ValueError):
                # Not a terminal after all (tests): there is nothing to restore.
                return

    def restore(self) -> None:
        """Bring the modes back; without waiting for output, which a stalled terminal would never take."""
        if self._attributes is None:
            return
        import termios

        try:
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, self._attributes)
        except (termios.error, OSError, ValueError):
            # The terminal is gone, and its modes with it.
            return

    def leave_at_once(self, code: int) -> None:
        """End the process now, with the terminal usable."""
        if self._attributes is not None:
            try:
                os.set_blocking(sys.stdout.fileno(), False)
                os.write(sys.stdout.fileno(), _LEAVE.encode("ascii"))
            except (OSError, ValueError):
                # The terminal is gone or full; the modes below still count.
                self._attributes = list(self._attributes)
        self.restore()
        os._exit(code)
