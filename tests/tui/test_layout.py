"""Panes never overlap and never leave the screen, at any size."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.tui.layout import Rect, Size, arrange, size_class
from kraken_tui.tui.panes import CANDLES, CHARTS, HEALTH, TAPE, cycle_of, stands_in, views

SIZES = st.tuples(st.integers(0, 1200), st.integers(0, 400))


def overlap(one: Rect, other: Rect) -> bool:
    return one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom


@given(SIZES, st.sampled_from([*views()]), st.data(), st.sampled_from([0, 8, 12]))
def test_places_are_inside_and_apart(size: tuple[int, int], view: str, data: st.DataObject, badge: int) -> None:
    width, height = size
    alone = data.draw(st.sampled_from([None, "no such pane", *stands_in(view)]))
    places = arrange(width, height, view, alone=alone, badge=badge)
    for name, place in places.items():
        assert place.width > 0, name
        assert place.height > 0, name
        assert place.x >= 0
        assert place.y >= 0
        assert place.right <= width
        assert place.bottom <= height
    for (name, one), (other_name, other) in combinations(places.items(), 2):
        assert not overlap(one, other), (name, other_name)


@given(SIZES, st.sampled_from([*views()]))
def test_columns_keep_one_blank_column_between_them(size: tuple[int, int], view: str) -> None:
    places = arrange(*size, view)
    body = [place for name, place in places.items() if name not in ("tabs", "badge", "header", "footer")]
    for one, other in combinations(body, 2):
        if one.y < other.bottom and other.y < one.bottom:
            left, right = sorted((one, other), key=lambda place: place.x)
            assert right.x - left.right >= 1


@given(st.integers(60, 1200), st.integers(18, 400), st.sampled_from([*views()]))
def test_every_row_of_the_body_is_used(width: int, height: int, view: str) -> None:
    places = arrange(width, height, view)
    body = [place for name, place in places.items() if name not in ("tabs", "badge", "header", "footer")]
    top = places["header"].bottom
    assert {row for place in body for row in range(place.y, place.bottom)} == set(range(top, height - 1))
    assert max(place.right for place in body) == width


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (0, 0, Size.NONE), (80, 0, Size.NONE), (1, 1, Size.TINY), (59, 40, Size.TINY), (200, 17, Size.TINY),
        (60, 18, Size.SMALL), (80, 24, Size.SMALL), (99, 60, Size.SMALL), (200, 29, Size.SMALL),
        (100, 30, Size.MEDIUM), (120, 36, Size.MEDIUM), (149, 60, Size.MEDIUM), (150, 30, Size.WIDE),
        (1000, 300, Size.WIDE),
    ],
)  # fmt: skip
def test_size_classes(width: int, height: int, expected: Size) -> None:
    assert size_class(width, height) is expected


def test_what_each_size_shows() -> None:
    edges = {"tabs", "header", "footer"}
    assert set(arrange(0, 5)) == set()
    assert set(arrange(58, 12)) == {"too_small"}
    assert set(arrange(80, 24)) == edges | {"book", "gauge"}
    assert set(arrange(120, 36)) == edges | {"gauge", "book", "candles"}
    wide = {"ladder", "gauge", "book", "candles", "flow", "tape", "health"}
    assert set(arrange(160, 48)) == edges | wide
    assert set(arrange(160, 48, badge=8)) == edges | wide | {"badge"}
    assert set(arrange(160, 48, HEALTH.name)) == edges | {"health", "log"}
    assert set(arrange(80, 24, TAPE.name)) == edges | {"tape", "flow"}
    assert set(arrange(160, 48, CHARTS.name)) == edges | {"charts"}
    assert set(arrange(160, 48, CANDLES.name)) == edges | {"candles"}


def test_one_pane_alone_gets_the_body() -> None:
    for view in views():
        for name in cycle_of(view):
            place = arrange(160, 48, view, alone=name)[name]
            assert (place.x, place.y, place.width, place.height) == (0, 3, 160, 44)


def test_a_small_book_keeps_its_gauge_in_one_row() -> None:
    places = arrange(80, 24)
    assert places["gauge"] == Rect(0, 22, 80, 1)
    assert places["book"].height == 20


def test_the_book_takes_the_first_place() -> None:
    for width, height, columns in ((160, 48, 74), (120, 36, 74), (220, 60, 87)):
        places = arrange(width, height)
        book = places["book"]
        assert (book.x, book.y, book.width, book.height) == (0, 3, columns, height - 4)
        assert all(
            place.x > book.right for name, place in places.items() if place.y >= 3 and name not in ("book", "footer")
        )


def test_the_desk_at_160_columns() -> None:
    places = arrange(160, 48)
    assert places["candles"].width == places["ladder"].width == 46
    assert places["candles"].bottom == places["ladder"].y
    right = [places[name] for name in ("tape", "flow", "gauge", "health")]
    assert {place.width for place in right} == {38}
    assert [place.bottom for place in right] == [*(place.y for place in right[1:]), 47]
    assert places["tape"].height > places["flow"].height > places["gauge"].height > places["health"].height >= 5


def test_the_ladder_stands_beside_the_book_where_there_is_room() -> None:
    places = arrange(220, 60)
    assert places["ladder"].height == places["book"].height
    assert places["book"].right < places["ladder"].x < places["candles"].x < places["tape"].x
