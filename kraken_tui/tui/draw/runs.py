"""Rows of a pane as runs of (text, style key), and the few operations that all drawings share. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from unicodedata import category, east_asian_width

from kraken_tui.text import REPLACEMENT

Run = tuple[str, str]
"""(text, style key). len(text) is its width in cells: a character that takes two is followed by `FILLER`."""

Line = tuple[Run, ...]
"""One row of a pane. A short line is padded with background, a long one is cut."""

FILLER = "\uffff"
"""Second cell of a character that takes two, in the text of runs only; `printed` takes it out. A noncharacter of
Unicode, which the gate for untrusted text lets nobody send."""

# Combining and invisible characters, and those this version of Unicode does not know.
_NO_CELL = frozenset({"Mn", "Mc", "Me", "Cf", "Cc", "Cs", "Cn", "Zl", "Zp"})
# What Python's Unicode tables do not tell, or terminals disagree about: joining jamo take no cell; trigrams, hexagrams
# and many pictographs take one or two.
_ODD = (range(0x1160, 0x1200), range(0x2630, 0x2638), range(0x268A, 0x2690), range(0x4DC0, 0x4E00),
        range(0xD7B0, 0xD800), range(0xFFA0, 0xFFA1), range(0x10000, 0x110000))  # fmt: skip
_ASCII = str.maketrans(
    {
        "─": "-", "│": "|", "┃": "|", "┄": "-", "┈": ".", "━": "=", "┊": ":", "╌": "-",
        "▲": "^", "▼": "v", "·": ".", "▸": ">", "◂": "<", "●": "o", "○": "x", "◐": "o",
        "✓": "+", "✗": "x", "…": "~", "×": "x", "■": "#", "≥": ">", "≤": "<", "–": "-", "▮": "|",
        "┤": "|", "├": "|", "«": "<", "»": ">", "╱": "/", "▁": "_", "▴": "^",
        "╳": "x", "▔": "\"", "▾": "v", "▵": "^", "▿": "v", "±": "+", "◆": "*", "◇": "o",
    }
)  # fmt: skip


_ODD_WIDE = (range(0x1100, 0x1200), range(0x3164, 0x3165), range(0xA960, 0xA980), range(0x16FE0, 0x18D10),
             range(0x1AFF0, 0x1B300), range(0x1F000, 0x1F300), range(0x1F3FB, 0x1F400))  # fmt: skip
"""Wide by the tables, but not in every terminal: jamo that join, old scripts, tiles and flags, skin tones."""


def on(role: str, ground: str) -> str:
    """Style key of `role` on the background of another role; "" is the screen's own background."""
    return f"{role}/{ground}" if ground else role


def width_of(runs: Sequence[Run]) -> int:
    """Cells the runs take."""
    return sum(len(text) for text, _ in runs)


def padded(line: Line, width: int) -> Line:
    """A line filled up with blanks to `width` cells."""
    missing = width - width_of(line)
    return (*line, (" " * missing, "text")) if missing > 0 else line


def blank(width: int) -> Line:
    """An empty row."""
    return ((" " * width, "text"),)


def title_line(title: str, note: str, width: int) -> Line:
    """The first row of a pane: "─ Title ─────── note ─" in `width` cells; the note is dropped where it does not fit."""
    head = f"─ {title} "
    tail = f" {note} " if note and len(head) + len(note) + 4 <= width else ""
    rule = "─" * max(0, width - len(head) - len(tail))
    return (("─ ", "rule"), (title, "title"), (" " + rule, "rule"), (tail, "muted"))


def draw_waiting(title: str, sentence: str, width: int, height: int) -> list[Line]:
    """A titled pane with one muted sentence in its middle."""
    lines = [title_line(title, "", width)]
    lines += [blank(width)] * max(0, height // 2 - 1)
    lines.append(((shorten(sentence, width).center(width), "muted"),))
    return lines


def shorten_words(text: str, width: int) -> str:
    """At most `width` cells of a text: cut with an ellipsis, but never within a number or before its unit."""
    if len(in_cells(text)) <= width:
        return in_cells(text)
    parts = in_cells(text).split(", ")
    for kept in range(len(parts) - 1, 0, -1):
        head = ", ".join(parts[:kept])
        if len(head) + 2 <= width:
            return f"{head} …" if any(character.isdigit() for character in parts[kept]) else shorten(text, width)
    words = parts[0].split(" ")
    for kept in range(len(words) - 1, 0, -1):
        head = " ".join(words[:kept])
        room = width - len(head) - 1
        if room < 1:
            continue
        after = words[kept]
        if any(character.isdigit() for character in after):
            return f"{head.rstrip(',:;')} …"
        return shorten(text, width)
    return "…"[:width] if any(character.isdigit() for character in words[0]) else shorten(words[0], width)


def part_of(line: Line, start: int, stop: int) -> Line:
    """The runs between two cells of a line."""
    runs: list[Run] = []
    at = 0
    for text, key in line:
        low, high = max(0, start - at), min(len(text), stop - at)
        if low < high:
            runs.append((text[low:high], key))
        at += len(text)
    return tuple(runs)


def overlaid(line: Line, at: int, runs: Line) -> Line:
    """The line with `runs` in place of its cells from `at` on."""
    end = at + width_of(runs)
    return (*part_of(padded(line, at), 0, at), *runs, *part_of(line, end, width_of(line)))


def fit_fields(fields: Sequence[tuple[int, tuple[Run, ...]]], width: int, gap: int = 3) -> list[tuple[Run, ...]]:
    """Keep the fields that fit side by side, whole, in their order.

    Args:
        fields: (rank, runs); the highest rank is dropped first, among equals the rightmost.
        width: Cells for all of them.
        gap: Cells between two.
    """
    kept = [(rank, index, runs, width_of(runs)) for index, (rank, runs) in enumerate(fields) if runs]
    while kept and sum(field[3] for field in kept) + gap * (len(kept) - 1) > width:
        kept.remove(max(kept, key=lambda field: field[:2]))
    return [runs for _, _, runs, _ in kept]


def join_fields(fields: Sequence[tuple[Run, ...]], gap: int = 3) -> tuple[Run, ...]:
    """Fields side by side with `gap` blank cells between them."""
    runs: list[Run] = []
    for number, field in enumerate(fields):
        if number:
            runs.append((" " * gap, "text"))
        runs += field
    return tuple(runs)


def shorten(text: str, width: int) -> str:
    """Words cut to `width` cells, with an ellipsis where something is missing; see `in_cells`."""
    text = in_cells(text)
    if len(text) <= width:
        return text
    if width <= 0:
        return ""
    kept = text[: width - 1]
    # Half of a wide character cannot be shown.
    return kept + "…" if text[width - 1] != FILLER else kept[:-1] + "… "


def in_cells(text: str) -> str:
    """Text as drawings hold it, one character a cell: `FILLER` after those of two cells.

    Combining and invisible characters, and those whose width terminals disagree about, are replaced. Text that is in
    cells already stays as it is.
    """
    if text.isascii():
        return text
    return _in_cells(text)


@lru_cache(maxsize=4096)
def _in_cells(text: str) -> str:
    return "".join(_cells_of(character) for character in text if character != FILLER)


@lru_cache(maxsize=2048)
def _cells_of(character: str) -> str:
    if category(character) in _NO_CELL:
        return REPLACEMENT
    if east_asian_width(character) in ("W", "F"):
        return REPLACEMENT if any(ord(character) in odd for odd in _ODD_WIDE) else character + FILLER
    return REPLACEMENT if any(ord(character) in odd for odd in _ODD) else character


def printed(text: str) -> str:
    """Text of a run as the terminal is sent it: as many cells wide as the run is long, whatever was cut off."""
    return text if text.isascii() else _printed(text)


@lru_cache(maxsize=4096)
def _printed(text: str) -> str:
    result: list[str] = []
    for index, character in enumerate(text):
        if character == FILLER:
            # Its character was cut off before it.
            result.append("" if index and len(_cells_of(text[index - 1])) == 2 else " ")
        elif len(_cells_of(character)) == 2 and text[index + 1 : index + 2] != FILLER:
            result.append(" ")
        else:
            result.append(character)
    return "".join(result)


def to_ascii(lines: list[Line]) -> list[Line]:
    """The same lines in ASCII, cell for cell, for terminals without box drawing."""
    return [tuple((_plain(text), key) for text, key in line) for line in lines]


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    if text.isascii():
        return text
    return text.translate(_ASCII).encode("ascii", "replace").decode("ascii")


_KEEPS_COLOUR = frozenset({"badge", "warn", "bad", "stale", "bg", "touch", "cursor", "changed", "tab"})
_FAINT = frozenset({"faint", "rule", "bid-bar", "ask-bar", "bid-faint", "ask-faint", "band"})


def dimmed(lines: list[Line]) -> list[Line]:
    """The same lines without colour, for a picture that nobody vouches for; warnings and badges keep theirs."""
    return [tuple((text, dim(key)) for text, key in line) for line in lines]


@lru_cache(maxsize=512)
def dim(key: str) -> str:
    """The style key, or role, that stands for another in such a picture."""
    role, _, ground = key.lstrip("!~").partition("/")
    if role in _KEEPS_COLOUR:
        return key
    prefix = "~" if key.startswith("~") else ""
    if ground in ("tab", "cursor"):
        # Muted text would vanish on a strong background.
        return prefix + on("text", ground)
    return prefix + ("faint" if role in _FAINT else "muted")
