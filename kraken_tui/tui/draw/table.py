"""Tables of texts: columns that are whole or left out, rows that are cut at the end only. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kraken_tui.tui.draw.runs import Line, in_cells, on, shorten_words


class Column(msgspec.Struct, frozen=True):
    """One column of a table.

    Attributes:
        name: Heading.
        rank: The highest is left out first where not all fit.
        right: Whether it is aligned to the right, as numbers are.
        least: Cells at least, so that it does not shift with every digit.
        words: Whether it holds words, which may be cut, though not within a number; the last such column takes what is
            left.
    """

    name: str
    rank: int
    right: bool = False
    least: int = 0
    words: bool = False


Cells = tuple[tuple[str, str], ...]
"""(text, style key) of one row, one for each column."""


def table(columns: Sequence[Column], rows: Sequence[Cells], width: int, *, chosen: int | None = None) -> list[Line]:
    """Heading and rows of a table.

    Args:
        columns: From left to right.
        rows: As many cells as columns.
        width: Cells; columns that do not fit whole are left out, those of the highest rank first.
        chosen: Number of the row under the cursor.
    """
    # A step of two cells keeps a column where it is while a digit comes and goes.
    needed = [
        max([column.least, len(column.name), *((len(in_cells(row[at][0])) + 1) // 2 * 2 for row in rows)])
        for at, column in enumerate(columns)
    ]
    kept = _fitting(columns, needed, width - 2)
    if not kept:
        return []
    spare = width - 2 - sum(needed[at] for at in kept) - 2 * (len(kept) - 1)
    words = [at for at in kept if columns[at].words]
    if words and spare < 0:
        needed[words[-1]] += spare
    head = "  ".join(_aligned(columns[at], columns[at].name, needed[at]) for at in kept)
    lines: list[Line] = [((f" {head}", "muted"),)]
    for number, row in enumerate(rows):
        ground = "cursor" if number == chosen else ""
        runs: list[tuple[str, str]] = [("▸" if ground else " ", on("bright", ground) if ground else "text")]
        for place, at in enumerate(kept):
            text, key = row[at]
            text = shorten_words(text, needed[at]) if columns[at].words else in_cells(text)
            cell = _aligned(columns[at], text, needed[at])
            runs.append((("  " if place else "") + cell, _grounded(key, ground)))
        if ground:
            used = sum(len(text) for text, _ in runs)
            runs.append((" " * max(0, width - used), on("text", ground)))
        lines.append(tuple(runs))
    return lines


def _fitting(columns: Sequence[Column], needed: Sequence[int], width: int) -> list[int]:
    kept = [*range(len(columns))]

    def least(at: int) -> int:
        return min(needed[at], max(columns[at].least, 10)) if columns[at].words else needed[at]

    while kept:
        last_words = next((at for at in reversed(kept) if columns[at].words), None)
        cells = sum(least(at) if at == last_words else needed[at] for at in kept) + 2 * (len(kept) - 1)
        if cells <= width:
            break
        kept.remove(max(kept, key=lambda at: (columns[at].rank, at)))
    return kept


def _aligned(column: Column, text: str, width: int) -> str:
    return text.rjust(width) if column.right else text.ljust(width)


def _grounded(key: str, ground: str) -> str:
    if not ground:
        return key
    role = key.lstrip("!~").partition("/")[0]
    return ("!" if key.startswith("!") else "") + on("text" if role in ("muted", "badge") else role, ground)


def scrolled(lines: list[Line], rows: int, first: int) -> tuple[list[Line], int]:
    """As many lines of a list as there is room for, from line `first` on, and where it really begins."""
    first = max(0, min(first, len(lines) - rows))
    return lines[first : first + max(0, rows)], first
