"""No two panes of a picture disagree on last price, touch, spread or age, whatever their rates."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from random import Random

import pytest

from kraken_tui.settings import Settings
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.paint.pane import Pane
from kraken_tui.tui.paint.shared import facts
from kraken_tui.tui.panes import Fact, rates, shares
from tests.rig.cells import read_ladder
from tests.rig.screen import Clock, WorldSource
from tests.rig.world import World, thin

PICTURES = 1000
SIZE = (160, 48)
PAIRS = ("BTC/USD", "ETH/USD", "MINA/GBP")

_NUMBER = r"([\d,]+(?:\.\d+)?)"
_AGE = r"([\d.]+ \w)"

_FIGURES: tuple[tuple[str, str, str], ...] = (
    ("header", "last", rf"^\s*{_NUMBER}"),
    ("header", "spread", rf"\bspread {_NUMBER}"),
    ("header", "age", rf"\b(?:age|STALE) +{_AGE}"),
    ("header", "traded", rf"\blast trade +{_AGE}"),
    ("header", "book rate", r"\bbook +(\S+/s)"),
    ("ladder", "spread", rf"\bspread {_NUMBER}"),
    ("health", "age", rf"(?m)^book +{_AGE}"),
    ("health", "traded", rf"(?m)^trades +{_AGE}"),
    ("health", "book rate", r"(?m)^book .*?(\S+/s)"),
    ("candles", "last", rf"◂ ?{_NUMBER}"),
)
"""(pane, figure, how a person finds it there)."""


def panes(app: KrakenApp) -> dict[str, Pane]:
    """The visible panes."""
    made = ((name, app.main._panes[name]) for name in app.main.places)
    return {name: pane for name, pane in made if isinstance(pane, Pane)}


def text_of(pane: Pane) -> str:
    return "\n".join("".join(text for text, _ in line) for line in pane._lines)


def read(app: KrakenApp) -> dict[str, dict[str, str]]:
    """What each visible pane says, by figure and pane."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    shown = {name: text_of(pane) for name, pane in panes(app).items()}
    for name, figure, pattern in _FIGURES:
        match = re.search(pattern, shown.get(name, ""))
        if match:
            found[figure][name] = match[1]
    tab = re.search(rf"{re.escape(app.main.symbol)} {_NUMBER}", shown["tabs"])
    if tab:
        found["last"]["tabs"] = tab[1]
    ladder = read_ladder(shown["ladder"].split("\n")) if "ladder" in shown else None
    if ladder is not None and ladder.asks and ladder.bids:
        bid, ask = ladder.bids[0].price, ladder.asks[0].price
        found["spread"]["ladder's touch"] = f"{(ask.count - bid.count) / 10**bid.places:,.{bid.places}f}"
    return found


def disagreements(app: KrakenApp) -> list[str]:
    """Figures and shared facts of which two panes of the picture say different things."""
    told = [f"{figure}: {said}" for figure, said in read(app).items() if len({*said.values()}) > 1]
    newest: dict[Fact, dict[str, object]] = defaultdict(dict)
    for name, pane in panes(app).items():
        if pane.picture is not None:
            known = facts(pane.picture)
            for fact in shares()[name] if name in rates() else Fact:
                newest[fact][name] = known[fact]
    for fact, drawn in newest.items():
        first = next(iter(drawn.values()))
        if any(value != first for value in drawn.values()):
            told.append(f"{fact}: drawn from several versions in {sorted(drawn)}")
    return told


async def look(pictures: int, app: KrakenApp, source: WorldSource, clock: Clock) -> tuple[int, list[str], set[str]]:
    """(pictures that differ from the one before, disagreements, figures that two panes or more showed)."""
    rng = Random(11)
    compared: set[str] = set()
    wrong: list[str] = []
    changed, before = 0, ""
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        for number in range(pictures):
            seconds = rng.choice((0.02, 0.1, 0.1, 0.1, 0.13, 0.4))
            clock.now += seconds
            source.advance(seconds)
            if number % 97 == 50:
                await pilot.press(rng.choice(("f5", "f7", "f2", "f2", "tab", "j", "+", "]", "m", "p")))
            app.tick()
            if number % 20 == 0:
                await pilot.pause()
            wrong += [f"picture {number}: {told}" for told in disagreements(app)]
            said = read(app)
            compared |= {figure for figure, panes_of in said.items() if len(panes_of) > 1}
            changed += str(said) != before
            before = str(said)
    return changed, wrong, compared


def world() -> tuple[KrakenApp, WorldSource, Clock]:
    source = WorldSource(World([thin(name, like=name, events_per_s=6.0) for name in PAIRS], seed=3, screen=True))
    source.advance(5)
    clock = Clock()
    return KrakenApp(source, Settings(fps=10), live=False, clock=clock), source, clock  # type: ignore[arg-type]


def test_no_two_panes_of_a_picture_disagree() -> None:
    changed, wrong, compared = asyncio.run(look(PICTURES, *world()))
    assert not wrong, (len(wrong), wrong[:5])
    assert compared == {"last", "spread", "age", "traded", "book rate"}
    assert changed > PICTURES // 2


def test_the_oracle_notices_panes_that_go_by_their_rates_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    app, source, clock = world()
    monkeypatch.setattr(app.main, "_shares", {})
    _, wrong, _ = asyncio.run(look(400, app, source, clock))
    told = " ".join(wrong)
    for figure in ("last price: ", "spread: ", "age: "):
        assert figure in told
