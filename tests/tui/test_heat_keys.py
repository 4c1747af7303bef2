"""The keys of heatmap, profile and pull/stack on the real screen."""

from __future__ import annotations

import pytest

from kraken_tui.settings import Settings
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.paint.pane import Pane
from kraken_tui.units import SECOND
from tests.tui.fake_source import FakeSource
from tests.tui.pane_app import texts
from tests.tui.pasts import Market
from tests.tui.test_app import Clock


def app_with_past(**chosen: object) -> KrakenApp:
    """The program on a pair with a past."""
    market = Market()
    market.story()
    source = FakeSource(symbols=("BTC/USD",))
    source.views["BTC/USD"], source.histories["BTC/USD"] = market.view, market.history
    source.now_ns = market.now
    return KrakenApp(source, Settings(**chosen), clock=Clock(), live=False)  # type: ignore[arg-type]


def lines(app: KrakenApp, name: str) -> list[Line]:
    """What a pane shows."""
    pane = app.main._panes[name]
    assert isinstance(pane, Pane)
    return pane._lines


async def test_zoom_cut_offs_weighing_scale_profile_and_windows_have_keys() -> None:
    app = app_with_past()
    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.press("f3")
        await pilot.pause()
        choices = app.main.control.choices
        before = texts(lines(app, "heatmap"))
        assert "1 s a column · average · log" in before[0]
        for key, said in (
            ("Z", "Heatmap: 2 s a column."), ("}", "below the 70th percentile"), ("e", "greatest size"),
            ("l", "grows with the size"), ("V", "time on screen"), ("u", "Pull/stack over 300 s."),
        ):  # fmt: skip
            await pilot.press(key)
            await pilot.pause()
            assert said in texts(lines(app, "footer"))[0]
        assert "2 s a column · greatest · linear · cut off below 70 %" in texts(lines(app, "heatmap"))[0]
        assert "±300 s" in texts(lines(app, "book"))[1]
        assert "on screen" in texts(lines(app, "profile"))[1]
        for key in ("z", "{", "{", "e", "l"):
            await pilot.press(key)
        assert choices.heat.column_ns == SECOND
        assert choices.heat.cut == 30.0


async def test_beside_the_book_the_strip_has_a_zoom_of_its_own() -> None:
    app = app_with_past()
    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.pause()
        assert "Heat" in texts(lines(app, "heatmap"))[0]
        await pilot.press("Z")
        heat = app.main.control.choices.heat
        assert (heat.strip_ns, heat.column_ns) == (10 * SECOND, SECOND)


async def test_where_there_is_no_room_for_the_strip_its_keys_say_so() -> None:
    app = app_with_past()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("}")
        await pilot.pause()
        assert "F3 shows the heatmap" in texts(lines(app, "footer"))[0]
        assert app.main.control.choices.heat.cut is None


@pytest.mark.parametrize(("name", "value", "shown"), [
    ("heat_weighing", "greatest", "greatest"), ("heat_scale", "linear", "linear"), ("pull_window_s", 5, "±5 s"),
])  # fmt: skip
async def test_settings_are_where_it_begins(name: str, value: object, shown: str) -> None:
    app = app_with_past(**{name: value})
    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.press("f3")
        await pilot.pause()
        assert shown in texts(lines(app, "heatmap"))[0] + texts(lines(app, "book"))[1]


async def test_maximised_the_heatmap_keeps_its_prices() -> None:
    app = app_with_past()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("f3", "o")
        if app.main.alone != "heatmap":
            await pilot.press("o")
        await pilot.pause()
        assert app.main.alone == "heatmap"
        assert set(app.main.places) >= {"heatmap", "book"}
        assert len(lines(app, "book")) < len(lines(app, "heatmap"))
        await pilot.press("space")
        await pilot.pause()
        assert "waiting" not in "".join(texts(lines(app, "heatmap")))
