"""A theme of the user's: a TOML file with a colour for every role, or a base and what differs from it.

    base = "dark"

    [colours]
    bid = "#4fc46b"

The theme is called after the file. What is hard to read in it is said, by the rule that the built-in themes keep
(`tui.draw.contrast`), and worn all the same.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from kraken_tui.errors import ConfigurationError
from kraken_tui.settings import THEMES
from kraken_tui.settings.readers import nearest
from kraken_tui.settings.themes import SUFFIX, refusal, user_themes
from kraken_tui.text import clean_text
from kraken_tui.tui.draw.contrast import weaknesses
from kraken_tui.tui.draw.themes import (
    ALL_PALETTES,
    BASES,
    PALETTES,
    ROLES,
    TRUE_COLOURS,
    add_theme,
    shown_colours,
    worn,
)

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)
_LONGEST = 64 * 1024
_TABLE = "colours"


class ThemeFile(NamedTuple):
    """What a theme file says.

    Attributes:
        name: Name of the theme.
        base: The built-in theme it begins with; "" for none.
        colours: "#rrggbb" by role, those the file names.
    """

    name: str
    base: str
    colours: dict[str, str]


def theme_names() -> list[str]:
    """All themes, in the order in which a key goes through them: built in, given, and in the user's folder."""
    return [*PALETTES, *(name for name in user_themes() if name not in PALETTES)]


def take(theme: str) -> str:
    """Make a theme known, whatever it is: a name or a file, which is read once more each time.

    Args:
        theme: Name of a theme, or of a file (it ends in .toml).

    Returns:
        Its name.

    Raises:
        ConfigurationError: There is no such theme, or a fault in its file: one sentence with its line.
    """
    if theme in THEMES:
        return theme
    path = Path(theme) if theme.endswith(SUFFIX) else user_themes().get(theme)
    if path is None and theme in PALETTES:
        # It was given as a file.
        return theme
    if path is None:
        shown = ", ".join(theme_names())
        raise ConfigurationError(f'there is no theme "{clean_text(theme, 40)}"; there are {shown}')
    found = read(path)
    add_theme(found.name, found.colours, found.base)
    return found.name


def warning(name: str, colours: int = TRUE_COLOURS) -> str:
    """What is hard to read in a theme, one sentence; "" if nothing is.

    Args:
        name: A theme that is known.
        colours: How many colours the terminal has.
    """
    palette = ALL_PALETTES[worn(name, colours)]
    weak = [] if palette.ansi else weaknesses(shown_colours(palette))
    if not weak:
        return ""
    worst = weak[0]
    more = f" (and {len(weak) - 1} more)" if len(weak) > 1 else ""
    return (
        f"theme {name}: {worst.role} on {worst.ground} has a contrast of {worst.ratio:.1f}:1,"
        f" at least {worst.least:g}:1 is needed{more}"
    )


def read(path: Path) -> ThemeFile:
    """Read a theme file.

    Raises:
        ConfigurationError: It cannot be read, or something in it cannot be taken: one sentence with its line.
    """
    shown = clean_text(path)
    text = _text_of(path, shown)
    name = path.name.removesuffix(SUFFIX)
    if problem := refusal(name):
        raise ConfigurationError(f"{shown}: {clean_text(name, 40)} {problem}")
    content = _parse(text, shown)
    for key in content:
        if key not in ("base", _TABLE):
            near = nearest(key, ["base", _TABLE])
            place = f"{shown}{_line(text, key)}: {clean_text(key, 40)}"
            hint = f"; colours stand in a table [{_TABLE}]" if key in ROLES else near
            raise ConfigurationError(f"{place} is not part of a theme{hint}")
    base = content.get("base", "")
    if base not in ("", *BASES):
        raise ConfigurationError(f"{shown}{_line(text, 'base')}: base takes one of {', '.join(BASES)}")
    colours = content.get(_TABLE, {})
    if not isinstance(colours, dict):
        raise ConfigurationError(f"{shown}{_line(text, _TABLE)}: {_TABLE} takes a [{_TABLE}] table")
    for role, colour in colours.items():
        place = f"{shown}{_line(text, role)}: {clean_text(role, 40)}"
        if role not in ROLES:
            raise ConfigurationError(f"{place} is not a role of a theme{nearest(role, ROLES)}")
        if not isinstance(colour, str) or _COLOUR.fullmatch(colour) is None:
            raise ConfigurationError(f'{place} takes a colour such as "#4fc46b"')
    missing = [] if base else [role for role in ROLES if role not in colours]
    if missing:
        names = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise ConfigurationError(
            f'{shown}: without a base (base = "dark") every role needs a colour; not there: {names}'
        )
    return ThemeFile(name, base, colours)


def _text_of(path: Path, shown: str) -> str:
    try:
        if path.exists() and not path.is_file():
            raise ConfigurationError(f"the theme {shown} is not a file")
        with path.open("rb") as file:
            raw = file.read(_LONGEST + 1)
    except OSError as error:
        raise ConfigurationError(f"cannot read the theme {shown}: {clean_text(error.strerror or error, 80)}") from None
    if len(raw) > _LONGEST:
        raise ConfigurationError(f"the theme {shown} is longer than 64 KiB")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"the theme {shown} line {line} is not UTF-8") from None


def _parse(text: str, shown: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise ConfigurationError(f"{shown}{f' line {line[1]}' if line else ''} is not valid TOML") from None
    except (RecursionError, ValueError):
        raise ConfigurationError(f"{shown} is nested too deeply, or holds a number with far too many digits") from None


def _line(text: str, key: str) -> str:
    """ " line N" for the line that sets a key, or "" if it is written in a way this does not recognise."""
    found = re.search(
        rf"^[^\S\n]*\[?[\"']?(?:{_TABLE}\.)?{re.escape(key)}[\"']?[^\S\n]*(?:=|\]|\.)", text, re.MULTILINE
    )
    return "" if found is None else f" line {text.count(chr(10), 0, found.start()) + 1}"
