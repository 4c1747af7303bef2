"""Reads the painted cells of header, ladder and aggregated book back into numbers.

Written from what a person sees (headers, columns, rules), not from the code that draws: it shares nothing with
`kraken_tui.tui.draw.format`. Numbers are whole counts of their last decimal, so that comparing them is exact.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_BARS = str.maketrans(dict.fromkeys("█▏▎▍▌▋▊▉▕▐#«»▸>", " "))
_HATCH = "╱/"
"""What fills a side of a row of which nothing is known."""
_NUMBER = re.compile(r"(<?)(\d[\d,]*|)(?:\.(\d+))?([KMBT]?)")
_UNITS = {"": 0, "K": 3, "M": 6, "B": 9, "T": 12}
_BETWEEN = re.compile(r"[─-]+ (.*?) [─-]+")
_WAIT = re.compile(r"(\d+) wait")
_BEYOND = re.compile(r" *unknown beyond \d+ levels *")
_PROVEN = re.compile(r"top (\d+) proven")
_STEP = re.compile(r"= ([\d,.]+)")


class Unreadable(AssertionError):
    """Cells that a person could not read either."""


@dataclass(frozen=True, slots=True)
class Number:
    """A painted number.

    Attributes:
        count: The number in units of its last decimal.
        places: Decimals.
        unit: Power of ten of its suffix.
        below: Whether it reads "<count".
        rounded: Whether digits may be missing: it is a quantity, not a price.
    """

    count: int
    places: int
    unit: int = 0
    below: bool = False
    rounded: bool = False

    def is_(self, true: int, decimals: int) -> bool:
        """Whether it may stand for `true`, a count of 10^-decimals: exactly, or within the digits shown."""
        power = decimals + self.unit - self.places
        if power < 0:
            return false_digits(self.count, -power) == true
        scale = 10**power
        if self.below:
            return 0 < true < self.count * scale
        return 2 * abs(self.count * scale - true) <= (scale if self.rounded else 0)


def false_digits(count: int, more: int) -> int | None:
    """A count with `more` decimals than there can be: only zeros may stand there."""
    whole, rest = divmod(count, 10**more)
    return whole if not rest else None


def number(text: str, rounded: bool = False) -> Number:
    """One number.

    Raises:
        Unreadable: It is not a number.
    """
    found = _NUMBER.fullmatch(text)
    if found is None or not (found[2] or found[3]):
        raise Unreadable(f"{text!r} is not a number")
    below, whole, decimals, unit = found.groups()
    if "," in whole and not re.fullmatch(r"\d{1,3}(,\d{3})+", whole):
        raise Unreadable(f"{text!r} has its commas in the wrong places")
    digits = whole.replace(",", "") + (decimals or "")
    return Number(int(digits), len(decimals or ""), _UNITS[unit], bool(below), rounded or bool(unit))


def _mentions(word: str, text: str) -> bool:
    return re.search(rf"(?<!\w){word}(?!\w)", text) is not None


@dataclass(frozen=True, slots=True)
class Header:
    """What the header says: the words VERIFIED and STALE, and its figures where they are shown."""

    verified: bool
    stale: bool
    figures: dict[str, str]


def read_header(rows: Sequence[str]) -> Header:
    """Read the header."""
    text = "\n".join(rows)
    return Header(_mentions("VERIFIED", text), _mentions("STALE", text), read_figures(text))


def read_figures(text: str) -> dict[str, str]:
    """Spread, basis points, mid and microprice by name, as texts."""
    patterns = {
        "spread": r"spread ([\d,.]+)",
        "bps": r"= (<?[\d,.]+) bps",
        "mid": r"mid ([\d,.]+)",
        "micro": r"micro ([\d,.]+)",
    }
    found = {name: re.search(rf"(?<!\w){pattern}", text) for name, pattern in patterns.items()}
    return {name: match[1] for name, match in found.items() if match}


@dataclass(frozen=True, slots=True)
class Row:
    """One level: its price, and its other numbers by column."""

    price: Number
    columns: dict[str, Number]


@dataclass(frozen=True, slots=True)
class Ladder:
    """A painted ladder.

    Attributes:
        asks, bids: Best first; rows that stand empty are left out.
        waiting: Levels that have no row, as the title says.
        whole: For asks and bids, whether there is room left behind the last row: then no level is missing.
        between: The text of the line between the sides.
        proven: Levels a side that the title calls proven; None where it makes no difference.
    """

    asks: list[Row]
    bids: list[Row]
    whole: tuple[bool, bool]
    between: str
    proven: int | None
    waiting: int = 0


def read_ladder(rows: Sequence[str]) -> Ladder | None:
    """Read a ladder; None for a page of words without levels."""
    found = [at for at, row in enumerate(rows[2:], 2) if _BETWEEN.fullmatch(row.rstrip())]
    if not found or "price" not in rows[1]:
        return None
    [middle] = found
    heads = rows[1].split()
    # The price column comes last; bars after it have no head.
    sides: list[list[Row]] = []
    whole: list[bool] = []
    for lines in (rows[middle - 1 : 1 : -1], rows[middle + 1 :]):
        painted = [line for line in lines if line.strip()]
        beyond = [line for line in painted if _BEYOND.fullmatch(line)]
        if beyond and (len(beyond) > 1 or painted[-1] != beyond[0]):
            raise Unreadable("levels beyond the last known one")
        levels = [_level(line, heads) for line in painted if line not in beyond]
        sides.append([level for level in levels if level is not None])
        whole.append(bool(lines) and not lines[-1].strip())
    between = _BETWEEN.fullmatch(rows[middle].rstrip())
    proven = _PROVEN.search(rows[0])
    assert between is not None
    waiting = _WAIT.search(rows[0])
    return Ladder(
        sides[0],
        sides[1],
        (whole[0], whole[1]),
        between[1],
        int(proven[1]) if proven else None,
        int(waiting[1]) if waiting else 0,
    )


def _level(line: str, heads: Sequence[str]) -> Row | None:
    """One row; None for one whose level has gone, or of which the book no longer tells: it has a price alone."""
    words = line.translate(_BARS).split()
    if len(words) == 1 or (len(words) == 2 and words[0] == "?"):
        number(words[-1])
        return None
    if len(words) != len(heads):
        raise Unreadable(f"{len(heads)} columns and {len(words)} words: {line!r}")
    columns: dict[str, Number] = {}
    for head, word in zip(heads, words, strict=True):
        if head == "cum%" or word == "…":
            continue
        columns[head] = number(word, head != "price")
    price = columns.pop("price")
    if price.rounded or price.below:
        raise Unreadable(f"a rounded price: {line!r}")
    return Row(price, columns)


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the aggregated book.

    A size is None where nothing stands, "?" where the book is not known. `least` names the sides ("bid", "ask") whose
    size is marked as the least there is.
    """

    price: Number
    bid: Number | str | None
    ask: Number | str | None
    least: frozenset[str] = frozenset()


def read_aggregated(rows: Sequence[str]) -> tuple[list[Step], Number | None] | None:
    """Read an aggregated book: rows with the highest price first, and the price step of the title."""
    head = rows[1] if len(rows) > 1 else ""
    rules = [at for at, character in enumerate(head) if character in "│|"]
    if len(rules) != 2 or "price" not in head:
        return None
    left, right = rules
    bid = _column(head, "bid", 0)
    ask = _column(head, "ask", right + 1)
    assert bid is not None
    assert ask is not None
    sold, bought = _column(head, "sold", 0), _column(head, "bought", right + 1)
    steps = []
    for line in rows[2:]:
        if not line.strip():
            continue
        line = line.ljust(len(head))
        price = number(line[left + 1 : right].strip("▸◂<> "))
        below = line[sold[1] if sold else 0 : left]
        above = line[right + 1 : bought[0] - 1 if bought else len(line)]
        bids, asks = _cell(below), _cell(above)
        least = frozenset(name for name, cells in (("bid", below), ("ask", above)) if "+" in cells)
        steps.append(Step(price, bids, asks, least))
    found = _STEP.search(rows[0])
    return steps, number(found[1].rstrip(".,")) if found else None


def _column(head: str, name: str, start: int) -> tuple[int, int] | None:
    at = head.find(name, start)
    return None if at < 0 else (at, at + len(name))


def _cell(text: str) -> Number | str | None:
    if set(text.strip()) and set(text.strip()) <= set(_HATCH):
        return "?"
    # Bars stand before or after the number, and "<" and ">" on the end of one that is cut in plain text.
    words = [word for word in text.translate(_BARS).replace("+", " ").split() if word not in "<>"]
    if not words:
        return None
    [word] = words
    return "…" if word in "…~" else number(word, True)
