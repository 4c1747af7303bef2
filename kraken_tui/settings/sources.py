"""Where `Settings` come from: command line, then environment, then a TOML file, then the defaults.

One table names every option, how its text or TOML value is read and which values it takes, so that a wrong value
is refused in the same words wherever it was written. Values are never repeated in a message about a file or the
environment: a configuration may one day hold something private.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kraken_tui.settings import (
    DEPTHS,
    GROUPINGS,
    INTERVALS,
    LIVE_REST_URL,
    LIVE_URL,
    THEMES,
    Settings,
    file_path,
    user_folder,
)
from kraken_tui.text import clean_text

ENV_PREFIX = "KRAKEN_TUI_"
MAX_CONFIG_BYTES = 1024 * 1024
"""Longest configuration file that is read."""

MAX_PAIRS = 50
"""Most pairs asked for at once; the exchange bounds subscriptions by rate, the screen by tabs."""

MAX_FPS = 60

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,18})?", re.ASCII)
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


class ConfigError(Exception):
    """A setting is wrong. The message is one sentence: where, what, and what is allowed."""


class _Wrong(Exception):
    """A value is wrong; the caller knows where it was written.

    Attributes:
        detail: A sentence of its own that repeats the value, for the command line only; or "".
    """

    def __init__(self, words: str, detail: str = "") -> None:
        super().__init__(words)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class _Option:
    """How one field of `Settings` is read.

    Attributes:
        name: Field, TOML key, and (in capitals, prefixed) environment name.
        flag: Command line spelling.
        from_text: Reads command line and environment text.
        from_toml: Reads a TOML value.
        check: Raises `_Wrong` where the value is not allowed.
    """

    name: str
    flag: str
    from_text: Callable[[str], Any]
    from_toml: Callable[[Any], Any]
    check: Callable[[Any], None]


# -- reading ------------------------------------------------------------------------------------------------------


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise _Wrong("takes a whole number")
    return int(text)


def _number(text: str) -> float:
    if not _DECIMAL.fullmatch(text):
        raise _Wrong("takes a plain number")
    return float(text)


def _switch(text: str) -> bool:
    lower = text.lower()
    if lower not in _TRUE | _FALSE:
        raise _Wrong("takes yes or no")
    return lower in _TRUE


def _pairs(text: str) -> tuple[str, ...]:
    return tuple(part for part in (piece.strip() for piece in text.split(",")) if part)


def _path(text: str) -> Path:
    try:
        return file_path(text)
    except ValueError as error:
        raise _Wrong(str(error)) from None


def _typed(kind: type, words: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        # bool is an int to Python, not to TOML.
        if type(value) is not kind:
            raise _Wrong(f"takes {words}")
        return value

    return read


def _toml_number(value: Any) -> float:
    if type(value) not in (int, float):
        raise _Wrong("takes a number")
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _toml_path(value: Any) -> Path:
    if type(value) is not str:
        raise _Wrong("takes a file name in quotes")
    return _path(value)


def _toml_pairs(value: Any) -> tuple[str, ...]:
    if type(value) is not list or not all(type(item) is str for item in value):
        raise _Wrong('takes a list of pairs, such as ["BTC/USD", "ETH/USD"]')
    return tuple(item.strip() for item in value)


# -- checking -----------------------------------------------------------------------------------------------------


def _anything(value: Any) -> None:
    """Every value of the right type is allowed."""


def _one_of(allowed: Sequence[Any], *, near: bool = False, auto: bool = False) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        if value in allowed or (auto and value == 0):
            return
        names = ", ".join(map(str, allowed)) + (" or 0 for automatic" if auto else "")
        found = get_close_matches(value, allowed, n=1, cutoff=0.4) if near else []
        raise _Wrong(f"takes one of {names}" + (f"; nearest: {found[0]}" if found else ""))

    return check


def _between(low: float, high: float) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        # Neither nan nor an integer that no float can hold lies between.
        if not low <= value <= high:
            raise _Wrong(f"takes {low:g} to {high:g}")

    return check


def _check_pairs(value: tuple[str, ...]) -> None:
    if not 1 <= len(value) <= MAX_PAIRS:
        raise _Wrong(f"takes 1 to {MAX_PAIRS} pairs")
    if not all(0 < len(name) <= 40 and name.isprintable() for name in value):
        raise _Wrong("takes pair names such as BTC/USD, at most 40 characters each")


def _check_url(value: str) -> None:
    if value != LIVE_URL:
        # The rule lives where connections are made; the default address does not need it.
        from kraken_tui.settings.address import check_url

        _checked(check_url, value, "takes a wss:// address, or ws:// on this computer only")


def _check_rest_url(value: str) -> None:
    if value != LIVE_REST_URL:
        from kraken_tui.settings.address import check_rest_url

        _checked(check_rest_url, value, "takes an https:// address, or http:// on this computer only")


def _checked(check: Callable[[str], str], value: str, words: str) -> None:
    try:
        check(value)
    except ValueError as error:
        raise _Wrong(words, clean_text(error)) from error


_text = _typed(str, "text in quotes")
_whole = _typed(int, "a whole number")
_yes_no = _typed(bool, "true or false")

_OPTIONS = (
    _Option("pairs", "PAIR", _pairs, _toml_pairs, _check_pairs),
    _Option("demo", "--demo", _switch, _yes_no, _anything),
    _Option("demo_seed", "--seed", _integer, _whole, _between(0, 2**53)),
    _Option("replay", "--replay", _path, _toml_path, _anything),
    _Option("speed", "--speed", _number, _toml_number, _between(0, 10_000)),
    _Option("record", "--record", _path, _toml_path, _anything),
    _Option("depth", "--depth", _integer, _whole, _one_of(DEPTHS)),
    _Option("interval", "--interval", _integer, _whole, _one_of(INTERVALS)),
    _Option("group", "--group", _integer, _whole, _one_of(GROUPINGS, auto=True)),
    _Option("theme", "--theme", str, _text, _one_of(THEMES, near=True)),
    _Option("fps", "--fps", _integer, _whole, _between(1, MAX_FPS)),
    _Option("low_bandwidth", "--low-bandwidth", _switch, _yes_no, _anything),
    _Option("url", "--url", str, _text, _check_url),
    _Option("rest_url", "--rest-url", str, _text, _check_rest_url),
    _Option("log_file", "--log-file", _path, _toml_path, _anything),
    _Option("svg_dir", "svg_dir", _path, _toml_path, _anything),
    _Option("recentre", "recentre", str, _text, _one_of(("band", "space", "never"), near=True)),
    _Option("large_order", "large_order", _number, _toml_number, _between(0, 1e12)),
    _Option("stale_after_s", "stale_after_s", _number, _toml_number, _between(0.5, 3600)),
    _Option("quiet_after_s", "quiet_after_s", _number, _toml_number, _between(1, 86_400)),
    _Option("mouse", "--no-mouse", _switch, _yes_no, _anything),
)
_BY_NAME = {option.name: option for option in _OPTIONS}
_SOURCES = ("demo", "replay", "url")
"""Options that each say where the frames come from: only one of them can hold."""


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
        ConfigError: A source cannot be read, names an unknown setting or a value that is not allowed.
    """
    path = config_path
    other = env.get(f"{ENV_PREFIX}CONFIG")
    if path is None and other:
        try:
            path = file_path(other)
        except ValueError as error:
            raise ConfigError(f"environment variable {ENV_PREFIX}CONFIG {error}") from None
    layers = [_from_args(args), _from_environment(env)]
    layers.append(_from_file(path) if path is not None else _from_default_file())
    layers.append(dict(defaults))
    merged: dict[str, Any] = {}
    source_named = False
    for layer in layers:
        named = [name for name in _SOURCES if layer.get(name)]
        if len(named) > 1:
            flags = [_BY_NAME[name].flag for name in named]
            raise ConfigError(f"{' and '.join(flags)} cannot be used together: each says where the frames come from")
        for name, value in layer.items():
            if not (source_named and name in _SOURCES):
                merged.setdefault(name, value)
        source_named = source_named or bool(named)
    if "pairs" in merged:
        merged["pairs"] = tuple(dict.fromkeys(merged["pairs"]))
    return Settings(**merged)


def _from_args(args: Mapping[str, Any]) -> dict[str, Any]:
    layer = {}
    for name, given in args.items():
        option = _BY_NAME[name]
        try:
            value = option.from_text(given) if type(given) is str else given
            option.check(value)
        except _Wrong as wrong:
            raise ConfigError(f"{option.flag}: {wrong.detail}" if wrong.detail else f"{option.flag} {wrong}") from None
        layer[name] = value
    return layer


def _from_environment(env: Mapping[str, str]) -> dict[str, Any]:
    layer = {}
    known = {ENV_PREFIX + option.name.upper(): option for option in _OPTIONS}
    for variable, text in env.items():
        if not variable.startswith(ENV_PREFIX):
            continue
        option = known.get(variable)
        if option is None:
            # Other names with the prefix exist (tests, tracebacks), so only what looks like a slip is refused.
            slip = get_close_matches(variable, known, n=1, cutoff=0.88)
            if slip:
                raise ConfigError(f"environment variable {clean_text(variable, 60)} is unknown; nearest: {slip[0]}")
            continue
        try:
            layer[option.name] = option.from_text(text)
            option.check(layer[option.name])
        except _Wrong as wrong:
            raise ConfigError(f"environment variable {variable} {wrong}") from None
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
        raise ConfigError(f"{shown}{place} is not valid TOML; see the README for an example") from None
    except RecursionError:
        raise ConfigError(f"{shown} is nested too deeply") from None
    except ValueError:
        # Python refuses to read integers of over 4,300 digits.
        raise ConfigError(f"{shown} holds a number of far too many digits") from None
    layer: dict[str, Any] = {}
    for key, value in content.items():
        where = f"{shown}{_line_of(text, key)}: {clean_text(key, 40)}"
        if key == "keys":
            layer["keys"] = _read_keys(value, shown, text)
            continue
        option = _BY_NAME.get(key)
        if option is None:
            raise ConfigError(f"{where} is no setting{_nearest(key, [*_BY_NAME, 'keys'])}")
        try:
            layer[key] = option.from_toml(value)
            option.check(layer[key])
        except _Wrong as wrong:
            raise ConfigError(f"{where} {wrong}") from None
        if isinstance(layer[key], Path):
            # A relative name in a file means next to that file, wherever the program is started.
            layer[key] = path.parent / layer[key]
    return layer


def _read(path: Path) -> str:
    shown = clean_text(path)
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(f"configuration {shown} is not a file")
        with path.open("rb") as file:
            raw = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        reason = clean_text(error.strerror or error, 80)
        raise ConfigError(f"cannot read configuration {shown}: {reason}") from None
    if len(raw) > MAX_CONFIG_BYTES:
        raise ConfigError(f"configuration {shown} is longer than 1 MiB")
    if raw.startswith(b"\xef\xbb\xbf"):
        raise ConfigError(f"configuration {shown} starts with a byte order mark; save it as UTF-8 without one")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"configuration {shown} line {line} is not UTF-8") from None


def _read_keys(value: Any, shown: str, text: str) -> Mapping[str, str]:
    """Binding id to key or keys, separated by commas as the key map wants them."""
    if type(value) is not dict:
        raise ConfigError(f"{shown}{_line_of(text, 'keys')}: keys takes a [keys] table")
    table = text.find("[keys]")
    offset = text.count("\n", 0, table) if table >= 0 else 0
    keys: dict[str, str] = {}
    for binding, key in value.items():
        where = f"{shown}{_line_of(text[table:] if table >= 0 else text, binding, offset)}: {clean_text(binding, 40)}"
        names = key if type(key) is list else [key]
        if not names or not all(type(name) is str and name and name.isprintable() for name in names):
            raise ConfigError(f'{where} takes a key such as "f2", or a list of keys')
        keys[binding] = ",".join(names)
    return MappingProxyType(keys)


def _line_of(text: str, key: str, offset: int = 0) -> str:
    """ " line N" where a key is first set, or "" where it is written in some way this does not find."""
    blank = r"[^\S\n]*"
    pattern = rf"^{blank}(?:\[{blank})?[\"']?{re.escape(key)}[\"']?{blank}(?:=|\]|\.)"
    found = re.search(pattern, text, re.MULTILINE)
    return "" if found is None else f" line {text.count(chr(10), 0, found.start()) + 1 + offset}"


def _nearest(name: str, known: Iterable[str]) -> str:
    found = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; nearest: {found[0]}" if found else ""
