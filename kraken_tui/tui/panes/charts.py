"""The pane of `kraken_tui.tui.draw.plots`: one of depth, spread and imbalance, the others beside it where they fit."""

from __future__ import annotations

from collections.abc import Callable

from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.plots import depth_chart, imbalance_chart, spread_chart
from kraken_tui.tui.draw.runs import Line, padded
from kraken_tui.tui.paint.pane import Pane

_CHARTS: tuple[Callable[..., list[Line]], ...] = (depth_chart, spread_chart, imbalance_chart)
NAMES = ("depth", "spread", "imbalance")

_BESIDE_FROM = (100, 24)
_BELOW_FROM = (70, 40)
_GAP = 2


class ChartsPane(Pane):
    """The charts behind the candles.

    Attributes:
        chosen: The chart that gets most of the room, or all where there is no more: 0 depth, 1 spread, 2 imbalance.
    """

    def __init__(self, *, id: str | None = "charts") -> None:  # noqa: A002
        super().__init__(id=id)
        self.chosen = 0

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """The chosen chart, and the others beside or below it where there is room."""
        others = [index for index in range(len(_CHARTS)) if index != self.chosen]
        if width >= _BESIDE_FROM[0] and height >= _BESIDE_FROM[1]:
            left = (width - _GAP) * 3 // 5
            column: list[Line] = []
            heights = _shares(height, len(others))
            for index, rows in zip(others, heights, strict=True):
                column += _block(index, picture, width - _GAP - left, rows)
            return _beside(_block(self.chosen, picture, left, height), column)
        if width >= _BELOW_FROM[0] and height >= _BELOW_FROM[1]:
            top = height * 3 // 5
            left = (width - _GAP) // 2
            first = _block(others[0], picture, left, height - top)
            second = _block(others[1], picture, width - _GAP - left, height - top)
            return [*_block(self.chosen, picture, width, top), *_beside(first, second)]
        return _block(self.chosen, picture, width, height)

    def show_next(self) -> bool:
        """Give the next chart the most room; after the last the first is chosen, and False returned."""
        self.chosen = (self.chosen + 1) % len(_CHARTS)
        self._update()
        return self.chosen != 0


def _shares(length: int, parts: int) -> list[int]:
    """A length divided as evenly as whole numbers allow."""
    return [length * (part + 1) // parts - length * part // parts for part in range(parts)]


def _block(index: int, picture: Picture, width: int, height: int) -> list[Line]:
    """One chart as exactly `height` lines of `width` cells."""
    view: PairView | None = picture.pair
    lines = _CHARTS[index](view, width, height, ascii_only=picture.ascii_only)[:height]
    lines += [()] * (height - len(lines))
    return [padded(line, width) for line in lines]


def _beside(left: list[Line], right: list[Line]) -> list[Line]:
    gap = (" " * _GAP, "text")
    return [(*one, gap, *other) for one, other in zip(left, right, strict=True)]
