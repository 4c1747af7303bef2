"""The pane of ladder."""

from __future__ import annotations

from msgspec.structs import replace

from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.panes.book_rows import PriceChosen
from kraken_tui.tui.panes.ladder import LadderPane
from tests.tui import samples
from tests.tui.pane_app import PaneApp, key_at


def _scroll_up() -> type:
    from textual.events import MouseScrollUp

    return MouseScrollUp


async def test_click_reports_the_price_and_wheel_scrolls() -> None:
    pane = LadderPane()
    app = PaneApp(pane)
    async with app.run_test(size=(60, 20)) as pilot:
        view = samples.pair()
        pane.push(Picture(view, samples.feed()))
        await pilot.pause()
        prices = [pane.price_at(y) for y in range(20)]
        assert prices[:2] == [None, None]
        assert prices[2:10] == [ticks for ticks, _ in reversed(view.asks[:8])]
        assert prices[10] is None
        assert prices[11:] == [ticks for ticks, _ in view.bids[:9]]
        await pilot.click(LadderPane, offset=(5, 9))
        await pilot.click(LadderPane, offset=(5, 10))
        await pilot.pause()
        assert [m.ticks for m in app.heard if isinstance(m, PriceChosen)] == [view.asks[0][0]]
        await pilot._post_mouse_events([_scroll_up()], LadderPane, offset=(5, 9))
        await pilot.pause()
        assert pane.offset_rows == 3
        assert pane.price_at(13) is None
        assert pane.price_at(12) == view.asks[0][0]
        pane.recentre()
        assert pane.price_at(10) is None


async def test_a_change_brightens_its_row_and_fades_again() -> None:
    pane = LadderPane()
    async with PaneApp(pane).run_test(size=(60, 20)) as pilot:
        view = samples.pair()
        pane.push(Picture(view, samples.feed()))
        bids = (view.bids[0], (view.bids[1][0], view.bids[1][1] + 5), *view.bids[2:])
        pane.push(Picture(replace(view, bids=bids, now_ns=view.now_ns + 50_000_000), samples.feed()))
        await pilot.pause()
        assert key_at(pane._lines[12], 20).endswith("/changed")
        pane.push(Picture(replace(view, bids=bids, now_ns=view.now_ns + 500_000_000), samples.feed()))
        assert not key_at(pane._lines[12], 20).endswith("/changed")
