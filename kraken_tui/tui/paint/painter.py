"""Changed cells straight to the terminal, past Textual's compositor, where nothing can lie over the panes.

Textual repaints whole rows, restates every colour and composes all widgets each time; ten times a second that costs
more than drawing (docs/PERFORMANCE.md). Panes know which runs of which rows differ, so while only panes are on screen
these are written as they are: cursor, colour changes, text. The panes keep their rows for the compositor, which goes
on painting everything else (first pictures, new sizes, dialogs, toasts) from the same rows. It paints all where this
version of Textual lacks a private name that the painter needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS
from textual.app import App
from textual.widget import Widget

from kraken_tui.tui.draw.runs import Line, printed
from kraken_tui.tui.paint.styles import styles_of
from kraken_tui.tui.paint.textual_private import PrivateNameMissing, shows_only, takes_synchronised, writer_of
from kraken_tui.tui.program import program_of

_RESET = "\x1b[0m"
# Synchronised output: the terminal shows everything between these at once.
_SYNC_START, _SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
_PIECE = 8192
"""Characters handed over at a time; more at once confuse Python's console output on Windows."""


class Painter:
    """Collects the changed rows of one tick and writes them at its end.

    Args:
        app: Whose screen it is.

    Attributes:
        pictures: Pictures written this way.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._program = program_of(app)
        self._parts: list[str] | None = None
        self._style = ""
        self._at = (-1, -1)
        self._system: ColorSystem | None = None
        self._palette = ""
        self._off = False
        self.pictures = 0

    @contextmanager
    def picture(self) -> Iterator[None]:
        """Rows that panes offer within this context are written at its end, if nothing can lie over them."""
        write = self._terminal()
        if write is None:
            yield
            return
        self._parts = []
        self._style, self._at = "", (-1, -1)
        self._system = COLOR_SYSTEMS.get(self._app.console.color_system or "")
        self._palette = self._program.palette_name
        try:
            yield
        finally:
            parts, self._parts = self._parts, None
            if parts:
                self.pictures += 1
                text = "".join(parts) + _RESET
                if takes_synchronised(self._app):
                    text = f"{_SYNC_START}{text}{_SYNC_END}"
                for start in range(0, len(text), _PIECE):
                    write(text[start : start + _PIECE])

    def _terminal(self) -> Callable[[str], None] | None:
        """Where to write; None while the compositor must paint."""
        app = self._app
        if self._off or not app.is_running or self._program.leaving or app.is_headless or app.no_color:
            return None
        try:
            takes_synchronised(app)
            return writer_of(app) if self._uncovered() else None
        except PrivateNameMissing as missing:
            self._off = True
            self._program.source.note("warning", f"{missing}: the screen is drawn more slowly")
            return None

    def _uncovered(self) -> bool:
        """Whether the panes are all that is on screen, in the places they were composed for."""
        screen, main = self._app.screen, self._program.main
        return screen in main.painted and main.is_mounted and shows_only(screen, main.painted)

    def rows(self, pane: Widget, old: list[Line], new: list[Line], changed: Iterable[int]) -> bool:
        """Paint rows of a pane.

        Args:
            pane: The pane; the compositor knows its place.
            old: What is on screen.
            new: What it is to show.
            changed: Rows that differ.

        Returns:
            Whether they will be painted; otherwise the pane must ask the compositor.
        """
        if self._parts is None:
            return False
        x, top, width, _ = pane.region
        for y in changed:
            self._row(x, top + y, width, old[y], new[y])
        return True

    def _row(self, x: int, y: int, width: int, old: Line, new: Line) -> None:
        parts = self._parts
        assert parts is not None
        before = dict(_placed(old, width))
        for column, run in _placed(new, width):
            if before.get(column) == run:
                continue
            text, key = run
            if self._at != (y, x + column):
                # In the same row only the column is named.
                parts.append(f"\x1b[{x + column + 1}G" if self._at[0] == y else f"\x1b[{y + 1};{x + column + 1}H")
            if key != self._style:
                parts.append(_turn(self._style, key, self._palette, self._system))
                self._style = key
            parts.append(printed(text))
            # A cursor in the last column may stay there or wrap: its place is not counted on.
            end = x + column + len(text)
            self._at = (y, end) if end < self._app.size.width else (-1, -1)


def _placed(line: Line, width: int) -> Iterator[tuple[int, tuple[str, str]]]:
    """Runs with their columns, cut or padded to `width` cells as rows are."""
    column = 0
    for run in line:
        size = len(run[0])
        if not size:
            continue
        if column + size >= width:
            if column < width:
                yield column, (run if column + size == width else (run[0][: width - column], run[1]))
            return
        yield column, run
        column += size
    if column < width:
        yield column, (" " * (width - column), "text")


@lru_cache(maxsize=4096)
def _turn(before: str, key: str, palette: str, system: ColorSystem | None) -> str:
    """The sequence from one style to another, only what differs. A `before` of "" means that the state is unknown."""
    attributes, colours = _codes(key, palette, system)
    if before:
        old_attributes, old_colours = _codes(before, palette, system)
        if attributes == old_attributes:
            changed = [code for old, code in zip(old_colours, colours, strict=True) if code != old]
            return f"\x1b[{';'.join(changed)}m" if changed else ""
    return f"\x1b[{';'.join(('0', *attributes, *filter(None, colours)))}m"


@lru_cache(maxsize=1024)
def _codes(key: str, palette: str, system: ColorSystem | None) -> tuple[tuple[str, ...], tuple[str, str]]:
    """(attributes, (foreground, background)) of a style key as numbers of the SGR sequence (ECMA-48, 8.3.117)."""
    style = styles_of(palette).style(key)
    attributes = tuple(code for code, wanted in (("1", style.bold), ("7", style.reverse)) if wanted)
    colours = ["", ""]
    for place, colour in enumerate((style.color, style.bgcolor)):
        if colour is not None:
            shown = colour.downgrade(system or ColorSystem.TRUECOLOR)
            colours[place] = ";".join(shown.get_ansi_codes(foreground=place == 0))
    return attributes, (colours[0], colours[1])
