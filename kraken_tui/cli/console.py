"""What the commands write to standard output and standard error, and their exit codes."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from kraken_tui.errors import OutputFailed

DONE, FAILED, WRONG_USE, INTERNAL_ERROR, SIGNALLED = 0, 1, 2, 70, 128
"""Exit codes; 128 + n means: ended by signal n."""


class Interrupted(Exception):
    """A signal ended the command.

    Attributes:
        number: The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def need_stdout() -> None:
    """Check that there is a standard output.

    Raises:
        ConfigurationError: It is closed.
    """
    from kraken_tui.errors import ConfigurationError

    if sys.stdout is None or sys.stdout.closed:
        raise ConfigurationError("standard output is closed")


def print_out(text: str) -> None:
    """Write to standard output, all of it and now.

    Raises:
        OutputFailed: It cannot be written, as on a full disk.
        BrokenPipeError: Its reader has closed the pipe.
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


def print_bytes(data: bytes) -> None:
    """Write to standard output as it is, all of it and now.

    Raises:
        OutputFailed: It cannot be written, as on a full disk.
        BrokenPipeError: Its reader has closed the pipe.
    """
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputFailed(f"cannot write to standard output: {error.strerror}") from None


class Bar:
    """One line on standard error that is written over and over, where that is a terminal.

    Attributes:
        visible: Whether it is.
    """

    def __init__(self) -> None:
        self.visible = sys.stderr is not None and sys.stderr.isatty()
        self._shown = False

    def show(self, line: str) -> None:
        """Write the line, cut to the terminal's width."""
        from shutil import get_terminal_size

        from kraken_tui.text import clean_text

        self._shown = True
        self._write(f"\r\x1b[K{clean_text(line, max(1, get_terminal_size().columns - 1))}")

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        if not self.visible:
            return
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, ValueError):
            # Nobody is looking.
            self.visible = False


def end_question() -> None:
    """Begin a new line on standard error, where the cursor stands behind a question that was not answered."""
    with suppress(OSError, ValueError):
        print(file=sys.stderr)


def complain(sentence: str) -> None:
    """Write one line to standard error; any text is safe, and a closed standard error is ignored."""
    from kraken_tui.text import clean_text

    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"kraken-tui: {clean_text(sentence, 1000)}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        # Nobody is listening; the exit code still tells.
        return


def discard_stdout() -> None:
    """Drop pending output, without an error at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        # Not a real file: nothing will be flushed at exit either.
        return
    finally:
        os.close(null)
