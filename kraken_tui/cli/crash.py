"""Internal errors: one sentence for the user, and a report in a file."""

from __future__ import annotations

import os
import sys
import time
import traceback
from pathlib import Path

from kraken_tui._version import __version__
from kraken_tui.files import make_folder, open_private, user_folder
from kraken_tui.secret import redact
from kraken_tui.text import clean_text

MAX_REPORTS_BYTES = 1024 * 1024
"""A larger file of reports is started over."""


def report(error: BaseException, log_file: Path | None = None) -> str:
    """Write the report of an unexpected error, and say where it is.

    Args:
        error: What was raised.
        log_file: The log the user asked for; None writes to the user's log folder.

    Returns:
        One sentence for standard error.
    """
    # Before the text is cut into lines, each of which could hold a part of a secret.
    lines = redact("".join(traceback.format_exception(error))).splitlines()
    # It may hold text of the exchange, and somebody will print this file on a terminal.
    text = "".join(f"{clean_text(line, 1000)}\n" for line in lines)
    if os.environ.get("KRAKEN_TUI_TRACEBACK") == "1" and sys.stderr is not None:
        sys.stderr.write(text)
    name = type(error).__name__
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    try:
        path = log_file if log_file is not None else _default_path()
        _append(path, f"{stamp} kraken-tui {__version__} internal error\n{text}\n", keep=log_file is not None)
    except OSError:
        return f"internal error ({name}), and its report could not be written; KRAKEN_TUI_TRACEBACK=1 prints it"
    return f"internal error ({name}); the report is in {clean_text(path)}"


def _default_path() -> Path:
    return user_folder("log") / "crash.log"


def _append(path: Path, text: str, *, keep: bool) -> None:
    make_folder(path.parent)
    flags = os.O_WRONLY | os.O_APPEND
    if not keep and path.exists() and path.stat().st_size > MAX_REPORTS_BYTES:
        flags |= os.O_TRUNC
    with os.fdopen(open_private(path, flags), "a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
