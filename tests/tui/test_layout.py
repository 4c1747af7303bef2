"""Panes never overlap and never leave the screen, at any size."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.tui.layout import Rect, Size, arrange, below_axis, size_class
from kraken_tui.tui.panes import ACCOUNT, BOOK, CANDLES, CHARTS, HEALTH, HEATMAP, TAPE, cycle_of, stands_in, views

SIZES = st.tuples(st.integers(0, 1200), st.integers(0, 400))


def overlap(one: Rect, other: Rect) -> bool:
    return one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom


@given(SIZES, st.sampled_from([*views()]), st.data(), st.sampled_from([0, 8, 12]))
def test_places_are_inside_and_apart(size: tuple[int, int], view: str, data: st.DataObject, badge: int) -> None:
    width, height = size
    alone = data.draw(st.sampled_from([None, "no such pane", *stands_in(view)]))
    account, queue = data.draw(st.sampled_from([None, False, True])), data.draw(st.booleans())
    places = arrange(width, height, view, alone=alone, badge=badge, account=account, queue=queue)
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
    desk = {"ladder", "gauge", "book", "candles", "flow", "tape", "health"}
    assert set(arrange(159, 48)) == edges | desk
    assert set(arrange(160, 48)) == set(arrange(220, 60)) == edges | desk | {"heatmap"}
    assert set(arrange(160, 48, badge=8)) == edges | desk | {"badge", "heatmap"}
    axis = {"book", "heatmap", "gauge"}
    assert set(arrange(80, 24, HEATMAP.name)) == edges | axis
    assert set(arrange(120, 36, HEATMAP.name)) == edges | axis | {"profile"}
    assert set(arrange(160, 48, HEATMAP.name)) == edges | axis | {"profile", "cvd"}
    assert set(arrange(160, 48, HEALTH.name)) == edges | {"health", "log"}
    assert set(arrange(80, 24, TAPE.name)) == edges | {"tape", "flow"}
    assert set(arrange(160, 48, CHARTS.name)) == edges | {"charts"}
    assert set(arrange(160, 48, CANDLES.name)) == edges | {"candles"}


def test_one_pane_alone_gets_the_body() -> None:
    for view in views():
        for name in cycle_of(view):
            places = arrange(160, 48, view, alone=name)
            place = places[name]
            # A heatmap without prices would be none: as much of the book stays as names its rows.
            width = 160 - places["book"].width - 1 if name == "heatmap" else 160
            assert (place.x, place.y, place.width, place.height) == (0, 3, width, 44)


SHARED = st.tuples(st.integers(60, 600), st.integers(18, 200), st.sampled_from([BOOK.name, HEATMAP.name]))


@given(SHARED, st.booleans())
def test_the_rows_of_a_heatmap_are_those_of_the_book_beside_it(size: tuple[int, int, str], alone: bool) -> None:
    places = arrange(*size, alone="heatmap" if alone and size[2] == HEATMAP.name else None)
    if "heatmap" not in places:
        assert size[2] == BOOK.name
        return
    heatmap, book = places["heatmap"], places["book"]
    assert heatmap.y == book.y
    assert heatmap.right + 1 == book.x
    assert heatmap.height - book.height == (0 if size[2] == BOOK.name else below_axis(heatmap.height))
    if "profile" in places:
        assert (places["profile"].y, places["profile"].height) == (book.y, book.height)


def test_a_small_book_keeps_its_gauge_in_one_row() -> None:
    places = arrange(80, 24)
    assert places["gauge"] == Rect(0, 22, 80, 1)
    assert places["book"].height == 20


def test_the_book_takes_the_first_place() -> None:
    for width, height, strip, columns in ((120, 36, 0, 74), (160, 48, 24, 53), (220, 60, 60, 69)):
        places = arrange(width, height)
        book = places["book"]
        begin = strip + 1 if strip else 0
        assert (book.x, book.y, book.width, book.height) == (begin, 3, columns, height - 4)
        if strip:
            assert places["heatmap"] == Rect(0, 3, strip, height - 4)
        others = [place for name, place in places.items() if place.y >= 3 and name not in ("book", "heatmap", "footer")]
        assert all(place.x > book.right for place in others)


def test_the_desk_at_160_columns() -> None:
    places = arrange(160, 48)
    assert places["candles"].width == places["ladder"].width == 42
    assert places["candles"].bottom == places["ladder"].y
    right = [places[name] for name in ("tape", "flow", "gauge", "health")]
    assert {place.width for place in right} == {38}
    assert [place.bottom for place in right] == [*(place.y for place in right[1:]), 47]
    assert places["tape"].height > places["flow"].height > places["gauge"].height > places["health"].height >= 5


def test_the_ladder_stands_beside_the_book_where_there_is_room() -> None:
    places = arrange(220, 60)
    assert places["ladder"].height == places["book"].height
    assert places["book"].right < places["ladder"].x < places["candles"].x == places["tape"].x
    right = [places[name] for name in ("candles", "tape", "flow", "gauge", "health")]
    assert {place.width for place in right} == {46}
    assert [place.bottom for place in right] == [*(place.y for place in right[1:]), 59]
    assert min(place.height for place in right) >= 5


@pytest.mark.parametrize(("width", "height"), [(160, 48), (180, 50), (200, 50), (220, 60), (300, 80)])
def test_own_orders_have_room_in_book_and_ladder_at_the_cost_of_the_strip(width: int, height: int) -> None:
    usual, own = arrange(width, height), arrange(width, height, account=True)
    assert own["book"].width == usual["book"].width + 8
    assert own["heatmap"].width < usual["heatmap"].width
    assert own["heatmap"].width >= 12
    assert own["ladder"].width >= usual["ladder"].width
    assert own["tape"] == usual["tape"]


def test_the_queue_has_a_place_where_there_is_room() -> None:
    for size, there in (((80, 24), False), ((120, 36), False), ((160, 48), False), ((220, 60), True)):
        assert ("queue" in arrange(*size, queue=True)) == there
        assert "queue" not in arrange(*size)
        assert ("queue" in arrange(*size, ACCOUNT.name)) == (size[0] > 80)


def test_without_an_account_its_page_is_one() -> None:
    assert set(arrange(80, 24, ACCOUNT.name, account=False)) == {"tabs", "header", "footer", "account"}
    assert set(arrange(160, 48, ACCOUNT.name, account=False)) == {"tabs", "header", "footer", "account", "queue"}


def test_the_heatmap_at_its_sizes() -> None:
    for width, height, columns in ((80, 24, 51), (120, 36, 61), (160, 48, 83), (220, 60, 130)):
        places = arrange(width, height, HEATMAP.name)
        assert places["heatmap"].width == columns
