"""Where `Settings` come from: command line, then environment, then a TOML file, then the defaults.

`kraken_tui.settings.options` says how each value is read, so every source refuses a wrong one in the same words.
Values from a file or the environment are never repeated in a message: they may one day be private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from kraken_tui.errors import ConfigurationError
from kraken_tui.files import file_path, user_folder
from kraken_tui.settings import Settings, options
from kraken_tui.settings.options import ENV_PREFIX
from kraken_tui.settings.readers import WrongValue, nearest
from kraken_tui.settings.themes import ThemeText
from kraken_tui.text import clean_text

MAX_CONFIG_BYTES = 1024 * 1024
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
    return trace(args, env, config_path, defaults)[0]


def trace(
    args: Mapping[str, Any],
    env: Mapping[str, str],
    config_path: Path | None = None,
    defaults: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[Settings, Mapping[str, str]]:
    """As `load`, and where each value comes from, such as "command line", by the name of the setting.

    Raises:
        ConfigurationError: See `load`.
    """
    path = file_in_use(config_path, env)
    content = _NOTHING if path is None else read_file(path)
    if content.faults:
        raise ConfigurationError(content.faults[0])
    variables = {row.name: row.variable for row in options.OPTIONS}
    layers: list[tuple[Mapping[str, Any], Callable[[str], str]]] = [
        (_from_args(args), lambda _: "command line"),
        (_from_environment(env), lambda name: f"environment {variables[name]}"),
        (content.values, lambda name: f"{clean_text(path)}{content.places.get(name, '')}"),
        (defaults, lambda _: "default"),
    ]
    sources = {row.name: row.flag for row in options.OPTIONS if row.source}
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    source_named = False
    for layer, origin in layers:
        named = [name for name in sources if layer.get(name)]
        if len(named) > 1:
            raise ConfigurationError(_clash(sources[name] for name in named))
        for name, value in layer.items():
            if name not in merged and not (source_named and name in sources):
                merged[name] = value
                origins[name] = origin(name)
        source_named = source_named or bool(named)
    if "pairs" in merged:
        merged["pairs"] = tuple(dict.fromkeys(merged["pairs"]))
    return Settings(**merged), origins


def _clash(names: Iterable[str]) -> str:
    return f"{' and '.join(names)} cannot be used together: each says where the frames come from"


def file_in_use(config_path: Path | None, env: Mapping[str, str]) -> Path | None:
    """The settings file that is read: the one named, or the usual one if it is there; else None.

    Args:
        config_path: File that the command line names.
        env: The environment, which may name one as well.

    Raises:
        ConfigurationError: The environment names something that cannot be a file.
    """
    if config_path is not None:
        return config_path
    other = env.get(f"{ENV_PREFIX}CONFIG")
    if other:
        try:
            return file_path(other)
        except ValueError as error:
            raise ConfigurationError(f"environment variable {ENV_PREFIX}CONFIG {error}") from None
    try:
        path = default_config_path()
    except OSError:
        return None
    try:
        return path if path.exists() else None
    except OSError:
        # A folder that cannot even be looked into: `_read` has the words for it.
        return path


def _from_args(args: Mapping[str, Any]) -> dict[str, Any]:
    return {name: options.option(name).from_command_line(given) for name, given in args.items()}


def _from_environment(env: Mapping[str, str]) -> dict[str, Any]:
    layer = {}
    known = {row.variable: row for row in options.OPTIONS}
    for variable, text in env.items():
        if not variable.startswith(ENV_PREFIX):
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


class FileContent(NamedTuple):
    """What a settings file says.

    Attributes:
        values: By setting; those that cannot be taken are left out.
        places: " line N" by setting, and by "keys." and the name of a binding; those not found are left out.
        faults: A sentence for each value that cannot be taken, in the order of the file.
    """

    values: Mapping[str, Any]
    places: Mapping[str, str]
    faults: tuple[str, ...]


_NOTHING = FileContent({}, {}, ())


def read_file(path: Path) -> FileContent:
    """Read a settings file, all of it, whatever is wrong in it.

    Raises:
        ConfigurationError: It cannot be read.
    """
    raw = _read(path)
    shown = clean_text(path)
    try:
        text = _decoded(raw, shown)
        content = _parse(text, shown)
    except ConfigurationError as error:
        return FileContent({}, {}, (str(error),))
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    faults: list[str] = []
    known = {row.name: row for row in options.OPTIONS}
    for key, value in content.items():
        place = _line_of(text, key)
        places[key] = place
        where = f"{shown}{place}: {clean_text(key, 40)}"
        row = known.get(key)
        if key == KEYS:
            values[key] = _read_keys(value, shown, text, places, faults)
        elif row is None:
            faults.append(f"{where} is not a setting{nearest(key, [*known, KEYS])}")
        else:
            try:
                found = row.from_toml(value)
            except WrongValue as wrong:
                faults.append(f"{where} {wrong}")
                continue
            # A relative name in a file is relative to that file, not to the working directory.
            if isinstance(row.reader, ThemeText):
                found = row.reader.beside(found, path.parent)
            values[key] = path.parent / found if isinstance(found, Path) else found
    named = [row.name for row in options.OPTIONS if row.source and values.get(row.name)]
    if len(named) > 1:
        faults.append(f"{shown}{places[named[1]]}: {_clash(named)}")
    return FileContent(values, places, tuple(faults))


def _parse(text: str, shown: str) -> dict[str, Any]:
    # Parsing costs about 15 ms of imports, which only users of a file pay.
    import tomllib

    try:
        return tomllib.loads(text)
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


def _read(path: Path) -> bytes:
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
    return raw


def _decoded(raw: bytes, shown: str) -> str:
    if raw.startswith(b"\xef\xbb\xbf"):
        raise ConfigurationError(f"configuration {shown} starts with a byte order mark; save it as UTF-8 without one")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"configuration {shown} line {line} is not UTF-8") from None


def _read_keys(value: Any, shown: str, text: str, places: dict[str, str], faults: list[str]) -> Mapping[str, str]:
    """Binding id to keys, joined by commas, which is the form the key map takes."""
    if type(value) is not dict:
        faults.append(f"{shown}{_line_of(text, KEYS)}: keys takes a [keys] table")
        return MappingProxyType({})
    table = text.find("[keys]")
    offset = text.count("\n", 0, table) if table >= 0 else 0
    keys: dict[str, str] = {}
    for binding, key in value.items():
        if table < 0:
            place = _line_of(text, f"{KEYS}.{binding}") or _line_of(text, KEYS)
        else:
            place = _line_of(text[table:], binding, offset)
        places[f"{KEYS}.{binding}"] = place
        names = key if type(key) is list else [key]
        if not names or not all(type(name) is str and name and name.isprintable() for name in names):
            faults.append(f'{shown}{place}: {clean_text(binding, 40)} takes a key such as "f2", or a list of keys')
            continue
        keys[binding] = ",".join(names)
    return MappingProxyType(keys)


def _line_of(text: str, key: str, offset: int = 0) -> str:
    """ " line N" for the line that first sets a key, or "" if it is written in a way this does not recognise."""
    blank = r"[^\S\n]*"
    pattern = rf"^{blank}(?:\[{blank})?[\"']?{re.escape(key)}[\"']?{blank}(?:=|\]|\.)"
    found = re.search(pattern, text, re.MULTILINE)
    return "" if found is None else f" line {text.count(chr(10), 0, found.start()) + 1 + offset}"
