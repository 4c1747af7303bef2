"""`kraken-tui config`: what holds and why, which files say so, what is wrong in them, and a file to begin with."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kraken_tui.cli.command import Call, Subcommand, is_path
from kraken_tui.cli.console import DONE, FAILED, complain, need_stdout, print_out
from kraken_tui.errors import ConfigurationError, OutputFailed
from kraken_tui.settings import THEMES
from kraken_tui.settings.options import OPTIONS, Option
from kraken_tui.settings.readers import FileName, OneOf, Switch, Text
from kraken_tui.text import clean_text
from kraken_tui.words import counted

if TYPE_CHECKING:
    from pathlib import Path

    from kraken_tui.settings import Settings

ACTIONS = ("show", "path", "check", "init")

_EPILOG = """\
actions:
  show    every setting with its value, and where that comes from, as TOML
  path    the files that are read, in their order, one a line
  check   what is wrong in the file: a sentence for each fault, with its line;
          exit code 1 if there is any
  init    write a file with every setting explained and commented out; a file
          that is there is left alone

examples:
  $EDITOR "$(kraken-tui config path | head -1)"
  kraken-tui config check desk.toml && kraken-tui --config desk.toml"""

OPTIONS_OF_CONFIG = (
    Option("action", Text(), "{allowed}", OneOf(ACTIONS, near=True), flag="ACTION", required=True),
    Option("file", FileName(), "settings file instead of the usual one", flag="FILE", single=True),
    Option("json", Switch(), "with show: one JSON object instead of TOML", flag="--json", default=False),
)


def _run(call: Call) -> int:
    action: str = call.own["action"]
    path: Path | None = call.own["file"]
    if call.own["json"] and action != "show":
        raise ConfigurationError("--json is for config show")
    need_stdout()
    if action == "init":
        return _init(path)
    if action == "check":
        return _check(path)
    return _show(path, machine=call.own["json"]) if action == "show" else _path(path)


# -- show and path ------------------------------------------------------------------------------------------------


def _screen_defaults() -> Mapping[str, Any]:
    from kraken_tui.cli.screen import COMMAND as SCREEN

    return SCREEN.defaults


def _usual() -> Path:
    """The usual settings file, whether it is there or not.

    Raises:
        ConfigurationError: This user has no home folder.
    """
    from kraken_tui.settings.sources import default_config_path

    try:
        return default_config_path()
    except OSError as error:
        raise ConfigurationError(f"there is no place for a settings file: {clean_text(error.strerror, 80)}") from None


def _show(named: Path | None, *, machine: bool) -> int:
    from kraken_tui.settings.sources import KEYS, file_in_use, trace
    from kraken_tui.settings.written import toml

    settings, origins = trace({}, os.environ, named, _screen_defaults())
    rows = [(row.name, getattr(settings, row.name), origins.get(row.name, "default")) for row in OPTIONS]
    keys = dict(settings.keys)
    origin = origins.get(KEYS, "default")
    if machine:
        found = {name: {"value": _plain(value), "from": where} for name, value, where in rows}
        found[KEYS] = {"value": keys, "from": origin}
        print_out(json.dumps(found) + "\n")
        return DONE
    path = file_in_use(named, os.environ)
    read = clean_text(path) if path is not None else "none"
    lines = [("# settings file: " + read, ""), ("# as the screen has them; other commands have their own defaults", "")]
    for name, value, where in rows:
        text = toml(value)
        lines.append((f"{name} = {text}" if text else f"# {name} is not set", where))
    if keys:
        lines += [("", ""), ("[keys]", origin)]
        lines += [(f"{json.dumps(name)} = {toml(_split(key))}", "") for name, key in keys.items()]
    width = min(44, max(len(text) for text, where in lines if where))
    print_out("".join(f"{text:<{width}}  # {where}\n" if where else f"{text}\n" for text, where in lines))
    return DONE


def _split(keys: str) -> str | list[str]:
    parts = keys.split(",")
    return parts[0] if len(parts) == 1 else parts


def _plain(value: Any) -> Any:
    """A value as JSON can say it."""
    from kraken_tui.settings.written import toml

    if isinstance(value, tuple):
        return [*value]
    return value if value is None or isinstance(value, bool | int | float | str) else toml(value).strip('"')


def _path(named: Path | None) -> int:
    from kraken_tui.settings.sources import file_in_use, trace

    first = file_in_use(named, os.environ)
    path = _usual() if first is None else first
    print_out(f"{clean_text(path, 4096)}\n")
    if not is_path(path, "exists"):
        complain("it is not there, so the defaults hold; kraken-tui config init writes one")
        if first is not None:
            return FAILED
    try:
        settings = trace({}, os.environ, first)[0]
    except ConfigurationError:
        # Which others it names is not known; `check` says why.
        complain("it has faults; kraken-tui config check names them")
        return FAILED
    for other in _named_files(settings):
        print_out(f"{clean_text(other, 4096)}\n")
    return DONE


def _named_files(settings: Settings) -> Sequence[Path]:
    """Further files with settings, in the order in which they are read."""
    from pathlib import Path

    from kraken_tui.settings.themes import SUFFIX, user_themes

    theme = Path(settings.theme) if settings.theme.endswith(SUFFIX) else user_themes().get(settings.theme)
    return [path for path in (theme, settings.kafka_config) if path is not None]


# -- check --------------------------------------------------------------------------------------------------------


def _check(named: Path | None) -> int:
    from kraken_tui.settings.sources import KEYS, file_in_use, read_file

    path = file_in_use(named, os.environ)
    if path is None:
        print_out(f"{clean_text(_usual())} is not there; the defaults hold\n")
        return DONE
    content = read_file(path)
    keys = content.values.get(KEYS, {})
    theme = content.values.get("theme", THEMES[0])
    shown = clean_text(path)
    of_theme = [f"{shown}{content.places.get('theme', '')}: {fault}" for fault in _faults_of_theme(theme)]
    faults = [*content.faults, *_faults_of_keys(shown, keys, content.places), *of_theme]
    for fault in faults:
        print_out(clean_text(fault, 1000) + "\n")
    if faults:
        return FAILED
    settings = len(content.values) - (KEYS in content.values)
    print_out(f"{shown}: {counted(settings, 'setting')}, {counted(len(keys), 'key')}, no fault\n")
    return DONE


def _faults_of_keys(shown: str, keys: Mapping[str, str], places: Mapping[str, str]) -> list[str]:
    if not keys:
        return []
    from kraken_tui.tui.keymap import effective

    faults = []
    for problem in effective(keys).problems:
        named = next((name for name in keys if f'"{clean_text(name, 40)}"' in problem), "")
        faults.append(f"{shown}{places.get(f'keys.{named}', '')}: {problem}")
    return faults


def _faults_of_theme(theme: str) -> list[str]:
    if theme in THEMES:
        return []
    from kraken_tui.tui.theme_files import take, warning

    try:
        weak = warning(take(theme))
    except ConfigurationError as error:
        return [str(error)]
    return [weak] if weak else []


# -- init ---------------------------------------------------------------------------------------------------------


def _init(named: Path | None) -> int:
    from kraken_tui.files import make_folder, open_private
    from kraken_tui.settings.written import default_file
    from kraken_tui.tui.keymap import COMMANDS, normalise

    path = _usual() if named is None else named
    bindings = [(each.id, normalise(each.keys), each.tooltip) for each in COMMANDS]
    shown = clean_text(path)
    try:
        make_folder(path.absolute().parent)
        try:
            descriptor = open_private(path, os.O_WRONLY | os.O_EXCL)
        except FileExistsError:
            raise ConfigurationError(f"{shown} is there already; it is left alone") from None
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(default_file(bindings, _screen_defaults()))
    except OSError as error:
        raise OutputFailed(f"cannot write {shown}: {clean_text(error.strerror or error, 80)}") from None
    print_out(f"{shown} is written; every line of it is a comment until you change it\n")
    return DONE


COMMAND = Subcommand(
    "config",
    "Show the settings that hold, say where they are read, check a settings file, or write one to begin with.",
    _run,
    OPTIONS_OF_CONFIG,
    epilog=_EPILOG,
)
