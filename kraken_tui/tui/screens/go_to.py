"""The dialog that asks for a moment of a recording."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from kraken_tui.settings.moment import WAYS, read_moment
from kraken_tui.text import clean_text
from kraken_tui.tui.keymap import bindings
from kraken_tui.tui.screens.dialog import Dialog
from kraken_tui.wire.timestamps import format_timestamp

_LONGEST = 40


class GoTo(Dialog[int | None]):
    """Asks for a moment; it is dismissed with ns since the epoch, or None.

    Args:
        begin_ns: Time of the recording's first frame, ns since the epoch.
        length_ns: Its length; None while that is not known.
        close: Name of the key that closes the dialog.
    """

    BINDINGS = bindings("dialog")

    DEFAULT_CSS = """
    GoTo { align: center middle; }
    GoTo > Vertical { width: 58; max-width: 100%; height: auto; max-height: 100%; background: $background;
        border: round $kraken-accent; padding: 0 1; }
    GoTo Input, GoTo Input:focus { border: none; height: 1; padding: 0; background: $panel; }
    GoTo Static { height: auto; color: $kraken-muted; }
    GoTo .problem { color: $kraken-warn; }
    """

    def __init__(self, begin_ns: int, length_ns: int | None, close: str) -> None:
        super().__init__()
        self._begin_ns = begin_ns
        self._end_ns = None if length_ns is None else begin_ns + length_ns
        begin = format_timestamp(begin_ns, 0)
        known = "" if self._end_ns is None else f" to {format_timestamp(self._end_ns, 0)}"
        self._span = f"The recording goes from {begin}{known}."
        self._note = Static(f"{self._span} Enter goes there, {close} closes.", markup=False)

    def compose(self) -> ComposeResult:
        """An input, and below it what the recording holds."""
        with Vertical():
            yield Input(placeholder="14:03:10 or +90 (seconds from the start)", max_length=_LONGEST)
            yield self._note

    @on(Input.Submitted)
    def _enter(self, event: Input.Submitted) -> None:
        moment = read_moment(event.value)
        at = None if moment is None else moment.within(self._begin_ns, self._end_ns)
        if at is not None:
            self.dismiss(at)
            return
        text = f"Write {WAYS}." if moment is None else f"{clean_text(event.value, _LONGEST)} is outside. {self._span}"
        self._note.update(text)
        self._note.add_class("problem")

    def action_close(self) -> None:
        """Close without a moment."""
        self.dismiss(None)
