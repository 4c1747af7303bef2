"""The pane of tabs."""

from __future__ import annotations

from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.panes.tabs import PairChosen, TabsPane
from tests.tui import samples
from tests.tui.pane_app import PaneApp


async def test_click_chooses_a_pair() -> None:
    pane = TabsPane()
    app = PaneApp(pane)
    async with app.run_test(size=(160, 3)) as pilot:
        pane.push(Picture(samples.pair(), samples.feed()))
        await pilot.pause()
        assert (pane.pair_at(0), pane.pair_at(30), pane.pair_at(120)) == ("BTC/USD", "ETH/BTC", None)
        await pilot.click(TabsPane, offset=(30, 0))
        await pilot.click(TabsPane, offset=(120, 0))
        await pilot.pause()
        assert [m.symbol for m in app.heard if isinstance(m, PairChosen)] == ["ETH/BTC"]
