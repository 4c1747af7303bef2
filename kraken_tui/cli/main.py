"""The command line: arguments are read before anything heavy is imported.

`--help`, `--version` and every refusal cost no more than Python itself and argparse. Exit codes: 0 done, 1 the feed
or the output failed for good, 2 wrong use, 70 internal error, 128+n ended by signal n.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from kraken_tui._version import __version__
from kraken_tui.cli.console import OutputFailed, complain, discard_stdout, print_out, replace_file, tell_recording

if TYPE_CHECKING:
    from pathlib import Path

    from kraken_tui.cli.watch import WatchEnded
    from kraken_tui.doctor.report import Result
    from kraken_tui.engine.engine import Engine
    from kraken_tui.engine.listeners import Listener
    from kraken_tui.settings import Settings
    from kraken_tui.terminal.guardian import Guardian
    from kraken_tui.wire.symbols import PairSpec

DONE, FAILED, WRONG_USE, INTERNAL_ERROR, SIGNALLED = 0, 1, 2, 70, 128
COMMANDS = ("stream", "snapshot", "plot", "doctor")
PLOT_KINDS = ("candles", "depth", "spread", "latency")

_SCREEN_HELP = """\
commands:
  kraken-tui [PAIR ...]           the screen, live (default pairs: BTC/USD ETH/USD)
  kraken-tui stream PAIR ...      book, trades and candles as JSON lines on standard output
  kraken-tui snapshot PAIR ...    one picture of the screen as SVG; needs no terminal
  kraken-tui plot PAIR            one chart as text on standard output
  kraken-tui doctor               faults played against this installation, and a table of what it did
  kraken-tui doctor --recording F what a recording holds and what is wrong in it

Pairs may be written BTC/USD, btcusd, XBT/USD or XXBTZUSD. Settings also come from the environment
(KRAKEN_TUI_DEPTH=1000) and a TOML file; the command line wins, then the environment, then the file.
Exit codes: 0 done, 1 feed or output failed for good, 2 wrong use, 70 internal error, 128+n signal n."""


class WrongUse(Exception):
    """The command line cannot be obeyed; the message is one sentence."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise WrongUse(f"{message}; see {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run `kraken-tui`.

    Args:
        argv: Arguments without the program's name; None takes the process's own.

    Returns:
        The exit code.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    context: dict[str, Any] = {}
    try:
        return _dispatch(arguments, context)
    except WrongUse as error:
        complain(str(error))
        return WRONG_USE
    except OutputFailed as error:
        complain(str(error))
        # Python would try it once more at exit, and complain itself.
        discard_stdout()
        return FAILED
    except KeyboardInterrupt:
        return SIGNALLED + 2
    except BrokenPipeError:
        # Whoever read the output has had enough; Python would complain again when it flushes at exit.
        discard_stdout()
        return DONE
    except SystemExit:
        raise
    except Exception as error:
        from kraken_tui.cli.crash import report

        complain(report(error, context.get("log_file")))
        return INTERNAL_ERROR


def _dispatch(arguments: list[str], context: dict[str, Any]) -> int:
    command = arguments[0] if arguments and arguments[0] in COMMANDS else ""
    parser = _doctor_parser() if command == "doctor" else _parser(command)
    given, unknown = parser.parse_known_intermixed_args(arguments[1:] if command else arguments)
    if unknown:
        raise WrongUse(_unknown_option(parser, unknown[0]))
    options = vars(given)
    if not command:
        misplaced = [pair for pair in options.get("pairs", ()) if pair in COMMANDS]
        if misplaced:
            raise WrongUse(f"{misplaced[0]} is a command and comes first: kraken-tui {misplaced[0]} PAIR ...")
        return _screen(options, context)
    return {"stream": _stream, "snapshot": _snapshot, "plot": _plot, "doctor": _doctor}[command](options, context)


# -- arguments ----------------------------------------------------------------------------------------------------


def _parser(command: str) -> _Parser:
    """The parser of one command; options that are not given leave no trace, so that other sources can speak."""
    parser = _Parser(
        prog=f"kraken-tui {command}".strip(),
        description=_DESCRIPTIONS[command],
        epilog="" if command else _SCREEN_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    counts: dict[str, int | str] = {"": "*", "stream": "+", "snapshot": "+", "plot": 1}
    parser.add_argument("pairs", nargs=counts[command], metavar="PAIR", help="pair such as BTC/USD, btcusd or XXBTZUSD")
    add = parser.add_argument
    add("--demo", action="store_true", help="watch a simulated local exchange instead of Kraken")
    add("--seed", dest="demo_seed", metavar="N", help="seed of the simulated market (default 1)")
    add("--replay", metavar="FILE", help="play a recording instead of the live feed (default pairs: all it holds)")
    usual = "0" if command else "1"
    add("--speed", metavar="X", help=f"replay speed; 1 is real time, 0 as fast as possible (default {usual})")
    add("--record", metavar="FILE", help="append the raw frames to FILE (.gz or .zst compresses)")
    add("--depth", metavar="N", help="book depth: 10, 25, 100, 500 or 1000 (default 100)")
    add("--interval", metavar="MIN", help="candle interval: 1, 5, 15, 30, 60, 240 or 1440 (default 1)")
    add("--url", metavar="URL", help="WebSocket address; wss:// anywhere, ws:// on this machine only")
    add("--rest-url", metavar="URL", help="REST address, without a path")
    add("--config", metavar="FILE", help="settings file instead of the usual one")
    add("--log-file", metavar="FILE", help="also write the log to FILE")
    _ADD_OPTIONS[command](add)
    add("--version", action="version", version=f"kraken-tui {__version__}", help="print the version and leave")
    return parser


def _doctor_parser() -> _Parser:
    """The parser of `doctor`, which takes none of the options that say what to watch."""
    parser = _Parser(
        prog="kraken-tui doctor",
        description="Play faults against this installation, on this computer alone, and print what it did;"
        " or examine a recording. Exit code 1 where a fault was found.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("pairs", nargs="?", metavar="PAIR", help="pair whose book --connect proves (default BTC/USD)")
    add("--connect", action="store_true", help="check the way to the exchange instead, with one connection")
    add("--url", metavar="URL", help="WebSocket address for --connect (default Kraken's)")
    add("--recording", metavar="FILE", help="play a recording and print its faults and a hash of the final state")
    add("--until-fault", action="store_true", help="with --recording: stop at the first fault and tell where it is")
    add("--json", action="store_true", help="print one JSON object instead of a table")
    add("--version", action="version", version=f"kraken-tui {__version__}", help="print the version and leave")
    return parser


_DESCRIPTIONS = {
    "": "Live, checksum-proven Kraken order books in the terminal.",
    "stream": "Print book, trades, candles and feed state as JSON lines, one object a line.",
    "snapshot": "Draw one picture of the screen as an SVG file; needs no terminal.",
    "plot": "Print one chart as text.",
}


def _screen_options(add: Callable[..., Any]) -> None:
    add(
        "--group", metavar="K", help="price step of the aggregated book, times the pair's increment (default: by price)"
    )
    add("--theme", metavar="NAME", help="dark, light, colour-blind or terminal (default dark)")
    add("--fps", metavar="N", help="frames a second at most, 1 to 60 (default 10)")
    add("--low-bandwidth", action="store_true", help="draw less often and less brightly, for slow lines such as ssh")
    add("--no-mouse", dest="mouse", action="store_const", const=False, help="leave the mouse to the terminal")


def _stream_options(add: Callable[..., Any]) -> None:
    add("--seconds", metavar="S", help="stop after S seconds")
    add("--count", metavar="N", help="stop after N book and trade lines")
    add("--levels", metavar="L", help="levels a side on each book line (default 10)")
    add("--snapshot-trades", action="store_true", help="also print trades from before the subscription")


def _snapshot_options(add: Callable[..., Any]) -> None:
    add("--output", required=True, metavar="FILE.svg", help="file to write; an existing one is replaced")
    add("--seconds", metavar="S", help="watch this long before the picture (default: until every book is proven)")
    add("--size", metavar="160x48", help="columns x rows (default 160x48)")
    add("--view", metavar="NAME", help="what the picture shows (default book)")
    add("--group", metavar="K", help="price step of the book, times the pair's increment")
    add("--theme", metavar="NAME", help="dark, light, colour-blind or terminal (default dark)")


def _plot_options(add: Callable[..., Any]) -> None:
    add("--kind", metavar="KIND", help="candles, depth, spread or latency (default candles)")
    add("--width", metavar="N", help="columns (default: the terminal's, else 100)")
    add("--height", metavar="N", help="rows (default 25)")
    add("--seconds", metavar="S", help="watch this long before the chart (default: until there is something to draw)")
    add("--theme", metavar="NAME", help="dark, light, colour-blind or terminal (default dark)")


_ADD_OPTIONS = {"": _screen_options, "stream": _stream_options, "snapshot": _snapshot_options, "plot": _plot_options}


def _unknown_option(parser: _Parser, word: str) -> str:
    from difflib import get_close_matches

    from kraken_tui.text import clean_text

    if not word.startswith("-"):
        return f"one pair is enough, {clean_text(word, 40)} is one too many; see {parser.prog} --help"
    name = word.partition("=")[0]
    flags = [flag for action in parser._actions for flag in action.option_strings]
    near = get_close_matches(name, flags, n=1, cutoff=0.6)
    hint = f"; nearest: {near[0]}" if near else ""
    return f"unknown option {clean_text(name, 40)}{hint}; see {parser.prog} --help"


def _take_number(options: dict[str, Any], name: str, low: float, high: float) -> float | None:
    """Take an option of a command that is no setting; None where it was not given."""
    text = options.pop(name, None)
    if text is None:
        return None
    try:
        if not (text.isascii() and text.replace(".", "", 1).isdigit()):
            raise ValueError
        value = float(text)
    except ValueError:
        raise WrongUse(f"--{name} takes a plain number") from None
    if not low <= value <= high:
        raise WrongUse(f"--{name} takes {low:g} to {high:g}")
    return value


def _take_whole(options: dict[str, Any], name: str, low: int, high: int) -> int | None:
    value = _take_number(options, name, low, high)
    if value is not None and value != int(value):
        raise WrongUse(f"--{name} takes a whole number")
    return None if value is None else int(value)


def _settings(options: dict[str, Any], context: dict[str, Any], **defaults: Any) -> Settings:
    """Merge what is left of the options with environment and file, and look at the files named."""
    from dataclasses import replace

    from kraken_tui.settings.sources import ConfigError, load

    config = options.pop("config", None)
    pairs = options.pop("pairs", None)
    if pairs:
        options["pairs"] = tuple(pairs)
    try:
        settings = load(options, os.environ, _path("--config", config) if config is not None else None, defaults)
    except ConfigError as error:
        raise WrongUse(str(error)) from None
    if settings.replay is not None and not pairs:
        # The usual pairs are those of the live market; a recording shows what it holds.
        settings = replace(settings, pairs=())
    context["log_file"] = settings.log_file
    _check_files(settings)
    return settings


def _check_recording(path: Path) -> None:
    from kraken_tui.text import clean_text

    if not _is(path, "exists"):
        raise WrongUse(f"there is no recording {clean_text(path)}")
    from kraken_tui.recording.reader import RecordingError, open_recording

    try:
        open_recording(path)
    except RecordingError as error:
        raise WrongUse(str(error)) from None


def _check_files(settings: Settings) -> None:
    if settings.replay is not None:
        _check_recording(settings.replay)
    if settings.record is not None:
        from kraken_tui.recording.writer import RecordingError, check

        try:
            check(settings.record, settings.replay)
        except RecordingError as error:
            raise WrongUse(str(error)) from None


# -- commands -----------------------------------------------------------------------------------------------------


def _screen(options: dict[str, Any], context: dict[str, Any]) -> int:
    settings = _settings(options, context)
    from kraken_tui.terminal import signals as terminal

    obstacle = terminal.obstacle(sys.stdin, sys.stdout, os.environ)
    if obstacle:
        pair = settings.pairs[0] if settings.pairs else "PAIR"
        raise WrongUse(f"the screen needs a terminal, but {obstacle}; for a pipe use: kraken-tui stream {pair}")
    from kraken_tui.terminal.guardian import Guardian

    # Before any thread, and before the screen takes the terminal.
    guardian = Guardian()
    guardian.start()
    try:
        return _guarded_screen(settings, guardian)
    finally:
        guardian.close()


def _guarded_screen(settings: Settings, guardian: Guardian) -> int:
    import gc

    # Looking for garbage while importing takes a tenth of the time to the first paint, which enables it again.
    gc.disable()
    # How soon a change, such as a key's, is painted; how often there are changes is --fps. Read at import.
    os.environ.setdefault("TEXTUAL_FPS", "60")
    for name in ("COLUMNS", "LINES"):
        # Some shells export these; the window would never be seen to change its size.
        os.environ.pop(name, None)
    engine = _engine(settings)
    from kraken_tui.terminal import leaving as ending

    try:
        from kraken_tui.tui.app import KrakenApp

        # One interpreter imports one thing at a time: the engine starts when the first screen is out.
        app = KrakenApp(engine, settings, on_first_paint=engine.start)
        code = ending.run(app, mouse=settings.mouse, guardian=guardian, note=engine.note)
    finally:
        engine.stop(ending.STOP_S)
    crash = engine.failure or getattr(app, "crash", None)
    if crash is not None:
        raise crash
    tell_recording(engine)
    if code == FAILED:
        complain(engine.feed_view.fatal)
    return code


def _stream(options: dict[str, Any], context: dict[str, Any]) -> int:
    seconds = _take_number(options, "seconds", 0, 10_000_000)
    count = _take_whole(options, "count", 1, 10**12)
    levels = _take_whole(options, "levels", 1, 1000)
    snapshot_trades = options.pop("snapshot_trades", False)
    settings = _settings(options, context, speed=0.0)
    if levels is not None and levels > settings.depth:
        raise WrongUse(f"--levels {levels} is more than the book depth of {settings.depth}; add --depth")
    if sys.stdout is None or sys.stdout.closed:
        raise WrongUse("standard output is closed")
    from kraken_tui.outputs.jsonlines import JsonLines
    from kraken_tui.outputs.printer import Limits, Output, StreamPrinter, Unread
    from kraken_tui.terminal.signals import Signals

    engine = _engine(settings)
    listener = engine.listen(book_levels=levels or 10)
    lines = JsonLines(lambda symbol: _spec(engine, symbol), snapshot_trades=snapshot_trades)
    with Signals() as signals:
        printer = StreamPrinter(
            _taker(engine, listener),
            engine,
            lines,
            Output(sys.stdout.fileno(), signals.came).write,
            complain,
            pairs=settings.pairs,
            limits=Limits(seconds, count),
            stopping=signals.came,
        )
        engine.start()
        try:
            code = printer.run()
        except Unread:
            code = DONE
        except BrokenPipeError:
            raise
        except OSError as error:
            complain(f"cannot write to standard output: {error.strerror}")
            code = FAILED
        finally:
            engine.stop()
    if engine.failure is not None:
        raise engine.failure
    tell_recording(engine)
    if listener.dropped:
        complain(f"{listener.dropped} events were left out because the output was read too slowly")
    if lines.left_out:
        complain(f"{lines.left_out} events were left out because their pair's precisions were not known")
    return code if signals.number is None else SIGNALLED + signals.number


def _snapshot(options: dict[str, Any], context: dict[str, Any]) -> int:
    output = options.pop("output")
    seconds = _take_number(options, "seconds", 0, 86_400)
    size = _size(options.pop("size", "160x48"))
    view = options.pop("view", "book")
    settings = _settings(options, context, speed=0.0)
    from kraken_tui.tui.panes import views

    if view not in views():
        raise WrongUse(f"--view takes one of {', '.join(views())}")
    path = _output_path(output)
    from kraken_tui.cli.watch import Watch, WatchEnded

    engine = _engine(settings)
    try:
        with Watch(engine, settings.pairs, seconds) as watch:
            svg = watch.picture(size, view)
    except WatchEnded as end:
        return _ended(end)
    finally:
        tell_recording(engine)
    try:
        replace_file(path, svg)
    except OSError as error:
        complain(f"cannot write {output}: {error.strerror}")
        return FAILED
    return DONE


def _plot(options: dict[str, Any], context: dict[str, Any]) -> int:
    kind = options.pop("kind", "candles")
    if kind not in PLOT_KINDS:
        raise WrongUse(f"--kind takes one of {', '.join(PLOT_KINDS)}")
    seconds = _take_number(options, "seconds", 0, 86_400)
    width = _take_whole(options, "width", 20, 1000)
    height = _take_whole(options, "height", 8, 400)
    settings = _settings(options, context, speed=0.0)
    if sys.stdout is None or sys.stdout.closed:
        raise WrongUse("standard output is closed")
    from shutil import get_terminal_size

    from kraken_tui.cli.watch import Watch, WatchEnded

    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    engine = _engine(settings)
    try:
        with Watch(engine, settings.pairs, seconds) as watch:
            width = width or get_terminal_size((100, 25)).columns
            chart = watch.chart(kind, width, height or 25, settings.theme, colour=colour)
    except WatchEnded as end:
        return _ended(end)
    finally:
        tell_recording(engine)
    print_out(chart.rstrip("\n") + "\n")
    return DONE


def _doctor(options: dict[str, Any], _: dict[str, Any]) -> int:
    connect = options.get("connect", False)
    for option in ("url", "pairs"):
        if option in options and not connect:
            raise WrongUse(f"{'PAIR' if option == 'pairs' else '--url'} is for doctor --connect")
    if "until_fault" in options and "recording" not in options:
        raise WrongUse("--until-fault is for doctor --recording FILE")
    if connect and "recording" in options:
        raise WrongUse("doctor takes --connect or --recording, not both")
    if sys.stdout is None or sys.stdout.closed:
        raise WrongUse("standard output is closed")
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    if "recording" in options:
        return _examine(options)
    from shutil import get_terminal_size

    from kraken_tui.doctor import run as doctor
    from kraken_tui.terminal import signals as terminal

    if connect:
        work = _visit(options.get("url"), options.get("pairs", "BTC/USD"))
    else:
        obstacle = terminal.obstacle(sys.stdin, sys.stdout, os.environ)

        def work() -> list[Result]:
            return doctor.examine(obstacle)

    width = get_terminal_size((140, 25)).columns if sys.stdout.isatty() else 140
    return doctor.run(work, machine=options.get("json", False), width=width, write=print_out)


def _examine(options: dict[str, Any]) -> int:
    from pathlib import Path

    # Not `expanduser`, which fails for a user there is none of: a shell has done it already.
    path = Path(options["recording"])
    _check_recording(path)
    from kraken_tui.doctor.recording import examine

    until_fault, machine = "until_fault" in options, options.get("json", False)
    return examine(path, until_fault=until_fault, machine=machine, write=print_out)


def _visit(url: str | None, pair: str) -> Callable[[], list[Result]]:
    """What `doctor --connect` does, with the address looked at first."""
    from kraken_tui.doctor.connect import visit
    from kraken_tui.engine.worker import budget_path_for
    from kraken_tui.settings import LIVE_URL
    from kraken_tui.settings.address import ConfigurationError, check_url

    try:
        address = check_url(url if url is not None else LIVE_URL)
    except ConfigurationError as error:
        raise WrongUse(f"--url: {error}") from None
    if not (0 < len(pair) <= 40 and pair.isprintable()):
        raise WrongUse("PAIR takes a pair name such as BTC/USD, at most 40 characters")
    return lambda: visit(address, pair, budget_path=budget_path_for(address))


# -- helpers ------------------------------------------------------------------------------------------------------


def _engine(settings: Settings) -> Engine:
    from kraken_tui.engine.engine import Engine

    try:
        return Engine(settings)
    except OSError as error:
        raise WrongUse(f"cannot write the log file: {error.strerror}") from None


def _taker(engine: Engine, listener: Listener) -> Callable[[float], object]:
    """The listener's `get` in the words of the layer below; an engine that died raises what it died of."""
    from kraken_tui.engine.listeners import ListenerClosed
    from kraken_tui.outputs.printer import EndOfEvents

    def take(timeout_s: float) -> object:
        try:
            return listener.get(timeout_s)
        except ListenerClosed:
            raise (engine.failure or EndOfEvents()) from None

    return take


def _spec(engine: Engine, symbol: str) -> PairSpec | None:
    view = engine.view(symbol)
    return None if view is None else view.spec


def _size(text: str) -> tuple[int, int]:
    columns, _, rows = text.partition("x")
    if not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in (columns, rows)):
        raise WrongUse("--size takes columns x rows, such as 160x48")
    size = int(columns), int(rows)
    if not (20 <= size[0] <= 500 and 5 <= size[1] <= 200):
        raise WrongUse("--size takes 20x5 to 500x200")
    return size


def _is(path: Path, question: str) -> bool:
    """Ask a path a question; one that is no path at all, such as a far too long one, answers no."""
    try:
        return bool(getattr(path, question)())
    except (OSError, ValueError):
        return False


def _path(option: str, text: str) -> Path:
    from kraken_tui.settings import file_path

    try:
        return file_path(text)
    except ValueError as error:
        raise WrongUse(f"{option} {error}") from None


def _output_path(text: str) -> Path:
    """Where to write, found out before a minute is spent watching."""
    from kraken_tui.text import clean_text

    path = _path("--output", text)
    if not path.name or (_is(path, "exists") and not _is(path, "is_file")):
        raise WrongUse("--output takes a file name; an existing file is replaced, anything else is left alone")
    if not _is(path.absolute().parent, "is_dir"):
        raise WrongUse(f"--output: there is no folder {clean_text(path.parent)}")
    return path


def _ended(end: WatchEnded) -> int:
    if str(end):
        complain(str(end))
    return end.code
