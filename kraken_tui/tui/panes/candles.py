"""The pane of `kraken_tui.tui.draw.candles`."""

from __future__ import annotations

from bisect import bisect_right
from typing import Self

from msgspec.structs import replace
from textual import events

from kraken_tui.market.views import PairView
from kraken_tui.settings import Settings
from kraken_tui.tui.draw.candle_bars import PriceRange
from kraken_tui.tui.draw.candles import (
    FOLLOW,
    ZOOMS,
    Look,
    bars_of,
    choose_scale,
    draw_candles,
    is_running,
    layout_for,
    usual_zoom,
)
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.keymap import KeyMap
from kraken_tui.tui.paint.pane import Pane
from kraken_tui.tui.panes.pointing import Pointed
from kraken_tui.units import SECOND

_WHEEL_BARS = 5


class CandlesPane(Pane):
    """Candles of the pair on screen; keeps its price scale still between pictures.

    Keys and wheel move it in time and change the width of its bars; the mouse chooses the bar whose figures are shown.

    Args:
        follow_key: Key that follows the newest bar again, as printed on a keyboard.

    Attributes:
        look: What part is looked at.
    """

    def __init__(self, *, id: str | None = "candles", follow_key: str = "End") -> None:  # noqa: A002
        super().__init__(id=id)
        self.look = replace(FOLLOW, follow_key=follow_key)
        self._scale: PriceRange | None = None
        self._scale_of: tuple[str, int] = ("", 0)

    @classmethod
    def for_screen(cls, name: str, settings: Settings, keymap: KeyMap) -> Self:
        """See `Pane.for_screen`."""
        return cls(id=name, follow_key=keymap.show("time.live"))

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_candles`."""
        view = picture.pair
        if view is not None and self._scale_of != (view.symbol, view.interval):
            self._scale, self._scale_of = None, (view.symbol, view.interval)
            self.look = replace(self.look, end_s=None, hover_s=None)
        look, cursor_ns = self.look, picture.cursor_venue_ns
        if view is not None and look.hover_s is None and picture.cursor_span_ns and cursor_ns is not None:
            # The bar at the time that is pointed at in another pane.
            length_s = view.interval * 60
            look = replace(look, hover_s=cursor_ns // SECOND // length_s * length_s)
        scale = choose_scale(view, width, height, self._scale, look)
        self._scale = scale or self._scale
        return draw_candles(picture, scale, width, height, look)

    def travel(self, steps: int, *, page: bool = False) -> bool:
        """Look at later (+) or earlier (-) bars, whole screens of them with `page`."""
        view = self._view
        if view is None:
            return True
        candles = view.candles
        count = layout_for(view, *self.size, self.look.zoom).bars
        newest = len(candles) - 1
        end_s = self.look.end_s
        at = newest if end_s is None else bisect_right(candles, end_s, key=lambda candle: candle.begin_s) - 1
        # The oldest screen is a full one.
        at = max(min(count - 1, newest), at + steps * (max(1, count - 1) if page else 1))
        self._look(replace(self.look, end_s=None if at >= newest else candles[at].begin_s))
        return True

    def zoom(self, steps: int) -> bool:
        """Make the bars wider (+) or narrower (-)."""
        view = self._view
        if view is not None:
            now = self.look.zoom
            if now is None:
                now = usual_zoom(layout_for(view, *self.size).plot)
            self._look(replace(self.look, zoom=max(0, min(len(ZOOMS) - 1, now + steps))))
        return True

    def follow(self) -> bool:
        """Follow the newest bar again."""
        self._look(replace(self.look, end_s=None))
        return True

    @property
    def _view(self) -> PairView | None:
        view = self.picture.pair if self.picture else None
        return view if view is not None and view.spec is not None and view.candles and self.size.area else None

    def _look(self, look: Look) -> None:
        if look != self.look:
            self.look = look
            self._update()

    def bar_at(self, x: int) -> int | None:
        """Begin of the bar drawn at a column of the pane; None beside the bars."""
        view = self._view
        if view is None:
            return None
        layout = layout_for(view, *self.size, self.look.zoom)
        bars = bars_of(view, layout.bars, self.look.end_s)
        index = layout.bar_at(x, len(bars), is_running(bars))
        return None if index is None else bars[index].begin_s

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show the figures of the bar under the mouse, and its prints elsewhere."""
        begin_s, view = self.bar_at(event.x), self._view
        self._look(replace(self.look, hover_s=begin_s))
        if begin_s is not None and view is not None:
            span_ns = view.interval * 60 * SECOND
            self.post_message(Pointed("candles", None, begin_s * SECOND, span_ns, venue=True))
        else:
            self.post_message(Pointed("candles"))

    def on_leave(self, event: events.Leave) -> None:
        """Show those of the bar at the right edge again."""
        self._look(replace(self.look, hover_s=None))
        self.post_message(Pointed("candles"))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Wider bars; with Shift or Ctrl earlier ones."""
        event.stop()
        if event.shift or event.ctrl:
            self.travel(-_WHEEL_BARS)
        else:
            self.zoom(1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Narrower bars; with Shift or Ctrl later ones."""
        event.stop()
        if event.shift or event.ctrl:
            self.travel(_WHEEL_BARS)
        else:
            self.zoom(-1)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        """Earlier bars."""
        event.stop()
        self.travel(-_WHEEL_BARS)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        """Later bars."""
        event.stop()
        self.travel(_WHEEL_BARS)
