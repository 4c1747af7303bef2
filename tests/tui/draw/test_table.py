"""Tables of texts: a number is shown whole or not at all."""

from __future__ import annotations

import pytest

from kraken_tui.tui.draw.runs import shorten_words

ENTRY = "trade -0.0073, 5.9 s ago"


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        (ENTRY, 24, ENTRY),
        (ENTRY, 23, "trade -0.0073 …"),
        (ENTRY, 15, "trade -0.0073 …"),
        (ENTRY, 14, "trade …"),
        (ENTRY, 7, "trade …"),
        ("post-only, then limit 62,000.1", 22, "post-only …"),
        ("EOrder:Insufficient funds", 12, "EOrder:Insu…"),
        ("12345", 3, "…"),
    ],
)
def test_words_are_cut_but_never_a_number(text: str, width: int, shown: str) -> None:
    assert shorten_words(text, width) == shown


def test_no_width_shows_a_part_of_a_number() -> None:
    whole = {"-0.0073", "5.9"}
    for width in range(1, 30):
        shown = shorten_words(ENTRY, width)
        assert len(shown) <= width
        digits = [word.strip(",") for word in shown.split() if any(character.isdigit() for character in word)]
        assert set(digits) <= whole
