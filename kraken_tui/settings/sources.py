"""Where `Settings` come from: command line, then environment, then a TOML file, then the defaults.

`kraken_tui.settings.options` says how each value is read, so every source refuses a wrong one in the same words.
Values from a file or the environment are never repeated in a message: they may one day be private.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kraken_tui.errors import ConfigurationError
from kraken_tui.files import file_path, user_folder
from kraken_tui.settings import Settings, options
from kraken_tui.settings.options import ENV_PREFIX
from kraken_tui.settings.readers import WrongValue, nearest
from kraken_tui.text import clean_text

MAX_CONFIG_BYTES = 1024 * 1024
_PURE = f"{ENV_PREFIX}PURE"
"""No setting: `kraken_tui.core` reads it when it is imported. It looks like a slip for the address."""
"""Size of the largest configuration file that is read."""

KEYS = "keys"
"""The one setting that is not an option: the table of key bindings, which only the file holds."""


def default_config_path() -> Path:
    """Where the configuration file is looked for when none is named.

    Raises:
        OSError: See `user_folder`.
    """
    return user_folder("config") / "config.toml"


def load(
    args: Mapping[str, Any],
    env: Mapping[str, str],
    config_path: Path | None = None,
    defaults: Mapping[str, Any] = MappingProxyType({}),
) -> Settings:
    """Merge all sources into one `Settings`.

    Args:
        args: What the command line gave: `Settings` field name to text, True/False for switches, a tuple of
            names for `pairs`. Fields that were not given are absent.
        env: The environment; names are `KRAKEN_TUI_` and a field name in capitals.
        config_path: File named by the user, which must then exist; None looks at `KRAKEN_TUI_CONFIG`, then at
            `default_config_path()`, which need not exist.
        defaults: What a command prefers to the defaults of `Settings`.

    Raises:
        ConfigurationError: A source cannot be read, names an unknown setting or a value that is not allowed.
    """
    path = config_path
    other = env.get(f"{ENV_PREFIX}CONFIG")
    if path is None and other:
        try:
            path = file_path(other)
        except ValueError as error:
            raise ConfigurationError(f"environment variable {ENV_PREFIX}CONFIG {error}") from None
    layers = [_from_args(args), _from_environment(env)]
    layers.append(_from_file(path) if path is not None else _from_default_file())
    layers.append(dict(defaults))
    sources = {row.name: row.flag for row in options.OPTIONS if row.source}
    merged: dict[str, Any] = {}
    source_named = False
    for layer in layers:
        named = [name for name in sources if layer.get(name)]
        if len(named) > 1:
            flags = " and ".join(sources[name] for name in named)
            raise ConfigurationError(f"{flags} cannot be used together: each says where the frames come from")
        for name, value in layer.items():
            if not (source_named and name in sources):
                merged.setdefault(name, value)
        source_named = source_named or bool(named)
    if "pairs" in merged:
        merged["pairs"] = tuple(dict.fromkeys(merged["pairs"]))
    return Settings(**merged)


def _from_args(args: Mapping[str, Any]) -> dict[str, Any]:
    return {name: options.option(name).from_command_line(given) for name, given in args.items()}


def _from_environment(env: Mapping[str, str]) -> dict[str, Any]:
    layer = {}
    known = {row.variable: row for row in options.OPTIONS}
    for variable, text in env.items():
        if not variable.startswith(ENV_PREFIX) or variable == _PURE:
            continue
        row = known.get(variable)
        if row is None:
            # Other names with the prefix exist (tests, tracebacks), so only what looks like a slip is refused.
            slip = nearest(variable, known, 0.88)
            if slip:
                raise ConfigurationError(f"environment variable {clean_text(variable, 60)} is unknown{slip}")
            continue
        try:
            layer[row.name] = row.from_text(text)
        except WrongValue as wrong:
            raise ConfigurationError(f"environment variable {variable} {wrong}") from None
    return layer


def _from_default_file() -> dict[str, Any]:
    try:
        path = default_config_path()
    except OSError:
        return {}
    try:
        missing = not path.exists()
    except OSError:
        # A folder that cannot even be looked into: `_read` has the words for it.
        missing = False
    return {} if missing else _from_file(path)


def _from_file(path: Path) -> dict[str, Any]:
    text = _read(path)
    shown = clean_text(path)
    # Parsing costs about 15 ms of imports, which only users of a file pay.
    import tomllib

    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # The parser's own words may quote the file; its line number cannot.
        line = re.search(r"at line (\d+)", str(error))
        place = f" line {line[1]}" if line else ""
        raise ConfigurationError(f"{shown}{place} is not valid TOML; see the README for an example") from None
    except RecursionError:
        raise ConfigurationError(f"{shown} is nested too deeply") from None
    except ValueError:
        # Python refuses to read integers of over 4,300 digits.
        raise ConfigurationError(f"{shown} holds a number with far too many digits") from None
    layer: dict[str, Any] = {}
    known = {row.name: row for row in options.OPTIONS}
    for key, value in content.items():
        where = f"{shown}{_line_of(text, key)}: {clean_text(key, 40)}"
        if key == KEYS:
            layer[key] = _read_keys(value, shown, text)
            continue
        row = known.get(key)
        if row is None:
            raise ConfigurationError(f"{where} is not a setting{nearest(key, [*known, KEYS])}")
        try:
            layer[key] = row.from_toml(value)
        except WrongValue as wrong:
            raise ConfigurationError(f"{where} {wrong}") from None
        if isinstance(layer[key], Path):
            # A relative name in a file is relative to that file, not to the working directory.
            layer[key] = path.parent / layer[key]
    return layer


def _read(path: Path) -> str:
    shown = clean_text(path)
    try:
        if path.exists() and not path.is_file():
            raise ConfigurationError(f"configuration {shown} is not a file")
        with path.open("rb") as file:
            raw = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        reason = clean_text(error.strerror or error, 80)
        raise ConfigurationError(f"cannot read configuration {shown}: {reason}") from None
    if len(raw) > MAX_CONFIG_BYTES:
        raise ConfigurationError(f"configuration {shown} is longer than 1 MiB")
    if raw.startswith(b"\xef\xbb\xbf"):
        raise ConfigurationError(f"configuration {shown} starts with a byte order mark; save it as UTF-8 without one")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"configuration {shown} line {line} is not UTF-8") from None


def _read_keys(value: Any, shown: str, text: str) -> Mapping[str, str]:
    """Binding id to keys, joined by commas, which is the form the key map takes."""
    if type(value) is not dict:
        raise ConfigurationError(f"{shown}{_line_of(text, KEYS)}: keys takes a [keys] table")
    table = text.find("[keys]")
    offset = text.count("\n", 0, table) if table >= 0 else 0
    keys: dict[str, str] = {}
    for binding, key in value.items():
        where = f"{shown}{_line_of(text[table:] if table >= 0 else text, binding, offset)}: {clean_text(binding, 40)}"
        names = key if type(key) is list else [key]
        if not names or not all(type(name) is str and name and name.isprintable() for name in names):
            raise ConfigurationError(f'{where} takes a key such as "f2", or a list of keys')
        keys[binding] = ",".join(names)
    return MappingProxyType(keys)


def _line_of(text: str, key: str, offset: int = 0) -> str:
    """ " line N" for the line that first sets a key, or "" if it is written in a way this does not recognise."""
    blank = r"[^\S\n]*"
    pattern = rf"^{blank}(?:\[{blank})?[\"']?{re.escape(key)}[\"']?{blank}(?:=|\]|\.)"
    found = re.search(pattern, text, re.MULTILINE)
    return "" if found is None else f" line {text.count(chr(10), 0, found.start()) + 1 + offset}"
