"""What a command is, how its part of the parser is made from its options, and one call of it.

Each command is one module beside this one, with a `COMMAND`. Nothing here may import anything heavy: all of it is read
for `--help`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Protocol

from kraken_tui._version import __version__
from kraken_tui.errors import ConfigurationError
from kraken_tui.settings import THEMES, options
from kraken_tui.settings.options import MARKET, SECTIONS, Option
from kraken_tui.settings.readers import FileName, Switch

if TYPE_CHECKING:
    from pathlib import Path

    from kraken_tui.engine.engine import Engine
    from kraken_tui.metrics import More
    from kraken_tui.settings import Settings

_OTHER = "other options"

CONFIG = Option(
    "config", FileName(), "settings file instead of the usual one",
    flag="--config", metavar="FILE", commands=(*MARKET, "keys"), section=_OTHER,
)  # fmt: skip
"""Where settings come from; not a setting itself."""

HELP = Option("help", Switch(), "print this help and exit", flag="--help", section=_OTHER)
VERSION = Option("version", Switch(), "print the version and exit", flag="--version", section=_OTHER)
"""What every command takes and argparse does by itself."""


class Part(NamedTuple):
    """A part of a command's help.

    Attributes:
        title: Its heading.
        about: What its options are about; "" where the heading says it.
        rows: Its options.
    """

    title: str
    about: str
    rows: tuple[Option, ...]


class Subcommand(NamedTuple):
    """One command.

    Attributes:
        name: Its name on the command line.
        description: What it does, one sentence for the help.
        run: Does it, and returns the exit code.
        options: Its own options, besides the settings whose rows name it.
        one_pair: Whether it takes a single pair.
        defaults: What it prefers to the defaults of `Settings`.
        epilog: Printed below its help.
    """

    name: str
    description: str
    run: Callable[[Call], int]
    options: tuple[Option, ...] = ()
    one_pair: bool = False
    defaults: Mapping[str, Any] = MappingProxyType({})
    epilog: str = ""

    @property
    def settings(self) -> tuple[Option, ...]:
        """The settings it takes."""
        return tuple(row for row in options.OPTIONS if self.name in row.commands)

    @property
    def own(self) -> tuple[Option, ...]:
        """Its options that are not settings."""
        return (*((CONFIG,) if self.name in CONFIG.commands else ()), *self.options)

    @property
    def arguments(self) -> tuple[Option, ...]:
        """What it takes without a flag."""
        return tuple(row for row in (*self.own, *self.settings) if row.positional)

    @property
    def program(self) -> str:
        """How it is called."""
        return "kraken-tui" if self.name == "screen" else f"kraken-tui {self.name}"

    @property
    def usage(self) -> str:
        """How it is called, with what it must be told."""
        words = [self.program]
        for row in self.arguments:
            # A word out of a list stands once, and something must say what to do.
            must = row.required or bool(row.values)
            many = not (row.single or must or self.one_pair)
            name = f"{row.flag} ..." if many else row.flag
            words.append(name if must else f"[{name}]")
        words += [f"{row.flag} {row.metavar}" for row in self.own if row.required and not row.positional]
        return " ".join((*words, "[options]"))

    @property
    def parts(self) -> tuple[Part, ...]:
        """Its options as help, completions and manual show them: its own first, then those of the settings."""
        rows = [row for row in (*self.own, *self.settings, HELP, VERSION) if not row.positional]
        parts = [Part("arguments", "", self.arguments)]
        for title, about in (("", ""), *SECTIONS.items(), (_OTHER, "")):
            found = tuple(row for row in rows if row.section == title)
            parts.append(Part(title or f"options of {self.name}", about, found))
        return tuple(part for part in parts if part.rows)

    def help_of(self, row: Option) -> str:
        """The help text of one of its options, filled in."""
        return row.help.format(allowed=row.rule, default=_shown(_default(row, self)))


# -- the parser ---------------------------------------------------------------------------------------------------


class Parser(argparse.ArgumentParser):
    """A parser whose refusals are errors of ours."""

    def error(self, message: str) -> NoReturn:
        """See `argparse`.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError(f"{message}; see {self.prog} --help")


class HelpText(argparse.HelpFormatter):
    """Fills the paragraphs of a text, and leaves those alone that are tables: a line of them is indented."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = (
            part if "\n " in part else super(HelpText, self)._fill_text(part, width, indent)
            for part in text.split("\n\n")
        )
        return "\n\n".join(paragraphs)


def add_options(parser: Parser, command: Subcommand) -> None:
    """Add to a parser everything a command takes. Options that are not given leave no trace, so other sources count."""
    for part in command.parts:
        group = parser.add_argument_group(f"{part.title} ({part.about})" if part.about else part.title)
        for row in part.rows:
            words = command.help_of(row)
            if row is HELP:
                group.add_argument("-h", row.flag, action="help", help=words)
            elif row is VERSION:
                group.add_argument(row.flag, action="version", version=f"kraken-tui {__version__}", help=words)
            elif row.positional:
                count = "?" if row.single or command.one_pair else "*"
                group.add_argument(row.name, nargs=None if row.required else count, metavar=row.flag, help=words)
            elif row.metavar:
                group.add_argument(row.flag, dest=row.name, metavar=row.metavar, help=words, required=row.required)
            else:
                group.add_argument(row.flag, dest=row.name, action="store_const", const=row.const, help=words)


def _default(row: Option, command: Subcommand) -> Any:
    if row in (*command.own, HELP, VERSION):
        return row.default
    default = command.defaults.get(row.name, options.default_of(row))
    return default[:1] if row.name == "pairs" and command.one_pair else default


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


# -- a call -------------------------------------------------------------------------------------------------------


class Call:
    """One call of a command.

    Args:
        command: The command.
        given: What argparse found, by option.

    Attributes:
        own: The command's own options, read and checked; those not given have their default.
        given: What was given of the rest, as it was found.
        log_file: The log the user asked for, once the settings are known.

    Raises:
        ConfigurationError: A value of one of its own options cannot work.
    """

    def __init__(self, command: Subcommand, given: Mapping[str, Any]) -> None:
        self.command = command
        self.given = dict(given)
        if "pairs" in self.given:
            pairs = self.given.pop("pairs")
            if pairs:
                self.given["pairs"] = (pairs,) if isinstance(pairs, str) else tuple(pairs)
        self.own: dict[str, Any] = {row.name: row.default for row in command.own}
        for row in command.own:
            if row.name in self.given:
                self.own[row.name] = row.from_command_line(self.given.pop(row.name))
        self.log_file: Path | None = None

    def run(self) -> int:
        """Do it.

        Returns:
            The exit code.
        """
        return self.command.run(self)

    def settings(self) -> Settings:
        """Merge the given options with environment and file, and check the files they name.

        Raises:
            ConfigurationError: A setting cannot work.
            RecordingError: The recording to play or to write cannot be used.
        """
        from dataclasses import replace

        from kraken_tui.settings.sources import load

        settings = load(self.given, os.environ, self.own["config"], self.command.defaults)
        if "pairs" not in self.given:
            if settings.replay is not None:
                # The default pairs belong to the live market; a recording shows all its pairs.
                settings = replace(settings, pairs=())
            elif self.command.one_pair:
                settings = replace(settings, pairs=settings.pairs[:1])
        self.log_file = settings.log_file
        if settings.theme not in THEMES and self.command.name in options.DRAWN:
            from kraken_tui.tui.theme_files import take

            settings = replace(settings, theme=take(settings.theme))
        if settings.kafka:
            from kraken_tui.feed.kafka.client import need_client, read_settings

            need_client("--kafka")
            read_settings(settings.kafka_config)
        if settings.replay is not None:
            check_recording(settings.replay)
        check_at(settings)
        if settings.record is not None:
            from kraken_tui.recording.background import next_part
            from kraken_tui.recording.writer import check

            path = settings.record if settings.record_rotate is None else next_part(settings.record)
            check(path, settings.replay)
        return settings


def tell_theme(settings: Settings) -> None:
    """Complain if something is hard to read in a theme of the user's, where no screen tells it."""
    if settings.theme in THEMES:
        return
    from kraken_tui.cli.console import complain
    from kraken_tui.tui.theme_files import warning

    if weak := warning(settings.theme):
        complain(weak)


def check_recording(path: Path) -> None:
    """Find out whether a recording can be played.

    Raises:
        RecordingError: It is not there, or cannot be played.
    """
    from kraken_tui.errors import RecordingError
    from kraken_tui.text import clean_text

    if not is_path(path, "exists"):
        raise RecordingError(f"there is no recording {clean_text(path)}")
    from kraken_tui.recording.reader import open_recording

    open_recording(path)


def check_at(settings: Settings) -> None:
    """Find out whether the moment to begin at is in the recording.

    Raises:
        ConfigurationError: There is no recording, or the moment is outside of it.
    """
    if not settings.at or settings.kafka:
        return
    if settings.replay is None:
        raise ConfigurationError("--at needs --replay or --kafka: what is live cannot begin at a moment")
    from kraken_tui.settings.moment import WAYS, read_moment

    moment = read_moment(settings.at)
    if moment is None:
        raise ConfigurationError(f"--at: of a recording it takes {WAYS}")
    from kraken_tui.errors import RecordingError
    from kraken_tui.recording.length import check_moment

    try:
        check_moment(settings.replay, moment)
    except RecordingError as error:
        raise ConfigurationError(f"--at: {error}") from None


def is_path(path: Path, question: str) -> bool:
    """Ask a path a question; a name that cannot be one, such as a far too long one, answers no."""
    try:
        return bool(getattr(path, question)())
    except (OSError, ValueError):
        return False


def tell_recording(engine: Engine) -> bool:
    """Complain if a recording stopped before its command ended, or lost anything; the command itself has gone on.

    Returns:
        Whether all is well.
    """
    from kraken_tui.cli.console import complain
    from kraken_tui.words import counted

    recording = engine.feed_view.recording
    if recording is not None and not engine.at_rest:
        complain(f"the program could not end in time; the recording {recording.path} may lack its last frames")
        return False
    if recording is None or not (recording.problem or recording.lost):
        return True
    if recording.problem:
        complain(recording.problem)
    if recording.lost:
        complain(f"{counted(recording.lost, 'frame')} missing in the recording {recording.path}")
    return False


class Metrics(Protocol):
    """What serves the metrics, if anything does.

    Attributes:
        problem: Why it does not, one sentence for the user; else "".
    """

    problem: str

    def close(self) -> None:
        """End it."""
        ...


class _NoMetrics:
    problem = ""

    def close(self) -> None:
        """There is nothing to end."""


def serve_metrics(engine: Engine, settings: Settings, more: Sequence[More] = ()) -> Metrics:
    """Serve the engine's metrics if the user wants them.

    Args:
        engine: The engine, before or after its start.
        settings: Say where.
        more: Where further figures come from; see `kraken_tui.metrics.start`.

    Returns:
        What to close in the end. A taken port is its `problem`, which the caller tells, and no error.

    Raises:
        ConfigurationError: The package that it needs is not installed.
    """
    if not settings.metrics_addr:
        return _NoMetrics()
    from kraken_tui import metrics

    return metrics.start(engine, settings.metrics_addr, more)
