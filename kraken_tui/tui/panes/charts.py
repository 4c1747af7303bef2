"""The charts view: depth curve, spread, imbalance and latency, redrawn once a second at most."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Static

from kraken_tui.tui.draw.plots import depth_chart, imbalance_chart, latency_chart, spread_chart
from kraken_tui.tui.draw.themes import PALETTES, Palette
from kraken_tui.tui.paint.pane import Frame

REFRESH_S = 1.0
"""Seconds between two drawings of the same chart; a chart costs 5 to 20 ms."""

# (name, seconds between drawings in units of REFRESH_S, drawing); five minutes of latency move slowly.
_DRAWERS: tuple[tuple[str, int, Callable[[Frame, int, int, Palette | None], str]], ...] = (
    ("depth", 1, lambda frame, width, height, palette: depth_chart(frame.pair, width, height, palette)),
    ("spread", 1, lambda frame, width, height, palette: spread_chart(frame.pair, width, height, palette)),
    ("imbalance", 1, lambda frame, width, height, palette: imbalance_chart(frame.pair, width, height, palette)),
    ("latency", 5, lambda frame, width, height, palette: latency_chart(frame.feed, width, height, palette)),
)
_GRID_FROM = (100, 24)


class Picture(Static):
    """One chart; holds the text of the last drawing."""

    ALLOW_SELECT = False

    def show(self, picture: str, palette: Palette | None) -> None:
        """Put a drawing, or the sentence that stands for it, on screen without asking for a new layout."""
        if "\n" in picture:
            text = Text.from_ansi(picture, no_wrap=True, end="")
        else:
            width, height = self.size
            text = Text("\n" * (height // 2) + picture.center(width), style=palette.style("muted") if palette else "")
        self.update(text, layout=False)


class ChartsView(Container):
    """Four charts side by side, or one at a time where there is no room.

    Attributes:
        chosen: Chart shown where only one fits: 0 depth, 1 spread, 2 imbalance, 3 latency.
    """

    DEFAULT_CSS = """
    ChartsView { layout: grid; grid-size: 2 2; grid-gutter: 1 2; width: 1fr; height: 1fr; }
    ChartsView.-single { grid-size: 1 1; }
    ChartsView Picture { width: 1fr; height: 1fr; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "next_chart(1)", "Next chart", id="charts.next", tooltip="Show the next chart where one fits"),
    ]

    can_focus = True

    def __init__(
        self,
        *,
        id: str | None = "charts",  # noqa: A002
        classes: str | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.chosen = 0
        self.frame: Frame | None = None
        self.drawings = 0
        self._now = now
        self._pictures = [Picture(id=f"chart-{name}", markup=False) for name, _, _ in _DRAWERS]
        self._pending: list[int] = []
        self._round = 0
        self._round_at = float("-inf")
        self._drawn_from: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        """The four charts, in reading order."""
        yield from self._pictures

    def push(self, frame: Frame) -> None:
        """Take the newest frame; at most one chart is drawn now, so that no single frame is held up by all four."""
        before, self.frame = self.frame, frame
        if not self._on_screen():
            return
        if before is None or _symbol(before) != _symbol(frame):
            self.redraw()
            return
        now = self._now()
        if now - self._round_at >= REFRESH_S:
            # Frames came slower than charts: finish the round that was due.
            self._draw_pending(len(self._pending))
            self._round_at = now
            if self._source() != self._drawn_from:
                self._drawn_from = self._source()
                self._round += 1
                self._pending = [index for index in self._shown() if self._round % _DRAWERS[index][1] == 0]
        self._draw_pending(1)

    def redraw(self) -> None:
        """Draw every chart that is shown, now: after a change of size, colours, pair or choice."""
        if not self._on_screen() or self.frame is None:
            return
        self._pending = self._shown()
        self._round_at = self._now()
        self._drawn_from = self._source()
        self._draw_pending(len(self._pending))

    def action_next_chart(self, step: int) -> None:
        """Show another chart where only one fits."""
        self.chosen = (self.chosen + step) % len(self._pictures)
        self._arrange()
        self.call_after_refresh(self.redraw)

    def on_mount(self) -> None:
        """Redraw in the new colours whenever the theme changes."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.redraw())

    def on_resize(self) -> None:
        """Choose between four charts and one, then redraw at the new size."""
        self._arrange()
        self.call_after_refresh(self.redraw)

    def on_show(self) -> None:
        """Charts are not drawn while hidden; catch up."""
        self.redraw()

    def _on_screen(self) -> bool:
        return self.is_attached and self.display and self.size.area > 0

    def _arrange(self) -> None:
        single = self.size.width < _GRID_FROM[0] or self.size.height < _GRID_FROM[1]
        self.set_class(single, "-single")
        for index, picture in enumerate(self._pictures):
            picture.display = not single or index == self.chosen

    def _shown(self) -> list[int]:
        return [index for index, picture in enumerate(self._pictures) if picture.display and picture.size.area]

    def _source(self) -> tuple[object, ...]:
        """What the drawings depend on: nothing is drawn again while it stays the same."""
        assert self.frame is not None
        pair = self.frame.pair
        return (_symbol(self.frame), pair.version if pair else None, self.frame.feed.version)

    def _draw_pending(self, most: int) -> None:
        frame = self.frame
        if frame is None:
            return
        palette = None if self.app.no_color else PALETTES[getattr(self.app, "palette_name", "dark")]
        for index in self._pending[:most]:
            picture = self._pictures[index]
            width, height = picture.size
            picture.show(_DRAWERS[index][2](frame, width, height, palette), palette)
            self.drawings += 1
        del self._pending[:most]


def _symbol(frame: Frame) -> str:
    return frame.pair.symbol if frame.pair else ""
