"""Where Textual lacks a private name the compositor paints: the screen stays right and the log says so in one line."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from rich.segment import Segment
from textual.drivers.headless_driver import HeadlessDriver
from textual.strip import Strip

from kraken_tui.settings import Settings
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.paint import styles, textual_private
from tests.tui.fake_source import FakeSource
from tests.tui.paint.test_painter import HEIGHT, WIDTH, composed, moved, terminal
from tests.tui.test_app import Clock


@pytest.fixture(autouse=True)
def own_styles() -> Iterator[None]:
    """Rich keeps a style's sequence for the first kind of terminal it is used on, so other tests get new styles."""
    yield
    styles.styles_of.cache_clear()
    styles.make_strip.cache_clear()


class OnTerminal(KrakenApp):
    """Runs under a Pilot, and writes all that a terminal would be sent."""

    @property
    def is_headless(self) -> bool:
        return False


async def played(monkeypatch: pytest.MonkeyPatch) -> tuple[OnTerminal, list[tuple[object, ...]]]:
    """Twenty pictures and a dialog; what the terminal shows is compared with what the compositor would paint."""
    screen, stream = terminal()
    monkeypatch.setattr(HeadlessDriver, "write", lambda self, data: stream.feed(data))
    source = FakeSource()
    app = OnTerminal(source, Settings(), clock=Clock(), live=False, ascii_only=False)
    rng = random.Random(3)
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        app.tick(everything=True)
        app.refresh()
        for number in range(20):
            await pilot.pause()
            assert screen.display == composed(app), number
            if number == 10:
                await pilot.press("?")
                await pilot.press("escape")
            moved(source, rng)
            app.clock.now += 0.1  # type: ignore[attr-defined]
            app.tick()
    return app, [asked for asked in source.asked if asked[0] == "note"]


async def test_with_every_name_the_painter_paints(monkeypatch: pytest.MonkeyPatch) -> None:
    app, notes = await played(monkeypatch)
    assert app.painter.pictures >= 15
    assert notes == []


@pytest.mark.parametrize("meaning", textual_private.NAMES)
async def test_without_a_name_the_compositor_paints(monkeypatch: pytest.MonkeyPatch, meaning: str) -> None:
    gone = f"{textual_private.NAMES[meaning]}_renamed"
    monkeypatch.setitem(textual_private.NAMES, meaning, gone)
    app, notes = await played(monkeypatch)
    assert app.painter.pictures == 0
    assert len(notes) == 1
    assert notes[0][1] == "warning"
    assert gone in str(notes[0][2])


@pytest.mark.parametrize("slot", [*Strip.__slots__, "a new one"])
def test_a_strip_with_other_slots_is_textuals_own(monkeypatch: pytest.MonkeyPatch, slot: str) -> None:
    assert textual_private.strip_class() is textual_private.LazyStrip
    monkeypatch.setattr(Strip, "__slots__", sorted({*Strip.__slots__} ^ {slot}))
    assert textual_private.strip_class() is Strip


async def test_with_textuals_own_strips_the_screen_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Strip, "__slots__", [*Strip.__slots__, "a new one"])
    monkeypatch.setattr(styles, "_Strip", textual_private.strip_class())
    styles.make_strip.cache_clear()
    app, notes = await played(monkeypatch)
    assert type(styles.make_strip((("a", "text"),), 3, "dark")) is Strip
    assert app.painter.pictures >= 15
    assert [note[1] for note in notes] == ["warning"]


def test_a_lazy_strip_knows_only_the_caches_of_a_strip() -> None:
    strip = textual_private.LazyStrip([Segment("ab")], 2)
    with pytest.raises(AttributeError):
        strip.no_such_name  # noqa: B018
