"""Pair names with characters of two cells are read as they are, and nothing shifts (case C14)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from kraken_tui.settings import Settings
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.draw.ansi import ansi_text
from kraken_tui.tui.draw.plots import candle_chart, depth_chart
from kraken_tui.tui.draw.themes import PALETTES, Palette
from kraken_tui.tui.export.svg import screen_svg
from kraken_tui.tui.panes import views
from tests.tui import samples
from tests.tui.fake_source import FakeSource
from tests.tui.test_app import Clock

NAMES = ("币安人生/USD", "龙虾/USD")


def source() -> FakeSource:
    """A source whose first two pairs have wide names."""
    made = FakeSource()
    usual = samples.pair("BTC/USD")
    assert usual.spec is not None
    for name in NAMES:
        base = name.partition("/")[0]
        made.views[name] = replace(usual, symbol=name, spec=replace(usual.spec, symbol=name, base=base))
    tabs = made.feed_view.tabs
    named = tuple(replace(tabs[0], symbol=name, last=642_501) for name in NAMES)
    made.feed_view = replace(made.feed_view, tabs=(*named, *tabs))
    return made


def rows(app: KrakenApp) -> list[str]:
    return [strip.text for strip in app.main._compositor.render_strips()]


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (160, 48)])
async def test_wide_names_are_read_and_every_row_keeps_its_cells(size: tuple[int, int]) -> None:
    app = KrakenApp(source(), Settings(), clock=Clock(), live=False, ascii_only=False)
    async with app.run_test(size=size) as pilot:
        for view in views():
            app.main.set_view(view)
            app.main.control.choices.cursor = 642_400
            app.tick(everything=True)
            await pilot.pause()
            shown = rows(app)
            assert {cell_len(row) for row in shown} == {size[0]}
            assert all(name in shown[0] for name in NAMES)
        picture = screen_svg(app, "wide")
        assert all(name in picture for name in NAMES)
        assert "\uffff" not in picture


async def test_a_click_finds_the_tab_behind_a_wide_name() -> None:
    app = KrakenApp(source(), Settings(), clock=Clock(), live=False, ascii_only=False)
    async with app.run_test(size=(120, 36)) as pilot:
        app.tick(everything=True)
        await pilot.pause()
        row = rows(app)[0]
        at = cell_len(row[: row.index(NAMES[1])])
        await pilot.click(offset=(at + 7, 0))
        await pilot.pause()
        assert app.main.symbol == NAMES[1]


async def test_without_box_drawing_they_keep_their_cells_too() -> None:
    app = KrakenApp(source(), Settings(), clock=Clock(), live=False, ascii_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        app.tick(everything=True)
        await pilot.pause()
        assert rows(app)[0].startswith(" 1 ????????/USD ")


@pytest.mark.parametrize("palette", [None, PALETTES["dark"]])
def test_a_plot_reads_them_too(palette: Palette | None) -> None:
    view = source().views[NAMES[0]]
    for chart in (candle_chart, depth_chart):
        title = ansi_text(chart(view, 80, 20), palette).split("\n")[0]
        assert "币安人生" in title
        assert "\uffff" not in title
        assert palette or cell_len(title) == 80
