"""A pane of your own on F6: what a taker pays, by size. Try: python examples/own_pane.py --demo

A pane is a drawing (a pure function from picture and size to rows of runs), a widget and a row in `PANES`; key, footer,
help and command palette follow from the row. Without a terminal, or with --picture, it writes a picture instead. This
part of the package may change between versions, unlike the names that `kraken_tui` exports (docs/LIBRARY.md).
"""

# ruff: noqa: E402 - the row comes first: keys and help are made from the table when the screen is imported.

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from kraken_tui.tui import panes

TITLE = "Cost to take"
COSTS = panes.View("costs", key="f6", label="costs", short="costs", about="What a taker pays.", title=TITLE)
STANDS = (panes.Stand(COSTS), panes.Stand(panes.TAPE, share=2))
panes.PANES = (*panes.PANES, panes.PaneRow("costs", "__main__:CostPane", 2.0, STANDS))

from kraken_tui.cli.main import main as kraken_tui
from kraken_tui.market.book.metrics import lots_for, sweep_cost
from kraken_tui.market.events import Side
from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.runs import Line, draw_waiting, title_line
from kraken_tui.tui.paint.pane import Pane

SIZES = (1_000, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000)


def draw_costs(picture: Picture, width: int, height: int) -> list[Line]:
    """Slippage from the mid of a buy and a sell by their worth, in basis points. Runs are (text, style key)."""
    pair = picture.pair
    if pair is None or pair.spec is None or pair.metrics is None:
        return draw_waiting(TITLE, "no figures of a book that is not proven", width, height)
    unit = 10 ** (pair.spec.price_precision + pair.spec.qty_precision)
    lines = [title_line(TITLE, f"{pair.symbol}, {pair.depth} levels", width)]
    lines.append(((f"{pair.spec.quote:>12}{'buy, bps':>14}{'sell, bps':>14}", "muted"),))
    for size in SIZES:
        row = [(f"{size:>12,}", "text")]
        for taker, levels, style in ((Side.BUY, pair.asks, "bid"), (Side.SELL, pair.bids, "ask")):
            lots, enough = lots_for(levels, size * unit)
            cost = sweep_cost(levels, lots, pair.metrics.mid2, taker) if lots and enough else None
            row.append((f"{'more than held' if cost is None else f'{cost.slippage_bps:.3f}':>14}", style))
        lines.append(tuple(row))
    return lines[:height]


class CostPane(Pane):
    """The widget: keeps no market state, only says what to draw."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        return draw_costs(picture, width, height)


options = argparse.ArgumentParser(description=__doc__)
options.add_argument("pairs", nargs="*", default=["BTC/USD", "ETH/USD"])
options.add_argument("--demo", action="store_true", help="use the simulated exchange")
options.add_argument("--picture", type=Path, metavar="FILE.svg", help="write a picture of the pane and end")
chosen = options.parse_args()

common = [*(["--demo"] if chosen.demo else []), "--depth", "1000", *chosen.pairs]
if sys.stdout.isatty() and chosen.picture is None:
    raise SystemExit(kraken_tui(common))
with TemporaryDirectory() as folder:
    file = chosen.picture or Path(folder) / "pane.svg"
    code = kraken_tui(["snapshot", "--view", "costs", "--size", "100x24", "--output", str(file), *common])
    if code == 0:
        print(f"{TITLE}: {file.stat().st_size:,} bytes of picture in {file.name}")
raise SystemExit(code)
