"""The program's own log: a bounded ring for the screen, and a rotating file on request."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections import deque
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from kraken_tui.errors import ConfigurationError
from kraken_tui.files import open_private
from kraken_tui.market.views import LogLine
from kraken_tui.text import clean_text
from kraken_tui.wire.timestamps import format_timestamp

KEPT_LINES = 500
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
        self.changes = 0
        if path is not None:
            try:
                self._handler = _PrivateFile(path, maxBytes=5_000_000, backupCount=3, encoding="utf-8")
            except OSError as error:
                raise ConfigurationError(f"log_file cannot be written: {error.strerror}") from None
            self._handler.setFormatter(logging.Formatter("%(message)s"))

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
        if self._handler is not None:
            message = f"{format_timestamp(ns, 3)} {line.level:<7} {line.text}"
            self._handler.emit(logging.LogRecord("kraken_tui", _LEVELS[line.level], "", 0, message, None, None))
            if self._handler.problem:
                problem = self._handler.problem
                self.close()
                self.add(ns, "error", f"the log file takes no more lines: {problem}")

    @property
    def lines(self) -> tuple[LogLine, ...]:
        """Newest last."""
        return tuple(self._lines)

    def close(self) -> None:
        """Close the file, if any."""
        handler, self._handler = self._handler, None
        if handler is not None:
            # Lines that a full disk refused are still buffered and are tried once more.
            with contextlib.suppress(OSError):
                handler.close()
