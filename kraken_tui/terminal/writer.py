"""Output to the terminal: a writer that never blocks its caller for long, and the sequences that leave the terminal.

Imports nothing of Textual: an exiting process uses this too.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable

BACKLOG_BYTES = 32 * 1024
"""Unwritten bytes above which a write waits for the terminal: a second over a slow ssh link."""

STALLED_S = 0.3
"""A terminal that takes nothing for this long counts as stalled."""

WAIT_S = 1.0
"""Longest that one write waits."""

_PIECE = 4096

_MODES = (1000, 1002, 1003, 1006, 1015, 1016, 1004, 2004, 2048, 2026)
BELOW = "\x1b[0m\x1b[999;1H\r\n"
"""Puts the cursor below the picture, for a terminal without an alternate screen, which keeps the picture; any other
goes back to where the cursor was."""

LEAVE = (
    "\x18\x1b\\" + "".join(f"\x1b[?{mode}l" for mode in _MODES) + f"\x1b[?7h\x1b[<u{BELOW}\x1b[?1049l\x1b[?25h\x1b[0m"
)
"""Leaves the screen from any state: cancels what was cut off, then mouse, focus, paste, resize reports and
synchronised output off, line wrap on, keyboard mode back (before the alternate screen goes, which has its own),
below the picture, main screen, cursor on, colours off."""


class TerminalWriter:
    """Writes to a terminal from its own thread.

    A terminal that is slow makes `write` wait, so that its caller draws less often. Where one takes nothing at all
    (an unread tmux, a link that hangs) it gives up: that text and all after it are dropped until the terminal has
    caught up, and then `drained` is called, for a whole new picture.

    Args:
        fd: The terminal; kept as an attribute.
        encoding: How text is encoded.
        gone: Called once, from the thread, when the terminal can no longer be written.
        drained: Called from the thread when a stalled terminal has caught up.
    """

    def __init__(self, fd: int, encoding: str, gone: Callable[[], None], drained: Callable[[], None]) -> None:
        self.fd = fd
        self._encoding = encoding
        self._gone = gone
        self._drained = drained
        # Reentrant: a signal handler that writes may interrupt a write.
        self._changed = threading.Condition(threading.RLock())
        self._parts: deque[bytes] = deque()
        self._backlog = 0
        self._behind = self._closing = self._dead = False
        self.dropped = 0
        self.waited_s = 0.0
        """Seconds that callers of `write` have waited for the terminal."""
        self._thread = threading.Thread(target=self._run, name="terminal-output", daemon=True)
        self._thread.start()

    @property
    def backlog(self) -> int:
        """Bytes not yet taken by the terminal."""
        return self._backlog

    def write(self, text: str) -> None:
        """Hand over text to write; see the class for what a slow terminal does."""
        data = text.encode(self._encoding, "replace")
        with self._changed:
            if not self._behind and self._backlog > BACKLOG_BYTES and not self._closing:
                self._behind = not self._room()
            if self._behind or self._dead:
                self.dropped += 1
                return
            self._parts.append(data)
            self._backlog += len(data)
            self._changed.notify_all()

    def _room(self) -> bool:
        begin = time.monotonic()
        try:
            while self._backlog > BACKLOG_BYTES and not self._dead:
                before = self._backlog
                self._changed.wait(STALLED_S)
                if self._backlog >= before or time.monotonic() >= begin + WAIT_S:
                    return False
            return True
        finally:
            self.waited_s += time.monotonic() - begin

    def discard(self) -> None:
        """Drop everything not yet begun and stop waiting for the terminal: only the exit sequence is still written."""
        with self._changed:
            self._closing = True
            self._behind = False
            self._backlog -= sum(map(len, self._parts))
            self._parts.clear()

    def finish(self) -> bool:
        """Write the rest and end the thread, in half a second at most.

        Returns:
            Whether all was written; False also where the terminal is gone.
        """
        with self._changed:
            self._closing = True
            self._parts.append(b"")
            self._changed.notify_all()
        self._thread.join(STALLED_S)
        if self._thread.is_alive():
            # The rest of the current write would only refill the room that is made here.
            self._dead = True
            drop_unread(self.fd)
            self._thread.join(0.2)
            return False
        return not self._dead

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._parts:
                    self._changed.wait()
                last = self._closing and not self._parts[-1]
                data = b"".join(self._parts)
                self._parts.clear()
            if not self._put(data):
                if not self._dead:
                    self._dead = True
                    self._gone()
                return
            if last:
                return
            with self._changed:
                caught_up = self._behind and not self._parts
                self._behind = self._behind and not caught_up
            if caught_up:
                self._drained()

    def _put(self, data: bytes) -> bool:
        at = 0
        while at < len(data):
            if self._dead:
                return False
            try:
                count = os.write(self.fd, data[at : at + _PIECE])
            except BlockingIOError:
                # Another program has set the shared terminal to non-blocking.
                _writable(self.fd, STALLED_S)
                continue
            except (OSError, ValueError):
                return False
            at += count
            with self._changed:
                self._backlog -= count
                self._changed.notify_all()
        return True


def _writable(fd: int, limit_s: float) -> bool:
    import select

    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(limit_s * 1000))


def drop_unread(fd: int) -> None:
    """Drop what a terminal was sent and has not read, and let a write that waits for place go on."""
    import termios

    try:
        termios.tcflush(fd, termios.TCOFLUSH)
        # Linux does not wake the waiting write; setting modes does, even the same ones.
        termios.tcsetattr(fd, termios.TCSANOW, termios.tcgetattr(fd))
    except (termios.error, OSError, ValueError):
        # The terminal is gone: it reads nothing more.
        return


def write_urgently(fd: int, text: str) -> bool:
    """Write a few words without ever blocking; what a stalled terminal has not read makes place for them.

    Args:
        fd: The terminal.
        text: ASCII, shorter than any terminal's buffer.

    Returns:
        Whether the terminal took it.
    """
    try:
        # Opened again, because the mode would otherwise be the shell's as well.
        own = os.open(os.ttyname(fd), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except (OSError, ValueError):
        return False
    try:
        if not _writable(own, STALLED_S):
            drop_unread(own)
        data = text.encode("ascii")
        return os.write(own, data) == len(data)
    except OSError:
        return False
    finally:
        os.close(own)
