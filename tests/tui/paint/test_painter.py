"""What the painter writes shows the same cells as the compositor's rows; it stands back where anything lies over."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.color import ColorSystem
from rich.console import Console

from kraken_tui.settings import Settings
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.draw.themes import ALL_PALETTES, PALETTES
from kraken_tui.tui.paint.painter import Painter, _placed, _turn
from kraken_tui.tui.paint.styles import Styles, build_strip
from tests.tui import samples
from tests.tui.fake_source import FakeSource
from tests.tui.test_app import Clock

WIDTH, HEIGHT = 160, 48
KEYS = ("text", "muted", "!bid", "ask/changed", "bid-bar", "~warn", "faint/cursor", "!text/touch")
SYSTEMS = {"truecolor": ColorSystem.TRUECOLOR, "256": ColorSystem.EIGHT_BIT, "standard": ColorSystem.STANDARD}

Cells = list[tuple[str, str, str, bool, bool]]


def terminal(columns: int = WIDTH, rows: int = HEIGHT) -> tuple[pyte.Screen, pyte.Stream]:
    screen = pyte.Screen(columns, rows)
    return screen, pyte.Stream(screen)


def cells(screen: pyte.Screen, row: int) -> Cells:
    line = screen.buffer[row]
    found = (line[column] for column in range(screen.columns))
    return [(cell.data, cell.fg, cell.bg, cell.bold, cell.reverse) for cell in found]


class SinkPainter(Painter):
    """Writes to a list, as if the app had a terminal."""

    written: list[str]

    def _terminal(self):  # type: ignore[no-untyped-def]
        if self._program.leaving or not self._app.is_running or not self._uncovered():
            return None
        return self.written.append


RUNS = st.lists(st.tuples(st.text("ab1.▌ ", max_size=6), st.sampled_from(KEYS)), max_size=8).map(tuple)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("palette", ALL_PALETTES)
@given(old=RUNS, new=RUNS)
def test_a_changed_row_looks_as_if_repainted(palette: str, system: str, old: Line, new: Line) -> None:
    console = Console(color_system=system, force_terminal=True, legacy_windows=False)  # type: ignore[arg-type]
    (changed, stream), (fresh, fresh_stream) = terminal(20, 3), terminal(20, 3)
    x, width = 3, 14
    # Rich keeps a style's sequence for the first kind of terminal it is used on, so these are not shared.
    styles = Styles(ALL_PALETTES[palette])
    stream.feed(f"\x1b[2;{x + 1}H" + build_strip(old, width, styles).render(console))
    fresh_stream.feed(f"\x1b[2;{x + 1}H" + build_strip(new, width, styles).render(console))
    painter = Painter.__new__(Painter)
    painter._app = type("App", (), {"size": type("Size", (), {"width": 20})})  # type: ignore[assignment]
    painter._parts, painter._style, painter._at = [], "", (-1, -1)
    painter._palette, painter._system = palette, SYSTEMS[system]
    painter._row(x, 1, width, old, new)
    stream.feed("".join(painter._parts) + "\x1b[0m")
    assert cells(changed, 1) == cells(fresh, 1)
    if list(_placed(old, width)) == list(_placed(new, width)):
        assert painter._parts == [], "nothing changed"


def test_only_what_differs_is_said() -> None:
    def numbers(role: str) -> str:
        return ";".join(str(each) for each in bytes.fromhex(PALETTES["dark"].colours[role][1:]))

    true = ColorSystem.TRUECOLOR
    assert _turn("", "text", "dark", true).startswith("\x1b[0;38;2;")
    assert _turn("text", "muted", "dark", true) == f"\x1b[38;2;{numbers('muted')}m"
    assert _turn("text", "text/changed", "dark", true) == f"\x1b[48;2;{numbers('changed')}m"
    assert _turn("!bid", "bid", "dark", true).startswith("\x1b[0;38;2;")
    assert _turn("bid", "up", "dark", true) == "", "two names of one colour"


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[KrakenApp, FakeSource, SinkPainter]]:
    source = FakeSource()
    app = KrakenApp(source, Settings(), clock=Clock(), live=False)
    painter = app.painter = SinkPainter(app)
    painter.written = []
    return app, source, painter


def composed(app: KrakenApp) -> list[str]:
    """The whole screen as the compositor would paint it."""
    return [strip.text for strip in app.main._compositor.render_strips()]


def moved(source: FakeSource, rng: random.Random) -> None:
    for symbol, view in source.views.items():
        sides = []
        for levels in (view.bids, view.asks):
            new = list(levels)
            for _ in range(rng.randrange(4)):
                number = min(len(new) - 1, int(rng.expovariate(0.1)))
                new[number] = (new[number][0], rng.randrange(1, 10 ** rng.randrange(4, 12)))
            sides.append(tuple(new[rng.randrange(2) :]))
        source.views[symbol] = replace(view, version=view.version + 1, bids=sides[0], asks=sides[1])
    source.feed_view = replace(source.feed_view, version=source.feed_view.version + 1)


async def test_every_tick_leaves_what_the_compositor_would(
    app: tuple[KrakenApp, FakeSource, SinkPainter],
) -> None:
    program, source, painter = app
    rng = random.Random(1)
    screen, stream = terminal()
    async with program.run_test(size=(WIDTH, HEIGHT)) as pilot:
        program.tick(everything=True)
        await pilot.pause()
        stream.feed("\r\n".join(composed(program)))
        for number in range(60):
            if number == 20:
                await pilot.press("+")
            elif number == 30:
                await pilot.press("up")
            elif number == 40:
                source.views["BTC/USD"] = samples.stale()
            moved(source, rng)
            program.clock.now += 0.1  # type: ignore[attr-defined]
            program.tick()
            stream.feed("".join(painter.written))
            painter.written.clear()
            assert screen.display == composed(program), number
            await pilot.pause()
        assert painter.pictures > 50


async def test_it_stands_back_while_anything_lies_over_the_panes(
    app: tuple[KrakenApp, FakeSource, SinkPainter],
) -> None:
    program, source, painter = app
    rng = random.Random(2)

    def painted() -> bool:
        moved(source, rng)
        program.clock.now += 0.1  # type: ignore[attr-defined]
        before = painter.pictures
        program.tick()
        return painter.pictures > before

    async with program.run_test(size=(WIDTH, HEIGHT), notifications=True) as pilot:
        await pilot.pause()
        assert painted()
        program.tell("a toast")
        await pilot.pause()
        assert not painted()
        program.clear_notifications()
        await pilot.pause(0.05)
        assert painted()
        await pilot.press("?")
        await pilot.pause()
        assert not painted()
        await pilot.press("escape")
        await pilot.pause(0.05)
        # The first picture after a dialog may be the compositor's.
        painted()
        await pilot.pause(0.05)
        assert painted()
