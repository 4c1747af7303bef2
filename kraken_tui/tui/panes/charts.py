"""The pane of `kraken_tui.tui.draw.plots`: depth curve, spread, imbalance and latency, each once a second at most."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

from msgspec.structs import replace
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Static

from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.plots import depth_chart, imbalance_chart, latency_chart, spread_chart
from kraken_tui.tui.draw.runs import dim
from kraken_tui.tui.draw.themes import ALL_PALETTES, Palette
from kraken_tui.tui.paint.pane import LivePart
from kraken_tui.tui.paint.styles import styles_of
from kraken_tui.units import SECOND

REFRESH_S = 1.0
"""Seconds between two drawings of the same chart; a chart costs 5 to 20 ms."""

# (name, seconds between drawings in units of REFRESH_S, drawing); five minutes of latency move slowly.
_DRAWERS: tuple[tuple[str, int, Callable[[Picture, int, int, Palette | None], str]], ...] = (
    ("depth", 1, lambda picture, width, height, palette: depth_chart(picture.pair, width, height, palette)),
    ("spread", 1, lambda picture, width, height, palette: spread_chart(picture.pair, width, height, palette)),
    ("imbalance", 1, lambda picture, width, height, palette: imbalance_chart(picture.pair, width, height, palette)),
    ("latency", 5, lambda picture, width, height, palette: latency_chart(picture.feed, width, height, palette)),
)
_GRID_FROM = (100, 24)


class Chart(Static):
    """One chart; holds the text of the last drawing."""

    ALLOW_SELECT = False

    def show(self, drawing: str, palette: Palette | None) -> None:
        """Show a drawing, or the sentence in its place, without triggering a new layout."""
        if "\n" in drawing:
            text = Text.from_ansi(drawing, no_wrap=True, end="")
        else:
            width, height = self.size
            text = Text(
                "\n" * (height // 2) + drawing.center(width),
                style=styles_of(palette.name).style("muted") if palette else "",
            )
        self.update(text, layout=False)


class ChartsPane(LivePart, Container):
    """Four charts side by side, or one at a time where four do not fit.

    Attributes:
        chosen: Chart shown where only one fits: 0 depth, 1 spread, 2 imbalance, 3 latency.
    """

    DEFAULT_CSS = """
    ChartsPane { layout: grid; grid-size: 2 2; grid-gutter: 1 2; width: 1fr; height: 1fr; }
    ChartsPane.-single { grid-size: 1 1; }
    ChartsPane Chart { width: 1fr; height: 1fr; }
    """

    def __init__(
        self,
        *,
        id: str | None = "charts",  # noqa: A002
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(id=id)
        self.chosen = 0
        self.picture: Picture | None = None
        self.drawings = 0
        self._now = now
        self._charts = [Chart(id=f"chart-{name}", markup=False) for name, _, _ in _DRAWERS]
        self._pending: list[int] = []
        self._round = 0
        self._round_at = float("-inf")
        self._drawn_from: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        """The four charts, in reading order."""
        yield from self._charts

    def push(self, picture: Picture) -> None:
        """Take the newest picture; at most one chart is drawn now, so that no single picture is held up by all four."""
        before, self.picture = self.picture, picture
        if not self._on_screen():
            return
        if before is None or _symbol(before) != _symbol(picture) or _vouched(before) != _vouched(picture):
            self.redraw()
            return
        now = self._now()
        if now - self._round_at >= REFRESH_S:
            # Pictures came slower than charts: finish the round that was due.
            self._draw_pending(len(self._pending))
            self._round_at = now
            if self._source() != self._drawn_from:
                self._drawn_from = self._source()
                self._round += 1
                self._pending = [index for index in self._shown() if self._round % _DRAWERS[index][1] == 0]
        self._draw_pending(1)

    def redraw(self) -> None:
        """Draw every chart that is shown, now: after a change of size, colours, pair or choice."""
        if not self._on_screen() or self.picture is None:
            return
        self._pending = self._shown()
        self._round_at = self._now()
        self._drawn_from = self._source()
        self._draw_pending(len(self._pending))

    def show_next(self) -> None:
        """Show the next chart where only one fits."""
        self.chosen = (self.chosen + 1) % len(self._charts)
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
        for index, chart in enumerate(self._charts):
            chart.display = not single or index == self.chosen

    def _shown(self) -> list[int]:
        return [index for index, chart in enumerate(self._charts) if chart.display and chart.size.area]

    def _source(self) -> tuple[object, ...]:
        """What the drawings depend on: nothing is drawn again while it stays the same."""
        assert self.picture is not None
        pair = self.picture.pair
        feed = self.picture.feed
        return (_symbol(self.picture), pair.version if pair else None, feed.version, feed.silent_ns // SECOND)

    def _draw_pending(self, most: int) -> None:
        picture = self.picture
        if picture is None:
            return
        name = getattr(self.app, "palette_name", "dark")
        palette = None if self.app.no_color else ALL_PALETTES[name] if _vouched(picture) else _dimmed(name)
        for index in self._pending[:most]:
            chart = self._charts[index]
            width, height = chart.size
            chart.show(_DRAWERS[index][2](picture, width, height, palette), palette)
            self.drawings += 1
        del self._pending[:most]


def _symbol(picture: Picture) -> str:
    return picture.pair.symbol if picture.pair else ""


def _vouched(picture: Picture) -> bool:
    return not picture.feed.silent_ns


@cache
def _dimmed(name: str) -> Palette:
    palette = ALL_PALETTES[name]
    return replace(palette, colours={role: palette.colours[dim(role)] for role in palette.colours})
