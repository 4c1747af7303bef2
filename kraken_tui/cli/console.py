"""What the commands write to standard output and standard error."""

from __future__ import annotations

import errno
import os
import stat
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from kraken_tui.engine.engine import Engine


class OutputFailed(Exception):
    """Standard output takes nothing more; the message is one sentence."""


def print_out(text: str) -> None:
    """Write to standard output, all of it and now.

    Raises:
        OutputFailed: It takes nothing more, as on a full disk.
        BrokenPipeError: Its reader has gone.
    """
    try:
        if hasattr(sys.stdout, "reconfigure"):
            # An output that cannot carry the characters shows question marks rather than nothing.
            sys.stdout.reconfigure(errors="replace")
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputFailed(f"cannot write to standard output: {error.strerror}") from None


def complain(sentence: str) -> None:
    """One line on standard error, whatever the sentence holds; silently nothing where that is closed."""
    from kraken_tui.text import clean_text

    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"kraken-tui: {clean_text(sentence, 1000)}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        # Nobody is listening; the exit code still tells.
        return


def tell_recording(engine: Engine) -> None:
    """Complain where a recording stopped before its command ended; the command itself has gone on."""
    recording = engine.feed_view.recording
    if recording is not None and recording.problem:
        complain(recording.problem)


def replace_file(path: Path, text: str) -> None:
    """Write a file whole or not at all, for its owner alone unless one that is there says otherwise.

    Raises:
        OSError: It cannot be written, or is a symbolic link, which somebody else may have put there.
    """
    import tempfile

    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a symbolic link")
    descriptor, name = tempfile.mkstemp(prefix=".kraken-tui-", dir=path.parent)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(text)
        if path.exists():
            os.chmod(name, stat.S_IMODE(path.stat().st_mode))  # noqa: PTH101
        os.replace(name, path)  # noqa: PTH105
    except BaseException:
        os.unlink(name)  # noqa: PTH108
        raise


def discard_stdout() -> None:
    """Let what is still to be written go nowhere, without an error at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        # Not a real file: nothing will be flushed at exit either.
        return
    finally:
        os.close(null)
