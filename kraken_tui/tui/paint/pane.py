"""The base of every live pane: pure drawing, row diffs, strips straight to the compositor.

A pane is given a `Frame` at most once a frame tick. It draws lines, as runs of (text, style key), compares them
with what is on screen and refreshes only the rows that changed. `render_lines` is overridden so that cached strips
reach Textual's compositor untouched (Textual itself diffs nothing); panes therefore have no border or padding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from rich.segment import Segment
from textual.cache import FIFOCache
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from kraken_tui.market.views import FeedView, PairView
from kraken_tui.tui.draw.themes import PALETTES, Palette

if TYPE_CHECKING:
    from kraken_tui.tui.paint.painter import Painter

Run = tuple[str, str]
"""(text, style key). Text is single-cell characters only, so that len(text) is its width in cells."""

Line = tuple[Run, ...]
"""One row of a pane. Short lines are padded with background, long ones cut."""


class ViewState(msgspec.Struct):
    """What the person chose, for one pair; the screen changes it, panes read it.

    Attributes:
        grouping: Price step of the aggregated book as a multiple of the increment.
        centre: Bucket in the middle row of the aggregated book, in units of the step; None to follow the touch.
        cursor: Price under the cursor in ticks; None when no row is chosen.
        cumulative: Whether the aggregated book shows growing sizes.
        recentre: "band", "space" or "never".
        tape_minimum: Smallest trade the tape shows, in lots.
        levels: Levels a side the imbalance gauge is taken over.
    """

    grouping: int = 1
    centre: int | None = None
    cursor: int | None = None
    cumulative: bool = False
    recentre: str = "band"
    tape_minimum: int = 0
    levels: int = 10


class Frame(msgspec.Struct, frozen=True):
    """All a pane may draw from: one pair's view (None before the first), the feed, and the person's choices.

    `problem` says why there is no view of the pair, such as that the exchange has no such pair; "" while it may come.
    """

    pair: PairView | None
    feed: FeedView
    state: ViewState = msgspec.field(default_factory=ViewState)
    ascii_only: bool = False
    problem: str = ""


def blank(width: int) -> Line:
    """An empty row."""
    return ((" " * width, "text"),)


def title_line(title: str, note: str, width: int) -> Line:
    """The first row of a pane: "─ Title ─────── note ─" in `width` cells, the note dropped where it does not fit."""
    head = f"─ {title} "
    tail = f" {note} " if note and len(head) + len(note) + 4 <= width else ""
    rule = "─" * max(0, width - len(head) - len(tail))
    return (("─ ", "rule"), (title, "title"), (" " + rule, "rule"), (tail, "muted"))


@lru_cache(maxsize=1024)
def make_strip(line: Line, width: int, palette_name: str) -> Strip:
    """One row as a strip of exactly `width` cells; rows repeat often, so strips are kept."""
    return build_strip(line, width, PALETTES[palette_name])


def build_strip(line: Line, width: int, palette: Palette) -> Strip:
    """Turn a line into a strip, padding or cutting it to `width` cells."""
    segments: list[Segment] = []
    left = width
    for run in line:
        if left <= 0:
            break
        size = len(run[0])
        if size > left:
            run = (run[0][:left], run[1])
        if size:
            segments.append(palette.segment(run))
            left -= size
    if left > 0:
        segments.append(palette.segment((" " * left, "text")))
    return Row(segments, width)


class Row(Strip):
    """A strip that makes its caches when they are asked for.

    A row of a live book is painted once or twice, mostly whole; making seven caches for it costs more than drawing it.
    """

    __slots__ = ()

    def __init__(self, segments: list[Segment], cell_length: int) -> None:
        self._segments = segments
        self._cell_length = cell_length
        self._render_cache = None
        self._link_ids = None
        self._cell_count = None

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        """See `Strip.divide`; most rows are not divided at all."""
        cuts = list(cuts)
        return [self] if cuts == [self._cell_length] else super().divide(cuts)

    def __getattr__(self, name: str) -> Any:
        # Reached for slots that are not filled yet.
        if name not in _LAZY_SLOTS:
            raise AttributeError(name)
        cache: FIFOCache[Any, Any] = FIFOCache(4)
        setattr(self, name, cache)
        return cache


_LAZY_SLOTS = frozenset(name for name in Strip.__slots__ if isinstance(getattr(Strip([]), name), FIFOCache))


class Pane(Widget):
    """A live pane: subclasses say what to draw, this class decides what to repaint.

    Override `draw`. Call `push` with the newest frame; nothing is repainted while the pane is not on screen.
    """

    DEFAULT_CSS = """
    Pane { width: 1fr; height: 1fr; }
    """

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.frame: Frame | None = None
        self._lines: list[Line] = []
        self._strips: list[Strip | None] = []
        self._drawn_for: tuple[int, int, str] = (0, 0, "")
        self.rows_painted = 0

    def draw(self, frame: Frame, width: int, height: int) -> list[Line]:
        """Draw the whole pane: at most `height` lines of `width` cells. Pure: no clock, no app, no I/O."""
        raise NotImplementedError

    def push(self, frame: Frame) -> None:
        """Take the newest frame and repaint the rows that differ."""
        self.frame = frame
        if not self.is_attached or not self.display or self.size.area == 0:
            return
        self._update()

    @property
    def palette(self) -> Palette:
        """Colours of the app's current theme."""
        return PALETTES[getattr(self.app, "palette_name", "dark")]

    def _update(self, *, force: bool = False) -> None:
        frame = self.frame
        if frame is None:
            return
        width, height = self.size
        palette = self.palette
        made_for = (width, height, palette.name)
        if made_for != self._drawn_for or force:
            self._draw_all(frame)
            self.refresh()
            return
        lines = self._drawn(frame, width, height)
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

    def _drawn(self, frame: Frame, width: int, height: int) -> list[Line]:
        lines = self.draw(frame, width, height)[:height]
        lines += [()] * (height - len(lines))
        return lines

    def _draw_all(self, frame: Frame) -> None:
        width, height = self.size
        name = self.palette.name
        self._drawn_for = (width, height, name)
        self._lines = self._drawn(frame, width, height)
        self._strips = [None] * height
        self.rows_painted += height

    def on_resize(self) -> None:
        self._update()

    def on_show(self) -> None:
        self._update()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_attached and self.frame is not None:
            self._update(force=True)

    def render_line(self, y: int) -> Strip:
        """One row; used by Textual where it does not take `render_lines`."""
        if 0 <= y < len(self._strips):
            strip = self._strips[y]
            if strip is None:
                width, _, name = self._drawn_for
                strip = self._strips[y] = make_strip(self._lines[y], width, name)
            return strip
        return Strip.blank(self.size.width, self.palette.style("text"))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Rows of the crop, straight from the cache; line filters (NO_COLOR) are applied here."""
        if self.frame is not None and self._drawn_for[:2] != self.size:
            # A new size is painted before it is told; without this every first picture would be an empty one.
            self._draw_all(self.frame)
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

    A single unchanged row between two changed ones is painted along: a region costs more than a row.
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
