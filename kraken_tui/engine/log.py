"""The program's own log: a bounded ring for the screen, and a rotating file on request.

The file is written by a thread of its own. When its disk is too slow, the oldest waiting lines are kept, later ones
are left out of the file, and a line in it says how many.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections import deque
from collections.abc import Sequence
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from kraken_tui.errors import ConfigurationError
from kraken_tui.files import open_private
from kraken_tui.hand_over import HandOver
from kraken_tui.market.views import LogLine
from kraken_tui.text import clean_text
from kraken_tui.wire.timestamps import format_timestamp
from kraken_tui.words import counted

KEPT_LINES = 500
CLOSE_S = 0.2
"""Longest the end of the engine waits for the file."""

_WAITING_LINES = 5000
_ROOM = 2_000_000
_EVERY_S = 0.1
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class _PrivateFile(RotatingFileHandler):
    """A log only its owner can read, made so from the beginning; a symbolic link in its place is not followed.

    Attributes:
        problem: "" or why a line could not be written.
    """

    problem = ""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's own
        """Keep the error; logging would print a traceback over the screen."""
        error = sys.exc_info()[1]
        self.problem = str(getattr(error, "strerror", None) or error)

    def _open(self) -> TextIOWrapper:
        descriptor = open_private(Path(self.baseFilename), os.O_WRONLY | os.O_APPEND)
        return open(descriptor, "a", encoding=self.encoding)  # noqa: PTH123


class EventLog:
    """Collects log lines; all text is cleaned here.

    Args:
        path: File that lines are also appended to, or None.

    Raises:
        ConfigurationError: The file cannot be opened for appending.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._lines: deque[LogLine] = deque(maxlen=KEPT_LINES)
        self._handler: _PrivateFile | None = None
        self._file: HandOver[tuple[int, str]] | None = None
        self._file_problem = ""
        self.changes = 0
        if path is not None:
            try:
                self._handler = _PrivateFile(path, maxBytes=5_000_000, backupCount=3, encoding="utf-8")
            except OSError as error:
                raise ConfigurationError(f"log_file cannot be written: {error.strerror}") from None
            self._handler.setFormatter(logging.Formatter("%(message)s"))
            self._file = HandOver(
                "kraken-tui-log",
                self._write,
                items=_WAITING_LINES,
                room=_ROOM,
                every_s=_EVERY_S,
                enough=_ROOM // 4,
                finish=self._close_file,
            )

    def add(self, ns: int, level: str, text: object) -> None:
        """Append a line.

        Args:
            ns: Wall time.
            level: "info", "warning" or "error".
            text: Anything; cleaned and cut to 500 characters.
        """
        line = LogLine(ns, level if level in _LEVELS else "info", clean_text(text, 500))
        self._lines.append(line)
        self.changes += 1
        self.poll(ns)
        if self._file is not None:
            if left_out := self._file.resume():
                self._put(ns, "warning", f"{counted(left_out, 'line')} missing here: the disk was too slow")
            self._put(ns, line.level, line.text)

    def _put(self, ns: int, level: str, text: str) -> None:
        if self._file is not None:
            message = f"{format_timestamp(ns, 3)} {level:<7} {text}"
            self._file.put((_LEVELS[level], message), len(message))

    def poll(self, ns: int) -> None:
        """Say once, on the screen, that the file takes no more lines; call this now and then.

        Args:
            ns: Wall time.
        """
        if self._file_problem and self._file is not None:
            self._file.close()
            self._file = None
            self._lines.append(LogLine(ns, "error", f"the log file takes no more lines: {self._file_problem}"))
            self.changes += 1

    @property
    def lines(self) -> tuple[LogLine, ...]:
        """Newest last."""
        return tuple(self._lines)

    def close(self, ns: int = 0) -> bool:
        """Close the file, if any, within `CLOSE_S`.

        Args:
            ns: Wall time, for a last line.

        Returns:
            Whether everything is in it, as far as is known.
        """
        if self._file is None:
            return True
        done = self._file.close(CLOSE_S)
        if not self._file.counts.accepted:
            # Its thread, which would do this, was never needed.
            self._close_file()
        self.poll(ns)
        return done

    # -- in the file's thread -------------------------------------------------------------------------------------

    def _write(self, batch: Sequence[tuple[int, str]]) -> int:
        handler = self._handler
        failed = 0
        for level, message in batch:
            if handler is not None and not handler.problem:
                handler.emit(logging.LogRecord("kraken_tui", level, "", 0, message, None, None))
            failed += handler is None or bool(handler.problem)
        if handler is not None and handler.problem:
            self._file_problem = handler.problem
        return failed

    def _close_file(self) -> None:
        handler, self._handler = self._handler, None
        if handler is not None:
            # Lines that a full disk refused are still buffered and are tried once more.
            with contextlib.suppress(OSError):
                handler.close()
