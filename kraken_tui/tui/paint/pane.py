"""The base of every live pane: pure drawing, row diffs, strips straight to the compositor.

A pane is given a `Picture` at most once a tick. It draws lines, as runs of (text, style key), compares them with what
is on screen and refreshes only the rows that changed. `render_lines` is overridden so that cached strips reach
Textual's compositor untouched (Textual itself diffs nothing); panes therefore have no border or padding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from kraken_tui.settings import Settings
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, dimmed, to_ascii
from kraken_tui.tui.keymap import KeyMap
from kraken_tui.tui.paint.styles import make_strip, styles_of

if TYPE_CHECKING:
    from kraken_tui.tui.paint.painter import Painter


class LivePart(Widget):
    """A widget that the market screen keeps up to date: a pane, or a container of several drawings."""

    @classmethod
    def for_screen(cls, name: str, settings: Settings, keymap: KeyMap) -> Self:
        """Make the part for the market screen.

        Args:
            name: Its name in the table of panes.
            settings: What the user chose.
            keymap: The keys in force.
        """
        return cls(id=name)

    def push(self, picture: Picture) -> None:
        """Take the picture to draw now."""
        raise NotImplementedError

    def recentre(self) -> None:
        """Put the touch back into the middle, where the part shows one."""

    def show_next(self) -> bool:
        """Show the next thing, where the part shows one of several at a time; False after the last."""
        return False

    def travel(self, steps: int, *, page: bool = False) -> bool:
        """Look at later (+) or earlier (-) times, whole screens of them with `page`.

        Returns:
            Whether the part has a time axis of its own.
        """
        return False

    def zoom(self, steps: int) -> bool:
        """Look at less (+) or more (-) time; returns as `travel`."""
        return False

    def follow(self) -> bool:
        """Go back to the newest; returns as `travel`."""
        return False


class Pane(LivePart):
    """A live pane: subclasses say what to draw, this class decides what to repaint.

    Override `draw`. Call `push` with the newest picture; nothing is repainted while the pane is not on screen.
    """

    DEFAULT_CSS = """
    Pane { width: 1fr; height: 1fr; }
    """

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.picture: Picture | None = None
        self._lines: list[Line] = []
        self._strips: list[Strip | None] = []
        self._drawn_for: tuple[int, int, str] = (0, 0, "")
        self.rows_painted = 0

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """Draw the whole pane: at most `height` lines of `width` cells. Pure: no clock, no app, no I/O.

        Box drawing is translated afterwards where the terminal cannot show it.
        """
        raise NotImplementedError

    def push(self, picture: Picture) -> None:
        """Take the newest picture and repaint the rows that differ."""
        self.picture = picture
        if not self.is_attached or not self.display or self.size.area == 0:
            return
        self._update()

    @property
    def palette_name(self) -> str:
        """Name of the colours in force."""
        name: str = getattr(self.app, "palette_name", "dark")
        return name

    def _update(self, *, force: bool = False) -> None:
        picture = self.picture
        if picture is None:
            return
        width, height = self.size
        made_for = (width, height, self.palette_name)
        if made_for != self._drawn_for or force:
            self._draw_all(picture)
            self.refresh()
            return
        lines = self._drawn(picture, width, height)
        old = self._lines
        changed = [y for y in range(height) if lines[y] != old[y]]
        if not changed:
            return
        self._lines = lines
        for y in changed:
            # Made when the compositor asks for it.
            self._strips[y] = None
        self.rows_painted += len(changed)
        painter: Painter | None = getattr(self.app, "painter", None)
        if painter is None or not painter.rows(self, old, lines, changed):
            self.refresh(*(Region(0, start, width, end - start) for start, end in _runs(changed)))

    def _drawn(self, picture: Picture, width: int, height: int) -> list[Line]:
        lines = self.draw(picture, width, height)[:height]
        lines += [()] * (height - len(lines))
        if picture.feed.silent_ns:
            lines = dimmed(lines)
        return to_ascii(lines) if picture.ascii_only else lines

    def _draw_all(self, picture: Picture) -> None:
        width, height = self.size
        self._drawn_for = (width, height, self.palette_name)
        self._lines = self._drawn(picture, width, height)
        self._strips = [None] * height
        self.rows_painted += height

    def on_resize(self) -> None:
        self._update()

    def on_show(self) -> None:
        self._update()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_attached and self.picture is not None:
            self._update(force=True)

    def render_line(self, y: int) -> Strip:
        """One row; Textual uses it where it does not call `render_lines`."""
        if 0 <= y < len(self._strips):
            strip = self._strips[y]
            if strip is None:
                width, _, name = self._drawn_for
                strip = self._strips[y] = make_strip(self._lines[y], width, name)
            return strip
        return Strip.blank(self.size.width, styles_of(self.palette_name).style("text"))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Rows of the crop, straight from the cache; line filters (NO_COLOR) are applied here."""
        if self.picture is not None and self._drawn_for[:2] != self.size:
            # Textual paints a new size before it reports it; without this every first picture would be empty.
            self._draw_all(self.picture)
        strips = [self.render_line(y) for y in range(crop.y, crop.bottom)]
        if crop.x or crop.width != self.size.width:
            strips = [strip.crop(crop.x, crop.right) for strip in strips]
        if self.app.no_color:
            background = self.background_colors[1]
            for line_filter in self.get_line_filters():
                strips = [strip.apply_filter(line_filter, background) for strip in strips]
        return strips


def _runs(rows: list[int]) -> list[tuple[int, int]]:
    """Ascending row numbers to (start, end) ranges, so that neighbours are repainted in one region.

    A single unchanged row between two changed ones is included: a region costs more than a row.
    """
    ranges: list[tuple[int, int]] = []
    start = previous = rows[0]
    for row in rows[1:]:
        if row > previous + 2:
            ranges.append((start, previous + 1))
            start = row
        previous = row
    ranges.append((start, previous + 1))
    return ranges
