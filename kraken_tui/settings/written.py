"""Settings as text: one value as TOML, and a whole settings file that explains itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from textwrap import wrap
from types import MappingProxyType
from typing import Any

from kraken_tui.settings import Rotation
from kraken_tui.settings.options import OPTIONS, SECTIONS, Option, default_of

_WIDTH = 78

HEAD = """\
## Settings of kraken-tui. A line such as "# depth = 100" shows a default: take
## the "# " away and change the value. The command line wins over the environment
## (KRAKEN_TUI_DEPTH=1000), and that over this file. Only one of demo, replay, kafka
## and url can say where the frames come from. "kraken-tui config check" says what
## is wrong in here, "kraken-tui config show" what holds, and why.
"""

_KEYS_HEAD = """\
## -- keys: one key, or a list of keys, for the name of a binding

# [keys]
"""


def toml(value: Any) -> str:
    """A value of `Settings` as a TOML file has it; "" for one that TOML cannot say (None)."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Rotation):
        return f'"{_rotation(value)}"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    # JSON's escapes are TOML's too, and leave nothing that a terminal would obey.
    return json.dumps(str(value) if isinstance(value, PurePath) else value)


def _rotation(value: Rotation) -> str:
    if value.bytes:
        return f"{value.bytes // 10**6}MB"
    return f"{value.seconds // 3600}h" if value.seconds % 3600 == 0 else f"{value.seconds // 60}m"


def about(row: Option) -> str:
    """What a setting says, for a settings file; without its default, which stands beside it."""
    text = (row.about or row.help).replace(" (default {default})", "").format(allowed=row.rule, default="")
    return text[:1].upper() + text[1:] + "."


def default_file(
    bindings: Sequence[tuple[str, Iterable[str], str]] = (), defaults: Mapping[str, Any] = MappingProxyType({})
) -> str:
    """A settings file in which every setting is explained and every line is a comment.

    Args:
        bindings: Name, keys and sentence of each binding.
        defaults: What the screen prefers to the defaults of `Settings`.
    """
    blocks = [HEAD]
    for section, words in SECTIONS.items():
        blocks.append(f"## -- {section}: {words}\n")
        for row in OPTIONS:
            if row.section == section:
                value = toml(defaults.get(row.name, default_of(row)))
                shown = row.example if value in ("", '""') else value
                blocks.append(f"{_comment(about(row))}# {row.name} = {shown}\n")
    if bindings:
        lines = (f'# "{name}" = {toml(_one_or_all(keys))}  # {words}\n' for name, keys, words in bindings)
        blocks.append(_KEYS_HEAD + "".join(lines))
    return "\n".join(blocks)


def _comment(text: str) -> str:
    return "".join(f"## {line}\n" for line in wrap(text, _WIDTH))


def _one_or_all(keys: Iterable[str]) -> str | list[str]:
    found = list(keys)
    return found[0] if len(found) == 1 else found
