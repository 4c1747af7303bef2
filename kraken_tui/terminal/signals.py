"""Whether the screen can run here, and how signals end a command without one."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from types import FrameType
from typing import IO, Any

SIGNALLED = 128
"""Exit code 128 + n means: ended by signal n."""

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK")
"""The last is Ctrl-Break, which Windows has instead of the two before it."""


def ending_signals() -> tuple[int, ...]:
    """The signals that ask this process to end.

    Not those it was started without: SIGHUP to outlive its terminal (nohup), SIGINT and SIGQUIT in the background of a
    script, whose Ctrl-C is not meant for it.
    """
    numbers = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]
    return tuple(
        number
        for number in numbers
        if getattr(number, "name", "") == "SIGTERM" or signal.getsignal(number) is not signal.SIG_IGN
    )


def obstacle(stdin: IO[str] | None, stdout: IO[str] | None, env: Mapping[str, str]) -> str:
    """Say why the screen cannot run here, as a clause; "" if it can."""
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
    """Records the first ending signal for a loop that polls `number`; a second one ends the process at once.

    Use it as a context manager in the main thread; it restores the previous handlers.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        for number in ending_signals():
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
