"""The pane of ladder."""

from __future__ import annotations

from msgspec.structs import replace
from textual.events import Leave

from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.picture import BookChoices, Picture
from kraken_tui.tui.panes.book_rows import PriceChosen
from kraken_tui.tui.panes.ladder import LadderPane
from tests.tui import samples
from tests.tui.pane_app import PaneApp, text_of


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
        lit = [text for text, key in pane._lines[12] if key.endswith("/changed")]
        # The digits of the size and nothing else of its row.
        assert "".join(lit).strip() == "".join(lit)
        assert "".join(lit) in text_of(pane._lines[12])
        assert [y for y, line in enumerate(pane._lines) if any(key.endswith("/changed") for _, key in line)] == [12]
        pane.push(Picture(replace(view, bids=bids, now_ns=view.now_ns + 500_000_000), samples.feed()))
        assert not any(key.endswith("/changed") for line in pane._lines for _, key in line)


def moved_on(view: PairView, ticks: int, seconds: float) -> PairView:
    """The same book some ticks higher, later."""
    sides = [tuple((price + ticks, lots) for price, lots in side) for side in (view.bids, view.asks)]
    return replace(view, bids=sides[0], asks=sides[1], now_ns=view.now_ns + round(seconds * 10**9))


def prices(pane: LadderPane) -> list[int | None]:
    return [pane.price_at(y) for y in range(pane.size.height)]


async def test_rows_stand_still_under_the_mouse_and_settle_when_it_leaves() -> None:
    pane = LadderPane()
    async with PaneApp(pane).run_test(size=(60, 20)) as pilot:
        view = samples.pair()
        pane.push(Picture(view, samples.feed()))
        await pilot.hover(LadderPane, offset=(5, 9))
        before = prices(pane)
        for tenth in range(1, 40):
            pane.push(Picture(moved_on(view, tenth, tenth / 10), samples.feed()))
            assert prices(pane) == before
        assert text_of(pane._lines[0]).count("held")
        assert "now 64,253.9 / 64,254.0" in text_of(pane._lines[10])
        pane.on_leave(Leave(pane))
        pane.push(Picture(moved_on(view, 40, 4.0), samples.feed()))
        assert view.bids[0][0] + 40 in prices(pane)
        assert "held" not in text_of(pane._lines[0])


async def test_rows_stand_still_under_the_cursor_and_space_brings_the_touch_back() -> None:
    pane = LadderPane()
    async with PaneApp(pane).run_test(size=(60, 20)) as pilot:
        view = samples.pair()
        pane.push(Picture(view, samples.feed()))
        await pilot.pause()
        before = prices(pane)
        chosen = BookChoices(cursor=view.bids[2][0])
        for tenth in range(1, 40):
            pane.push(Picture(moved_on(view, tenth, tenth / 10), samples.feed(), chosen))
            assert prices(pane) == before
        pane.recentre()
        assert prices(pane)[11] == view.bids[0][0] + 39
        # A cursor that is not among the rows rests somewhere else.
        far = BookChoices(cursor=1)
        pane.push(Picture(moved_on(view, 60, 9.0), samples.feed(), far))
        assert view.bids[0][0] + 60 in prices(pane)


async def test_a_click_chooses_the_price_shown_when_the_button_went_down() -> None:
    pane = LadderPane()
    app = PaneApp(pane)
    async with app.run_test(size=(60, 20)) as pilot:
        view = samples.pair()
        pane.push(Picture(view, samples.feed()))
        await pilot.mouse_down(LadderPane, offset=(5, 12))
        shown = view.bids[1][0]
        # Even if the rows were all others when it comes up.
        pane.recentre()
        pane.push(Picture(moved_on(view, 500, 2.0), samples.feed()))
        pane.recentre()
        await pilot.mouse_up(LadderPane, offset=(5, 12))
        await pilot.pause()
        assert [m.ticks for m in app.heard if isinstance(m, PriceChosen)] == [shown]
        assert pane.price_at(12) != shown


async def test_the_viewer_s_clock_settles_not_the_recording_s() -> None:
    pane = LadderPane()
    async with PaneApp(pane).run_test(size=(60, 20)):
        view = replace(samples.pair(), made_ns=0)
        pane.push(Picture(view, samples.feed()))
        rest = view.asks[1:3] + view.asks[4:]
        for tenth in range(1, 10):
            # A recording at a hundred times its speed.
            later = replace(
                view, asks=(view.asks[0], *rest), made_ns=tenth * 10**8, now_ns=view.now_ns + tenth * 10**10
            )
            pane.push(Picture(later, samples.feed()))
            assert view.asks[3][0] in prices(pane)
