"""Notices of the desktop: only where they are known to be shown, never through another program, never hostile."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kraken_tui.market.events import Side
from kraken_tui.market.orders.values import Fill
from kraken_tui.tui.notice import LONGEST, fill_text, notice

D = Decimal


def fill(**changes: object) -> Fill:
    fields = {
        "exec_id": "E", "order_id": "O", "symbol": "BTC/USD", "side": Side.BUY, "qty": D("0.015"),
        "price": D("64160.4"), "cost": D("962.4"), "ns": 1, **changes,
    }  # fmt: skip
    return Fill(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("environ", "begins"),
    [
        ({"TERM_PROGRAM": "iTerm.app"}, "\x1b]9;"),
        ({"LC_TERMINAL": "iTerm2", "TERM": "xterm-256color"}, "\x1b]9;"),
        ({"TERM": "xterm-kitty"}, "\x1b]9;"),
        ({"TERM": "xterm-ghostty"}, "\x1b]9;"),
        ({"TERM_PROGRAM": "WezTerm"}, "\x1b]9;"),
        ({"TERM": "foot"}, "\x1b]777;notify;"),
        ({"TERM": "rxvt-unicode-256color"}, "\x1b]777;notify;"),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, "\x1b]777;notify;"),
    ],
)
def test_each_terminal_gets_the_sequence_it_knows(environ: dict[str, str], begins: str) -> None:
    sequence = notice("sold 1 BTC/USD at 2", environ)
    assert sequence.startswith(begins)
    assert sequence.endswith("\x1b\\")
    for between in ({"TMUX": "/tmp/tmux"}, {"STY": "1.pts"}, {"ZELLIJ": "0"}, {"TERM": "screen-256color"}):
        assert notice("text", environ | between) == ""


@pytest.mark.parametrize("environ", [{}, {"TERM": "linux"}, {"TERM": "xterm-256color"}, {"TERM": "dumb"}])
def test_a_terminal_that_is_not_known_to_have_notices_gets_none(environ: dict[str, str]) -> None:
    assert notice("text", environ) == ""


def test_hostile_text_ends_no_sequence_and_begins_none() -> None:
    hostile = "a\x1b\\\x07\x9c;b\x1b]52;c;ZXZpbA==\x07" + "x" * 500
    for environ, fields in (({"TERM": "xterm-kitty"}, 1), ({"TERM": "foot"}, 3)):
        sequence = notice(hostile, environ)
        inside = sequence.removeprefix("\x1b]").removesuffix("\x1b\\")
        assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in inside)
        assert inside.count(";") == fields
        assert len(inside) < LONGEST + 40


def test_the_text_says_side_size_price_and_what_is_play_money() -> None:
    assert fill_text([fill()], play=False) == "bought 0.015 BTC/USD at 64,160.4"
    several = fill_text([fill(side=Side.SELL, qty=D("1E+1")), fill()], play=True)
    assert several == "PLAY MONEY: 2 fills, the newest: sold 10 BTC/USD at 64,160.4"
