"""The pane of `kraken_tui.tui.draw.plots`: one of depth, spread and imbalance, the others beside it where they fit."""

from __future__ import annotations

from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.plots import depth_chart, imbalance_chart, spread_chart
from kraken_tui.tui.draw.runs import Line, padded
from kraken_tui.tui.paint.pane import Pane
from kraken_tui.units import SECOND

_DEPTH, _SPREAD, _IMBALANCE = range(3)
DEPTH_EVERY_NS = SECOND
"""The depth curve is drawn as often as this, by the view's clock: it costs 5 to 20 ms, the others one."""

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
        self._depth: list[Line] = []
        self._depth_of: tuple[object, ...] = ()
        self._depth_ns = 0

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """The chosen chart, and the others beside or below it where there is room."""
        others = [index for index in (_DEPTH, _SPREAD, _IMBALANCE) if index != self.chosen]
        if width >= _BESIDE_FROM[0] and height >= _BESIDE_FROM[1]:
            left = (width - _GAP) * 3 // 5
            column: list[Line] = []
            heights = _shares(height, len(others))
            for index, rows in zip(others, heights, strict=True):
                column += self._block(index, picture, width - _GAP - left, rows)
            return _beside(self._block(self.chosen, picture, left, height), column)
        if width >= _BELOW_FROM[0] and height >= _BELOW_FROM[1]:
            top = height * 3 // 5
            left = (width - _GAP) // 2
            first = self._block(others[0], picture, left, height - top)
            second = self._block(others[1], picture, width - _GAP - left, height - top)
            return [*self._block(self.chosen, picture, width, top), *_beside(first, second)]
        return self._block(self.chosen, picture, width, height)

    def _block(self, index: int, picture: Picture, width: int, height: int) -> list[Line]:
        """One chart as exactly `height` lines of `width` cells."""
        view, plain = picture.pair, picture.ascii_only
        if index == _DEPTH:
            lines = self._depth_lines(picture, width, height)
        elif index == _SPREAD:
            lines = spread_chart(view, width, height, ascii_only=plain)
        else:
            lines = imbalance_chart(view, width, height, ascii_only=plain)
        lines = [*lines[:height], *[()] * (height - len(lines))]
        return [padded(line, width) for line in lines]

    def _depth_lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        """The depth curve, drawn again once a second, or when anything but the book itself has changed."""
        view = picture.pair
        if view is None:
            return depth_chart(view, width, height)
        trust = (view.proof, view.stale, view.silent_ns // SECOND, bool(view.bids and view.asks))
        made_of = (view.symbol, view.spec, trust, width, height, picture.ascii_only)
        if made_of != self._depth_of or abs(view.now_ns - self._depth_ns) >= DEPTH_EVERY_NS:
            self._depth = depth_chart(view, width, height, ascii_only=picture.ascii_only)
            self._depth_of, self._depth_ns = made_of, view.now_ns
        return self._depth

    def show_next(self) -> bool:
        """Give the next chart the most room; after the last the first is chosen, and False returned."""
        self.chosen = (self.chosen + 1) % 3
        self._update()
        return self.chosen != 0


def _shares(length: int, parts: int) -> list[int]:
    """A length divided as evenly as whole numbers allow."""
    return [length * (part + 1) // parts - length * part // parts for part in range(parts)]


def _beside(left: list[Line], right: list[Line]) -> list[Line]:
    gap = (" " * _GAP, "text")
    return [(*one, gap, *other) for one, other in zip(left, right, strict=True)]
