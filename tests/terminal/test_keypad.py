"""The keypad of the kitty protocol is the same keys as the main block (case C10)."""

from __future__ import annotations

import pytest

pytest.importorskip("termios", reason="the driver is for POSIX terminals")

from textual.events import Key

from kraken_tui.terminal.driver import Keys
from kraken_tui.tui.keymap import COMMANDS, normalise

# Number in the protocol, main key as Textual names it, its character.
KEYPAD = [
    *((57399 + digit, str(digit), str(digit)) for digit in range(10)),
    (57409, "full_stop", "."), (57410, "slash", "/"), (57411, "asterisk", "*"), (57412, "minus", "-"),
    (57413, "plus", "+"), (57414, "enter", None), (57415, "equals_sign", "="), (57416, "comma", ","),
    (57417, "left", None), (57418, "right", None), (57419, "up", None), (57420, "down", None),
    (57421, "pageup", None), (57422, "pagedown", None), (57423, "home", None), (57424, "end", None),
    (57425, "insert", None), (57426, "delete", None),
]  # fmt: skip


def press(data: bytes) -> list[Key]:
    keys = Keys(debug=False)
    return [message for message in [*keys.feed(data), *keys.feed(None)] if isinstance(message, Key)]


@pytest.mark.parametrize(("number", "name", "character"), KEYPAD)
@pytest.mark.parametrize("modifier", ["", ";1", ";129"], ids=["plain", "none", "num-lock"])
def test_a_key_of_the_keypad_is_the_main_key(number: int, name: str, character: str | None, modifier: str) -> None:
    (key,) = press(f"\x1b[{number}{modifier}u".encode())
    assert key.key == name
    assert character is None or key.character == character


def test_the_keys_of_the_case_do_what_the_main_keys_do() -> None:
    names = [key.key for number in (57413, 57412, 57410) for key in press(f"\x1b[{number}u".encode())]
    by_key = {key: command.id for command in COMMANDS for key in normalise(command.keys)}
    assert [by_key[name] for name in names] == ["book.coarser", "book.finer", "pair.find"]


def test_shift_changes_nothing_and_other_modifiers_stay() -> None:
    assert [key.key for key in press(b"\x1b[57413;2u")] == ["plus"]
    (key,) = press(b"\x1b[57413;5u")
    assert (key.key, key.character) == ("ctrl+plus", None)


def test_a_key_without_a_name_is_no_key() -> None:
    assert press(b"\x1b[57427u") == []
    assert [key.key for key in press(b"\x1b[57427uq")] == ["q"]


def test_the_keypad_of_older_terminals_is_known_too() -> None:
    sent = b"\x1bOk\x1bOm\x1bOo"
    assert [key.key for key in press(sent)] == ["plus", "minus", "slash"]
