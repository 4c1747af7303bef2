"""A level's bar as the single orders it is made of, the head of the queue next to the price. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

from kraken_tui.tui.draw.format import eighths
from kraken_tui.tui.draw.runs import Run

_WHOLE, _CUT, _OWN = "█", "▉", "▓"
_TIPS = "▏▎▍▌▋▊▉"
_ASCII = {_CUT: "|", _OWN: "@"}
_LEFT_TIPS = ("▕", "▕", "▕", "▐", "▐", "▐", "▐")


@lru_cache(maxsize=4096)
def order_cells(sizes: tuple[int, ...], own: frozenset[int], scale: int, width: int, *, left: bool = False) -> str:
    """Characters of a bar from the price outwards: an order of a cell or more ends in a gap, smaller ones are joined.

    Args:
        sizes: Lots of each order, first in the queue first.
        own: Numbers of the own ones; each has a cell at least.
        scale: Lots of a full bar.
        width: Cells of a full bar.
        left: Whether the bar grows to the left, so that the gap of a cell is on its inner side.

    Returns:
        `▉` where an order begins or ends, `▓` in own ones, a tip where the last cell is not full; at most `width`
        cells.
    """
    if not sizes or scale <= 0 or width <= 0:
        return ""
    whole, tip = divmod(eighths(min(sum(sizes), scale), scale, width), 8)
    ends = [min(8 * width, round(8 * width * total / scale)) for total in accumulate(sizes)]
    begins = [0, *ends[:-1]]
    cells = [_WHOLE] * whole
    for begin, end in zip(begins, ends, strict=True):
        # An order between two large ones is not lost: its neighbours end where it begins.
        if end - begin >= 8:
            for edge in (begin, end):
                at = round(edge / 8) - (0 if left else 1)
                if 0 < round(edge / 8) < whole and 0 <= at < whole:
                    cells[at] = _CUT
    if tip:
        cells.append((_LEFT_TIPS if left else _TIPS)[tip - 1])
    for number in own:
        first = min(begins[number] // 8, max(0, len(cells) - 1))
        last = max(first + 1, ends[number] // 8)
        cells[first:last] = [_OWN] * (min(last, len(cells)) - first)
    return "".join(cells)


def order_bar(
    sizes: Sequence[int],
    own: frozenset[int],
    scale: int,
    width: int,
    key: str,
    *,
    left: bool = False,
    ascii_only: bool = False,
) -> tuple[Run, ...]:
    """The bar of one level, padded to `width` cells; arguments as of `order_cells`, `key` is the style of the bar."""
    text = order_cells(tuple(sizes), own, scale, width, left=left)
    if ascii_only:
        text = "".join(_ASCII.get(character, "#") for character in text)
    text = text[::-1].rjust(width) if left else text.ljust(width)
    mark = "@" if ascii_only else _OWN
    ground = key.partition("/")[2]
    runs: list[Run] = []
    for part in _split(text, mark):
        runs.append((part, (f"accent/{ground}" if ground else "accent") if part[0] == mark else key))
    return tuple(runs)


def _split(text: str, mark: str) -> list[str]:
    parts: list[str] = []
    for character in text:
        if parts and (parts[-1][-1] == mark) == (character == mark):
            parts[-1] += character
        else:
            parts.append(character)
    return parts
