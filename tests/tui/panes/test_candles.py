"""The pane of the candles."""

from __future__ import annotations

from msgspec.structs import replace

from kraken_tui.tui.panes.candles import CandlesPane
from tests.tui import samples as common
from tests.tui.samples_charts import picture, text_of


def test_pane_keeps_its_scale_between_pictures_but_not_between_pairs() -> None:
    pane = CandlesPane()
    view = common.pair()
    before = text_of(pane.draw(picture(view), 60, 26))
    last = view.candles[-1]
    moved = replace(view, candles=(*view.candles[:-1], replace(last, close=last.close + 1)))
    after = text_of(pane.draw(picture(moved), 60, 26))
    assert sum(old != new for old, new in zip(before, after, strict=True)) <= 2
    other = text_of(pane.draw(picture(common.pair("PEPE/USD")), 60, 26))
    assert other == text_of(CandlesPane().draw(picture(common.pair("PEPE/USD")), 60, 26))
