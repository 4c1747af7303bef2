"""The heatmap of one moment as lines, for where there is no screen."""

from __future__ import annotations

from kraken_tui.market.book.aggregation import step_of
from kraken_tui.market.history.moments import MarketHistory
from kraken_tui.market.views import FeedView, PairView
from kraken_tui.settings import Settings
from kraken_tui.tui.book_control import BookControl
from kraken_tui.tui.draw.heatmap import HEAD_ROWS
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.panes.heatmap import HeatmapPane

_ALIKE, _MOST = 5, 2_000


def still_heatmap(
    feed: FeedView,
    pair: PairView | None,
    history: MarketHistory | None,
    settings: Settings,
    width: int,
    height: int,
    *,
    density: bool,
) -> list[Line]:
    """Draw the heatmap of a moment.

    Args:
        feed, pair, history: What is known at the moment.
        settings: Grouping.
        width, height: Cells.
        density: Whether sizes are drawn by characters, as where there are too few colours.
    """
    control = BookControl(settings)
    rows = max(1, height - HEAD_ROWS)
    choices = control.prepare(pair, rows)
    if pair is not None and pair.spec is not None and pair.bids and pair.asks:
        choices.centre = (pair.bids[0][0] + pair.asks[0][0]) // 2 // step_of(pair.spec, max(1, choices.grouping))
    picture = Picture(pair, feed, choices, history=history, price_rows=rows, density=density)
    pane = HeatmapPane()
    lines, alike = pane.draw(picture, width, height), 0
    # A picture makes as many columns as it has time for: draw until nothing comes any more.
    for _ in range(_MOST):
        before, lines = lines, pane.draw(picture, width, height)
        alike = alike + 1 if lines == before else 0
        if alike == _ALIKE:
            break
    return lines
