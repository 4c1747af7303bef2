"""Which style keys the drawings really use, and that each is one whose legibility is tested."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from kraken_tui.market.views import PairView
from kraken_tui.settings import Settings
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.paint.pane import Pane
from kraken_tui.tui.panes import views
from tests.tui import accounts, samples
from tests.tui.draw.test_themes import READ_KEYS
from tests.tui.fake_source import FakeSource

STATES: list[Callable[[], PairView]] = [
    samples.pair, samples.unverified, samples.checking, samples.stale, samples.crossed, samples.waiting,
]  # fmt: skip
TESTED = {key.lstrip("~") for key in READ_KEYS}
NUMBER = set("0123456789,.")


async def drawn(state: PairView, size: tuple[int, int], *, own: bool = False) -> list[Line]:
    """Every row of every pane in every view of one pair."""
    source = FakeSource()
    symbol = state.symbol
    source.views[symbol] = state
    source.feed_view = replace(source.feed_view, demo="a halt on BTC/USD")
    if own:
        source.account = accounts.account(state, trading=accounts.TRADING)
        source.views[symbol] = accounts.pair(state, source.account)
    app = KrakenApp(source, Settings(pairs=(symbol,)), live=False, clock=lambda: 0.0)
    rows: list[Line] = []
    async with app.run_test(size=size) as pilot:
        for view in views():
            app.main.set_view(view)
            await pilot.pause()
            app.tick(everything=True)
            for presses in (0, 3):
                for _ in range(presses):
                    await pilot.press("up")
                app.tick(everything=True)
                await pilot.pause()
                rows += [line for pane in app.main.query(Pane) for line in pane._lines]
    return rows


def unread(rows: list[Line]) -> set[tuple[str, str]]:
    """Runs with letters or digits whose style is not known to be legible."""
    found = set()
    for row in rows:
        for before, (text, key) in itertools.pairwise((("", "text"), *row)):
            # The digits of a number beyond its significance repeat nothing and mean nothing; only they may be faint.
            tail = set(text.strip()) <= NUMBER and before[0][-1:].isdigit()
            if any(c.isalnum() for c in text) and key.lstrip("!~") not in TESTED and not tail:
                found.add((key, text))
    return found


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_every_word_and_number_is_in_a_style_that_is_legible(
    state: Callable[[], PairView], size: tuple[int, int]
) -> None:
    rows = await drawn(state(), size)
    assert len(rows) > size[1]
    assert unread(rows) == set()


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_every_word_of_the_account_is_in_a_style_that_is_legible(size: tuple[int, int]) -> None:
    rows = await drawn(samples.pair(), size, own=True)
    assert any("PLAY" in text for row in rows for text, _ in row)
    assert unread(rows) == set()


def test_a_faint_word_would_be_found() -> None:
    assert unread([(("UTC", "faint"),)]) == {("faint", "UTC")}
    assert unread([(("1.2", "text"), ("345", "faint"))]) == set()
