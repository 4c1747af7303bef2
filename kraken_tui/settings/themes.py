"""Themes by name: those built in, and the user's own files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from kraken_tui.files import file_path, user_folder
from kraken_tui.settings import THEMES
from kraken_tui.settings.readers import OneOf, WrongValue, nearest
from kraken_tui.text import clean_text

SUFFIX = ".toml"
"""What the name of a theme file ends in."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)
_RESERVED = re.compile(r".*-(?:16|256)", re.ASCII)
_MOST = 100


def theme_folder() -> Path:
    """Where a theme is looked for by its name.

    Raises:
        OSError: See `user_folder`.
    """
    return user_folder("config") / "themes"


def user_themes() -> dict[str, Path]:
    """The user's theme files by the names of their themes, in alphabetical order, a hundred at most."""
    try:
        found = sorted(theme_folder().glob(f"*{SUFFIX}"))
    except OSError:
        return {}
    return {path.stem: path for path in found[:_MOST] if not refusal(path.stem)}


def refusal(name: str) -> str:
    """Why a theme cannot have a name, a predicate; "" if it can."""
    if name in THEMES:
        return "is the name of a built-in theme; rename the file"
    if _NAME.fullmatch(name) is None or _RESERVED.fullmatch(name):
        return "cannot be the name of a theme: letters, digits, dot, - and _, at most 40, not -16 or -256 at the end"
    return ""


class ThemeText:
    """The name of a theme, or of a theme file."""

    def text(self, text: str) -> str:
        """See `Reader`."""
        try:
            return str(file_path(text)) if text.endswith(SUFFIX) else text
        except ValueError as error:
            raise WrongValue(str(error)) from None

    def toml(self, value: Any) -> str:
        """See `Reader`."""
        if type(value) is not str:
            raise WrongValue("takes text in quotes")
        return self.text(value)

    def value(self, value: Any) -> str:
        """See `Reader`."""
        if not isinstance(value, str):
            raise WrongValue("takes text")
        return self.text(value)

    def beside(self, value: str, folder: Path) -> str:
        """A value of a settings file: the name of a file is relative to that file's folder."""
        return str(folder / value) if value.endswith(SUFFIX) else value


class ThemeName(OneOf):
    """A built-in theme, a file, or one of the user's themes by name."""

    def __init__(self) -> None:
        super().__init__(THEMES)

    def __call__(self, value: str) -> None:
        """See `Rule`."""
        if value in self.allowed or value.endswith(SUFFIX):
            return
        own = user_themes()
        if value not in own:
            names = ", ".join((*self.allowed, *own))
            raise WrongValue(
                f"takes one of {clean_text(names)}, or a theme file such as desk{SUFFIX}"
                f"{nearest(value, [*self.allowed, *own])}"
            )

    def __str__(self) -> str:
        return f"{', '.join(map(str, self.allowed))}, or a theme file such as desk{SUFFIX}"
