"""Own fills as marks: on the tape, the candles and the heatmap. Pure.

`◆` is an own buy, `◇` an own sell. A print of the tape is own where a fill has the number of one of its trades at the
same price, or (the exchange does not promise that the numbers are the same) its price, size and millisecond.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kraken_tui.market.events import Print, Side, Trade
from kraken_tui.tui.draw.heatmap import HEAD_ROWS
from kraken_tui.tui.draw.own import units
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, overlaid
from kraken_tui.units import SECOND

if TYPE_CHECKING:
    from kraken_tui.market.orders.values import Fill
    from kraken_tui.tui.draw.heat_view import HeatView

BOUGHT, SOLD = "◆", "◇"
_MILLISECOND = SECOND // 1_000


def glyph_of(fill: Fill) -> str:
    """The mark of a fill by its own side."""
    return BOUGHT if fill.side is Side.BUY else SOLD


def fills_of(picture: Picture) -> list[tuple[Fill, int, int]]:
    """(fill, ticks, ns) of the pair on screen, up to the moment shown; ns by the venue's clock."""
    account, pair = picture.account, picture.pair
    if account is None or pair is None or pair.spec is None:
        return []
    precision = pair.spec.price_precision
    upto = pair.now_ns + SECOND
    return [
        (fill, units(fill.price, precision), fill.ns)
        for fill in account.fills
        if fill.symbol == pair.symbol and fill.ns is not None and not (picture.in_past and fill.ns > upto)
    ]


def own_prints(picture: Picture) -> Callable[[Print], str]:
    """A function that tells the mark of a print of the tape, "" for one that is not own."""
    pair = picture.pair
    fills = fills_of(picture)
    if pair is None or pair.spec is None or not fills:
        return lambda _: ""
    marks: dict[tuple[int, Side], str] = {}
    for trade in pair.tape:
        for fill, ticks, ns in fills:
            if _same(trade, fill, ticks, ns, units(fill.qty, pair.spec.qty_precision)):
                marks[trade.venue_ns, trade.side] = glyph_of(fill)
    return lambda printed: marks.get((printed.venue_ns, printed.side), "")


def _same(trade: Trade, fill: Fill, ticks: int, ns: int, lots: int) -> bool:
    if trade.price != ticks:
        return False
    if fill.maker is not None and (trade.side is fill.side) == fill.maker:
        # The tape has the taker's side.
        return False
    if fill.trade_id is not None and fill.trade_id == trade.trade_id:
        return True
    return trade.qty == lots and abs(trade.venue_ns - ns) < _MILLISECOND


def mark_heatmap_fills(picture: Picture, lines: list[Line], view: HeatView) -> list[Line]:
    """The price rows of a heatmap with the own fills.

    Args:
        picture: What is drawn.
        lines: All of the pane.
        view: What the heatmap is drawn from.
    """
    history = picture.history
    for fill, ticks, venue_ns in reversed(fills_of(picture)):
        ns = venue_ns if history is None else 2 * venue_ns - history.venue_ns(venue_ns)
        column = ns // view.width_ns - view.first
        # As the trades of the tape: what took asks is ceiled, what took bids floored.
        took_asks = (fill.side is Side.BUY) is not bool(fill.maker)
        row = view.high - (-(-ticks // view.step) if took_asks else ticks // view.step)
        if 0 <= column < len(view.columns) and 0 <= row < view.rows:
            line = lines[HEAD_ROWS + row]
            lines[HEAD_ROWS + row] = overlaid(line, column, ((glyph_of(fill), "!badge/accent"),))
    return lines
