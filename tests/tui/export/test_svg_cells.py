"""Block characters of a picture cover exactly the part of their cell that they cover on a terminal."""

from __future__ import annotations

import re

import pytest

from kraken_tui.tui.export.svg_cells import CELL_WIDTH, LINE_HEIGHT, in_cells

_OVERLAP = 0.25
"""Rows overlap by this much, so that no renderer leaves a line between them."""


def rectangles(text: str) -> list[tuple[float, float, float, float]]:
    """(left, top, width, height) of what a run of the second row becomes, in cells from the row's corner."""
    made = in_cells(f'<text class="a" x="24.4" y="44.4" textLength="1" clip-path="url(#c)">{text}</text>')
    found = re.findall(r'<rect class="a" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', made)
    assert "<text" not in made
    return [
        (
            round(float(x) / CELL_WIDTH - 2, 2),
            round((float(y) - 1.5) / LINE_HEIGHT - 1, 2),
            round(float(width) / CELL_WIDTH, 3),
            round((float(height) - _OVERLAP) / LINE_HEIGHT, 3),
        )
        for x, y, width, height in found
    ]


@pytest.mark.parametrize(("character", "eighths"), [(c, n + 1) for n, c in enumerate("▏▎▍▌▋▊▉█")])
def test_a_left_block_is_as_wide_as_it_says(character: str, eighths: int) -> None:
    assert rectangles(character) == [(0, 0, eighths / 8, 1)]


@pytest.mark.parametrize(("character", "eighths"), [(c, n + 1) for n, c in enumerate("▁▂▃▄▅▆▇")])
def test_a_lower_block_is_as_high_as_it_says_and_stands_on_the_ground(character: str, eighths: int) -> None:
    assert rectangles(character) == [(0, pytest.approx(1 - eighths / 8, abs=0.01), 1, eighths / 8)]


def test_an_upper_half_is_half_a_cell_at_the_top() -> None:
    assert rectangles("▀") == [(0, 0, 1, 0.5)]


def test_halves_side_by_side_stay_apart_and_whole_ones_are_joined() -> None:
    assert rectangles("▀▄▀") == [(0, 0, 1, 0.5), (1, 0.5, 1, 0.5), (2, 0, 1, 0.5)]
    assert rectangles("██▌") == [(0, 0, 2.5, 1)]
    assert rectangles("▌█") == [(0, 0, 0.5, 1), (1, 0, 1, 1)]


@pytest.mark.parametrize(
    ("character", "parts"),
    [
        ("▐", [(0.5, 0, 0.5, 1)]),
        ("▗", [(0.5, 0.5, 0.5, 0.5)]),
        ("▛", [(0, 0, 1, 0.5), (0, 0.5, 0.5, 0.5)]),
        ("▟", [(0.5, 0, 0.5, 0.5), (0, 0.5, 1, 0.5)]),
    ],
)
def test_bodies_of_candles_are_whole_in_every_font(
    character: str, parts: list[tuple[float, float, float, float]]
) -> None:
    assert rectangles(character) == parts


def test_lines_reach_the_ends_of_their_cells() -> None:
    ((_, top, width, height),) = rectangles("│")
    assert (top, height) == (0, 1)
    assert width < 0.2
    assert rectangles("───")[0][::2] == (0, 3)
    assert rectangles("╵")[0][1] == 0
    ((_, top, _, height),) = rectangles("╷")
    assert top + height == pytest.approx(1, abs=0.01)
    assert len(rectangles("┼")) == 2
