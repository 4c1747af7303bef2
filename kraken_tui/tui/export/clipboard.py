"""The book as a table for the clipboard."""

from __future__ import annotations

from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.format import price
from kraken_tui.wire.timestamps import format_timestamp

LEVELS = 10


def exact(units: int, precision: int) -> str:
    """Ticks or lots as plain digits with all decimals, for spreadsheets."""
    return price(units, precision, grouped=False)


def book_table(view: PairView | None) -> str | None:
    """The ten best levels a side as tab-separated lines, best first.

    The first line names pair, moment and proof, the second the columns.

    Returns:
        None before the first snapshot.
    """
    if view is None or view.spec is None or not (view.bids or view.asks):
        return None
    spec = view.spec
    moment = format_timestamp(view.now_ns - (view.age_ns or 0))
    lines = [f"{view.symbol}\t{moment}\t{view.proof.value}", "bid size\tbid\task\task size"]
    for row in range(min(LEVELS, max(len(view.bids), len(view.asks)))):
        cells = ["", "", "", ""]
        if row < len(view.bids):
            ticks, lots = view.bids[row]
            cells[0], cells[1] = exact(lots, spec.qty_precision), exact(ticks, spec.price_precision)
        if row < len(view.asks):
            ticks, lots = view.asks[row]
            cells[2], cells[3] = exact(ticks, spec.price_precision), exact(lots, spec.qty_precision)
        lines.append("\t".join(cells))
    return "\n".join(lines) + "\n"
