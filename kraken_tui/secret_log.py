"""Logs of libraries that would show secrets: frames in that of the WebSocket library, tracebacks in that of asyncio."""

from __future__ import annotations

import logging
import traceback

from kraken_tui.secret import redact


class _Hides(logging.Filter):
    """Takes secrets out of a record before any handler sees its text."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), None
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not record.exc_text:
            # What a formatter finds here it does not make again.
            record.exc_text = redact("".join(traceback.format_exception(error))).rstrip("\n")
        return True


_hides = _Hides()


def hide_secrets(name: str) -> logging.Logger:
    """Let a logger show no secrets, whoever listens to it.

    Args:
        name: Of the logger; calling this again changes nothing.
    """
    logger = logging.getLogger(name)
    logger.addFilter(_hides)
    return logger
