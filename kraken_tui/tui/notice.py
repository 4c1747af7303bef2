"""A notice of the desktop for what the user waits for: OSC 9 or OSC 777, where the terminal is known to show one.

The bell is heard everywhere; a terminal may print a sequence that it does not know. Nothing is sent in tmux, screen
or Zellij, and nothing is passed through them: a pane must not speak to the terminal behind their backs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kraken_tui.text import clean_text

if TYPE_CHECKING:
    from kraken_tui.market.orders.values import Fill

LONGEST = 120
"""Characters of a notice."""

_BY_OSC9 = ("iterm", "wezterm", "ghostty", "kitty")
_BY_OSC777 = ("foot", "rxvt", "urxvt")
_BETWEEN = ("TMUX", "STY", "ZELLIJ")


def fill_text(fills: Sequence[Fill], *, play: bool) -> str:
    """What a notice says of new fills: the newest in words, and how many there are.

    Args:
        fills: Newest first; one at least.
        play: Whether it is play money.
    """
    newest = fills[0]
    did = "bought" if newest.side.value == "buy" else "sold"
    text = f"{did} {newest.qty:f} {newest.symbol} at {newest.price:,f}"
    if len(fills) > 1:
        text = f"{len(fills)} fills, the newest: {text}"
    return f"PLAY MONEY: {text}" if play else text


def notice(text: str, environ: Mapping[str, str]) -> str:
    """The sequence that shows a notice; "" where this terminal is not known to show one.

    Args:
        text: What it says; made inert here.
        environ: Of the process.
    """
    if any(environ.get(name) for name in _BETWEEN) or environ.get("TERM", "").startswith(("tmux", "screen")):
        return ""
    names = " ".join(environ.get(name, "") for name in ("TERM_PROGRAM", "LC_TERMINAL", "TERM")).lower()
    # A semicolon separates the fields of both sequences.
    inert = clean_text(text, LONGEST).replace(";", ",")
    if any(name in names for name in _BY_OSC9):
        return f"\x1b]9;kraken-tui: {inert}\x1b\\"
    if any(name in names for name in _BY_OSC777) or environ.get("VTE_VERSION"):
        return f"\x1b]777;notify;kraken-tui;{inert}\x1b\\"
    return ""
