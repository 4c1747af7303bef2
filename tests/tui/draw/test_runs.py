"""Runs, fields and single cells."""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from kraken_tui.text import REPLACEMENT
from kraken_tui.tui.draw.runs import FILLER, fit_fields, in_cells, printed, shorten, to_ascii


def test_fields_are_dropped_whole_by_rank() -> None:
    fields = [(0, (("aaaa", "text"),)), (2, (("bbbb", "text"),)), (1, (("cccc", "text"),)), (2, (("dddd", "text"),))]
    names = ["".join(runs[0][0][0] for runs in fit_fields(fields, width, 1)) for width in (19, 18, 13, 4, 3)]
    assert names == ["abcd", "abc", "ac", "a", ""]


def test_shortened_words_are_marked_and_single_cell() -> None:
    assert shorten("no message for 12 s", 10) == "no messag…"
    assert printed(shorten("市場", 5)) == "市場"
    assert [printed(shorten("市場/USD", width)) for width in (8, 7, 4, 3, 2, 1)] == [
        "市場/USD", "市場/U…", "市… ", "市…", "… ", "…"
    ]  # fmt: skip
    assert shorten("abc", 0) == ""


def test_ascii_keeps_every_cell() -> None:
    line = (("─ Depth · 12 ▲ ✓ ●", "text"), ("≥┊…", "muted"))
    ((first, second),) = to_ascii([line])
    assert first[0].isascii()
    assert second[0].isascii()
    assert (len(first[0]), len(second[0])) == (18, 3)


def test_every_character_is_as_many_cells_as_terminals_draw_or_is_replaced() -> None:
    """Rich is the judge of cells, as Textual asks it; every character of Unicode is tried."""
    wrong = [
        chr(code)
        for code in range(32, sys.maxunicode + 1)
        if cell_len(printed(in_cells(chr(code)))) != len(in_cells(chr(code))) and code != 0x7F
    ]
    assert wrong == []
    assert printed(in_cells("价格 e\u0301 ok \u200d é ≥")) == f"价格 e{REPLACEMENT} ok {REPLACEMENT} é ≥"


def test_text_in_cells_stays_as_it_is() -> None:
    once = in_cells("币安人生/USD")
    assert len(once) == 12
    assert in_cells(once) == once == shorten(once, 12)


@given(st.text(st.sampled_from("ab币安🚀é "), max_size=12), st.integers(0, 14), st.integers(0, 14))
def test_wherever_a_run_is_cut_it_keeps_its_cells(text: str, start: int, end: int) -> None:
    cut = in_cells(text)[start:end]
    assert cell_len(printed(cut)) == len(cut)
    assert FILLER not in printed(cut)
    assert len(shorten(text, end)) <= end
