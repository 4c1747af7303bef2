"""The pane of `kraken_tui.tui.draw.candles`."""

from __future__ import annotations

from kraken_tui.tui.draw.candles import PriceRange, choose_scale, draw_candles
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.paint.pane import Pane


class CandlesPane(Pane):
    """Candles of the pair on screen; keeps its price scale still between pictures."""

    def __init__(self, *, id: str | None = "candles") -> None:  # noqa: A002
        super().__init__(id=id)
        self._scale: PriceRange | None = None
        self._scale_of: tuple[str, int] = ("", 0)

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """See `draw_candles`."""
        view = picture.pair
        if view is not None and self._scale_of != (view.symbol, view.interval):
            self._scale, self._scale_of = None, (view.symbol, view.interval)
        scale = choose_scale(view, width, height, self._scale)
        self._scale = scale or self._scale
        return draw_candles(picture, scale, width, height)
