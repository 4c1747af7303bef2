"""The pane of the charts: one chart at a time, at most once a second, and none while hidden."""

from __future__ import annotations

from msgspec.structs import replace
from textual.app import App, ComposeResult

from kraken_tui.tui.draw.picture import Picture
from kraken_tui.tui.draw.themes import PALETTES
from kraken_tui.tui.paint.styles import textual_theme
from kraken_tui.tui.panes.charts import Chart, ChartsPane
from tests.tui import samples as common
from tests.tui.samples_charts import picture as make_picture


class ChartsApp(App[None]):
    """The charts view alone, on a clock of the test's."""

    palette_name = "dark"
    seconds = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.view = ChartsPane(now=lambda: self.seconds)

    def compose(self) -> ComposeResult:
        yield self.view

    def on_mount(self) -> None:
        for palette in PALETTES.values():
            self.register_theme(textual_theme(palette))


def numbered(version: int, symbol: str = "BTC/USD") -> Picture:
    return make_picture(replace(common.pair(symbol), version=version))


def shown(app: ChartsApp) -> list[str]:
    """First row of every chart on screen."""
    charts = [chart for chart in app.query(Chart) if chart.display]
    return ["".join(segment.text for segment in chart.render_line(0)).strip() for chart in charts]


async def test_four_charts_fill_a_wide_screen() -> None:
    app = ChartsApp()
    async with app.run_test(size=(160, 44)) as pilot:
        app.view.push(numbered(1))
        await pilot.pause()
        titles = shown(app)
        assert [title.split()[1] for title in titles] == ["Depth", "Spread", "Imbalance", "Feed"]
        assert all("now" in title for title in titles[1:3])


async def test_each_chart_is_drawn_once_a_second_and_one_at_a_time() -> None:
    app = ChartsApp()
    async with app.run_test(size=(160, 44)) as pilot:
        app.view.push(numbered(1))
        await pilot.pause()
        drawn = app.view.drawings
        version = 2
        for tenth in range(1, 51):
            app.seconds = tenth / 10
            before = app.view.drawings
            app.view.push(numbered(version))
            version += 1
            assert app.view.drawings - before <= 1
        # Five seconds of three charts, and the latency once.
        assert 13 <= app.view.drawings - drawn <= 16


async def test_pictures_slower_than_charts_still_refresh_all() -> None:
    app = ChartsApp()
    async with app.run_test(size=(160, 44)) as pilot:
        app.view.push(numbered(1))
        await pilot.pause()
        drawn = app.view.drawings
        for second in range(1, 6):
            app.seconds = float(second * 2)
            app.view.push(numbered(1 + second))
        assert app.view.drawings - drawn >= 12


async def test_an_unchanged_view_is_not_drawn_again() -> None:
    app = ChartsApp()
    async with app.run_test(size=(160, 44)) as pilot:
        app.view.push(numbered(1))
        await pilot.pause()
        drawn = app.view.drawings
        for second in range(1, 8):
            app.seconds = float(second)
            app.view.push(numbered(1))
        assert app.view.drawings == drawn


async def test_nothing_is_drawn_while_hidden_and_all_on_return() -> None:
    app = ChartsApp()
    async with app.run_test(size=(160, 44)) as pilot:
        app.view.push(numbered(1))
        app.view.display = False
        await pilot.pause()
        drawn = app.view.drawings
        for second in range(1, 4):
            app.seconds = float(second)
            app.view.push(numbered(1 + second, "PEPE/USD"))
        assert app.view.drawings == drawn
        app.view.display = True
        await pilot.pause()
        assert app.view.drawings > drawn


async def test_another_pair_is_drawn_at_once() -> None:
    app = ChartsApp()
    async with app.run_test(size=(160, 44)) as pilot:
        app.view.push(numbered(1))
        await pilot.pause()
        drawn = app.view.drawings
        app.view.push(numbered(1, "PEPE/USD"))
        assert app.view.drawings == drawn + 4
        await pilot.pause()
        assert "PEPE" in shown(app)[0]


async def test_a_small_screen_shows_one_chart_at_a_time() -> None:
    app = ChartsApp()
    async with app.run_test(size=(80, 22)) as pilot:
        app.view.push(numbered(1))
        await pilot.pause()
        assert [title.split()[1] for title in shown(app)] == ["Depth"]
        app.view.focus()
        for name in ("Spread", "Imbalance", "Feed", "Depth"):
            app.view.show_next()
            await pilot.pause()
            assert [title.split()[1] for title in shown(app)] == [name]
        await pilot.resize_terminal(160, 44)
        await pilot.pause()
        assert len(shown(app)) == 4


async def test_a_chart_without_data_shows_its_sentence() -> None:
    app = ChartsApp()
    async with app.run_test(size=(160, 44)) as pilot:
        app.view.push(Picture(None, common.feed()))
        await pilot.pause()
        chart = app.view.query_one("#chart-depth", Chart)
        text = [" ".join(segment.text for segment in chart.render_line(y)) for y in range(chart.size.height)]
        assert any("Depth curve: no book with two sides yet." in row for row in text)
