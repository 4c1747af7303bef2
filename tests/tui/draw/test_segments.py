"""A bar as its single orders: none longer than it is, the own ones seen, the small ones joined."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.tui.draw.format import eighths
from kraken_tui.tui.draw.segments import order_bar, order_cells

NONE: frozenset[int] = frozenset()


def test_orders_of_a_cell_or_more_are_told_apart() -> None:
    assert order_cells((40, 40), NONE, 80, 8) == "███▉████"
    assert order_cells((40, 40), NONE, 80, 8, left=True) == "████▉███"
    assert order_cells((80,), NONE, 80, 8) == "████████"


def test_small_ones_are_joined() -> None:
    assert order_cells((1,) * 80, NONE, 80, 8) == "████████"
    assert order_cells((40, *(1,) * 40), NONE, 80, 8) == "███▉████"


def test_the_own_ones_are_seen_however_small() -> None:
    assert order_cells((40, 40), frozenset({1}), 80, 8) == "███▉▓▓▓▓"
    assert order_cells((1,) * 80, frozenset({79}), 80, 8) == "███████▓"
    assert order_cells((1,), frozenset({0}), 1_000, 8) == "▓"


def test_the_head_of_the_queue_stands_at_the_price() -> None:
    right = "".join(text for text, _ in order_bar((20, 60), frozenset({0}), 80, 8, "bid-bar"))
    left = "".join(text for text, _ in order_bar((20, 60), frozenset({0}), 80, 8, "bid-bar", left=True))
    assert right == "▓▓██████"
    assert left == "█████▉▓▓"


def test_own_orders_are_told_without_colour_and_without_blocks() -> None:
    runs = order_bar((40, 40), frozenset({1}), 80, 10, "ask-bar/cursor", ascii_only=True)
    assert runs == (("#" * 4 + "|", "ask-bar/cursor"), ("@" * 5, "accent/cursor"))


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=60), st.integers(1, 10**9), st.integers(1, 40), st.data())
def test_the_bar_is_as_long_as_without_its_orders(
    sizes: list[int], scale: int, width: int, data: st.DataObject
) -> None:
    own = frozenset(data.draw(st.sets(st.integers(0, len(sizes) - 1), max_size=3)))
    for left in (False, True):
        cells = order_cells(tuple(sizes), own, scale, width, left=left)
        assert len(cells) == -(-eighths(min(sum(sizes), scale), scale, width) // 8)
        assert ("▓" in cells) == bool(own)
        runs = order_bar(sizes, own, scale, width, "bid-bar", left=left)
        assert sum(len(text) for text, _ in runs) == width
