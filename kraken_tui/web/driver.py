"""Textual's driver for a browser, with three things it lacks: it ends when its server does, it ends when nobody takes
what it writes, and it tells how long it waited for that, so that pictures come less often on a slow line."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from textual import messages
from textual.app import App
from textual.drivers.web_driver import WebDriver

_HARD_EXIT_S = 1.9


class VisitDriver(WebDriver):
    """See `WebDriver`.

    Attributes:
        waited_s: Seconds that drawing has waited for what was written to be taken.
    """

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self.waited_s = 0.0
        self._write: Any = self._write_all

    def _write_all(self, data: bytes) -> None:
        begin = time.monotonic()
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self.fileno, rest) :]
        except OSError:
            self._gone()
        self.waited_s += time.monotonic() - begin

    def run_input_thread(self) -> None:
        """Read until the server closes its end."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._gone()

    def _gone(self) -> None:
        """The server has gone; the process ends, whatever state it is in."""
        if not self.exit_event.is_set():
            self.exit_event.set()
            insist()
            self._app.post_message(messages.ExitApp())


def insist() -> None:
    """End the process in a moment, should its orderly end take too long."""

    def wait() -> None:
        time.sleep(_HARD_EXIT_S)
        os._exit(1)

    threading.Thread(target=wait, name="hard-exit", daemon=True).start()
