"""Promise 1 on painted cells: a few random schedules, and proof that the oracle notices a screen that lies."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

import msgspec
import pytest

from kraken_tui.market.views import PairView
from tests.rig.cells import Number, number
from tests.rig.oracle import Violated
from tests.rig.painted import PaintedWorld, Painter, make_world, play

SEEDS = range(24)


@pytest.mark.parametrize("first", range(0, 24, 6))
def test_no_painted_number_is_wrong_under_a_green_badge(first: int) -> None:
    fresh = levels = 0
    for seed in SEEDS[first : first + 6]:
        painted = play(seed)
        assert not painted.result.failure, f"python -m tests.rig.painted --from {seed} --seeds 1"
        fresh += painted.tally.fresh
        levels += painted.tally.levels
    assert fresh > 500
    assert levels > 500


class Liar(Painter):
    """Draws something wrong: `lie` changes the rows of one pane."""

    def __init__(self, pane: str, lie: Callable[[list[str]], list[str]]) -> None:
        super().__init__(Random(2))
        self.header_size, self.ladder_size, self.aggregated_size = (160, 2), (100, 45), (90, 40)
        self.ascii_only = False
        self.state.grouping, self.state.cumulative = 1, False
        self._pane, self._lie = pane, lie

    def header(self, view: PairView) -> list[str]:
        rows = super().header(view)
        return self._lie(rows) if self._pane == "header" else rows

    def ladder(self, view: PairView) -> list[str]:
        rows = super().ladder(view)
        return self._lie(rows) if self._pane == "ladder" and "price" in rows[1] else rows

    def aggregated(self, view: PairView) -> list[str]:
        rows = super().aggregated(view)
        return self._lie(rows) if self._pane == "aggregated" and "price" in rows[1] else rows


def a_digit(text: str, at: int) -> str:
    return text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :]


def digit_of(column: str) -> Callable[[list[str]], list[str]]:
    """Another last digit in one column of the second best bid, or of the line between the sides."""

    def lie(rows: list[str]) -> list[str]:
        middle = next(at for at, row in enumerate(rows[2:], 2) if row.startswith("─"))
        if column in ("spread", "mid", "micro"):
            found = re.search(rf"{column} [\d,.]*\d", rows[middle])
            assert found
            rows[middle] = a_digit(rows[middle], found.end() - 1)
        elif middle + 2 < len(rows) and rows[middle + 2].strip():
            end = rows[1].index(column) + len(column)
            rows[middle + 2] = a_digit(rows[middle + 2], end - 1)
        return rows

    return lie


def swap(rows: list[str]) -> list[str]:
    middle = next(at for at, row in enumerate(rows[2:], 2) if row.startswith("─"))
    rows[middle + 1], rows[middle + 2] = rows[middle + 2], rows[middle + 1]
    return rows


def drop(rows: list[str]) -> list[str]:
    middle = next(at for at, row in enumerate(rows[2:], 2) if row.startswith("─"))
    return [*rows[: middle + 2], *rows[middle + 3 :], " " * len(rows[0])]


def blank(rows: list[str]) -> list[str]:
    middle = next(at for at, row in enumerate(rows[2:], 2) if row.startswith("─"))
    rows[middle - 1] = " " * len(rows[0])
    return rows


def moved(rows: list[str]) -> list[str]:
    """The sizes of the aggregated book one row too low."""
    rules = [at for at, character in enumerate(rows[1]) if character == "│"]
    prices = [row[rules[0] : rules[1]] for row in rows[2:]]
    halves = [(row[: rules[0]], row[rules[1] :]) for row in rows[2:]]
    halves = [halves[-1], *halves[:-1]]
    return [*rows[:2], *(left + price + right for (left, right), price in zip(halves, prices, strict=True))]


LIES = {
    "size": ("ladder", digit_of("size")),
    "cum": ("ladder", digit_of("cum ")),
    "price": ("ladder", digit_of("price")),
    "spread": ("ladder", digit_of("spread")),
    "mid": ("ladder", digit_of("mid")),
    "two rows swapped": ("ladder", swap),
    "a row dropped": ("ladder", drop),
    "a row blanked": ("ladder", blank),
    "rows moved": ("aggregated", moved),
    "always verified": ("header", lambda rows: [row.replace("✗ UNVERIFIED", "✓ VERIFIED") for row in rows]),
}


def world_of(painter: Painter) -> PaintedWorld:
    world = make_world(7)
    world.painter = painter
    return world


def unsettled(world: PaintedWorld) -> None:
    """A quiet while, then wrong checksums."""
    world.run(20)
    world.weather.arm("checksum", "BTC/USD", 5)
    world.run(20)


@pytest.mark.parametrize("name", LIES)
def test_a_screen_that_lies_is_noticed(name: str) -> None:
    world = world_of(Liar(*LIES[name]))
    with pytest.raises(Violated):
        unsettled(world)


def test_the_same_screen_without_a_lie_is_not() -> None:
    world = world_of(Liar("", lambda rows: rows))
    unsettled(world)
    assert world.tally.fresh > 100


class Frozen(Liar):
    """Goes on painting the first picture of each pair."""

    def __init__(self) -> None:
        super().__init__("", lambda rows: rows)
        self._first: dict[str, PairView] = {}

    def _old(self, view: PairView) -> PairView:
        if not view.bids:
            return view
        return msgspec.structs.replace(self._first.setdefault(view.symbol, view), proof=view.proof, stale=view.stale)

    def header(self, view: PairView) -> list[str]:
        return super().header(self._old(view))

    def ladder(self, view: PairView) -> list[str]:
        return super().ladder(self._old(view))

    def aggregated(self, view: PairView) -> list[str]:
        return super().aggregated(self._old(view))


def test_a_frozen_screen_is_noticed() -> None:
    world = world_of(Frozen())
    with pytest.raises(Violated, match=r"last true|no true book"):
        world.run(60)


def test_a_late_feed_without_the_word_stale_is_noticed() -> None:
    world = world_of(Liar("header", lambda rows: [row.replace("STALE", "age") for row in rows]))
    world.run(10)
    # Step by step, so that no silence ends the connection first.
    world.weather.latency_ms = 4000.0
    world.run(6)
    world.weather.latency_ms = 7500.0
    with pytest.raises(Violated, match="the newest frame that came is"):
        world.run(20)


@pytest.mark.parametrize(
    ("text", "true", "decimals", "right"),
    [
        ("1.250", 1250, 3, True),
        ("1.251", 1250, 3, False),
        ("1.25", 1250, 3, True),
        ("1.25", 1251, 3, False),
        ("12.3K", 12_345_000, 3, True),
        ("12.4K", 12_345_000, 3, False),
        ("<0.01", 4, 3, True),
        ("<0.01", 0, 3, False),
        ("1,234.5", 12345, 1, True),
        ("1.2500", 1250, 3, True),
        ("1.2501", 1250, 3, False),
    ],
)
def test_numbers_are_compared_within_the_digits_shown(text: str, true: int, decimals: int, right: bool) -> None:
    assert number(text).is_(true, decimals) is right


def test_a_rounded_column_allows_half_of_its_last_digit() -> None:
    assert Number(125, 2, rounded=True).is_(1254, 3)
    assert not Number(125, 2, rounded=True).is_(1256, 3)
