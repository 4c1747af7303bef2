"""The pane of the charts: the chosen one largest, the others beside it where they fit."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kraken_tui.tui.draw.runs import width_of
from kraken_tui.tui.panes.charts import DEPTH_EVERY_NS, ChartsPane
from tests.tui import samples as common
from tests.tui.samples_charts import picture, text_of

NAMES = ("Depth", "Spread", "Imbalance")


def titles(pane: ChartsPane, width: int, height: int) -> list[str]:
    """Titles in reading order."""
    rows = text_of(pane.draw(picture(), width, height))
    found = [(y, row.index(f"─ {name}"), name) for y, row in enumerate(rows) for name in NAMES if f"─ {name}" in row]
    return [name for _, _, name in sorted(found)]


@pytest.mark.parametrize(("width", "height", "shown"), [(80, 20, 1), (120, 32, 3), (220, 56, 3), (80, 56, 3)])
def test_each_chart_is_chosen_in_turn_and_the_others_stand_beside_it_where_they_fit(
    width: int, height: int, shown: int
) -> None:
    pane = ChartsPane()
    for index, name in enumerate(NAMES):
        assert pane.chosen == index
        found = titles(pane, width, height)
        assert found[0] == name
        assert len(found) == shown
        assert pane.show_next() is (index < 2)
    assert pane.chosen == 0


@pytest.mark.parametrize("size", [(80, 20), (120, 32), (101, 24), (160, 44), (220, 56), (70, 40), (30, 8), (24, 5)])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_the_pane_is_filled_exactly(size: tuple[int, int], ascii_only: bool) -> None:
    pane = ChartsPane()
    for _ in NAMES:
        lines = pane.draw(picture(ascii_only=ascii_only), *size)
        assert len(lines) == size[1]
        assert {width_of(line) for line in lines} == {size[0]}
        pane.show_next()


def test_the_depth_curve_is_drawn_once_a_second_and_at_once_when_it_loses_its_proof() -> None:
    pane = ChartsPane()
    view = common.pair()
    first = text_of(pane.draw(picture(view), 80, 20))
    moved = replace(view, asks=tuple((ticks + 40, lots) for ticks, lots in view.asks), now_ns=view.now_ns + 10**8)
    assert text_of(pane.draw(picture(moved), 80, 20)) == first
    later = replace(moved, now_ns=view.now_ns + DEPTH_EVERY_NS)
    assert text_of(pane.draw(picture(later), 80, 20)) != first
    unproven = replace(common.unverified(), now_ns=later.now_ns + 1)
    assert "UNVERIFIED" in text_of(pane.draw(picture(unproven), 80, 20))[0]
    assert text_of(pane.draw(picture(common.pair("PEPE/USD")), 80, 20)) == text_of(
        ChartsPane().draw(picture(common.pair("PEPE/USD")), 80, 20)
    )
    assert text_of(pane.draw(picture(view), 90, 22)) == text_of(ChartsPane().draw(picture(view), 90, 22))


def test_spread_and_imbalance_are_those_of_every_picture() -> None:
    pane = ChartsPane()
    view = common.pair()
    assert view.metrics is not None
    before = text_of(pane.draw(picture(view), 160, 44))
    wide = replace(view, metrics=replace(view.metrics, spread_bps=77.0, imbalance=-0.91), now_ns=view.now_ns + 1)
    after = "\n".join(text_of(pane.draw(picture(wide), 160, 44)))
    assert "widest 77.00" in after
    assert "now -0.91" in after
    assert "widest 77.00" not in "\n".join(before)


def test_without_data_each_chart_says_so() -> None:
    bare = replace(common.empty(), samples=())
    rows = "\n".join(text_of(ChartsPane().draw(picture(bare), 160, 44)))
    assert "No book with two sides yet" in rows
    assert rows.count("No history yet") == 2
