"""The README's table of keys is the key map, and other pages name only keys that exist.

`python -m tests.docs.test_keys` writes the table.
"""

from __future__ import annotations

import re
from pathlib import Path

from kraken_tui.tui.keymap import COMMANDS, effective, key_rows

README = Path(__file__).resolve().parents[2] / "README.md"
HEAD = "| key | does | in | name |\n| --- | --- | --- | --- |\n"
_TABLE = re.compile(re.escape(HEAD) + r"(?:\|.*\n)*")


def table() -> str:
    """The commands of the screen as a table; those of dialogs explain themselves there."""
    dialogs = {command.id for command in COMMANDS if command.context in ("dialog", "help")}
    keymap = effective({})
    lines = []
    for _, keys, about, where, name in key_rows(keymap):
        if name not in dialogs:
            shown = " ".join(f"`{key}`" for key in keys.split(" "))
            names = " to ".join(f"`{each}`" for each in name.split(" to "))
            lines.append(f"| {shown} | {about} | {where} | {names} |\n")
    return HEAD + "".join(lines)


def test_the_readme_shows_the_key_map() -> None:
    (found,) = _TABLE.findall(README.read_text(encoding="utf-8"))
    assert found == table(), "python -m tests.docs.test_keys writes it"


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(_TABLE.sub(lambda _: table(), text, count=1), encoding="utf-8")
