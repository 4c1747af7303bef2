"""The command line: arguments are read before anything heavy is imported.

`--help` and every refusal cost little more than Python and argparse do, `--version` less. Exit codes: 0 done, 1 the
feed or the output failed for good, 2 wrong use, 70 internal error, 128+n ended by signal n.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from kraken_tui._version import __version__
from kraken_tui.cli.console import (
    DONE,
    FAILED,
    INTERNAL_ERROR,
    SIGNALLED,
    WRONG_USE,
    Interrupted,
    complain,
    discard_stdout,
    print_out,
)
from kraken_tui.errors import ConfigurationError, FeedFailed, KrakenError, OutputFailed, RecordingError

if TYPE_CHECKING:
    import argparse

    from kraken_tui.cli.command import Call, Parser, Subcommand

COMMANDS = (
    "screen", "stream", "snapshot", "plot", "publish", "serve", "export", "doctor", "keys", "config", "completion",
)  # fmt: skip
"""Every command is the module of this package that bears its name; the first need not be named."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `kraken-tui`.

    Args:
        argv: Arguments without the program's name; None takes the process's own.

    Returns:
        The exit code.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    call: Call | None = None
    try:
        if arguments[:1] == ["--version"]:
            print_out(f"kraken-tui {__version__}\n")
            return DONE
        call = parse(arguments)
        from kraken_tui.cli.limits import check_limits

        check_limits()
        return call.run()
    except Interrupted as signal:
        return SIGNALLED + signal.number
    except KeyboardInterrupt:
        return SIGNALLED + 2
    except BrokenPipeError:
        # The reader has closed the pipe; Python would complain when it flushes at exit.
        discard_stdout()
        return DONE
    except KrakenError as error:
        code = _code_of(error)
        if code == INTERNAL_ERROR:
            return _crashed(error, call)
        complain(str(error))
        if isinstance(error, OutputFailed):
            # Python would try it once more at exit, and complain itself.
            discard_stdout()
        return code
    except Exception as error:
        return _crashed(error, call)


def _code_of(error: KrakenError) -> int:
    """The exit code of an error that a command ends with."""
    if isinstance(error, ConfigurationError | RecordingError):
        return WRONG_USE
    return FAILED if isinstance(error, FeedFailed | OutputFailed) else INTERNAL_ERROR


def _crashed(error: Exception, call: Call | None) -> int:
    from kraken_tui.cli.limits import starved_of

    starved = starved_of(error)
    if starved:
        complain(starved)
        return FAILED
    from kraken_tui.cli.crash import report

    complain(report(error, call.log_file if call is not None else None))
    return INTERNAL_ERROR


# -- arguments ----------------------------------------------------------------------------------------------------


def command_named(name: str) -> Subcommand:
    """One of `COMMANDS`."""
    from importlib import import_module

    command: Subcommand = import_module(f"kraken_tui.cli.{name}").COMMAND
    return command


def every_command() -> tuple[Subcommand, ...]:
    """All of `COMMANDS`, for completions and the manual."""
    return tuple(map(command_named, COMMANDS))


def build_parser(names: Iterable[str] = COMMANDS) -> tuple[Parser, dict[str, Parser]]:
    """Make the parser.

    Args:
        names: Commands that are wanted: one is enough for a call, completion and a manual page take all.

    Returns:
        The parser, and its sub-parsers by command.
    """
    import argparse

    from kraken_tui.cli.command import HelpText, Parser, add_options

    root = Parser(prog="kraken-tui", allow_abbrev=False)
    subparsers: argparse._SubParsersAction[Parser] = root.add_subparsers(dest="command", metavar="COMMAND")
    found = {}
    for name in names:
        command = command_named(name)
        found[name] = subparsers.add_parser(
            name,
            prog=command.program,
            usage=command.usage,
            help=command.description,
            description=command.description,
            epilog=command.epilog,
            formatter_class=HelpText,
            argument_default=argparse.SUPPRESS,
            allow_abbrev=False,
            add_help=False,
        )
        add_options(found[name], command)
    return root, found


def parse(arguments: Sequence[str]) -> Call:
    """Read the command line.

    Raises:
        ConfigurationError: It cannot be obeyed.
        SystemExit: Help or version was asked for, and printed.
    """
    from kraken_tui.cli.command import Call

    named = bool(arguments) and arguments[0] in COMMANDS
    name = arguments[0] if named else COMMANDS[0]
    parser = build_parser((name,))[1][name]
    # Only a sub-parser can take pairs and options in any order, so it is called directly.
    found, unknown = parser.parse_known_intermixed_args(arguments[1:] if named else arguments)
    if unknown:
        raise ConfigurationError(_unknown(parser, unknown[0]))
    given: dict[str, Any] = vars(found)
    if name == COMMANDS[0]:
        for word in given.get("pairs", ()):
            if word in COMMANDS:
                raise ConfigurationError(f"{word} is a command and comes first: kraken-tui {word} PAIR ...")
        if arguments and not named:
            _check_first(arguments[0])
    return Call(command_named(name), given)


def _check_first(word: str) -> None:
    """Refuse a command that was mistyped: it would be taken for a pair.

    Raises:
        ConfigurationError: It was.
    """
    if word.startswith("-") or "/" in word:
        return
    from kraken_tui.settings.readers import nearest
    from kraken_tui.text import clean_text

    if word == "help":
        raise ConfigurationError("help is not a command; see kraken-tui --help")
    if near := nearest(word.lower(), COMMANDS, 0.8):
        raise ConfigurationError(f"there is no command {clean_text(word, 40)}{near}; see kraken-tui --help")


def _unknown(parser: Parser, word: str) -> str:
    from kraken_tui.settings.readers import nearest
    from kraken_tui.text import clean_text

    if not word.startswith("-"):
        if not any(action.metavar == "PAIR" for action in parser._actions):
            return f"{clean_text(word, 40)} is one word too many; see {parser.prog} --help"
        return f"one pair is enough, {clean_text(word, 40)} is one too many; see {parser.prog} --help"
    name = word.partition("=")[0]
    flags = [flag for action in parser._actions for flag in action.option_strings]
    return f"unknown option {clean_text(name, 40)}{nearest(name, flags)}; see {parser.prog} --help"
