"""The keys of the numeric keypad, which the kitty protocol names apart, as the same keys of the main block. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from textual.events import Key

_MAIN: Mapping[str, tuple[str, str]] = {
    "decimal": ("full_stop", "."),
    "divide": ("slash", "/"),
    "multiply": ("asterisk", "*"),
    "subtract": ("minus", "-"),
    "add": ("plus", "+"),
    "equal": ("equals_sign", "="),
    "separator": ("comma", ","),
}
"""Keys of the keypad as Textual names them, and (name, character) of the main key. It knows the digits, Enter and the
arrows by their usual names (CSI 57399 to 57408, 57414 and 57417 to 57426)."""

_PRIVATE_USE = range(0xE000, 0xF900)


def as_main_key(key: Key) -> Key | None:
    """The key that a key press stands for: the main one for a key of the keypad, any other as it is.

    Shift is dropped, because "+" needs it on most keyboards and it changes nothing on a keypad.

    Returns:
        None for a function key that has a number in the kitty protocol but no name, such as CSI 57427 (the 5 in the
        middle with Num Lock off).
    """
    *modifiers, name = key.key.split("+")
    if name in _MAIN:
        name, character = _MAIN[name]
        modifiers = [modifier for modifier in modifiers if modifier != "shift"]
        return Key("+".join([*modifiers, name]), None if modifiers else character)
    return None if len(name) == 1 and ord(name) in _PRIVATE_USE else key
