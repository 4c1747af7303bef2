"""How the screen's process ends: always by one orderly exit, with a hard exit as its deadline.

Textual alone leaves raw mode, mouse reports and the alternate screen behind when the process is told to end
(RELIABILITY.md F91). Here every end that a process can notice (a signal, an error in any task or thread, a hang-up)
restores the terminal first and prints afterwards. The guardian covers the ends it cannot notice.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from kraken_tui.terminal.signals import SIGNALLED, ending_signals
from kraken_tui.terminal.writer import LEAVE, write_urgently

if TYPE_CHECKING:
    from textual.app import App

    from kraken_tui.terminal.driver import Keeper
    from kraken_tui.terminal.guardian import Guardian
    from kraken_tui.tui.app import KrakenApp

HUNG_UP = SIGNALLED + 1
"""Exit code if the terminal went away, as after SIGHUP."""

INTERNAL_ERROR = 70

HARD_EXIT_S = 1.9
"""Longest an orderly exit may take, so that quitting takes less than two seconds in every state."""

STOP_S = 1.4
"""The engine's share of that; a silent peer is given one second (RELIABILITY.md F99)."""


def run(app: KrakenApp, *, mouse: bool, guardian: Guardian, note: Callable[[str, str], None]) -> int:
    """Run the screen until it ends, and leave the terminal as it was.

    Args:
        app: The program; its `return_code` is the result unless a signal ended it.
        mouse: Whether to ask the terminal for mouse reports.
        guardian: Already started; it is told when the terminal is taken and released.
        note: Takes a level and a line for the program's log, from any thread.

    Returns:
        The exit code. The process is ended `HARD_EXIT_S` after the exit began.

    Raises:
        Exception: The first unexpected error of a task or thread; the terminal is restored by then.
    """
    ending = _Ending(app, guardian, note)
    if os.name != "nt":
        choose_driver(app, ending, note)
    try:
        with ending:
            asyncio.run(ending.serve(mouse))
    finally:
        ending.restore()
    if ending.error is not None:
        raise ending.error
    return ending.code


def choose_driver(app: App[Any], keeper: Keeper, note: Callable[[str, str], None]) -> None:
    """Give the app our driver; where this Textual does not carry it, Textual's own stays, and the log says so.

    Args:
        app: Not yet running.
        keeper: Told what happens to the terminal.
        note: Takes a level and a line for the program's log.
    """
    try:
        from kraken_tui.terminal.driver import driver_for

        app.driver_class = driver_for(keeper)
    except ImportError as error:
        note("warning", f"terminal: {error}; running on Textual's own driver")


class _Ending:
    """Ends the screen: the first reason decides the exit code, and a second one ends the process at once.

    The screen's driver reports what happens to the terminal (`kraken_tui.terminal.driver.Keeper`).
    """

    def __init__(self, app: KrakenApp, guardian: Guardian, note: Callable[[str, str], None]) -> None:
        self._app = app
        self._guardian = guardian
        self._note = note
        self._loop: asyncio.AbstractEventLoop | None = None
        self._attributes = _attributes()
        self._taken = False
        self._code: int | None = None
        self.error: BaseException | None = None
        self._former_hooks = threading.excepthook, sys.unraisablehook
        self._log = _LoopErrors(self.failed)
        # Started in advance, because a signal handler should not start a thread.
        self._over = threading.Event()
        threading.Thread(target=self._insist, name="hard-exit", daemon=True).start()

    # -- noticing --------------------------------------------------------------------------------------------------

    def __enter__(self) -> _Ending:
        for number in ending_signals():
            signal.signal(number, self._on_signal)
        threading.excepthook = self._on_thread_error
        sys.unraisablehook = self._on_unraisable
        self._log.install()
        return self

    def __exit__(self, *_: object) -> None:
        # The ending signals stay ours until the process exits; stop signals get their default action back.
        for name in ("SIGTSTP", "SIGCONT"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_DFL)
        threading.excepthook, sys.unraisablehook = self._former_hooks
        self._log.remove()

    async def serve(self, mouse: bool) -> None:
        """Run the app, unless the process is already ending."""
        self._loop = asyncio.get_running_loop()
        if self._code is None:
            await self._app.run_async(mouse=mouse)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if self._over.is_set() and (number == signal.SIGINT or self._code == SIGNALLED + number):
            self._leave_at_once(SIGNALLED + number)
        self._end(SIGNALLED + number)

    def _on_thread_error(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            self.failed(arguments.exc_value)

    def _on_unraisable(self, unraisable: sys.UnraisableHookArgs) -> None:
        # Nothing waits for a finaliser's result, so this does not end the program; it is logged.
        name = type(unraisable.exc_value).__name__
        self._note("error", f"ignored in a finaliser: {name}: {unraisable.exc_value}")

    def failed(self, error: BaseException) -> None:
        """End the program because of an error of its own; from any thread."""
        if self.error is None:
            self.error = error
        self._end(INTERNAL_ERROR)

    def _end(self, code: int) -> None:
        if self._over.is_set():
            return
        self._code = code
        self._over.set()
        self._in_loop(lambda: self._app.exit(return_code=code))

    def _in_loop(self, call: Callable[[], object]) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            try:
                loop.call_soon_threadsafe(call)
            except RuntimeError:
                # The loop closed between the check and the call: the process is ending.
                return

    @property
    def code(self) -> int:
        """The exit code."""
        return (self._app.return_code or 0) if self._code is None else self._code

    # -- reports of the driver --------------------------------------------------------------------------------------

    def taken(self, before: Sequence[Any], lflag: int) -> None:
        """See `Keeper`."""
        self._taken = True
        self._guardian.taken(before, lflag)

    def released(self) -> None:
        """See `Keeper`."""
        self._taken = False
        self._guardian.released()

    def redraw(self) -> None:
        """See `Keeper`."""
        self._in_loop(lambda: self._app.call_later(self._app.redraw))

    def leaving(self) -> None:
        """See `Keeper`."""
        self._over.set()

    def gone(self) -> None:
        """See `Keeper`."""
        self._end(HUNG_UP)

    def impatient(self) -> None:
        """See `Keeper`."""
        self._leave_at_once(SIGNALLED + signal.SIGINT)

    # -- restoring -------------------------------------------------------------------------------------------------

    def restore(self) -> None:
        """Restore what the driver has not, without waiting for a stalled terminal; the guardian is the fallback."""
        if self._attributes is None or sys.__stdin__ is None or sys.__stdout__ is None:
            return
        import termios

        try:
            termios.tcsetattr(sys.__stdin__.fileno(), termios.TCSANOW, self._attributes)
        except (termios.error, OSError, ValueError):
            # The terminal is gone, and its modes with it.
            return
        if self._taken and write_urgently(sys.__stdout__.fileno(), LEAVE):
            self.released()

    def _insist(self) -> None:
        self._over.wait()
        time.sleep(HARD_EXIT_S)
        self._leave_at_once(self.code)

    def _leave_at_once(self, code: int) -> None:
        """End the process now, leaving the terminal usable."""
        if self._taken:
            self.restore()
        os._exit(code)


class _LoopErrors(logging.Handler):
    """Catches the errors that asyncio can only log: those of tasks and callbacks that nothing awaits, in any thread."""

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        super().__init__(logging.ERROR)
        self._failed = failed
        self._logger = logging.getLogger("asyncio")

    def install(self) -> None:
        """Start to listen, instead of standard error."""
        self._logger.addHandler(self)
        self._logger.propagate = False

    def remove(self) -> None:
        """Stop listening."""
        self._logger.removeHandler(self)
        self._logger.propagate = True

    def emit(self, record: logging.LogRecord) -> None:
        """Handle one."""
        error = record.exc_info[1] if record.exc_info else None
        # A connection that broke while nothing awaited it is for the feed to handle, not a defect.
        if isinstance(error, Exception) and not isinstance(error, OSError):
            self._failed(error)


def _attributes() -> list[Any] | None:
    """The terminal's modes before the screen takes it; None if there is no terminal."""
    if os.name == "nt" or sys.__stdin__ is None:
        return None
    import termios

    try:
        return termios.tcgetattr(sys.__stdin__.fileno())
    except (termios.error, OSError, ValueError):
        # Not a terminal after all (in tests): there is nothing to restore.
        return None
