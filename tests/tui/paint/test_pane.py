"""Every pane in every state at every size; and what the base class repaints."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import Monochrome
from textual.strip import Strip

from kraken_tui.market.events import BookState
from kraken_tui.market.views import FeedView, Mode, PairView
from kraken_tui.tui.draw.book import draw_book
from kraken_tui.tui.draw.gauge import draw_gauge
from kraken_tui.tui.draw.header import draw_header
from kraken_tui.tui.draw.ladder import draw_ladder
from kraken_tui.tui.draw.picture import BookChoices, Picture
from kraken_tui.tui.draw.runs import Line, title_line, to_ascii
from kraken_tui.tui.draw.tabs import draw_tabs
from kraken_tui.tui.draw.themes import PALETTES
from kraken_tui.tui.paint.pane import Pane
from kraken_tui.tui.paint.styles import build_strip, make_strip, styles_of
from kraken_tui.tui.paint.textual_private import LazyStrip
from kraken_tui.tui.panes.ladder import LadderPane
from tests.tui import samples
from tests.tui.pane_app import PaneApp, text_of

PAIRS: dict[str, Callable[[], PairView | None]] = {
    "none": lambda: None,
    "BTC": samples.pair,
    "PEPE": lambda: samples.pair("PEPE/USD"),
    "DOGE": lambda: samples.pair("DOGE/USD"),
    "ETH": lambda: samples.pair("ETH/BTC"),
    "checking": samples.checking,
    "unverified": samples.unverified,
    "stale": samples.stale,
    "empty": samples.empty,
    "no bids": lambda: samples.empty(side="bids"),
    "no asks": lambda: samples.empty(side="asks"),
    "crossed": samples.crossed,
    "waiting": samples.waiting,
    "no spec": lambda: samples.waiting(spec=False),
    "refused": samples.refused,
    "quarantined": lambda: samples.waiting(state=BookState.QUARANTINED),
    "halted": lambda: replace(samples.pair(), venue="CANCEL-ONLY"),
}
FEEDS: tuple[Callable[[], FeedView], ...] = (
    samples.recording,
    samples.reconnecting,
    lambda: samples.replaying(paused=True),
    lambda: samples.feed(mode=Mode.DEMO, fatal="the exchange refused the connection 5 times", tabs=()),
)


def _aggregated(picture: Picture, width: int, height: int) -> list[Line]:
    view = picture.pair
    centre = None
    if view is not None and (view.bids or view.asks):
        centre = (view.bids or view.asks)[0][0] // picture.choices.grouping
    return draw_book(picture, width, height, centre)


DRAWINGS: dict[str, Callable[[Picture, int, int], list[Line]]] = {
    "ladder": draw_ladder,
    "book": _aggregated,
    "gauge": draw_gauge,
    "header": draw_header,
    "tabs": draw_tabs,
}
SIZES = ((12, 4), (20, 3), (30, 10), (38, 24), (46, 9), (60, 1), (60, 18), (80, 2), (100, 40), (220, 60))


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("drawing", DRAWINGS)
@pytest.mark.parametrize("state", PAIRS)
def test_every_pane_draws_every_state_within_its_cells(state: str, drawing: str, ascii_only: bool) -> None:
    view = PAIRS[state]()
    for make_feed in FEEDS:
        chosen = BookChoices(grouping=10, cursor=642_570, cumulative=ascii_only)
        picture = Picture(view, make_feed(), chosen, ascii_only)
        for width, height in SIZES:
            lines = DRAWINGS[drawing](picture, width, height)
            lines = to_ascii(lines) if ascii_only else lines
            assert len(lines) <= height
            for line in lines:
                text = text_of(line)
                # The screen asks for 60 columns; rows across all of it need not fit fewer.
                assert len(text) <= width or (drawing in ("header", "tabs") and width < 60), (width, text)
                assert all(cell_len(character) == 1 for character in text), text
                assert not ascii_only or text.isascii(), text
                for palette in map(styles_of, PALETTES):
                    for _, key in line:
                        palette.style(key)


@pytest.mark.parametrize("height", [0, 1, 2, 3])
def test_no_pane_needs_height(height: int) -> None:
    picture = Picture(samples.pair(), samples.feed(), BookChoices(grouping=10))
    for draw in DRAWINGS.values():
        assert len(draw(picture, 40, height)) <= height


def test_strips_are_exactly_as_wide_as_asked() -> None:
    palette = styles_of("dark")
    line: Line = (("abc", "bid"), ("", "ask"), ("defg", "!text"))
    assert [build_strip(line, width, palette).text for width in (2, 5, 9)] == ["ab", "abcde", "abcdefg  "]
    assert make_strip(line, 5, "dark") is make_strip(line, 5, "dark")


def test_style_keys() -> None:
    palette = styles_of("dark")
    plain, bold, reverse = (palette.style(key) for key in ("bid/touch", "!bid/touch", "~bid/touch"))
    assert (plain.bold, plain.reverse) == (None, None)
    assert (bold.bold, bold.reverse) == (True, None)
    assert (reverse.bold, reverse.reverse) == (None, True)
    assert plain.color == bold.color == reverse.color
    with pytest.raises(KeyError):
        palette.style("pink")


def test_title_drops_a_note_that_does_not_fit() -> None:
    assert text_of(title_line("Tape", "live", 20)) == "─ Tape ─────── live "
    assert text_of(title_line("Tape", "live", 11)) == "─ Tape ────"


class Rows(Pane):
    """Draws the rows it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = ["one", "two", "three"]

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        return [((row, "text"),) for row in self.rows]


async def test_only_changed_rows_are_repainted() -> None:
    pane = Rows()
    async with PaneApp(pane).run_test(size=(20, 6)) as pilot:
        pane.push(Picture(None, samples.feed()))
        await pilot.pause()
        before = pane.rows_painted
        pane.push(Picture(None, samples.feed()))
        assert pane.rows_painted == before
        pane.rows[1] = "TWO"
        pane.push(Picture(None, samples.feed()))
        assert pane.rows_painted == before + 1
        await pilot.pause()
        assert [pane.render_line(y).text.rstrip() for y in range(4)] == ["one", "TWO", "three", ""]


async def test_a_resize_redraws_everything() -> None:
    pane = Rows()
    async with PaneApp(pane).run_test(size=(20, 6)) as pilot:
        pane.push(Picture(None, samples.feed()))
        await pilot.pause()
        await pilot.resize_terminal(30, 4)
        await pilot.pause()
        assert pane.render_line(0).cell_length == 30


async def test_a_theme_change_recolours_the_rows() -> None:
    pane = LadderPane()
    app = PaneApp(pane)
    async with app.run_test(size=(60, 12)) as pilot:
        pane.push(Picture(samples.pair(), samples.feed()))
        await pilot.pause()
        dark = pane.render_line(3)
        app.palette_name = "light"
        app.theme = "kraken-light"
        await pilot.pause()
        light = pane.render_line(3)
        assert dark.text == light.text
        assert [s.style for s in dark] != [s.style for s in light]


def test_a_row_does_all_that_a_strip_does() -> None:
    segments = [Segment("ask ", Style(color="red")), Segment("64,257.1", Style(bold=True)), Segment(" BTC", Style())]
    row, strip = LazyStrip(list(segments), 16), Strip(list(segments), 16)
    doings: list[Callable[[Strip], object]] = [
        lambda it: list(it.divide([4, 12, 16])),
        lambda it: it.crop(2, 9),
        lambda it: it.crop_extend(2, 20, Style(color="blue")),
        lambda it: it.extend_cell_length(20),
        lambda it: it.adjust_cell_length(10),
        lambda it: it.apply_style(Style(italic=True)),
        lambda it: it.apply_filter(Monochrome(), Color.parse("black")),
        lambda it: it.apply_offsets(1, 2),
        lambda it: it.render(Console(color_system="truecolor")),
        lambda it: it.simplify(),
        lambda it: Strip.join([it, it]),
        lambda it: (it.text, it.cell_length, it.cell_count, len(it), bool(it), it.link_ids),
    ]
    for do in doings:
        assert do(row) == do(strip)
        assert do(row) == do(strip), "and again from the cache"
    assert row == strip
    for slot in Strip.__slots__:
        assert type(getattr(row, slot)) is type(getattr(strip, slot)), slot
