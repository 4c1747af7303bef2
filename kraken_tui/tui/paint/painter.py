"""Changed cells straight to the terminal, past Textual's compositor, where nothing can lie over the panes.

Textual repaints whole rows, restates every colour and composes all widgets anew for it; ten times a second that costs
more than drawing (docs/PERFORMANCE.md). Panes know which runs of which rows differ, so while only panes are on screen
they are written as they are: cursor, colour changes, text. The panes keep their rows for the compositor, which goes
on painting everything else (first pictures, new sizes, dialogs, toasts), from the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.color import ColorSystem
from textual._ansi_sequences import SYNC_END, SYNC_START

from kraken_tui.tui.draw.themes import PALETTES

if TYPE_CHECKING:
    from kraken_tui.tui.app import KrakenApp
    from kraken_tui.tui.paint.pane import Line, Pane

_RESET = "\x1b[0m"
_PIECE = 8192
"""Characters handed over at a time; more at once confuse Python's console output on Windows."""


class Painter:
    """Collects the changed rows of one tick and writes them at its end.

    Args:
        app: Whose screen it is.

    Attributes:
        frames: Frames written this way.
    """

    def __init__(self, app: KrakenApp) -> None:
        self._app = app
        self._parts: list[str] | None = None
        self._style = ""
        self._at = (-1, -1)
        self._system: ColorSystem | None = None
        self._palette = ""
        self.frames = 0

    @contextmanager
    def frame(self) -> Iterator[None]:
        """Rows that panes offer within this context are written at its end, if nothing can lie over them."""
        write = self._terminal()
        if write is None:
            yield
            return
        self._parts = []
        self._style, self._at = "", (-1, -1)
        self._system, self._palette = self._app.console._color_system, self._app.palette_name
        try:
            yield
        finally:
            parts, self._parts = self._parts, None
            if parts:
                self.frames += 1
                text = "".join(parts) + _RESET
                if self._app._sync_available:
                    text = f"{SYNC_START}{text}{SYNC_END}"
                for start in range(0, len(text), _PIECE):
                    write(text[start : start + _PIECE])

    def _terminal(self) -> Callable[[str], None] | None:
        """Where to write; None while the compositor must paint."""
        app, driver = self._app, self._app._driver
        if not app._running or app._exit or app.is_headless or driver is None or app._batch_count or app.no_color:
            return None
        return driver.write if self._uncovered() else None

    def _uncovered(self) -> bool:
        """Whether the panes are all that is on screen, in the places they were composed for."""
        app, main = self._app, self._app.main
        if app.screen is not main or main._layout_required or not main.is_mounted:
            return False
        ours = main.painted
        return all(
            widget in ours or not region.area for widget, (region, _) in main._compositor.visible_widgets.items()
        )

    def rows(self, pane: Pane, old: list[Line], new: list[Line], changed: Iterable[int]) -> bool:
        """Paint rows of a pane.

        Args:
            pane: Where; its place is asked of the compositor.
            old: What is on screen.
            new: What is to be there.
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
            parts.append(text)
            # A cursor in the last column may stay there or wrap: its place is not counted on.
            end = x + column + len(text)
            self._at = (y, end) if end < self._app.size.width else (-1, -1)


def _placed(line: Line, width: int) -> Iterator[tuple[int, tuple[str, str]]]:
    """Runs with their columns, cut and padded to `width` cells as rows are."""
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
    """The sequence from one style to another; only what differs is said. "" before means nothing is known."""
    attributes, colours = _codes(key, palette, system)
    if before:
        old_attributes, old_colours = _codes(before, palette, system)
        if attributes == old_attributes:
            said = [code for old, code in zip(old_colours, colours, strict=True) if code != old]
            return f"\x1b[{';'.join(said)}m" if said else ""
    return f"\x1b[{';'.join(('0', *attributes, *filter(None, colours)))}m"


@lru_cache(maxsize=1024)
def _codes(key: str, palette: str, system: ColorSystem | None) -> tuple[tuple[str, ...], tuple[str, str]]:
    """(attributes, (foreground, background)) of a style key as numbers of the SGR sequence (ECMA-48, 8.3.117)."""
    style = PALETTES[palette].style(key)
    attributes = tuple(code for code, wanted in (("1", style.bold), ("7", style.reverse)) if wanted)
    colours = ["", ""]
    for place, colour in enumerate((style.color, style.bgcolor)):
        if colour is not None:
            shown = colour.downgrade(system or ColorSystem.TRUECOLOR)
            colours[place] = ";".join(shown.get_ansi_codes(foreground=place == 0))
    return attributes, (colours[0], colours[1])
