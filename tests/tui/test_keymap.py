"""One table of keys: bindings, footer, help, and the user's own map over it."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.tui import keymap as keymap_module
from kraken_tui.tui.draw.footer import KeyItem
from kraken_tui.tui.draw.picture import Situation
from kraken_tui.tui.keymap import (
    COMMANDS,
    FOOTER,
    bindings,
    command_of,
    effective,
    footer_items,
    key_name,
    key_rows,
    keyed_views,
    normalise,
)
from kraken_tui.tui.layout import arrange
from kraken_tui.tui.panes import PANES, cycle_of, views

IDS = [command.id for command in COMMANDS]
TRADING = {"arm", "buy sell", "cancel all"}


def test_every_binding_has_an_id_and_a_tooltip() -> None:
    made = bindings("main", "dialog", "help", "everywhere")
    assert len(made) == len(COMMANDS)
    for binding in made:
        assert not isinstance(binding, tuple)
        assert binding.id
        assert binding.tooltip.endswith(".")
        assert binding.description
    assert len(set(IDS)) == len(IDS)


def test_no_built_in_key_does_two_things() -> None:
    keys = effective({}).keys
    contexts = {command.id: command.context for command in COMMANDS}
    count = Counter((contexts[name], key) for name, names in keys.items() for key in names)
    assert max(count.values()) == 1
    everywhere = {key for context, key in count if context == "everywhere"}
    assert not everywhere & {key for context, key in count if context != "everywhere"}


def test_keys_of_later_versions_are_not_bound() -> None:
    bound = {key for keys in effective({}).keys.values() for key in keys}
    assert not bound & {"f6", "a", "w"}


def test_escape_only_clears() -> None:
    actions = {command.action for command in COMMANDS if "escape" in normalise(command.keys)}
    assert actions == {"clear_cursor", "close"}


def test_wishes_take_effect() -> None:
    keymap = effective({"feed.pause": "x", "quit": "ctrl+x, f12"})
    assert keymap.problems == ()
    assert keymap.keys["feed.pause"] == ("x",)
    assert keymap.overrides == {"feed.pause": "x", "quit": "ctrl+x,f12"}
    assert keymap.show_all("quit") == "Ctrl+X F12"


def test_swapping_two_keys_is_no_clash() -> None:
    keymap = effective({"feed.pause": "s", "screen.save": "p"})
    assert keymap.problems == ()
    assert keymap.keys["feed.pause"] == ("s",)
    assert keymap.keys["screen.save"] == ("p",)


def test_unknown_empty_and_clashing_wishes_are_named_and_left_out() -> None:
    keymap = effective({"no.such\x1b[31m": "x", "book.centre": " ", "feed.pause": "k", "screen.theme": "f9"})
    unknown, empty, clash = keymap.problems
    assert '"no.such' in unknown
    assert "\x1b" not in unknown
    assert '"book.centre" has no key' in empty
    assert '"feed.pause" and "cursor.up" both want k' in clash
    assert keymap.keys["feed.pause"] == ("p",)
    assert keymap.keys["screen.theme"] == ("f9",)
    assert set(keymap.overrides) == {"screen.theme"}


def test_a_key_that_works_everywhere_cannot_be_taken() -> None:
    assert effective({"dialog.close": "ctrl+q"}).problems
    assert not effective({"dialog.close": "f10"}).problems


@given(st.dictionaries(st.sampled_from(IDS), st.sampled_from(["a", "b", "k", "q", "?", "escape", "ctrl+q", "", "p,s"])))
def test_no_wishes_lead_to_two_commands_on_a_key(wishes: dict[str, str]) -> None:
    keymap = effective(wishes)
    main = {command.id for command in COMMANDS if command.context in ("main", "everywhere")}
    count = Counter(key for name in main for key in keymap.keys[name])
    assert max(count.values()) == 1
    assert all(keymap.keys[name] for name in IDS)


@pytest.mark.parametrize(
    ("key", "name"),
    [("question_mark", "?"), ("shift+tab", "Shift+Tab"), ("f2", "F2"), ("ctrl+q", "Ctrl+Q"), ("space", "Spc"),
     ("D", "D"), ("left_square_bracket", "["), ("k", "k")],
)  # fmt: skip
def test_key_names(key: str, name: str) -> None:
    assert key_name(key) == name


SIZES = ((80, 24), (120, 36), (160, 48), (220, 60))


def situation(
    view: str,
    size: tuple[int, int],
    *,
    replay: bool = False,
    first: bool = False,
    account: bool = False,
    trade: bool = False,
) -> Situation:
    """As the market screen finds it, without a widget."""
    places = arrange(*size, view)
    alone = arrange(*size, view, alone=next(iter(cycle_of(view))))
    return Situation(
        view=view,
        panes=frozenset(places),
        several=len(cycle_of(view)) > 1,
        larger=alone != places,
        replay=replay,
        first=first,
        trade=trade,
        account=account or view == "account",
    )


def words(items: tuple[KeyItem, ...]) -> str:
    """The footer as it reads."""
    return "  ".join(
        (("" if item.joined else " ").join(text for text, _ in item.keys) + f" {item.label}").strip() for item in items
    )


@given(st.sampled_from([*views()]), st.sampled_from(SIZES), st.integers(0, 240), st.booleans(), st.booleans())
def test_the_footer_fits_and_offers_only_what_works_there(
    view: str, size: tuple[int, int], room: int, replay: bool, first: bool
) -> None:
    keymap = effective({})
    here = situation(view, size, replay=replay, first=first)
    items = footer_items(keymap, here, room)
    assert sum(item.width for item in items) <= max(0, room - 1)
    for item in items:
        for name in (item.command, *(command for _, command in item.keys)):
            assert keymap.refusal(command_of(name), here) == ""
    if room >= 40:
        assert {"quit", "keys" if first else "help"} <= {item.label for item in items}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("view", [*views()])
def test_the_footer_of_every_view_names_all_views_at_every_size(view: str, size: tuple[int, int]) -> None:
    items = footer_items(effective({}), situation(view, size), size[0])
    # F8 is offered where an account is followed, or where its page is shown all the same.
    keys, labels = ["F2", "F3", "F4", "F5", "F7"], ["book", "heatmap", "candles", "tape", "health"]
    if view == "account":
        keys, labels = [*keys, "F8"], [*labels, "account"]
    assert [item.keys[0][0] for item in items if item.keys[0][0][0] == "F"] == keys
    if size[0] >= 120:
        assert [item.label for item in items[: len(keys)]] == labels
    held = footer_items(effective({}), situation(view, size, account=True), size[0])
    assert [item.keys[0][0] for item in held[: len(keyed_views())]] == [*keys[:5], "F8"]
    # The charts are further pages of the candles.
    assert [item.label for item in items if item.current] == [views()["candles" if view == "charts" else view].short]


@pytest.mark.parametrize(
    ("view", "footer"),
    [
        ("book", "F2 book  F3  F4  F5  F7  / find  o pane  +- group  Left past  ? help  q quit"),
        ("charts", "F2 book  F3 heatmap  F4 candles  F5 tape  F7 health  c charts  ? help  q quit"),
        ("tape", "F2 book  F3 heatmap  F4 candles  F5 tape  F7 health  o pane  ? help  q quit"),
        ("health", "F2 book  F3 heatmap  F4 candles  F5 tape  F7 health  o pane  ? help  q quit"),
    ],
)
def test_the_footer_at_80x24(view: str, footer: str) -> None:
    assert words(footer_items(effective({}), situation(view, (80, 24)), 80)) == footer


def test_a_full_footer_offers_everything_that_works() -> None:
    labels = {item.label for item in footer_items(effective({}), situation("book", (220, 60)), 400)}
    assert labels >= {offer.label for offer in FOOTER} - {"charts", "speed", "cut-off", "sort", "book"} - TRADING
    assert not labels & TRADING
    trading = footer_items(effective({}), situation("book", (220, 60), trade=True), 400)
    assert {item.label for item in trading} >= labels | TRADING
    played = footer_items(effective({}), situation("book", (220, 60), replay=True), 400)
    assert "speed" in {item.label for item in played}
    charts = {item.label for item in footer_items(effective({}), situation("charts", (220, 60)), 400)}
    assert not charts & {"pane", "max", "group", "cursor", "centre", "interval", "sums"}


def test_the_first_line_fits_80_cells_and_shows_keys_that_were_changed() -> None:
    keymap = effective({"view.candles": "b", "help": "h"})
    line = words(footer_items(keymap, situation("book", (80, 24), first=True), 80))
    assert line == "h keys  1-9 pair  / find  F2 book  F3  b  F5  F7  q quit"


def test_a_key_that_was_changed_is_shown_by_footer_help_and_refusal_alike() -> None:
    keymap = effective({"book.coarser": "a", "view.book": "b"})
    here = situation("charts", (160, 48))
    assert keymap.refusal(command_of("book.coarser"), here) == "a (coarser) is for the book view: b."
    rows = {name: (keys, where) for _, keys, _, where, name in key_rows(keymap)}
    assert rows["book.coarser"] == ("a", "b F3")
    assert "a - group" in words(footer_items(keymap, situation("book", (160, 48)), 160))


def test_what_needs_something_says_what() -> None:
    keymap = effective({})
    for view, name in (("charts", "pane.next"), ("charts", "pane.maximise"), ("book", "replay.faster")):  # fmt: skip
        assert keymap.refusal(command_of(name), situation(view, (160, 48))).endswith(".")


def test_commands_act_on_panes_that_exist() -> None:
    names = {row.name for row in PANES}
    for command in COMMANDS:
        assert set(command.panes) <= names
        assert not command.needs or hasattr(Situation(), command.needs)
        assert command.views


def test_trading_keys_are_listed_only_where_orders_can_be_placed() -> None:
    trading = {name for name in IDS if name.startswith("trade.")}
    assert trading <= {name for *_, name in key_rows(effective({}))}
    assert not trading & {name for *_, name in key_rows(effective({}), trade=False)}
    command = command_of("trade.buy")
    assert effective({}).refusal(command, Situation()) == (
        "Orders cannot be placed: the program was started without --trade and without --paper."
    )
    assert effective({}).refusal(command, Situation(trade=True)) == ""


def test_help_lists_every_command_of_the_effective_map() -> None:
    rows = key_rows(effective({"feed.pause": "x"}), replay=True)
    by_id = {name: keys for _, keys, _, _, name in rows}
    assert by_id["feed.pause"] == "x"
    assert by_id["pair.1 to pair.9"] == "1-9"
    assert set(IDS) - set(by_id) == {f"pair.{number}" for number in range(1, 10)}
    assert not any(name.startswith("replay.") for *_, name in key_rows(effective({}), replay=False))


_KEY = re.compile(r"\b(?:F\d{1,2}|Esc|Ctrl\+\w)\b|\b[a-zA-Z?] (?:quits|closes|resumes|finds)\b")


def _sentences(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
    bare = {
        node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in docs | bare
    ]


def test_no_sentence_of_the_screen_names_a_key_that_may_have_been_changed() -> None:
    """Keys are named by the map in force; only its own table holds them."""
    package = Path(keymap_module.__file__).parent
    named = {
        f"{path.name}: {text}"
        for path in sorted(package.rglob("*.py"))
        if path.name != "keymap.py"
        for text in _sentences(path)
        if _KEY.search(text)
    }
    assert named == set()
