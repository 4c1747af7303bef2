"""The keys that a visitor has not: offered nowhere, and said why where they are pressed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kraken_tui.market.views import Mode
from kraken_tui.tui.draw.picture import Situation
from kraken_tui.tui.keymap import COMMANDS, VISITOR_LACKS, command_of, effective, footer_items, key_rows
from kraken_tui.tui.screens.commands import KrakenCommands

LACKED = ("feed.record", "screen.save", "screen.share", "book.deeper", "book.shallower", "suspend")
VISITING = Situation(panes=frozenset({"book", "ladder", "charts"}), files=False, depths=False, terminal=False)


def test_they_are_those_that_write_here_or_change_what_all_see() -> None:
    assert {command.id for command in COMMANDS if command.needs in VISITOR_LACKS} == set(LACKED)


@pytest.mark.parametrize("name", LACKED)
def test_pressed_they_say_why(name: str) -> None:
    keymap = effective({})
    assert keymap.refusal(command_of(name), VISITING)
    own = Situation(panes=VISITING.panes)
    assert not keymap.refusal(command_of(name), own)


def test_the_footer_does_not_offer_them() -> None:
    keymap = effective({})
    offered = {item.label for item in footer_items(keymap, VISITING, 500)}
    own = {item.label for item in footer_items(keymap, Situation(panes=VISITING.panes), 500)}
    assert own - offered == {"depth", "save", "record"}


def test_the_help_does_not_name_them() -> None:
    keymap = effective({})
    rows = {name for *_, name in key_rows(keymap, visitor=True)}
    assert {name for *_, name in key_rows(keymap)} - rows == set(LACKED)


def test_the_palette_does_not_list_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def listed(*, visitor: bool) -> set[str]:
        feed = SimpleNamespace(tabs=(), mode=Mode.LIVE)
        main: Any = SimpleNamespace(set_view=print, set_grouping=print)
        source: Any = SimpleNamespace(feed_view=feed, set_depth=print, set_interval=print, trades="")
        program = SimpleNamespace(
            visitor=visitor,
            source=source,
            main=main,
            keymap_in_force=effective({}),
            set_theme=print,
            theme_names=lambda: ("dark",),
        )
        monkeypatch.setattr(KrakenCommands, "program", program)
        return {name for name, *_ in KrakenCommands._entries(object.__new__(KrakenCommands))}

    gone = listed(visitor=False) - listed(visitor=True)
    assert {name.partition(" (")[0] for name in gone} == {
        "Record", "Save SVG", "Share moment", "Suspend",
        *(f"Depth: {depth} levels" for depth in (10, 25, 100, 500, 1000)),
    }  # fmt: skip
