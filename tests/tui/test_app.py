"""Every key does what the help says, at every size; nothing the source does breaks the screen."""

from __future__ import annotations

import asyncio
import gc
import io
import random
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.console import Console
from rich.segment import Segment
from textual import events
from textual._compositor import Compositor
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from kraken_tui.settings import GROUPINGS, Settings
from kraken_tui.tui.app import INTERNAL_ERROR, KrakenApp, encodes_boxes
from kraken_tui.tui.draw.candles import ZOOMS, time_label
from kraken_tui.tui.draw.themes import PALETTES, theme_of
from kraken_tui.tui.keymap import COMMANDS, effective
from kraken_tui.tui.paint.pane import Pane
from kraken_tui.tui.paint.styles import styles_of
from kraken_tui.tui.panes import BOOK, CANDLES, CHARTS, HEALTH, TAPE
from kraken_tui.tui.panes.candles import CandlesPane
from kraken_tui.tui.panes.charts import ChartsPane
from kraken_tui.tui.screens.commands import Commands
from kraken_tui.tui.screens.find_pair import FindPair
from kraken_tui.units import SECOND
from tests.tui import samples
from tests.tui.fake_source import SYMBOLS, FakeSource

SIZES = [(80, 24), (120, 36), (160, 48), (220, 60)]


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def text_of(pane: Pane) -> str:
    """What a pane shows, as plain lines."""
    return "\n".join(pane.render_line(y).text for y in range(pane.size.height))


def screen_text(app: KrakenApp) -> str:
    return "\n".join(text_of(pane) for name, pane in panes(app).items() if name in app.main.places)


def panes(app: KrakenApp) -> dict[str, Pane]:
    return {name: pane for name, pane in app.main._panes.items() if isinstance(pane, Pane)}


def page_text(page: Static) -> str:
    """A page of Rich renderables as plain lines."""
    console = Console(width=90, file=io.StringIO())
    with console.capture() as capture:
        console.print(page.content)
    return capture.get()


def toasts(app: KrakenApp) -> list[str]:
    return [notification.message for notification in app._notifications]


def new_app(source: FakeSource | None = None, settings: Settings | None = None, **options: object) -> KrakenApp:
    return KrakenApp(source or FakeSource(), settings or Settings(group=10), live=False, clock=Clock(), **options)  # type: ignore[arg-type]


@asynccontextmanager
async def running(app: KrakenApp, size: tuple[int, int] = (160, 48)) -> AsyncIterator[Pilot[None]]:
    async with app.run_test(size=size, notifications=True) as pilot:
        app.tick()
        await pilot.pause()
        yield pilot


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def app(source: FakeSource) -> KrakenApp:
    return new_app(source)


# --- the first picture ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PALETTES)
async def test_the_first_picture_is_complete_and_in_its_theme(
    source: FakeSource, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures: list[list[list[Segment]]] = []
    full = Compositor.render_full_update

    def keep(self: Compositor, simplify: bool = False) -> object:
        update = full(self, simplify)
        pictures.append([[segment for strip in row for segment in strip] for row in update.strips])
        return update

    monkeypatch.setattr(Compositor, "render_full_update", keep)
    app = new_app(source, Settings(theme=name))
    async with app.run_test(size=(160, 48)):
        pass
    first = pictures[0]
    text = "\n".join("".join(segment.text for segment in row) for row in first)
    for words in ("VERIFIED", "BTC/USD", "Depth ladder", "Candles 1m", "Flow events", "Tape", "Market health", "F2"):
        assert words in text
    assert text.count("\n") == 47
    colours = {segment.style.bgcolor for row in first for segment in row if segment.style is not None}
    assert styles_of(name).style("text").bgcolor in colours


# --- sizes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [*SIZES, (40, 10), (60, 18), (1000, 300), (1, 1)])
async def test_every_visible_pane_fills_its_place(app: KrakenApp, size: tuple[int, int]) -> None:
    async with running(app, size):
        for name, place in app.main.places.items():
            region = app.main._panes[name].region
            assert (region.x, region.y, region.width, region.height) == (place.x, place.y, place.width, place.height)
        shown = {name for name, pane in app.main._panes.items() if pane.display}
        assert shown == set(app.main.places)


async def test_a_small_terminal_is_told_the_size_it_needs(app: KrakenApp) -> None:
    async with running(app, (58, 12)) as pilot:
        shown = " ".join(screen_text(app).split())
        assert "80x24 or larger" in shown
        assert "58x12" in shown
        await pilot.resize_terminal(80, 24)
        for _ in range(100):
            await pilot.pause(0.02)
            app.tick()
            if screen_text(app).strip():
                break
        await pilot.pause()
        assert "Book" in screen_text(app) or "Aggregated" in screen_text(app)


async def test_a_storm_of_resizes_leaves_the_right_layout(app: KrakenApp) -> None:
    chance = random.Random(1)
    async with running(app) as pilot:
        for _ in range(25):
            await pilot.resize_terminal(chance.randint(1, 260), chance.randint(1, 90))
            app.tick()
        await pilot.resize_terminal(160, 48)
        await pilot.pause()
        app.tick()
        assert app.main.places["ladder"].width == 42
        assert "64,250.1" in text_of(panes(app)["ladder"])


@pytest.mark.parametrize("size", [*SIZES, (40, 10)])
async def test_no_key_fails_at_any_size(source: FakeSource, size: tuple[int, int], tmp_path: Path) -> None:
    app = new_app(source, Settings(svg_dir=tmp_path))
    async with running(app, size) as pilot:
        for command in COMMANDS:
            if command.context != "main" or command.id in ("quit", "suspend"):
                continue
            for key in effective({}).keys[command.id]:
                await pilot.press(key)
                if len(app.screen_stack) > 1:
                    await pilot.press("escape")
                assert len(app.screen_stack) == 1, command.id
        await app.workers.wait_for_complete()
        assert app.return_code is None


# --- pairs ----------------------------------------------------------------------------------------------------


async def test_the_first_pair_is_shown_and_announced(app: KrakenApp, source: FakeSource) -> None:
    async with running(app):
        assert app.main.symbol == "BTC/USD"
        assert source.asked[0] == ("show", "BTC/USD")
        assert app.title == "kraken-tui BTC/USD"


async def test_pair_keys(app: KrakenApp, source: FakeSource) -> None:
    async with running(app) as pilot:
        for key, symbol in [("2", "ETH/BTC"), ("3", "PEPE/USD"), ("tab", "BTC/USD"), ("tab", "ETH/BTC"),
                            ("shift+tab", "BTC/USD"), ("shift+tab", "PEPE/USD")]:  # fmt: skip
            await pilot.press(key)
            assert app.main.symbol == symbol
            assert source.asked[-1] == ("show", symbol)
        await pilot.press("9")
        assert app.main.symbol == "PEPE/USD"
        assert "There is no pair 9; / finds and adds one." in text_of(panes(app)["footer"])


async def test_clicking_a_tab_shows_its_pair(app: KrakenApp) -> None:
    async with running(app) as pilot:
        column = text_of(panes(app)["tabs"]).index("ETH/BTC")
        await pilot.click(offset=(column + 1, 0))
        assert app.main.symbol == "ETH/BTC"


async def test_a_removed_pair_gives_way_to_its_neighbour(app: KrakenApp, source: FakeSource) -> None:
    async with running(app) as pilot:
        await pilot.press("3")
        source.remove_pair("PEPE/USD")
        app.tick()
        assert app.main.symbol == "ETH/BTC"


async def test_nothing_is_shown_before_the_first_pair() -> None:
    app = new_app(FakeSource(symbols=()))
    async with running(app) as pilot:
        await pilot.press("tab", "j", "d", "y", "+")
        assert app.main.symbol == ""
        assert "There is no book to copy yet." in text_of(panes(app)["footer"])


async def test_find_pair_as_you_type(app: KrakenApp, source: FakeSource) -> None:
    async with running(app) as pilot:
        await pilot.press("/")
        await pilot.press(*"doge")
        await pilot.press("enter")
        assert ("add_pair", "DOGE/USD") in source.asked
        assert app.main.symbol == "DOGE/USD"
        await pilot.press("/", *"btc")
        await pilot.press("down", "enter")
        assert app.main.symbol == "ETH/BTC"
        assert [asked for asked in source.asked if asked[0] == "add_pair"] == [("add_pair", "DOGE/USD")]


async def test_find_pair_names_tokenised_assets(app: KrakenApp, source: FakeSource) -> None:
    source.tokenised = {"DOGE/USD"}
    async with running(app) as pilot:
        await pilot.press("/")
        found = app.screen.query_one(OptionList)
        shown = [str(found.get_option_at_index(index).prompt) for index in range(found.option_count)]
        assert "DOGE/USD  tokenised" in shown
        assert "BTC/USD" in shown
        await pilot.press(*"doge", "enter")
        assert app.main.symbol == "DOGE/USD"


async def test_f_chooses_the_smallest_tier_of_the_tape(app: KrakenApp, source: FakeSource) -> None:
    async with running(app) as pilot:
        await pilot.press("f5")
        said = []
        for _ in range(5):
            await pilot.press("f")
            await pilot.pause()
            said.append((app.main.tape_tier, text_of(panes(app)["tape"])))
        for (tier, text), name in zip(said, ("1K USD", "10K USD", "50K USD", "250K USD", ""), strict=True):
            assert f"≥ {name}" in text if name else "≥ 0" in text
            assert tier == (0 if not name else said.index((tier, text)) + 1)
        await pilot.press("f", "f")
        assert app.main.tape_tier == 2
        await pilot.press("2")
        # It holds for every pair: a tier, not an amount.
        assert app.main.tape_tier == 2


async def test_f_says_so_while_there_are_no_tiers(app: KrakenApp, source: FakeSource) -> None:
    source.views["BTC/USD"] = replace(source.views["BTC/USD"], tiers=())
    async with running(app) as pilot:
        await pilot.press("f")
        assert app.main.tape_tier == 0
        assert "not known yet" in text_of(panes(app)["footer"])


async def test_find_pair_says_so_when_nothing_matches(app: KrakenApp, source: FakeSource) -> None:
    async with running(app) as pilot:
        await pilot.press("/", *"q[b]", "enter")
        assert len(app.screen_stack) == 2
        assert 'no pair matches "q[b]"' in str(app.screen.query_one("Static.problem").render())
        await pilot.press("escape")
        assert len(app.screen_stack) == 1
        assert not any(asked[0] == "add_pair" for asked in source.asked)


async def test_a_pair_can_be_named_before_the_list_is_known(
    app: KrakenApp, source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "search", lambda text, limit=50: [])
    async with running(app) as pilot:
        await pilot.press("/", *"solusd", "enter")
        assert ("add_pair", "solusd") in source.asked


# --- views and panes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "view"), [("f4", CANDLES.name), ("f5", TAPE.name), ("f7", HEALTH.name), ("f2", BOOK.name)]
)
async def test_view_keys(app: KrakenApp, key: str, view: str) -> None:
    async with running(app) as pilot:
        await pilot.press("f7" if view == BOOK.name else "f2", key)
        assert app.main.view == view
        expected = {"book": "ladder", "candles": "candles", "tape": "tape", "health": "log"}[view]
        assert app.main._panes[expected].display


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (160, 48)])
async def test_c_goes_from_the_candles_through_the_charts_and_back(app: KrakenApp, size: tuple[int, int]) -> None:
    async with running(app, size) as pilot:
        for name in ("candles", "Depth", "Spread", "Imbalance", "candles", "Depth"):
            await pilot.press("c")
            await pilot.pause()
            if name == "candles":
                assert app.main.view == CANDLES.name
                continue
            assert app.main.view == CHARTS.name
            charts = app.main._panes["charts"]
            assert isinstance(charts, ChartsPane)
            assert shown(app, "charts").startswith(f"─ {name}")


async def test_candles_that_stand_alone_move_in_time_by_keys_each_press_counted(app: KrakenApp) -> None:
    async with running(app) as pilot:
        await pilot.press("f4")
        pane = app.main._panes["candles"]
        assert isinstance(pane, CandlesPane)
        candles = app.pair_view.candles
        await pilot.press(*["left"] * 7)
        assert pane.look.end_s == candles[-8].begin_s
        await pilot.press("right", "right")
        assert pane.look.end_s == candles[-6].begin_s
        assert "5 back, End follows" in shown(app, "candles")
        await pilot.press("shift+left")
        assert pane.look.end_s < candles[-30].begin_s
        await pilot.press(*["shift+left"] * 30)
        first = pane.look.end_s
        await pilot.press("left")
        assert pane.look.end_s == first, "the oldest screen is a full one"
        await pilot.press("end")
        assert pane.look.end_s is None
        await pilot.press("left", *["right"] * 3)
        assert pane.look.end_s is None, "at the newest it follows again"


async def test_candles_zoom_by_keys_and_wheel(app: KrakenApp) -> None:
    async with running(app) as pilot:
        await pilot.press("f4")
        pane = app.main._panes["candles"]
        assert isinstance(pane, CandlesPane)
        await pilot.press("z")
        assert pane.look.zoom == 3
        await pilot.press(*["z"] * 9)
        assert pane.look.zoom == len(ZOOMS) - 1
        await pilot.press(*["Z"] * 9)
        assert pane.look.zoom == 0
        await pilot._post_mouse_events([events.MouseScrollUp], pane, (40, 10))
        assert pane.look.zoom == 1


async def test_beside_other_panes_the_bars_are_zoomed_under_the_mouse_only(app: KrakenApp) -> None:
    async with running(app) as pilot:
        pane = app.main._panes["candles"]
        assert isinstance(pane, CandlesPane)
        await pilot.press("z")
        assert pane.look.zoom is None, "keys mean the heatmap beside the book"
        place = app.main.places["candles"]
        await pilot.hover(offset=(place.x + 5, place.y + 8))
        await pilot.press("z")
        assert pane.look.zoom is not None
        await pilot._post_mouse_events([events.MouseScrollUp], pane, (40, 10), shift=True)
        assert pane.look.end_s is not None
        await pilot.press("2", "1")
        await pilot.pause()
        assert pane.look.end_s is None, "another pair is followed"


async def test_the_bar_under_the_mouse_tells_its_figures(app: KrakenApp) -> None:
    async with running(app) as pilot:
        await pilot.press("f4")
        pane = app.main._panes["candles"]
        assert isinstance(pane, CandlesPane)
        await pilot.hover(offset=(70, 20))
        await pilot.pause()
        begin_s = pane.look.hover_s
        assert begin_s is not None
        assert f"{time_label(begin_s, False)}  O" in shown(app, "candles")
        await pilot.hover(offset=(70, 0))
        await pilot.pause()
        assert pane.look.hover_s is None


async def test_only_visible_panes_are_drawn(app: KrakenApp) -> None:
    async with running(app, (80, 24)) as pilot:
        assert panes(app)["ladder"].rows_painted == 0
        await pilot.press("o")
        await pilot.pause()
        assert panes(app)["ladder"].rows_painted > 0


async def test_o_goes_through_the_panes_of_a_small_screen(app: KrakenApp) -> None:
    async with running(app, (80, 24)) as pilot:
        seen = []
        for _ in range(4):
            await pilot.press("o")
            seen.append(next(name for name in ("book", "ladder", "candles", "tape") if name in app.main.places))
        assert seen == ["ladder", "candles", "tape", "book"]


async def test_maximise_the_pane_under_the_mouse_and_back(app: KrakenApp) -> None:
    async with running(app) as pilot:
        before = app.main.places
        await pilot.hover(offset=(150, 10))
        await pilot.press("m")
        assert app.main.places["tape"].width == 160
        await pilot.press("m")
        assert app.main.places == before
        await pilot.press("o")
        assert set(app.main.places) == {"tabs", "header", "footer", "book"}
        await pilot.press("escape")
        assert app.main.places == before


# --- the book -------------------------------------------------------------------------------------------------


async def test_cursor_keys_move_by_rows_of_the_aggregated_book(app: KrakenApp) -> None:
    async with running(app) as pilot:
        state = app.main.control.choices
        await pilot.press("j")
        assert state.cursor == 642_500
        await pilot.press("down")
        assert state.cursor == 642_490
        await pilot.press("k", "up", "up")
        assert state.cursor == 642_520
        await pilot.press("J")
        assert state.cursor == 642_420
        await pilot.press("shift+up", "K")
        assert state.cursor == 642_620
        await pilot.press("escape")
        assert state.cursor is None
        await pilot.press("up")
        assert state.cursor == 642_510
        assert app.return_code is None


async def test_a_cursor_never_leaves_the_screen(app: KrakenApp) -> None:
    async with running(app, (80, 24)) as pilot:
        for _ in range(6):
            await pilot.press("K")
        state = app.main.control.choices
        assert state.cursor == 642_510 + 50 * 10
        assert "64,301" in text_of(panes(app)["book"])


async def test_the_cursor_is_read_out(app: KrakenApp, source: FakeSource) -> None:
    async with running(app) as pilot:
        await pilot.press("j", "j")
        footer = text_of(panes(app)["footer"])
        assert "64,249.0" in footer
        assert "bps" in footer
        assert "cum" in footer
        source.views["BTC/USD"] = samples.unverified("BTC/USD")
        app.tick()
        assert "no figures from an unproven book" in text_of(panes(app)["footer"])


async def test_beyond_the_book_the_readout_says_what_is_known(app: KrakenApp, source: FakeSource) -> None:
    view = source.views["BTC/USD"]
    edge = view.asks[-1][0]
    held = sum(lots for _, lots in view.asks)
    async with running(app):
        app.main.control.choices.cursor = edge + 50
        app.tick()
        footer = text_of(panes(app)["footer"])
        assert f" at least {held // 10**6 / 100} BTC, book known to {edge / 10:,.1f} " in footer
        assert "buy to here leaves the known book" in footer
        assert "cum" not in footer
        source.views["BTC/USD"] = replace(view, depth=1000)
        app.tick()
        assert "at least" not in text_of(panes(app)["footer"])


async def test_clicking_a_price_sets_the_cursor(app: KrakenApp) -> None:
    async with running(app) as pilot:
        place = app.main.places["book"]
        await pilot.click(offset=(place.x + 20, place.y + 6))
        await pilot.pause()
        cursor = app.main.control.choices.cursor
        assert cursor is not None
        assert cursor % 10 == 0


async def test_the_wheel_scrolls_the_aggregated_book_and_space_brings_it_back(app: KrakenApp) -> None:
    async with running(app) as pilot:
        book = panes(app)["book"]
        state = app.main.control.choices
        middle = state.centre
        assert middle is not None
        place = app.main.places["book"]
        await pilot.hover(offset=(place.x + 5, place.y + 5))
        from textual import events

        for _ in range(3):
            book.post_message(events.MouseScrollUp(book, 5, 5, 0, -1, 0, False, False, False))
        await pilot.pause()
        app.tick()
        assert state.centre == middle + 9
        await pilot.press("space")
        assert state.centre == middle


async def test_grouping_keys(app: KrakenApp) -> None:
    async with running(app) as pilot:
        state = app.main.control.choices
        assert state.grouping == 10
        await pilot.press("+")
        assert state.grouping == 20
        await pilot.press("minus", "minus")
        assert state.grouping == 5
        for _ in range(12):
            await pilot.press("=")
        assert state.grouping == GROUPINGS[-1]
        await pilot.press("2")
        assert app.main.control.choices.grouping == 10


async def test_grouping_is_chosen_by_price_when_none_is_set(source: FakeSource) -> None:
    app = new_app(source, Settings(group=0))
    async with running(app) as pilot:
        assert app.main.control.choices.grouping > 1
        await pilot.press("2")
        assert app.main.control.choices.grouping == 1


async def test_depth_keys(app: KrakenApp, source: FakeSource) -> None:
    async with running(app) as pilot:
        await pilot.press("d")
        assert source.asked[-1] == ("set_depth", 500)
        await pilot.press("d", "d")
        assert source.asked[-1] == ("set_depth", 1000)
        assert "1000 levels is the deepest book there is." in text_of(panes(app)["footer"])
        await pilot.press("D", "D", "D")
        assert source.asked[-1] == ("set_depth", 25)


async def test_a_recording_keeps_its_depth() -> None:
    source = FakeSource(replay=True)
    app = new_app(source)
    async with running(app) as pilot:
        for key in ("d", "D"):
            await pilot.press(key)
            assert "The depth of a recording is that of its data: 100 levels." in text_of(panes(app)["footer"])
        assert not any(asked[0] == "set_depth" for asked in source.asked)


async def test_cumulative_key(app: KrakenApp) -> None:
    async with running(app) as pilot:
        await pilot.press("v")
        assert app.main.control.choices.cumulative
        await pilot.press("v")
        assert not app.main.control.choices.cumulative


async def test_interval_keys(app: KrakenApp, source: FakeSource) -> None:
    async with running(app) as pilot:
        await pilot.press("right_square_bracket")
        assert source.asked[-1] == ("set_interval", 5)
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert source.asked[-1] == ("set_interval", 1)


# --- pause and replay -----------------------------------------------------------------------------------------


async def test_pause_freezes_the_screen_and_counts(app: KrakenApp, source: FakeSource) -> None:
    async with running(app) as pilot:
        await pilot.press("p")
        ladder = panes(app)["ladder"]
        before = text_of(ladder)
        source.advance(1_234)
        app.tick(everything=True)
        await pilot.pause()
        assert text_of(ladder) == before
        assert "PAUSED" in text_of(panes(app)["badge"])
        assert "1,234 behind" in text_of(panes(app)["footer"])
        await pilot.press("j", "v", "t")
        assert app.main.control.choices.cursor == 642_500
        await pilot.press("p")
        await pilot.pause()
        assert "badge" not in app.main.places
        assert text_of(ladder) != before
        assert not any(asked[0] == "pause_replay" for asked in source.asked)


MADE = 500 * SECOND


def published(source: FakeSource, at: int = MADE) -> None:
    """Let all views be of this moment of the engine's clock, and the reader's be the same."""
    source.now_ns = at
    source.feed_view = replace(source.feed_view, made_ns=at, version=source.feed_view.version + 1)
    source.views = {
        symbol: replace(view, made_ns=at, fresh_for_ns=5 * SECOND, version=view.version + 1)
        for symbol, view in source.views.items()
    }


def shown(app: KrakenApp, name: str) -> str:
    return text_of(panes(app)[name])


@pytest.mark.parametrize("size", SIZES)
async def test_a_picture_of_an_engine_that_hangs_says_so_and_counts_on(
    app: KrakenApp, source: FakeSource, size: tuple[int, int]
) -> None:
    published(source)
    source.stuck_in = "writing the recording"
    async with running(app, size) as pilot:
        assert "VERIFIED" in shown(app, "header")
        source.now_ns = MADE + 2 * SECOND
        app.tick()
        assert "VERIFIED" in shown(app, "header")
        for passed in (3, 18):
            source.now_ns = MADE + passed * SECOND
            app.clock.now += 15  # type: ignore[attr-defined]
            app.tick()
            await pilot.pause()
            assert f"ENGINE SILENT {passed} s" in shown(app, "header")
            assert "STALE" in shown(app, "header")
            assert f"engine silent {passed} s" in shown(app, "tabs")
            assert f"engine not answering for {passed} s" in shown(app, "footer")
            assert "in: writing the recording" in shown(app, "footer")
            # Without any new view the clock goes on.
            if size[0] > 80:
                assert f"14:03:{10 + passed} UTC" in shown(app, "tabs")
            assert "VERIFIED" not in screen_text(app)
            assert not coloured(app)
        await pilot.press("f7")
        assert "silent 18 s" in shown(app, "health")
        assert "SUBSCRIBED" not in shown(app, "health").replace("WAS SUBSCRIBED", "")
        published(source, MADE + 19 * SECOND)
        await pilot.press("f2")
        assert "VERIFIED" in shown(app, "header")
        assert coloured(app)


def coloured(app: KrakenApp) -> set[str]:
    """Roles on screen that only a proven and fresh market has."""
    keys = (key for name in app.main.places for line in panes(app)[name]._lines for _, key in line)
    return {key.lstrip("!~").partition("/")[0] for key in keys} & {
        "bid",
        "ask",
        "bid-bar",
        "ask-bar",
        "up",
        "down",
        "ok",
    }


async def test_charts_turn_with_the_rest(source: FakeSource) -> None:
    published(source)
    app = new_app(source)
    async with running(app, (160, 48)) as pilot:
        await pilot.press("c", "c")
        await pilot.pause()
        source.now_ns = MADE + 9 * SECOND
        app.tick()
        assert shown(app, "charts").count("engine not answering for 9 s") == 3


async def test_the_first_picture_after_the_screen_stood_still_is_true(app: KrakenApp, source: FakeSource) -> None:
    published(source)
    async with running(app):
        # The screen's thread hung for 20 s while the engine went on: its newest view counts.
        published(source, MADE + 20 * SECOND)
        app.tick()
        assert "VERIFIED" in shown(app, "header")
        assert app.pair_view is not None
        assert app.pair_view.made_ns == MADE + 20 * SECOND
        # Both hung, as after a stop signal.
        source.now_ns = MADE + 60 * SECOND
        app.tick()
        assert "ENGINE SILENT 40 s" in shown(app, "header")
        assert "VERIFIED" not in screen_text(app)


def cells(app: KrakenApp) -> dict[str, list[object]]:
    """The lines of every visible pane but the footer, with the clock of the top row taken out."""
    lines: dict[str, list[object]] = {
        name: list(panes(app)[name]._lines) for name in app.main.places if name in panes(app) and name != "footer"
    }
    lines["tabs"] = [re.sub(r"\d\d:\d\d:\d\d", "", shown(app, "tabs"))]
    return lines


@pytest.mark.parametrize("view", ["f2", "f5", "f7"])
async def test_a_paused_picture_stands_still(app: KrakenApp, source: FakeSource, view: str) -> None:
    published(source)
    async with running(app) as pilot:
        await pilot.press(view, "p")
        await pilot.pause()
        before = cells(app)
        assert "PAUSED" in shown(app, "badge")
        for passed in (3, 9, 600):
            published(source, MADE + passed * SECOND)
            source.advance(100)
            source.feed_view = replace(source.feed_view, message_rate=passed * 1.0, checks_ok=99_000 + passed)
            tabs = tuple(replace(tab, last=passed, stale=True) for tab in source.feed_view.tabs)
            source.feed_view = replace(source.feed_view, tabs=tabs, now_ns=samples.NOW + passed * SECOND)
            app.clock.now += passed  # type: ignore[attr-defined]
            app.tick(everything=True)
            await pilot.pause()
            assert cells(app) == before
        assert "STALE" not in screen_text(app)
        assert "14:03:10 UTC, 300 behind, p resumes" in shown(app, "footer")
        assert "14:13:10 UTC" in shown(app, "tabs"), "the clock goes on"


async def test_a_paused_screen_says_if_the_engine_hangs(app: KrakenApp, source: FakeSource) -> None:
    published(source)
    async with running(app) as pilot:
        await pilot.press("p")
        source.now_ns += 3 * SECOND
        app.tick()
        assert app.pair_view is not None
        assert app.pair_view.stale_reason == "engine not answering for 3 s"
        assert "ENGINE SILENT 3 s" in shown(app, "header")
        assert "engine not answering for 3 s" in shown(app, "footer")


async def test_a_paused_screen_says_if_the_connection_is_lost(app: KrakenApp, source: FakeSource) -> None:
    async with running(app) as pilot:
        await pilot.press("p")
        source.feed_view = samples.reconnecting(tabs=source.feed_view.tabs)
        app.tick()
        assert "OFFLINE" in shown(app, "footer")
        assert "PAUSED" in shown(app, "footer")


async def test_a_pair_chosen_while_paused_is_shown_as_it_was(app: KrakenApp, source: FakeSource) -> None:
    async with running(app) as pilot:
        await pilot.press("2", "p", "1")
        await pilot.pause()
        assert app.main.paused
        then = source.views["BTC/USD"]
        before = shown(app, "ladder")
        await pilot.press("2")
        source.advance()
        await pilot.press("1")
        await pilot.pause()
        assert app.main.paused
        assert shown(app, "ladder") == before
        assert app.pair_view is not None
        assert app.pair_view.bids == then.bids
        assert source.asked[-1] == ("show", "BTC/USD")


async def test_a_pair_added_while_paused_stays_paused_and_says_so(app: KrakenApp, source: FakeSource) -> None:
    async with running(app) as pilot:
        await pilot.press("p", "/", *"doge", "enter")
        await pilot.pause()
        assert app.main.symbol == "DOGE/USD"
        assert app.main.paused
        assert "PAUSED before the first book of DOGE/USD; p resumes" in shown(app, "header")
        await pilot.press("p")
        assert "VERIFIED" in shown(app, "header")


# --- a burst of keys ------------------------------------------------------------------------------------------


async def test_every_press_of_a_burst_counts(
    app: KrakenApp, source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine answers later: keys go on from what was asked for, not from what was last published."""
    wanted: list[tuple[str, object]] = []
    monkeypatch.setattr(source, "set_interval", lambda minutes: wanted.append(("interval", minutes)))
    monkeypatch.setattr(source, "set_depth", lambda depth: wanted.append(("depth", depth)))
    async with running(app) as pilot:
        await pilot.press(*["right_square_bracket"] * 4, "left_square_bracket", "d", "d")
        assert wanted == [("interval", 5), ("interval", 15), ("interval", 30), ("interval", 60), ("interval", 30),
                          ("depth", 500), ("depth", 1000)]  # fmt: skip
        # The first answers come while the burst goes on: they are not its end.
        source.views["BTC/USD"] = replace(source.views["BTC/USD"], interval=5)
        app.clock.now += 0.3  # type: ignore[attr-defined]
        await pilot.press("right_square_bracket")
        assert wanted[-1] == ("interval", 60)
        # A depth that was refused never comes.
        app.clock.now += 30  # type: ignore[attr-defined]
        await pilot.press("d")
        assert wanted[-1] == ("depth", 500)


async def test_every_press_of_a_burst_counts_in_a_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    source = FakeSource(replay=True)
    wanted: list[object] = []
    monkeypatch.setattr(source, "set_replay_speed", wanted.append)
    monkeypatch.setattr(source, "pause_replay", wanted.append)
    app = new_app(source)
    async with running(app) as pilot:
        await pilot.press(*["greater_than_sign"] * 4, "less_than_sign", "p", "p", "p")
        assert wanted == [5.0, 10.0, 25.0, 50.0, 25.0, True, False, True]


async def test_recording_is_not_started_twice_by_two_quick_presses(
    app: KrakenApp, source: FakeSource, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    wanted: list[object] = []
    monkeypatch.setattr(source, "record", wanted.append)
    async with running(app) as pilot:
        await pilot.press("R", "R")
        assert [path is None for path in wanted] == [False, True]


# --- the end of a replay, and no connection -------------------------------------------------------------------


async def test_the_end_of_a_replay_is_calm_and_can_be_played_again() -> None:
    source = FakeSource(replay=True)
    replay = source.feed_view.replay
    assert replay is not None
    ended = replace(replay, position_ns=600 * SECOND, finished=True)
    source.feed_view = replace(source.feed_view, state="CLOSED", cause="end of the recording", replay=ended)
    app = new_app(source)
    async with running(app) as pilot:
        for view in ("f2", "f7", "f2"):
            await pilot.press(view)
            await pilot.pause()
            assert "END" in shown(app, "footer")
            assert "10:00 / 10:00, press Home to play again" in shown(app, "footer")
            assert not any(word in screen_text(app) for word in ("CLOSED", "not connected", "STALE", "○"))
        await pilot.press("greater_than_sign")
        assert "The recording is over; Home plays it again." in shown(app, "footer")
        assert not any(asked[0] == "set_replay_speed" for asked in source.asked)
        await pilot.press("home")
        assert source.asked[-1] == ("replay_again",)
        source.feed_view = replace(source.feed_view, replay=ended)
        await pilot.press("p")
        assert source.asked[-1] == ("replay_again",)
        source.feed_view = replace(source.feed_view, replay=replay)
        await pilot.press("d")
        assert "The depth of a recording is that of its data: 100 levels." in shown(app, "footer")


async def test_home_means_nothing_live(app: KrakenApp, source: FakeSource) -> None:
    async with running(app) as pilot:
        await pilot.press("home")
        assert "This is for a recording that is played." in shown(app, "footer")
        assert ("replay_again",) not in source.asked


async def test_the_pair_on_screen_outlives_its_tab_while_a_replay_begins_again() -> None:
    source = FakeSource(replay=True)
    app = new_app(source)
    async with running(app) as pilot:
        await pilot.press("2", "home")
        tabs = source.feed_view.tabs
        for known in ((), tabs[:1], tabs):
            source.feed_view = replace(source.feed_view, tabs=known)
            app.tick()
            assert app.main.symbol == "ETH/BTC"


@pytest.mark.parametrize(
    ("changes", "footer", "said"),
    [
        ({"retry_in_s": 4.2}, "OFFLINE  next try in 5 s; press r to try now", "Dialling now."),
        ({"retry_in_s": 240.0, "allowed_in_s": 240.0}, "OFFLINE  next try in 240 s ", "allows the next try in 240 s."),
        ({"state": "COOLDOWN", "retry_in_s": 600.0, "allowed_in_s": 600.0}, "OFFLINE  next try in 600 s ",
         "allows the next try in 600 s."),
        ({"state": "CONNECTING", "retry_in_s": None}, "OFFLINE  dialling, attempt 3", "Dialling already."),
    ],
)  # fmt: skip
async def test_offline_counts_down_and_r_dials(
    app: KrakenApp, source: FakeSource, changes: dict[str, object], footer: str, said: str
) -> None:
    async with running(app, (80, 24)) as pilot:
        source.feed_view = replace(samples.reconnecting(tabs=source.feed_view.tabs), attempt=2, **changes)
        app.tick()
        assert footer in shown(app, "footer")
        await pilot.press("r")
        assert said in shown(app, "footer")
        assert source.asked[-1] == ("reconnect",)


async def test_offline_before_the_first_book_says_so_and_names_the_demo(app: KrakenApp, source: FakeSource) -> None:
    async with running(app, (120, 36)):
        source.views.clear()
        source.feed_view = replace(
            samples.reconnecting(tabs=source.feed_view.tabs), cause="no route", attempt=2, retry_in_s=4.0
        )
        app.tick()
        assert "offline: no route" in shown(app, "header")
        assert "next try in 4 s; press r to try now; kraken-tui --demo needs no network" in shown(app, "header")


# --- the cursor and the touch ---------------------------------------------------------------------------------


async def test_centring_takes_a_readout_away_whose_row_leaves_the_screen(app: KrakenApp) -> None:
    async with running(app) as pilot:
        await pilot.press("k", "k", "space")
        assert app.main.control.choices.cursor is not None, "it stays in sight"
        await pilot.press(*["K"] * 6)
        assert "bps" in shown(app, "footer")
        await pilot.press("space")
        assert app.main.control.choices.cursor is None
        assert "bps" not in shown(app, "footer")


async def test_a_replay_is_paused_at_its_source() -> None:
    source = FakeSource(replay=True)
    app = new_app(source)
    async with running(app) as pilot:
        await pilot.press("p")
        assert source.asked[-1] == ("pause_replay", True)
        assert not app.main.paused
        await pilot.press("p")
        assert source.asked[-1] == ("pause_replay", False)
        await pilot.press("greater_than_sign")
        assert source.asked[-1] == ("set_replay_speed", 5.0)
        await pilot.press("less_than_sign", "less_than_sign")
        assert source.asked[-1] == ("set_replay_speed", 1.0)


async def test_a_gap_of_a_recording_is_named_and_skipped_by_a_key() -> None:
    source = FakeSource(replay=True)
    replay = source.feed_view.replay
    assert replay is not None
    source.feed_view = replace(source.feed_view, replay=replace(replay, gap_ns=28_797 * SECOND))
    app = new_app(source)
    async with running(app) as pilot:
        await pilot.pause()
        assert "nothing recorded for 7 h 59 min: skipped in seconds, g now" in text_of(panes(app)["footer"])
        await pilot.press("g")
        assert source.asked[-1] == ("skip_replay",)


async def test_a_replay_that_waits_for_the_disk_says_so() -> None:
    source = FakeSource(replay=True)
    replay = source.feed_view.replay
    assert replay is not None
    waits = "the disk does not answer since 5 s"
    source.feed_view = replace(source.feed_view, replay=replace(replay, problem=waits))
    app = new_app(source)
    async with running(app) as pilot:
        await pilot.pause()
        assert f"REPLAY WAITS  {waits}" in text_of(panes(app)["footer"])


async def test_keys_that_move_in_a_recording() -> None:
    source = FakeSource(replay=True)
    now = source.feed_view.now_ns
    app = new_app(source)
    async with running(app) as pilot:
        await pilot.press("pagedown", "pagedown", "pageup")
        sought = [asked[1] for asked in source.asked if asked[0] == "seek_replay"]
        assert sought == [now + 60 * SECOND, now + 120 * SECOND, now + 60 * SECOND], "a burst adds up"
        await pilot.press("G", "ctrl+g")
        assert [asked for asked in source.asked if asked[0] == "seek_fault"] == [("seek_fault", 1), ("seek_fault", -1)]
        for _ in range(6):
            await pilot.press("greater_than_sign")
        for _ in range(10):
            await pilot.press("greater_than_sign")
        assert source.asked[-1] == ("set_replay_speed", 0.0)
        assert "as fast as possible" in text_of(panes(app)["footer"])
        await pilot.press("less_than_sign")
        assert source.asked[-1] == ("set_replay_speed", 1000.0)


async def test_a_time_of_a_recording_is_asked_for_and_refused_outside() -> None:
    source = FakeSource(replay=True)
    assert source.feed_view.replay is not None
    begin = source.feed_view.now_ns - source.feed_view.replay.position_ns
    app = new_app(source)
    async with running(app) as pilot:
        await pilot.press("@")
        await pilot.pause()
        await pilot.press(*"+9999", "enter")
        assert "is outside" in str(app.screen.query_one(Static).content)
        for _ in range(5):
            await pilot.press("backspace")
        await pilot.press(*"+90", "enter")
        await pilot.pause()
        assert source.asked[-1] == ("seek_replay", begin + 90 * SECOND)


async def test_a_long_seek_is_told_and_stopped_with_escape() -> None:
    source = FakeSource(replay=True)
    replay = source.feed_view.replay
    assert replay is not None
    replay = replace(replay, seeking="seeking 14:03:10", reached_ns=200 * SECOND)
    source.feed_view = replace(source.feed_view, replay=replay)
    app = new_app(source)
    async with running(app) as pilot:
        await pilot.pause()
        assert "SEEKING  seeking 14:03:10, at 03:20 / 10:00, Esc stops" in text_of(panes(app)["footer"])
        await pilot.press("escape")
        assert ("cancel_seek",) in source.asked


async def test_a_moment_is_shared_and_its_line_copied(tmp_path: Path) -> None:
    source = FakeSource()
    app = new_app(source, Settings(svg_dir=tmp_path / "new"))
    async with running(app) as pilot:
        await pilot.press("S")
        await app.workers.wait_for_complete()
        await pilot.pause()
        (folder,) = (tmp_path / "new").iterdir()
        assert sorted(path.name for path in folder.iterdir()) == ["frames.jsonl.gz", "moment.txt", "picture.svg"]
        assert "Shared in" in text_of(panes(app)["footer"])
        assert app.clipboard.startswith(app.main.symbol)
        assert app.pair_view is not None
        assert source.asked[-1] == ("share", folder / "frames.jsonl.gz", app.pair_view.now_ns)


async def test_a_moment_that_cannot_be_shared_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    app = new_app(FakeSource(), Settings(svg_dir=tmp_path / "file"))
    async with running(app) as pilot:
        await pilot.press("S")
        await app.workers.wait_for_complete()
        assert toasts(app)[0].startswith("Cannot share the moment: ")


async def test_a_live_feed_has_no_speed(app: KrakenApp, source: FakeSource) -> None:
    async with running(app) as pilot:
        await pilot.press("greater_than_sign")
        assert "This is for a recording that is played." in text_of(panes(app)["footer"])
        assert not any(asked[0] == "set_replay_speed" for asked in source.asked)


# --- files, clipboard, themes ---------------------------------------------------------------------------------


async def test_save_writes_a_picture_and_never_overwrites(source: FakeSource, tmp_path: Path) -> None:
    app = new_app(source, Settings(svg_dir=tmp_path / "new"))
    async with running(app) as pilot:
        await pilot.press("s", "s")
        await app.workers.wait_for_complete()
        names = sorted(path.name for path in (tmp_path / "new").iterdir())
        stem = "kraken-tui_BTC-USD_20261121T140310Z"
        assert names == [f"{stem}-2.svg", f"{stem}.svg"]
        assert "Saved " in shown(app, "footer")
        assert toasts(app) == []


async def test_a_toast_covers_no_book_and_no_saved_picture(source: FakeSource, tmp_path: Path) -> None:
    for size in SIZES:
        app = new_app(source, Settings(svg_dir=tmp_path))
        async with running(app, size) as pilot:
            for number in range(3):
                app.tell(f"Cannot write number {number}, " + "because there is no room left " * 6, "error")
            for _ in range(5):
                await pilot.pause()
            (toast,) = app.screen.query("Toast")
            assert toast.region.area
            rack = toast.parent.parent
            assert rack is not None
            # Not even the header, which says whether the book is proven; nor DEMO at the end of the tabs.
            assert rack.region.bottom <= app.main.places["header"].y, size
            assert toast.region.x == 0
            assert toast.region.right <= 0.7 * size[0]
            assert toasts(app)[0].endswith(" … F7") == (size[0] < 260)
            assert ("note", "error", "Cannot write number 0, " + ("because there is no room left " * 6).strip()) in [
                (*asked[:2], str(asked[-1]).strip()) for asked in source.asked
            ]
            await pilot.press("s")
            await app.workers.wait_for_complete()
    pictures = texts_in(tmp_path)
    assert len(pictures) == len(SIZES)
    assert not any("Cannot" in picture for picture in pictures)


def texts_in(folder: Path) -> list[str]:
    """The text of all files of a folder."""
    return [path.read_text().replace("&#160;", " ") for path in folder.iterdir()]


async def test_a_picture_that_cannot_be_written_is_one_sentence(source: FakeSource, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    app = new_app(source, Settings(svg_dir=tmp_path / "file"))
    async with running(app) as pilot:
        await pilot.press("s")
        await app.workers.wait_for_complete()
        (toast,) = toasts(app)
        assert toast.startswith("Cannot save a picture: ")
        assert "\n" not in toast


async def test_record_toggles_and_names_its_file(
    app: KrakenApp, source: FakeSource, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    async with running(app) as pilot:
        await pilot.press("R")
        command, path = source.asked[-1]
        assert command == "record"
        assert isinstance(path, Path)
        assert path.name.startswith("BTC-USD_20261121T140310Z.")
        assert path.parent.name == "recordings"
        assert f"Recording to {path}"[:60] in shown(app, "footer")
        await pilot.press("R")
        assert source.asked[-1] == ("record", None)


async def test_copy_puts_ten_levels_into_the_clipboard(app: KrakenApp) -> None:
    async with running(app) as pilot:
        await pilot.press("y")
        lines = app.clipboard.splitlines()
        assert lines[0].startswith("BTC/USD\t2026-11-21T14:03:10")
        assert lines[0].endswith("VERIFIED")
        assert lines[1] == "bid size\tbid\task\task size"
        assert len(lines) == 12
        assert lines[2].split("\t")[1:3] == ["64250.0", "64250.1"]


async def test_theme_key_goes_through_all_palettes_and_repaints(app: KrakenApp) -> None:
    async with running(app) as pilot:
        for name in [*list(PALETTES)[1:], "dark"]:
            await pilot.press("t")
            await pilot.pause()
            assert app.palette_name == name
            assert app.theme == f"kraken-{name}"
            strip = panes(app)["ladder"].render_line(0)
            expected = styles_of(name).style("rule").color
            assert any(segment.style and segment.style.color == expected for segment in strip)


@pytest.mark.parametrize(
    ("term", "theme", "palette"),
    [
        ("xterm-256color", "auto", "dark-256"),
        ("screen-256color", "light", "light-256"),
        ("linux", "auto", "terminal"),
        ("xterm", "colour-blind", "colour-blind-16"),
        ("xterm-256color", "terminal", "terminal"),
        ("dumb", "auto", "terminal"),
    ],
)
async def test_the_colours_are_those_the_terminal_has(
    source: FakeSource, monkeypatch: pytest.MonkeyPatch, term: str, theme: str, palette: str
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.delenv("COLORTERM", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    drawn = KrakenApp(source, Settings(theme=theme), live=False)
    assert drawn.palette_name == ("dark" if theme == "auto" else theme), "a picture has all colours"
    app = KrakenApp(source, Settings(theme=theme), clock=Clock(), live=False, fit_colours=True)
    assert app.palette_name == palette
    async with running(app) as pilot:
        assert toasts(app) == []
        for _ in PALETTES:
            await pilot.press("t")
        await pilot.pause()
        worn = theme_of(palette)
        assert theme_of(app.palette_name) == worn


async def test_an_unknown_theme_is_said_and_dark_is_worn(source: FakeSource) -> None:
    app = new_app(source, Settings(theme="nope\x1b[2J"))
    async with running(app):
        assert app.palette_name == "dark"
        (toast,) = toasts(app)
        assert "dark, light, colour-blind, terminal" in toast
        assert "\x1b" not in toast


@pytest.mark.parametrize("size", SIZES)
async def test_without_colour_bids_and_asks_still_differ(
    source: FakeSource, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = new_app(source)
    async with running(app, size):
        assert app.no_color
        from textual.geometry import Region

        pane = panes(app)["book"]
        for strip in pane.render_lines(Region(0, 0, *pane.size)):
            for segment in strip:
                style = segment.style
                assert style is None or (style.color is None or style.color.is_default)
                assert style is None or (style.bgcolor is None or style.bgcolor.is_default)
        tabs = panes(app)["tabs"]
        assert any(segment.style and segment.style.reverse for segment in tabs.render_lines(Region(0, 0, 80, 1))[0])
        assert "bid" in text_of(pane)
        assert "ask" in text_of(pane)


@pytest.mark.parametrize("size", SIZES)
async def test_an_ascii_terminal_gets_ascii_only(source: FakeSource, size: tuple[int, int]) -> None:
    app = new_app(source, ascii_only=True)
    async with running(app, size) as pilot:
        for key in ("f2", "f5", "f7", "p"):
            await pilot.press(key)
            for name in app.main.places:
                if name != "charts":
                    shown = text_of(panes(app)[name])
                    assert shown.isascii(), (name, [line for line in shown.split("\n") if not line.isascii()][:2])


@pytest.mark.parametrize(("encoding", "can"), [("utf-8", True), (None, True), ("ascii", False), ("latin-1", False),
                                               ("no-such-encoding", False)])  # fmt: skip
def test_encodings(encoding: str | None, can: bool) -> None:
    assert encodes_boxes(encoding) is can


# --- keys of the user -----------------------------------------------------------------------------------------


async def test_user_keys_replace_built_in_ones(source: FakeSource) -> None:
    app = new_app(source, Settings(keys={"feed.pause": "x", "book.centre": "p"}))
    async with running(app) as pilot:
        await pilot.press("p")
        assert not app.main.paused
        await pilot.press("x")
        assert app.main.paused
        assert "x resumes" in text_of(panes(app)["footer"])
        assert toasts(app) == []


async def test_bad_user_keys_are_told_and_the_rest_works(source: FakeSource) -> None:
    app = new_app(source, Settings(keys={"feed.pause": "x", "nonsense": "y", "screen.theme": "q"}))
    async with running(app) as pilot:
        assert len(toasts(app)) == 1
        assert "(1 more in the log)" in toasts(app)[0]
        assert len([asked for asked in source.asked if asked[0] == "note"]) == 2
        await pilot.press("x")
        assert app.main.paused
        await pilot.press("t")
        assert app.palette_name == "light"


# --- dialogs --------------------------------------------------------------------------------------------------


async def test_help_lists_keys_and_words_and_closes(app: KrakenApp) -> None:
    async with running(app) as pilot:
        for close in ("escape", "question_mark", "q"):
            await pilot.press("question_mark")
            text = page_text(app.screen.query_one("HelpScreen Static", Static))
            for word in ("microprice", "imbalance", "proof", "STALE", "Shift", "feed.pause"):
                assert word in text
            await pilot.press(close)
            assert len(app.screen_stack) == 1
        assert app.return_code is None


async def test_the_help_is_whole_on_a_small_screen(app: KrakenApp) -> None:
    async with running(app, (80, 24)) as pilot:
        await pilot.press("question_mark")
        page = app.screen.query_one("HelpScreen Static", Static)
        rows = [page.render_line(y).text for y in range(page.size.height)]
        keys = rows[: next(at for at, row in enumerate(rows) if "three truths" in row)]
        assert not any("…" in row for row in keys)
        assert any("(F2 F3 F4)" in row for row in keys)


async def test_the_market_goes_on_under_the_help(app: KrakenApp, source: FakeSource) -> None:
    async with running(app) as pilot:
        await pilot.press("question_mark")
        before = text_of(panes(app)["ladder"])
        source.advance()
        app.tick()
        assert text_of(panes(app)["ladder"]) != before


async def test_a_palette_that_is_gone_hears_no_more_of_its_search(app: KrakenApp) -> None:
    """Its search ends when it likes, also while the palette is being taken down."""
    async with running(app) as pilot:
        await pilot.press("ctrl+p")
        await pilot.pause()
        palette = app.screen
        assert isinstance(palette, Commands)
        await palette.query_children("*").remove()
        palette._show_busy = not palette._show_busy
        await pilot.pause()
        palette._list_visible = not palette._list_visible
        await pilot.pause()
        assert app.crash is None


@pytest.mark.parametrize(
    ("typed", "check"),
    [
        ("theme: light", lambda app, source: app.palette_name == "light"),
        ("depth: 25", lambda app, source: ("set_depth", 25) in source.asked),
        ("candles: 1h", lambda app, source: ("set_interval", 60) in source.asked),
        ("grouping: 250", lambda app, source: app.main.control.choices.grouping == 250),
        ("view: charts", lambda app, source: app.main.view == CHARTS.name),
        ("doge", lambda app, source: ("add_pair", "DOGE/USD") in source.asked),
        ("close pair: eth", lambda app, source: ("remove_pair", "ETH/BTC") in source.asked),
        ("record", lambda app, source: source.asked[-1][0] == "record"),
        ("cumulative", lambda app, source: app.main.control.choices.cumulative),
    ],
)
async def test_palette(
    app: KrakenApp, source: FakeSource, typed: str, check: Callable[[KrakenApp, FakeSource], bool]
) -> None:
    async with running(app) as pilot:
        await pilot.press("ctrl+p")
        for character in typed:
            await pilot.press({":": "colon", " ": "space"}.get(character, character))
        await pilot.pause(0.05)
        await pilot.press("enter")
        await pilot.pause()
        assert check(app, source)


# --- trouble --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_quit_keys(app: KrakenApp, key: str) -> None:
    async with running(app) as pilot:
        await pilot.press(key)
    assert app.return_code == 0


async def test_ctrl_c_quits_from_a_dialog_and_q_is_only_a_letter_there(app: KrakenApp) -> None:
    async with running(app) as pilot:
        await pilot.press("/", "q")
        assert app.return_code is None
        await pilot.press("ctrl+c")
    assert app.return_code == 0


async def test_a_feed_that_failed_for_good_is_said_and_gives_the_exit_code(app: KrakenApp, source: FakeSource) -> None:
    async with running(app) as pilot:
        source.feed_view = replace(source.feed_view, fatal="kraken refused every pair")
        app.tick()
        app.tick()
        await pilot.pause()
        assert toasts(app) == ["The feed stopped: kraken refused every pair"]
        assert "FEED STOPPED" in text_of(panes(app)["footer"])
        await pilot.press("q")
    assert app.return_code == 1


async def test_a_dead_engine_ends_the_program(app: KrakenApp, source: FakeSource) -> None:
    error = RuntimeError("boom")
    async with running(app) as pilot:
        assert source.callback is not None
        source.callback(error)
        await pilot.pause()
    assert app.return_code == INTERNAL_ERROR
    assert app.crash is error


async def test_an_error_of_the_screen_ends_a_terminal_run_without_a_traceback(
    app: KrakenApp, source: FakeSource, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = ValueError("a bug")
    async with running(app):
        monkeypatch.setattr(type(app), "is_headless", property(lambda self: False))
        app._handle_exception(error)
        monkeypatch.undo()
        app._handle_exception(RuntimeError("after the exit"))
    assert app.return_code == INTERNAL_ERROR
    assert app.crash is error
    assert source.asked[-1] == ("note", "error", "screen: ValueError: a bug")
    assert capsys.readouterr().err == ""


async def test_ticks_after_the_exit_do_nothing(app: KrakenApp) -> None:
    async with running(app) as pilot:
        await pilot.press("q")
        app.tick(everything=True)
    app.tick(everything=True)


async def test_only_errors_are_toasts_one_at_a_time_and_all_are_logged(app: KrakenApp, source: FakeSource) -> None:
    async with running(app) as pilot:
        app.tell("a confirmation", "information")
        assert toasts(app) == []
        assert "a confirmation" in shown(app, "footer")
        for number in range(20):
            app.tell(f"news {number}")
            app.tell("the same")
        await pilot.pause()
        assert toasts(app) == ["news 19"]
        notes = [asked for asked in source.asked if asked[0] == "note"]
        assert len(notes) == 21
        app.tell("[b]not markup[/b] \x1b[31m", "error")
        await pilot.pause()
        assert toasts(app)[-1].startswith("[b]not markup[/b] ")
        assert "\x1b" not in toasts(app)[-1]


@pytest.mark.parametrize(
    "view",
    [samples.checking(), samples.unverified(), samples.stale(), samples.empty(), samples.empty(side="asks"),
     samples.crossed(), samples.waiting(), samples.waiting(spec=False), samples.refused()],
)  # fmt: skip
@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_every_state_of_a_book_can_be_shown(view: samples.PairView, size: tuple[int, int]) -> None:
    source = FakeSource()
    app = new_app(source, Settings())
    async with running(app, size) as pilot:
        source.views["BTC/USD"] = view
        for key in ("f2", "f4", "f5", "f7", "f2", "j", "k", "space", "plus", "y"):
            await pilot.press(key)
        assert app.return_code is None


async def test_late_pictures_halve_the_rate_and_the_measured_cause_is_said(source: FakeSource) -> None:
    clock = Clock()
    app = KrakenApp(source, Settings(fps=10), clock=clock, processor_time=lambda: 0.9 * clock.now)
    try:
        async with app.run_test(size=(120, 36)):
            first = app._timer
            for _ in range(8):
                clock.now += 0.4
                app.timer_tick()
            assert app.pacer.fps == 5
            assert app._timer is not first
            app.tick()
            told = "drawing slowed to 5 fps: this program needed 90 % of a processor"
            assert told in text_of(panes(app)["footer"])
            for _ in range(60):
                clock.now += app.pacer.period
                app.timer_tick()
            app.tick()
            assert app.pacer.fps == 10
            assert "slowed" not in text_of(panes(app)["footer"])
    finally:
        gc.unfreeze()


async def test_a_new_view_is_drawn_when_it_comes_and_not_at_the_next_frame(source: FakeSource) -> None:
    clock = Clock()
    app = KrakenApp(source, Settings(fps=1), clock=clock)
    try:
        async with app.run_test(size=(120, 36)) as pilot:
            await pilot.pause()
            app.tick()
            before = text_of(panes(app)["book"])

            async def told(passed: float) -> bool:
                clock.now += passed
                source.advance()
                await asyncio.to_thread(source.told_frame)
                await pilot.pause()
                return text_of(panes(app)["book"]) != before

            assert not await told(0.5), "too soon after the last picture"
            assert await told(0.5)
            before = text_of(panes(app)["book"])
            source.views = {symbol: samples.pair(symbol) for symbol in source.views}
            app._timer.stop()  # type: ignore[union-attr]
            clock.now += 1.3
            app.timer_tick()
            assert text_of(panes(app)["book"]) == before, "the engine may still call"
            clock.now += 0.2
            app.timer_tick()
            assert text_of(panes(app)["book"]) != before, "it has not called for too long"
    finally:
        gc.unfreeze()


@pytest.mark.realtime
async def test_the_frame_timer_draws_by_itself(source: FakeSource) -> None:
    app = KrakenApp(source, Settings(fps=20))
    try:
        async with app.run_test(size=(120, 36)) as pilot:
            await asyncio.sleep(0.3)
            before = text_of(panes(app)["book"])
            source.advance()
            await asyncio.sleep(0.3)
            assert text_of(panes(app)["book"]) != before
            await pilot.press("q")
    finally:
        gc.unfreeze()


@pytest.mark.parametrize("size", [(40, 1), (40, 2), (40, 3), (1, 1), (60, 6)])
@pytest.mark.parametrize("opens", ["slash", "ctrl+p"])
async def test_paging_through_a_list_that_has_no_room_is_no_error(
    app: KrakenApp, size: tuple[int, int], opens: str
) -> None:
    async with running(app) as pilot:
        await pilot.press(opens)
        await pilot.pause(0.05)
        await pilot.resize_terminal(*size)
        await pilot.press("pagedown", "pageup", "down", "pageup")
        await pilot.press("escape")
        assert app.is_running


async def test_maximise_where_there_is_no_room_for_the_charts_is_no_error(app: KrakenApp) -> None:
    async with running(app, (50, 15)) as pilot:
        await pilot.press("c", "c", "m", "m")
        assert app.is_running
        await pilot.resize_terminal(160, 48)
        app.tick()
        await pilot.pause()
        assert "charts" in app.main.places


async def test_a_click_on_a_toast_that_is_just_going_away_is_no_error(
    app: KrakenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(app) as pilot:
        # Removed from its rack, and still in the map of what is where.
        gone = Static("x")
        monkeypatch.setattr(type(app.screen), "get_widget_and_offset_at", lambda *_: (gone, Offset(0, 0)))
        await pilot.click(offset=(10, 10))
        assert app.is_running


async def test_a_click_on_a_pair_that_typing_takes_away_still_means_that_pair(app: KrakenApp) -> None:
    async with running(app) as pilot:
        await pilot.press("slash")
        dialog = app.screen
        assert isinstance(dialog, FindPair)
        found = len(SYMBOLS)
        clicked = OptionList.OptionSelected(dialog._list, dialog._list.get_option_at_index(found - 1), found - 1)
        # The click waits in the queue while the next letter narrows the list.
        dialog._input.value = SYMBOLS[0]
        await pilot.pause()
        dialog.post_message(clicked)
        await pilot.pause()
        assert app.screen is app.main
        assert app.main.symbol == SYMBOLS[found - 1]


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5, 6, 7, 8, 10])
@pytest.mark.parametrize("opens", ["slash", "ctrl+p", "question_mark"])
async def test_a_dialog_in_a_window_of_a_few_columns_is_no_error(app: KrakenApp, columns: int, opens: str) -> None:
    async with running(app) as pilot:
        await pilot.press(opens)
        await pilot.pause(0.02)
        await pilot.resize_terminal(columns, 24)
        await pilot.press("down", "b")
        await pilot.pause()
        await pilot.resize_terminal(160, 48)
        assert app.is_running
