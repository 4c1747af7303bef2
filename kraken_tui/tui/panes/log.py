"""The program's own log, newest at the bottom, with scrollback that stands still while lines arrive."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from kraken_tui.market.views import LogLine
from kraken_tui.tui.draw.format import clock, to_ascii
from kraken_tui.tui.paint.pane import Frame, Line, Pane, title_line
from kraken_tui.tui.panes.parts import one_cell

_LEVELS = {"info": ("·", "muted", "text"), "warning": ("!", "!warn", "warn"), "error": ("✗", "!bad", "bad")}
_HEAD = 11
_MOST_ROWS_A_LINE = 6


def draw_entry(entry: LogLine, width: int) -> list[Line]:
    """One log line as rows: level glyph, UTC time and the text, wrapped under itself."""
    glyph, glyph_key, key = _LEVELS.get(entry.level, _LEVELS["info"])
    text = one_cell(entry.text)
    rows = wrap(text, max(8, width - _HEAD), max_lines=_MOST_ROWS_A_LINE, placeholder=" …") or [""]
    first: Line = ((f"{glyph} ", glyph_key), (f"{clock(entry.ns)} ", "muted"), (rows[0], key))
    return [first, *(((" " * _HEAD, "text"), (row, key)) for row in rows[1:])]


def draw_log(log: Sequence[LogLine], newer: int, width: int, height: int) -> list[Line]:
    """Draw the log.

    Args:
        log: Oldest first.
        newer: Lines hidden below the last row.
        width: Cells.
        height: Rows; the title takes one.
    """
    note = f"{newer} newer below" if newer else f"{len(log)} lines"
    rows: list[Line] = []
    for entry in reversed(log[: len(log) - newer]):
        rows[:0] = draw_entry(entry, width)
        if len(rows) >= height - 1:
            break
    lines = [title_line("Log", note, width)]
    if not log:
        return [*lines, (("Nothing logged yet", "muted"),)]
    return lines + rows[max(0, len(rows) - height + 1) :] if height > 1 else lines


class LogPane(Pane):
    """The log of the program.

    Attributes:
        scrollback: Log lines hidden below the last row; 0 follows the newest.
    """

    def __init__(self, *, id: str | None = "log", classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.scrollback = 0

    def scroll_log(self, lines: int) -> None:
        """Move the view: positive towards older lines, negative towards newer; stops at both ends."""
        log = self.frame.feed.log if self.frame else ()
        self.scrollback = max(0, min(self.scrollback + lines, len(log) - 1))
        if self.frame is not None:
            super().push(self.frame)

    def push(self, frame: Frame) -> None:
        """Take the newest frame; while scrolled back, hold what is on screen."""
        if self.scrollback and self.frame is not None:
            self.scrollback = max(
                0, min(self.scrollback + _arrived(self.frame.feed.log, frame.feed.log), len(frame.feed.log) - 1)
            )
        super().push(frame)

    def draw(self, frame: Frame, width: int, height: int) -> list[Line]:
        """Draw the log."""
        lines = draw_log(frame.feed.log, min(self.scrollback, max(0, len(frame.feed.log) - 1)), width, height)
        return to_ascii(lines) if frame.ascii_only else lines


def _arrived(before: Sequence[LogLine], after: Sequence[LogLine]) -> int:
    """Lines in `after` that are newer than the last of `before`; the log is bounded, so lengths do not tell."""
    if not before:
        return 0
    for count, entry in enumerate(reversed(after)):
        if entry is before[-1] or entry == before[-1]:
            return count
    return len(after)
