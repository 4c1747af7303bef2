"""One table of keys: bindings, footer, help, and the user's own map over it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.tui.keymap import COMMANDS, FOOTER, bindings, effective, footer_items, key_name, normalise
from kraken_tui.tui.screens.help import key_rows

IDS = [command.id for command in COMMANDS]


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
    assert not bound & {"f3", "f6", "a"}


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


def test_footer_fits_and_starts_with_what_matters() -> None:
    keymap = effective({})
    for width in range(300):
        items = footer_items(keymap, width)
        assert sum(len(keys) + len(label) + 3 for keys, label in items) <= max(0, width)
    labels = [label for _, label in footer_items(keymap, 80)]
    assert len(labels) >= 5
    assert {"pair", "find", "group", "help", "quit"} <= set(labels)
    assert dict(footer_items(keymap, 80))["1-9"] == "pair"
    assert len(footer_items(keymap, 300)) == len(FOOTER)


def test_help_lists_every_command_of_the_effective_map() -> None:
    rows = key_rows(effective({"feed.pause": "x"}), replay=True)
    by_id = {name: keys for _, keys, _, name in rows}
    assert by_id["feed.pause"] == "x"
    assert by_id["pair.1 to pair.9"] == "1-9"
    assert set(IDS) - set(by_id) == {f"pair.{number}" for number in range(1, 10)}
    assert not any(name.startswith("replay.") for *_, name in key_rows(effective({}), replay=False))
