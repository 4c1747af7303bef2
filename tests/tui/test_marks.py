"""Every mark on the screen is explained in the help, and what is read is not faint."""

from __future__ import annotations

import string

import pytest
from msgspec.structs import replace

from kraken_tui.market.events import Health, MarketStatus
from kraken_tui.market.views import PairView
from kraken_tui.settings import Settings
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.draw.runs import Line
from kraken_tui.tui.paint.pane import Pane
from kraken_tui.tui.panes import stands_in, views
from kraken_tui.tui.screens.help import KIN, MARKS
from tests.tui import accounts, samples
from tests.tui.fake_source import FakeSource
from tests.tui.pasts import Market
from tests.tui.test_app import Clock

# One worker draws everything once for all of these.
pytestmark = pytest.mark.xdist_group("marks")

STATES = {
    "usual": lambda: samples.pair(),
    "small coin": lambda: samples.pair("PEPE/USD"),
    "unverified": lambda: samples.unverified(),
    "checking": lambda: samples.checking(),
    "stale": lambda: samples.stale(),
    "crossed": lambda: samples.crossed(),
    "one side": lambda: samples.empty(side="bids"),
    "waiting": lambda: samples.waiting(),
    "refused": lambda: samples.refused(),
    "own": lambda: samples.pair(),
    "own, unproven": lambda: samples.unverified(),
    "halted": lambda: replace(
        samples.pair(), venue="CANCEL-ONLY", health=Health("BTC/USD", MarketStatus.HALTED, "cancel only", 100)
    ),
}
FEEDS = {
    "usual": samples.feed(),
    "replay": samples.replaying(),
    "paused replay": samples.replaying(paused=True),
    "recording": samples.recording(),
    "reconnecting": samples.reconnecting(),
    "silent": replace(samples.feed(), silent_ns=3_000_000_000),
}
PASTS = {"past": samples.feed(), "past in 16 colours": samples.feed()}
FEEDS |= PASTS
SIZES = ((80, 24), (120, 36), (160, 48), (220, 60))


async def lines_of(view: PairView, feed_name: str, size: tuple[int, int], own: str = "") -> list[Line]:
    """What all panes draw, in every view and each pane alone; with an account where `own` says so."""
    source = FakeSource(replay="replay" in feed_name, symbols=(view.symbol,))
    source.views[view.symbol] = view
    source.feed_view = replace(FEEDS[feed_name], tabs=source.feed_view.tabs)
    if own:
        held = accounts.doubtful(view) if "unproven" in own else accounts.account(view, trading=accounts.TRADING)
        source.views[view.symbol], source.account = accounts.pair(view, held), held
    settings = Settings()
    if feed_name in PASTS:
        market = Market()
        market.story()
        source.views[view.symbol] = market.view
        source.histories[view.symbol] = market.history
        settings = Settings(theme="terminal" if feed_name == "past in 16 colours" else "auto")
    app = KrakenApp(source, settings, clock=Clock(), live=False, ascii_only=False)
    found: list[Line] = []
    async with app.run_test(size=size) as pilot:
        for name in views():
            app.main.set_view(name)
            for alone in (None, *stands_in(name)):
                app.main._show_alone(alone)
                app.main.control.choices.cursor = view.bids[5][0] if len(view.bids) > 5 else None
                app.tick(everything=True)
                await pilot.pause()
                for pane_name in app.main.places:
                    pane = app.main._panes[pane_name]
                    if isinstance(pane, Pane):
                        found += pane._lines
    return found


@pytest.fixture(scope="module")
def drawn() -> list[Line]:
    """Lines of every pane in every state of a book and a feed, at some size each."""
    import asyncio

    cases = [(make(), "usual", name if name.startswith("own") else "") for name, make in STATES.items()]
    cases += [(samples.pair(), name, "") for name in FEEDS]
    return [
        line
        for number, (view, feed, own) in enumerate(cases)
        for line in asyncio.run(lines_of(view, feed, SIZES[number % len(SIZES)], own))
    ]


def test_every_mark_on_the_screen_is_explained(drawn: list[Line]) -> None:
    used = {character for line in drawn for text, _ in line for character in text}
    used -= set(string.printable)
    explained = {character for mark, _ in MARKS for character in mark}
    explained |= {character for kin in KIN.values() for character in kin}
    assert sorted(used - explained) == [], "explain these in the help"


def test_no_mark_is_explained_that_nothing_draws(drawn: list[Line]) -> None:
    used = {character for line in drawn for text, _ in line for character in text}
    gone = {mark for mark, _ in MARKS if not any(part[0] in used for part in mark.split())}
    assert gone == set()
    assert KIN.keys() <= {character for mark, _ in MARKS for character in mark}


def test_what_is_read_is_not_faint(drawn: list[Line]) -> None:
    """Grid, rules and separators may be; letters and digits may not, not even where nobody vouches for them."""
    faint = {
        text.strip() for line in drawn for text, key in line
        if key.lstrip("!~").partition("/")[0] == "faint" and any(map(str.isalnum, text))
    }  # fmt: skip
    assert faint == set()


def test_no_number_says_that_it_is_about_right(drawn: list[Line]) -> None:
    assert not any("≈" in text for line in drawn for text, _ in line)
