"""Textual's driver for POSIX terminals, made to survive what terminals do to programs.

Differences (RELIABILITY.md F71, F91 to F96): the end of input quits, input that is neither UTF-8 nor a key is skipped,
only the newest of many sizes counts, a terminal that is not read delays nothing else, a stop from outside and a
continuation while already running leave the modes right, and all modes that were set are unset.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import termios
import time
from codecs import getincrementaldecoder
from collections.abc import Sequence
from contextlib import suppress
from selectors import EVENT_READ, DefaultSelector
from typing import Any, ClassVar, Protocol

from textual.events import Key, Paste, Resize
from textual.geometry import Size
from textual.message import Message

from kraken_tui.terminal.keypad import as_main_key
from kraken_tui.terminal.paste import Pasted, Pastes
from kraken_tui.terminal.textual_private import LinuxDriver, XTermParser, missing_name
from kraken_tui.terminal.writer import BELOW, LEAVE, TerminalWriter, write_urgently

_TICK_S = 0.1
_CHUNK = 4096
_SETTLE_S = 0.05
_UNANSWERED_S = 0.3

KEYS_A_SECOND, KEYS_AT_ONCE = 100.0, 25.0
"""Keys that come faster than this are not typed but pasted, by a terminal that does not mark pastes. They are ignored:
otherwise each would be obeyed."""

LARGEST = (1000, 400)
"""Columns and rows drawn at most; a terminal that claims more is drawn in its upper left."""

# Modes that Textual sets and does not unset.
_UNSET = "\x1b[?1016l\x1b[?1002l\x1b[?2026l"


class Keeper(Protocol):
    """Who must know what happens to the terminal; all methods may be called from any thread."""

    def taken(self, before: Sequence[Any], lflag: int) -> None:
        """The screen takes the terminal, whose attributes were `before`, and sets the local flags `lflag`."""
        ...

    def released(self) -> None:
        """The terminal is as it was."""
        ...

    def redraw(self) -> None:
        """The terminal no longer shows what was last sent: redraw everything."""
        ...

    def leaving(self) -> None:
        """The screen is closed; the rest of the program should be short."""
        ...

    def gone(self) -> None:
        """The terminal hung up."""
        ...

    def impatient(self) -> None:
        """Ctrl-C came again while the program was already ending, or while it did not answer."""
        ...


class SteadyDriver(LinuxDriver):
    """See the module; `driver_for` makes the class that Textual is given."""

    keeper: ClassVar[Keeper]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Standard error may be a file or closed; standard output is known to be the terminal.
        self._file = sys.__stdout__
        self._output: TerminalWriter | None = None
        self._suspending = False
        self._wake_reading, self._wake_writing = os.pipe()
        os.set_blocking(self._wake_reading, False)
        self._settled: asyncio.TimerHandle | None = None
        self._ctrl_c_at: float | None = None
        self._keys_left, self._keys_counted_at = KEYS_AT_ONCE, 0.0

    # -- output ----------------------------------------------------------------------------------------------------

    def write(self, data: str) -> None:
        """Hand text to the writer; dropped outside application mode."""
        if self._output is not None:
            self._output.write(data)

    @property
    def backlog(self) -> int:
        """Bytes that the terminal has not taken yet."""
        return 0 if self._output is None else self._output.backlog

    @property
    def waited_s(self) -> float:
        """Seconds that drawing has waited for the terminal since it was taken."""
        return 0.0 if self._output is None else self._output.waited_s

    # -- taking and leaving the terminal ---------------------------------------------------------------------------

    def start_application_mode(self) -> None:
        """Take the terminal; in the background nothing happens until the program is brought to the front."""
        try:
            before = termios.tcgetattr(self.fileno)
        except termios.error:
            self.keeper.gone()
            return
        assert self._file is not None
        self.keeper.taken(before, self._patch_lflag(before[3]))
        self._output = TerminalWriter(self._file.fileno(), self._file.encoding, self.keeper.gone, self.keeper.redraw)
        self._writer_thread = None
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._writer_thread is None:
            # Still in the background: the parent class gave up, and tries again when the program is continued.
            self._output.finish()
            self._output = None
            self.keeper.released()
        self._follow_size()

    def _follow_size(self) -> None:
        if self._output is not None:
            signal.signal(signal.SIGWINCH, self._on_resized)

    def _on_resized(self, *_: Any) -> None:
        # The loop reads the size: this handler may be interrupted by the next one, and would tell an older size last.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._tell_size)

    def _tell_size(self) -> None:
        if self._output is not None and not self._in_band_window_resize:
            size = Size(*self._get_terminal_size())
            # Two quick resizes may cancel out for the drawing, but the terminal has lost the cells that did not fit.
            if self._settled is not None:
                self._settled.cancel()
            self._settled = self._loop.call_later(_SETTLE_S, self._settle_size)
            self._app.post_message(Resize(size, size))

    def _settle_size(self) -> None:
        if self._output is not None:
            self.keeper.redraw()

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was, even if it takes no more output."""
        output = self._output
        if output is None:
            return
        if not self._suspending:
            self.keeper.leaving()
        output.discard()
        self.write(_UNSET + BELOW)
        super().stop_application_mode()
        self._output = None
        if output.finish() or write_urgently(output.fd, LEAVE):
            self.keeper.released()

    def disable_input(self) -> None:
        """End the input thread at once, without waiting for its next look."""
        if self._key_thread is not None and self._key_thread.is_alive():
            os.write(self._wake_writing, b"x")
        super().disable_input()

    def suspend_application_mode(self) -> None:
        """Give the terminal back for a while."""
        self._suspending = True
        try:
            super().suspend_application_mode()
        finally:
            self._suspending = False

    def resume_application_mode(self) -> None:
        """Take the terminal again and redraw everything."""
        super().resume_application_mode()
        self.keeper.redraw()

    def _sigtstp_application(self, *_: Any) -> None:
        if self._auto_restart and self._output is not None:
            self.suspend_application_mode()
            self._must_signal_resume = True
        os.kill(os.getpid(), signal.SIGSTOP)

    def _sigcont_application(self, *_: Any) -> None:
        if not self._auto_restart:
            return
        if self._output is not None:
            # Stopped by somebody else (kill -STOP): the shell has set its own modes meanwhile.
            self.suspend_application_mode()
            self.resume_application_mode()
        elif self._must_signal_resume:
            self.resume_application_mode()

    # -- input -----------------------------------------------------------------------------------------------------

    def run_input_thread(self) -> None:
        """Read keys until told to stop or the terminal is gone."""
        keys = Keys(self._debug)
        # What woke an earlier thread that had ended by itself is not meant for this one.
        _read(self._wake_reading)
        with DefaultSelector() as selector:
            selector.register(self.fileno, EVENT_READ)
            selector.register(self._wake_reading, EVENT_READ)
            while not self.exit_event.is_set():
                ready = {key.fd for key, _ in selector.select(_TICK_S)}
                if self._wake_reading in ready:
                    return
                data = None
                if self.fileno in ready:
                    data = _read(self.fileno)
                    if data == b"":
                        self.keeper.gone()
                        return
                self.hear(keys, data)

    def hear(self, keys: Keys, data: bytes | None) -> None:
        """Pass on what these bytes mean; None where only time has passed."""
        for message in keys.feed(data):
            if not isinstance(message, Key) or self._is_typing(message.key):
                self.process_message(message)

    def process_message(self, message: Message) -> None:
        """Pass a message on to the app; a size report must be asked for and make sense."""
        if isinstance(message, Resize):
            # Pasted text may hold one too.
            if not self._in_band_window_resize or not message.size:
                return
            size = _bounded(*message.size)
            message = Resize(size, size, pixel_size=message.pixel_size)
        super().process_message(message)

    def _get_terminal_size(self) -> tuple[int, int]:
        return _bounded(*super()._get_terminal_size())

    def _is_typing(self, key: str) -> bool:
        if key == "ctrl+c":
            self._on_ctrl_c()
            return True
        now = time.monotonic()
        self._keys_left += (now - self._keys_counted_at) * KEYS_A_SECOND
        # Keys passed over count too, so that none is obeyed until the flood is over.
        self._keys_left = max(min(self._keys_left, KEYS_AT_ONCE) - 1, -KEYS_AT_ONCE)
        self._keys_counted_at = now
        return self._keys_left >= 0

    def _on_ctrl_c(self) -> None:
        """A second Ctrl-C while the first is unanswered ends the program at once."""
        now = time.monotonic()
        if getattr(self._app, "leaving", False) or (
            self._ctrl_c_at is not None and now - self._ctrl_c_at > _UNANSWERED_S
        ):
            self.keeper.impatient()
        elif self._ctrl_c_at is None:
            self._ctrl_c_at = now
            self._loop.call_soon_threadsafe(self._answered)

    def _answered(self) -> None:
        self._ctrl_c_at = None


def _bounded(columns: int, rows: int) -> Size:
    return Size(min(columns, LARGEST[0]), min(rows, LARGEST[1]))


def _read(fd: int) -> bytes | None:
    """What waits there; None for nothing, empty when the terminal hung up."""
    try:
        return os.read(fd, _CHUNK)
    except BlockingIOError:
        return None
    except OSError:
        return b""


class Keys:
    """Turns any bytes from the terminal into messages."""

    def __init__(self, debug: bool) -> None:
        self._debug = debug
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._parser = XTermParser(debug)
        self._pastes = Pastes()

    def feed(self, data: bytes | None) -> list[Any]:
        """Messages of the next bytes; None where only time has passed."""
        now = time.monotonic()
        text = None if data is None else self._decode(data).replace("\ufffd", "")
        parts = self._pastes.tick(now) if text is None else self._pastes.feed(text, now)
        messages: list[Any] = []
        try:
            for part in parts:
                if isinstance(part, Pasted):
                    messages.append(Paste(part.replace("\x00", "")))
                elif part:
                    # An empty text would mean the end to the parser. It sees pastes empty: what is in them is no key.
                    messages += (message for message in self._parser.feed(part) if not isinstance(message, Paste))
            messages.extend(self._parser.tick())
            messages = [as_main_key(message) if isinstance(message, Key) else message for message in messages]
        except Exception:
            # An escape sequence that the parser cannot take (a nonsensical resize report): forget it and start over.
            self._parser = XTermParser(self._debug)
        return [message for message in messages if message is not None]


def driver_for(keeper: Keeper) -> type[SteadyDriver]:
    """The driver class that tells `keeper` what happens.

    Raises:
        ImportError: This version of Textual lacks a private name that the driver builds on.
    """
    if name := missing_name():
        raise ImportError(f"Textual has no {name}")
    return type("KeptDriver", (SteadyDriver,), {"keeper": keeper})
