"""The manual page kraken-tui(1), made of the commands, their options and the settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kraken_tui._version import __version__
from kraken_tui.cli.command import CONFIG, HELP, VERSION, Subcommand
from kraken_tui.settings.options import OPTIONS, SECTIONS, Option, default_of
from kraken_tui.settings.written import about, toml

_REVISED = "2026-11-28"
"""What readers of manuals are told of their age: change it with the text."""

_EVERYWHERE = (HELP, VERSION, CONFIG)

_EXITS = (
    ("0", "Done; also when the reader of stream closes the pipe."),
    ("1", "The feed or the output failed for good; of doctor and config check: a fault was found."),
    ("2", "Wrong use: one line on standard error."),
    ("70", "Internal error; the report is written to a file, which standard error names."),
    ("128+n", "Ended by signal n, the terminal restored."),
)

_FILES = (
    ("~/.config/kraken-tui/config.toml",
     "Settings. kraken-tui config path prints where it is on this system, kraken-tui config init writes one."),
    ("~/.local/state/kraken-tui/", "Times of connection attempts, and the report of an internal error under log/."),
    ("~/.local/share/kraken-tui/recordings/", "What the key R records."),
)  # fmt: skip

_EXAMPLES = (
    ("A simulated market, without a network:", "kraken-tui --demo"),
    ("Two books of Kraken, a thousand levels deep:", "kraken-tui BTC/USD ETH/USD --depth 1000"),
    ("Best prices, by the line:", "kraken-tui stream BTC/USD | jq -c 'select(.event == \"book\") | .bids[0]'"),
    ("A day in files of an hour, and one of them on the screen:",
     "kraken-tui stream --record day.jsonl.zst --record-rotate 1h > lines.jsonl\n"
     "kraken-tui --replay day.jsonl.zst --at 14:03:10"),
)  # fmt: skip


def page(commands: Sequence[Subcommand]) -> str:
    """The page as roff source (man macros).

    Args:
        commands: All of them, the one that need not be named first.
    """
    return "\n".join(_lines(commands)) + "\n"


def _lines(commands: Sequence[Subcommand]) -> Iterator[str]:
    yield '.\\" Made from the table of options: python -m tests.cli.test_generated'
    yield f'.TH KRAKEN-TUI 1 "{_REVISED}" "kraken-tui {__version__}" "User commands"'
    yield ".SH NAME"
    yield r"kraken\-tui \- live, checksum\-proven Kraken order books in a terminal"
    yield ".SH SYNOPSIS"
    for number, command in enumerate(commands):
        yield from ((".br",) if number else ())
        yield _text(command.usage)
    yield ".SH DESCRIPTION"
    yield from _paragraph(
        "Shows Kraken's spot order books, trades and candles in a terminal, and never a number that it cannot prove:"
        " every message is checked against the exchange's own checksum. The same engine prints JSON lines, publishes,"
        " records and plays. It needs no account and places no orders."
    )
    yield ".PP"
    yield from _paragraph(
        "Pairs may be written BTC/USD, btcusd, XBT/USD or XXBTZUSD. On the screen the key ? explains keys and marks."
    )
    taken = (*OPTIONS, CONFIG)
    for command in commands:
        yield f'.SH "{command.program.upper()}"'
        yield from _paragraph(command.description)
        for part in command.parts:
            own = [row for row in part.rows if row not in OPTIONS and row not in _EVERYWHERE]
            for row in own:
                yield from _option(command, row)
        settings = [row.flag for row in (*command.settings, *command.own) if row in taken and not row.positional]
        if settings:
            yield ".PP"
            yield from _paragraph(f"Also takes these of the options below: {', '.join(settings)}.")
        if command.epilog and command.name != "screen":
            yield ".PP"
            yield from (".nf", *map(_text, command.epilog.split("\n")), ".fi")
    yield from _shared(commands)
    yield from _settings()
    yield from _tables()


def _shared(commands: Sequence[Subcommand]) -> Iterator[str]:
    yield ".SH OPTIONS"
    yield from _paragraph("Which command takes which stands above; all take --help and --version.")
    for row in _EVERYWHERE:
        yield from _option(commands[0], row)
    for section, words in SECTIONS.items():
        rows = [row for row in OPTIONS if row.section == section and row.flag.startswith("-")]
        if rows:
            yield f'.SS "{_capital(section)}: {_text(words)}"'
            for row in rows:
                taker = next(command for command in commands if row in command.settings)
                yield from _option(taker, row)


def _settings() -> Iterator[str]:
    yield ".SH SETTINGS"
    yield from _paragraph(
        "The command line wins over the environment, that over the settings file (TOML), that over the defaults. In the"
        " environment a setting is KRAKEN_TUI_ and its name in capitals; KRAKEN_TUI_CONFIG names another file. The file"
        " may have a table [keys] with the keys of bindings."
    )
    for row in OPTIONS:
        value = toml(default_of(row))
        yield ".TP"
        yield rf"\fB{_text(row.name)}\fR = {_text(value or 'not set')}"
        yield from _paragraph(about(row))


def _tables() -> Iterator[str]:
    for title, rows in (("EXIT STATUS", _EXITS), ("FILES", _FILES)):
        yield f'.SH "{title}"'
        for name, words in rows:
            yield from (".TP", rf"\fB{_text(name)}\fR", *_paragraph(words))
    yield ".SH EXAMPLES"
    for number, (words, lines) in enumerate(_EXAMPLES):
        yield from (*((".PP",) if number else ()), *_paragraph(words), ".PP", ".nf")
        yield from (*(f"    {_text(line)}" for line in lines.split("\n")), ".fi")


def _option(command: Subcommand, row: Option) -> Iterator[str]:
    yield ".TP"
    flag = f"-h, {row.flag}" if row is HELP else row.flag
    yield rf"\fB{_text(flag)}\fR" + (rf" \fI{_text(row.metavar)}\fR" if row.metavar else "")
    words = command.help_of(row)
    yield from _paragraph(words[:1].upper() + words[1:] + ".")


def _paragraph(text: str) -> Iterator[str]:
    from textwrap import wrap

    for line in wrap(text, 72, break_on_hyphens=False, break_long_words=False):
        yield _text(line)


def _text(text: str) -> str:
    """Text that means itself: no escapes, no request at the beginning of a line, and hyphens that can be copied."""
    plain = (
        text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("^", "\\(ha").replace("`", "\\(ga")
    )
    plain = plain.replace("'", "\\(aq") if plain.startswith("'") else plain
    return f"\\&{plain}" if plain.startswith(".") else plain


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
