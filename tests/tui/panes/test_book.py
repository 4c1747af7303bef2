"""The pane of book."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace
from textual.events import MouseScrollDown, MouseScrollUp

from kraken_tui.exchange import PAIRS
from kraken_tui.exchange.calm import CalmSimulator, calm
from kraken_tui.market.book.aggregation import nice_grouping
from kraken_tui.market.views import PairView
from kraken_tui.tui.draw.picture import BookChoices, Picture
from kraken_tui.tui.panes.book import BookPane
from kraken_tui.tui.panes.book_rows import PriceChosen
from tests.tui import samples
from tests.tui.pane_app import PaneApp


def moved(view: PairView, ticks: int) -> PairView:
    """The same book some ticks higher."""
    return replace(
        view,
        bids=tuple((price + ticks, lots) for price, lots in view.bids),
        asks=tuple((price + ticks, lots) for price, lots in view.asks),
    )


async def test_rows_stay_until_the_touch_leaves_the_band() -> None:
    pane = BookPane()
    async with PaneApp(pane).run_test(size=(60, 42)):
        view, state = samples.pair(), BookChoices(grouping=10)
        pane.push(Picture(view, samples.feed(), state))
        assert state.centre == 64_250
        pane.push(Picture(moved(view, 80), samples.feed(), state))
        assert state.centre == 64_250
        state.cursor = 642_500
        pane.push(Picture(moved(view, 150), samples.feed(), state))
        assert state.centre == 64_250
        state.cursor = None
        pane.push(Picture(moved(view, 150), samples.feed(), state))
        assert state.centre == 64_265


@pytest.mark.parametrize("policy", ["space", "never"])
async def test_other_policies_leave_the_rows_alone(policy: str) -> None:
    pane = BookPane()
    async with PaneApp(pane).run_test(size=(60, 42)):
        view, state = samples.pair(), BookChoices(grouping=10, recentre=policy)
        pane.push(Picture(view, samples.feed(), state))
        pane.push(Picture(moved(view, 5_000), samples.feed(), state))
        assert state.centre == 64_250
        pane.recentre()
        assert state.centre == 64_750


async def test_a_new_grouping_or_none_centres_again_and_pairs_keep_their_own() -> None:
    pane = BookPane()
    async with PaneApp(pane).run_test(size=(60, 42)):
        view, state = samples.pair(), BookChoices(grouping=10)
        other, other_state = samples.pair("ETH/BTC"), BookChoices(grouping=1)
        pane.push(Picture(view, samples.feed(), state))
        pane.push(Picture(other, samples.feed(), other_state))
        assert (state.centre, other_state.centre) == (64_250, 4_857)
        state.centre = 64_255
        pane.push(Picture(view, samples.feed(), state))
        # Moved by hand while it was away; what was only left behind is centred again.
        assert state.centre == 64_255
        pane.push(Picture(moved(other, 2), samples.feed(), other_state))
        assert other_state.centre == 4_859
        pane.push(Picture(view, samples.feed(), state))
        state.grouping = 100
        pane.push(Picture(view, samples.feed(), state))
        assert state.centre == 6_425
        state.centre = None
        pane.push(Picture(moved(view, 300), samples.feed(), state))
        assert state.centre == 6_428


async def test_a_new_pane_takes_over_the_centre_it_finds() -> None:
    pane = BookPane()
    async with PaneApp(pane).run_test(size=(60, 42)):
        state = BookChoices(grouping=10, centre=64_254)
        pane.push(Picture(samples.pair(), samples.feed(), state))
        assert state.centre == 64_254


async def test_click_reports_the_step_and_the_wheel_moves_and_holds_the_rows() -> None:
    pane = BookPane()
    app = PaneApp(pane)
    async with app.run_test(size=(60, 42)) as pilot:
        view, state = samples.pair(), BookChoices(grouping=10)
        pane.push(Picture(view, samples.feed(), state))
        await pilot.pause()
        assert [pane.price_at(y) for y in (0, 1, 2, 22, 41, 42)] == [None, None, 642_700, 642_500, 642_310, None]
        await pilot.click(BookPane, offset=(30, 22))
        await pilot.pause()
        assert [m.ticks for m in app.heard if isinstance(m, PriceChosen)] == [642_500]
        for _ in range(5):
            await pilot._post_mouse_events([MouseScrollUp], BookPane, offset=(5, 9))
        await pilot.pause()
        assert state.centre == 64_265
        assert pane.price_at(22) == 642_650
        pane.push(Picture(view, samples.feed(), state))
        assert state.centre == 64_265
        assert "moved by hand" in pane.render_line(0).text
        for _ in range(5):
            await pilot._post_mouse_events([MouseScrollDown], BookPane, offset=(5, 9))
        await pilot.pause()
        assert state.centre == 64_250
        assert "recentre: band" in pane.render_line(0).text


async def test_the_first_whole_and_proven_book_is_centred() -> None:
    pane = BookPane()
    async with PaneApp(pane).run_test(size=(60, 42)):
        view, state = samples.pair(), BookChoices(grouping=10)
        half = replace(samples.checking(), bids=())
        pane.push(Picture(moved(half, 50), samples.feed(), state))
        assert state.centre == 64_256
        pane.push(Picture(view, samples.feed(), state))
        assert state.centre == 64_250
        # From then on the band decides.
        pane.push(Picture(moved(view, 40), samples.feed(), state))
        assert state.centre == 64_250


@pytest.mark.parametrize(("policy", "centre"), [("band", 64_254), ("space", 64_254), ("never", 64_250)])
async def test_another_size_centres_again(policy: str, centre: int) -> None:
    pane = BookPane()
    async with PaneApp(pane).run_test(size=(60, 42)) as pilot:
        state = BookChoices(grouping=10, recentre=policy)
        pane.push(Picture(samples.pair(), samples.feed(), state))
        pane.push(Picture(moved(samples.pair(), 40), samples.feed(), state))
        assert state.centre == 64_250
        await pilot.resize_terminal(60, 40)
        await pilot.pause()
        assert state.centre == centre
        state.cursor = 642_600
        pane.push(Picture(moved(samples.pair(), 80), samples.feed(), state))
        await pilot.resize_terminal(60, 38)
        await pilot.pause()
        assert state.centre == centre


@pytest.mark.parametrize("seed", range(1, 6))
async def test_in_a_minute_of_the_demo_rows_and_columns_stand_still(seed: int) -> None:
    simulator = CalmSimulator(calm(PAIRS["BTC/USD"]), seed, samples.NOW)
    pane, state = BookPane(), BookChoices()
    centres: list[int | None] = []
    forms: list[str] = []
    lengths: list[int] = []
    async with PaneApp(pane).run_test(size=(74, 44)):
        for half_second in range(120):
            now = samples.NOW + half_second * 500_000_000
            for _ in simulator.advance(now):
                pass
            bids, asks = (
                [(abs(key), lots) for key, lots in side.levels(100)]
                for side in (simulator.book.bids, simulator.book.asks)
            )
            view = replace(samples.pair(), now_ns=now, bids=tuple(bids), asks=tuple(asks), traded={})
            if not half_second:
                assert view.spec is not None
                state.grouping = nice_grouping(view.spec, bids[0][0], 42, bids, asks)
            pane.push(Picture(view, samples.feed(), state))
            rows = [pane.render_line(y).text for y in range(44)]
            centres.append(state.centre)
            forms.append(rows[1])
            # A size that is twice another has twice its bar while the scale holds.
            lengths.append(sum("»" in row or "«" in row for row in rows))
    assert sum(one != other for one, other in pairwise(centres)) <= 2
    assert sum(one != other for one, other in pairwise(forms)) <= 3
    assert max(lengths) <= 10
