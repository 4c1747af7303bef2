"""The last row: anything out of the ordinary, then the keys of the view at hand. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from kraken_tui.tui.draw.picture import Picture, Situation
from kraken_tui.tui.draw.runs import Line, Run, on, width_of


class KeyItem(msgspec.Struct, frozen=True):
    """One item of the footer: keys, and a word for what they do.

    Attributes:
        keys: (key as printed on a keyboard, command that a click on it runs).
        label: The word; "" for keys alone.
        command: Command that a click on the word runs.
        joined: Whether the keys stand without a blank between them, as "+-".
        current: Whether it stands for what is on screen.
    """

    keys: tuple[tuple[str, str], ...]
    label: str
    command: str
    joined: bool = False
    current: bool = False

    @property
    def width(self) -> int:
        """Cells it takes, a blank at either end included."""
        between = 0 if self.joined else len(self.keys) - 1
        return sum(len(text) for text, _ in self.keys) + between + (len(self.label) + 1 if self.label else 0) + 2


class FooterRow(msgspec.Struct, frozen=True):
    """The drawn row and where its keys are.

    Attributes:
        line: The row.
        spans: (first cell, cell after the last, command) of what can be clicked.
    """

    line: Line
    spans: tuple[tuple[int, int, str], ...]


ItemsFor = Callable[[Situation, int], Sequence[KeyItem]]
"""The items that fit in so many cells."""


def footer_row(picture: Picture, width: int, items_for: ItemsFor) -> FooterRow:
    """Lay the row out; a status is never cut to make room for keys.

    Args:
        picture: Gives the status, and where a key would be pressed.
        width: Cells.
        items_for: What is offered.
    """
    runs: list[Run] = list(picture.status)
    at = width_of(runs)
    spans: list[tuple[int, int, str]] = []
    first = picture.situation.first
    for item in items_for(picture.situation, width - at):
        ground = "tab" if item.current or first else ""
        strong = "!bright" if item.current else "bright" if first else "accent"
        runs.append((" ", on("text", ground)))
        at += 1
        for number, (text, command) in enumerate(item.keys):
            if number and not item.joined:
                runs.append((" ", on("text", ground)))
                at += 1
            runs.append((text, on(strong, ground)))
            spans.append((at, at + len(text), command))
            at += len(text)
        tail = f" {item.label} " if item.label else " "
        runs.append((tail, on("bright" if item.current else "text" if first else "muted", ground)))
        if item.label:
            spans.append((at, at + len(tail) - 1, item.command))
        at += len(tail)
    if first and at < width:
        runs.append((" " * (width - at), "text/tab"))
    return FooterRow(tuple(runs), tuple(spans))


def draw_footer(picture: Picture, width: int, items_for: ItemsFor) -> list[Line]:
    """Draw the row; see `footer_row`."""
    return [footer_row(picture, width, items_for).line]
