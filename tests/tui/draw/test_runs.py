"""Runs, fields and single cells."""

from __future__ import annotations

import sys

from rich.cells import cell_len

from kraken_tui.text import REPLACEMENT
from kraken_tui.tui.draw.runs import fit_fields, one_cell, shorten, to_ascii


def test_fields_are_dropped_whole_by_rank() -> None:
    fields = [(0, (("aaaa", "text"),)), (2, (("bbbb", "text"),)), (1, (("cccc", "text"),)), (2, (("dddd", "text"),))]
    names = ["".join(runs[0][0][0] for runs in fit_fields(fields, width, 1)) for width in (19, 18, 13, 4, 3)]
    assert names == ["abcd", "abc", "ac", "a", ""]


def test_shortened_words_are_marked_and_single_cell() -> None:
    assert shorten("no message for 12 s", 10) == "no messag…"
    assert shorten("市場", 5) == "??"
    assert shorten("abc", 0) == ""


def test_ascii_keeps_every_cell() -> None:
    line = (("─ Depth · 12 ▲ ✓ ●", "text"), ("≈┊…", "muted"))
    ((first, second),) = to_ascii([line])
    assert first[0].isascii()
    assert second[0].isascii()
    assert (len(first[0]), len(second[0])) == (18, 3)


def test_one_cell_keeps_only_what_terminals_draw_in_one() -> None:
    """Rich is the judge of cells, as Textual asks it; every character of Unicode is tried."""
    wide = [
        chr(code)
        for code in range(32, sys.maxunicode + 1)
        if one_cell(chr(code)) == chr(code) != REPLACEMENT and cell_len(chr(code)) != 1 and code != 0x7F
    ]
    assert wide == []
    assert one_cell("价格 e\u0301 ok \u200d é ≥") == f"{REPLACEMENT * 2} e{REPLACEMENT} ok {REPLACEMENT} é ≥"
