"""The compiled core, where there is one: `_core.c` applies and proves a live book update in one call.

It changes the lists of `market.book.l2` themselves and knows only the usual form of an update; every other frame is
read in Python, which alone defines what frames mean. An installation without a C compiler has no core, and
`KRAKEN_TUI_PURE=1` in the environment switches it off.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container
from importlib import import_module
from typing import Any, Protocol

VARIABLE = "KRAKEN_TUI_PURE"

Updated = tuple[str, tuple[Any, ...], int, int, str, int]
"""Symbol, changes, checksum as sent, checksum of the book, timestamp as sent and in ns."""


class Lane(Protocol):
    """What the core needs of one book; `update` finds it by the book's symbol.

    Attributes:
        open: Whether updates are applied: the book is steady (`BookStitcher.steady`).
    """

    open: bool

    def follow(self, bids: object, asks: object, price_precision: int, qty_precision: int, depth: int) -> None:
        """Work on these two `BookSide` from now on."""
        ...


Update = Callable[[bytes | str, dict[str, Lane], Container[str | None]], Updated | None]

update: Update | None = None
"""Apply one live update of a pair that has a lane and is among those granted; None for any other frame, and nothing has
then been changed."""

_lane: Callable[[], Lane] | None = None


def take(module: Any) -> None:
    """Use a core from now on; None for none. What exists already keeps what it has."""
    global update, _lane
    update, _lane = (None, None) if module is None else (module.update, module.Lane)


def new_lane() -> Lane | None:
    """A closed lane; None without the core."""
    return None if _lane is None else _lane()


def in_use() -> str:
    """What reads the books, for people."""
    return "pure Python" if update is None else "compiled core"


if os.environ.get(VARIABLE, "") in ("", "0"):
    try:
        take(import_module("kraken_tui._core"))
    except ImportError:
        take(None)
