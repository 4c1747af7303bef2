"""The program's own log, newest at the bottom. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from kraken_tui.market.views import LogLine
from kraken_tui.tui.draw.format import clock
from kraken_tui.tui.draw.runs import Line, in_cells, title_line
from kraken_tui.words import counted

_LEVELS = {"info": ("·", "muted", "text"), "warning": ("!", "!warn", "warn"), "error": ("✗", "!bad", "bad")}
_HEAD = 11
_MOST_ROWS_A_LINE = 6


def draw_entry(entry: LogLine, width: int) -> list[Line]:
    """One log line as rows: level glyph, UTC time and the text, wrapped under itself."""
    glyph, glyph_key, key = _LEVELS.get(entry.level, _LEVELS["info"])
    text = in_cells(entry.text)
    rows = wrap(text, max(8, width - _HEAD), max_lines=_MOST_ROWS_A_LINE, placeholder=" …") or [""]
    first: Line = ((f"{glyph} ", glyph_key), (f"{clock(entry.ns)} ", "muted"), (rows[0], key))
    return [first, *(((" " * _HEAD, "text"), (row, key)) for row in rows[1:])]


def draw_log(log: Sequence[LogLine], width: int, height: int) -> list[Line]:
    """Draw the newest lines of the log, the newest at the bottom.

    Args:
        log: Oldest first.
        width: Cells.
        height: Rows; the title takes one.
    """
    rows: list[Line] = []
    for entry in reversed(log):
        rows[:0] = draw_entry(entry, width)
        if len(rows) >= height - 1:
            break
    lines = [title_line("Log", counted(len(log), "line"), width)]
    if not log:
        return [*lines, (("Nothing logged yet", "muted"),)]
    return lines + rows[max(0, len(rows) - height + 1) :] if height > 1 else lines
